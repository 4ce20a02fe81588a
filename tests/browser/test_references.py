"""Twelve figures in two widths, compared with pictures of them that somebody has looked at.

Where a figure is meant to look otherwise, `OLYMPUS_NEW_REFERENCES=1 pytest
tests/browser/test_references.py` takes the pictures anew: look at each before it is committed.
"""

import base64
import io
import itertools
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from PIL import Image

import olympus_kit as ok

pytestmark = [pytest.mark.browser, pytest.mark.sweep, pytest.mark.usefixtures("x64")]

FOLDER = Path(__file__).parent / "references"
WIDTHS = (900, 390)
KEPT = 300  # pixels across a kept picture: what somebody sees at a glance
BLOCK = 15  # pixels of it
# Of what is drawn, the share that may stand elsewhere: two figures of one kind differ by more.
TOLERANCE = 0.12
# Fonts that come with matplotlib: a machine's own would break lines elsewhere.
FONTS = {"Sans of tests": "DejaVuSans.ttf", "SFMono-Regular": "DejaVuSansMono.ttf"}
USE_FONTS = """
async () => {
  for (const host of document.querySelectorAll('*')) {
    if (!host.shadowRoot) continue;
    const style = document.createElement('style');
    style.textContent = '.okl { font-family: "Sans of tests" !important }';
    host.shadowRoot.append(style);
  }
  await Promise.all([...document.fonts].map((font) => font.load()));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
"""


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float64)


def scalar(x):
    return x * jnp.sin(x)


def network(params, x):  # with a sine: jax has changed its rule for tanh
    hidden = jnp.sin(params["W1"] @ x)
    return jnp.sum((params["W2"] @ hidden) ** 2)


def recurrent(w, xs):
    return jax.lax.scan(lambda h, x: (jnp.sin(w * h + x), None), 0.0, xs)[0]


def polar(p):
    return jnp.array([p[0] * jnp.cos(p[1]), p[0] * jnp.sin(p[1]), p[0] * p[1]])


def params():
    return {
        "W1": jnp.linspace(-1.0, 1.0, 32).reshape(8, 4),
        "W2": jnp.linspace(1.0, -1.0, 8).reshape(1, 8),
    }


X = np.linspace(0.0, 1.0, 4)
FIGURES = {
    "ladder": lambda: ok.graph(scalar, 2.0),
    "ladder_forward": lambda: ok.graph(scalar, 2.0, mode="forward"),
    "ladder_network": lambda: ok.graph(network, params(), X),
    "ladder_scan": lambda: ok.graph(recurrent, 0.5, jnp.linspace(0.1, 0.9, 12)),
    "dag": lambda: ok.graph(scalar, 2.0, layout="dag"),
    "jacobian": lambda: ok.jacobian_shapes(polar, jnp.array([1.0, 2.0])),
    "jacobian_large": lambda: ok.jacobian_shapes(jnp.cumsum, jnp.linspace(0.0, 1.0, 60)),
    "gradient": lambda: ok.jacobian_shapes(network, params(), X),
    "push_pull": lambda: ok.push_pull(lambda p: p * p[::-1], jnp.array([1.0, 0.5])),
    "chain": lambda: ok.chain([3, 40, 40, 1]),
    "cost": lambda: ok.cost(lambda x: jnp.sum(jnp.sin(x) * x), shape(1000)),
    "memory": lambda: ok.memory(lambda x: jnp.sum(jnp.sin(jnp.sin(x)) * x), jnp.ones(100)),
}


def font_faces():
    """Return rules for fonts that are the same on every machine."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    rules = []
    for name, file in FONTS.items():
        data = base64.b64encode((folder / file).read_bytes()).decode()
        rules.append(
            f"@font-face {{ font-family: '{name}'; src: url(data:font/ttf;base64,{data}) }}"
        )
    return "\n".join(rules)


def looked_at(browser, view, width):
    """Return how a figure looks on a page of that width, without controls: light, at rest."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce", color_scheme="light"
    )
    page = context.new_page()
    page.set_content(view._page())
    page.add_style_tag(content=font_faces())
    figure = page.locator(".okl").first
    figure.wait_for()
    page.evaluate(USE_FONTS)
    picture = Image.open(io.BytesIO(figure.screenshot())).convert("RGB")
    context.close()
    height = max(BLOCK, round(picture.height * KEPT / picture.width))
    return picture.resize((KEPT, height), Image.Resampling.BOX)


def ink(picture, size):
    """Return how much is drawn in each block, for each colour: the distance from the paper."""
    pixels = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BOX), float)
    paper = np.median(pixels.reshape(-1, 3), axis=0)
    return np.abs(pixels - paper)


def difference(one, other):
    """Return the share of what is drawn that stands elsewhere, or is missing: 0 to 1.

    A picture that is a little longer is compared as if it were not; one that is a quarter longer
    is another picture.
    """
    if max(one.height, other.height) > 1.25 * min(one.height, other.height):
        return 1.0
    size = (KEPT // BLOCK, max(1, one.height // BLOCK))
    a, b = ink(one, size), ink(other, size)
    return np.abs(a - b).sum() / (a.sum() + b.sum())


def kept(name, width):
    return FOLDER / f"{name}_{width}.png"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_looks_as_it_did(browser, name, width):
    picture = looked_at(browser, FIGURES[name](), width)
    if os.environ.get("OLYMPUS_NEW_REFERENCES"):
        FOLDER.mkdir(exist_ok=True)
        picture.quantize(64).save(kept(name, width), optimize=True)
    assert difference(picture, Image.open(kept(name, width))) < TOLERANCE


def test_the_tolerance_tells_figures_apart():
    """No reference passes for another, and none for a page on which nothing is drawn."""
    for width in WIDTHS:
        pictures = {name: Image.open(kept(name, width)) for name in FIGURES}
        for (one, a), (other, b) in itertools.combinations(pictures.items(), 2):
            assert difference(a, b) > TOLERANCE, (one, other)
        for name, picture in pictures.items():
            empty = Image.new("RGB", picture.size, "white")
            assert difference(picture, empty) > TOLERANCE, name
