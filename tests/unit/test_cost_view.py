"""`cost` and its sweeps: what they count, say, export and refuse."""

import copy
import json
import pickle
import xml.etree.ElementTree as ET

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus
import olympus_kit as ok
from olympus_kit.program import count
from olympus_kit.views._format import compared, number_text, seconds_text, short_names
from olympus_kit.views._measure import failure, machine_memory

pytestmark = pytest.mark.usefixtures("x64")


def product(x, a):
    return jnp.tanh(a @ x)


BOTH = {"jacfwd": jax.jacfwd(product), "jacrev": jax.jacrev(product)}


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float64)


def flops_of_both():
    """What jax's own programs of the two take: it differs a little from version to version."""
    x, a = shape(10), shape(100, 10)
    return tuple(count(jax.jit(f).trace(x, a).jaxpr).flops for f in BOTH.values())


@pytest.fixture
def toy(x64):
    f = lambda x: jnp.sum(jnp.tanh(x) ** 2)
    return {
        "forward over reverse": lambda x, v: jax.jvp(jax.grad(f), (x,), (v,))[1],
        "reverse over forward": lambda x, v: jax.grad(lambda y: jax.jvp(f, (y,), (v,))[1])(x),
        "reverse over reverse": lambda x, v: jax.grad(lambda y: jnp.vdot(jax.grad(f)(y), v))(x),
        "hessian": lambda x, v: jnp.tensordot(jax.hessian(f)(x), v, 2),
    }


def test_no_name_is_one_of_olympus():
    own = {"cost", "memory", "stopwatch", "timing_traps", "tradeoff", "segmented"}
    assert own <= set(ok.__all__)
    assert not own & set(olympus.__all__)


def test_four_hessian_vector_products(toy):
    x = jnp.sin(jnp.arange(1200.0)).reshape(30, 40)
    rows = ok.cost(toy, x, x + 1).records()
    compiled = [row["flops_compiled"] for row in rows]
    cheap = {10: 18_000, 12: 13_200}  # the rule of tanh is one equation from jax 0.12 on
    minor = max(n for n in cheap if n <= max(10, int(jax.__version__.split(".")[1])))
    assert compiled[:3] == [cheap[minor]] * 3
    assert compiled[3] // compiled[0] == {10: 1280, 12: 1091}[minor]


def test_the_two_orders_of_a_chain():
    orders = {
        "output side": lambda h, g2, g1: (h @ g2) @ g1,
        "input side": lambda h, g2, g1: h @ (g2 @ g1),
    }
    found = ok.cost(orders, shape(1, 300), shape(300, 300), shape(300, 2000))
    for level in ("flops", "flops_lowered", "flops_compiled"):
        assert [row[level] for row in found.rows] == [1_380_000, 361_200_000]


def test_one_function_is_compared_with_its_derivatives():
    found = ok.cost(lambda x: jnp.sum(jnp.sin(x) ** 2), jnp.ones(10))
    names = [row["name"] for row in found.records()]
    assert names == [
        *("f", "jvp", "vjp", "grad", "jacfwd", "jacrev", "hessian", "linearize + apply")
    ]
    by_name = {row["name"]: row for row in found.records()}
    assert by_name["grad"]["residual"] > 0 == by_name["jvp"]["residual"]
    vector = ok.cost(product, jnp.ones(3), jnp.ones((2, 3)))
    assert "grad" not in [row["name"] for row in vector.records()]


@pytest.mark.parametrize(
    ("argnums", "ratio"),
    [(1, 2), (-1, 2), (np.int64(1), 2), ((0, 1), 3), ([0, -1], 3), ("all", 3)],
)
def test_two_times_by_x_alone_and_three_times_by_the_weights_too(argnums, ratio):
    def net(w, x):
        for layer in w:
            x = layer @ x
        return x

    found = ok.cost(net, shape(4, 32, 32), shape(32, 32), argnums=argnums)
    plain = found["f"]["flops_compiled"]
    assert plain == 4 * 2 * 32**3
    for name in ("jvp", "vjp", "linearize + apply"):
        assert found[name]["flops_compiled"] / plain == pytest.approx(ratio, rel=0.05)


def test_ratios_are_to_the_first():
    given = shape(10), shape(100, 10)
    forward, reverse = flops_of_both()
    assert f"{reverse:,} ({reverse / forward:.2f}×)" in ok.cost(BOTH, *given).text()
    turned = ok.cost(dict(reversed(BOTH.items())), *given).text()
    assert f"{forward:,} ({forward / reverse:.2f}×)" in turned


def test_a_while_loop_and_a_scan_are_explained():
    loops = {
        "while": lambda x: jax.lax.while_loop(lambda c: c[0] < 9, lambda c: c * 2, x),
        "scan": lambda x: jax.lax.scan(lambda c, _: (c * 2, None), x, None, length=5)[0],
    }
    with pytest.warns(UserWarning, match="scan does not return what while returns"):
        found = ok.cost(loops, jnp.ones(3))
    assert "while: a while loop's iterations are unknown, and count as one" in found.notes
    assert "scan: XLA counts a loop's body once, whatever its iterations" in found.notes
    assert "≥ 5" in found.text()


def test_different_outputs_are_warned_of_and_shown():
    with pytest.warns(UserWarning, match="other numbers"):
        found = ok.cost({"sin": jnp.sin, "cos": jnp.cos}, jnp.ones(3))
    assert "cos does not return what sin returns (other numbers)" in found.text()
    with pytest.warns(UserWarning, match=r"shape \(\), not \(3,\)"):
        ok.cost({"sin": jnp.sin, "sum": jnp.sum}, jnp.ones(3))
    ok.cost({"a": lambda x: x + x, "b": lambda x: 2 * x}, jnp.ones(3))  # no warning


@pytest.mark.parametrize("given", [3, {}, {"f": 3}, "f"])
def test_what_is_no_function_is_refused(given):
    with pytest.raises(TypeError, match=r"cost takes a function, or \{name: function\}"):
        ok.cost(given, 1.0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_every_real_number_is_differentiated(dtype):
    found = ok.cost(lambda x: jnp.sum(x * x), jnp.ones(3, dtype)).records()
    assert "grad" in [row["name"] for row in found]


def test_other_dtypes_are_other_outputs():
    with pytest.warns(UserWarning, match="b does not return what a returns"):
        found = ok.cost({"a": lambda x: x, "b": lambda x: x.astype(int)}, jnp.ones(4))
    assert "int" in found.notes[0]


def test_a_sweep_goes_through_its_sizes_in_order():
    f = lambda x, a: jnp.tanh(a @ x)
    both = {"jacfwd": jax.jacfwd(f), "jacrev": jax.jacrev(f)}
    found = ok.cost(both, jnp.ones(10), jnp.ones((20, 10)))
    crossings = found.sweep(n=[40, 5, 10, 40], m=np.int64(10)).crossings()
    assert crossings == ["jacfwd and jacrev cross between n = 5 and 40, at about 10"]
    with pytest.raises(TypeError, match="n must be a whole number, or several; got"):
        found.sweep(n=[1.5])


def test_nothing_to_differentiate_is_said():
    with pytest.raises(TypeError, match=r"write 3\.0 for 3"):
        ok.cost(lambda n: n * 2, 3)


def test_shapes_alone_are_compared_where_there_are_no_numbers():
    with pytest.warns(UserWarning, match=r"sum does not return what sin returns \(shape \(\)"):
        found = ok.cost({"sin": jnp.sin, "sum": jnp.sum}, shape(3))
    assert "sum does not return what sin returns (shape (), not (3,))" in found.notes
    assert len(ok.cost({"sin": jnp.sin, "cos": jnp.cos}, shape(3)).notes) == 1  # on the counts


def test_what_fails_is_noted_beside_the_rest():
    def doubled(x):
        return jax.lax.while_loop(lambda c: c[0] < 9, lambda c: c * 2, x).sum()

    found = ok.cost(doubled, jnp.ones(3))
    assert any(
        n.startswith("vjp: failed, ValueError: Reverse-mode differentiation") for n in found.notes
    )
    assert found["jvp"]["flops"] > 0
    assert "–" in found.text()
    with pytest.raises(TypeError, match="dot_general"):
        ok.cost({"product": lambda x: x @ jnp.ones(7)}, jnp.ones(3))


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (
            lambda x: x if x > 0 else -x,
            r"asks Python for a number .* lax\.cond .*It asks in .*\.py",
        ),
        (lambda x: x * x.item(), "asks Python for a number"),
        (lambda x: jnp.sin(float(x)), r"leave out float\("),
        (lambda x: np.sin(x), r"Use olympus\.numpy \(jnp\.sin"),
        (lambda x: "text", "returned a value of type str; it must return a number"),
    ],
)
def test_an_error_is_about_the_function_that_was_given(f, words):
    for given, name in ((f, "f"), ({"mine": f}, "mine")):
        with pytest.raises(TypeError, match=f"^{name} .*{words}") as caught:
            ok.cost(given, 1.0)
        assert "_derivatives" not in str(caught.value)
        assert "xs[0]" not in str(caught.value)
    beside = ok.cost({"mine": f, "sine": jnp.sin}, 1.0)
    assert any(note.startswith("mine: failed, TypeError: mine ") for note in beside.notes)


def test_a_note_ends_where_a_sentence_does():
    found = ok.cost(lambda x: x**2, 1 + 1j)
    (note,) = [note for note in found.notes if note.startswith("grad: failed")]
    assert note.endswith(("but got complex64.", "but got complex128."))
    long = failure(ValueError("a word and another " * 30))
    assert len(long) < 340
    assert long.endswith(" …")


def test_one_is_not_a_plural():
    assert ok.cost({"a": lambda x: x + 1}, 1.0).finding == "a: 1 FLOP."


def test_what_does_not_fit_is_refused_with_the_number():
    with pytest.raises(
        MemoryError, match=r"it would need about 3\.\d+ KiB, and there are 10 bytes"
    ):
        ok.cost(BOTH, shape(10), shape(10, 10), memory=10)
    some = ok.cost(BOTH, shape(10), shape(1000, 10), memory=1_000_000)
    assert [("flops_compiled" in row) for row in some.rows] == [True, False]
    assert any("jacrev: failed, MemoryError: it would need about" in note for note in some.notes)
    assert machine_memory() > 2**20


def test_times_are_there_only_when_asked_for():
    assert "jitted" not in ok.cost(BOTH, shape(3), shape(3, 3)).text()
    timed = ok.cost(BOTH, shape(3), shape(3, 3), timed=True)
    for row in timed.records():
        assert row["eager_seconds"] > 0
        assert row["jitted_seconds"] > 0


def test_ctrl_c_keeps_what_is_done():
    def interrupted(x, a):
        raise KeyboardInterrupt

    found = ok.cost({**BOTH, "slow": interrupted}, jnp.ones(3), jnp.ones((3, 3)))
    assert [row["name"] for row in found.rows] == ["jacfwd", "jacrev"]
    assert "stopped: 2 of 3 functions measured" in found.notes


# --- exports --------------------------------------------------------------------------------


def test_every_export_holds_the_same_numbers(tmp_path):
    found = ok.cost(BOTH, shape(10), shape(100, 10))
    assert json.loads(found.json())["records"] == found.records()
    header, first, _ = found.csv().splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True))
    forward, reverse = flops_of_both()
    assert (row["name"], row["flops"]) == ("jacfwd", str(forward))
    assert f"| {reverse:,} ({reverse / forward:.2f}×) |" in found.markdown()
    for suffix in ("csv", "md", "svg", "html", "json", "txt"):
        assert found.save(tmp_path / f"cost.{suffix}").stat().st_size > 100
    with pytest.raises(FileNotFoundError, match="make it first"):
        found.save(tmp_path / "nowhere" / "cost.csv")
    with pytest.raises(ValueError, match="must end in"):
        found.save(tmp_path / "cost.bmp")


def test_the_picture_shows_each_function_in_multiples_of_the_first():
    view = ok.cost(BOTH, shape(10), shape(100, 10))
    texts = [e.text for e in ET.fromstring(view.svg()).iter() if e.text]
    assert texts[0] == view.title == "Cost of jacfwd, jacrev"
    forward, reverse = flops_of_both()
    ratio = f"{reverse / forward:.2f}×"
    assert {"jacfwd", f"1.00×   {forward:,}", "jacrev", f"{ratio}   {reverse:,}"} <= set(texts)
    assert view.finding == (
        f"jacfwd takes the fewest FLOPs, {forward:,}; jacrev the most, {reverse:,}, "
        f"{ratio} as many."
    )


def test_a_single_function_is_three_rows_and_a_sentence():
    view = ok.cost(lambda x: jnp.sum(jnp.sin(x) ** 2), jnp.ones(10))
    assert view.title == "Cost of f and its derivatives with respect to x"
    f, jvp, grad = (view[name]["flops"] for name in ("f", "jvp", "grad"))
    words = f"The gradient costs {grad / f:.2f}× f and a JVP costs {jvp / f:.2f}× f"
    assert view.finding == f"{words}, in FLOPs of the jaxpr."
    (picture,) = view.model()["pictures"]
    names = [e.text for e in ET.fromstring(picture["svg"]).iter() if e.get("font-weight")]
    assert names == ["f", "jvp", "grad"]
    (detail,) = view.model()["details"]
    assert "linearize + apply" in detail["pictures"][0]["svg"]
    assert [table.open for table in view.tables()] == [False] * 4


def test_nothing_is_drawn_beside_a_function_without_flops():
    view = ok.cost(lambda x: x[::-1], jnp.ones(3))
    assert "no FLOPs that are counted" in view.finding
    assert ET.fromstring(view.svg()) is not None


# --- arguments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x, n: x**n, (jnp.ones(3), 3)),
        (lambda x, n: x * jnp.ones(n), (jnp.ones(3), 3)),
        (lambda x, n: x * jnp.ones(int(n)), (jnp.ones(3), np.int64(3))),
        (lambda x, n: jax.lax.fori_loop(0, n, lambda i, c: jnp.sin(c), x), (jnp.ones(3), 4)),
        (lambda x, flag: jnp.sin(x) if flag else x, (jnp.ones(3), True)),
        (lambda x, axis: jnp.sin(x).sum(axis=axis), (jnp.ones((3, 2)), -1)),
        (lambda x, how, g: g(x) if how == "sin" else x, (jnp.ones(3), "sin", jnp.sin)),
        (lambda x, i: jnp.sin([x, 2 * x][i]), (jnp.ones(3), np.int32(1))),
        (lambda x, i: jnp.sin(x[i]), (jnp.ones(3), jnp.array([0, 2]))),
        (lambda x, scale: jnp.sin(x * scale), (shape(3), 2.0)),
    ],
)
def test_flags_lengths_axes_strings_and_functions_are_arguments(f, args):
    view = ok.cost(f, *args)
    assert not any("failed" in note for note in view.notes)
    assert view["vjp"]["flops"] > 0
    counted = ok.cost({"f": f}, *args)["f"]["flops"]
    assert view["f"]["flops"] == counted > 0


def test_an_exponent_costs_what_it_costs_under_grad():
    view = ok.cost(lambda x, n: x**n, 2.0, 3)
    assert view["f"]["equations"] == len(jax.make_jaxpr(lambda x: x**3)(2.0).eqns)


@pytest.mark.parametrize(
    ("argnums", "error", "words"),
    [
        (2, ValueError, "argnums=2 names argument 2, but there are 2 arguments"),
        (-3, ValueError, "argnums=-3 names argument -3"),
        (1.0, TypeError, "argnums must be an integer or several"),
        ("x", ValueError, 'argnums must be integers or "all"'),
    ],
)
def test_a_wrong_index_is_said(argnums, error, words):
    with pytest.raises(error, match=words):
        ok.cost(product, shape(3), shape(2, 3), argnums=argnums)


def test_a_function_without_numbers_as_result_has_no_derivatives():
    with pytest.raises(TypeError, match="returns no real or complex number"):
        ok.cost(jnp.argmax, jnp.ones(3))


# --- copies ---------------------------------------------------------------------------------


def test_copies_show_the_same_and_say_that_they_cannot_measure():
    view = ok.cost(lambda x: jnp.sum(jnp.sin(x)), jnp.ones(4))
    over = view.sweep(n=[2, 3])
    for original in (view, over, ok.stopwatch({"sin": jnp.sin}, 1.0, rounds=2)):
        shown = original.html()
        for other in (copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
            assert other.html() == shown
            assert other.text() == original.text()
    with pytest.raises(RuntimeError, match="no functions to measure"):
        pickle.loads(pickle.dumps(view)).sweep(n=[2])
    with pytest.raises(RuntimeError, match="no functions to measure"):
        pickle.loads(pickle.dumps(over)).explore()
    assert pickle.loads(pickle.dumps(over)).of("peak").text() == over.of("peak").text()


def test_a_sweep_of_another_metric_forgets_what_was_shown(swept):
    swept.html()
    assert "jaxpr peak over n, m" in swept.of("peak").html()
    assert swept.of("peak").text() != swept.text()


def test_short_names_are_the_last_keys_where_these_are_unique():
    names = ["p['W1']", "p['b']", "q['b']", "x", "net.layer.bias", "p['W1']_bar", "p['a b']"]
    assert short_names(names) == ["W1", "p['b']", "q['b']", "x", "bias", "W1_bar", "p['a b']"]


@pytest.mark.parametrize(
    ("x", "base", "text"),
    [(200, 100, "200 (2.00×)"), (1, 1000, "1 (0.001×)"), (12_345, 10, "12,345 (1,234×)"),
     (5, 0, "5"), (5, None, "5"), (0, 5, "0 (0.00×)")],
)  # fmt: skip
def test_a_ratio_stands_behind_its_number(x, base, text):
    assert compared(x, base, number_text) == text


@pytest.mark.parametrize(
    ("x", "text"),
    [(0, "0"), (1_234_567, "1,234,567"), (361_200_000, "361.2 M"), (2.5e12, "2.5 T"),
     (12_345_678_901, "12.35 G")],
)  # fmt: skip
def test_numbers_are_exact_or_have_a_unit(x, text):
    assert number_text(x) == text


@pytest.mark.parametrize(
    ("x", "text"), [(2.5, "2.5 s"), (0.0125, "12.5 ms"), (3e-6, "3 µs"), (2e-8, "0.02 µs")]
)
def test_seconds_have_a_unit(x, text):
    assert seconds_text(x) == text


# --- sweeps ---------------------------------------------------------------------------------


@pytest.fixture
def swept(x64):
    return ok.cost(BOTH, shape(3), shape(4, 3)).sweep(n=[10, 40], m=[20, 40])


def test_a_sweep_measures_every_combination(swept):
    assert len(swept.records()) == 8
    assert swept.curves().keys() == {
        f"{name}, m = {m}" for name in ("jacfwd", "jacrev") for m in (20, 40)
    }
    alone = ok.cost(BOTH, shape(40), shape(20, 40)).rows[0]["flops"]
    assert dict(swept.curves()["jacfwd, m = 20"])[40] == alone


def test_the_crossover_is_where_the_jacobian_is_square():
    found = ok.cost(BOTH, shape(3), shape(4, 3)).sweep(n=[30, 100, 300], m=100)
    assert found.crossings() == ["jacfwd and jacrev cross between n = 30 and 300, at about 100"]
    assert found.finding.startswith("jacfwd and jacrev cross")
    between = ok.cost(BOTH, shape(3), shape(4, 3)).sweep(n=[20, 180], m=60)
    (crossing,) = between.crossings()
    assert 45 < float(crossing.split()[-1]) < 80


def test_memory_over_depth():
    def deep(w):
        return jax.lax.scan(lambda c, a: (jnp.sin(c * a), None), 0.5, w)[0]

    both = {"jvp": lambda w: jax.jvp(deep, (w,), (w,))[0], "grad": jax.grad(deep)}
    with pytest.warns(UserWarning, match="does not return"):
        at_4 = ok.cost(both, jnp.ones(4))
    found = at_4.sweep(depth=[8, 64]).of("peak")
    assert {name: curve[1][1] / curve[0][1] > 4 for name, curve in found.curves().items()} == {
        "jvp": False,
        "grad": True,
    }


def test_a_size_that_fails_is_noted_and_the_rest_kept():
    def arguments(n):
        return jnp.ones(n), jnp.ones((n, n + (n == 3)))

    found = ok.cost(BOTH, shape(2), shape(2, 2)).sweep(arguments, n=[2, 3, 4])
    assert any(note.startswith("n = 3: failed, TypeError: dot_general") for note in found.notes)
    assert [at for at, _ in found.curves()["jacfwd"]] == [2, 4]
    assert "n = 3" in found.text()
    assert "failed" in found.csv()


def test_a_function_that_fails_at_one_size_leaves_the_others_alone():
    def even(x):
        if len(x) % 2:
            raise ValueError("an odd length")
        return x * 2

    with pytest.warns(UserWarning, match="even does not return what sum returns"):
        at_2 = ok.cost({"sum": jnp.sum, "even": even}, shape(2))
    found = at_2.sweep(n=[2, 3, 4])
    assert found.notes == ["n = 3, even: failed, ValueError: an odd length"]
    sizes = {name: [n for n, _ in curve] for name, curve in found.curves().items()}
    assert sizes == {"sum": [2, 3, 4], "even": [2, 4]}


def test_a_size_that_does_not_fit_is_predicted():
    found = ok.cost(BOTH, shape(2), shape(3, 2)).sweep(n=[2, 10**9], m=10**9)
    assert any("would need about" in note and "TiB" in note for note in found.notes)
    assert len(found.points) == 2


def test_ctrl_c_keeps_the_sizes_that_are_done():
    def arguments(n):
        if n == 3:
            raise KeyboardInterrupt
        return shape(n), shape(n, n)

    found = ok.cost(BOTH, shape(2), shape(2, 2)).sweep(arguments, n=[2, 3, 4])
    assert found.notes == ["stopped: 1 of 3 sizes measured"]
    assert [at for at, _ in found.points] == [{"n": 2}]
    nothing = ok.cost(BOTH, shape(2), shape(2, 2)).sweep(arguments, n=3)
    assert "stopped: 0 of 1 sizes measured" in nothing.text()
    assert "nothing above zero" in nothing.svg()


@pytest.mark.parametrize(
    ("sizes", "message"),
    [({"n": [2], "m": [3]}, r"the sizes \[2\], which are too few for n, m"),
     ({}, "needs a size"), ({"n": []}, "needs a size")],
)  # fmt: skip
def test_a_sweep_says_what_it_lacks(sizes, message):
    with pytest.raises(ValueError, match=message):
        ok.cost(BOTH, shape(2), shape(2, 2)).sweep(**sizes)


def test_names_stand_for_the_sizes_of_the_shapes_in_order():
    sums = {"sum": lambda tree, scale: scale * (tree["a"].sum() + tree["b"].sum())}
    given = {"a": shape(2, 5), "b": jax.ShapeDtypeStruct((5,), jnp.float32)}
    found = ok.cost(sums, given, 3.0).sweep(n=7, m=[5, 11])
    assert [r["flops"] for r in found.records()] == [7 * m - 1 + m - 1 + 2 for m in (5, 11)]


def test_an_unknown_metric_is_refused(swept):
    with pytest.raises(ValueError, match="metric must be one of equations, flops"):
        swept.of("speed")
    with pytest.raises(ValueError, match="got 'jitted_seconds'"):
        swept.of("jitted_seconds")


def test_the_number_of_passes_over_the_sizes():
    at_4 = ok.cost(product, shape(4), shape(8, 4), argnums=0)
    found = at_4.sweep(n=[2, 4, 8, 16]).of("passes")
    curves = {name: [int(y) for _, y in curve] for name, curve in found.curves().items()}
    assert curves["jvp"] == curves["vjp"] == curves["linearize + apply"] == [1] * 4
    assert curves["jacfwd"] == [2, 4, 8, 16]
    assert curves["jacrev"] == [8] * 4
    assert curves["hessian"] == [16, 32, 64, 128]
    assert "jacfwd and jacrev cross between n = 4 and 16, at about 8" in found.finding


def cursors(view):
    """Return where each step of a sweep has its cursor."""
    (picture,) = view.model()["pictures"]
    places = {}
    for element in ET.fromstring(picture["svg"]).iter():
        if "cursor" in (element.get("class") or ""):
            x = float(element.get("points").split(",")[0])
            places |= {int(step): x for step in element.get("data-now").split()}
    return places


def test_a_sweep_steps_through_its_sizes(swept):
    steps = swept.model()["steps"]
    assert [s["words"].split(":")[0] for s in steps][:2] == ["n = 10, m = 20", "n = 10, m = 40"]
    places = cursors(swept)
    assert places[0] == places[1] < places[2] == places[3]


def test_the_cursor_stands_on_the_curve_where_the_largest_size_fails():
    def arguments(n):
        return jnp.ones(n), jnp.ones((n, n + (n == 100)))

    view = ok.cost(BOTH, shape(2), shape(2, 2)).sweep(arguments, n=[2, 10, 100])
    (picture,) = view.model()["pictures"]
    root = ET.fromstring(picture["svg"])
    marks = [float(e.get("x")) for e in root.iter() if e.text == "■" and e.get("font-size")]
    places = cursors(view)
    assert [places[0], places[1]] == marks
    assert 2 not in places


def test_sliders_measure_what_is_chosen(capsys):
    found = ok.cost(BOTH, shape(2), shape(2, 2)).sweep(n=[2, 6])
    widget = found.explore()
    slider = widget.children[0]
    assert (slider.min, slider.max, slider.description) == (2, 6, "n")
    slider.value = 5
    widget.update()
    want = ok.cost(BOTH, shape(5), shape(5, 5)).rows[0]["flops"]
    said = capsys.readouterr().out + str(widget.out.outputs)
    assert f"{want:,}" in said


def test_ctrl_c_keeps_the_rounds_that_are_complete():
    calls = []

    def stubborn(x):
        calls.append(x)
        if len(calls) == 6 and not isinstance(x, jax.core.Tracer):
            raise KeyboardInterrupt
        return x * 2

    found = ok.cost({"stubborn": stubborn}, jnp.ones(3), timed=True)
    assert found.notes[0].endswith("of 9 rounds timed")


def test_concrete_numbers_are_made_for_shapes_that_are_timed():
    found = ok.cost({"sum": lambda x: x.sum()}, shape(4)).sweep(timed=True, n=[2, 3])
    assert all(np.isfinite(r["jitted_seconds"]) for r in found.records())
