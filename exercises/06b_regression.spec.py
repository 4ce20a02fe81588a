"""The specifications of 06b_regression.md, released from solutions/06b_regression.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import CostLimit, Mistake, Question, linear_in, test_array

CHAPTER = "book/01_slopes.md"
REVERSE = "book/04_reverse.md#reverse-accumulate"


def objective(w, b, X, y, s, mean=True, data=1.0, bias=0.0):
    """The ridge loss; the last three make wrong ones."""
    squares = (X @ w + b - y) ** 2
    error = jnp.mean(squares) if mean else jnp.sum(squares)
    return data * error + s * (jnp.sum(w**2) + bias * b**2)


def slopes(w, b, X, y, s, **changed):
    """Both gradients, column by column."""
    return jax.jacfwd(lambda w, b: objective(w, b, X, y, s, **changed), argnums=(0, 1))(w, b)


def plane(n, d, phase, scale=1.0):
    return {
        "w": test_array((d,), phase),
        "b": 0.75 - phase / 8,
        "X": test_array((n, d), phase + 1, scale),
        "y": test_array((n,), phase + 2, scale),
    }


POINTS = (
    {**plane(6, 2, 0.0), "s": 0.5},
    {**plane(5, 3, 1.0), "s": 0.25},
    {**plane(8, 2, 2.0, 50.0), "s": 3.0},
)
LABELS = ("6 points, 2 inputs", "5 points, 3 inputs", "8 points far out")

MESSAGES = {
    "penalty-forgotten": Mistake(
        "penalty-forgotten",
        "the penalty is missing",
        "Your gradient knows nothing of the penalty. s Σ w² has the slope 2 s w.",
        read=CHAPTER + "#slopes-check",
    ),
    "half-penalty": Mistake(
        "half-penalty",
        "half of the penalty's slope",
        "Your slope of the penalty is s w. The derivative of s w² is 2 s w.",
        read=CHAPTER + "#slopes-check",
    ),
    "rows-summed": Mistake(
        "rows-summed",
        "sum instead of mean",
        "You added up the squared errors. The loss is their mean, so that each counts 1/n.",
        read=CHAPTER + "#slopes-check",
    ),
    "bias-too": Mistake(
        "bias-too",
        "the bias is penalised, too",
        "Your slope for b has a term from a penalty. In this loss only the weights are penalised.",
        read=CHAPTER + "#slopes-check",
    ),
}

gradient_by_hand = Question(
    name="gradient_by_hand",
    returns=("w_bar", "b_bar"),
    points=POINTS,
    labels=LABELS,
    large_points=(2,),
    reference=slopes,
    shape_of={"w_bar": "w", "b_bar": "b"},
    predictions={
        "penalty-forgotten": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, 0.0)),
        "half-penalty": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s / 2)),
        "rows-summed": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s, mean=False)),
        "bias-too": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s, bias=1.0)),
        "bias-left-out": Mistake(result=lambda w, b, X, y, s: slopes(w, 0.0, X, y, s)),
    },
    mistakes=(
        *MESSAGES.values(),
        Mistake(
            "bias-left-out",
            "the bias is not in the error",
            "Your errors are X w − y: the bias b is missing in them.",
            read=CHAPTER + "#slopes-check",
        ),
    ),
    read=CHAPTER + "#slopes-check",
)

gradient_by_tape = Question(
    name="gradient_by_tape",
    returns=("w_bar", "b_bar"),
    points=POINTS,
    labels=LABELS,
    large_points=(2,),
    reference=slopes,
    shape_of={"w_bar": "w", "b_bar": "b"},
    predictions={
        "penalty-forgotten": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, 0.0)),
        "half-penalty": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s / 2)),
        "rows-summed": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s, mean=False)),
        "half-error": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s, data=0.5)),
        "overwritten": Mistake(result=lambda w, b, X, y, s: 2 * s * w, part="w_bar"),
        "not-started": Mistake(result=lambda w, b, X, y, s: (0 * w, 0 * b)),
    },
    mistakes=(
        *MESSAGES.values(),
        Mistake(
            "half-error",
            "a factor 2 is missing",
            "Your mean_square hands on half of what it should: the derivative of r² is 2 r.",
            read=REVERSE,
        ),
        Mistake(
            "overwritten",
            "overwritten instead of accumulated",
            "Your w_bar holds the penalty's contribution alone. w is used twice, in the product and "
            "in the penalty: add the contributions, do not replace one by the other.",
            read=REVERSE,
        ),
        Mistake(
            "not-started",
            "the backward pass never starts",
            "All your cotangents are 0. Everything that is handed on is a multiple of the cotangent "
            "of the result, and that has to be 1 at the start.",
            read=REVERSE,
        ),
    ),
    read=REVERSE,
)

def with_bias(w, b, X, y, s):
    w_bar, b_bar = slopes(w, b, X, y, s)
    return w_bar + b_bar


gradient_by_forward = Question(
    name="gradient_by_forward",
    returns=("w_bar", "b_bar"),
    points=POINTS,
    labels=LABELS,
    large_points=(2,),
    reference=slopes,
    shape_of={"w_bar": "w", "b_bar": "b"},
    predictions={
        "one-direction": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, s)[0].sum(), part="w_bar"
        ),
        "bias-moves": Mistake(result=with_bias, part="w_bar"),
        "values-for-slopes": Mistake(
            result=lambda w, b, X, y, s: jnp.full(w.shape, objective(w, b, X, y, s)), part="w_bar"
        ),
    },
    mistakes=(
        Mistake(
            "one-direction",
            "all weights moved at once",
            "You moved all weights in one pass: that gives the sum of the gradient's entries. Each "
            "entry takes a pass of its own, in which one weight moves.",
            "",
            read="book/03_forward.md#forward-columns",
        ),
        Mistake(
            "bias-moves",
            "the bias moves along",
            "In your passes for the weights the bias moves, too, so that its slope is added to "
            "every entry. Its tangent has to be 0 there.",
            read="book/03_forward.md#forward-columns",
        ),
        Mistake(
            "values-for-slopes",
            "the value instead of the slope",
            "`jvp` returns the pair (value, slope), and you took the value.",
            read="book/03_forward.md#forward-columns",
        ),
    ),
    cost_limits=(CostLimit("wrong-mode", lambda: {**plane(6, 2, 0.0), "s": 0.5}, mode="forward"),),
    read="book/03_forward.md#forward-columns",
)

def descended(w, b, X, y, s, steps, rate, together=True, renewed=True):
    """Descent by the formulas; returns w, b, and all losses, that at the end included."""
    X, y = np.asarray(X), np.asarray(y)
    losses, first = [], None
    for _ in range(steps):
        losses.append(float(objective(w, b, X, y, s)))
        w_slope, b_slope = first if first and not renewed else slopes(w, b, X, y, s)
        first = first or (w_slope, b_slope)
        moved = w - rate * w_slope
        if not together:
            b_slope = slopes(moved, b, X, y, s)[1]
        w, b = moved, b - rate * b_slope
    return w, b, np.array([*losses, float(objective(w, b, X, y, s))])


def fitted(*arguments, **changed):
    w, b, losses = descended(*arguments, **changed)
    return w, b, losses[:-1]


def bias_at_rest(w, b, X, y, s, steps, rate):
    losses = []
    for _ in range(steps):
        losses.append(float(objective(w, b, X, y, s)))
        w = w - rate * slopes(w, b, X, y, s)[0]
    return w, b, np.array(losses)


fit_by_reverse = Question(
    name="fit_by_reverse",
    returns=("w", "b", "losses"),
    points=(
        {**plane(6, 2, 0.0), "s": 0.5, "steps": 3, "rate": 0.125},
        {**plane(5, 3, 1.0), "s": 0.25, "steps": 4, "rate": 0.0625},
        {**plane(8, 2, 2.0, 50.0), "s": 3.0, "steps": 3, "rate": 0.0001},
    ),
    labels=("6 points, 3 steps", "5 points, 4 steps", "8 points far out, 3 steps"),
    large_points=(2,),
    reference=fitted,
    predictions={
        "uphill": Mistake(
            result=lambda w, b, X, y, s, steps, rate: fitted(w, b, X, y, s, steps, -rate)
        ),
        "bias-rests": Mistake(result=bias_at_rest),
        "loss-after-step": Mistake(result=lambda *a: descended(*a)[2][1:], part="losses"),
        "last-loss-only": Mistake(result=lambda *a: descended(*a)[2][-2], part="losses"),
        "one-after-the-other": Mistake(result=lambda *a: fitted(*a, together=False)),
        "gradient-not-renewed": Mistake(result=lambda *a: fitted(*a, renewed=False)),
    },
    mistakes=(
        Mistake(
            "uphill",
            "uphill",
            "You added the gradient. It points to where the loss grows fastest, so going downhill "
            "means subtracting it.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "bias-rests",
            "the bias never moves",
            "Your b stays where it was. Without `argnums=(0, 1)` only the first argument is "
            "differentiated.",
            read=CHAPTER + "#slopes-argnums",
        ),
        Mistake(
            "loss-after-step",
            "the loss after each step",
            "Your losses are those *after* each step. Asked for is the loss before it, which "
            "value_and_grad gives you together with the gradient.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "last-loss-only",
            "only the last loss",
            "You returned only the last loss. Keep one for each step, in a list, and stack them.",
            "",
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
            "gradient-not-renewed",
            "the first gradient all the way",
            "You walked all steps along the gradient of the starting point. After each step the "
            "slope is another one: compute it inside the loop.",
            read=CHAPTER + "#slopes-value",
        ),
    ),
    rtol32=1e-4,
    read=CHAPTER + "#slopes-value",
)
