"""The numbers that figures show are those that jax gives when it is asked directly."""

import json
import re

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus_kit as ok

pytestmark = pytest.mark.usefixtures("x64")

NUMBER = r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)"
RANGE = re.compile(rf"\w*\[[\d,]*\], ({NUMBER}) to ({NUMBER})")
SAME = re.compile(rf"\w*\[[\d,]*\], all ({NUMBER})")
REVERSE = corpus.CORPUS | corpus.REVERSE_ONLY


def numbers(text):
    return [float(n) for n in re.findall(rf"(?<![\w.])({NUMBER})(?!\w)", text)]


def says(text, array):
    """Whether a text shows an array: all of its entries, or from where to where they reach.

    None where it shows too little to tell: complex numbers, flags, a few entries of many.
    """
    array = np.asarray(array)
    if array.dtype.kind != "f" or not array.size or not np.isfinite(array).all():
        return None
    if found := RANGE.search(text):
        shown, meant = [float(n) for n in found.groups()], [array.min(), array.max()]
        return np.allclose(shown, meant, rtol=1e-2)
    if found := SAME.search(text):
        return np.allclose(float(found[1]), array, rtol=1e-2)
    shown = numbers(text)
    if len(shown) != array.size:
        return None
    return np.allclose(shown, array.ravel(), rtol=1e-6, atol=1e-12)


def ones(x):
    return jnp.ones(np.shape(x), jnp.result_type(x))


def compare(pairs):
    """Compare texts with arrays; return how many could be told."""
    answers = [(text, array, says(text, array)) for text, array in pairs]
    assert not [(text, array) for text, array, answer in answers if answer is False]
    return sum(answer is True for *_, answer in answers)


def ends(f, args, mode):
    """Return what a ladder shows at its ends, each text with the array that it should show."""
    model = ok.graph(f, *args, argnums="all", mode=mode).model()
    leaves, tree = jax.tree.flatten(args)
    flat = lambda *leaves: jax.tree.leaves(f(*jax.tree.unflatten(tree, leaves)))
    if mode == "reverse":
        out, pullback = jax.vjp(flat, *leaves)
        derivatives, of_ends = pullback([ones(o) for o in out]), model["inputs"]
    else:
        out, derivatives = jax.jvp(flat, leaves, [ones(x) for x in leaves])
        of_ends = model["outputs"]
    yield from zip([end["value"] for end in model["inputs"]], leaves, strict=True)
    yield from zip([end["value"] for end in model["outputs"]], out, strict=True)
    yield from zip([end["derivative"] for end in of_ends], derivatives, strict=True)


def is_real(f, args):
    leaves = jax.tree.leaves(args)
    kinds = [jnp.result_type(x) for x in leaves]
    if not all(hasattr(d, "kind") and d.kind == "f" and d.itemsize == 8 for d in kinds):
        return False
    out = jax.tree.leaves(jax.eval_shape(f, *args))
    return bool(out) and all(o.dtype == np.float64 for o in out)


REAL = sorted(name for name in REVERSE if name not in {"mutable_array", "pure_callback"})


@pytest.mark.parametrize("name", REAL)
def test_a_ladder_begins_and_ends_with_the_numbers_of_jax(name):
    f, args = REVERSE[name]
    if is_real(f, args):
        assert compare(ends(f, args, "reverse")) > 0
        if name in corpus.CORPUS:
            assert compare(ends(f, args, "forward")) > 0


@pytest.mark.parametrize("name", REAL)
def test_a_jacobian_shows_the_entries_of_jax(name):
    f, args = REVERSE[name]
    if not is_real(f, args):
        return
    tables = json.loads(ok.jacobian_shapes(f, *args).json())["tables"]
    jacobian = jax.tree.leaves(jax.jacrev(f)(*args))
    entries = np.concatenate([np.ravel(part) for part in jacobian] or [np.zeros(0)])
    shown = [cell for table in tables for row in table["rows"] for cell in row[1:]]
    shown = [numbers(str(cell)) for cell in shown]
    shown = [n for cell in shown for n in cell]
    if len(shown) == len(entries):  # a table is drawn of few entries only
        np.testing.assert_allclose(np.sort(shown), np.sort(entries), rtol=1e-5, atol=1e-9)


def test_both_kinds_of_table_are_compared():
    """Not every function has one that is compared: these have."""
    for f, args in ((jnp.sin, (jnp.array([0.3, 1.2]),)), (lambda x: (x**2).sum(), (corpus.X,))):
        tables = json.loads(ok.jacobian_shapes(f, *args).json())["tables"]
        shown = [c for t in tables for row in t["rows"] for c in row[1:]]
        assert len([n for cell in shown for n in numbers(str(cell))]) == len(
            np.ravel(jax.jacrev(f)(*args))
        )


def test_what_is_dragged_is_what_jax_computes_there():
    f = lambda x: jnp.array([x[0] * x[1], jnp.sin(x[0])])
    view = json.loads(ok.push_pull(f, jnp.array([0.3, 1.2])).json())
    assert len(view["frames"]) > 20
    for frame in view["frames"]:
        x = jnp.array(frame["x"])
        np.testing.assert_allclose(frame["y"], f(x), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(frame["J"], jax.jacfwd(f)(x), rtol=1e-5, atol=1e-5)
