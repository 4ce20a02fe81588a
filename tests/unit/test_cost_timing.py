"""Benchmarks, under a clock that the test sets by hand."""

import jax
import jax.numpy as jnp
import pytest

import olympus_kit as ok
from olympus_kit.views import _timing as timing
from olympus_kit.views._timing import Stopwatch, sample, verdict

pytestmark = pytest.mark.usefixtures("x64")


class Clock:
    """A clock that moves only when a job says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def job(self, seconds, log=None, name=None):
        def run():
            self.now += seconds
            if log is not None:
                log.append(name)

        return run


def test_a_sample_is_the_time_of_one_call():
    clock = Clock()
    found = sample({"slow": clock.job(0.5), "quick": clock.job(1e-5)}, 7, clock)
    assert found["slow"] == pytest.approx([0.5] * 7)
    assert found["quick"] == pytest.approx([1e-5] * 7)


def test_runs_are_interleaved_in_both_orders():
    clock, log = Clock(), []
    jobs = {name: clock.job(1.0, log, name) for name in "ab"}
    sample(jobs, 3, clock)
    warm = 4  # each once to warm up, and once to see how many calls make a sample
    assert "".join(log[warm:]) == "ab" + "ba" + "ab"


def test_drift_hits_both_and_leaves_the_verdict_alone():
    clock = Clock()

    def drifting(seconds):
        def run():
            clock.now += seconds * (1 + clock.now)  # the machine gets slower and slower

        return run

    found = sample({"a": drifting(0.01), "b": drifting(0.01)}, 15, clock)
    assert max(found["a"]) > 1.2 * min(found["a"])
    assert not verdict(found["a"], found["b"]).differs


def test_the_verdict_is_computed_and_swapping_flips_it():
    slow, quick = [2.0, 2.2, 2.1, 2.0, 2.4, 2.0, 2.1], [1.0, 1.1, 1.3, 1.0, 1.0, 1.2, 1.0]
    ours, theirs = verdict(slow, quick), verdict(quick, slow)
    assert ours.differs
    assert theirs.differs
    assert ours.ratio == pytest.approx(1 / theirs.ratio)
    assert (ours.low, ours.high) == pytest.approx((1 / theirs.high, 1 / theirs.low))
    assert ours.words("a", "b") == "b is faster than a, 2×"
    assert theirs.words("a", "b") == "a is faster than b, 2×"


def test_noise_is_called_noise():
    one, other = [1.0, 1.1, 1.0, 1.1, 1.1, 1.0, 1.05], [1.1, 1.0, 1.1, 1.0, 1.1, 1.1, 1.0]
    words = verdict(one, other).words("a", "b")
    assert words == "a and b: no difference beyond noise (between 0.909× and 1.1×)"
    assert verdict(one[:5], other[:5]).words("a", "b") == "a and b: too few rounds to tell"


@pytest.mark.parametrize(
    ("times", "others"),
    [
        # the minima differ 2.55 times, the rounds say nothing
        ([2.55, 2.6, 9.0, 2.7, 2.6, 8.0, 9.0], [1.0, 5.0, 1.2, 5.2, 6.0, 1.1, 9.5]),
        # the minima are equal, the rounds lie far apart
        ([1.0, 9.0, 1.1, 9.0, 1.0, 9.0, 1.0], [1.0, 1.0, 9.0, 1.0, 9.0, 1.1, 1.0]),
        # the rounds say that the first is slower, the minima that it is faster
        ([0.5, 3.0, 3.1, 3.2, 3.0, 3.1, 3.0], [0.4, 1.0, 1.0, 0.9, 2.0, 2.9, 2.0]),
    ],
)
def test_equal_is_only_said_where_everything_is_near(times, others):
    judged = verdict(times, others)
    words = judged.words("a", "b")
    assert "no difference" not in words
    assert judged.differs == ("faster" in words)
    assert judged.differs or "too noisy to tell" in words


def test_the_ratio_is_that_of_the_minima_which_the_table_shows():
    times = {"a": [1.0, 1.2, 1.4, 1.2, 1.3, 1.2, 1.1], "b": [2.5, 4.0, 3.9, 4.1, 5.0, 4.0, 4.4]}
    view = Stopwatch(times, 7, "")
    assert view.verdicts()["b"] == "a is faster than b, 2.5×"
    assert "2.5 s (2.50×)" in view.text()


@pytest.mark.parametrize(("rounds", "cut"), [(6, 0), (8, 0), (9, 1), (15, 3)])
def test_the_interval_is_that_of_the_sign_test(rounds, cut):
    times = [float(k) for k in range(1, rounds + 1)]
    found = verdict(times, [1.0] * rounds)
    assert (found.low, found.high) == pytest.approx((times[cut], times[-1 - cut]))


def test_a_call_ends_when_every_leaf_is_there(monkeypatch):
    waited = []
    monkeypatch.setattr(timing.jax, "block_until_ready", lambda tree: waited.append(tree))
    timing.waited(lambda x: {"a": x, "b": [x + 1]}, (jnp.ones(2),))()
    (tree,) = waited
    assert len(jax.tree.leaves(tree)) == 2


def test_ctrl_c_leaves_the_rounds_that_are_complete():
    clock, calls = Clock(), []

    def stubborn():
        clock.now += 1.0
        calls.append(None)
        if len(calls) == 5:
            raise KeyboardInterrupt

    found = sample({"good": clock.job(1.0), "stubborn": stubborn}, 10, clock)
    assert {name: len(t) for name, t in found.items()} == {"good": 2, "stubborn": 2}
    assert "stopped: 2 of 10 rounds timed" in Stopwatch(found, 10, "").text()


def test_a_stopwatch_says_what_it_found():
    view = Stopwatch({"a": [2.0] * 9, "b": [1.0] * 9}, 9, "Compiled.")
    assert view.title == "Time of a, b"
    assert view.verdicts() == {"b": "b is faster than a, 2×"}
    assert view.text().splitlines()[-1] == "b     1 s (0.50×)     1 s      0 µs"
    assert view.records()[0]["spread"] == 0
    picture = view.svg()
    assert "multiples of a" in picture
    assert "1.00×   2 s" in picture
    assert "0.50×   1 s" in picture


def test_compiling_is_not_timed(x64):
    traces = []

    def f(x):
        traces.append(None)
        return jnp.sin(x)

    view = ok.stopwatch({"f": f, "g": jnp.cos}, jnp.ones(5), rounds=6)
    assert len(traces) == 1
    assert [r["rounds"] for r in view.records()] == [6, 6]
    assert list(view.verdicts()) == ["g"]


@pytest.mark.parametrize("given", [jnp.sin, {"f": 1}, None])
def test_a_stopwatch_wants_names(given):
    with pytest.raises(TypeError, match=r"stopwatch takes \{name: function\}"):
        ok.stopwatch(given, 1.0)


def test_the_three_traps_stand_beside_the_right_one():
    ticks = iter(range(10_000_000))
    traced = []

    def f(x):
        traced.append(isinstance(x, jax.core.Tracer))
        return x * 2

    view = ok.timing_traps(f, jnp.ones(3), clock=lambda: float(next(ticks)))
    assert list(view.times) == ["right", "the first call", "without waiting", "without jit"]
    assert len(view.times["the first call"]) == 1
    assert traced.count(True) == 1  # compiled once, in the first call
    assert traced.count(False) >= 7  # and run as Python without jit
    # this clock ticks once a reading, and nothing takes time
    assert view.verdicts()["the first call"] == "the first call: 1× too fast"
    assert view.finding.startswith("the first call: ")


def test_a_trap_says_what_one_would_believe():
    view = timing.Traps({"right": [2.0, 3.0], "the first call": [90.0], "hasty": [0.5]}, 1, "")
    assert view.verdicts() == {
        "the first call": "the first call: 45× too slow",
        "hasty": "hasty: 4× too fast",
    }
