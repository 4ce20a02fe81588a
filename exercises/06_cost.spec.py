"""The specifications of 06_cost.md, released from solutions/06_cost.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import CostLimit, Mistake, Question, Requirement, test_array
from olympus_kit.program import count

TIME, RATIO, ORDER = (
    "book/06_cost.md#cost-time",
    "book/06_cost.md#cost-ratio",
    "book/06_cost.md#cost-order",
)
CROSSOVER, CHECKPOINT = "book/06_cost.md#cost-crossover", "book/06_cost.md#cost-checkpoint"
ASK = 0.0078125  # seconds that it takes to ask for a computation


class Machine:
    """A machine that computes behind your back, on a clock of its own."""

    def __init__(self, compiling, work):
        self.now, self.free, self.calls = 0.0, 0.0, 0
        self.compiling, self.work = float(compiling), [float(w) for w in work]

    def run(self):
        duration = self.work[self.calls % len(self.work)]
        if self.free > self.now:  # computations at the same time get in each other's way
            duration *= 1.3125
        if self.calls == 0:
            self.now += self.compiling
        self.calls += 1
        self.free = max(self.free, self.now) + duration
        self.now += ASK
        return self.free

    def wait(self, ticket):
        self.now = max(self.now, ticket)
        return ticket

    def clock(self):
        return self.now


def on_a_machine(answer):
    """The answer as a function of what the machine is like."""

    def called(compiling, work, repeats):
        machine = Machine(compiling, work)
        return answer(machine.run, machine.wait, machine.clock, repeats)

    return called


def all_at_once(run, wait, clock, repeats):
    """All the calls, and then a look at the clock whenever one of them is done."""
    wait(run())
    readings, tickets = [clock()], [run() for _ in range(repeats)]
    for ticket in tickets:
        wait(ticket)
        readings.append(clock())
    return np.min(np.diff(readings))


def timed(compiling, work, repeats):
    """The seconds of the calls after the first one: the machine knows them."""
    return [float(work[k % len(work)]) for k in range(1, repeats + 1)]


# the first call is the quickest but for its compiling, and comes round again as the last
WORK = np.array([0.5, 0.75, 1.5, 0.625, 4.0])

best_time = Question(
    name="best_time",
    returns="seconds",
    call="best_time(run, wait, clock, repeats)",
    adapt=on_a_machine,
    points=(
        {"compiling": 16.0, "work": WORK, "repeats": 5},
        {"compiling": 2.0, "work": WORK[::-1] / 2, "repeats": 4},
        {"compiling": 1024.0, "work": 64 * WORK, "repeats": 5},
        {"compiling": 4.0, "work": np.array([2.0, 0.25, 0.75, 1.5]), "repeats": 3},
        {"compiling": 4.0, "work": np.array([0.5, 2.0, 1.5, 1.0]), "repeats": 1},
    ),
    labels=(
        "calls of about a second",
        "calls of half a second",
        "calls of a minute",
        "the second call is the quickest",
        "one repeat",
    ),
    large_points=(2,),
    reference=lambda compiling, work, repeats: min(timed(compiling, work, repeats)),
    predictions={
        "not-waited": Mistake(result=lambda compiling, work, repeats: ASK),
        "only-first-call": Mistake(result=lambda compiling, work, repeats: compiling + work[0]),
        "mean-of-times": Mistake(result=lambda c, work, r: np.mean(timed(c, work, r))),
        "median-of-times": Mistake(result=lambda c, work, r: np.median(timed(c, work, r))),
        "total-time": Mistake(result=lambda c, work, r: np.sum(timed(c, work, r))),
        "largest-time": Mistake(result=lambda c, work, r: np.max(timed(c, work, r))),
        "first-call-counted": Mistake(
            result=lambda c, work, r: min([c + work[0], *timed(c, work, r - 1)])
        ),
        "several-at-once": Mistake(result=on_a_machine(all_at_once)),
        "first-measured-alone": Mistake(result=lambda c, work, r: timed(c, work, r)[0]),
        "last-time": Mistake(result=lambda c, work, r: timed(c, work, r)[-1]),
        "upper-median": Mistake(result=lambda c, work, r: sorted(timed(c, work, r))[r // 2]),
        "start-minus-end": Mistake(result=lambda c, work, r: -np.max(timed(c, work, r))),
    },
    mistakes=(
        Mistake(
            "median-of-times",
            "the median",
            "That is the median of the times. A computer is only ever disturbed into being slower, "
            "so this question asks for the smallest one.",
            read=TIME,
        ),
        Mistake(
            "not-waited",
            "the result is not waited for",
            "You read the clock before the result was there. `run()` returns at once: what you "
            "measured is how long it takes to ask for the computation.",
            read=TIME,
        ),
        Mistake(
            "only-first-call",
            "only the first call is measured",
            "You measured the first call, which compiles. Call `run` once before you measure.",
            read=TIME,
        ),
        Mistake(
            "first-call-counted",
            "the first call is among the measured ones",
            "Your time comes out when one of the `repeats` calls to be measured is the first one, "
            "which compiles, or is not made at all. Call `run` once before the loop and wait for "
            "it; then measure `repeats` calls.",
            read=TIME,
        ),
        Mistake(
            "mean-of-times",
            "the mean in place of the minimum",
            "You returned the mean. Other programs only ever make a call slower, so the mean tells "
            "about them; the smallest time is nearest to the cost of the call itself.",
            read=TIME,
        ),
        Mistake(
            "total-time",
            "the time of all calls together",
            "You returned the time of all the calls together. Measure each call by itself, and "
            "return the smallest time.",
            read=TIME,
        ),
        Mistake(
            "largest-time",
            "the largest time",
            "You returned the largest time: that is the call that was disturbed the most.",
            read=TIME,
        ),
        Mistake(
            "several-at-once",
            "several calls at the same time",
            "You asked for the next computations before the first one was done: they get in each "
            "other's way. Measure one call at a time: wait for it before you ask for the next.",
        ),
        Mistake(
            "first-measured-alone",
            "the first measured call",
            "Your result is the time of the first call that you measured, though a later one took less. "
            "Take the time of *every* call by itself: read the clock, call, wait, read it again, "
            "`repeats` times.",
        ),
        Mistake(
            "last-time",
            "the last call",
            "You returned the time of the last call. Keep all the times, and return the smallest.",
        ),
        Mistake(
            "upper-median",
            "the median",
            "That is the median of the times. A computer is only ever disturbed into being "
            "slower, so this question asks for the smallest one.",
        ),
        Mistake(
            "start-minus-end",
            "start minus end",
            "Your times are negative: the reading before the call was taken, minus the one after "
            "it. Time runs forward: `clock() - start`.",
        ),
        Mistake(
            "ticket-not-bought",
            "wait takes a ticket",
            "`wait` got the function `run` itself. It takes the *ticket* that `run()` returns: "
            "`wait(run())`.",
            "",
            raised=("TypeError: not supported between instances of 'method'",),
        ),
    ),
    read=TIME,
)

def counted(n, m, d, k):
    """What XLA counts in the program that jax hands over to it."""
    shapes = [jax.ShapeDtypeStruct(s, jnp.float32) for s in ((k, d), (d, m), (m, n))]
    flops = lambda f: jax.jit(f).lower(*shapes).cost_analysis()["flops"]
    return flops(lambda h, b, a: (h @ b) @ a), flops(lambda h, b, a: h @ (b @ a))


half = lambda n, m, d, k: tuple(f / 2 for f in counted(n, m, d, k))
sizes = lambda n, m, d, k: {"n": n, "m": m, "d": d, "k": k}

chain_flops = Question(
    name="chain_flops",
    returns=("output_side", "input_side"),
    points=(
        sizes(5, 7, 3, 2),
        sizes(1, 4, 9, 6),
        sizes(2000, 300, 200, 1),
        sizes(3001, 2003, 997, 7),
    ),
    labels=(
        "n, m, d, k = 5, 7, 3, 2",
        "n, m, d, k = 1, 4, 9, 6",
        "n, m, d, k = 2000, 300, 200, 1",
        "n, m, d, k = 3001, 2003, 997, 7",
    ),
    large_points=(2, 3),
    reference=counted,
    predictions={
        "multiply-adds": Mistake(result=half),
        "last-product-forgotten": Mistake(
            result=lambda n, m, d, k: counted(n, m, d, k)[1] - 2.0 * k * d * n, part="input_side"
        ),
        "products-multiplied": Mistake(
            result=lambda n, m, d, k: 2.0 * k * d * m * k * m * n, part="output_side"
        ),
        "wrong-last-size": Mistake(
            result=lambda n, m, d, k: counted(n, m, d, k)[1] + 2.0 * k * n * (m - d),
            part="input_side",
        ),
        "additions-less-one": Mistake(
            result=lambda n, m, d, k: k * ((2.0 * d - 1) * m + (2.0 * m - 1) * n),
            part="output_side",
        ),
        "entries-counted": Mistake(
            result=lambda n, m, d, k: float(k * (m + n)), part="output_side"
        ),
        "one-output": Mistake(result=lambda n, m, d, k: counted(n, m, d, 1)),
        "rows-of-the-middle": Mistake(
            result=lambda n, m, d, k: 2.0 * (k * d * m + d * m * n), part="output_side"
        ),
        "outputs-from-the-start": Mistake(
            result=lambda n, m, d, k: 2.0 * (k * d * m * n + k * d * n), part="input_side"
        ),
        "two-for-one-product": Mistake(
            result=lambda n, m, d, k: (2.0 * k * d * m + k * m * n, 2.0 * d * m * n + k * d * n)
        ),
        "counted-twice": Mistake(
            result=lambda n, m, d, k: (4.0 * k * m * (d + n), 4.0 * d * n * (m + k))
        ),
        "flops-multiplied": Mistake(
            result=lambda n, m, d, k: 4.0 * k * d * m * k * m * n, part="output_side"
        ),
    },
    mistakes=(
        Mistake(
            "multiply-adds",
            "multiply-adds for operations",
            "You counted a multiplication with its addition as one. Here they are two operations, "
            "as XLA counts them.",
            read=ORDER,
        ),
        Mistake(
            "last-product-forgotten",
            "the second product is missing",
            "From the input side you counted the product of J_2 and J_1, and not J_h times its "
            "result.",
            read=ORDER,
        ),
        Mistake(
            "products-multiplied",
            "costs multiplied",
            "You multiplied the costs of the two products. One is computed after the other, so "
            "their costs add up.",
            read=ORDER,
        ),
        Mistake(
            "wrong-last-size",
            "a wrong size in the last product",
            "From the input side the last product is J_h, k × d, times a matrix of d × n: k d n "
            "multiply-adds, not k m n.",
            read=ORDER,
        ),
        Mistake(
            "additions-less-one",
            "one addition less",
            "You counted one addition less than multiplications for each entry. By hand that is "
            "right; XLA counts as many of one as of the other, and so do we.",
            read=ORDER,
        ),
        Mistake(
            "one-output",
            "one output",
            "You counted as if the chain had a single output. J_h has k rows, and each of them takes part "
            "in the products.",
            read=ORDER,
        ),
        Mistake(
            "entries-counted",
            "entries counted, not operations",
            "You counted the entries of the results. Each entry of a matrix product takes as many "
            "multiply-adds as the inner size.",
            read=ORDER,
        ),
        Mistake(
            "rows-of-the-middle",
            "the rows of the second product",
            "From the output side, your second product has d rows. J_h J_2 has k rows, so it is "
            "a k × m matrix times an m × n one.",
        ),
        Mistake(
            "outputs-from-the-start",
            "k is not there yet",
            "From the input side, your first product has a factor k. J_2 J_1 is a d × m matrix "
            "times an m × n one: it knows nothing of the k outputs.",
        ),
        Mistake(
            "two-for-one-product",
            "a factor 2 for the first product alone",
            "You counted two operations in the first product, and one in the second. `2 * a + b` "
            "doubles a alone.",
        ),
        Mistake(
            "counted-twice",
            "twice as many",
            "Your counts are twice the right ones. A multiplication with its addition are two "
            "operations, not four.",
        ),
        Mistake(
            "flops-multiplied",
            "costs multiplied",
            "You multiplied the costs of the two products. One is computed after the "
            "other, so their costs add up.",
        ),
    ),
    read=ORDER,
)

MIXING = {
    shape: test_array(shape)
    for shape in ((9, 2), (2, 9), (8, 64), (64, 8), (96, 24), (2, 6), (1, 5), (16, 24), (24, 16))
}


def mixes(rows, columns):
    """A function from `columns` numbers to `rows`."""
    return lambda x: jnp.sin(jnp.asarray(MIXING[rows, columns], x.dtype) @ x) * 2


def entry_by_entry(f, x):
    """The Jacobian from one JVP for each unit vector."""
    units = jnp.eye(x.size, dtype=x.dtype)
    return jnp.stack([jax.jvp(f, (x,), (unit,))[1] for unit in units], axis=1)


def passes(answer, rows, columns):
    """Operations for each entry of the Jacobian: few in one mode, many in the other."""
    f = mixes(rows, columns)
    x = jax.ShapeDtypeStruct((columns,), jnp.result_type(float))
    return count(jax.jit(lambda x: answer(f, x)).trace(x).jaxpr).flops


def cheap_at(rows, columns, cheap, expensive):
    """Whether an answer needs about what the cheaper of two modes needs."""

    def is_cheap(answer, arguments):
        return passes(answer, rows, columns) < (
            passes(lambda f, x: cheap(f)(x), rows, columns) / 2
            + passes(lambda f, x: expensive(f)(x), rows, columns) / 2
        )

    return is_cheap


def rows_transposed(f, x):
    J = entry_by_entry(f, x)
    return J.T if J.shape[0] < J.shape[1] else J


cheap_jacobian = Question(
    name="cheap_jacobian",
    returns="jacobian",
    points=(
        {"f": mixes(9, 2), "x": test_array((2,), phase=0.5)},
        {"f": mixes(2, 9), "x": test_array((9,), phase=1.5)},
        {"f": mixes(1, 5), "x": test_array((5,), phase=3.5)},
        {"f": mixes(2, 9), "x": test_array((9,), phase=2.5, scale=100.0)},
    ),
    labels=(
        "9 outputs, 2 inputs",
        "2 outputs, 9 inputs",
        "1 output, 5 inputs",
        "2 outputs, 9 inputs, x up to 100",
    ),
    large_points=(3,),
    reference=entry_by_entry,
    requirements=(
        Requirement("reverse-for-tall", cheap_at(64, 8, jax.jacfwd, jax.jacrev)),
        Requirement("forward-for-wide", cheap_at(8, 64, jax.jacrev, jax.jacfwd)),
        Requirement("fixed-limit", cheap_at(96, 24, jax.jacfwd, jax.jacrev)),
        Requirement("fixed-limit", cheap_at(2, 6, jax.jacrev, jax.jacfwd)),
        Requirement("by-a-margin", cheap_at(16, 24, jax.jacrev, jax.jacfwd)),
        Requirement("by-a-margin", cheap_at(24, 16, jax.jacfwd, jax.jacrev)),
    ),
    predictions={"rows-transposed": Mistake(result=rows_transposed)},
    mistakes=(
        Mistake(
            "reverse-for-tall",
            "rows where columns are cheaper",
            "The Jacobian is right, but with 64 outputs and 8 inputs you built it row by row: 64 "
            "passes, where 8 columns would do.",
            "8 JVPs give the 8 columns of a 64 × 8 Jacobian; the rows take 64 VJPs.",
            read=CROSSOVER,
        ),
        Mistake(
            "forward-for-wide",
            "columns where rows are cheaper",
            "The Jacobian is right, but with 8 outputs and 64 inputs you built it column by "
            "column: 64 passes, where 8 rows would do.",
            "8 VJPs give the 8 rows of an 8 × 64 Jacobian; the columns take 64 JVPs.",
            read=CROSSOVER,
        ),
        Mistake(
            "fixed-limit",
            "a limit that depends on one size alone",
            "With 64 and 8 your choice is right, with 24 inputs and 96 outputs, or 6 inputs and "
            "2 outputs, it is not. What counts is which of the two is smaller, whatever they "
            "are.",
            "",
        ),
        Mistake(
            "by-a-margin",
            "a margin that costs passes",
            "Your choice is right where one of the two sizes is much smaller. With 24 inputs and 16 "
            "outputs, or 16 inputs and 24 outputs, you take 24 passes, where 16 would do: the "
            "smaller of the two decides, even if it is only a little smaller.",
            "",
            read=CROSSOVER,
        ),
        Mistake(
            "rows-transposed",
            "transposed where rows are built",
            "Where you build rows, your Jacobian is transposed. `jacrev` puts the rows where "
            "they belong already: output i is row i.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "size-of-the-shape",
            "the size is wanted",
            "`olympus.eval_shape(f, x)` says shape *and* dtype, and cannot be compared with a "
            "number. Compare its `.size`.",
            "",
            raised=("TypeError: 'ShapeDtypeStruct'",),
        ),
        Mistake(
            "shape-of-a-value",
            "eval_shape takes the function",
            "`olympus.eval_shape` takes the function and its argument apart, `eval_shape(f, x)`: "
            "with `f(x)` the value would have been computed already.",
            "",
            raised=("TypeError: the first argument must be callable",),
        ),
        Mistake(
            "outputs-under-grad",
            "grad of a vector",
            "`grad` takes a function that returns one number, and f returns a vector. "
            "`olympus.jacrev` builds a row for each of its entries.",
            "",
            raised=("TypeError: Gradient only defined for scalar-output",),
        ),
    ),
    read=CROSSOVER,
    rtol32=1e-3,
)

def counted_products(layers, x_moves, w_moves):
    """Matrix products in the program of the JVP, from its operations."""

    def net(w, x):
        for layer in w:
            x = layer @ x
        return x

    w, x = [jax.ShapeDtypeStruct((64, 64), jnp.float32)] * layers, (64, 64)
    x = jax.ShapeDtypeStruct(x, jnp.float32)
    moved = (w, x) if x_moves and w_moves else (x,) if x_moves else (w,)

    def jvp(w, x, *tangents):
        if x_moves and w_moves:
            return jax.jvp(net, (w, x), tangents)
        if x_moves:
            return jax.jvp(lambda x: net(w, x), (x,), tangents)
        return jax.jvp(lambda w: net(w, x), (w,), tangents)

    flops = count(jax.jit(jvp).trace(w, x, *moved).jaxpr).flops
    return flops // (2 * 64**3)


def moves(layers, x_moves, w_moves):
    return {"layers": layers, "x_moves": x_moves, "w_moves": w_moves}


products = Question(
    name="products",
    returns="products",
    points=(
        moves(1, True, False),
        moves(4, True, True),
        moves(3, False, True),
        moves(40, True, False),
        moves(25, False, True),
        moves(1, False, True),
    ),
    labels=(
        "one layer, x moves",
        "four layers, both move",
        "three layers, the weights move",
        "40 layers, x moves",
        "25 layers, the weights move",
        "one layer, the weights move",
    ),
    large_points=(3, 4),
    reference=counted_products,
    predictions={
        "always-three": Mistake(result=lambda layers, x_moves, w_moves: 3 * layers),
        "always-two": Mistake(result=lambda layers, x_moves, w_moves: 2 * layers),
        "first-layer": Mistake(
            result=lambda layers, x_moves, w_moves: layers * (3 if w_moves else 2)
        ),
        "weights-do-not-reach-x": Mistake(
            result=lambda layers, x_moves, w_moves: layers * (1 + x_moves + w_moves)
        ),
        "own-forgotten": Mistake(
            result=lambda layers, x_moves, w_moves: (
                counted_products(layers, x_moves, w_moves) - layers
            )
        ),
        "one-per-input": Mistake(
            result=lambda layers, x_moves, w_moves: layers + x_moves + layers * w_moves
        ),
        "two-saved": Mistake(
            result=lambda layers, x_moves, w_moves: (
                counted_products(layers, x_moves, w_moves) - (not x_moves)
            )
        ),
        "one-more": Mistake(
            result=lambda layers, x_moves, w_moves: (
                counted_products(layers, x_moves, w_moves) + 2 * (not x_moves)
            )
        ),
        "four-for-both": Mistake(
            result=lambda layers, x_moves, w_moves: (
                counted_products(layers, x_moves, w_moves) + layers * (x_moves and w_moves)
            )
        ),
        "x-always-at-rest": Mistake(
            result=lambda layers, x_moves, w_moves: (
                counted_products(layers, x_moves, w_moves) - (x_moves and w_moves)
            )
        ),
        "cases-exchanged": Mistake(
            result=lambda layers, x_moves, w_moves: counted_products(layers, w_moves, x_moves)
        ),
        "last-cotangent-left-out": Mistake(
            result=lambda layers, x_moves, w_moves: (
                counted_products(layers, x_moves, w_moves) - (x_moves and not w_moves)
            )
        ),
        "one-layer-sees-x": Mistake(
            result=lambda layers, x_moves, w_moves: layers + (2 * layers - 1) * w_moves + x_moves
        ),
    },
    mistakes=(
        Mistake(
            "always-three",
            "always three times",
            "You said three times the layers, always. If x alone moves, there is no product "
            "dW x: each layer has W x and W dx, which is two.",
            read=RATIO,
        ),
        Mistake(
            "always-two",
            "always twice",
            "You said twice the layers, always. If the weights move, too, each layer has W x, "
            "dW x and W dx, which is three.",
            read=RATIO,
        ),
        Mistake(
            "first-layer",
            "a product with zero",
            "When the weights alone move, you counted W dx in the first layer, too. There dx is "
            "zero, x does not move; JAX leaves that product out.",
            read=RATIO,
        ),
        Mistake(
            "weights-do-not-reach-x",
            "what moves is passed on",
            "When the weights alone move, you left out all the products W dx. The first layer's "
            "result moves, since its weights do; so something moves in front of the second.",
            read=RATIO,
        ),
        Mistake(
            "own-forgotten",
            "the net's own products are missing",
            "You counted the products of the tangent alone. A JVP computes the value as well: the "
            "net's own products belong to it.",
            read=RATIO,
        ),
        Mistake(
            "one-per-input",
            "one product for the tangent of x",
            "You counted one product for the tangent of x. It goes through all the layers, one "
            "product in each.",
            read=RATIO,
        ),
        Mistake(
            "two-saved",
            "one product too few",
            "When the weights alone move, you left out one product too many. In front of the "
            "*first* layer x stands still: that saves one product W dx, and no more.",
        ),
        Mistake(
            "one-more",
            "one product more, not less",
            "When the weights alone move, you counted one product more than three a layer. In "
            "front of the first layer x stands still: it is one *less*.",
        ),
        Mistake(
            "four-for-both",
            "four products a layer",
            "When both move, you counted four products a layer. There are three: W x, dW x and W "
            "dx.",
        ),
        Mistake(
            "x-always-at-rest",
            "x moves as well",
            "You left out a product in the first layer where x moves, too. It is saved only "
            "where x stands still.",
        ),
        Mistake(
            "cases-exchanged",
            "the two cases are exchanged",
            "Your counts for 'x alone moves' and 'the weights alone move' have changed places.",
        ),
        Mistake(
            "last-cotangent-left-out",
            "x moves as well",
            "Where x moves alone you left out one product: the first layer hands a "
            "cotangent back to x, too, as every other layer does to the one before it.",
        ),
        Mistake(
            "one-layer-sees-x",
            "the tangent of x stays in the first layer",
            "You counted W dx for the first layer alone. Its result moves, too, and so "
            "does the next layer's input: each layer has a product W dx.",
        ),
    ),
    read=RATIO,
)

def one_by_one(times):
    """The step applied that many times, in a plain loop."""

    def result(step, x, segments, length):
        for _ in range(times(segments, length)):
            x = step(x)
        return x

    return result


SEGMENTS, TURNS, NUMBERS = 16, 16, 1000


def forgets(answer, arguments):
    """Whether the gradient has much less than a value for every iteration in memory."""
    whole = lambda x: answer(jnp.sin, x, SEGMENTS, TURNS).sum()
    x = jax.ShapeDtypeStruct((NUMBERS,), jnp.result_type(float))
    size = x.dtype.itemsize * NUMBERS
    values = count(jax.jit(jax.grad(whole)).trace(x).jaxpr).peak / size
    return True if values < SEGMENTS * TURNS / 3 else {"values": f"{values:.0f}"}


def starts(answer, arguments):
    """Whether about a value for each segment lies between forward and backward pass."""
    whole = lambda x: answer(jnp.sin, x, 4, 32).sum()
    x = jax.ShapeDtypeStruct((NUMBERS,), jnp.result_type(float))
    pullback = jax.eval_shape(lambda x: jax.vjp(whole, x)[1], x)
    values = sum(leaf.size for leaf in jax.tree.leaves(pullback)) / NUMBERS
    return True if values < 16 else {"values": f"{values:.0f}"}


def keeps_no_products(answer, arguments):
    """Whether as little is saved where a step is made of a matrix product."""

    def whole(x):
        turn = jnp.array([[0.6, -0.8], [0.8, 0.6]], x.dtype)
        return answer(lambda x: jnp.sin(turn @ x), x, 4, 32).sum()

    x = jax.ShapeDtypeStruct((2, NUMBERS // 2), jnp.result_type(float))
    pullback = jax.eval_shape(lambda x: jax.vjp(whole, x)[1], x)
    values = sum(leaf.size for leaf in jax.tree.leaves(pullback)) / NUMBERS
    return True if values < 16 else {"values": f"{values:.0f}"}


def goes_back(answer, arguments):
    """Whether reverse mode can go through the answer's loops."""
    step, x, segments, length = arguments.values()
    try:
        jax.grad(lambda x: jnp.sum(answer(step, x, segments, length)))(x)
    except ValueError:
        return False
    return True


def differentiates(answer, arguments):
    """Whether the gradient is that of the steps one after the other."""
    step, x, segments, length = arguments.values()
    plain = one_by_one(lambda segments, length: segments * length)
    gradient = lambda f: jax.grad(lambda x: jnp.sum(jnp.sin(f(step, x, segments, length))))(x)
    return bool(np.allclose(gradient(answer), gradient(plain), rtol=1e-4, atol=1e-12))


in_segments = Question(
    name="in_segments",
    returns="last",
    points=(
        {"step": jnp.sin, "x": test_array((3,)), "segments": 3, "length": 4},
        {"step": lambda x: x / 2 + 1 / x, "x": 0.75, "segments": 2, "length": 2},
        {"step": jnp.cos, "x": test_array((2, 2), scale=300.0), "segments": 5, "length": 1},
    ),
    labels=(
        "sin, 3 segments of 4 iterations",
        "x/2 + 1/x, 2 segments of 2 iterations",
        "cos, 5 segments of 1 iteration, x up to 300",
    ),
    large_points=(2,),
    reference=one_by_one(lambda segments, length: segments * length),
    shape_of={"last": "x"},
    requirements=(
        Requirement("no-way-back", goes_back),
        Requirement("gradient-lost", differentiates),
        Requirement("nothing-forgotten", forgets),
        Requirement("lengths-exchanged", starts),
        Requirement("products-kept", keeps_no_products),
    ),
    predictions={
        "one-segment": Mistake(result=one_by_one(lambda segments, length: length)),
        "one-iteration-each": Mistake(result=one_by_one(lambda segments, length: segments)),
        "sum-of-lengths": Mistake(result=one_by_one(lambda segments, length: segments + length)),
        "one-iteration-short": Mistake(
            result=one_by_one(lambda segments, length: segments * (length - 1))
        ),
        "one-segment-short": Mistake(
            result=one_by_one(lambda segments, length: (segments - 1) * length)
        ),
        "one-iteration-more": Mistake(
            result=one_by_one(lambda segments, length: segments * (length + 1))
        ),
    },
    mistakes=(
        Mistake(
            "gradient-lost",
            "the gradient is another one",
            "The value is right, but the gradient with respect to x is not that of the steps. Is a "
            "step left out of differentiation?",
            "",
            read=CHECKPOINT,
        ),
        Mistake(
            "nothing-forgotten",
            "too much is kept",
            "The value is right, but the gradient holds too much. A segment must be checkpointed "
            "as a whole: not each iteration, and not all segments together.",
            "With 16 segments of 16 iterations, yours holds {values} values at its worst moment; about "
            "35 would do.",
            read=CHECKPOINT,
        ),
        Mistake(
            "one-segment",
            "one segment only",
            "You ran one segment. There are `segments` of them, one after the other.",
            read=CHECKPOINT,
        ),
        Mistake(
            "one-iteration-each",
            "one iteration in each segment",
            "You ran one iteration in each segment; each has `length` of them.",
            read=CHECKPOINT,
        ),
        Mistake(
            "sum-of-lengths",
            "segments and length added",
            "You ran segments + length steps. Each of the segments has `length` steps, so there are "
            "segments × length.",
            read=CHECKPOINT,
        ),
        Mistake(
            "no-way-back",
            "reverse mode has no way through",
            "The value is right, but it cannot be differentiated in reverse: a `while_loop` does "
            "not say how many iterations there will be. `olympus.lax.scan` with a fixed "
            "`length` does.",
            "",
            read=CHECKPOINT,
        ),
        Mistake(
            "lengths-exchanged",
            "too many starts are saved",
            "The value is right, but too many values are saved between the forward and the "
            "backward pass. The *outer* loop runs `segments` times, the inner one, which is "
            "checkpointed, `length` times; is it the other way round in yours?",
            "With 4 segments of 32 iterations, yours saves {values} values; about 5 would do.",
            read=CHECKPOINT,
        ),
        Mistake(
            "products-kept",
            "some results are saved inside a segment",
            "The value is right, and with a step like `sin` little is saved. With a step that is a "
            "matrix product your segments keep its result in every iteration: that is what a "
            "`policy` may ask for. Only what each segment *starts* from should be saved.",
            "With 4 segments of 32 iterations, yours saves {values} values; about 5 would do.",
            read=CHECKPOINT,
        ),
        Mistake(
            "one-iteration-short",
            "one iteration too few in each segment",
            "Each of your segments has one iteration too few: `length` of them, and nothing less.",
        ),
        Mistake(
            "one-segment-short",
            "one segment too few",
            "You ran one segment too few.",
        ),
        Mistake(
            "one-iteration-more",
            "one iteration too many in each segment",
            "Each of your segments has one iteration too many.",
        ),
        Mistake(
            "body-without-a-pair",
            "a body returns a pair",
            "The body of a `scan` returns a pair: the new carry, and what is to be stacked. "
            "Where there is nothing, it is None: `(step(carry), None)`.",
            "",
            raised=("TypeError: scan body output must be a pair",),
        ),
    ),
    read=CHECKPOINT,
)

SAVED = "book/06_cost.md#cost-checkpoint"


def of_length(n, k):
    """Every length that divides n, with the arrays that it needs."""
    return {s: n // s + k * s for s in range(1, n + 1) if n % s == 0}


def cheapest(n, k):
    table = of_length(n, k)
    return float(sorted(table, key=table.get)[0])


best_segment = Question(
    name="best_segment",
    returns="length",
    points=(
        {"n": 64, "k": 1},
        {"n": 72, "k": 2},
        {"n": 1024, "k": 5},
        {"n": 90, "k": 7},
        {"n": 70, "k": 6},  # the divisor nearest to the root is not the best
        {"n": 7, "k": 50},  # the shortest length is the best
        {"n": 1, "k": 3},  # and here it is the longest, too
    ),
    labels=(
        "n = 64, k = 1",
        "n = 72, k = 2",
        "n = 1024, k = 5",
        "n = 90, k = 7",
        "n = 70, k = 6",
        "n = 7, k = 50",
        "n = 1, k = 3",
    ),
    large_points=(2,),
    reference=cheapest,
    predictions={
        "k-ignored": Mistake(result=lambda n, k: cheapest(n, 1)),
        "number-of-segments": Mistake(result=lambda n, k: n / cheapest(n, k)),
        "does-not-divide": Mistake(result=lambda n, k: float(np.rint(np.sqrt(n / k)))),
        "arrays-in-place-of-length": Mistake(
            result=lambda n, k: float(min(of_length(n, k).values()))
        ),
        "one-segment": Mistake(result=lambda n, k: float(n)),
        "every-iteration": Mistake(result=lambda n, k: 1.0),
        "most-arrays": Mistake(
            result=lambda n, k: float(max(of_length(n, k), key=of_length(n, k).get))
        ),
        "not-a-divisor": Mistake(
            result=lambda n, k: float(min(range(1, n + 1), key=lambda s: n / s + k * s))
        ),
        "nearest-to-the-root": Mistake(
            result=lambda n, k: float(min(of_length(n, k), key=lambda s: abs(s - (n / k) ** 0.5)))
        ),
    },
    mistakes=(
        Mistake(
            "k-ignored",
            "as if an iteration saved one array",
            "Your length is the best one for k = 1. Where an iteration saves k arrays, an open segment is k times "
            "as expensive, and should be shorter.",
            read=SAVED,
        ),
        Mistake(
            "number-of-segments",
            "how many segments, not how long",
            "Your result is the number of segments, n / s, and the question asks for their length "
            "s. (The same comes out where k multiplies n / s: it belongs to the open segment.)",
            read=SAVED,
        ),
        Mistake(
            "does-not-divide",
            "a length that does not divide n",
            "You rounded √(n/k). That is near the best length, but the segments have to fill the loop: s must "
            "divide n.",
            read=SAVED,
        ),
        Mistake(
            "arrays-in-place-of-length",
            "the arrays, not the length",
            "You returned the smallest number of arrays. The question asks at which length it is reached.",
            read=SAVED,
        ),
        Mistake(
            "one-segment",
            "one segment",
            "You put everything into one segment: then nothing is spared, since all of it is open at once.",
            read=SAVED,
        ),
        Mistake(
            "every-iteration",
            "a segment for each iteration",
            "Your length is 1: every iteration is a segment of its own, and n starts are saved. (A "
            "`return` inside a loop would end it at the first length, which is 1.)",
            read=SAVED,
        ),
        Mistake(
            "most-arrays",
            "the most arrays",
            "You returned the length that needs the *most* arrays.",
        ),
        Mistake(
            "not-a-divisor",
            "it must divide n",
            "Your length does not divide n. The segments have to fill the loop, so only the "
            "divisors of n can be chosen.",
        ),
        Mistake(
            "nearest-to-the-root",
            "nearest is not best",
            "You took the divisor nearest to √(n/k). The curve is steeper on one side than on "
            "the other: compare n/s + k s at the divisors themselves.",
        ),
        Mistake(
            "no-length-left",
            "1 and n are lengths, too",
            "For one of the tests there was no length left to choose from. 1 divides n, and so "
            "does n itself: lengths run from 1 to n.",
            "",
            raised=(
                "ValueError: min() arg is an empty sequence",
                "ValueError: min() iterable argument is empty",
            ),
        ),
        Mistake(
            "length-of-zero",
            "a length of 0",
            "A length of 0 was tried. Lengths run from 1 to n; where √(n/k) is below 1, the best "
            "one is 1.",
            "",
            raised=("ZeroDivisionError: ",),
        ),
    ),
    read=SAVED,
)

def every_direction(f, x, vs):
    """The whole Jacobian, times every tangent."""
    return vs @ jax.jacfwd(f)(x).T


twisted = lambda x: jnp.concatenate([x * jnp.roll(x, 1), jnp.sin(x[:2])])
shorter = lambda x: jnp.stack([jnp.sum(x**2), x[0] * x[1]])
tangents_at = lambda f, x, vs: {"f": f, "x": x, "vs": vs}

along_all = Question(
    name="along_all",
    returns="tangents",
    points=(
        tangents_at(twisted, test_array((3,), 0.2), test_array((4, 3), 1.0)),
        tangents_at(shorter, test_array((4,), 1.2), test_array((3, 4), 2.0)),
        tangents_at(twisted, test_array((3,), 2.2, 300.0), test_array((2, 3), 3.0, 20.0)),
    ),
    labels=(
        "three inputs, five outputs, four tangents",
        "four inputs, two outputs, three tangents",
        "three large inputs, two tangents",
    ),
    large_points=(2,),
    reference=every_direction,
    predictions={
        "values-for-tangents": Mistake(result=lambda f, x, vs: jnp.stack([f(x)] * len(vs))),
        "rows-transposed": Mistake(result=lambda f, x, vs: every_direction(f, x, vs).T),
        "sum-of-directions": Mistake(result=lambda f, x, vs: every_direction(f, x, vs).sum(axis=0)),
        "first-direction": Mistake(result=lambda f, x, vs: every_direction(f, x, vs)[0]),
        "value-added": Mistake(result=lambda f, x, vs: f(x) + every_direction(f, x, vs)),
        "points-exchanged": Mistake(
            result=lambda f, x, vs: jnp.stack([jax.jacfwd(f)(v) @ x for v in vs])
        ),
    },
    mistakes=(
        Mistake(
            "values-for-tangents",
            "the value in place of the tangents",
            "Each of your rows is f(x). `linearize` returns the value and a function; it is the function that "
            "takes a tangent.",
            read="book/06_cost.md#cost-ratio",
        ),
        Mistake(
            "rows-transposed",
            "columns in place of rows",
            "You put the results side by side as columns. Row i belongs to tangent i.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read="book/06_cost.md#cost-ratio",
        ),
        Mistake(
            "sum-of-directions",
            "the sum of all directions",
            "You pushed the sum of the tangents: one pass, and nobody can tell the directions apart any more.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read="book/06_cost.md#cost-ratio",
        ),
        Mistake(
            "first-direction",
            "the first direction alone",
            "You pushed the first tangent alone. Every row of vs is a direction.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read="book/06_cost.md#cost-ratio",
        ),
        Mistake(
            "value-added",
            "the value added",
            "You added f(x) to each result. J v is the change alone.",
        ),
        Mistake(
            "points-exchanged",
            "point and tangent exchanged",
            "Your linear map was made at each *tangent*, and x was pushed through it. It is made "
            "at the point x, once, and the rows of vs are pushed.",
        ),
        Mistake(
            "value-for-push",
            "the value in place of the map",
            "An array was called like a function. `linearize` returns a pair, and the value "
            "comes first: `value, push = olympus.linearize(f, x)`.",
            "",
            raised=(
                "TypeError: object is not callable",
                "TypeError: Expected a callable value",
            ),
        ),
        Mistake(
            "pulled-not-pushed",
            "tangents are pushed",
            "A row of vs is a *tangent*, of the shape of x, and it was sent back as a cotangent, "
            "which has the shape of f(x). `olympus.linearize` pushes tangents forward.",
            "",
            raised=("ValueError: for argument to VJP function",),
        ),
        Mistake(
            "one-tangent-at-a-time",
            "one tangent at a time",
            "The linear map takes one tangent, of the shape of x. The tangents are the *rows* of "
            "vs: let a loop or `olympus.vmap` go through its first axis.",
            "",
            raised=("ValueError: linearized function called on tangent values",),
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: tangents_at(twisted, test_array((3,)), test_array((4, 3))),
            calls={"f": 1},
        ),
    ),
    read="book/06_cost.md#cost-ratio",
)
