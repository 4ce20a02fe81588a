// Nodes and arrows. Python has drawn the picture; here it is stepped, and follows the page's colours.
//
// In the picture: g.node[data-row], g.arrow[data-from][data-to]; whatever appears at a step has it in
// data-late. Nodes can be reached by Tab; Enter or a click goes to the next step at which one changes.

const STYLE = `
.okl .dag svg { display:block; margin:0 auto }
.okl .dag .ink { fill:var(--ink) } .okl .dag .primal { fill:var(--primal) } .okl .dag .tangent { fill:var(--tangent) }
.okl .dag .adjoint { fill:var(--adjoint) } .okl .dag :is(.muted,.bookkeeping) { fill:var(--muted) }
.okl .dag .plate { fill:var(--paper) }
.okl .dag .box { fill:var(--paper); stroke:var(--primal) } .okl .dag .rim { fill:none; stroke:var(--primal) }
.okl .dag .way { stroke:var(--muted) } .okl .dag .head { fill:var(--muted) }
.okl .dag .later { visibility:hidden }
.okl .dag .node { cursor:pointer }
.okl .dag .node:is(:hover,:focus-visible) .box { stroke-width:3 }
.okl .dag .node.now .box { fill:var(--now); stroke-width:3 }
.okl .dag .arrow.near .way { stroke:var(--ink) } .okl .dag .arrow.near .head { fill:var(--ink) }
.okl .dag .arrow.back .way { stroke:var(--adjoint); stroke-dasharray:7 4 }
.okl .dag .arrow.back .adjoint { font-weight:700 }
@media (prefers-reduced-motion:no-preference) { .okl .dag .box { transition:fill .15s } }
@media (forced-colors:active) { .okl .dag .node.now .box { stroke:Highlight; stroke-width:5 } }
`;

function render({ model, el }) {
  const view = model.get("view");
  const parsed = new DOMParser().parseFromString(view.picture, "image/svg+xml");
  const picture = document.importNode(parsed.documentElement, true);
  const nodes = [...picture.querySelectorAll(".node")];
  const arrows = [...picture.querySelectorAll(".arrow")];
  const late = (element) => [...element.querySelectorAll("[data-late]")];
  const stepsOf = (group) => late(group).map((part) => Number(part.dataset.late)).sort((a, b) => a - b);
  const player = createPlayer({
    model,
    steps: view.steps.length,
    words: (k) => view.steps[k].words,
    onStep: draw,
    idle: view.steps.length ? "All values are shown. Step to watch them appear." : "This program has no equations.",
    bad: view.bad,
    group: view.group,
  });
  const meters = createMeters(view);
  const label = "nodes and arrows: arrow keys step, Space plays, Tab goes from node to node";
  const scroll = make("div", { class: "scroll dag", tabindex: 0, role: "group", "aria-label": label }, picture);
  player.keys(scroll);
  const { unmount } = mount(
    el,
    { label: `nodes and arrows: ${view.title}`, style: PLAYER_STYLE + STYLE },
    make("p", { class: "title" }, view.title),
    make("p", { class: "summary" }, [view.summary, ...view.notes, view.legend].join(" ")),
    player.bar,
    player.words,
    meters.element,
    scroll,
    make("details", {}, make("summary", {}, "The same as text"), make("pre", { tabindex: 0 }, view.text)),
  );

  picture.setAttribute("role", "group");
  picture.setAttribute("aria-label", view.title);
  picture.querySelectorAll(":scope > title, :scope > desc").forEach((said) => said.remove());
  for (const arrow of arrows) arrow.setAttribute("aria-hidden", "true"); // the text below has them all
  nodes.forEach((node, index) => {
    const change = () => {
      const steps = stepsOf(node);
      if (steps.length) player.go(steps.find((k) => k > player.step()) ?? steps[0]);
    };
    const near = (on) => () => {
      for (const { classList, dataset } of arrows) {
        classList.toggle("near", on && [dataset.from, dataset.to].includes(String(index)));
      }
    };
    node.addEventListener("click", change);
    for (const event of ["mouseenter", "focus"]) node.addEventListener(event, near(true));
    for (const event of ["mouseleave", "blur"]) node.addEventListener(event, near(false));
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      change();
    });
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
  });

  function draw(k) {
    const step = view.steps[k];
    for (const part of late(picture)) part.classList.toggle("later", k >= 0 && Number(part.dataset.late) > k);
    for (const arrow of arrows) arrow.classList.toggle("back", k >= 0 && stepsOf(arrow).includes(k));
    // what changes now; and the equation at work, unless the step only adds up what has come back
    const adds = !arrows.some((arrow) => arrow.matches(".back")) && nodes.some((node) => stepsOf(node).includes(k));
    for (const node of nodes) {
      const now = k >= 0 && (stepsOf(node).includes(k) || (!adds && node.dataset.row === step.row));
      node.classList.toggle("now", now);
      if (now) node.setAttribute("aria-current", "step");
      else node.removeAttribute("aria-current");
      node.setAttribute("aria-label", spoken(node));
    }
    meters.draw(k);
    const current = nodes.find((node) => node.classList.contains("now"));
    if (current) reveal(current);
  }

  // What can be seen of a node, with words for its marks.
  function spoken(node) {
    const [first, ...parts] = [...node.querySelectorAll("text:not(.later)")];
    const told = parts.map((part) => `${part.classList[0]} ${part.textContent.slice(2)}`.replace("bookkeeping ", ""));
    return [first.textContent, ...told].join(", ");
  }

  // scroll the picture alone, never the page
  function reveal(node) {
    const [box, at] = [scroll, node].map((element) => element.getBoundingClientRect());
    if (at.top < box.top) scroll.scrollTop -= box.top - at.top + 20;
    if (at.bottom > box.bottom) scroll.scrollTop += at.bottom - box.bottom + 20;
    if (at.left < box.left) scroll.scrollLeft -= box.left - at.left + 20;
    if (at.right > box.right) scroll.scrollLeft += at.right - box.right + 20;
  }

  player.start();
  return () => {
    player.destroy();
    unmount();
  };
}

export default { render };
