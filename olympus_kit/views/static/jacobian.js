// A Jacobian: its shapes to scale, a heat map that is also a table, and the passes that fill it.

const HEAT_STYLE = `
.okl { --plus:#d9822b; --minus:#4a8bd0 }
.okl ul { margin:.2rem 0 .5rem; padding-left:1.2rem; color:var(--muted) }
.okl .shapes { display:flex; flex-wrap:wrap; gap:.5rem 2.5rem; margin:.3rem 0 .6rem }
.okl .shapes svg { max-width:100%; height:auto; font:12px system-ui,sans-serif; fill:var(--ink) }
.okl .shapes rect { fill:none; stroke:var(--muted); stroke-width:1.5 } .okl .shapes rect.j { fill:var(--soft) }
.okl .shapes line { stroke:var(--ink) } .okl .shapes .size { fill:var(--muted) }
.okl table { border-collapse:separate; border-spacing:1px; margin:.4rem 0; font-size:13px }
.okl th { font-weight:500; color:var(--muted); text-align:left; padding:.1rem .4rem; white-space:nowrap }
.okl thead th { text-align:right }
.okl td { min-width:3.2em; padding:.25rem .45rem; text-align:right; white-space:nowrap;
  font-variant-numeric:tabular-nums; border:1px solid var(--line) }
.okl .tiles table { border-spacing:0 } .okl .tiles td { min-width:0; padding:0; width:10px; height:10px; border:0 }
.okl .tiles td:hover, .okl .tiles td:focus { outline:2px solid var(--ink); outline-offset:0 }
.okl .heat td.below { background-image:repeating-linear-gradient(135deg,transparent 0 4px,var(--stripe) 4px 5px) }
.okl { --stripe:#0002 } .okl[data-dark] { --stripe:#fff3 }
.okl .heat td.later { background:none !important; color:transparent; border-style:dashed }
.okl .tiles td.later { box-shadow:inset 0 0 0 1px var(--soft) }
.okl .heat .now { box-shadow:inset 0 0 0 2px var(--ink) } .okl .heat th.now { color:var(--ink); font-weight:700 }
.okl .seed { display:block; min-height:1.4em } .okl td.wrong { outline:2px dashed var(--adjoint); outline-offset:-2px }
.okl td .guess { display:block }
.okl .heat { position:relative } .okl .entry { min-height:1.5em; margin:.2rem 0 }
.okl .legend span::before { content:""; display:inline-block; width:1.1em; height:1.1em; margin:0 .35em 0 .9em;
  vertical-align:-2px; border:1px solid var(--line); background:var(--c) }
`;

// ---- shapes to scale ---------------------------------------------------------------------------

function drawProduct(boxes, longest, cuts) {
  const side = (count) => Math.max(6, (92 * count) / longest);
  const svgRoot = svg("svg", { "aria-hidden": "true" });
  let x = 2;
  for (const [name, rows, columns, sign] of boxes) {
    const [width, height] = [side(columns), side(rows)];
    const y = 18 + (92 - height) / 2;
    svgRoot.append(svg("rect", { x, y, width, height, class: name[0] === "J" ? "j" : null }));
    if (name === "J") for (const c of cuts) svgRoot.append(svg("line", { x1: x + width * c, x2: x + width * c, y1: y, y2: y + height }));
    svgRoot.append(svg("text", { x, y: y - 4 }, name), svg("text", { x, y: y + height + 14, class: "size" }, `${rows}×${columns}`));
    x += Math.max(width, 42) + 6;
    svgRoot.append(svg("text", { x, y: 68 }, sign));
    x += sign ? 18 : 0;
  }
  svgRoot.setAttribute("viewBox", `0 0 ${x} 130`);
  svgRoot.setAttribute("width", x);
  return svgRoot;
}

function drawShapes({ shape: [m, n], cuts }) {
  const longest = Math.max(m, n, 1);
  const columns = [["Δy", m, 1, "="], ["J", m, n, "·"], ["Δx", n, 1, ""]];
  const rows = [["Δy", 1, m, "="], ["Δx", 1, n, "·"], ["Jᵀ", n, m, ""]];
  const part = (words, boxes) => make("div", {}, make("div", { class: "note" }, words), drawProduct(boxes, longest, cuts));
  return make("div", { class: "shapes" },
    part(`vectors as columns: Δy (${m}×1) = J (${m}×${n}) Δx (${n}×1)`, columns),
    part(`vectors as rows: Δy (1×${m}) = Δx (1×${n}) Jᵀ (${n}×${m})`, rows));
}

// ---- the heat map ------------------------------------------------------------------------------

const furthest = (low, high) => (Math.abs(high) >= Math.abs(low) ? high : low);

function drawCell(view, i, j, most) {
  const value = furthest(Number(view.low[i][j]), Number(view.high[i][j]));
  const share = Number.isFinite(value) ? Math.abs(value) / most : 0;
  const strength = Math.round((view.cells ? 50 : 100) * share);
  const color = value < 0 ? "--minus" : "--plus";
  const wrong = view.wrong?.[i][j];
  const td = make("td", {
    tabindex: -1,
    class: [value < 0 && "below", wrong && "wrong"].filter(Boolean).join(" ") || null,
    style: `background-color:color-mix(in srgb,var(${color}) ${strength}%,var(--paper))`,
  });
  if (view.cells) td.append(view.cells[i][j]);
  if (wrong && view.guess) td.append(make("span", { class: "guess" }, `✗ yours ${view.guess[i][j]}`));
  return td;
}

function drawHeat(view) {
  const { rows, columns } = view.axes;
  const values = [...view.low.flat(), ...view.high.flat()].map((v) => Math.abs(Number(v))).filter(Number.isFinite);
  const most = Math.max(1e-300, ...values);
  const down = view.way === "columns";
  const head = (name, scope, seeded) =>
    make("th", { scope }, view.cells ? name : make("span", { class: "hidden" }, name), seeded && view.cells && make("span", { class: "seed" }));
  const heads = { rows: rows.map((name) => head(name, "row", !down)), columns: columns.map((name) => head(name, "col", down)) };
  const cells = rows.map((_, i) => columns.map((__, j) => drawCell(view, i, j, most)));
  const table = make("table", {},
    make("caption", { class: "hidden" }, view.title),
    make("thead", {}, make("tr", {}, make("td", { style: "border:0" }), heads.columns)),
    make("tbody", {}, rows.map((_, i) => make("tr", {}, heads.rows[i], cells[i]))));
  return { table, cells, seeds: heads[down ? "columns" : "rows"] };
}

function describe(view, i, j) {
  const [row, column] = [view.axes.rows[i], view.axes.columns[j]];
  if (view.pattern) return `row ${row}, column ${column}: ${view.high[i][j] ? "may differ from 0" : "always 0"}`;
  if (Math.max(...view.tile) > 1) return `rows ${row}, columns ${column}: entries from ${view.low[i][j]} to ${view.high[i][j]}`;
  const parts = [`∂${row} / ∂${column} = ${view.cells?.[i][j] ?? view.low[i][j]}`, `row ${i}, column ${j}`];
  if (view.differences) parts.push(`central difference ${view.differences[i][j]}`);
  if (view.wrong?.[i][j]) parts.push(`yours ${view.guess ? view.guess[i][j] : "differs"} ✗`);
  return parts.join(" · ");
}

// Hover or focus an entry; inside the table the arrow keys go from entry to entry.
function explore(view, cells, entry) {
  const at = (td) => {
    const i = cells.findIndex((row) => row.includes(td));
    return i < 0 ? null : [i, cells[i].indexOf(td)];
  };
  const show = (event) => {
    const place = at(event.target.closest("td"));
    if (place) entry.textContent = describe(view, ...place);
  };
  const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const keys = (event) => {
    const place = at(event.target);
    if (!place || !(event.key in move)) return;
    event.preventDefault();
    event.stopPropagation();
    cells[place[0] + move[event.key][0]]?.[place[1] + move[event.key][1]]?.focus();
  };
  return { onmouseover: show, onfocusin: show, onkeydown: keys };
}

// ---- everything together -----------------------------------------------------------------------

function render({ model, el }) {
  const view = model.get("view");
  const { table, cells, seeds } = drawHeat(view);
  const down = view.way === "columns";
  const player = createPlayer({
    model,
    steps: view.steps.length,
    words: (k) => view.steps[k].words,
    onStep: draw,
    idle: view.steps.length ? "All entries are shown. Step to watch the passes fill them." : "There is nothing to fill.",
  });
  const invitation = cells[0]?.length ? "Point at an entry, or press Enter in the table and use the arrow keys." : "There are no entries.";
  const entry = make("p", { class: "entry", role: "status" }, invitation);
  const name = `the ${view.kind}: arrow keys step through the passes, Enter goes to the entries, Space plays`;
  const attributes = { class: view.cells ? "scroll heat" : "scroll heat tiles", tabindex: 0, role: "group", "aria-label": name };
  const heat = make("div", { ...attributes, ...explore(view, cells, entry) }, table);
  const legend = make("p", { class: "legend note" },
    view.legend.map(([c, word]) => make("span", { style: `--c:var(${c})` }, word)),
    Math.max(...view.tile) > 1 && ` · each cell stands for ${view.tile.join(" × ")} entries`);
  const facts = [...view.orders.map(([f, shape, size]) => `${f}: ${shape} (${size})`), ...view.notes];
  const { unmount } = mount(
    el,
    { label: `${view.kind}: ${view.title}`, style: PLAYER_STYLE + HEAT_STYLE },
    make("p", { class: "title" }, view.title),
    make("p", { class: "summary" }, view.summary),
    view.cuts && drawShapes(view),
    make("ul", {}, facts.map((fact) => make("li", {}, fact))),
    make("ul", {}, view.blocks.map(([d, rule, flat]) => make("li", {}, make("code", {}, `${d}: ${rule}, flattened ${flat}`)))),
    player.bar,
    player.words,
    heat,
    legend,
    entry,
    make("details", {}, make("summary", {}, "The same as text"), make("pre", { tabindex: 0 }, view.text)),
  );

  function draw(k) {
    const done = new Set(view.steps.slice(0, k + 1).flatMap((s) => s.hot));
    const hot = new Set(view.steps[k]?.hot ?? []);
    cells.forEach((row, i) =>
      row.forEach((td, j) => {
        const line = down ? j : i;
        td.classList.toggle("later", k >= 0 && !done.has(line));
        td.classList.toggle("now", hot.has(line) && hot.size < seeds.length);
      }));
    seeds.forEach((th, line) => {
      th.classList.toggle("now", hot.has(line));
      const seed = th.querySelector(".seed");
      if (seed) seed.textContent = k < 0 || !view.steps[k].seed ? "" : hot.has(line) ? (down ? "▶ 1" : "▲ 1") : "0";
    });
  }

  player.keys(heat, { Enter: () => cells[0]?.[0]?.focus() });
  player.start();
  return () => {
    player.destroy();
    unmount();
  };
}

export default { render };
