"""The specifications of 06c_moons.md, released from solutions/06c_moons.md: edit them there."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import CostLimit, Mistake, Question, test_array

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

moons_loss = Question(
    name="moons_loss",
    returns="the loss",
    points=POINTS,
    labels=LABELS,
    large_points=(2,),
    reference=mean_loss,
    predictions={
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
    },
    mistakes=(
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


moons_gradient = Question(
    name="moons_gradient",
    returns="the gradient",
    points=(*POINTS[:2], moons(6, 3, 2.0, 30.0)),
    labels=(*LABELS[:2], "6 points with large logits"),
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
    },
    mistakes=(
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

moons_train = Question(
    name="moons_train",
    returns="the parameters",
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
    },
    mistakes=(
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
    ),
    labels=("an array and a number", "a nested tree", "another nested tree", "large entries"),
    large_points=(3,),
    reference=lambda first, second: np.abs(differences(first, second)).max(),
    predictions={
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
    },
    mistakes=(
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
