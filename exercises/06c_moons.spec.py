"""The specifications of 06c_moons.md, released from solutions/06c_moons.md: edit them there."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import DERIVATIVES, CostLimit, Mistake, Question, Requirement, test_array

CHAPTER = "book/01_slopes.md"
REVERSE = "book/04_reverse.md#reverse-functional"


def logits(params, X, activation=jnp.tanh):
    return activation(X @ params["W1"] + params["b1"]) @ params["w2"] + params["b2"]


def mean_loss(params, X, t, activation=jnp.tanh):
    z = logits(params, X, activation)
    return jnp.mean(jax.nn.softplus(z) - t * z)


def squared(params, X, t):
    return jnp.mean((jax.nn.sigmoid(logits(params, X)) - t) ** 2)


def network(hidden, phase, scale=1.0):
    return {
        "W1": test_array((2, hidden), phase),
        "b1": test_array((hidden,), phase + 1),
        "w2": test_array((hidden,), phase + 2, scale),
        "b2": 0.375,
    }


def moons(n, hidden, phase, scale=1.0):
    return {
        "params": network(hidden, phase, scale),
        "X": test_array((n, 2), phase + 3, 1.5),
        "t": (test_array((n,), phase + 4) > 0).astype(float),
    }


POINTS = (moons(5, 3, 0.0), moons(4, 2, 1.0), moons(6, 3, 2.0, 1000.0))
LABELS = (
    "5 points, 3 hidden units",
    "4 points, 2 hidden units",
    "6 points with logits of about a thousand",
)


def at_large(value):
    """The loss, and another number where the logits are large."""
    return lambda p, X, t: value if np.max(np.abs(logits(p, X))) > 100 else mean_loss(p, X, t)


def losses(params, X, t):
    z = logits(params, X)
    return jax.nn.softplus(z) - t * z


TOO_LARGE = (
    "With logits of about a thousand your loss is no finite number. Either exp(z) is too large for "
    "a number there, or a probability is rounded to 0 or 1 and its logarithm is taken. "
    "Is there a function that computes ln(eᵃ + eᵇ) without computing either?"
)


moons_loss = Question(
    name="moons_loss",
    returns="the loss",
    points=POINTS,
    labels=LABELS,
    large_points=(2,),
    reference=mean_loss,
    predictions={
        "loss-infinite": Mistake(result=at_large(np.inf)),
        "loss-nan": Mistake(result=at_large(np.nan)),
        "targets-summed": Mistake(
            result=lambda p, X, t: jnp.mean(jax.nn.softplus(logits(p, X))) - t @ logits(p, X)
        ),
        "loss-of-each-point": Mistake(result=losses),
        "probability-for-logit": Mistake(
            result=lambda p, X, t: jnp.mean(
                jax.nn.softplus(logits(p, X)) - t * jax.nn.sigmoid(logits(p, X))
            )
        ),
        "tanh-at-the-end": Mistake(
            result=lambda p, X, t: jnp.mean(
                jax.nn.softplus(jnp.tanh(logits(p, X))) - t * jnp.tanh(logits(p, X))
            )
        ),
        "sigmoid-inside": Mistake(result=lambda p, X, t: mean_loss(p, X, t, jax.nn.sigmoid)),
        "targets-minus-only": Mistake(result=lambda p, X, t: jnp.mean(losses(p, X, t) * t)),
        "probabilities-returned": Mistake(result=lambda p, X, t: jax.nn.sigmoid(logits(p, X))),
        "logits-returned": Mistake(result=lambda p, X, t: logits(p, X)),
        "tanh-left-out": Mistake(result=lambda p, X, t: mean_loss(p, X, t, activation=lambda a: a)),
        "points-summed": Mistake(result=lambda p, X, t: len(t) * mean_loss(p, X, t)),
        "targets-left-out": Mistake(result=lambda p, X, t: mean_loss(p, X, 0 * t)),
        "squared-error": Mistake(result=squared),
        "first-bias-left-out": Mistake(result=lambda p, X, t: mean_loss({**p, "b1": 0.0}, X, t)),
        "targets-exchanged": Mistake(result=lambda p, X, t: mean_loss(p, X, 1 - t)),
        "targets-added": Mistake(result=lambda p, X, t: mean_loss(p, X, -t)),
        "one-in-logaddexp": Mistake(
            result=lambda p, X, t: jnp.mean(jnp.logaddexp(1.0, logits(p, X)) - t * logits(p, X))
        ),
        "minus-z": Mistake(
            result=lambda p, X, t: jnp.mean(jnp.logaddexp(0.0, -logits(p, X)) - t * logits(p, X))
        ),
        "second-bias-left-out": Mistake(result=lambda p, X, t: mean_loss({**p, "b2": 0.0}, X, t)),
        "labels-of-minus-one": Mistake(
            result=lambda p, X, t: jnp.mean(jax.nn.softplus(-t * logits(p, X)))
        ),
        "corner-alone": Mistake(
            result=lambda p, X, t: jnp.mean(jnp.maximum(logits(p, X), 0) - t * logits(p, X))
        ),
    },
    mistakes=(
        Mistake("loss-infinite", "an infinity", TOO_LARGE, read=CHAPTER + "#slopes-logits"),
        Mistake("loss-nan", "not a number", TOO_LARGE, read=CHAPTER + "#slopes-logits"),
        Mistake(
            "targets-summed",
            "a mean and a sum",
            "You took the mean of ln(1 + eᶻ), and the sum of t z. The mean is over all points of "
            "the whole difference.",
        ),
        Mistake(
            "loss-of-each-point",
            "a loss for each point",
            "You returned the loss of each point. Asked for is their mean, one number.",
        ),
        Mistake(
            "probability-for-logit",
            "t times the probability",
            "Your second term is t σ(z). The loss of a point is ln(1 + eᶻ) − t z, with the logit "
            "itself.",
        ),
        Mistake(
            "tanh-at-the-end",
            "a tanh at the end, too",
            "Your logits went through a tanh. It belongs to the hidden units alone: z is h · w2 + "
            "b2 as it comes.",
        ),
        Mistake(
            "sigmoid-inside",
            "the sigmoid for the tanh",
            "Your hidden units have a sigmoid. In this network h = tanh a.",
        ),
        Mistake(
            "targets-minus-only",
            "the first moon is missing",
            "You counted the points with t = 1 only. Points with t = 0 have the loss ln(1 + eᶻ).",
        ),
        Mistake(
            "probabilities-returned",
            "the probabilities",
            "You returned σ(z), the probability of each point. Asked for is the mean of ln(1 + "
            "eᶻ) − t z.",
        ),
        Mistake(
            "logits-returned",
            "the logits",
            "You returned the logit of each point. Asked for is the mean of ln(1 + eᶻ) − t z.",
        ),
        Mistake(
            "attribute-of-dict",
            "a dict has keys",
            "The parameters are a dict. Its entries are found by their keys, as in "
            '`params["W1"]`, not by a dot.',
            raised=("AttributeError: 'dict' object has no attribute",),
            example="",
        ),
        Mistake(
            "minus-z",
            "minus z in the exponent",
            "Your first term is ln(1 + e⁻ᶻ). With − t z beside it, the exponent is + z.",
        ),
        Mistake(
            "one-in-logaddexp",
            "1 in place of its logarithm",
            "You computed ln(e + eᶻ). `np.logaddexp` takes the exponents: 1 is e⁰, so its first "
            "argument is 0.",
        ),
        Mistake(
            "targets-added",
            "plus in place of minus",
            "You added t z. The loss of a point is ln(1 + eᶻ) − t z.",
        ),
        Mistake(
            "targets-exchanged",
            "the moons have changed places",
            "Your loss is that of the targets 1 − t: it takes each moon for the other. The term "
            "to subtract is t z.",
        ),
        Mistake(
            "first-bias-left-out",
            "the first bias is missing",
            "Your hidden units lack b1, the bias of the first layer.",
        ),
        Mistake(
            "tanh-left-out",
            "the tanh is missing",
            "Your hidden units have no tanh. Without it the two layers are one: a product of two "
            "matrices is a matrix, and a straight line can't separate the moons.",
            read=CHAPTER + "#slopes-logits",
        ),
        Mistake(
            "points-summed",
            "sum instead of mean",
            "You added up the losses of the points. The loss of the network is their mean.",
            read=CHAPTER + "#slopes-logits",
        ),
        Mistake(
            "targets-left-out",
            "the targets are missing",
            "Your loss does not depend on t: subtract t z from ln(1 + eᶻ).",
            read=CHAPTER + "#slopes-logits",
        ),
        Mistake(
            "squared-error",
            "the squared error",
            "You took the squared error of the probabilities. Asked for is the mean of "
            "ln(1 + eᶻ) − t z.",
            read=CHAPTER + "#slopes-logits",
        ),
        Mistake(
            "second-bias-left-out",
            "the last bias is missing",
            "Your logits lack b2, the bias of the last layer.",
            read=CHAPTER + "#slopes-logits",
        ),
        Mistake(
            "labels-of-minus-one",
            "the form for labels −1 and 1",
            "Your loss is ln(1 + exp(−t z)): that is right for labels −1 and 1. Here the "
            "labels are 0 and 1, and a point of label 0 would cost the same wherever it "
            "lies.",
        ),
        Mistake(
            "corner-alone",
            "a corner in place of the curve",
            "You have max(z, 0) in place of ln(1 + exp(z)). They agree for large |z| "
            "alone; near 0 the curve lies above the corner.",
        ),
    ),
    rtol32=1e-4,
    read=CHAPTER + "#slopes-logits",
)

def moons_slopes(params, X, t):
    """The gradient of the loss, in forward mode."""
    return jax.jacfwd(mean_loss)(params, X, t)


def pulled_by(params, X, z_bar, tanh_slope=lambda a: 1 / jnp.cosh(a) ** 2, last=None):
    """What comes back from the logits' cotangent, with other rules than the right ones."""
    a = X @ params["W1"] + params["b1"]
    last = params["w2"] if last is None else last
    a_bar = jnp.einsum("n,h,nh->nh", z_bar, last, tanh_slope(a))
    return {
        "W1": jnp.einsum("ni,nh->ih", X, a_bar),
        "b1": jnp.einsum("nh->h", a_bar),
        "w2": jnp.einsum("nh,n->h", jnp.tanh(a), z_bar),
        "b2": jnp.einsum("n->", z_bar),
    }


def at_logits(params, X, t):
    return (jax.nn.sigmoid(logits(params, X)) - t) / len(t)


def with_sigmoid_slope(params, X, t):
    p = jax.nn.sigmoid(logits(params, X))
    return pulled_by(params, X, (p - t) / len(t) * p * (1 - p))


def with_tanh_slope(slope):
    return lambda p, X, t: pulled_by(p, X, at_logits(p, X, t), tanh_slope=slope)


def from_h(*names):
    """The gradient, with some parameters that collect from the cotangent of h."""

    def wrong(p, X, t):
        bars = pulled_by(p, X, at_logits(p, X, t), tanh_slope=jnp.ones_like)
        return {**moons_slopes(p, X, t), **{name: bars[name] for name in names}}

    return wrong


def from_logits(bar):
    return lambda p, X, t: pulled_by(p, X, bar(logits(p, X), t) / len(t))


moons_gradient = Question(
    name="moons_gradient",
    returns="the gradient",
    points=(*POINTS[:2], moons(6, 3, 2.0, 30.0), moons(4, 2, 0.0, 3000.0)),
    labels=(*LABELS[:2], "6 points with large logits", "4 points with logits of about a thousand"),
    large_points=(2,),
    reference=moons_slopes,
    predictions={
        "slope-of-sigmoid-too": Mistake(result=with_sigmoid_slope),
        "slope-at-output": Mistake(
            result=with_tanh_slope(lambda a: 1 - jnp.tanh(jnp.tanh(a)) ** 2)
        ),
        "slope-at-input": Mistake(result=with_tanh_slope(lambda a: 1 - a**2)),
        "plus-in-tanh-slope": Mistake(result=with_tanh_slope(lambda a: 1 + jnp.tanh(a) ** 2)),
        "first-bias-left-out": Mistake(
            result=lambda p, X, t: moons_slopes({**p, "b1": 0 * p["b1"]}, X, t)
        ),
        "last-weights-of-input": Mistake(
            result=lambda p, X, t: {
                **moons_slopes(p, X, t),
                "w2": at_logits(p, X, t) @ (X @ p["W1"] + p["b1"]),
            },
        ),
        "tanh-slope-left-out": Mistake(result=with_tanh_slope(jnp.ones_like)),
        "points-summed": Mistake(
            result=lambda p, X, t: jax.tree.map(lambda leaf: len(t) * leaf, moons_slopes(p, X, t))
        ),
        "last-weights-left-out": Mistake(
            result=lambda p, X, t: pulled_by(p, X, at_logits(p, X, t), last=jnp.ones_like(p["w2"]))
        ),
        "bias-from-h": Mistake(result=from_h("b1")),
        "weights-from-h": Mistake(result=from_h("W1")),
        "one-minus-h": Mistake(result=with_tanh_slope(lambda a: 1 - jnp.tanh(a))),
        "h-times-one-minus-h": Mistake(
            result=with_tanh_slope(lambda a: jnp.tanh(a) * (1 - jnp.tanh(a)))
        ),
        "tanh-for-slope": Mistake(result=with_tanh_slope(jnp.tanh)),
        "logit-for-probability": Mistake(result=from_logits(lambda z, t: z - t)),
        "tanh-for-sigmoid": Mistake(result=from_logits(lambda z, t: jnp.tanh(z / 2) - t)),
        "sigmoid-of-twice-z": Mistake(result=from_logits(lambda z, t: jax.nn.sigmoid(2 * z) - t)),
        "targets-left-out": Mistake(result=from_logits(lambda z, t: jax.nn.sigmoid(z))),
        "tuple-of-gradients": Mistake(
            result=lambda p, X, t: [moons_slopes(p, X, t)[k] for k in ("W1", "b1", "w2", "b2")]
        ),
        "biases-left-out": Mistake(
            result=lambda p, X, t: {k: moons_slopes(p, X, t)[k] for k in ("W1", "w2")}
        ),
        "data-too": Mistake(
            result=lambda p, X, t: {
                **moons_slopes(p, X, t),
                "X": jax.jacfwd(mean_loss, 1)(p, X, t),
            }
        ),
    },
    mistakes=(
        Mistake(
            "bias-from-h",
            "b1 from the cotangent of h",
            "Your b1 collects the cotangent of h. The bias is added to a, before the tanh: it "
            "collects the cotangent of a.",
            read=REVERSE,
        ),
        Mistake(
            "weights-from-h",
            "W1 from the cotangent of h",
            "Your W1 is made with the cotangent of h. The product with W1 gives a, before the "
            "tanh: it is the cotangent of a that belongs there.",
            read=REVERSE,
        ),
        Mistake(
            "one-minus-h",
            "1 − h in place of 1 − h²",
            "Your slope of the tanh is 1 − h. It is 1 − h².",
        ),
        Mistake(
            "h-times-one-minus-h",
            "the slope of the sigmoid",
            "Your slope of the hidden units is h (1 − h), that of a sigmoid. The slope of the "
            "tanh is 1 − h².",
        ),
        Mistake(
            "tanh-for-slope",
            "the tanh for its slope",
            "You multiplied by h itself on the way from h to a. The slope of the tanh belongs "
            "there, 1 − h².",
        ),
        Mistake(
            "logit-for-probability",
            "the logit in place of the probability",
            "Your cotangent of z is (z − t)/n, that of a squared error. It is (σ(z) − t)/n.",
        ),
        Mistake(
            "tanh-for-sigmoid",
            "tanh(z/2) is not yet the sigmoid",
            "Your cotangent of z is made with tanh(z/2), which lies between −1 and 1. The sigmoid "
            "is ½ (tanh(z/2) + 1).",
        ),
        Mistake(
            "sigmoid-of-twice-z",
            "the half in the exponent is missing",
            "Your probability is σ(2z): the tanh in the formula is that of z/2.",
        ),
        Mistake(
            "targets-left-out",
            "the targets are missing",
            "Your cotangent of z is σ(z)/n. Subtract the targets first: (σ(z) − t)/n.",
        ),
        Mistake(
            "tuple-of-gradients",
            "a tuple in place of a dict",
            "You returned the four gradients one after the other. Asked for is a dict like "
            "params, with the same keys.",
        ),
        Mistake(
            "biases-left-out",
            "the biases are missing",
            "Your dict has the gradients of W1 and w2. Those of the biases b1 and b2 are missing.",
        ),
        Mistake(
            "data-too",
            "the data are no parameters",
            "Your dict has an entry for X, too. Asked for is a dict like params: X and t are not "
            "trained.",
        ),
        Mistake(
            "points-times-units",
            "points times units",
            "The cotangent of z has an entry for each point, and w2 one for each hidden unit. The "
            "cotangent of h has shape (n, hidden): every point's cotangent times every weight.",
            raised=(
                "TypeError: mul got incompatible shapes",
                "ValueError: operands could not be broadcast together",
            ),
            code=r"[\w)]\s*\*\s*params\[.w2.\]",
            read=REVERSE,
            example="",
        ),
        Mistake(
            "last-weights-of-input",
            "a in place of h",
            "Your cotangent of w2 is made with a, the input of the tanh. The last layer "
            "multiplies w2 with h.",
        ),
        Mistake(
            "first-bias-left-out",
            "the first bias is missing",
            "Your forward pass lacks b1: its hidden units are not those of the network.",
        ),
        Mistake(
            "plus-in-tanh-slope",
            "1 + h² in place of 1 − h²",
            "Your slope of the tanh is 1 + h². It is 1 − h²: the tanh is flat where h is near 1.",
        ),
        Mistake(
            "slope-of-sigmoid-too",
            "the sigmoid's slope is in it already",
            "You multiplied by σ(z)(1 − σ(z)). The formula for the cotangent of z is complete: for "
            "this loss the slope of the sigmoid cancels. (With the squared error it does not.)",
            read=REVERSE,
        ),
        Mistake(
            "slope-at-output",
            "the tanh's slope at the wrong place",
            "You took the slope of tanh at h, its output. It is needed at its input a; written with "
            "the output it is 1 − h².",
            read=REVERSE,
        ),
        Mistake(
            "slope-at-input",
            "1 − a² in place of 1 − h²",
            "Your slope of the tanh is 1 − a². It is 1 − tanh(a)², which is 1 − h².",
            read=REVERSE,
        ),
        Mistake(
            "tanh-slope-left-out",
            "the tanh's slope is missing",
            "You passed the cotangent of h on as that of a. On its way through the tanh it has to "
            "be multiplied by the slope 1 − h².",
            read=REVERSE,
        ),
        Mistake(
            "points-summed",
            "the 1/n of the mean is missing",
            "Your gradient is n times too large: the loss is a mean, and so z̄ has a factor 1/n.",
            read=REVERSE,
        ),
        Mistake(
            "last-weights-left-out",
            "the last weights are missing",
            "The cotangent of h is z̄ times w2, for each point. In yours w2 is missing, as if every "
            "hidden unit had the same say.",
            read=REVERSE,
        ),
    ),
    without=DERIVATIVES,
    rtol=1e-10,
    rtol32=1e-3,
    read=REVERSE,
)

def trained(gradient, params, X, t, steps, rate, m, gain=1.0, late=False, renew=True):
    """Momentum, written with all velocities in one vector; the last three make wrong ones."""
    flat, unflatten = jax.flatten_util.ravel_pytree(params)
    slope = lambda p: jax.flatten_util.ravel_pytree(gradient(unflatten(p), X, t))[0]
    first, velocity = slope(flat), jnp.zeros_like(flat)
    for _ in range(steps):
        g = slope(flat) if renew else first
        new = m * velocity + gain * g
        flat = flat - rate * (velocity if late else new)
        velocity = new
    return unflatten(flat)


def quadratic(params, X, t):
    """A gradient that needs no network: that of a bowl around X and t."""
    return {"x": params["x"] * jnp.array([1.0, 4.0]) - X, "y": 3 * (params["y"] - t)}


bowl = {"x": test_array((2,), 5.0, 3.0), "y": -1.5}


def name_by_name(gradient, params, X, t, steps, rate, m):
    """Each name moves at once, and the next gradient sees it moved."""
    params, velocity = dict(params), dict.fromkeys(params, 0.0)
    for _ in range(steps):
        for name in params:
            velocity[name] = m * velocity[name] + gradient(params, X, t)[name]
            params[name] = params[name] - rate * velocity[name]
    return params


def paired(gradient, params, X, t, steps, rate, m, ahead=0.0, warm=False, decay=None):
    """Parameters and velocities, with what makes other methods of it."""
    decay = m if decay is None else decay
    velocity = gradient(params, X, t) if warm else jax.tree.map(lambda p: 0.0 * p, params)
    for _ in range(steps):
        seen = jax.tree.map(lambda p, v: p - ahead * rate * m * v, params, velocity)
        slopes = gradient(seen, X, t)
        velocity = jax.tree.map(lambda v, g: decay * v + g, velocity, slopes)
        params = jax.tree.map(lambda p, v: p - rate * v, params, velocity)
    return params, velocity


def leaves_arrays_alone(answer, arguments):
    """Whether the parameters are as they were, where they are NumPy's own arrays."""
    if arguments["gradient"] is moons_slopes:
        return True
    given = {name: np.array(leaf) for name, leaf in arguments["params"].items()}
    slopes = lambda params, X, t: jax.tree.map(np.array, quadratic(params, X, t))
    X, t, steps, rate, m = list(arguments.values())[2:]
    try:
        answer(slopes, dict(given), np.array(X), float(t), steps, float(rate), float(m))
    except Exception:
        return True
    return all(np.array_equal(given[name], arguments["params"][name]) for name in given)


moons_train = Question(
    name="moons_train",
    returns="params",
    points=(
        {"gradient": moons_slopes, **moons(5, 3, 0.0), "steps": 3, "rate": 0.5, "m": 0.75},
        {
            "gradient": quadratic,
            "params": bowl,
            "X": test_array((2,), 6.0),
            "t": 0.25,
            "steps": 5,
            "rate": 0.125,
            "m": 0.5,
        },
        {
            "gradient": quadratic,
            "params": bowl,
            "X": test_array((2,), 7.0, 300.0),
            "t": 90.0,
            "steps": 4,
            "rate": 0.0625,
            "m": 0.875,
        },
    ),
    labels=("the network, 3 steps", "a bowl, 5 steps", "a bowl far away, 4 steps"),
    large_points=(2,),
    reference=trained,
    requirements=(Requirement("arrays-changed", holds=leaves_arrays_alone),),
    predictions={
        "uphill": Mistake(
            result=lambda gradient, params, X, t, steps, rate, m: trained(
                gradient, params, X, t, steps, -rate, m
            )
        ),
        "no-momentum": Mistake(
            result=lambda gradient, params, X, t, steps, rate, m: trained(
                gradient, params, X, t, steps, rate, 0.0
            )
        ),
        "averaged": Mistake(result=lambda *a: trained(*a, gain=1 - a[-1])),
        "moved-first": Mistake(result=lambda *a: trained(*a, late=True)),
        "gradient-not-renewed": Mistake(result=lambda *a: trained(*a, renew=False)),
        "one-step-more": Mistake(result=lambda *a: trained(*a[:4], a[4] + 1, *a[5:])),
        "one-step-fewer": Mistake(result=lambda *a: trained(*a[:4], a[4] - 1, *a[5:])),
        "one-step": Mistake(result=lambda *a: trained(*a[:4], 1, *a[5:])),
        "rate-twice": Mistake(result=lambda *a: trained(*a, gain=a[5])),
        "name-by-name": Mistake(result=name_by_name),
        "velocities-too": Mistake(result=paired),
        "velocity-for-parameters": Mistake(result=lambda *a: paired(*a)[1]),
        "looks-ahead": Mistake(result=lambda *a: paired(*a, ahead=1.0)[0]),
        "starts-with-gradient": Mistake(result=lambda *a: paired(*a, warm=True)[0]),
        "nothing-fades": Mistake(result=lambda *a: paired(*a, decay=1.0)[0]),
        "rate-and-m-exchanged": Mistake(result=lambda *a: trained(*a[:5], a[6], a[5])),
        "m-times-both": Mistake(result=lambda *a: trained(*a, gain=a[6])),
        "every-step": Mistake(
            result=lambda *a: [trained(*a[:4], count + 1, *a[5:]) for count in range(a[4])]
        ),
    },
    mistakes=(
        Mistake(
            "arrays-changed",
            "the caller's arrays are changed",
            "Your dict is a new one, and your numbers are right. But the NumPy arrays in it are "
            "the caller's, and `-=` changes them where they are: after your function has run, the "
            "starting point is lost. `params[name] - …` makes a new array.",
        ),
        Mistake(
            "name-by-name",
            "a gradient for each name",
            "Your parameters move one name after the other, and the gradient for the next name is "
            "taken where some have already moved. One gradient, at the parameters of the step "
            "before, serves all names.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "velocities-too",
            "the velocities, too",
            "You returned the parameters and the velocities. Asked for are the parameters alone.",
        ),
        Mistake(
            "velocity-for-parameters",
            "the velocity instead of the parameters",
            "You returned the velocity of the last step. Asked for are the parameters.",
        ),
        Mistake(
            "looks-ahead",
            "a gradient further on",
            "You took the gradient where the velocity would lead, as Nesterov's method does. Here "
            "it is the gradient at the present parameters.",
        ),
        Mistake(
            "starts-with-gradient",
            "a velocity to start with",
            "Your velocity starts with the first gradient, so that this one counts twice. It "
            "should start at zero.",
        ),
        Mistake(
            "nothing-fades",
            "nothing is forgotten",
            "Your velocity is the sum of all gradients, as with m = 1. The old velocity counts m "
            "times.",
        ),
        Mistake(
            "rate-and-m-exchanged",
            "rate and m have changed places",
            "Your velocity keeps `rate` times its old value, and you moved by m times the "
            "velocity: the two numbers have changed places.",
        ),
        Mistake(
            "m-times-both",
            "m times the gradient, too",
            "Your velocity is m (v + g). The gradient is added in full: m v + g.",
        ),
        Mistake(
            "every-step",
            "all steps instead of the last",
            "You returned the parameters after each step. Asked for are those after the last one.",
        ),
        Mistake(
            "dict-arithmetic",
            "a dict in place of its arrays",
            "Parameters, velocities and gradients are dicts, and you calculate with a whole one. "
            "Write the two rules for each name, in a loop or a comprehension, or with "
            "`olympus.tree.map`.",
            raised=(
                "TypeError: and 'dict'",
                "TypeError: 'dict' and",
            ),
            example="",
        ),
        Mistake(
            "one-step-more",
            "one step too many",
            "Your parameters are those after `steps` + 1 steps.",
        ),
        Mistake(
            "one-step-fewer",
            "one step too few",
            "Your parameters are those after `steps` − 1 steps.",
        ),
        Mistake(
            "one-step",
            "one step alone",
            "Your result is that of a single step, whatever `steps` is: the loop ends in its "
            "first iteration.",
        ),
        Mistake(
            "rate-twice",
            "the rate counts twice",
            "The gradient is multiplied by the rate twice: once on its way into the velocity, "
            "and once more when the parameters move. The second is enough.",
        ),
        Mistake(
            "uphill",
            "uphill",
            "You added the velocity. The gradient points uphill, so it has to be subtracted.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "no-momentum",
            "no momentum",
            "Your result is that of plain gradient descent: the velocity forgets everything, as "
            "with m = 0. It should keep m times its old value.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "averaged",
            "an average of the gradients",
            "Your velocity is an average, m v + (1 − m) g. Some methods use that; here the gradient "
            "is added in full.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "moved-first",
            "moved with the old velocity",
            "You moved the parameters with the velocity of the step before. First the velocity takes "
            "up the gradient, then the parameters move.",
            read=CHAPTER + "#slopes-value",
        ),
        Mistake(
            "gradient-not-renewed",
            "the first gradient all the way",
            "You used the gradient of the starting point in all steps. Compute it in each step, at "
            "the present parameters.",
            read=CHAPTER + "#slopes-value",
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {
                "gradient": quadratic,
                "params": bowl,
                "X": test_array((2,), 6.0),
                "t": 0.25,
                "steps": 5,
                "rate": 0.125,
                "m": 0.5,
            },
            calls={"gradient": 5},
        ),
    ),
    rtol=1e-10,
    rtol32=1e-4,
    read=CHAPTER + "#slopes-value",
)

def differences(first, second):
    """All differences in one vector."""
    flat = lambda tree: jax.flatten_util.ravel_pytree(tree)[0]
    return flat(first) - flat(second)


def leaf_differences(first, second):
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return [np.asarray(a) - np.asarray(b) for a, b in pairs]


def leaf_gaps(first, second):
    return [np.abs(difference).max() for difference in leaf_differences(first, second)]


def bare_gap(first, second):
    absolute = lambda tree: jax.tree.map(jnp.abs, tree)
    return np.abs(differences(absolute(first), absolute(second))).max()


largest_gap = Question(
    name="largest_gap",
    returns="the gap",
    points=(
        {
            "first": {"a": test_array((3,), 0.0, 4.0), "b": 0.5},
            "second": {"a": test_array((3,), 1.0, 5.0), "b": 3.75},
        },
        {
            "first": {"W": test_array((2, 3), 2.0), "more": [test_array((2,), 3.0), 7.0]},
            "second": {"W": test_array((2, 3), 4.0), "more": [test_array((2,), 5.0, 9.0), -8.0]},
        },
        {
            "first": {"W": test_array((2, 3), 2.0, 9.0), "more": [test_array((2,), 3.0), 7.0]},
            "second": {"W": test_array((2, 3), 0.5, 9.0), "more": [test_array((2,), 5.0), 8.0]},
        },
        {
            "first": {"x": test_array((4,), 6.0), "y": test_array((2, 2), 7.0, 900.0)},
            "second": {"x": test_array((4,), 8.0), "y": test_array((2, 2), 9.0, 900.0)},
        },
        {
            "first": {"a": test_array((3,), 4.0, 1e-12), "b": 2e-12},
            "second": {"a": test_array((3,), 5.0, 1e-12), "b": 3e-12},
        },
    ),
    labels=(
        "an array and a number",
        "a nested tree",
        "another nested tree",
        "large entries",
        "tiny entries",
    ),
    large_points=(3,),
    reference=lambda first, second: np.abs(differences(first, second)).max(),
    predictions={
        "gap-of-largest": Mistake(
            result=lambda first, second: max(
                abs(np.abs(a).max() - np.abs(b).max())
                for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
            )
        ),
        "signed": Mistake(result=lambda first, second: differences(first, second).max()),
        "gaps-averaged": Mistake(
            result=lambda first, second: np.abs(differences(first, second)).mean()
        ),
        "last-array-alone": Mistake(result=lambda first, second: leaf_gaps(first, second)[-1]),
        "sign-taken-late": Mistake(
            result=lambda first, second: max(
                abs(np.max(d)) for d in leaf_differences(first, second)
            )
        ),
        "length-for-largest": Mistake(
            result=lambda first, second: max(
                np.linalg.norm(d) for d in leaf_differences(first, second)
            )
        ),
        "means-of-arrays": Mistake(
            result=lambda first, second: max(
                np.abs(d).mean() for d in leaf_differences(first, second)
            )
        ),
        "smallest-array": Mistake(result=lambda first, second: min(leaf_gaps(first, second))),
        "first-array-alone": Mistake(result=lambda first, second: leaf_gaps(first, second)[0]),
        "sizes-compared": Mistake(result=bare_gap),
        "gaps-added": Mistake(result=lambda first, second: sum(leaf_gaps(first, second))),
        "gap-of-each-array": Mistake(result=leaf_gaps),
        "gaps-in-an-array": Mistake(
            result=lambda first, second: np.array(leaf_gaps(first, second))
        ),
        "gaps-in-a-tree": Mistake(
            result=lambda first, second: jax.tree.map(
                lambda a, b: np.abs(np.asarray(a) - np.asarray(b)).max(), first, second
            )
        ),
        "largest-of-each": Mistake(
            result=lambda first, second: max(
                abs(np.max(a) - np.max(b))
                for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
            )
        ),
        "relative-gap": Mistake(
            result=lambda first, second: max(
                np.max(np.abs((a - b) / b))
                for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
            )
        ),
        "relative-to-first": Mistake(
            result=lambda first, second: max(
                np.max(np.abs((a - b) / a))
                for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
            )
        ),
        "key-for-value": Mistake(result=lambda first, second: max(first)),
        "length-of-all": Mistake(
            result=lambda first, second: np.linalg.norm(differences(first, second))
        ),
        "gaps-added-up": Mistake(
            result=lambda first, second: np.abs(differences(first, second)).sum()
        ),
        "smallest-gap": Mistake(
            result=lambda first, second: np.abs(differences(first, second)).min()
        ),
        "gap-rounded": Mistake(
            result=lambda first, second: np.round(np.abs(differences(first, second)).max(), 7)
        ),
    },
    mistakes=(
        Mistake(
            "gap-of-largest",
            "the largest entries were compared",
            "You compared the largest entry of one array with the largest of the other. Two arrays may "
            "have the same largest entry at different places: subtract entry by entry first.",
        ),
        Mistake(
            "gap-of-each-array",
            "a gap for each array",
            "You have the largest difference of each pair of arrays. Asked for is the largest of "
            "these: one number.",
        ),
        Mistake(
            "gaps-in-an-array",
            "a gap for each array",
            "You have the largest difference of each pair of arrays. Asked for is the largest of "
            "these: one number.",
        ),
        Mistake(
            "gaps-in-a-tree",
            "a gap for each array",
            "You have the largest difference of each pair of arrays. Asked for is the largest of "
            "these: one number.",
        ),
        Mistake(
            "largest-of-each",
            "the difference of the largest",
            "You took the largest entry of each array, and then their difference. Subtract entry "
            "by entry first: asked for is the largest difference of two entries at the same "
            "place.",
        ),
        Mistake(
            "relative-gap",
            "relative to the second",
            "You divided by the entries of the second tree. Asked for is the difference itself, "
            "without a division.",
        ),
        Mistake(
            "relative-to-first",
            "relative to the first",
            "You divided by the entries of the first tree. Asked for is the difference itself, "
            "without a division.",
        ),
        Mistake(
            "key-for-value",
            "the largest key",
            "Your result is a key: `max` of a dict goes through its keys. `olympus.tree.leaves` "
            "gives a list of what a tree holds.",
        ),
        Mistake(
            "length-of-all",
            "the length of all differences",
            "Your gap is the root of the sum of all squared differences. Asked for is the largest "
            "difference.",
        ),
        Mistake(
            "gaps-added-up",
            "all gaps added up",
            "You added up all absolute differences. Asked for is the largest.",
        ),
        Mistake(
            "gap-rounded",
            "a small gap is taken for none",
            "Your gap is 0 where the trees differ by about 1e-12: it was rounded, or held against a "
            "tolerance. Two gradients should agree up to about 1e-17, so that the small gaps are "
            "those that matter.",
        ),
        Mistake(
            "smallest-gap",
            "the smallest gap",
            "Your gap is the smallest of all. Asked for is the largest.",
        ),
        Mistake(
            "first-level-alone",
            "a list inside the dict",
            "The trees may be nested: what stands under a key may be a list or a dict again, from "
            "which nothing can be subtracted. `olympus.tree.map` and `olympus.tree.leaves` go all "
            "the way down.",
            raised=(
                "TypeError: 'list' and 'list'",
                "TypeError: 'dict' and 'dict'",
            ),
            example="",
        ),
        Mistake(
            "smallest-array",
            "the smallest of the gaps",
            "Your gap is that of the arrays which agree best. Asked for is the largest of all.",
        ),
        Mistake(
            "means-of-arrays",
            "the mean of each array",
            "You took the mean within each array. It hides a single wrong entry among many "
            "right ones; asked for is the largest.",
        ),
        Mistake(
            "length-for-largest",
            "the length of the difference",
            "Your gap is the length of a difference (the root of a sum of squares). Asked for "
            "is its largest entry.",
        ),
        Mistake(
            "sign-taken-late",
            "the absolute value comes too late",
            "Your gap is the absolute value of the largest difference. A difference of −5 is "
            "smaller than one of 1, and is lost: take the absolute value of each entry first.",
        ),
        Mistake(
            "last-array-alone",
            "only the last array",
            "Your gap is that of the last arrays alone. Where a loop goes through the arrays, "
            "each gap replaces the one before: keep the larger of the two.",
        ),
        Mistake(
            "signed",
            "the sign counts",
            "Your gap is the largest difference, with its sign: where the second is larger than the "
            "first it sees nothing. Take the absolute value.",
            read="book/05_vmap.md#vmap-pytrees",
        ),
        Mistake(
            "gaps-averaged",
            "the mean of the gaps",
            "You took the mean. It hides a single wrong entry among many right ones; asked for is "
            "the largest.",
            read="book/05_vmap.md#vmap-pytrees",
        ),
        Mistake(
            "first-array-alone",
            "only the first array",
            "You compared the first arrays only. Go through all leaves of the trees.",
            read="book/05_vmap.md#vmap-pytrees",
        ),
        Mistake(
            "sizes-compared",
            "absolute values compared",
            "You compared absolute values: 3 and −3 have no gap then. Subtract first, and take the "
            "absolute value of the difference.",
            read="book/05_vmap.md#vmap-pytrees",
        ),
        Mistake(
            "gaps-added",
            "the gaps were added",
            "You added up the largest gaps of the arrays. Asked for is the largest of all.",
            read="book/05_vmap.md#vmap-pytrees",
        ),
    ),
    read="book/05_vmap.md#vmap-pytrees",
)
