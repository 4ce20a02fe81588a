"""The specifications of 14b_tinyjax.md, released from solutions/14b_tinyjax.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import Mistake, Question, Requirement, linear_in, test_array

CHAPTER = "book/14b_tinyjax.md"


def page_of(answer):
    """The names of the page, from a function of its or an object that can be called."""
    return getattr(answer, "__globals__", None) or type(answer).__call__.__globals__


def traced_twice(answer, arguments):
    """Whether the second derivative of the tiny system comes out, with this rule in it."""
    names = page_of(answer)
    slope = lambda f: lambda x: names["jvp"](f, [x], [1.0])[1]
    tanh = lambda x: names["bind"]("tanh", x)
    x = float(np.ravel(arguments["x"])[0]) / 8
    want = jax.jacfwd(jax.jacfwd(jnp.tanh))(x)
    return bool(np.isclose(slope(slope(tanh))(x), want))


def entered(answer, arguments):
    """Whether the rule stands in the tiny system's table, in a list, as the others do."""
    rules = page_of(answer)["PUSH"].get("tanh")
    return isinstance(rules, (list, tuple)) and all(callable(rule) for rule in rules)


def without_numpy(answer, arguments):
    """Whether the rule itself names no NumPy."""
    names = getattr(getattr(answer, "__code__", None), "co_names", ())
    return not {"np", "numpy", "jnp", "jax"} & set(names)


def slope_of_tanh(d, x):
    return jax.jvp(jnp.tanh, (jnp.asarray(x),), (jnp.asarray(d),))[1]


tanh_push = Question(
    name="tanh_push",
    returns="the tangent",
    points=(
        {"x": test_array((3,))},
        {"x": test_array((2, 2), 1.0)},
        {"x": test_array((4,), 2.0, 9.0)},
    ),
    labels=("x of shape (3,)", "x of shape (2, 2)", "x of shape (4,), large"),
    large_points=(2,),
    tangents=(
        lambda p: {"d": test_array(p["x"].shape, 3.0)},
        lambda p: {"d": test_array(p["x"].shape, 4.0, 2.0)},
    ),
    call="tanh_push(d, x)",
    adapt=lambda answer: lambda x, d: answer(np.asarray(d), np.asarray(x)),
    reference=lambda x, d: slope_of_tanh(d, x),
    requirements=(
        linear_in("d"),
        Requirement("not-entered", entered),
        Requirement("not-traceable", traced_twice),
        Requirement("numpy-in-the-rule", without_numpy),
    ),
    predictions={
        "tanh-of-the-tangent": Mistake(result=lambda x, d: d - np.tanh(x) ** 2 * np.tanh(d)),
        "d-forgotten": Mistake(result=lambda x, d: 1 - np.tanh(x) ** 2),
        "at-the-tangent": Mistake(result=lambda x, d: 1 - np.tanh(d) ** 2),
        "plus-for-minus": Mistake(result=lambda x, d: d * (1 + np.tanh(x) ** 2)),
        "square-of-x": Mistake(result=lambda x, d: d * (1 - np.square(x))),
        "slope-of-sigmoid": Mistake(result=lambda x, d: d * np.tanh(x) * (1 - np.tanh(x))),
        "slope-of-arctan": Mistake(result=lambda x, d: d / (1 + np.square(x))),
        "tangent-added": Mistake(result=lambda x, d: d + 1 - np.tanh(x) ** 2),
        "no-square": Mistake(result=lambda x, d: d * (1 - np.tanh(x))),
        "value-and-tangent": Mistake(result=lambda x, d: (np.tanh(x), slope_of_tanh(d, x))),
    },
    rtol=1e-9,
    mistakes=(
        Mistake(
            "tanh-of-the-tangent",
            "tanh was taken of the tangent",
            "In your tangent stands tanh(d). A rule is linear in d: tanh is taken of x alone, and d is "
            "only multiplied.",
        ),
        Mistake(
            "numpy-in-the-rule",
            "right, and with NumPy",
            "Your numbers are right, and a function of NumPy (or of JAX) stands in your rule. "
            "Leave it out: `bind` computes what is a number, and writes down what is traced.",
            example="",
        ),
        Mistake(
            "tangent-added",
            "d added, not multiplied",
            "You added d. The tangent of the result is the local derivative *times* d.",
        ),
        Mistake(
            "slope-of-arctan",
            "the slope of another function",
            "Your slope is 1 / (1 + x²), which belongs to the arctangent. That of the tanh is 1 "
            "− tanh(x)².",
        ),
        Mistake(
            "slope-of-sigmoid",
            "the slope of another function",
            "Your slope is y (1 − y), which belongs to the sigmoid. That of the tanh is 1 − y².",
        ),
        Mistake(
            "square-of-x",
            "x² in place of tanh(x)²",
            'Your slope is 1 − x². It is 1 − tanh(x)²: use the value, `bind("tanh", x)`.',
        ),
        Mistake(
            "not-entered",
            "the rule is not in the table",
            'Your rule is right, but the tiny JAX does not find it: `PUSH["tanh"]` should be a '
            "list with one rule for each argument, `[tanh_push]`.",
            example="",
        ),
        Mistake(
            "d-forgotten",
            "the tangent is forgotten",
            "You returned the local derivative. The tangent of the result is the local "
            "derivative times the tangent d that comes in.",
            read=CHAPTER + "#tiny-jvp",
        ),
        Mistake(
            "at-the-tangent",
            "taken at the tangent",
            "You took the tanh of d. The local derivative belongs to the value x.",
            read=CHAPTER + "#tiny-jvp",
        ),
        Mistake(
            "plus-for-minus",
            "plus for minus",
            "The derivative of tanh is 1 − tanh², with a minus.",
            read=CHAPTER + "#tiny-jvp",
        ),
        Mistake(
            "no-square",
            "the square is missing",
            "The derivative of tanh is 1 − tanh², not 1 − tanh.",
            read=CHAPTER + "#tiny-jvp",
        ),
        Mistake(
            "not-traceable",
            "works for numbers only",
            "For numbers your rule is right, but a second derivative does not come out of "
            "it: there x is a tracer, and a function of NumPy can do nothing with it, nor "
            "can `**` or `/`. Use `bind`, `*` and `-`.",
            "",
            read=CHAPTER + "#tiny-operations",
        ),
        Mistake(
            "value-and-tangent",
            "the value as well",
            "You returned the value beside the tangent. `jvp` computes the value itself; "
            "the rule gives the tangent alone.",
            "",
            read=CHAPTER + "#tiny-jvp",
        ),
    ),
    read=CHAPTER,
)

def tiny(answer):
    """Call the answer with a function made of the tiny system's operations."""

    def call(f, *arrays):
        names = page_of(answer)
        return answer(lambda x: f(names, x), *(np.asarray(a) for a in arrays))

    return call


def swirl(ops, x):
    """Three results of a vector; every one depends on several entries."""
    whole = ops["spread"](ops["total"](x * x), len(FIXED))
    return whole * FIXED + ops["sin"](x) * x


def squeeze(ops, x):
    """Two results of four entries."""
    rows = ops["spread"](x, 2) * WEIGHTS
    return ops["exp"](ops["sin"](ops["total"](rows, 1)))


FIXED = test_array((3,), 5.0)
WEIGHTS = test_array((2, 4), 6.0)
JAX_OPS = {
    "sin": jnp.sin,
    "exp": jnp.exp,
    "total": lambda x, axis=0: jnp.sum(x, axis),
    "spread": lambda x, size, axis=0: jnp.repeat(jnp.expand_dims(x, axis), size, axis),
}


def f_once(answer, arguments):
    """Whether f runs once."""
    calls = 0

    def counted(names, x):
        nonlocal calls
        calls += 1
        return arguments["f"](names, x)

    tiny(answer)(counted, arguments["x"])
    return True if calls == 1 else {"calls": str(calls)}


def whole_jacobian(f, x):
    return jax.jacfwd(lambda x: f(JAX_OPS, x))(jnp.asarray(x))


tiny_jacobian = Question(
    name="tiny_jacobian",
    returns="the Jacobian",
    points=(
        {"f": swirl, "x": test_array((3,))},
        {"f": squeeze, "x": test_array((4,), 1.0)},
        {"f": swirl, "x": test_array((3,), 2.0, 30.0)},
    ),
    labels=("three outputs, three inputs", "two outputs, four inputs", "x far out"),
    large_points=(2,),
    call="tiny_jacobian(f, x)",
    adapt=tiny,
    reference=whole_jacobian,
    requirements=(Requirement("f-again", f_once),),
    predictions={
        "transposed-jacobian": Mistake(result=lambda f, x: whole_jacobian(f, x).T),
        "column-sums": Mistake(result=lambda f, x: whole_jacobian(f, x).sum(0)),
        "row-sums": Mistake(result=lambda f, x: whole_jacobian(f, x).sum(1)),
        "first-row": Mistake(result=lambda f, x: whole_jacobian(f, x)[0]),
        "value-as-well": Mistake(
            result=lambda f, x: (f(JAX_OPS, jnp.asarray(x)), whole_jacobian(f, x))
        ),
        "sums-on-the-diagonal": Mistake(
            result=lambda f, x: np.diag(np.sum(whole_jacobian(f, x), axis=0))
        ),
        "sums-in-every-row": Mistake(
            result=lambda f, x: whole_jacobian(f, x).sum(0) + 0 * whole_jacobian(f, x)
        ),
    },
    rtol=1e-9,
    mistakes=(
        Mistake(
            "sums-on-the-diagonal",
            "sums on a diagonal",
            "You pulled back ones, which adds up the rows, and put the sums on a diagonal. Each "
            "row takes a unit vector of its own.",
            example="",
        ),
        Mistake(
            "axes-in-a-tuple",
            "the axes in a tuple",
            "The tiny `vmap` takes the function and, as its second argument, a tuple with one "
            "axis (or None) for each argument: `vmap(g, (0,))`.",
            example="",
            raised=(
                "TypeError: 'int' object is not iterable",
                "TypeError: vmap() missing 1 required positional argument",
                "TypeError: vmap() got an unexpected keyword argument",
            ),
            code=r"\bvmap\(",
        ),
        Mistake(
            "no-tuple-here",
            "no tuple here",
            "You took an entry of what the pullback returns. JAX's returns a tuple; that of the "
            "tiny one returns the cotangent itself.",
            example="",
            raised=(
                "TypeError: 'Tracer' object is not subscriptable",
                "TypeError: cannot unpack non-iterable Tracer object",
            ),
        ),
        Mistake(
            "unit-vectors-of-the-inputs",
            "unit vectors of another length",
            "Your unit vectors have as many entries as x. A cotangent has those of the *result*, "
            "and there is one row for each of them: the value that `vjp` returns tells how many.",
            example="",
            raised=("ValueError: could not be broadcast together",),
            code=r"len\(x\)|shape\(x\)|x\.size|x\.shape",
        ),
        Mistake(
            "jax-for-tiny",
            "JAX in place of the tiny one",
            "You used JAX's own functions. f is made of the operations of the tiny JAX, and those "
            "know only its tracers: take the `vjp` and `vmap` of this page.",
            example="",
            raised=("TracerArrayConversionError: ", "TypeError: ", "AttributeError: "),
            code=r"\bjax\b|\bjnp\.|\bolympus\.",
        ),
        Mistake(
            "f-again",
            "f runs more than once",
            "The numbers are right, but f runs {calls} times. `vjp` runs it once, and returns "
            "its value, too: that says how many rows there are.",
            example="",
        ),
        Mistake(
            "transposed-jacobian",
            "the transpose",
            "You have the columns of the Jacobian as rows: it is transposed. (Pushing gives the columns, "
            "pulling back the rows.)",
            read=CHAPTER + "#tiny-vmap",
        ),
        Mistake(
            "first-row",
            "one row alone",
            "You returned the first row of the Jacobian. Each output needs a unit vector of "
            "its own.",
            read=CHAPTER + "#tiny-grad",
        ),
        Mistake(
            "value-as-well",
            "the value as well",
            "You returned the value of f beside the Jacobian. Only the Jacobian is asked for.",
            "",
            read=CHAPTER + "#tiny-grad",
        ),
        Mistake(
            "sums-in-every-row",
            "the sum in every row",
            "All your rows are the same: the sum of the rows, from a cotangent of ones. "
            "Each row needs a cotangent of its own, with a single 1.",
        ),
    ),
    read=CHAPTER,
)

def waves(ops, x):
    return ops["total"](ops["exp"](ops["sin"](x) * x)) * ops["sin"](ops["total"](x))


def powers(ops, x):
    return ops["total"](x * x * x * x) + ops["total"](x) * ops["total"](x * x)


def on_line(f, x, v):
    return lambda t: f(JAX_OPS, x + t * v)


def along_tiny(answer):
    """As `tiny`, with 0 for a derivative of what does not depend on anything."""

    def call(f, *arrays):
        result = tiny(answer)(f, *arrays)
        return 0.0 if result is None else result

    return call


def entry_by_entry(f, x, v):
    """Gradients of added gradients, times v cubed."""
    g = lambda x: f(JAX_OPS, x)
    for _ in range(2):
        g = lambda x, g=g: jnp.sum(jax.jacfwd(g)(x))
    return jnp.sum(jax.jacfwd(g)(jnp.asarray(x)) * v**3)


def third_at(place):
    """The third derivative at another place: what `place` makes of x and v."""
    return Mistake(result=lambda f, x, v: third(f, place(x, v), v))


def derivative_along(order):
    """The derivative of this order, forward mode inside forward mode."""

    def result(f, x, v):
        g = on_line(f, jnp.asarray(x), jnp.asarray(v))
        for _ in range(order):
            g = jax.jacfwd(g)
        return g(0.0)

    return result


third = derivative_along(3)

third_along = Question(
    name="third_along",
    returns="the third derivative",
    points=(
        {"f": waves, "x": test_array((3,))},
        {"f": powers, "x": test_array((4,), 1.0)},
        {"f": powers, "x": test_array((3,), 2.0, 40.0)},
    ),
    labels=("waves, 3 entries", "powers, 4 entries", "powers, far out"),
    large_points=(2,),
    tangents=(
        lambda p: {"v": test_array(p["x"].shape, 3.0)},
        lambda p: {"v": test_array(p["x"].shape, 4.0, 2.0)},
    ),
    call="third_along(f, x, v)",
    adapt=along_tiny,
    reference=third,
    predictions={
        "second-along": Mistake(result=derivative_along(2)),
        "fourth-along": Mistake(result=derivative_along(4)),
        "held-still": Mistake(result=lambda f, x, v: 0.0),
        "at-the-end": third_at(lambda x, v: x + v),
        "through-the-origin": third_at(lambda x, v: 0 * x),
        "value-returned": Mistake(result=derivative_along(0)),
        "point-and-tangent-swapped": Mistake(result=lambda f, x, v: third(f, v, x)),
        "cube-of-slope": Mistake(result=lambda f, x, v: derivative_along(1)(f, x, v) ** 3),
        "taylor-coefficient": Mistake(result=lambda f, x, v: third(f, x, v) / 6),
        "along-ones": Mistake(result=lambda f, x, v: third(f, x, np.ones_like(v))),
        "slope-alone": Mistake(result=derivative_along(1)),
        "unit-direction": Mistake(result=lambda f, x, v: third(f, x, v / np.linalg.norm(v))),
        "gradient-returned": Mistake(
            result=lambda f, x, v: jax.jacfwd(lambda x: derivative_along(2)(f, x, v))(
                jnp.asarray(x)
            )
        ),
        "mixed-left-out": Mistake(result=entry_by_entry),
    },
    rtol=1e-9,
    mistakes=(
        Mistake(
            "lists-for-jvp",
            "jvp takes lists",
            "`jvp` takes a list of primals and a list of tangents, one for each argument: `jvp(g, "
            "[x], [v])`.",
            example="",
            raised=("TypeError: takes 1 positional argument but",),
            code=r"jvp\(\w+, (?!\[|\()",
        ),
        Mistake(
            "gradient-returned",
            "a gradient",
            "Your last derivative is a gradient, one number for each entry of x. Along the line "
            "it is that times v, added up.",
            example="",
        ),
        Mistake(
            "unit-direction",
            "v of length 1",
            "You divided v by its length. The line is x + t v with v as it is: the third "
            "derivative grows with the cube of its length.",
        ),
        Mistake(
            "point-and-tangent-swapped",
            "point and tangent have changed places",
            "Your derivative is that at v, along x. The point comes first, then the tangent: "
            "`jvp(f, [x], [v])`.",
        ),
        Mistake(
            "value-returned",
            "the value",
            "You returned the value of f. `jvp` gives the value and the tangent: the second is "
            "meant, each time.",
        ),
        Mistake(
            "through-the-origin",
            "a line through the origin",
            "Your line is t v. It goes through x: x + t v.",
        ),
        Mistake(
            "at-the-end",
            "at t = 1",
            "Your derivative is that at x + v, where t is 1. Asked for is t = 0.",
        ),
        Mistake(
            "held-still",
            "a derivative that does not move",
            "Nothing comes out: one of the functions that you differentiate does not depend on "
            "its argument, or nothing is returned. Take each inner derivative at the argument, "
            "not at x.",
        ),
        Mistake(
            "fourth-along",
            "one derivative too many",
            "Your result is the fourth derivative along the line. Three `jvp` are enough.",
        ),
        Mistake(
            "second-along",
            "one derivative short",
            "Your result is the second derivative along the line. One more `jvp` around it "
            "gives the third.",
            read=CHAPTER + "#tiny-jvp",
        ),
        Mistake(
            "cube-of-slope",
            "a power of the slope",
            "You took the third power of the slope. The third derivative is the derivative "
            "of the derivative of the derivative.",
            read=CHAPTER + "#tiny-jvp",
        ),
        Mistake(
            "taylor-coefficient",
            "divided by 3!",
            "Your number is the Taylor coefficient: the derivative divided by 6. The "
            "derivative itself is asked for.",
            read=CHAPTER + "#tiny-jvp",
        ),
        Mistake(
            "along-ones",
            "along another line",
            "You went along (1, 1, …). The line has the direction v.",
            read=CHAPTER + "#tiny-jvp",
        ),
        Mistake(
            "slope-alone",
            "the first derivative",
            "Your result is the first derivative along the line. Differentiate it twice more.",
            read=CHAPTER + "#tiny-jvp",
        ),
        Mistake(
            "mixed-left-out",
            "no mixed derivatives",
            "You added each gradient up and multiplied by v³: that is right if f is a "
            "sum of functions of one entry each. With mixed terms, differentiate g · v "
            "instead, three times.",
        ),
    ),
    read=CHAPTER,
)
