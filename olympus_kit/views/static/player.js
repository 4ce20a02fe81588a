// The player of every view: buttons, slider, keys, play, and a sentence for each step.
//
//   const player = createPlayer({
//     model,        // of anywidget; the step lives in it as "step": 0 ... steps - 1, or -1 for all at once
//     steps,        // how many there are
//     words,        // k => what step k does: a string, an element or a list of them (the live region)
//     onStep,       // k => void: redraw; called at once by `start()`, then at every step
//     idle,         // what is said at -1 (optional)
//     jumps,        // [{ key: "n", label: "Next NaN", step: (k) => 12 }]: further buttons and keys (optional)
//     group,        // views on a page with the same group share their step (optional string)
//   });
//   player.bar, player.words      elements to put where you like (append PLAYER_STYLE to your style)
//   player.step()                 the step shown, -1 for all
//   player.go(k)                  go to a step
//   player.keys(element, more)    arrows, Home, End, Space and the jumps' keys act while `element` itself has
//                                 the focus; `more` adds { key: function }
//   player.say(...words)          put other words into the live region, until the next step
//   player.start()                call once, when everything is on the page
//   player.destroy()              call from the function that `render` returns

const PLAYER_STYLE = `
.okl .bar { display:flex; flex-wrap:wrap; gap:.35rem; align-items:center }
.okl input[type=range] { flex:1 1 9rem; min-width:0; min-height:44px; accent-color:var(--primal); margin:0 }
.okl .count { min-width:7em; text-align:right; font-variant-numeric:tabular-nums; color:var(--muted) }
.okl .words { min-height:3em; margin:.35rem 0; padding:.45rem .6rem; background:var(--soft); border-radius:8px;
  overflow-wrap:anywhere }
`;

function createPlayer({ model, steps, words, onStep, idle, jumps = [], group }) {
  const last = steps - 1;
  const clamp = (k) => Math.max(-1, Math.min(last, k));
  const step = () => clamp(model.get("step") ?? -1);
  // Long programs are played in about a minute, short ones slowly enough to be read.
  const beat = Math.max(80, Math.min(900, 60000 / Math.max(1, steps)));
  const stride = Math.max(1, Math.round((steps * beat) / 60000));

  function go(k) {
    model.set("step", clamp(k));
    try {
      model.save_changes();
    } catch {
      // no kernel: the step is kept on the page alone
    }
    draw();
    if (group) document.dispatchEvent(new CustomEvent("olympus-step", { detail: { group, step: step(), model } }));
  }

  let timer = null;
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "▶ Play";
  }
  function toggle() {
    if (timer) return stop();
    if (step() >= last) go(-1);
    play.textContent = "❚❚ Pause";
    timer = setInterval(() => (step() >= last ? stop() : go(step() + stride)), beat);
  }

  const button = (text, name, onclick) => make("button", { type: "button", "aria-label": name, title: name, onclick }, text);
  const first = button("|◀", "show all, before the first step", () => go(-1));
  const back = button("◀", "one step back", () => go(step() - 1));
  const next = button("Step ▶", "one step on", () => go(step() + 1));
  const end = button("▶|", "to the last step", () => go(last));
  const play = make("button", { type: "button", onclick: toggle }, "▶ Play");
  const slide = () => go(Number(slider.value));
  const slider = make("input", { type: "range", min: -1, max: Math.max(0, last), "aria-label": "step", oninput: slide });
  const count = make("span", { class: "count" });
  const leaps = jumps.map((j) => make("button", { type: "button", onclick: () => go(j.step(step())) }, `${j.label} (${j.key})`));
  const bar = make("div", { class: "bar" }, first, back, next, end, play, slider, count, leaps);
  const region = make("div", { class: "words", role: "status" });

  let drawn = null;
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
    next.disabled = end.disabled = k >= last;
    region.replaceChildren(...[k < 0 ? (idle ?? "Everything is shown. Step to watch it appear.") : words(k)].flat().filter((said) => said != null));
    onStep(k);
  }

  const follow = ({ detail }) => {
    if (detail.group !== group || detail.model === model) return;
    model.set("step", clamp(detail.step));
    draw();
  };
  if (group) document.addEventListener("olympus-step", follow);
  model.on("change:step", draw);

  function keys(element, more = {}) {
    const on = () => go(step() + 1);
    const off = () => go(step() - 1);
    const known = { ArrowDown: on, ArrowRight: on, ArrowUp: off, ArrowLeft: off, Home: () => go(-1), End: () => go(last) };
    known[" "] = toggle;
    for (const j of jumps) known[j.key] = () => go(j.step(step()));
    Object.assign(known, more);
    element.addEventListener("keydown", (event) => {
      if (event.target !== element || !known[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      known[event.key]();
    });
  }

  function destroy() {
    stop();
    document.removeEventListener("olympus-step", follow);
    model.off("change:step", draw);
  }

  const say = (...said) => region.replaceChildren(...said.flat());
  return { bar, words: region, step, go, keys, say, start: draw, destroy };
}
