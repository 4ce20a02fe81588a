// Chains of Jacobians, with their sizes on sliders; and a tangent pushed, a covector pulled back.

const LINEAR_STYLE = `
.okl table { border-collapse:collapse; font-size:13px; margin:.4rem 0 }
.okl th, .okl td { text-align:right; padding:.2rem .6rem; border-bottom:1px solid var(--line); white-space:nowrap;
  font-variant-numeric:tabular-nums }
.okl th:first-child, .okl td:last-child { text-align:left; white-space:normal }
.okl td:last-child { min-width:7em } .okl tr.named { font-weight:600 }
.okl tr.named th { color:var(--primal) }
.okl .sliders { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(16rem,100%),1fr)); gap:0 1rem }
.okl label { display:flex; align-items:center; gap:.5rem; min-height:44px }
.okl label input { flex:1; min-width:0; min-height:44px; accent-color:var(--primal) } .okl output { min-width:4em; text-align:right }
.okl .boxes svg, .okl .planes svg { max-width:100%; height:auto; font:12px system-ui,sans-serif; fill:var(--ink) }
.okl .boxes rect { fill:var(--soft); stroke:var(--muted) }
.okl .planes { display:grid; grid-template-columns:repeat(auto-fit,minmax(15rem,1fr)); gap:.5rem }
.okl .planes svg { width:100%; border:1px solid var(--line); border-radius:8px; touch-action:none }
.okl .planes polyline { fill:none; stroke:var(--line); stroke-width:1.2 }
.okl .arrow line { stroke:currentColor; stroke-width:3 } .okl .arrow.adjoint line { stroke-dasharray:7 4 }
.okl .arrow circle { fill:currentColor } .okl .arrow text { fill:currentColor; font-weight:650 }
.okl [data-drag] { cursor:grab }
`;

function slider(label, { min, max, step, value, change, shown = (x) => x }) {
  const output = make("output", {}, String(shown(value)));
  const oninput = () => {
    output.textContent = shown(Number(input.value));
    change(Number(input.value));
  };
  const input = make("input", { type: "range", min, max, step, value, oninput, "aria-label": label });
  const set = (x) => {
    input.value = x;
    output.textContent = shown(x);
  };
  return { element: make("label", {}, make("span", {}, label), input, output), set };
}

// ---- chains ------------------------------------------------------------------------------------

// The operations of a bracketing and the most numbers it holds; a tree is a number or [outer, inner].
function measure(tree, sizes) {
  if (typeof tree === "number") return { low: tree, high: tree + 1, flops: 0, held: sizes[tree], made: sizes[tree] };
  const [outer, inner] = tree.map((part) => measure(part, sizes));
  const made = sizes[outer.high] * sizes[inner.low];
  const flops = inner.flops + outer.flops + 2 * made * sizes[inner.high];
  const held = Math.max(inner.held, inner.made + outer.held, inner.made + outer.made + made);
  return { low: inner.low, high: outer.high, flops, held, made };
}

function drawBoxes(sizes) {
  const side = (count) => 8 + 84 * (Math.log(count) / Math.log(Math.max(2, ...sizes)));
  const root = svg("svg", { "aria-hidden": "true" });
  let x = 2;
  for (let k = sizes.length - 2; k >= 0; k--) {
    const [height, width] = [side(sizes[k + 1]), side(sizes[k])];
    root.append(svg("rect", { x, y: 60 - height / 2, width, height }), svg("text", { x, y: 124 }, `J${k + 1}: ${sizes[k + 1]}×${sizes[k]}`));
    x += Math.max(width, 88) + 12;
  }
  root.setAttribute("viewBox", `0 0 ${x} 130`);
  root.setAttribute("width", x);
  return root;
}

function drawChain(view) {
  const sizes = [...view.sizes];
  const boxes = make("div", { class: "boxes" });
  const body = make("tbody");
  const said = make("p", { class: "note", role: "status" });
  const number = (x) => x.toLocaleString("en");
  function draw() {
    const rows = view.rows.map((row, k) => ({ ...row, ...measure(view.trees[k], sizes) })).sort((a, b) => a.flops - b.flops);
    const words = (row) => [row.name, row.flops === rows[0].flops && "fewest operations"].filter(Boolean).join(", ");
    boxes.replaceChildren(drawBoxes(sizes));
    body.replaceChildren(...rows.map((row) => make("tr", { class: words(row) ? "named" : null },
      make("th", { scope: "row" }, row.order), [number(row.flops), number(row.held), words(row)].map((cell) => make("td", {}, cell)))));
    const [least, most] = [rows[0].flops, rows.at(-1).flops];
    said.textContent = `${rows[0].order} takes the fewest operations, ${number(least)}; the most are ${number(most)}, ${(most / least).toPrecision(3)} times as many.`;
  }
  const top = Math.max(1000, ...sizes);
  const sliders = sizes.map((value, k) => {
    const label = k === 0 ? "entries of x" : `entries after ${view.names[k - 1]}`;
    // equal steps multiply: small and large sizes are both within reach
    const shown = (p) => Math.max(1, Math.round(top ** (p / 100)));
    const change = (p) => {
      sizes[k] = shown(p);
      draw();
    };
    const made = slider(label, { min: 0, max: 100, step: 1, value: (100 * Math.log(value)) / Math.log(top), change, shown });
    made.element.querySelector("output").textContent = value;
    return made.element;
  });
  draw();
  const head = ["order", "operations", "numbers held", ""].map((word) => make(word ? "th" : "td", word ? { scope: "col" } : {}, word));
  const table = make("table", {}, make("caption", { class: "hidden" }, "every order of multiplying"), make("thead", {}, make("tr", {}, head)), body);
  return [make("div", { class: "sliders" }, sliders), boxes, said, make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "table of orders" }, table)];
}

// ---- push and pull -----------------------------------------------------------------------------

const known = (x) => (Array.isArray(x) ? x.map(known) : (x ?? NaN)); // JSON has null for what is not finite
const finite = (p) => p.every(Number.isFinite);
const dot = (a, b) => a.reduce((sum, x, k) => sum + x * b[k], 0);
const times = (J, v) => J.map((row) => dot(row, v));
const timesLeft = (u, J) => J[0].map((_, j) => dot(u, J.map((row) => row[j])));
const short = (x) => (Array.isArray(x) ? `[${x.map(short).join(", ")}]` : Number(x.toPrecision(4)).toString());
const closest = (values, x) => values.reduce((best, a, i) => (Math.abs(a - x) < Math.abs(values[best] - x) ? i : best), 0);
const SIZE = 300;

// One space: its grid, and arrows from a point; `drag(name, place)` is told where a handle is pulled.
function createPlane(lines, label, drag) {
  const flat = lines.flat().filter(finite).map(([a, b = 0]) => [a, b]);
  const range = [0, 1].map((k) => [Math.min(...flat.map((p) => p[k])), Math.max(...flat.map((p) => p[k]))]);
  const middle = range.map(([a, b]) => (a + b) / 2);
  const scale = SIZE / (1.8 * Math.max(1e-9, ...range.map(([a, b]) => b - a)));
  const to = ([a, b = 0]) => [SIZE / 2 + (a - middle[0]) * scale, SIZE / 2 - (b - middle[1]) * scale];
  const root = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": label });
  for (const line of lines) root.append(svg("polyline", { points: line.filter(finite).map((p) => to(p).join(",")).join(" ") }));
  const arrows = svg("g");
  root.append(arrows);
  let pulled = null;
  root.addEventListener("pointerdown", (event) => {
    pulled = event.target.dataset.drag ?? null;
    if (pulled) root.setPointerCapture(event.pointerId);
  });
  root.addEventListener("pointermove", (event) => {
    if (!pulled) return;
    const box = root.getBoundingClientRect();
    const [px, py] = [((event.clientX - box.left) * SIZE) / box.width, ((event.clientY - box.top) * SIZE) / box.height];
    drag(pulled, [(px - SIZE / 2) / scale + middle[0], (SIZE / 2 - py) / scale + middle[1]]);
  });
  root.addEventListener("pointerup", () => (pulled = null));
  function draw(origin, ...vectors) {
    const [x, y] = to(origin);
    const made = vectors.filter(([, , vector]) => finite(vector) && finite(origin)).map(([name, role, vector, handle]) => {
      const [x2, y2] = to(origin.map((o, k) => o + vector[k]));
      const tip = svg("circle", { cx: x2, cy: y2, r: handle ? 9 : 4, "data-drag": handle });
      const text = svg("text", { x: x2 + 11, y: y2 - 7 }, `${MARK[role]} ${name}`);
      return svg("g", { class: `arrow ${role}` }, svg("line", { x1: x, y1: y, x2, y2 }), tip, text);
    });
    const dot = finite(origin) && svg("circle", { cx: x, cy: y, r: 7, "data-drag": label === "input" ? "x" : null });
    arrows.replaceChildren(...[...made, dot].filter(Boolean));
  }
  return { root, draw };
}

function drawPushPull(view, model) {
  const state = { at: Math.floor(view.frames.length / 2), v: [...view.v], u: [...view.u] };
  const said = make("p", { role: "status" });
  const far = (frame, place) => frame.x.reduce((sum, x, k) => sum + (x - place[k]) ** 2, 0);
  const here = () => {
    const { x, y, J } = model.get("frame") ?? view.frames[state.at];
    return { x, y: known(y), J: known(J) };
  };
  const move = (place) => {
    const nearest = view.frames.reduce((best, frame, k) => (far(frame, place) < far(view.frames[best], place) ? k : best), 0);
    state.at = nearest;
    if (model.get("frame")) {
      model.set("point", place.slice(0, view.v.length)); // Python answers with a new frame
      model.save_changes();
    }
    draw();
  };
  const drag = (name, place) => {
    if (name === "x") return move(place);
    const origin = name === "v" ? here().x : here().y;
    state[name] = origin.map((o, k) => place[k] - o);
    draw();
  };
  const planes = [createPlane(view.grid, "input", drag), createPlane(view.images, "output", drag)];
  const axes = view.v.map((_, k) => [...new Set(view.frames.map((frame) => frame.x[k]))]);
  const along = axes.map((values, k) => slider(`x[${k}]`, {
    min: 0, max: values.length - 1, step: 1, value: Math.floor(values.length / 2), shown: (p) => short(values[p]),
    change: (p) => move(here().x.map((x, i) => (i === k ? values[p] : x))),
  }));
  const part = (name) => state[name].map((value, k) => slider(`${name}[${k}]`, {
    min: -2, max: 2, step: 0.1, value, shown: (x) => short(x),
    change: (x) => {
      state[name][k] = x;
      draw();
    },
  }));
  const parts = { v: part("v"), u: part("u") };
  function draw() {
    const { x, y, J } = here();
    const [Jv, Ju] = [times(J, state.v), timesLeft(state.u, J)];
    planes[0].draw(x, ["v", "tangent", state.v, "v"], ["Jᵀu", "adjoint", Ju]);
    planes[1].draw(y, ["Jv", "tangent", Jv], ["u", "adjoint", state.u, "u"]);
    for (const name of ["v", "u"]) parts[name].forEach((one, k) => one.set(state[name][k]));
    along.forEach((one, k) => one.set(closest(axes[k], x[k])));
    const products = `⟨u, Jv⟩ = ${short(dot(state.u, Jv))} and ⟨Jᵀu, v⟩ = ${short(dot(Ju, state.v))}`;
    said.textContent = `x = ${short(x)}, f(x) = ${short(y)}, J = ${short(J)}. Jv = ${short(Jv)}, Jᵀu = ${short(Ju)}. ${products}.`;
  }
  model.on("change:frame", draw);
  draw();
  const figures = planes.map(({ root }, k) => make("div", {}, make("div", { class: "note" }, k ? "output: the image of the grid" : "input: a straight grid"), root));
  const all = [...along, ...parts.v, ...parts.u].map((one) => one.element);
  return [make("div", { class: "planes" }, figures), said, make("div", { class: "sliders" }, all)];
}

// ---- everything together -----------------------------------------------------------------------

function render({ model, el }) {
  const view = model.get("view");
  const content = view.rows ? drawChain(view) : drawPushPull(view, model);
  const words = view.rows
    ? view.words
    : "▶ a solid arrow is a tangent, pushed from left to right by J; ▲ a dashed one is a covector, pulled back from right to left.";
  const { unmount } = mount(
    el,
    { label: view.title, style: LINEAR_STYLE },
    make("p", { class: "title" }, view.title),
    make("p", { class: "summary" }, words),
    content,
    make("details", {}, make("summary", {}, "The same as text"), make("pre", { tabindex: 0 }, view.text)),
  );
  return unmount;
}

export default { render };
