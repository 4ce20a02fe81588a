// Reports: tables of costs, the picture that Python drew, and a player where there are steps.
// The picture is the same SVG that print gets; its few colours are turned into the page's.

const COST_STYLE = `${PLAYER_STYLE}
.okl .picture { overflow-x:auto; margin:.4rem 0 }
.okl .picture svg { display:block; max-width:none }
.okl .picture [fill="#1b1f24"] { fill:var(--ink) } .okl .picture [fill="#57606a"] { fill:var(--muted) }
.okl .picture [fill="#1f5fa8"] { fill:var(--primal) } .okl .picture [fill="#1d7a3a"] { fill:var(--tangent) }
.okl .picture [fill="#b3261e"] { fill:var(--adjoint) } .okl .picture [fill="#5c6670"] { fill:var(--bookkeeping) }
.okl .picture [fill="#ffffff"] { fill:var(--paper); stroke:none }
.okl .picture [stroke="#d0d7de"] { stroke:var(--line) } .okl .picture [stroke="#57606a"] { stroke:var(--muted) }
.okl .picture [stroke="#1f5fa8"] { stroke:var(--primal) } .okl .picture [stroke="#1d7a3a"] { stroke:var(--tangent) }
.okl .picture [stroke="#b3261e"] { stroke:var(--adjoint) } .okl .picture [stroke="#5c6670"] { stroke:var(--bookkeeping) }
.okl .cursor { stroke:var(--ink); stroke-width:2 }
.okl table { border-collapse:collapse; margin:.3rem 0 .8rem; font-size:13px; min-width:100% }
.okl th, .okl td { padding:.3rem .55rem; text-align:right; border-bottom:1px solid var(--line);
  font-variant-numeric:tabular-nums; white-space:nowrap }
.okl th:first-child { text-align:left; position:sticky; left:0; background:var(--paper) }
.okl .scroll:has(.prose) { max-height:none }
.okl table.prose td { text-align:left; white-space:pre-line; min-width:6.5em; vertical-align:top }
.okl table.prose th { text-align:left; white-space:normal; vertical-align:top; font-weight:600 }
@media (max-width:40rem) {
  .okl .prose thead { display:none }
  .okl .prose :is(tr, th, td) { display:block; border:0 }
  .okl .prose :is(th, td) { padding:.1rem .3rem }
  .okl .prose tr { border-bottom:1px solid var(--line); padding:.4rem 0 }
}
.okl thead th { color:var(--muted); font-weight:600 }
.okl tr.now > * { background:var(--now) }
.okl ul { margin:.2rem 0 .6rem; padding-left:1.2rem }
`;

function drawReportTable({ caption, columns, rows, prose }) {
  const head = [caption, ...columns].map((text) => make("th", { scope: "col" }, text));
  const body = rows.map(([name, ...cells]) =>
    make("tr", {}, make("th", { scope: "row" }, name), cells.map((text) => make("td", {}, text))),
  );
  const table = make("table", { class: prose ? "prose" : null }, make("thead", {}, make("tr", {}, head)), make("tbody", {}, body));
  const label = `table: ${caption}`;
  return make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": label }, table);
}

function drawPicture(view) {
  const parsed = new DOMParser().parseFromString(view.svg, "image/svg+xml").documentElement;
  const picture = document.importNode(parsed, true);
  const [width, height] = ["width", "height"].map((name) => Number(picture.getAttribute(name)));
  for (const part of ["rect", "text"]) picture.querySelector(part).remove(); // paper and title are the view's own
  picture.setAttribute("viewBox", `0 32 ${width} ${height - 32}`);
  picture.setAttribute("height", height - 32);
  const cursor = svg("line", { class: "cursor", y1: 36, y2: height - 8, visibility: "hidden" });
  picture.append(cursor);
  return { picture, cursor };
}

function render({ model, el }) {
  const view = model.get("view");
  const { picture, cursor } = drawPicture(view);
  const tables = view.tables.map(drawReportTable);
  const steps = view.steps;
  const rows = [...(tables[0]?.querySelectorAll("tbody tr") ?? [])];
  const player = steps.length
    ? createPlayer({
        model,
        steps: steps.length,
        words: (k) => steps[k].words,
        idle: "Step through it: the words say what the line marks.",
        onStep: (k) => {
          cursor.setAttribute("visibility", k < 0 ? "hidden" : "visible");
          for (const end of ["x1", "x2"]) cursor.setAttribute(end, steps[Math.max(k, 0)].x);
          rows.forEach((row, i) => row.classList.toggle("now", i === steps[k]?.row));
        },
      })
    : null;
  const label = `the picture${player ? ": arrow keys step, Space plays" : ""}`;
  const scroll = make("div", { class: "picture", tabindex: 0, role: "group", "aria-label": label }, picture);
  const { unmount } = mount(
    el,
    { label: view.title, style: COST_STYLE },
    make("p", { class: "title" }, view.title),
    make("p", { class: "summary" }, view.summary),
    view.notes.length ? make("ul", { class: "note" }, view.notes.map((n) => make("li", {}, n))) : null,
    player && [player.bar, player.words],
    scroll,
    tables,
    make("details", {}, make("summary", {}, "The same as text"), make("pre", { tabindex: 0 }, view.text)),
  );
  player?.keys(scroll);
  player?.start();
  return () => {
    player?.destroy();
    unmount();
  };
}

export default { render };
