"""How large a program the ladder can show: beside graphviz, in a browser, in bytes."""

import gzip
import os
import shutil
import statistics
import subprocess
import tempfile
import timeit
from collections.abc import Iterator
from pathlib import Path

import jax.numpy as jnp
import numpy as np

import olympus_kit as ok
from olympus_kit.program import Program
from olympus_kit.views import Graph

from ._ratio import Ratio, interleaved

LAYERS, MANY = 40, 10_000
PATIENCE = 60  # seconds for graphviz, after which it has taken at least so long


def mlp(params, x):
    """Return the loss of a perceptron of 40 layers."""
    for w, b in params:
        x = jnp.tanh(x @ w + b)
    return jnp.sum(x**2)


def varied(x):
    """10,000 equations in an order without period, so that nothing folds."""
    kinds = (jnp.sin, jnp.cos, jnp.tanh, lambda x: x * 1.5)
    for k in np.random.default_rng(0).integers(0, len(kinds), MANY):
        x = kinds[k](x)
    return x


def logistic(x):
    """48 equations."""
    for _ in range(16):
        x = 4 * x * (1 - x)
    return x


def ratios() -> Iterator[Ratio]:
    """Compare with graphviz where there is one, and measure in Chromium where there is one."""
    small = ok.graph(logistic, 0.2)._page().encode()
    large = ok.graph(varied, 0.3)._page()
    yield Ratio("HTML of 48 equations, gzipped / 60 KB", len(gzip.compress(small)) / 60_000, 1)
    yield Ratio("HTML of 10,000 equations / 2 MB", len(large.encode()) / 2_000_000, 1)
    yield from beside_graphviz()
    yield from in_a_browser(large)


def beside_graphviz() -> list[Ratio]:
    """Lay out the gradient of a perceptron."""
    layers = [(np.eye(8) / 2, np.ones(8))] * LAYERS
    program = ok.capture(mlp, layers, np.ones((4, 8)))
    seconds = interleaved([lambda: Graph(program).html()], 5)[0]
    nodes = len(program.equations) + len(program.inputs)
    label = f"100 times the ladder of {nodes} nodes, as HTML / graphviz's layout"
    if shutil.which("dot") is None:
        print(f"left out, since there is no dot: {label}")
        return []
    return [Ratio(label, 100 * seconds / graphviz(program), 1)]


def graphviz(program: Program) -> float:
    """Return how long `dot` takes for the nodes and arrows of a program."""
    made = {r: e.path for e in program.equations for r in e.results}
    arrows = [
        f'"{made.get(o, f"in {o}")}" -> "{e.path}"'
        for e in program.equations
        for o in e.operands
        if not program.values[o].literal
    ]
    picture = f"digraph {{ {'; '.join(arrows)} }}".encode()
    start = timeit.default_timer()
    command = ["dot", "-Tplain", "-o", os.devnull]
    try:
        subprocess.run(command, input=picture, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        print(f"graphviz was stopped after {PATIENCE} s")
    return timeit.default_timer() - start


# A frame is done when a message arrives that was sent while it was being prepared.
HELPERS = """
window.painted = (act = () => {}) => new Promise((done) => requestAnimationFrame(() => {
  const start = performance.now();
  act();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done([start, performance.now()]);
  port2.postMessage("done");
}));
window.ladder = () =>
  [...document.querySelectorAll("main div")].map((e) => e.shadowRoot).find(Boolean);
window.drawn = new Promise((done) => {
  const look = () => ladder()?.querySelector(".line") && done(painted());
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
});
"""
FIRST = """async () => {
  const [, end] = await drawn;
  return end - performance.getEntriesByType("navigation")[0].loadEventEnd;
}"""
STEPS = """async ([from, count]) => {
  const [box, slider] = [".scroll", "input"].map((name) => ladder().querySelector(name));
  slider.value = from;
  await painted(() => slider.dispatchEvent(new Event("input")));
  const times = [];
  for (let k = 0; k < count; k += 1) {
    const press = () => box.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown" }));
    const [start, end] = await painted(press);
    times.push(end - start);
  }
  return times;
}"""


def in_a_browser(markup: str) -> list[Ratio]:
    """Open a page with a large ladder in Chromium, and step: down, about the turn, and up."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        print("left out, since there is no Chromium: first paint and steps")
        return []
    from playwright.sync_api import sync_playwright

    from tests.chrome import FLAGS

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.html"
        path.write_text(markup, "utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(HELPERS)
        page.goto(path.as_uri())
        first = page.evaluate(FIRST)
        steps = [t for k in (0, 15_000, 30_000) for t in page.evaluate(STEPS, [k, 60])]
        browser.close()
    return [
        Ratio("10,000 equations: first paint after load / 1 s", first / 1000, 1),
        Ratio("10,000 equations: median step / 16 ms", statistics.median(steps) / 16, 1),
    ]
