"""What the ladder shows beside the equations: products, chain rules, edges, folds, zeros."""

import gzip
import json
import re
import xml.etree.ElementTree as ET

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from packed import unpack

import olympus_kit as ok
from olympus_kit.views._fold import scope_names
from olympus_kit.views._words import with_short_names

pytestmark = pytest.mark.usefixtures("x64")

REVERSE = {**corpus.CORPUS, **corpus.REVERSE_ONLY}
FORWARD = {**corpus.CORPUS, **corpus.FORWARD_ONLY}
MODES = [("reverse", name) for name in REVERSE] + [("forward", name) for name in FORWARD]


def rows_of(view):
    """Return all rows of a view's model, those inside others, too."""
    rows = list(view.model()["rows"])
    for row in rows:
        rows += row["children"]
    return rows


def words(*args, **options):
    return [step["words"] for step in ok.graph(*args, **options).model()["steps"]]


def numbers(text):
    """Read what is shown of a value; None where it is only described."""
    if not re.fullmatch(r"[-+\d.einfaj()\[\] ]+", text):
        return None
    tokens = re.sub(r"[^\[\] ]+", lambda found: f'"{found[0]}"', text)
    return np.array(json.loads(tokens.replace(" ", ","))).astype(complex)


def combine(op, left, right, equation):
    if op == "·":
        return left * right
    if op in "+-":
        return left + right if op == "+" else left - right
    (a, b), (batch, _) = equation.params["dimension_numbers"]
    assert not batch
    return np.tensordot(left, right, (a, b))


@pytest.mark.parametrize(("mode", "name"), MODES)
def test_local_derivative_times_cotangent_is_the_contribution_that_is_shown(mode, name):
    f, args = {"reverse": REVERSE, "forward": FORWARD}[mode][name]
    view = ok.graph(f, *args, argnums="all", mode=mode)
    for step, equation in zip(view.model()["steps"], view.program.equations, strict=True):
        product = step["product"]
        if product is None:
            continue
        name = with_short_names(view.program).values[equation.results[0]].name
        assert product["result"][0] == name
        left, right, result = (numbers(product[k][1]) for k in ("left", "right", "result"))
        if left is None or right is None or result is None or not result.size:
            continue
        scale = max(
            np.abs(left).max(), np.abs(right).max(), np.abs(left).max() * np.abs(right).max()
        )
        np.testing.assert_allclose(
            combine(product["op"], left, right, equation), result, rtol=1e-6, atol=3e-7 * scale
        )


def test_most_steps_of_the_corpus_show_a_product():
    found = [
        s
        for n in REVERSE
        for s in ok.graph(REVERSE[n][0], *REVERSE[n][1], argnums="all").model()["steps"]
    ]
    adjoints = [s for s in found if s["column"] == "adjoint"]
    shown = [s for s in adjoints if s["product"] is not None]
    assert len(adjoints) > 200
    assert len(shown) > 0.6 * len(adjoints)  # the others move entries and multiply nothing


def test_the_local_derivative_is_the_derivative_that_jax_computes():
    checked = 0
    for x in (0.3, 1.7):
        view = ok.graph(lambda x: jnp.exp(jnp.sin(x)) * jnp.tanh(x) / (1 + x**2), x)
        program = view.program
        rows = {e.path: e for e in program.rows}
        primal = {"sin": jnp.sin, "exp": jnp.exp, "tanh": jnp.tanh, "integer_pow": jnp.square}
        for step in view.model()["steps"]:
            row = rows.get(step["row"])
            if row is None or row.primitive not in primal or "adjoint of" not in step["words"]:
                continue
            if "; adjoint of" not in step["words"]:
                continue
            at = program.values[row.operands[0]].summary.entries
            expected = jax.grad(primal[row.primitive])(at)
            assert float(step["product"]["left"][1]) == pytest.approx(float(expected), rel=1e-6)
            checked += 1
    assert checked >= 4


def test_the_chain_rule_stands_in_words_and_in_numbers():
    assert words(lambda x: jnp.sin(x * x), 0.5)[-4:] == [
        "Adjoint: v2 = sin(v1); adjoint of v1 = cos(v1) · adjoint of v2; in numbers "
        "0.9689124 · 1.0 = 0.9689124.",
        "Adjoint: v1 = x * x; adjoint of x += x · adjoint of v1; in numbers "
        "0.5 · 0.9689124 = 0.4844562.",
        "Adjoint: v1 = x * x; adjoint of x += x · adjoint of v1; in numbers "
        "0.5 · 0.9689124 = 0.4844562.",
        "Adjoint: x is used more than once (2 times), so the contributions to its adjoint are "
        "added: x_bar = x_bar.1 + x_bar.2, which is 0.9689124. x_bar is now complete.",
    ]
    assert words(jnp.sin, 0.5, mode="forward")[-1] == (
        "Tangent: v1 = sin(x); tangent of v1 = cos(x) · tangent of x; in numbers "
        "0.8775826 · 1.0 = 0.8775826."
    )


def test_the_two_terms_of_the_product_rule_are_named():
    sentences = words(lambda x, y: x * y, 2.0, 3.0, argnums="all", mode="forward")
    assert [sentence for sentence in sentences if "+=" in sentence] == [
        "Tangent: v1 = x * y; tangent of v1 += y · tangent of x; in numbers 3.0 · 1.0 = 3.0.",
        "Tangent: v1 = x * y; tangent of v1 += x · tangent of y; in numbers 2.0 · 1.0 = 2.0.",
    ]


def test_only_sums_of_several_parts_are_accumulated():
    once, twice = words(lambda x: 3.0 * x, 2.0)[-1], words(lambda x: 3.0 * x + x, 2.0)[-2]
    assert "adjoint of x = 3.0" in once
    assert "adjoint of x += 3.0" in twice


def test_matrix_products_are_written_as_a_student_would():
    w, x = np.arange(6.0).reshape(2, 3), np.ones(3)
    listing = ok.graph(lambda w, x: (w @ x).sum(), w, x, argnums="all").text()
    assert "v1 = w @ x " in listing
    assert "x_bar = v1_bar @ w " in listing
    assert "outer(" in listing
    listing = ok.graph(lambda a, b: (a @ b).sum(), w, w.T.copy(), argnums="all").text()
    assert "v1 = a @ b " in listing
    assert re.search(r"b\.T|a\.T|v1_bar\.T", listing)


def test_rows_know_what_feeds_them():
    view = ok.graph(corpus.logistic, 0.2)
    assert [row["reads"] for row in view.model()["rows"][:3]] == [["in 0"], ["in 0"], ["0", "1"]]
    assert view.model()["outputs"][0]["row"] == "8"
    body = {r["path"]: r["reads"] for r in rows_of(ok.graph(corpus.rnn, *corpus.CORPUS["rnn"][1]))}
    assert body["3.0.3"] == ["3.0.2"]


def chain(layers):
    def f(x):
        for _ in range(layers):
            x = jnp.tanh(x @ np.eye(3)) * 2.0
        return x.sum()

    return f


def test_repeats_fold_and_lose_nothing():
    view = ok.graph(chain(40), np.ones(3))
    rows = view.model()["rows"]
    assert [(r["label"], r["note"]) for r in rows if r["fold"]] == [
        ("matmul, tanh, multiply", "× 40")
    ]
    assert [r["note"] for r in rows[0]["children"]][::39] == ["1 of 40", "40 of 40"]
    assert {len(r["children"]) for r in rows[0]["children"]} == {3}
    paths = [r["path"] for r in rows_of(view) if not r["fold"]]
    assert sorted(map(int, paths)) == list(range(121))
    assert view.text().count("= tanh(") == 40
    assert "matmul, tanh, multiply (40 rows), × 40" in view.svg()


@pytest.mark.parametrize(("mode", "suffix"), [("forward", "_dot"), ("reverse", "_bar")])
def test_a_closed_fold_says_which_derivatives_stand_in_it(mode, suffix):
    """The first of the layers, whose input has no derivative, is one of them all the same."""

    @jax.named_scope("Linear")
    def linear(layer, x):
        return layer["W"] @ x + layer["b"]

    def mlp(layers, x):
        for layer in layers:
            x = jnp.tanh(linear(layer, x))
        return x.sum()

    layers = [{"W": np.eye(2), "b": np.zeros(2)} for _ in range(12)]
    view = ok.graph(mlp, layers, np.ones(2), mode=mode)
    repeats, *_ = view.model()["rows"]
    assert (repeats["label"], repeats["note"]) == ("Linear, tanh", "× 12")
    column = {"_dot": "tangent", "_bar": "adjoint"}[suffix]
    linears = [block["children"][0] for block in repeats["children"]]
    for k, fold in enumerate(linears):
        assert fold["label"] == "Linear"
        inside = [line["text"] for row in fold["children"] for line in row[column]]
        count, _, names = fold["passes"].partition(": ")
        assert count.split()[0] == str(len(inside))
        made = set(", ".join(text.partition(" =")[0] for text in inside).split(", "))
        assert made >= set(names.split(", "))
        assert f"of layers[{k}], " in fold["primal"][0]["text"]
        assert (f"layers[{k}]['W']_bar" in names) == (mode == "reverse")
    all_of_them = [r[column] for r in rows_of(view) if r["path"] in map(str, range(36))]
    assert repeats["passes"] == f"{sum(map(len, all_of_them))} {column} equations"
    assert repeats["passes"] in view.svg()


def test_entries_of_one_container_are_called_by_its_name():
    def layer(p, x):
        with jax.named_scope("Layer"):
            return jnp.tanh(x @ p["in"]["W"] + p["in"]["b"]) @ p["out"]["W"] + p["out"]["b"]

    def deep(layers, x):
        for p in layers:
            x = layer(p, x) * 2.0
        return x.sum()

    part = lambda: {"W": np.eye(2), "b": np.zeros(2)}
    layers = [{"in": part(), "out": part()} for _ in range(5)]
    folds = [r for r in rows_of(ok.graph(deep, layers, np.ones((3, 2)))) if r["label"] == "Layer"]
    assert len(folds) == 5
    for k, fold in enumerate(folds):
        text, passes = fold["primal"][0]["text"], fold["passes"]
        assert text.partition(" of ")[2].startswith(f"layers[{k}]['in'], layers[{k}]['out'], ")
        assert f"layers[{k}]['in']_bar" in passes
        assert f"layers[{k}]['out']_bar" in passes


def uneven(rows):
    """Return a program of that many rows with hardly one to fold, and seventeen inputs."""
    random = np.random.default_rng(0)
    kinds = random.permutation([*[4] * 16, *random.integers(0, 4, rows - 17)])
    ways = [jnp.sin, jnp.tanh, jnp.negative, lambda x: x / 15.0]

    def f(x, weights):
        left = iter(weights.values())
        for kind in kinds:
            x = x * next(left) if kind == 4 else ways[kind](x)
        return x.sum()

    weights = {f"long_{k}": np.linspace(-1, 1, 12).reshape(3, 4) / 300 for k in range(16)}
    return ok.graph(f, np.ones((3, 4)), weights, argnums=1)


def test_the_picture_of_a_long_ladder_cuts_nothing():
    view = uneven(90)
    texts = [e.text or "" for e in ET.fromstring(view.svg()).iter()]
    assert not [text for text in texts if "…" in text]
    model = view.model()
    assert len(model["rows"]) > 60
    assert {row["number"] for row in model["rows"]} <= set(texts)
    for line in [line for row in model["rows"] for line in (*row["primal"], *row["adjoint"])]:
        assert any(text.endswith(f" {line['text']}") for text in texts)
        assert {line["value"], line["short"]} & set(texts)
    for end in model["inputs"]:
        assert f"{end['name']} = {end['value']}" in texts
        assert not end["partner"] or any(end["derivative"] in text for text in texts)
    for row in model["rows"]:
        names = ", ".join(rung["name"] for rung in row["residuals"])
        assert not names or names in texts


def test_the_picture_of_far_too_many_rows_says_how_many_are_left_out():
    view = uneven(140)
    count = len(view.model()["rows"])
    assert count > 120
    assert f"… {count - 60} more rows below" in view.svg()


def test_a_small_program_is_not_folded():
    assert not any(r["fold"] for r in rows_of(ok.graph(chain(7), np.ones(3))))


def test_a_run_ends_where_the_kind_of_array_changes():
    def f(x):
        for _ in range(20):
            x = jnp.sin(x)
        x = jnp.stack([x, x])
        for _ in range(20):
            x = jnp.sin(x)
        return x.sum()

    runs = [r for r in ok.graph(f, np.ones(3)).model()["rows"] if r["note"].startswith("×")]
    assert [(r["label"], r["note"]) for r in runs] == [("sin", "× 20"), ("sin", "× 20")]


def test_a_library_s_function_stands_under_its_name():
    def f(x):
        return jnp.sum(jax.nn.softmax(x) * jax.nn.logsumexp(x)) + x[0]

    view = ok.graph(f, corpus.X)
    folds = [r for r in view.model()["rows"] if r["fold"]]
    assert [r["label"] for r in folds] == ["softmax", "logsumexp"]
    assert {"exp", "divide"} <= {child["label"] for child in folds[0]["children"]}
    assert "▸ softmax" in view.svg()
    assert view.svg().count("<path") == 9  # the arrows: none of them within a fold
    paths = [int(r["path"]) for r in rows_of(view) if not r["fold"] and "." not in r["path"]]
    assert sorted(paths) == list(range(len(view.program.rows)))


def test_parts_that_a_library_named_stand_under_their_name():
    def f(w, x):
        for k in range(8):
            with jax.named_scope(f"layer{k}"):
                x = jnp.tanh(x @ w) + k
            x = x * 2.0
        return x.sum()

    rows = ok.graph(f, np.eye(2), np.ones(2), argnums="all").model()["rows"]
    assert [r["label"] for r in rows if r["fold"]] == [f"layer{k}" for k in range(8)]


@pytest.mark.parametrize(
    ("scope", "names"),
    [("", []), ("jvp()", []), ("transpose(jvp(Linear))", ["Linear"]),
     ("mlp/Linear", ["mlp", "Linear"]), ("vmap(jvp(mlp))/Linear", ["mlp", "Linear"])],
)  # fmt: skip
def test_scopes_are_read_without_the_transforms_around_them(scope, names):
    assert scope_names(scope) == names


def test_a_part_with_loops_and_parts_of_its_own_is_one_row():
    """One that holds nearly all of a program is none: it would hide what there is to see."""

    @jax.named_scope("Attention")
    def attention(w, x):
        q, k, v = (jnp.tanh(x @ w) for _ in "qkv")
        with jax.named_scope("scores"):
            a = jax.nn.softmax(q @ k.T / 2.0)
        return jnp.einsum("ij,jk->ik", a, v) @ w

    @jax.named_scope("Model")
    def model(w, x):
        for _ in range(3):
            x = x + attention(w, x)
        return x

    view = ok.graph(lambda w, x: model(w, x).sum(), np.eye(2), np.ones((2, 2)))
    rows = view.model()["rows"]
    assert [r["label"] for r in rows] == ["Attention", "add"] * 3 + ["sum"]
    (scores,) = [r for r in rows[0]["children"] if r["label"] == "scores"]
    assert "softmax" in [r["label"] for r in scores["children"]]


def test_the_passes_of_an_inner_derivative_are_named():
    rows = ok.graph(jax.grad(lambda x: jnp.sin(x) * x), 0.3).model()["rows"]
    assert rows[0]["origin"] == "the inner derivative's forward pass"
    assert rows[-1]["origin"] == "the inner derivative's backward pass"
    third = ok.graph(jax.grad(jax.grad(lambda x: jnp.sin(x) * x)), 0.3)
    origins = {row["origin"] for row in third.model()["rows"]}
    assert "derivative 2's forward pass over derivative 1's backward pass" in origins
    assert "-- derivative 2's forward pass over derivative 1's backward pass" in third.text()


def test_a_loop_shows_each_of_its_iterations():
    view = ok.graph(lambda x: jax.lax.scan(lambda c, a: (c * a, c + a), 1.0, x), corpus.X)
    lines = {r["path"]: r["primal"][0] for r in rows_of(view)}
    before = np.array([1.0, *np.cumprod(corpus.X)[:-1]])
    for sign, expected in (("*", before * corpus.X), ("+", before + corpus.X)):
        (line,) = [line for line in lines.values() if f" {sign} " in line["text"]]
        np.testing.assert_allclose([float(t) for t in line["iterations"]], expected, rtol=1e-6)
    assert lines["0"]["iterations"] is None


def test_a_zero_derivative_says_why():
    view = ok.graph(lambda x, y: y * 2.0, corpus.X, 2.0, argnums="all")
    x, y = view.model()["inputs"]
    assert x["zero"] == "zero: no derivative flows from x to the output"
    assert y["zero"] == ""
    assert "x_bar = [0.0 0.0 0.0]  (zero: no derivative flows from x to the output)" in view.text()
    assert "zero: no derivative flows from x" in view.svg()
    forward = ok.graph(lambda x: (x, 3.0 * jnp.ones(2)), 2.0, mode="forward").model()["outputs"]
    assert [bool(end.get("zero")) for end in forward] == [False, True]


def test_a_large_program_claims_nothing_that_it_does_not_know():
    def f(x, y, z):
        for _ in range(300):
            x = jnp.sin(x) + x
        return x + y

    view = ok.graph(f, 0.3, 2.0, 1.0, argnums="all")
    assert any("told apart" in note or "separately" in note for note in view.model()["notes"])
    assert [bool(end["zero"]) for end in view.model()["inputs"]] == [False, False, True]
    assert [end["seed"] for end in view.model()["outputs"]] == [True]
    assert {row["passes"] for row in rows_of(view) if not row["fold"]} == {""}
    assert not any("still to come" in step["words"] for step in view.model()["steps"])


def test_no_derivative_flows_through_a_constant_function():
    model = ok.graph(lambda x: jnp.sin(jnp.floor(x)), 2.5).model()
    assert model["rows"][0]["passes"] == "no derivative flows through here"
    assert model["inputs"][0]["zero"] == "zero: no derivative flows from x to the output"


def test_the_first_nan_of_each_pass_is_marked():
    view = ok.graph(lambda x: jnp.log(x - 2.0) * x, 2.0)
    bad = view.model()["bad"]
    assert view.model()["steps"][bad[0]]["words"].startswith("Primal: v2 = log(v1)")
    lines = [line for r in rows_of(view) for line in (*r["primal"], *r["adjoint"])]
    assert {line["step"] for line in lines if line["bad"]} >= set(bad)
    assert ok.graph(corpus.logistic, 0.2).model()["bad"] == []


@pytest.mark.parametrize("f", [lambda: 3.0, lambda: jnp.zeros(2)])
def test_a_function_of_nothing_has_a_picture(f):
    view = ok.graph(f, mode="primal")
    assert "output" in view.text()
    assert "<svg" in view.svg()
    assert unpack(re.search(r"data-state='([^']*)'", view.html())[1])["view"]["inputs"] == []


def test_large_arrays_are_described():
    view = ok.graph(lambda x: jnp.sum(x * x), jnp.ones(10**7, jnp.float32))
    assert "float32[10000000], all 1" in view.text()
    assert len(view.html()) < 300_000


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="There is no layout 'tree': choose one of 'ladder'"):
        ok.graph(jnp.sin, 1.0, layout="tree")


def test_the_page_s_data_is_the_model_with_steps_inside_their_lines():
    view = ok.graph(corpus.logistic, 0.2)
    found = unpack(re.search(r"data-state='([^']*)'", view.html())[1])["view"]
    details = {}
    for row in found["rows"]:
        for line in (*row["primal"], *row["local_derivative"], *row["tangent"], *row["adjoint"]):
            details[line["step"]] = {"row": row["path"], **line.pop("detail")}
    steps = [details[k] for k in sorted(details)]
    for count in ("live", "flops"):  # stored as differences
        for step, total in zip(steps, np.cumsum([s[count] for s in steps]), strict=True):
            step[count] = total
    model = view.model()
    assert steps == model.pop("steps")
    assert found == model


def test_a_small_ladder_is_small():
    page = ok.graph(lambda x: corpus.logistic_from(x, 16), 0.2).html()
    assert len(gzip.compress(page.encode())) <= 60 * 1024


def test_what_is_left_out_of_a_large_page_is_said():
    def f(x):
        for k in range(700):
            x = jnp.sin(x) * (k % 7)
        return x.sum()

    model = ok.graph(f, np.ones(2)).model()
    assert model["text"] == ""
    assert model["notes"][-1].endswith("steps is left out: print(view)")


def test_views_of_one_program_share_a_group():
    view = ok.graph(corpus.logistic, 0.2)
    assert view.listing().model()["group"] == view.model()["group"]
    other = ok.graph(corpus.logistic, 0.3).model()["group"]
    assert other != view.model()["group"]


def test_print_is_coloured_on_a_terminal_only(monkeypatch):
    view = ok.graph(jnp.sin, 0.5)
    assert "\x1b[" not in str(view)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "\x1b[31m" in str(view)
    monkeypatch.setenv("NO_COLOR", "1")
    assert str(view) == view.text()


def test_a_branch_that_was_not_taken_in_an_iteration_says_so():
    def turn(c, a):
        return jax.lax.cond(a > 1, jnp.sin, lambda c: c * 2, c), c

    view = ok.graph(lambda x: jax.lax.scan(turn, x, jnp.array([0.5, 2.0]))[0], 0.3)
    lines = [r["primal"][0] for r in rows_of(view) if r["primal"]]
    (line,) = [line for line in lines if "sin(" in line["text"]]
    assert line["iterations"] == ["not run", "0.5646425"]


def test_the_text_has_what_the_player_shows_beside_the_steps():
    view = ok.graph(lambda x, y: (x + y) * 3.0, 1.0, 2.0, argnums="all")
    lines = view.text().splitlines()
    assert lines[-1].split() == ["FLOPs", "3"]
    live = next(line for line in lines if line.startswith("live "))
    assert list(map(int, live.split()[1:4])) == [e.live for e in view.program.equations]
    assert "row 1            v1_bar passes unchanged to x and y" in lines


def test_the_text_of_a_loop_has_its_body_in_every_mode():
    for mode in ("primal", "forward", "reverse"):
        text = ok.graph(corpus.rnn, *corpus.CORPUS["rnn"][1], argnums="all", mode=mode).text()
        assert text.count("= tanh(") == 1


def test_an_output_shows_its_seed_and_an_input_the_sum():
    model = ok.graph(lambda x: (x, x), 2.0).model()
    assert [(e["derivative"], e["seed"]) for e in model["outputs"]] == [("1.0", True)] * 2
    assert len({e["partner"] for e in (*model["outputs"], *model["inputs"])}) == 3
    (x,) = model["inputs"]
    assert (x["partner"], x["derivative"], x["zero"], x["seed"]) == ("x_bar", "2.0", "", False)
    (step,) = model["steps"]
    assert step["words"].startswith("Adjoint: x is used more than once (2 times)")

    def f(x):
        sine = jnp.sin(x)
        return sine, sine * x

    model = ok.graph(f, 2.0).model()
    assert [(e["derivative"], e["seed"]) for e in model["outputs"]] == [("1.0", True)] * 2
    assert "v1_bar = v1_bar.1 + v1_bar.2" in ok.graph(f, 2.0).text()
    assert ok.graph(lambda x: x, 2.0).model()["inputs"][0]["seed"] is False


@pytest.mark.parametrize("mode", ["primal", "forward", "reverse"])
def test_where_f_raises_the_ladder_shows_what_came_before(mode):
    def broken(x):
        y = jnp.sin(x) * 2.0
        return y @ jnp.ones(5)

    view = ok.graph(broken, np.ones(3), mode=mode)
    line, error, rest = view.error
    assert line.endswith("return y @ jnp.ones(5)")
    assert error.startswith("TypeError: ")
    assert rest == "Below, what was traced before it: 3 equations."
    assert view.title == "broken stops with an error"
    for text in (view.text(), view.listing().text(), view.svg()):
        assert "v1 = sin(x)" in text
        assert "TypeError: " in text
    with pytest.raises(ZeroDivisionError):  # nothing was traced
        ok.graph(lambda x: 1 / 0, 1.0)
