"""The front-ends' own code: its types, names that nothing uses, and functions that deno runs."""

import json
import os
import re
import subprocess
from pathlib import Path

import corpus
import numpy as np
import pytest
from deno import find_deno_bin

import olympus_kit as ok
from olympus_kit.views._chain import all_orders, measure
from olympus_kit.views._view import module

FRONT_ENDS = [ok.Graph.scripts, ok.Jacobian.scripts, ok.Chain.scripts]
EXPORT = "export default { render };"
SETTINGS = Path(__file__).parents[2] / "deno.json"


def deno(*arguments, code=""):
    """Run deno, which asks no network for a newer one."""
    return subprocess.run(
        [find_deno_bin(), *map(str, arguments)],
        input=code,
        capture_output=True,
        text=True,
        env={**os.environ, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
    )


def wrong_types(*paths):
    """Return what is wrong with the types in some files, as text."""
    done = deno("check", "--quiet", "--config", SETTINGS, *paths)
    return done.stderr if done.returncode else ""


def unused(paths):
    """Return the names that none of the files that hold them uses."""
    done = deno("lint", "--json", "--no-config", "--rules-include=no-unused-vars", *paths)
    found = json.loads(done.stdout)["diagnostics"]
    idle = {path.name: set() for path in paths}
    for one in found:
        if one["code"] == "no-unused-vars":
            idle[Path(one["filename"]).name].add(one["message"].split("`")[1])
    names = set.union(*idle.values())
    files = [(path.read_text("utf-8"), idle[path.name]) for path in paths]
    return {
        name
        for name in names
        if not any(re.search(rf"\b{name}\b", text) and name not in bad for text, bad in files)
    }


def value_of(scripts, expression):
    """Return what an expression is in the module of a front-end, as plain data."""
    code = module(scripts).replace(EXPORT, f"console.log(JSON.stringify({expression}));")
    done = deno("run", "--quiet", "--no-config", "--ext=js", "-", code=code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def files(tmp_path):
    """The module of each front-end as a file."""
    paths = [tmp_path / scripts[-1] for scripts in FRONT_ENDS]
    for path, scripts in zip(paths, FRONT_ENDS, strict=True):
        path.write_text(module(scripts), "utf-8")
    return paths


def test_the_types_fit(files):
    assert wrong_types(*files) == ""


def test_every_name_is_used_by_a_front_end(files):
    assert unused(files) == set()


def test_a_wrong_type_and_a_name_that_nothing_uses_are_found(files):
    with files[0].open("a", encoding="utf-8") as file:
        file.write("bytes('many');\ncounted(1);\nconst twice = (x) => 2 * x;\n")
    found = wrong_types(files[0])
    assert "'string' is not assignable to parameter of type 'number'" in found
    assert "Expected 2 arguments, but got 1" in found
    assert "Parameter 'x' implicitly has an 'any' type" in found
    assert unused(files) == {"twice"}


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
