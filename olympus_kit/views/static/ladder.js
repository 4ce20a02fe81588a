// The ladder: one row for each primal equation, its derivative beside it; the listing: the same as
// code. Rows are placed by hand, so that of thousands only those in sight exist.

const STYLE = `
.okl .error { border-left:4px solid var(--adjoint); padding:.1rem .6rem; margin:.3rem 0;
  overflow-wrap:anywhere }
.okl .product { display:flex; flex-wrap:wrap; align-items:center; gap:.2rem .5rem }
.okl .term { border:1px solid; border-radius:8px; padding:0 .5rem; background:var(--paper);
  max-width:100% }
.okl .term code { display:block; overflow-wrap:anywhere }
.okl .term .value { font-weight:650; color:var(--ink) }
.okl .op { font-size:1.3em; font-weight:650 }
.okl .turning { font-weight:650; display:block }
.okl .switches { display:flex; gap:.35rem }
.okl .jump input { min-height:44px; background:var(--soft); border:1px solid var(--line);
  border-radius:8px; padding:0 .5rem }
.okl .panes { display:flex; gap:.75rem; align-items:stretch }
.okl[data-stacked] .panes { flex-direction:column }
.okl .pane { flex:1 1 0; min-width:0; position:relative }
.okl .pane.listing:not(:only-child) { flex-grow:.6 }
.okl .pane .scroll { max-height:max(15rem, min(36rem, 58vh)); background:none }
.okl .item { position:absolute; left:0; right:0; display:grid; column-gap:.3rem; align-items:start;
  grid-template:auto 1fr / var(--columns) }
.okl .item > * { grid-row:1 }
.okl .item > .path { grid-row:1/span 2 }
.okl .item > .first { grid-column:3 } .okl .item > .all { grid-column:3/-1 }
.okl .item > .partial { grid-column:3; grid-row:2 }
.okl [data-three] .item > .partial { grid-column:4; grid-row:1 }
.okl .item > .rung { grid-column:-3/-2; grid-row:1/span 2 }
.okl .item > .derivative { grid-column:-2/-1; grid-row:1/span 2 }
.okl .partial .cell:not(:empty) { margin-top:4px }
.okl [data-three] .partial .cell { margin-top:0 }
.okl .head { position:sticky !important; top:0; z-index:2; background:var(--paper); padding:.2rem 0;
  font-weight:650 }
.okl .canvas { position:relative }
.okl .edges { position:absolute; width:34px; pointer-events:none; overflow:hidden }
.okl .edges path { fill:none; stroke:var(--muted); stroke-width:1.2; opacity:.55 }
.okl .edges .focus { stroke:var(--primal); stroke-width:2.4; opacity:1 }
.okl .edges .adjoint { stroke:var(--adjoint); stroke-width:2.4; opacity:1; stroke-dasharray:7 3 }
.okl .path { color:var(--muted); font-size:11.5px; line-height:30px; white-space:nowrap;
  overflow:hidden; text-overflow:ellipsis }
.okl .path button { width:100%; padding:0 .1rem; text-align:left; overflow:hidden;
  text-overflow:ellipsis; font-size:11.5px }
.okl .item.focus .path { color:var(--ink); font-weight:700 }
.okl .cell { border:1px solid; border-radius:7px; overflow:hidden; padding:2px 0 }
.okl .line { display:flex; align-items:center; gap:1ch; justify-content:space-between;
  padding:0 .4rem; cursor:pointer; border-left:4px solid transparent; line-height:24px;
  white-space:nowrap }
.okl .line code { line-height:inherit; flex:none }
.okl .line .value { color:var(--ink); flex:0 1 auto; overflow:hidden; text-overflow:ellipsis }
.okl .line.tall { display:block; white-space:pre-wrap; overflow-wrap:anywhere }
.okl .line.tall code { display:block }
.okl .line.tall .value { text-align:right; white-space:nowrap }
.okl .peek .line { display:flex; white-space:nowrap; overflow:hidden }
.okl .peek .line code { flex:none; max-width:100%; overflow:hidden; text-overflow:ellipsis }
.okl .peek .line .value { flex:0 1 auto }
.okl .line:hover, .okl .line.linked { background:var(--soft) }
.okl .later .value { visibility:hidden } .okl .late.later { display:none }
.okl .line.now, .okl .end.seed { background:var(--now) }
.okl .line.now { border-left-color:currentColor; font-weight:650 }
.okl .line.bad .value::before { content:"⚠ " }
.okl .line.bad .value { text-decoration:underline wavy var(--adjoint) }
.okl .item .note { line-height:18px; padding:0 .5rem; overflow-wrap:anywhere }
.okl .call { line-height:30px; padding:0 .5rem; font-weight:600; overflow:hidden;
  text-overflow:ellipsis; white-space:nowrap }
.okl .choose { display:flex; align-items:center; gap:.3rem; color:var(--muted); font-size:12px;
  height:46px }
.okl .rung { text-align:center; color:var(--muted); font-size:11.5px; line-height:18px;
  padding-top:6px; overflow:hidden }
.okl .keep { display:flex; align-items:center; gap:.2rem; white-space:nowrap; height:18px }
.okl .keep::before, .okl .keep::after { content:""; flex:1; min-width:.3rem;
  border-top:2px solid var(--line) }
.okl .keep.live { color:var(--ink); font-weight:650 }
.okl .keep.live::before, .okl .keep.live::after { border-top:3px solid var(--ink) }
.okl .keep.free::before, .okl .keep.free::after { border-top:1px dashed var(--line) }
.okl .end .path { line-height:24px }
.okl .end code { line-height:24px; white-space:nowrap; overflow:hidden; text-overflow:ellipsis;
  display:block }
.okl .divide { color:var(--muted); font-size:12px; line-height:22px;
  border-bottom:1px dashed var(--line) }
.okl[data-narrow] .item { grid-template-rows:none }
.okl[data-narrow] .item > * { grid-row:auto }
.okl[data-narrow] .item > .path { grid-row:1/span 4 }
.okl[data-narrow] .item > :is(.partial,.rung,.derivative) { grid-column:3; grid-row:auto }
.okl[data-narrow] .rung { display:flex; gap:.5rem; padding:0 } .okl[data-narrow] .keep { flex:1 }
.okl[data-narrow] .head { display:flex; flex-wrap:wrap; gap:0 1rem;
  padding-left:calc(3.5rem + 34px) }
.okl[data-narrow] .head :is(.path,.rung) { display:none }
.okl[data-narrow] .derivative .cell { margin-top:4px }
.okl[data-narrow] .product { display:none }
@media (prefers-reduced-motion:no-preference) { .okl .line { transition:background-color .15s } }
@media (forced-colors:active) {
  .okl .line.now { outline:2px solid Highlight; outline-offset:-2px }
}
@media print { /* rows follow one another, as high as their text: nothing is cut */
  .okl :is(.dock,.switches,.edges,.peek) { display:none }
  .okl .panes { display:block }
  .okl .canvas { height:auto !important }
  .okl .item, .okl .head { position:static !important; break-inside:avoid; margin-bottom:6px }
  .okl .line { break-inside:avoid; flex-wrap:wrap; line-height:19px }
  .okl :is(.head,.divide) { break-after:avoid }
  .okl .item :is(.path,.cell,.line,code,.call,.rung,.keep) { height:auto !important;
    white-space:normal !important; overflow:visible; overflow-wrap:anywhere }
  .okl .line code { flex:0 1 auto } .okl .line .value { margin-left:auto }
  .okl .path button, .okl .choose select { display:inline !important; appearance:none; border:0;
    background:none; padding:0; min-width:0; min-height:0; white-space:normal; overflow:visible }
  .okl .choose { height:auto }
  .okl:not([data-asking]) .later .value { visibility:visible }
  .okl:not([data-asking]) .late.later { display:inline }
}
`;

const FEW = 300; // items that are drawn all at once; of more, only those in sight exist
const SMALL = 30; // rows of a program whose edges are all drawn
const NARROW = 660; // pixels below which the columns stand below one another
const WIDE = 1150; // pixels from which ladder and listing stand beside one another
const GUTTER = 34;
const MANY = 5; // inputs or outputs that lie under one row which opens
const MARGIN = 5; // characters of a line that its mark and its edges take
/** @type {Column[]} */
const COLUMNS = ["primal", "local_derivative", "tangent", "adjoint"];
const PLACE = {
  primal: "first",
  local_derivative: "partial",
  tangent: "derivative",
  adjoint: "derivative",
};

// ---- what Python sends --------------------------------------------------------------------------

/** @typedef {"primal" | "local_derivative" | "tangent" | "adjoint"} Column */
/**
 * @typedef {object} Line
 * @property {string} text
 * @property {string} value
 * @property {string} short
 * @property {Column} role
 * @property {number | null} step
 * @property {number} [late]
 * @property {string[] | null} iterations
 * @property {boolean} bad
 * @property {any} [detail]
 */
/** @typedef {{ name: string, value: string, first: number | null, last: number }} Rung */
/**
 * @typedef {object} RowParts
 * @property {string} path
 * @property {string} label
 * @property {string} number
 * @property {Rung[]} residuals
 * @property {string[]} literals
 * @property {string[]} reads
 * @property {string} passes
 * @property {string} origin
 * @property {string} source
 * @property {string} note
 * @property {boolean} fold
 * @property {Row[]} children
 */
/** @typedef {RowParts & Record<Column, Line[]>} Row */
/**
 * @typedef {object} End
 * @property {string} name
 * @property {string} value
 * @property {string} short
 * @property {number | null} step
 * @property {string | null} row
 * @property {string} partner
 * @property {string} derivative
 * @property {string} derivative_short
 * @property {number | null} derivative_step
 * @property {boolean} seed
 * @property {string} zero
 */
/** @typedef {[text: string, value: string]} Term */
/** @typedef {{ op: string, left: Term, right: Term, result: Term, words: string[] }} Product */
/** @typedef {{ row: string, column: Column, words: string, product: Product | null }} StepParts */
/** @typedef {StepParts & Meter} LadderStep */
/**
 * @typedef {object} LadderView
 * @property {string} layout
 * @property {"primal" | "forward" | "reverse"} mode
 * @property {string} title
 * @property {string} summary
 * @property {string[]} error
 * @property {string[]} point
 * @property {string} group
 * @property {Column[]} columns
 * @property {End[]} inputs
 * @property {End[]} outputs
 * @property {Row[]} rows
 * @property {LadderStep[]} [steps]
 * @property {number | null} backward
 * @property {number[]} bad
 * @property {number} peak
 * @property {string[]} seeds
 * @property {string[]} notes
 * @property {Question[]} questions
 * @property {string} text
 */
// `inside`: whether steps lie in the rows that it opens to; `last`: the last primal one of them
/** @typedef {{ row: Row, above: Row[], inside: boolean, last: number }} Place */
/** @typedef {Partial<Record<Column, number>>} Times */
/** @typedef {{ steps: LadderStep[], index: Map<string, Place>, lines: Line[] }} Index */
/** @typedef {LadderView & Index} Survey */
/** @typedef {{ path?: string, height: number, draw: () => any }} Item */
/** @typedef {(element: any, item: Item) => void} Visit */

// ---- a list of which only what is in sight exists -----------------------------------------------

// items: [{ height, draw() -> element }]; refresh(element, item) when one is put on the page
/**
 * @param {any} scroll
 * @param {Player} player
 * @param {Visit} refresh
 */
function createList(scroll, { paper }, refresh) {
  const canvas = make("div", { class: "canvas", role: "rowgroup" });
  /** @type {Item[]} */
  let items = [];
  /** @type {number[]} */
  let tops = [];
  /** @type {Map<number, any>} */
  let drawn = new Map();

  /** @param {Item[]} next */
  function show(next) {
    items = next;
    let top = 0;
    tops = items.map((item) => (top += item.height) - item.height);
    canvas.style.height = `${top + 4}px`; // the last item's frame, too, without a scroll bar
    canvas.parentElement?.setAttribute("aria-rowcount", items.length + 1);
    canvas.replaceChildren(...canvas.querySelectorAll(":scope > svg"));
    drawn = new Map();
    update();
  }
  // the last item that begins above y
  /** @param {number} y */
  function at(y) {
    let [low, high] = [0, items.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  function update() {
    let [from, to] = [0, items.length - 1];
    if (items.length > FEW && !paper.matches) {
      from = Math.max(0, at(scroll.scrollTop) - 6);
      to = Math.min(to, at(scroll.scrollTop + 620) + 6);
    }
    for (const [k, element] of drawn) {
      if (k >= from && k <= to) continue;
      element.remove();
      drawn.delete(k);
    }
    let before = null;
    for (let k = to; k >= from; k -= 1) {
      if (!drawn.has(k)) {
        const element = items[k].draw();
        element.style.top = `${tops[k]}px`;
        element.setAttribute("aria-rowindex", k + 2);
        canvas.insertBefore(element, before);
        drawn.set(k, element);
        refresh(element, items[k]);
      }
      before = drawn.get(k);
    }
  }
  // scroll the list alone, never the page; its head stays above it
  /** @param {number} k */
  function reveal(k) {
    const [top, bottom] = [tops[k], tops[k] + items[k].height];
    const height = scroll.clientHeight - canvas.offsetTop;
    if (top < scroll.scrollTop) scroll.scrollTop = Math.max(0, top - 20);
    else if (bottom > scroll.scrollTop + height) {
      scroll.scrollTop = Math.min(top, bottom - height + 20);
    }
    update();
  }
  scroll.addEventListener("scroll", update, { passive: true });
  return {
    canvas,
    show,
    reveal,
    each: (/** @type {Visit} */ visit) => drawn.forEach((element, k) => visit(element, items[k])),
    middle: (/** @type {number} */ k) => tops[k] + 15,
  };
}

// ---- lines --------------------------------------------------------------------------------------

// In how many rows of so many characters a text stands: it breaks between its words, and inside one
// that is longer than a row.
/** @type {(text: string, room: number) => number} */
function countRows(text, room) {
  let [rows, at] = [1, 0];
  for (const { length } of text.split(" ")) {
    if (at > 0 && at + length > room) [rows, at] = [rows + 1, 0];
    for (at += length; at > room; at -= room) rows += 1;
    at += 1; // the space after it
  }
  return rows;
}

// How a line is set in so many characters: what of its value is shown, in how many rows of text.
// The equation keeps its room; the value shrinks first, and then stands below it.
/**
 * @param {Line} line
 * @param {number} room
 */
function fit(line, room, iteration = -1) {
  const whole = line.iterations?.[iteration] ?? line.value;
  const short = line.iterations?.[iteration] ?? line.short;
  const left = room - MARGIN - line.text.length;
  if (left >= whole.length + 1) return { value: whole, rows: 1 };
  if (left >= short.length + 1) return { value: short, rows: 1 };
  const rows = countRows(`■ ${line.text}`, Math.max(8, room - MARGIN + 2));
  return { value: short, rows: short ? rows + 1 : rows, tall: true };
}

/**
 * @param {Line} line
 * @param {Player} player
 * @param {number} room
 */
function drawLine(line, player, room, iteration = -1) {
  const { value, rows, tall } = fit(line, room, iteration);
  const title = `${line.text}  # ${line.iterations?.[iteration] ?? line.value}`;
  const text = role(line.role, line.text);
  text.classList.remove(line.role);
  const onclick = () =>
    line.step == null ? player.say(role(line.role, title)) : player.go(line.step);
  const name = ["line", line.role, line.bad && "bad", tall && "tall"].filter(Boolean).join(" ");
  const height = `height:${lineHeight(rows)}px`;
  const time = line.step == null ? { "data-late": line.late } : { "data-step": line.step };
  const attributes = { class: name, ...time, title, onclick, style: height };
  return make("div", attributes, text, make("code", { class: "value" }, value));
}

// a finger needs lines of 44 pixels, a mouse 24
/** @param {number} rows */
function lineHeight(rows) {
  const least = matchMedia("(any-pointer: coarse)").matches || innerWidth < NARROW ? 44 : 24;
  return Math.max(least, 24 * rows);
}

/** @type {(row: Row, column: Column) => Line[]} */
function linesOf(row, column) {
  if (column === "tangent") return [...row.local_derivative, ...row.tangent];
  if (column !== "adjoint") return row[column];
  return [...row.adjoint].reverse(); // it is read upwards
}

// What of a piece of the page has happened by step k.
/** @type {(element: any, k: number) => void} */
function markSteps(element, k) {
  for (const line of element.querySelectorAll("[data-step]")) {
    const own = Number(line.dataset.step);
    line.classList.toggle("later", k >= 0 && own > k);
    line.classList.toggle("now", own === k);
    if (own === k) line.setAttribute("aria-current", "step");
    else line.removeAttribute("aria-current");
  }
  for (const value of element.querySelectorAll("[data-late]")) {
    value.classList.toggle("later", k >= 0 && Number(value.dataset.late) > k);
  }
  for (const rung of element.querySelectorAll("[data-last]")) {
    const live = k >= 0 && Number(rung.dataset.first) <= k && Number(rung.dataset.last) >= k;
    rung.classList.toggle("live", live);
  }
}

// ---- what the player says -----------------------------------------------------------------------

/** @type {(product: Product, column: Column) => Element} */
function drawProduct({ left, op, right, result, words }, column) {
  const carrier = column === "tangent" ? "tangent" : "adjoint";
  /** @type {(term: Term, word: string) => Element} */
  const term = ([text, value], word) => {
    const name = word === "local derivative" || word === "a factor" ? "local_derivative" : carrier;
    const label = make("span", { class: "note" }, word);
    const number = make("code", { class: "value" }, value);
    return make("span", { class: `term ${name}` }, make("code", {}, text), number, label);
  };
  const operator = (/** @type {string} */ text) => make("span", { class: "op" }, text);
  const first = [term(left, words[0]), operator(op === "·" ? "×" : op), term(right, words[1])];
  return make("div", { class: "product" }, first, operator("="), term(result, words[2]));
}

/** @type {(view: Survey, k: number) => any[]} */
function say(view, k) {
  const { words, product, column } = view.steps[k];
  const turning = k === view.backward &&
    make(
      "strong",
      { class: "turning adjoint" },
      `▲ The backward pass begins, from ${view.seeds.join(", ")}: read upwards from here.`,
    );
  return [make("div", {}, turning, words), product && drawProduct(product, column)];
}

// ---- the ladder ---------------------------------------------------------------------------------

// All rows in order, each with the rows that hold it; all lines and all steps by their number. A
// page's data has each step inside its line, and counts as differences. A line that is not a step
// has its value late: that of a body when the equation that runs it is computed (`times`: the last
// step of each column in the rows around), that of a fold with the last primal value in it.
/** @type {(view: LadderView) => Survey} */
function survey(view) {
  /** @type {Map<string, Place>} */
  const index = new Map();
  /** @type {Line[]} */
  const lines = [];
  /** @type {LadderStep[]} */
  const steps = [];
  /** @type {(row: Row, above: Row[], times: Times) => void} */
  const visit = (row, above, times) => {
    const place = { row, above, inside: false, last: -1 };
    const own = { ...times };
    index.set(row.path, place);
    for (const column of COLUMNS) {
      for (const line of row[column]) {
        line.late = times[column] ?? times.primal ?? times.tangent ?? times.adjoint ?? -1;
        if (line.step == null) continue;
        lines[line.step] = line;
        steps[line.step] = { row: row.path, ...line.detail };
        // the equation that computes a body's local derivatives stands in another column
        if (column !== "local_derivative") own[column] = Math.max(own[column] ?? -1, line.step);
        for (const { path } of above) {
          const outer = /** @type {Place} */ (index.get(path));
          outer.inside = true;
          if (column === "primal") outer.last = Math.max(outer.last, line.step);
        }
      }
    }
    for (const child of row.children) visit(child, [...above, row], own);
    if (row.fold) { for (const line of row.primal) line.late = place.last; }
  };
  for (const row of view.rows) visit(row, [], {});
  if (!view.steps) {
    for (let k = 1; k < steps.length; k += 1) {
      steps[k].live += steps[k - 1].live;
      steps[k].flops += steps[k - 1].flops;
    }
  }
  return { steps, ...view, index, lines };
}

/**
 * @param {Survey} view
 * @param {Player} player
 * @param {any} scroll
 * @param {Model} model
 */
function createLadder(view, player, scroll, model) {
  const { columns, index } = view;
  const last = columns[columns.length - 1];
  const derivative = columns.length > 1 && last;
  // above a slider the next point's ladder is as open as this one
  /** @type {Set<string>} */
  const opened = model.get("opened") ?? new Set();
  // a loop's path -> the iteration that is shown, -1 for all
  /** @type {Map<string, number>} */
  const chosen = model.get("iterations") ?? new Map();
  /** @type {Map<string, string[]>} */
  const feeds = new Map(); // a row's path -> the rows that it feeds
  /** @type {(path: string, to: string) => any} */
  const connect = (path, to) => feeds.set(path, [...(feeds.get(path) ?? []), to]);
  for (const [path, { row }] of index) for (const read of row.reads) connect(read, path);
  view.outputs.forEach((end, k) => end.row != null && connect(end.row, `out ${k}`));
  const edges = svg("svg", { class: "edges", "aria-hidden": "true" });
  const list = createList(scroll, player, mark);
  list.canvas.append(edges);
  let narrow = false;
  let three = false; // whether local derivatives have a column of their own
  /** @type {Record<string, number>} */
  let room = {}; // column -> its characters
  /** @type {string | null} */
  let focus = null;
  /** @type {Map<string | undefined, number>} */
  let places = new Map(); // a row's path -> its number in the list

  // ---- how wide, how high ----

  // Each column gets what its equations need with short values; what is left goes to the values.
  /** @param {number} letter */
  function size(letter) {
    const rows = Array.from(index.values(), (entry) => entry.row);
    let [number, name] = [2, 4]; // characters of the longest ones
    /** @type {number[][][]} */
    const texts = columns.map(() => [[], []]); // what lines take with a short, with a whole value
    for (const row of rows) {
      number = Math.max(number, row.number.length);
      for (const rung of row.residuals) name = Math.max(name, rung.name.length);
      if (row.literals.length) name = Math.max(name, "literal ".length + row.literals[0].length);
    }
    for (const row of rows.slice(0, FEW)) {
      columns.forEach((column, k) => {
        for (const { text, short, value } of linesOf(row, column)) {
          texts[k][0].push(text.length + short.length);
          texts[k][1].push(text.length + value.length);
        }
      });
    }
    const edge = Math.max(44, Math.min(72, 12 + 7 * number));
    const rung = derivative === "adjoint" && !narrow ? 40 + 7 * Math.min(12, name) : 0;
    const gutter = player.paper.matches ? 0 : GUTTER; // paper has no edges
    const gaps = narrow ? 10 : 30;
    const total = Math.floor((scroll.clientWidth - edge - gutter - rung - gaps) / letter);
    let [need, wish] = [0, 1].map((k) => texts.map((lengths) => usual(lengths[k])));
    three = !narrow && columns.length > 2 && need[0] + need[1] + need[2] <= total;
    if (columns.length > 2 && !three) {
      need = [Math.max(need[0], need[1]), need[2]];
      wish = [Math.max(wish[0], wish[1]), wish[2]];
    }
    const [all, more] = [need, wish].map((list) => list.reduce((a, b) => a + b, 0));
    const share = more > all ? Math.min(1, Math.max(0, total - all) / (more - all)) : 0;
    const grown = need.map((least, k) => least + share * (wish[k] - least));
    const sum = all + share * (more - all);
    const widths = narrow ? [total] : grown.map((w) => Math.floor((w * total) / sum));
    room = {};
    columns.forEach((c, k) => (room[c] = widths[Math.min(k, widths.length - 1)]));
    if (columns.length > 2 && !three) room.local_derivative = room.primal;
    const tracks = widths.map((w) => `minmax(0,${w}fr)`);
    if (rung) tracks.splice(-1, 0, `${rung}px`);
    scroll.toggleAttribute("data-three", three);
    scroll.style.setProperty("--columns", [`${edge}px`, `${gutter}px`, ...tracks].join(" "));
    edges.style.left = `calc(${edge}px + .3rem)`;
  }

  /** @type {(row: Row, column: Column) => number} */
  function cellHeight(row, column) {
    const iteration = iterationOf(row.path);
    const heights = linesOf(row, column).map((l) =>
      lineHeight(fit(l, room[column], iteration).rows)
    );
    return heights.length ? heights.reduce((a, b) => a + b, 6) : 0;
  }

  /** @type {(text: string, column: Column) => number} */
  const noteHeight = (text, column) => (text ? 18 * countRows(text, room[column]) : 0);

  /** @param {Row} row */
  function rowHeight(row) {
    const isBlock = row.children.length && !row.primal.length;
    const isPeek = index.get(row.path)?.inside && !opened.has(row.path);
    const peek = isPeek ? lineHeight(1) : 0;
    let primal = cellHeight(row, "primal") + (isBlock ? 30 : 0);
    if (!row.fold) primal += noteHeight(row.note, "primal");
    if (opened.has(row.path) && countIterations(row)) primal += 46;
    const least = row.children.length ? 46 : 30;
    if (!derivative) return Math.max(least, primal + peek) + 6;
    const partial = columns.length > 2 ? cellHeight(row, "local_derivative") : 0;
    const side = cellHeight(row, derivative) + noteHeight(row.passes, derivative);
    const rungs = row.residuals.length + (row.literals.length || row.fold ? 1 : 0);
    if (narrow) return Math.max(least, primal + partial + side + peek + (rungs ? 20 : 0) + 8) + 10;
    const below = partial ? partial + 4 : 0;
    const left = three ? Math.max(primal, partial) : primal + below;
    return Math.max(least, Math.max(left, side) + peek, rungs * 18 + 6) + 6;
  }

  // ---- rows ----

  /** @param {Row} row */
  function countIterations(row) {
    if (row.fold) return 0;
    /** @type {(rows: Row[]) => number} */
    const count = (rows) =>
      rows.reduce((n, r) => n || r.primal[0]?.iterations?.length || count(r.children), 0);
    return count(row.children);
  }

  // The iteration that is shown of the lines of a row: of the innermost loop around it, the first
  // unless another one is chosen.
  /** @param {string} path */
  function iterationOf(path) {
    const above = index.get(path)?.above ?? [];
    const loop = above.findLast((row) => !row.fold && countIterations(row));
    return loop ? (chosen.get(loop.path) ?? 0) : -1;
  }

  /** @type {(row: Row, column: Column) => Element} */
  function drawCell(row, column) {
    const cell = make("div", { role: "cell", class: PLACE[column] });
    const lines = linesOf(row, column);
    const iteration = iterationOf(row.path);
    if (lines.length) {
      const drawn = lines.map((line) => drawLine(line, player, room[column], iteration));
      cell.append(make("div", { class: `cell ${column}` }, drawn));
    }
    if (column === derivative && row.passes) cell.append(note(row.passes));
    if (column === "primal") {
      const isBlock = row.children.length && !lines.length;
      if (isBlock) cell.append(make("div", { class: "call" }, describe(row)));
      if (row.note && !row.fold) cell.append(note(row.note));
      if (opened.has(row.path) && countIterations(row)) cell.append(drawChoice(row));
    }
    const isPeek = index.get(row.path)?.inside;
    if (isPeek) cell.append(make("div", { class: "peek", "data-column": column }));
    return cell;
  }

  const note = (/** @type {string} */ text) => make("div", { class: "note", title: text }, text);
  /** @param {Row} row */
  function describe(row) {
    const count = counted(row.children.length, "row");
    return row.fold
      ? [row.label, row.note, `(${count})`].filter(Boolean).join(" ")
      : `${count} inside ${row.label}`;
  }

  /** @type {(path: string, number: string, what: string) => Element} */
  function drawOpener(path, number, what) {
    const open = opened.has(path);
    const label = `${number} ${what}`;
    const attributes = {
      type: "button",
      "aria-expanded": String(open),
      "aria-label": label,
      title: label,
    };
    return make(
      "button",
      { ...attributes, onclick: () => toggle(path, true) },
      `${open ? "▾" : "▸"} ${number}`,
    );
  }

  // A loop's iterations: one of them, or all at once.
  /** @param {Row} row */
  function drawChoice(row) {
    const count = countIterations(row);
    const onchange = (/** @type {any} */ event) => {
      chosen.set(row.path, Number(event.target.value));
      layout();
      scroll.querySelector(`[data-path="${row.path}"] select`)?.focus();
    };
    const options = [...Array(count).keys(), -1].map((k) => {
      const selected = k === (chosen.get(row.path) ?? 0);
      return make("option", { value: k, selected }, k < 0 ? "all" : `${k + 1} of ${count}`);
    });
    return make("label", { class: "choose" }, "iteration", make("select", { onchange }, options));
  }

  /** @param {Row} row */
  function drawRung(row) {
    const cell = make("div", { class: "rung", role: "cell" });
    for (const { name, value, first, last } of row.residuals) {
      const steps = { "data-first": first ?? -1, "data-last": last };
      const hidden = make("span", { class: "hidden" }, "residual ");
      cell.append(
        make("div", { class: "keep", title: `${name} = ${value}`, ...steps }, hidden, name),
      );
    }
    /** @type {(row: Row) => number} */
    const inside = ({ children }) =>
      children.reduce((n, c) => n + c.residuals.length + inside(c), 0);
    if (row.fold && inside(row)) {
      cell.append(make("div", { class: "keep" }, counted(inside(row), "value")));
    }
    if (row.literals.length) {
      cell.append(make("div", { class: "keep free" }, `literal ${row.literals[0]}`));
    }
    return cell;
  }

  /** @param {string} path */
  const nameOf = (path) => {
    const [word, k] = path.split(" ");
    /** @type {Record<string, End[]>} */
    const ends = { in: view.inputs, out: view.outputs };
    const end = ends[word]?.[Number(k)];
    return end ? end.name : (index.get(path)?.row.number ?? path);
  };

  /** @param {Row} row */
  function drawRow(row) {
    const to = (feeds.get(row.path) ?? []).map(nameOf);
    const from = row.reads.map(nameOf);
    const links = [
      from.length && ` reads ${from.join(", ")}`,
      to.length && ` feeds ${to.join(", ")}`,
    ];
    const text = links.filter(Boolean).join("");
    const number = row.children.length
      ? drawOpener(row.path, row.number, describe(row))
      : row.number;
    const title = `${row.label} ${row.source}${text}`;
    const name = make("div", { class: "path", role: "rowheader", title }, number);
    name.append(make("span", { class: "hidden" }, text));
    const depth = index.get(row.path)?.above.length ?? 0;
    name.style.paddingLeft = `${Math.min(depth, 4) * 4}px`;
    const element = make("div", { class: "item", role: "row", "data-path": row.path }, name);
    element.append(...columns.map((column) => drawCell(row, column)));
    if (derivative === "adjoint") element.lastChild.before(drawRung(row));
    return element;
  }

  // ---- inputs and outputs ----

  /** @type {(word: string, end: End) => Element} */
  function drawEnd(word, end) {
    const about = view.mode === "forward" ? "tangent" : "adjoint";
    const element = make("div", { class: "item end", role: "row" });
    element.append(make("div", { class: "path", role: "rowheader" }, word));
    /** @type {(name: string, whole: string, short: string, step: number?, where: string) => any} */
    const code = (name, value, short, step, where) => {
      const all = room[where === "all" ? columns[0] : where] ?? 80;
      const text = name.length + value.length + MARGIN <= all || where === "all" ? value : short;
      const late = make("span", { class: "late", "data-late": step ?? -1 }, text);
      return make("code", { title: `${name} = ${value}` }, `${name} = `, late);
    };
    const alone = !derivative || !end.partner;
    const own = code(end.name, end.value, end.short, end.step, alone ? "all" : "primal");
    element.append(make("div", { role: "cell", class: alone ? "all" : "first" }, own));
    if (alone) return element;
    const { partner, derivative: value, derivative_short: short, derivative_step: step } = end;
    const cell = make("div", { role: "cell", class: `${about} derivative` });
    const text = code(`${MARK[about]} ${partner}`, value, short, step, about);
    if (end.seed) text.append(" seed");
    cell.append(make("strong", {}, text));
    if (end.zero) cell.append(note(end.zero));
    element.append(cell);
    return element;
  }

  /** @type {(word: string, ends: End[]) => Item[]} */
  function endItems(word, ends) {
    /** @param {End} end */
    const height = (end) =>
      (narrow && end.partner ? 52 : 28) + noteHeight(end.zero, /** @type {Column} */ (last));
    const items = ends.map((end, k) => {
      return { path: `${word} ${k}`, height: height(end), draw: () => drawEnd(word, end) };
    });
    if (ends.length <= MANY || player.paper.matches) return items;
    const what = counted(ends.length, word === "in" ? "input" : "output");
    const draw = () => {
      const opener = make(
        "div",
        { class: "path", role: "rowheader" },
        drawOpener(word, word, what),
      );
      const text = `${what}: ${ends[0].name} … ${ends[ends.length - 1].name}`;
      const call = make("div", { class: "call" }, text);
      const cell = make("div", { class: "all", role: "cell" }, call);
      return make("div", { class: "item", role: "row", "data-path": word }, opener, cell);
    };
    const all = { path: word, height: 52, draw };
    return opened.has(word) ? [all, ...items] : [all];
  }

  /** @type {(rows: Row[], items: Item[], above: string) => Item[]} */
  function rowItems(rows, items, above) {
    let origin = above;
    for (const row of rows) {
      if (!index.get(row.path)?.above.length) {
        if (row.origin !== origin) items.push(divider(row.origin || "back in the function itself"));
        origin = row.origin;
      }
      items.push({ path: row.path, height: rowHeight(row), draw: () => drawRow(row) });
      if (opened.has(row.path)) rowItems(row.children, items, origin);
    }
    return items;
  }

  /** @type {(text: string) => Item} */
  function divider(text) {
    const draw = () => {
      const cell = make("div", { class: "all", role: "cell" }, text);
      return make("div", { class: "item divide", role: "row" }, cell);
    };
    return { height: 28, draw };
  }

  function layout() {
    size(measureLetter(scroll));
    const rows = rowItems(view.rows, [], "");
    const items = [...endItems("in", view.inputs), ...rows, ...endItems("out", view.outputs)];
    places = new Map(items.map((item, k) => [item.path, k]));
    list.show(items);
    drawEdges();
  }

  // ---- arrows, and the current step ----

  // The row itself, or the closed row that hides it.
  /** @param {string} path */
  function shown(path) {
    if (places.has(path)) return path;
    const above = index.get(path)?.above ?? [];
    return above.find((row) => places.has(row.path) && !opened.has(row.path))?.path;
  }

  function drawEdges() {
    const step = view.steps[player.step()];
    const path = focus ?? (step ? shown(step.row) : null);
    const name = !focus && step?.column === "adjoint" ? "adjoint" : "focus";
    const drawn = new Map(); // arrows of many rows in one fold are the same
    /** @type {(from: string, to: string, kind: string) => void} */
    const add = (from, to, kind) => {
      const [a, b] = [from, to].map((p) => places.get(shown(p)));
      if (a == null || b == null || a === b) return;
      const [y, z] = [list.middle(a), list.middle(b)].sort((p, q) =>
        kind === "adjoint" ? q - p : p - q
      );
      const x = GUTTER - Math.min(GUTTER - 3, 9 + Math.abs(z - y) / 9);
      const d = `M${GUTTER - 1} ${y}C${x} ${y} ${x} ${z} ${GUTTER - 3} ${z}m-5 -4l5 4l-5 4`;
      drawn.set(`${kind} ${d}`, svg("path", { class: kind, d }));
    };
    if (index.size <= SMALL) {
      for (const [to, { row }] of index) row.reads.forEach((from) => add(from, to, ""));
      view.outputs.forEach((end, k) => end.row != null && add(end.row, `out ${k}`, ""));
    }
    /** @type {(row: Row) => Row[]} */
    const inside = (row) => (row.fold ? row.children.flatMap(inside) : [row]);
    const place = index.get(path ?? "");
    for (const row of place ? inside(place.row) : []) {
      row.reads.forEach((from) => add(from, row.path, name));
      (feeds.get(row.path) ?? []).forEach((to) => add(row.path, to, name));
    }
    edges.replaceChildren(...drawn.values());
    edges.style.height = list.canvas.style.height;
    list.each((element, item) => element.classList.toggle("focus", item.path === path));
  }

  // A closed row shows the one of the lines in it that is the current step, in that line's column.
  /** @param {any} element */
  function mark(element) {
    const step = player.step();
    const { row, column } = view.steps[step] ?? {};
    const { path } = element.dataset;
    const isInside = row !== path && row != null && shown(row) === path;
    for (const peek of element.querySelectorAll(".peek")) {
      const own = columns.includes(column) ? column : last;
      const isHere = isInside && peek.dataset.column === own;
      const line = isHere && drawLine(view.lines[step], player, room[own]);
      peek.replaceChildren(...(line ? [line] : []));
      if (line) line.style.height = `${lineHeight(1)}px`;
    }
    const isSeed = derivative === "adjoint" && step === view.backward && step != null;
    element.classList.toggle("seed", isSeed && element.textContent.endsWith(" seed"));
    markSteps(element, step);
  }

  /** @type {(path: string, refocus: boolean) => void} */
  function toggle(path, refocus) {
    if (opened.has(path)) opened.delete(path);
    else opened.add(path);
    layout();
    if (refocus) scroll.querySelector(`[data-path="${path}"] button`)?.focus();
  }

  /** @param {number} k */
  function draw(k) {
    const path = k < 0 ? null : shown(view.steps[k].row);
    if (k >= 0 && k === view.backward) list.reveal(places.size - 1); // where the seed stands
    if (path != null) list.reveal(places.get(path) ?? 0);
    list.each((element) => mark(element));
    drawEdges();
  }

  function openCurrent() {
    const step = view.steps[player.step()];
    const path = step && shown(step.row);
    if (path != null && index.get(path)?.row.children.length) toggle(path, false);
  }

  // pointing at a row, or moving the focus into it, shows what feeds it and what it feeds
  /** @param {any} event */
  function point({ type, target }) {
    focus = type === "mouseleave" ? null : (target.closest("[data-path]")?.dataset.path ?? null);
    drawEdges();
  }
  for (const type of ["mouseover", "mouseleave", "focusin"]) scroll.addEventListener(type, point);

  const heads = columns.map((name) => {
    const arrow = name === "adjoint" ? "↑ read up" : "↓";
    const text = `${MARK[name]} ${name.replace("_", " ")} ${arrow}`;
    return make("div", { role: "columnheader", class: `${PLACE[name]} ${name}` }, text);
  });
  if (derivative === "adjoint") {
    heads.splice(-1, 0, make("div", { role: "columnheader", class: "rung" }, "residuals"));
  }
  heads.unshift(make("div", { role: "columnheader", class: "path" }, "row"));
  const head = make("div", { class: "item head", role: "row" }, heads);
  scroll.append(make("div", { role: "table", "aria-label": view.title }, head, list.canvas));
  /** @param {boolean} isNarrow */
  const resize = (isNarrow) => {
    narrow = isNarrow;
    layout();
  };
  return { draw, resize, openCurrent };
}

// The length that all but a few lines stay below; those few are set in several rows of text.
/** @param {number[]} lengths */
function usual(lengths) {
  lengths.sort((a, b) => a - b);
  return Math.min(90, Math.max(22, lengths[Math.floor(0.96 * lengths.length)] ?? 0)) + MARGIN + 1;
}

// How wide a character of code is.
/** @param {Element} scroll */
function measureLetter(scroll) {
  const probe = make("code", { style: "position:absolute; visibility:hidden" }, "0".repeat(50));
  scroll.append(probe);
  const width = probe.getBoundingClientRect().width / 50;
  probe.remove();
  return width || 7.5;
}

// ---- the listing --------------------------------------------------------------------------------

// The same lines as code, in the program's own order.
/**
 * @param {Survey} view
 * @param {Player} player
 * @param {any} scroll
 */
function createListing(view, player, scroll) {
  const list = createList(scroll, player, (element) => markSteps(element, player.step()));
  /** @type {(name: string, ...inside: any[]) => Element} */
  const cell = (name, ...inside) => {
    const whole = make("div", { role: "cell", style: "grid-column:1/-1" }, inside);
    return make("div", { class: `item ${name}`, role: "row" }, whole);
  };
  scroll.append(
    make("div", { role: "table", "aria-label": `${view.title}, as code` }, list.canvas),
  );
  function resize() {
    const room = Math.floor(scroll.clientWidth / measureLetter(scroll)) - 2;
    const items = view.lines.map((line) => {
      return {
        height: lineHeight(fit(line, room).rows),
        draw: () => cell("", drawLine(line, player, room)),
      };
    });
    const text = `the backward pass, from ${view.seeds.join(", ")}`;
    if (view.backward != null) {
      items.splice(view.backward, 0, { height: 28, draw: () => cell("divide", text) });
    }
    list.show(items);
  }
  /** @param {number} k */
  function draw(k) {
    if (k >= 0) list.reveal(k + (view.backward != null && k >= view.backward ? 1 : 0));
    list.each((element) => markSteps(element, k));
  }
  return { draw, resize, openCurrent() {} };
}

// ---- everything together ------------------------------------------------------------------------

/** @param {Host} host */
function renderLadder({ model, el }) {
  const view = survey(model.get("view"));
  const player = createPlayer({
    model,
    steps: view.steps.length,
    words: (k) => say(view, k),
    onStep: draw,
    idle: view.steps.length
      ? "All values are shown. Step to watch them appear one by one."
      : "This program has no equations.",
    bad: view.bad,
    group: view.group,
    questions: view.questions,
  });
  const meters = createMeters(view);
  const panes = make("div", { class: "panes" });
  /** @type {Record<string, any>} */
  const built = {}; // the panes that have been shown, by name
  let narrow = false;

  /** @param {string} name */
  function createPane(name) {
    const label = `the ${name}: arrow keys step, Enter opens a row, Space plays, Escape shows all`;
    const scroll = make("div", {
      class: "scroll",
      tabindex: 0,
      role: "group",
      "aria-label": label,
    });
    const pane = (name === "ladder" ? createLadder : createListing)(view, player, scroll, model);
    return { ...pane, element: make("div", { class: `pane ${name}` }, scroll) };
  }
  /** @param {string[]} names */
  function choose(names) {
    for (const name of Object.keys(switches)) {
      switches[name].setAttribute("aria-pressed", String(names.includes(name)));
    }
    const chosen = names.map((name) => (built[name] ??= createPane(name)));
    panes.replaceChildren(...chosen.map((pane) => pane.element));
    for (const pane of chosen) {
      pane.resize(narrow);
      pane.draw(player.step());
    }
  }
  // one of the two is always there
  /** @param {string} name */
  function flip(name) {
    const open = [];
    for (const [other, { ariaPressed }] of Object.entries(switches)) {
      if ((other === name) !== (ariaPressed === "true")) open.push(other);
    }
    if (open.length) choose(open);
  }
  /** @type {Record<string, any>} */
  const switches = {};
  for (const name of ["ladder", "listing"]) {
    const attributes = { type: "button", "aria-pressed": "false", onclick: () => flip(name) };
    switches[name] = make("button", attributes, name === "ladder" ? "Ladder" : "Listing");
  }
  const tools = make("div", { class: "switches" }, Object.values(switches));
  if (view.steps.length > FEW) {
    const onchange = (/** @type {any} */ { target }) => {
      const number = target.value.trim();
      const k = view.steps.findIndex((step) => view.index.get(step.row)?.row.number === number);
      if (k < 0) player.say(`There is no row ${number}.`);
      else player.go(k);
    };
    tools.append(make("label", { class: "jump" }, "row ", make("input", { size: 5, onchange })));
  }
  // pointing at a line marks all that belongs to its row, in both panes
  panes.addEventListener("mouseover", (/** @type {any} */ { target }) => {
    const rowOf = (/** @type {any} */ line) => line && view.steps[line.dataset.step]?.row;
    const row = rowOf(target.closest(".line"));
    for (const line of panes.querySelectorAll(".line")) {
      line.classList.toggle("linked", row != null && rowOf(line) === row);
    }
  });

  /** @type {(title: string, lines: string) => Element} */
  const folded = (title, lines) =>
    make("details", {}, make("summary", {}, title), make("pre", { tabindex: 0 }, lines));
  const summary = [view.summary, ...view.notes].map((text) => text.replace(/[.]?$/, ".")).join(" ");
  const { root, unmount } = mount(
    el,
    { label: `${view.layout}: ${view.title}`, style: PLAYER_STYLE + STYLE },
    make("p", { class: "title" }, view.title),
    view.error.length > 0 &&
      make(
        "div",
        { class: "error" },
        view.error.map((text) => make("div", {}, text)),
      ),
    make("p", { class: "summary" }, summary),
    make("div", { class: "dock" }, player.bar, player.words),
    panes,
    !view.error.length && meters.element, // what raised would have read some of what is live
    view.point.length > 0 && folded("The point", view.point.join("\n")),
    view.text && folded("The same as text", view.text),
  );
  const visible = () => Object.values(built).filter((pane) => pane.element.isConnected);
  const openCurrent = () => visible().forEach((pane) => pane.openCurrent());
  player.keys(root, { Enter: openCurrent });
  /** @param {number} k */
  function draw(k) {
    meters.draw(k);
    for (const pane of visible()) pane.draw(k);
  }
  let measured = "";
  const measure = () => {
    const width = root.clientWidth;
    // not on the page yet, or only the height has changed
    if (!width || `${width} ${player.paper.matches}` === measured) return;
    measured = `${width} ${player.paper.matches}`;
    narrow = width < NARROW;
    root.toggleAttribute("data-stacked", width < WIDE);
    root.toggleAttribute("data-narrow", narrow);
    if (narrow) panes.before(tools);
    else player.bar.append(tools);
    for (const pane of Object.values(built)) {
      pane.resize(narrow);
      pane.draw(player.step());
    }
  };
  measure();
  choose([view.layout === "listing" ? "listing" : "ladder"]);
  const observer = new ResizeObserver(measure);
  observer.observe(root);
  player.paper.addEventListener("change", measure);
  player.start();
  return () => {
    observer.disconnect();
    player.paper.removeEventListener("change", measure);
    player.destroy();
    unmount();
  };
}

const render = explorable(renderLadder);
export default { render };
