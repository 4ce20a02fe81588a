// A figure: title, finding, the picture that Python drew, a player for its steps, and what is
// shown on request. There is nothing here about any one view: what an element does is written on
// it.
//
//   data-at="3"        it appears at step 3 (before the first step everything is shown)
//   data-now="3 5"     it is lit at these steps
//   data-say="..."     it can be pointed at, and focus brings this into the status line;
//                      empty: what can be read in it, with words for the marks
//   data-node, -ends   what has these ends is lit while the node is pointed at
//
// Tab goes into the picture and, inside, to one element with data-say; from there the arrow keys
// go to its neighbours, Escape back to the picture. Enter or a click goes to the next step at which
// the element changes.

const FIGURE_STYLE = `${PLAYER_STYLE}
.okl .finding { font-size:1.05em; margin:.15rem 0 .6rem; max-width:60em; overflow-wrap:anywhere }
.okl .pictures { display:flex; flex-wrap:wrap; gap:1rem 2rem; align-items:flex-start;
  margin:.5rem 0 0; max-height:56rem; padding:2px }
.okl .pictures svg { display:block; height:auto; flex:none }
.okl .pictures > svg:only-child { margin:0 auto }
.okl .details .pictures { max-height:none } .okl details { margin:0 }
.okl svg .later, .okl svg .cursor { visibility:hidden } .okl svg .cursor.now { visibility:visible }
.okl svg [data-say] { cursor:pointer; outline-offset:1px }
.okl svg [data-say]:is(:hover,:focus-visible) > .box { stroke-width:3 }
.okl svg rect[data-say]:is(:hover,:focus-visible) { stroke:var(--ink); stroke-width:2 }
.okl svg .now > .box { fill:var(--now); stroke-width:3 }
.okl svg .now > .cell { stroke:var(--ink); stroke-width:1.5 }
.okl svg text { pointer-events:none } .okl svg text.now { font-weight:700 }
.okl svg .near > .way { stroke:var(--ink) } .okl svg .near > .head { fill:var(--ink) }
.okl svg .now > .way { stroke:var(--adjoint); stroke-dasharray:7 4 }
.okl svg .now > .adjoint { font-weight:700 }
.okl .say { min-height:1.6em; margin:.2rem 0; color:var(--muted); overflow-wrap:anywhere }
.okl table { border-collapse:collapse; margin:.3rem 0 .8rem; font-size:13px }
.okl th, .okl td { padding:.3rem .55rem; text-align:right; border-bottom:1px solid var(--line);
  font-variant-numeric:tabular-nums; white-space:nowrap }
.okl th:first-child { text-align:left; position:sticky; left:0; background:var(--paper) }
.okl table.prose td { text-align:left; white-space:pre-line; min-width:6.5em; vertical-align:top }
.okl table.prose th { text-align:left; white-space:normal; vertical-align:top; font-weight:600 }
.okl .scroll:has(.prose) { max-height:none }
@media (max-width:40rem) {
  .okl .prose thead { display:none }
  .okl .prose :is(tr, th, td) { display:block; border:0 }
  .okl .prose :is(th, td) { padding:.1rem .3rem }
  .okl .prose tr { border-bottom:1px solid var(--line); padding:.4rem 0 }
}
.okl thead th { color:var(--muted); font-weight:600 }
.okl tr.now > * { background:var(--now) }
.okl ul { margin:.2rem 0 .6rem; padding-left:1.2rem; overflow-wrap:anywhere }
@media (prefers-reduced-motion:no-preference) { .okl svg .box { transition:fill .15s } }
@media (forced-colors:active) { .okl svg .now > .box { stroke:Highlight; stroke-width:5 } }
`;
const NARROW = 346; // a picture up to this wide fits a phone, and may grow on a wide page
const WORDS = Object.fromEntries(
  Object.entries(MARK).map(([word, mark]) => [mark, word.replace("_", " ")]),
);

// ---- the picture -------------------------------------------------------------------------------

// Pictures beside each other have letters of one size.
/** @param {Picture[]} pictures */
function drawPictures(pictures) {
  const elements = pictures.map(({ name, svg }) => {
    const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    const picture = document.importNode(parsed, true);
    picture.setAttribute("role", "group");
    picture.setAttribute("aria-label", name);
    picture.removeAttribute("height");
    return picture;
  });
  const widths = elements.map((picture) => Number(picture.getAttribute("width")));
  const narrow = Math.max(...widths) <= NARROW;
  elements.forEach((picture, k) => {
    picture.setAttribute("width", String(widths[k] * (narrow ? 1.3 : 1)));
    picture.style.maxWidth = narrow ? "100%" : "none";
  });
  return elements;
}

// What can be read of an element at this step, with words for its marks.
/** @param {any} element */
function spoken(element) {
  if (element.dataset.say) return element.dataset.say;
  const lines = [...element.querySelectorAll("text:not(.later)")].map((line) => line.textContent);
  return lines
    .map((line) => (WORDS[line[0]] ? `${WORDS[line[0]]} ${line.slice(2)}` : line))
    .join(", ");
}

// Give each marked element of the pictures its behaviour; `now(k)` shows step k.
/**
 * @param {Element[]} pictures
 * @param {Player | null} player
 * @param {(words: string) => void} say
 */
function enliven(pictures, player, say) {
  /** @type {(selector: string) => any[]} */
  const all = (selector) => pictures.flatMap((picture) => [...picture.querySelectorAll(selector)]);
  const timed = all("[data-at],[data-now]").map((element) => {
    /** @type {(name: string) => number[]} */
    const numbers = (name) => (element.dataset[name] ?? "").split(" ").filter(Boolean).map(Number);
    return { element, at: numbers("at")[0] ?? -1, now: new Set(numbers("now")) };
  });
  const stops = all("[data-say]");
  const ends = all("[data-ends]");
  /** @type {(stop: Element) => number[]} */
  const stepsOf = (stop) => {
    const inside = timed.filter(({ element }) => stop.contains(element) || element.contains(stop));
    return inside
      .flatMap(({ at, now }) => [at, ...now])
      .filter((k) => k >= 0)
      .sort((a, b) => a - b);
  };
  for (const end of ends) end.setAttribute("aria-hidden", "true"); // the text has them all

  /** @param {any} event */
  function point(event) {
    const stop = event.target.closest?.("[data-say]");
    if (!stop) return;
    say(spoken(stop));
    for (const end of ends) {
      end.classList.toggle("near", end.dataset.ends.split(" ").includes(stop.dataset.node));
    }
  }
  /** @param {any} event */
  function jump(event) {
    const stop = event.target.closest?.("[data-say]");
    if (!stop || !player) return;
    const [shown, steps] = [player.step(), stepsOf(stop)];
    if (steps.length) player.go(steps.find((k) => k > shown) ?? steps[0]);
  }
  /** @type {Record<string, number[]>} */
  const directions = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  /** @type {(stop: Element, direction: number[]) => any} */
  function neighbour(stop, [dx, dy]) {
    const middle = (/** @type {Element} */ element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return [x + width / 2, y + height / 2];
    };
    const [x, y] = middle(stop);
    let best;
    for (const other of stops) {
      const [a, b] = middle(other);
      const along = (a - x) * dx + (b - y) * dy;
      const aside = Math.abs((a - x) * dy) + Math.abs((b - y) * dx);
      const far = along + 3 * aside;
      if (along > 1 && (!best || far < best.far)) best = { other, far };
    }
    return best?.other;
  }
  /** @param {any} stop */
  function focus(stop) {
    if (!stop) return;
    for (const other of stops) other.setAttribute("tabindex", other === stop ? 0 : -1);
    stop.focus();
  }
  /** @param {any} event */
  function keys(event) {
    const stop = event.target.closest?.("[data-say]");
    if (!stop || event.ctrlKey || event.metaKey || event.altKey) return;
    if (directions[event.key]) focus(neighbour(stop, directions[event.key]));
    else if (event.key === "Escape") stop.closest(".pictures").focus();
    else if (event.key === "Enter" || event.key === " ") jump(event);
    else return;
    event.preventDefault();
    event.stopPropagation(); // the keys of the whole figure mean something else
  }

  for (const [k, stop] of stops.entries()) {
    stop.setAttribute("tabindex", k ? -1 : 0);
    stop.setAttribute("role", player && stepsOf(stop).length ? "button" : "img");
    stop.setAttribute("aria-label", spoken(stop));
  }

  /** @param {number} k */
  function now(k) {
    for (const { element, at, now: lit } of timed) {
      element.classList.toggle("later", k >= 0 && at > k);
      element.classList.toggle("now", lit.has(k));
      if (element.hasAttribute("data-say")) {
        if (lit.has(k)) element.setAttribute("aria-current", "step");
        else element.removeAttribute("aria-current");
      }
    }
    for (const stop of stops) if (!stop.dataset.say) stop.setAttribute("aria-label", spoken(stop));
    return timed.find(({ element, now: lit }) => lit.has(k) && !element.matches("[data-ends]"))
      ?.element;
  }
  const listeners = { onmouseover: point, onfocusin: point, onclick: jump, onkeydown: keys };
  return {
    listeners,
    now,
    enter: () => focus(stops.find((stop) => stop.getAttribute("tabindex") === "0")),
    stops,
  };
}

// Scroll the picture alone, never the page.
/** @type {(scroll: Element, element: Element) => void} */
function reveal(scroll, element) {
  const [box, at] = [scroll, element].map((part) => part.getBoundingClientRect());
  if (at.top < box.top) scroll.scrollTop -= box.top - at.top + 20;
  if (at.bottom > box.bottom) scroll.scrollTop += at.bottom - box.bottom + 20;
  if (at.left < box.left) scroll.scrollLeft -= box.left - at.left + 20;
  if (at.right > box.right) scroll.scrollLeft += at.right - box.right + 20;
}

// ---- what is shown on request ------------------------------------------------------------------

/**
 * @typedef {object} Table
 * @property {string} caption
 * @property {string[]} columns
 * @property {string[][]} rows
 * @property {boolean} prose
 * @property {boolean} open
 */
/** @param {Table} table */
function drawTable({ caption, columns, rows, prose }) {
  const head = [caption, ...columns].map((text) => make("th", { scope: "col" }, text));
  const body = rows.map(([name, ...cells]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, name),
      cells.map((text) => make("td", {}, text)),
    )
  );
  const parts = [make("thead", {}, make("tr", {}, head)), make("tbody", {}, body)];
  const table = make("table", { class: prose ? "prose" : null }, parts);
  return make(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": `table: ${caption}` },
    table,
  );
}

/** @type {(heading: string, ...children: any[]) => Element} */
const folded = (heading, ...children) =>
  make("details", { class: "details" }, make("summary", {}, heading), children);
/** @param {string[]} lines */
const list = (lines) =>
  lines.length > 0 &&
  make(
    "ul",
    {},
    lines.map((line) => make("li", {}, line)),
  );

// The view of the pass that is shown: the element of another view, made when it is opened.
/** @typedef {{ heading: string, tag: string, states: string[] }} Inner */
/** @type {(inner: Inner | null, step: () => number) => { details: Element, show: () => void }} */
function createInner(inner, step) {
  /** @type {Record<number, Element>} */
  const elements = {};
  const place = make("div");
  const details = make(
    "details",
    { class: "inner", ontoggle: show },
    make("summary", {}, inner?.heading ?? ""),
    place,
  );
  function show() {
    const state = inner?.states[step()];
    details.hidden = !state;
    if (state && details.open) {
      place.replaceChildren(elements[step()] ??= make(inner.tag, { "data-state": state }));
    }
  }
  return { details, show };
}

// ---- everything together -----------------------------------------------------------------------

/** @typedef {{ heading: string, lines: string[], pictures: Picture[] }} Detail */
/** @typedef {Meter & { words: string, row: number | null }} FigureStep */
/**
 * @typedef {object} FigureView
 * @property {string} title
 * @property {string} finding
 * @property {string} kind
 * @property {string} idle
 * @property {string[]} notes
 * @property {Picture[]} pictures
 * @property {FigureStep[]} steps
 * @property {{ group: string, bad: number[], peak: number | null }} player
 * @property {Detail[]} details
 * @property {Table[]} tables
 * @property {Question[]} [questions]
 * @property {string} text
 * @property {Inner | null} inner
 * @property {string} [chapter]
 */

/** @param {Host} host */
function renderFigure({ model, el }) {
  /** @type {FigureView} */
  const view = model.get("view");
  const { group, bad, peak } = view.player;
  const { questions = [], chapter } = view;
  const quiz = chapter ? createQuiz({ questions, chapter }) : null;
  const count = view.steps.length;
  const pictures = drawPictures(view.pictures);
  const status = make("p", { class: "say", role: "status" });
  const meters = count && peak !== null ? createMeters({ steps: view.steps, bad, peak }) : null;
  const player = count
    ? createPlayer({
      model,
      steps: count,
      words: (k) => view.steps[k].words,
      onStep: draw,
      idle: view.idle || undefined,
      bad,
      group,
    })
    : null;
  const { listeners, now, enter, stops } = enliven(
    pictures,
    player,
    (words) => (status.textContent = words),
  );
  const inner = createInner(view.inner, () => model.get("step") ?? -1); // on paper, too
  const how = [
    player && "arrow keys step, Space plays",
    stops.length && "Enter goes to its parts",
  ].filter(Boolean);
  const label = [`the ${view.kind}`, how.join(", ")].filter(Boolean).join(": ");
  const scroll = make(
    "div",
    { class: "pictures", tabindex: 0, role: "group", "aria-label": label, ...listeners },
    pictures,
  );
  const tables = view.tables.map((table) => ({ table, element: drawTable(table) }));
  const closed = tables.filter(({ table }) => !table.open);
  const rows = [...(tables[0]?.element.querySelectorAll("tbody tr") ?? [])];
  const { root, unmount } = mount(
    el,
    { label: view.title, style: FIGURE_STYLE },
    make("p", { class: "title" }, view.title),
    make("p", { class: "finding" }, view.finding),
    player
      ? make("div", { class: "dock" }, player.bar, player.words)
      : view.idle && make("div", { class: "words" }, view.idle),
    quiz?.element,
    meters?.element,
    pictures.length > 0 && scroll,
    stops.length > 0 && status,
    inner.details,
    tables.filter(({ table }) => table.open).map(({ element }) => element),
    view.details.map(({ heading, lines, pictures: more }) =>
      folded(
        heading,
        list(lines),
        more.length > 0 &&
          make(
            "div",
            { class: "pictures", tabindex: 0, role: "group", "aria-label": heading },
            drawPictures(more),
          ),
      )
    ),
    closed.length > 0 &&
      folded(
        `Table: ${closed.map(({ table }) => table.caption).join("; ")}`,
        closed.map(({ element }) => element),
      ),
    view.notes.length > 0 && folded("Notes", list(view.notes)),
    folded("The same as text", make("pre", { tabindex: 0 }, view.text)),
  );

  /** @param {number} k */
  function draw(k) {
    const current = now(k);
    rows.forEach((row, i) => row.classList.toggle("now", i === view.steps[k]?.row));
    meters?.draw(k);
    inner.show();
    if (current) reveal(scroll, current);
  }
  scroll.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.target !== scroll || event.key !== "Enter") return;
    event.preventDefault();
    enter();
  });
  if (player) {
    player.keys(root);
    player.start();
  } else {
    inner.show();
  }
  if (questions.length && !quiz) createVeil(root, questions);
  return () => {
    player?.destroy();
    quiz?.destroy();
    unmount();
  };
}

const render = explorable(renderFigure);
export default { render };
