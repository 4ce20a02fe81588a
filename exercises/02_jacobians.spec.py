"""The specifications of 02_jacobians.md, released from solutions/02_jacobians.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import CostLimit, Mistake, Question, test_array

CHAPTER = "book/02_jacobians.md"


def measured(b, a, c):
    """Rows and columns, from the Jacobians themselves."""
    x, W = np.ones((int(b), int(a))), np.ones((int(a), int(c)))
    cases = (
        (lambda x: x.sum(), x),
        (lambda x: x.sum(axis=0), x),
        (jnp.tanh, x),
        (lambda x: x @ W, x),
        (lambda W: x @ W, W),
        (lambda x: x[0], x),
    )
    table = [(np.size(jax.jacfwd(f)(z)) // z.size, z.size) for f, z in cases]
    return np.array(table, float)


def changed(*entries):
    """The right sizes with some lines replaced: (line, rows, columns) as functions of b, a, c."""

    def result(b, a, c):
        table = measured(b, a, c)
        for line, rows, columns in entries:
            table[line] = rows(b, a, c), columns(b, a, c)
        return table

    return result


x_size, W_size = lambda b, a, c: b * a, lambda b, a, c: a * c

sizes = Question(
    name="sizes",
    returns="sizes",
    points=({"b": 5, "a": 3, "c": 4}, {"b": 2, "a": 7, "c": 3}, {"b": 30, "a": 20, "c": 10}),
    labels=("b = 5, a = 3, c = 4", "b = 2, a = 7, c = 3", "b = 30, a = 20, c = 10"),
    large_points=(2,),
    reference=measured,
    predictions={
        "rows-for-inputs": Mistake(result=lambda b, a, c: measured(b, a, c)[:, ::-1]),
        "axis-unsummed": Mistake(result=changed((1, lambda b, a, c: b, x_size))),
        "diagonal-stored": Mistake(result=changed((2, lambda b, a, c: 1, x_size))),
        "number-without-row": Mistake(result=changed((0, lambda b, a, c: 0, x_size))),
        "both-matrix-jacobians-of-x": Mistake(result=changed((4, lambda b, a, c: b * c, x_size))),
        "one-example-only": Mistake(
            result=changed(
                (3, lambda b, a, c: c, lambda b, a, c: a),
                (4, lambda b, a, c: c, W_size),
            )
        ),
        "image-as-wide-as-rows": Mistake(result=changed((2, lambda b, a, c: b, lambda b, a, c: a))),
        "weights-in-the-output": Mistake(result=changed((3, W_size, x_size))),
        "row-as-long-as-a-column": Mistake(result=changed((5, lambda b, a, c: b, x_size))),
        "row-as-the-input": Mistake(result=changed((5, lambda b, a, c: a, lambda b, a, c: a))),
        "image-squared-once": Mistake(result=changed((2, x_size, lambda b, a, c: 1))),
        "lengths-added": Mistake(
            result=lambda b, a, c: np.array([
                [1, b + a],
                [a, b + a],
                [b + a, b + a],
                [b + c, b + a],
                [b + c, a + c],
                [a, b + a],
            ])
        ),
        "rows-kept": Mistake(result=changed((0, lambda b, a, c: b, x_size))),
    },
    mistakes=(
        Mistake(
            "rows-for-inputs",
            "rows and columns have changed places",
            "You gave a row to each input. In this course, as in JAX, a row belongs to an output "
            "and a column to an input.",
            "A function from 3 numbers to 2 has a Jacobian with 2 rows and 3 columns.",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "axis-unsummed",
            "the axis that is summed away",
            "For `x.sum(axis=0)` you counted b outputs. `axis=0` names the axis that goes away: "
            "the b rows are added up, and a entries are left.",
            "jnp.ones((5, 3)).sum(axis=0) has the shape (3,).",
            read=CHAPTER + "#jacobian-shape-rule",
        ),
        Mistake(
            "number-without-row",
            "a number has a row, too",
            "For `x.sum()` you counted no row. The shape of a number is (), but it is one entry, and "
            "each entry of the output has a row: the gradient, lying on its side.",
            "jnp.ones((5, 3)).sum() has the shape () and the size 1.",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "diagonal-stored",
            "only the diagonal was counted",
            "For `tanh` you counted the entries on the diagonal. The Jacobian is the whole square: "
            "that most of it is zero does not make it smaller.",
            "tanh of 15 numbers has a Jacobian of 15 × 15 = 225 entries, 15 of which can differ from 0.",
            read=CHAPTER + "#jacobian-shape-rule",
        ),
        Mistake(
            "both-matrix-jacobians-of-x",
            "the input that counts is W",
            "For line 4 you counted the entries of x. There, W is the input, and x is a constant.",
            "{where}, line 4 has {got} in one place where {want} belongs.",
            read=CHAPTER + "#jacobian-matrices",
        ),
        Mistake(
            "one-example-only",
            "one example instead of the batch",
            "For `x @ W` you counted one row of x. The whole batch goes in and comes out: b · c "
            "outputs, and b · a inputs if the input is x.",
            read=CHAPTER + "#jacobian-shape-rule",
        ),
        Mistake(
            "image-as-wide-as-rows",
            "a shape instead of two sizes",
            "For `tanh` you gave the shape of x. Its output has b * a entries, and so has its "
            "input: as many rows and as many columns.",
        ),
        Mistake(
            "weights-in-the-output",
            "the output of x @ W",
            "For line 3 you counted a * c outputs: those are the entries of W. `x @ W` has the "
            "shape (b, c).",
        ),
        Mistake(
            "row-as-long-as-a-column",
            "a row has a entries",
            "For `x[0]` you counted b outputs. The first row of x, of shape (b, a), has a entries.",
        ),
        Mistake(
            "row-as-the-input",
            "all of x is the input",
            "For `x[0]` you counted only a columns. The input is all of x, though most of it "
            "moves nothing: those columns are zero.",
        ),
        Mistake(
            "image-squared-once",
            "a diagonal as a column",
            "For `tanh` you counted one column. The Jacobian has a column for each entry of x; "
            "that most of it is zero does not change its size.",
        ),
        Mistake(
            "lengths-added",
            "sums instead of products",
            "You added the lengths of the axes. An array of shape (b, a) has b * a entries.",
        ),
        Mistake(
            "rows-kept",
            "x.sum() adds up everything",
            "For `x.sum()` you counted b outputs. Without an axis everything is added "
            "up: one number.",
        ),
    ),
    read=CHAPTER + "#jacobian-shape-rule",
)

def both_sides(x, W):
    left = jax.jacfwd(lambda x: W @ x)(x)
    return left, jax.jacfwd(lambda x: (x @ W) ** 2)(x)


def square_point(n, scale):
    return {
        "x": test_array((n,), phase=0.4, scale=scale),
        "W": test_array((n, n), phase=1.3, scale=scale),
    }


by_hand = Question(
    name="by_hand",
    returns=("J_left", "J_right"),
    points=(square_point(3, 1.0), square_point(4, 1.0), square_point(2, 200.0)),
    large_points=(2,),
    reference=both_sides,
    predictions={
        "conventions-mixed": Mistake(result=lambda x, W: 2 * (x @ W)[:, None] * W, part="J_right"),
        "left-transposed": Mistake(result=lambda x, W: W.T, part="J_left"),
        "slope-on-columns": Mistake(result=lambda x, W: 2 * (x @ W) * W.T, part="J_right"),
        "inner-only": Mistake(result=lambda x, W: W.T, part="J_right"),
        "outer-only": Mistake(result=lambda x, W: jnp.diag(2 * (x @ W)), part="J_right"),
        "slope-at-x": Mistake(result=lambda x, W: 2 * x[:, None] * W.T, part="J_right"),
        "values-for-jacobians": Mistake(result=lambda x, W: (W @ x, (x @ W) ** 2)),
        "product-not-scaled": Mistake(result=lambda x, W: 2 * (x @ W) @ W.T, part="J_right"),
        "weights-squared": Mistake(
            result=lambda x, W: 2 * (x @ W)[:, None] * W.T**2, part="J_right"
        ),
        "square-without-two": Mistake(result=lambda x, W: (x @ W)[:, None] * W.T, part="J_right"),
        "other-side": Mistake(result=lambda x, W: 2 * (W @ x)[:, None] * W.T, part="J_right"),
        "outer-slope-alone": Mistake(result=lambda x, W: 2 * W.T, part="J_right"),
        "left-multiplied": Mistake(result=lambda x, W: W @ x, part="J_left"),
        "outer-flattens": Mistake(result=lambda x, W: 2 * np.outer(x @ W, W.T), part="J_right"),
    },
    mistakes=(
        Mistake(
            "conventions-mixed",
            "the other convention",
            "Your J_right has W where its transpose belongs. With the matrix on the right, output i "
            "is the sum of x[j] * W[j, i]: the number in front of x[j] is W[j, i].",
            "For W = [[1, 2], [3, 4]] the Jacobian of x ↦ x @ W is [[1, 3], [2, 4]].",
            read=CHAPTER + "#jacobian-conventions",
        ),
        Mistake(
            "left-transposed",
            "transposed, though the matrix stands on the left",
            "Your J_left is the transpose of W. With the matrix on the left, output i is the sum of "
            "W[i, j] * x[j]: the number in front of x[j] is W[i, j].",
            "For W = [[1, 2], [3, 4]] the Jacobian of x ↦ W @ x is W itself.",
            read=CHAPTER + "#jacobian-conventions",
        ),
        Mistake(
            "slope-on-columns",
            "the outer slope multiplies rows",
            "Your J_right has the factor 2 · (x W)[j] in column j. The square acts on the outputs, so "
            "its slope belongs to a row: s[:, None] * W.T. Without the None, NumPy's broadcasting "
            "lines the vector up with the columns.",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "inner-only",
            "the square was not differentiated",
            "Your J_right is the Jacobian of x W. The square comes after it, and its slope, 2 · (x W), "
            "multiplies each row.",
            "{where}, {entry} is {got} in yours; it should be {want}.",
            read=CHAPTER + "#jacobian-conventions",
        ),
        Mistake(
            "outer-only",
            "the matrix was forgotten",
            "Your J_right is the Jacobian of the square alone, diag(2 · (x W)). It still has to be "
            "multiplied with the Jacobian of x W.",
            read=CHAPTER + "#jacobian-conventions",
        ),
        Mistake(
            "slope-at-x",
            "the slope at the wrong place",
            "You took the slope of the square at x. What is squared is s = x W, so the slope is 2 s.",
            read=CHAPTER + "#jacobian-conventions",
        ),
        Mistake(
            "values-for-jacobians",
            "values, not Jacobians",
            "You returned y and z themselves. A Jacobian has a row for each output and a column "
            "for each input.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "product-not-scaled",
            "a matrix product with s",
            "Your J_right is the product of the *vector* 2 s with the matrix, which adds the "
            "rows up. Each row should be multiplied by its own 2 sᵢ: `2 * s[:, None] * W.T`.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "weights-squared",
            "W squared",
            "Your J_right has the squares of W. The chain rule gives 2 sᵢ times the number in "
            "front of xⱼ, which is not squared.",
        ),
        Mistake(
            "square-without-two",
            "the 2 of the square is missing",
            "Your J_right is half of the right one: the derivative of s² is 2 s.",
        ),
        Mistake(
            "other-side",
            "W x in place of x W",
            "Your J_right has the factor 2 · (W x). What is squared is x W.",
        ),
        Mistake(
            "outer-slope-alone",
            "the inner factor is missing",
            "Your J_right is 2 Wᵀ, the same for every x. The derivative of s² is 2 s: "
            "each row has the factor sᵢ as well.",
        ),
        Mistake(
            "left-multiplied",
            "the value, not the Jacobian",
            "Your J_left is W x, the value of the function. Its Jacobian is the matrix "
            "that x is multiplied by.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "outer-flattens",
            "outer of a matrix",
            "Your J_right has n² columns: `jnp.outer` makes one long vector of a matrix. "
            "To multiply the rows of W.T, give the vector an axis: s[:, None] * W.T.",
        ),
    ),
    read=CHAPTER + "#jacobian-conventions",
)

times = lambda x, W: W @ x


def block_and_pullback(x, W, u):
    J = jax.jacfwd(times, argnums=1)(x, W)
    return J, np.tensordot(u, J, axes=1)


def matrix_point(a, b, scale):
    return {
        "x": test_array((a,), phase=0.7, scale=scale),
        "W": test_array((b, a), phase=2.1, scale=scale),
    }


block = lambda x, W: jax.jacfwd(times, argnums=1)(x, W)
cotangent = lambda phase, scale: lambda p: {"u": test_array((p["W"].shape[0],), phase, scale)}

matrix_derivatives = Question(
    name="matrix_derivatives",
    returns=("J", "W_bar"),
    points=(
        matrix_point(2, 3, 1.0),
        matrix_point(4, 2, 1.0),
        matrix_point(3, 3, 100.0),
        {"x": test_array((3,)), "W": np.array([[0.0, 1.5, 0.0], [2.0, 0.0, -1.0]])},
    ),
    tangents=(cotangent(0.2, 1.0), cotangent(3.0, 40.0)),
    large_points=(2,),
    reference=block_and_pullback,
    shape_of={"W_bar": "W"},
    predictions={
        "of-x-instead": Mistake(result=lambda x, W, u: (W, u @ W)),
        "jacobian-is-x": Mistake(result=lambda x, W, u: x, part="J"),
        "in-before-out": Mistake(result=lambda x, W, u: np.moveaxis(block(x, W), 0, -1), part="J"),
        "every-output": Mistake(
            result=lambda x, W, u: np.ones((len(u), len(u), 1)) * np.asarray(x)[None, None, :],
            part="J",
        ),
        "identity-of-inputs": Mistake(
            result=lambda x, W, u: np.eye(len(x))[:, :, None] * np.asarray(x), part="J"
        ),
        "outer-transposed": Mistake(result=lambda x, W, u: np.outer(x, u), part="W_bar"),
        "cotangent-ignored": Mistake(result=lambda x, W, u: block(x, W).sum(axis=0), part="W_bar"),
        "pullback-to-x": Mistake(result=lambda x, W, u: u @ W, part="W_bar"),
        "weights-in-their-jacobian": Mistake(
            result=lambda x, W, u: np.eye(len(u))[:, :, None] * np.asarray(W), part="J"
        ),
        "cotangent-in-the-jacobian": Mistake(
            result=lambda x, W, u: block(x, W) * np.asarray(u)[:, None, None], part="J"
        ),
        "outer-for-jacobian": Mistake(
            result=lambda x, W, u: np.outer(np.ones(len(u)), x), part="J"
        ),
        "one-number-for-row": Mistake(
            result=lambda x, W, u: np.stack([
                np.outer(np.arange(len(u)) == i, np.ones(len(x)) * x[min(i, len(x) - 1)])
                for i in range(len(u))
            ]),
            part="J",
        ),
    },
    mistakes=(
        Mistake(
            "jacobian-is-x",
            "the derivative is x",
            "Your J is x itself. One often reads that, but a Jacobian has the shape of the output, "
            "then that of the input: here (b,) + (b, a) = (b, b, a).",
            "For x = [2, 3] and b = 2, J[0] is [[2, 3], [0, 0]] and J[1] is [[0, 0], [2, 3]].",
            read=CHAPTER + "#jacobian-matrices",
        ),
        Mistake(
            "in-before-out",
            "the axes of the input come first",
            "Your J has the axes of the input first, (b, a, b). The output comes first: "
            "(b,) + (b, a) = (b, b, a).",
            "{where}, J has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-shape-rule",
        ),
        Mistake(
            "every-output",
            "zeros were forgotten",
            "Your J says that every entry of W moves every output. Output i is made of row i of W "
            "alone: where k ≠ i, the derivative is 0.",
            read=CHAPTER + "#jacobian-matrices",
        ),
        Mistake(
            "identity-of-inputs",
            "an identity of another size",
            "Your J is built on an identity with a row for each of the a entries of x. The first two "
            "axes of J belong to the b outputs and to the b rows of W.",
            "{where}, J has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-matrices",
        ),
        Mistake(
            "outer-transposed",
            "the outer product the wrong way round",
            "Your W_bar is outer(x, u), the transpose of the right result. Its shape must be that of "
            "W, (b, a): u gives the rows, x the columns. (For x @ W it is the other way round.)",
            "With x = [2, 3] and u = [1, 0, 0], W_bar is [[2, 3], [0, 0], [0, 0]].",
            read=CHAPTER + "#jacobian-matrices",
        ),
        Mistake(
            "cotangent-ignored",
            "u was not used",
            "Your W_bar is the sum of J over the outputs: what comes back for a cotangent of ones. "
            "Each output has to be weighted with its entry of u first.",
            read=CHAPTER + "#jacobian-vgrad",
        ),
        Mistake(
            "of-x-instead",
            "derivatives for the other input",
            "You returned the derivatives with respect to x. Here W is the input, and x is fixed.",
            "{where}, {part} has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-matrices",
        ),
        Mistake(
            "pullback-to-x",
            "pulled back to x",
            "Your W_bar is u @ W: what u becomes when it is pulled back to *x*. Pulled back to W "
            "it has the shape of W.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "weights-in-their-jacobian",
            "W in its own Jacobian",
            "Your J has entries of W. y is linear in W: what stands in front of W[i, l] is x[l].",
        ),
        Mistake(
            "cotangent-in-the-jacobian",
            "u in the Jacobian",
            "Your J is multiplied by u. The Jacobian knows nothing of a cotangent; u belongs to "
            "W_bar alone.",
        ),
        Mistake(
            "outer-for-jacobian",
            "an axis is missing",
            "Your J has the shape of W, with x in each row. The Jacobian has an axis for the "
            "output in front, (b,) + (b, a): block i has x in row i, and zeros elsewhere.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "one-number-for-row",
            "one number in each row",
            "In J[i, i] stands the number x[i] in every place. W[i, j] is multiplied by "
            "x[j], so there stands all of x.",
        ),
    ),
    read=CHAPTER + "#jacobian-matrices",
)

mixed = lambda x, t, y: t * x * jnp.sin(y) + jnp.cos(t * x)
shorter = lambda x, t, y: jnp.stack([jnp.sum(x) * y[0], jnp.sum(t * x**2 * jnp.exp(y[1] / 50))])
longer = lambda x, t, y: jnp.concatenate([x**2 * jnp.sum(y) / t, jnp.outer(y, x).ravel()])


def pair(n, m, scale):
    x, y = test_array((n,), phase=0.1, scale=scale), test_array((m,), phase=1.9, scale=scale)
    return {"x": x, "t": 0.75, "y": y}


both_jacobians = Question(
    name="both_jacobians",
    returns=("J_x", "J_y"),
    points=(
        {"f": mixed, **pair(3, 3, 1.0)},
        {"f": longer, **pair(3, 2, 2.0)},
        {"f": shorter, **pair(3, 2, 60.0)},
    ),
    labels=(
        "t x sin(y) + cos(t x), three numbers each",
        "nine outputs, x of shape (3,), y of shape (2,)",
        "two outputs, x of shape (3,), y of shape (2,)",
    ),
    large_points=(2,),
    reference=lambda f, x, t, y: jax.jacfwd(f, argnums=(0, 2))(x, t, y),
    predictions={
        "first-argument-twice": Mistake(result=lambda f, x, t, y: (jax.jacfwd(f)(x, t, y),) * 2),
        "neighbouring-argument": Mistake(
            result=lambda f, x, t, y: jax.jacfwd(f, argnums=1)(x, t, y), part="J_y"
        ),
        "arguments-exchanged": Mistake(
            result=lambda f, x, t, y: jax.jacfwd(f, argnums=(0, 2))(y, t, x)
        ),
    },
    mistakes=(
        Mistake(
            "counted-from-one",
            "arguments are counted from 0",
            "f has three arguments, with the numbers 0, 1 and 2: no argument has 3. So x is 0, and "
            "y is 2.",
            "",
            read=CHAPTER + "#jacobian-fill",
            raised=("ValueError: got value 3 for len(args) == 3",),
        ),
        Mistake(
            "first-argument-twice",
            "the first argument, twice",
            "Your J_y is J_x again. Without `argnums`, jacfwd and jacrev differentiate with respect "
            "to the first argument only.",
            "{where}, {part} has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-fill",
        ),
        Mistake(
            "neighbouring-argument",
            "the second argument in place of the third",
            "Your J_y is the derivative with respect to t. Arguments are counted from 0, so y has the "
            "number 2.",
            "{where}, {part} has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-fill",
        ),
        Mistake(
            "arguments-exchanged",
            "x and y have changed places",
            "You took the Jacobians at (y, t, x). f is called as f(x, t, y).",
        ),
        Mistake(
            "argument-left-out",
            "an argument is missing",
            "f takes three arguments, and the derivative is called with the same three: `(x, t, "
            "y)`. `argnums` says which of them move; the others are passed on all the same.",
            "",
            raised=("ValueError: Positional argument indices",),
        ),
    ),
    read=CHAPTER + "#jacobian-fill",
)

neighbours = lambda x: x * jnp.roll(x, 1, axis=1)
running = lambda x: jnp.cumsum(x, axis=0) * x[0]
mixing = lambda x: jnp.sin(test_array((len(x), len(x)), phase=0.9) @ x) + x**2 / 10


def sums_and_diagonal(f, x):
    J = jax.jacfwd(f)(x).reshape(x.size, x.size)
    return (np.ones(x.size) @ J).reshape(x.shape), jnp.diagonal(J).reshape(x.shape)


dense = lambda f, x: jax.jacfwd(f)(x)

vgrad_and_diagonal = Question(
    name="vgrad_and_diagonal",
    returns=("vgrad", "diagonal"),
    points=(
        {"f": neighbours, "x": test_array((2, 4), phase=0.6)},
        {"f": mixing, "x": test_array((3, 2), phase=1.4)},
        {"f": running, "x": test_array((3, 3), phase=2.6, scale=100.0)},
    ),
    labels=(
        "each pixel times its left neighbour, shape (2, 4)",
        "a matrix inside a sine, shape (3, 2)",
        "the first row times the running sum, shape (3, 3)",
    ),
    large_points=(2,),
    reference=sums_and_diagonal,
    shape_of={"vgrad": "x", "diagonal": "x"},
    predictions={
        "vgrad-is-diagonal": Mistake(result=lambda f, x: (sums_and_diagonal(f, x)[0],) * 2),
        "diagonal-for-both": Mistake(result=lambda f, x: (sums_and_diagonal(f, x)[1],) * 2),
        "sum-along-rows": Mistake(result=lambda f, x: dense(f, x).sum(axis=(2, 3)), part="vgrad"),
        "whole-jacobian": Mistake(result=lambda f, x: dense(f, x), part="diagonal"),
        "value-pulled-back": Mistake(
            result=lambda f, x: jnp.tensordot(f(x), dense(f, x), 2), part="vgrad"
        ),
        "point-pulled-back": Mistake(
            result=lambda f, x: jnp.tensordot(x, dense(f, x), 2), part="vgrad"
        ),
        "mean-pulled-back": Mistake(
            result=lambda f, x: sums_and_diagonal(f, x)[0] / x.size, part="vgrad"
        ),
        "height-and-width-exchanged": Mistake(
            result=lambda f, x: sums_and_diagonal(f, x)[1].reshape(x.shape[::-1]), part="diagonal"
        ),
    },
    mistakes=(
        Mistake(
            "vgrad-is-diagonal",
            "vgrad is taken for the diagonal",
            "Your diagonal is the pullback of ones once more. It adds up each column of J, and equals "
            "the diagonal only where J has no other entries.",
            "For f(x) = (x0·x1, x1·x0) at (1, 2), J is [[2, 1], [2, 1]]: vgrad is (4, 2), the "
            "diagonal (2, 1).",
            read=CHAPTER + "#jacobian-vgrad",
        ),
        Mistake(
            "diagonal-for-both",
            "the diagonal is taken for vgrad",
            "Your vgrad is the diagonal of J. What vgrad returns is the pullback of ones: it adds up "
            "each column of J, off the diagonal, too.",
            "For J = [[2, 1], [2, 1]] the column sums are (4, 2), the diagonal is (2, 1).",
            read=CHAPTER + "#jacobian-vgrad",
        ),
        Mistake(
            "sum-along-rows",
            "row sums instead of column sums",
            "Your vgrad adds up each row of J: that is J·1, the *pushforward* of a tangent of ones. A "
            "pullback combines rows, so it adds up columns: the axes of the output, 0 and 1.",
            "For J = [[1, 2], [3, 4]], J·1 is [3, 7], and Jᵀ·1 is [4, 6].",
            read=CHAPTER + "#jacobian-vgrad",
        ),
        Mistake(
            "whole-jacobian",
            "the whole Jacobian in place of its diagonal",
            "Your diagonal is all of J, with four axes. Of these only the entries J[i, j, i, j] are "
            "asked for: the same pixel in the result and in the input.",
            "{where}, diagonal has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-vgrad",
        ),
        Mistake(
            "value-pulled-back",
            "the value in place of ones",
            "You pulled back the value f(x). The cotangent that vgrad uses is 1 for each output.",
            read=CHAPTER + "#jacobian-vgrad",
        ),
        Mistake(
            "point-pulled-back",
            "x sent back",
            "For vgrad you sent x itself back. `vgrad` sends back a cotangent of ones, in the "
            "shape of f(x).",
        ),
        Mistake(
            "mean-pulled-back",
            "divided by the number of pixels",
            "Your vgrad is divided by the number of pixels. A cotangent of ones *adds up* the "
            "rows of J; it takes no mean.",
        ),
        Mistake(
            "height-and-width-exchanged",
            "(w, h) for (h, w)",
            "Your diagonal has height and width exchanged: give it the shape of x as it is.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "image-under-grad",
            "grad of an image",
            "`grad` takes a function that returns one number, and this one returns an image. "
            "`vgrad` sends ones back, with `olympus.vjp`; that is the gradient of the *sum* of "
            "all pixels.",
            "",
            raised=("TypeError: Gradient only defined for scalar-output",),
        ),
        Mistake(
            "diagonal-of-four-axes",
            "the diagonal of a matrix",
            "`jnp.diag` takes a matrix, and J has four axes, (h, w, h, w). Reshape it to a "
            "matrix first, or pick the entries J[i, j, i, j] with `jnp.einsum`.",
            "",
            raised=("ValueError: diag input must be 1d or 2d",),
        ),
    ),
    read=CHAPTER + "#jacobian-vgrad",
)

def of_x(f):
    """The dense Jacobian of f(x, k) for x, as a rule."""
    return lambda x, k: jax.jacfwd(lambda x: f(x, k))(x)


riddles = (
    lambda x, k: jnp.sum(x),
    lambda x, k: jnp.repeat(x, 2),
    lambda x, k: jnp.cumsum(x),
    lambda x, k: jnp.sort(x),
    lambda x, k: jnp.convolve(x, k),
)


def riddle_point(n, m, phase, scale):
    return {"x": test_array((n,), phase, scale), "k": test_array((m,), phase=1.3, scale=scale)}


def unmasked(x, k):
    """The kernel at every difference of two indices, wherever that leads."""
    lags = np.subtract.outer(np.arange(len(x) + len(k) - 1), np.arange(len(x)))
    return k[lags]


def masked_below(x, k):
    """The same, with zeros where the difference is negative."""
    lags = np.subtract.outer(np.arange(len(x) + len(k) - 1), np.arange(len(x)))
    return jnp.where(lags >= 0, jnp.asarray(k)[lags], 0)


def backwards_in_k(x, k):
    lags = -np.subtract.outer(np.arange(len(x) + len(k) - 1), np.arange(len(x)))
    inside = (lags >= 0) & (lags < len(k))
    return np.where(inside, np.asarray(k)[np.clip(lags, 0, len(k) - 1)], 0.0)


puzzles = Question(
    name="puzzles",
    returns=("J_sum", "J_repeat", "J_cumsum", "J_sort", "J_conv"),
    points=(
        riddle_point(4, 2, 0.4, 1.0),
        riddle_point(5, 3, 0.7, 1.0),
        riddle_point(6, 4, 3.3, 300.0),
        {"x": np.array([0.5, 0.0, -1.25, 2.0]), "k": test_array((2,), phase=1.0)},
    ),
    large_points=(2,),
    reference=lambda x, k: tuple(of_x(f)(x, k) for f in riddles),
    predictions={
        "values-for-jacobians": Mistake(result=lambda x, k: tuple(f(x, k) for f in riddles)),
        "one-for-all": Mistake(result=lambda x, k: 1.0, part="J_sum"),
        "row-for-a-number": Mistake(result=of_x(lambda x, k: jnp.sum(x)[None]), part="J_sum"),
        "square-of-ones": Mistake(result=of_x(lambda x, k: jnp.sum(x) + 0 * x), part="J_sum"),
        "tile-for-repeat": Mistake(result=of_x(lambda x, k: jnp.tile(x, 2)), part="J_repeat"),
        "own-entry-missing": Mistake(result=of_x(lambda x, k: jnp.cumsum(x) - x), part="J_cumsum"),
        "cumsum-transposed": Mistake(
            result=of_x(lambda x, k: jnp.cumsum(x[::-1])[::-1]), part="J_cumsum"
        ),
        "sort-transposed": Mistake(result=lambda x, k: of_x(riddles[3])(x, k).T, part="J_sort"),
        "sort-changes-nothing": Mistake(result=of_x(lambda x, k: x), part="J_sort"),
        "values-for-places": Mistake(
            result=lambda x, k: jnp.sort(x)[:, None] == jnp.arange(len(x)), part="J_sort"
        ),
        "index-wraps": Mistake(result=unmasked, part="J_conv"),
        "end-of-the-kernel": Mistake(result=masked_below, part="J_conv"),
        "kernel-not-reversed": Mistake(
            result=of_x(lambda x, k: jnp.convolve(x, k[::-1])), part="J_conv"
        ),
        "conv-valid": Mistake(result=of_x(lambda x, k: jnp.convolve(x, k, "valid")), part="J_conv"),
        "kernel-as-input": Mistake(result=lambda x, k: of_x(riddles[4])(k, x), part="J_conv"),
        "every-other-input": Mistake(
            result=lambda x, k: np.arange(2 * len(x))[:, None] == 2 * np.arange(len(x)),
            part="J_repeat",
        ),
        "backwards-in-k": Mistake(result=backwards_in_k, part="J_conv"),
        "outputs-missing": Mistake(
            result=lambda x, k: of_x(riddles[4])(x, k)[: len(x)], part="J_conv"
        ),
    },
    mistakes=(
        Mistake(
            "values-for-jacobians",
            "values instead of Jacobians",
            "You returned what the five functions give. The question is how each output reacts to each "
            "input: J[o, i] is the slope of output o when input i alone moves.",
            "cumsum of [5, 6] is [5, 11]; its Jacobian is [[1, 0], [1, 1]].",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "one-for-all",
            "one number for all inputs",
            "Your J_sum is the number 1. That is the slope for one input; there are n of them, and "
            "each has its own entry: out + in is () + (n,) = (n,).",
            "The Jacobian of the sum of three numbers is [1, 1, 1].",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "square-of-ones",
            "a sum has one output",
            "Your J_sum is a square of ones, as if there were n outputs. The sum is a single number, "
            "of shape (): out + in is () + (n,) = (n,).",
            "{where}, J_sum has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "row-for-a-number",
            "a row where a vector belongs",
            "Your J_sum is a matrix with one row. The sum is a number, of shape (), and out + in is "
            "then () + (n,) = (n,): there is no axis for o.",
            "{where}, J_sum has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "tile-for-repeat",
            "the whole vector twice, instead of each entry",
            "Your J_repeat belongs to `jnp.tile`, which puts the whole vector down twice. `repeat` "
            "puts each entry down twice before it goes on to the next: outputs 0 and 1 are both x[0].",
            "jnp.tile of [7, 8] is [7, 8, 7, 8]; jnp.repeat([7, 8], 2) is [7, 7, 8, 8].",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "own-entry-missing",
            "the diagonal is missing",
            "Your J_cumsum has zeros on its diagonal. A running sum includes its own entry: y[o] "
            "adds up x[0] to x[o], with x[o].",
            "cumsum of [5, 6] is [5, 11], not [0, 5].",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "cumsum-transposed",
            "the wrong triangle",
            "Your J_cumsum is the transpose of the right one: it adds up from x[o] to the end. Output "
            "o knows the inputs up to o, so its row has ones on the left.",
            "The first output of cumsum is x[0] alone: row 0 is [1, 0, 0].",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "sort-transposed",
            "where to, in place of where from",
            "Your J_sort is the transpose of the right one: it takes the sorted numbers back to "
            "their old places. `order = jnp.argsort(x)` says where an output comes *from*: output o is "
            "x[order[o]].",
            "argsort of [30, 10, 20] is [1, 2, 0]: the smallest number comes from place 1, so row 0 "
            "of the Jacobian is [0, 1, 0].",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "sort-changes-nothing",
            "the numbers stay the same, but not their places",
            "Your J_sort is the identity. No number changes in a sort, but it moves: output o is the "
            "input that came from another place, and with another x it is another one.",
            "Sorting [30, 10, 20] puts x[1] first: row 0 of the Jacobian is [0, 1, 0].",
            read=CHAPTER + "#jacobian-map",
        ),
        Mistake(
            "values-for-places",
            "numbers compared with places",
            "Your J_sort is zero everywhere. `jnp.sort` returns the numbers themselves, and a number is "
            "hardly ever equal to an index i. Ask for the *place* that each of them comes from.",
            "argsort of [30, 10, 20] is [1, 2, 0]: the places of 10, of 20 and of 30.",
            read=CHAPTER + "#jacobian-entries",
            code=r"\bsort\(",
        ),
        Mistake(
            "end-of-the-kernel",
            "k ends",
            "Your J_conv is zero above the diagonal, as it should be, but not far below it: k has m "
            "entries, so where o − i is m or more nothing is left. JAX does not complain about such "
            "an index, and takes the last entry of k.",
            "For k = jnp.array([7, 8]), k[5] is 8.",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "index-wraps",
            "k has no such entry",
            "Your J_conv has entries of k where zeros belong. k[o - i] only means something for "
            "0 ≤ o − i < m. JAX does not complain about other indices: a negative one counts from "
            "the end, and one that is too large takes the last entry.",
            "For k = jnp.array([7, 8]), k[-1] is 8, and so is k[5].",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "kernel-not-reversed",
            "a correlation, not a convolution",
            "Your J_conv has k in the opposite order. In a convolution the two indices add up to o, "
            "y[o] = Σ k[o − i] · x[i]; so column i is k itself, read downwards from row i.",
            "For k = [7, 8] and two inputs the Jacobian is [[7, 0], [8, 7], [0, 8]].",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "conv-valid",
            "only where the kernel fits",
            'Your J_conv is that of the mode "valid", which keeps only the outputs where k lies wholly '
            'inside x. The question asks for "full", with n + m − 1 outputs.',
            "{where}, J_conv has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-shape-rule",
        ),
        Mistake(
            "kernel-as-input",
            "the derivative with respect to the kernel",
            "Your J_conv is the Jacobian with respect to k. Here x is the input, and k is fixed: a "
            "column for each entry of x, filled with numbers of k.",
            "{where}, J_conv has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#jacobian-matrices",
        ),
        Mistake(
            "every-other-input",
            "half of the outputs are left out",
            "Your J_repeat says that output 2i is x[i], and that the outputs in between are "
            "nothing. Both 2i and 2i + 1 are x[i]: i is o // 2.",
        ),
        Mistake(
            "backwards-in-k",
            "k[i − o]",
            "Your J_conv has k[i − o]. In a convolution it is k[o − i]: the outputs come after "
            "the inputs, so it is zero *above* the diagonal.",
        ),
        Mistake(
            "outputs-missing",
            "outputs are missing",
            "Your J_conv has a row for each input. In the mode 'full' the convolution has n + m "
            "− 1 outputs.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
    ),
    read=CHAPTER + "#jacobian-entries",
)

def row_of(f, x, i):
    return jax.jacfwd(f)(x)[i]


def column_of(f, x, j):
    return jax.jacfwd(f)(x)[:, j]


rolling = lambda x: x * jnp.roll(x, 1) + jnp.sin(x)
taller = lambda x: jnp.concatenate([x**2, jnp.cumsum(x), x[:1] * x[1:2]])
square = lambda x: jnp.cumsum(x) * x[0]
cell = lambda f, x, i, j: {"f": f, "x": x, "i": i, "j": j}

row_and_column = Question(
    name="row_and_column",
    returns=("row", "column"),
    points=(
        cell(rolling, test_array((4,), phase=0.3), 2, 1),
        cell(taller, test_array((3,), phase=1.3), 0, 1),
        cell(square, test_array((5,), phase=2.3, scale=200.0), 3, 0),
    ),
    labels=(
        "x times its neighbour, row 2 and column 1",
        "three inputs, seven outputs, row 0 and column 1",
        "x[0] times the running sum, row 3 and column 0",
    ),
    large_points=(2,),
    reference=lambda f, x, i, j: (row_of(f, x, i), column_of(f, x, j)),
    shape_of={"row": "x"},
    predictions={
        "indices-swapped": Mistake(result=lambda f, x, i, j: (row_of(f, x, j), column_of(f, x, i))),
        "all-rows-together": Mistake(
            result=lambda f, x, i, j: jax.jacfwd(f)(x).sum(axis=0), part="row"
        ),
        "one-hot-not-taken": Mistake(
            result=lambda f, x, i, j: (0 * row_of(f, x, i), 0 * column_of(f, x, j))
        ),
        "value-for-column": Mistake(result=lambda f, x, i, j: f(x), part="column"),
        "column-for-row": Mistake(result=lambda f, x, i, j: column_of(f, x, i), part="row"),
        "row-for-column": Mistake(result=lambda f, x, i, j: row_of(f, x, i)[j], part="column"),
        "point-pushed": Mistake(
            result=lambda f, x, i, j: jax.jacfwd(f)(x) @ jnp.asarray(x).at[j].set(1.0),
            part="column",
        ),
        "entry-at-zero": Mistake(
            result=lambda f, x, i, j: column_of(f, x * (np.arange(len(x)) != j), j), part="column"
        ),
    },
    mistakes=(
        Mistake(
            "indices-swapped",
            "the two indices are swapped",
            "You returned row j and column i. The row belongs to output i, the column to input j.",
            read=CHAPTER + "#jacobian-entries",
        ),
        Mistake(
            "all-rows-together",
            "all rows, added up",
            "Your row is the pullback of a cotangent of ones: the sum of all rows. For a single row the "
            "cotangent is 1 at place i, and 0 elsewhere.",
            read=CHAPTER + "#jacobian-vgrad",
        ),
        Mistake(
            "one-hot-not-taken",
            "nothing moves",
            "Your row and your column are zero: what you sent back and what you pushed was zero. "
            "`u.at[i].set(1.0)` leaves `u` as it is, and returns a new array: use that one.",
            "After u = jnp.zeros(2) and u.at[0].set(1.0), u is still [0, 0].",
            read="book/00_start.md#start-facts",
        ),
        Mistake(
            "value-for-column",
            "the value in place of the tangent",
            "Your column is f(x). `jvp` returns a pair: the value, and the tangent that is the column.",
            read=CHAPTER + "#jacobian-fill",
        ),
        Mistake(
            "column-for-row",
            "a column in place of the row",
            "Your row is a *column* of the Jacobian, number i. `jvp` gives columns; a row "
            "belongs to an output, and comes from a pullback.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "row-for-column",
            "one entry for a column",
            "Your column is the single entry [i, j]. Column j has an entry for each output.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "point-pushed",
            "the tangent is not one-hot",
            "You pushed x itself, with a 1 at place j. All other entries of the tangent should "
            "be 0: `jnp.zeros_like(x).at[j].set(1.0)`.",
        ),
        Mistake(
            "entry-at-zero",
            "the column at another point",
            "Your column is that at the point where x[j] is 0. Derivatives are taken at "
            "x itself: move x[j] from where it is.",
        ),
    ),
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: cell(rolling, test_array((64,)), 3, 5),
            largest=64 * 64 - 1,
            size="n = 64",
        ),
    ),
    read=CHAPTER + "#jacobian-fill",
)

def step_by(power):
    """A step along the gradient, divided by a power of the scale."""
    return lambda f, x, scale, rate: x - rate * jax.jacfwd(f)(x) / scale**power


bowl = lambda x: jnp.sum(jnp.arange(1.0, 1.0 + len(x)) * x**2) / 2
ripple = lambda x: jnp.sum(jnp.sin(x)) * x[0]
at_point = lambda f, x, scale, rate: {"f": f, "x": x, "scale": scale, "rate": rate}

step_in_units = Question(
    name="step_in_units",
    returns="point",
    points=(
        at_point(bowl, test_array((3,), 0.5), np.array([0.5, 2.0, 4.0]), 0.25),
        at_point(ripple, test_array((2,), 1.5), np.array([2.0, 0.25]), 0.5),
        at_point(bowl, test_array((3,), 2.5, 500.0), np.array([8.0, 4.0, 0.5]), 0.125),
    ),
    labels=("a bowl, three numbers", "two numbers", "a bowl, three large numbers"),
    large_points=(2,),
    reference=step_by(2),
    shape_of={"point": "x"},
    predictions={
        "units-ignored": Mistake(result=step_by(0)),
        "divided-once": Mistake(result=step_by(1)),
        "multiplied-by-scale": Mistake(result=step_by(-1)),
        "not-converted-back": Mistake(
            result=lambda f, x, scale, rate: scale * step_by(2)(f, x, scale, rate)
        ),
        "uphill": Mistake(result=lambda f, x, scale, rate: step_by(2)(f, x, scale, -rate)),
        "step-alone": Mistake(result=lambda f, x, scale, rate: step_by(2)(f, x, scale, rate) - x),
        "multiplied-twice": Mistake(result=step_by(-2)),
        "gradient-at-q": Mistake(
            result=lambda f, x, scale, rate: x - rate * jax.jacfwd(f)(scale * x) / scale
        ),
        "new-gradient-at-x": Mistake(
            result=lambda f, x, scale, rate: x - rate * jax.jacfwd(f)(x / scale) / scale**2
        ),
        "gradient-alone": Mistake(result=lambda f, x, scale, rate: jax.jacfwd(f)(x) / scale),
        "converted-twice": Mistake(
            result=lambda f, x, scale, rate: scale**2 * step_by(2)(f, x, scale, rate)
        ),
    },
    mistakes=(
        Mistake(
            "units-ignored",
            "the units were ignored",
            "Your step is that of the old units (a gradient in the new ones that is multiplied by the scale, not divided, ends "
            "there, too). In the new units the gradient has other numbers, and points elsewhere.",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "divided-once",
            "divided by the scale once",
            "You divided the gradient by the scale once. It has to be divided twice: once because the "
            "gradient with respect to q is that of x divided by the scale, and once because the step is "
            "converted back to x.",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "multiplied-by-scale",
            "multiplied by the scale",
            "You multiplied the gradient by the scale. If q = scale * x is a larger number, f changes less for "
            "each unit of q: the gradient gets smaller.",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "not-converted-back",
            "the result is in the new units",
            "Your result is q after the step. Divide by the scale to get x.",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "uphill",
            "uphill",
            "Your step goes uphill: gradient descent subtracts.",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "step-alone",
            "the step, not the point",
            "You returned the step alone. The question asks for the point after it.",
            read=CHAPTER + "#jacobian-gradient",
        ),
        Mistake(
            "multiplied-twice",
            "multiplied where it is divided",
            "You multiplied the gradient by the scale twice. q is scale * x, and f of q is f(q / "
            "scale): the chain rule divides, and so does the conversion to x. (Were q = x / "
            "scale, you would be right.)",
        ),
        Mistake(
            "gradient-at-q",
            "the gradient of f at q",
            "You took the gradient of f at q. In the new units the function is another one: the "
            "q that it takes is divided by the scale first, f(q / scale).",
        ),
        Mistake(
            "new-gradient-at-x",
            "the right function, at x",
            "You took the gradient of f(q / scale) at x. The point has the numbers q = scale * x "
            "in these units.",
        ),
        Mistake(
            "gradient-alone",
            "the gradient alone",
            "You returned the gradient in the new units. The question asks for the point after "
            "the step.",
        ),
        Mistake(
            "converted-twice",
            "multiplied on the way to x",
            "You multiplied by the scale to come back to x. q is scale * x, so x is q / scale.",
        ),
    ),
    read=CHAPTER + "#jacobian-gradient",
)
