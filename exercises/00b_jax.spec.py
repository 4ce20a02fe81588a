"""The specifications of 00b_jax.md, released from solutions/00b_jax.md: edit them there."""

import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import CostLimit, Mistake, Question, test_array

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
    ),
    labels=("x of shape (3, 3), i = 1", "x of shape (3, 3), i = 0", "x of shape (4, 3), i = 2"),
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
