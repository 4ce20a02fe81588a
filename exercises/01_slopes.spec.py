"""The specifications of 01_slopes.md, released from solutions/01_slopes.md: edit them there."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, test_array

CHAPTER = "exercises/01_slopes.md"


def nested(f, x, orders=(1, 2, 3, 4)):
    """The derivatives of these orders: forward mode inside forward mode."""
    found = [f]
    for _ in range(max(orders)):
        found.append(jax.jacfwd(found[-1]))
    return tuple(found[k](x) for k in orders)


derivatives = Question(
    name="derivatives",
    returns=("first", "second", "third", "fourth"),
    points=(
        {"f": lambda x: x**3 + 2 * x**2 - 3 * x + 1, "x": 2.0},
        {"f": jnp.sin, "x": 0.5},
        {"f": lambda x: jnp.exp(x / 20), "x": 60.0},
    ),
    labels=("f(x) = x³ + 2x² − 3x + 1, x = 2", "f = sin, x = 0.5", "f(x) = exp(x/20), x = 60"),
    large_points=(2,),
    reference=nested,
    predictions={
        "starts-with-value": Mistake(result=lambda f, x: nested(f, x, (0, 1, 2, 3))),
        "power-of-slope": Mistake(
            result=lambda f, x: tuple(nested(f, x)[0] ** k for k in (1, 2, 3, 4))
        ),
        "same-again": Mistake(result=lambda f, x: nested(f, x, (1, 1, 1, 1))),
        "taylor": Mistake(
            result=lambda f, x: tuple(d / math.factorial(k + 1) for k, d in enumerate(nested(f, x)))
        ),
    },
    mistakes=(
        Mistake(
            "starts-with-value",
            "one derivative short",
            "Your tuple starts with the value of f, so each derivative stands one place too late. "
            "Differentiate first, then keep the value.",
            read=CHAPTER,
        ),
        Mistake(
            "power-of-slope",
            "a power of the first derivative",
            "You took powers of the first derivative. f″ is the derivative of f′, not its square: "
            "for f(x) = x² it is 2 everywhere, while f′(x)² is 4x².",
            read=CHAPTER,
        ),
        Mistake(
            "same-again",
            "the first derivative again and again",
            "All four of your numbers are the first derivative. `grad` has to be applied to the "
            "derivative, not to f again.",
            read=CHAPTER,
        ),
        Mistake(
            "taylor",
            "Taylor coefficients",
            "Your numbers are the coefficients of the Taylor series, f″/2!, f‴/3!, …. This "
            "question asks for the derivatives, without the factorials.",
            read=CHAPTER,
        ),
    ),
    read=CHAPTER,
)

def along(f, x, v):
    """The function of one number that runs through x in the direction v."""
    return lambda t: f(x + t * v)


def central(f, x, v, h):
    line = along(f, x, v)
    return (line(h) - line(-h)) / (2 * h)


def claimed(gradient, x, v):
    return np.einsum("i,i->", np.ravel(gradient(x)), np.ravel(v))


bumps = lambda x: jnp.sum(jnp.exp(x) + x**3)
wrong_gradient = lambda x: jnp.exp(x) + 2 * x**2

gradient_check = Question(
    name="gradient_check",
    returns=("quotient", "slope"),
    points=(
        {"f": bumps, "gradient": jax.grad(bumps), "x": test_array((4,))},
        {"f": bumps, "gradient": wrong_gradient, "x": test_array((2, 3), phase=1.0)},
        {
            "f": lambda x: jnp.sum(x**2),
            "gradient": lambda x: 3 * x,
            "x": test_array((5,), scale=200.0),
        },
    ),
    labels=(
        "a right gradient, x of shape (4,)",
        "a wrong gradient, x of shape (2, 3)",
        "a wrong gradient, x of shape (5,)",
    ),
    large_points=(2,),
    tangents=(
        lambda p: {"v": test_array(p["x"].shape, phase=2.0), "h": 0.25},
        lambda p: {"v": test_array(p["x"].shape, phase=5.0, scale=3.0), "h": 0.125},
    ),
    reference=lambda f, gradient, x, v, h: (central(f, x, v, h), claimed(gradient, x, v)),
    predictions={
        "one-sided": Mistake(
            result=lambda f, gradient, x, v, h: (along(f, x, v)(h) - along(f, x, v)(0.0)) / h,
            part="quotient",
        ),
        "divided-by-h": Mistake(
            result=lambda f, gradient, x, v, h: (2 * central(f, x, v, h), claimed(gradient, x, v))
        ),
        "precedence": Mistake(
            result=lambda f, gradient, x, v, h: h**2 * central(f, x, v, h), part="quotient"
        ),
        "direction-ignored": Mistake(
            result=lambda f, gradient, x, v, h: claimed(gradient, x, jnp.ones_like(v)), part="slope"
        ),
        "tested-against-itself": Mistake(
            result=lambda f, gradient, x, v, h: claimed(jax.jacfwd(f), x, v), part="slope"
        ),
    },
    mistakes=(
        Mistake(
            "one-sided",
            "a one-sided quotient",
            "Your quotient compares x + hv with x itself. The central quotient looks to both "
            "sides, x + hv and x − hv, and its error shrinks with h² instead of h.",
            read=CHAPTER,
        ),
        Mistake(
            "divided-by-h",
            "divided by h, not by 2h",
            "Your quotient is twice what it should be: x + hv and x − hv are 2h apart, so the "
            "change has to be divided by 2h.",
            read=CHAPTER,
        ),
        Mistake(
            "precedence",
            "a missing bracket",
            "`/ 2 * h` divides by 2 and then multiplies by h: Python goes from left to right. "
            "Write `/ (2 * h)`.",
            read=CHAPTER,
        ),
        Mistake(
            "direction-ignored",
            "the direction was forgotten",
            "Your slope is the sum of the gradient's entries: that is the slope along a v of "
            "ones. Along v, each entry counts with the entry of v.",
            read=CHAPTER,
        ),
        Mistake(
            "tested-against-itself",
            "not the gradient that was given",
            "You differentiated f yourself. The point is to test the `gradient` that was given, "
            "and here it is a wrong one: your two numbers agree, so it would pass.",
            read=CHAPTER,
        ),
    ),
    rtol32=1e-3,  # a difference of nearly equal numbers loses digits in float32
    read=CHAPTER,
)

def with_ones(X):
    """X with a column of ones, which stands for the bias."""
    return np.column_stack([X, np.ones(len(X))])


def descended(A, y, steps, rate):
    """Where `steps` steps from zero lead, in one formula: the loss is quadratic."""
    sizes, directions = np.linalg.eigh(A.T @ A)
    left = (1 - 2 * rate * sizes / len(y)) ** steps
    return directions @ ((1 - left) / sizes * (directions.T @ (A.T @ y)))


def parts(p):
    return p[:-1], p[-1]


def dense_fit(X, y, steps, rate):
    return parts(descended(with_ones(X), np.asarray(y), steps, rate))


def square_of_the_mean(X, y, steps, rate):
    A, p = with_ones(X), np.zeros(X.shape[1] + 1)
    for _ in range(steps):
        p = p - 2 * rate * np.mean(A @ p - y) * np.mean(A, axis=0)
    return parts(p)


def from_ones(X, y, steps, rate):
    """Start at w = 1: the same as fitting what is left of y, and adding the start again."""
    w, b = dense_fit(X, y - X @ np.ones(X.shape[1]), steps, rate)
    return w + 1, b


def one_after_the_other(X, y, steps, rate):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        w = w - 2 * rate * np.asarray(X).T @ (X @ w + b - y) / len(y)
        b = b - 2 * rate * np.mean(X @ w + b - y)
    return w, b


def data(scale, phase, rows=30, columns=2):
    X = test_array((rows, columns), phase=phase, scale=scale)
    return {"X": X, "y": X @ np.array([2.0, -3.0, 0.5])[:columns] + 1}


fit = Question(
    name="fit",
    returns=("w", "b"),
    points=(
        {**data(1.0, 0.0), "steps": 2, "rate": 0.1},
        {**data(1.0, 2.0, 20, 3), "steps": 5, "rate": 0.25},
        {**data(100.0, 1.0), "steps": 4, "rate": 0.00005},
    ),
    labels=(
        "30 points, 2 steps",
        "20 points with 3 columns, 5 steps",
        "30 points far out, 4 steps",
    ),
    large_points=(2,),
    reference=dense_fit,
    predictions={
        "uphill": Mistake(result=lambda X, y, steps, rate: dense_fit(X, y, steps, -rate)),
        "bias-forgotten": Mistake(
            result=lambda X, y, steps, rate: (descended(np.asarray(X), y, steps, rate), 0.0)
        ),
        "sum-for-mean": Mistake(
            result=lambda X, y, steps, rate: dense_fit(X, y, steps, rate * len(y))
        ),
        "half-the-loss": Mistake(result=lambda X, y, steps, rate: dense_fit(X, y, steps, rate / 2)),
        "one-after-the-other": Mistake(result=one_after_the_other),
        "square-of-the-mean": Mistake(result=square_of_the_mean),
        "started-at-one": Mistake(result=from_ones),
        "one-step-short": Mistake(
            result=lambda X, y, steps, rate: dense_fit(X, y, steps - 1, rate)
        ),
        "one-step-too-many": Mistake(
            result=lambda X, y, steps, rate: dense_fit(X, y, steps + 1, rate)
        ),
        "gradient-not-renewed": Mistake(
            result=lambda X, y, steps, rate: parts(2 * rate * steps / len(y) * with_ones(X).T @ y)
        ),
    },
    mistakes=(
        Mistake(
            "uphill",
            "uphill",
            "You added the gradient. It points to where the loss grows fastest, so going "
            "downhill means subtracting it.",
            read=CHAPTER,
        ),
        Mistake(
            "bias-forgotten",
            "the bias never moves",
            "Your b stays 0. Either its gradient was not asked for (`grad` differentiates with "
            "respect to the first argument alone; `argnums=(0, 1)` gives both), or the loss does "
            "not depend on b.",
            read=CHAPTER,
        ),
        Mistake(
            "sum-for-mean",
            "sum instead of mean",
            "Your steps are n times too long, with n the number of points: the loss is the mean "
            "of the squares, and yours is their sum.",
            read=CHAPTER,
        ),
        Mistake(
            "half-the-loss",
            "half the loss",
            "Your steps are half as long as they should be: this loss has no factor ½ in front.",
            read=CHAPTER,
        ),
        Mistake(
            "one-after-the-other",
            "one after the other",
            "You moved w first, and took the slope for b at the new w. Take both slopes at the "
            "same point, and then move.",
            read=CHAPTER,
        ),
        Mistake(
            "square-of-the-mean",
            "the square of the mean",
            "Your loss is the square of the mean, `mean(r) ** 2`: errors of opposite sign cancel in "
            "it. The mean of the squares is `mean(r**2)`.",
            read=CHAPTER,
        ),
        Mistake(
            "started-at-one",
            "another starting point",
            "You started at w = 1. This question starts with w and b all zero.",
            read=CHAPTER,
        ),
        Mistake(
            "one-step-short",
            "one step short",
            "Your result is that of one step fewer. `range(steps)` runs `steps` times.",
            read=CHAPTER,
        ),
        Mistake(
            "one-step-too-many",
            "one step too many",
            "Your result is that of one step more. `range(steps)` runs `steps` times.",
            read=CHAPTER,
        ),
        Mistake(
            "gradient-not-renewed",
            "the first gradient all the way",
            "You walked all steps along the gradient of the starting point. After each step the "
            "slope is another one: compute it inside the loop.",
            read=CHAPTER,
        ),
    ),
    read=CHAPTER,
)
