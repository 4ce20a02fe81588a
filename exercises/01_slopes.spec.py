"""The specifications of 01_slopes.md, released from solutions/01_slopes.md: edit them there."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, test_array

CHAPTER = "book/01_slopes.md"


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
        {"f": jnp.cos, "x": 0.5},
    ),
    labels=(
        "f(x) = x³ + 2x² − 3x + 1, x = 2",
        "f = sin, x = 0.5",
        "f(x) = exp(x/20), x = 60",
        "f = cos, x = 0.5",
    ),
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
            read=CHAPTER + "#slopes-grad",
        ),
        Mistake(
            "power-of-slope",
            "a power of the first derivative",
            "You took powers of the first derivative. f″ is the derivative of f′, not its square: "
            "for f(x) = x² it is 2 everywhere, while f′(x)² is 4x².",
            read=CHAPTER + "#slopes-grad",
        ),
        Mistake(
            "same-again",
            "the first derivative again and again",
            "All four of your numbers are the first derivative. `grad` has to be applied to the "
            "derivative, not to f again.",
            read=CHAPTER + "#slopes-grad",
        ),
        Mistake(
            "taylor",
            "Taylor coefficients",
            "Your numbers are the coefficients of the Taylor series, f″/2!, f‴/3!, …. This "
            "question asks for the derivatives, without the factorials.",
            read=CHAPTER + "#slopes-grad",
        ),
    ),
    read=CHAPTER + "#slopes-grad",
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
        "direction-shortened": Mistake(
            result=lambda f, gradient, x, v, h: central(f, x, v / jnp.linalg.norm(v.ravel()), h),
            part="quotient",
        ),
        "products-unsummed": Mistake(
            result=lambda f, gradient, x, v, h: gradient(x) * v, part="slope"
        ),
        "gradient-elsewhere": Mistake(
            result=lambda f, gradient, x, v, h: claimed(gradient, x + h * v, v), part="slope"
        ),
    },
    mistakes=(
        Mistake(
            "one-sided",
            "a one-sided quotient",
            "Your quotient compares x + hv with x itself. The central quotient looks to both "
            "sides, x + hv and x − hv, and its error shrinks with h² instead of h.",
            read=CHAPTER + "#slopes-check",
        ),
        Mistake(
            "divided-by-h",
            "divided by h, not by 2h",
            "Your quotient is twice what it should be: x + hv and x − hv are 2h apart, so the "
            "change has to be divided by 2h.",
            read=CHAPTER + "#slopes-check",
        ),
        Mistake(
            "precedence",
            "a missing bracket",
            "`/ 2 * h` divides by 2 and then multiplies by h: Python goes from left to right. "
            "Write `/ (2 * h)`.",
            read=CHAPTER + "#slopes-check",
        ),
        Mistake(
            "direction-ignored",
            "the direction was forgotten",
            "Your slope is the sum of the gradient's entries: that is the slope along a v of "
            "ones. Along v, each entry counts with the entry of v.",
            read=CHAPTER + "#slopes-check",
        ),
        Mistake(
            "tested-against-itself",
            "not the gradient that was given",
            "You differentiated f yourself. The point is to test the `gradient` that was given, "
            "and here it is a wrong one: your two numbers agree, so it would pass.",
            read=CHAPTER + "#slopes-check",
        ),
        Mistake(
            "direction-shortened",
            "v was made a unit vector",
            "You divided v by its length. In this formula v stays as it is: both sides grow with "
            "it.",
        ),
        Mistake(
            "products-unsummed",
            "the inner product is not summed",
            "Your slope has an entry for each entry of x: the products of gradient and v. ⟨a, b⟩ "
            "is one number, the sum of them all.",
            "{where}, yours has shape {got_shape}; it should be one number.",
        ),
        Mistake(
            "only-for-vectors",
            "a product of matrices",
            "`@`, and `dot`, multiply matrices, and x and v may have any number of axes. ⟨a, b⟩ "
            "multiplies entry by entry and adds everything up.",
            "For [[1, 2], [3, 4]] with itself it is 1 + 4 + 9 + 16 = 30.",
            raised=("TypeError: dot_general requires contracting dimensions",),
        ),
        Mistake(
            "gradient-elsewhere",
            "the gradient at x + hv",
            "You took the gradient at x + hv. The quotient looks to both sides of x, and "
            "the gradient belongs at x itself.",
        ),
    ),
    rtol32=1e-3,  # a difference of nearly equal numbers loses digits in float32
    read=CHAPTER + "#slopes-check",
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


def absolute_errors(X, y, steps, rate):
    A, p = with_ones(X), np.zeros(X.shape[1] + 1)
    for _ in range(steps):
        p = p - rate * A.T @ np.sign(A @ p - y) / len(y)
    return parts(p)


def data(scale, phase, rows=30, columns=2):
    X = test_array((rows, columns), phase=phase, scale=scale)
    return {"X": X, "y": X @ np.array([2.0, -3.0, 0.5])[:columns] + 1}


fit = Question(
    name="fit",
    returns=("w", "b"),
    points=(
        {**data(1.0, 0.0), "steps": 2, "rate": 0.1},
        {**data(1.0, 2.0, 20, 3), "steps": 5, "rate": 0.25},
        {**data(1.0, 0.5), "steps": 3, "rate": 2.0},
        {**data(100.0, 1.0), "steps": 4, "rate": 0.00005},
        {**data(1.0, 0.0), "steps": 0, "rate": 0.1},
    ),
    labels=(
        "30 points, 2 steps",
        "20 points with 3 columns, 5 steps",
        "a rate with which the loss grows, 3 steps",
        "30 points far out, 4 steps",
        "30 points, no step",
    ),
    large_points=(3,),
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
            result=lambda X, y, steps, rate: dense_fit(X, y, max(steps - 1, 0), rate)
        ),
        "one-step-too-many": Mistake(
            result=lambda X, y, steps, rate: dense_fit(X, y, steps + 1, rate)
        ),
        "gradient-not-renewed": Mistake(
            result=lambda X, y, steps, rate: parts(2 * rate * steps / len(y) * with_ones(X).T @ y)
        ),
        "page-of-the-example": Mistake(
            result=lambda X, y, steps, rate: dense_fit(X, y, steps, 0.1)
        ),
        "where-it-ends": Mistake(
            result=lambda X, y, steps, rate: parts(np.linalg.lstsq(with_ones(X), np.asarray(y))[0])
        ),
        "absolute-errors": Mistake(result=absolute_errors),
    },
    mistakes=(
        Mistake(
            "uphill",
            "uphill",
            "You added the gradient. It points to where the loss grows fastest, so going "
            "downhill means subtracting it.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "bias-forgotten",
            "the bias never moves",
            "Your b stays 0. `grad(loss)` differentiates with respect to the first argument "
            "only; with `argnums=(0, 1)` it gives the gradients for w and b. If you have that, "
            "look whether b is in the loss, and whether it is updated.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "sum-for-mean",
            "sum instead of mean",
            "Your steps are n times too long, with n the number of points: the loss is the mean "
            "of the squares, and yours is their sum.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "half-the-loss",
            "half the loss",
            "Your steps are half as long as they should be: this loss has no factor ½ in front.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "one-after-the-other",
            "one after the other",
            "You moved w first, and took the slope for b at the new w. Take both slopes at the "
            "same point, and then move.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "square-of-the-mean",
            "the square of the mean",
            "Your loss is the square of the mean, `mean(r) ** 2`: errors of opposite sign cancel in "
            "it. The mean of the squares is `mean(r**2)`.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "started-at-one",
            "another starting point",
            "You started at w = 1. This question starts with w and b all zero.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "one-step-short",
            "one step short",
            "Your result is that of one step fewer. `range(steps)` runs `steps` times.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "one-step-too-many",
            "one step too many",
            "Your result is that of one step more. `range(steps)` runs `steps` times.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "gradient-not-renewed",
            "the first gradient all the way",
            "You walked all steps along the gradient of the starting point. After each step the "
            "slope is another one: compute it inside the loop.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "page-of-the-example",
            "a rate of 0.1",
            "Your steps have the rate 0.1, whatever `rate` is.",
        ),
        Mistake(
            "where-it-ends",
            "the end of the way",
            "You returned the plane that fits best, where the descent leads after many steps. "
            "This question asks for the place after `steps` steps.",
        ),
        Mistake(
            "absolute-errors",
            "absolute errors",
            "Your loss is the mean of the absolute errors, |x·w + b − y|. Here the errors are "
            "squared.",
        ),
        Mistake(
            "weights-for-columns",
            "as many weights as columns",
            "A matrix product has shapes that do not fit. `X @ w` needs an entry of w for each "
            "*column* of X: there are `X.shape[1]` of them, and X stands on the left.",
            "X of shape (20, 3) takes a w of shape (3,).",
            raised=("TypeError: dot_general requires contracting dimensions",),
        ),
    ),
    read=CHAPTER + "#slopes-value",
)

def partials_at(f, a, b):
    """Both partial derivatives of f at (a, b), in forward mode."""
    return jax.jacfwd(f, argnums=(0, 1))(a, b)


def terms(partials, factors):
    return tuple(p * s for p, s in zip(partials, factors, strict=True))


def speeds(x, y, t):
    return jax.jacfwd(x)(t), jax.jacfwd(y)(t)


along_curve = Question(
    name="along_curve",
    returns=("from_x", "from_y"),
    points=(
        {"f": lambda x, y: x * y**2, "x": jnp.cos, "y": lambda t: jnp.sin(2 * t), "t": 0.5},
        {
            "f": lambda x, y: jnp.exp(x) * jnp.sin(y),
            "x": lambda t: t**2,
            "y": lambda t: 1 / (1 + t),
            "t": -0.3,
        },
        {"f": lambda x, y: x**2 - 3 * y, "x": lambda t: 2 * t, "y": lambda t: t**2, "t": 40.0},
    ),
    labels=(
        "x y² along (cos t, sin 2t), t = 0.5",
        "eˣ sin y along (t², 1/(1 + t)), t = −0.3",
        "x² − 3y along (2t, t²), t = 40",
    ),
    large_points=(2,),
    reference=lambda f, x, y, t: terms(partials_at(f, x(t), y(t)), speeds(x, y, t)),
    predictions={
        "speeds-forgotten": Mistake(result=lambda f, x, y, t: partials_at(f, x(t), y(t))),
        "partials-at-t": Mistake(
            result=lambda f, x, y, t: terms(partials_at(f, t, t), speeds(x, y, t))
        ),
        "same-partial": Mistake(
            result=lambda f, x, y, t: terms(partials_at(f, x(t), y(t))[:1] * 2, speeds(x, y, t))
        ),
        "speeds-swapped": Mistake(
            result=lambda f, x, y, t: terms(partials_at(f, x(t), y(t)), speeds(y, x, t))
        ),
        "positions-for-speeds": Mistake(
            result=lambda f, x, y, t: terms(partials_at(f, x(t), y(t)), (x(t), y(t)))
        ),
        "coordinates-swapped": Mistake(
            result=lambda f, x, y, t: terms(partials_at(f, y(t), x(t)), speeds(x, y, t))
        ),
        "speeds-elsewhere": Mistake(
            result=lambda f, x, y, t: terms(
                partials_at(f, x(t), y(t)), (jax.jacfwd(x)(x(t)), jax.jacfwd(y)(y(t)))
            )
        ),
        "added-not-multiplied": Mistake(
            result=lambda f, x, y, t: tuple(
                map(sum, zip(partials_at(f, x(t), y(t)), speeds(x, y, t), strict=True))
            )
        ),
        "height-for-slope": Mistake(
            result=lambda f, x, y, t: terms((f(x(t), y(t)),) * 2, speeds(x, y, t))
        ),
        "partials-at-speeds": Mistake(
            result=lambda f, x, y, t: terms(partials_at(f, *speeds(x, y, t)), speeds(x, y, t))
        ),
        "same-speed": Mistake(
            result=lambda f, x, y, t: terms(partials_at(f, x(t), y(t)), speeds(x, x, t))
        ),
    },
    mistakes=(
        Mistake(
            "speeds-forgotten",
            "the speeds are missing",
            "You returned the two partial derivatives of f. Each has to be multiplied by how fast "
            "its coordinate moves: x′(t), and y′(t).",
            read=CHAPTER + "#slopes-argnums",
        ),
        Mistake(
            "partials-at-t",
            "the partial derivatives at the wrong point",
            "You took the partial derivatives of f at (t, t). At time t the point is at "
            "(x(t), y(t)).",
            read=CHAPTER + "#slopes-argnums",
        ),
        Mistake(
            "same-partial",
            "one partial derivative, used twice",
            "Both of your terms use the derivative with respect to the first argument. `grad(f)` "
            "gives only that one; the second is `grad(f, argnums=1)`.",
            read=CHAPTER + "#slopes-argnums",
        ),
        Mistake(
            "speeds-swapped",
            "the speeds have changed places",
            "You multiplied the slope with respect to x by the speed of y, and the other way "
            "round. Each slope goes with the speed of its own coordinate.",
            read=CHAPTER + "#slopes-argnums",
        ),
        Mistake(
            "positions-for-speeds",
            "positions in place of speeds",
            "You multiplied the partial derivatives by x(t) and y(t), which say where the point "
            "is. The chain rule wants how fast it moves: x′(t) and y′(t).",
            read=CHAPTER + "#slopes-argnums",
        ),
        Mistake(
            "coordinates-swapped",
            "f(y, x)",
            "You took the partial derivatives of f at (y(t), x(t)). f takes the x coordinate "
            "first.",
        ),
        Mistake(
            "speeds-elsewhere",
            "speeds at another time",
            "Your speeds are x′ at x(t) and y′ at y(t). x and y are functions of time: their "
            "speeds belong at t.",
        ),
        Mistake(
            "added-not-multiplied",
            "added instead of multiplied",
            "You added the partial derivative and the speed. Each term of the chain rule is "
            "their product.",
        ),
        Mistake(
            "height-for-slope",
            "f itself, not its slopes",
            "You multiplied the speeds by f itself. The chain rule wants the partial derivatives "
            "of f at that place.",
        ),
        Mistake(
            "functions-passed-on",
            "functions where numbers belong",
            "x and y are functions of time, and f takes numbers: pass on `x(t)` and `y(t)`.",
            "For x = cos, x(0.0) is the number 1.0.",
            raised=("TypeError: is not a valid JAX type",),
        ),
        Mistake(
            "partials-at-speeds",
            "the partial derivatives at the speeds",
            "You took the partial derivatives of f at (x′(t), y′(t)). At time t the "
            "point is at (x(t), y(t)); the speeds are factors.",
        ),
        Mistake(
            "same-speed",
            "one speed, used twice",
            "Both of your terms have the speed x′(t). The second coordinate has a speed "
            "of its own, y′(t).",
        ),
    ),
    read=CHAPTER + "#slopes-argnums",
)

def ridge_by_hand(params, inputs, targets, strength, bias=0.0, sign=1.0, rows=None):
    """The loss and its gradient from their formulas; the last three make wrong ones."""
    W, b = params["W"], params["b"]
    z = inputs @ W + b
    n = rows or len(targets)
    error = sign * (1 / (1 + jnp.exp(-z)) - targets) / n
    losses = sign * jnp.sum(jnp.logaddexp(0.0, z) - targets * z) / n
    value = losses + strength * (W @ W + bias * b**2)
    slopes = {"W": inputs.T @ error + 2 * strength * W, "b": error.sum() + 2 * strength * bias * b}
    return value, slopes


def penalised(params, inputs, targets, penalty):
    """The loss with another penalty, and its gradient."""
    value, slopes = ridge_by_hand(params, inputs, targets, 0.0)
    W = params["W"]
    return value + penalty(W), {**slopes, "W": slopes["W"] + jax.jacfwd(penalty)(W)}


def patients(n, d, phase, scale=1.0):
    return {
        "params": {"W": test_array((d,), phase, scale), "b": 0.75},
        "inputs": test_array((n, d), phase + 1),
        "targets": (test_array((n,), phase + 2) > 0).astype(float),
    }


ridge = Question(
    name="ridge",
    returns=("value", "gradient"),
    points=(
        {**patients(6, 3, 0.0), "strength": 0.5},
        {**patients(5, 2, 3.0), "strength": 0.25},
        {**patients(8, 3, 1.0, scale=1024.0), "strength": 0.125},
    ),
    labels=("6 examples, 3 inputs", "5 examples, 2 inputs", "8 examples with large logits"),
    large_points=(2,),
    reference=ridge_by_hand,
    predictions={
        "penalty-forgotten": Mistake(result=lambda p, x, t, s: ridge_by_hand(p, x, t, 0.0)),
        "half-penalty": Mistake(result=lambda p, x, t, s: ridge_by_hand(p, x, t, s / 2)),
        "bias-too": Mistake(result=lambda p, x, t, s: ridge_by_hand(p, x, t, s, bias=1.0)),
        "rows-summed": Mistake(result=lambda p, x, t, s: ridge_by_hand(p, x, t, s, rows=1)),
        "likelihood-not-loss": Mistake(
            result=lambda p, x, t, s: ridge_by_hand(p, x, t, s, sign=-1.0)
        ),
        "length-for-penalty": Mistake(
            result=lambda p, x, t, s: penalised(p, x, t, lambda W: s * jnp.linalg.norm(W))
        ),
        "mean-for-penalty": Mistake(
            result=lambda p, x, t, s: ridge_by_hand(p, x, t, s / len(p["W"]))
        ),
        "penalty-shared": Mistake(result=lambda p, x, t, s: ridge_by_hand(p, x, t, s / len(t))),
        "bias-left-out": Mistake(
            result=lambda p, x, t, s: ridge_by_hand({**p, "b": 0.0}, x, t, s)[0], part="value"
        ),
        "targets-added": Mistake(result=lambda p, x, t, s: ridge_by_hand(p, x, -t, s)),
        "squared-error": Mistake(
            result=lambda p, x, t, s: (
                jnp.mean((x @ p["W"] + p["b"] - t) ** 2) + s * jnp.sum(p["W"] ** 2)
            ),
            part="value",
        ),
    },
    mistakes=(
        Mistake(
            "penalty-forgotten",
            "the penalty is missing",
            "Your loss has no penalty: add strength times the sum of the squared weights.",
            read=CHAPTER + "#slopes-dict",
        ),
        Mistake(
            "half-penalty",
            "half of the penalty",
            "Your penalty is half as large as it should be: there is no factor ½ in this one.",
            read=CHAPTER + "#slopes-dict",
        ),
        Mistake(
            "bias-too",
            "the bias is penalised, too",
            "Your penalty includes b². In this loss only the weights W cost extra.",
            read=CHAPTER + "#slopes-dict",
        ),
        Mistake(
            "rows-summed",
            "sum instead of mean",
            "You added up the losses of the examples. This loss is their mean, so that the "
            "penalty weighs the same whatever the number of examples.",
            read=CHAPTER + "#slopes-logistic",
        ),
        Mistake(
            "likelihood-not-loss",
            "the likelihood, not the loss",
            "The sign of the first term is wrong: you have the log-likelihood, which should be "
            "large. The loss is its negative.",
            read=CHAPTER + "#slopes-logistic",
        ),
        Mistake(
            "length-for-penalty",
            "the length, not its square",
            "Your penalty is strength times the *length* of W. Here it is the sum of the "
            "squares, without a root.",
        ),
        Mistake(
            "mean-for-penalty",
            "the mean of the squares",
            "Your penalty is the mean of the squared weights. Here they are added up.",
        ),
        Mistake(
            "penalty-shared",
            "the penalty divided by n",
            "You divided the penalty by the number of examples, too. The 1/n belongs to the "
            "first sum alone.",
        ),
        Mistake(
            "bias-left-out",
            "the bias is not in z",
            "Your logits are x·W without b. The bias costs nothing extra, but it belongs to z.",
        ),
        Mistake(
            "targets-added",
            "a plus in front of t z",
            "You added t z. In this loss it is subtracted: ln(1 + eᶻ) − t z.",
        ),
        Mistake(
            "squared-error",
            "the loss of a linear regression",
            "Your loss is the mean squared error of z. Here it is ln(1 + eᶻ) − t z, the loss of "
            "a logistic regression.",
        ),
        Mistake(
            "loss-not-one-number",
            "the loss is an array",
            "The loss has to be one number, and yours is an array: somewhere a sum is missing. "
            "Both the losses of the examples and the squares of the weights are added up.",
            "",
            raised=("TypeError: Gradient only defined for scalar-output functions",),
        ),
    ),
    rtol32=1e-4,
    read=CHAPTER + "#slopes-dict",
)

def valley(value, third, eps, cube=1.5, power=1 / 3, h=None):
    """The step with h³ = cube · eps · value / third, and both errors there."""
    ratio = cube * eps * value / third
    h = jnp.sign(ratio) * jnp.abs(ratio) ** power if h is None else h
    return h, third * h**2 / 6 + value * eps / 2 / h


def sizes_of(f, x):
    """|f| and |f‴| at x, in forward mode."""
    return abs(f(x)), abs(nested(f, x, (3,))[0])


def rounding_times_h(f, x, eps):
    value, third = sizes_of(f, x)
    h, _ = valley(value, third, eps)
    return h, third * h**2 / 6 + value * eps / 2 * h


def rounding_with_sign(f, x, eps):
    value, third = sizes_of(f, x)
    h, _ = valley(value, third, eps)
    return h, third * h**2 / 6 + f(x) * eps / 2 / h


def truncation_alone(f, x, eps):
    h, _ = valley(*sizes_of(f, x), eps)
    return h, h**2 / 6 * sizes_of(f, x)[1]


best_step = Question(
    name="best_step",
    returns=("h", "error"),
    points=(
        {"f": jnp.sin, "x": 0.5, "eps": 1.1920929e-07},
        {"f": lambda x: jnp.exp(-2 * x) + x, "x": -0.75, "eps": 2.220446e-16},
        {"f": lambda x: x**4, "x": 30.0, "eps": 1.1920929e-07},
        {"f": jnp.cos, "x": 2.5, "eps": 1.1920929e-07},
    ),
    labels=(
        "sin at 0.5, float32",
        "exp(−2x) + x at −0.75, float64",
        "x⁴ at 30, float32",
        "cos at 2.5, where it is negative, float32",
    ),
    large_points=(2,),
    reference=lambda f, x, eps: valley(*sizes_of(f, x), eps),
    predictions={
        "square-root-step": Mistake(
            result=lambda f, x, eps: valley(*sizes_of(f, x), eps, power=0.5)
        ),
        "second-for-third": Mistake(
            result=lambda f, x, eps: valley(abs(f(x)), abs(nested(f, x, (2,))[0]), eps)
        ),
        "terms-equal": Mistake(result=lambda f, x, eps: valley(*sizes_of(f, x), eps, cube=3.0)),
        "signs-kept": Mistake(result=lambda f, x, eps: valley(f(x), nested(f, x, (3,))[0], eps)),
        "rule-of-thumb": Mistake(
            result=lambda f, x, eps: valley(*sizes_of(f, x), eps, h=eps ** (1 / 3))
        ),
        "one-error-alone": Mistake(result=truncation_alone),
        "slope-for-value": Mistake(
            result=lambda f, x, eps: valley(abs(jax.jacfwd(f)(x)), sizes_of(f, x)[1], eps)
        ),
        "rounding-times-h": Mistake(result=rounding_times_h),
        "sign-of-value-kept": Mistake(result=rounding_with_sign),
        "step-cubed": Mistake(result=lambda f, x, eps: valley(*sizes_of(f, x), eps, power=1.0)),
        "step-inverted": Mistake(
            result=lambda f, x, eps: 1 / valley(*sizes_of(f, x), eps)[0], part="h"
        ),
        "first-for-third": Mistake(
            result=lambda f, x, eps: valley(abs(f(x)), abs(jax.jacfwd(f)(x)), eps)
        ),
    },
    mistakes=(
        Mistake(
            "square-root-step",
            "a square root, not a cube root",
            "Your h is a square root. That is the best step of the one-sided quotient; here h³ "
            "stands in the equation, so take the cube root.",
            read=CHAPTER + "#slopes-u",
        ),
        Mistake(
            "second-for-third",
            "the second derivative",
            "You used f″. In the central difference the term with f″ cancels; its error has f‴.",
            read=CHAPTER + "#slopes-u",
        ),
        Mistake(
            "terms-equal",
            "where both errors are equal",
            "Your h makes the two errors equal. Their sum is smallest where its *slope* is 0; for "
            "h² against 1/h that is somewhere else.",
            "For h² + 2/h the terms are equal at h = 1.26; the sum is smallest at h = 1.",
            read=CHAPTER + "#slopes-u",
        ),
        Mistake(
            "signs-kept",
            "the signs count",
            "You left out the absolute values, so that your result is right only where f and f‴ "
            "have the same sign. Errors are sizes: take jnp.abs of both.",
            read=CHAPTER + "#slopes-u",
        ),
        Mistake(
            "rule-of-thumb",
            "a rule of thumb",
            "Your h is the cube root of eps, whatever f is. That is a fair guess; here f and its "
            "third derivative are known, so the best step can be computed.",
            read=CHAPTER + "#slopes-u",
        ),
        Mistake(
            "one-error-alone",
            "one of the two errors is missing",
            "Your step is right, but your error is the truncation error alone. Add the rounding "
            "error, which at this step is twice as large.",
            read=CHAPTER + "#slopes-u",
        ),
        Mistake(
            "slope-for-value",
            "f′ in the rounding error",
            "You used |f′| in the rounding error. What is rounded are the values of f: it has "
            "|f(x)|.",
        ),
        Mistake(
            "rounding-times-h",
            "times h instead of divided by h",
            "Your step is right. In your error the rounding part is multiplied by h: `a / 2 * h` "
            "goes from left to right. Write `a / (2 * h)`.",
        ),
        Mistake(
            "sign-of-value-kept",
            "a rounding error with a sign",
            "Your step is right. In your error f(x) has kept its sign, so that where f is negative "
            "the rounding error is taken off. An error is a size: |f(x)|.",
        ),
        Mistake(
            "step-cubed",
            "no root was taken",
            "Your h is the cube of the right one: the equation gives h³, so take the cube root.",
        ),
        Mistake(
            "step-inverted",
            "upside down",
            "Your h is 1 divided by the right one. With a larger f‴ the best step gets smaller: "
            "|f‴| stands below, ε|f| above.",
        ),
        Mistake(
            "first-for-third",
            "the first derivative",
            "You used f′ where the third derivative belongs. In the central difference "
            "the terms with f′ are what you want, and that with f″ cancels; the error "
            "begins with f‴.",
        ),
    ),
    rtol32=1e-4,
    read=CHAPTER + "#slopes-u",
)

def forward_gradient(f, x, h):
    return jax.jacfwd(f)(x)


complex_gradient = Question(
    name="complex_gradient",
    returns="the gradient",
    points=(
        {"f": lambda x: jnp.sum(jnp.sin(x) * x**2), "x": test_array((3,)), "h": 1e-20},
        {"f": lambda x: jnp.prod(x) + jnp.exp(x[0]), "x": test_array((4,), phase=1.0), "h": 1e-20},
        {
            "f": lambda x: jnp.sum(x**3) / x[-1],
            "x": test_array((5,), phase=2.0, scale=50.0),
            "h": 1e-20,
        },
        {"f": lambda x: jnp.sum(x * jnp.exp(x)), "x": test_array((1,), phase=3.0), "h": 1e-20},
    ),
    labels=(
        "sum of x² sin x, n = 3",
        "a product and exp(x₀), n = 4",
        "sum of x³ / x₄, n = 5",
        "sum of x exp x, n = 1",
    ),
    large_points=(2,),
    reference=forward_gradient,
    predictions={
        "all-at-once": Mistake(result=lambda f, x, h: forward_gradient(f, x, h).sum()),
        "not-divided": Mistake(result=lambda f, x, h: h * forward_gradient(f, x, h)),
        "real-step": Mistake(result=lambda f, x, h: jnp.zeros(x.shape)),
        "real-part": Mistake(result=lambda f, x, h: jnp.full(x.shape, f(x) / h)),
        "steps-add-up": Mistake(result=lambda f, x, h: jnp.cumsum(forward_gradient(f, x, h))),
        "both-sides": Mistake(result=lambda f, x, h: 2 * forward_gradient(f, x, h)),
        "relative-step": Mistake(result=lambda f, x, h: x * forward_gradient(f, x, h)),
        "sum-in-every-entry": Mistake(
            result=lambda f, x, h: jnp.full(x.shape, forward_gradient(f, x, h).sum())
        ),
    },
    mistakes=(
        Mistake(
            "all-at-once",
            "all entries moved at once",
            "You returned one number: the sum of the gradient's entries. `x + 1j * h` moves every "
            "entry. Move one at a time, along the rows of jnp.eye(n).",
            "",
            read=CHAPTER + "#slopes-complex",
        ),
        Mistake(
            "not-divided",
            "not divided by h",
            "Your entries are h times the slopes: the imaginary part of f(x + ih) is h f′(x). "
            "Divide it by h.",
            read=CHAPTER + "#slopes-complex",
        ),
        Mistake(
            "real-step",
            "a real step",
            "Your gradient is 0 everywhere: x + h and x − h are the same number when h is 1e-20. "
            "The step has to go in the imaginary direction, `1j * h`.",
            read=CHAPTER + "#slopes-complex",
        ),
        Mistake(
            "real-part",
            "the real part",
            "You took the real part, which holds the value f(x), and divided it by h. The slope "
            "is in the imaginary part: jnp.imag.",
            read=CHAPTER + "#slopes-complex",
        ),
        Mistake(
            "steps-add-up",
            "earlier steps were left in",
            "Each entry of yours is the sum of the slopes up to it: the steps of the entries "
            "before are still in x. Start from x itself for each direction.",
        ),
        Mistake(
            "both-sides",
            "twice the slope",
            "Your entries are twice the slopes. Nothing is subtracted here: one step, and Im f(x "
            "+ ih) / h. A difference of f(x + ih) and f(x − ih) would be divided by 2h.",
        ),
        Mistake(
            "relative-step",
            "a step as long as x",
            "Your entries are x times the slopes: each step was h times the entry of x. Add `1j "
            "* h` to it instead.",
        ),
        Mistake(
            "sum-in-every-entry",
            "all entries moved at once",
            "Each entry of yours is the sum of all slopes: `x + 1j * h` moves every "
            "entry at once. Move one at a time, along the rows of jnp.eye(n).",
        ),
    ),
    read=CHAPTER + "#slopes-complex",
)

RULES = {
    "+": lambda a, b, da, db: (a + b, da + db),
    "*": lambda a, b, da, db: (a * b, da * b + a * db),
    "sin": lambda a, da: (jnp.sin(a), jnp.cos(a) * da),
    "exp": lambda a, da: (jnp.exp(a), jnp.exp(a) * da),
}


def pair(expression, x, rules, number=0.0):
    """Value and slope of an expression, by the given rules."""
    if isinstance(expression, str):
        return x, jnp.ones_like(x)
    if not isinstance(expression, tuple):
        slope = expression if number is None else number
        return expression, slope * jnp.ones_like(x)
    operation, *operands = expression
    values, slopes = zip(*[pair(o, x, rules, number) for o in operands], strict=True)
    return rules[operation](*values, *slopes)


def value_of(expression, x):
    return pair(expression, x, RULES)[0]


def ruled(number=0.0, **changed):
    """What comes out with other rules for the product or for sin and exp."""
    rules = {**RULES, **{{"product": "*"}.get(name, name): rule for name, rule in changed.items()}}
    return Mistake(result=lambda expression, x: pair(expression, x, rules, number)[1])


wavy = ("+", ("*", "x", ("sin", ("*", 3.0, "x"))), ("*", "x", ("+", "x", 1.5)))
nested_products = ("*", ("exp", ("*", "x", "x")), ("sin", ("exp", ("*", 0.5, "x"))))
cubic = ("+", ("*", ("*", "x", "x"), ("+", "x", -2.0)), ("exp", ("sin", ("*", 2.0, "x"))))


def plain(expression):
    """The expression with plain numbers, as its text says: `isinstance(…, float)` is fair."""
    if isinstance(expression, tuple):
        return tuple(map(plain, expression))
    return float(expression) if is_concrete(expression) else expression


def is_concrete(leaf):
    return isinstance(leaf, jax.Array) and not isinstance(leaf, jax.core.Tracer)


symbolic_slope = Question(
    name="symbolic_slope",
    returns="the slope",
    points=(
        {"expression": wavy, "x": 0.5},
        {"expression": nested_products, "x": -0.75},
        {"expression": cubic, "x": 40.0},
        {"expression": ("*", ("sin", ("*", 3.0, "x")), ("sin", ("*", 3.0, "x"))), "x": 0.25},
    ),
    labels=(
        "x sin 3x + x (x + 1.5) at 0.5",
        "exp(x²) sin exp(x/2) at −0.75",
        "x² (x − 2) + exp(sin 2x) at 40",
        "sin 3x times itself at 0.25",
    ),
    large_points=(2,),
    reference=lambda expression, x: jax.jacfwd(lambda x: value_of(expression, x))(x),
    adapt=lambda answer: lambda expression, x: answer(plain(expression), x),
    predictions={
        "first-factor-as-number": ruled(product=lambda a, b, da, db: (a * b, a * db)),
        "product-of-slopes": ruled(product=lambda a, b, da, db: (a * b, da * db)),
        "half-product": ruled(product=lambda a, b, da, db: (a * b, da * b)),
        "inner-slope-forgotten": ruled(
            sin=lambda a, da: (jnp.sin(a), jnp.cos(a)), exp=lambda a, da: (jnp.exp(a), jnp.exp(a))
        ),
        "numbers-move": ruled(number=1.0),
        "function-of-slope": ruled(
            sin=lambda a, da: (jnp.sin(a), jnp.cos(da)),
            exp=lambda a, da: (jnp.exp(a), jnp.exp(da)),
        ),
        "inner-of-sine": ruled(sin=lambda a, da: (jnp.sin(a), jnp.cos(a))),
        "inner-of-exponential": ruled(exp=lambda a, da: (jnp.exp(a), jnp.exp(a))),
        "sine-stays": ruled(sin=lambda a, da: (jnp.sin(a), jnp.sin(a) * da)),
        "minus-cosine": ruled(sin=lambda a, da: (jnp.sin(a), -jnp.cos(a) * da)),
        "cosine-of-slope": ruled(sin=lambda a, da: (jnp.sin(a), jnp.cos(da) * da)),
        "power-rule-for-exp": ruled(exp=lambda a, da: (jnp.exp(a), a * jnp.exp(a) * da)),
        "minus-in-product": ruled(product=lambda a, b, da, db: (a * b, da * b - a * db)),
        "same-term-twice": ruled(product=lambda a, b, da, db: (a * b, 2 * da * b)),
        "x-has-slope-x": Mistake(result=lambda expression, x: x * pair(expression, x, RULES)[1]),
        "x-stands-still": Mistake(result=lambda expression, x: 0.0 * x),
        "factor-in-place-of-slope": ruled(exp=lambda a, da: (jnp.exp(a), a * jnp.exp(a))),
        "slope-of-a-number": ruled(number=None),
    },
    mistakes=(
        Mistake(
            "first-factor-as-number",
            "the first factor stands still",
            "In your product the first factor stands still: only a · b′ is left. That is right where a is "
            "a number; here it may hold x as well.",
        ),
        Mistake(
            "product-of-slopes",
            "the product of the derivatives",
            "For a product you multiplied the derivatives of its factors. The product rule has two "
            "terms: each factor changes while the other one stays.",
            "For x·x at 3, the product of the derivatives is 1; the derivative is 6.",
            read=CHAPTER + "#slopes-symbolic",
        ),
        Mistake(
            "half-product",
            "half of the product rule",
            "Your derivative of a product has one of its two terms. Both factors may contain x.",
            "For x·x at 3, one term gives 3; the derivative is 6.",
            read=CHAPTER + "#slopes-symbolic",
        ),
        Mistake(
            "inner-slope-forgotten",
            "the inner derivative is missing",
            "The derivative of your sine is the cosine alone. By the chain rule it has to be "
            "multiplied by the derivative of what stands inside; so does the exponential.",
            "sin(3x) has the slope 3 cos(3x): 3 at x = 0, not 1.",
            read=CHAPTER + "#slopes-third",
        ),
        Mistake(
            "numbers-move",
            "numbers have slope 1",
            "You gave the numbers in the expression the derivative 1. A number does not change "
            "with x: its derivative is 0. That of x is 1.",
            read=CHAPTER + "#slopes-symbolic",
        ),
        Mistake(
            "function-of-slope",
            "a function of the inner derivative",
            "You put the derivative of the inside *into* the cosine or the exponential. It is a "
            "factor: cos(a) times a′.",
            read=CHAPTER + "#slopes-third",
        ),
        Mistake(
            "inner-of-sine",
            "the inner derivative of a sine is missing",
            "The derivative of your sine is the cosine alone. By the chain rule it has to be "
            "multiplied by the derivative of what stands inside.",
            "sin(3x) has the slope 3 cos(3x): 3 at x = 0, not 1.",
            read=CHAPTER + "#slopes-third",
        ),
        Mistake(
            "inner-of-exponential",
            "the inner derivative of an exponential is missing",
            "The derivative of your exponential is the exponential alone. By the chain rule it "
            "has to be multiplied by the derivative of what stands inside.",
            "exp(3x) has the slope 3 exp(3x): 3 at x = 0, not 1.",
            read=CHAPTER + "#slopes-third",
        ),
        Mistake(
            "sine-stays",
            "a sine for its cosine",
            "The derivative of your sine has a sine in it, where the cosine belongs.",
        ),
        Mistake(
            "minus-cosine",
            "a minus in front of the cosine",
            "The derivative of your sine has a minus: it is the cosine that gets one when it is "
            "differentiated.",
        ),
        Mistake(
            "cosine-of-slope",
            "the cosine of the slope",
            "You took the cosine of the inner *derivative*. It belongs at what stood inside the "
            "sine: cos(a) times a′.",
        ),
        Mistake(
            "power-rule-for-exp",
            "the power rule for an exponential",
            "Your derivative of exp(a) has a factor a: that is the rule of a power. An "
            "exponential is its own derivative, times a′.",
        ),
        Mistake(
            "minus-in-product",
            "a minus in the product rule",
            "Your product rule has a minus between its terms; that is the rule of a quotient. "
            "(ab)′ = a′b + ab′.",
        ),
        Mistake(
            "same-term-twice",
            "one term twice",
            "Your product rule has the same term twice, a′b + a′b. In the second one, b has the "
            "prime: ab′.",
        ),
        Mistake(
            "x-has-slope-x",
            "the slope of x is 1",
            "Your result is x times too large. It looks so where the derivative of the "
            "expression 'x' is x. How fast does x change with x? Its derivative is 1.",
        ),
        Mistake(
            "x-stands-still",
            "the slope of x is not 0",
            "Your slopes are all 0: nothing in your expressions moves. A number has the slope 0, "
            "and x itself has the slope 1.",
        ),
        Mistake(
            "operation-unknown",
            "an operation that a table does not know",
            "An operation was looked up in a table that does not have it. `evaluate` knows five, "
            "+, *, sin, cos and exp (a difference is a sum with a factor −1.0); your own rules "
            "need one for each of +, *, sin and exp.",
            "",
            raised=("KeyError: ",),
        ),
        Mistake(
            "rule-missing",
            "an operation without a rule",
            "A None came out of `differentiate`. That is what a Python function returns when it "
            "comes to its end without a `return`: is there a rule for each of +, *, sin and exp, "
            "for 'x', and for numbers?",
            "",
            raised=("TypeError: NoneType",),
        ),
        Mistake(
            "factor-in-place-of-slope",
            "a instead of its slope",
            "Your derivative of exp(a) is a exp(a). The factor in front is the "
            "*derivative* of what stands inside, by the chain rule.",
        ),
        Mistake(
            "slope-of-a-number",
            "a number for its slope",
            "You gave the numbers in the expression themselves as derivatives. A number "
            "does not change with x: its derivative is 0.",
        ),
    ),
    read=CHAPTER + "#slopes-symbolic",
)
