"""The specifications of 03_forward.md, released from solutions/03_forward.md: edit them there."""

import jax
import jax.numpy as jnp

from olympus_kit.checks import DERIVATIVES, Mistake, Question, Requirement, test_array

CHAPTER = "book/03_forward.md"


def truly(f, x, x_dot):
    """Value and tangent from the whole Jacobian, column by column."""
    g = lambda x: f(x, jnp.sin)
    slope = jax.jacfwd(g)(x)
    return g(x), jnp.tensordot(slope, x_dot, jnp.ndim(x)) if jnp.ndim(x) else slope * x_dot


def with_rules(product=None, sine=None, plus=None):
    """`push` with dual numbers whose rule for *, for sin or for + is another one."""

    class Pair:
        def __init__(self, value, tangent):
            self.value, self.tangent = value, tangent

        def __add__(self, other):
            rule = plus or (lambda a, b: a.tangent + b.tangent)
            return Pair(self.value + other.value, rule(self, other))

        def __mul__(self, other):
            rule = product or (lambda a, b: a.tangent * b.value + a.value * b.tangent)
            return Pair(self.value * other.value, rule(self, other))

    def sin(a):
        rule = sine or (lambda a: jnp.cos(a.value) * a.tangent)
        return Pair(jnp.sin(a.value), rule(a))

    def pushed(f, x, x_dot):
        result = f(Pair(x, x_dot), sin)
        return result.tangent

    return Mistake(result=pushed, part="tangent")


def added_in_place(x, sin):
    """x² + (x² + sin x): `y += ...` must leave the x² that z names as it was."""
    y = x * x
    z = y
    y += sin(x)
    return y + z


def doubled(call, arguments):
    twice = {**arguments, "x_dot": 2 * arguments["x_dot"]}
    return call(**twice)[1], 2 * call(**arguments)[1]


linear = Requirement("linear", statement="twice the x_dot gives twice the tangent", sides=doubled)
direction = lambda phase, scale: lambda p: {"x_dot": test_array(p["x"].shape, phase, scale)}

push = Question(
    name="push",
    returns=("value", "tangent"),
    points=(
        {"f": lambda x, sin: x * sin(x) + x * x, "x": test_array((), 0.5)},
        {"f": lambda x, sin: sin(sin(x * x) * x), "x": test_array((), 1.0)},
        {"f": lambda x, sin: x * x * x + sin(x) * x, "x": test_array((), 2.0, 40.0)},
        {"f": added_in_place, "x": test_array((), 3.0)},
    ),
    labels=(
        "x sin x + x²",
        "sin(x sin x²)",
        "x³ + x sin x, x far out",
        "x² + (x² + sin x), with y += ... in between",
    ),
    tangents=(direction(0.3, 1.0), direction(4.0, 3.0)),
    large_points=(2,),
    rtol=1e-11,
    reference=truly,
    shape_of={"tangent": "x"},
    requirements=(linear,),
    predictions={
        "no-cross-term": with_rules(product=lambda a, b: a.tangent * b.tangent),
        "one-term": with_rules(product=lambda a, b: a.value * b.tangent),
        "slope-without-tangent": with_rules(sine=lambda a: jnp.cos(a.value)),
        "function-of-tangent": with_rules(sine=lambda a: jnp.sin(a.tangent)),
        "slope-at-tangent": with_rules(sine=lambda a: jnp.cos(a.tangent) * a.tangent),
        "other-term": with_rules(product=lambda a, b: a.tangent * b.value),
        "minus-in-product": with_rules(
            product=lambda a, b: a.tangent * b.value - a.value * b.tangent
        ),
        "own-value": with_rules(product=lambda a, b: a.tangent * a.value + b.value * b.tangent),
        "minus-cosine": with_rules(sine=lambda a: -jnp.cos(a.value) * a.tangent),
        "sine-for-cosine": with_rules(sine=lambda a: jnp.sin(a.value) * a.tangent),
        "cosine-of-tangent": with_rules(sine=lambda a: jnp.cos(a.tangent)),
        "sum-with-value": with_rules(plus=lambda a, b: a.tangent + b.value),
        "sum-as-product": with_rules(plus=lambda a, b: a.tangent * b.tangent),
        "first-summand": with_rules(plus=lambda a, b: a.tangent),
        "second-summand": with_rules(plus=lambda a, b: b.tangent),
    },
    mistakes=(
        Mistake(
            "no-cross-term",
            "the product of the tangents",
            "For the tangent of a product you multiplied the two tangents. The product rule has "
            "two terms: each factor moves while the other one stays.",
            "For x·x at 3 with tangent 1, the tangents' product is 1; the derivative is "
            "1·3 + 3·1 = 6.",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "one-term",
            "half of the product rule",
            "The tangent of your product has one of its two terms: only one factor moves. When "
            "both factors depend on x, both move.",
            "For x·x at 3 with tangent 1, one term gives 3; the derivative is 6.",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "slope-without-tangent",
            "the chain rule's factor is missing",
            "The tangent of your sine is cos(x), whatever the tangent of x was. It has to be "
            "multiplied by that tangent: if x moves twice as fast, so does sin(x).",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "function-of-tangent",
            "the sine of the tangent",
            "You applied the sine to the tangent, too. A tangent goes through the *slope* of a "
            "function: it is multiplied by cos(x).",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "slope-at-tangent",
            "the slope at the wrong place",
            "You took the cosine of the tangent. The slope of the sine is needed where the value "
            "is: cos(value), times the tangent.",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "other-term",
            "one term of the product rule",
            "For the tangent of a product you kept one of the two terms: the second factor "
            "moves, too.",
            "At x = 3 with ẋ = 1, x·x has the tangent 1·3 + 3·1 = 6, and one term gives 3.",
        ),
        Mistake(
            "minus-in-product",
            "a minus in the product rule",
            "Your product rule has a minus between its terms. If both factors grow, so does the "
            "product: the terms are added.",
        ),
        Mistake(
            "own-value",
            "each tangent times its own value",
            "In your product each tangent is multiplied by its own value. Each factor moves "
            "while the *other* one stays: ȧ b + a ḃ.",
        ),
        Mistake(
            "minus-cosine",
            "a minus in front of the cosine",
            "The tangent of your sine has a minus. It is the cosine that gets one when it is "
            "differentiated; the slope of sin is cos.",
        ),
        Mistake(
            "sine-for-cosine",
            "a sine for its cosine",
            "The tangent of your sine is sin(x) times the tangent. The slope of sin is cos.",
        ),
        Mistake(
            "cosine-of-tangent",
            "the cosine of the tangent",
            "The tangent of your sine is the cosine of the *tangent*. It is the cosine of the "
            "value, times the tangent.",
        ),
        Mistake(
            "sum-with-value",
            "a value in the sum of tangents",
            "For the tangent of a sum you added a tangent and a *value*. The tangents are added: "
            "ȧ + ḃ.",
        ),
        Mistake(
            "sum-as-product",
            "the product of tangents",
            "For the tangent of a sum you multiplied the tangents. If both move, the sum moves "
            "by both together: ȧ + ḃ.",
        ),
        Mistake(
            "first-summand",
            "the second summand moves, too",
            "The tangent of your sum is that of the first summand. The second one moves as well.",
        ),
        Mistake(
            "second-summand",
            "the first summand moves, too",
            "The tangent of your sum is that of the second summand. The first one moves as well.",
        ),
        Mistake(
            "not-a-dual",
            "a result that is not a Dual",
            "One of your three places returned something else than a `Dual`, and the next step "
            "asked it for its value. Each of them returns `Dual(value, tangent)`.",
            "",
            raised=(
                "AttributeError: has no attribute 'value'",
                "AttributeError: has no attribute 'tangent'",
                "AttributeError: 'tuple' object has no",
            ),
        ),
    ),
    read=CHAPTER + "#forward-dual",
)

def by_partials(f, point):
    return jax.jacrev(f, argnums=tuple(range(len(point))))(*point)


def toward(*numbers):
    return lambda p: {"direction": tuple(numbers[: len(p["point"])])}


along = Question(
    name="along",
    returns=("value", "slope"),
    points=(
        {"f": lambda x, y: x * jnp.sin(y) + jnp.cos(x), "point": (0.5, 0.75)},
        {"f": lambda x, y, z: jnp.exp(x * y) - y * z, "point": (-0.5, 1.25, 2.0)},
        {"f": lambda x, y: x**2 * y + jnp.sin(x), "point": (-300.0, 40.0)},
    ),
    labels=(
        "x sin y + cos x at (0.5, 0.75)",
        "exp(xy) − yz at (−0.5, 1.25, 2)",
        "x²y + sin x at (−300, 40)",
    ),
    tangents=(toward(1.0, 2.0, -1.0), toward(-0.25, 3.0, 0.5)),
    large_points=(2,),
    reference=lambda f, point, direction: (
        f(*point),
        sum(p * d for p, d in zip(by_partials(f, point), direction)),
    ),
    predictions={
        "whole-step": Mistake(
            result=lambda f, point, direction: (
                f(*(p + d for p, d in zip(point, direction))) - f(*point)
            ),
            part="slope",
        ),
        "whole-jacobian": Mistake(
            result=lambda f, point, direction: jnp.stack(by_partials(f, point)), part="slope"
        ),
        "terms-not-added": Mistake(
            result=lambda f, point, direction: (
                jnp.stack(by_partials(f, point)) * jnp.stack(direction)
            ),
            part="slope",
        ),
        "tangent-ignored": Mistake(
            result=lambda f, point, direction: sum(by_partials(f, point)), part="slope"
        ),
        "normalised": Mistake(
            result=lambda f, point, direction: (
                sum(p * d for p, d in zip(by_partials(f, point), direction))
                / sum(d**2 for d in direction) ** 0.5
            ),
            part="slope",
        ),
        "first-argument-alone": Mistake(
            result=lambda f, point, direction: by_partials(f, point)[0] * direction[0], part="slope"
        ),
        "value-at-the-end": Mistake(
            result=lambda f, point, direction: f(*(p + d for p, d in zip(point, direction))),
            part="value",
        ),
        "tuple-of-partials": Mistake(
            result=lambda f, point, direction: (f(*point), by_partials(f, point))
        ),
    },
    mistakes=(
        Mistake(
            "whole-step",
            "a step of length 1",
            "Your slope is f(point + direction) − f(point): how much f rises along the whole direction. "
            "The derivative says how fast it rises at the start. `jvp` gives it.",
        ),
        Mistake(
            "whole-jacobian",
            "all partial derivatives",
            "You returned the partial derivatives, one for each argument: that is the whole "
            "Jacobian. The slope in a direction is one number, J v. One pass of jvp gives it, "
            "without the others.",
            "For x·y at (3, 2) the partial derivatives are (2, 3); in the direction (1, 1) the "
            "slope is 5.",
            read=CHAPTER + "#forward-jvp",
        ),
        Mistake(
            "terms-not-added",
            "the terms were not added",
            "You multiplied each partial derivative by its part of the direction, and stopped "
            "there. All inputs move at once, so what they do to the result is added.",
            "For x·y at (3, 2) in the direction (1, 1), the terms are 2 and 3, and the slope is 5.",
            read=CHAPTER + "#forward-jvp",
        ),
        Mistake(
            "tangent-ignored",
            "the direction was ignored",
            "Your slope is the same for every direction: it is the sum of all partial "
            "derivatives, as if each input moved with speed 1.",
            read=CHAPTER + "#forward-jvp",
        ),
        Mistake(
            "normalised",
            "the direction was made a unit vector",
            "You divided by the length of the direction. Some books do so, to compare directions. "
            "A JVP does not: it is linear, so twice the tangent gives twice the slope.",
            read=CHAPTER + "#forward-directional",
        ),
        Mistake(
            "first-argument-alone",
            "only the first argument moves",
            "Your slope knows of the first argument alone, and here all of them move. (`grad(f)` "
            "differentiates with respect to the first one; a `return` inside a loop ends it there.)",
            read=CHAPTER + "#forward-jvp",
        ),
        Mistake(
            "value-at-the-end",
            "the value at another point",
            "Your value is that of f at point + direction. It should be the value at the point "
            "itself; the direction only says where one looks.",
        ),
        Mistake(
            "tuple-in-a-tuple",
            "a tuple inside a tuple",
            "f is called as `f(*point)`, with one number for each argument, and here it got "
            "something else. `point` and `direction` are the tuples that `jvp` wants, as they "
            "are.",
            "",
            raised=("TypeError: <lambda>() missing",),
        ),
        Mistake(
            "two-arguments-assumed",
            "any number of arguments",
            "Here f has another number of arguments than you took for granted. `f(*point)` "
            "passes on as many as there are, and `jvp` takes the whole tuples.",
            "",
            raised=(
                "ValueError: too many values to unpack",
                "ValueError: not enough values to unpack",
            ),
            code=r"=\s*(point|direction)\b",
        ),
        Mistake(
            "tuple-of-partials",
            "all partial derivatives",
            "Your slope is a tuple of all partial derivatives. The slope in a direction "
            "is one number: each of them times its part of the direction, added up. One "
            "pass of jvp gives it.",
            "For x·y at (3, 2) the partial derivatives are (2, 3); in the direction (1, "
            "1) the slope is 5.",
        ),
    ),
    read=CHAPTER + "#forward-jvp",
)

MIX_3 = test_array((5, 3), scale=1.5)


def root(a):
    """√a by Newton's iteration, as long as it takes."""
    far = lambda x: jnp.any(jnp.abs(x * x - a) > 1e-6 * a)
    return jax.lax.while_loop(far, lambda x: (x + a / x) / 2, 1.0 + 0.0 * a)


def columns(f, x):
    """The Jacobian, from the curve t ↦ f(x + t e) for each unit vector e."""
    unit = lambda i: jnp.zeros(x.size).at[i].set(1.0).reshape(jnp.shape(x))
    slopes = [jax.jacfwd(lambda t, i=i: f(x + t * unit(i)))(0.0) for i in range(x.size)]
    together = jnp.stack(slopes, axis=-1)
    return together.reshape(jnp.shape(slopes[0]) + jnp.shape(x))


def flat_columns(f, x):
    """The same as a matrix: rows for the output's entries, columns for the input's."""
    return columns(f, x).reshape(-1, x.size)


def stacked_second(f, x):
    out = jnp.shape(f(x))
    columns_last = flat_columns(f, x).reshape(*out, x.size)
    return jnp.moveaxis(columns_last, -1, 1).reshape(*out, *x.shape)


def at_unit(f, x, i):
    """The column of entry i, taken at the unit array of that entry."""
    e = np.eye(x.size)[i].reshape(x.shape)
    return jnp.tensordot(columns(f, e), e, x.ndim)


jacobian_by_columns = Question(
    name="jacobian_by_columns",
    returns="J",
    points=(
        {"f": lambda x: jnp.sin(MIX_3 @ x), "x": test_array((3, 2), 0.4)},
        {
            "f": lambda x: jnp.stack([x[0, 1] * x[1, 1], jnp.sum(x**2)]),
            "x": test_array((2, 2), 1.4),
        },
        {"f": lambda x: root(x) * x[::-1], "x": 2.0 + abs(test_array((3,), 2.4))},
        {"f": lambda x: (x[:2] * x[1:]).reshape(1, 2, 2), "x": test_array((3, 2), 3.4, 200.0)},
    ),
    labels=(
        "x of shape (3, 2), f(x) of shape (5, 2)",
        "x of shape (2, 2), f(x) of shape (2,)",
        "a while loop inside, shapes (3,) and (3,)",
        "x of shape (3, 2), f(x) of shape (1, 2, 2)",
    ),
    large_points=(3,),
    rtol=1e-11,
    reference=columns,
    predictions={
        "one-pass-of-ones": Mistake(
            result=lambda f, x: jnp.tensordot(columns(f, x), jnp.ones(x.shape), x.ndim)
        ),
        "value-for-tangent": Mistake(
            result=lambda f, x: jnp.stack([f(x)] * x.size, -1).reshape(*f(x).shape, *x.shape)
        ),
        "unit-at-value": Mistake(
            result=lambda f, x: jnp.stack([at_unit(f, x, i) for i in range(x.size)], -1).reshape(
                *f(x).shape, *x.shape
            )
        ),
        "matrix-for-array": Mistake(result=flat_columns),
        "input-first": Mistake(
            result=lambda f, x: jnp.moveaxis(flat_columns(f, x), 0, 1).reshape(
                *x.shape, *f(x).shape
            )
        ),
        "columns-side-by-side": Mistake(
            result=lambda f, x: columns(f, x).reshape(*f(x).shape, x.size)
        ),
        "last-column": Mistake(
            result=lambda f, x: columns(f, x).reshape(*f(x).shape, x.size)[..., -1]
        ),
        "columns-as-rows": Mistake(
            result=lambda f, x: flat_columns(f, x).T.reshape(*f(x).shape, *x.shape)
        ),
        "axes-reversed": Mistake(
            result=lambda f, x: columns(f, x).reshape(*f(x).shape, *x.shape[::-1])
        ),
        "stacked-second": Mistake(result=stacked_second),
        "units-down-the-columns": Mistake(
            result=lambda f, x: jnp.take(
                flat_columns(f, x), np.arange(x.size).reshape(x.shape).T.ravel(), 1
            ).reshape(*f(x).shape, *x.shape)
        ),
    },
    mistakes=(
        Mistake(
            "one-pass-of-ones",
            "one pass for the whole Jacobian",
            "One pass gives one column, or one mixture of columns. You sent the tangent (1, …, 1): "
            "that is J·1, the sum of all columns, in the shape of the output.",
            "For f(x) = (x₀x₁, x₀) at (3, 2) the columns are (2, 1) and (3, 0). Their sum is "
            "(5, 1), and nobody can tell the two apart any more.",
            read=CHAPTER + "#forward-columns",
        ),
        Mistake(
            "value-for-tangent",
            "the value in place of the tangent",
            "Each of your columns is f(x). `jvp` returns a pair, the value and the tangent: you "
            "used the first, and the column is the second.",
            read=CHAPTER + "#forward-jvp",
        ),
        Mistake(
            "matrix-for-array",
            "flattened to a matrix",
            "The numbers are right, but you returned a matrix with a row for each entry of the output and "
            "a column for each entry of the input. Wanted are all axes: those of the output, then "
            "those of the input.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read="book/02_jacobians.md#jacobian-shape-rule",
        ),
        Mistake(
            "input-first",
            "the axes of the input come first",
            "You stacked the columns along the first axis, so the axes of the input come before those of "
            "the output. The shape is out + in: stack along the last axis.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read="book/02_jacobians.md#jacobian-shape-rule",
        ),
        Mistake(
            "unit-at-value",
            "the unit vector as the point",
            "You evaluated the derivative at the unit vectors. The point is x in every pass; the "
            "unit vector is the direction: jvp(f, (x,), (e,)).",
            read=CHAPTER + "#forward-columns",
        ),
        Mistake(
            "columns-side-by-side",
            "one long last axis",
            "Your columns stand side by side on one last axis, of length x.size. Give that axis "
            "the shape of x: reshape to out + in.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "last-column",
            "only the last column",
            "You returned the last column alone. Collect all of them: one for each entry of x.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "columns-as-rows",
            "stacked in front, reshaped to out + in",
            "Your shape is right, and the entries stand in the wrong places: the columns were "
            "stacked in front. `reshape` moves no axis. Stack them along the last one.",
        ),
        Mistake(
            "axes-reversed",
            "the axes of x in the opposite order",
            "You reshaped to out + in with the axes of x in the opposite order.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "pair-for-tangent",
            "the pair that jvp returns",
            "`jvp` returns a pair, the value and the tangent, and the pair was used like an "
            "array. The column is its second part, `[1]`.",
            "",
            raised=(
                "TypeError: got <class 'tuple'>",
                "TypeError: of type <class 'tuple'>",
            ),
        ),
        Mistake(
            "loop-in-reverse",
            "reverse mode",
            "One of the functions has a `while` loop, which reverse mode cannot go back through: "
            "it would have to remember an unknown number of iterations. Forward mode carries "
            "the tangent along: `jvp`.",
            "",
            raised=("ValueError: Reverse-mode differentiation does not work",),
        ),
        Mistake(
            "stacked-second",
            "the columns along axis 1",
            "You stacked the columns along axis 1. That is the last axis where the "
            "output is a vector; of an array with more axes the columns go behind all of "
            "them: axis=-1.",
        ),
        Mistake(
            "units-down-the-columns",
            "the entries counted in another order",
            "Your unit arrays go down the columns of x, and the results are read along "
            "its rows: entries of J have changed places. Take both in one order.",
        ),
    ),
    read=CHAPTER + "#forward-columns",
)

import math

import numpy as np


def coefficients(f, x, terms):
    """The coefficients of the whole polynomial t ↦ f(x + t), cut at the end."""
    whole = f(np.polynomial.Polynomial([float(x), 1.0])).coef
    return np.pad(whole, (0, terms))[:terms]


def factorials(terms):
    return np.array([float(math.factorial(k)) for k in range(terms)])


class Cut:
    """Coefficients with a product of choice; plain numbers are lifted."""

    def __init__(self, coefficients, product):
        self.c, self.product = coefficients, product

    def lifted(self, other):
        return other.c if isinstance(other, Cut) else np.eye(1, len(self.c))[0] * other

    def __add__(self, other):
        return Cut(np.array([a + b for a, b in zip(self.c, self.lifted(other))]), self.product)

    def __mul__(self, other):
        return Cut(self.product(self.c, self.lifted(other)), self.product)

    __radd__, __rmul__ = __add__, __mul__


def with_series(product, seed=None):
    """`taylor` with this product of coefficients, or from another series for the point."""

    def made(f, x, terms):
        start = np.eye(1, terms)[0] * float(x)
        start[1:] = np.eye(1, terms - 1)[0] if seed is None else seed
        return f(Cut(start, product)).c

    return Mistake(result=made)


cauchy = lambda a, b: np.convolve(a, b)[: len(a)]


def overwritten(a, b):
    """Of all pairs of a coefficient only the one that a double loop comes to last."""
    made = np.zeros(len(a))
    for i in range(len(a)):
        for j in range(len(a) - i):
            made[i + j] = a[i] * b[j]
    return made


taylor = Question(
    name="taylor",
    returns="coefficients",
    points=(
        {"f": lambda x: x * x * x, "x": 2.0, "terms": 5},
        {"f": lambda x: 4.0 * x * (1.0 + -1.0 * x), "x": 0.2, "terms": 4},
        {"f": lambda x: (x * x + 3.0) * (x * x * x + x * 0.5) * x, "x": -1.5, "terms": 6},
        {"f": lambda x: (x + 1.0) * (x + 2.0) * x * x, "x": 60.0, "terms": 4},
        {"f": lambda x: (x * x + 2.0) * (x + -0.5), "x": 1.5, "terms": 2},
    ),
    labels=(
        "x³ at 2, 5 terms",
        "4x(1 − x) at 0.2, 4 terms",
        "(x² + 3)(x³ + x/2)x at −1.5, 6 terms",
        "(x + 1)(x + 2)x² at 60, 4 terms",
        "(x² + 2)(x − 1/2) at 1.5, 2 terms",
    ),
    large_points=(3,),
    reference=coefficients,
    predictions={
        "pair-with-the-first-missing": with_series(
            lambda a, b: np.array(
                [a[0] * b[0]] + [np.dot(a[:k], b[k:0:-1]) for k in range(1, len(a))]
            )
        ),
        "entry-by-entry": with_series(lambda a, b: a * b),
        "first-order-alone": with_series(
            lambda a, b: np.append(a[0] * b[0], a[0] * b[1:] + b[0] * a[1:])
        ),
        "not-cut": with_series(np.convolve),
        "point-stands-still": with_series(cauchy, seed=0.0),
        "every-coefficient-one": with_series(cauchy, seed=1.0),
        "derivatives-for-coefficients": Mistake(
            result=lambda f, x, terms: coefficients(f, x, terms) * factorials(terms)
        ),
        "last-pair-missing": with_series(
            lambda a, b: np.array([np.dot(a[:k], b[k:0:-1]) for k in range(len(a))])
        ),
        "overwritten": with_series(overwritten),
        "square-of-the-first": with_series(lambda a, b: cauchy(a, a)),
        "one-coefficient-more": Mistake(result=lambda f, x, terms: coefficients(f, x, terms + 1)),
        "divided-by-factorials": Mistake(
            result=lambda f, x, terms: coefficients(f, x, terms) / factorials(terms)
        ),
    },
    mistakes=(
        Mistake(
            "pair-with-the-first-missing",
            "a pair is missing",
            "In your product the pair a[k] · b[0] is missing, for every k after the first: the sum goes "
            "from i = 0 to i = k, and `range(k)` stops one before.",
        ),
        Mistake(
            "entry-by-entry",
            "multiplied entry by entry",
            "You multiplied the coefficients entry by entry. A product of sums multiplies "
            "everything with everything: the coefficient of t² gathers all pairs whose powers add "
            "up to 2.",
            "(1 + t)(1 + t) = 1 + 2t + t². Entry by entry one gets 1 + t.",
            read=CHAPTER + "#forward-taylor",
        ),
        Mistake(
            "first-order-alone",
            "the product rule alone",
            "In each coefficient of your product one factor is always the zeroth: a₀bₖ + aₖb₀. "
            "That is the product rule of dual numbers. From t² on there are pairs in between, such "
            "as a₁b₁.",
            "(1 + t)(1 + t) = 1 + 2t + t²: the t² comes from a₁b₁.",
            read=CHAPTER + "#forward-taylor",
        ),
        Mistake(
            "point-stands-still",
            "the point does not move",
            "You started with the series of the constant x: all coefficients after the first are "
            "zero. The point is x + t, so its second coefficient is 1.",
            read=CHAPTER + "#forward-taylor",
        ),
        Mistake(
            "every-coefficient-one",
            "the point moves too much",
            "You started with x + t + t² + t³ + …. The point is x + t: one coefficient is 1, and "
            "all after it are 0.",
            read=CHAPTER + "#forward-taylor",
        ),
        Mistake(
            "derivatives-for-coefficients",
            "derivatives in place of coefficients",
            "You returned the derivatives f, f′, f″, …. The coefficient of tᵏ is the k-th "
            "derivative divided by k! = 1·2·…·k.",
            read=CHAPTER + "#forward-taylor",
        ),
        Mistake(
            "not-cut",
            "the series was not cut",
            "Your product is longer than its factors. Only the first `terms` coefficients are "
            "wanted; what belongs to higher powers is dropped in every product.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read=CHAPTER + "#forward-taylor",
        ),
        Mistake(
            "last-pair-missing",
            "the last pair is missing",
            "In each coefficient of your product the pair aₖb₀ is missing. The sum runs from "
            "a₀bₖ to aₖb₀: `range(k + 1)`.",
        ),
        Mistake(
            "overwritten",
            "overwritten instead of added",
            "Each coefficient of your product holds the last pair alone. Several pairs belong to "
            "one power of t: add them up (`+=`).",
        ),
        Mistake(
            "square-of-the-first",
            "the first factor twice",
            "Your product multiplies the first factor by itself. The second one should be there "
            "as well.",
        ),
        Mistake(
            "one-coefficient-more",
            "one coefficient too many",
            "You return one coefficient too many. The series of the point, `[x, 1.0, 0.0, ...]`, "
            "should have `terms` entries in all.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "divided-by-factorials",
            "divided by the factorials",
            "You divided the k-th number by k!. That makes coefficients of derivatives, "
            "and what your series carries are coefficients already.",
        ),
    ),
    read=CHAPTER + "#forward-taylor",
)

import itertools


def added(a, p, b, q):
    return p * b + a * q


def confused(own, choose, rule=added, constant=0.0, strip=False):
    """A derivative by dual numbers of which `choose` picks the tag, and `own` reads the result.

    `rule` gives the tangent of a product, and `constant` is the tangent of what does not move; with
    `strip`, what belongs to another derivative loses its tangent.
    """
    count = itertools.count()

    class Pair:
        def __init__(self, tag, value, tangent):
            self.tag, self.value, self.tangent = tag, value, tangent

        def both(self, other):
            tag = choose(z.tag for z in (self, other) if isinstance(z, Pair))
            mine = lambda z: isinstance(z, Pair) and (own is None or z.tag == tag)
            rest = lambda z: z.value if strip and isinstance(z, Pair) else z
            return tag, *(
                (z.value, z.tangent) if mine(z) else (rest(z), constant) for z in (self, other)
            )

        def __add__(self, other):
            tag, (a, p), (b, q) = self.both(other)
            return Pair(tag, a + b, p + q)

        def __mul__(self, other):
            tag, (a, p), (b, q) = self.both(other)
            return Pair(tag, a * b, rule(a, p, b, q))

        __radd__, __rmul__ = __add__, __mul__

    def derivative(f, x):
        tag = next(count)
        result = f(Pair(tag, x, 1.0))
        if not isinstance(result, Pair) or (own and result.tag != tag):
            return constant
        return result.tangent

    return Mistake(result=lambda program, x: derivative(program(derivative), x))


def exact(f, x):
    return jax.jvp(f, (x,), (jnp.ones_like(x),))[1]


def frozen(f, x):
    """The derivative, which nothing outside can differentiate again."""
    return jax.lax.stop_gradient(exact(f, x))


nested = Question(
    name="nested",
    returns="derivative",
    points=(
        {"program": lambda D: lambda x: x * D(lambda y: x * y, 1.0), "x": 4.0},
        {"program": lambda D: lambda x: x * D(lambda y: x + y, 1.0), "x": 1.5},
        {"program": lambda D: lambda x: D(lambda y: y * y * y * x, x) + x * x, "x": -0.5},
        {"program": lambda D: lambda x: x * (x + D(lambda y: x * x, 2.0)), "x": 0.7},
        {
            "program": lambda D: lambda x: x * D(lambda y: D(lambda z: x * y * z, y) * y, x),
            "x": 100.0,
        },
    ),
    labels=(
        "D(x ↦ x·D(y ↦ x·y, 1), 4)",
        "D(x ↦ x·D(y ↦ x + y, 1), 1.5)",
        "D(x ↦ D(y ↦ y³x, x) + x², −0.5)",
        "D(x ↦ x(x + D(y ↦ x², 2)), 0.7)",
        "D(x ↦ x·D(y ↦ y·D(z ↦ xyz, y), x), 100)",
    ),
    large_points=(4,),
    reference=lambda program, x: exact(program(exact), x),
    predictions={
        "untagged": confused(None, max),
        "foreign-tangent": confused(False, max),
        "inner-lost": confused(True, min),
        "inner-as-constant": Mistake(result=lambda program, x: exact(program(frozen), x)),
        "value-for-derivative": Mistake(result=lambda program, x: program(lambda f, x: f(x))(x)),
        "product-of-tangents": confused(True, max, rule=lambda a, p, b, q: p * q),
        "one-term": confused(True, max, rule=lambda a, p, b, q: p * b),
        "constants-move": confused(True, max, constant=1.0),
        "stripped": confused(True, max, strip=True),
    },
    mistakes=(
        Mistake(
            "untagged",
            "perturbation confusion",
            "Two derivatives are mixed up: inside the inner one, "
            "the tangent of x was taken for a tangent of y. Each call of D needs a tag of its own, "
            "and takes apart only what has that tag.",
            "D(x ↦ x·D(y ↦ x·y, 1), 4) comes out as 5, since 4·1 + 1·1 = 5; it is 8.",
            read=CHAPTER + "#forward-confusion",
        ),
        Mistake(
            "foreign-tangent",
            "somebody else's tangent",
            "When the inner function does not depend on its own variable, what comes back belongs "
            "to the outer derivative. You returned its tangent all the same. Look at the tag: if "
            "it is not yours, the derivative is 0.",
            "In D(x ↦ x·D(y ↦ x, 1), 4) the inner derivative is 0, and so is the whole.",
            read=CHAPTER + "#forward-confusion",
        ),
        Mistake(
            "inner-lost",
            "the inner derivative is lost",
            "Where an outer and an inner dual number meet, you compute with the tag of the outer "
            "one. The result then no longer shows the tag of the inner derivative, which finds "
            "nothing of its own and returns 0. Use the larger tag.",
            read=CHAPTER + "#forward-confusion",
        ),
        Mistake(
            "inner-as-constant",
            "the inner derivative is held constant",
            "Your inner derivative returns a plain number: that it depends on x is forgotten. For "
            "the inner D the outer x is a constant, but its own tangent has to travel on in the "
            "value.",
            "D(x ↦ x·D(y ↦ x·y, 1), 4) comes out as 4, as if the inner result 4 stood still; it "
            "is 8.",
            read=CHAPTER + "#forward-confusion",
        ),
        Mistake(
            "product-of-tangents",
            "the product of the tangents",
            "For the tangent of a product you multiplied the two tangents. The product rule has "
            "two terms: each factor moves while the other one stays.",
        ),
        Mistake(
            "one-term",
            "one term of the product rule",
            "Your product has one of the two terms of the product rule: the second factor may "
            "move, too.",
        ),
        Mistake(
            "constants-move",
            "constants move",
            "For your derivatives everything moves, with the tangent 1.0. What does not have the "
            "tag is a constant: its tangent is 0.0.",
        ),
        Mistake(
            "stripped",
            "the other tangent is lost",
            "A number of another derivative lost its tangent: you took its value alone. As seen "
            "by this derivative it is a constant, but it is *itself* the value, a whole "
            "`Tagged`: the other derivative still needs it.",
        ),
        Mistake(
            "plain-numbers-forgotten",
            "plain numbers have no tag",
            "A plain number was asked for the attribute of a `Tagged`. Products and `seen_by` "
            "meet plain numbers as well: ask `isinstance(x, Tagged)` first, and in the product "
            "use what `seen_by` returns.",
            "",
            raised=(
                "AttributeError: object has no attribute 'tag'",
                "AttributeError: object has no attribute 'value'",
                "AttributeError: object has no attribute 'tangent'",
            ),
        ),
        Mistake(
            "pair-for-tangent",
            "the pair that seen_by returns",
            "`seen_by` returns a pair, value and tangent, and the whole pair was used where a "
            "number belongs. The derivative is its second part.",
            "",
            raised=(
                "TypeError: and 'tuple'",
                "TypeError: 'tuple' and",
            ),
        ),
    ),
    read=CHAPTER + "#forward-confusion",
)

def moved(a, a_dot, b, b_dot):
    """Value and tangent of the curve t ↦ (a + t ȧ) / (b + t ḃ) at t = 0."""
    return a / b, jax.jacfwd(lambda t: (a + t * a_dot) / (b + t * b_dot))(0.0)


def by_logarithm(a, a_dot, b, b_dot):
    return a / b * (a_dot / a - b_dot / b)


numbers = lambda phase, scale: {
    "a": scale * test_array((), phase),
    "a_dot": test_array((), phase + 1.0),
    "b": scale * (2.0 + test_array((), phase + 2.0)),
    "b_dot": test_array((), phase + 3.0),
}

divide = Question(
    name="divide",
    returns=("value", "tangent"),
    points=(
        numbers(0.3, 1.0),
        numbers(0.9, 1.0),
        numbers(2.7, -1.0),
        numbers(0.6, 1.0) | {"a": 0.0},
        numbers(1.4, 50.0),
    ),
    labels=("four numbers", "four others", "a negative b", "a = 0", "a and b up to 100"),
    large_points=(4,),
    reference=moved,
    shape_of={"tangent": "a"},
    predictions={
        "quotient-of-tangents": Mistake(
            result=lambda a, a_dot, b, b_dot: a_dot / b_dot, part="tangent"
        ),
        "minus-forgotten": Mistake(
            result=lambda a, a_dot, b, b_dot: moved(a, a_dot, b, -b_dot)[1], part="tangent"
        ),
        "not-squared": Mistake(
            result=lambda a, a_dot, b, b_dot: moved(a, a_dot, b, b_dot)[1] * b, part="tangent"
        ),
        "numerator-alone": Mistake(
            result=lambda a, a_dot, b, b_dot: moved(a, a_dot, b, 0 * b)[1], part="tangent"
        ),
        "denominator-alone": Mistake(
            result=lambda a, a_dot, b, b_dot: moved(a, 0 * a, b, b_dot)[1], part="tangent"
        ),
        "only-the-second-divided": Mistake(
            result=lambda a, a_dot, b, b_dot: a_dot - a / b * b_dot / b, part="tangent"
        ),
        "divided-by-a-squared": Mistake(
            result=lambda a, a_dot, b, b_dot: (a_dot * b - a * b_dot) / a**2, part="tangent"
        ),
        "divided-and-multiplied": Mistake(
            result=lambda a, a_dot, b, b_dot: a_dot * b - a * b_dot, part="tangent"
        ),
        "tangents-with-their-own": Mistake(
            result=lambda a, a_dot, b, b_dot: (a_dot * a - b * b_dot) / b**2, part="tangent"
        ),
        "product-for-quotient": Mistake(
            result=lambda a, a_dot, b, b_dot: (a * b, a_dot * b + a * b_dot)
        ),
        "rounded-down": Mistake(result=lambda a, a_dot, b, b_dot: jnp.floor(a / b), part="value"),
        "factor-a-forgotten": Mistake(
            result=lambda a, a_dot, b, b_dot: a_dot / b - b_dot / b**2, part="tangent"
        ),
        "divided-by-a": Mistake(result=by_logarithm, part="tangent"),
    },
    mistakes=(
        Mistake(
            "quotient-of-tangents",
            "the quotient of the tangents",
            "Your tangent is ȧ/ḃ. A tangent is linear in ȧ and ḃ together: if neither moves, the quotient "
            "does not move, and yours would be 0/0.",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "minus-forgotten",
            "the minus is missing",
            "Your two terms are added. If b grows, the quotient of positive numbers gets smaller: the term "
            "with ḃ has a minus.",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "not-squared",
            "divided by b, not by b²",
            "Your tangent is b times too large: ȧb − aḃ has to be divided by b².",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "numerator-alone",
            "only the numerator moves",
            "Your tangent has one term: it is right if b stands still. But b moves as well, with speed ḃ.",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "denominator-alone",
            "only the denominator moves",
            "Your tangent has one term: it is right if a stands still. But a moves as well, with speed ȧ.",
            read=CHAPTER + "#forward-dual",
        ),
        Mistake(
            "only-the-second-divided",
            "only the second term is divided",
            "Only the second of your terms is divided by b. Solving q̇ b + q ḃ = ȧ for q̇ "
            "divides both: `(a_dot - q * b_dot) / b`.",
        ),
        Mistake(
            "divided-by-a-squared",
            "divided by a²",
            "Your tangent is divided by a². What is squared is the denominator: b².",
        ),
        Mistake(
            "divided-and-multiplied",
            "not divided by b²",
            "Your tangent is ȧb − aḃ, without the division by b². (`/ b * b` divides and "
            "multiplies again: write `/ b**2`.)",
        ),
        Mistake(
            "tangents-with-their-own",
            "each tangent times its own value",
            "You multiplied each tangent by its own value. Each number moves while the *other* "
            "one stays: ȧ goes with b, and ḃ with a.",
        ),
        Mistake(
            "product-for-quotient",
            "the rule of a product",
            "You returned the product of the two dual numbers. Asked for is their quotient.",
        ),
        Mistake(
            "rounded-down",
            "rounded down",
            "Your value is rounded down: `//` divides and cuts off. Write `/`.",
        ),
        Mistake(
            "factor-a-forgotten",
            "the factor a is missing",
            "In the term with ḃ the factor a is missing: the quotient is a times 1/b, and 1/b "
            "has the tangent −ḃ/b².",
        ),
        Mistake(
            "divided-by-a",
            "a division by a",
            "Your tangent divides by a, as the logarithm's derivative does. The quotient "
            "rule divides by b alone: where a is 0, the quotient still moves.",
        ),
    ),
    read=CHAPTER + "#forward-dual",
    without=DERIVATIVES,
)

def of_table(change):
    """The table of passes, from the sides of a Jacobian; `change` makes it wrong."""

    def table(n, m):
        rows, columns = (float(size) for size in np.ones((m, n)).shape)
        right = np.array([[columns, rows], [1.0, rows], [columns, 1.0]])
        return change(right)

    return table


with_lines = lambda *lines: lambda table: np.stack([line(table) for line in lines])
first, second, third = (lambda table, i=i: table[i] for i in range(3))

passes = Question(
    name="passes",
    returns="table",
    points=({"n": 3, "m": 5}, {"n": 7, "m": 2}, {"n": 1000, "m": 4}),
    labels=("n = 3, m = 5", "n = 7, m = 2", "n = 1000, m = 4"),
    large_points=(2,),
    reference=of_table(lambda table: table),
    predictions={
        "first-line-exchanged": Mistake(
            result=of_table(lambda table: np.stack([table[0, ::-1], table[1], table[2]]))
        ),
        "modes-swapped": Mistake(result=of_table(lambda table: table[:, ::-1])),
        "products-cost-all": Mistake(result=of_table(with_lines(first, first, first))),
        "one-pass-each": Mistake(
            result=of_table(lambda table: np.stack([table[0], [1.0, 1.0], [1.0, 1.0]]))
        ),
        "one-per-entry": Mistake(
            result=of_table(lambda table: np.stack([table[0, ::-1] * table[0], table[1], table[2]]))
        ),
        "products-swapped": Mistake(result=of_table(with_lines(first, third, second))),
        "counts-exchanged": Mistake(
            result=of_table(
                lambda table: np.stack([table[0], [1.0, table[0, 0]], [table[0, 1], 1.0]])
            )
        ),
        "everything-exchanged": Mistake(
            result=of_table(
                lambda table: np.stack([table[0, ::-1], [1.0, table[0, 0]], [table[0, 1], 1.0]])
            )
        ),
        "values-counted": Mistake(
            result=of_table(lambda table: np.stack([table[0] + 1, table[1], table[2]]))
        ),
        "cheaper-mode-for-both": Mistake(
            result=of_table(
                lambda table: np.stack([table[0].min() * np.ones(2), table[1], table[2]])
            )
        ),
        "inputs-for-both": Mistake(
            result=of_table(lambda table: np.stack([table[0, 0] * np.ones(2), table[1], table[2]]))
        ),
        "two-passes-for-the-other": Mistake(
            result=of_table(lambda table: np.stack([table[0], [1.0, 2.0], [2.0, 1.0]]))
        ),
    },
    mistakes=(
        Mistake(
            "first-line-exchanged",
            "inputs for outputs",
            "In your first line, n and m have changed places. A pass of forward mode gives one column, "
            "and J has n of them; a pass of reverse mode gives one of its m rows.",
        ),
        Mistake(
            "modes-swapped",
            "the modes are swapped",
            "Your two columns are swapped: forward mode needs a pass for each input, reverse mode one for each "
            "output.",
            read=CHAPTER + "#forward-columns",
        ),
        Mistake(
            "products-cost-all",
            "one product as expensive as the whole Jacobian",
            "Your second and third line repeat the first. One product in its own mode takes a single pass.",
            read=CHAPTER + "#forward-columns",
        ),
        Mistake(
            "one-pass-each",
            "one pass in either mode",
            "You gave every product one pass in both modes. A pass of forward mode computes J v and nothing "
            "else; uᵀJ is a mixture of rows, and forward mode has to compute all columns to know it.",
            read=CHAPTER + "#forward-columns",
        ),
        Mistake(
            "one-per-entry",
            "one pass for each entry",
            "You counted a pass for each of the n · m entries. A pass gives a whole column, or a whole row.",
            read=CHAPTER + "#forward-columns",
        ),
        Mistake(
            "products-swapped",
            "the two products are swapped",
            "Your second and third line are swapped: J v is what forward mode computes, uᵀJ what reverse "
            "mode computes.",
            read=CHAPTER + "#forward-columns",
        ),
        Mistake(
            "counts-exchanged",
            "inputs for outputs",
            "In your second and third line, n and m have changed places. For J v reverse mode "
            "needs all m rows, and for uᵀJ forward mode all n columns.",
        ),
        Mistake(
            "everything-exchanged",
            "inputs for outputs",
            "In your table, n and m have changed places. f takes n numbers, so J has n columns; "
            "it returns m, so J has m rows.",
        ),
        Mistake(
            "values-counted",
            "one pass more",
            "You counted one pass more for the whole Jacobian. A forward pass gives the value "
            "along with a column: nothing is run for the value alone.",
        ),
        Mistake(
            "cheaper-mode-for-both",
            "the cheaper mode twice",
            "In your first line both modes take as many passes as the cheaper one. Each may only "
            "use its own: columns for forward mode, rows for reverse mode.",
        ),
        Mistake(
            "inputs-for-both",
            "columns for both modes",
            "In your first line reverse mode takes n passes. One pass of it gives a row, and "
            "there are m rows.",
        ),
        Mistake(
            "two-passes-for-the-other",
            "two passes by transposing",
            "You gave the other mode two passes for a product: that is the way by "
            "transposing twice, which uses the passes of both modes. With passes of its "
            "own alone it has to build all of J.",
        ),
    ),
    read=CHAPTER + "#forward-columns",
)
