"""The specifications of 12_scans.md, released from solutions/12_scans.md: edit them there."""

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import (
    DERIVATIVES,
    CostLimit,
    Mistake,
    Question,
    Requirement,
    linear_in,
    test_array,
)
from olympus_kit.program import capture, count

PAGE = "book/12_scans.md"


def gap_of(difference, size=lambda gap: np.max(np.abs(gap))):
    return lambda op, a, b, c: size(np.asarray(difference(op, a, b, c)))


brackets = lambda op, a, b, c: reduce(op, (a, b, c)) - op(a, reduce(op, (b, c)))
of_the_largest = lambda op, a, b, c: np.abs(
    np.max(reduce(op, (a, b, c))) - np.max(op(a, reduce(op, (b, c))))
)
exact = lambda *numbers: np.array(numbers)  # sums and products of these have no rounding

bracket_gap = Question(
    name="bracket_gap",
    returns="the gap",
    points=(
        {
            "op": lambda x, y: x - y,
            "a": exact(1.0, 5.0),
            "b": exact(0.5, -2.0),
            "c": exact(-3.0, 0.25),
        },
        {
            "op": lambda x, y: (x + y) / 2,
            "a": exact(8.0, 1.0, 0.0),
            "b": exact(4.0, -1.0, 2.0),
            "c": exact(2.0, 5.0, 0.5),
        },
        {
            "op": lambda x, y: x * y + x,
            "a": exact(100.0, 32.0),
            "b": exact(0.5, 64.0),
            "c": exact(16.0, -2.0),
        },
        {
            "op": jnp.matmul,
            "a": exact([1.0, 2.0], [0.0, 1.0]),
            "b": exact([0.0, 1.0], [1.0, 1.0]),
            "c": exact([2.0, 0.5], [4.0, 1.0]),
        },
        {
            "op": lambda x, y: x @ y - y @ x,
            "a": exact([1.0, 2.0], [0.0, 1.0]),
            "b": exact([0.0, 1.0], [1.0, 1.0]),
            "c": exact([2.0, 0.5], [4.0, 1.0]),
        },
    ),
    labels=("the difference", "the mean", "x·y + x", "matrix products", "xy − yx of matrices"),
    large_points=(2,),
    reference=gap_of(brackets),
    predictions={
        "swapped-not-bracketed": Mistake(result=gap_of(lambda op, a, b, c: op(a, b) - op(b, a))),
        "order-changed": Mistake(
            result=gap_of(lambda op, a, b, c: reduce(op, (a, b, c)) - reduce(op, (b, c, a)))
        ),
        "signed-gap": Mistake(result=gap_of(brackets, np.max)),
        "mean-gap": Mistake(result=gap_of(brackets, lambda gap: np.mean(np.abs(gap)))),
        "length-of-gap": Mistake(result=gap_of(brackets, lambda gap: np.sqrt(np.sum(gap**2)))),
        "sign-taken-late": Mistake(result=gap_of(brackets, lambda gap: abs(np.max(gap)))),
        "sizes-compared": Mistake(
            result=lambda op, a, b, c: np.max(
                np.abs(np.abs(reduce(op, (a, b, c))) - np.abs(op(a, reduce(op, (b, c)))))
            )
        ),
        "same-brackets-twice": Mistake(result=lambda op, a, b, c: 0.0),
        "others-exchanged": Mistake(
            result=gap_of(lambda op, a, b, c: reduce(op, (a, b, c)) - reduce(op, (b, a, c)))
        ),
        "summed-gap": Mistake(result=gap_of(brackets, lambda gap: np.sum(np.abs(gap)))),
        "agreement-returned": Mistake(
            result=lambda op, a, b, c: float(not np.any(brackets(op, a, b, c)))
        ),
        "difference-returned": Mistake(
            result=lambda op, a, b, c: float(np.any(brackets(op, a, b, c)))
        ),
        "last-in-front": Mistake(
            result=gap_of(lambda op, a, b, c: reduce(op, (a, b, c)) - op(c, op(a, b)))
        ),
        "smallest-gap": Mistake(result=gap_of(brackets, lambda gap: np.min(np.abs(gap)))),
        "every-gap": Mistake(result=gap_of(brackets, np.abs)),
        "matrix-norm": Mistake(result=gap_of(brackets, lambda gap: np.linalg.norm(gap, np.inf))),
        "gap-of-the-largest": Mistake(result=of_the_largest),
    },
    mistakes=(
        Mistake(
            "op-of-three",
            "op takes two",
            "You gave `op` three operands. It takes two: with three, the brackets have to be set.",
            example="",
            raised=("TypeError: takes 2 positional arguments but 3 were given",),
            code=r"\bop\([^()]*,[^()]*,[^()]*\)",
        ),
        Mistake(
            "every-gap",
            "every gap",
            "You returned the gap of each entry. Asked for is one number, the largest of them.",
            example="",
        ),
        Mistake(
            "smallest-gap",
            "the smallest gap",
            "You took the smallest of the gaps. Asked for is the largest.",
        ),
        Mistake(
            "last-in-front",
            "operands exchanged",
            "On one side c stands in front: c ∘ (a ∘ b). That tests whether the operation "
            "commutes. Only the brackets may move: a ∘ (b ∘ c).",
        ),
        Mistake(
            "difference-returned",
            "whether, not how far",
            "You returned whether both sides differ, 1 for yes. Asked for is how far they are "
            "apart.",
        ),
        Mistake(
            "agreement-returned",
            "whether, not how far",
            "You returned whether both sides agree. Asked for is how far they are apart.",
        ),
        Mistake(
            "others-exchanged",
            "operands exchanged",
            "On one side a and b have changed places: that tests whether the operation "
            "commutes. Only the brackets may move: a ∘ (b ∘ c).",
        ),
        Mistake(
            "same-brackets-twice",
            "no gap anywhere",
            "Your gap is 0 everywhere. Either both sides have the same brackets, or you combined "
            "with something of your own in place of `op`.",
        ),
        Mistake(
            "sizes-compared",
            "absolute values compared",
            "You compared absolute values: 3 and −3 have no gap then. Subtract first.",
        ),
        Mistake(
            "sign-taken-late",
            "the absolute value comes too late",
            "You took the absolute value of the largest difference. A difference of −5 is "
            "smaller than one of 1, and is lost: take absolute values first.",
        ),
        Mistake(
            "length-of-gap",
            "the length of the difference",
            "You took the length of the difference, the root of a sum of squares. Asked for is "
            "its largest entry.",
        ),
        Mistake(
            "mean-gap",
            "the mean of the gaps",
            "You took the mean of the gaps of all entries. Asked for is the largest.",
        ),
        Mistake(
            "swapped-not-bracketed",
            "swapped, not bracketed",
            "You compared a ∘ b with b ∘ a: whether the operation is *commutative*. A tree never swaps "
            "operands; it moves the brackets, and for that it takes three.",
            read=PAGE + "#scans-associative",
        ),
        Mistake(
            "order-changed",
            "the order changed, too",
            "On one side your operands stand in the order b, c, a. Only the brackets may move: "
            "a ∘ (b ∘ c).",
            read=PAGE + "#scans-associative",
        ),
        Mistake(
            "signed-gap",
            "a difference has a sign",
            "You took the largest difference with its sign. Where all differences are negative, the "
            "largest is the smallest gap: take absolute values first.",
            read=PAGE + "#scans-associative",
        ),
        Mistake(
            "summed-gap",
            "summed instead of the largest",
            "You added up the gaps of all entries. Asked for is the largest.",
            read=PAGE + "#scans-associative",
        ),
        Mistake(
            "matrix-norm",
            "a norm of matrices",
            "Of a matrix, `norm(…, ord=inf)` is the largest sum of a *row*. Asked for is "
            "the largest entry: `jnp.max(jnp.abs(…))`.",
        ),
        Mistake(
            "gap-of-the-largest",
            "the largest entries subtracted",
            "You subtracted the largest entries of the two results. Asked for is the "
            "largest difference between entries at the same place.",
        ),
    ),
    read=PAGE,
)

def powers(d, n):
    """The Jacobian of the filter, entry by entry."""
    return np.array([[d ** (i - j) if i >= j else 0.0 for j in range(n)] for i in range(n)])


def pulled_with(change):
    return lambda d, u: np.asarray(u, float) @ change(powers(d, len(u)), d)


smoothed_pullback = Question(
    name="smoothed_pullback",
    returns="x_bar",
    points=(
        {"d": 0.5, "u": test_array((4,))},
        {"d": -0.75, "u": test_array((7,), 1.0)},
        {"d": 2.0, "u": test_array((6,), 2.0, 100.0)},
        {"d": 0.25, "u": test_array((1,), 3.0)},
        {"d": 0.0, "u": test_array((3,), 4.0)},
    ),
    labels=(
        "d = 0.5, 4 numbers",
        "d = −0.75, 7 numbers",
        "d = 2, 6 numbers up to 100",
        "1 number",
        "d = 0, 3 numbers",
    ),
    large_points=(2,),
    reference=pulled_with(lambda J, d: J),
    shape_of={"x_bar": "u"},
    without=DERIVATIVES,
    requirements=(linear_in("u"),),
    predictions={
        "filter-forward": Mistake(result=pulled_with(lambda J, d: J.T)),
        "factor-ignored": Mistake(result=pulled_with(lambda J, d: np.tril(np.ones_like(J)))),
        "faded-once-more": Mistake(result=pulled_with(lambda J, d: d * J)),
        "factor-at-the-wrong-place": Mistake(
            result=pulled_with(lambda J, d: d * np.tril(np.ones_like(J)))
        ),
        "last-twice": Mistake(
            result=lambda d, u: (
                np.asarray(u) @ powers(d, len(u)) + u[-1] * d * powers(d, len(u))[-1]
            )
        ),
        "own-entry-left-out": Mistake(
            result=lambda d, u: np.append((np.asarray(u) @ powers(d, len(u)))[1:], 0.0)
        ),
        "powers-alone": Mistake(result=lambda d, u: np.asarray(u) * powers(d, len(u))[:, 0]),
        "inverted-filter": Mistake(
            result=lambda d, u: np.asarray(u) - d * np.append(np.asarray(u)[1:], 0.0)
        ),
        "averaging-filter": Mistake(
            result=lambda d, u: (1 - d) * (np.asarray(u) @ powers(d, len(u)))
        ),
        "next-only": Mistake(result=pulled_with(lambda J, d: np.tril(np.triu(J, -1)))),
        "last-carry": Mistake(result=lambda d, u: (u @ powers(d, len(u)))[0]),
        "inverted-filter-forward": Mistake(
            result=lambda d, u: np.asarray(u) - d * np.append(0.0, np.asarray(u)[:-1])
        ),
        "last-lost": Mistake(
            result=lambda d, u: np.append(np.asarray(u)[:-1], 0.0) @ powers(d, len(u))
        ),
        "powers-from-the-start": Mistake(
            result=lambda d, u: np.cumsum((np.asarray(u) * powers(d, len(u))[:, 0])[::-1])[::-1]
        ),
        "next-place-alone": Mistake(
            result=lambda d, u: np.asarray(u) @ powers(d, len(u)) - np.asarray(u)
        ),
    },
    mistakes=(
        Mistake(
            "next-place-alone",
            "its own entry is missing",
            "Your entry is d · (the result of the next place). Its own u_i is missing.",
        ),
        Mistake(
            "powers-from-the-start",
            "powers counted from the start",
            "In your sums each u_j has the factor dʲ, wherever the sum begins. Counted is how far "
            "j is from i: u_i itself has the factor 1.",
        ),
        Mistake(
            "last-lost",
            "the last entry is lost",
            "The last u is missing in your result. It belongs to the last entry, and through it "
            "to those before.",
        ),
        Mistake(
            "inverted-filter-forward",
            "the filter inverted",
            "You undid the filter: u_i − d u_(i−1). Its transpose is asked for, which adds, from "
            "the end: u_i + d · (the result of the next place).",
        ),
        Mistake(
            "averaging-filter",
            "a factor 1 − d",
            "Your result has a factor 1 − d, as an average would have. The filter here adds x_i "
            "in full.",
        ),
        Mistake(
            "inverted-filter",
            "the filter inverted",
            "You undid the filter: u_i − d u_(i+1). Its transpose is asked for, which adds: u_i "
            "+ d · (the result of the next place).",
        ),
        Mistake(
            "powers-alone",
            "powers of d alone",
            "You multiplied each u by a power of d. x_i takes part in y_i *and* all later "
            "outputs: it is a sum for each entry.",
        ),
        Mistake(
            "own-entry-left-out",
            "one place early",
            "Each of your entries is that of the next place: its own u_i is missing.",
        ),
        Mistake(
            "last-twice",
            "the last one counts twice",
            "Your sum begins with the last u, and adds it once more. Begin with 0.",
        ),
        Mistake(
            "factor-at-the-wrong-place",
            "the factor at the wrong place",
            "You multiplied each u by d, and added up. The factor belongs to what comes from "
            "later: u_i + d · (the result of the next place).",
        ),
        Mistake(
            "filter-forward",
            "the filter itself",
            "You ran the filter over u from the first entry to the last. That is its pushforward. x_i "
            "takes part in y_i and all *later* outputs: start from the end.",
            read=PAGE + "#scans-derivative",
        ),
        Mistake(
            "factor-ignored",
            "the factor is missing",
            "You added up the later cotangents without the factor d: that is the case d = 1. An output "
            "k places later holds dᵏ x_i.",
            read=PAGE + "#scans-derivative",
        ),
        Mistake(
            "faded-once-more",
            "a factor too many",
            "Each of your sums is multiplied by d once more. x_i itself goes into y_i undiminished: "
            "u_i + d · (what comes later).",
            read=PAGE + "#scans-derivative",
        ),
        Mistake(
            "next-only",
            "only the next output",
            "You took u_i and the next cotangent. x_i lives on in all later outputs, with d², d³, …: "
            "what you add should be the *result* of the next place.",
            read=PAGE + "#scans-derivative",
        ),
        Mistake(
            "last-carry",
            "the carry instead of the outputs",
            "You returned the last carry: one number. `scan` returns the pair (carry, outputs); the "
            "outputs are asked for.",
            "",
            read="book/11_loops.md#loops-four",
        ),
    ),
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {"d": 0.5, "u": test_array((64,))},
            largest=512,
            size="n = 64",
        ),
    ),
    read=PAGE,
)

DISPATCH = 0.25  # seconds after which a call returns, result or no result


class Misused(Exception):
    """Raised where an answer leaves the rules of the race; the message says how."""


class Machine:
    """A device with a clock of its own, on which functions take the times that they are told."""

    def __init__(self):
        self.now, self.reads = 0.0, 0

    def clock(self):
        self.reads += 1
        return self.now

    def compiled(self, values, first, times):
        """A function that compiles in its first call, and then takes `times`, one after the other."""
        calls = 0

        def function(x):
            nonlocal calls
            if isinstance(x, jax.core.Tracer):
                raise Misused("compiled twice")
            self.now += DISPATCH + (float(first) if calls == 0 else 0.0)
            pending = np.asarray(values).view(Pending)
            pending.machine, pending.ready = self, self.now + float(times[calls % len(times)])
            calls += 1
            return pending

        return function


class Pending(np.ndarray):
    """Numbers that a machine is still computing: to wait for them takes until they are there."""

    machine = None

    def block_until_ready(self):
        if self.machine is not None:
            self.machine.now = max(self.machine.now, self.ready)
        return self


def timed(answer):
    """Use the answer with a fresh machine, where every second is accounted for."""

    def call(f_value, g_value, compile_times, f_times, g_times):
        machine = Machine()
        f = machine.compiled(f_value, compile_times[0], f_times)
        g = machine.compiled(g_value, compile_times[1], g_times)
        result = answer(f, g, np.arange(3.0), machine.clock, len(f_times))
        if isinstance(result, tuple) and not machine.reads:
            raise Misused("another clock")
        return result

    return call


def keeps_repeats(answer, _):
    """Whether one repeat of each takes no more than two looks at the clock for each."""
    machine = Machine()
    f, g = (machine.compiled(np.ones(2), 1.0, (2.0,)) for _ in range(2))
    answer(f, g, np.arange(3.0), machine.clock, 1)
    return True if machine.reads <= 4 else {"reads": str(machine.reads)}


def figures(choose, gap=lambda a, b: np.max(np.abs(a - b))):
    """Gap and ratio, where `choose` makes one time of the list of times and the first call's."""

    def result(f_value, g_value, compile_times, f_times, g_times):
        f_time, g_time = choose(f_times, compile_times[0]), choose(g_times, compile_times[1])
        return gap(f_value, g_value), f_time / g_time

    return result


waited = lambda times: DISPATCH + np.asarray(times)
smallest = lambda times, first: np.min(waited(times))
upside_down = lambda *a: (figures(smallest)(*a)[0], 1 / figures(smallest)(*a)[1])

race = Question(
    name="race",
    returns=("gap", "ratio"),
    call="race(f, g, x, clock, repeats)",
    adapt=timed,
    points=(
        {
            "f_value": np.array([1.0, 3.0, 6.0]),
            "g_value": np.array([1.0, 3.5, 5.75]),
            "compile_times": (50.0, 20.0),
            "f_times": (5.0, 4.0, 7.0),
            "g_times": (9.0, 8.5, 8.0),
        },
        {
            "f_value": np.array([2.0, -1.0]),
            "g_value": np.array([2.125, 1.0]),
            "compile_times": (3.0, 900.0),
            "f_times": (300.0, 250.0, 260.0, 255.0),
            "g_times": (2.0, 3.0, 2.5, 6.0),
        },
    ),
    labels=("f takes 4 to 7 s, g 8 to 9 s", "f takes 250 s and more, g 2 s and more"),
    large_points=(1,),
    reference=figures(smallest),
    requirements=(Requirement("repeats-not-kept", keeps_repeats),),
    predictions={
        "not-waited": Mistake(result=figures(lambda times, first: DISPATCH)),
        "first-time-alone": Mistake(
            result=figures(lambda times, first: waited(times)[1 % len(times)])
        ),
        "difference-of-times": Mistake(
            result=lambda *a: (
                figures(smallest)(*a)[0],
                np.min(waited(a[3])) - np.min(waited(a[4])),
            )
        ),
        "compilation-timed": Mistake(result=figures(lambda times, first: first + waited(times)[0])),
        "first-call-counted": Mistake(
            result=figures(lambda times, first: min(first + waited(times)[0], *waited(times)[1:]))
        ),
        "mean-time": Mistake(result=figures(lambda times, first: np.mean(waited(times)))),
        "slowest": Mistake(result=figures(lambda times, first: np.max(waited(times)))),
        "upside-down": Mistake(result=upside_down),
        "signs-cancel": Mistake(result=figures(smallest, lambda a, b: np.max(a - b))),
        "smallest-ratio": Mistake(
            result=lambda *a: (
                figures(smallest)(*a)[0],
                np.min(np.roll(waited(a[3]) / waited(a[4]), -1)),
            )
        ),
        "median-time": Mistake(result=figures(lambda times, first: np.median(waited(times)))),
        "mean-gap": Mistake(
            result=lambda f_value, g_value, *_: np.mean(np.abs(f_value - g_value)), part="gap"
        ),
        "summed-gap": Mistake(
            result=lambda f_value, g_value, *_: np.sum(np.abs(f_value - g_value)), part="gap"
        ),
        "length-of-gap": Mistake(
            result=lambda f_value, g_value, *_: np.linalg.norm(f_value - g_value), part="gap"
        ),
    },
    mistakes=(
        Mistake(
            "length-of-gap",
            "the length of the difference",
            "Your gap is the length of the difference, the root of a sum of squares. Asked for is "
            "its largest entry.",
        ),
        Mistake(
            "summed-gap",
            "the summed gap",
            "Your gap is the sum over the entries. Asked for is the largest.",
        ),
        Mistake(
            "mean-gap",
            "the mean gap",
            "Your gap is the mean over the entries. Asked for is the largest.",
        ),
        Mistake(
            "median-time",
            "the median time",
            "You took the median of the times. Whatever disturbs a measurement makes it longer, "
            "never shorter, so the smallest time is the one to trust.",
        ),
        Mistake(
            "smallest-ratio",
            "the smallest of ratios",
            "You took the smallest of the ratios. Asked for is the smallest time of f divided by "
            "the smallest of g; they may come from different repeats.",
        ),
        Mistake(
            "clock-not-called",
            "the clock was not read",
            "`clock` is a function: `clock()` reads it.",
            example="",
            raised=(
                "TypeError: unsupported operand type(s) for -: 'method' and 'method'",
                "TypeError: unsupported operand type(s) for -: 'float' and 'method'",
                "TypeError: unsupported operand type(s) for -: 'method' and 'float'",
            ),
        ),
        Mistake(
            "repeats-not-kept",
            "another number of repeats",
            "The numbers are right, but with `repeats` = 1 your answer looks at the clock "
            "{reads} times. Take `repeats` times of each function, no more.",
            example="",
        ),
        Mistake(
            "difference-of-times",
            "a difference, not a ratio",
            "You subtracted the times. Asked for is the time of f divided by that of g.",
        ),
        Mistake(
            "first-time-alone",
            "the first time alone",
            "Your ratio is that of the first times alone. Either the loop is left in its first "
            "iteration, or the clock is read once before it, so that each time holds those "
            "before: read it again in each repeat.",
        ),
        Mistake(
            "another-clock",
            "another clock",
            "You never called `clock()`. Time with the clock that you are given, so that the check "
            "can bring a clock of its own. (`timeit` takes one, too: `timer=clock`.)",
            "",
            read=PAGE + "#scans-seconds",
            raised=("Misused: another clock",),
        ),
        Mistake(
            "compiled-again",
            "compiled again",
            "You gave f or g to another transform, such as `jit`. They are compiled already: call "
            "`f(x)` and `g(x)` as they are.",
            "",
            read=PAGE + "#scans-seconds",
            raised=("Misused: compiled twice",),
        ),
        Mistake(
            "not-waited",
            "the clock did not wait",
            "Your ratio is 1, whatever the functions do. JAX returns before the result is there: without "
            "`olympus.block_until_ready` before you read the clock again, you time how long it takes to "
            "ask. (Or is one of the two timed twice?)",
            read=PAGE + "#scans-seconds",
        ),
        Mistake(
            "compilation-timed",
            "the first call was timed",
            "You timed the first call of each function, which also compiles it. Call each once "
            "before you read the clock.",
            read=PAGE + "#scans-seconds",
        ),
        Mistake(
            "first-call-counted",
            "the first call counts",
            "One of the `repeats` is missing among your times. Either the first call of each function is "
            "counted, which also compiles it (call each once before you read the clock), or the loop is "
            "one short.",
            read=PAGE + "#scans-seconds",
        ),
        Mistake(
            "mean-time",
            "the mean time",
            "You took the mean of the times, or their sum. Whatever disturbs a measurement makes it "
            "longer, never shorter, so the smallest time is the one to trust.",
            read=PAGE + "#scans-seconds",
        ),
        Mistake(
            "slowest",
            "the largest time",
            "You took the largest of the times: the one that was disturbed most. Take the smallest.",
            read=PAGE + "#scans-seconds",
        ),
        Mistake(
            "upside-down",
            "upside down",
            "Your ratio is the time of g divided by that of f. This question asks for f over g: "
            "more than 1 where f takes longer.",
            read=PAGE + "#scans-seconds",
        ),
        Mistake(
            "signs-cancel",
            "a difference has a sign",
            "You took the largest of f(x) − g(x). Where g is larger, the difference is negative and "
            "counts for nothing: take its absolute value first.",
            read=PAGE + "#scans-seconds",
        ),
    ),
    read=PAGE,
)

def in_turn(a, b, s0):
    states = []
    for i in range(len(a)):
        s0 = a[i] * s0 + b[i]
        states.append(s0)
    return np.array(states)


def composed_backwards(a, b, s0):
    """The states if every step came before those on its left."""
    return np.array([in_turn(a[: i + 1][::-1], b[: i + 1][::-1], s0)[-1] for i in range(len(a))])


def offset_not_scaled(a, b, s0):
    return np.cumprod(a) * s0 + np.cumsum(b)


STEPS, ROUNDS = 128, 192


def in_a_tree(answer, arguments):
    """Whether the longest chain of equations is shorter than two for each step."""
    if len(arguments["a"]) != 7:
        return True  # one of the points is enough, since the size is our own
    sizes = test_array((STEPS,)), test_array((STEPS,), 1.0)
    depth = capture(answer, *sizes, 0.5, mode="primal").totals.depth
    return True if depth < ROUNDS else {"depth": str(depth)}


linear_recurrence = Question(
    name="linear_recurrence",
    returns="states",
    points=(
        {"a": test_array((4,)), "b": test_array((4,), 1.0), "s0": 0.75},
        {
            "a": np.array([0.5, 0.0, -2.0, 1.0, 0.0, 3.0, 0.25]),
            "b": test_array((7,), 2.0),
            "s0": -1.5,
        },
        {"a": test_array((5,), 3.0, 3.0), "b": test_array((5,), 4.0, 50.0), "s0": 100.0},
        {"a": test_array((1,), 5.0), "b": test_array((1,), 6.0), "s0": 2.0},
    ),
    labels=("4 steps", "7 steps, two factors are 0", "5 steps from 100", "1 step"),
    large_points=(2,),
    reference=in_turn,
    shape_of={"states": "a"},
    requirements=(Requirement("recurrence-in-a-row", in_a_tree),),
    predictions={
        "composed-backwards": Mistake(result=composed_backwards),
        "start-forgotten": Mistake(result=lambda a, b, s0: in_turn(a, b, 0.0)),
        "offset-not-scaled": Mistake(result=offset_not_scaled),
        "start-not-scaled": Mistake(result=lambda a, b, s0: s0 + in_turn(a, b, 0.0)),
        "pair-exchanged": Mistake(result=lambda a, b, s0: in_turn(a, b, 0.0) * s0 + np.cumprod(a)),
        "from-the-end": Mistake(
            result=lambda a, b, s0: np.array([
                in_turn(a[i:][::-1], b[i:][::-1], s0)[-1] for i in range(len(a))
            ])
        ),
        "start-in-front": Mistake(
            result=lambda a, b, s0: np.concatenate([[s0], in_turn(a, b, s0)])
        ),
        "last-factor-alone": Mistake(
            result=lambda a, b, s0: in_turn(a, b, 0.0) + np.asarray(a) * s0
        ),
        "factors-alone": Mistake(result=lambda a, b, s0: np.cumprod(a) * s0),
        "start-in-the-first-offset": Mistake(
            result=lambda a, b, s0: in_turn(a, np.append(b[0] + s0, b[1:]), 0.0)
        ),
        "scan-s-pair": Mistake(result=lambda a, b, s0: (np.cumprod(a), in_turn(a, b, 0.0))),
        "each-from-the-start": Mistake(result=lambda a, b, s0: np.asarray(a) * s0 + b),
        "start-in-every-step": Mistake(result=lambda a, b, s0: in_turn(a, b + a * s0, 0.0)),
        "states-before": Mistake(result=lambda a, b, s0: np.append(s0, in_turn(a, b, s0)[:-1])),
    },
    mistakes=(
        Mistake(
            "steps-not-in-the-scan",
            "the factors are not in the scan",
            "The scan goes over b alone, and your function takes all of a each time. A step is a "
            "pair, and a tree combines *steps*: scan over `(a, b)`.",
            example="",
            raised=(
                "TypeError: mul got incompatible shapes",
                "TypeError: add got incompatible shapes",
                "ValueError: Incompatible shapes for broadcasting",
            ),
            code=r"associative_scan\([^\n]*(,\s*b\)|,\s*b,)",
        ),
        Mistake(
            "pairs-in-one-array",
            "the pairs in one array",
            "You gave the scan one array, and it is cut along its first axis, which are not the "
            "steps. Give it the pair `(a, b)`: your function gets pairs then, and returns one.",
            example="",
            raised=("ValueError: Too many leaves for PyTreeDef",),
        ),
        Mistake(
            "each-from-the-start",
            "every step from s0",
            "Each of your states is one step from s0. Step i starts where the one before ended, "
            "at s_(i−1).",
        ),
        Mistake(
            "scan-s-pair",
            "the pair of the scan",
            "You returned the composed steps, pairs of factors and offsets. Apply each to s0: "
            "factor · s0 + offset.",
            example="",
        ),
        Mistake(
            "start-in-the-first-offset",
            "s0 without its factor",
            "You added s0 to the first offset as it is. The first step multiplies it: a₁ s0 + b₁.",
        ),
        Mistake(
            "last-factor-alone",
            "the factor of one step",
            "Your composed factor is that of the second step alone. One step after another has "
            "the factor a₂ a₁.",
        ),
        Mistake(
            "start-in-front",
            "s0 in front",
            "Your states begin with s0. Asked for are s₁ to sₙ, n numbers.",
        ),
        Mistake(
            "from-the-end",
            "from the other end",
            "Your tree composes the steps from the last to the first. State i holds the steps 1 "
            "to i.",
        ),
        Mistake(
            "pair-exchanged",
            "factor and offset exchanged",
            "In the end you multiplied s0 by the offsets and added the factors. A composed step "
            "(a, b) makes a · s0 + b of it.",
        ),
        Mistake(
            "start-not-scaled",
            "s0 without its factor",
            "You added s0 as it is. A composed step (a, b) makes a · s0 + b of it.",
        ),
        Mistake(
            "recurrence-in-a-row",
            "one after another",
            "The numbers are right, but one step waits for the other: for 128 steps your longest chain "
            "has {depth} operations. Compose the *steps* in a tree; then it is well below 192.",
            "Twice as many steps should make the chain longer by a round or two, not twice as long.",
            read=PAGE + "#scans-prefix",
        ),
        Mistake(
            "composed-backwards",
            "composed in the opposite order",
            "Your composition applies the second step first. First (a₁, b₁), then (a₂, b₂) is "
            "s ↦ a₂ (a₁ s + b₁) + b₂.",
            read=PAGE + "#scans-associative",
        ),
        Mistake(
            "start-forgotten",
            "the start is missing",
            "You returned the states of a recurrence that starts at 0. Apply each composed step to s0: "
            "factor · s0 + offset.",
            read=PAGE + "#scans-associative",
        ),
        Mistake(
            "offset-not-scaled",
            "an offset that is not multiplied",
            "You added the offsets of two steps. The second step multiplies all that comes in, the "
            "offset of the first, too: a₂ b₁ + b₂.",
            read=PAGE + "#scans-associative",
        ),
        Mistake(
            "factors-alone",
            "the offsets are missing",
            "Your states are products of the factors alone, as if every b were 0.",
            read=PAGE + "#scans-associative",
        ),
        Mistake(
            "start-in-every-step",
            "the start enters every step",
            "You added a · s0 to *every* offset. s0 enters once, in the first step; "
            "later steps get it through the state.",
        ),
        Mistake(
            "states-before",
            "the states before each step",
            "Your result begins with s0 and lacks the last state: these are the states "
            "*before* each step. Asked for are those after it.",
        ),
    ),
    read=PAGE,
)

def compose(f, g):
    """First f, then g, for functions s -> a s + b given as rows (a, b)."""
    return jnp.stack([g[:, 0] * f[:, 0], g[:, 0] * f[:, 1] + g[:, 1]], axis=1)


def one_by_one(op, xs):
    """From left to right, one element at a time."""
    xs = np.asarray(xs)  # a slice of a JAX array would be compiled anew for each place
    sums = [xs[:1]]
    for x in xs[1:]:
        sums.append(op(sums[-1], x[None]))
    return np.concatenate(sums)


def in_rounds(step):
    """What rounds of doubling distance give, where a round is `step(op, xs, d)`."""

    def result(op, xs):
        for k in range((len(xs) - 1).bit_length()):
            xs = step(op, xs, 2**k)
        return xs

    return result


def each_distance(op, xs):
    for d in range(1, len(xs)):
        xs = jnp.concatenate([xs[:d], op(xs[:-d], xs[d:])])
    return xs


def all_but_the_last_round(op, xs):
    d = 1
    while 2 * d < len(xs):
        xs = jnp.concatenate([xs[:d], op(xs[:-d], xs[d:])])
        d *= 2
    return xs


def first_of_right(op, xs):
    """Halves, where the last of the left is combined with the first of the right alone."""
    middle = len(xs) // 2
    if not middle:
        return xs
    left, right = first_of_right(op, xs[:middle]), first_of_right(op, xs[middle:])
    return jnp.concatenate([left, op(left[-1:], right[:1]), right[1:]])


swapped = in_rounds(lambda op, xs, d: jnp.concatenate([xs[:d], op(xs[d:], xs[:-d])]))
padded = in_rounds(lambda op, xs, d: op(jnp.zeros_like(xs).at[d:].set(xs[:-d]), xs))
padded_by_ones = in_rounds(lambda op, xs, d: op(jnp.ones_like(xs).at[d:].set(xs[:-d]), xs))
rolled = in_rounds(lambda op, xs, d: op(jnp.roll(xs, d, axis=0), xs))
N = 200  # two chains of about √N, one after the other, are already twice as deep as a tree


def shallow(answer, arguments):
    """Whether few calls of `op` wait for one another: an `op` that counts them tells."""
    if arguments["op"] is not jnp.add:
        return True  # the sum tells for all
    later = lambda a, b: jnp.maximum(a, b) + 1
    depth = int(np.max(answer(later, jnp.zeros(N))))
    return True if depth <= 20 else {"depth": str(depth)}


def any_length(answer, arguments):
    """Whether more numbers are right, too: not only as many as a few rounds reach."""
    if arguments["op"] is not jnp.add:
        return True
    return bool(np.all(answer(jnp.add, jnp.ones(N)) == np.arange(1, N + 1)))


tree_scan = Question(
    name="tree_scan",
    returns="scan",
    points=(
        {"op": jnp.add, "xs": test_array((8,))},
        {"op": jnp.matmul, "xs": test_array((5, 2, 2), phase=1.0)},
        {"op": compose, "xs": test_array((13, 2), phase=2.0) * np.array([1.0, 4096.0])},
        {"op": jnp.matmul, "xs": test_array((1, 2, 2), phase=3.0)},
    ),
    labels=(
        "eight numbers, +",
        "five matrices, @",
        "thirteen steps of a linear recurrence",
        "a single matrix",
    ),
    large_points=(2,),
    reference=one_by_one,
    shape_of={"scan": "xs"},
    requirements=(Requirement("in-a-row", shallow), Requirement("fixed-rounds", any_length)),
    predictions={
        "order-swapped": Mistake(result=swapped),
        "zeros-for-neutral": Mistake(result=padded),
        "wrapped-around": Mistake(result=rolled),
        "sum-for-op": Mistake(result=lambda op, xs: jnp.cumsum(xs, axis=0)),
        "from-the-right": Mistake(
            result=lambda op, xs: one_by_one(lambda a, b: op(b, a), xs[::-1])[::-1]
        ),
        "last-round-missing": Mistake(result=all_but_the_last_round),
        "first-of-right-alone": Mistake(result=first_of_right),
        "one-round": Mistake(result=lambda op, xs: jnp.concatenate([xs[:1], op(xs[:-1], xs[1:])])),
        "distance-not-doubled": Mistake(result=each_distance),
        "ones-for-neutral": Mistake(result=padded_by_ones),
    },
    mistakes=(
        Mistake(
            "ones-for-neutral",
            "ones in place of nothing",
            "You filled up with ones. `op` has no neutral element that you could know of: the "
            "first entries have nobody to be combined with, leave them as they are.",
        ),
        Mistake(
            "odd-length",
            "an odd number of elements",
            "For an odd number of elements one of your two halves is longer by one, and `op` "
            "cannot combine them. n is not always even: leave the last one out of the pairs.",
            example="",
            raised=(
                "ValueError: Incompatible types for matmul arguments",
                "TypeError: add got incompatible shapes",
                "TypeError: mul got incompatible shapes",
                "TypeError: dot_general requires",
                "ValueError: Incompatible shapes for broadcasting",
            ),
            code=r"xs\[0?::2\]",
        ),
        Mistake(
            "single-elements",
            "op takes arrays of elements",
            "You gave `op` single elements. It combines two *arrays* of elements, and those have "
            "the first axis of xs: `xs[i : i + 1]` in place of `xs[i]`.",
            example="",
            raised=("IndexError: Too many indices: array is 1-dimensional, but 2 were indexed",),
            code=r"for \w+ in xs|\w\[(-?\d+|\w)\]|\bscan\(",
        ),
        Mistake(
            "first-of-right-alone",
            "the first of the right half alone",
            "You combined the last of the left half with the *first* of the right half alone. "
            "All entries of the right half need it.",
        ),
        Mistake(
            "last-round-missing",
            "the last round is missing",
            "Your last round is missing: go on as long as the distance is smaller than n.",
        ),
        Mistake(
            "in-a-row",
            "one after another",
            "The numbers are right, but one step waits for the other: for 200 numbers your longest "
            "chain has {depth} calls of `op`, each of which needs the one before. A tree needs about "
            "2 · log₂ 200 = 15.",
            "Twice as many numbers should make the chain longer by a step or two, not twice as long.",
            read=PAGE + "#scans-prefix",
        ),
        Mistake(
            "fixed-rounds",
            "not for every length",
            "Right for the short lists that were tried, wrong for 200 ones. The number of rounds has to "
            "grow with the length, like log₂ n; no number written in your code is enough for all.",
            "The last of 200 cumulative sums of ones should be 200.",
            read=PAGE,
        ),
        Mistake(
            "order-swapped",
            "the order is swapped",
            "You combined later elements with earlier ones, op(b, a) in place of op(a, b). For + it "
            "makes no difference; for matrices it does. Associative is not commutative.",
            read=PAGE + "#scans-prefix",
        ),
        Mistake(
            "zeros-for-neutral",
            "zeros in place of nothing",
            "You filled up with zeros. For + a zero changes nothing, but a matrix times zero is "
            "zero. The first entries have nobody to be combined with: leave them as they are.",
            read=PAGE + "#scans-prefix",
        ),
        Mistake(
            "wrapped-around",
            "wrapped around",
            "`roll` brings the last elements round to the front, and they were combined with the "
            "first. The first `d` entries have nobody before them: leave them as they are.",
            read=PAGE + "#scans-prefix",
        ),
        Mistake(
            "sum-for-op",
            "a sum, whatever op is",
            "You computed the cumulative sum, and did not use `op` at all.",
            read=PAGE + "#scans-prefix",
        ),
        Mistake(
            "from-the-right",
            "from the right",
            "Your scan runs from the last element to the first. Entry i should combine everything "
            "from the first element up to i.",
            read=PAGE + "#scans-prefix",
        ),
        Mistake(
            "one-round",
            "one round only",
            "Each of your entries combines two neighbours. That is the first round; the next "
            "combines entries that are 2 apart, then 4, until everything before is in.",
            read=PAGE + "#scans-prefix",
        ),
        Mistake(
            "distance-not-doubled",
            "the distance grows by one",
            "Your distance grows by one in each round: 1, 2, 3, …. After the round with distance 1 "
            "each entry covers two elements, so the next has to reach 2 back, the one after that 4.",
            read=PAGE + "#scans-prefix",
        ),
    ),
    read=PAGE,
)

H = 0.25


def swing(state):
    """A pendulum for a short time: first the position moves, then the speed."""
    q, p = state
    q = q + H * p
    return jnp.stack([q, p - H * jnp.sin(q)])


def swing_back(state):
    q, p = state
    p = p + H * jnp.sin(q)
    return jnp.stack([q - H * p, p])


def coupled(state):
    """A reversible layer: each half moves by a function of the other."""
    a, b = state
    a = 1.5 * a + jnp.tanh(b)
    return jnp.stack([a, b + jnp.cos(a)])


def uncoupled(state):
    a, b = state
    b = b - jnp.cos(a)
    return jnp.stack([(a - jnp.tanh(b)) / 1.5, b])


def stretched(state):
    return jnp.sinh(state)


def unstretched(state):
    return jnp.arcsinh(state)


def all_states(inverse, y, n):
    """The states from the first to the last but one."""
    states = []
    for _ in range(n):
        y = inverse(y)
        states.append(y)
    return states[::-1]


def dense(step, state):
    size = np.size(state)
    return np.reshape(jax.jacfwd(step)(state), (size, size))


def through(matrices):
    """The cotangent multiplied by matrices from the last to the first, beside the first state."""

    def result(step, inverse, y, n, u):
        row = np.ravel(u)
        for matrix in matrices(step, inverse, y, n):
            row = row @ matrix
        first = all_states(inverse, y, n)[0]
        return first, np.reshape(row, np.shape(u))

    return result


def jacobians(step, inverse, y, n):
    return [dense(step, state) for state in reversed(all_states(inverse, y, n))]


def of_outputs(step, inverse, y, n):
    return [dense(step, state) for state in reversed([*all_states(inverse, y, n)[1:], y])]


def of_the_first(step, inverse, y, n):
    return [dense(step, all_states(inverse, y, n)[0])] * n


def of_the_last(step, inverse, y, n):
    return [dense(step, inverse(y))] * n


right = through(jacobians)

reversible_pullback = Question(
    name="reversible_pullback",
    returns=("x", "x_bar"),
    points=(
        {"step": swing, "inverse": swing_back, "y": test_array((2,)), "n": 4},
        {"step": coupled, "inverse": uncoupled, "y": test_array((2, 3), 1.0), "n": 2},
        {"step": stretched, "inverse": unstretched, "y": test_array((3,), 2.0, 300.0), "n": 3},
    ),
    labels=("a pendulum, 4 steps", "a layer with an inverse, 2 steps", "sinh, 3 steps"),
    tangents=(
        lambda p: {"u": test_array(p["y"].shape, 0.5)},
        lambda p: {"u": test_array(p["y"].shape, 1.5, 3.0)},
    ),
    large_points=(2,),
    reference=right,
    shape_of={"x": "y", "x_bar": "y"},
    predictions={
        "first-step-first": Mistake(result=through(lambda *a: jacobians(*a)[::-1])),
        "at-the-wrong-state": Mistake(result=through(of_outputs)),
        "inverse-for-transpose": Mistake(
            result=through(lambda *a: [np.linalg.inv(J).T for J in jacobians(*a)])
        ),
        "pulled-through-inverse": Mistake(
            result=through(lambda *a: [np.linalg.inv(J) for J in jacobians(*a)])
        ),
        "pushed-forward": Mistake(result=through(lambda *a: [J.T for J in jacobians(*a)])),
        "one-step-more": Mistake(
            result=lambda step, inverse, y, n, u: right(step, inverse, y, n + 1, u)
        ),
        "one-step": Mistake(result=lambda step, inverse, y, n, u: right(step, inverse, y, 1, u)),
        "cotangent-undone": Mistake(
            result=lambda step, inverse, y, n, u: all_states(inverse, u, n)[0], part="x_bar"
        ),
        "last-state-returned": Mistake(result=lambda step, inverse, y, n, u: y, part="x"),
        "pulled-once": Mistake(
            result=lambda step, inverse, y, n, u: through(lambda *a: jacobians(*a)[-1:])(
                step, inverse, y, n, u
            )
        ),
        "one-step-short": Mistake(
            result=lambda step, inverse, y, n, u: right(step, inverse, y, n - 1, u)
        ),
        "one-state-for-all": Mistake(result=through(of_the_first)),
        "last-step-for-all": Mistake(result=through(of_the_last)),
        "step-by-entries": Mistake(
            result=through(lambda *a: [np.diag(J.sum(0)) for J in jacobians(*a)])
        ),
    },
    mistakes=(
        Mistake(
            "first-step-first",
            "the steps were gone through from the first on",
            "You pulled u back through the first step first. A cotangent enters at the end: the last step "
            "comes first, and then the one before it.",
        ),
        Mistake(
            "cotangent-in-a-tuple",
            "the tuple of the pullback",
            "A pullback returns a tuple, with one cotangent for each input: `(u,) = pullback(u)`. "
            "In the next iteration it is not a cotangent any more.",
            example="",
            raised=("ValueError: unexpected tree structure",),
            code=r"u = ",
        ),
        Mistake(
            "last-step-for-all",
            "one state for all steps",
            "You pulled u back n times at the state before y. Each step has a state of its own.",
        ),
        Mistake(
            "pulled-once",
            "pulled back once",
            "Your cotangent was pulled through a single step. Each step that you undo is one to "
            "pull it through.",
        ),
        Mistake(
            "last-state-returned",
            "the last state",
            "Your x is y, the last state. Asked for is the first.",
        ),
        Mistake(
            "cotangent-undone",
            "the inverse of the cotangent",
            "You applied `inverse` to the cotangent. It is no state: pull it back with `vjp` of "
            "`step`.",
        ),
        Mistake(
            "one-step",
            "one step alone",
            "You went back a single step, whatever n is: the loop ends in its first iteration.",
        ),
        Mistake(
            "one-step-more",
            "one step too many",
            "You went back one step more than the loop went forward.",
        ),
        Mistake(
            "at-the-wrong-state",
            "differentiated at the state after",
            "You pulled u back through the step at the state that came *out* of it. A step is "
            "differentiated where it was taken: first `inverse`, then `vjp`.",
            read=PAGE + "#scans-by-hand",
        ),
        Mistake(
            "inverse-for-transpose",
            "pushed through the inverse",
            "You pushed u through `inverse`, as a tangent. A cotangent goes back through the "
            "*transpose* of the step's Jacobian; the inverse undoes it.",
            read="book/04_reverse.md#reverse-shape",
        ),
        Mistake(
            "pulled-through-inverse",
            "pulled back through the inverse",
            "You pulled u back through `inverse`. That belongs to the loop that runs the other way. "
            "`inverse` gives the states; the cotangent goes through `step`.",
            read=PAGE + "#scans-by-hand",
        ),
        Mistake(
            "pushed-forward",
            "pushed forward",
            "You pushed u forward through each step with `jvp`. u is a cotangent: pull it back with "
            "`vjp`.",
            read="book/04_reverse.md#reverse-shape",
        ),
        Mistake(
            "one-step-short",
            "one step short",
            "You went back one step less than the loop went forward.",
            read=PAGE + "#scans-by-hand",
        ),
        Mistake(
            "one-state-for-all",
            "one state for all steps",
            "You pulled u back n times at the first state. Each step has a state of its own.",
            read=PAGE + "#scans-by-hand",
        ),
        Mistake(
            "step-by-entries",
            "the sum of the step differentiated",
            "You multiplied u with the gradient of the step's *sum*: that counts for a "
            "step that acts on each entry alone. Pull u back through the step itself.",
        ),
    ),
    rtol=1e-9,
    rtol32=1e-3,
    read=PAGE,
)

def one_after_another(step, x, n):
    for _ in range(n):
        x = step(x)
    return x


def value_and_pull(answer):
    """Use the answer as reverse mode does: the last value, and the gradient of its sum."""

    def call(step, x, n):
        value = answer(step, x, n)
        if value is None or callable(value):
            return value
        return value, jax.grad(lambda x: jnp.sum(answer(step, x, n)))(x)

    return call


def without_odd(step, x, n):
    """Both halves rounded down, again and again: the largest power of two that is not above n."""
    return one_after_another(step, x, 2 ** (n.bit_length() - 1))


def one_half(step, x, n):
    return step(x)


LENGTH, ENTRIES = 64, 1000


def thrifty(answer, arguments):
    """Whether the gradient of 64 steps has far fewer than 64 states in memory."""
    if arguments["n"] != 6:
        return True  # one of the points is enough, since the size is our own
    whole = lambda x: answer(jnp.sin, x, LENGTH).sum()
    x = jax.ShapeDtypeStruct((ENTRIES,), jnp.float32)
    states = count(jax.jit(jax.grad(whole)).trace(x).jaxpr).peak / (4 * ENTRIES)
    return True if states < 15 else {"states": f"{states:.0f}"}


halved_loop = Question(
    name="halved_loop",
    returns=("last", "gradient"),
    call="halved_loop(step, x, n), and the gradient of its sum",
    adapt=value_and_pull,
    points=(
        {"step": jnp.sin, "x": test_array((3,)), "n": 6},
        {"step": lambda x: x / 2 + jnp.cos(x), "x": 0.75, "n": 5},
        {"step": jnp.cos, "x": test_array((2, 2), scale=300.0), "n": 7},
        {"step": jnp.exp, "x": 0.5, "n": 1},
    ),
    labels=("sin, 6 steps", "x/2 + cos x, 5 steps", "cos, 7 steps, x up to 300", "exp, 1 step"),
    large_points=(2,),
    reference=lambda step, x, n: (
        one_after_another(step, x, n),
        jax.grad(lambda x: jnp.sum(one_after_another(step, x, n)))(x),
    ),
    requirements=(Requirement("too-much-memory", thrifty),),
    predictions={
        "one-half-alone": Mistake(result=lambda step, x, n: value_and_pull(one_half)(step, x, n)),
        "no-step": Mistake(
            result=lambda step, x, n: value_and_pull(lambda step, x, n: x + 0.0)(step, x, n)
        ),
        "gradient-held": Mistake(
            result=lambda step, x, n: (one_after_another(step, x, n), jnp.zeros_like(x))
        ),
        "odd-lost": Mistake(result=lambda step, x, n: value_and_pull(without_odd)(step, x, n)),
    },
    mistakes=(
        Mistake(
            "gradient-held",
            "no gradient comes through",
            "Your last x is right, and the gradient is 0: what comes out of the first half is a "
            "constant for JAX. `checkpoint` is meant, not `stop_gradient`.",
        ),
        Mistake(
            "no-step",
            "no step at all",
            "Your loop makes no step: it returns x. Where n is 1 there is one step to take.",
        ),
        Mistake(
            "too-much-memory",
            "too much is in memory",
            "The numbers are right, but the gradient has too much in memory. Every half has to be "
            "halved again, and the first of the two is checkpointed.",
            "For 64 steps, yours has {states} values at its worst moment; halving takes about 10.",
            read=PAGE + "#scans-by-hand",
        ),
        Mistake(
            "odd-lost",
            "odd numbers lose a step",
            "For odd n you made fewer steps: n // 2 is rounded down, so the second half has n − n // 2 "
            "steps.",
            read=PAGE + "#scans-by-hand",
        ),
        Mistake(
            "one-half-alone",
            "the second half is missing",
            "Only one of the steps is in your result: the second half is not run, or it starts from x "
            "and not from what the first half returns, and so on in each half.",
            read=PAGE + "#scans-by-hand",
        ),
    ),
    read=PAGE,
)
