// Sliders: the same figure at many points. Without Python the points are frames, which were
// computed before; with it Python is asked, and its latest answer is shown.
//
//   explorable(render) -> a render function that puts sliders above the figure where its model has
//                         forms and frames, and is `render` itself where it has none

const SLIDER_STYLE = `
.okl .axis { display:flex; flex-wrap:wrap; gap:.3rem .6rem; align-items:center }
.okl .axis b { min-width:4em; overflow-wrap:anywhere }
.okl .axis input[type=range] { flex:1 1 10rem; min-width:0; min-height:44px; margin:0;
  accent-color:var(--primal) }
.okl .axis input[type=text] { width:8em; min-height:44px; background:var(--soft); border-radius:8px;
  border:1px solid var(--muted); padding:0 .5rem }
.okl .place { margin:.2rem 0; min-height:1.5em; overflow-wrap:anywhere }
.okl .note { margin:.1rem 0 }
`;

/** @typedef {{ view: any, paths: any[][] }} Form */
/**
 * @typedef {object} Frame
 * @property {number} form
 * @property {any[]} values
 * @property {boolean} bad
 * @property {number} program
 * @property {string} [error]
 */
/** @typedef {{ name: string, values: number[], labels: string[], start: number }} Axis */
/**
 * @typedef {object} Explorer
 * @property {string} title
 * @property {string[]} notes
 * @property {Axis[]} axes
 * @property {Form[]} forms
 * @property {Frame[]} frames
 * @property {number} programs
 * @property {boolean} live
 */
// What is known at a point: a view, or an error.
/** @typedef {{ view?: any, error?: string, bad?: boolean, program: number }} Answer */
/** @typedef {ParentNode | null | undefined} Root */

/** @type {(render: Render) => Render} */
const explorable = (render) => (host) =>
  host.model.get("view").forms ? explore(render, host) : render(host);

// A frame is its form, with its own values where they differ from those of the form.
/** @type {(explorer: Explorer, frame: Frame) => any} */
function restore({ forms }, { form, values }) {
  const view = structuredClone(forms[form].view);
  forms[form].paths.forEach((path, k) => {
    const last = path.length - 1;
    path.slice(0, last).reduce((part, key) => part[key], view)[path[last]] = values[k];
  });
  return joined(view);
}

/** @type {(data: any) => any} */
function joined(data) {
  if (data === null || typeof data !== "object") return data;
  if (Array.isArray(data)) return data.map(joined);
  const keys = Object.keys(data);
  if (keys.length === 1 && keys[0] === "pieces") return data.pieces.join("");
  return Object.fromEntries(keys.map((key) => [key, joined(data[key])]));
}

/** @param {Element | null | undefined} place */
const shadowOf = (place) => place?.firstElementChild?.shadowRoot;
/** @type {(root: Root, selector: string) => any[]} */
const partsOf = (root, selector) => [...(root?.querySelectorAll(selector) ?? [])];

// What can be read in a figure, piece by piece.
/** @param {Root} root */
const readable = (root) =>
  partsOf(root, "code, [data-late], td, text, .finding").filter((part) => !part.firstElementChild);

// Mark what reads differently than before; how many that is, or null where nothing corresponds.
/** @type {(before: string[], root: Root) => number | null} */
function markChanges(before, root) {
  const after = readable(root);
  if (before.length !== after.length) return null;
  const changed = after.filter((part, k) => part.textContent !== before[k]);
  for (const part of changed) part.setAttribute("data-changed", "");
  return changed.length;
}

// A figure that is drawn anew stays as far scrolled and as far open as it was.
/** @type {(from: Root, to: Root) => void} */
function copyState(from, to) {
  const folds = [partsOf(from, "details"), partsOf(to, "details")];
  const panes = [partsOf(from, ".scroll, .pictures"), partsOf(to, ".scroll, .pictures")];
  folds[1].forEach((fold, k) => (fold.open = folds[0][k]?.open ?? false));
  panes[1].forEach((pane, k) => {
    pane.scrollTo(panes[0][k]?.scrollLeft ?? 0, panes[0][k]?.scrollTop ?? 0);
  });
}

/** @param {number} x */
const written = (x) => String(Number(x.toPrecision(7)));

/** @type {(render: Render, host: Host) => () => void} */
function explore(render, { model, el }) {
  /** @type {Explorer} */
  const data = model.get("view");
  const { axes, frames, live } = data;
  const place = make("div");
  const status = make("p", { class: "place", role: "status" });
  const at = axes.map(({ values, start }) => values[start]);
  /** @type {any} */
  let shown = null;
  /** @type {(() => void) | null} */
  let clean = null;

  // what a reader has opened
  /** @type {Record<string, any>} */
  const reader = { opened: new Set(), iterations: new Map() };
  /** @type {Model} */
  const inner = {
    get: (key) => (key === "view" ? shown : (reader[key] ?? model.get(key))),
    set: (key, value) => model.set(key, value),
    on: (event, listener) => model.on(event, listener),
    off: (event, listener) => model.off(event, listener),
    save_changes: () => model.save_changes(),
  };

  // The new figure is drawn before the old one goes, so that the page does not jump.
  /** @param {any} view */
  function draw(view) {
    const old = shadowOf(place.lastElementChild);
    const before = readable(old).map((part) => part.textContent);
    const next = make("div");
    const cleanOld = clean;
    shown = view;
    place.append(next);
    clean = render({ model: inner, el: next });
    const changed = old && markChanges(before, shadowOf(next));
    if (old) copyState(old, shadowOf(next));
    cleanOld?.();
    while (place.children.length > 1) place.firstElementChild.remove();
    return changed;
  }

  /** @type {(answer: Answer, ...notes: (string | false)[]) => void} */
  function show({ view, error, bad, program }, ...notes) {
    const where = axes.map((axis, k) => axis.labels[at[k]] ?? `${axis.name} = ${written(at[k])}`);
    if (error) {
      status.textContent = `✗ ${where.join(", ")}: ${error} Below is the last point that worked.`;
      return;
    }
    const changed = draw(view);
    const words = [
      where.join(", "),
      ...notes,
      data.programs > 1 && `program ${program + 1} of ${data.programs}`,
      bad && "⚠ NaN or inf",
      changed != null && `${counted(changed, "place")} changed`,
    ];
    status.textContent = words.filter(Boolean).join(" · ");
  }

  /** @type {(values: number[], x: number) => number} */
  const nearest = (values, x) =>
    values.reduce((best, value) => (Math.abs(value - x) < Math.abs(best - x) ? value : best));
  function frameHere() {
    const index = axes.reduce((n, { values }, k) => n * values.length + values.indexOf(at[k]), 0);
    const frame = frames[index];
    return frame.error ? frame : { ...frame, view: restore(data, frame) };
  }

  // One question at a time: while Python computes, only the latest wish is remembered.
  let asked = 0;
  let waiting = false;
  /** @type {number[] | null} */
  let wish = null;
  /** @param {number[]} values */
  function ask(values) {
    if (waiting) {
      wish = values;
      return;
    }
    waiting = true;
    asked += 1;
    model.set("point", { serial: asked, values });
    model.save_changes();
  }
  function answered() {
    const answer = model.get("answer");
    if (answer?.serial !== asked) return;
    waiting = false;
    show(answer);
    if (wish) ask(wish);
    wish = null;
  }
  if (live) model.on("change:answer", answered);

  /** @type {(k: number, x: number) => void} */
  function go(k, x) {
    const { values } = axes[k];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    at[k] = live ? Math.max(low, Math.min(high, x)) : nearest(values, x);
    controls[k].update();
    if (live) ask([...at]);
    else show(frameHere(), at[k] !== x && `the nearest point to ${written(x)}`);
  }

  // What is chosen in one gallery is shown in all of the page.
  const follow = (/** @type {any} */ event) => {
    const { detail } = event;
    const k = axes.findIndex(({ labels }) => labels.length && String(labels) === detail.labels);
    if (k >= 0) go(k, detail.value);
  };
  document.addEventListener("olympus-chosen", follow);

  const controls = axes.map(({ name, values, labels }, k) => {
    if (labels.length) {
      const options = labels.map((label, i) => make("option", { value: values[i] }, label));
      const onchange = () => {
        const detail = { labels: String(labels), value: Number(list.value) };
        document.dispatchEvent(new CustomEvent("olympus-chosen", { detail }));
      };
      const list = make("select", { "aria-label": name, onchange }, options);
      const update = () => (list.value = at[k]);
      return { update, element: make("div", { class: "axis" }, make("b", {}, name), list) };
    }
    const steps = live ? 200 : values.length - 1;
    const [low, high] = [values[0], values[values.length - 1]];
    /** @type {(i: number) => number} */
    const valueAt = (i) => (live ? low + ((high - low) * i) / steps : values[i]);
    const placeOf = (/** @type {number} */ x) =>
      live ? Math.round(((x - low) / (high - low)) * steps) : values.indexOf(x);
    const range = make("input", {
      type: "range",
      min: 0,
      max: steps,
      "aria-label": name,
      oninput: () => go(k, valueAt(Number(range.value))),
    });
    const type = () => {
      if (field.value === written(at[k])) return; // Enter is followed by a change
      const x = Number(field.value.replace("−", "-") || NaN);
      if (Number.isFinite(x)) go(k, x);
      else status.textContent = `${name} is a number, such as ${written(values[0])}.`;
    };
    const field = make("input", {
      type: "text",
      "aria-label": `${name}, typed`,
      onchange: type,
      onkeydown: (/** @type {KeyboardEvent} */ { key }) => key === "Enter" && type(),
    });
    function update() {
      range.value = placeOf(at[k]);
      range.setAttribute("aria-valuetext", `${name} = ${written(at[k])}`);
      field.value = written(at[k]);
    }
    update();
    return { update, element: make("div", { class: "axis" }, make("b", {}, name), range, field) };
  });

  const { unmount } = mount(
    el,
    { label: `sliders: ${data.title}`, style: SLIDER_STYLE },
    make("div", { onkeydown: keepKeys }, controls.map(({ element }) => element)),
    status,
    data.notes.map((note) => make("p", { class: "note" }, note)),
  );
  el.append(place);
  show(frameHere());
  return () => {
    if (live) model.off("change:answer", answered);
    document.removeEventListener("olympus-chosen", follow);
    clean?.();
    unmount();
    place.remove();
  };
}
