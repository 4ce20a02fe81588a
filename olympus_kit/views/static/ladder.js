// The ladder: one row for each primal equation, its derivative beside it, and a player.

const STYLE = `
.okl .meters { display:flex; flex-wrap:wrap; gap:.3rem 1.2rem; color:var(--muted); margin-bottom:.5rem }
.okl .meters svg { vertical-align:-3px; margin-left:.4rem }
.okl table { border-collapse:separate; border-spacing:0 5px; width:100%; margin:0; font-size:13px }
.okl th, .okl td { padding:0; border:0; vertical-align:top; text-align:left; background:none }
.okl thead th { position:sticky; top:0; background:var(--paper); z-index:1; padding:.3rem .4rem;
  font-weight:600; white-space:nowrap }
.okl .end td { padding:.2rem .4rem }
.okl .path { font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace; color:var(--muted); padding:.3rem .5rem .3rem 0; font-weight:400; white-space:nowrap }
.okl .cell { border:1px solid; border-radius:7px; overflow:hidden }
.okl .cell.primal { border-color:var(--primal) }
.okl .cell.tangent { border-color:var(--tangent) }
.okl .cell.adjoint { border-color:var(--adjoint) }
.okl .line { display:flex; gap:.8rem; justify-content:space-between; padding:.16rem .5rem;
  border-left:4px solid transparent }
.okl .line[data-step] { cursor:pointer }
.okl .line[data-step]:hover { background:var(--soft) }
.okl .line .value { color:var(--ink); white-space:nowrap; overflow:hidden; text-overflow:ellipsis;
  max-width:18em }
.okl .line.later .value, .okl .late.later { visibility:hidden }
.okl .line.now { background:var(--now); border-left-color:currentColor; font-weight:600 }
.okl .listing .line { justify-content:flex-start; padding:.05rem .5rem }
.okl .listing .line > code:first-child { flex:0 1 26em }
.okl .note { padding:.2rem .5rem }
.okl td.rung { min-width:5rem; text-align:center; color:var(--muted); font-size:11.5px;
  padding:.28rem .15rem 0 }
.okl .keep { display:flex; align-items:center; gap:.25rem; white-space:nowrap }
.okl .keep::before, .okl .keep::after { content:""; flex:1; min-width:.5rem; border-top:2px solid var(--line) }
.okl .keep.held { color:var(--ink); font-weight:600 }
.okl .keep.held::before, .okl .keep.held::after { border-color:var(--ink) }
.okl .keep.free::before, .okl .keep.free::after { border-top:1px dashed var(--line) }
.okl tr[data-depth="1"] .path { padding-left:1rem } .okl tr[data-depth="2"] .path { padding-left:2rem }
.okl tr[data-depth="3"] .path { padding-left:3rem }
@media (prefers-reduced-motion:no-preference) { .okl .line { transition:background-color .15s } }
`;

const MOST_ROWS = 1000;

// ---- one cell ----------------------------------------------------------------------------------

function drawLine(line, go) {
  const step = line.step ?? null;
  return make(
    "div",
    { class: `line ${line.role}`, "data-step": step, onclick: step == null ? () => {} : () => go(step) },
    make(
      "code",
      {},
      make("span", { "aria-hidden": true }, `${MARK[line.role]} `),
      make("span", { class: "hidden" }, `${line.role} `),
      line.text,
    ),
    make("code", { class: "value", title: line.value }, line.value),
  );
}

function drawCell(row, column, go) {
  const own = row[column];
  const lines = column === "primal" ? own : [...row.coefficient, ...own];
  const order = (line) => line.step ?? -1;
  if (column === "adjoint") lines.sort((a, b) => order(b) - order(a)); // it is read upwards
  const td = make("td");
  if (lines.length) td.append(make("div", { class: `cell ${column}` }, ...lines.map((l) => drawLine(l, go))));
  if (column === "adjoint" && row.passes) td.append(make("div", { class: "note" }, row.passes));
  if (column === "primal" && row.note) td.append(make("div", { class: "note" }, row.note));
  return td;
}

function drawRung(row) {
  const td = make("td", { class: "rung" });
  for (const kept of row.kept) {
    const attributes = { class: "keep", title: `${kept.name} = ${kept.value}`, "data-made": kept.made ?? -1, "data-used": kept.used };
    td.append(make("div", attributes, make("span", { class: "hidden" }, "kept "), kept.name));
  }
  if (row.free.length) td.append(make("div", { class: "keep free" }, `literal ${row.free[0]}`));
  return td;
}

// ---- rows --------------------------------------------------------------------------------------

function drawRow(row, view, go, rows) {
  const head = make("th", { scope: "row", class: "path" }, row.path);
  const tr = make("tr", { "data-depth": Math.min(row.depth, 3) }, head);
  for (const { name } of view.columns) {
    if (name === "adjoint") tr.append(drawRung(row));
    tr.append(drawCell(row, name, go));
  }
  rows.append(tr);
  const children = row.children.map((child) => drawRow(child, view, go, rows));
  const shown = { tr, path: row.path, open: false, children, toggle: null };
  if (children.length) addToggle(shown, row, tr);
  for (const child of children) setVisible(child, false);
  return shown;
}

function addToggle(shown, row, tr) {
  const count = `${row.children.length} inside ${row.label}`;
  const button = make("button", { type: "button", "aria-expanded": "false" }, `▸ ${count}`);
  shown.toggle = () => {
    shown.open = !shown.open;
    button.setAttribute("aria-expanded", String(shown.open));
    button.textContent = `${shown.open ? "▾" : "▸"} ${count}`;
    for (const child of shown.children) setVisible(child, shown.open);
  };
  button.addEventListener("click", shown.toggle);
  tr.children[1].append(button);
}

function setVisible(shown, visible) {
  shown.tr.hidden = !visible;
  for (const child of shown.children) setVisible(child, visible && shown.open);
}

function drawEnd(word, end, view) {
  const role = { forward: "tangent", reverse: "adjoint" }[view.mode];
  const value = (text, step) => make("span", { class: "late", "data-late": step ?? -1 }, text);
  const columns = view.columns.length + (view.mode === "reverse" ? 1 : 0);
  const tr = make("tr", { class: "end" }, make("th", { scope: "row", class: "path" }, word));
  const own = make("code", {}, `${end.name} = `, value(end.value, end.step));
  tr.append(make("td", { colspan: Math.max(1, columns - 1) }, own));
  if (columns > 1) {
    const partner = make("strong", {}, `${MARK[role]} ${end.partner} = `, value(end.derivative, end.derivative_step));
    tr.append(make("td", { class: role }, make("code", {}, end.partner ? partner : "")));
  }
  return tr;
}

function drawTable(view, go) {
  const head = make("tr", {}, make("th", { scope: "col", class: "path" }, "row"));
  for (const { name, read } of view.columns) {
    if (name === "adjoint") head.append(make("th", { scope: "col" }, "kept"));
    const arrow = read === "read up" ? "↑" : "↓";
    head.append(make("th", { scope: "col", class: name }, `${MARK[name]} ${name} ${arrow} ${read}`));
  }
  const body = make("tbody");
  body.append(...view.inputs.map((end) => drawEnd("in", end, view)));
  const shown = view.rows.slice(0, MOST_ROWS).map((row) => drawRow(row, view, go, body));
  body.append(...view.outputs.map((end) => drawEnd("out", end, view)));
  const table = make("table", {}, make("caption", { class: "hidden" }, view.title), make("thead", {}, head), body);
  return { table, shown };
}

// The same lines as code, in the program's own order.
function drawListing(view, go) {
  const lines = [];
  const collect = (row) => {
    lines.push(...row.primal, ...row.coefficient, ...row.tangent, ...row.adjoint);
    row.children.forEach(collect);
  };
  view.rows.forEach(collect);
  const ordered = lines.filter((l) => l.step != null).sort((a, b) => a.step - b.step);
  const list = make("div", { class: "listing" });
  let role = null;
  for (const line of ordered.slice(0, 3 * MOST_ROWS)) {
    if (line.role === "adjoint" && role !== "adjoint" && !list.querySelector(".note")) {
      list.append(make("div", { class: "note" }, `the way back, from ${view.seeds.join(", ")}`));
    }
    role = line.role;
    list.append(drawLine(line, go));
  }
  return { table: list, shown: [] };
}

// ---- memory over the steps ---------------------------------------------------------------------

function drawStrip(view) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  for (const [k, v] of Object.entries({ width: 120, height: 20, viewBox: "0 0 120 20", "aria-hidden": "true" })) svg.setAttribute(k, v);
  const last = Math.max(1, view.steps.length - 1);
  const at = (k) => `${((k / last) * 118 + 1).toFixed(1)},${(19 - (view.steps[k].live / Math.max(1, view.peak)) * 17).toFixed(1)}`;
  const line = document.createElementNS(ns, "polyline");
  line.setAttribute("points", view.steps.map((_, k) => at(k)).join(" "));
  line.setAttribute("style", "fill:none;stroke:var(--muted);stroke-width:1.5");
  const dot = document.createElementNS(ns, "circle");
  dot.setAttribute("r", "3.5");
  dot.setAttribute("style", "fill:var(--adjoint)");
  svg.append(line, dot);
  const move = (k) => {
    dot.style.display = k < 0 ? "none" : "";
    if (k >= 0) [["cx", 0], ["cy", 1]].forEach(([name, i]) => dot.setAttribute(name, at(k).split(",")[i]));
  };
  return { svg, move };
}

// ---- everything together -----------------------------------------------------------------------

function render({ model, el }) {
  const view = model.get("view");
  const last = view.steps.length - 1;
  const player = createPlayer({
    model,
    steps: view.steps.length,
    words: (k) => view.steps[k].words,
    onStep: draw,
    idle: last < 0 ? "This program has no equations." : "All values are shown. Step to watch them appear one by one.",
    group: view.group,
  });
  const strip = drawStrip(view);
  const memory = make("span");
  const flops = make("span");
  const { table, shown } = (view.layout === "listing" ? drawListing : drawTable)(view, player.go);
  const name = `the ${view.layout}: arrow keys step, Enter opens a row, Space plays`;
  const scroll = make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": name }, table);
  const tail = view.rows.length > MOST_ROWS ? [`${view.rows.length - MOST_ROWS} more rows are left out here; print(view) shows them all.`] : [];
  const { unmount } = mount(
    el,
    { label: `${view.layout}: ${view.title}`, style: PLAYER_STYLE + STYLE },
    make("p", { class: "title" }, view.title),
    make("p", { class: "summary" }, [view.summary, ...view.notes, ...tail].join(" ")),
    player.bar,
    player.words,
    make("div", { class: "meters" }, make("span", {}, memory, strip.svg), flops),
    scroll,
    make("details", {}, make("summary", {}, "The same as text"), make("pre", { tabindex: 0 }, view.text)),
  );

  const lines = [...table.querySelectorAll("[data-step]")];
  const late = [...table.querySelectorAll("[data-late]")];
  const rungs = [...table.querySelectorAll("[data-used]")];

  function draw(k) {
    const step = view.steps[k];
    memory.textContent = `held in memory: ${bytes(step ? step.live : view.peak)}${step ? "" : " at most"}`;
    flops.textContent = `operations so far: ${(step ?? view.steps[last] ?? { flops: 0 }).flops.toLocaleString("en")}`;
    strip.move(k);
    for (const line of lines) {
      const own = Number(line.dataset.step);
      line.classList.toggle("later", k >= 0 && own > k);
      line.classList.toggle("now", own === k);
      if (own === k) line.setAttribute("aria-current", "step");
      else line.removeAttribute("aria-current");
      if (own === k) reveal(line);
    }
    for (const value of late) value.classList.toggle("later", k >= 0 && Number(value.dataset.late) > k);
    for (const rung of rungs) rung.classList.toggle("held", k >= 0 && Number(rung.dataset.made) <= k && Number(rung.dataset.used) >= k);
  }

  // scroll the ladder alone, never the page
  function reveal(line) {
    const box = scroll.getBoundingClientRect();
    const at = line.getBoundingClientRect();
    if (at.top < box.top + 40) scroll.scrollTop -= box.top + 40 - at.top;
    if (at.bottom > box.bottom) scroll.scrollTop += at.bottom - box.bottom;
  }

  function openCurrent() {
    const path = view.steps[player.step()]?.row;
    const find = (rows) => rows.reduce((found, r) => found ?? (r.path === path ? r : find(r.children)), undefined);
    find(shown)?.toggle?.();
  }

  player.keys(scroll, { Enter: openCurrent });
  player.start();
  return () => {
    player.destroy();
    unmount();
  };
}

export default { render };
