"""The specifications of 12_scans.md, released from solutions/12_scans.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, Requirement, test_array

PAGE = "exercises/12_scans.md"
DISPATCH = 0.25  # seconds after which a call returns, result or no result


class Misused(Exception):
    """Raised where an answer leaves the rules of the race; the message says how."""


class Machine:
    """A device with a clock of its own, on which functions take the times that they are told."""

    def __init__(self):
        self.now, self.read = 0.0, False

    def clock(self):
        self.read = True
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
        if isinstance(result, tuple) and not machine.read:
            raise Misused("another clock")
        return result

    return call


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
    predictions={
        "not-waited": Mistake(result=figures(lambda times, first: DISPATCH)),
        "compilation-timed": Mistake(result=figures(lambda times, first: first + waited(times)[0])),
        "mean-time": Mistake(result=figures(lambda times, first: np.mean(waited(times)))),
        "slowest": Mistake(result=figures(lambda times, first: np.max(waited(times)))),
        "upside-down": Mistake(result=upside_down),
        "signs-cancel": Mistake(result=figures(smallest, lambda a, b: np.max(a - b))),
    },
    mistakes=(
        Mistake(
            "another-clock",
            "another clock",
            "You never called `clock()`. Time with the clock that you are given, so that the check "
            "can bring a clock of its own. (`timeit` takes one, too: `timer=clock`.)",
            "",
            read=PAGE,
            raised=("Misused: another clock",),
        ),
        Mistake(
            "compiled-again",
            "compiled again",
            "You gave f or g to another transform, such as `jit`. They are compiled already: call "
            "`f(x)` and `g(x)` as they are.",
            "",
            read=PAGE,
            raised=("Misused: compiled twice",),
        ),
        Mistake(
            "not-waited",
            "the clock did not wait",
            "Your ratio is 1, whatever the functions do. JAX returns before the result is there, so "
            "you timed how long it takes to ask. Wait with `olympus.block_until_ready` before you "
            "read the clock again.",
            read=PAGE,
        ),
        Mistake(
            "compilation-timed",
            "the first call was timed",
            "You timed the first call of each function, which also compiles it. Call each once "
            "before you read the clock.",
            read=PAGE,
        ),
        Mistake(
            "mean-time",
            "the mean time",
            "You took the mean of the times. Whatever disturbs a measurement makes it longer, never "
            "shorter, so the smallest time is the one to trust.",
            read=PAGE,
        ),
        Mistake(
            "slowest",
            "the largest time",
            "You took the largest of the times: the one that was disturbed most. Take the smallest.",
            read=PAGE,
        ),
        Mistake(
            "upside-down",
            "upside down",
            "Your ratio is the time of g divided by that of f. This question asks for f over g: "
            "more than 1 where f takes longer.",
            read=PAGE,
        ),
        Mistake(
            "signs-cancel",
            "a difference has a sign",
            "You took the largest of f(x) − g(x). Where g is larger, the difference is negative and "
            "counts for nothing: take its absolute value first.",
            read=PAGE,
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


swapped = in_rounds(lambda op, xs, d: jnp.concatenate([xs[:d], op(xs[d:], xs[:-d])]))
padded = in_rounds(lambda op, xs, d: op(jnp.zeros_like(xs).at[d:].set(xs[:-d]), xs))
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
        "one-round": Mistake(result=lambda op, xs: jnp.concatenate([xs[:1], op(xs[:-1], xs[1:])])),
        "distance-not-doubled": Mistake(result=each_distance),
    },
    mistakes=(
        Mistake(
            "in-a-row",
            "one after another",
            "The numbers are right, but one step waits for the other: for 200 numbers your longest "
            "chain has {depth} calls of `op`, each of which needs the one before. A tree needs about "
            "2 · log₂ 200 = 15.",
            "Twice as many numbers should make the chain longer by a step or two, not twice as long.",
            read=PAGE,
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
            read=PAGE,
        ),
        Mistake(
            "zeros-for-neutral",
            "zeros in place of nothing",
            "You filled up with zeros. For + a zero changes nothing, but a matrix times zero is "
            "zero. The first entries have nobody to be combined with: leave them as they are.",
            read=PAGE,
        ),
        Mistake(
            "wrapped-around",
            "wrapped around",
            "`roll` brings the last elements round to the front, and they were combined with the "
            "first. The first `d` entries have nobody before them: leave them as they are.",
            read=PAGE,
        ),
        Mistake(
            "sum-for-op",
            "a sum, whatever op is",
            "You computed the cumulative sum, and did not use `op` at all.",
            read=PAGE,
        ),
        Mistake(
            "from-the-right",
            "from the right",
            "Your scan runs from the last element to the first. Entry i should combine everything "
            "from the first element up to i.",
            read=PAGE,
        ),
        Mistake(
            "one-round",
            "one round only",
            "Each of your entries combines two neighbours. That is the first round; the next "
            "combines entries that are 2 apart, then 4, until everything before is in.",
            read=PAGE,
        ),
        Mistake(
            "distance-not-doubled",
            "the distance grows by one",
            "Your distance grows by one in each round: 1, 2, 3, …. After the round with distance 1 "
            "each entry covers two elements, so the next has to reach 2 back, the one after that 4.",
            read=PAGE,
        ),
    ),
    read=PAGE,
)
