"""The specifications of 09_breaks.md, released from solutions/09_breaks.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, Requirement, symmetric, test_array

PAGE = "exercises/09_breaks.md"


def value_and_gradient(answer):
    """Use a function as the check does: its value, and its gradient in reverse mode."""

    def call(x):
        value = answer(x)
        if value is None or callable(value):
            return value
        return value, jax.grad(answer)(x)

    return call


sigmoid = lambda x: 1 / (1 + np.exp(-x))
ramp = lambda x: (np.logaddexp(x, 0), sigmoid(x))


def with_slope_at_zero(slope):
    return lambda x: ramp(x) if x else (np.log(2.0), slope)


softplus = Question(
    name="softplus",
    returns=("value", "slope"),
    call="softplus(x) and olympus.grad(softplus)(x)",
    adapt=value_and_gradient,
    points=({"x": 0.5}, {"x": -50.0}, {"x": 0.0}, {"x": 1000.0}, {"x": 25.0}),
    large_points=(3,),
    reference=ramp,
    predictions={
        "other-branch": Mistake(result=lambda x: (ramp(x)[0], np.nan if x > 700 else sigmoid(x))),
        "kink": Mistake(result=with_slope_at_zero(0.0)),
        "kink-one": Mistake(result=with_slope_at_zero(1.0)),
        "hinge": Mistake(result=lambda x: max(float(x), 0.0), part="value"),
        "slope-as-answer": Mistake(result=sigmoid, part="value"),
        "digits-absorbed": Mistake(result=lambda x: (ramp(x)[0] * (x > -40), sigmoid(x))),
    },
    mistakes=(
        Mistake(
            "other-branch",
            "the branch that was not chosen",
            "Your value is right everywhere, but the slope at 1000 is NaN. `where` computes both of "
            "its branches, and so does the derivative: the branch that was not chosen gets the "
            "cotangent 0, its own slope is inf, and 0 · inf is NaN.",
            "{where}, slope is nan in yours; it should be 1. Replace the x before it reaches the "
            "branch that can't bear it.",
            read=PAGE,
        ),
        Mistake(
            "kink",
            "a kink where there is none",
            "Your slope is right except at 0. You put the softplus together from functions with a "
            "kink there, such as `maximum` and `abs`: their slopes at 0 are conventions, and the "
            "conventions don't add up to ½.",
            read=PAGE,
        ),
        Mistake(
            "kink-one",
            "a kink where there is none",
            "Your slope is right except at 0. You put the softplus together from pieces with a kink "
            "there, and the slope that JAX takes at a kink is a convention. Here it is not ½.",
            read=PAGE,
        ),
        Mistake(
            "hinge",
            "the ramp without its curve",
            "Your function is max(x, 0). Far out it agrees with the softplus; near 0 the softplus "
            "is round: its value at 0 is ln 2.",
            read=PAGE,
        ),
        Mistake(
            "slope-as-answer",
            "the derivative instead of the function",
            "You returned the slope 1/(1 + exp(−x)). Write the function itself; the check takes "
            "its derivative with `grad`.",
            read=PAGE,
        ),
        Mistake(
            "digits-absorbed",
            "digits absorbed",
            "At −50 your value is 0: next to 1, exp(−50) vanishes, and the logarithm of 1 is 0. "
            "`jnp.log1p(t)` is log(1 + t) without that loss.",
            read=PAGE,
        ),
    ),
    read=PAGE,
)

length = lambda x: jnp.sqrt(jnp.sum(jnp.square(x)))
unit = lambda x: x / length(x)


def bent(x):
    """How the gradient changes its direction: not along x, and across it the faster the nearer zero is."""
    return (np.eye(len(x)) - np.outer(unit(x), unit(x))) / length(x)


norm_hessian = Question(
    name="norm_hessian",
    returns="hessian",
    points=(
        {"x": np.array([3.0, 4.0])},
        {"x": test_array((4,), phase=1.0)},
        {"x": test_array((4,), phase=2.0, scale=300.0)},
    ),
    labels=("x = (3, 4)", "x of shape (4,)", "x of shape (4,), far out"),
    large_points=(2,),
    reference=bent,
    requirements=(symmetric(),),
    predictions={
        "diagonal-alone": Mistake(result=lambda x: np.diag(np.diag(bent(x)))),
        "outer-product": Mistake(result=lambda x: np.outer(unit(x), unit(x))),
        "plus-for-minus": Mistake(
            result=lambda x: (np.eye(len(x)) + np.outer(unit(x), unit(x))) / length(x)
        ),
        "length-as-constant": Mistake(result=lambda x: np.eye(len(x)) / length(x)),
        "square-of-length": Mistake(result=lambda x: 2 * np.eye(len(x))),
        "gradient-only": Mistake(result=unit),
    },
    mistakes=(
        Mistake(
            "diagonal-alone",
            "the diagonal alone",
            "Your matrix has the right diagonal and zeros elsewhere. Each entry of the gradient "
            "x / f(x) depends on all entries of x, through f(x): the mixed derivatives are not zero.",
            read=PAGE,
        ),
        Mistake(
            "outer-product",
            "the outer product of the gradient",
            "Your matrix is the gradient times itself, g gᵀ. A Hessian holds second derivatives: "
            "differentiate the gradient once more.",
            read=PAGE,
        ),
        Mistake(
            "length-as-constant",
            "the length taken as a constant",
            "You differentiated x / f(x) as if f(x) did not depend on x. The quotient rule has a "
            "second term, −x xᵀ / f³.",
            read=PAGE,
        ),
        Mistake(
            "plus-for-minus",
            "plus instead of minus",
            "You added the second term of the quotient rule. Along x the gradient keeps its direction, so "
            "the Hessian times x has to be zero: subtract x xᵀ / f³.",
            read=PAGE,
        ),
        Mistake(
            "square-of-length",
            "the Hessian of the squared length",
            "Your matrix is 2 on the diagonal: that belongs to the sum of the squares. The length "
            "is its square root.",
            read=PAGE,
        ),
        Mistake(
            "gradient-only",
            "one derivative short",
            "You returned the gradient, a vector of shape (n,). The Hessian is the Jacobian of the "
            "gradient, of shape (n, n).",
            "At (3, 4) the gradient is (0.6, 0.8), the Hessian [[0.128, −0.096], [−0.096, 0.072]].",
            read=PAGE,
        ),
    ),
    read=PAGE,
)

scaled_law = Requirement(
    "homogeneous",
    statement="the length of 2x is twice the length of x",
    sides=lambda call, arguments: (
        call(x=2 * np.asarray(arguments["x"]))[0],
        2 * call(**arguments)[0],
    ),
)


def tiny(answer, arguments):
    """Whether a tiny vector keeps its length: only zero is zero."""
    x = arguments["x"]
    if not 1 < length(x) < 10:
        return True  # one vector tells for all
    scale = 1e-30 if x.dtype == np.float64 else 1e-15  # its square must still be a number
    got, want = float(answer(scale * x)), scale * float(length(x))
    return True if np.isclose(got, want, rtol=1e-4, atol=0.0) else {"size": f"{want:.2g}"}


safe_norm = Question(
    name="safe_norm",
    returns=("value", "gradient"),
    call="safe_norm(x) and olympus.grad(safe_norm)(x)",
    adapt=value_and_gradient,
    points=(
        {"x": np.array([3.0, 4.0])},
        {"x": np.zeros(3)},
        {"x": test_array((4,), scale=1e-6)},
        {"x": test_array((4,), phase=1.0, scale=1e4)},
    ),
    labels=("x = (3, 4)", "x = 0", "x about 1e-6", "x about 1e4"),
    large_points=(3,),
    reference=lambda x: (length(x), unit(x) if np.any(x) else np.zeros(len(x))),
    shape_of={"gradient": "x"},
    requirements=(scaled_law, Requirement("tiny", tiny)),
    predictions={
        "corner": Mistake(
            result=lambda x: (length(x), unit(x) if np.any(x) else np.full(len(x), np.nan))
        ),
        "sum-of-sizes": Mistake(result=lambda x: np.sum(np.abs(x)), part="value"),
        "no-root": Mistake(result=lambda x: np.sum(np.square(x)), part="value"),
    },
    mistakes=(
        Mistake(
            "corner",
            "NaN at the corner",
            "Your value is right everywhere, but the gradient at zero is NaN. The slope of the root "
            "is inf there, the slope of the squares is 0, and inf · 0 is NaN. To choose another "
            "*result* afterwards does not help: the root is differentiated all the same, so it must "
            "not see the zero.",
            read=PAGE,
        ),
        Mistake(
            "tiny",
            "a threshold",
            "A vector of length {size} has another length in yours. Only the zero vector is zero: ask "
            "whether the sum of the squares *is* 0, not whether it is small.",
            "",
            read=PAGE,
        ),
        Mistake(
            "sum-of-sizes",
            "another norm",
            "You added up the sizes |xᵢ|: that is another norm. The length is the root of the sum "
            "of the squares.",
            read=PAGE,
        ),
        Mistake(
            "no-root",
            "the root is missing",
            "Your value is the squared length. It is smooth at zero, but it is another function: "
            "take the square root.",
            read=PAGE,
        ),
    ),
    read=PAGE,
)
