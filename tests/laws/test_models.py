"""Programs that libraries write: captured whole, with jax's own derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from olympus_kit.program import capture, walk

models = pytest.importorskip("models", reason="needs the extra called models")


def inexact(leaf):
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact)


@pytest.mark.filterwarnings("default")  # the libraries' own
@pytest.mark.parametrize("name", models.MODELS)
def test_a_library_s_model(name):
    f, args = models.MODELS[name]()
    leaves, tree = jax.tree.flatten(args)
    which = [k for k, leaf in enumerate(leaves) if inexact(leaf)]

    def of_leaves(*chosen):
        full = list(leaves)
        for k, leaf in zip(which, chosen, strict=True):
            full[k] = leaf
        return f(*jax.tree.unflatten(tree, full))

    expected = jax.grad(of_leaves, tuple(range(len(which))))(*[leaves[k] for k in which])
    program = capture(f, *args, argnums="all")
    found = [x for x in jax.tree.leaves(program.in_cotangents) if inexact(x)]
    assert len(found) == len(expected) > 0
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-5)
    equations = list(walk(program.equations))
    stray = [e for e in equations if e.roles == {"bookkeeping"}]
    assert len(stray) <= 1 + 0.02 * len(equations)
    assert any(e.source is not None for e in program.rows)
