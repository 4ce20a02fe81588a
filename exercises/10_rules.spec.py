"""The specifications of 10_rules.md, released from solutions/10_rules.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, Requirement, test_array

PAGE = "exercises/10_rules.md"


def value_and_pullback(answer):
    """Use a function with a rule of its own as reverse mode does."""

    def call(x, u):
        value = answer(x)
        if value is None or callable(value):
            return value
        return value, jax.vjp(answer, x)[1](u)[0]

    return call


def curved(answer, arguments):
    """Whether the second derivative is that of log(1 + x): −1 / (1 + x)²."""
    x, u = arguments["x"], arguments["u"]
    slopes = jax.grad(lambda x: jnp.sum(answer(x)))
    second = jax.grad(lambda x: jnp.sum(u * slopes(x)))(x)
    return bool(np.allclose(second, -u / (1 + x) ** 2, rtol=1e-4, atol=0))


def has_rule(answer, arguments):
    """Whether the program of the answer holds a rule of its own."""
    return "custom_" in str(jax.make_jaxpr(answer)(arguments["x"]))


def same_value(answer, arguments):
    """Whether the value that comes out under differentiation is that of the function itself."""
    x = arguments["x"]
    return bool(np.allclose(jax.vjp(answer, x)[0], answer(x), rtol=1e-6, atol=0))


OTHER_VALUE = Mistake(
    "other-value-in-fwd",
    "another value under differentiation",
    "The function itself returns the right value, but under differentiation another one comes out: "
    "the forward half of your rule has to return what the function returns.",
    "",
    read=PAGE,
)

slope = lambda x: 1 / (1 + np.asarray(x))
like_x = lambda phase, scale: lambda p: {"u": test_array(p["x"].shape, phase=phase, scale=scale)}

log1p = Question(
    name="log1p",
    returns=("value", "x_bar"),
    call="log1p(x), and its pullback with u",
    adapt=value_and_pullback,
    points=(
        {"x": np.array([0.5, 2.0, -0.5])},
        {"x": np.array([[1e-12, 3e-9], [2e-10, -1e-9]])},
        {"x": np.array([1e4, 3e6])},
    ),
    labels=("x of shape (3,)", "x of shape (2, 2), all entries tiny", "x of shape (2,)"),
    large_points=(2,),
    tangents=(like_x(1.0, 1.0), like_x(4.0, 20.0)),
    reference=lambda x, u: (jnp.log1p(x), (np.diagflat(slope(x)) @ np.ravel(u)).reshape(x.shape)),
    shape_of={"x_bar": "x"},
    requirements=(
        Requirement("rule-bypassed", has_rule),
        Requirement("works-once", curved),
        Requirement("other-value-in-fwd", same_value),
    ),
    predictions={
        "cotangent-ignored": Mistake(result=lambda x, u: slope(x), part="x_bar"),
        "rule-of-log": Mistake(result=lambda x, u: np.asarray(u) / x, part="x_bar"),
        "value-remembered": Mistake(result=lambda x, u: u * slope(jnp.log1p(x)), part="x_bar"),
        "multiplied": Mistake(result=lambda x, u: u / slope(x), part="x_bar"),
        "summed": Mistake(result=lambda x, u: np.sum(u) * slope(x), part="x_bar"),
    },
    mistakes=(
        OTHER_VALUE,
        Mistake(
            "rule-bypassed",
            "no rule of its own",
            "The numbers are right, but there is no rule: you computed the logarithm with functions "
            "that JAX can differentiate by itself. Here the code outside is the one to use, and the "
            "rule is yours to write.",
            "",
            read=PAGE,
        ),
        Mistake(
            "fwd-not-a-pair",
            "the forward half returns a pair",
            "`log1p_fwd` has to return two things, `value, remembered`: the value, and what the way "
            "back will need. Yours returned something else.",
            "",
            read=PAGE,
            raised=("TypeError: must produce a pair",),
        ),
        Mistake(
            "works-once",
            "differentiates only once",
            "The value and the first derivative are right, but the second derivative fails. A rule "
            "that calls the function *outside* loses the rule there: in `log1p_fwd`, call `log1p` "
            "itself.",
            "For x = 0.5 the second derivative should be −1 / 1.5² = −0.444444.",
            read=PAGE,
        ),
        Mistake(
            "rule-of-log",
            "the rule of log",
            "You divided by x: that is the rule of log(x). The derivative of log(1 + x) is "
            "1 / (1 + x).",
            read=PAGE,
        ),
        Mistake(
            "value-remembered",
            "the value instead of the input",
            "You computed 1 / (1 + value). The slope is 1 / (1 + x), with the x that went *in*: "
            "that is what has to be remembered.",
            read=PAGE,
        ),
        Mistake(
            "multiplied",
            "multiplied instead of divided",
            "You multiplied u by 1 + x. The derivative of log(1 + x) is 1 / (1 + x).",
            read=PAGE,
        ),
        Mistake(
            "summed",
            "the cotangent was summed",
            "Each entry of your x_bar uses the sum of all of u. Entry i of the value depends on "
            "entry i of x alone, so only the entry i of u comes back to it.",
            read=PAGE,
        ),
    ),
    read=PAGE,
)

sigmoid = lambda x: 1 / (1 + np.exp(-x))


def rule(power, use_tangent=True, inner=True):
    """The rule −s′ · y**power · tangent, as a function of primals and tangents."""

    def result(primals, tangents):
        x, y = primals[0], 1 / np.logaddexp(primals[0], 0)
        inner_slope = sigmoid(x) if inner else 1.0
        return y, -inner_slope * y**power * (tangents[0] if use_tangent else 1.0)

    return result


def doubled(call, arguments):
    twice = tuple(2 * t for t in arguments["tangents"])
    return call(**{**arguments, "tangents": twice})[1], 2 * call(**arguments)[1]


def in_reverse(answer, arguments):
    """Whether the rule works where it is used: in the gradient of a function that has it."""
    f = jax.custom_jvp(lambda x: 1 / jnp.logaddexp(x, 0.0))
    f.defjvp(answer)
    x = arguments["primals"][0]
    want = rule(power=2)((x,), (1.0,))[1]
    return bool(np.allclose(jax.grad(f)(x), want, rtol=1e-4, atol=0))


reciprocal_jvp = Question(
    name="reciprocal_jvp",
    returns=("value", "tangent"),
    points=(
        {"primals": (float(np.log(np.e - 1)),)},
        {"primals": (-2.0,)},
        {"primals": (1000.0,)},
    ),
    labels=("x = 0.541325, where y = 1", "x = −2", "x = 1000"),
    large_points=(2,),
    tangents=(lambda p: {"tangents": (1.0,)}, lambda p: {"tangents": (-2.5,)}),
    reference=rule(power=2),
    requirements=(
        Requirement(
            "linear", statement="twice the tangent in gives twice the tangent out", sides=doubled
        ),
        Requirement("not-in-reverse", in_reverse),
    ),
    predictions={
        "as-it-was": Mistake(result=rule(power=-2, use_tangent=False)),
        "tangent-still-ignored": Mistake(result=rule(power=2, use_tangent=False)),
        "still-divided": Mistake(result=rule(power=-2)),
        "inner-derivative-missing": Mistake(result=rule(power=2, inner=False)),
    },
    mistakes=(
        Mistake(
            "not-in-reverse",
            "fails where it is used",
            "Called by itself your rule is right, but the gradient of a function that has it fails. "
            "There JAX traces the tangent: use the functions of `olympus.numpy`, and no `if` on "
            "`x_dot`.",
            "",
            read=PAGE,
        ),
        Mistake(
            "as-it-was",
            "the broken rule",
            "That is the rule as it was. It is right at the one point and for the one tangent with "
            "which it was tested, and nowhere else. Vary the tangent, then vary x.",
            read=PAGE,
        ),
        Mistake(
            "tangent-still-ignored",
            "the tangent is ignored",
            "Your tangent does not depend on `x_dot`. The result has to be linear in it: twice the "
            "tangent in, twice the tangent out. As it is, every gradient in reverse mode is 0.",
            read=PAGE,
        ),
        Mistake(
            "still-divided",
            "divided by y², not multiplied",
            "The derivative of 1/s is −s′/s², and y is 1/s. So 1/s² is y²: multiply by it. At y = 1 "
            "the two agree, and nowhere else.",
            read=PAGE,
        ),
        Mistake(
            "inner-derivative-missing",
            "the inner derivative is missing",
            "You differentiated 1/s, but not s. The chain rule has one more factor: the derivative "
            "of log(1 + exp(x)), which is 1 / (1 + exp(−x)).",
            read=PAGE,
        ),
    ),
    read=PAGE,
)

NAMES = (
    "polynomial",
    "exp in a log",
    "rounding",
    "a while loop",
    "twenty steps",
    "outside code",
    "a branch",
)
FAIL = frozenset(NAMES[i] for i in (1, 2, 3, 5))
said = lambda failing: Mistake(result=lambda case: float(case in failing))

needs_rule = Question(
    name="needs_rule",
    returns="answer",
    points=tuple({"case": name} for name in NAMES),
    labels=tuple(f'case = "{name}"' for name in NAMES),
    large_points=(1,),
    reference=lambda case: float(case in FAIL),
    predictions={
        "silent-zero": said(FAIL - {"rounding"}),
        "all-loops": said(FAIL | {"twenty steps"}),
        "while-reversed": said(FAIL - {"a while loop"}),
        "outside-seen": said(FAIL - {"outside code"}),
        "overflow-overlooked": said(FAIL - {"exp in a log"}),
        "branch-suspected": said(FAIL | {"a branch"}),
        "the-other-way-round": said(set(NAMES) - FAIL),
        "everything": said(NAMES),
        "nothing-needed": said(()),
    },
    mistakes=(
        Mistake(
            "silent-zero",
            "a silent zero",
            'Everything is right but "rounding". No error and no nan there: `grad` of a staircase '
            "is 0 without a word, and a network behind it would never learn.",
            "olympus.grad(jnp.round)(2.3) is 0.0; wanted is 1.0.",
            read=PAGE,
        ),
        Mistake(
            "all-loops",
            "a loop with a fixed number of steps",
            'Everything is right but "twenty steps". A loop whose number of steps is fixed can be '
            "reversed: JAX knows how much it will have to remember.",
            "olympus.grad(newton_twenty)(4.0) is 0.25, as wanted.",
            read=PAGE,
        ),
        Mistake(
            "while-reversed",
            "a while loop can't be reversed",
            'Everything is right but "a while loop". Reverse mode has to remember every step, and '
            "a `while_loop` does not say how many there will be. Forward mode works.",
            "olympus.grad(newton_while)(4.0) raises a ValueError.",
            read=PAGE,
        ),
        Mistake(
            "outside-seen",
            "code that JAX can't see",
            'Everything is right but "outside code". JAX hands the numbers to NumPy and gets '
            "numbers back: there is nothing that it could differentiate.",
            "olympus.grad(outside_log1p)(1.0) raises a ValueError.",
            read=PAGE,
        ),
        Mistake(
            "overflow-overlooked",
            "an overflow",
            'Everything is right but "exp in a log". exp(1000) is infinite, and so the slope is '
            "inf / inf.",
            "olympus.grad(f)(1000.0) is nan; wanted is 1.0.",
            read=PAGE,
        ),
        Mistake(
            "branch-suspected",
            "a branch by where",
            'Everything is right but "a branch". `where` passes the cotangent to the branch that '
            "was chosen, and here neither branch does any harm.",
            "olympus.grad(f)(3.0) is 6.0, as wanted.",
            read=PAGE,
        ),
        Mistake(
            "the-other-way-round",
            "the other way round",
            "Your answers are all the other way round: `True` says that JAX's own derivative is "
            "**not** what is wanted.",
            "",
            read=PAGE,
        ),
        Mistake(
            "everything",
            "True for every case",
            "You answered `True` everywhere. JAX differentiates polynomials, branches and loops of a "
            "fixed length without any help.",
            "",
            read=PAGE,
        ),
        Mistake(
            "nothing-needed",
            "False for every case",
            "You answered `False` everywhere. In some of the cases `grad` raises an error, gives nan, "
            "or gives a number that is not the wanted one. Try them.",
            "",
            read=PAGE,
        ),
    ),
    read=PAGE,
)

straight_round = Question(
    name="straight_round",
    returns=("value", "x_bar"),
    call="straight_round(x), and its pullback with u",
    adapt=value_and_pullback,
    points=(
        {"x": np.array([0.25, 1.75, -2.125])},
        {"x": np.array([[3.0625, -0.75], [2.5, 0.875]])},
        {"x": np.array([1000.25, -4095.75])},
    ),
    large_points=(2,),
    tangents=(like_x(1.0, 1.0), like_x(4.0, 20.0)),
    reference=lambda x, u: (np.rint(x), np.asarray(u)),
    shape_of={"x_bar": "x"},
    requirements=(Requirement("other-value-in-fwd", same_value),),
    predictions={
        "not-rounded": Mistake(result=lambda x, u: np.asarray(x), part="value"),
        "cut-off": Mistake(result=lambda x, u: np.floor(x), part="value"),
        "passes-ones": Mistake(result=lambda x, u: np.ones_like(u), part="x_bar"),
        "cotangent-rounded": Mistake(result=lambda x, u: np.rint(u), part="x_bar"),
    },
    mistakes=(
        OTHER_VALUE,
        Mistake(
            "not-rounded",
            "not rounded",
            "Your value is x itself. The cotangent passes, but nothing was rounded on the way "
            "forward.",
            read=PAGE,
        ),
        Mistake(
            "cut-off",
            "cut off, not rounded",
            "Your value is the next whole number below. `jnp.round` goes to the nearest one.",
            read=PAGE,
        ),
        Mistake(
            "passes-ones",
            "the cotangent was replaced by ones",
            'Your pullback returns ones, whatever u is. "Slope 1" means: what comes in, goes out.',
            read=PAGE,
        ),
        Mistake(
            "cotangent-rounded",
            "the cotangent was rounded",
            "Your pullback rounds u. Only the value is rounded; the cotangent passes as it is.",
            read=PAGE,
        ),
    ),
    read=PAGE,
)
