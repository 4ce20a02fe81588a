"""The specifications of 06b_regression.md, released from solutions/06b_regression.md: edit them there."""

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
        "Your gradient is that of the *sum* of the squared errors. The loss is their mean: each counts 1/n.",
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
        "half-error": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s, data=0.5)),
        "error-without-two": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, s, data=0.5)[0], part="w_bar"
        ),
        "error-turned": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s, data=-1.0)),
        "entries-counted": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, s, data=1.0 / len(w))
        ),
        "inputs-in-bias": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, 0.0)[0].sum(), part="b_bar"
        ),
        "penalty-itself": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, 0.0)[0] + s * jnp.sum(w**2),
            part="w_bar",
        ),
        "penalty-shared": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s / len(y))),
        "errors-not-added": Mistake(
            result=lambda w, b, X, y, s: 2 * (X @ w + b - y) / len(y), part="b_bar"
        ),
        "columns-counted": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, s, data=len(y) / len(w))
        ),
        "inputs-left-out": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, s)[1] + 2 * s * w, part="w_bar"
        ),
        "mean-over-features": Mistake(
            result=lambda w, b, X, y, s: 2 * s * w + slopes(w, b, X, y, 0.0)[0].mean(),
            part="w_bar",
        ),
    },
    mistakes=(
        *MESSAGES.values(),
        Mistake(
            "bias-left-out",
            "the bias is not in the error",
            "Your errors are X w − y: the bias b is missing in them.",
            read=CHAPTER + "#slopes-check",
        ),
        Mistake(
            "half-error",
            "the 2 of the square is missing",
            "The part of your gradients that comes from the errors is half of what it should be: "
            "the derivative of r² is 2 r.",
        ),
        Mistake(
            "error-without-two",
            "the 2 of the square is missing",
            "The part of your w_bar that comes from the errors is half of what it should be: the "
            "derivative of r² is 2 r.",
        ),
        Mistake(
            "error-turned",
            "y − (X w + b)",
            "The part of your gradients that comes from the errors has the opposite sign. An "
            "error is rᵢ = xᵢ·w + b − yᵢ: it grows when w and b do.",
        ),
        Mistake(
            "entries-counted",
            "divided by all entries of X",
            "You divided by the number of entries of X. n is the number of points: the rows of "
            "X, the entries of y.",
        ),
        Mistake(
            "inputs-in-bias",
            "inputs in the slope of b",
            "Your b_bar has the inputs xᵢ in it. With respect to b, the derivative of rᵢ is 1: "
            "add up the errors alone.",
        ),
        Mistake(
            "penalty-itself",
            "the penalty, not its slope",
            "You added the penalty itself to w_bar, one number for all entries. Its slope with "
            "respect to wⱼ is 2 s wⱼ.",
        ),
        Mistake(
            "penalty-shared",
            "the penalty divided by n",
            "You divided the slope of the penalty by n, too. In L the penalty stands outside the "
            "mean.",
        ),
        Mistake(
            "errors-not-added",
            "b_bar is one number",
            "Your b_bar has an entry for each point. b is part of every error: add up what they "
            "contribute.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "columns-counted",
            "divided by the number of inputs",
            "You divided by the number of inputs, the columns of X. n is the number of "
            "points: the rows of X, the entries of y.",
        ),
        Mistake(
            "inputs-left-out",
            "the inputs are missing",
            "The errors' part of your w_bar is the same for every weight. With respect "
            "to wⱼ, the derivative of rᵢ is the input Xᵢⱼ: each error counts with it.",
        ),
        Mistake(
            "mean-over-features",
            "the mean over the features, too",
            "Your mean runs over the points *and* the features, and is one number. Each "
            "weight has a slope of its own: the mean over the points alone, axis 0.",
        ),
    ),
    read=CHAPTER + "#slopes-check",
    without=DERIVATIVES,
)

def squares_for_slopes(w, b, X, y, s):
    squares = (X @ w + b - y) ** 2 / len(y)
    return X.T @ squares + 2 * s * w, squares.sum()


def pulls_of(answer, arguments):
    """Each operation of the answer's cell, with the functions that hand its cotangent on."""
    names = getattr(answer, "__globals__", {})
    if not {"Var", "add", "mean_square", "penalty", "backward"} <= names.keys():
        return []
    w, number = names["Var"](arguments["w"]), names["Var"](jnp.asarray(1.5))
    made = {
        "add": names["add"](w, number),
        "mean_square": names["mean_square"](w),
        "penalty": names["penalty"](w, arguments["s"]),
    }
    return [(name, var.value, pull) for name, var in made.items() for _, pull in var.parents]


def fairly(holds):
    """The requirement, of answers whose parts are as the question says."""

    def asked(answer, arguments):
        try:
            return holds(answer, arguments)
        except Exception:
            return True

    return asked


def hands_on(answer, arguments):
    """Whether each operation's rule is linear in the cotangent that it gets."""
    for name, value, pull in pulls_of(answer, arguments):
        u = jnp.ones_like(value)
        if not np.allclose(pull(2 * u), 2 * pull(u), rtol=1e-4):
            return {"operation": f"`{name}`"}
    return True


def waits_for_all(answer, arguments):
    """Whether a value that two others were made of hands on once, when both have sent their part."""
    names = getattr(answer, "__globals__", {})
    if not pulls_of(answer, arguments):
        return True
    X, w = arguments["X"], arguments["w"]
    weights = names["Var"](w)
    errors = names["product"](X, weights)
    names["backward"](names["mean_square"](names["add"](errors, errors)))
    return bool(np.allclose(weights.bar, 8 * X.T @ (X @ w) / len(X), rtol=1e-4))


def waits_for_detours(answer, arguments):
    """Whether a value also waits for what comes to it on a longer way."""
    names = getattr(answer, "__globals__", {})
    if not pulls_of(answer, arguments):
        return True
    X, w = arguments["X"], arguments["w"]
    for nested in (lambda v, add: add(v, add(v, v)), lambda v, add: add(add(v, v), v)):
        weights = names["Var"](w)
        errors = nested(names["product"](X, weights), names["add"])
        names["backward"](names["mean_square"](errors))
        if not np.allclose(weights.bar, 18 * X.T @ (X @ w) / len(X), rtol=1e-4):
            return False
    return True


gradient_by_tape = Question(
    name="gradient_by_tape",
    returns=("w_bar", "b_bar"),
    points=POINTS,
    labels=LABELS,
    large_points=(2,),
    reference=slopes,
    shape_of={"w_bar": "w", "b_bar": "b"},
    requirements=(
        Requirement("cotangent-not-handed-on", holds=fairly(hands_on)),
        Requirement("handed-on-too-early", holds=fairly(waits_for_all)),
        Requirement("longer-way-missed", holds=fairly(waits_for_detours)),
    ),
    predictions={
        "penalty-lost": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, 0.0)),
        "half-penalty": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s / 2)),
        "rows-summed": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s, mean=False)),
        "half-error": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, s, data=0.5)),
        "overwritten": Mistake(result=lambda w, b, X, y, s: 2 * s * w, part="w_bar"),
        "not-started": Mistake(result=lambda w, b, X, y, s: (0 * w, 0 * b)),
        "second-operand-lost": Mistake(
            result=lambda w, b, X, y, s: (slopes(w, b, X, y, 0.0)[0], 0.0 * b)
        ),
        "first-level-alone": Mistake(result=lambda w, b, X, y, s: (0.0 * b, 0.0 * b)),
        "squares-for-slopes": Mistake(result=squares_for_slopes),
        "strength-forgotten": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, 1.0)),
        "errors-not-added": Mistake(
            result=lambda w, b, X, y, s: 2 * (X @ w + b - y) / len(y), part="b_bar"
        ),
        "mean-for-sum-in-add": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, s)[1] / len(y), part="b_bar"
        ),
        "penalty-summed": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, 0.0)[0] + 2 * s * jnp.sum(w),
            part="w_bar",
        ),
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
        Mistake(
            "penalty-lost",
            "the penalty did not arrive",
            "The slope of the penalty, 2 s w, is not in your w_bar. Either `penalty` hands "
            "nothing on to w, or it was overwritten when the other contribution came: w is used "
            "twice, and `bar` is the *sum* of what it gets.",
        ),
        Mistake(
            "second-operand-lost",
            "the second operand gets nothing",
            "Your b_bar is 0, and the penalty did not reach w: both are *second* operands of an "
            "`add`. It has two parents, and hands the cotangent on to both.",
        ),
        Mistake(
            "first-level-alone",
            "only the first level",
            "w and b still have the 0.0 with which they started. The cotangent was not handed on "
            "as far as that: every value passes on what it gets, to its own parents.",
            "",
        ),
        Mistake(
            "squares-for-slopes",
            "the squares themselves",
            "Your `mean_square` hands on the squares, r². It is the *derivative* that is "
            "multiplied with u: 2 r / n.",
        ),
        Mistake(
            "strength-forgotten",
            "s is missing in the rule of the penalty",
            "Your `penalty` hands on 2 w. The factor s belongs to its derivative as well.",
        ),
        Mistake(
            "errors-not-added",
            "b_bar is one number",
            "Your b_bar has an entry for each point. Where `add` puts a single number and n "
            "others together, the number was used n times: add up what comes back.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "mean-for-sum-in-add",
            "a mean where a sum belongs",
            "Your b_bar is n times too small: `add` takes the mean of what comes back for a "
            "single number. It was used n times: add it all up.",
        ),
        Mistake(
            "cotangent-not-handed-on",
            "a rule without u",
            "The numbers are right because u was 1 everywhere. Your rule of {operation} does not "
            "multiply by the u that it gets, as every rule has to: twice the u, twice of what "
            "is handed on.",
            "",
        ),
        Mistake(
            "handed-on-too-early",
            "wrong where a value is used twice",
            "The numbers are right here, where every value between has one use. Where it has two, "
            "yours are wrong: each use is a contribution, also two uses by one operation, and a "
            "value hands on once, when *all* its contributions are in.",
            "For e = v + v with v = X w, the slope of the mean of e² is 8 Xᵀ v / n.",
        ),
        Mistake(
            "longer-way-missed",
            "handed on before all was in",
            "The numbers are right here, where all ways to a value are equally long. If one is "
            "longer, your `backward` lets the value hand on before that contribution is in. Go "
            "backward in an order in which every value comes after *all* that was computed from "
            "it.",
            "For e = v + (v + v) with v = X w, the slope of the mean of e² is 18 Xᵀ v / n.",
            read=REVERSE,
        ),
        Mistake(
            "bar-not-there-yet",
            "a bar that nobody has set yet",
            "A value handed on before it had got anything: its bar was still the 0.0 of the "
            "beginning, and the rule of `product` needs an array. Children come before their "
            "parents: go through the list from its end.",
            "",
            raised=(
                "ValueError: matmul input operand",
                "TypeError: matmul input operand",
            ),
        ),
        Mistake(
            "sum-of-a-number",
            "a sum of one number",
            "`u` is sometimes a single number, and has nothing to add up. The sum belongs to the "
            "case in which `b` is a single number and `a` is not.",
            "",
            raised=("AttributeError: 'float' object has no attribute 'sum'",),
        ),
        Mistake(
            "penalty-summed",
            "the sum of the weights",
            "The penalty's part of your w_bar is the same for every weight: its rule "
            "holds their sum. The derivative of s Σ wⱼ² with respect to wⱼ is 2 s wⱼ, "
            "its own weight.",
        ),
    ),
    read=REVERSE,
)

def with_bias(w, b, X, y, s):
    w_bar, b_bar = slopes(w, b, X, y, s)
    return w_bar + b_bar


def asks_the_loss(answer, arguments):
    """Whether the answer calls `ridge_loss` of the page."""
    names = getattr(answer, "__globals__", {})
    loss = names.get("ridge_loss")
    if loss is None:
        return True
    called = []

    def watched(*arguments, **named):
        called.append(arguments)
        return loss(*arguments, **named)

    names["ridge_loss"] = watched
    try:
        answer(*arguments.values())
    finally:
        names["ridge_loss"] = loss
    return bool(called)


gradient_by_forward = Question(
    name="gradient_by_forward",
    returns=("w_bar", "b_bar"),
    points=POINTS,
    labels=LABELS,
    large_points=(2,),
    reference=slopes,
    shape_of={"w_bar": "w", "b_bar": "b"},
    requirements=(Requirement("other-formula", holds=asks_the_loss),),
    predictions={
        "one-direction": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, s)[0].sum(), part="w_bar"
        ),
        "bias-moves": Mistake(result=with_bias, part="w_bar"),
        "values-for-slopes": Mistake(
            result=lambda w, b, X, y, s: jnp.full(w.shape, objective(w, b, X, y, s)), part="w_bar"
        ),
        "penalty-left-out": Mistake(result=lambda w, b, X, y, s: slopes(w, b, X, y, 0.0)),
        "weights-move": Mistake(
            result=lambda w, b, X, y, s: slopes(w, b, X, y, s)[1] + slopes(w, b, X, y, s)[0].sum(),
            part="b_bar",
        ),
        "sum-in-every-entry": Mistake(
            result=lambda w, b, X, y, s: jnp.full(w.shape, slopes(w, b, X, y, s)[0].sum()),
            part="w_bar",
        ),
        "tangents-pile-up": Mistake(
            result=lambda w, b, X, y, s: jnp.cumsum(slopes(w, b, X, y, s)[0]), part="w_bar"
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
        Mistake(
            "penalty-left-out",
            "the penalty is missing",
            "Your gradient knows nothing of the penalty. Pass s on to `ridge_loss` as it is.",
        ),
        Mistake(
            "weights-move",
            "the weights move as well",
            "In your pass for the bias all weights move, too, so that their slopes are added to "
            "it. Their tangents have to be 0 there.",
        ),
        Mistake(
            "tangent-of-another-kind",
            "a tangent of another shape or type",
            "A tangent must have the shape and the type of its point. For w it is a row of an "
            "identity with as many rows as w has entries; for b a number like b: "
            "`jnp.ones_like(b)`.",
            "",
            raised=(
                "ValueError: jvp called with different primal and tangent shapes",
                "TypeError: primal and tangent arguments to jax.jvp do not match",
            ),
        ),
        Mistake(
            "tangents-for-all",
            "a tangent for each argument",
            "`jvp` wants as many tangents as points. X, y and s do not move: give `jvp` a "
            "function of w and b alone, which sees the others.",
            "",
            raised=("TypeError: primals have tree structure PyTreeDef((*, *, *, *, *))",),
        ),
        Mistake(
            "other-formula",
            "ridge_loss was not asked",
            "The numbers are right, and `ridge_loss` was not called for them. Here they should "
            "come from that function: push tangents through it with `jvp`, and compare with your "
            "formulas.",
            "",
        ),
        Mistake(
            "sum-in-every-entry",
            "all weights moved at once",
            "Each entry of your w_bar is the sum of all slopes: you moved all weights in "
            "one pass. Each entry takes a pass of its own, in which one weight moves.",
        ),
        Mistake(
            "tangents-pile-up",
            "the unit tangents pile up",
            "Your slopes are running sums: the tangent of one pass still has the ones of "
            "those before. Begin each pass with zeros.",
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
        {**plane(4, 2, 3.0), "s": 0.5, "steps": 3, "rate": 2.0**-40},
    ),
    labels=(
        "6 points, 3 steps",
        "5 points, 4 steps",
        "8 points far out, 3 steps",
        "4 points, 3 tiny steps",
    ),
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
        "started-at-zero": Mistake(
            result=lambda w, b, *rest: fitted(jnp.zeros_like(w), 0.0, *rest)
        ),
        "penalty-left-out": Mistake(
            result=lambda w, b, X, y, s, *rest: fitted(w, b, X, y, 0.0, *rest)
        ),
        "rate-shared": Mistake(
            result=lambda w, b, X, y, s, steps, rate: fitted(w, b, X, y, s, steps, rate / len(y))
        ),
        "one-step-more": Mistake(
            result=lambda w, b, X, y, s, steps, rate: fitted(w, b, X, y, s, steps + 1, rate)
        ),
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
            "differentiated. If you have that, look whether b is updated.",
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
        Mistake(
            "started-at-zero",
            "started at zero",
            "You started at zero. The descent begins at the `w` and `b` that are given.",
        ),
        Mistake(
            "penalty-left-out",
            "the penalty is missing",
            "You followed the loss without its penalty. Pass s on to `ridge_loss` as it is.",
        ),
        Mistake(
            "rate-shared",
            "the rate divided by n",
            "Your steps are n times too short: the loss is a mean already, so the rate is not "
            "divided by the number of points.",
        ),
        Mistake(
            "one-step-more",
            "one step too many",
            "You made one step more than `steps`.",
        ),
        Mistake(
            "pairs-inside-pairs",
            "a pair, with a pair inside",
            "`value_and_grad` returns two things: the loss, and the gradient. With `argnums=(0, "
            "1)` the gradient is itself a pair, one for w and one for b: `loss, (w_bar, b_bar) = "
            "…`. Without argnums it is that for w alone.",
            "",
            raised=(
                "ValueError: values to unpack",
                "TypeError: iteration over a 0-d array",
            ),
        ),
    ),
    rtol32=1e-4,
    read=CHAPTER + "#slopes-value",
)
