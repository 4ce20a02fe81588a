"""The specifications of 11_loops.md, released from solutions/11_loops.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, Requirement, test_array

PAGE = "book/11_loops.md"


def compiled_value_and_slope(answer):
    """Use the answer with jit, and with jit of its gradient."""

    def call(r, d):
        value = jax.jit(answer)(r, d)
        if value is None or callable(value):
            return value
        return value, jax.jit(jax.grad(answer))(r, d)

    return call


def pieces(value_inside, slope_inside, value_outside, slope_outside, inside):
    """Value and slope of a function of two pieces, by formulas."""

    def result(r, d):
        if inside(r, d):
            return value_inside(r, d), slope_inside(r, d)
        return value_outside(r, d), slope_outside(r, d)

    return result


square = (lambda r, d: r**2 / 2, lambda r, d: r)
line = (lambda r, d: d * (abs(r) - d / 2), lambda r, d: d * np.sign(r))
small = lambda r, d: abs(r) <= d

huber = Question(
    name="huber",
    returns=("value", "slope"),
    call="huber(r, d) under jit, and jit(grad(huber))(r, d)",
    adapt=compiled_value_and_slope,
    points=(
        {"r": 0.5, "d": 1.25},
        {"r": -3.0, "d": 2.0},
        {"r": 40.0, "d": 1.5},
        {"r": -1.5, "d": 2.0},
        {"r": 5.0, "d": 3.0},
    ),
    labels=(
        "r = 0.5, d = 1.25",
        "r = −3, d = 2",
        "r = 40, d = 1.5",
        "r = −1.5, d = 2",
        "r = 5, d = 3",
    ),
    large_points=(2,),
    reference=pieces(*square, *line, small),
    predictions={
        "pieces-do-not-meet": Mistake(
            result=pieces(*square, lambda r, d: d * abs(r), line[1], small)
        ),
        "whole-threshold": Mistake(
            result=pieces(*square, lambda r, d: d * (abs(r) - d), line[1], small)
        ),
        "line-of-slope-one": Mistake(
            result=pieces(*square, lambda r, d: abs(r) - d / 2, lambda r, d: np.sign(r), small)
        ),
        "threshold-squared": Mistake(
            result=pieces(
                *square, lambda r, d: d**2 * (abs(r) - d / 2), lambda r, d: d**2 * np.sign(r), small
            )
        ),
        "negative-errors": Mistake(result=pieces(*square, *line, lambda r, d: r <= d)),
        "branches-swapped": Mistake(result=pieces(*line, *square, small)),
        "half-missing": Mistake(result=pieces(lambda r, d: r**2, lambda r, d: 2 * r, *line, small)),
        "line-without-size": Mistake(
            result=pieces(*square, lambda r, d: d * (r - d / 2), lambda r, d: d, small)
        ),
        "square-compared": Mistake(result=pieces(*square, *line, lambda r, d: r**2 <= d)),
        "line-everywhere": Mistake(result=pieces(*line, *line, small)),
        "square-everywhere": Mistake(result=pieces(*square, *square, small)),
        "bracket-of-the-line": Mistake(
            result=pieces(*square, lambda r, d: d * abs(r) - d / 2, line[1], small)
        ),
        "line-too-high": Mistake(
            result=pieces(*square, lambda r, d: d * (abs(r) + d / 2), line[1], small)
        ),
        "pieces-added": Mistake(
            result=pieces(
                lambda r, d: r**2 / 2 + line[0](r, d), lambda r, d: r + line[1](r, d), *line, small
            )
        ),
        "pseudo-huber": Mistake(
            result=lambda r, d: (
                d**2 * (np.sqrt(1 + (r / d) ** 2) - 1),
                r / np.sqrt(1 + (r / d) ** 2),
            )
        ),
        "absolute-inside": Mistake(
            result=pieces(lambda r, d: abs(r), lambda r, d: np.sign(r), *line, small)
        ),
    },
    mistakes=(
        Mistake(
            "operand-of-cond",
            "what cond hands to its functions",
            "`cond` hands to the chosen function whatever stands after the two functions, and one "
            "of yours takes another number of values. A function of one value needs one value "
            "there.",
            example="",
            raised=(
                "TypeError: <lambda>() missing 1 required positional argument",
                "TypeError: <lambda>() takes 1 positional argument but",
            ),
            code=r"\bcond\(",
        ),
        Mistake(
            "absolute-inside",
            "|r| in place of the square",
            "For small errors your loss is |r|, with a corner at 0. The square r²/2 belongs there.",
        ),
        Mistake(
            "pseudo-huber",
            "the pseudo-Huber loss",
            "Yours is the *pseudo*-Huber loss, d² (√(1 + (r/d)²) − 1): one smooth formula in "
            "place of the two pieces. The pieces are asked for.",
        ),
        Mistake(
            "pieces-added",
            "both pieces added",
            "For small errors your loss is the sum of both pieces. Only the square belongs there.",
        ),
        Mistake(
            "line-too-high",
            "d/2 added",
            "Your line is d (|r| + d/2). At |r| = d it is 3d²/2, where the square is d²/2: take "
            "d/2 off.",
        ),
        Mistake(
            "bracket-of-the-line",
            "d/2 without the factor d",
            "Your line is d·|r| − d/2. The factor d belongs to both terms: d (|r| − d/2).",
        ),
        Mistake(
            "square-everywhere",
            "the square everywhere",
            "Your loss is the square for large errors, too. (The larger of the two pieces is the "
            "square everywhere: choose by |r| ≤ d, not by size.)",
        ),
        Mistake(
            "line-everywhere",
            "the straight line everywhere",
            "Your loss is the straight line for small errors, too. (The smaller of the two pieces "
            "is the line everywhere: choose by |r| ≤ d, not by size.)",
        ),
        Mistake(
            "square-compared",
            "r² compared with d",
            "Your condition compares r² with d. The pieces meet where |r| is d: compare |r|.",
        ),
        Mistake(
            "threshold-squared",
            "the factor d twice",
            "Your line has the factor d². At |r| = d the square has the slope d, and so has the "
            "line.",
        ),
        Mistake(
            "line-of-slope-one",
            "the factor d",
            "Your line is |r| − d/2, with the slope 1. At |r| = d the square has the slope d: "
            "the line is d times that.",
        ),
        Mistake(
            "whole-threshold",
            "d in place of d/2",
            "Your line is d (|r| − d). At |r| = d it is 0, where the square is d²/2: take off d/2.",
        ),
        Mistake(
            "pieces-do-not-meet",
            "the pieces do not meet",
            "Your line is d·|r|. At |r| = d it is d², where the square is d²/2: the loss jumps. Take "
            "d²/2 off the line.",
            read=PAGE + "#loops-cond",
        ),
        Mistake(
            "negative-errors",
            "negative errors are all inside",
            "Your condition compares r itself with d, so that every negative error counts as small. "
            "Compare |r|.",
            read=PAGE + "#loops-cond",
        ),
        Mistake(
            "branches-swapped",
            "the branches are swapped",
            "Your line is used inside and your square outside. `cond` calls the first function where "
            "the condition is true.",
            read=PAGE + "#loops-cond",
        ),
        Mistake(
            "half-missing",
            "a half is missing",
            "Your square is not halved. Then its slope at |r| = d is 2d, and that of the line is d.",
            read=PAGE + "#loops-cond",
        ),
        Mistake(
            "line-without-size",
            "the line goes on to the left",
            "Outside you use r where |r| belongs: for a large negative error the loss is negative.",
            read=PAGE + "#loops-cond",
        ),
    ),
    read=PAGE,
)

def python_if(x):
    return x**2 if x > 1 else 2 * x


def python_for(x):
    for _ in range(5):
        x = x / 2
    return x


def python_while(x):
    while x > 1:
        x = x / 2
    return x


KINDS = (
    python_if,
    python_for,
    python_while,
    lambda x: jax.lax.cond(x > 1, lambda x: x**2, lambda x: 2 * x, x),
    lambda x: jax.lax.scan(lambda c, _: (c / 2, None), x, length=5)[0],
    lambda x: jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x),
)
USES = (
    lambda f: jax.jit(f)(3.0),
    lambda f: jax.jvp(f, (3.0,), (1.0,)),
    lambda f: jax.grad(f)(3.0),
    lambda f: jax.jit(jax.grad(f))(3.0),
)


def works(use, f):
    try:
        use(f)
    except (TypeError, ValueError):  # what jax raises for control flow
        return 0.0
    return 1.0


def tried(kind):
    """What jax itself does."""
    return np.array([works(use, KINDS[kind]) for use in USES])


def replaced(rows):
    """The right table with some rows replaced."""
    return lambda kind: np.array(rows.get(kind, tried(kind)), float)


survives = Question(
    name="survives",
    returns="numbers",
    points=tuple({"kind": kind} for kind in range(6)),
    labels=("Python's if", "Python's for", "Python's while", "cond", "scan", "while_loop"),
    large_points=(5,),
    reference=tried,
    predictions={
        "if-under-jit": Mistake(result=replaced({0: [1, 1, 1, 1], 2: [1, 1, 1, 1]})),
        "if-never": Mistake(result=replaced({0: [0, 0, 0, 0], 2: [0, 0, 0, 0]})),
        "if-alone-under-jit": Mistake(result=replaced({0: [1, 1, 1, 1]})),
        "if-alone-never": Mistake(result=replaced({0: [0, 0, 0, 0]})),
        "if-compiled-after-grad": Mistake(result=replaced({0: [0, 1, 1, 1]})),
        "for-under-jit": Mistake(result=replaced({1: [0, 1, 1, 0]})),
        "cond-reversed": Mistake(result=replaced({3: [1, 1, 0, 0]})),
        "scan-reversed": Mistake(result=replaced({4: [1, 1, 0, 0]})),
        "ones-and-zeros": Mistake(result=lambda kind: 1.0 - tried(kind)),
        "modes-exchanged": Mistake(result=lambda kind: tried(kind)[[0, 2, 1, 3]]),
        "kinds-from-one": Mistake(result=lambda kind: tried((kind - 1) % 6)),
        "while-never": Mistake(result=replaced({5: [1, 0, 0, 0]})),
        "while-reversed": Mistake(result=replaced({5: [1, 1, 1, 1]})),
        "python-while-reversed": Mistake(result=replaced({2: [0, 1, 0, 0]})),
        "both-after-grad": Mistake(result=replaced({0: [0, 1, 1, 1], 2: [0, 1, 1, 1]})),
        "while-compiled-after-grad": Mistake(result=replaced({2: [0, 1, 1, 1]})),
        "compiled-reverse": Mistake(result=replaced({5: [1, 1, 0, 1]})),
        "while-under-jit": Mistake(result=replaced({2: [1, 1, 1, 1]})),
        "python-reversed": Mistake(result=replaced({0: [0, 1, 0, 0], 2: [0, 1, 0, 0]})),
        "if-reversed": Mistake(result=replaced({0: [0, 1, 0, 0]})),
        "python-forward": Mistake(result=replaced({0: [0, 0, 1, 0], 2: [0, 0, 1, 0]})),
        "while-alone-never": Mistake(result=replaced({2: [0, 0, 0, 0]})),
        "cond-under-jit": Mistake(result=replaced({3: [0, 1, 1, 0]})),
        "while-loop-under-jit": Mistake(result=replaced({5: [0, 1, 0, 0]})),
        "whiles-exchanged": Mistake(result=replaced({2: [1, 1, 0, 0], 5: [0, 1, 1, 0]})),
        "columns-moved": Mistake(result=lambda kind: tried(kind)[[1, 2, 0, 3]]),
        "both-is-or": Mistake(
            result=lambda kind: np.append(tried(kind)[:3], max(tried(kind)[0], tried(kind)[2]))
        ),
    },
    mistakes=(
        Mistake(
            "both-is-or",
            "or in place of and",
            "Your last number is 1 where `jit` *or* reverse mode works. `jit(grad(f))` needs both.",
            example="",
        ),
        Mistake(
            "columns-moved",
            "the order of the four numbers",
            "Your four numbers are in the order forward, reverse, jit, both. The order is jit, "
            "forward, reverse, both.",
            example="",
        ),
        Mistake(
            "whiles-exchanged",
            "the two while loops exchanged",
            "Your rows of Python's `while` and of `while_loop` have changed places, or nearly: "
            "Python's needs the value of x (not under `jit`), `while_loop` cannot be reversed.",
            example="",
        ),
        Mistake(
            "while-loop-under-jit",
            "while_loop under jit",
            "You let `while_loop` fail under `jit`. That is what it is for: the loop stands in "
            "the program, and ends when its condition says so.",
            example="",
        ),
        Mistake(
            "cond-under-jit",
            "cond under jit",
            "You let `cond` fail under `jit`. That is what it is for: both branches are in the "
            "program, and x chooses between them when the program runs.",
            example="",
        ),
        Mistake(
            "while-alone-never",
            "Python's while under grad",
            "You let Python's `while` fail everywhere. Without `jit` x has a value: the loop "
            "runs, and what ran is differentiated.",
            example="",
        ),
        Mistake(
            "python-forward",
            "Python's branches in forward mode",
            "You let Python's `if` and `while` fail in forward mode. Without `jit` x has a value, "
            "and a tangent travels along whatever path it takes.",
            example="",
        ),
        Mistake(
            "if-reversed",
            "Python's if in reverse",
            "You let Python's `if` fail in reverse mode. Without `jit` x has a value: the branch "
            "that ran is written down, and the backward pass goes through that.",
            example="",
        ),
        Mistake(
            "python-reversed",
            "Python's branches in reverse",
            "You let Python's `if` and `while` fail in reverse mode. Without `jit` x has a value: "
            "what ran is written down, and the backward pass goes through that.",
            example="",
        ),
        Mistake(
            "while-under-jit",
            "Python's while under jit",
            "You let Python's `while` pass under `jit`. There x is a stand-in without a value, "
            "and `while` asks for one in each iteration.",
            example="",
        ),
        Mistake(
            "compiled-reverse",
            "jit does not help reverse mode",
            "You let `jit(grad(f))` pass for `while_loop`. What `grad` cannot do, it cannot do "
            "inside `jit` either.",
            example="",
        ),
        Mistake(
            "while-compiled-after-grad",
            "jit around grad",
            "You let `jit(grad(f))` pass for Python's `while`. `jit` is outside: inside it x has "
            "no value, for `grad` neither.",
            example="",
        ),
        Mistake(
            "both-after-grad",
            "jit around grad",
            "You let `jit(grad(f))` pass for Python's `if` and `while`, since `grad` passes. "
            "`jit` is outside: inside it x has no value, for `grad` neither.",
            example="",
        ),
        Mistake(
            "kinds-from-one",
            "kinds counted from 1",
            "Your answer belongs to the kind before: the kinds are counted from 0.",
        ),
        Mistake(
            "modes-exchanged",
            "forward and reverse exchanged",
            "Your second and third number have changed places. The order is jit, forward, "
            "reverse, both.",
        ),
        Mistake(
            "ones-and-zeros",
            "0 and 1 exchanged",
            "Your numbers are all the other way round: 1 stands where it works.",
        ),
        Mistake(
            "scan-reversed",
            "scan in reverse mode",
            "You let `scan` fail in reverse mode. Its length is fixed, so that the program "
            "knows how much it has to remember.",
        ),
        Mistake(
            "cond-reversed",
            "cond in reverse mode",
            "You let `cond` fail in reverse mode. Only one branch runs, and the backward pass "
            "goes back through that one.",
        ),
        Mistake(
            "for-under-jit",
            "Python's for under jit",
            "You let Python's `for` fail under `jit`. How often it runs does not depend on x: "
            "it is unrolled into five steps.",
        ),
        Mistake(
            "if-compiled-after-grad",
            "jit around grad",
            "You let `jit(grad(f))` pass for Python's `if`. `jit` is outside, so that x has no "
            "value inside either.",
        ),
        Mistake(
            "if-alone-never",
            "Python's if under grad",
            "You let Python's `if` fail in forward and in reverse mode. Without `jit` x has a "
            "value: the branch is chosen, and what ran is differentiated.",
        ),
        Mistake(
            "if-alone-under-jit",
            "Python's if under jit",
            "You let Python's `if` pass under `jit`. There x is a stand-in without a value, and "
            "`if` asks for one.",
        ),
        Mistake(
            "if-under-jit",
            "Python cannot decide under jit",
            "You let Python's `if` and `while` pass under jit. There the stand-in for x has no "
            "value, so that Python cannot decide, and JAX raises TracerBoolConversionError.",
            "",
            read=PAGE + "#loops-python",
        ),
        Mistake(
            "if-never",
            "a derivative may branch in Python",
            "You let Python's `if` and `while` fail everywhere. Without jit the stand-in of jvp and "
            "grad knows its value: Python decides, and the path that it takes is differentiated.",
            "",
            read=PAGE + "#loops-python",
        ),
        Mistake(
            "while-never",
            "forward mode goes through a while loop",
            "You let `while_loop` fail in forward mode. A tangent travels along with the carry, "
            "through any number of iterations.",
            "",
            read=PAGE + "#loops-modes",
        ),
        Mistake(
            "while-reversed",
            "a while loop cannot be reversed",
            "You let `while_loop` pass in reverse mode. The backward pass needs something of every "
            "iteration, and a compiled program must know beforehand how much that is.",
            "",
            read=PAGE + "#loops-modes",
        ),
        Mistake(
            "python-while-reversed",
            "Python's while is written down",
            "You let Python's `while` fail in reverse mode. It is not compiled: it runs, and every "
            "step that it took is there to go back through.",
            "",
            read=PAGE + "#loops-python",
        ),
    ),
    read=PAGE,
)

def roots(a, steps):
    """Closed form: the steps double the angle of an hyperbolic cotangent."""
    if steps == 0:
        return jnp.ones_like(a)
    r = jnp.sqrt(a)
    near = ((1 - r) / (1 + r)) ** (2**steps)
    return r * (1 + near) / (1 - near)


def value_and_slope_at(f):
    """A function of a and steps, and its slope with respect to a."""
    return lambda a, steps: (f(a, steps), jax.jacfwd(lambda a: f(a, steps))(a))


def used(answer):
    """Use the answer as reverse mode does."""

    def call(a, steps):
        value = answer(a, steps)
        if value is None or callable(value):
            return value
        # the 1 at the start may be an integer
        slope = lambda a: value * 1.0 if isinstance(value, int) else answer(a, steps)
        return value, jax.grad(slope)(a)

    return call


def half_in_one_term(a, steps):
    x = jnp.ones_like(a)
    for _ in range(steps):
        x = x + a / x / 2
    return x


def not_halved(a, steps):
    x = jnp.ones_like(a)
    for _ in range(steps):
        x = x + a / x
    return x


def last_step_alone(a, steps):
    if steps == 0:
        return 1.0, 0.0
    x = roots(a, steps - 1)
    return roots(a, steps), 1 / (2 * x)


def counter_for_x(a, steps):
    """What root(i, a) is in the last iteration i; its slope is lost in that with i = 0."""
    last = steps - 1
    return ((last + a / last) / 2, jnp.nan) if steps else (1.0, 0.0)


def from_a(scale):
    """The steps from scale · a in place of 1."""

    def result(a, steps):
        x = scale * a
        for _ in range(steps):
            x = (x + a / x) / 2
        return x

    return value_and_slope_at(result)


newton_root = Question(
    name="newton_root",
    returns=("value", "slope"),
    call="newton_root(a, steps), and its derivative with respect to a",
    adapt=used,
    points=(
        {"a": 2.0, "steps": 2},
        {"a": 0.25, "steps": 4},
        {"a": 1e6, "steps": 10},
        {"a": 3.0, "steps": 0},
    ),
    labels=("a = 2, 2 steps", "a = 0.25, 4 steps", "a = 1e6, 10 steps", "a = 3, no step"),
    large_points=(2,),
    reference=value_and_slope_at(roots),
    predictions={
        "one-step-short": Mistake(
            result=value_and_slope_at(lambda a, steps: roots(a, max(steps - 1, 0)))
        ),
        "one-step-more": Mistake(result=value_and_slope_at(lambda a, steps: roots(a, steps + 1))),
        "not-halved": Mistake(result=value_and_slope_at(not_halved)),
        "constant-root": Mistake(result=lambda a, steps: (roots(a, steps), 0.0)),
        "exact-root": Mistake(result=value_and_slope_at(lambda a, steps: jnp.sqrt(a))),
        "precedence-of-slash": Mistake(result=value_and_slope_at(half_in_one_term)),
        "stopped-gradient": Mistake(result=last_step_alone),
        "starts-at-a": Mistake(result=from_a(1.0)),
        "starts-at-half": Mistake(result=from_a(0.5)),
        "ten-steps": Mistake(result=value_and_slope_at(lambda a, steps: roots(a, 10))),
        "slope-of-the-root": Mistake(
            result=lambda a, steps: (roots(a, steps), 1 / (2 * roots(a, steps)))
        ),
        "counter-for-x": Mistake(result=counter_for_x),
    },
    mistakes=(
        Mistake(
            "every-step-returned",
            "every step returned",
            "You returned the outputs that `scan` stacks, the x of every step. Asked for is the "
            "last x alone, a number.",
            example="",
            raised=(
                "TypeError: Gradient only defined for scalar-output functions. Output had shape",
            ),
            code=r"\bscan\((.|\n)*\)\[1\]\s*$",
        ),
        Mistake(
            "steps-as-xs",
            "steps in place of the inputs",
            "`scan` takes an array of inputs as its third argument, one for each step, and you "
            "gave it a number. Where there are no inputs, say `length=`.",
            example="",
            raised=("ValueError: scan got value with no leading axis",),
            code=r"\bscan\(",
        ),
        Mistake(
            "counter-for-x",
            "the counter in place of x",
            "Your step works on the counter of the loop: `fori_loop` calls its body with the "
            "counter first, then with x.",
            code=r"fori_loop\(",
        ),
        Mistake(
            "slope-of-the-root",
            "the slope of the solution",
            "Your value is right, and your slope is 1/(2x), that of an x that is the root "
            "already. Here the derivative of the *steps* is asked for, converged or not.",
        ),
        Mistake(
            "ten-steps",
            "ten steps, whatever is asked",
            "Your result is that of ten steps, whatever `steps` is.",
        ),
        Mistake(
            "starts-at-half",
            "the start",
            "Your loop starts at a/2. Start at 1.",
        ),
        Mistake(
            "starts-at-a",
            "the start",
            "Your loop starts at a: for `steps` = 0 your result is a. Start at 1. (From 1 and "
            "from a the first step leads to the same x, which hides it for more steps.)",
        ),
        Mistake(
            "constant-root",
            "no slope comes through",
            "Your value is right, and the slope is 0: what your function returns is a constant "
            "for JAX. Is there a `stop_gradient` or a plain number on the way?",
        ),
        Mistake(
            "not-halved",
            "the half is missing",
            "Your step is x + a/x. It is half of that.",
        ),
        Mistake(
            "one-step-more",
            "one step too many",
            "Your result is that of one step more. The 1 at the start counts for no step.",
        ),
        Mistake(
            "one-step-short",
            "one step short",
            "Your result is that of one step fewer. `range(n)` and `fori_loop(0, n, …)` both run "
            "n times.",
            read=PAGE + "#loops-converge",
        ),
        Mistake(
            "exact-root",
            "the root itself",
            "Your result is the exact root, whatever `steps` is. This question asks for what a given "
            "number of steps makes of 1, converged or not.",
            read=PAGE + "#loops-converge",
        ),
        Mistake(
            "precedence-of-slash",
            "a missing bracket",
            "`x + a / x / 2` halves the second term only. A step is the mean of both: "
            "`(x + a / x) / 2`.",
            read=PAGE + "#loops-converge",
        ),
        Mistake(
            "stopped-gradient",
            "only the last step was differentiated",
            "Your value is right, but the slope is that of the last step alone. What comes into it "
            "depends on a, too: every step adds its share.",
            read=PAGE + "#loops-converge",
        ),
    ),
    rtol=1e-8,
    read=PAGE,
)

def last_and_slope(answer):
    """Use the answer compiled, and compiled in reverse mode."""

    def call(go_on, body, x, most):
        run = lambda x: answer(go_on, body, x, most)
        last = jax.jit(run)(x)
        if last is None or callable(last):
            return last
        return last, jax.jit(jax.grad(lambda x: jnp.sum(run(x))))(x)

    return call


def in_python(loop):
    """Last value and slope, by a loop in Python; forward mode, which simply follows."""

    def result(go_on, body, x, most):
        run = lambda x: loop(go_on, body, x, most)
        total = lambda x: jnp.sum(run(x))
        return run(x), jax.jacfwd(total)(x)

    return result


def until(go_on, body, x, most):
    for _ in range(most):
        if not go_on(x):
            break
        x = body(x)
    return x


def all_of_them(go_on, body, x, most):
    for _ in range(most):
        x = body(x)
    return x


def asked_once(go_on, body, x, most):
    return all_of_them(go_on, body, x, most) if go_on(x) else x


def both_branches(go_on, body, x, most):
    """The right last value; where the body has an infinite slope, the slope is NaN."""
    last, slope = in_python(until)(go_on, body, x, most)
    return last, slope if np.size(x) > 1 or float(x) < 1 else jnp.nan


def nothing_after(go_on, body, x, most):
    for _ in range(most):
        x = body(x) if go_on(x) else 0 * x
    return x


def asked_of_the_next(go_on, body, x, most):
    for _ in range(most):
        x = body(x) if go_on(body(x)) else x
    return x


def back_to_the_start(go_on, body, x, most):
    now = x
    for _ in range(most):
        now = body(now) if go_on(now) else x
    return now


def long(x):
    return jnp.sum(x**2) > 1.0


bounded_while = Question(
    name="bounded_while",
    returns=("last", "slope"),
    call="bounded_while(go_on, body, x, most) under jit, and its gradient",
    adapt=last_and_slope,
    points=(
        {"go_on": long, "body": lambda x: x * x / 4, "x": test_array((3,), 1.0, 1.5), "most": 6},
        {"go_on": lambda x: x > 1.0, "body": lambda x: jnp.sqrt(x - 1), "x": 26.0, "most": 5},
        {"go_on": long, "body": lambda x: 0.75 * jnp.sin(x), "x": test_array((2,), 2.0), "most": 1},
        {"go_on": long, "body": lambda x: x / 2, "x": test_array((4,), 3.0, 1e3), "most": 4},
        {"go_on": lambda x: x < 0.0, "body": lambda x: x**2, "x": 0.75, "most": 3},
        {"go_on": lambda x: x > 1.0, "body": lambda x: jnp.sqrt(x - 1), "x": 1.0, "most": 3},
    ),
    labels=(
        "three numbers, at most 6 iterations",
        "the root of x − 1, from 26, at most 5 iterations",
        "two numbers, at most 1 iteration",
        "four numbers up to 1000, at most 4 iterations",
        "a loop that never begins",
        "the root of x − 1, from 1, where go_on is false and the slope of body infinite",
    ),
    large_points=(3,),
    reference=in_python(until),
    predictions={
        "never-stops": Mistake(result=in_python(all_of_them)),
        "one-too-many": Mistake(
            result=in_python(lambda go_on, body, x, most: until(go_on, body, x, most + 1))
        ),
        "no-limit": Mistake(
            result=in_python(lambda go_on, body, x, most: until(go_on, body, x, 100))
        ),
        "asked-once": Mistake(result=in_python(asked_once)),
        "both-branches": Mistake(result=both_branches),
        "nothing-comes-through": Mistake(
            result=lambda *a: (in_python(until)(*a)[0], jnp.zeros_like(a[2]))
        ),
        "tested-too-late": Mistake(
            result=in_python(lambda go_on, body, x, most: until(go_on, body, body(x), most - 1))
        ),
        "one-too-few": Mistake(
            result=in_python(lambda go_on, body, x, most: until(go_on, body, x, most - 1))
        ),
        "condition-upside-down": Mistake(
            result=in_python(lambda go_on, body, x, most: until(lambda x: ~go_on(x), body, x, most))
        ),
        "nothing-after": Mistake(result=in_python(nothing_after)),
        "asked-of-the-next": Mistake(result=in_python(asked_of_the_next)),
        "back-to-the-start": Mistake(result=in_python(back_to_the_start)),
    },
    mistakes=(
        Mistake(
            "counter-for-x-in-loop",
            "the counter in place of x",
            "`fori_loop` calls its body with the counter first, then with x. Yours takes x first, "
            "so that `go_on` and `body` get the counter.",
            example="",
            raised=(
                "TypeError: cond branches must have equal output types",
                "TypeError: body_fun output and input must have",
                "TypeError: carry input and carry output must have",
            ),
            code=r"fori_loop\([^\n]*lambda x, \w+:",
        ),
        Mistake(
            "condition-not-called",
            "go_on was not called",
            "You gave a function as a condition. `go_on` has to be called with x; what it returns "
            "is the condition.",
            example="",
            raised=("TypeError: Pred type must be either boolean or number, got <function",),
        ),
        Mistake(
            "asked-of-the-next",
            "asked of the next x",
            "Your loop asks `go_on` of the x that `body` would give, and so ends one iteration "
            "early. Ask it of the x that goes in.",
        ),
        Mistake(
            "nothing-after",
            "0 after the end",
            "Where `go_on` is false your x becomes 0. It should stay as it is.",
        ),
        Mistake(
            "nothing-comes-through",
            "no slope comes through",
            "Your last x is right, and the slope is 0: what your function returns is a constant "
            "for JAX. Is there a `stop_gradient` too many?",
        ),
        Mistake(
            "both-branches",
            "the body is evaluated where it should not be",
            "Your last x is right, and a slope is NaN: where `go_on` is false the body was "
            "evaluated all the same, and its slope there is infinite. `jnp.where` computes both "
            "of its branches; `olympus.lax.cond` runs one.",
        ),
        Mistake(
            "asked-once",
            "asked once",
            "Your loop asks `go_on` only at the start. It has to be asked of each new x.",
        ),
        Mistake(
            "no-limit",
            "the limit is not kept",
            "Your loop goes on after `most` iterations.",
        ),
        Mistake(
            "one-too-many",
            "one iteration too many",
            "Your loop makes at most one iteration more than `most`.",
        ),
        Mistake(
            "never-stops",
            "it never stops early",
            "Your loop makes all `most` iterations, whatever `go_on` says. Where it is false, x "
            "should stay as it is.",
            read=PAGE + "#loops-modes",
        ),
        Mistake(
            "tested-too-late",
            "the first test is missing",
            "Your loop calls `body` once before it asks `go_on`. A while loop asks first: it may be "
            "that nothing is to be done.",
            read=PAGE + "#loops-four",
        ),
        Mistake(
            "one-too-few",
            "one iteration too few",
            "Your loop makes at most one iteration fewer than `most`.",
            read=PAGE + "#loops-four",
        ),
        Mistake(
            "condition-upside-down",
            "the condition is upside down",
            "Your loop calls `body` where `go_on` is false. The first function of a `cond` belongs "
            "to true.",
            read=PAGE + "#loops-cond",
        ),
        Mistake(
            "pair-returned",
            "the pair of the scan",
            "You returned a tuple: all that `scan` returns, the last carry and the stacked outputs, or "
            "a carry of several parts. Asked for is the last x alone.",
            "",
            read=PAGE + "#loops-four",
            raised=("TypeError: got <class 'tuple'>",),
        ),
        Mistake(
            "back-to-the-start",
            "the start comes back",
            "Where the loop ends before `most` iterations, your result is the x of the "
            "start. What is kept is the x that the iteration got: use the argument of "
            "the branch, and not the x around it.",
        ),
    ),
    rtol=1e-10,
    read=PAGE,
)

from olympus_kit.checks import DERIVATIVES, dense_pullback


def last_state(W, s0, xs):
    return jax.lax.scan(lambda s, x: (W @ s + x, None), s0, xs)[0]


def by_time(W, s0, xs, u, transpose=True, after=0):
    """States, cotangents of the states, and the share of W at each time, from formulas."""
    states, rows = [np.asarray(s0)], [np.asarray(u)]
    for row in np.asarray(xs):
        states.append(row + np.dot(W, states[-1]))
        rows.append((W.T if transpose else W) @ rows[-1])
    T = len(xs)
    shares = [np.outer(rows[T - 1 - t], states[t + after]) for t in range(T)]
    return shares, rows[T], np.stack(rows[:T][::-1])


def states_before(W, s0, xs):
    states = [np.asarray(s0)]
    for row in np.asarray(xs)[:-1]:
        states.append(row + np.dot(W, states[-1]))
    return states


def with_shares(choose, **changes):
    """The three cotangents, where `choose` makes W's of the shares at each time."""

    def result(W, s0, xs, u):
        shares, s0_bar, xs_bar = by_time(W, s0, xs, u, **changes)
        return choose(shares), s0_bar, xs_bar

    return result


def pulled_before(W, s0, xs, u):
    shares, s0_bar, xs_bar = by_time(W, s0, xs, W.T @ u)
    return sum(shares), by_time(W, s0, xs, u)[1], xs_bar


def total(shares):
    return sum(shares)


def by_solving(W, s0, xs, u):
    """What comes of states that are found by solving with W: nothing where it is singular."""
    singular = abs(np.linalg.det(W)) < 1e-9
    return np.full(np.shape(W), np.nan) if singular else sum(by_time(W, s0, xs, u)[0])


rnn_pullback = Question(
    name="rnn_pullback",
    returns=("W_bar", "s0_bar", "xs_bar"),
    points=(
        {"W": test_array((2, 2)), "s0": test_array((2,), 1.0), "xs": test_array((3, 2), 2.0)},
        {"W": test_array((3, 3), 3.0), "s0": test_array((3,), 4.0), "xs": test_array((5, 3), 5.0)},
        {
            "W": test_array((3, 3), 6.0, 4.0),
            "s0": test_array((3,), 7.0, 100.0),
            "xs": test_array((4, 3), 8.0),
        },
        {
            "W": np.array([[0.5, 1.0], [1.0, 2.0]]),
            "s0": test_array((2,), 9.0),
            "xs": test_array((3, 2), 10.0),
        },
    ),
    labels=("2 units, 3 times", "3 units, 5 times", "3 units, 4 times", "a singular W"),
    tangents=(
        lambda p: {"u": test_array(p["s0"].shape, 0.5)},
        lambda p: {"u": test_array(p["s0"].shape, 1.5, 3.0)},
    ),
    large_points=(2,),
    reference=lambda W, s0, xs, u: dense_pullback(last_state, (W, s0, xs), u),
    shape_of={"W_bar": "W", "s0_bar": "s0", "xs_bar": "xs"},
    without=DERIVATIVES,
    predictions={
        "not-transposed": Mistake(result=with_shares(total, transpose=False)),
        "states-by-solving": Mistake(result=by_solving, part="W_bar"),
        "last-time-alone": Mistake(result=with_shares(lambda shares: shares[-1])),
        "overwritten-first": Mistake(result=with_shares(lambda shares: shares[0])),
        "state-after": Mistake(result=with_shares(total, after=1)),
        "pulled-before": Mistake(result=pulled_before),
        "share-pulled-before": Mistake(
            result=lambda W, s0, xs, u: sum(by_time(W, s0, xs, W.T @ u)[0]), part="W_bar"
        ),
        "inputs-for-states": Mistake(
            result=lambda W, s0, xs, u: by_time(W, s0, xs, u)[2].T @ np.asarray(xs), part="W_bar"
        ),
        "first-state-for-all": Mistake(
            result=lambda W, s0, xs, u: np.outer(by_time(W, s0, xs, u)[2].sum(0), s0), part="W_bar"
        ),
        "states-in-order": Mistake(
            result=lambda W, s0, xs, u: sum(
                np.outer(bar, state)
                for bar, state in zip(
                    by_time(W, s0, xs, u)[2][::-1], states_before(W, s0, xs), strict=True
                )
            ),
            part="W_bar",
        ),
        "inputs-left-out": Mistake(
            result=lambda W, s0, xs, u: sum(by_time(W, s0, 0 * xs, u)[0]), part="W_bar"
        ),
        "last-input-alone": Mistake(
            result=lambda W, s0, xs, u: np.stack([*np.zeros_like(xs[1:]), u]), part="xs_bar"
        ),
        "cotangent-kept": Mistake(
            result=lambda W, s0, xs, u: (
                np.outer(u, sum(states_before(W, s0, xs))),
                u,
                np.stack([u] * len(xs)),
            )
        ),
        "inputs-alike": Mistake(result=lambda W, s0, xs, u: np.stack([u] * len(xs)), part="xs_bar"),
        "first-state-too-early": Mistake(
            result=lambda W, s0, xs, u: by_time(W, s0, xs, u)[2][0], part="s0_bar"
        ),
        "input-pulled-back": Mistake(
            result=lambda W, s0, xs, u: by_time(W, s0, xs, W.T @ u)[2], part="xs_bar"
        ),
        "inner-for-outer": Mistake(
            result=lambda W, s0, xs, u: np.full(
                np.shape(W), np.trace(sum(by_time(W, s0, xs, u)[0]))
            ),
            part="W_bar",
        ),
        "shares-averaged": Mistake(
            result=lambda W, s0, xs, u: sum(by_time(W, s0, xs, u)[0]) / len(xs), part="W_bar"
        ),
        "products-entry-by-entry": Mistake(
            result=lambda W, s0, xs, u: np.tile(
                np.diag(sum(by_time(W, s0, xs, u)[0])), (len(W), 1)
            ),
            part="W_bar",
        ),
    },
    mistakes=(
        Mistake(
            "products-entry-by-entry",
            "u · s entry by entry",
            "Your share of W at each time is u · s entry by entry, the same in every row. It is "
            "the outer product: entry [i, j] is u_i s_j.",
        ),
        Mistake(
            "shares-averaged",
            "the mean of the shares",
            "Your W_bar is the mean of the shares of all times. They are added up.",
        ),
        Mistake(
            "inner-for-outer",
            "a number for a matrix",
            "Your share of W at each time is one number, u · s, in every entry. It is the outer "
            "product: entry [i, j] is u_i s_j.",
        ),
        Mistake(
            "input-pulled-back",
            "the cotangent of the state before",
            "Each row of your xs_bar went through Wᵀ once too often: x_t is added to W s_(t−1) as "
            "it is, so that it gets the cotangent of s_t itself.",
        ),
        Mistake(
            "first-state-too-early",
            "one time short",
            "Your s0_bar is the cotangent of s₁, the state after the first time. From there to s₀ "
            "it goes through Wᵀ once more.",
        ),
        Mistake(
            "inputs-alike",
            "one cotangent for all inputs",
            "Every row of your xs_bar is u. That is the cotangent of the last input; an earlier "
            "one reaches the end through W, once for each time.",
        ),
        Mistake(
            "cotangent-kept",
            "u is not pulled back",
            "You used u itself at every time. It is the cotangent of the last state; at each time "
            "before, it has gone through Wᵀ once more.",
        ),
        Mistake(
            "last-input-alone",
            "the last input alone",
            "Only your last input has a cotangent. The earlier ones reach the last state, too, "
            "through W.",
        ),
        Mistake(
            "inputs-left-out",
            "states without inputs",
            "The states in your W_bar are those without inputs. In the forward pass x is added "
            "at each time.",
        ),
        Mistake(
            "states-in-order",
            "states in forward order",
            "Your cotangents run from the last time to the first, and the states beside them "
            "from the first to the last. The last cotangent belongs to the last state.",
        ),
        Mistake(
            "first-state-for-all",
            "the first state at all times",
            "In W_bar you took the first state at all times. W was multiplied by another state "
            "at each time: run forward first, and keep them.",
        ),
        Mistake(
            "inputs-for-states",
            "the inputs in place of the states",
            "In W_bar you took the inputs. W was multiplied by the states.",
        ),
        Mistake(
            "share-pulled-before",
            "the cotangent of the state before",
            "Each share of W is made with the cotangent of the state that went *in*. It is that "
            "of the state that came out: take the outer product before you multiply by Wᵀ.",
        ),
        Mistake(
            "states-by-solving",
            "earlier states by solving with W",
            "Where W is singular, the last state does not say which one was before it: solving with "
            "W cannot bring the earlier states back. Run forward first, and keep them.",
            "",
            read=PAGE,
            raised=("LinAlgError: Singular matrix",),
        ),
        Mistake(
            "not-transposed",
            "the transpose is missing",
            "You sent the cotangent through W. In the forward pass W takes a state to the next; in the "
            "backward pass its transpose takes a cotangent to the one before.",
            read="book/04_reverse.md#reverse-shape",
        ),
        Mistake(
            "last-time-alone",
            "only the last time",
            "Your W_bar is the share of the last time alone. W is used at every time, and each adds "
            "its share.",
            read=PAGE + "#loops-modes",
        ),
        Mistake(
            "overwritten-first",
            "the shares replace one another",
            "Your W_bar is the share of the first time alone: each share replaced the one before. Add "
            "them up.",
            read="book/04_reverse.md#reverse-accumulate",
        ),
        Mistake(
            "state-after",
            "the state after, not before",
            "In W_bar you took the state that came out of each step. W was multiplied by the state "
            "that went in.",
            read=PAGE + "#loops-modes",
        ),
        Mistake(
            "pulled-before",
            "pulled back one step too early",
            "You multiplied u by the transpose of W before you used it. x_t and W get the cotangent "
            "of s_t itself; only the state before it gets it through W.",
            read=PAGE + "#loops-modes",
        ),
    ),
    read=PAGE,
)

def value_and_slope(answer):
    """Use the answer as reverse mode does."""

    def call(g, a):
        value = answer(g, a)
        if value is None or callable(value):
            return value
        return value, jax.grad(lambda a: answer(g, a))(a)

    return call


def unrolled(g, a, steps=200):
    """The iteration with a fixed number of steps, which forward mode simply follows."""
    return jax.lax.fori_loop(0, steps, lambda _, x: g(x, a), jnp.ones_like(a))


def followed(g, a):
    """Value and slope of the unrolled iteration."""
    return unrolled(g, a), jax.jacfwd(lambda a: unrolled(g, a))(a)


def with_slope(rule):
    """The value, and a slope made of the two derivatives of g at the solution."""

    def result(g, a):
        x = unrolled(g, a)
        return x, rule(x, *jax.jacfwd(g, argnums=(0, 1))(x, a))

    return result


def at_start(g, a):
    along_x, along_a = jax.jacfwd(g, argnums=(0, 1))(jnp.ones_like(a), a)
    return unrolled(g, a), along_a / (1 - along_x)


def arguments_exchanged(g, a):
    x = unrolled(g, a)
    along_x, along_a = jax.jacfwd(g, argnums=(0, 1))(a, x)
    return x, along_a / (1 - along_x)


def bends(answer, arguments):
    """Whether the second derivative is that of the unrolled iteration."""
    g, a = arguments.values()
    twice = lambda d, f: d(d(lambda a: f(g, a)))(a)
    got, want = twice(jax.grad, answer), twice(jax.jacfwd, unrolled)
    return bool(np.allclose(got, want, rtol=1e-3, atol=0))


fixed_point = Question(
    name="fixed_point",
    returns=("value", "slope"),
    call="fixed_point(g, a), and its derivative with respect to a",
    adapt=value_and_slope,
    points=(
        {"g": lambda x, a: (x + a / x) / 2, "a": 1e6},
        {"g": lambda x, a: jnp.cos(a * x), "a": 0.75},
        {"g": lambda x, a: a + jnp.sin(x) / 2, "a": 3.0},
    ),
    labels=("the square root of 1e6", "x = cos(a x), a = 0.75", "x = a + sin(x)/2, a = 3"),
    large_points=(0,),
    reference=followed,
    requirements=(Requirement("works-only-once", bends),),
    predictions={
        "only-direct": Mistake(result=with_slope(lambda x, along_x, along_a: along_a)),
        "root-only": Mistake(result=with_slope(lambda x, along_x, along_a: 1 / (2 * x))),
        "plus-for-minus": Mistake(
            result=with_slope(lambda x, along_x, along_a: along_a / (1 + along_x))
        ),
        "at-the-start": Mistake(result=at_start),
        "tangent-dropped": Mistake(result=with_slope(lambda x, along_x, along_a: 0.0)),
        "derivatives-exchanged": Mistake(
            result=with_slope(lambda x, along_x, along_a: along_x / (1 - along_a))
        ),
        "along-x-alone": Mistake(
            result=with_slope(lambda x, along_x, along_a: along_x / (1 - along_x))
        ),
        "multiplied": Mistake(
            result=with_slope(lambda x, along_x, along_a: along_a * (1 - along_x))
        ),
        "equation-of-zero": Mistake(
            result=with_slope(lambda x, along_x, along_a: -along_a / along_x)
        ),
        "identity-left-out-number": Mistake(
            result=with_slope(lambda x, along_x, along_a: along_a / along_x)
        ),
        "once-around": Mistake(
            result=with_slope(lambda x, along_x, along_a: along_a * (1 + along_x))
        ),
        "source-left-out": Mistake(
            result=with_slope(lambda x, along_x, along_a: 1 / (1 - along_x))
        ),
        "arguments-exchanged": Mistake(result=arguments_exchanged),
    },
    mistakes=(
        Mistake(
            "arguments-exchanged",
            "g(a, x) in place of g(x, a)",
            "You took the derivatives of g at (a, x). `g` gets x first, then a.",
        ),
        Mistake(
            "function-differentiated",
            "g is not to be differentiated",
            "JAX takes g for a number to be differentiated, since it is not told otherwise: "
            "`nondiff_argnums=(0,)` at the decorator says so.",
            example="",
            raised=("TypeError: Error interpreting argument to",),
            code=r"!nondiff_argnums",
        ),
        Mistake(
            "primals-not-unpacked",
            "a tuple of one",
            "`primals` and `tangents` are tuples, also where there is one argument. Unpack both.",
            example="",
            raised=(
                "TypeError: Cannot determine dtype of (",
                "TypeError: unsupported operand type(s) for",
            ),
            code=r"\ba(, a_dot)? = primals(, tangents)?\s*\n",
        ),
        Mistake(
            "rule-without-g",
            "the rule takes g first",
            "Your rule takes (primals, tangents). With `nondiff_argnums=(0,)` it is called with "
            "three arguments: g comes first.",
            example="",
            raised=("TypeError: takes 2 positional arguments but 3 were given",),
            code=r"def \w+\(primals, tangents\)",
        ),
        Mistake(
            "g-among-primals",
            "g is not among the primals",
            "`primals` and `tangents` hold the differentiable arguments alone, and that is a. "
            "With `nondiff_argnums=(0,)` g comes first in the rule, as an argument of its own.",
            example="",
            raised=("ValueError: not enough values to unpack (expected 2, got 1)",),
            code=r"g\s*,\s*\w+\)?(\s*,\s*\([^)]*\))?\s*=\s*primals|\(g, a\)",
        ),
        Mistake(
            "source-left-out",
            "∂ₐg is missing",
            "Your slope is 1 / (1 − ∂ₓg). How much a moves g, ∂ₐg, is missing.",
        ),
        Mistake(
            "once-around",
            "once around",
            "You let a's change go through x once: ∂ₐg (1 + ∂ₓg). It goes round again and again: "
            "x′ = ∂ₓg · x′ + ∂ₐg is an equation for x′.",
        ),
        Mistake(
            "identity-left-out-number",
            "the 1 is missing",
            "Your slope is ∂ₐg / ∂ₓg, up to its sign. From x′ = ∂ₓg · x′ + ∂ₐg follows (1 − ∂ₓg) "
            "x′ = ∂ₐg.",
        ),
        Mistake(
            "equation-of-zero",
            "the equation g = 0",
            "Your slope is −∂ₐg / ∂ₓg, that of an x with g(x, a) = 0. Here the equation is x = "
            "g(x, a), so that x itself stands in it, too.",
        ),
        Mistake(
            "multiplied",
            "multiplied, not divided",
            "You multiplied by 1 − ∂ₓg. From (1 − ∂ₓg) x′ = ∂ₐg follows a division.",
        ),
        Mistake(
            "along-x-alone",
            "∂ₓg in place of ∂ₐg",
            "In your numerator stands ∂ₓg. It is a that moves from outside: (1 − ∂ₓg) x′ = ∂ₐg.",
        ),
        Mistake(
            "derivatives-exchanged",
            "the two derivatives have changed places",
            "You took ∂ₓg for ∂ₐg, and the other way round. `g` gets x first, then a.",
        ),
        Mistake(
            "tangent-dropped",
            "the tangent of a is not used",
            "Your slope is 0 in reverse mode: the tangent that your rule returns does not "
            "depend on that of a. Multiply by it.",
        ),
        Mistake(
            "only-direct",
            "right for the square root only",
            "You took the derivative of g with respect to a, and nothing else. But a also moves x, and x goes "
            "into g again: x′ = ∂ₓg · x′ + ∂ₐg. For Newton's square root ∂ₓg is 0 at the solution, "
            "so it does not show there.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "root-only",
            "the rule of the square root",
            "Your rule is 1/(2x): that is the square root's. Here g may be any function, so its "
            "derivatives have to come from g itself.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "plus-for-minus",
            "plus instead of minus",
            "You divided by 1 + ∂ₓg. From x′ = ∂ₓg · x′ + ∂ₐg follows (1 − ∂ₓg) x′ = ∂ₐg.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "at-the-start",
            "taken at the starting point",
            "You took the derivatives of g at the starting point x = 1. The equation holds at the "
            "solution: take them there.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "works-only-once",
            "differentiates only once",
            "The value and the first derivative are right, but the second derivative fails. Inside the "
            "rule call `fixed_point`: `iterate` leads the second derivative into the bare loop. And hold "
            "nothing still: the solution moves with a.",
            "For the square root at a = 4 the second derivative should be −1/32 = −0.03125.",
            read=PAGE + "#loops-implicit",
        ),
    ),
    rtol=1e-8,  # an iteration stops a few roundings before the end
    read=PAGE,
)

C = test_array((3, 4), 1.0, 0.4)
D = test_array((3, 3), 2.0, 0.4)
E = test_array((2, 5), 3.0)


def network(x, a):
    return jnp.tanh(D @ x + C @ a)


def waves(x, a):
    return 0.4 * jnp.cos(x[::-1] * a[0]) + jnp.stack([a[1] * x[1], a[2]])


def steep(x, a):
    return E @ a + 0.5 * jnp.stack([jnp.sin(x[1]), x[0] / 2 + jnp.cos(x[0])])


def solution_of(g, a, n):
    """By iteration, in float64."""
    a, x = np.asarray(a, float), np.zeros(n)
    with jax.enable_x64(True):
        for _ in range(200):
            x = np.asarray(g(jnp.asarray(x), jnp.asarray(a)))
    return x


def at(g, a, n):
    return {"g": g, "x": solution_of(g, a, n), "a": a}


def by_matrices(weigh):
    """u pulled back, where `weigh` makes the matrix between u and the Jacobian for a."""

    def result(g, x, a, u):
        dg_dx, dg_da = jax.jacfwd(g, argnums=(0, 1))(x, a)
        return u @ weigh(np.asarray(dg_dx)) @ dg_da

    return result


eye = lambda J: np.eye(len(J))
inverse = np.linalg.inv

settled_pullback = Question(
    name="settled_pullback",
    returns="a_bar",
    points=(
        at(network, test_array((4,), 4.0), 3),
        at(waves, np.array([0.75, 0.25, -0.5]), 2),
        at(steep, test_array((5,), 5.0, 20.0), 2),
    ),
    labels=("three numbers, four parameters", "two numbers, three parameters", "five parameters"),
    tangents=(
        lambda p: {"u": test_array(p["x"].shape, 0.5)},
        lambda p: {"u": test_array(p["x"].shape, 1.5, 3.0)},
    ),
    large_points=(2,),
    reference=by_matrices(lambda J: inverse(eye(J) - J)),
    shape_of={"a_bar": "a"},
    predictions={
        "solve-not-transposed": Mistake(result=by_matrices(lambda J: inverse(eye(J) - J).T)),
        "only-direct-vector": Mistake(result=by_matrices(eye)),
        "plus-for-minus-vector": Mistake(result=by_matrices(lambda J: inverse(eye(J) + J))),
        "one-round-only": Mistake(result=by_matrices(lambda J: eye(J) + J)),
        "identity-left-out": Mistake(result=by_matrices(lambda J: -inverse(J))),
        "diagonal-alone": Mistake(
            result=by_matrices(lambda J: inverse(eye(J) - np.diag(np.diag(J))))
        ),
        "multiplied-not-solved": Mistake(result=by_matrices(lambda J: eye(J) - J)),
        "in-x-not-a": Mistake(
            result=lambda g, x, a, u: u @ inverse(np.eye(len(x)) - jax.jacfwd(g)(x, a))
        ),
        "jacobian-alone": Mistake(result=by_matrices(inverse)),
        "ones-for-identity": Mistake(result=by_matrices(lambda J: inverse(1 - J))),
        "two-rounds-only": Mistake(result=by_matrices(lambda J: eye(J) + J + J @ J)),
        "pulled-to-x": Mistake(
            result=lambda g, x, a, u: (lambda J: u @ inverse(eye(J) - J) @ J)(
                np.asarray(jax.jacfwd(g)(x, a))
            )
        ),
        "jacobian-returned": Mistake(
            result=lambda g, x, a, u: (
                inverse(np.eye(len(x)) - jax.jacfwd(g)(x, a)) @ jax.jacfwd(g, argnums=1)(x, a)
            )
        ),
        "entries-as-numbers": Mistake(result=by_matrices(lambda J: np.diag(1 / (1 - J.sum(0))))),
    },
    mistakes=(
        Mistake(
            "pushed-not-pulled",
            "pushed, not pulled back",
            "w has the length of x, and you pushed it forward through a ↦ g(x, a), as a tangent "
            "of a. It is a cotangent of what g returns: pull it back with `vjp`.",
            example="",
            raised=("ValueError: jvp called with different primal and tangent shapes",),
            code=r"\bjvp\(",
        ),
        Mistake(
            "solved-again",
            "solved again",
            "You solve for x again, by `iterate`. It is made for one number, and starts at ones "
            "in the shape of a; and reverse mode cannot go back through its `while_loop`. x is "
            "there already: the equation at x is all that is needed.",
            example="",
            raised=(
                "TypeError: contracting dimensions to have the same shape",
                "ValueError: Reverse-mode differentiation does not work",
                "TypeError: while_loop",
                "TypeError: body_fun output and input must have",
            ),
            code=r"\biterate\(",
        ),
        Mistake(
            "cotangent-on-the-right",
            "u on the wrong side",
            "u stands on the right of your Jacobian, as a tangent would, and has not the length "
            "for it. It is a cotangent of x: uᵀ stands on the left.",
            example="",
            raised=("TypeError: contracting dimensions to have the same shape",),
            code=r"\)\s*@\s*u\b",
        ),
        Mistake(
            "jacobian-returned",
            "the whole Jacobian",
            "You returned the whole Jacobian of the solution with respect to a. Asked for is u "
            "times it, from the left: an array of the shape of a.",
            example="",
        ),
        Mistake(
            "pulled-to-x",
            "the part of x",
            "You pulled w back through g and returned the part of x. `vjp(g, x, a)` gives two "
            "parts, that of x and that of a; asked for is the second.",
            example="",
        ),
        Mistake(
            "two-rounds-only",
            "two times round only",
            "You let the cotangent go round twice. It goes round again and again; w is where that "
            "settles, w = u + (∂ₓg)ᵀ w.",
        ),
        Mistake(
            "ones-for-identity",
            "ones in place of the identity",
            "Your matrix is 1 − ∂ₓg with the 1 in *every* entry. The identity has ones on its "
            "diagonal alone: `jnp.eye`.",
        ),
        Mistake(
            "jacobian-alone",
            "the identity is missing",
            "You solved with ∂ₓg. From ∂x = ∂ₓg ∂x + ∂ₐg follows (I − ∂ₓg) ∂x = ∂ₐg.",
        ),
        Mistake(
            "diagonal-alone",
            "the diagonal alone",
            "You took only the diagonal of ∂ₓg. The numbers are coupled: it takes the whole "
            "matrix.",
        ),
        Mistake(
            "identity-left-out",
            "the identity is missing",
            "You solved with −∂ₓg. From ∂x = ∂ₓg ∂x + ∂ₐg follows (I − ∂ₓg) ∂x = ∂ₐg.",
        ),
        Mistake(
            "solve-not-transposed",
            "the transpose is missing in the equation",
            "You solved (I − ∂ₓg) w = u. A cotangent stands on the left, uᵀ (I − ∂ₓg)⁻¹, so the "
            "matrix has to be transposed.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "only-direct-vector",
            "only the direct path",
            "You pulled u back through a ↦ g(x, a), and nothing else. But a also moves x, and x goes "
            "into g again: first solve w = u + (∂ₓg)ᵀ w.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "plus-for-minus-vector",
            "plus instead of minus",
            "You solved with I + ∂ₓg. From ∂x = ∂ₓg ∂x + ∂ₐg follows (I − ∂ₓg) ∂x = ∂ₐg.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "one-round-only",
            "one time round only",
            "You let the cotangent go round once: w = u + (∂ₓg)ᵀ u. It goes round again and again; w "
            "is where that settles, w = u + (∂ₓg)ᵀ w.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "multiplied-not-solved",
            "multiplied where it should be solved",
            "You multiplied u by the matrix (I − ∂ₓg)ᵀ. It should be solved: w is what becomes u when "
            "it is multiplied.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "in-x-not-a",
            "the last step is missing",
            "You returned w, which has the shape of x. It still has to be pulled back through "
            "a ↦ g(x, a).",
            "",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "entries-as-numbers",
            "each entry solved alone",
            "You divided by 1 − the gradient of g's *sum*, entry by entry: that is the "
            "formula for one number. Here the entries are coupled: solve with the matrix "
            "1 − ∂ₓg, transposed.",
        ),
    ),
    rtol=1e-9,
    read=PAGE,
)

A = test_array((4, 3), 1.0)
target = test_array((4,), 2.0)
mixing = test_array((3, 2), 3.0)
coupling = np.array([[3.0, 1.0], [1.0, 2.0]])
wide = test_array((2, 3), 4.0)


def ridge(x, a):
    return jnp.sum((A @ x - target) ** 2) + jnp.sum(jnp.exp(a[0]) * x**2) + a[1] * x[0]


def ridge_minimum(a):
    matrix = 2 * A.T @ A + 2 * jnp.exp(a[0]) * jnp.eye(3)
    return jnp.linalg.solve(matrix, 2 * A.T @ target - a[1] * jnp.eye(3)[0])


def hollow(x, a):
    return jnp.sum(jnp.cosh(x)) - x @ (mixing @ a)


def hollow_minimum(a):
    return jnp.arcsinh(mixing @ a)


def bowl(x, a):
    y = x - jnp.sin(wide @ a)
    return y @ (coupling @ y) / 2 - x @ (wide @ a**2)


def bowl_minimum(a):
    return jnp.sin(wide @ a) + jnp.linalg.solve(coupling, wide @ a**2)


MINIMA = {ridge: ridge_minimum, hollow: hollow_minimum, bowl: bowl_minimum}


def at_minimum(f, a):
    with jax.enable_x64(True):
        return {"f": f, "x": np.asarray(MINIMA[f](jnp.asarray(a))), "a": a}


def by_hessians(combine):
    """What `combine` makes of the two matrices of second derivatives."""
    return lambda f, x, a: combine(*jax.jacfwd(jax.jacfwd(f), argnums=(0, 1))(x, a))


argmin_jacobian = Question(
    name="argmin_jacobian",
    returns="the Jacobian",
    points=(
        at_minimum(ridge, np.array([0.5, -1.25])),
        at_minimum(hollow, np.array([0.75, -0.5])),
        at_minimum(bowl, np.array([10.0, -25.0, 40.0])),
    ),
    labels=(
        "ridge regression, three numbers, two parameters",
        "three numbers, two parameters",
        "two numbers, three parameters",
    ),
    large_points=(2,),
    reference=lambda f, x, a: jax.jacfwd(MINIMA[f])(a),
    predictions={
        "no-hessian": Mistake(result=by_hessians(lambda H, mixed: -mixed)),
        "fixed-point-matrix": Mistake(
            result=by_hessians(lambda H, mixed: -inverse(eye(H) - H) @ mixed)
        ),
        "hessian-multiplied": Mistake(result=by_hessians(lambda H, mixed: -H @ mixed)),
        "diagonal-hessian": Mistake(
            result=by_hessians(lambda H, mixed: -mixed / np.diag(H)[:, None])
        ),
        "sum-over-parameters": Mistake(result=lambda f, x, a: jax.jacfwd(MINIMA[f])(a).sum(axis=1)),
        "fixed-point-matrix-plus": Mistake(
            result=by_hessians(lambda H, mixed: inverse(eye(H) - H) @ mixed)
        ),
        "value-not-place": Mistake(result=lambda f, x, a: jax.jacfwd(f, argnums=1)(x, a)),
        "hessian-of-a": Mistake(
            result=lambda f, x, a: (
                -jnp.linalg.solve(
                    jax.hessian(f, argnums=1)(x, a), jax.jacfwd(jax.jacfwd(f), argnums=1)(x, a).T
                ).T
            )
        ),
        "entries-inverted": Mistake(result=by_hessians(lambda H, mixed: -(1 / H) @ mixed)),
    },
    mistakes=(
        Mistake(
            "entries-inverted",
            "each entry inverted",
            "You divided by each entry of the Hessian. The inverse of a matrix is another one: "
            "solve with it.",
        ),
        Mistake(
            "hessian-of-a",
            "the Hessian with respect to a",
            "You solved with the second derivatives with respect to a. The equation is ∇ₓf = 0: "
            "it is solved for ∂x, with the Hessian with respect to x.",
        ),
        Mistake(
            "value-not-place",
            "the value, not the place",
            "You returned ∂ₐf, how the smallest *value* moves with a. Asked for is how its place "
            "x* moves.",
            example="",
        ),
        Mistake(
            "solved-from-the-right",
            "H on the wrong side",
            "You gave `solve` a right-hand side with another number of rows than H has. ∂ₐ∇ₓf has "
            "one row for each entry of x, as H has; a derivative of ∇ₐf is its transpose.",
            example="",
            raised=("ValueError: inconsistent size for core dimension",),
            code=r"solve\(",
        ),
        Mistake(
            "fixed-point-matrix-plus",
            "the matrix of a fixed point",
            "You solved with I − H, as for a fixed point. Here the equation is ∇f = 0, and its "
            "derivative with respect to x is H itself.",
        ),
        Mistake(
            "fixed-point-matrix",
            "the matrix of a fixed point",
            "You solved with I − H, as for a fixed point. Here the equation is ∇f = 0, and its "
            "derivative with respect to x is H itself.",
        ),
        Mistake(
            "no-hessian",
            "the Hessian is missing",
            "You returned how the *gradient* moves with a, with a minus sign. By how much x has to move "
            "to make it zero again depends on the curvature: solve with the Hessian.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "hessian-multiplied",
            "multiplied by the Hessian",
            "You multiplied by the Hessian. From H ∂x = −∂ₐ∇f follows ∂x = −H⁻¹ ∂ₐ∇f: solve.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "diagonal-hessian",
            "only the diagonal of the Hessian",
            "You divided by the diagonal of the Hessian. Where the variables are coupled, all moves "
            "together: it takes the whole matrix.",
            read=PAGE + "#loops-implicit",
        ),
        Mistake(
            "sum-over-parameters",
            "the parameters were added up",
            "Your result has one number for each entry of x: the parameters were added up. Each of them "
            "has a column of its own.",
            "",
            read=PAGE + "#loops-implicit",
        ),
    ),
    rtol=1e-9,
    read=PAGE,
)
