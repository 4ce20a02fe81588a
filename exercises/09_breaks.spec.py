"""The specifications of 09_breaks.md, released from solutions/09_breaks.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, Requirement, symmetric, test_array

CHAPTER = "book/09_breaks.md"


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


MIDDLE = ({"x": 12.0}, {"x": -1.5})  # where neither branch may be left out yet

softplus = Question(
    name="softplus",
    returns=("value", "slope"),
    call="softplus(x) and olympus.grad(softplus)(x)",
    adapt=value_and_gradient,
    points=({"x": 0.5}, {"x": -50.0}, {"x": 0.0}, {"x": 1000.0}, {"x": 25.0}, *MIDDLE),
    large_points=(3,),
    reference=ramp,
    predictions={
        "exponent-clipped": Mistake(
            result=lambda x: (ramp(np.clip(x, -30.0, 30.0))[0], sigmoid(x) * (abs(x) < 30))
        ),
        "other-branch": Mistake(result=lambda x: (ramp(x)[0], np.nan if x > 700 else sigmoid(x))),
        "kink": Mistake(result=with_slope_at_zero(0.0)),
        "kink-minus": Mistake(result=with_slope_at_zero(-0.5)),
        "other-sign": Mistake(result=lambda x: (ramp(-x)[0], -sigmoid(-x))),
        "exponential-below-zero": Mistake(
            result=lambda x: np.exp(float(x)) if x < 0 else ramp(x)[0], part="value"
        ),
        "kink-one": Mistake(result=with_slope_at_zero(1.0)),
        "hinge": Mistake(result=lambda x: max(float(x), 0.0), part="value"),
        "slope-as-answer": Mistake(result=sigmoid, part="value"),
        "digits-absorbed": Mistake(result=lambda x: (ramp(x)[0] * (x > -40), sigmoid(x))),
        "overflow": Mistake(
            result=lambda x: np.inf if x > 700 else ramp(x)[0] * (x > -40), part="value"
        ),
        "overflow-above": Mistake(result=lambda x: np.inf if x > 700 else ramp(x)[0], part="value"),
        "zero-far-below": Mistake(result=lambda x: ramp(x)[0] * (x > -40), part="value"),
        "slope-zero-far-below": Mistake(result=lambda x: sigmoid(x) * (x > -40), part="slope"),
        "bump-alone": Mistake(result=lambda x: ramp(-abs(x))[0], part="value"),
        "x-for-ramp": Mistake(result=lambda x: x + ramp(-abs(x))[0], part="value"),
        "size-for-ramp": Mistake(result=lambda x: abs(x) + ramp(-abs(x))[0], part="value"),
        "logarithm-to-two": Mistake(result=lambda x: np.logaddexp2(x, 0.0), part="value"),
    },
    mistakes=(
        Mistake(
            "exponent-clipped",
            "the value stays at 30",
            "Beyond some x your value no longer grows: you bounded the exponent. For large x the softplus "
            "is nearly x itself, with the slope 1.",
        ),
        Mistake(
            "bump-alone",
            "the ramp is missing",
            "Your function is ln(1 + e^(−|x|)), which is small far out on both sides. For "
            "positive x the x that was taken out of the logarithm has to come back: max(x, 0) is "
            "missing.",
        ),
        Mistake(
            "x-for-ramp",
            "x below 0, too",
            "You added x everywhere. For negative x nothing was taken out of the logarithm: it is "
            "max(x, 0) that is added to ln(1 + e^(−|x|)).",
        ),
        Mistake(
            "size-for-ramp",
            "|x| in place of max(x, 0)",
            "You added |x|. For negative x nothing was taken out of the logarithm: it is max(x, "
            "0) that is added to ln(1 + e^(−|x|)).",
        ),
        Mistake(
            "logarithm-to-two",
            "powers of 2",
            "Your function is log₂(1 + 2ˣ). Asked for are e and the natural logarithm.",
        ),
        Mistake(
            "overflow",
            "an overflow",
            "At 1000 your value is infinite: exp(1000) is too large for a number. For positive x "
            "take x out of the logarithm, so that the exponent is −x.",
        ),
        Mistake(
            "overflow-above",
            "an overflow",
            "At 1000 your value is infinite: exp(1000) is too large for a number. For positive x "
            "take x out of the logarithm, so that the exponent is −x.",
        ),
        Mistake(
            "zero-far-below",
            "zero far below",
            "At −50 your value is 0. The right one is small there, about exp(−50), but not 0: it "
            "was added to something larger and vanished, or the function was replaced by 0.",
        ),
        Mistake(
            "slope-zero-far-below",
            "slope zero far below",
            "At −50 your slope is 0. The right one is small there, about exp(−50), but not 0: "
            "added to something larger it vanishes, and cutting off a function cuts off its "
            "slope.",
        ),
        Mistake(
            "exponential-below-zero",
            "the exponential below 0",
            "For negative x your value is exp(x). That is a good approximation far out; at −1.5 "
            "the logarithm still counts.",
        ),
        Mistake(
            "other-sign",
            "minus x in the exponent",
            "Your function is ln(1 + e⁻ˣ). The exponent is + x.",
        ),
        Mistake(
            "kink-minus",
            "a kink where there is none",
            "Your slope is right except at 0. You put the softplus together from functions with "
            "a kink there, such as `where` and `abs`: their slopes at 0 are conventions, and "
            "the conventions don't add up to ½.",
        ),
        Mistake(
            "other-branch",
            "the branch that was not chosen",
            "Your value is right everywhere, but the slope at 1000 is NaN. `where` computes both of "
            "its branches, and so does the derivative: the branch that was not chosen gets the "
            "cotangent 0, its own slope is inf, and 0 · inf is NaN.",
            "{where}, slope is nan in yours; it should be 1. Replace the x before it reaches the "
            "branch that can't bear it.",
            read=CHAPTER + "#breaks-softplus",
        ),
        Mistake(
            "kink",
            "a kink where there is none",
            "Your slope is right except at 0. You put the softplus together from functions with a "
            "kink there, such as `maximum` and `abs`: their slopes at 0 are conventions, and the "
            "conventions don't add up to ½.",
            read=CHAPTER + "#breaks-softplus",
        ),
        Mistake(
            "kink-one",
            "a kink where there is none",
            "Your slope is right except at 0. You put the softplus together from pieces with a kink "
            "there, and the slope that JAX takes at a kink is a convention. Here it is not ½.",
            read=CHAPTER + "#breaks-softplus",
        ),
        Mistake(
            "hinge",
            "the ramp without its curve",
            "Your function is max(x, 0). Far out it agrees with the softplus; near 0 the softplus "
            "is round: its value at 0 is ln 2.",
            read=CHAPTER + "#breaks-softplus",
        ),
        Mistake(
            "slope-as-answer",
            "the derivative instead of the function",
            "You returned the slope 1/(1 + exp(−x)). Write the function itself; the check takes "
            "its derivative with `grad`.",
            read=CHAPTER + "#breaks-softplus",
        ),
        Mistake(
            "digits-absorbed",
            "digits absorbed",
            "At −50 your value is 0: next to 1, exp(−50) vanishes, and the logarithm of 1 is 0. "
            "`jnp.log1p(t)` is log(1 + t) without that loss.",
            read=CHAPTER + "#breaks-softplus",
        ),
    ),
    read=CHAPTER + "#breaks-softplus",
)

length = lambda x: jnp.sqrt(jnp.sum(jnp.square(x)))
unit = lambda x: x / length(x)


def bent(x):
    """How the gradient changes its direction: not along x, and across it the faster the nearer zero is."""
    return (np.eye(len(x)) - np.outer(unit(x), unit(x))) / length(x)


def of_two(x):
    """The matrix of the first two numbers alone."""
    return bent(x[:2])


norm_hessian = Question(
    name="norm_hessian",
    returns="hessian",
    points=(
        {"x": np.array([3.0, 4.0])},
        {"x": test_array((4,), phase=1.0)},
        {"x": test_array((4,), phase=2.0, scale=300.0)},
        {"x": 1e-6 * np.array([3.0, 4.0])},
    ),
    labels=("x = (3, 4)", "x of shape (4,)", "x of shape (4,), far out", "x = (3, 4) millionths"),
    large_points=(2,),
    reference=bent,
    requirements=(symmetric(),),
    predictions={
        "diagonal-alone": Mistake(result=lambda x: np.diag(np.diag(bent(x)))),
        "one-division": Mistake(result=lambda x: (np.eye(len(x)) - np.outer(x, x)) / length(x)),
        "not-divided": Mistake(result=lambda x: np.eye(len(x)) - np.outer(unit(x), unit(x))),
        "inner-for-outer": Mistake(result=lambda x: (np.eye(len(x)) - 1) / length(x)),
        "ones-for-identity": Mistake(result=lambda x: (1 - np.outer(unit(x), unit(x))) / length(x)),
        "squared-length": Mistake(
            result=lambda x: (np.eye(len(x)) - np.outer(x, x) / (x @ x) ** 2) / (x @ x)
        ),
        "outer-product": Mistake(result=lambda x: np.outer(unit(x), unit(x))),
        "plus-for-minus": Mistake(
            result=lambda x: (np.eye(len(x)) + np.outer(unit(x), unit(x))) / length(x)
        ),
        "length-as-constant": Mistake(result=lambda x: np.eye(len(x)) / length(x)),
        "square-of-length": Mistake(result=lambda x: 2 * np.eye(len(x))),
        "gradient-only": Mistake(result=unit),
        "squares-in-rows": Mistake(
            result=lambda x: (np.eye(len(x)) - unit(x) ** 2) / length(x),
        ),
        "nothing-curved": Mistake(result=lambda x: np.zeros((len(x), len(x)))),
        "two-numbers-alone": Mistake(result=of_two),
    },
    mistakes=(
        Mistake(
            "nothing-curved",
            "no second derivatives at all",
            "Your matrix is zero everywhere. Nothing of the length is left in it: was something "
            "else differentiated (the sum of |x_i|, x itself), or held still?",
        ),
        Mistake(
            "squares-in-rows",
            "squares in place of products",
            "Your matrix has x_j² in every row where x_i x_j should stand: `x * x` is a vector. "
            "The products of all pairs are `jnp.outer(x, x)`.",
        ),
        Mistake(
            "squared-length",
            "the squared length",
            "Where the length belongs you used its square. Take the root.",
        ),
        Mistake(
            "ones-for-identity",
            "ones in place of the identity",
            "Your first term is 1/f(x) in every entry. It belongs to the diagonal alone: "
            "∂xᵢ/∂xⱼ is 0 for i ≠ j.",
        ),
        Mistake(
            "inner-for-outer",
            "x · x in place of x xᵀ",
            "You used x · x, which is a number. The mixed derivatives need the matrix x xᵀ: "
            "`jnp.outer(x, x)`.",
        ),
        Mistake(
            "not-divided",
            "f(x) below everything",
            "Your matrix is f(x) times the right one: the identity is divided by f(x), too, and "
            "x xᵀ by f(x)³.",
        ),
        Mistake(
            "one-division",
            "f(x)³ below x xᵀ",
            "In your matrix x xᵀ is divided by f(x) once. Its term is x xᵀ / f(x)³.",
        ),
        Mistake(
            "diagonal-alone",
            "the diagonal alone",
            "Your matrix has the right diagonal and zeros elsewhere. Each entry of the gradient "
            "x / f(x) depends on all entries of x, through f(x): the mixed derivatives are not zero.",
            read="book/02_jacobians.md#jacobian-orders",
        ),
        Mistake(
            "outer-product",
            "the outer product of the gradient",
            "Your matrix is the gradient times itself, g gᵀ. A Hessian holds second derivatives: "
            "differentiate the gradient once more.",
            read="book/02_jacobians.md#jacobian-orders",
        ),
        Mistake(
            "length-as-constant",
            "the length taken as a constant",
            "You differentiated x / f(x) as if f(x) did not depend on x. The quotient rule has a "
            "second term, −x xᵀ / f³.",
            read="book/02_jacobians.md#jacobian-orders",
        ),
        Mistake(
            "plus-for-minus",
            "plus instead of minus",
            "You added the second term of the quotient rule. Along x the gradient keeps its direction, so "
            "the Hessian times x has to be zero: subtract x xᵀ / f³.",
            read="book/02_jacobians.md#jacobian-orders",
        ),
        Mistake(
            "square-of-length",
            "the Hessian of the squared length",
            "Your matrix is 2 on the diagonal: that belongs to the sum of the squares. The length "
            "is its square root.",
            read="book/02_jacobians.md#jacobian-orders",
        ),
        Mistake(
            "gradient-only",
            "one derivative short",
            "You returned the gradient, a vector of shape (n,). The Hessian is the Jacobian of the "
            "gradient, of shape (n, n).",
            "At (3, 4) the gradient is (0.6, 0.8), the Hessian [[0.128, −0.096], [−0.096, 0.072]].",
            read="book/02_jacobians.md#jacobian-orders",
        ),
        Mistake(
            "two-numbers-alone",
            "two components written out",
            "Your matrix has two rows, whatever the length of x is: it was written for "
            "two numbers. `jnp.outer` and `jnp.eye` hold for any length.",
        ),
    ),
    read="book/02_jacobians.md#jacobian-orders",
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
        {"x": np.array([3.0, 0.0, -4.0])},
        {"x": test_array((4,), scale=1e-6)},
        {"x": test_array((4,), phase=1.0, scale=1e4)},
    ),
    labels=("x = (3, 4)", "x = 0", "x = (3, 0, −4)", "x about 1e-6", "x about 1e4"),
    large_points=(4,),
    reference=lambda x: (length(x), unit(x) if np.any(x) else np.zeros(len(x))),
    shape_of={"gradient": "x"},
    requirements=(scaled_law, Requirement("tiny", tiny)),
    predictions={
        "corner": Mistake(
            result=lambda x: (length(x), unit(x) if np.any(x) else np.full(len(x), np.nan))
        ),
        "one-at-zero": Mistake(result=lambda x: length(x) if np.any(x) else 1.0, part="value"),
        "zero-entries-as-one": Mistake(
            result=lambda x: length(np.where(x == 0, 1.0, x)) if np.any(x) else 0.0, part="value"
        ),
        "one-zero-is-enough": Mistake(
            result=lambda x: length(x) if np.all(x) else 0.0, part="value"
        ),
        "constant-length": Mistake(result=lambda x: np.zeros(len(x)), part="gradient"),
        "sum-of-sizes": Mistake(result=lambda x: np.sum(np.abs(x)), part="value"),
        "no-root": Mistake(result=lambda x: np.sum(np.square(x)), part="value"),
    },
    mistakes=(
        Mistake(
            "constant-length",
            "no gradient comes through",
            "Your gradient is 0 everywhere: what your function returns is a constant for JAX. "
            "Is there a `stop_gradient` too many?",
        ),
        Mistake(
            "one-zero-is-enough",
            "one zero entry",
            "Your length is 0 as soon as one entry is 0. Only the zero *vector* is a special "
            "case: ask whether all entries are 0.",
        ),
        Mistake(
            "zero-entries-as-one",
            "each zero entry replaced",
            "You replaced each entry that is 0. Only the zero *vector* is a special case: ask "
            "whether all entries are 0.",
        ),
        Mistake(
            "one-at-zero",
            "the value at zero",
            "At zero your value is 1: the number that keeps the root from seeing the zero has "
            "become the result. Choose 0 there, in a second `where`.",
        ),
        Mistake(
            "corner",
            "NaN at the corner",
            "Your value is right everywhere, but the gradient at zero is NaN. The slope of the root "
            "is inf there, the slope of the squares is 0, and inf · 0 is NaN. To choose another "
            "*result* afterwards does not help: the root is differentiated all the same, so it must "
            "not see the zero.",
            read=CHAPTER + "#breaks-double",
        ),
        Mistake(
            "tiny",
            "a threshold",
            "A vector of length {size} has another length in yours. Only the zero vector is zero: ask "
            "whether the sum of the squares *is* 0, not whether it is small.",
            "",
            read=CHAPTER,
        ),
        Mistake(
            "sum-of-sizes",
            "another norm",
            "You added up the sizes |xᵢ|: that is another norm. The length is the root of the sum "
            "of the squares.",
            read=CHAPTER + "#breaks-double",
        ),
        Mistake(
            "no-root",
            "the root is missing",
            "Your value is the squared length. It is smooth at zero, but it is another function: "
            "take the square root.",
            read=CHAPTER + "#breaks-double",
        ),
    ),
    read=CHAPTER + "#breaks-double",
)

def value_and_slopes(answer):
    """Use a function of x and s as the check does: its values, and the slope of each entry."""

    def call(x, s):
        value = answer(x, s)
        if value is None or callable(value):
            return value
        return value, jax.grad(lambda x: jnp.sum(answer(x, s)))(x)

    return call


def at_kink(slope):
    """The ramp's value and slopes, with the slope at 0 that `slope` makes of s."""
    return lambda x, s: (np.maximum(x, 0), np.where(x > 0, 1.0, np.where(x < 0, 0.0, slope(s))))


kinked_ramp = Question(
    name="kinked_ramp",
    returns=("value", "slopes"),
    call="kinked_ramp(x, s), and the gradient of its sum",
    adapt=value_and_slopes,
    points=(
        {"x": np.array([1.5, 0.0, -2.0]), "s": 0.25},
        {"x": np.array([[0.0, 0.25], [-0.5, 0.0]]), "s": 0.75},
        {"x": np.array([1e-9, -1e-4, 0.0, -1e-9]), "s": 0.25},
        {"x": np.array([-4e6, 0.0, 5e6, -0.0]), "s": -0.5},
    ),
    labels=("x = (1.5, 0, −2), s = 0.25", "x of shape (2, 2), s = 0.75", "x near 0", "s = −0.5"),
    large_points=(3,),
    reference=at_kink(lambda s: s),
    predictions={
        "half-from-maximum": Mistake(result=at_kink(lambda s: s + 0.5)),
        "slope-zero": Mistake(result=at_kink(lambda s: 0.0)),
        "slope-half": Mistake(result=at_kink(lambda s: 0.5)),
        "slope-one": Mistake(result=at_kink(lambda s: 1.0)),
        "slope-turned": Mistake(result=at_kink(lambda s: 1 - s)),
        "slope-halved": Mistake(result=at_kink(lambda s: s / 2)),
        "slope-below": Mistake(
            result=lambda x, s: (np.where(x > 0, x, s * x), np.where(x > 0, 1.0, s))
        ),
        "value-at-zero": Mistake(
            result=lambda x, s: np.where(x == 0, s, np.maximum(x, 0)), part="value"
        ),
        "rule-without-tangent": Mistake(
            result=lambda x, s: (np.maximum(x, 0), np.zeros(np.shape(x)))
        ),
    },
    mistakes=(
        Mistake(
            "half-from-maximum",
            "the slope of maximum was counted, too",
            "Your slope at 0 is s + 1/2. `jnp.maximum` has a slope there already, 1/2, since both of its "
            "sides are equal. Choose between formulas with `where`, and let no other function have its "
            "kink at 0.",
        ),
        Mistake(
            "slope-halved",
            "half of s",
            "The value is right, and the slope at 0 is s/2: `maximum` shares a tie, and `relu` "
            "takes 0. Exactly 0 is a case of its own.",
        ),
        Mistake(
            "slope-turned",
            "1 − s in place of s",
            "The value is right, and the slope at 0 is 1 − s. It should be s.",
        ),
        Mistake(
            "slope-zero",
            "the slope of relu",
            "The value is right, and where x is 0 the slope is 0, which is the convention of `relu`, and not "
            "`s`. Each entry that is 0 needs a formula that has the value 0 and the slope s.",
            read=CHAPTER + "#breaks-kinks",
        ),
        Mistake(
            "slope-half",
            "the slope of maximum",
            "The value is right, and where x is 0 the slope is ½, since `maximum` shares a tie, and not "
            "`s`. Each entry that is 0 needs a formula that has the value 0 and the slope s.",
            read=CHAPTER + "#breaks-kinks",
        ),
        Mistake(
            "slope-one",
            "0 counted among the positive numbers",
            "Your slope at 0 is 1: there the formula of the positive numbers was chosen. Exactly 0 "
            "is a case of its own.",
            read=CHAPTER + "#breaks-kinks",
        ),
        Mistake(
            "slope-below",
            "the slope s for negative numbers, too",
            "For negative x your value is s·x; it should be 0. The slope s belongs to x = 0 alone.",
            read=CHAPTER + "#breaks-kinks",
        ),
        Mistake(
            "value-at-zero",
            "the slope put in the place of the value",
            "At 0 your *value* is s. The value there is 0, and s is the slope: choose a formula "
            "such as a line through the origin.",
            read=CHAPTER + "#breaks-kinks",
        ),
        Mistake(
            "rule-without-tangent",
            "a rule that ignores the tangent",
            "Your values are right, and all slopes are 0: the rule of your `custom_jvp` "
            "returns the slope itself. Multiply it by the tangent that comes in; reverse "
            "mode transposes that product.",
            code=r"defjvp",
        ),
    ),
    read=CHAPTER + "#breaks-kinks",
)

def step_after_step(steps, x, is_bad=lambda t: not np.isfinite(t), running=True, first=True):
    """The bad steps (down, up) as a mistaken hunter would find them."""
    down, up, inputs = [], [], []
    for number, step in enumerate(steps):
        inputs.append(x)
        x = step(x)
        if is_bad(x):
            down.append(number)
    u = jnp.ones_like(x)
    for number in reversed(range(len(steps))):
        value, pullback = jax.vjp(steps[number], inputs[number])
        u = pullback(u if running else jnp.ones_like(value))[0]
        if is_bad(u):
            up.append(number)
    place = 0 if first else -1
    return (down[place] if down else -1), (up[place] if up else -1)


minus_one = lambda x: x - 1
add_one = lambda x: x + 1
root_or_zero = lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0)
larger = lambda x: 1e200 * x
flip = lambda x: -x
# by the point, which differs from question to question: where value and cotangent go bad
BAD_STEPS = {
    1000.0: (0, 0),
    0.0: (-1, 1),
    0.5: (-1, -1),
    2.0: (3, 3),
    1.0: (-1, 1),
    1e-300: (-1, 0),
    3.0: (1, 1),
    800.0: (0, 1),
}


def bad_steps(change):
    """What a mistake makes of the two right numbers, and of how many steps there are."""
    return lambda steps, x: change(*BAD_STEPS[float(x)], len(steps))


def stopped(steps, x):
    """As if there were no steps after the first bad one."""
    down = BAD_STEPS[float(x)][0]
    return step_after_step(steps[: down + 1] if down >= 0 else steps, x)


def first_bad_bar(steps, places, u=1.0, order=reversed):
    """The step where the backward pass goes bad if each pullback is that at one of the places."""
    for number in order(range(len(steps))):
        (u,) = jax.vjp(steps[number], places[number])[1](u)
        if not np.isfinite(u):
            return number
    return -1


def values_of(steps, x):
    """The input and the value of every step."""
    values = [jnp.asarray(x)]
    for step in steps:
        values.append(step(values[-1]))
    return values


nan_hunt = Question(
    name="nan_hunt",
    returns=("down", "up"),
    points=(
        {"steps": [jnp.exp, add_one, jnp.log], "x": 1000.0},
        {"steps": [jnp.square, jnp.sqrt], "x": 0.0},
        {"steps": [jnp.sin, jnp.cos, jnp.exp], "x": 0.5},
        {"steps": [jnp.square, jnp.log, flip, jnp.sqrt], "x": 2.0},
        {"steps": [minus_one, root_or_zero, jnp.exp, add_one], "x": 1.0},
        {"steps": [larger, larger], "x": 1e-300},
        {"steps": [lambda x: 300 * x, jnp.exp, lambda x: 1 / x, add_one, jnp.sin], "x": 3.0},
        {"steps": [jnp.exp, jnp.sin, add_one], "x": 800.0},
    ),
    labels=(
        "exp, add 1, log at 1000",
        "square, root at 0",
        "sin, cos, exp at 0.5",
        "square, log, minus, root at 2",
        "subtract 1, a root chosen by where, exp, add 1, at 1",
        "twice times 1e200, at 1e-300",
        "times 300, exp, one over, add 1, sin, at 3",
        "exp, sin, add 1 at 800",
    ),
    large_points=(0, 7),
    reference=lambda steps, x: BAD_STEPS[float(x)],
    predictions={
        "nan-alone": Mistake(
            result=lambda steps, x: step_after_step(steps, x, is_bad=lambda t: np.isnan(t))
        ),
        "down-from-one": Mistake(
            result=bad_steps(lambda down, up, n: down + 1 if down >= 0 else -1), part="down"
        ),
        "input-looked-at": Mistake(
            result=bad_steps(lambda down, up, n: down + 1 if 0 <= down < n - 1 else -1), part="down"
        ),
        "up-after-down-alone": Mistake(
            result=bad_steps(lambda down, up, n: -1 if down >= 0 else up), part="up"
        ),
        "looked-before-pulling": Mistake(
            result=bad_steps(lambda down, up, n: up - 1 if up > 0 else -1), part="up"
        ),
        "up-from-one": Mistake(
            result=bad_steps(lambda down, up, n: up + 1 if up >= 0 else -1), part="up"
        ),
        "last-bad-step": Mistake(result=lambda steps, x: step_after_step(steps, x, first=False)),
        "each-slope-alone": Mistake(
            result=lambda steps, x: step_after_step(steps, x, running=False)
        ),
        "slope-of-first-bad": Mistake(
            result=lambda steps, x: (
                step_after_step(steps, x)[0],
                step_after_step(steps, x, running=False, first=False)[1],
            )
        ),
        "counted-from-the-end": Mistake(
            result=lambda steps, x: (
                BAD_STEPS[float(x)][0],
                len(steps) - 1 - BAD_STEPS[float(x)][1] if BAD_STEPS[float(x)][1] >= 0 else -1,
            )
        ),
        "stopped-at-down": Mistake(result=stopped),
        "pullbacks-at-x": Mistake(
            result=lambda steps, x: first_bad_bar(steps, [x] * len(steps)), part="up"
        ),
        "pullbacks-at-outputs": Mistake(
            result=lambda steps, x: first_bad_bar(steps, values_of(steps, x)[1:]), part="up"
        ),
        "cotangent-forward": Mistake(
            result=lambda steps, x: first_bad_bar(steps, values_of(steps, x), order=list), part="up"
        ),
        "value-for-cotangent": Mistake(
            result=lambda steps, x: first_bad_bar(
                steps, values_of(steps, x), u=values_of(steps, x)[-1]
            ),
            part="up",
        ),
        "infinity-alone": Mistake(
            result=lambda steps, x: step_after_step(steps, x, is_bad=lambda t: np.isinf(t))
        ),
        "up-not-sought": Mistake(result=lambda steps, x: -1, part="up"),
        "down-for-up": Mistake(result=bad_steps(lambda down, up, n: (down, down))),
        "last-bad-value": Mistake(
            result=lambda steps, x: step_after_step(steps, x, first=False)[0], part="down"
        ),
        "last-bad-cotangent": Mistake(
            result=lambda steps, x: step_after_step(steps, x, first=False)[1], part="up"
        ),
        "none-for-minus-one": Mistake(
            result=bad_steps(lambda down, up, n: [None if k < 0 else k for k in (down, up)])
        ),
        "flags-returned": Mistake(result=bad_steps(lambda down, up, n: (down >= 0, up >= 0))),
    },
    mistakes=(
        Mistake(
            "pullbacks-at-outputs",
            "every pullback at the output",
            "You took the pullback of each step at what comes *out* of it. A step is "
            "differentiated at what goes into it.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "cotangent-forward",
            "the cotangent goes forward",
            "Your cotangent goes through the steps from first to last. It comes from behind: the "
            "last step's pullback is the first.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "value-for-cotangent",
            "it starts with the value",
            "Your backward pass starts with the value of the last step. It starts with the "
            "cotangent 1.0.",
        ),
        Mistake(
            "infinity-alone",
            "nan is overlooked",
            "You look for `inf` alone. A value is not finite if it is `inf` or `nan`.",
        ),
        Mistake(
            "up-not-sought",
            "up is always −1",
            "Your `up` is always −1. The backward pass can go bad as well, and often does where "
            "all values are finite.",
        ),
        Mistake(
            "stopped-at-down",
            "the rest is left out",
            "You stop at the first value that is not finite. Go on: the backward pass starts behind "
            "the *last* step, whatever the values are.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "pullbacks-at-x",
            "every pullback at x",
            "You took the pullback of each step at x. A step is differentiated at what goes into "
            "it: remember these values in the forward pass.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "down-for-up",
            "down twice",
            "Your `up` is `down` again. The backward pass has a first bad step of its own.",
        ),
        Mistake(
            "last-bad-value",
            "the last bad value",
            "Your `down` is the *last* step whose value is not finite. A NaN is passed on to all "
            "that comes after it; what counts is where it began.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "last-bad-cotangent",
            "the last bad cotangent",
            "Your `up` is the step where the backward pass meets its *last* cotangent that is not "
            "finite. The first one counts: it goes from the last step to step 0.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "none-for-minus-one",
            "None where all is finite",
            "Where everything is finite you return None. Asked for is −1 there.",
        ),
        Mistake(
            "flags-returned",
            "whether instead of where",
            "You return whether something is not finite. Asked for is the number of the step.",
        ),
        Mistake(
            "up-from-one",
            "counted from 1",
            "Your `up` is counted from 1. The first step has number 0.",
        ),
        Mistake(
            "looked-before-pulling",
            "looked at before pulling",
            "You look at the cotangent before you pull it through the step, and so blame the "
            "step in front of it. Pull first, then look.",
        ),
        Mistake(
            "up-after-down-alone",
            "up, where a value is not finite, too",
            "Where a value is not finite your `up` stays −1. Go back all the same: the backward "
            "pass has its own first step.",
        ),
        Mistake(
            "input-looked-at",
            "what goes in, not what comes out",
            "You look at what goes *into* a step. `down` is the number of the step that makes a "
            "value which is not finite: look at what comes out.",
        ),
        Mistake(
            "down-from-one",
            "counted from 1",
            "Your `down` is counted from 1. The first step has number 0.",
        ),
        Mistake(
            "nan-alone",
            "inf is overlooked",
            "You look for NaN alone. The trouble often begins with an `inf`, which is not a NaN yet: "
            "`jnp.isfinite` is false for both.",
            "{where}, {part} is {got} in yours; it should be {want}.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "last-bad-step",
            "the last bad step instead of the first",
            "You found the *last* step that is not finite. A NaN is passed on to all that comes after "
            "it; what counts is where it began.",
            "{where}, {part} is {got} in yours; it should be {want}.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "each-slope-alone",
            "each slope by itself",
            "You look at the slope of each step by itself. In the backward pass a running cotangent "
            "is multiplied by one after the other, and their product can go bad where each of them is "
            "fine (or the other way round).",
            "{where}, {part} is {got} in yours; it should be {want}.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "slope-of-first-bad",
            "each slope by itself",
            "You look at the slope of each step by itself. In the backward pass a running cotangent "
            "is multiplied by one after the other, and their product can go bad where each of them is "
            "fine (or the other way round).",
            "{where}, {part} is {got} in yours; it should be {want}.",
            read=CHAPTER + "#breaks-first",
        ),
        Mistake(
            "counted-from-the-end",
            "counted from the end",
            "In the backward pass you count from the end. A step keeps its number: the last one is "
            "`len(steps) - 1`.",
            "{where}, {part} is {got} in yours; it should be {want}.",
            read=CHAPTER + "#breaks-first",
        ),
    ),
    read=CHAPTER + "#breaks-first",
)

def loss_and_gradient(answer):
    """Use a loss of logits and a class as the check does."""

    def call(z, k):
        value = answer(z, k)
        if value is None or callable(value):
            return value
        return value, jax.grad(answer)(z, k)

    return call


def log_sum(z):
    return np.max(z) + np.log(np.sum(np.exp(z - np.max(z))))


probabilities = lambda z: np.exp(z - log_sum(z))
one_hot = lambda z, k: np.eye(len(z))[int(k)]


def at_extremes(large, small):
    """The value, and other ones at logits around 1000 and around −800; None leaves the right one."""

    def value(z, k):
        other = large if np.max(z) > 500 else small if np.max(z) < -500 else None
        return log_sum(z) - z[k] if other is None else other

    return value


NOT_SHIFTED = (
    "With logits of any size exp(z) is not to be had: exp(1000) is infinite, and exp(−800) is 0. "
    "Shift all logits before you take the exponentials, so that the largest becomes 0."
)


cross_entropy = Question(
    name="cross_entropy",
    returns=("value", "gradient"),
    call="cross_entropy(z, k) and olympus.grad(cross_entropy)(z, k)",
    adapt=loss_and_gradient,
    points=(
        {"z": np.array([0.5, -1.0, 2.0]), "k": 1},
        {"z": test_array((5,), phase=1.0, scale=3.0), "k": 3},
        {"z": np.array([1000.0, 0.0, -1000.0]), "k": 1},
        {"z": np.array([-800.0, -801.0, -802.5, -799.0]), "k": 0},
    ),
    labels=("z = (0.5, −1, 2)", "five logits", "z = (1000, 0, −1000)", "logits around −800"),
    large_points=(2, 3),
    reference=lambda z, k: (log_sum(z) - z[k], probabilities(z) - one_hot(z, k)),
    shape_of={"gradient": "z"},
    without=("logsumexp", "log_softmax"),
    predictions={
        "shift-in-one-term": Mistake(
            result=lambda z, k: log_sum(z) - np.max(z) - z[k], part="value"
        ),
        "logits-held-still": Mistake(result=lambda z, k: -one_hot(z, k), part="gradient"),
        "most-likely-class": Mistake(result=lambda z, k: log_sum(z) - np.max(z), part="value"),
        "mean-for-sum-of-classes": Mistake(
            result=lambda z, k: log_sum(z) - np.log(len(z)) - z[k], part="value"
        ),
        "mean-over-classes": Mistake(result=lambda z, k: log_sum(z) - np.mean(z), part="value"),
        "loss-cut-off": Mistake(
            result=lambda z, k: -np.log(probabilities(z)[k] + 1e-12), part="value"
        ),
        "probability": Mistake(result=lambda z, k: probabilities(z)[k], part="value"),
        "not-shifted": Mistake(result=at_extremes(np.inf, np.nan), part="value"),
        "sum-not-shifted": Mistake(result=at_extremes(np.inf, -np.inf), part="value"),
        "infinite-above": Mistake(result=at_extremes(np.inf, None), part="value"),
        "infinite-below": Mistake(result=at_extremes(None, -np.inf), part="value"),
        "logarithm-to-two": Mistake(
            result=lambda z, k: (log_sum(z) - z[k]) / np.log(2.0), part="value"
        ),
        "logit-counted-twice": Mistake(result=lambda z, k: log_sum(z) - 2 * z[k], part="value"),
        "logarithm-of-sum-alone": Mistake(result=lambda z, k: log_sum(z), part="value"),
        "logit-added": Mistake(result=lambda z, k: log_sum(z) + z[k], part="value"),
        "all-logits": Mistake(result=lambda z, k: log_sum(z) - np.sum(z), part="value"),
        "two-classes": Mistake(
            result=lambda z, k: np.logaddexp(0.0, z[k]) - z[k],
            part="value",
        ),
        "other-classes-alone": Mistake(
            result=lambda z, k: log_sum(np.delete(np.asarray(z), k)) - z[k], part="value"
        ),
    },
    mistakes=(
        Mistake(
            "logit-added",
            "plus z[k]",
            "You added z[k]. The logarithm of a quotient is a difference: ln Σ exp(z) − z[k].",
        ),
        Mistake(
            "all-logits",
            "all logits are taken away",
            "You took away the sum of all logits. The loss is that of class k: take z[k] away.",
        ),
        Mistake(
            "two-classes",
            "the loss for two classes",
            "Your value is ln(1 + exp(z_k)) − z_k, the loss with a single logit. With n classes "
            "the logarithm is that of the sum of all exponentials.",
        ),
        Mistake(
            "other-classes-alone",
            "class k is missing in the sum",
            "Your sum leaves class k out. p_k is divided by the sum over *all* classes.",
        ),
        Mistake("not-shifted", "exponentials of any size", NOT_SHIFTED),
        Mistake("sum-not-shifted", "exponentials of any size", NOT_SHIFTED),
        Mistake(
            "infinite-above",
            "infinite at large logits",
            "At z = (1000, 0, −1000) your value is infinite. Either an exponential overflows "
            "(something smaller than the largest logit was taken away), or a probability is "
            "rounded to 0 before its logarithm is taken.",
        ),
        Mistake(
            "infinite-below",
            "infinite at very negative logits",
            "At logits around −800 your value is −inf: all exponentials are 0 there. Take the "
            "largest logit away, with its sign; then one of them is 1.",
        ),
        Mistake(
            "logarithm-to-two",
            "the logarithm to base 2",
            "Your value is the loss in bits, with the logarithm to base 2. Asked for is the "
            "natural logarithm.",
        ),
        Mistake(
            "logit-counted-twice",
            "z[k] is taken away twice",
            "In your value z[k] is taken away twice. Once is enough: ln Σ exp(z) − z[k].",
        ),
        Mistake(
            "logarithm-of-sum-alone",
            "z[k] is missing",
            "Your value is ln Σ exp(z), the same for every class. Take z[k] away: the loss is "
            "that of class k.",
        ),
        Mistake(
            "mean-for-sum-of-classes",
            "mean in place of sum",
            "You took the mean of the exponentials. p_k is divided by their *sum*.",
        ),
        Mistake(
            "most-likely-class",
            "the largest logit in place of z[k]",
            "You subtracted the largest logit. The loss is that of class k: subtract z[k].",
        ),
        Mistake(
            "logits-held-still",
            "half of the gradient",
            "Your value is right; of the gradient only −e_k is there, and p is missing. A "
            "`stop_gradient` may hold the shift, which cancels, but not the logits.",
        ),
        Mistake(
            "shift-in-one-term",
            "shifted in one term alone",
            "Your value is too small by max(z). A shift changes nothing only if *all* logits are "
            "shifted: also the one that is subtracted.",
            read=CHAPTER + "#breaks-logits",
        ),
        Mistake(
            "mean-over-classes",
            "the mean over all classes",
            "You averaged over all classes. The loss asks only for the probability of the true class, "
            "k.",
            read=CHAPTER + "#breaks-logits",
        ),
        Mistake(
            "loss-cut-off",
            "a small number was added",
            "You added a small number to the probability. The loss is then cut off, and its gradient "
            "dies, just for the examples that the model gets most wrong.",
            "At z = (1000, 0, −1000) and k = 1 the loss is 1000, and −log(1e-12) is 27.6.",
            read=CHAPTER + "#breaks-logits",
        ),
        Mistake(
            "probability",
            "the probability instead of the loss",
            "Your value is p_k. The loss is −ln p_k.",
            read=CHAPTER + "#breaks-logits",
        ),
    ),
    read=CHAPTER + "#breaks-logits",
)

def values_and_slopes(answer):
    """Use a function of an array, entry by entry, as the check does."""

    def call(x):
        value = answer(x)
        if value is None or callable(value):
            return value
        weights = weights_of(x)
        return value, jax.grad(lambda x: jnp.sum(weights * answer(x)))(x) / weights

    return call


def weights_of(x):
    """Another weight for each entry, so that the cotangents which come in are not all 1."""
    place = np.arange(np.size(x)).reshape(np.shape(x))
    return (2.0 ** (place % 3 + 1) * (-1.0) ** place).astype(np.asarray(x).dtype)


def same_value(answer, arguments):
    """Whether the value that comes out under differentiation is that of the function itself."""
    x = arguments["x"]
    return bool(np.array_equal(jax.vjp(answer, x)[0], answer(x)))


fires = lambda x: np.where(np.asarray(x) > 0, 1.0, 0.0)
soft_slope = lambda x: 0.25 / np.cosh(np.clip(np.asarray(x), -700, 700) / 2) ** 2

spike = Question(
    name="spike",
    returns=("value", "slopes"),
    call="spike(x), and its gradient",
    adapt=values_and_slopes,
    points=(
        {"x": np.array([0.5, -1.25, 0.0])},
        {"x": test_array((2, 3), phase=2.0)},
        {"x": np.array([1e-30, -1e-30])},
        {"x": np.array([-800.0, 30.0, 1.0, -5.0, 800.0])},
    ),
    labels=(
        "x = (0.5, −1.25, 0)",
        "x of shape (2, 3)",
        "x next to 0",
        "x = (−800, 30, 1, −5, 800)",
    ),
    large_points=(3,),
    reference=lambda x: (fires(x), soft_slope(x)),
    shape_of={"slopes": "x"},
    requirements=(Requirement("other-value-in-fwd", same_value),),
    predictions={
        "no-surrogate": Mistake(result=lambda x: (fires(x), 0 * soft_slope(x))),
        "soft-value": Mistake(result=lambda x: (sigmoid(x), soft_slope(x))),
        "cotangent-ignored": Mistake(result=lambda x: (fires(x), soft_slope(x) / weights_of(x))),
        "factor-left-out": Mistake(result=lambda x: (fires(x), 0.5 + 0.5 * np.tanh(x / 2))),
        "slope-of-value": Mistake(result=lambda x: (fires(x), soft_slope(fires(x)))),
        "sign-function": Mistake(result=lambda x: np.sign(x), part="value"),
        "straight-through": Mistake(result=lambda x: (fires(x), np.ones_like(x))),
        "fires-at-zero": Mistake(
            result=lambda x: (np.where(np.asarray(x) >= 0, 1.0, 0.0), soft_slope(x))
        ),
        "correction-learns": Mistake(result=lambda x: (fires(x), -soft_slope(x))),
        "overflowing-sigmoid": Mistake(
            result=lambda x: (fires(x), np.where(np.asarray(x) < -700, np.nan, soft_slope(x)))
        ),
        "steeper-surrogate": Mistake(
            result=lambda x: (fires(x), 1 / np.cosh(np.clip(np.asarray(x), -300, 300)) ** 2)
        ),
        "sigmoid-rounded": Mistake(result=lambda x: fires(x) * (np.abs(x) > 1e-16), part="value"),
    },
    mistakes=(
        Mistake(
            "sign-function",
            "−1 in place of 0",
            "For negative x your value is −1: that is the sign. A cell that does not fire gives 0.",
        ),
        Mistake(
            "slope-of-value",
            "the sigmoid of the value",
            "You took the sigmoid of the value, 0 or 1. The surrogate's slope is taken at x: "
            "that is what the backward pass needs.",
        ),
        Mistake(
            "factor-left-out",
            "one of the two factors",
            "Your slope is σ(x). It is σ(x) (1 − σ(x)).",
        ),
        Mistake(
            "cotangent-ignored",
            "the cotangent is left out",
            "Your backward half does not use the cotangent that comes in: it returns the slope "
            "alone. Multiply by the cotangent.",
        ),
        Mistake(
            "other-value-in-fwd",
            "another value under differentiation",
            "The function itself returns the right value, but under differentiation another one "
            "comes out: the forward half of your rule has to return what the function returns.",
            example="",
        ),
        Mistake(
            "no-surrogate",
            "the true derivative",
            "Your values are right, and the derivative is the true one: 0 everywhere. Nothing before "
            "this step would ever learn.",
            read=CHAPTER + "#breaks-straight",
        ),
        Mistake(
            "soft-value",
            "the soft step itself",
            "Your derivative is right, but the value is that of the sigmoid. Forward it should be "
            "the hard step, 0 or 1.",
            read=CHAPTER + "#breaks-straight",
        ),
        Mistake(
            "straight-through",
            "straight through",
            "Your slope is 1 everywhere: you pretend that nothing was done. Here the surrogate is a "
            "sigmoid, which is flat far from 0.",
            read=CHAPTER + "#breaks-straight",
        ),
        Mistake(
            "fires-at-zero",
            "the step at 0",
            "At 0 your value is 1. The step is 1 where x > 0, and 0 elsewhere, at 0 too.",
            read=CHAPTER + "#breaks-kinks",
        ),
        Mistake(
            "correction-learns",
            "the wrong half was stopped",
            "Your slope has the wrong sign: you stopped the gradient of the sigmoid, and let through "
            "that of the correction. It should be the other way round.",
            read=CHAPTER + "#breaks-straight",
        ),
        Mistake(
            "overflowing-sigmoid",
            "an exponential overflows",
            "All is right but the slope at −800, which is NaN: exp(800) is inf, and in the backward pass "
            "inf / inf appears. `olympus.nn.sigmoid` is written so that nothing overflows.",
            read=CHAPTER + "#breaks-softplus",
        ),
        Mistake(
            "steeper-surrogate",
            "another soft step",
            "Your slope is that of tanh(x). The surrogate here is the sigmoid: its slope at 0 is ¼.",
            read=CHAPTER + "#breaks-straight",
        ),
        Mistake(
            "sigmoid-rounded",
            "a rounded sigmoid",
            "Just above 0 your value is 0: the sigmoid is 0.5 there to all its digits, "
            "and `round` takes 0.5 to 0. Ask whether x > 0.",
        ),
    ),
    read=CHAPTER + "#breaks-straight",
)

def shrinking(w):
    """Three layers of float16, each of which makes the cotangents 2⁻⁹ or 2⁻¹⁰ times as large."""
    y = w.astype(jnp.float16)
    factors = jnp.array([2.0**-9, 2.0**-10, -(2.0**-9)], jnp.float16)
    for _ in range(3):
        # or else a compiler multiplies the three factors first, and their product is 0 in float16
        y = jax.lax.optimization_barrier(factors * y)
    return jnp.sum(y.astype(jnp.float32))


def ordinary(w):
    """A square of float16, whose gradient is w."""
    y = w.astype(jnp.float16)
    return jnp.sum((jnp.float16(0.5) * y * y).astype(jnp.float32))


def uneven(w):
    """A square of float32, of which one entry's gradient overflows first."""
    y = w.astype(jnp.float32)
    return jnp.sum(jnp.float32(0.5) * y * y)


TRUE_GRADIENT = {
    uneven: lambda w: np.asarray(w),
    shrinking: lambda w: np.array([2.0**-27, 2.0**-30, -(2.0**-27)]),
    ordinary: lambda w: np.asarray(w),
}
MOST = 2.0**100  # a scale beyond it overflows in float32, whatever a compiler does with float16


def scaled(rule):
    """What `rule` makes of the true gradient, the scale, and whether that scale is usable."""
    return lambda loss, w, scale: rule(TRUE_GRADIENT[loss](w), float(scale), scale < MOST)


def overflowed(g, scale, instead):
    """The gradient, with something else where the scaled one is too large for float32."""
    return np.where(np.abs(g) * scale > 3.4e38, instead, g)


def type_kept(answer, arguments):
    """The gradient is a cotangent of w: it has the type of w, where the scale is a plain number."""
    gradient, _ = answer(arguments["loss"], arguments["w"], float(arguments["scale"]))
    return jnp.result_type(gradient) == jnp.result_type(arguments["w"])


scaled_gradient = Question(
    name="scaled_gradient",
    returns=("gradient", "finite"),
    points=(
        {"loss": shrinking, "w": np.array([3.0, 200.0, -8.0]), "scale": 2.0**12},
        {"loss": ordinary, "w": np.array([0.5, -2.0, 1.25, 4.0]), "scale": 2.0**6},
        {"loss": shrinking, "w": np.array([1.0, -16.0, 0.5]), "scale": 2.0**10},
        {"loss": uneven, "w": np.array([0.5, -(2.0**40)]), "scale": 2.0**100},
        {"loss": ordinary, "w": np.array([0.5, -2.0]), "scale": 2.0**140},
    ),
    labels=(
        "a loss with tiny slopes, scale = 2^12",
        "an ordinary loss, scale = 2^6",
        "a loss with tiny slopes, scale = 2^10",
        "a loss of uneven slopes, scale = 2^100",
        "an ordinary loss, scale = 2^140",
    ),
    large_points=(4,),
    reference=scaled(lambda g, scale, fits: (g * fits, float(fits))),
    shape_of={"gradient": "w"},
    requirements=(Requirement("other-type", type_kept),),
    predictions={
        "underflow": Mistake(result=scaled(lambda g, scale, fits: (g * (np.abs(g) > 1e-4), 1.0))),
        "scale-left-in": Mistake(
            result=scaled(lambda g, scale, fits: (g * scale * fits, float(fits)))
        ),
        "divided-in-half": Mistake(
            result=scaled(
                lambda g, scale, fits: (
                    g * fits * (np.abs(g) > 1e-4),
                    float(fits),
                )
            )
        ),
        "bad-entries-skipped": Mistake(
            result=scaled(lambda g, scale, fits: (overflowed(g, scale, 0.0), float(fits)))
        ),
        "one-finite-is-enough": Mistake(
            result=scaled(
                lambda g, scale, fits: (
                    overflowed(g, scale, g * np.inf) if scale < 2.0**120 else 0 * g,
                    float(scale < 2.0**120),
                )
            )
        ),
        "nan-alone": Mistake(
            result=scaled(lambda g, scale, fits: (overflowed(g, scale, g * np.inf), 1.0))
        ),
        "flag-turned": Mistake(result=scaled(lambda g, scale, fits: (g * fits, 1.0 - fits))),
        "zeros-where-finite": Mistake(
            result=scaled(
                lambda g, scale, fits: (
                    0 * g if fits else overflowed(g, scale, g * np.inf),
                    float(fits),
                )
            )
        ),
        "never-skipped": Mistake(
            result=scaled(lambda g, scale, fits: (overflowed(g, scale, 0.0), 1.0))
        ),
        "not-skipped": Mistake(
            result=scaled(lambda g, scale, fits: (overflowed(g, scale, g * np.inf), float(fits)))
        ),
    },
    mistakes=(
        Mistake(
            "zeros-where-finite",
            "zeros where all is well",
            "You return zeros where the gradient is finite, and the gradient where it is not. "
            "In `where(condition, a, b)`, a is for true.",
        ),
        Mistake(
            "flag-turned",
            "the flag is turned round",
            "Your gradient is right, and the second part says whether something is *not* "
            "finite. It should be true where all is finite.",
        ),
        Mistake(
            "nan-alone",
            "an infinity that counts as finite",
            "Where the gradient is infinite you return it, and say that it is finite. What overflows is "
            "`inf`, and not a NaN: `jnp.isfinite` is false for both.",
        ),
        Mistake(
            "one-finite-is-enough",
            "one finite entry is enough",
            "Your gradient counts as finite if *one* entry is. All must be: `jnp.all`.",
        ),
        Mistake(
            "bad-entries-skipped",
            "only the bad entries",
            "You set only the entries to 0 that are not finite. If one of them overflowed, the "
            "step must be skipped as a whole: return zeros everywhere.",
        ),
        Mistake(
            "underflow",
            "the small slopes are gone",
            "The entries that should be tiny are 0, and no scale is too large for your answer: the "
            "backward pass does not see it. Multiply the loss, inside the function that is "
            "differentiated.",
            read=CHAPTER + "#breaks-half",
        ),
        Mistake(
            "divided-in-half",
            "the small slopes are gone in the end",
            "The entries that should be tiny are 0, and a scale that is too large is noticed: the scale "
            "was there during the backward pass, and then it was taken out in a type that has no "
            "room for small numbers. Divide in the type of w.",
            read=CHAPTER + "#breaks-half",
        ),
        Mistake(
            "scale-left-in",
            "the scale is still in it",
            "Your gradient is `scale` times the right one. Divide by the scale in the end.",
            read=CHAPTER + "#breaks-half",
        ),
        Mistake(
            "never-skipped",
            "the flag never falls",
            "With a scale that is far too large your flag still says that all is finite. Look at the "
            "*gradient*: the loss itself may be finite while it overflows.",
            read=CHAPTER + "#breaks-half",
        ),
        Mistake(
            "not-skipped",
            "a bad step is taken",
            "Where the gradient is not finite you return it as it is. One step with it, and all weights "
            "are lost: return zeros there.",
            read=CHAPTER + "#breaks-half",
        ),
        Mistake(
            "other-type",
            "a gradient of another type",
            "The numbers are right, but the gradient does not have the type of w. Divide "
            "in that type, and leave it so.",
        ),
    ),
    read=CHAPTER + "#breaks-half",
)

import math


def three_orders(answer):
    """Use a function as the check does: its value, its slope, its second derivative."""

    def call(x):
        value = answer(x)
        if value is None or callable(value):
            return value
        return value, jax.grad(answer)(x), jax.grad(jax.grad(answer))(x)

    return call


def series_of_sinc(x, terms):
    """Value, slope and second derivative of the series of sin(x) / x."""
    value = slope = second = 0.0
    for k in range(terms):
        c = (-1) ** k / math.factorial(2 * k + 1)
        value += c * x ** (2 * k)
        slope += c * 2 * k * x ** max(2 * k - 1, 0)
        second += c * 2 * k * (2 * k - 1) * x ** max(2 * k - 2, 0)
    return value, slope, second


def orders_of_sinc(x):
    x = float(x)
    if abs(x) < 1:
        return series_of_sinc(x, 14)
    s, c = math.sin(x), math.cos(x)
    return s / x, c / x - s / x**2, -s / x - 2 * c / x**2 + 2 * s / x**3


def other_sinc(x):
    value, slope, second = orders_of_sinc(math.pi * float(x))
    return value, math.pi * slope, math.pi**2 * second


def constant_in_hole(x):
    """The quotient with a double `where`; it loses digits near 0, as an answer like it does."""
    safe = jnp.where(x == 0, 1.0, x)
    return jnp.where(x == 0, 1.0, jnp.sin(safe) / safe)


def near_zero(radius, orders):
    """The right results, but `orders` of x where |x| is at most `radius`."""
    return lambda x: orders(float(x)) if abs(float(x)) <= radius else orders_of_sinc(x)


sinc = Question(
    name="sinc",
    returns=("value", "slope", "second derivative"),
    call="sinc(x), olympus.grad(sinc)(x) and olympus.grad(olympus.grad(sinc))(x)",
    adapt=three_orders,
    points=(
        {"x": 0.0},
        {"x": 0.001},
        {"x": 0.75},
        {"x": -2.0},
        {"x": 50.0},
        {"x": 0.0625},
        {"x": 0.09375},
    ),
    large_points=(4,),
    reference=orders_of_sinc,
    predictions={
        "other-branch": Mistake(result=near_zero(0.0, lambda x: (1.0, np.nan, np.nan))),
        "constant-branch": Mistake(result=three_orders(constant_in_hole)),
        "constant-near-zero": Mistake(result=near_zero(0.002, lambda x: (1.0, 0.0, 0.0))),
        "another-sinc": Mistake(result=lambda x: other_sinc(x)[0], part="value"),
        "series-everywhere": Mistake(result=lambda x: series_of_sinc(float(x), 5)),
        "series-below": Mistake(
            result=lambda x: series_of_sinc(float(x), 5) if x < 0.1 else orders_of_sinc(x)
        ),
        "series-too-short": Mistake(result=near_zero(0.1, lambda x: series_of_sinc(x, 2))),
        "series-short": Mistake(result=near_zero(0.1, lambda x: series_of_sinc(x, 3))),
        "zero-at-zero": Mistake(
            result=lambda x: 0.0 if x == 0 else orders_of_sinc(x)[0], part="value"
        ),
        "cosine-near-zero": Mistake(
            result=lambda x: np.cos(x) if abs(x) < 0.1 else orders_of_sinc(x)[0], part="value"
        ),
    },
    mistakes=(
        Mistake(
            "cosine-near-zero",
            "the cosine near 0",
            "Near 0 your value is cos x (or its series). That is the quotient of the two "
            "*derivatives*, which has the same limit at 0; beside 0 the quotient itself is 1 − "
            "x²/6 + ….",
        ),
        Mistake(
            "zero-at-zero",
            "zero in the hole",
            "At 0 your value is 0. The quotient tends to 1 there, since sin(x) is nearly x. (A "
            "small number in the denominator does away with the NaN, not with the hole.)",
        ),
        Mistake(
            "series-everywhere",
            "the series everywhere",
            "You use the series for every x. Cut off after five terms it is good near 0 alone: "
            "farther out take the quotient.",
        ),
        Mistake(
            "series-below",
            "the series for all negative numbers",
            "You use the series for all numbers below a bound, and so for negative ones far from 0, "
            "where it is cut off too early. Ask for the absolute value.",
        ),
        Mistake(
            "other-branch",
            "the branch that was not chosen",
            "Your value at 0 is right, and the slope there is NaN. `where` computes both of its branches, "
            "and so does the derivative: sin(x) / x meets the 0. Replace the x before it reaches that "
            "branch.",
            read=CHAPTER + "#breaks-where",
        ),
        Mistake(
            "constant-branch",
            "a constant in the hole",
            "At 0 your second derivative is 0. You filled the hole "
            "with a constant, and a constant has no curvature: the chosen branch needs the right "
            "derivatives, not the right value alone.",
            read=CHAPTER + "#breaks-library",
        ),
        Mistake(
            "constant-near-zero",
            "a constant around the hole",
            "Near 0 your function is constant: its slope and its curvature are 0 there. The second "
            "derivative at 0 should be −1/3.",
            read=CHAPTER + "#breaks-library",
        ),
        Mistake(
            "another-sinc",
            "another function of that name",
            "Your function is sin(πx) / (πx), which is what `jnp.sinc` computes. Asked for is sin(x) / x.",
            read=CHAPTER + "#breaks-library",
        ),
        Mistake(
            "series-too-short",
            "too few terms",
            "Near 0 you cut the series off after two terms. At 0.0625 the next ones still count, most "
            "of all in the second derivative.",
            read=CHAPTER + "#breaks-library",
        ),
        Mistake(
            "series-short",
            "too few terms",
            "Near 0 you cut the series off after three terms. At 0.0625 the next ones still count, most "
            "of all in the second derivative.",
            read=CHAPTER + "#breaks-library",
        ),
    ),
    read=CHAPTER + "#breaks-library",
)
