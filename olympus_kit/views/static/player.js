// The player of every view: buttons, slider, keys, play, and a sentence for each step.
//
//   const player = createPlayer({
//     model,        // of anywidget; it holds "step": 0 ... steps - 1, or -1 for all at once
//     steps,        // how many there are
//     words,        // k => what step k does: a string, an element or a list (the live region)
//     onStep,       // k => void: redraw; called at once by `start()`, then at every step
//     idle,         // what is said at -1 (optional)
//     bad,          // steps at which NaN or inf first appears; key n and a button (optional)
//     group,        // views on a page with the same group share their step (optional string)
//     questions,    // each holds back the step that it asks for, until it is answered (optional)
//   });
//   player.bar, player.words      elements to put where you like, best in one element of the class
//                                 dock, which stays in view (append PLAYER_STYLE to your style)
//   player.step()                 the step shown, -1 for all, as always on paper
//   player.paper                  the media query that matches while the page is printed
//   player.go(k)                  go to a step
//   player.keys(element, more)    arrows, Home, End, Space, Escape and n act from anywhere in
//                                 `element` and do not leave it; `more` adds { key: function }
//   player.say(...words)          put other words into the live region, until the next step
//   player.start()                call once, when everything is on the page
//   player.destroy()              call from the function that `render` returns
//
//   const meters = createMeters(view)   memory and FLOPs over view.steps (live, flops), with
//                                       view.peak and view.bad
//   meters.element, meters.draw(k)

const PLAYER_STYLE = `${ASK_STYLE}
.okl .bar { display:flex; flex-wrap:wrap; gap:.35rem; align-items:center }
.okl input[type=range] { flex:1 1 9rem; min-width:0; min-height:44px; margin:0;
  accent-color:var(--primal) }
.okl .count { min-width:7em; text-align:right; font-variant-numeric:tabular-nums;
  color:var(--muted) }
.okl .dock { position:sticky; top:var(--olympus-top,0px); z-index:4; background:var(--paper);
  padding:.15rem 0 }
.okl .bar .play { min-width:6.4rem } /* as wide with either word: nothing else moves */
.okl .words { display:flex; flex-wrap:wrap; gap:.2rem 1rem; align-items:center; min-height:4.4rem;
  margin:.25rem 0; padding:.3rem .6rem; background:var(--soft); border-radius:8px;
  overflow-wrap:anywhere }
.okl .words > div:first-child { flex:1 1 18rem; min-width:0 }
@media (max-width:480px) { /* one row: the slider does what the hidden buttons do */
  .okl .bar .far { display:none }
  .okl .bar .play { min-width:44px }
  .okl .bar button span { position:absolute; clip-path:inset(50%) }
  .okl .bar .count { min-width:0; font-size:12px }
  .okl .bar input[type=range] { flex-basis:2.4rem }
}
.okl .meters { display:grid; grid-template-columns:minmax(0,1fr) auto; gap:.1rem .8rem;
  color:var(--muted);
  font-size:12.5px; margin-bottom:.4rem; align-items:center; break-inside:avoid }
.okl .strip { display:block; width:100%; height:40px; border-bottom:1px solid var(--line);
  overflow:visible }
.okl .strip * { vector-effect:non-scaling-stroke }
.okl .strip .live { fill:var(--adjoint); fill-opacity:.22; stroke:var(--adjoint); stroke-width:1.5 }
.okl .strip .flops { fill:none; stroke:var(--primal); stroke-width:1.5; stroke-dasharray:5 4 }
.okl .strip .at { stroke:var(--ink); stroke-width:2 }
.okl .strip .bad { stroke:var(--ink); stroke-width:2; stroke-dasharray:3 3 }
`;

/**
 * @param {object} options
 * @param {Model} options.model
 * @param {number} options.steps
 * @param {(k: number) => any} options.words
 * @param {(k: number) => void} options.onStep
 * @param {string} [options.idle]
 * @param {number[]} [options.bad]
 * @param {string} [options.group]
 * @param {Question[]} [options.questions]
 */
function createPlayer({ model, steps, words, onStep, idle, bad = [], group, questions = [] }) {
  const last = steps - 1;
  const open = [...questions]; // not answered yet, in the order of their steps
  function clamp(/** @type {number} */ k) {
    const most = open.length ? open[0].step - 1 : last;
    if (open.length && k < 0) return most; // all steps at once would give the answers away
    return Math.max(-1, Math.min(most, k));
  }
  const paper = matchMedia("print");
  const step = () => clamp(paper.matches ? -1 : (model.get("step") ?? -1));
  // Long programs are played in about a minute, short ones slowly enough to be read.
  const beat = Math.max(80, Math.min(900, 60000 / Math.max(1, steps)));
  const stride = Math.max(1, Math.round((steps * beat) / 60000));

  /** @param {number} k */
  function go(k) {
    model.set("step", clamp(k));
    try {
      model.save_changes();
    } catch {
      // no kernel: the step lives on the page alone
    }
    draw();
    if (!group) return;
    const detail = { group, step: step(), model };
    document.dispatchEvent(new CustomEvent("olympus-step", { detail }));
  }

  let timer = 0;
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.replaceChildren("▶", make("span", {}, " Play"));
  }
  function toggle() {
    if (timer || !box.hidden) return stop();
    if (step() >= last) go(-1);
    play.replaceChildren("❚❚", make("span", {}, " Pause"));
    timer = setInterval(() => (step() >= last ? stop() : go(step() + stride)), beat);
  }

  const nan = ["NaN", make("span", {}, " or inf (n)")]; // a phone has no room for the rest
  /** @type {(text: string, name: string, onclick: () => void, more?: object) => any} */
  const button = (text, name, onclick, more = {}) =>
    make("button", { type: "button", "aria-label": name, title: name, onclick, ...more }, text);
  const far = { class: "far" };
  const first = button("|◀", "show all, before the first step", () => go(-1), far);
  const back = button("◀", "one step back", () => go(step() - 1));
  const next = button("Step ▶", "one step on", () => go(step() + 1));
  const end = button("▶|", "to the last step", () => go(last), far);
  const play = make("button", { type: "button", class: "play", onclick: toggle });
  stop();
  const slide = () => go(Number(slider.value));
  const range = { type: "range", min: -1, max: Math.max(0, last), "aria-label": "step" };
  const slider = make("input", { ...range, oninput: slide });
  const count = make("span", { class: "count" });
  const toBad = () => bad.length && go(bad.find((k) => k > step()) ?? bad[0]);
  const leap = bad.length > 0 && make("button", { type: "button", onclick: toBad }, nan);
  const bar = make("div", { class: "bar" }, first, back, next, end, play, slider, count, leap);
  const region = make("div", { class: "words", role: "status" });
  const box = make("div", { hidden: true });
  /** @type {any} */
  let asking = null; // the question that is on the page
  // When the step before a question is reached it is box, and its answer is that step.
  function ask() {
    const [question] = open;
    const isDue = question && step() === question.step - 1;
    if (isDue) stop();
    if (isDue && asking?.question !== question) {
      /** @type {OnAnswer} */
      const onAnswer = (_text, right) => right && answered();
      const answered = () => {
        open.shift();
        go(question.step);
        (box.hidden ? next : box.querySelector("button")).focus();
      };
      asking = { question, ...createQuestion(question, { onAnswer }) };
      const show = make("button", { type: "button", onclick: answered }, "Show me");
      box.replaceChildren(asking.element, show);
    }
    box.hidden = !isDue;
    bar.closest(".okl")?.toggleAttribute("data-asking", open.length > 0);
  }

  let drawn = -2; // no step
  function draw() {
    const k = step();
    if (k === drawn) return;
    drawn = k;
    slider.value = k;
    slider.disabled = play.disabled = last < 0;
    const place = `step ${(k + 1).toLocaleString("en")} of ${steps.toLocaleString("en")}`;
    count.textContent = k < 0 ? counted(steps, "step") : place;
    slider.setAttribute("aria-valuetext", k < 0 ? "all steps" : place);
    first.disabled = back.disabled = k < 0;
    next.disabled = end.disabled = k >= clamp(last);
    // a button that is disabled while it has the focus would swallow every key
    if (bar.getRootNode().activeElement?.disabled) slider.focus();
    const sentence = k < 0 ? (idle ?? "Everything is shown. Step to watch it appear.") : words(k);
    say(sentence);
    onStep(k);
    ask();
  }

  /** @param {any} event */
  const follow = ({ detail }) => {
    if (detail.group !== group || detail.model === model) return;
    model.set("step", clamp(detail.step));
    draw();
  };
  if (group) document.addEventListener("olympus-step", follow);
  model.on("change:step", draw);
  paper.addEventListener("change", draw);

  // What a control does with a key by itself, it goes on doing; in no case does a key that means
  // something here reach the page around it, which may have a meaning of its own for it.
  /** @type {(element: HTMLElement, more?: Record<string, () => void>) => void} */
  function keys(element, more = {}) {
    const on = () => go(step() + 1);
    const off = () => go(step() - 1);
    /** @type {Record<string, () => void>} */
    const actions = { ArrowDown: on, ArrowRight: on, ArrowUp: off, ArrowLeft: off };
    Object.assign(actions, { Home: () => go(-1), End: () => go(last), " ": toggle, n: toBad });
    actions.Escape = () => (timer ? stop() : go(-1));
    for (let k = 1; k <= 4 && questions.length; k += 1) {
      actions[k] = () => !box.hidden && asking.pick(k);
    }
    Object.assign(actions, more);
    element.addEventListener("keydown", (/** @type {any} */ event) => {
      const { key, target } = event;
      if (!actions[key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.stopPropagation();
      const isPressed = (key === " " || key === "Enter") &&
        target.matches("button, summary, input");
      const isTyped = target.matches("select, pre, input:not([type=range])") && key !== "Escape";
      if (isPressed || isTyped) return;
      event.preventDefault();
      actions[key]();
    });
  }

  function destroy() {
    stop();
    document.removeEventListener("olympus-step", follow);
    model.off("change:step", draw);
    paper.removeEventListener("change", draw);
  }

  /** @param {any[]} words */
  function say(...words) {
    region.replaceChildren(...words.flat().filter((word) => word != null && word !== false));
  }
  return { bar, words: [region, box], paper, step, go, keys, say, start: draw, destroy };
}

/** @typedef {ReturnType<typeof createPlayer>} Player */
/** @typedef {{ live: number, flops: number }} Meter */
/** @param {{ steps: Meter[], peak: number, bad: number[] }} view */
function createMeters(view) {
  const last = view.steps.length - 1;
  const total = Math.max(1, view.steps[last]?.flops ?? 1);
  const x = (/** @type {number} */ k) => (k + 1) * (600 / (last + 2));
  /** @param {number} k */
  const memory = (k) => 39 - (view.steps[k].live / Math.max(1, view.peak)) * 36;
  // of thousands of steps, the fullest of each pixel
  const stride = Math.max(1, Math.ceil((last + 1) / 600));
  /** @type {number[]} */
  const picked = [];
  for (let k = 0; k <= last; k += stride) {
    let most = k;
    for (let j = k; j < Math.min(k + stride, last + 1); j += 1) {
      if (view.steps[j].live > view.steps[most].live) most = j;
    }
    picked.push(most);
  }
  /** @type {(y: (k: number) => number) => string} */
  const points = (y) => picked.map((k) => `${x(k).toFixed(1)},${y(k).toFixed(1)}`).join(" ");
  const at = svg("line", { class: "at", y1: 0, y2: 40 });
  const strip = svg(
    "svg",
    { class: "strip", viewBox: "0 0 600 40", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polygon", { class: "live", points: `0,40 ${points(memory)} 600,40` }),
    svg("polyline", {
      class: "flops",
      points: points((k) => 39 - (view.steps[k].flops / total) * 36),
    }),
    view.bad.map((k) => svg("line", { class: "bad", x1: x(k), x2: x(k), y1: 0, y2: 40 })),
    at,
  );
  const live = make("div");
  const flops = make("div");
  const mark = view.bad.length ? " · ┆ first NaN or inf" : "";
  /** @param {number} k */
  function draw(k) {
    const step = view.steps[k];
    const most = step
      ? `${bytes(step.live)}, at most ${bytes(view.peak)}`
      : `at most ${bytes(view.peak)}`;
    live.textContent = `▬ live after each step, inputs not counted: ${most}${mark}`;
    const total = (step ?? view.steps[last] ?? { flops: 0 }).flops;
    flops.textContent = `┄ FLOPs${step ? " so far" : ""}: ${total.toLocaleString("en")}`;
    at.style.display = step ? "" : "none";
    at.setAttribute("x1", x(k));
    at.setAttribute("x2", x(k));
  }
  strip.style.gridColumn = "1 / -1";
  return { element: make("div", { class: "meters" }, last > 0 && strip, live, flops), draw };
}
