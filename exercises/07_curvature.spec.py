"""The specifications of 07_curvature.md, released from solutions/07_curvature.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import (
    CostLimit,
    Mistake,
    Question,
    Requirement,
    linear_in,
    symmetric,
    test_array,
)

CHAPTER = "book/07_curvature.md"


def sizes_of(orders, mixed=True):
    """The sizes where line by line so many axes of the output and the input are counted."""

    def sizes(m, n):
        inputs = np.array([n, n, n, m * n, m * n])
        outputs = np.array([1, n, m, 1, 1])
        row = [outputs[i] ** out * inputs[i] ** into for i, (out, into) in enumerate(orders)]
        return np.array([*row, (n + m * n) ** 2 if mixed else n**2 + (m * n) ** 2])

    return sizes


RIGHT = ((1, 2), (1, 2), (1, 2), (1, 2), (1, 1))


def first_only(m, n):
    return np.array([n, n * n, m * n, m * n, m * n, n + m * n])


def by_rows(m, n):
    return np.array([n * n, n**3, m * n * n, n * n, n, (n + n) ** 2])


def diagonals(m, n):
    return np.array([n, n, m * n * n, m * n, m * n, (n + m * n) ** 2])


second_sizes = Question(
    name="second_sizes",
    returns="sizes",
    points=({"m": 2, "n": 3}, {"m": 5, "n": 4}, {"m": 20, "n": 30}),
    labels=("m = 2, n = 3", "m = 5, n = 4", "m = 20, n = 30"),
    large_points=(2,),
    reference=sizes_of(RIGHT),
    predictions={
        "one-derivative": Mistake(result=first_only),
        "axes-once": Mistake(
            result=lambda m, n: sizes_of(RIGHT)(m, n) * [1, 0, 1, 1, 1, 1] + [0, n * n, 0, 0, 0, 0]
        ),
        "entry-by-entry": Mistake(
            result=lambda m, n: sizes_of(RIGHT)(m, n) * [1, 0, 1, 1, 1, 1] + [0, n, 0, 0, 0, 0]
        ),
        "zero-counted-as-none": Mistake(
            result=lambda m, n: sizes_of(RIGHT)(m, n) * [1, 1, 0, 1, 1, 1]
        ),
        "first-derivative-of-product": Mistake(
            result=lambda m, n: sizes_of(RIGHT)(m, n) * [1, 1, 0, 1, 1, 1] + [0, 0, m * n, 0, 0, 0]
        ),
        "one-mixed-block": Mistake(
            result=lambda m, n: sizes_of(RIGHT)(m, n) - [0, 0, 0, 0, 0, n * m * n]
        ),
        "matrix-as-axis": Mistake(
            result=lambda m, n: (
                sizes_of(RIGHT)(m, n) * [1, 1, 1, 1, 1, 0] + [0, 0, 0, 0, 0, (n + m) ** 2]
            )
        ),
        "output-forgotten": Mistake(result=sizes_of(((1, 2), (0, 2), (0, 2), (1, 2), (1, 1)))),
        "diagonal-only": Mistake(result=diagonals),
        "product-as-matrix": Mistake(result=sizes_of((*RIGHT[:4], (1, 2)))),
        "mixed-blocks-missing": Mistake(result=sizes_of(RIGHT, mixed=False)),
        "rows-counted": Mistake(result=by_rows),
        "gradient-for-hessian": Mistake(
            result=lambda m, n: sizes_of(RIGHT)(m, n) - [n * n - n, 0, 0, 0, 0, 0]
        ),
        "blocks-multiplied": Mistake(
            result=lambda m, n: (
                sizes_of(RIGHT)(m, n) * [1, 1, 1, 1, 1, 0] + [0, 0, 0, 0, 0, n**2 * (m * n) ** 2]
            )
        ),
        "zeros-not-counted": Mistake(
            result=lambda m, n: np.array([n, n, 0, m * n, m * n, n + m * n])
        ),
        "outputs-not-counted": Mistake(
            result=lambda m, n: (
                sizes_of(RIGHT)(m, n) * [1, 0, 0, 1, 1, 1] + [0, n * n, m * n, 0, 0, 0]
            )
        ),
    },
    mistakes=(
        Mistake(
            "gradient-for-hessian",
            "the gradient of line 0",
            "Your size in line 0 is n, that of the gradient. The Hessian has a row for each entry "
            "of it.",
        ),
        Mistake(
            "blocks-multiplied",
            "two Hessians multiplied",
            "In line 5 you multiplied the sizes of two Hessians. All entries of both arrays are "
            "the inputs of one function: the Hessian has a row and a column for each of them.",
        ),
        Mistake(
            "zeros-not-counted",
            "zeros are entries, too",
            "You counted the entries that are not 0. An array holds its zeros as well: its size "
            "is the product of its shape.",
        ),
        Mistake(
            "outputs-not-counted",
            "the output has an axis, too",
            "Lines 1 and 2 are second derivatives of vectors: beside two axes of the input they "
            "have one of the output.",
        ),
        Mistake(
            "matrix-as-axis",
            "a matrix has m n entries",
            "In line 5 you counted m entries for X. It has m n, and with those of x the input "
            "has n + m n.",
        ),
        Mistake(
            "one-mixed-block",
            "one of the two mixed blocks",
            "In line 5 one block is missing: there are two mixed ones, x with X and X with x.",
        ),
        Mistake(
            "first-derivative-of-product",
            "the first derivative of A @ x",
            "In line 2 you counted the first derivative, the matrix A. The second has the axis "
            "of x once more.",
        ),
        Mistake(
            "zero-counted-as-none",
            "zeros count",
            "In line 2 you counted nothing, since `A @ x` is linear. Its second derivative is "
            "an array of zeros, and zeros count.",
        ),
        Mistake(
            "entry-by-entry",
            "only what is not zero",
            "In line 1 you counted n numbers, those that are not zero. Zeros count: n outputs, "
            "each with two axes of n.",
        ),
        Mistake(
            "axes-once",
            "tanh's output forgotten",
            "In line 1 you counted n². `jnp.tanh(x)` is an array of n numbers, and each of them "
            "has a Hessian of its own, zeros included.",
        ),
        Mistake(
            "one-derivative",
            "one derivative short",
            "You counted the entries of the *first* derivative, out + in. Each further derivative adds "
            "the axes of the input once more.",
            "A function from 3 numbers to 4 has a Jacobian of 12 entries and a second derivative of 36.",
            read=CHAPTER + "#curve-shapes",
        ),
        Mistake(
            "output-forgotten",
            "the outputs were forgotten",
            "For lines 1 and 2 you counted one matrix of second derivatives. Each output has one of its "
            "own: the output's axes stand in front.",
            "A function from 3 numbers to 4 has four matrices of 3 × 3: 36 entries.",
            read=CHAPTER + "#curve-shapes",
        ),
        Mistake(
            "diagonal-only",
            "only the diagonal was counted",
            "In the lines that act on each entry by itself you counted the diagonal. The other entries "
            "are zero, but they are there.",
            "",
            read=CHAPTER + "#curve-hessian",
        ),
        Mistake(
            "product-as-matrix",
            "the product is no matrix",
            "In line 4 you counted the Hessian again. The Hessian *times a tangent* has as many entries "
            "as the tangent.",
            read=CHAPTER + "#curve-hvp",
        ),
        Mistake(
            "mixed-blocks-missing",
            "the mixed blocks",
            "In line 5 you added two Hessians, one for each array. There are two more blocks, in which "
            "one derivative is taken with respect to x and the other with respect to X.",
            "With 3 and 6 entries that is 9 · 9 = 81, not 9 + 36 = 45.",
            read=CHAPTER + "#curve-shapes",
        ),
        Mistake(
            "rows-counted",
            "X has m · n entries",
            "You took X for an input with n entries. It has a shape of (m, n), and so m · n of them.",
            read=CHAPTER + "#curve-shapes",
        ),
    ),
    read=CHAPTER + "#curve-shapes",
)

@jax.jit
def halved(x):
    """Halve until it is short: how many steps that takes depends on the values."""
    long = lambda y: jnp.sum(y**2) > 1
    short = jax.lax.while_loop(long, lambda y: y / 2, x)
    return jnp.sum(jnp.sin(3 * short)) + short[0] * short[1] ** 2


coupled = jax.jit(lambda x: jnp.sum(jnp.sin(x) * jnp.roll(x, 1)) + jnp.prod(x))
exponential = jax.jit(lambda x: jnp.exp(jnp.dot(x, test_array((4,), 7.0)) / 8) * x[0])


def dense_line(f, x, v):
    gradient = jax.jacfwd(f)
    return jnp.dot(gradient(x), v), v @ jax.jacfwd(gradient)(x) @ v


def line(change):
    return lambda f, x, v: change(f, x, v, *dense_line(f, x, v))


def diagonal_line(f, x, v):
    gradient = jax.jacfwd(f)
    return jnp.dot(gradient(x), v), jnp.sum(jnp.diag(jax.jacfwd(gradient)(x)) * v**2)


along = lambda phase: lambda p: {"v": test_array(np.shape(p["x"]), phase)}


def at_rest(answer, arguments):
    """Whether slope and bend are 0 along a line that stays where it is."""
    f, x, v = arguments.values()
    return all(bool(np.all(part == 0)) for part in answer(f, x, 0 * v))


slope_and_bend = Question(
    name="slope_and_bend",
    returns=("slope", "bend"),
    points=(
        {"f": coupled, "x": test_array((3,))},
        {"f": halved, "x": test_array((3,), 1.0, 5.0)},
        {"f": exponential, "x": test_array((4,), 2.0, 30.0)},
    ),
    labels=("a coupled function", "a while loop inside", "an exponential, far out"),
    tangents=(along(0.5), along(2.5)),
    large_points=(2,),
    reference=dense_line,
    requirements=(Requirement("divided-by-length", at_rest),),
    predictions={
        "value-and-bend": Mistake(
            result=line(lambda f, x, v, first, second: (f(x), second)),
        ),
        "at-the-end": Mistake(result=lambda f, x, v: dense_line(f, x + v, v)),
        "slope-held-still": Mistake(result=line(lambda f, x, v, first, second: (first, 0.0))),
        "half-bend": Mistake(result=line(lambda f, x, v, first, second: (first, second / 2))),
        "unit-direction": Mistake(
            result=lambda f, x, v: dense_line(f, x, v / np.linalg.norm(v)),
        ),
        "value-and-slope": Mistake(result=line(lambda f, x, v, first, second: (f(x), first))),
        "diagonal-bend": Mistake(result=diagonal_line),
    },
    mistakes=(
        Mistake(
            "slope-held-still",
            "a slope that does not move",
            "Your bend is 0: the slope that you differentiate does not depend on what moves. "
            "Let it be taken at the point that its argument says, not at x.",
        ),
        Mistake(
            "divided-by-length",
            "a line that does not move",
            "Your numbers are right, except for v = 0. Then φ(t) is f(x) for every t, and slope "
            "and bend are 0. Do you divide by the length of v?",
            "",
            read=CHAPTER + "#curve-bend",
        ),
        Mistake(
            "at-the-end",
            "at t = 1",
            "Your slope and bend are those at x + v, where t is 1. Asked for are those at t = 0.",
        ),
        Mistake(
            "value-and-bend",
            "the value in place of the slope",
            "Your bend is right; in place of the slope stands the value of f.",
        ),
        Mistake(
            "half-bend",
            "the half belongs to the prediction",
            "Your bend is half of the second derivative. The ½ stands in the prediction f + t g·v + "
            "½ t² v·Hv; here the derivative itself is asked for.",
            read=CHAPTER + "#curve-bend",
        ),
        Mistake(
            "unit-direction",
            "the direction was made a unit vector",
            "You divided v by its length. Slope and bend belong to the line x + t v, with v as it is: "
            "twice the v gives twice the slope, and four times the bend.",
            read=CHAPTER + "#curve-bend",
        ),
        Mistake(
            "value-and-slope",
            "one derivative short",
            "You returned the value of f and its slope. Asked for are the slope and the bend: push "
            "the slope forward once more.",
            read=CHAPTER + "#curve-bend",
        ),
        Mistake(
            "diagonal-bend",
            "the mixed derivatives are missing",
            "Your bend adds up v[i]² times the second derivative with respect to x[i] alone. Where "
            "entries of x are coupled, the mixed derivatives count, too.",
            read=CHAPTER + "#curve-bend",
        ),
    ),
    read=CHAPTER + "#curve-bend",
)

@jax.jit
def fit(params, X, y):
    return jnp.mean((jnp.tanh(X @ params["w"] + params["b"]) - y) ** 2)


@jax.jit
def two_layers(params, X, y):
    hidden = jnp.tanh(X @ params["w"])
    return jnp.sum((hidden @ params["b"] - y) ** 2) + jnp.sum(params["b"] ** 4)


@jax.jit
def logistic(params, X, y):
    scores = params["b"] * (X @ params["w"])
    return jnp.sum(jnp.logaddexp(0.0, scores) - y * scores)


def contract(blocks, v, params):
    """Blocks of a Hessian, each contracted with the part of v that it belongs to."""
    result = {}
    for row, line in blocks.items():
        parts = [jnp.tensordot(line[c], v[c], np.ndim(params[c])) for c in line]
        result[row] = sum(parts)
    return result


def dense_loss(loss, params, v, X, y):
    return contract(jax.jacfwd(jax.jacfwd(loss))(params, X, y), v, params)


def loss_diagonal(loss, params, v, X, y):
    blocks = jax.jacfwd(jax.jacfwd(loss))(params, X, y)
    return {n: jnp.tensordot(blocks[n][n], v[n], np.ndim(params[n])) for n in params}


def pushed_gradient(loss, params, v, X, y):
    return jax.jacfwd(loss)(params, X, y), dense_loss(loss, params, v, X, y)


def with_data(loss, params, v, X, y):
    """The product, and what comes from data that move along ones."""
    shifted = lambda t: jax.jacfwd(loss)(params, X + t, y + t)
    moved = jax.jvp(shifted, (0.0,), (1.0,))[1]
    return jax.tree.map(jnp.add, dense_loss(loss, params, v, X, y), moved)


def form(loss, params, v, X, y):
    product = dense_loss(loss, params, v, X, y)
    return sum(jnp.vdot(product[n], v[n]) for n in params)


def gradient_times_slope(loss, params, v, X, y):
    g = jax.jacfwd(loss)(params, X, y)
    slope = sum(jnp.vdot(g[name], v[name]) for name in g)
    return jax.tree.map(lambda leaf: slope * leaf, g)


def gradient_times(loss, params, v, X, y):
    return jax.tree.map(jnp.multiply, jax.jacfwd(loss)(params, X, y), v)


def dict_tangent(phase):
    def tangent(p):
        shapes = {n: np.shape(leaf) for n, leaf in p["params"].items()}
        return {"v": {n: test_array(s, phase + i) for i, (n, s) in enumerate(shapes.items())}}

    return tangent


def with_argument_order(point):
    """The arguments in the order of the question: v stands before the data."""
    return lambda loss, params, X, y, v: point(loss, params, v, X, y)


def in_order(answer):
    """The arguments in the order of the question, with the keys of v in another one."""
    turned = lambda v: dict(reversed(v.items()))
    return lambda loss, params, X, y, v: answer(loss, params, turned(v), X, y)


def moved_difference(loss, params, v, X, y):
    """The difference of two gradients, v apart."""
    slopes = jax.jacfwd(loss)
    moved = jax.tree.map(lambda p, d: p + d, params, v)
    return jax.tree.map(lambda a, b: a - b, slopes(moved, X, y), slopes(params, X, y))


def slope_along(loss, params, v, X, y):
    slopes = jax.jacfwd(loss)(params, X, y)
    return sum(jnp.vdot(slopes[name], v[name]) for name in params)


loss_hvp = Question(
    name="loss_hvp",
    returns="product",
    call="loss_hvp(loss, params, v, X, y)",
    adapt=in_order,
    points=(
        {
            "loss": fit,
            "params": {"w": test_array((3,), 1.0), "b": 0.25},
            "X": test_array((5, 3)),
            "y": test_array((5,), 2.0),
        },
        {
            "loss": two_layers,
            "params": {"w": test_array((2, 3), 3.0), "b": test_array((3,), 4.0)},
            "X": test_array((4, 2), 5.0),
            "y": test_array((4,), 6.0),
        },
        {
            "loss": logistic,
            "params": {"w": test_array((3,), 7.0, 2.0), "b": 1.5},
            "X": test_array((4, 3), 8.0, 5.0),
            "y": np.array([0.0, 1.0, 1.0, 0.0]),
        },
    ),
    labels=("a fit of 4 parameters", "two layers", "a logistic loss of large scores"),
    tangents=(dict_tangent(0.5), dict_tangent(1.75)),
    large_points=(2,),
    reference=with_argument_order(dense_loss),
    predictions={
        "gradient-for-product": Mistake(
            result=with_argument_order(lambda loss, params, v, X, y: jax.jacfwd(loss)(params, X, y))
        ),
        "point-and-tangent-swapped": Mistake(
            result=with_argument_order(
                lambda loss, params, v, X, y: dense_loss(loss, v, params, X, y)
            )
        ),
        "value-and-tangent": Mistake(result=with_argument_order(pushed_gradient)),
        "data-move": Mistake(result=with_argument_order(with_data)),
        "cross-blocks-missing": Mistake(result=with_argument_order(loss_diagonal)),
        "quadratic-form": Mistake(result=with_argument_order(form)),
        "gradient-product": Mistake(result=with_argument_order(gradient_times)),
        "difference-of-gradients": Mistake(result=with_argument_order(moved_difference)),
        "slope-along-v": Mistake(result=with_argument_order(slope_along)),
        "outer-of-gradient": Mistake(result=with_argument_order(gradient_times_slope)),
    },
    mistakes=(
        Mistake(
            "paired-by-place",
            "paired by place, not by name",
            "You paired the arrays of v and of params by their place in the dicts. Two dicts with "
            "the same keys may hold them in another order: look them up by name, `v[name]`, or "
            "leave it to `jvp`, which takes dicts as they are.",
            "",
            raised=(
                "ValueError: jvp called with different primal and tangent shapes",
                "TypeError: primal and tangent arguments to jax.jvp",
            ),
            code=r"\.values\(\)",
        ),
        Mistake(
            "difference-of-gradients",
            "a difference of gradients",
            "Your product is the gradient at params + v minus that at params. That is a "
            "difference quotient with the step 1; the derivative is asked for.",
        ),
        Mistake(
            "slope-along-v",
            "the slope along v",
            "Your result is a number, the slope of the loss along v. Asked for is how the "
            "*gradient* changes along v: a dict like params.",
        ),
        Mistake(
            "point-and-tangent-swapped",
            "point and tangent have changed places",
            "Your Hessian is taken at v, and multiplied with the parameters. The point comes "
            "first, then the tangent: `jvp(gradient, (params,), (v,))`.",
        ),
        Mistake(
            "gradient-for-product",
            "the gradient itself",
            "You returned the gradient of the loss. `jvp` gives two things: the gradient, and "
            "how it moves along v. The second is asked for.",
        ),
        Mistake(
            "value-and-tangent",
            "the gradient as well",
            "You returned what `jvp` returns: the gradient, and its tangent. The product is the second "
            "of the two.",
            "",
            read=CHAPTER + "#curve-hvp",
        ),
        Mistake(
            "data-move",
            "the data move, too",
            "Your result holds what comes when X and y move as well. Only the parameters should: close "
            "over the data, or give them tangents of zeros.",
            "",
            read=CHAPTER + "#curve-hvp",
        ),
        Mistake(
            "cross-blocks-missing",
            "each parameter by itself",
            "You multiplied the Hessian of each parameter by itself with its own part of v. The mixed "
            "blocks are missing: when one array moves, the gradient of the others changes, too.",
            "",
            read=CHAPTER + "#curve-shapes",
        ),
        Mistake(
            "quadratic-form",
            "a number instead of a dict",
            "You returned the curvature along v, which is v · Hv. Asked for is Hv itself.",
            "",
            read=CHAPTER + "#curve-hvp",
        ),
        Mistake(
            "gradient-product",
            "first derivatives only",
            "You multiplied the gradient with v, entry by entry. Second derivatives say how the gradient "
            "changes: push it forward along v.",
            "",
            read=CHAPTER + "#curve-hvp",
        ),
        Mistake(
            "outer-of-gradient",
            "the gradient times the slope",
            "You multiplied the gradient with the slope g·v. The Hessian is the "
            "derivative of the gradient, not its product with itself.",
        ),
    ),
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {
                "loss": lambda params, X, y: jnp.sum((X @ params["w"] - y) ** 4),
                "params": {"w": test_array((64,))},
                "X": test_array((2, 64), 1.0),
                "y": test_array((2,), 2.0),
                "v": {"w": test_array((64,), 3.0)},
            },
            largest=64 * 64 - 1,
            size="n = 64",
        ),
    ),
    read=CHAPTER + "#curve-hvp",
)

meeting = jax.jit(lambda a, b: jnp.sum(jnp.sin(a[:, None] * b) * jnp.exp(b / 4)) + jnp.prod(a))
rows = jax.jit(lambda a, b: jnp.sum(jnp.tanh(a @ b) ** 2) + jnp.sum(a**3) + jnp.sum(b**4))
same = jax.jit(lambda a, b: jnp.dot(a**2, jnp.cos(b)) * a[0] + jnp.sum(b) ** 3)


def dense_mixed(f, a, b, v):
    return jnp.tensordot(jax.jacfwd(jax.jacfwd(f), argnums=1)(a, b), v, np.ndim(b))


def own_block(f, a, b, v):
    return jnp.tensordot(jax.jacfwd(jax.jacfwd(f, argnums=1), argnums=1)(a, b), v, np.ndim(b))


def b_slope(f, a, b, v):
    return jnp.tensordot(jax.jacfwd(f, argnums=1)(a, b), v, np.ndim(b))


def a_too(f, a, b, v):
    ones = jnp.tensordot(jax.jacfwd(jax.jacfwd(f))(a, b), np.ones(np.shape(a)), np.ndim(a))
    return dense_mixed(f, a, b, v) + ones


b_tangent = lambda phase: lambda p: {"v": test_array(np.shape(p["b"]), phase)}

mixed_product = Question(
    name="mixed_product",
    returns="product",
    points=(
        {"f": meeting, "a": test_array((3,)), "b": test_array((2,), 1.0)},
        {"f": rows, "a": test_array((2, 3), 2.0), "b": test_array((3,), 3.0)},
        {"f": same, "a": test_array((3,), 4.0, 40.0), "b": test_array((3,), 5.0)},
        {"f": rows, "a": test_array((2,), 6.0), "b": test_array((2, 3), 7.0)},
    ),
    labels=(
        "a of shape (3,), b of shape (2,)",
        "a of shape (2, 3), b of shape (3,)",
        "both (3,)",
        "a of shape (2,), b of shape (2, 3)",
    ),
    tangents=(b_tangent(0.5), b_tangent(2.5)),
    shape_of={"product": "a"},
    large_points=(2,),
    reference=dense_mixed,
    requirements=(linear_in("v"),),
    predictions={
        "other-argument": Mistake(result=own_block),
        "slope-of-b": Mistake(result=b_slope),
        "b-does-not-move": Mistake(result=lambda f, a, b, v: jnp.zeros(np.shape(a))),
        "gradient-added": Mistake(
            result=lambda f, a, b, v: dense_mixed(f, a, b, v) + jax.jacfwd(f)(a, b)
        ),
        "gradients-multiplied": Mistake(
            result=lambda f, a, b, v: jax.jacfwd(f)(a, b) * b_slope(f, a, b, v)
        ),
        "gradient-of-a": Mistake(result=lambda f, a, b, v: jax.jacfwd(f)(a, b)),
        "both-move": Mistake(result=a_too),
    },
    mistakes=(
        Mistake(
            "vectors-alone",
            "right for vectors only",
            "`@` gives a number for two vectors, and a matrix for two matrices; b may be either. "
            "`jnp.vdot(…, v)` adds up all products, whatever the shape.",
            "",
            raised=(
                "TypeError: Gradient only defined for scalar-output",
                "TypeError: contracting dimensions to have the same shape",
            ),
            code=r"@\s*v\b|\bv\s*@|\bdot\(",
        ),
        Mistake(
            "gradient-added",
            "the gradient was added",
            "Your result is the right one plus the gradient with respect to a. Asked for is its "
            "change alone.",
        ),
        Mistake(
            "b-does-not-move",
            "nothing moves",
            "Your result is 0: the gradient that you push does not depend on what moves. Let it "
            "take b as its argument.",
        ),
        Mistake(
            "other-argument",
            "the gradient of the other argument",
            "You looked at the gradient with respect to b while b moves: that is the block of b with "
            "itself. Asked for is how the gradient with respect to *a* changes.",
            "",
            read=CHAPTER + "#curve-shapes",
        ),
        Mistake(
            "slope-of-b",
            "one derivative short",
            "You returned the slope of f along v, a number. Take the gradient with respect to a of it.",
            "",
            read=CHAPTER + "#curve-four",
        ),
        Mistake(
            "gradients-multiplied",
            "two first derivatives",
            "You multiplied the gradient with respect to a with the slope along v. A second derivative "
            "is the derivative of a derivative, not a product of two.",
            read=CHAPTER + "#curve-hvp",
        ),
        Mistake(
            "gradient-of-a",
            "the value, not its tangent",
            "You returned the gradient with respect to a. `jvp` gives two things, the value and the "
            "tangent: how the gradient changes is the second.",
            read=CHAPTER + "#curve-hvp",
        ),
        Mistake(
            "both-move",
            "a moves, too",
            "Your result holds what comes when every entry of a moves as well. Only b should: give a a "
            "tangent of zeros, or close over it.",
            read=CHAPTER + "#curve-hvp",
        ),
    ),
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {
                "f": lambda a, b: jnp.sum(jnp.sin(a) * b),
                "a": test_array((64,)),
                "b": test_array((64,), 1.0),
                "v": test_array((64,), 2.0),
            },
            largest=64 * 64 - 1,
            size="n = 64",
        ),
    ),
    read=CHAPTER + "#curve-hvp",
)

MIX = test_array((4, 3), 0.25)
bent_model = jax.jit(lambda x: jnp.sin(MIX @ x) + jnp.sum(x**2))
softmax_loss = jax.jit(lambda z: jnp.log(jnp.sum(jnp.exp(z))) - z[1])
quartic = jax.jit(lambda z: jnp.sum(z**4) + z[0] * z[1])
decay = jax.jit(lambda x: x[0] * jnp.exp(-x[1] * jnp.linspace(0.0, 2.0, 5)))
robust = jax.jit(lambda z: jnp.sum(jnp.sqrt(1 + (z - 1) ** 2)))


def dense_curvature(model, loss, x, v):
    J = jax.jacfwd(model)(x)
    return J.T @ (jax.jacfwd(jax.jacfwd(loss))(model(x)) @ (J @ v))


def whole(model, loss, x, v):
    return jax.jacfwd(jax.jacfwd(lambda x: loss(model(x))))(x) @ v


def plain_squares(model, loss, x, v):
    J = jax.jacfwd(model)(x)
    return J.T @ (J @ v)


def pulled_gradient(model, loss, x, v):
    return jax.jacfwd(loss)(model(x)) @ jax.jacfwd(model)(x)


def at_the_tangent(model, loss, x, v):
    J = jax.jacfwd(model)(x)
    return J.T @ (jax.jacfwd(jax.jacfwd(loss))(J @ v) @ (J @ v))


x_tangent = lambda phase: lambda p: {"v": test_array(np.shape(p["x"]), phase)}

curvature_product = Question(
    name="curvature_product",
    returns="product",
    points=(
        {"model": bent_model, "loss": softmax_loss, "x": test_array((3,))},
        {"model": bent_model, "loss": quartic, "x": test_array((3,), 1.0)},
        {"model": decay, "loss": robust, "x": np.array([40.0, 0.5])},
    ),
    labels=("a softmax loss", "a quartic loss", "a decay with a robust loss"),
    tangents=(x_tangent(0.5), x_tangent(2.5)),
    shape_of={"product": "x"},
    large_points=(2,),
    reference=dense_curvature,
    requirements=(linear_in("v"),),
    predictions={
        "loss-forgotten": Mistake(result=plain_squares),
        "whole-hessian": Mistake(result=whole),
        "not-pulled-back": Mistake(
            result=lambda model, loss, x, v: (
                jax.jacfwd(jax.jacfwd(loss))(model(x)) @ (jax.jacfwd(model)(x) @ v)
            )
        ),
        "gradient-pulled-back": Mistake(result=pulled_gradient),
        "point-and-tangent-swapped": Mistake(
            result=lambda model, loss, x, v: dense_curvature(model, loss, v, x)
        ),
        "bent-at-the-tangent": Mistake(result=at_the_tangent),
    },
    mistakes=(
        Mistake(
            "point-and-tangent-swapped",
            "point and tangent have changed places",
            "Your product is taken at v, along x. The point comes first, then the tangent: "
            "`jvp(model, (x,), (v,))`.",
        ),
        Mistake(
            "loss-forgotten",
            "the loss is missing",
            "You pushed v through the model and pulled it back: that is JᵀJv, which belongs to half a "
            "sum of squares. Between the two, multiply with the Hessian of this loss.",
            read=CHAPTER + "#curve-gauss",
        ),
        Mistake(
            "whole-hessian",
            "the whole Hessian",
            "You multiplied with the Hessian of loss(model(x)). It has a second part, with the second "
            "derivatives of the model; the Gauss–Newton matrix leaves that out.",
            read=CHAPTER + "#curve-gauss",
        ),
        Mistake(
            "not-pulled-back",
            "not pulled back",
            "Your result lives where the model's output lives. Pull it back to the shape of x.",
            "",
            read=CHAPTER + "#curve-gauss",
        ),
        Mistake(
            "gradient-pulled-back",
            "the gradient",
            "You pulled back the gradient of the loss: that is the gradient of loss(model(x)), and does "
            "not depend on v. Pull back the Hessian of the loss times Jv.",
            read=CHAPTER + "#curve-gauss",
        ),
        Mistake(
            "bent-at-the-tangent",
            "the Hessian at another place",
            "You took the Hessian of the loss at Jv. It belongs at the model's output z = model(x); Jv "
            "is the direction.",
            read=CHAPTER + "#curve-gauss",
        ),
    ),
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {
                "model": jnp.sin,
                "loss": lambda z: jnp.sum(z**4),
                "x": test_array((64,)),
                "v": test_array((64,), 1.0),
            },
            largest=64 * 64 - 1,
            size="n = 64",
        ),
    ),
    read=CHAPTER + "#curve-gauss",
)

def signs(shape, phase):
    return np.sign(test_array(shape, phase))


ring = jax.jit(lambda x: jnp.sum(jnp.sin(x) * jnp.roll(x, 1) ** 2))
valley = jax.jit(lambda x: jnp.sum((x[1:] - x[:-1] ** 2) ** 2) + jnp.sum(jnp.cos(x)))
steep = jax.jit(lambda x: jnp.exp(jnp.dot(x, test_array((3,), 7.0)) / 20) + jnp.prod(x))


def probe_table(f, x, probes):
    """What each probe gives, by the whole Hessian."""
    return probes * (probes @ jax.jacfwd(jax.jacfwd(f))(x).T)


def of_table(change):
    return lambda f, x, probes: change(probe_table(f, x, probes))


def true_diagonal(f, x, probes):
    return jnp.diag(jax.jacfwd(jax.jacfwd(f))(x))


def averaged_first(f, x, probes):
    return probe_table(f, x, np.mean(probes, axis=0)[None])[0]


diagonal_estimate = Question(
    name="diagonal_estimate",
    returns="estimate",
    points=(
        {"f": ring, "x": test_array((4,)), "probes": signs((3, 4), 1.0)},
        {"f": valley, "x": test_array((5,), 2.0), "probes": signs((7, 5), 3.0)},
        {"f": steep, "x": test_array((3,), 4.0, 50.0), "probes": signs((2, 3), 5.5)},
    ),
    labels=("3 probes of 4 signs", "7 probes of 5 signs", "2 probes of 3 signs"),
    large_points=(2,),
    shape_of={"estimate": "x"},
    reference=of_table(lambda table: table.mean(axis=0)),
    predictions={
        "trace-in-every-entry": Mistake(
            result=of_table(lambda table: np.full(table.shape[1], table.sum(axis=1).mean()))
        ),
        "exact-diagonal": Mistake(result=true_diagonal),
        "not-multiplied": Mistake(
            result=lambda f, x, probes: jnp.mean(probe_table(f, x, probes) / probes, axis=0)
        ),
        "trace-estimate": Mistake(result=of_table(lambda table: table.sum(axis=1).mean())),
        "mean-probe-first": Mistake(result=averaged_first),
        "summed-not-averaged": Mistake(result=of_table(lambda table: table.sum(axis=0))),
        "gradient-for-product": Mistake(
            result=lambda f, x, probes: jnp.mean(probes, axis=0) * jax.jacfwd(f)(x)
        ),
        "sizes-averaged": Mistake(
            result=lambda f, x, probes: jnp.mean(jnp.abs(probe_table(f, x, probes)), axis=0)
        ),
        "not-averaged": Mistake(result=probe_table),
        "one-number": Mistake(result=of_table(lambda table: table.mean())),
        "one-probe": Mistake(result=of_table(lambda table: table[0])),
        "mean-over-entries": Mistake(result=of_table(lambda table: table.mean(axis=1))),
    },
    mistakes=(
        Mistake(
            "trace-in-every-entry",
            "a product of vectors",
            "Every entry of yours is z · Hz: that is one number for each probe, and estimates the "
            "*trace*. For the diagonal multiply entry by entry, z * Hz.",
        ),
        Mistake(
            "one-number",
            "one number for all entries",
            "You took the mean over everything. Take it over the probes alone: axis 0.",
        ),
        Mistake(
            "not-averaged",
            "one row for each probe",
            "You returned what each probe gives. Take the mean over the rows.",
        ),
        Mistake(
            "sizes-averaged",
            "the signs are lost",
            "You averaged absolute values. What cancels on average are terms of both signs: "
            "keep them.",
        ),
        Mistake(
            "gradient-for-product",
            "the gradient in place of Hz",
            "You multiplied z with the gradient. `jvp` of the gradient gives two things: the "
            "gradient, and Hz. The second is meant.",
        ),
        Mistake(
            "exact-diagonal",
            "the diagonal itself",
            "You returned the exact diagonal, whatever the probes are. Asked for is what these probes "
            "estimate: it takes a product for each probe, and no Hessian.",
            read=CHAPTER + "#curve-trace",
        ),
        Mistake(
            "not-multiplied",
            "not multiplied with the probe",
            "You averaged Hz. Its expected value is 0, since each sign is + as often as −. Multiply with "
            "z, entry by entry, first.",
            read=CHAPTER + "#curve-trace",
        ),
        Mistake(
            "trace-estimate",
            "the trace instead of the diagonal",
            "You added up the entries of z ∘ Hz: that estimates the trace, the sum of the diagonal. Leave "
            "the entries apart.",
            "",
            read=CHAPTER + "#curve-trace",
        ),
        Mistake(
            "mean-probe-first",
            "the mean of the probes",
            "You averaged the probes and then took one product. The estimate is quadratic in z: take z ∘ "
            "Hz for each probe, and the mean of these.",
            read=CHAPTER + "#curve-trace",
        ),
        Mistake(
            "summed-not-averaged",
            "a sum for a mean",
            "You added what the probes give. Divide by the number of probes.",
            read=CHAPTER + "#curve-trace",
        ),
        Mistake(
            "one-probe",
            "only the first probe",
            "Your result is that of the first probe alone. Take the mean over all rows of probes.",
            read=CHAPTER + "#curve-trace",
        ),
        Mistake(
            "mean-over-entries",
            "the mean over the wrong axis",
            "You took the mean over the entries, one number for each probe. Take it over the probes: axis "
            "0.",
            "",
            read=CHAPTER + "#curve-trace",
        ),
    ),
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {
                "f": ring,
                "x": test_array((64,)),
                "probes": signs((2, 64), 1.0),
            },
            largest=64 * 64 - 1,
            size="n = 64",
        ),
    ),
    read=CHAPTER + "#curve-trace",
)

def powers(f, x, v, steps, end):
    H = jax.jacfwd(jax.jacfwd(f))(x)
    for _ in range(steps):
        v = H @ v / jnp.linalg.norm(H @ v)
    return end(H, v)


rayleigh = lambda H, v: v @ H @ v / (v @ v)


def largest_eigenvalue(f, x, v, steps):
    values = jnp.linalg.eigvalsh(jax.jacfwd(jax.jacfwd(f))(x))
    return values[jnp.argmax(jnp.abs(values))]


def divided(by):
    """Power iteration that divides by something else than the length of Hv."""

    def curvature(f, x, v, steps):
        H = jax.jacfwd(jax.jacfwd(f))(x)
        for _ in range(steps):
            v = H @ v / by(H @ v, v)
        return v @ H @ v

    return curvature


def without_length(f, x, v, steps):
    H = jax.jacfwd(jax.jacfwd(f))(x)
    for _ in range(steps):
        v = H @ v
    return v @ H @ v


sharpness = Question(
    name="sharpness",
    returns="curvature",
    points=(
        {"f": ring, "x": test_array((4,)), "v": test_array((4,), 1.0), "steps": 1},
        {"f": valley, "x": test_array((5,), 2.0), "v": test_array((5,), 3.0), "steps": 4},
        {"f": steep, "x": test_array((3,), 4.0, 50.0), "v": test_array((3,), 5.0), "steps": 3},
    ),
    labels=("a ring of 4, one step", "a valley of 5, 4 steps", "a steep function, 3 steps"),
    large_points=(2,),
    reference=lambda f, x, v, steps: powers(f, x, v, steps, rayleigh),
    predictions={
        "product-of-the-step-before": Mistake(
            result=lambda f, x, v, steps: powers(
                f, x, v, steps - 1, lambda H, v: jnp.linalg.norm(H @ v)
            )
        ),
        "norm-as-answer": Mistake(
            result=lambda f, x, v, steps: powers(
                f, x, v, steps, lambda H, v: jnp.linalg.norm(H @ v)
            )
        ),
        "one-step-short": Mistake(
            result=lambda f, x, v, steps: powers(f, x, v, steps - 1, rayleigh)
        ),
        "one-step-more": Mistake(
            result=lambda f, x, v, steps: powers(f, x, v, steps + 1, rayleigh)
        ),
        "length-not-one": Mistake(result=without_length),
        "one-step": Mistake(result=lambda f, x, v, steps: powers(f, x, v, 1, rayleigh)),
        "gradient-for-product": Mistake(
            result=lambda f, x, v, steps: (
                jax.jacfwd(f)(x) @ jax.jacfwd(f)(x) / jnp.linalg.norm(jax.jacfwd(f)(x))
            )
        ),
        "other-divisor": Mistake(result=divided(lambda w, v: w @ w)),
        "old-length": Mistake(result=divided(lambda w, v: jnp.linalg.norm(v))),
        "largest-entry": Mistake(result=divided(lambda w, v: jnp.max(jnp.abs(w)))),
        "direction-returned": Mistake(
            result=lambda f, x, v, steps: powers(f, x, v, steps, lambda H, v: v)
        ),
        "exact-eigenvalue": Mistake(result=largest_eigenvalue),
        "sum-for-length": Mistake(result=divided(lambda w, v: jnp.sum(jnp.abs(w)))),
        "start-vector": Mistake(
            result=lambda f, x, v, steps: powers(f, x, v, 0, lambda H, v: v @ H @ v)
        ),
        "size-of-curvature": Mistake(
            result=lambda f, x, v, steps: abs(powers(f, x, v, steps, rayleigh))
        ),
        "gradient-along-v": Mistake(
            result=lambda f, x, v, steps: powers(f, x, v, steps, lambda H, v: jax.jacfwd(f)(x) @ v)
        ),
    },
    mistakes=(
        Mistake(
            "product-of-the-step-before",
            "a product with an older vector",
            "You multiplied the new v with the product of the one before it, so that what you return is "
            "the length of Hv. The curvature along v is v · Hv with one and the same v: take the product "
            "once more after the last step.",
        ),
        Mistake(
            "sum-for-length",
            "the sum for the length",
            "You divided by the sum of the absolute values. The length is the root of the sum of "
            "squares.",
        ),
        Mistake(
            "start-vector",
            "the curvature of the start",
            "Your curvature is that along the v that you were given: the iteration does not reach "
            "the result.",
        ),
        Mistake(
            "size-of-curvature",
            "the sign is lost",
            "Your result is the size of the curvature. v · Hv is negative where the function "
            "bends down.",
        ),
        Mistake(
            "gradient-along-v",
            "the slope for the curvature",
            "Your result is the slope along the last vector, g · v. The curvature is v · Hv.",
        ),
        Mistake(
            "largest-entry",
            "divided by the largest entry",
            "You divided Hv by its largest entry. Then v has not the length 1, and v · Hv is "
            "not the curvature along it.",
        ),
        Mistake(
            "old-length",
            "divided by the length of v",
            "You divided Hv by the length of v. The new vector is Hv: divide by the length of "
            "Hv, so that it gets the length 1.",
        ),
        Mistake(
            "other-divisor",
            "divided by the squared length",
            "You divided Hv by the square of its length. Then v has not the length 1.",
        ),
        Mistake(
            "gradient-for-product",
            "the gradient in place of Hv",
            "You used the gradient where Hv belongs. `jvp` of the gradient gives two things: "
            "the gradient, and Hv. The second is meant.",
        ),
        Mistake(
            "one-step",
            "one step alone",
            "Your result is that of a single step, whatever `steps` is: the loop ends in its "
            "first iteration.",
        ),
        Mistake(
            "norm-as-answer",
            "the length for the curvature",
            "You returned the length of Hv. That has lost its sign, and it is less exact than v · Hv.",
            read=CHAPTER + "#curve-trace",
        ),
        Mistake(
            "one-step-short",
            "one step too few",
            "Your result is right after one step fewer. `steps` counts the replacements of v.",
            read=CHAPTER + "#curve-trace",
        ),
        Mistake(
            "one-step-more",
            "one step too many",
            "Your result is right after one step more. `steps` counts the replacements of v; the last "
            "product only measures.",
            read=CHAPTER + "#curve-trace",
        ),
        Mistake(
            "length-not-one",
            "the length is not 1",
            "You never divided by the length: your number grows with every step. The curvature along a "
            "direction belongs to a vector of length 1.",
            read=CHAPTER + "#curve-bend",
        ),
        Mistake(
            "direction-returned",
            "the direction, not the curvature",
            "You returned the vector. Asked for is the curvature along it, the number v · Hv.",
            "",
            read=CHAPTER + "#curve-bend",
        ),
        Mistake(
            "exact-eigenvalue",
            "the eigenvalue itself",
            "You computed the exact eigenvalue, by building the Hessian. Asked for is what power "
            "iteration has reached after so many steps.",
            read=CHAPTER + "#curve-trace",
        ),
    ),
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {
                "f": ring,
                "x": test_array((64,)),
                "v": test_array((64,), 1.0),
                "steps": 2,
            },
            largest=64 * 64 - 1,
            size="n = 64",
        ),
    ),
    read=CHAPTER + "#curve-trace",
)

def to_vector(params):
    return np.concatenate([np.ravel(params[name]) for name in params])


def to_dict(vector, params):
    result, start = {}, 0
    for name, leaf in params.items():
        size = int(np.size(leaf))
        result[name] = jnp.reshape(vector[start : start + size], np.shape(leaf))
        start += size
    return result


def gradient_and_hessian(f, params):
    flat = lambda vector: f(to_dict(vector, params))
    at = jnp.asarray(to_vector(params))
    return jax.jacfwd(flat)(at), jax.jacfwd(jax.jacfwd(flat))(at)


def dense_step(f, params, damping, sign=-1.0, factor=1.0):
    g, H = gradient_and_hessian(f, params)
    s = np.linalg.solve(np.asarray(H) + factor * damping * np.eye(g.size), sign * np.asarray(g))
    return to_dict(s, params)


def step_by_blocks(f, params, damping):
    result = {}
    for name in params:
        one = lambda leaf, name=name: f({**params, name: leaf["leaf"]})
        result[name] = dense_step(one, {"leaf": params[name]}, damping)["leaf"]
    return result


def by_damping(f, params, damping):
    g, _ = gradient_and_hessian(f, params)
    return to_dict(-g / damping, params)


def both_sides_damped(f, params, damping):
    g, H = gradient_and_hessian(f, params)
    right = -np.asarray(g) - damping * to_vector(params)
    return to_dict(np.linalg.solve(np.asarray(H) + damping * np.eye(g.size), right), params)


def moved(f, params, damping):
    step = dense_step(f, params, damping)
    return {name: params[name] + step[name] for name in params}


@jax.jit
def basin(p):
    return jnp.sum(p["w"] ** 4) + jnp.sum((p["w"] - p["b"]) ** 2) + p["b"] ** 2


@jax.jit
def matrix_fit(p):
    squares = jnp.sum(p["w"] ** 2) + jnp.sum(p["b"] ** 2)
    return jnp.sum((p["w"] @ p["b"] - 1.0) ** 2) + 2 * squares


@jax.jit
def far_basin(p):
    return jnp.sum(jnp.sqrt(1 + p["w"] ** 2)) * 10 + jnp.sum((p["w"][0] - p["b"]) ** 2)


newton_direction = Question(
    name="newton_direction",
    returns="step",
    points=(
        {"f": basin, "params": {"w": test_array((3,)), "b": 0.5}, "damping": 0.25},
        {
            "f": matrix_fit,
            "params": {"w": test_array((2, 2), 1.0, 0.5), "b": test_array((2,), 2.0, 0.5)},
            "damping": 3.0,
        },
        {
            "f": far_basin,
            "params": {"w": test_array((2,), 3.0, 30.0), "b": test_array((2,), 4.0, 20.0)},
            "damping": 1.5,
        },
    ),
    labels=("a basin", "a matrix and a vector", "a basin, far out"),
    large_points=(2,),
    reference=dense_step,
    rtol=1e-6,
    rtol32=2e-3,
    predictions={
        "uphill": Mistake(result=lambda f, params, d: dense_step(f, params, d, sign=1.0)),
        "no-damping": Mistake(result=lambda f, params, d: dense_step(f, params, d, factor=0.0)),
        "pair-returned": Mistake(result=lambda f, params, d: (dense_step(f, params, d), None)),
        "gradient-step": Mistake(result=by_damping),
        "steepest-descent": Mistake(
            result=lambda f, params, d: to_dict(-gradient_and_hessian(f, params)[0], params)
        ),
        "damping-subtracted": Mistake(
            result=lambda f, params, d: dense_step(f, params, d, factor=-1.0)
        ),
        "right-side-damped": Mistake(result=both_sides_damped),
        "each-parameter-alone": Mistake(result=step_by_blocks),
        "new-parameters": Mistake(result=moved),
    },
    mistakes=(
        Mistake(
            "product-as-matrix",
            "a product in place of a function",
            "`cg` wants the function that multiplies with the matrix, and you gave it something "
            "else. It will be called with vectors of its own: a dict like params goes in, and one "
            "comes out.",
            raised=("TypeError: linear operator must be either a function or ndarray",),
            example="",
        ),
        Mistake(
            "dict-arithmetic",
            "a dict in place of its arrays",
            "You calculate with a whole dict. Do it for every array in it: `olympus.tree.map`.",
            raised=(
                "TypeError: for unary -: 'dict'",
                "TypeError: and 'dict'",
                "TypeError: 'dict' and",
            ),
            example="",
        ),
        Mistake(
            "right-side-damped",
            "damping on the right-hand side, too",
            "You subtracted damping times the parameters from the right-hand side. Damping "
            "belongs to the matrix alone.",
        ),
        Mistake(
            "damping-subtracted",
            "damping subtracted",
            "You solved with H − λ I. Damping is added: it makes the matrix positive.",
        ),
        Mistake(
            "steepest-descent",
            "minus the gradient",
            "You returned −g, the right-hand side. It still has to be solved for s: (H + λ I) s "
            "= −g.",
        ),
        Mistake(
            "uphill",
            "uphill",
            "Your step is the right one with the opposite sign: it goes uphill. The right-hand side is "
            "minus the gradient.",
            "",
            read=CHAPTER + "#curve-newton",
        ),
        Mistake(
            "no-damping",
            "the damping is missing",
            "You solved H s = −g. The question asks for H + λ I: add damping times v to each product.",
            "",
            read=CHAPTER + "#curve-newton",
        ),
        Mistake(
            "pair-returned",
            "the pair that cg returns",
            "`cg` returns the solution and some information. Only the solution is asked for: its first "
            "item.",
            "",
            read=CHAPTER + "#curve-newton",
        ),
        Mistake(
            "gradient-step",
            "a step of gradient descent",
            "Your step is −g/λ. That is what a very large damping would leave of Newton's step: the Hessian "
            "is missing.",
            "",
            read=CHAPTER + "#curve-newton",
        ),
        Mistake(
            "each-parameter-alone",
            "each parameter by itself",
            "You solved for each array alone. The mixed blocks of the Hessian couple them: solve for the "
            "whole dict at once.",
            "",
            read=CHAPTER + "#curve-shapes",
        ),
        Mistake(
            "new-parameters",
            "the parameters after the step",
            "You returned params + s. Asked for is the step s.",
            "",
            read=CHAPTER + "#curve-newton",
        ),
    ),
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {
                "f": lambda p: (
                    jnp.sum(p["w"] ** 4) + jnp.sum(p["w"] * p["u"]) + jnp.sum(p["u"] ** 2)
                ),
                "params": {"w": test_array((40,)), "u": test_array((40,), 1.0)},
                "damping": 3.0,
            },
            largest=40 * 40 - 1,
            size="80 parameters",
        ),
    ),
    read=CHAPTER + "#curve-newton",
)
