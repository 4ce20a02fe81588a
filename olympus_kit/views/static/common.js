// What every front-end shares. A view's module is common.js + player.js + its own file(s), joined
// in the order of `View.scripts` into one module without imports: all names below are simply there.
// Your file declares no name of these, and the last one ends with `export default { render }`
// (anywidget's contract: `render({ model, el })` draws and returns a function that cleans up).
//
//   make(tag, attributes, ...children)   an HTML element; `onclick` and the like are listeners,
//                                        null and false leave an attribute or a child out
//   svg(tag, attributes, ...children)    the same for SVG
//   MARK[role]                           the shape that says what the role's colour says
//   role(name, text)                     a text in its role's colour, behind its mark, with its
//                                        word for ears
//   keepKeys                             a listener for "keydown" around controls
//   bytes(n), counted(n, "row")          "1.5 KiB", "2 rows"
//   mount(el, { label, style }, ...children) -> { root, unmount }
//                                        draws into a shadow root that follows the page's dark or
//                                        light; `style` is your CSS, after BASE; every rule begins
//                                        with .okl
//   CSS variables: --ink --muted --paper --soft --line --now --primal --tangent --adjoint
//   --local-derivative --bookkeeping; classes: .title .summary .scroll .note .hidden (for ears
//   alone), and the roles' names
//
// No ids, no requests, nothing outside `el`: two instances on a page are independent.
// Types stand in JSDoc comments; `tsc` checks them with the tests, and nothing is built.

/**
 * What the front-ends use of anywidget's model.
 * @typedef {object} Model
 * @property {(key: string) => any} get
 * @property {(key: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, listener: () => void) => void} on
 * @property {(event: string, listener: () => void) => void} off
 */
/** @typedef {{ model: Model, el: HTMLElement }} Host */
/** @typedef {(host: Host) => () => void} Render */
/** @typedef {{ name: string, svg: string }} Picture */
/** @typedef {{ root: HTMLElement, unmount: () => void }} Mounted */

const BASE = `
:host { all:initial; display:block }
/*COLORS*/
.okl { isolation:isolate;
  --ground:var(--paper);
  color:var(--ink); background:var(--paper); border:1px solid var(--line); border-radius:10px;
  padding:.75rem; font:14px/1.45 system-ui,sans-serif; max-width:100% }
.okl, .okl * { box-sizing:border-box }
.okl .title { font-weight:650; font-size:1.05em; margin:0; overflow-wrap:anywhere }
.okl .summary { color:var(--muted); margin:.1rem 0 .5rem }
.okl button, .okl select, .okl input { font:inherit; color:inherit }
.okl button, .okl select { background:var(--soft); border:1px solid var(--line); border-radius:8px;
  min-width:44px; min-height:44px; cursor:pointer; padding:0 .6rem }
.okl button:hover:not(:disabled), .okl select:hover { border-color:var(--ink) }
.okl button:disabled { color:var(--muted); cursor:default }
.okl button[aria-pressed=true] { border-color:var(--ink); box-shadow:inset 0 -3px var(--primal) }
.okl :focus-visible { outline:3px solid var(--primal); outline-offset:2px }
.okl code { font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace; background:none;
  color:inherit; padding:0 }
/* a shadow at each side where there is more: it stays, what covers it at the end scrolls along */
.okl :is(.scroll,.pictures,pre) { overflow:auto;
  background:linear-gradient(90deg,var(--ground) 40%,transparent) 0 0/2.5rem 100% no-repeat local,
    linear-gradient(270deg,var(--ground) 40%,transparent) 100% 0/2.5rem 100% no-repeat local,
    linear-gradient(90deg,var(--muted),transparent) 0 0/.6rem 100% no-repeat scroll,
    linear-gradient(270deg,var(--muted),transparent) 100% 0/.6rem 100% no-repeat scroll;
  background-color:var(--ground) }
.okl .scroll { max-height:36rem; border-top:1px solid var(--line) }
.okl .note { color:var(--muted); font-size:12px }
.okl .primal { color:var(--primal) } .okl .tangent { color:var(--tangent) }
.okl .local_derivative { color:var(--local-derivative) } .okl .adjoint { color:var(--adjoint) }
.okl .bookkeeping { color:var(--bookkeeping) }
.okl .hidden { position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%);
  white-space:nowrap }
.okl details { margin-top:.5rem } .okl summary { cursor:pointer; min-height:44px; padding:.6rem 0 }
.okl pre { --ground:var(--soft); font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
  max-height:36rem; color:inherit; padding:.6rem; margin:0; border-radius:8px }
.okl [hidden] { display:none !important }
.okl [data-changed] { text-decoration:underline dotted 2px; text-underline-offset:3px }
.okl :not(text)[data-changed] { background:var(--now) }
@media print {
  .okl { border:0; padding:0 }
  .okl :is(.bar,.words,.say,.entry,.sliders,.axis,button,select,input) { display:none !important }
  .okl details:not([open]) { display:none }
  .okl :is(.scroll,.pictures,pre) { max-height:none !important; overflow:visible !important;
    background-image:none }
  .okl :is(svg,tr,figure) { break-inside:avoid; max-width:100% !important }
  .okl :is(pre,th,td) { white-space:pre-wrap !important; overflow-wrap:break-word }
  .okl summary { break-after:avoid }
  .okl [data-changed] { text-decoration:none; background:none !important }
}
@media (forced-colors:active) {
  .okl button[aria-pressed=true] { border-width:3px }
  .okl :is(.scroll,.pictures,pre) { forced-color-adjust:none; /* or there is no shadow */
    background-size:2.5rem 100%,2.5rem 100%,3px 100%,3px 100% }
  .okl :is(.scroll,.pictures) > :not(svg) { forced-color-adjust:auto }
}
`;

const MARK = {
  primal: "■",
  local_derivative: "◆",
  tangent: "▶",
  adjoint: "▲",
  bookkeeping: "●",
};

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, any>} attributes
 * @param {any[]} children
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(9).filter((child) => child != null && child !== false));
  return element;
}

/** @type {(tag: string, attributes?: Record<string, any>, ...children: any[]) => any} */
const make = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);
/** @type {(tag: string, attributes?: Record<string, any>, ...children: any[]) => any} */
const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// What is typed into a control of the figure is not meant for the page around it, which may have a
// meaning of its own for a key (JupyterLab has one for most of them).
/** @param {KeyboardEvent} event */
const keepKeys = (event) => event.ctrlKey || event.metaKey || event.stopPropagation();

/** @type {(name: keyof typeof MARK, text: string) => HTMLElement} */
function role(name, text) {
  const mark = make("span", { "aria-hidden": "true" }, `${MARK[name]} `);
  return make("code", { class: name }, mark, make("span", { class: "hidden" }, `${name} `), text);
}

/** @param {number} count */
function bytes(count) {
  if (count < 1024) return counted(count, "byte");
  return count < 1048576
    ? `${(count / 1024).toFixed(1)} KiB`
    : `${(count / 1048576).toFixed(1)} MiB`;
}

/** @type {(count: number, noun: string) => string} */
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

// Dark or light is read off the page itself, since every host says it in its own way.
/** @param {Element} el */
function isDark(el) {
  for (let node = el.parentElement; node; node = node.parentElement) {
    const parts = getComputedStyle(node)
      .backgroundColor.match(/[\d.]+/g)
      ?.map(Number) ?? [];
    if (parts.length >= 3 && (parts[3] ?? 1) > 0.5) {
      return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2] < 128;
    }
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** @type {(el: Element, root: Element) => () => void} */
function followTheme(el, root) {
  const update = () => root.toggleAttribute("data-dark", isDark(el));
  let timer = 0;
  const observer = new MutationObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(update, 60);
  });
  const signs = ["class", "style", "data-theme", "data-jp-theme-light"];
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true, attributeFilter: signs });
  }
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", update);
  update();
  return () => {
    clearTimeout(timer);
    observer.disconnect();
    system.removeEventListener("change", update);
  };
}

// The shadow root keeps the host's style for tables and code out, and the view's own in.
/** @type {(el: Element, look: { label: string, style?: string }, ...children: any[]) => Mounted} */
function mount(el, { label, style = "" }, ...children) {
  const root = make(
    "div",
    { class: "okl", role: "group", "aria-label": label },
    make("style", {}, BASE + style),
  );
  root.append(...children.flat(9).filter((child) => child != null && child !== false));
  const host = make("div");
  host.attachShadow({ mode: "open" }).append(root);
  el.append(host);
  const unfollow = followTheme(el, root);
  const unmount = () => {
    unfollow();
    host.remove();
  };
  return { root, unmount };
}
