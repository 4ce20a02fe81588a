"""The specifications of 13_matrices.md, released from solutions/13_matrices.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import (
    CostLimit,
    Mistake,
    Question,
    Requirement,
    adjoint,
    dense_pullback,
    linear_in,
    test_array,
)

CHAPTER = "book/13_matrices.md"


def single(a):
    """The same numbers, exact in float32."""
    return np.asarray(a, dtype=np.float32).astype(np.float64)


def regular(n, phase=0.0, scale=1.0):
    """A matrix without symmetry that is far from singular."""
    return single(scale * (test_array((n, n), phase) + 3 * np.eye(n)))


def symmetric_array(n, phase=0.0, scale=1.0):
    half = test_array((n, n), phase, scale)
    return single(half + half.T)


def along(f, *wrt):
    """The derivative of f along tangents: whole Jacobians, contracted."""
    places = tuple(range(len(wrt)))

    def slope(points, tangents):
        blocks = jax.jacfwd(f, argnums=places)(*points)
        return sum(np.tensordot(J, t, np.ndim(t)) for J, t in zip(blocks, tangents, strict=True))

    return slope


def cube(A):
    return A @ A @ A


cube_slope = Question(
    name="cube_slope",
    returns="the derivative",
    points=(
        {"A": test_array((3, 3))},
        {"A": test_array((2, 2), 1.0)},
        {"A": test_array((3, 3), 2.0, 30.0)},
    ),
    labels=("A of shape (3, 3)", "A of shape (2, 2)", "A of shape (3, 3), large entries"),
    large_points=(2,),
    tangents=(
        lambda p: {"dA": test_array(p["A"].shape, 3.0)},
        lambda p: {"dA": test_array(p["A"].shape, 4.0, 2.0)},
    ),
    reference=lambda A, dA: along(cube, "A")((A,), (dA,)),
    shape_of={"the derivative": "A"},
    requirements=(linear_in("dA"),),
    predictions={
        "commuted-left": Mistake(result=lambda A, dA: 3 * A @ A @ dA),
        "commuted-right": Mistake(result=lambda A, dA: 3 * dA @ A @ A),
        "commuted-middle": Mistake(result=lambda A, dA: 3 * A @ dA @ A),
        "direction-transposed": Mistake(result=lambda A, dA: along(cube, "A")((A,), (dA.T,))),
        "middle-transposed": Mistake(result=lambda A, dA: dA @ A @ A + A @ dA.T @ A + A @ A @ dA),
        "first-twice": Mistake(result=lambda A, dA: 2 * dA @ A @ A + A @ dA @ A),
        "last-twice": Mistake(result=lambda A, dA: 2 * A @ A @ dA + A @ dA @ A),
        "middle-lost": Mistake(result=lambda A, dA: dA @ A @ A + A @ A @ dA),
        "step-itself": Mistake(result=lambda A, dA: cube(A + dA) - cube(A)),
        "entrywise": Mistake(result=lambda A, dA: 3 * A**2 * dA),
        "square-only": Mistake(result=lambda A, dA: A @ dA + dA @ A),
        "factors-transposed": Mistake(
            result=lambda A, dA: dA @ A.T @ A.T + A.T @ dA @ A.T + A.T @ A.T @ dA
        ),
        "middle-for-last": Mistake(result=lambda A, dA: dA @ A @ A + 2 * A @ dA @ A),
        "middle-for-first": Mistake(result=lambda A, dA: A @ A @ dA + 2 * A @ dA @ A),
    },
    mistakes=(
        Mistake(
            "middle-for-first",
            "A dA A twice",
            "Your term A dA A is there twice, and dA A A is missing: dA takes the place of each "
            "factor once.",
        ),
        Mistake(
            "middle-for-last",
            "A dA A twice",
            "Your term A dA A is there twice, and A A dA is missing: dA takes the place of each "
            "factor once.",
        ),
        Mistake(
            "factors-transposed",
            "the transpose of A",
            "You took the transpose of A, as a pullback does. Asked for is the derivative along dA: dA takes the place of "
            "each factor of A A A once.",
        ),
        Mistake(
            "last-twice",
            "A A dA twice",
            "Your term A A dA is there twice, and dA A A is missing: dA takes the place of each "
            "factor once.",
        ),
        Mistake(
            "first-twice",
            "dA A A twice",
            "Your term dA A A is there twice, and A A dA is missing: dA takes the place of each "
            "factor once.",
        ),
        Mistake(
            "middle-transposed",
            "dA transposed in the middle",
            "In your middle term dA is transposed. It is dA itself that takes the place of a "
            "factor.",
        ),
        Mistake(
            "direction-transposed",
            "dA transposed",
            "You used the transpose of dA. It is dA itself that takes the place of a factor.",
        ),
        Mistake(
            "commuted-middle",
            "3 A dA A",
            "You wrote 3 A dA A, as for numbers. Matrices do not commute: dA stays where the "
            "factor was that it replaces, in front, in the middle, or at the end.",
        ),
        Mistake(
            "commuted-left",
            "all factors moved to one side",
            "You wrote 3 A A dA, as for numbers. Matrices do not commute: dA stays where "
            "the factor was that it replaces, in front, in the middle, or at the end.",
            read=CHAPTER + "#matrix-linear",
        ),
        Mistake(
            "commuted-right",
            "all factors moved to one side",
            "You wrote 3 dA A A, as for numbers. Matrices do not commute: dA stays where "
            "the factor was that it replaces, in front, in the middle, or at the end.",
            read=CHAPTER + "#matrix-linear",
        ),
        Mistake(
            "middle-lost",
            "the middle term is missing",
            "Two of the three terms are there. The one in which the middle factor moves, A "
            "dA A, is missing.",
            read=CHAPTER + "#matrix-linear",
        ),
        Mistake(
            "step-itself",
            "the whole change",
            "You returned f(A + dA) − f(A). The derivative is the part of it that is linear "
            "in dA: leave out what holds dA twice or three times.",
            read=CHAPTER + "#matrix-linear",
        ),
        Mistake(
            "entrywise",
            "entry by entry",
            "You cubed each entry by itself. Here A A A is a product of matrices: `@`, not "
            "`*` and `**`.",
            read=CHAPTER + "#matrix-linear",
        ),
        Mistake(
            "square-only",
            "the derivative of the square",
            "Your result is the derivative of A A. This question is about A A A, with three terms.",
            read=CHAPTER + "#matrix-linear",
        ),
    ),
    read=CHAPTER,
)

def quotient(A, B):
    return jnp.linalg.inv(A) @ B


quotient_slope = Question(
    name="quotient_slope",
    returns="the derivative",
    points=(
        {"A": regular(3), "B": test_array((3, 2), 1.0)},
        {"A": regular(2, 2.0), "B": test_array((2, 2), 3.0)},
        {"A": regular(3, 4.0), "B": test_array((3, 1), 5.0, 100.0)},
    ),
    labels=("B of shape (3, 2)", "B of shape (2, 2)", "B of shape (3, 1), large entries"),
    large_points=(2,),
    tangents=(
        lambda p: {"dA": test_array(p["A"].shape, 6.0), "dB": test_array(p["B"].shape, 7.0)},
        lambda p: {"dA": test_array(p["A"].shape, 8.0), "dB": test_array(p["B"].shape, 9.0, 3.0)},
    ),
    reference=lambda A, B, dA, dB: along(quotient, "A", "B")((A, B), (dA, dB)),
    shape_of={"the derivative": "B"},
    without=("inv", "pinv"),
    predictions={
        "sign-of-the-matrix": Mistake(
            result=lambda A, B, dA, dB: quotient(A, dB) + quotient(A, dA @ quotient(A, B))
        ),
        "right-side-still": Mistake(result=lambda A, B, dA, dB: -quotient(A, dA @ quotient(A, B))),
        "matrix-still": Mistake(result=lambda A, B, dA, dB: quotient(A, dB)),
        "transposed-solve": Mistake(
            result=lambda A, B, dA, dB: quotient(A.T, dB - dA @ quotient(A, B))
        ),
        "slopes-divided": Mistake(result=lambda A, B, dA, dB: quotient(dA, dB)),
        "matrix-slope-divided": Mistake(
            result=lambda A, B, dA, dB: quotient(A, dB - quotient(dA, B))
        ),
        "solution-added": Mistake(
            result=lambda A, B, dA, dB: along(quotient, "A", "B")((A, B), (dA, dB)) + quotient(A, B)
        ),
        "order-lost": Mistake(
            result=lambda A, B, dA, dB: quotient(A, dB) - quotient(A @ A, dA @ B)
        ),
        "not-solved": Mistake(result=lambda A, B, dA, dB: dB - dA @ quotient(A, B)),
        "right-side-for-solution": Mistake(result=lambda A, B, dA, dB: quotient(A, dB - dA @ B)),
        "direction-transposed": Mistake(
            result=lambda A, B, dA, dB: quotient(A, dB - dA.T @ quotient(A, B))
        ),
        "difference-for-derivative": Mistake(
            result=lambda A, B, dA, dB: quotient(A + dA, B + dB) - quotient(A, B)
        ),
        "moved-matrix-solved": Mistake(
            result=lambda A, B, dA, dB: quotient(A + dA, dB - dA @ quotient(A, B))
        ),
    },
    mistakes=(
        Mistake(
            "moved-matrix-solved",
            "solved with A + dA",
            "You solved with A + dA. The derivative is taken at A: A dX = dB − dA X.",
        ),
        Mistake(
            "difference-for-derivative",
            "a difference",
            "You took the difference of two solutions, that of the moved matrices and that of the "
            "old ones. The derivative is the part of it that is linear in dA and dB.",
        ),
        Mistake(
            "direction-transposed",
            "dA transposed",
            "In your result dA is transposed. In dA X + A dX = dB it stands as it is.",
        ),
        Mistake(
            "solution-added",
            "X was added",
            "Your result is the derivative plus X itself.",
        ),
        Mistake(
            "matrix-slope-divided",
            "dA solved, not multiplied",
            "You solved with dA. In dA X + A dX = dB it is multiplied with the solution X.",
        ),
        Mistake(
            "slopes-divided",
            "the slopes divided",
            "You solved dA with dB. The derivative of a quotient is not the quotient of the "
            "derivatives: differentiate A X = B.",
        ),
        Mistake(
            "transposed-solve",
            "solved with the transpose",
            "Your second solve is with the transpose of A. From A dX = dB − dA X it is A itself.",
        ),
        Mistake(
            "sign-of-the-matrix",
            "the sign of dA's term",
            "dA's term has the wrong sign: from dA X + A dX = dB follows A dX = dB − dA X.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "right-side-still",
            "B does not move",
            "Your derivative is that for a fixed B. dB belongs to it, too.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "matrix-still",
            "A does not move",
            "Your derivative is that for a fixed A. dA moves X as well.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "order-lost",
            "both inverses in front",
            "You used −A⁻² dA for the derivative of the inverse, as for numbers. One "
            "inverse stands on each side of dA: −A⁻¹ dA A⁻¹.",
            read=CHAPTER + "#matrix-inverse",
        ),
        Mistake(
            "not-solved",
            "the last solve is missing",
            "You returned dB − dA X. That is A dX; one solve with A is still to do.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "right-side-for-solution",
            "B in place of X",
            "You multiplied dA by B. In dA X + A dX = dB it meets the solution X.",
            read=CHAPTER + "#matrix-solve",
        ),
    ),
    read=CHAPTER,
)

def pulled(A, B, U):
    return dense_pullback(quotient, (A, B), U)


solve_pullback = Question(
    name="solve_pullback",
    returns=("A_bar", "B_bar"),
    points=(
        {"A": regular(3), "B": test_array((3, 2), 1.0)},
        {"A": regular(4, 2.0), "B": test_array((4, 1), 3.0)},
        {"A": regular(2, 4.0, 20.0), "B": test_array((2, 3), 5.0, 100.0)},
    ),
    labels=("B of shape (3, 2)", "B of shape (4, 1)", "B of shape (2, 3), large entries"),
    large_points=(2,),
    tangents=(
        lambda p: {"U": test_array(p["B"].shape, 6.0)},
        lambda p: {"U": test_array(p["B"].shape, 7.0, 2.0)},
    ),
    reference=pulled,
    shape_of={"A_bar": "A", "B_bar": "B"},
    requirements=(linear_in("U"), adjoint(quotient, ("A", "B"), "U")),
    predictions={
        "not-transposed": Mistake(
            result=lambda A, B, U: (-quotient(A, U) @ quotient(A, B).T, quotient(A, U))
        ),
        "both-signs": Mistake(result=lambda A, B, U: tuple(-bar for bar in pulled(A, B, U))),
        "cotangent-as-it-came": Mistake(result=lambda A, B, U: -U @ quotient(A, B).T, part="A_bar"),
        "multiplied": Mistake(result=lambda A, B, U: (-(A.T @ U) @ quotient(A, B).T, A.T @ U)),
        "solved-once-more": Mistake(
            result=lambda A, B, U: quotient(A.T, pulled(A, B, U)[0]), part="A_bar"
        ),
        "state-of-transpose": Mistake(
            result=lambda A, B, U: -pulled(A, B, U)[1] @ quotient(A.T, B).T, part="A_bar"
        ),
        "columns-added": Mistake(
            result=lambda A, B, U: (
                -np.outer(np.sum(pulled(A, B, U)[1], axis=1), np.sum(quotient(A, B), axis=1))
            ),
            part="A_bar",
        ),
        "no-minus": Mistake(result=lambda A, B, U: -pulled(A, B, U)[0], part="A_bar"),
        "outer-reversed": Mistake(result=lambda A, B, U: pulled(A, B, U)[0].T, part="A_bar"),
        "not-solved": Mistake(result=lambda A, B, U: (-U @ quotient(A, B).T, U)),
        "right-side-for-solution": Mistake(
            result=lambda A, B, U: -pulled(A, B, U)[1] @ B.T, part="A_bar"
        ),
        "outer-of-matrices": Mistake(
            result=lambda A, B, U: -np.outer(quotient(A.T, U), quotient(A, B)), part="A_bar"
        ),
    },
    mistakes=(
        Mistake(
            "columns-added",
            "the columns added first",
            "You added up the columns first. A_bar is a sum of outer products, one for each "
            "column: a matrix product.",
        ),
        Mistake(
            "state-of-transpose",
            "X of the transpose",
            "The X in your A_bar solves AᵀX = B. In the forward pass it was A X = B.",
        ),
        Mistake(
            "solved-once-more",
            "a solve too many",
            "Your A_bar was solved with Aᵀ once more. It is −(cotangent of B) Xᵀ, and that of B "
            "has been solved already.",
        ),
        Mistake(
            "multiplied",
            "multiplied, not solved",
            "You multiplied U by Aᵀ. X is A⁻¹B, so going back is a *solve* with Aᵀ.",
        ),
        Mistake(
            "cotangent-as-it-came",
            "U in place of the solved one",
            "Your A_bar is made with U. It takes the cotangent of B, which is U after the solve "
            "with Aᵀ.",
        ),
        Mistake(
            "both-signs",
            "both signs",
            "Both of your cotangents have the wrong sign: there is a minus too many in that of "
            "B. That of A is −(that of B) Xᵀ.",
        ),
        Mistake(
            "not-transposed",
            "solved with A, not with its transpose",
            "You solved with A itself. Going backwards the solve is one with the transpose "
            "of A. For a symmetric A it would not show.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "no-minus",
            "a minus is missing",
            "A_bar has the wrong sign: dX = A⁻¹(dB − dA X), so dA comes in with a minus.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "outer-reversed",
            "the factors of A_bar have changed places",
            "Your A_bar is the transpose of the right one. The row of A says to which "
            "equation, the column to which unknown: (cotangent of B) times Xᵀ.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "not-solved",
            "the solve is missing",
            "You used U where the solution of Aᵀ B_bar = U belongs.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "right-side-for-solution",
            "B in place of X",
            "Your A_bar uses B. In dX = A⁻¹(dB − dA X) the matrix dA meets the solution X.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "outer-of-matrices",
            "outer of two matrices",
            "Your A_bar comes from `jnp.outer`, which makes one long vector of each "
            "matrix: it fits a single column alone. The columns' products are summed by "
            "`@`: w @ X.T.",
        ),
    ),
    read=CHAPTER,
)

def density(S, x):
    return -jnp.linalg.slogdet(S)[1] / 2 - x @ jnp.linalg.inv(S) @ x / 2


def dense_gradient(S, x):
    return jax.jacfwd(density)(S, x)


def with_inverse(make):
    return Mistake(result=lambda S, x: make(np.linalg.inv(S), x))


def pairs_as_one(S, x):
    G = np.asarray(dense_gradient(S, x))
    return G + G.T - np.diag(np.diag(G))


covariance_gradient = Question(
    name="covariance_gradient",
    returns="the gradient",
    points=(
        {"S": regular(3), "x": test_array((3,), 1.0)},
        {"S": regular(2, 2.0), "x": test_array((2,), 3.0, 2.0)},
        {"S": regular(3, 4.0)[[1, 0, 2]], "x": test_array((3,), 5.0)},
        {"S": regular(3, 4.0), "x": test_array((3,), 5.0, 50.0)},
    ),
    labels=("S of shape (3, 3)", "S of shape (2, 2)", "rows exchanged", "x far from 0"),
    large_points=(3,),
    reference=dense_gradient,
    shape_of={"the gradient": "S"},
    predictions={
        "not-transposed": Mistake(result=lambda S, x: dense_gradient(S, x).T),
        "sign-of-quadratic": with_inverse(lambda P, x: -(np.outer(P.T @ x, P @ x) + P.T) / 2),
        "no-determinant": with_inverse(lambda P, x: np.outer(P.T @ x, P @ x) / 2),
        "one-half-alone": with_inverse(lambda P, x: np.outer(P.T @ x, P @ x) / 2 - P.T),
        "other-half-alone": with_inverse(lambda P, x: np.outer(P.T @ x, P @ x) - P.T / 2),
        "made-symmetric": Mistake(
            result=lambda S, x: (dense_gradient(S, x) + dense_gradient(S, x).T) / 2
        ),
        "number-for-matrix": with_inverse(lambda P, x: ((P.T @ x) @ (P @ x) - P.T) / 2),
        "determinant-as-number": Mistake(
            result=lambda S, x: (
                (
                    np.outer(np.linalg.inv(S).T @ x, np.linalg.inv(S) @ x)
                    - np.eye(len(x)) / np.linalg.det(S)
                )
                / 2
            )
        ),
        "data-left-out": with_inverse(lambda P, x: -P.T / 2),
        "no-half": Mistake(result=lambda S, x: 2 * dense_gradient(S, x)),
        "not-solved": with_inverse(lambda P, x: (np.outer(x, x) - P.T) / 2),
        "taken-for-symmetric": with_inverse(lambda P, x: (np.outer(P @ x, P @ x) - P) / 2),
        "determinant-everywhere": Mistake(
            result=lambda S, x: (
                (np.outer(np.linalg.inv(S).T @ x, np.linalg.inv(S) @ x) - 1 / np.linalg.det(S)) / 2
            )
        ),
        "solved-on-one-side": Mistake(
            result=lambda S, x: (np.linalg.inv(S) @ np.outer(x, x) - np.linalg.inv(S).T) / 2
        ),
        "solved-on-one-side-transposed": Mistake(
            result=lambda S, x: (np.linalg.inv(S).T @ np.outer(x, x) - np.linalg.inv(S).T) / 2
        ),
        "as-if-symmetric": Mistake(result=pairs_as_one),
    },
    mistakes=(
        Mistake(
            "solved-on-one-side-transposed",
            "the inverse on one side only",
            "In your quadratic term the inverse stands on one side of x xᵀ only. One S⁻¹ comes "
            "before the change of S, and one after it: both vectors are solved.",
        ),
        Mistake(
            "solved-on-one-side",
            "the inverse on one side only",
            "In your quadratic term the inverse stands on one side of x xᵀ only. One S⁻¹ comes "
            "before the change of S, and one after it: both vectors are solved.",
        ),
        Mistake(
            "determinant-everywhere",
            "one over the determinant",
            "Your first term is −1/(2 det S) in every entry. The gradient of log det S is a "
            "matrix, the transpose of the inverse.",
        ),
        Mistake(
            "data-left-out",
            "the quadratic term is missing",
            "Your result is the gradient of the determinant's term alone. −x·S⁻¹x/2 has one, too.",
        ),
        Mistake(
            "determinant-as-number",
            "1/det in place of the inverse",
            "For the determinant you took 1/det S times the identity. The gradient of log|det "
            "S| is S⁻ᵀ.",
        ),
        Mistake(
            "number-for-matrix",
            "an inner product",
            "Your quadratic term is a number, added to every entry. An entry of S joins one "
            "number of S⁻ᵀx with one of S⁻¹x: an outer product.",
        ),
        Mistake(
            "made-symmetric",
            "made symmetric",
            "Your gradient is made symmetric. All entries of S count as free here, and S need "
            "not be symmetric.",
        ),
        Mistake(
            "other-half-alone",
            "a half is missing",
            "Your quadratic term lacks the factor ½. Both terms of ℓ have it.",
        ),
        Mistake(
            "one-half-alone",
            "a half is missing",
            "Your term of the determinant lacks the factor ½. Both terms of ℓ have it.",
        ),
        Mistake(
            "not-transposed",
            "the transpose",
            "Your gradient is the transpose of the right one. ⟨G, dS⟩ has to be the change "
            "of ℓ: the gradient of log|det S| is the inverse, *transposed*.",
            read=CHAPTER + "#matrix-det",
        ),
        Mistake(
            "sign-of-quadratic",
            "the sign of the second term",
            "The derivative of S⁻¹ has a minus, and so has the term in ℓ: together a plus. "
            "Your second term has the wrong sign.",
            read=CHAPTER + "#matrix-inverse",
        ),
        Mistake(
            "no-determinant",
            "the determinant is missing",
            "Your result is the gradient of the quadratic term alone. −log|det S|/2 has one, too.",
            read=CHAPTER + "#matrix-det",
        ),
        Mistake(
            "no-half",
            "the halves are missing",
            "Your result is twice the gradient: both terms of ℓ have a factor ½.",
            read=CHAPTER + "#matrix-det",
        ),
        Mistake(
            "not-solved",
            "x in place of S⁻¹x",
            "You used x xᵀ. In d(xᵀS⁻¹x) = −xᵀS⁻¹ dS S⁻¹x an inverse stands between x and "
            "dS, on each side.",
            read=CHAPTER + "#matrix-inverse",
        ),
        Mistake(
            "taken-for-symmetric",
            "S taken for symmetric",
            "Your formula holds for a symmetric S only. Here the entries are free: one "
            "factor of the outer product needs Sᵀ, and the inverse is transposed.",
            read=CHAPTER + "#matrix-symmetric",
        ),
        Mistake(
            "as-if-symmetric",
            "pairs of entries counted as one",
            "You counted S[i, j] and S[j, i] as one variable, as for a symmetric matrix. "
            "Here all entries are free, and each has a derivative of its own.",
        ),
    ),
    read=CHAPTER,
)

def mesh(n, count, phase):
    """A matrix with one rank-one part for each parameter; it has no symmetry."""
    left = test_array((n, count), phase, 0.25)
    right = test_array((count, n), phase + 1.0, 0.25)
    return lambda p: 4 * jnp.eye(n) + left @ (p[:, None] * right) / np.sqrt(count)


def bending(x):
    return jnp.sum(jnp.sin(x)) + x[0] * x[-1]


def state(matrix, b, p):
    return jnp.linalg.inv(matrix(p)) @ b


def by_columns(matrix, loss, b, p, solve):
    return jax.jacfwd(lambda p: loss(state(matrix, b, p)))(p)


def contracted(make):
    """What another cotangent of the matrix leads to."""

    def result(matrix, loss, b, p, solve):
        A = matrix(p)
        bar = make(A, state(matrix, b, p), loss, b)
        return np.tensordot(bar, jax.jacfwd(matrix)(p), 2)

    return Mistake(result=result)


def weight_of(A, u):
    return np.linalg.inv(A).T @ u


def asks_the_solver(answer, arguments):
    """Whether `solve` is called at all: no other solver is at hand."""
    calls = 0

    def solve(A, b):
        nonlocal calls
        calls += 1
        return arguments["solve"](A, b)

    answer(**{**arguments, "solve": solve})
    return calls > 0


adjoint_gradient = Question(
    name="adjoint_gradient",
    returns="the gradient",
    call="adjoint_gradient(matrix, loss, b, p, solve)",
    points=(
        {
            "matrix": mesh(4, 5, 0.0),
            "loss": bending,
            "b": test_array((4,), 1.0, 3.0),
            "p": test_array((5,), 2.0),
            "solve": jnp.linalg.solve,
        },
        {
            "matrix": lambda p: jnp.diag(3 + p**2) + jnp.outer(p, jnp.cos(p[::-1])),
            "loss": lambda x: jnp.sum(x**3),
            "b": test_array((3,), 3.0, 2.0),
            "p": test_array((3,), 4.0),
            "solve": jnp.linalg.solve,
        },
        {
            "matrix": mesh(6, 1000, 5.0),
            "loss": bending,
            "b": test_array((6,), 6.0, 5.0),
            "p": test_array((1000,), 7.0),
            "solve": jnp.linalg.solve,
        },
    ),
    labels=("5 parameters", "3 parameters, in two places each", "1000 parameters"),
    large_points=(2,),
    reference=by_columns,
    shape_of={"the gradient": "p"},
    requirements=(Requirement("solver-bypassed", asks_the_solver),),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {
                "matrix": mesh(4, 5, 0.0),
                "loss": bending,
                "b": test_array((4,), 1.0, 3.0),
                "p": test_array((5,), 2.0),
                "solve": jnp.linalg.solve,
            },
            calls={"solve": 2},
        ),
    ),
    predictions={
        "not-transposed": contracted(
            lambda A, x, loss, b: -np.outer(np.linalg.inv(A) @ jax.jacfwd(loss)(x), x)
        ),
        "adjoint-left-out": contracted(lambda A, x, loss, b: -np.outer(jax.jacfwd(loss)(x), x)),
        "no-minus": Mistake(result=lambda *args: -by_columns(*args)),
        "outer-reversed": contracted(
            lambda A, x, loss, b: -np.outer(x, weight_of(A, jax.jacfwd(loss)(x)))
        ),
        "loss-at-right-side": contracted(
            lambda A, x, loss, b: -np.outer(weight_of(A, jax.jacfwd(loss)(b)), x)
        ),
        "right-side-for-solution": contracted(
            lambda A, x, loss, b: -np.outer(weight_of(A, jax.jacfwd(loss)(x)), b)
        ),
        "adjoint-twice": contracted(
            lambda A, x, loss, b: (
                -np.outer(weight_of(A, jax.jacfwd(loss)(x)), weight_of(A, jax.jacfwd(loss)(x)))
            )
        ),
        "matrix-cotangent-returned": Mistake(
            result=lambda matrix, loss, b, p, solve: (
                -np.outer(
                    weight_of(matrix(p), jax.jacfwd(loss)(state(matrix, b, p))), state(matrix, b, p)
                )
            )
        ),
    },
    mistakes=(
        Mistake(
            "matrix-cotangent-returned",
            "the cotangent of the matrix",
            "You returned the cotangent of the matrix, −w xᵀ. It still has to be pulled back "
            "through `matrix` to p.",
            example="",
        ),
        Mistake(
            "adjoint-twice",
            "the adjoint on both sides",
            "Your matrix is made of the adjoint on both sides, w wᵀ. The change of A is applied "
            "to the *solution*: −w xᵀ.",
        ),
        Mistake(
            "solver-bypassed",
            "another solver",
            "The numbers are right, but `solve` was never called. It is the only solver that there is: "
            "call it for the state, and with Aᵀ for the adjoint.",
            example="",
        ),
        Mistake(
            "adjoint-left-out",
            "the adjoint solve is missing",
            "You took the slope of the loss as it is. It has to be solved with Aᵀ first: that "
            "is the second solve.",
        ),
        Mistake(
            "not-transposed",
            "the adjoint solve is not transposed",
            "Your second solve is with A itself. The adjoint solve is with the transpose of "
            "A. For a symmetric A it would not show.",
            read=CHAPTER + "#matrix-adjoint",
        ),
        Mistake(
            "no-minus",
            "a minus is missing",
            "Every slope has the wrong sign. A stiffer spring gives way less: from dA x + A "
            "dx = 0 comes dx = −A⁻¹ dA x.",
            read=CHAPTER + "#matrix-adjoint",
        ),
        Mistake(
            "outer-reversed",
            "the outer product is transposed",
            "The two factors of the outer product have changed places: λ xᵀ, since λ "
            "belongs to the rows of A and x to its columns.",
            read=CHAPTER + "#matrix-solve",
        ),
        Mistake(
            "loss-at-right-side",
            "the loss's slope at b",
            "You took the slope of the loss at b. It belongs to the state x.",
            read=CHAPTER + "#matrix-adjoint",
        ),
        Mistake(
            "right-side-for-solution",
            "b in place of x",
            "Your outer product holds b. From dA x + A dx = 0 you see that dA meets the state x.",
            read=CHAPTER + "#matrix-adjoint",
        ),
    ),
    read=CHAPTER,
)

def eigen_pair(S, k):
    values, V = jnp.linalg.eigh(S)
    return values[k], jnp.outer(V[:, k], V[:, k])


def eigen_slopes_of(S, dS, k):
    return jax.jvp(lambda S: eigen_pair(S, k), (S,), (dS,))[1]


def vector_slope(S, dS, k):
    P = np.asarray(eigen_slopes_of(S, dS, k)[1])
    v = np.linalg.eigh(S)[1][:, k]
    return v, P @ v  # P' v = v', since v' is orthogonal to v


def without_gap(S, dS, k):
    v = np.linalg.eigh(S)[1][:, k]
    v_dot = dS @ v - (v @ dS @ v) * v
    return np.outer(v_dot, v) + np.outer(v, v_dot)


def in_eigenbasis(S, dS, k, turn):
    """The projector's slope, where the eigenvector's coefficients are turned back wrongly."""
    v, v_dot = vector_slope(S, dS, k)
    V = np.linalg.eigh(S)[1]
    wrong = turn(V, V.T @ v_dot)
    return np.outer(wrong, v) + np.outer(v, wrong)


def from_neighbours(S, dS, k):
    """The projector's slope with the eigenvectors beside the k-th alone."""
    near = np.abs(np.arange(len(S)) - k) <= 1
    return in_eigenbasis(S, dS, k, lambda V, coefficients: V @ (near * coefficients))


def one_term(S, dS, k):
    v, v_dot = vector_slope(S, dS, k)
    return np.outer(v_dot, v)


def by_rows(S, dS, k):
    v = np.linalg.eigh(S)[1][k]
    rows = lambda S: jnp.outer(jnp.linalg.eigh(S)[1][k], jnp.linalg.eigh(S)[1][k])
    return v @ dS @ v, jax.jvp(rows, (S,), (dS,))[1]


eigen_slopes = Question(
    name="eigen_slopes",
    returns=("slope", "projector_slope"),
    points=(
        {"S": symmetric_array(3), "k": 0},
        {"S": symmetric_array(4, 1.0), "k": 2},
        {"S": symmetric_array(3, 2.0, 100.0), "k": 2},
    ),
    labels=("S of shape (3, 3), k = 0", "S of shape (4, 4), k = 2", "S of shape (3, 3), k = 2"),
    large_points=(2,),
    tangents=(
        lambda p: {"dS": symmetric_array(len(p["S"]), 3.0)},
        lambda p: {"dS": symmetric_array(len(p["S"]), 4.0, 2.0)},
    ),
    call="eigen_slopes(S=…, dS=…, k=…)",
    adapt=lambda answer: lambda S, k, dS: answer(S, dS, k),
    reference=lambda S, k, dS: eigen_slopes_of(S, dS, k),
    requirements=(linear_in("dS"),),
    predictions={
        "vector-for-projector": Mistake(
            result=lambda S, k, dS: vector_slope(S, dS, k)[1], part="projector_slope"
        ),
        "gap-reversed": Mistake(
            result=lambda S, k, dS: -eigen_slopes_of(S, dS, k)[1], part="projector_slope"
        ),
        "no-gap": Mistake(result=lambda S, k, dS: without_gap(S, dS, k), part="projector_slope"),
        "one-term": Mistake(result=lambda S, k, dS: one_term(S, dS, k), part="projector_slope"),
        "rows-for-columns": Mistake(result=lambda S, k, dS: by_rows(S, dS, k)),
        "row-for-column": Mistake(
            result=lambda S, k, dS: np.linalg.eigh(S)[1][k] @ dS @ np.linalg.eigh(S)[1][k],
            part="slope",
        ),
        "trace-for-slope": Mistake(result=lambda S, k, dS: np.trace(dS), part="slope"),
        "eigenvalue-returned": Mistake(
            result=lambda S, k, dS: np.linalg.eigh(S)[0][k], part="slope"
        ),
        "projector-returned": Mistake(
            result=lambda S, k, dS: eigen_pair(S, k)[1], part="projector_slope"
        ),
        "difference-of-terms": Mistake(
            result=lambda S, k, dS: one_term(S, dS, k) - one_term(S, dS, k).T,
            part="projector_slope",
        ),
        "coefficients-as-vector": Mistake(
            result=lambda S, k, dS: in_eigenbasis(S, dS, k, lambda V, c: c), part="projector_slope"
        ),
        "turned-the-wrong-way": Mistake(
            result=lambda S, k, dS: in_eigenbasis(S, dS, k, lambda V, c: V.T @ c),
            part="projector_slope",
        ),
        "descending": Mistake(result=lambda S, k, dS: eigen_slopes_of(S, dS, len(S) - 1 - k)),
        "slopes-multiplied": Mistake(
            result=lambda S, k, dS: np.outer(vector_slope(S, dS, k)[1], vector_slope(S, dS, k)[1]),
            part="projector_slope",
        ),
        "difference-for-derivative": Mistake(
            result=lambda S, k, dS: tuple(
                np.subtract(moved, still)
                for moved, still in zip(eigen_pair(S + dS, k), eigen_pair(S, k), strict=True)
            )
        ),
        "neighbours-alone": Mistake(
            result=lambda S, k, dS: from_neighbours(S, dS, k), part="projector_slope"
        ),
    },
    rtol=1e-8,
    rtol32=1e-3,
    mistakes=(
        Mistake(
            "vector-for-projector",
            "the derivative of the eigenvector",
            "Your second result is the derivative of the eigenvector v. Asked for is that of the "
            "projector v vᵀ, in which both factors move: dv vᵀ + v dvᵀ.",
        ),
        Mistake(
            "difference-for-derivative",
            "a difference",
            "You took the difference between S + dS and S. The derivative is the part of it that "
            "is linear in dS.",
        ),
        Mistake(
            "slopes-multiplied",
            "v′ v′ᵀ",
            "Your projector's slope is v′ v′ᵀ. The product rule for v vᵀ lets one factor move at "
            "a time: v′ vᵀ + v v′ᵀ.",
        ),
        Mistake(
            "turned-the-wrong-way",
            "turned back the wrong way",
            "You multiplied the coefficients by Vᵀ. The eigenvectors stand in the columns of V: "
            "the vector is V times the coefficients.",
        ),
        Mistake(
            "coefficients-as-vector",
            "coefficients in place of the vector",
            "Your dv holds the coefficients along the eigenvectors. Turn them back into a "
            "vector: V times the coefficients.",
        ),
        Mistake(
            "difference-of-terms",
            "a difference of the two terms",
            "You subtracted the two terms. Both factors of v vᵀ move, and the product rule "
            "adds: dv vᵀ + v dvᵀ.",
        ),
        Mistake(
            "projector-returned",
            "the projector itself",
            "You returned the projector. Asked for is its derivative.",
        ),
        Mistake(
            "eigenvalue-returned",
            "the eigenvalue itself",
            "You returned the eigenvalue. Asked for is its derivative, v · dS v.",
        ),
        Mistake(
            "trace-for-slope",
            "the trace",
            "Your slope is the trace of dS: that is the slope of the *sum* of all eigenvalues. "
            "That of one is v · dS v.",
        ),
        Mistake(
            "row-for-column",
            "a row of V",
            "You took row k of the eigenvectors. They stand in the columns: `V[:, k]`.",
        ),
        Mistake(
            "gap-reversed",
            "the gap is reversed",
            "The projector's derivative has the wrong sign: divide by λₖ − λⱼ, the own "
            "eigenvalue first.",
            read=CHAPTER + "#matrix-eigen",
        ),
        Mistake(
            "no-gap",
            "not divided by the gap",
            "The parts along the other eigenvectors are there, but none is divided by its "
            "gap λₖ − λⱼ.",
            read=CHAPTER + "#matrix-eigen",
        ),
        Mistake(
            "one-term",
            "half of the product rule",
            "You returned dv vᵀ. The projector v vᵀ has two factors that move: dv vᵀ + v dvᵀ.",
            read=CHAPTER + "#matrix-eigen",
        ),
        Mistake(
            "rows-for-columns",
            "a row in place of a column",
            "You took row k of the matrix of eigenvectors. They stand in its columns: V[:, k].",
            read=CHAPTER + "#matrix-eigen",
        ),
        Mistake(
            "descending",
            "counted from the largest",
            "Your eigenvalue is number k from the top. `eigh` gives them in ascending "
            "order, and k counts from the smallest.",
            read=CHAPTER + "#matrix-eigen",
        ),
        Mistake(
            "neighbours-alone",
            "two neighbours for all",
            "Your sum goes over the eigenvectors k − 1 and k + 1. All others belong into it.",
        ),
    ),
    read=CHAPTER,
)

def metric(n, phase):
    half = test_array((n, n), phase)
    return single(half @ half.T + np.diag(np.arange(1.0, n + 1)))


def in_straight_coordinates(f, x, M, rate, steps):
    """The same walk where M is the identity: z = Lᵀ x with M = L Lᵀ."""
    L = np.linalg.cholesky(M)
    back = np.linalg.inv(L.T)
    z = L.T @ x
    for _ in range(steps):
        z = z - rate * jax.jacfwd(lambda z: f(back @ z))(z)
    return back @ z


def walk_with(make):
    """The walk with another direction, made of the slope and M."""

    def result(f, x, M, rate, steps):
        for _ in range(steps):
            x = x - rate * make(jax.jacfwd(f)(x), M)
        return x

    return Mistake(result=result)


def place_solved(f, x, M, rate, steps):
    for _ in range(steps):
        x = np.linalg.inv(M) @ (x - rate * jax.jacfwd(f)(x))
    return x


def newton_walk(f, x, M, rate, steps):
    for _ in range(steps):
        x = x - rate * np.linalg.inv(jax.jacfwd(jax.jacfwd(f))(x)) @ jax.jacfwd(f)(x)
    return x


def in_one(f, x, M, rate, steps):
    return x - rate * steps * np.linalg.inv(M) @ jax.jacfwd(f)(x)


def never_uphill(f, x, M, rate, steps):
    for _ in range(steps):
        new = x - rate * np.linalg.inv(M) @ jax.jacfwd(f)(x)
        if f(new) > f(x):
            break
        x = new
    return x


def last_step(f, x, M, rate, steps):
    before = in_straight_coordinates(f, x, M, rate, steps - 1)
    return before - in_straight_coordinates(f, x, M, rate, steps)


valley = lambda x: jnp.sum(jnp.sin(x) * jnp.arange(1.0, 1.0 + len(x))) + x[0] * x[-1] / 4

metric_descent = Question(
    name="metric_descent",
    returns="end",
    points=(
        {"f": valley, "x": test_array((3,)), "M": metric(3, 1.0), "rate": 0.25, "steps": 3},
        {"f": valley, "x": test_array((2,), 2.0), "M": metric(2, 3.0), "rate": 0.5, "steps": 4},
        {
            "f": lambda x: jnp.sum(jnp.sqrt(1 + x**2)) + x[0],
            "x": test_array((4,), 4.0, 200.0),
            "M": metric(4, 5.0),
            "rate": 0.25,
            "steps": 2,
        },
        {"f": valley, "x": test_array((2,), 8.0), "M": metric(2, 7.0), "rate": 4.0, "steps": 3},
    ),
    labels=(
        "3 inputs, 3 steps",
        "2 inputs, 4 steps",
        "4 inputs far out, 2 steps",
        "2 inputs, 3 steps at a high rate",
    ),
    large_points=(2,),
    reference=in_straight_coordinates,
    shape_of={"where it ends": "x"},
    predictions={
        "multiplied": walk_with(lambda slope, M: M @ slope),
        "plain-descent": walk_with(lambda slope, M: slope),
        "diagonal-only": walk_with(lambda slope, M: slope / np.diag(M)),
        "uphill": walk_with(lambda slope, M: -np.linalg.inv(M) @ slope),
        "metric-twice": walk_with(lambda slope, M: np.linalg.inv(M) @ np.linalg.inv(M) @ slope),
        "stopped-uphill": Mistake(result=never_uphill),
        "one-step-more": Mistake(
            result=lambda f, x, M, rate, steps: in_straight_coordinates(f, x, M, rate, steps + 1)
        ),
        "first-step-alone": Mistake(
            result=lambda f, x, M, rate, steps: in_straight_coordinates(f, x, M, rate, 1)
        ),
        "place-solved": Mistake(result=place_solved),
        "newton-step": Mistake(result=newton_walk),
        "unit-steps": walk_with(lambda slope, M: slope / np.sqrt(slope @ M @ slope)),
        "gradient-returned": Mistake(
            result=lambda f, x, M, rate, steps: (
                np.linalg.inv(M) @ jax.jacfwd(f)(in_straight_coordinates(f, x, M, rate, steps))
            )
        ),
        "single-step": Mistake(result=in_one),
        "step-returned": Mistake(result=last_step),
        "unit-steps-of-the-metric": walk_with(
            lambda slope, M: np.linalg.inv(M) @ slope / np.sqrt(slope @ np.linalg.inv(M) @ slope)
        ),
    },
    mistakes=(
        Mistake(
            "unit-steps-of-the-metric",
            "steps of one length",
            "You divided each step by its length. The length of a step is `rate` times the solved "
            "gradient; it gets shorter as the gradient does.",
        ),
        Mistake(
            "gradient-returned",
            "the gradient",
            "You returned the gradient at the end. Asked for is the place.",
        ),
        Mistake(
            "unit-steps",
            "unit steps",
            "You divided the slope by its length in M. Asked for is the vector g with M g = ∇f.",
        ),
        Mistake(
            "newton-step",
            "Newton's step",
            "You solved with the Hessian: that is Newton's method. Here the inner product M is "
            "given.",
        ),
        Mistake(
            "place-solved",
            "M for the place, too",
            "You solved for the new place as a whole. Only the slope is turned into a gradient "
            "by M; the place stays what it is.",
        ),
        Mistake(
            "first-step-alone",
            "one step alone",
            "You went a single step, whatever `steps` is: the loop ends in its first iteration.",
        ),
        Mistake(
            "stopped-uphill",
            "stopped before `steps` steps",
            "You stop where a step would lead uphill. With a high rate that happens, and the steps "
            "after it may lead further down: asked for are all `steps` of them.",
        ),
        Mistake(
            "one-step-more",
            "one step too many",
            "You went one step more than `steps`.",
        ),
        Mistake(
            "metric-twice",
            "M twice",
            "You solved with M twice. M g = ∇f takes one solve.",
        ),
        Mistake(
            "multiplied",
            "multiplied by M",
            "You multiplied the slope by M. ⟨g, v⟩ = gᵀM v has to be ∇f·v, so M g = ∇f: "
            "solve with M.",
            read=CHAPTER + "#matrix-units",
        ),
        Mistake(
            "plain-descent",
            "M is not used",
            "Your walk is plain gradient descent: M is not used. The gradient depends on "
            "how lengths are measured.",
            read=CHAPTER + "#matrix-units",
        ),
        Mistake(
            "diagonal-only",
            "only the diagonal of M",
            "You divided by the diagonal of M. M has entries beside it, so it takes a "
            "linear solve.",
            read=CHAPTER + "#matrix-units",
        ),
        Mistake(
            "uphill",
            "uphill",
            "You walk uphill: subtract the gradient.",
            read=CHAPTER + "#matrix-units",
        ),
        Mistake(
            "single-step",
            "one long step",
            "You took one step of the whole length. After each step the slope is another "
            "one: compute it anew.",
            read=CHAPTER + "#matrix-units",
        ),
        Mistake(
            "step-returned",
            "the last step",
            "You returned the last step. What is asked for is the place where the walk ends.",
            read=CHAPTER + "#matrix-units",
        ),
    ),
    read=CHAPTER,
)

class Search:
    """A minimiser that is not differentiated; `exact` is one that can be."""

    def __init__(self, exact):
        self.exact = exact

    def __call__(self, p):
        return jax.lax.stop_gradient(self.exact(p))


BOWL = single(regular(3) @ regular(3).T)
AIM = test_array((3,), 1.0)
POINT = test_array((2,), 2.0)

bowl = lambda x, p: x @ BOWL @ x / 2 + p**2 * (x @ x) - jnp.sin(p) * (AIM @ x)
barrier = lambda x, p: jnp.sum(jnp.exp(x) - p * x)
shifted = lambda x, p: jnp.sum(jnp.cosh(x - jnp.sin(p) * POINT)) + p**3

bowl_best = Search(lambda p: jnp.sin(p) * jnp.linalg.inv(BOWL + 2 * p**2 * jnp.eye(3)) @ AIM)
barrier_best = Search(lambda p: jnp.log(p) * jnp.ones(2))
shifted_best = Search(lambda p: jnp.sin(p) * POINT)


def by_the_exact_minimum(f, best, p):
    v = lambda p: f(best.exact(p), p)
    return jax.jacfwd(v)(p), jax.jacfwd(jax.jacfwd(v))(p)


def curvature_with(make):
    """Another curvature, made of f_pp, f_xp and the Hessian."""

    def result(f, best, p):
        x = best.exact(p)
        f_pp = jax.jacfwd(jax.jacfwd(f, 1), 1)(x, p)
        mixed = np.asarray(jax.jacfwd(jax.jacfwd(f, 1), 0)(x, p))
        return make(f_pp, mixed, np.asarray(jax.hessian(f)(x, p)))

    return Mistake(result=result, part="curvature")


minimum_slopes = Question(
    name="minimum_slopes",
    returns=("slope", "curvature"),
    points=(
        {"f": bowl, "best": bowl_best, "p": 0.75},
        {"f": barrier, "best": barrier_best, "p": 2.5},
        {"f": shifted, "best": shifted_best, "p": 40.0},
    ),
    labels=("a bowl, p = 0.75", "f = Σ exp(x) − p x, p = 2.5", "a bowl that moves, p = 40"),
    large_points=(2,),
    reference=by_the_exact_minimum,
    predictions={
        "standing-still-twice": curvature_with(lambda f_pp, mixed, H: f_pp),
        "sign-of-motion": curvature_with(
            lambda f_pp, mixed, H: f_pp + mixed @ np.linalg.inv(H) @ mixed
        ),
        "not-solved": curvature_with(lambda f_pp, mixed, H: f_pp - mixed @ mixed),
        "motion-added-up": curvature_with(
            lambda f_pp, mixed, H: f_pp - np.sum(np.linalg.inv(H) @ mixed)
        ),
        "not-inverted": curvature_with(lambda f_pp, mixed, H: f_pp - mixed @ H @ mixed),
        "twice-the-motion": curvature_with(
            lambda f_pp, mixed, H: f_pp - 2 * mixed @ np.linalg.inv(H) @ mixed
        ),
        "value-first": Mistake(
            result=lambda f, best, p: (f(best.exact(p), p), by_the_exact_minimum(f, best, p)[0])
        ),
        "motion-alone": curvature_with(lambda f_pp, mixed, H: -mixed @ np.linalg.inv(H) @ mixed),
        "curvature-along-x": Mistake(
            result=lambda f, best, p: np.trace(jax.hessian(f)(best.exact(p), p)), part="curvature"
        ),
        "derivatives-along-x": Mistake(
            result=lambda f, best, p: jax.hessian(f)(best.exact(p), p), part="curvature"
        ),
        "slope-by-x": Mistake(
            result=lambda f, best, p: jax.grad(f)(best.exact(p), p), part="slope"
        ),
        "diagonal-of-hessian": curvature_with(
            lambda f_pp, mixed, H: f_pp - np.sum(mixed**2 / np.diag(H))
        ),
    },
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {"f": bowl, "best": bowl_best, "p": 0.75},
            calls={"best": 2},
        ),
    ),
    rtol=2e-11,  # so that a difference quotient of the slope is told from a derivative
    mistakes=(
        Mistake(
            "derivatives-along-x",
            "derivatives along x",
            "Your curvature is the Hessian with respect to x, a matrix. Asked for are the "
            "derivatives of v, with respect to p.",
            example="",
        ),
        Mistake(
            "curvature-along-x",
            "the curvature along x",
            "Your curvature is the trace of the Hessian with respect to x. Asked for is that of "
            "v, with respect to p.",
        ),
        Mistake(
            "motion-added-up",
            "the motion added up",
            "You added up the motion of x. Each entry of dx/dp is multiplied with its own mixed "
            "derivative.",
        ),
        Mistake(
            "not-solved",
            "the Hessian is missing",
            "In your curvature the Hessian is missing: the motion of x is dx/dp = −H⁻¹ ∂ₚ∂ₓf.",
        ),
        Mistake(
            "standing-still-twice",
            "x stands still for the second derivative, too",
            "Your curvature is that of f with x held still. The envelope theorem holds for "
            "the first derivative only: the slope ∂f/∂p changes when x moves.",
            read=CHAPTER + "#matrix-envelope",
        ),
        Mistake(
            "sign-of-motion",
            "x moves the wrong way",
            "The share of the moving x has the wrong sign: from H dx/dp + ∂ₚ∂ₓf = 0 comes "
            "dx/dp = −H⁻¹ ∂ₚ∂ₓf.",
            read=CHAPTER + "#matrix-envelope",
        ),
        Mistake(
            "not-inverted",
            "multiplied by the Hessian",
            "You multiplied by the Hessian. The motion of x solves a system with it: H "
            "dx/dp = −∂ₚ∂ₓf.",
            read=CHAPTER + "#matrix-envelope",
        ),
        Mistake(
            "twice-the-motion",
            "the motion counted twice",
            "You counted the motion of x twice. Differentiate v′ = ∂ₚf(x*(p), p) once: the "
            "term with dx/dp appears once.",
            read=CHAPTER + "#matrix-envelope",
        ),
        Mistake(
            "value-first",
            "one derivative short",
            "You returned the minimum itself and its slope. The slope and the curvature are "
            "asked for.",
            read=CHAPTER + "#matrix-envelope",
        ),
        Mistake(
            "motion-alone",
            "f's own curvature is missing",
            "Your curvature holds the share of the moving x alone. ∂ₚ∂ₚf belongs to it, too.",
            read=CHAPTER + "#matrix-envelope",
        ),
        Mistake(
            "slope-by-x",
            "differentiated with respect to x",
            "Your slope is the gradient with respect to x, which is zero at the minimum. "
            "Asked for is the derivative with respect to p, the second argument of f.",
        ),
        Mistake(
            "diagonal-of-hessian",
            "the diagonal of the Hessian",
            "You divided by the diagonal of the Hessian. Where the entries of x are "
            "coupled, all move together: solve with the whole matrix.",
        ),
    ),
    read=CHAPTER,
)
