"""`olympus` is jax under the course's name: the same objects, nothing wrapped."""

import importlib
import subprocess
import sys

import jax
import pytest

import olympus
import olympus_kit as ok
from olympus._modules import MODULES

ELSEWHERE = {"print_saved_residuals": jax.ad_checkpoint.print_saved_residuals}


def originals(name):
    return ELSEWHERE[name] if name in ELSEWHERE else getattr(jax, name)


@pytest.mark.parametrize("name", sorted(set(olympus.__all__) - set(MODULES)))
def test_every_name_is_jax_s_object(name):
    assert getattr(olympus, name) is originals(name)
    assert getattr(ok, name) is originals(name)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_jax_s_names(module):
    ours = importlib.import_module(f"olympus.{module}")
    theirs = importlib.import_module(f"jax.{module}")
    names = [n for n in dir(theirs) if not n.startswith("_")]
    assert len(names) > 2
    for name in names:
        assert getattr(ours, name) is getattr(theirs, name), name
    assert set(names) <= set(dir(ours))
    assert getattr(olympus, module) is ours


def test_the_ways_of_importing_that_the_course_uses():
    namespace: dict[str, object] = {}
    exec(
        "import olympus\n"
        "import olympus.numpy as jnp\n"
        "from olympus import jacrev as builtin_jacrev, vjp\n"
        "from olympus.scipy.special import logsumexp\n"
        "from olympus.test_util import check_grads\n"
        "import olympus.numpy.linalg\n",
        namespace,
    )
    assert namespace["builtin_jacrev"] is jax.jacrev
    assert namespace["logsumexp"] is jax.scipy.special.logsumexp
    assert olympus.numpy.linalg.norm is jax.numpy.linalg.norm


@pytest.mark.parametrize(
    ("module", "wrong", "nearest"),
    [
        ("olympus", "gard", "olympus.grad"),
        ("olympus.numpy", "sinn", "olympus.numpy.sin"),
        ("olympus_kit", "grph", "olympus_kit.graph"),
    ],
)
def test_a_misspelt_name_brings_the_nearest(module, wrong, nearest):
    with pytest.raises(AttributeError, match=f"Did you mean {nearest}"):
        getattr(importlib.import_module(module), wrong)


def test_a_name_like_none_at_all():
    with pytest.raises(AttributeError, match="has no attribute 'qqqqqq'"):
        _ = olympus.qqqqqq
    with pytest.raises(ModuleNotFoundError, match=r"there is no .jax\.scipy\.nowhere"):
        importlib.import_module("olympus.scipy.nowhere")


def test_no_view_takes_a_name_of_jax():
    # jax.memory is a namespace of memory spaces, no transform
    callables = {name for name in dir(jax) if callable(getattr(jax, name))}
    assert not set(ok._HOME) & {*olympus.__all__, *callables}
    assert ok.jacobian is jax.jacobian


def test_importing_the_kit_does_not_load_what_it_may_not_need():
    heavy = {"matplotlib", "ipywidgets", "anywidget", "pandas", "typer", "nbformat", "jupytext"}
    code = "import sys, olympus_kit; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not heavy & set(loaded)


def test_every_public_name_of_the_kit_loads():
    for name in ok.__all__:
        assert getattr(ok, name) is not None
    assert set(ok.__all__) == set(dir(ok))
