"""`cost` and its sweeps: what they count, say, export and refuse."""

import builtins
import json
import xml.etree.ElementTree as ET

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus
import olympus_kit as ok
from olympus_kit.views._cost import GROUPS
from olympus_kit.views._measure import machine_memory
from olympus_kit.views._report import compared, number_text, seconds_text

pytestmark = pytest.mark.usefixtures("x64")


def product(x, a):
    return jnp.tanh(a @ x)


BOTH = {"jacfwd": jax.jacfwd(product), "jacrev": jax.jacrev(product)}


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float64)


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
    assert compiled[:3] == [18_000] * 3
    assert compiled[3] // 18_000 == 1280


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


@pytest.mark.parametrize(("argnums", "ratio"), [(1, 2), ((0, 1), 3), ("all", 3)])
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
    assert "252,200 (9.93×)" in ok.cost(BOTH, *given).text()
    assert "25,400 (0.10×)" in ok.cost(dict(reversed(BOTH.items())), *given).text()


def test_a_while_loop_and_a_scan_are_explained():
    turns = {
        "while": lambda x: jax.lax.while_loop(lambda c: c[0] < 9, lambda c: c * 2, x),
        "scan": lambda x: jax.lax.scan(lambda c, _: (c * 2, None), x, None, length=5)[0],
    }
    with pytest.warns(UserWarning, match="scan does not return what while returns"):
        found = ok.cost(turns, jnp.ones(3))
    assert "while: a while loop's turns are unknown, and count as one" in found.notes
    assert "scan: XLA counts a loop's body once, whatever its turns" in found.notes
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
    with pytest.raises(TypeError, match=r"write 2\.0 for 2"):
        ok.cost(lambda n: n * 2, 3)


def test_shapes_alone_are_compared_where_there_are_no_numbers():
    with pytest.warns(UserWarning, match=r"sum does not return what sin returns \(shape \(\)"):
        found = ok.cost({"sin": jnp.sin, "sum": jnp.sum}, shape(3))
    assert "sum does not return what sin returns (shape (), not (3,))" in found.notes
    assert not ok.cost({"sin": jnp.sin, "cos": jnp.cos}, shape(3)).notes


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
    assert "stopped: 2 of 3 functions kept" in found.notes


# --- exports --------------------------------------------------------------------------------


def test_every_export_holds_the_same_numbers(tmp_path):
    found = ok.cost(BOTH, shape(10), shape(100, 10))
    assert json.loads(found.json())["records"] == found.records()
    header, first, _ = found.csv().splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True))
    assert (row["name"], row["flops"]) == ("jacfwd", "25400")
    assert "| jacrev | 17 (0.85×) | 252,200 (9.93×) |" in found.markdown()
    for suffix in ("csv", "md", "svg", "html", "json", "txt"):
        assert found.save(tmp_path / f"cost.{suffix}").stat().st_size > 100
    with pytest.raises(FileNotFoundError, match="make it first"):
        found.save(tmp_path / "nowhere" / "cost.csv")
    with pytest.raises(ValueError, match="must end in"):
        found.save(tmp_path / "cost.png")


def test_a_data_frame_needs_pandas(monkeypatch):
    found = ok.cost(BOTH, shape(3), shape(3, 3))
    real = builtins.__import__

    def without(name, *rest):
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match="pandas") as error:
        found.to_pandas()
    assert "use csv(), markdown() or records()" in error.value.__notes__[0]


def test_the_picture_has_a_title_and_every_number():
    found = ok.cost(BOTH, shape(10), shape(100, 10))
    root = ET.fromstring(found.svg())
    texts = [e.text for e in root.iter() if e.text]
    assert texts[0] == found.title == "Cost of jacfwd, jacrev"
    assert {"25,400", "252,200", "jacfwd", "jacrev"} <= set(texts)
    measured = {
        h for _, group in GROUPS.items() for k, (h, _) in group.items() if k in found.rows[0]
    }
    assert len(measured) == 11
    assert measured <= set(texts)
    assert len([e for e in root.iter() if e.tag.endswith("rect")]) == 1 + 2 * len(measured)


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
    assert found.summary.startswith("jacfwd and jacrev cross")
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
    assert found.notes == ["stopped: 1 of 3 sizes kept"]
    assert [at for at, _ in found.points] == [{"n": 2}]
    nothing = ok.cost(BOTH, shape(2), shape(2, 2)).sweep(arguments, n=3)
    assert "stopped: 0 of 1 sizes kept" in nothing.text()
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
    assert "jacfwd and jacrev cross between n = 4 and 16, at about 8" in found.summary


def test_a_sweep_steps_through_its_sizes(swept):
    steps = swept.model()["steps"]
    assert [s["words"].split(":")[0] for s in steps][:2] == ["n = 10, m = 20", "n = 10, m = 40"]
    assert steps[0]["x"] < steps[-1]["x"]


@pytest.mark.parametrize("dark", [False, True])
def test_the_figure_is_drawn_on_its_own_paper(swept, dark):
    import matplotlib as mpl

    mpl.use("Agg")
    figure = swept.figure(dark)
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == list(swept.curves())
    looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == len(axes.lines)
    ink, paper = axes.xaxis.label.get_color(), mpl.colors.to_hex(figure.get_facecolor())
    brightness = lambda color: sum(mpl.colors.to_rgb(color)) / 3
    assert (brightness(ink) > brightness(paper)) == dark
    assert abs(brightness(ink) - brightness(paper)) > 0.6


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
    (note,) = found.notes
    assert note.endswith("of 7 rounds timed")


def test_concrete_numbers_are_made_for_shapes_that_are_timed():
    found = ok.cost({"sum": lambda x: x.sum()}, shape(4)).sweep(timed=True, n=[2, 3])
    assert all(np.isfinite(r["jitted_seconds"]) for r in found.records())
