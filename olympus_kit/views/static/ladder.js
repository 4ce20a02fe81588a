// The ladder: one row for each primal equation, its derivative beside it; the listing: the same as code.

const STYLE = `
.okl .product { display:flex; flex-wrap:wrap; align-items:center; gap:.2rem .6rem; margin-top:.4rem }
.okl .term { border:1px solid; border-radius:8px; padding:.1rem .5rem; background:var(--paper); max-width:100% }
.okl .term code { display:block; overflow-wrap:anywhere } .okl .term .value { font-weight:650; color:var(--ink) }
.okl .op { font-size:1.3em; font-weight:650 }
.okl .switches { display:flex; gap:.35rem }
.okl .jump input { min-height:44px; background:var(--soft); border:1px solid var(--line); border-radius:8px; padding:0 .5rem }
.okl .panes { display:flex; gap:.75rem; align-items:stretch } .okl[data-stacked] .panes { flex-direction:column }
.okl .pane { flex:1 1 0; min-width:0; position:relative } .okl .pane.listing:not(:only-child) { flex-grow:.6 }
.okl .item { position:absolute; left:0; right:0; display:grid; grid-template-columns:var(--columns); column-gap:.3rem;
  align-items:start }
.okl .item > * { grid-row:1 } .okl .item > .first { grid-column:3 } .okl .item > .all { grid-column:3/-1 }
.okl .item > .slope { grid-column:3; grid-row:2 } .okl [data-three] .item > .slope { grid-column:4; grid-row:1 }
.okl .item > .rung { grid-column:-3/-2; grid-row:1/span 2 } .okl .item > .derivative { grid-column:-2/-1; grid-row:1/span 2 }
.okl .slope .cell:not(:empty) { margin-top:4px } .okl [data-three] .slope .cell { margin-top:0 }
.okl .head { position:sticky; top:0; z-index:2; background:var(--paper); padding:.35rem 0; font-weight:650 }
.okl .canvas { position:relative }
.okl .edges { position:absolute; width:34px; pointer-events:none; overflow:hidden }
.okl .edges path { fill:none; stroke:var(--muted); stroke-width:1.2; opacity:.55 }
.okl .edges .focus { stroke:var(--primal); stroke-width:2.4; opacity:1 }
.okl .edges .adjoint { stroke:var(--adjoint); stroke-width:2.4; opacity:1; stroke-dasharray:7 3 }
.okl .path { color:var(--muted); font-size:11.5px; line-height:30px; white-space:nowrap; overflow:hidden;
  text-overflow:ellipsis }
.okl .item.focus .path { color:var(--ink); font-weight:700 }
.okl .cell { border:1px solid; border-radius:7px; overflow:hidden; padding:2px 0 }
.okl .line { display:flex; gap:.8rem; justify-content:space-between; padding:0 .5rem; border-left:4px solid transparent;
  height:24px; line-height:24px; cursor:pointer; white-space:nowrap }
.okl .line code { line-height:inherit; overflow:hidden; text-overflow:ellipsis; flex:0 1 auto; min-width:5ch }
.okl .line .value { color:var(--ink); flex-shrink:2 }
.okl .line:hover, .okl .line.linked { background:var(--soft) }
.okl .later .value { visibility:hidden } .okl .late.later { display:none }
.okl .line.now { background:var(--now); border-left-color:currentColor; font-weight:650 }
.okl .line.bad .value::before { content:"⚠ " }
.okl .line.bad .value { text-decoration:underline wavy var(--adjoint) }
.okl .item .note { line-height:18px; height:18px; padding:0 .5rem; white-space:nowrap; overflow:hidden;
  text-overflow:ellipsis }
.okl .open { display:flex; gap:.4rem; margin-top:2px; flex-wrap:wrap; height:44px; overflow:hidden } .okl .open button {
  overflow:hidden; text-overflow:ellipsis; white-space:nowrap; min-width:0; max-width:100%; text-align:left }
.okl .open label { display:flex; align-items:center; gap:.3rem; color:var(--muted); font-size:12px }
.okl .rung { text-align:center; color:var(--muted); font-size:11.5px; line-height:18px; padding-top:6px; overflow:hidden }
.okl .keep { display:flex; align-items:center; gap:.2rem; white-space:nowrap; height:18px }
.okl .keep::before, .okl .keep::after { content:""; flex:1; min-width:.4rem; border-top:2px solid var(--line) }
.okl .keep.held { color:var(--ink); font-weight:650 }
.okl .keep.held::before, .okl .keep.held::after { border-top:3px solid var(--ink) }
.okl .keep.free::before, .okl .keep.free::after { border-top:1px dashed var(--line) }
.okl .end code { line-height:24px; white-space:nowrap; overflow:hidden; text-overflow:ellipsis; display:block }
.okl .divide { color:var(--muted); font-size:12px; line-height:22px; border-bottom:1px dashed var(--line) }
.okl[data-narrow] .item > * { grid-row:auto } .okl[data-narrow] .item > :is(.slope,.rung,.derivative) { grid-column:3; grid-row:auto }
.okl[data-narrow] .rung { display:flex; gap:.5rem; padding:0 } .okl[data-narrow] .keep { flex:1 }
.okl[data-narrow] .line { height:44px; flex-direction:column; gap:0; line-height:22px }
.okl[data-narrow] .line .value { padding-left:1.1rem }
.okl[data-narrow] .head { display:flex; flex-wrap:wrap; gap:0 1rem; padding-left:calc(3.5rem + 34px) }
.okl[data-narrow] .head :is(.path,.rung) { display:none }
.okl[data-narrow] .derivative .cell { margin-top:4px }
@media (any-pointer:coarse) { .okl:not([data-narrow]) .line { height:44px; line-height:44px } }
@media (prefers-reduced-motion:no-preference) { .okl .line { transition:background-color .15s } }
@media (forced-colors:active) { .okl .line.now { outline:2px solid Highlight; outline-offset:-2px } }
`;

const FEW = 300; // items that are drawn all at once; of more, only those in sight exist
const SMALL = 30; // rows of a program whose edges are all drawn
const NARROW = 660; // pixels below which the columns stand below one another
const WIDE = 1150; // pixels from which ladder and listing stand beside one another
const THREE = 900; // pixels of the ladder from which local derivatives have a column of their own
const GUTTER = 34;
// a finger needs lines of 44 pixels, a mouse 24
const lineHeight = (narrow) => (narrow || matchMedia("(any-pointer: coarse)").matches ? 44 : 24);
const MANY = 8; // inputs or outputs that lie under one row which opens

// ---- a list of which only what is in sight exists ----------------------------------------------

// items: [{ height, draw() -> element }]; refresh(element, item) is called whenever one is put on the page
function createList(scroll, refresh) {
  const canvas = make("div", { class: "canvas", role: "rowgroup" });
  let items = [];
  let tops = [];
  let drawn = new Map();

  function show(next) {
    items = next;
    let top = 0;
    tops = items.map((item) => (top += item.height) - item.height);
    canvas.style.height = `${top}px`;
    canvas.parentElement?.setAttribute("aria-rowcount", items.length + 1);
    canvas.replaceChildren(...canvas.querySelectorAll(":scope > svg"));
    drawn = new Map();
    update();
  }
  // the last item that begins above y
  function at(y) {
    let [low, high] = [0, items.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  function span() {
    if (items.length <= FEW) return [0, items.length - 1];
    return [Math.max(0, at(scroll.scrollTop) - 6), Math.min(items.length - 1, at(scroll.scrollTop + 620) + 6)];
  }
  function update() {
    const [from, to] = span();
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
  // scroll the list alone, never the page
  function reveal(k, edge = 44) {
    const [top, bottom] = [tops[k], tops[k] + items[k].height];
    if (top < scroll.scrollTop) scroll.scrollTop = Math.max(0, top - 20);
    else if (bottom > scroll.scrollTop + scroll.clientHeight - edge) {
      scroll.scrollTop = Math.min(top, bottom - scroll.clientHeight + edge + 20);
    }
    update();
  }
  scroll.addEventListener("scroll", update, { passive: true });
  const each = (visit) => drawn.forEach((element, k) => visit(element, items[k]));
  const middle = (k) => tops[k] + 15;
  return { canvas, show, each, reveal, middle };
}

// ---- what the words region shows ---------------------------------------------------------------

function drawProduct({ left, op, right, result, swapped }, column) {
  const term = (name, word, [text, value]) =>
    make("span", { class: `term ${name}` }, make("code", {}, text), make("code", { class: "value" }, value), make("span", { class: "note" }, word));
  const carrier = column === "tangent" ? "tangent" : "adjoint";
  const sum = op === "+" || op === "-";
  const operator = (text) => make("span", { class: "op" }, text);
  const parts = sum ? [carrier, carrier] : ["local_derivative", carrier];
  const words = sum ? ["one part", "another part", "their sum"] : ["local derivative", carrier, "the product"];
  if (swapped) [parts, words].forEach((list) => list.splice(0, 2, list[1], list[0]));
  const [first, second] = [term(parts[0], words[0], left), term(parts[1], words[1], right)];
  const all = [first, operator(op === "·" ? "×" : op), second, operator("="), term(carrier, words[2], result)];
  return make("div", { class: "product" }, all);
}

// ---- cells -------------------------------------------------------------------------------------

function drawLine(line, turn, player) {
  const value = line.turns && turn >= 0 ? line.turns[turn] : line.value;
  const onclick = () => (line.step == null ? player.say(role(line.role, `${line.text}  # ${value}`)) : player.go(line.step));
  const title = `${line.text}  # ${value}`;
  const text = role(line.role, line.text);
  text.classList.remove(line.role);
  return make(
    "div",
    { class: `line ${line.role}${line.bad ? " bad" : ""}`, "data-step": line.step, title, onclick },
    text,
    make("code", { class: "value", style: `min-width:${Math.min(value.length, 11)}ch` }, value),
  );
}

function linesOf(row, column) {
  if (column === "tangent") return [...row.local_derivative, ...row.tangent];
  const order = (line) => line.step ?? -1;
  return column === "adjoint" ? [...row.adjoint].sort((a, b) => order(b) - order(a)) : row[column]; // read upwards
}

const linesIn = (row) => [...row.primal, ...row.local_derivative, ...row.tangent, ...row.adjoint];

function drawRung(row) {
  const td = make("div", { class: "rung", role: "cell" });
  for (const kept of row.kept) {
    const attributes = { class: "keep", title: `${kept.name} = ${kept.value}`, "data-made": kept.made ?? -1, "data-used": kept.used };
    td.append(make("div", attributes, make("span", { class: "hidden" }, "kept "), kept.name));
  }
  const inside = (held) => held.children.reduce((n, child) => n + child.kept.length + inside(child), 0);
  if (row.fold && inside(row)) td.append(make("div", { class: "keep" }, `${inside(row)} kept`));
  if (row.free.length) td.append(make("div", { class: "keep free" }, `literal ${row.free[0]}`));
  return td;
}

// ---- the ladder --------------------------------------------------------------------------------

// All rows in order, each with the rows that hold it; all lines and all steps by their number. A page's data
// has each step inside its line, and counts as differences.
function survey(view) {
  const index = new Map();
  const [lines, steps] = [[], []];
  const visit = (row, above) => {
    index.set(row.path, { row, above });
    for (const line of linesIn(row).filter(({ step }) => step != null)) {
      lines[line.step] = line;
      steps[line.step] = { row: row.path, ...line.told };
    }
    row.children.forEach((child) => visit(child, [...above, row]));
  };
  view.rows.forEach((row) => visit(row, []));
  if (!view.steps) {
    steps.slice(1).forEach((step, k) => {
      step.live += steps[k].live;
      step.flops += steps[k].flops;
    });
  }
  return { steps, ...view, index, lines };
}

function createLadder(view, player, scroll) {
  const opened = new Set();
  const turns = new Map(); // a loop's path -> the turn that is shown
  const { columns, index } = view;
  const derivative = columns.length > 1 && columns.at(-1);
  const place = { primal: "first", local_derivative: "slope", tangent: "derivative", adjoint: "derivative" };
  const fed = new Map();
  const connect = (path, row) => fed.set(path, [...(fed.get(path) ?? []), row]);
  for (const [path, { row }] of index) for (const read of row.reads) connect(read, path);
  view.outputs.forEach((end, k) => end.row != null && connect(end.row, `out ${k}`));
  const edges = svg("svg", { class: "edges", "aria-hidden": "true" });
  const list = createList(scroll, (element) => mark(element));
  list.canvas.append(edges);
  let narrow = false;
  let three = false; // whether local derivatives have a column of their own, or stand below the primal
  let focus = null;
  let places = new Map(); // a row's path -> its number in the list

  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const cellHeight = (count) => (count ? count * lineHeight(narrow) + 6 : 0);
  function rowHeight(row) {
    const opener = row.children.length ? 46 : 0;
    const primal = cellHeight(row.primal.length) + (row.note && !row.fold ? 18 : 0) + opener;
    if (!derivative) return Math.max(30, primal + cellHeight(row.fold ? 1 : 0)) + 8;
    const slope = columns.length > 2 && row.local_derivative.length ? cellHeight(row.local_derivative.length) + 4 : 0;
    const side = cellHeight(row.fold ? 1 : linesOf(row, derivative).length) + (row.passes ? 18 : 0) + (narrow ? 4 : 0);
    const rungs = row.kept.length + (row.free.length || row.fold ? 1 : 0);
    if (narrow) return Math.max(30, sum([primal, slope, side, rungs ? 20 : 0])) + 12;
    return Math.max(30, three ? Math.max(primal, slope) : primal + slope, side, rungs * 18 + 6) + 8;
  }

  function turnOf(path) {
    const loop = [...index.get(path).above].reverse().find((row) => turns.has(row.path));
    return loop ? turns.get(loop.path) : -1;
  }

  function drawCell(row, column) {
    const td = make("div", { role: "cell", class: place[column] });
    const lines = linesOf(row, column);
    const turn = turnOf(row.path);
    if (lines.length) td.append(make("div", { class: `cell ${column}` }, lines.map((l) => drawLine(l, turn, player))));
    if (column === "adjoint" && row.passes) td.append(make("div", { class: "note", title: row.passes }, row.passes));
    if (column === "primal" && row.note && !row.fold) td.append(make("div", { class: "note" }, row.note));
    if (column === "primal" && row.children.length) td.append(drawOpener(row));
    if (column === columns.at(-1) && row.fold) td.append(make("div", { class: "peek" }));
    return td;
  }

  function drawOpener(row) {
    const open = opened.has(row.path);
    const what = row.fold ? `${row.label} ${row.note} (${counted(row.children.length, "row")})` : `${row.children.length} inside ${row.label}`;
    const onclick = () => toggle(row.path, true);
    const button = make("button", { type: "button", "aria-expanded": String(open), title: what, onclick }, `${open ? "▾" : "▸"} ${what}`);
    return make("div", { class: "open" }, button, open && drawTurns(row));
  }

  // A loop's iterations: all at once, or one of them.
  function drawTurns(row) {
    const find = (rows) => rows.reduce((n, r) => n ?? r.primal[0]?.turns?.length ?? find(r.children), undefined);
    const count = find(row.children);
    if (!count || row.fold) return null;
    const option = (k) => make("option", { value: k, selected: k === (turns.get(row.path) ?? -1) }, k < 0 ? "all" : `${k + 1} of ${count}`);
    const choose = (event) => {
      turns.set(row.path, Number(event.target.value));
      layout();
      scroll.querySelector(`[data-path="${row.path}"] select`)?.focus();
    };
    return make("label", {}, "turn", make("select", { onchange: choose }, [...Array(count + 1).keys()].map((k) => option(k - 1))));
  }

  function drawRow(row) {
    const feeds = fed.get(row.path) ?? [];
    const links = `${row.reads.length ? ` reads ${row.reads.join(", ")}` : ""}${feeds.length ? ` feeds ${feeds.join(", ")}` : ""}`;
    const name = make("div", { class: "path", role: "rowheader", title: `${row.label} ${row.source}${links}` }, row.path, make("span", { class: "hidden" }, links));
    const element = make("div", { class: "item", role: "row", "data-path": row.path }, name);
    element.append(...columns.map((column) => drawCell(row, column)));
    if (derivative === "adjoint") element.lastChild.before(drawRung(row));
    const focusOn = (path) => () => {
      focus = path;
      drawEdges();
    };
    element.addEventListener("mouseenter", focusOn(row.path));
    element.addEventListener("mouseleave", focusOn(null));
    element.addEventListener("focusin", focusOn(row.path));
    name.style.paddingLeft = `${Math.min(row.depth, 4) * 5}px`;
    return element;
  }

  function drawEnd(word, end) {
    const about = { forward: "tangent", reverse: "adjoint" }[view.mode];
    const value = (text, step) => make("span", { class: "late", "data-late": step ?? -1 }, text);
    const element = make("div", { class: "item end", role: "row" }, make("div", { class: "path", role: "rowheader" }, word));
    const cell = (name, title, ...inside) => make("div", { role: "cell", class: name }, make("code", { title }, inside));
    element.append(cell("first", `${end.name} = ${end.value}`, `${end.name} = `, value(end.value, end.step)));
    if (!derivative || !end.partner) return element;
    const title = `${end.partner} = ${end.derivative}`;
    const text = [make("strong", {}, `${MARK[about]} ${end.partner} = `, value(end.derivative, end.derivative_step)), end.seed && " seed"];
    element.append(cell(`${about} derivative`, title, text));
    if (end.zero) element.lastChild.append(make("div", { class: "note", title: end.zero }, end.zero));
    return element;
  }

  const divider = (text) => ({ height: 28, draw: () => make("div", { class: "item divide", role: "row" }, make("div", { class: "all", role: "cell" }, text)) });
  function rowItems(rows, found, above) {
    let origin = above;
    for (const row of rows) {
      if (row.origin !== origin && row.depth === 0) found.push(divider(row.origin || "back in the function itself"));
      origin = row.depth === 0 ? row.origin : origin;
      found.push({ path: row.path, height: rowHeight(row), draw: () => drawRow(row) });
      if (opened.has(row.path)) rowItems(row.children, found, origin);
    }
    return found;
  }
  const endHeight = (end) => (narrow && end.partner ? 52 : 28) + (end.zero ? 18 : 0);
  function endItems(word, ends) {
    const items = ends.map((end, k) => ({ path: `${word} ${k}`, height: endHeight(end), draw: () => drawEnd(word, end) }));
    const many = ends.length > MANY && { path: word, height: 52, draw: () => drawMany(word, ends) };
    return !many ? items : opened.has(word) ? [many, ...items] : [many];
  }
  function drawMany(word, ends) {
    const open = opened.has(word);
    const what = `${counted(ends.length, word === "in" ? "input" : "output")}: ${ends[0].name} … ${ends.at(-1).name}`;
    const attributes = { type: "button", "aria-expanded": String(open), onclick: () => toggle(word, true) };
    const cell = make("div", { class: "all", role: "cell" }, make("div", { class: "open" }, make("button", attributes, `${open ? "▾" : "▸"} ${what}`)));
    return make("div", { class: "item", role: "row", "data-path": word }, make("div", { class: "path", role: "rowheader" }, word), cell);
  }

  // Each column gets room in proportion to its longest line, within bounds.
  const room = (line) => Math.min(40, line.text.length) + Math.min(24, line.value.length) + 8;
  const widest = (column) => Math.max(24, ...[...index.values()].slice(0, FEW).flatMap(({ row }) => linesOf(row, column).map(room)));
  const longest = Math.min(9, Math.max(4, ...[...index.keys()].map((path) => path.length)));
  const share = (...names) => `minmax(0,${Math.max(...names.map(widest))}fr)`;
  const edge = `${longest * 0.5}rem`;
  function tracks() {
    const [primal, ...rest] = columns;
    if (narrow || !derivative) return [share(primal)];
    const down = three ? [share(primal), share(rest[0])] : [share(...columns.slice(0, -1))];
    return [...down, derivative === "adjoint" && "4.8rem", share(derivative)].filter(Boolean);
  }

  function layout() {
    three = columns.length > 2 && !narrow && scroll.clientWidth >= THREE;
    scroll.toggleAttribute("data-three", three);
    scroll.style.setProperty("--columns", [edge, `${GUTTER}px`, ...tracks()].join(" "));
    edges.style.left = `calc(${edge} + .3rem)`;
    const items = [...endItems("in", view.inputs), ...rowItems(view.rows, [], ""), ...endItems("out", view.outputs)];
    places = new Map(items.map((item, k) => [item.path, k]));
    list.show(items);
    drawEdges();
  }
  // The row itself, or the closed row that hides it.
  function shown(path) {
    if (places.has(path)) return path;
    return index.get(path)?.above.map((row) => row.path).find((p) => places.has(p) && !opened.has(p));
  }

  function arc(from, to, name) {
    const [a, b] = [from, to].map((path) => places.get(shown(path)));
    if (a == null || b == null || a === b) return null;
    const [y, z] = [list.middle(a), list.middle(b)];
    const x = GUTTER - Math.min(GUTTER - 3, 9 + Math.abs(z - y) / 9);
    return svg("path", { class: name, d: `M${GUTTER - 1} ${y}C${x} ${y} ${x} ${z} ${GUTTER - 3} ${z}m-5 -4l5 4l-5 4` });
  }

  function drawEdges() {
    const step = view.steps[player.step()];
    const path = focus ?? (step ? shown(step.row) : null);
    const back = !focus && step?.column === "adjoint";
    const inside = ({ fold, path, children }) => (fold ? children.flatMap(inside) : [path]);
    const around = (p, name) => [...index.get(p).row.reads.map((from) => [from, p, name]), ...(fed.get(p) ?? []).map((to) => [p, to, name])];
    const touching = (name) => inside(index.get(path).row).flatMap((p) => around(p, name));
    const all = index.size <= SMALL ? [...index].flatMap(([to, { row }]) => row.reads.map((from) => [from, to, ""])) : [];
    const ends = index.size <= SMALL ? view.outputs.map((end, k) => [end.row, `out ${k}`, ""]) : [];
    const pairs = [...all, ...ends, ...(path ? touching(back ? "adjoint" : "focus") : [])];
    edges.replaceChildren(...pairs.map(([a, b, name]) => (name === "adjoint" ? arc(b, a, name) : arc(a, b, name))).filter(Boolean));
    edges.style.height = list.canvas.style.height;
    list.each((element, item) => element.classList.toggle("focus", item.path === path));
  }

  // A closed fold shows the one of its lines that is the current step.
  function mark(element) {
    const step = player.step();
    const peek = element.querySelector(".peek");
    if (peek) {
      const inside = step >= 0 && shown(view.steps[step].row) === element.dataset.path;
      peek.replaceChildren(...(inside ? [drawLine(view.lines[step], -1, player)] : []));
    }
    markSteps(element, step);
  }

  function toggle(path, refocus) {
    if (opened.has(path)) opened.delete(path);
    else opened.add(path);
    layout();
    if (refocus) scroll.querySelector(`[data-path="${path}"] button`)?.focus();
  }

  function draw(k) {
    const path = k < 0 ? null : shown(view.steps[k].row);
    if (path != null) list.reveal(places.get(path));
    list.each((element) => mark(element));
    drawEdges();
  }

  function openCurrent() {
    const step = view.steps[player.step()];
    const path = step && shown(step.row);
    if (path != null && index.get(path).row.children.length) toggle(path, false);
  }

  function head() {
    const cell = (name, text) => make("div", { role: "columnheader", class: name }, text);
    const word = (name) => (name === "local_derivative" ? "local derivative" : name);
    const titles = columns.map((name) => cell(`${place[name]} ${name}`, `${MARK[name]} ${word(name)} ${name === "adjoint" ? "↑ read up" : "↓"}`));
    if (derivative === "adjoint") titles.splice(-1, 0, cell("rung", "kept"));
    return make("div", { class: "item head", role: "row", style: "position:sticky" }, cell("path", "row"), titles);
  }
  scroll.append(make("div", { role: "table", "aria-label": view.title }, head(), list.canvas));
  const resize = (isNarrow) => ((narrow = isNarrow), layout());
  return { draw, resize, openCurrent };
}

// What of a piece of the page has happened by step k.
function markSteps(element, k) {
  for (const line of element.querySelectorAll("[data-step]")) {
    const own = Number(line.dataset.step);
    line.classList.toggle("later", k >= 0 && own > k);
    line.classList.toggle("now", own === k);
    if (own === k) line.setAttribute("aria-current", "step");
    else line.removeAttribute("aria-current");
  }
  for (const value of element.querySelectorAll("[data-late]")) value.classList.toggle("later", k >= 0 && Number(value.dataset.late) > k);
  for (const rung of element.querySelectorAll("[data-used]")) {
    rung.classList.toggle("held", k >= 0 && Number(rung.dataset.made) <= k && Number(rung.dataset.used) >= k);
  }
}

// ---- the listing -------------------------------------------------------------------------------

// The same lines as code, in the program's own order.
function createListing(view, player, scroll) {
  const back = view.lines.findIndex((l) => l.role === "adjoint");
  const list = createList(scroll, (element) => markSteps(element, player.step()));
  const cell = (name, ...inside) => make("div", { class: `item ${name}`, role: "row" }, make("div", { role: "cell", style: "grid-column:1/-1" }, inside));
  const items = view.lines.map((line, k) => ({ step: k, draw: () => cell("", drawLine(line, -1, player)) }));
  if (back >= 0) items.splice(back, 0, { height: 28, draw: () => cell("divide", `the way back, from ${view.seeds.join(", ")}`) });
  scroll.append(make("div", { role: "table", "aria-label": `${view.title}, as code` }, list.canvas));
  function draw(k) {
    if (k >= 0) list.reveal(k + (back >= 0 && k >= back ? 1 : 0), 0);
    list.each((element) => markSteps(element, k));
  }
  const resize = (narrow) => list.show(items.map((item) => ({ ...item, height: item.step == null ? item.height : lineHeight(narrow) })));
  return { draw, resize, openCurrent() {} };
}

// ---- everything together -----------------------------------------------------------------------

function render({ model, el }) {
  const view = survey(model.get("view"));
  const player = createPlayer({
    model,
    steps: view.steps.length,
    words: (k) => [view.steps[k].words, view.steps[k].product && drawProduct(view.steps[k].product, view.steps[k].column)],
    onStep: draw,
    idle: view.steps.length ? "All values are shown. Step to watch them appear one by one." : "This program has no equations.",
    bad: view.bad,
    group: view.group,
  });
  const meters = createMeters(view);
  const panes = make("div", { class: "panes" });
  const made = {};
  let narrow = false;

  function createPane(name) {
    const label = `the ${name}: arrow keys step, Enter opens a row, Space plays`;
    const scroll = make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": label });
    const pane = (name === "ladder" ? createLadder : createListing)(view, player, scroll);
    player.keys(scroll, { Enter: pane.openCurrent });
    return { ...pane, element: make("div", { class: `pane ${name}` }, scroll) };
  }
  // one of the two is always there
  function flip(name) {
    const open = Object.keys(switches).filter((other) => (other === name) !== (switches[other].getAttribute("aria-pressed") === "true"));
    if (open.length) choose(open);
  }
  function choose(names) {
    for (const name of Object.keys(switches)) switches[name].setAttribute("aria-pressed", String(names.includes(name)));
    const chosen = names.map((name) => (made[name] ??= createPane(name)));
    panes.replaceChildren(...chosen.map((pane) => pane.element));
    for (const pane of chosen) pane.resize(narrow);
    for (const pane of chosen) pane.draw(player.step());
  }
  const switchOf = (name) => make("button", { type: "button", "aria-pressed": "false", onclick: () => flip(name) }, name === "ladder" ? "Ladder" : "Listing");
  const switches = { ladder: switchOf("ladder"), listing: switchOf("listing") };
  player.bar.append(make("span", { class: "switches" }, switches.ladder, switches.listing));
  if (view.steps.length > FEW) player.bar.append(make("label", { class: "jump" }, "row ", make("input", { size: 5, onchange: jump })));
  function jump({ target }) {
    const k = view.steps.findIndex((step) => step.row === target.value.trim());
    if (k < 0) player.say(`There is no row ${target.value}.`);
    else player.go(k);
  }
  // pointing at a line marks all that belongs to its row, in both panes
  panes.addEventListener("mouseover", ({ target }) => {
    const rowOf = (line) => line && view.steps[line.dataset.step]?.row;
    const row = rowOf(target.closest(".line"));
    for (const line of panes.querySelectorAll(".line")) line.classList.toggle("linked", row != null && rowOf(line) === row);
  });

  const { root, unmount } = mount(
    el,
    { label: `${view.layout}: ${view.title}`, style: PLAYER_STYLE + STYLE },
    make("p", { class: "title" }, view.title),
    make("p", { class: "summary" }, [view.summary, ...view.notes].map((note) => note.replace(/[.]?$/, ".")).join(" ")),
    player.bar,
    player.words,
    meters.element,
    panes,
    view.text && make("details", {}, make("summary", {}, "The same as text"), make("pre", { tabindex: 0 }, view.text)),
  );
  function draw(k) {
    meters.draw(k);
    for (const pane of Object.values(made)) if (pane.element.isConnected) pane.draw(k);
  }
  let width = 0;
  const measure = () => {
    if (!root.clientWidth || root.clientWidth === width) return; // not on the page yet, or only the height has changed
    width = root.clientWidth;
    narrow = width < NARROW;
    root.toggleAttribute("data-stacked", width < WIDE);
    root.toggleAttribute("data-narrow", narrow);
    for (const pane of Object.values(made)) pane.resize(narrow);
  };
  measure();
  choose([view.layout === "listing" ? "listing" : "ladder"]);
  const observer = new ResizeObserver(measure);
  observer.observe(root);
  player.start();
  return () => {
    observer.disconnect();
    player.destroy();
    unmount();
  };
}

export default { render };
