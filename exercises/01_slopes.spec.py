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
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "bias-forgotten",
            "the bias never moves",
            "Your b stays 0. `grad(loss)` differentiates with respect to the first argument "
            "only; with `argnums=(0, 1)` it gives the gradients for w and b.",
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
        {**patients(8, 3, 1.0, scale=64.0), "strength": 0.125},
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
    ),
    labels=(
        "sin at 0.5, float32",
        "exp(−2x) + x at −0.75, float64",
        "x⁴ at 30, float32",
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
    ),
    labels=("sum of x² sin x, n = 3", "a product and exp(x₀), n = 4", "sum of x³ / x₄, n = 5"),
    large_points=(2,),
    reference=forward_gradient,
    predictions={
        "all-at-once": Mistake(result=lambda f, x, h: forward_gradient(f, x, h).sum()),
        "not-divided": Mistake(result=lambda f, x, h: h * forward_gradient(f, x, h)),
        "real-step": Mistake(result=lambda f, x, h: jnp.zeros(x.shape)),
        "real-part": Mistake(result=lambda f, x, h: jnp.full(x.shape, f(x) / h)),
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
        return expression, number * jnp.ones_like(x)
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

symbolic_slope = Question(
    name="symbolic_slope",
    returns="the slope",
    points=(
        {"expression": wavy, "x": 0.5},
        {"expression": nested_products, "x": -0.75},
        {"expression": cubic, "x": 40.0},
    ),
    labels=(
        "x sin 3x + x (x + 1.5) at 0.5",
        "exp(x²) sin exp(x/2) at −0.75",
        "x² (x − 2) + exp(sin 2x) at 40",
    ),
    large_points=(2,),
    reference=lambda expression, x: jax.jacfwd(lambda x: value_of(expression, x))(x),
    predictions={
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
    },
    mistakes=(
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
    ),
    read=CHAPTER + "#slopes-symbolic",
)
