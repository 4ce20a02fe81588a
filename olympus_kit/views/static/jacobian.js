// A Jacobian: its shapes to scale, a heat map that is also a table, and the passes that fill it.

const HEAT_STYLE = `
.okl { --plus:#d9822b; --minus:#4a8bd0 }
.okl ul { margin:.2rem 0 .5rem; padding-left:1.2rem; color:var(--muted) }
.okl .shapes { display:flex; flex-wrap:wrap; gap:.5rem 1.8rem; margin:.3rem 0 .6rem }
.okl .shapes svg { max-width:100%; height:auto; overflow:visible }
.okl table { border-collapse:separate; border-spacing:1px; margin:.4rem 0; font-size:13px }
.okl th { font-weight:500; color:var(--muted); text-align:left; padding:.1rem .4rem; white-space:nowrap }
.okl thead th { text-align:right }
.okl td { min-width:3.2em; padding:.25rem .45rem; text-align:right; white-space:nowrap;
  font-variant-numeric:tabular-nums; border:1px solid var(--line) }
.okl .tiles table { border-spacing:0 } .okl .tiles tbody { outline:1px solid var(--line) } .okl .tiles td { min-width:0; padding:0; width:10px; height:10px; border:0 }
.okl .tiles td:hover, .okl .tiles td:focus { outline:2px solid var(--ink); outline-offset:0 }
.okl .heat td.below { background-image:repeating-linear-gradient(135deg,transparent 0 4px,var(--stripe) 4px 5px) }
.okl { --stripe:#0002 } .okl[data-dark] { --stripe:#fff3 }
.okl .heat td.later { background:none !important; color:transparent; border-style:dashed }
.okl .tiles td.later { box-shadow:inset 0 0 0 1px var(--soft) }
.okl .heat .lit { box-shadow:inset 0 0 0 2px var(--primal); text-decoration:underline }
.okl .heat .now { box-shadow:inset 0 0 0 2px var(--ink) } .okl .heat th.now { color:var(--ink); font-weight:700 }
.okl .seed { display:block; min-height:1.4em } .okl td.wrong { outline:2px dashed var(--adjoint); outline-offset:-2px; white-space:normal }
.okl .heat { position:relative } .okl .entry { min-height:1.5em; margin:.2rem 0 }
.okl .legend span::before { content:""; display:inline-block; width:1.1em; height:1.1em; margin:0 .35em 0 .9em;
  vertical-align:-2px; border:1px solid var(--line); background:var(--c) }
`;

// Python drew the shapes, for print as well; here their few colours become the page's.
const INKS = { "#1b1f24": "--ink", "#57606a": "--muted", "#ffffff": "--paper", "#e8eef6": "--soft" };

function drawShapes([words, picture]) {
  const box = make("div", { "aria-hidden": "true" });
  box.innerHTML = picture.replace(/#[0-9a-f]{6}/g, (ink) => `var(${INKS[ink]})`);
  return make("div", {}, make("div", { class: "note" }, words), box);
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
  return td;
}

function drawHeat(view) {
  const { rows, columns } = view.axes;
  const values = [...view.low.flat(), ...view.high.flat()].map((v) => Math.abs(Number(v))).filter(Number.isFinite);
  const most = Math.max(1e-300, ...values);
  const down = view.way === "columns";
  const head = (name, scope, seeded) =>
    make("th", { scope, tabindex: -1 }, view.cells ? name : make("span", { class: "hidden" }, name), seeded && view.cells && make("span", { class: "seed" }));
  const heads = { rows: rows.map((name) => head(name, "row", !down)), columns: columns.map((name) => head(name, "col", down)) };
  const cells = rows.map((_, i) => columns.map((__, j) => drawCell(view, i, j, most)));
  const table = make("table", {},
    make("caption", { class: "hidden" }, view.title),
    make("thead", {}, make("tr", {}, make("td", { style: "border:0" }), heads.columns)),
    make("tbody", {}, rows.map((_, i) => make("tr", {}, heads.rows[i], cells[i]))));
  const seeds = heads[down ? "columns" : "rows"];
  return { table, cells, seeds, places: [[null, ...heads.columns], ...cells.map((row, i) => [heads.rows[i], ...row])] };
}

// Place (i, j) counts from the names: (0, j) is the name of a column, (i, 0) that of a row.
function describe(view, i, j) {
  const [row, column] = [view.axes.rows[i - 1], view.axes.columns[j - 1]];
  if (!i) return `Column ${j - 1}: how every output reacts to ${column}.`;
  if (!j) return `Row ${i - 1}: how ${row} reacts to every input.`;
  const [low, high, cell] = [view.low, view.high, view.cells].map((values) => values?.[i - 1][j - 1]);
  if (view.pattern) return `row ${row}, column ${column}: ${high ? `may differ from 0${cell && `, filled by pass ${cell}`}` : "always 0"}`;
  if (Math.max(...view.tile) > 1) return `rows ${row}, columns ${column}: entries from ${low} to ${high}`;
  const parts = [`∂${row} / ∂${column} = ${cell ?? low}`, `row ${i - 1}, column ${j - 1}`];
  if (view.differences) parts.push(`central difference ${view.differences[i - 1][j - 1]}`);
  if (!cell && view.wrong?.[i - 1][j - 1]) parts.push("yours differs ✗");
  return parts.join(" · ");
}

// Hover or focus an entry or a name; inside the table the arrow keys go from one to the next.
function explore(view, places, entry) {
  const at = (cell) => {
    const i = places.findIndex((row) => row.includes(cell));
    return cell && i >= 0 ? [i, places[i].indexOf(cell)] : null;
  };
  const show = (event) => {
    const place = at(event.target.closest("td, th"));
    if (!place) return;
    entry.textContent = describe(view, ...place);
    const [row, column] = place;
    places.forEach((line, i) => line.forEach((cell, j) => cell?.classList.toggle("lit", !(row && column) && (row ? i === row : j === column))));
  };
  const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const keys = (event) => {
    const place = at(event.target);
    if (!place || !(event.key in move)) return;
    event.preventDefault();
    event.stopPropagation();
    places[place[0] + move[event.key][0]]?.[place[1] + move[event.key][1]]?.focus();
  };
  return { onmouseover: show, onfocusin: show, onkeydown: keys };
}

// The ladder of the pass that is shown: the element of another view, made when it is opened.
function createLadders({ ladders }, step) {
  const made = {};
  const place = make("div");
  const details = make("details", { class: "pass", ontoggle: show }, make("summary", {}, "The equations of this pass, one by one"), place);
  function show() {
    const state = ladders?.states[step()];
    details.hidden = !state;
    if (state && details.open) place.replaceChildren((made[step()] ??= make(ladders.tag, { "data-state": state })));
  }
  return { details, show };
}

// ---- everything together -----------------------------------------------------------------------

function render({ model, el }) {
  const view = model.get("view");
  const { table, cells, seeds, places } = drawHeat(view);
  const down = view.way === "columns";
  const player = createPlayer({
    model,
    steps: view.steps.length,
    words: (k) => view.steps[k].words,
    onStep: draw,
    idle: view.steps.length ? "All entries are shown. Step to watch the passes fill them." : "There is nothing to fill.",
  });
  const invitation = cells[0]?.length ? "Point at an entry or at a name, or press Enter in the table and use the arrow keys." : "There are no entries.";
  const entry = make("p", { class: "entry", role: "status" }, invitation);
  const name = `the ${view.kind}: arrow keys step through the passes, Enter goes to the entries, Space plays`;
  const attributes = { class: view.cells ? "scroll heat" : "scroll heat tiles", tabindex: 0, role: "group", "aria-label": name };
  const heat = make("div", { ...attributes, ...explore(view, places, entry) }, table);
  const legend = make("p", { class: "legend note" },
    view.legend.map(([c, word]) => make("span", { style: `--c:var(${c})` }, word)),
    Math.max(...view.tile) > 1 && ` · each cell stands for ${view.tile.join(" × ")} entries`);
  const ladders = createLadders(view, player.step);
  const list = (facts = []) => facts.length > 0 && make("ul", {}, facts.map((fact) => make("li", {}, fact)));
  const { unmount } = mount(
    el,
    { label: `${view.kind}: ${view.title}`, style: PLAYER_STYLE + HEAT_STYLE },
    make("p", { class: "title" }, view.title),
    make("p", { class: "summary" }, view.summary),
    view.shapes && make("div", { class: "shapes" }, view.shapes.map(drawShapes)),
    view.orders && make("p", { class: "note" }, view.orders.map(([f, shape, size]) => `${f}: ${shape} (${size})`).join(" → ")),
    list(view.blocks?.map(([d, rule, flat]) => make("code", {}, `${d}: ${rule}, flattened ${flat}`))),
    list(view.notes),
    player.bar,
    player.words,
    ladders.details,
    heat,
    legend,
    entry,
    make("details", {}, make("summary", {}, "The same as text"), make("pre", { tabindex: 0 }, view.text)),
  );

  function draw(k) {
    ladders.show();
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
