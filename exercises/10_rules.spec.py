"""The specifications of 10_rules.md, released from solutions/10_rules.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, Requirement, test_array

CHAPTER = "book/10_rules.md"


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
    read=CHAPTER + "#rules-vjp",
)
HALVES_EXCHANGED = Mistake(
    "halves-exchanged",
    "the two halves have changed places",
    "`defvjp` takes the forward half first, then the backward half. Yours come the other way round.",
    "",
    read=CHAPTER + "#rules-vjp",
    raised=("TypeError: required positional argument",),
    code=r"defvjp\(\s*\w*(bwd|backward)\w*\s*,",
)
BACKWARD_OF_ONE = Mistake(
    "backward-of-one-argument",
    "the backward half gets two arguments",
    "The backward half is called with two arguments: what the forward half remembered (None, too, "
    "if that is nothing), and the cotangent. Yours takes one.",
    "",
    read=CHAPTER + "#rules-vjp",
    raised=("TypeError: takes 1 positional argument but 2 were given",),
)
PAIR_TURNED = Mistake(
    "pair-turned",
    "the value comes first",
    "The first of the two things that the forward half returns has to be the value, one array like "
    "the function's own. Yours is something else: value first, what is remembered second.",
    "",
    read=CHAPTER + "#rules-vjp",
    raised=("ValueError: unexpected tree structure",),
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
        HALVES_EXCHANGED,
        BACKWARD_OF_ONE,
        Mistake(
            "outside-differentiated",
            "the code outside can't be differentiated",
            "You differentiate a function that computes outside of JAX: this is what JAX can't "
            "do, and why a rule is wanted. Write the slope of log(1 + x) yourself.",
            raised=("ValueError: Pure callbacks do not support JVP",),
            read=CHAPTER + "#rules-vjp",
            example="",
        ),
        OTHER_VALUE,
        Mistake(
            "rule-bypassed",
            "no rule of its own",
            "The numbers are right, but there is no rule: you computed the logarithm with functions "
            "that JAX can differentiate by itself. Here the code outside is the one to use, and the "
            "rule is yours to write.",
            "",
            read=CHAPTER + "#rules-vjp",
        ),
        Mistake(
            "fwd-not-a-pair",
            "the forward half returns a pair",
            "`log1p_fwd` has to return two things, `value, remembered`: the value, and what the "
            "backward pass will need. Yours returned something else.",
            "",
            read=CHAPTER + "#rules-vjp",
            raised=("TypeError: must produce a pair",),
        ),
        Mistake(
            "works-once",
            "differentiates only once",
            "The value and the first derivative are right, but the second derivative fails. It goes "
            "through both halves of the rule: in `log1p_fwd` call `log1p` itself, not the function "
            "*outside*, and compute the backward half with `jnp`, not with NumPy.",
            "For x = 0.5 the second derivative should be −1 / 1.5² = −0.444444.",
            read=CHAPTER + "#rules-vjp",
        ),
        Mistake(
            "rule-of-log",
            "the rule of log",
            "You divided by x: that is the rule of log(x). The derivative of log(1 + x) is "
            "1 / (1 + x).",
            read=CHAPTER + "#rules-vjp",
        ),
        Mistake(
            "value-remembered",
            "the value instead of the input",
            "You computed 1 / (1 + value). The slope is 1 / (1 + x), with the x that went *in*: "
            "that is what has to be remembered.",
            read=CHAPTER + "#rules-vjp",
        ),
        Mistake(
            "multiplied",
            "multiplied instead of divided",
            "You multiplied u by 1 + x. The derivative of log(1 + x) is 1 / (1 + x).",
            read=CHAPTER + "#rules-vjp",
        ),
        Mistake(
            "summed",
            "the cotangent was summed",
            "Each entry of your x_bar uses the sum of all of u. Entry i of the value depends on "
            "entry i of x alone, so only the entry i of u comes back to it.",
            read=CHAPTER + "#rules-vjp",
        ),
    ),
    read=CHAPTER + "#rules-vjp",
)

sigmoid = lambda x: 1 / (1 + np.exp(-x))


def rule(power, use_tangent=True, inner=True, at=1.0):
    """The rule −s′ · y**power · tangent, as a function of primals and tangents."""

    def result(primals, tangents):
        x, y = primals[0], 1 / np.logaddexp(primals[0], 0)
        inner_slope = sigmoid(at * x) if inner else 1.0
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
        "not-squared": Mistake(result=rule(power=1)),
        "sigmoid-turned": Mistake(result=rule(power=2, at=-1.0)),
        "inner-derivative-missing": Mistake(result=rule(power=2, inner=False)),
        "size-of-tangent": Mistake(
            result=lambda primals, tangents: rule(power=2)(primals, [abs(tangents[0])])
        ),
        "rule-of-one-over-x": Mistake(
            result=lambda primals, tangents: -tangents[0] / np.square(primals[0]), part="tangent"
        ),
        "slope-overflows": Mistake(
            result=lambda primals, tangents: (
                np.nan if primals[0] > 700 else rule(power=2)(primals, tangents)[1]
            ),
            part="tangent",
        ),
    },
    mistakes=(
        Mistake(
            "size-of-tangent",
            "the size of the tangent",
            "You took the absolute value of the tangent. The rule is linear: a tangent of the "
            "other sign gives a result of the other sign.",
            read=CHAPTER + "#rules-broken",
        ),
        Mistake(
            "rule-of-one-over-x",
            "the rule of 1/x",
            "Your tangent is that of 1/x, with the slope −1/x². That is what r looks like for "
            "large x; elsewhere the logarithm counts.",
        ),
        Mistake(
            "slope-overflows",
            "an overflow in the slope",
            "At 1000 your tangent is not a number: exp(1000) is infinite, and inf / inf is NaN. "
            "The slope of the inner function can be written without an exponential that grows "
            "(`olympus.nn.sigmoid`).",
        ),
        Mistake(
            "rule-asks-itself",
            "the rule asks for itself",
            "Inside the rule of `reciprocal` you differentiate `reciprocal`: JAX then asks for "
            "its rule, which is this one, and so on without end. Write the slope as a formula.",
            raised=("RecursionError: ",),
            code=r"(grad|jvp|vjp|jacfwd|jacrev)\(\s*reciprocal\b",
            read=CHAPTER + "#rules-broken",
            example="",
        ),
        Mistake(
            "sigmoid-turned",
            "the sigmoid of −x",
            "Your inner slope is 1 / (1 + exp(x)). The derivative of log(1 + exp(x)) is 1 / (1 "
            "+ exp(−x)).",
        ),
        Mistake(
            "not-squared",
            "y in place of y²",
            "You multiplied by y. The derivative of 1/s is −s′/s², and that is −s′ y².",
        ),
        Mistake(
            "tangents-not-unpacked",
            "a tuple in place of a number",
            "`primals` and `tangents` are tuples with one entry for each argument, and you computed "
            "with the tuple itself. Unpack it with the comma on the left: `(x_dot,) = tangents`.",
            "`x_dot = tangents,` makes ((1.0,),) of (1.0,); `(x_dot,) = tangents` makes 1.0.",
            read=CHAPTER + "#rules-broken",
            raised=(
                "TypeError: for *: 'tuple'",
                "TypeError: and 'tuple'",
                "TypeError: 'tuple' and",
            ),
        ),
        Mistake(
            "not-in-reverse",
            "fails where it is used",
            "Called by itself your rule is right, but the gradient of a function that has it fails. "
            "There JAX traces the tangent: use the functions of `olympus.numpy`, and no `if` on "
            "`x_dot`.",
            "",
            read=CHAPTER + "#rules-broken",
        ),
        Mistake(
            "as-it-was",
            "the broken rule",
            "That is the rule as it was. It is right at the one point and for the one tangent with "
            "which it was tested, and nowhere else. Vary the tangent, then vary x.",
            read=CHAPTER + "#rules-broken",
        ),
        Mistake(
            "tangent-still-ignored",
            "the tangent is ignored",
            "Your tangent does not depend on `x_dot`. The result has to be linear in it: twice the "
            "tangent in, twice the tangent out. As it is, every gradient in reverse mode is 0.",
            read=CHAPTER + "#rules-broken",
        ),
        Mistake(
            "still-divided",
            "divided by y², not multiplied",
            "The derivative of 1/s is −s′/s², and y is 1/s. So 1/s² is y²: multiply by it. At y = 1 "
            "the two agree, and nowhere else.",
            read=CHAPTER + "#rules-broken",
        ),
        Mistake(
            "inner-derivative-missing",
            "the inner derivative is missing",
            "You differentiated 1/s, but not s. The chain rule has one more factor: the derivative "
            "of log(1 + exp(x)), which is 1 / (1 + exp(−x)).",
            read=CHAPTER + "#rules-broken",
        ),
    ),
    read=CHAPTER + "#rules-broken",
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
        "errors-only": said(FAIL - {"rounding", "exp in a log"}),
        "all-loops": said(FAIL | {"twenty steps"}),
        "while-reversed": said(FAIL - {"a while loop"}),
        "outside-seen": said(FAIL - {"outside code"}),
        "overflow-overlooked": said(FAIL - {"exp in a log"}),
        "branch-suspected": said(FAIL | {"a branch"}),
        "the-other-way-round": said(set(NAMES) - FAIL),
        "polynomial-suspected": said(FAIL | {"polynomial"}),
        "everything": said(NAMES),
        "nothing-needed": said(()),
    },
    mistakes=(
        Mistake(
            "error-not-caught",
            "an error is an answer",
            "For one of the functions `grad` raises an error, and yours lets it out. An error is "
            "an answer here: a function whose gradient is not to be had needs a rule. Catch it.",
            raised=(
                "ValueError: Reverse-mode differentiation does not work",
                "ValueError: Pure callbacks do not support JVP",
            ),
            read=CHAPTER + "#rules-when",
            example="",
        ),
        Mistake(
            "polynomial-suspected",
            "the polynomial",
            'Everything is right but "polynomial". JAX knows the rules of powers, products and '
            "sums.",
        ),
        Mistake(
            "silent-zero",
            "a silent zero",
            'Everything is right but "rounding". No error and no nan there: `grad` of a staircase '
            "is 0 without a word, and a network behind it would never learn.",
            "olympus.grad(jnp.round)(2.3) is 0.0; wanted is 1.0.",
            read=CHAPTER + "#rules-when",
        ),
        Mistake(
            "errors-only",
            "errors alone",
            "You found the two cases in which `grad` raises an error. In two more it returns a number "
            "that is not the wanted one, or nan, without a word.",
            "olympus.grad(jnp.round)(2.3) is 0.0; wanted is 1.0.",
            read=CHAPTER + "#rules-when",
        ),
        Mistake(
            "all-loops",
            "a loop with a fixed number of steps",
            'Everything is right but "twenty steps". A loop whose number of steps is fixed can be '
            "reversed: JAX knows how much it will have to remember.",
            "olympus.grad(newton_twenty)(4.0) is 0.25, as wanted.",
            read=CHAPTER + "#rules-when",
        ),
        Mistake(
            "while-reversed",
            "a while loop can't be reversed",
            'Everything is right but "a while loop". Reverse mode has to remember every step, and '
            "a `while_loop` does not say how many there will be. Forward mode works.",
            "olympus.grad(newton_while)(4.0) raises a ValueError.",
            read=CHAPTER + "#rules-when",
        ),
        Mistake(
            "outside-seen",
            "code that JAX can't see",
            'Everything is right but "outside code". JAX hands the numbers to NumPy and gets '
            "numbers back: there is nothing that it could differentiate.",
            "olympus.grad(outside_log1p)(1.0) raises a ValueError.",
            read=CHAPTER + "#rules-when",
        ),
        Mistake(
            "overflow-overlooked",
            "an overflow",
            'Everything is right but "exp in a log". exp(1000) is infinite, and so the slope is '
            "inf / inf.",
            "olympus.grad(f)(1000.0) is nan; wanted is 1.0.",
            read=CHAPTER + "#rules-when",
        ),
        Mistake(
            "branch-suspected",
            "a branch by where",
            'Everything is right but "a branch". `where` passes the cotangent to the branch that '
            "was chosen, and here neither branch does any harm.",
            "olympus.grad(f)(3.0) is 6.0, as wanted.",
            read=CHAPTER + "#rules-when",
        ),
        Mistake(
            "the-other-way-round",
            "the other way round",
            "Your answers are all the other way round: `True` says that JAX's own derivative is "
            "**not** what is wanted.",
            "",
            read=CHAPTER + "#rules-when",
        ),
        Mistake(
            "everything",
            "True for every case",
            "You answered `True` everywhere. JAX differentiates polynomials, branches and loops of a "
            "fixed length without any help.",
            "",
            read=CHAPTER + "#rules-when",
        ),
        Mistake(
            "nothing-needed",
            "False for every case",
            "You answered `False` everywhere. In some of the cases `grad` raises an error, gives nan, "
            "or gives a number that is not the wanted one. Try them.",
            "",
            read=CHAPTER + "#rules-when",
        ),
    ),
    read=CHAPTER + "#rules-when",
)

def is_floating(answer, arguments):
    """Whether the value is of a type that has derivatives."""
    return bool(jnp.issubdtype(jnp.asarray(answer(arguments["x"])).dtype, jnp.floating))


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
    requirements=(
        Requirement("other-value-in-fwd", same_value),
        Requirement("through-integers", is_floating),
    ),
    predictions={
        "not-rounded": Mistake(result=lambda x, u: np.asarray(x), part="value"),
        "cut-off": Mistake(result=lambda x, u: np.floor(x), part="value"),
        "nothing-passes": Mistake(result=lambda x, u: np.zeros_like(u), part="x_bar"),
        "towards-zero": Mistake(result=lambda x, u: np.trunc(x), part="value"),
        "passes-ones": Mistake(result=lambda x, u: np.ones_like(u), part="x_bar"),
        "cotangent-rounded": Mistake(result=lambda x, u: np.rint(u), part="x_bar"),
        "halves-upwards": Mistake(result=lambda x, u: np.floor(np.asarray(x) + 0.5), part="value"),
        "rounded-up": Mistake(result=lambda x, u: np.ceil(x), part="value"),
    },
    mistakes=(
        HALVES_EXCHANGED,
        BACKWARD_OF_ONE,
        Mistake(
            "halves-upwards",
            "halves go up",
            "Your value rounds every half upwards. `jnp.round` takes the even neighbour: 2.5 "
            "becomes 2.",
        ),
        Mistake(
            "rounded-up",
            "always upwards",
            "Your value is rounded up everywhere. Asked for is `jnp.round(x)`, the nearest whole "
            "number.",
        ),
        Mistake(
            "towards-zero",
            "cut off after the point",
            "Your value is x without what comes after the point. `jnp.round` goes to the "
            "nearest whole number.",
        ),
        Mistake(
            "nothing-passes",
            "nothing passes",
            "No cotangent comes through: your pullback is 0. That is the true derivative of "
            "rounding, or of what `stop_gradient` holds; here u should come out as it went in.",
        ),
        OTHER_VALUE,
        Mistake(
            "not-rounded",
            "not rounded",
            "Your value is x itself: it should be rounded on the way forward. (In the backward pass the "
            "cotangent passes as it is.)",
            read=CHAPTER + "#rules-clip",
        ),
        Mistake(
            "through-integers",
            "through integers",
            "The numbers are right, but your value has an integer type. Whatever is computed from it has the "
            "slope 0: no cotangent gets back through an integer. `jnp.round` leaves the type as it is.",
            "`3` is an integer, and `3.0` is not.",
            read="book/09_breaks.md#breaks-still",
        ),
        Mistake(
            "cut-off",
            "cut off, not rounded",
            "Your value is the next whole number below. `jnp.round` goes to the nearest one.",
            read=CHAPTER + "#rules-clip",
        ),
        Mistake(
            "passes-ones",
            "the cotangent was replaced by ones",
            'Your pullback returns ones, whatever u is. "Slope 1" means: what comes in, goes out.',
            read=CHAPTER + "#rules-clip",
        ),
        Mistake(
            "cotangent-rounded",
            "the cotangent was rounded",
            "Your pullback rounds u. Only the value is rounded; the cotangent passes as it is.",
            read=CHAPTER + "#rules-clip",
        ),
    ),
    read=CHAPTER + "#rules-clip",
)

NO_OWN_RULE = Mistake(
    "no-own-rule",
    "no rule of its own",
    "The numbers are right, but there is no rule: JAX's own derivative made them. Here you are asked for "
    "a `custom_vjp` with its two halves.",
    "",
    read=CHAPTER + "#rules-vjp",
)


def has_vjp_rule(answer, arguments):
    """Whether the program holds a `custom_vjp` (JAX's own functions have rules of the other kind)."""
    return "custom_vjp" in str(jax.make_jaxpr(answer)(arguments["x"]))


def sigmoid_slope(x):
    return sigmoid(x) * sigmoid(-x)


def pulled(power, inner=sigmoid, use_u=True):
    """The pullback −σ(x) · y**power · u, or what is left of it when something is forgotten."""

    def result(x, u):
        x = np.asarray(x)
        y = 1 / np.logaddexp(x, 0)
        return -(inner(x) if inner else 1.0) * y**power * (np.asarray(u) if use_u else 1.0)

    return result


reciprocal_rule = Question(
    name="reciprocal_rule",
    returns=("value", "x_bar"),
    call="reciprocal_rule(x), and its pullback with u",
    adapt=value_and_pullback,
    points=(
        {"x": np.array([0.5, -2.0, 3.0])},
        {"x": np.array([[1.0, -20.0], [5.0, 0.0]])},
        {"x": np.array([1000.0, 80.0])},
    ),
    labels=("x = (0.5, −2, 3)", "x of shape (2, 2)", "x = (1000, 80)"),
    large_points=(2,),
    tangents=(like_x(1.0, 1.0), like_x(4.0, 20.0)),
    reference=lambda x, u: (1 / np.logaddexp(x, 0), pulled(2)(x, u)),
    shape_of={"x_bar": "x"},
    requirements=(
        Requirement("no-own-rule", has_vjp_rule),
        Requirement("other-value-in-fwd", same_value),
    ),
    predictions={
        "square-divides": Mistake(result=pulled(-2), part="x_bar"),
        "inner-factor-missing": Mistake(result=pulled(2, inner=None), part="x_bar"),
        "sigmoid-turned": Mistake(result=pulled(2, inner=lambda x: sigmoid(-x)), part="x_bar"),
        "sigmoid-differentiated": Mistake(result=pulled(2, inner=sigmoid_slope), part="x_bar"),
        "residuals-turned": Mistake(
            result=lambda x, u: -np.asarray(u) * np.square(x) * sigmoid(1 / np.logaddexp(x, 0)),
            part="x_bar",
        ),
        "sigmoid-of-value": Mistake(
            result=pulled(2, inner=lambda x: sigmoid(1 / np.logaddexp(x, 0))), part="x_bar"
        ),
        "cotangent-ignored": Mistake(result=pulled(2, use_u=False), part="x_bar"),
        "power-one": Mistake(result=pulled(1), part="x_bar"),
        "slope-overflows": Mistake(
            result=lambda x, u: np.where(np.asarray(x) > 700, np.nan, pulled(2)(x, u)), part="x_bar"
        ),
    },
    mistakes=(
        HALVES_EXCHANGED,
        BACKWARD_OF_ONE,
        PAIR_TURNED,
        Mistake(
            "slope-overflows",
            "an overflow in the slope",
            "At 1000 your cotangent is not a number: exp(1000) is infinite, and inf / inf is NaN. "
            "The inner slope can be written without an exponential that grows "
            "(`olympus.nn.sigmoid`).",
        ),
        Mistake(
            "sigmoid-of-value",
            "the sigmoid of the value",
            "You took the sigmoid of the value. The inner slope is σ(x), at x itself.",
        ),
        Mistake(
            "residuals-turned",
            "the residuals in the other order",
            "Your pullback takes x for y, and y for x. Unpack the residuals in the order in "
            "which they were saved.",
        ),
        Mistake(
            "sigmoid-differentiated",
            "the sigmoid's own slope",
            "You used σ(x) (1 − σ(x)), the slope of the sigmoid. The slope of log(1 + exp(x)) "
            "is the sigmoid itself.",
        ),
        Mistake(
            "sigmoid-turned",
            "the sigmoid of −x",
            "Your inner slope is 1 / (1 + exp(x)). The derivative of log(1 + exp(x)) is 1 / (1 "
            "+ exp(−x)).",
        ),
        OTHER_VALUE,
        NO_OWN_RULE,
        Mistake(
            "square-divides",
            "divided by y², not multiplied",
            "Your pullback holds s², with s = log(1 + exp(x)), and 1/s² belongs there: divided by the "
            "square of 1/s, or multiplied by that of s. Multiply by y², where y is 1/s.",
            read=CHAPTER + "#rules-broken",
        ),
        Mistake(
            "inner-factor-missing",
            "the inner derivative is missing",
            "You differentiated 1/s, but not s = log(1 + exp(x)): the factor 1 / (1 + exp(−x)) is missing.",
            read=CHAPTER + "#rules-broken",
        ),
        Mistake(
            "power-one",
            "y instead of y²",
            "You multiplied by y. The derivative of 1/s is −s′/s², and that is −s′ y².",
            read=CHAPTER + "#rules-broken",
        ),
    ),
    read=CHAPTER + "#rules-vjp",
)

import re


def saves_one(answer, arguments):
    """Whether no more numbers are saved than the value has."""
    x = arguments["x"]
    leaves = jax.tree.leaves(jax.vjp(answer, x)[1])
    return sum(np.size(leaf) for leaf in leaves) <= np.size(x)


def sigmoid_once(answer, arguments):
    """Whether the backward pass computes no exponential again."""
    value, pullback = jax.vjp(answer, arguments["x"])
    text = str(jax.make_jaxpr(pullback)(value))
    return re.search(r"\b(exp|exp2|logistic|tanh|cosh|sinh)\b", text) is None


slope_of_sigmoid = lambda x: sigmoid(x) * sigmoid(-x)

Logistic = Question(
    name="Logistic",
    returns=("value", "x_bar"),
    call="Logistic(x), and its pullback with u",
    adapt=value_and_pullback,
    points=(
        {"x": np.array([0.5, -1.0, 0.0])},
        {"x": np.array([[2.0, -0.25], [1.5, -3.0]])},
        {"x": np.array([-12.0, 9.0])},
    ),
    labels=("x = (0.5, −1, 0)", "x of shape (2, 2)", "x = (−12, 9)"),
    large_points=(2,),
    tangents=(like_x(1.0, 1.0), like_x(4.0, 20.0)),
    reference=lambda x, u: (
        sigmoid(np.asarray(x)),
        np.asarray(u) * slope_of_sigmoid(np.asarray(x)),
    ),
    shape_of={"x_bar": "x"},
    requirements=(
        Requirement("no-own-rule", has_rule),
        Requirement("sigmoid-twice", sigmoid_once),
        Requirement("saves-two", saves_one),
        Requirement("other-value-in-fwd", same_value),
    ),
    predictions={
        "input-for-value": Mistake(
            result=lambda x, u: np.asarray(u) * np.asarray(x) * (1 - np.asarray(x)), part="x_bar"
        ),
        "rule-of-tanh": Mistake(
            result=lambda x, u: np.asarray(u) * (1 - sigmoid(np.asarray(x)) ** 2), part="x_bar"
        ),
        "sigmoid-of-value": Mistake(
            result=lambda x, u: np.asarray(u) * slope_of_sigmoid(sigmoid(np.asarray(x))),
            part="x_bar",
        ),
        "value-for-cotangent": Mistake(
            result=lambda x, u: sigmoid(np.asarray(x)) * np.asarray(u) * (1 - np.asarray(u)),
            part="x_bar",
        ),
        "rule-of-exp": Mistake(
            result=lambda x, u: np.asarray(u) * sigmoid(np.asarray(x)), part="x_bar"
        ),
        "cotangent-ignored": Mistake(
            result=lambda x, u: slope_of_sigmoid(np.asarray(x)), part="x_bar"
        ),
    },
    mistakes=(
        HALVES_EXCHANGED,
        BACKWARD_OF_ONE,
        Mistake(
            "class-of-pytorch",
            "a class in place of a function",
            "You wrote the class as in PyTorch. In JAX it is a function with `custom_vjp`, to "
            "which `defvjp` gives the two halves; `ctx` is what the forward half returns second.",
            raised=(
                "TypeError: takes no arguments",
                "TypeError: Logistic() takes no arguments",
            ),
            read=CHAPTER + "#rules-vjp",
            example="",
        ),
        Mistake(
            "unpacked-bare-array",
            "a tuple that was never made",
            "In the backward half you unpack what was remembered as if it were a tuple. PyTorch "
            "makes one; here it comes as the forward half returned it: a bare array stays one.",
            raised=(
                "ValueError: too many values to unpack",
                "ValueError: not enough values to unpack",
                "TypeError: iteration over a 0-d array",
            ),
            code=r"defvjp",
            read=CHAPTER + "#rules-vjp",
            example="",
        ),
        Mistake(
            "value-for-cotangent",
            "the arguments in the other order",
            "Your backward half takes the cotangent for the value. Its arguments are what was "
            "saved, and then the cotangent.",
        ),
        Mistake(
            "sigmoid-of-value",
            "the sigmoid of the value",
            "You took the sigmoid of what was saved. That is the value already: the slope is y "
            "(1 − y).",
        ),
        Mistake(
            "rule-of-tanh",
            "the rule of tanh",
            "You multiplied by 1 − y²: that is the slope of tanh. The slope of the sigmoid is y "
            "(1 − y).",
        ),
        OTHER_VALUE,
        NO_OWN_RULE,
        Mistake(
            "sigmoid-twice",
            "the sigmoid is computed again",
            "The numbers are right, but the backward pass computes a sigmoid (or an exponential) again. "
            "Save the *value*: the slope is y (1 − y).",
            "",
            read=CHAPTER + "#rules-vjp",
        ),
        Mistake(
            "saves-two",
            "more is saved than necessary",
            "The numbers are right, but more than one array is saved for the backward pass. The value "
            "alone is enough: the slope is y (1 − y).",
            "",
            read=CHAPTER + "#rules-memory",
        ),
        Mistake(
            "input-for-value",
            "the input was saved",
            "You computed x (1 − x). The formula y (1 − y) takes the *value*: save that.",
            read=CHAPTER + "#rules-torch",
        ),
        Mistake(
            "rule-of-exp",
            "the rule of the exponential",
            "You multiplied by y alone: that is the rule of `Exp`. The slope of the sigmoid is y (1 − y).",
            read=CHAPTER + "#rules-vjp",
        ),
    ),
    read=CHAPTER + "#rules-torch",
)

def value_and_clipped(answer):
    """Use a function of x and a limit as reverse mode does, with respect to x."""

    def call(x, longest, u):
        value = answer(x, longest)
        if value is None or callable(value):
            return value
        return value, jax.vjp(lambda x: answer(x, longest), x)[1](u)[0]

    return call


def shortened(u, longest, length):
    """u times longest / length where the length is larger than longest."""
    u = np.asarray(u)
    return u * float(longest) / length if length > longest else u


euclid = lambda u: float(np.sqrt(np.sum(np.square(u))))


def same_value_of_x(answer, arguments):
    """Whether the value that comes out under differentiation is x itself."""
    x = arguments["x"]
    return bool(np.array_equal(jax.vjp(lambda x: answer(x, arguments["longest"]), x)[0], x))


def cut(length_of):
    """The cotangent cut with something else as its length."""
    return Mistake(
        result=lambda x, longest, u: shortened(u, longest, float(length_of(x, np.asarray(u)))),
        part="x_bar",
    )


def spectral(x, u):
    return np.linalg.norm(u, 2)


def cut_by_rows(x, longest, u):
    if np.ndim(u) == 1:
        return shortened(u, longest, euclid(u))
    return np.stack([shortened(row, longest, euclid(row)) for row in np.asarray(u)])


def cut_to_one(x, longest, u):
    return np.asarray(u) / euclid(u) if euclid(u) > longest else np.asarray(u)


def short_ones_grown(x, longest, u):
    u = np.asarray(u)
    return u * longest / euclid(u) if 0 < euclid(u) < longest else u


clip_length = Question(
    name="clip_length",
    returns=("value", "x_bar"),
    call="clip_length(x, longest), and its pullback with u",
    adapt=value_and_clipped,
    points=(
        {"x": np.array([0.5, -1.0, 2.0]), "longest": 1.5},
        {"x": np.array([[3.0, -0.5], [0.25, 1.0]]), "longest": 0.25},
        {"x": np.array([4e5, -3e5, 1e5, 2e5]), "longest": 20.0},
    ),
    labels=("x of shape (3,), longest = 1.5", "x of shape (2, 2), longest = 0.25", "longest = 20"),
    large_points=(2,),
    tangents=(
        like_x(1.0, 0.1),
        like_x(4.0, 20.0),
        lambda p: {"u": np.zeros(p["x"].shape)},
        like_x(2.0, 3.0),
    ),
    reference=lambda x, longest, u: (np.asarray(x), shortened(u, longest, euclid(u))),
    shape_of={"x_bar": "x"},
    requirements=(Requirement("other-value-in-fwd", same_value_of_x),),
    predictions={
        "entry-by-entry": Mistake(
            result=lambda x, longest, u: np.clip(u, -longest, longest), part="x_bar"
        ),
        "always-that-long": Mistake(
            result=lambda x, longest, u: np.asarray(u) * longest / (euclid(u) or 1.0), part="x_bar"
        ),
        "zero-length": Mistake(
            result=lambda x, longest, u: (
                shortened(u, longest, euclid(u)) if np.any(u) else np.full(np.shape(u), np.nan)
            ),
            part="x_bar",
        ),
        "row-by-row": Mistake(result=cut_by_rows, part="x_bar"),
        "length-one": Mistake(result=cut_to_one, part="x_bar"),
        "short-ones-grown": Mistake(result=short_ones_grown, part="x_bar"),
        "length-of-x": cut(lambda x, u: euclid(x)),
        "largest-entry": cut(lambda x, u: np.max(np.abs(u))),
        "sum-of-sizes": cut(lambda x, u: np.sum(np.abs(u))),
        "root-missing": Mistake(
            result=lambda x, longest, u: shortened(u, longest, euclid(u) ** 2), part="x_bar"
        ),
        "nothing-clipped": Mistake(result=lambda x, longest, u: np.asarray(u), part="x_bar"),
        "value-clipped": Mistake(
            result=lambda x, longest, u: shortened(x, longest, euclid(x)), part="value"
        ),
        "spectral-norm": cut(spectral),
    },
    mistakes=(
        Mistake(
            "sum-of-sizes",
            "the sum of the sizes",
            "You cut by the sum of the absolute values. The length is the root of the sum of "
            "all squares.",
        ),
        Mistake(
            "largest-entry",
            "the largest entry",
            "You cut by the largest entry of the cotangent. Its length is the root of the sum "
            "of all squares.",
        ),
        Mistake(
            "length-of-x",
            "the length of x",
            "You compare the length of x. It is the cotangent u that is cut.",
        ),
        Mistake(
            "short-ones-grown",
            "the condition is turned round",
            "You change the cotangents that are shorter than `longest`, and leave the longer "
            "ones as they are. It is the other way round.",
        ),
        Mistake(
            "length-one",
            "cut to length 1",
            "Your long cotangents get the length 1. They should keep the length `longest`.",
        ),
        Mistake(
            "row-by-row",
            "row by row",
            "You cut each row by itself. The cotangent counts as one long vector, and gets one "
            "factor for all entries.",
        ),
        OTHER_VALUE,
        Mistake(
            "one-cotangent-missing",
            "one cotangent for two arguments",
            "Your backward half returned a tuple with one entry, and the function has two arguments: "
            "return one entry for each. That of `longest` is `None`.",
            "",
            read=CHAPTER + "#rules-nondiff",
            raised=("TypeError: but got bwd output structure PyTreeDef((*,))",),
        ),
        Mistake(
            "entry-by-entry",
            "each entry by itself",
            "You cut each entry by itself, which changes the direction. Here the whole cotangent is "
            "shortened, by one factor for all entries.",
            read=CHAPTER + "#rules-clip",
        ),
        Mistake(
            "always-that-long",
            "short ones are stretched",
            "Your cotangents always have the length `longest`. One that is shorter should stay as it is.",
            read=CHAPTER + "#rules-clip",
        ),
        Mistake(
            "zero-length",
            "a length of zero",
            "A cotangent of zeros becomes NaN: you divide it by its length, which is 0. Keep the 0 away from "
            "the division.",
            read="book/09_breaks.md#breaks-double",
        ),
        Mistake(
            "root-missing",
            "the squared length",
            "You compare and divide with the *square* of the length. Take its root.",
            read=CHAPTER + "#rules-clip",
        ),
        Mistake(
            "nothing-clipped",
            "nothing is clipped",
            "The cotangent comes through unchanged, also where it is longer than `longest`.",
            read=CHAPTER + "#rules-clip",
        ),
        Mistake(
            "value-clipped",
            "the value was clipped",
            "You shortened x itself. The value is x, unchanged; what is shortened is the cotangent that comes "
            "back.",
            read=CHAPTER + "#rules-clip",
        ),
        Mistake(
            "spectral-norm",
            "a norm of matrices",
            "Of a matrix, `norm(u, ord=2)` is the largest stretch, and not the length of "
            "all entries as one vector. Leave `ord` out, or take the root of the sum of "
            "all squares.",
        ),
    ),
    read=CHAPTER + "#rules-clip",
)

def value_and_two_pullbacks(answer):
    """Use a function of two arrays as reverse mode does."""

    def call(x, y, u):
        value = answer(x, y)
        if value is None or callable(value):
            return value
        return value, *jax.vjp(answer, x, y)[1](u)

    return call


def parts_of_hypot(x, y):
    """The value and both slopes; zero at the corner."""
    x, y = np.asarray(x), np.asarray(y)
    value = np.hypot(x, y)
    safe = np.where(value == 0, 1.0, value)
    return value, x / safe, y / safe


def hypot_terms(rule):
    """What `rule` makes of the value, both slopes, both arguments and the cotangent."""

    def result(x, y, u):
        value, s, t = parts_of_hypot(x, y)
        return (value, *rule(s, t, np.asarray(x), np.asarray(y), np.asarray(u)))

    return result


def at_corner(x, y, u):
    with np.errstate(all="ignore"):
        value = np.hypot(x, y)
        return value, np.asarray(u) * x / value, np.asarray(u) * y / value


def overflowed(x, y, u):
    value, s, t = parts_of_hypot(x, y)
    huge = value > 1e160
    return value, np.where(huge, 0.0, s) * u, np.where(huge, 0.0, t) * u


def curved_away_from_corner(answer, arguments):
    """Whether the second derivatives are those of the root, where there are any.

    Source: the derivative of x / r with respect to x is y² / r³, and y / r that of the other slope.
    Huge numbers are left out, since any second derivative squares them.
    """
    x, y = arguments["x"], arguments["y"]
    value, s, t = parts_of_hypot(x, y)
    if value.max() > 1e100:
        return True
    slope_of_x, slope_of_y = (jax.grad(lambda x, y: jnp.sum(answer(x, y)), k) for k in (0, 1))
    second_of_x = np.asarray(jax.grad(lambda x: jnp.sum(slope_of_x(x, y)))(x))
    second_of_y = np.asarray(jax.grad(lambda y: jnp.sum(slope_of_y(x, y)))(y))
    away = value > 0
    return bool(
        np.allclose(second_of_x[away], (t**2)[away] / value[away], rtol=1e-4)
        and np.allclose(second_of_y[away], (s**2)[away] / value[away], rtol=1e-4)
    )


pair = lambda phase, scale: {
    "x": test_array((3,), phase=phase, scale=scale),
    "y": test_array((3,), phase=phase + 1, scale=scale),
}


def one_at_corner(s, t, x, y, u):
    corner = (x == 0) & (y == 0)
    return np.where(corner, 1.0, s) * u, t * u


def divided_twice(s, t, x, y, u):
    value = np.hypot(x, y)
    return s / np.where(value == 0, 1.0, value) * u, t * u


def squared_length(x, y):
    """x² + y², infinite for numbers about 1e200, and 1 at the corner."""
    length = jnp.hypot(x, y)
    return jnp.where(length == 0, 1.0, length) ** 2


def named_otherwise(s, t, x, y, u):
    """What (x, y, value, tangent) makes of arguments that come as (tangent, value, x, y)."""
    return np.asarray(u) * y / np.where(np.asarray(x) == 0, 1.0, x), 0 * u


safe_hypot = Question(
    name="safe_hypot",
    returns=("value", "x_bar", "y_bar"),
    call="safe_hypot(x, y), and its pullback with u",
    adapt=value_and_two_pullbacks,
    points=(
        {"x": np.array([3.0, 0.0, 0.0, -1.0]), "y": np.array([-4.0, 0.0, 2.0, 0.0])},
        pair(2.0, 5.0),
        {"x": np.array([3e200, -5e199]), "y": np.array([4e200, 1.2e200])},
    ),
    labels=("x = (3, 0, 0, −1), y = (−4, 0, 2, 0)", "x and y of shape (3,)", "numbers about 1e200"),
    large_points=(2,),
    tangents=(like_x(1.0, 1.0), like_x(4.0, 20.0)),
    reference=hypot_terms(lambda s, t, x, y, u: (s * u, t * u)),
    shape_of={"x_bar": "x", "y_bar": "y"},
    requirements=(Requirement("chosen-by-argument", curved_away_from_corner),),
    predictions={
        "corner-remains": Mistake(result=at_corner),
        "terms-swapped": Mistake(result=hypot_terms(lambda s, t, x, y, u: (t * u, s * u))),
        "tangent-dropped": Mistake(result=hypot_terms(lambda s, t, x, y, u: (0 * u, 0 * u))),
        "term-copied": Mistake(result=hypot_terms(lambda s, t, x, y, u: (s * u, s * u))),
        "other-term-copied": Mistake(result=hypot_terms(lambda s, t, x, y, u: (t * u, t * u))),
        "one-tangent-dropped": Mistake(result=hypot_terms(lambda s, t, x, y, u: (0 * u, t * u))),
        "sizes-for-slopes": Mistake(
            result=hypot_terms(lambda s, t, x, y, u: (np.abs(s) * u, t * u))
        ),
        "corner-one": Mistake(result=hypot_terms(one_at_corner)),
        "divided-twice": Mistake(result=hypot_terms(divided_twice)),
        "both-slopes": Mistake(result=hypot_terms(lambda s, t, x, y, u: ((s + t) * u, t * u))),
        "no-influence": Mistake(result=hypot_terms(lambda s, t, x, y, u: (s * u, 0 * u))),
        "squares-overflow": Mistake(result=overflowed),
        "root-of-slope-missing": Mistake(
            result=hypot_terms(lambda s, t, x, y, u: (2 * x * u, 2 * y * u))
        ),
        "order-of-arguments": Mistake(result=hypot_terms(named_otherwise)),
        "both-slopes-in-both": Mistake(
            result=hypot_terms(lambda s, t, x, y, u: ((s + t) * u, (s + t) * u))
        ),
        "divided-twice-in-both": Mistake(
            result=hypot_terms(
                lambda s, t, x, y, u: (x * u / squared_length(x, y), y * u / squared_length(x, y))
            )
        ),
        "not-divided": Mistake(result=hypot_terms(lambda s, t, x, y, u: (x * u, y * u))),
    },
    mistakes=(
        Mistake(
            "order-of-arguments",
            "the arguments come in another order",
            "Your numbers are those of terms whose arguments are named in another order than they "
            "come. They come as: the tangent, the value, x, y.",
            read=CHAPTER + "#rules-defjvps",
        ),
        Mistake(
            "both-slopes-in-both",
            "both slopes in each term",
            "Each of your terms holds both slopes. A term belongs to one argument, and JAX adds "
            "them.",
            read=CHAPTER + "#rules-defjvps",
        ),
        Mistake(
            "divided-twice-in-both",
            "divided by the square",
            "Both cotangents are divided by the value twice. The slopes are x and y over the root "
            "itself, not over x² + y².",
        ),
        Mistake(
            "not-divided",
            "not divided",
            "Your slopes are x and y. They have to be divided by the value.",
        ),
        Mistake(
            "both-slopes",
            "the whole tangent in one term",
            "Your term of x holds the slope with respect to y as well. Each function returns "
            "the term of its own argument; JAX adds them.",
        ),
        Mistake(
            "divided-twice",
            "divided by the square",
            "Your term of x is divided by the square of the value. Divide by the value once.",
        ),
        Mistake(
            "corner-one",
            "1 at the corner",
            "At (0, 0) your slope with respect to x is 1. It should be 0 there.",
        ),
        Mistake(
            "sizes-for-slopes",
            "the sign of x is lost",
            "Your slope with respect to x is never negative. It is x divided by the value, with "
            "the sign of x.",
        ),
        Mistake(
            "one-tangent-dropped",
            "one tangent is not used",
            "Your term of x does not use `x_dot`: the cotangent of x is 0. The term is the "
            "slope times the tangent.",
        ),
        Mistake(
            "other-term-copied",
            "the term of y twice",
            "Your term of x is that of y: the slope with respect to x is x divided by the value.",
        ),
        Mistake(
            "term-copied",
            "the term of x twice",
            "Your term of y is that of x: the slope with respect to y is y divided by the value.",
        ),
        Mistake(
            "corner-remains",
            "NaN at the corner",
            "All is right but the slopes at (0, 0): there you divide 0 by 0. Let the denominator be 1 where "
            "the value is 0.",
            read="book/09_breaks.md#breaks-double",
        ),
        Mistake(
            "chosen-by-argument",
            "the second derivatives are wrong on an axis",
            "Value and slopes are right, but the second derivatives are not. Either the case is chosen by "
            "one argument and not by the value, which is 0 at the corner only, or something is held "
            "still that moves: the value depends on x and y, too.",
            "At (0, 2) the second derivative with respect to x should be 1/2.",
            read="book/09_breaks.md#breaks-library",
        ),
        Mistake(
            "terms-swapped",
            "the two terms have changed places",
            "Your term for x has the slope with respect to y, and the other way round.",
            read=CHAPTER + "#rules-defjvps",
        ),
        Mistake(
            "tangent-dropped",
            "the tangents are ignored",
            "Your slopes come out as 0 everywhere: the terms do not depend on `x_dot` and `y_dot`, and what "
            "does not depend on a tangent is, as a linear map of it, zero. Multiply by the tangent.",
            read=CHAPTER + "#rules-broken",
        ),
        Mistake(
            "no-influence",
            "one argument has no influence",
            "Your cotangent of y is 0. Either y is said to have no influence (`None`), or its term "
            "does not depend on the tangent of y: as a linear map, that is zero, too.",
            read=CHAPTER + "#rules-defjvps",
        ),
        Mistake(
            "squares-overflow",
            "the squares overflow",
            "Everything is right but the slopes at 1e200: there x² is inf, and x divided by inf is 0. You "
            "have the value already, which did not overflow: divide by it.",
            read="book/09_breaks.md#breaks-edge",
        ),
        Mistake(
            "root-of-slope-missing",
            "the slopes of the squares",
            "Your slopes are 2x and 2y: they belong to x² + y². The root divides them by twice the value.",
            read=CHAPTER + "#rules-defjvps",
        ),
    ),
    read=CHAPTER + "#rules-defjvps",
)

def with_rule(f, backward):
    """f with a backward half of its own, which gets x and u."""
    g = jax.custom_vjp(f)
    g.defvjp(lambda x: (f(x), x), lambda x, u: (backward(x, u),))
    return g


CYCLE = np.array([
    [1.0, 2.0, 0.0],
    [0.0, 1.0, 2.0],
    [2.0, 0.0, 1.0],
])  # rows and columns add up to 3
RULES = {
    "right": with_rule(jnp.tanh, lambda x, u: u * (1 - jnp.tanh(x) ** 2)),
    "no rule of its own": lambda x: jnp.stack([x[0] * x[1], jnp.sum(jnp.sin(x))]),
    "cotangent ignored": with_rule(jnp.sin, lambda x, u: jnp.cos(x)),
    "right at 1": with_rule(lambda x: 1 / x, lambda x, u: -u),
    "not transposed": with_rule(lambda x: CYCLE @ x, lambda x, u: CYCLE @ u),
    "sign of u lost": with_rule(lambda x: 2 * x, lambda x, u: 2 * jnp.abs(u)),
    "a hundredth off": with_rule(jnp.sin, lambda x, u: 1.02 * jnp.cos(x) * u),
    "overflows": lambda x: jnp.log(1 + jnp.exp(x)),
    "right at the end": with_rule(lambda x: 1 / x, lambda x, u: -u),
    "one output wrong": with_rule(
        lambda x: jnp.stack([jnp.sum(jnp.sin(x)), jnp.sum(x**2)]),
        lambda x, u: u[0] * jnp.cos(x) + u[1] * x,
    ),
    "right, a matrix": with_rule(lambda x: CYCLE @ x, lambda x, u: CYCLE.T @ u),
}
POINTS_OF = {
    "right at 1": [np.ones(3), np.array([0.5, 2.0, -1.5])],
    "right at the end": [np.array([0.5, 2.0, -1.5]), np.ones(3)],
    "sign of u lost": [test_array((6,), 1.0), test_array((6,), 2.0)],
    "overflows": [test_array((3,)), np.array([0.5, 800.0])],
    "no rule of its own": [test_array((3,), 3.0), test_array((2,), 1.0, 30.0)],
}
RIGHT = {"right", "no rule of its own", "right, a matrix"}
NAME_OF = {rule: name for name, rule in RULES.items()}
passing = lambda names: Mistake(result=lambda f, points: float(NAME_OF[f] in names))


def verdicts(f, points):
    """Whether the pullback is right, point by point."""
    return [float(is_right_at(f, x)) for x in points]


def is_right_at(f, x):
    y, pullback = jax.vjp(f, x)
    quotients = np.stack([(f(x + 1e-5 * e) - f(x - 1e-5 * e)) / 2e-5 for e in np.eye(len(x))], 1)
    cotangents = [test_array(y.shape, 1.0), -test_array(y.shape, 1.0), test_array(y.shape, 3.0)]
    rows = [pullback(jnp.asarray(u))[0] for u in cotangents]
    return np.allclose(rows, np.stack(cotangents) @ quotients, rtol=1e-3, atol=1e-3)


rule_is_right = Question(
    name="rule_is_right",
    returns="verdict",
    points=tuple(
        {"f": rule, "points": POINTS_OF.get(name, [test_array((3,), 1.0), test_array((3,), 2.0)])}
        for name, rule in RULES.items()
    ),
    labels=tuple(f"the rule is: {name}" for name in RULES),
    large_points=(7,),
    reference=lambda f, points: float(NAME_OF[f] in RIGHT),
    predictions={
        "first-point-only": passing(RIGHT | {"right at 1", "overflows"}),
        "last-point-only": passing(RIGHT | {"right at the end"}),
        "first-output-only": passing(RIGHT | {"one output wrong"}),
        "errors-added": passing(RIGHT | {"not transposed"}),
        "curved-refused": passing({"right, a matrix"}),
        "rule-with-itself": passing(
            RIGHT
            | {
                "right at 1",
                "right at the end",
                "not transposed",
                "a hundredth off",
                "one output wrong",
            }
        ),
        "cotangent-of-ones": passing(
            RIGHT | {"cotangent ignored", "not transposed", "sign of u lost"}
        ),
        "positive-cotangents": passing(RIGHT | {"sign of u lost"}),
        "nan-passes": passing(RIGHT | {"overflows"}),
        "too-generous": passing(RIGHT | {"a hundredth off"}),
        "always-content": passing(set(RULES)),
        "never-content": passing(set()),
        "verdict-for-each-point": Mistake(result=verdicts),
        "verdict-turned": passing(set(RULES) - RIGHT),
        "one-is-enough": passing(RIGHT | {"right at 1", "right at the end", "overflows"}),
    },
    mistakes=(
        Mistake(
            "verdict-for-each-point",
            "a verdict for each point",
            "You return a verdict for each point. Asked for is one: True if the rule is right at "
            "all of them.",
        ),
        Mistake(
            "verdict-turned",
            "the other way round",
            "Your verdict is turned round: True is wanted where the rule is right.",
        ),
        Mistake(
            "one-is-enough",
            "one point is enough",
            "Your test is content if the rule is right somewhere. It has to be right at every "
            "point and for every cotangent: one disagreement is enough to refuse it.",
        ),
        Mistake(
            "forward-not-to-be-had",
            "forward mode is not to be had",
            "You differentiate f in forward mode. A function with `custom_vjp` has a backward "
            "pass only: test that, with `vjp` and cotangents.",
            raised=("TypeError: (jvp) to a custom_vjp function",),
            read=CHAPTER + "#rules-test",
            example="",
        ),
        Mistake(
            "rule-with-itself",
            "the rule compared with itself",
            "Your test compares the rule with itself: `jacrev`, `grad` and `vjp` all use it. "
            "Compare with differences of the *values* of f.",
        ),
        Mistake(
            "curved-refused",
            "right rules are refused",
            "Your test refuses right rules of functions that are not linear. A difference "
            "quotient is off by an amount that grows with h, and by rounding, which grows as h "
            "falls: take h about 1e-5, and a tolerance that this can keep.",
        ),
        Mistake(
            "errors-added",
            "errors that cancel",
            "You add up the errors of all entries, and those of both signs cancel. Look at the "
            "largest absolute value.",
        ),
        Mistake(
            "first-output-only",
            "the first output alone",
            "A rule that is wrong for the second output alone passes your test. Take a "
            "cotangent for each output, or one that holds them all.",
        ),
        Mistake(
            "last-point-only",
            "the last point alone",
            "Rules that are right at the last point alone pass your test: the verdict of one "
            "point replaces that of the point before. One wrong point is enough.",
        ),
        Mistake(
            "first-point-only",
            "one point only",
            "Rules that are right at the first point alone pass your test. Go through all the points.",
            "The rule −u of 1/x is right at x = 1, and at x = 2 the slope is −1/4.",
            read=CHAPTER + "#rules-test",
        ),
        Mistake(
            "cotangent-of-ones",
            "a cotangent of ones",
            "Rules that ignore the cotangent, or forget to transpose, pass your test: a cotangent of ones "
            "adds up all outputs, and the sums happen to agree. Take cotangents that look like nothing in "
            "particular.",
            "The rows of [[1, 2], [2, 1]] and its columns have the same sums.",
            read=CHAPTER + "#rules-test",
        ),
        Mistake(
            "positive-cotangents",
            "no negative cotangents",
            "A rule that takes the absolute value of the cotangent passes your test: none of yours has "
            "a negative entry. A pullback is linear, and −u has to give the negative.",
            "For 2x the pullback of −1 is −2; the rule 2·|u| gives 2.",
            read=CHAPTER + "#rules-test",
        ),
        Mistake(
            "nan-passes",
            "NaN passes",
            "A rule that gives NaN passes your test: `gap > tolerance` is false for NaN. Ask whether the "
            "numbers are close, not whether they are far apart.",
            "float('nan') > 0.1 is False, and float('nan') <= 0.1 is False as well.",
            read=CHAPTER + "#rules-test",
        ),
        Mistake(
            "too-generous",
            "too generous",
            "A rule that is off by two hundredths passes your test. Difference quotients with h = 1e-5 "
            "are good to eight digits or so in 64 bits: demand four.",
            "1.02 · cos(1) is 0.551 and cos(1) is 0.540.",
            read="book/01_slopes.md#slopes-u",
        ),
        Mistake(
            "always-content",
            "every rule passes",
            "Your test lets every rule pass.",
            "",
            read=CHAPTER + "#rules-test",
        ),
        Mistake(
            "never-content",
            "no rule passes",
            "Your test lets no rule pass, not even the right ones. A difference quotient has an error of its "
            "own: look at your tolerance, and at the order of the arguments.",
            "With h = 1e-5 a one-sided quotient is off by about 1e-5, a central one by about 1e-10.",
            read="book/01_slopes.md#slopes-u",
        ),
    ),
    read=CHAPTER + "#rules-test",
)
