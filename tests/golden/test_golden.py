"""The pictures and listings that the course is known for, byte for byte.

`OLYMPUS_UPDATE_GOLDEN=1 make test` writes them anew; look at the difference before you commit.
"""

import os
from pathlib import Path

import corpus
import jax
import jax.numpy as jnp
import pytest

import olympus_kit as ok

# one precision in all of these: jax mixes up arrays of both that it has cached
pytestmark = pytest.mark.usefixtures("x64")

FILES = Path(__file__).parent / "files"


def branching(p, x):
    h = jax.nn.relu(x * p["w"])
    y = jax.lax.cond(h.sum() > 1.0, lambda u: u * 2.0, lambda u: u + 1.0, h)
    return jax.lax.fori_loop(0, 2, lambda i, c: c * 0.5, y).sum()


VIEWS = {
    "logistic_primal": lambda: ok.graph(corpus.logistic, 0.2, mode="primal"),
    "logistic_forward": lambda: ok.graph(corpus.logistic, 0.2, mode="forward"),
    "logistic_reverse": lambda: ok.graph(corpus.logistic, 0.2, mode="reverse"),
    "logistic_listing": lambda: ok.graph(corpus.logistic, 0.2, mode="forward").listing(),
    "branching_reverse": lambda: ok.graph(
        branching, {"w": 2.0}, jnp.array([1.0, -1.0]), argnums="all"
    ),
}


@pytest.mark.parametrize("suffix", ["txt", "svg"])
@pytest.mark.parametrize("name", VIEWS)
def test_golden(name, suffix):
    view = VIEWS[name]()
    found = {"txt": view.text, "svg": view.svg}[suffix]() + "\n"
    golden = FILES / f"{name}.{suffix}"
    if os.environ.get("OLYMPUS_UPDATE_GOLDEN"):
        golden.write_text(found, "utf-8")
    assert found == golden.read_text("utf-8")
