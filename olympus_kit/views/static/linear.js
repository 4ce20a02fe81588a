// What is dragged: the sizes of a chain of Jacobians, and a tangent and a covector of a map.

const LINEAR_STYLE = `
.okl .finding { font-size:1.05em; margin:.15rem 0 .6rem; max-width:60em }
.okl table { border-collapse:collapse; font-size:13px; margin:.4rem 0 }
.okl th, .okl td { text-align:right; padding:.2rem .6rem; border-bottom:1px solid var(--line);
  white-space:nowrap; font-variant-numeric:tabular-nums }
.okl th:first-child { text-align:left; white-space:normal } .okl tr.named { font-weight:600 }
.okl tr.named th { color:var(--primal) }
.okl .sliders { display:grid; gap:0 1rem;
  grid-template-columns:repeat(auto-fit,minmax(min(18rem,100%),1fr)) }
.okl label { display:flex; align-items:center; gap:.5rem; min-height:44px }
.okl label input { flex:1; min-width:0; min-height:44px; accent-color:var(--primal) }
.okl output { min-width:4em; text-align:right; font-variant-numeric:tabular-nums }
.okl .boxes svg { max-width:100%; height:auto; font:12px system-ui,sans-serif; fill:var(--ink) }
.okl .boxes rect { fill:var(--soft); stroke:var(--muted) }
.okl .pictures { display:flex; flex-wrap:wrap; gap:1rem 2rem; overflow:visible; background:none }
.okl .pictures svg { display:block; height:auto; max-width:100%; touch-action:none }
.okl [data-handle]:is([role]) { cursor:grab } .okl [data-handle]:active { cursor:grabbing }
.okl svg [data-handle] .knob { fill:var(--paper); fill-opacity:.55; stroke-width:2 }
.okl [data-handle]:is(:hover,:focus-visible) > .knob { stroke-width:4 }
.okl .arrow text { pointer-events:none }
.okl .arrow.empty .head { visibility:hidden }
.okl .grid polyline { vector-effect:non-scaling-stroke }
`;

/**
 * @typedef {object} Slider
 * @property {number} min
 * @property {number} max
 * @property {number} step
 * @property {number} value
 * @property {(x: number) => void} change
 * @property {(x: number) => any} [shown]
 */
/** @typedef {{ element: any, set: (x: number) => void }} Control */

/** @type {(label: string, slider: Slider) => Control} */
function slider(label, { min, max, step, value, change, shown = String }) {
  const output = make("output");
  const oninput = () => {
    set(Number(input.value));
    change(Number(input.value));
  };
  const input = make("input", {
    type: "range",
    min,
    max,
    step,
    value,
    oninput,
    "aria-label": label,
  });
  /** @param {number} x */
  const set = (x) => {
    input.value = x;
    output.textContent = shown(x);
    input.setAttribute("aria-valuetext", `${label} = ${output.textContent}`);
  };
  set(value);
  return { element: make("label", {}, make("span", {}, label), input, output), set };
}

// ---- chains ------------------------------------------------------------------------------------

// The FLOPs of a bracketing and the most numbers live; a tree is a number or [outer, inner].
/** @typedef {number | [any, any]} Tree */
/** @typedef {{ low: number, high: number, flops: number, live: number, size: number }} Costs */
/** @type {(tree: Tree, sizes: number[]) => Costs} */
function measure(tree, sizes) {
  if (typeof tree === "number") {
    return { low: tree, high: tree + 1, flops: 0, live: sizes[tree], size: sizes[tree] };
  }
  const [outer, inner] = tree.map((part) => measure(part, sizes));
  const size = sizes[outer.high] * sizes[inner.low];
  const flops = inner.flops + outer.flops + 2 * size * sizes[inner.high];
  const live = Math.max(inner.live, inner.size + outer.live, inner.size + outer.size + size);
  return { low: inner.low, high: outer.high, flops, live, size };
}

/** @param {number[]} sizes */
function drawBoxes(sizes) {
  /** @param {number} count */
  const side = (count) => 8 + 84 * (Math.log(count) / Math.log(Math.max(2, ...sizes)));
  const root = svg("svg", { "aria-hidden": "true" });
  let x = 2;
  for (let k = sizes.length - 2; k >= 0; k--) {
    const [height, width] = [side(sizes[k + 1]), side(sizes[k])];
    const name = `J${k + 1}: ${sizes[k + 1]}×${sizes[k]}`;
    root.append(
      svg("rect", { x, y: 60 - height / 2, width, height }),
      svg("text", { x, y: 124 }, name),
    );
    x += Math.max(width, 7 * name.length) + 14;
  }
  root.setAttribute("viewBox", `0 0 ${x} 130`);
  root.setAttribute("width", x);
  return root;
}

/**
 * @typedef {object} ChainView
 * @property {number[]} sizes
 * @property {string} letters
 * @property {string[]} labels
 * @property {{ order: string, name: string, tree: Tree }[]} rows
 */
/** @typedef {{ content: Element[], destroy: () => void }} Drawn */

/** @type {(view: ChainView, title: Element, finding: Element) => Drawn} */
function drawChain(view, title, finding) {
  const sizes = [...view.sizes];
  const boxes = make("div", { class: "boxes" });
  const body = make("tbody");
  const number = (/** @type {number} */ x) => x.toLocaleString("en");
  const times = (/** @type {number} */ x) => (x < 100 ? x.toFixed(2) : number(Math.round(x)));
  function draw() {
    const rows = view.rows
      .map((row) => ({ ...row, ...measure(row.tree, sizes) }))
      .sort((a, b) => a.flops - b.flops);
    const words = (/** @type {{ name: string, flops: number }} */ row) =>
      [row.name, row.flops === rows[0].flops && "fewest FLOPs"].filter(Boolean).join(", ");
    boxes.replaceChildren(drawBoxes(sizes));
    body.replaceChildren(
      ...rows.map((row) => {
        const cells = [number(row.flops), number(row.live)].map((cell) => make("td", {}, cell));
        const head = make(
          "th",
          { scope: "row" },
          row.order,
          words(row) && make("div", { class: "note" }, words(row)),
        );
        return make("tr", { class: words(row) ? "named" : null }, head, cells);
      }),
    );
    const last = sizes.length - 1;
    const names = sizes.map((size, k) =>
      k === last && size === 1 ? "1" : `${view.letters[k]} = ${size}`
    );
    title.textContent = `A chain of ${last} functions: ${names.join(" → ")}`;
    const modes = rows
      .filter((row) => row.name)
      .map(({ name, flops }) => {
        const verb = name === "both modes" ? "take" : "takes";
        return `${name} ${verb} ${number(flops)}`;
      })
      .join(", ");
    const [low, high] = rows.filter((row) => row.name).map((row) => row.flops);
    const ratio = high > low ? ` (${times(high / low)}× as many)` : "";
    const fewest = `the fewest are ${number(rows[0].flops)}, for ${rows[0].order}.`;
    finding.textContent = `${modes[0].toUpperCase()}${modes.slice(1)} FLOPs${ratio}; ${fewest}`;
  }
  const top = Math.max(1000, ...sizes);
  const sliders = sizes.map((value, k) => {
    // equal steps multiply: small and large sizes are both within reach
    const shown = (/** @type {number} */ p) => Math.max(1, Math.round(top ** (p / 100)));
    const change = (/** @type {number} */ p) => {
      sizes[k] = shown(p);
      draw();
    };
    const at = (100 * Math.log(value)) / Math.log(top);
    const { element } = slider(view.labels[k], {
      min: 0,
      max: 100,
      step: 1,
      value: at,
      change,
      shown,
    });
    return element;
  });
  draw();
  const head = ["order", "FLOPs", "numbers live"].map((word) => make("th", { scope: "col" }, word));
  const caption = make("caption", { class: "hidden" }, "every order of multiplying");
  const table = make("table", {}, caption, make("thead", {}, make("tr", {}, head)), body);
  const scroll = make(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": "table of orders" },
    table,
  );
  return {
    content: [make("div", { class: "sliders" }, sliders), boxes, scroll],
    destroy: () => {},
  };
}

// ---- push and pull -----------------------------------------------------------------------------

// JSON has null for what is not finite
/** @type {(x: any) => any} */
const plain = (x) => (Array.isArray(x) ? x.map(plain) : (x ?? NaN));
/** @param {number[]} p */
const finite = (p) => p.every(Number.isFinite);
/** @type {(a: number[], b: number[]) => number} */
const dot = (a, b) => a.reduce((sum, x, k) => sum + x * b[k], 0);
/** @type {(J: number[][], v: number[]) => number[]} */
const times = (J, v) => J.map((row) => dot(row, v));
/** @type {(u: number[], J: number[][]) => number[]} */
const timesLeft = (u, J) =>
  J[0].map((_, j) =>
    dot(
      u,
      J.map((row) => row[j]),
    )
  );
/** @type {(x: any) => string} */
const short = (x) =>
  Array.isArray(x) ? `[${x.map(short).join(", ")}]` : Number(x.toPrecision(4)).toString();
/** @type {(values: number[], x: number) => number} */
const closest = (values, x) =>
  values.reduce((best, a, i) => (Math.abs(a - x) < Math.abs(values[best] - x) ? i : best), 0);

// One space: the picture that Python drew, whose arrows are moved; `drag(name, place)` is told
// where a handle is pulled, `nudge(name, [dx, dy])` of the arrow keys on it.
/**
 * @typedef {object} Scale
 * @property {number[]} middle
 * @property {number} factor
 * @property {number[]} corner
 * @property {number[]} low
 * @property {number[]} high
 */
/** @typedef {(name: Handle, place: number[]) => void} Move */
/** @typedef {"x" | "v" | "u"} Handle */
/**
 * @param {Picture} picture
 * @param {Scale} scale
 * @param {Move} drag
 * @param {Move} nudge
 */
function createPlane({ name, svg: markup }, scale, drag, nudge) {
  const { corner, low, high } = scale;
  const middle = [...scale.middle];
  let { factor } = scale;
  const parsed = new DOMParser().parseFromString(markup, "image/svg+xml").documentElement;
  const root = document.importNode(parsed, true);
  const [width, height] = ["width", "height"].map((side) => Number(root.getAttribute(side)));
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", name);
  root.setAttribute("width", String(width * 1.25));
  root.removeAttribute("height");
  const to = (/** @type {number[]} */ [a, b = 0]) => [
    corner[0] + (a - middle[0]) * factor,
    corner[1] - (b - middle[1]) * factor,
  ];
  /** @type {any} */
  const point = root.querySelector("circle[data-handle]");
  /** @type {(selector: string) => any[]} */
  const all = (selector) => [...root.querySelectorAll(selector)];
  const arrows = Object.fromEntries(
    all("[data-arrow]").map((arrow) => [arrow.dataset.arrow, arrow]),
  );
  /** @type {Record<string, number[]>} */
  const directions = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, 1],
    ArrowDown: [0, -1],
  };
  for (const handle of all("[data-handle]")) {
    if (handle.dataset.handle === "y") continue;
    handle.setAttribute("tabindex", 0);
    handle.setAttribute("role", "button");
    handle.setAttribute("aria-label", `${handle.dataset.handle}: drag it, or use the arrow keys`);
    handle.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const direction = directions[event.key];
      if (!direction || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      nudge(handle.dataset.handle, direction);
    });
  }
  /** @type {Handle | null} */
  let pulled = null;
  root.addEventListener("pointerdown", (/** @type {any} */ event) => {
    pulled = event.target.closest("[data-handle][role]")?.dataset.handle ?? null;
    if (pulled) root.setPointerCapture(event.pointerId);
  });
  root.addEventListener("pointermove", (event) => {
    if (!pulled) return;
    const box = root.getBoundingClientRect();
    const [px, py] = [
      ((event.clientX - box.left) * width) / box.width,
      ((event.clientY - box.top) * height) / box.height,
    ];
    drag(pulled, [(px - corner[0]) / factor + middle[0], (corner[1] - py) / factor + middle[1]]);
  });
  for (const event of ["pointerup", "pointercancel"]) {
    root.addEventListener(event, () => {
      const last = pulled;
      pulled = null;
      if (last) nudge(last, [0, 0]); // the scale stood still meanwhile
    });
  }

  // Point and arrows go to their places, at the scale at which the grid and all of them lie in the
  // panel, as Python drew them; labels stand where they cover nothing.
  /** @type {(origin: number[], vectors: Record<string, number[]>) => void} */
  function show(origin, vectors) {
    const names = Object.keys(vectors);
    const ends = names.map((name) => origin.map((o, k) => o + vectors[name][k]));
    if (!pulled) {
      const points = [low, high, ...[origin, ...ends].filter(finite)];
      let size = 1e-9;
      for (const k of [0, 1]) {
        const along = points.map((p) => p[k] ?? 0);
        const [least, most] = [Math.min(...along), Math.max(...along)];
        middle[k] = (least + most) / 2;
        size = Math.max(size, most - least);
      }
      factor = (2 * corner[0]) / (1.6 * size);
      const share = factor / scale.factor;
      const [x, y] = to(scale.middle);
      const move = `translate(${x - share * corner[0]} ${y - share * corner[1]})`;
      root.querySelector(".grid")?.setAttribute("transform", `${move} scale(${share})`);
    }
    const [a, b] = to(origin);
    point.setAttribute("visibility", finite(origin) ? "visible" : "hidden");
    if (finite(origin)) {
      point.setAttribute("cx", a);
      point.setAttribute("cy", b);
    }
    /** @type {number[][]} */
    const taken = []; // left, top, right and bottom of what no label may cover
    for (const end of ends) {
      for (let k = 0; k <= 16; k++) {
        const [[c, d], reach] = [to(end), k < 16 ? 8 : 11];
        const [x, y] = [a + (k / 16) * (c - a), b + (k / 16) * (d - b)];
        taken.push([x - reach, y - reach, x + reach, y + reach]);
      }
    }
    for (const [n, end] of ends.entries()) {
      const group = arrows[names[n]];
      group.setAttribute("visibility", finite(end) ? "visible" : "hidden");
      if (!finite(end)) continue;
      const [c, d] = to(end);
      const angle = (Math.atan2(d - b, c - a) * 180) / Math.PI;
      group.classList.toggle("empty", Math.hypot(c - a, d - b) < 1);
      group.querySelector(".shaft").setAttribute("d", `M${a} ${b}L${c} ${d}`);
      const knob = group.querySelector(".knob");
      knob?.setAttribute("d", `M${c - 11} ${d}a11 11 0 1 0 22 0a11 11 0 1 0 -22 0`);
      const turn = `translate(${c} ${d}) rotate(${angle})`;
      group.querySelector(".head").setAttribute("transform", turn);
      const label = group.querySelector("text");
      const wide = 7.3 * label.textContent.length;
      let [x, y] = [0, 0];
      for (const up of [12, 12, -20, -20, 28, 28, -36, -36, 44, 44]) {
        [x, y] = [x === c + 12 ? c - 12 - wide : c + 12, d - up];
        if (!taken.some((t) => x < t[2] && t[0] < x + wide && y - 10 < t[3] && t[1] < y + 3)) break;
      }
      taken.push([x, y - 10, x + wide, y + 3]);
      label.setAttribute("x", x);
      label.setAttribute("y", y);
    }
  }
  return { root, show };
}

/** @typedef {{ x: number[], y: number[], J: number[][] }} PushPullFrame */
/**
 * @typedef {object} PushPullView
 * @property {number[]} v
 * @property {number[]} u
 * @property {PushPullFrame[]} frames
 * @property {Picture[]} pictures
 * @property {Scale[]} scales
 */

/** @type {(view: PushPullView, model: Model, finding: Element) => Drawn} */
function drawPushPull(view, model, finding) {
  const state = { at: Math.floor(view.frames.length / 2), v: [...view.v], u: [...view.u] };
  const said = make("p", { class: "note", role: "status" });
  /** @type {(frame: PushPullFrame, place: number[]) => number} */
  const far = (frame, place) => frame.x.reduce((sum, x, k) => sum + (x - place[k]) ** 2, 0);
  /** @type {() => PushPullFrame} */
  const here = () => {
    const { x, y, J } = model.get("frame") ?? view.frames[state.at];
    return { x, y: plain(y), J: plain(J) };
  };
  /** @param {number[]} place */
  const move = (place) => {
    const nearest = view.frames.reduce(
      (best, frame, k) => (far(frame, place) < far(view.frames[best], place) ? k : best),
      0,
    );
    state.at = nearest;
    if (model.get("frame")) {
      model.set("point", place.slice(0, view.v.length)); // Python answers with a new frame
      model.save_changes();
    }
    draw();
  };
  /** @type {Move} */
  const drag = (name, place) => {
    if (name === "x") return move(place);
    const origin = name === "v" ? here().x : here().y;
    state[name] = origin.map((o, k) => place[k] - o);
    draw();
  };
  const axes = view.v.map((_, k) => [...new Set(view.frames.map((frame) => frame.x[k]))]);
  /** @type {Move} */
  const nudge = (name, direction) => {
    if (name === "x") {
      const stride = (/** @type {number} */ k) => (axes[k][1] ?? axes[k][0]) - axes[k][0];
      return move(here().x.map((x, k) => x + direction[k] * stride(k)));
    }
    state[name] = state[name].map((x, k) => Number((x + 0.1 * direction[k]).toFixed(10)));
    draw();
  };
  const planes = view.pictures.map((picture, k) =>
    createPlane(picture, view.scales[k], drag, nudge)
  );
  const along = axes.map((values, k) =>
    slider(`x[${k}]`, {
      min: 0,
      max: values.length - 1,
      step: 1,
      value: Math.floor(values.length / 2),
      shown: (p) => short(values[p]),
      change: (p) => move(here().x.map((x, i) => (i === k ? values[p] : x))),
    })
  );
  /** @param {"v" | "u"} name */
  const part = (name) =>
    state[name].map((value, k) =>
      slider(`${name}[${k}]`, {
        min: -2,
        max: 2,
        step: 0.1,
        value,
        shown: (x) => short(x),
        change: (x) => {
          state[name][k] = x;
          draw();
        },
      })
    );
  const parts = { v: part("v"), u: part("u") };
  function draw() {
    const { x, y, J } = here();
    const [Jv, Ju] = [times(J, state.v), timesLeft(state.u, J)];
    planes[0].show(x, { v: state.v, Jᵀu: Ju });
    planes[1].show(y, { Jv, u: state.u });
    parts.v.forEach((one, k) => one.set(state.v[k]));
    parts.u.forEach((one, k) => one.set(state.u[k]));
    along.forEach((one, k) => one.set(closest(axes[k], x[k])));
    const [pushed, pulled] = [dot(state.u, Jv), dot(Ju, state.v)].map(short);
    const both = `⟨u, Jv⟩ = ${pushed} and ⟨Jᵀu, v⟩ = ${pulled}`;
    finding.textContent = `${both}: v pushed forward meets u as v meets u pulled back.`;
    const point = `x = ${short(x)}, f(x) = ${short(y)}, J = ${short(J)}`;
    said.textContent = `${point}. Jv = ${short(Jv)}, Jᵀu = ${short(Ju)}.`;
  }
  model.on("change:frame", draw);
  draw();
  const all = [...along, ...parts.v, ...parts.u].map((one) => one.element);
  const pictures = make(
    "div",
    { class: "pictures" },
    planes.map(({ root }) => root),
  );
  const how = "Drag the point, v (▶ a tangent, pushed forward by J) and u (▲ a covector, dashed, " +
    "pulled back), or use the arrow keys on them.";
  const content = [
    make("p", { class: "note" }, how),
    pictures,
    said,
    make("div", { class: "sliders" }, all),
  ];
  return { content, destroy: () => model.off("change:frame", draw) };
}

// ---- everything together -----------------------------------------------------------------------

/** @param {Host} host */
function renderLinear({ model, el }) {
  const view = model.get("view");
  const title = make("p", { class: "title" }, view.title);
  const finding = make("p", { class: "finding", role: "status" }, view.finding);
  const { content, destroy } = view.rows
    ? drawChain(view, title, finding)
    : drawPushPull(view, model, finding);
  const { unmount } = mount(
    el,
    { label: view.title, style: LINEAR_STYLE },
    title,
    finding,
    content,
    view.notes.map((/** @type {string} */ note) => make("p", { class: "note" }, note)),
    make(
      "details",
      {},
      make("summary", {}, "The same as text"),
      make("pre", { tabindex: 0 }, view.text),
    ),
  );
  return () => {
    destroy();
    unmount();
  };
}

const render = explorable(renderLinear);
export default { render };
