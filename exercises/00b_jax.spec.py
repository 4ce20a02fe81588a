"""The specifications of 00b_jax.md, released from solutions/00b_jax.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import CostLimit, Mistake, Question, Requirement, test_array

FACTS = "book/00_start.md#start-facts"


def scaled(x, i):
    """The matrix times a diagonal of ones, with a two at place i."""
    return np.diag(1.0 + np.eye(len(x))[i]) @ x


with_row_doubled = Question(
    name="with_row_doubled",
    returns="matrix",
    points=(
        {"x": test_array((3, 3)), "i": 1},
        {"x": test_array((3, 3), phase=1.0), "i": 0},
        {"x": test_array((4, 3), phase=2.0, scale=500.0), "i": 2},
        {"x": np.tile(test_array((1, 5)), (3, 1)), "i": 1},
    ),
    labels=(
        "x of shape (3, 3), i = 1",
        "x of shape (3, 3), i = 0",
        "x of shape (4, 3), i = 2",
        "three equal rows of 5, i = 1",
    ),
    large_points=(2,),
    reference=scaled,
    shape_of={"matrix": "x"},
    predictions={
        "result-forgotten": Mistake(result=lambda x, i: x),
        "all-rows-doubled": Mistake(result=lambda x, i: 2 * x),
        "column-doubled": Mistake(result=lambda x, i: x @ np.diag(1.0 + np.eye(x.shape[1])[i])),
        "row-alone": Mistake(result=lambda x, i: 2 * x[i]),
        "row-of-twos": Mistake(
            result=lambda x, i: np.where(np.arange(len(x))[:, None] == i, 2.0, x)
        ),
        "row-plus-two": Mistake(
            result=lambda x, i: np.where(np.arange(len(x))[:, None] == i, x + 2.0, x)
        ),
        "row-squared": Mistake(
            result=lambda x, i: np.where(np.arange(len(x))[:, None] == i, x**2, x)
        ),
        "neighbouring-row": Mistake(result=lambda x, i: scaled(x, i - 1)),
        "next-row": Mistake(result=lambda x, i: scaled(x, (i + 1) % len(x))),
        "other-rows-lost": Mistake(
            result=lambda x, i: np.where(np.arange(len(x))[:, None] == i, 2.0 * x, 0.0)
        ),
        "one-entry-doubled": Mistake(
            result=lambda x, i: x * (1.0 + np.outer(np.eye(len(x))[i], np.eye(x.shape[1])[0]))
        ),
        "diagonal-doubled": Mistake(
            result=lambda x, i: x * (1.0 + np.outer(np.eye(len(x))[i], np.eye(x.shape[1])[i]))
        ),
    },
    mistakes=(
        Mistake(
            "result-forgotten",
            "the new array was not used",
            "You returned x as it was. `.at[i].set(...)` does not change x: it returns a new array, and "
            "that is what has to be returned.",
            read=FACTS,
        ),
        Mistake(
            "all-rows-doubled",
            "all rows doubled",
            "You doubled the whole matrix. Only row i should be twice as large.",
            read=FACTS,
        ),
        Mistake(
            "column-doubled",
            "a column in place of a row",
            "You doubled column i. The first index counts the rows: x.at[i] is row i, x.at[:, i] is "
            "column i.",
            read=FACTS,
        ),
        Mistake(
            "row-alone",
            "the row alone",
            "You returned row i alone. The other rows belong to the result, too.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read=FACTS,
        ),
        Mistake(
            "row-of-twos",
            "a row of twos",
            "Row i of yours holds the number 2. It should hold twice what was there.",
            read=FACTS,
        ),
        Mistake(
            "row-plus-two",
            "two added",
            "You added 2 to row i. Twice as large means that each entry is multiplied by 2.",
        ),
        Mistake(
            "row-squared",
            "squared",
            "You squared row i. Twice as large means that each entry is multiplied by 2.",
        ),
        Mistake(
            "neighbouring-row",
            "one row too early",
            "You doubled row i − 1. Rows are counted from 0, and so is i: `x.at[i]` is the right "
            "one.",
        ),
        Mistake(
            "next-row",
            "one row too late",
            "You doubled row i + 1. Rows are counted from 0, and so is i: `x.at[i]` is the right "
            "one.",
        ),
        Mistake(
            "other-rows-lost",
            "the other rows are zero",
            "Row i is right, and all other rows of yours are zero. They should be as they were "
            "in x: start from x, not from zeros.",
        ),
        Mistake(
            "one-entry-doubled",
            "one entry alone",
            "You doubled the first entry of row i. `x.at[i]`, with one index, is the whole row.",
        ),
        Mistake(
            "diagonal-doubled",
            "one entry alone",
            "You doubled the entry [i, i] alone. `x.at[i]`, with one index, is the whole row.",
        ),
        Mistake(
            "numpy-read-only",
            "NumPy may only read it",
            "`np.asarray(x)` shows the numbers of a JAX array without copying them, so NumPy may "
            "not write there. `x.at[i]` makes a new array (so does `np.array(x)`, which "
            "copies).",
            "",
            raised=(
                "ValueError: output array is read-only",
                "ValueError: assignment destination is read-only",
            ),
        ),
    ),
    read=FACTS,
)

halves = lambda key: (jnp.sin(2 * key + 1), jnp.cos(3 * key + 2))
number = lambda key: 10 * jnp.sin(4 * key)
RANDOM = "book/00_start.md#start-facts"


def keys_of(key, rounds):
    """The key of every round, and the second halves."""
    going_on, used = [key], []
    for _ in range(rounds):
        first, second = halves(going_on[-1])
        going_on.append(first)
        used.append(second)
    return going_on, used


def other_halves(key, split, draw, n):
    draws = []
    for _ in range(n):
        first, key = halves(key)
        draws.append(number(first))
    return np.stack(draws)


point = lambda key, n: {"key": key, "split": halves, "draw": number, "n": n}

fresh_draws = Question(
    name="fresh_draws",
    returns="draws",
    points=(point(0.3, 3), point(1.1, 4), point(100.0, 3)),
    labels=("three draws", "four draws", "three draws, another key"),
    large_points=(2,),
    reference=lambda key, split, draw, n: np.stack([number(k) for k in keys_of(key, n)[1]]),
    predictions={
        "first-key-drawn": Mistake(
            result=lambda key, split, draw, n: np.stack([
                number(key),
                *[number(k) for k in keys_of(key, n)[1][:-1]],
            ])
        ),
        "same-key": Mistake(result=lambda key, split, draw, n: np.full(n, number(key))),
        "key-not-advanced": Mistake(
            result=lambda key, split, draw, n: np.full(n, number(halves(key)[1]))
        ),
        "halves-swapped": Mistake(result=other_halves),
        "drawn-before-split": Mistake(
            result=lambda key, split, draw, n: np.stack([
                number(k) for k in keys_of(key, n)[0][:-1]
            ])
        ),
        "key-of-next-round": Mistake(
            result=lambda key, split, draw, n: np.stack([number(k) for k in keys_of(key, n)[0][1:]])
        ),
    },
    mistakes=(
        Mistake(
            "same-key",
            "one key for all draws",
            "All your draws are equal: the same key gives the same number. Split the key before each "
            "draw.",
            read=RANDOM,
        ),
        Mistake(
            "key-not-advanced",
            "the same split every time",
            "All your draws are equal: you split the same key in every round. Go on with the first of "
            "the two new keys.",
            read=RANDOM,
        ),
        Mistake(
            "halves-swapped",
            "the halves are swapped",
            "You went on with the second key and used the first. That is as random, but the question asks "
            "for the opposite.",
            read=RANDOM,
        ),
        Mistake(
            "drawn-before-split",
            "a key that is used and then split",
            "You drew from a key, and then split the same key. A key may be used once: either for a draw "
            "or for a split.",
            read=RANDOM,
        ),
        Mistake(
            "key-of-next-round",
            "a key that is split later",
            "You drew from the key with which you go on, so it is used for a draw and split in the "
            "next round. Use the other half for the draw.",
            read=RANDOM,
        ),
        Mistake(
            "split-takes-a-key",
            "one key goes in, two come out",
            "The `split` and the `draw` of this question take one argument, a key. `split(key)` "
            "returns two new keys: for n draws it is called n times.",
            "",
            raised=("TypeError: <lambda>() takes 1 positional argument but",),
        ),
        Mistake(
            "first-key-drawn",
            "the first key is drawn from, and split",
            "Your first number is drawn from `key` itself, which is then split; and so "
            "each draw comes one split too late. Split first, then draw.",
        ),
    ),
    read=RANDOM,
)

MAPS = "book/00_start.md#start-transforms"
weighted = lambda p, q: jnp.sum(p**2 * jnp.sin(q))
uneven = lambda p, q: jnp.sqrt(1 + jnp.sum((p - 2 * q) ** 2))


def pair_by_pair(f, a, b):
    return np.array([[float(f(p, q)) for q in jnp.asarray(b)] for p in jnp.asarray(a)])


all_pairs = Question(
    name="all_pairs",
    returns="matrix",
    points=(
        {"f": weighted, "a": test_array((4, 2)), "b": test_array((3, 2), phase=1.0)},
        {"f": uneven, "a": test_array((2, 3), phase=2.0), "b": test_array((5, 3), phase=3.0)},
        {"f": uneven, "a": test_array((3, 2), 4.0, 300.0), "b": test_array((2, 2), 5.0, 300.0)},
    ),
    labels=(
        "Σ p² sin q, four rows and three",
        "√(1 + |p − 2q|²), two rows and five",
        "√(1 + |p − 2q|²), three rows and two",
    ),
    large_points=(2,),
    reference=pair_by_pair,
    predictions={
        "matrix-transposed": Mistake(result=lambda f, a, b: pair_by_pair(f, a, b).T),
        "rows-swapped": Mistake(result=lambda f, a, b: pair_by_pair(f, b, a).T),
        "first-row-alone": Mistake(result=lambda f, a, b: pair_by_pair(f, a, b)[0]),
        "rows-of-a-alone": Mistake(result=lambda f, a, b: pair_by_pair(f, a, a)),
        "rows-of-b-alone": Mistake(result=lambda f, a, b: pair_by_pair(f, b, b)),
    },
    mistakes=(
        Mistake(
            "matrix-transposed",
            "transposed",
            "Your matrix has a line for each row of b. The first index belongs to a: map over a on the "
            "outside, over b inside.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read=MAPS,
        ),
        Mistake(
            "rows-swapped",
            "f(q, p) in place of f(p, q)",
            "You gave f its two rows in the opposite order. f need not be symmetric.",
            read=MAPS,
        ),
        Mistake(
            "first-row-alone",
            "one row of a",
            "Your result is the first line of the matrix. Every row of a has a line.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read=MAPS,
        ),
        Mistake(
            "rows-of-a-alone",
            "a with itself",
            "You paired the rows of a with the rows of a. The second row of each pair belongs to "
            "b.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "rows-of-b-alone",
            "b with itself",
            "You paired the rows of b with the rows of b. The first row of each pair belongs to a.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "map-not-called",
            "the inner map is not called",
            "`vmap(g)` is a function, and the outer `vmap` got it as a result. Call the inner "
            "one with the array that it runs over: `vmap(g)(b)`.",
            "",
            raised=("TypeError: Output from batched function",),
        ),
        Mistake(
            "whole-arrays",
            "whole arrays instead of rows",
            "`f` takes one row of a and one row of b, and two arrays came together whose rows do "
            "not pair up. `vmap` gives f a row at a time; two of them give all pairs.",
            "",
            raised=(
                "TypeError: mul got incompatible shapes for broadcasting",
                "TypeError: sub got incompatible shapes for broadcasting",
                "TypeError: add got incompatible shapes for broadcasting",
            ),
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {"f": weighted, "a": test_array((4, 2)), "b": test_array((3, 2))},
            calls={"f": 1},
        ),
    ),
    read=MAPS,
)

def mean_of_all(state, x):
    """The mean of so many equal numbers and one more."""
    n = state["count"]
    return {"count": n + 1, "mean": np.mean([*[state["mean"]] * n, x])}


def with_mean(change):
    """The right count beside another mean."""
    return lambda state, x: {
        "count": state["count"] + 1,
        "mean": change(state["count"], state["mean"], x),
    }


def runs_inside_jit(answer, arguments):
    try:
        jax.jit(answer)(arguments["state"], arguments["x"])
    except Exception:
        return False
    return True


with_number = Question(
    name="with_number",
    returns="state",
    points=(
        {"state": {"count": 3, "mean": 2.5}, "x": 4.75},
        {"state": {"count": 1, "mean": -1.25}, "x": 0.5},
        {"state": {"count": 40, "mean": 800.0}, "x": -300.0},
        {"state": {"count": 0, "mean": 0.0}, "x": 1.75},
    ),
    labels=("3 numbers, mean 2.5", "1 number, -1.25", "40 numbers, mean 800", "no number yet"),
    large_points=(2,),
    reference=mean_of_all,
    requirements=(Requirement("not-inside-jit", holds=runs_inside_jit),),
    predictions={
        "divided-by-old-count": Mistake(result=with_mean(lambda n, mean, x: mean + x / n)),
        "old-count-returned": Mistake(
            result=lambda state, x: {**mean_of_all(state, x), "count": state["count"]}
        ),
        "mean-of-two": Mistake(result=with_mean(lambda n, mean, x: (mean + x) / 2)),
        "sum-for-mean-kept": Mistake(result=with_mean(lambda n, mean, x: mean + x)),
        "old-mean-unweighted": Mistake(result=with_mean(lambda n, mean, x: (mean + x) / (n + 1))),
        "last-number-divided": Mistake(result=with_mean(lambda n, mean, x: n * mean + x / (n + 1))),
        "sum-not-divided": Mistake(result=with_mean(lambda n, mean, x: n * mean + x)),
        "new-count-for-old-sum": Mistake(
            result=with_mean(lambda n, mean, x: ((n + 1) * mean + x) / (n + 1))
        ),
        "number-counted-by-size": Mistake(
            result=lambda state, x: {**mean_of_all(state, x), "count": state["count"] + x}
        ),
    },
    mistakes=(
        Mistake(
            "divided-by-old-count",
            "one number too few",
            "Your sum is right, but you divided it by the old count. With `x` there is one number more.",
            "The mean of 1, 2 and 6 is 9 / 3, and not 9 / 2.",
            read=FACTS,
        ),
        Mistake(
            "old-count-returned",
            "the count stands still",
            "Your mean is right, but the count is the old one. The next call would weigh the mean with it.",
            "",
            read=FACTS,
        ),
        Mistake(
            "mean-of-two",
            "the old mean counts for one number only",
            "You took the mean of the old mean and x. The old mean stands for all `count` numbers, and x for "
            "one.",
            "The mean of 1, 1, 1 and 5 is 2; that of 1 and 5 is 3.",
            read=FACTS,
        ),
        Mistake(
            "sum-for-mean-kept",
            "a sum where a mean belongs",
            "You added x to the mean. That would be right for a sum.",
            "",
            read=FACTS,
        ),
        Mistake(
            "old-mean-unweighted",
            "the old sum is missing",
            "You added x to the old *mean* and divided by the new count. The sum of the old numbers is count "
            "times their mean.",
            "",
            read=FACTS,
        ),
        Mistake(
            "last-number-divided",
            "only x is divided",
            "Only x was divided by the new count. `a + b / c` divides b alone; the whole sum "
            "should be divided: `(a + b) / c`.",
        ),
        Mistake(
            "sum-not-divided",
            "the sum, not the mean",
            'Your "mean" is the sum of all numbers. Divide it by the new count.',
        ),
        Mistake(
            "new-count-for-old-sum",
            "the new count, too early",
            "You multiplied the old mean by the *new* count. The old sum is the old count times "
            "the old mean.",
        ),
        Mistake(
            "number-counted-by-size",
            "x added to the count",
            "You added x to the count. One more number has come, whatever its size: the count "
            "grows by 1.",
        ),
        Mistake(
            "not-inside-jit",
            "it does not run inside jit",
            "The numbers are right, but the function stops inside `jit`. There, count, mean and "
            "x are traced: an `if`, `float(...)` or a function of NumPy would have to know their "
            "values. The formula works for the first number as well, so it needs no `if`.",
            "",
        ),
    ),
    read=FACTS,
)

WEIGHTS = np.array([0.5, -1.25, 2.0])
wave = lambda x: jnp.sin(x) + 0.1 * x**3
mixture = lambda x: jnp.dot(WEIGHTS, jnp.stack([x, x**2, jnp.cos(x)]))
# for an array of three places, another function than place by place
one_number_only = lambda x: jnp.dot(jnp.stack([jnp.sin(x), x**2, x]), WEIGHTS)


def one_by_one(f, xs):
    return np.array([float(jax.jacfwd(f)(float(x))) for x in xs])


def rises(f, xs):
    """How much f rises from each place to the next whole number."""
    return np.array([float(f(float(x) + 1) - f(float(x))) for x in xs])


slopes_at = Question(
    name="slopes_at",
    returns="slopes",
    points=(
        {"f": wave, "xs": np.arange(5)},
        {"f": mixture, "xs": np.array([-3, 2, 7])},
        {"f": wave, "xs": np.array([200, -100, 50, 300])},
        {"f": one_number_only, "xs": np.array([4, -1, 6])},
    ),
    labels=(
        "sin x + x³/10 at 0 to 4",
        "a dot product with (x, x², cos x)",
        "sin x + x³/10, far out",
        "a dot product of (sin x, x², x) with weights",
    ),
    large_points=(2,),
    reference=one_by_one,
    shape_of={"slopes": "xs"},
    predictions={
        "value-for-derivative": Mistake(
            result=lambda f, xs: np.array([float(f(float(x))) for x in xs])
        ),
        "differences-of-neighbours": Mistake(result=rises),
        "jacobian-of-the-map": Mistake(result=lambda f, xs: np.diag(one_by_one(f, xs))),
        "central-differences": Mistake(
            result=lambda f, xs: np.gradient([float(f(float(x))) for x in xs])
        ),
        "slopes-at-indices": Mistake(result=lambda f, xs: one_by_one(f, np.arange(len(xs)))),
        "all-places-at-once": Mistake(
            result=lambda f, xs: jax.grad(lambda v: jnp.sum(f(v)))(xs.astype(float))
        ),
    },
    mistakes=(
        Mistake(
            "differences-of-neighbours",
            "the rise to the next whole number",
            "Yours is how much f rises from each place to the next whole number: a difference quotient with "
            "a step of 1. A derivative is the slope at the place itself.",
            read=MAPS,
        ),
        Mistake(
            "jacobian-of-the-map",
            "a table of all places with all places",
            "You returned how each result changes with *each* place, and a result only changes with its own. "
            "What was asked for stands on the diagonal; `vmap` of a slope gives it alone.",
            "{where}, {part} has shape {got_shape}; the right one has shape {want_shape}.",
            read=MAPS,
        ),
        Mistake(
            "central-differences",
            "differences of neighbours",
            "Your slopes are half the differences between the values at the neighbours in xs "
            "(what `jnp.gradient` gives). Those are not derivatives, and xs need not be in "
            "order: `grad` gives the derivative at each place.",
        ),
        Mistake(
            "map-missing",
            "grad of a whole array",
            "`grad` takes a function of one number; here it got one that returns a whole array. "
            "Let `vmap` run the derivative over xs: `vmap(grad(f))`, in this order.",
            "`vmap(grad(sin))` of [0, 1] is [1, 0.54]; `grad(vmap(sin))` is an error.",
            read=MAPS,
            raised=("TypeError: Gradient only defined for scalar-output functions",),
        ),
        Mistake(
            "slopes-at-indices",
            "at 0, 1, 2, … in place of xs",
            "Your slopes are those at 0, 1, 2 and so on: the places in the array, not "
            "the numbers that stand there.",
        ),
        Mistake(
            "all-places-at-once",
            "f of a whole array",
            "You handed all of xs to f at once, and took the gradient of the sum. That is right where f "
            "works entry by entry, as a sine does. But f takes *one* number: inside it a dot product or a "
            "maximum would mix the places. `vmap` lets f see one place at a time.",
            read=MAPS,
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {"f": wave, "xs": np.arange(6)},
            calls={"f": 2},
        ),
    ),
    read=MAPS,
)
