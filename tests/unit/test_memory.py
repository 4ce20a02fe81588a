"""`memory` and `tradeoff`: lifetimes, the peak by name, what checkpoints compute again."""

import re
import xml.etree.ElementTree as ET

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus_kit as ok

pytestmark = pytest.mark.usefixtures("x64")


def waves(x):
    return jnp.sum(jnp.sin(jnp.sin(x)) * x)


def test_lives_run_from_the_maker_to_the_last_reader():
    lives = {r["name"]: r for r in ok.memory(waves, jnp.ones(10)).records()}
    # v1 = sin x, c1 = cos x, v2 = sin v1, c2 = cos v1, v3 = v2 * x, v4 = sum v3
    assert (lives["v1"]["made"], lives["v1"]["last_read"], lives["v1"]["residual"]) == (1, 4, False)
    assert (lives["c1"]["made"], lives["c1"]["last_read"], lives["c1"]["residual"]) == (2, 11, True)
    assert lives["x_bar"]["returned"]
    assert {n for n, r in lives.items() if r["residual"]} == {"c1", "v2", "c2"}


def test_sooner_made_later_needed():
    saved = [r for r in ok.memory(waves, jnp.ones(10)).records() if r["residual"]]
    assert saved[0]["last_read"] == max(r["last_read"] for r in saved)


@pytest.mark.parametrize("name", corpus.CORPUS)
@pytest.mark.parametrize("mode", ["primal", "forward", "reverse"])
def test_the_peak_is_explained_to_the_byte(name, mode):
    f, args = corpus.CORPUS[name]
    view = ok.memory(f, *args, argnums="all", mode=mode)
    assert sum(n for _, n in view.explained()) == view.peak
    assert view.peak >= view.program.totals.peak_bytes
    assert len(view.steps()) == len(view.program.equations)
    root = ET.fromstring(view.svg())
    assert root.find("{http://www.w3.org/2000/svg}title").text == view.title


def rows(W):
    return jnp.sum(jnp.sin(W)[jnp.array([1, 0, 1])])


@pytest.mark.parametrize("f", [waves, rows])
@pytest.mark.parametrize("mode", ["primal", "forward", "reverse"])
def test_the_bars_over_an_equation_are_what_is_live_there(f, mode):
    view = ok.memory(f, jnp.ones(10), mode=mode)
    bars = []
    (drawn,) = view.model()["pictures"]
    for group in ET.fromstring(drawn["svg"]).iter("{http://www.w3.org/2000/svg}g"):
        if found := re.search(r": (\d+) bytes", group.get("data-say") or ""):
            box = group.find("{http://www.w3.org/2000/svg}rect")
            left, width = float(box.get("x")), float(box.get("width"))
            bars.append((left, left + width, int(found[1])))
    for k, equation in enumerate(view.program.equations):
        at = view._x(k + 0.5)
        over = sum(size for left, right, size in bars if left < at < right)
        # of an equation's body there is no bar
        assert over == view.live_bytes[k] or (equation.bodies and over < view.live_bytes[k])


@pytest.mark.parametrize("x", [1.0, -1.0])
def test_of_branches_that_need_as_much_the_one_that_was_taken_is_named(x):
    f = lambda x: jax.lax.cond(x > 0, jnp.sin, jnp.square, x)
    view = ok.memory(f, x)
    (body,) = [b for b in view.program.equations[-1].bodies if b.taken]
    inner = view.program.values[body.equations[0].results[0]].name
    assert inner in dict(view.explained())
    assert (
        "of the branches of a cond the one that needs most is counted, taken or not" in view.notes
    )
    assert not any("branches" in note for note in ok.memory(waves, jnp.ones(3)).notes)


def test_one_is_not_a_plural():
    again = ok.memory(jax.checkpoint(lambda x: jnp.sin(x + 1)), 1.0)
    assert again.finding.endswith("1 equation, 1 FLOP.")


def test_forward_mode_saves_nothing():
    view = ok.memory(waves, jnp.ones(10), mode="forward")
    assert not any(r["residual"] for r in view.records())
    assert "Saved" not in view.finding


def test_residuals_are_named_an_input_too():
    said = ok.memory(waves, jnp.ones(10)).finding.split("Saved for the backward pass: ")[1]
    assert set(said.rstrip(".").split(", ")) == {f"{n} (80 bytes)" for n in ("c1", "v2", "c2", "x")}
    again = ok.memory(waves, jnp.ones(10), checkpoint=True)
    assert "Saved for the backward pass: x (80 bytes)." in again.finding


def test_a_checkpoint_saves_less_and_computes_again():
    plain = ok.memory(waves, jnp.ones(10))
    again = ok.memory(waves, jnp.ones(10), checkpoint=True)
    assert plain.recomputed() == []
    assert again.recomputed() == [("sin", 10), ("sin", 10)]
    assert "Computed again on the backward pass" in again.finding
    saved = lambda view: view.program.totals.residual_bytes
    assert saved(again) == 80 < saved(plain)
    everything = ok.memory(
        waves, jnp.ones(10), checkpoint=jax.checkpoint_policies.everything_saveable
    )
    assert everything.recomputed() == []
    assert again.title == "Memory of waves, reverse mode with respect to x"


def test_the_work_done_again_counts_every_iteration():
    run = ok.segmented(jnp.sin, 12, 4)
    view = ok.memory(run, jnp.ones(10))
    assert view.recomputed() == [("sin", 120)]
    assert any(name.endswith("[:]") for name, _ in view.explained())  # the starts of the segments


@pytest.mark.parametrize("segment", [0, 5, 13])
def test_a_segment_must_divide_the_length(segment):
    with pytest.raises(ValueError, match=f"segment must divide length = 12; got {segment}"):
        ok.segmented(jnp.sin, 12, segment)


@pytest.mark.parametrize("segment", [1, 3, 12])
def test_segments_compute_the_same(segment):
    x = jnp.array([0.3, 1.2])
    whole = lambda x: jax.lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=12)[0].sum()
    cut = lambda x: ok.segmented(jnp.sin, 12, segment)(x).sum()
    assert jnp.allclose(whole(x), cut(x))
    assert jnp.allclose(jax.grad(whole)(x), jax.grad(cut)(x))


def test_segments_of_the_square_root_are_best():
    x = jax.ShapeDtypeStruct((16_000,), jnp.float32)
    found = ok.tradeoff(jnp.tanh, x, 256, [1, 8, 16, 32, 256])
    rows = {row.get("segment"): row for row in found.records()}
    # tanh saves two numbers an iteration, from jax 0.12 on one
    array = 4 * 16_000
    saved = rows[None]["residual"] / (256 * array)
    assert saved in (1, 2)
    for level in ("peak", "temp"):
        # the best length lies between √256 and √256 / √2
        assert min(rows, key=lambda s: rows[s][level]) in (8, 16)
        assert rows[None][level] / rows[16][level] > (8 if saved == 2 else 6)
    assert rows[None]["temp"] == pytest.approx(256 * saved * array, rel=0.03)
    # the starts of 16 segments, and what one of them saves
    assert rows[16]["temp"] == pytest.approx((16 + 16 * saved) * array, rel=0.1)
    assert rows[16]["flops"] / rows[None]["flops"] < 1.5
    assert rows[1]["peak"] == pytest.approx(rows[256]["peak"], rel=0.5)
    svg = found.svg()
    for said in ("iterations in a segment", "jaxpr peak", "compiled temp", "jaxpr FLOPs"):
        assert said in svg
    assert "0.1×" in svg or saved == 1


def test_each_row_of_a_tradeoff_knows_its_segment():
    rows = ok.tradeoff(jnp.sin, jnp.ones(3), 16, [4, 2, 4, 8]).rows[1:]
    assert [(row["name"], row["segment"]) for row in rows] == [
        (f"segments of {n}", n) for n in (4, 2, 8)
    ]


def test_neither_policy_nor_function_is_refused():
    with pytest.raises(TypeError, match=r"checkpoint is True, False or a policy of .*'dots'"):
        ok.memory(waves, jnp.ones(3), checkpoint="dots")
    with pytest.raises(TypeError, match="Expected a function first"):
        ok.memory(3, jnp.ones(3), checkpoint=True)
    with pytest.raises(TypeError, match="step must be a function"):
        ok.tradeoff(3, 1.0, 8)
    assert "There is no equation" in ok.memory(lambda x: 3.0, 1.0).finding


@pytest.mark.parametrize("length", [0, 2.0, np.ones(2)])
def test_iterations_are_counted_in_whole_numbers(length):
    with pytest.raises(ValueError, match="length is the number of iterations, an int above"):
        ok.tradeoff(jnp.sin, jnp.ones(3), length)


def test_the_tradeoff_tries_powers_of_two():
    found = ok.tradeoff(jnp.sin, jnp.ones(3), 12)
    assert [row.get("segment") for row in found.rows] == [None, 1, 2, 4]


def test_what_jax_saves_and_nothing_reads_is_told_and_not_counted():
    """The derivative of relu holds an array of zeros that its pullback does not use."""
    view = ok.memory(lambda x: jax.nn.relu(x).sum(), jnp.array([1.0, -2.0, 3.0]))
    told = [note for note in view.notes if "nothing reads" in note]
    unread = [r for r in view.program.residuals if not r.used_by and not r.free]
    assert len(told) == bool(unread)
    assert all(view.program.values[r.value].name in told[0] for r in unread)
    marked = {record["name"] for record in view.records() if record["residual"]}
    assert marked == {view.program.values[value].name for value in view.residuals}
