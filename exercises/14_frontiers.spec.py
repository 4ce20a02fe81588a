"""The specifications of 14_frontiers.md, released from solutions/14_frontiers.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import (
    CostLimit,
    Mistake,
    Question,
    adjoint,
    dense_pullback,
    linear_in,
    test_array,
)

CHAPTER = "book/14_frontiers.md"


def complex_array(shape, phase=0.0, scale=1.0):
    return test_array(shape, phase, scale) + 1j * test_array(shape, phase + 1.0, scale)


def planar_slope(f, z):
    """The pair of real slopes, as one complex number."""
    x, y = jnp.real(z), jnp.imag(z)
    to_x, to_y = jax.jacfwd(lambda x, y: f(x + 1j * y), argnums=(0, 1))(x, y)
    return to_x + 1j * to_y


def heavy_ball(push):
    """The motion under a push that is made of the slope, one for each step."""

    def end(f, z, rate, momentum, steps):
        velocity = 0 * z
        for _ in range(steps):
            velocity = momentum * velocity + push(rate, planar_slope(f, z))
            z = z + velocity
        return z

    return end


def at_rest(f, z, rate, momentum, steps):
    return heavy_ball(lambda rate, g: -rate * g)(f, z, rate, 0.0, steps)


def one_behind(f, z, rate, momentum, steps):
    velocity = 0 * z
    for _ in range(steps):
        z, velocity = z + velocity, momentum * velocity - rate * planar_slope(f, z)
    return z


def with_steps(more):
    """The right motion, for so many steps more."""
    downhill = heavy_ball(lambda rate, g: -rate * g)
    return lambda f, z, rate, momentum, steps: downhill(f, z, rate, momentum, steps + more)


def slope_of_the_start(f, z, rate, momentum, steps):
    velocity, slope = 0 * z, planar_slope(f, z)
    for _ in range(steps):
        velocity = momentum * velocity - rate * slope
        z = z + velocity
    return z


def slope_ahead(f, z, rate, momentum, steps):
    velocity = 0 * z
    for _ in range(steps):
        velocity = momentum * velocity - rate * planar_slope(f, z + momentum * velocity)
        z = z + velocity
    return z


def not_at_rest(f, z, rate, momentum, steps):
    velocity = z
    for _ in range(steps):
        velocity = momentum * velocity - rate * planar_slope(f, z)
        z = z + velocity
    return z


def conjugated_place(f, z, rate, momentum, steps):
    velocity = 0 * z
    for _ in range(steps):
        velocity = momentum * velocity - rate * jnp.conj(planar_slope(f, jnp.conj(z)))
        z = z + velocity
    return z


def slope_damped_too(f, z, rate, momentum, steps):
    velocity = 0 * z
    for _ in range(steps):
        velocity = momentum * (velocity - rate * planar_slope(f, z))
        z = z + velocity
    return z


def velocity_alone(f, z, rate, momentum, steps):
    velocity = 0 * z
    for _ in range(steps):
        velocity = momentum * velocity - rate * planar_slope(f, z)
        z = velocity
    return z


roots = lambda z: jnp.sum(jnp.abs(z**2 + 1) ** 2)
saddle = lambda z: jnp.sum(jnp.abs(z - 1 - 2j) ** 2) + jnp.sum(jnp.real(z) * jnp.imag(z))
far = lambda z: jnp.sum(jnp.sqrt(1 + jnp.abs(z) ** 2)) + jnp.sum(jnp.imag(z)) / 2

complex_descent = Question(
    name="complex_descent",
    returns="end",
    points=(
        {
            "f": roots,
            "z": complex_array((2,), 0.0, 0.5),
            "rate": 0.0625,
            "momentum": 0.5,
            "steps": 3,
        },
        {"f": saddle, "z": complex_array((), 2.0), "rate": 0.125, "momentum": 0.75, "steps": 4},
        {
            "f": far,
            "z": complex_array((3,), 3.0, 60.0),
            "rate": 0.5,
            "momentum": 0.25,
            "steps": 3,
        },
    ),
    labels=("|z² + 1|², z of shape (2,)", "a bowl, one number", "z far out, of shape (3,)"),
    large_points=(2,),
    reference=heavy_ball(lambda rate, g: -rate * g),
    shape_of={"where it ends": "z"},
    predictions={
        "no-conjugate": Mistake(result=heavy_ball(lambda rate, g: -rate * jnp.conj(g))),
        "uphill": Mistake(result=heavy_ball(lambda rate, g: rate * g)),
        "no-momentum": Mistake(result=at_rest),
        "half-a-slope": Mistake(result=heavy_ball(lambda rate, g: -rate * g / 2)),
        "old-velocity": Mistake(result=one_behind),
        "one-step-less": Mistake(result=with_steps(-1)),
        "one-step-more": Mistake(result=with_steps(1)),
        "first-step-alone": Mistake(
            result=lambda f, z, rate, momentum, steps: heavy_ball(lambda rate, g: -rate * g)(
                f, z, rate, momentum, 1
            )
        ),
        "slope-of-the-start": Mistake(result=slope_of_the_start),
        "averaged": Mistake(
            result=lambda f, z, rate, momentum, steps: heavy_ball(lambda rate, g: -rate * g)(
                f, z, (1 - momentum) * rate, momentum, steps
            )
        ),
        "slope-ahead": Mistake(result=slope_ahead),
        "not-at-rest": Mistake(result=not_at_rest),
        "rate-twice": Mistake(
            result=lambda f, z, rate, momentum, steps: heavy_ball(lambda rate, g: -(rate**2) * g)(
                f, z, rate, momentum, steps
            )
        ),
        "place-forgotten": Mistake(result=velocity_alone),
        "real-axis-only": Mistake(result=heavy_ball(lambda rate, g: -rate * jnp.real(g))),
        "conjugated-place": Mistake(result=conjugated_place),
        "slope-damped-too": Mistake(result=slope_damped_too),
        "size-for-slope": Mistake(result=heavy_ball(lambda rate, g: -rate * jnp.abs(g))),
        "imaginary-axis-only": Mistake(result=heavy_ball(lambda rate, g: -1j * rate * jnp.imag(g))),
        "sign-of-the-speed": Mistake(
            result=lambda f, z, rate, momentum, steps: heavy_ball(lambda rate, g: -rate * g)(
                f, z, rate, -momentum, steps
            )
        ),
    },
    mistakes=(
        Mistake(
            "holomorphic",
            "not a holomorphic function",
            "f returns a real number, so that it is not holomorphic: `grad` without "
            "`holomorphic=True` gives its slope, conjugated.",
            example="",
            raised=("TypeError: grad with holomorphic=True requires outputs with complex dtype",),
        ),
        Mistake(
            "sign-of-the-speed",
            "the momentum with the wrong sign",
            "Your velocity loses `momentum` times the old one. It *keeps* that share of it.",
        ),
        Mistake(
            "imaginary-axis-only",
            "along the imaginary axis",
            "You took only the imaginary part of the slope. z moves in the plane.",
        ),
        Mistake(
            "size-for-slope",
            "the size of the slope",
            "You took the absolute value of the slope, a real number: all pushes go to the left. "
            "The direction is in its sign, or its phase.",
        ),
        Mistake(
            "slope-damped-too",
            "the slope is damped, too",
            "In your velocity the new push is multiplied by the momentum as well. The momentum "
            "belongs to the old velocity alone.",
        ),
        Mistake(
            "conjugated-place",
            "z conjugated, not the slope",
            "You took the slope at the conjugate of z, a point in the mirror. It is `grad`'s "
            "result that has to be conjugated.",
        ),
        Mistake(
            "rate-twice",
            "the rate counts twice",
            "The slope is multiplied by the rate twice: in the velocity, and once more when the "
            "ball moves. The first is enough.",
        ),
        Mistake(
            "not-at-rest",
            "not at rest",
            "Your ball starts with the velocity z. It starts at rest.",
        ),
        Mistake(
            "slope-ahead",
            "the slope ahead",
            "You took the slope at the place where the velocity would lead (Nesterov's method). "
            "Here it is that of the present place.",
        ),
        Mistake(
            "averaged",
            "a factor 1 − momentum",
            "Your push has a factor 1 − momentum, as in an average. Here it is `rate` times the "
            "slope, in full.",
        ),
        Mistake(
            "slope-of-the-start",
            "the slope of the start",
            "Your ball is pushed by the slope at the start in all steps. Take it at the present "
            "place.",
        ),
        Mistake(
            "first-step-alone",
            "one step alone",
            "Your ball makes a single step, whatever `steps` is: the loop ends in its first "
            "iteration.",
        ),
        Mistake(
            "no-conjugate",
            "the conjugate is missing",
            "You subtracted what `grad` returns. It is the number that a step is multiplied "
            "by, ∂f/∂x − i ∂f/∂y; the way up is its conjugate.",
            read=CHAPTER + "#frontier-complex",
        ),
        Mistake(
            "uphill",
            "uphill",
            "The ball rolls uphill: the slope has to be subtracted.",
            read=CHAPTER + "#frontier-complex",
        ),
        Mistake(
            "no-momentum",
            "the velocity is forgotten",
            "Your ball has no momentum: in each step the old velocity, times `momentum`, "
            "belongs to the new one.",
            read=CHAPTER + "#frontier-complex",
        ),
        Mistake(
            "half-a-slope",
            "half of the slope",
            "Your push is half of what is asked for. ∂f/∂z̄, the Wirtinger derivative, is "
            "half of the slope in the plane.",
            read=CHAPTER + "#frontier-holomorphic",
        ),
        Mistake(
            "old-velocity",
            "moved by the old velocity",
            "Your ball moves before its velocity is renewed: it is one step behind.",
            read=CHAPTER + "#frontier-complex",
        ),
        Mistake(
            "one-step-less",
            "one step too few",
            "Your ball makes one step less than `steps`. It starts at rest: if it moves before it is "
            "pushed, the first step leads nowhere.",
            read=CHAPTER + "#frontier-complex",
        ),
        Mistake(
            "one-step-more",
            "one step too many",
            "Your ball makes one step more than `steps`.",
            read=CHAPTER + "#frontier-complex",
        ),
        Mistake(
            "place-forgotten",
            "the place is forgotten",
            "Your ball is where its velocity points to from 0. A velocity is added to the place: z + velocity.",
            read=CHAPTER + "#frontier-complex",
        ),
        Mistake(
            "real-axis-only",
            "only the real direction",
            "Your ball moves along the real axis only. The imaginary part is a direction, too.",
            read=CHAPTER + "#frontier-complex",
        ),
    ),
    read=CHAPTER,
)

def rod(x):
    """A stencil with one neighbour on each side; left and right count differently."""
    around = jnp.pad(x, 1)
    return around[2:] * x - 2 * jnp.sin(x) + 3 * around[:-2] ** 2


def beam(x):
    around = jnp.pad(x, 2)
    inner = around[4:] - 4 * around[3:-1] * x + 6 * x**2 - 3 * around[1:-3]
    return inner + around[:-4] ** 2


def band(f, x, width):
    """The diagonals of the whole Jacobian, padded with zeros."""
    J = np.asarray(jax.jacfwd(f)(x))
    rows = np.zeros((2 * width + 1, x.size))
    for i in range(x.size):
        for k in range(2 * width + 1):
            if 0 <= i + k - width < x.size:
                rows[k, i] = J[i, i + k - width]
    return rows


def by_remainder(f, x, width, colors):
    """The diagonals from sums of columns, with another number of colours."""
    J = np.asarray(jax.jacfwd(f)(x))
    place = np.arange(x.size)
    sums = np.stack([J[:, place % colors == c].sum(1) for c in range(colors)])
    rows = np.stack([sums[(place + k) % colors, place] for k in range(-width, width + 1)])
    column = place + np.arange(-width, width + 1)[:, None]
    return np.where((column >= 0) & (column < x.size), rows, 0.0)


def pushes(f, x, width):
    """The sums of columns of each colour, not sorted into diagonals."""
    J = np.asarray(jax.jacfwd(f)(x))
    colors = 2 * width + 1
    return np.stack([J[:, c::colors].sum(1) for c in range(colors)])


def colour_of_the_row(f, x, width):
    place = np.arange(x.size)
    own = pushes(f, x, width)[place % (2 * width + 1), place]
    column = place + np.arange(-width, width + 1)[:, None]
    return np.where((column >= 0) & (column < x.size), own, 0.0)


def along_columns(f, x, width):
    rows = band(f, x, width)
    shifted = [np.roll(row, k - width) for k, row in enumerate(rows)]
    return np.stack(shifted)


def of_transpose(f, x, width):
    """Row k, entry i is J[i + k - width, i]."""
    J = np.asarray(jax.jacfwd(f)(x))
    return band_of(J.T, width)


def upper_band(f, x, width):
    return band(f, x, width)[width:]


def lower_band(f, x, width):
    return band(f, x, width)[: width + 1]


def not_padded(f, x, width):
    """Beyond the corners stands what the colour of a column that is not there holds."""
    colors, place = 2 * width + 1, np.arange(x.size)
    sums = pushes(f, x, width)
    return np.stack([sums[(place + k) % colors, place] for k in range(-width, width + 1)])


def from_the_own_place(f, x, width):
    colors, place = 2 * width + 1, np.arange(x.size)
    sums = pushes(f, x, width)
    return np.stack([sums[(place + k) % colors, place] for k in range(colors)])


def band_of(J, width):
    n = len(J)
    rows = np.zeros((2 * width + 1, n))
    for i in range(n):
        for k in range(2 * width + 1):
            if 0 <= i + k - width < n:
                rows[k, i] = J[i, i + k - width]
    return rows


banded_jacobian = Question(
    name="banded_jacobian",
    returns="diagonals",
    points=(
        {"f": rod, "x": test_array((7,)), "width": 1},
        {"f": beam, "x": test_array((8,), 1.0), "width": 2},
        {"f": rod, "x": test_array((5,), 2.0, 40.0), "width": 1},
    ),
    labels=("7 inputs, width 1", "8 inputs, width 2", "5 inputs far out, width 1"),
    large_points=(2,),
    reference=band,
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {"f": rod, "x": test_array((40,)), "width": 1},
            largest=700,
            size="n = 40",
        ),
    ),
    predictions={
        "band-of-the-transpose": Mistake(result=of_transpose),
        "highest-first": Mistake(result=lambda f, x, width: band(f, x, width)[::-1]),
        "too-few-colours": Mistake(result=lambda f, x, width: by_remainder(f, x, width, width + 1)),
        "along-columns": Mistake(result=along_columns),
        "pushes-as-they-came": Mistake(result=pushes),
        "colour-of-the-row": Mistake(result=colour_of_the_row),
        "one-diagonal-late": Mistake(
            result=lambda f, x, width: np.vstack([band(f, x, width)[1:], 0 * x])
        ),
        "upper-band": Mistake(result=upper_band),
        "lower-band": Mistake(result=lower_band),
        "not-padded": Mistake(result=not_padded),
        "offsets-from-0": Mistake(result=from_the_own_place),
        "rolled-diagonals": Mistake(
            result=lambda f, x, width: np.stack([
                np.roll(
                    pushes(f, x, width)[np.arange(x.size) % (2 * width + 1), np.arange(x.size)], -o
                )
                for o in range(-width, width + 1)
            ])
        ),
    },
    mistakes=(
        Mistake(
            "rolled-diagonals",
            "the colours as diagonals",
            "You took the colour of the *row* and moved the result along. Entry i of the diagonal "
            "at offset o stands in the sum for the colour of column i + o, at place i.",
        ),
        Mistake(
            "offsets-from-0",
            "the offsets begin with 0",
            "Your offsets run from 0 to 2·width. They run from −width to width.",
        ),
        Mistake(
            "not-padded",
            "where no column is",
            "Your diagonals are right inside, and at their ends, where no column is, stand "
            "numbers of other columns. There it should be 0.",
        ),
        Mistake(
            "lower-band",
            "the lower diagonals alone",
            "You returned the main diagonal and those below it. The `width` diagonals above "
            "belong to it, too.",
            example="",
        ),
        Mistake(
            "upper-band",
            "the upper diagonals alone",
            "You returned the main diagonal and those above it. A Jacobian is not symmetric: the "
            "`width` diagonals below belong to it, too, and come first.",
            example="",
        ),
        Mistake(
            "one-diagonal-late",
            "one diagonal late",
            "Your rows are those of the next diagonal each. Row k belongs to the columns i + k "
            "− width.",
        ),
        Mistake(
            "colour-of-the-row",
            "the colour of the row",
            "You took the push that has the colour of row i. It is the *column*, i + k − width, "
            "whose colour counts.",
        ),
        Mistake(
            "pushes-as-they-came",
            "not sorted into diagonals",
            "Your rows are the pushed seeds as they came. Entry i of a push is J[i, j] for the "
            "one j of that colour near i: sort the entries into diagonals.",
        ),
        Mistake(
            "band-of-the-transpose",
            "the diagonals of the transpose",
            "Your diagonals are those of the transposed Jacobian: JVPs give sums of "
            "columns, VJPs give sums of rows.",
            read=CHAPTER + "#frontier-sparse",
        ),
        Mistake(
            "highest-first",
            "from the highest to the lowest",
            "Your diagonals stand in the reverse order. Row 0 is the lowest, J[i, i − width].",
            read=CHAPTER + "#frontier-sparse",
        ),
        Mistake(
            "too-few-colours",
            "too few colours",
            "Some of your entries are sums of two: columns that are width + 1 apart still "
            "share a row. 2 width + 1 colours are needed.",
            read=CHAPTER + "#frontier-sparse",
        ),
        Mistake(
            "along-columns",
            "counted along the columns",
            "Your diagonals are the right ones, but shifted: entry i of a row belongs to "
            "*row* i of the Jacobian, not to column i.",
            read=CHAPTER + "#frontier-sparse",
        ),
    ),
    read=CHAPTER,
)

def shares(f, x, V):
    g = np.asarray(jax.jacfwd(f)(x))
    return [np.sum(g * v) * v for v in V]


bumps = lambda x: jnp.sum(jnp.sin(x) * x) + jnp.sum(jnp.cos(x)) ** 2

forward_gradient = Question(
    name="forward_gradient",
    returns="the mean",
    points=(
        {"f": bumps, "x": test_array((4,))},
        {"f": bumps, "x": test_array((2, 3), 1.0)},
        {"f": lambda x: jnp.sum(x**2), "x": test_array((3,), 2.0, 50.0)},
    ),
    labels=("x of shape (4,)", "x of shape (2, 3)", "x of shape (3,), far out"),
    large_points=(2,),
    tangents=(
        lambda p: {"V": test_array((5, *p["x"].shape), 3.0)},
        lambda p: {"V": test_array((3, *p["x"].shape), 4.0, 2.0)},
    ),
    reference=lambda f, x, V: sum(shares(f, x, V)) / len(V),
    shape_of={"the mean": "x"},
    cost_limits=(
        CostLimit(
            "wrong-mode",
            lambda: {"f": bumps, "x": test_array((4,)), "V": test_array((5, 4), 3.0)},
            mode="forward",
        ),
    ),
    predictions={
        "slopes-only": Mistake(
            result=lambda f, x, V: np.mean([np.sum(jax.jacfwd(f)(x) * v) for v in V])
        ),
        "sum-of-all": Mistake(result=lambda f, x, V: sum(shares(f, x, V))),
        "exact-gradient": Mistake(result=lambda f, x, V: jax.jacfwd(f)(x)),
        "value-for-slope": Mistake(result=lambda f, x, V: f(x) * np.mean(V, axis=0)),
        "first-direction-alone": Mistake(result=lambda f, x, V: shares(f, x, V)[0]),
        "entry-by-entry": Mistake(
            result=lambda f, x, V: np.asarray(jax.jacfwd(f)(x)) * np.mean(np.square(V), axis=0)
        ),
        "times-the-point": Mistake(
            result=lambda f, x, V: np.mean([np.sum(jax.jacfwd(f)(x) * v) for v in V]) * x
        ),
        "projected": Mistake(
            result=lambda f, x, V: (
                sum(s / np.sum(v * v) for s, v in zip(shares(f, x, V), V, strict=True)) / len(V)
            )
        ),
        "mean-direction": Mistake(result=lambda f, x, V: shares(f, x, [np.mean(V, axis=0)])[0]),
        "least-squares": Mistake(
            result=lambda f, x, V: np.reshape(
                np.linalg.lstsq(
                    np.reshape(V, (len(V), -1)),
                    np.array([np.sum(jax.jacfwd(f)(x) * v) for v in V]),
                    rcond=None,
                )[0],
                np.shape(x),
            )
        ),
        "every-share": Mistake(result=lambda f, x, V: np.stack(shares(f, x, V))),
    },
    mistakes=(
        Mistake(
            "every-share",
            "every direction's share",
            "You returned the shares of all directions. Asked for is their mean.",
            example="",
        ),
        Mistake(
            "least-squares",
            "the gradient that fits best",
            "You solved for the gradient that fits the slopes best. Asked for is a plain mean of "
            "slope times direction, which needs no solving.",
        ),
        Mistake(
            "times-the-point",
            "times x",
            "You multiplied the slope by x. Each slope belongs to its direction v.",
        ),
        Mistake(
            "entry-by-entry",
            "entry by entry",
            "You multiplied gradient and direction entry by entry. ∇f · v is one number, the "
            "slope along v.",
        ),
        Mistake(
            "first-direction-alone",
            "the first direction alone",
            "Your result is that of `V[0]` alone. Take the mean over all directions.",
        ),
        Mistake(
            "value-for-slope",
            "the value in place of the slope",
            "You multiplied each direction by the *value* of f. `jvp` gives the value and the "
            "slope: the second is meant.",
        ),
        Mistake(
            "slopes-only",
            "the slopes alone",
            "You returned the mean of the slopes, one number. Each slope has to be "
            "multiplied by its direction v.",
            read=CHAPTER + "#frontier-forward",
        ),
        Mistake(
            "sum-of-all",
            "the sum",
            "Your result is the sum over the directions, not their mean.",
            read=CHAPTER + "#frontier-forward",
        ),
        Mistake(
            "exact-gradient",
            "the exact gradient",
            "You returned the exact gradient. This question asks for the estimate that "
            "belongs to the given directions.",
            read=CHAPTER + "#frontier-forward",
        ),
        Mistake(
            "projected",
            "divided by the length",
            "You divided by v·v: that is the projection onto v. For random directions with "
            "variance 1 the plain product is right on average.",
            read=CHAPTER + "#frontier-forward",
        ),
        Mistake(
            "mean-direction",
            "one direction, the mean of all",
            "You took the mean of the directions first. (∇f·v) v is not linear in v: take "
            "the mean of the products.",
            read=CHAPTER + "#frontier-forward",
        ),
    ),
    read=CHAPTER,
)

def links(x):
    stretch = x[1:] - x[:-1]
    return jnp.sum(stretch**4 + jnp.cos(stretch)) + jnp.sum(jnp.exp(x / 2))


def couples(x):
    return jnp.sum(jnp.sin(x[1:] * x[:-1])) + jnp.sum(x**3)


def both_diagonals(f, x):
    H = np.asarray(jax.jacfwd(jax.jacfwd(f))(x))
    return np.diagonal(H), np.diagonal(H, 1)


def neighbours_together(f, x):
    H = np.asarray(jax.jacfwd(jax.jacfwd(f))(x))
    place = np.arange(x.size)
    return np.array([H[i, place % 2 == (i + 1) % 2].sum() for i in range(x.size - 1)])


def slopes_of_colours(f, x):
    slope = np.asarray(jax.jacfwd(f)(x))
    return np.array([slope[c::3].sum() for c in range(3)])


def sums_of_rows(f, x):
    H = np.asarray(jax.jacfwd(jax.jacfwd(f))(x))
    return H.sum(1), np.zeros(x.size - 1)


chain_hessian = Question(
    name="chain_hessian",
    returns=("diagonal", "beside"),
    points=(
        {"f": links, "x": test_array((7,))},
        {"f": couples, "x": test_array((5,), 1.0)},
        {"f": couples, "x": test_array((6,), 2.0, 20.0)},
    ),
    labels=("7 points", "5 points", "6 points far out"),
    large_points=(2,),
    reference=both_diagonals,
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {"f": links, "x": test_array((40,))},
            largest=700,
            size="n = 40",
        ),
        CostLimit(
            "too-many-calls",
            lambda: {"f": links, "x": test_array((40,))},
            calls={"f": 6},
        ),
    ),
    predictions={
        "wrapped-around": Mistake(
            result=lambda f, x: np.insert(both_diagonals(f, x)[1], 0, 0.0), part="beside"
        ),
        "gradient-for-product": Mistake(
            result=lambda f, x: np.asarray(jax.jacfwd(f)(x)), part="diagonal"
        ),
        "own-colour": Mistake(result=lambda f, x: both_diagonals(f, x)[0][:-1], part="beside"),
        "row-of-the-neighbour": Mistake(
            result=lambda f, x: both_diagonals(f, x)[0][1:], part="beside"
        ),
        "row-sums": Mistake(result=sums_of_rows),
        "all-colours-added": Mistake(result=lambda f, x: sums_of_rows(f, x)[0], part="diagonal"),
        "two-colours": Mistake(result=neighbours_together, part="beside"),
        "beside-twice": Mistake(result=lambda f, x: 2 * both_diagonals(f, x)[1], part="beside"),
        "one-link-too-many": Mistake(
            result=lambda f, x: np.append(
                both_diagonals(f, x)[1],
                np.asarray(jax.jacfwd(jax.jacfwd(f))(x))[
                    -1, np.arange(x.size) % 3 == x.size % 3
                ].sum(),
            ),
            part="beside",
        ),
        "squares-of-the-gradient": Mistake(
            result=lambda f, x: (
                np.square(jax.jacfwd(f)(x)),
                np.asarray(jax.jacfwd(f)(x))[:-1] * np.asarray(jax.jacfwd(f)(x))[1:],
            )
        ),
        "slopes-for-products": Mistake(
            result=lambda f, x: (
                slopes_of_colours(f, x)[np.arange(x.size) % 3],
                slopes_of_colours(f, x)[(np.arange(x.size - 1) + 1) % 3],
            )
        ),
        "three-rows-alone": Mistake(
            result=lambda f, x: both_diagonals(f, x)[0] * (np.arange(x.size) < 3), part="diagonal"
        ),
    },
    rtol=1e-9,
    mistakes=(
        Mistake(
            "wrapped-around",
            "an entry too many",
            "Beside the diagonal you returned n entries, of which the first is none: before the first "
            "point there is no other. Asked for are the n − 1 entries H[i, i + 1].",
        ),
        Mistake(
            "slopes-for-products",
            "slopes of f, not of its gradient",
            "You took the slopes of f itself along the three directions, one number each. A "
            "Hessian–vector product is the `jvp` of `grad(f)`.",
        ),
        Mistake(
            "squares-of-the-gradient",
            "products of slopes",
            "You multiplied entries of the gradient. Second derivatives are derivatives *of* the "
            "gradient: a product takes `jvp` of `grad(f)`.",
        ),
        Mistake(
            "one-link-too-many",
            "n entries beside the diagonal",
            "Your `beside` has n entries. n points have n − 1 links: the last point has no "
            "neighbour at i + 1.",
            example="",
        ),
        Mistake(
            "all-colours-added",
            "the colours added up",
            "Your diagonal holds the sums of whole rows: that is the product with ones, or all three "
            "products added. Take entry i from the one that has the colour of i.",
        ),
        Mistake(
            "row-of-the-neighbour",
            "the row of the neighbour",
            "Beside the diagonal you took entry i + 1. H[i, i + 1] is entry i of the product "
            "with the colour of i + 1.",
        ),
        Mistake(
            "own-colour",
            "the colour of the row itself",
            "Beside the diagonal you took the product that has the colour of i. H[i, i + 1] is "
            "in the one with the colour of i + 1.",
        ),
        Mistake(
            "gradient-for-product",
            "the gradient in place of Hs",
            "Your diagonal holds the gradient. `jvp` of the gradient gives two things: the "
            "gradient, and Hs. The second is meant.",
        ),
        Mistake(
            "row-sums",
            "the sums of the rows",
            "Your diagonal holds the sums of the Hessian's rows: a product with ones at all "
            "places mixes each entry with its neighbours.",
            read=CHAPTER + "#frontier-sparse",
        ),
        Mistake(
            "two-colours",
            "two neighbours together",
            "Your entries beside the diagonal are sums of both neighbours. With ones at "
            "every second place, a row meets two of them: take every third.",
            read=CHAPTER + "#frontier-sparse",
        ),
        Mistake(
            "beside-twice",
            "both sides counted",
            "Your entries beside the diagonal are twice as large: H[i, i+1] and H[i+1, i] "
            "are equal, and only one of them is asked for.",
            read=CHAPTER + "#frontier-sparse",
        ),
        Mistake(
            "three-rows-alone",
            "three unit vectors",
            "Only the first three entries of your diagonal are there: you multiplied by "
            "three unit vectors. Put ones at *every third* place, so that each product "
            "serves many rows.",
        ),
    ),
    read=CHAPTER,
)

def average_over(f, mu, sigma, noise):
    return jnp.mean(jnp.stack([f(mu + sigma * e) for e in noise]))


def reweighted(f, mu, sigma, noise):
    """The average over fixed x, weighted by how much likelier another width makes them."""
    x = mu + sigma * noise
    values = jnp.stack([f(one) for one in x])
    log_p = lambda s: -jnp.log(s) - (x - mu) ** 2 / (2 * s**2)
    return lambda s: jnp.mean(values * jnp.exp(log_p(s) - log_p(sigma)))


def two_slopes(f, mu, sigma, noise):
    path = jax.jacfwd(lambda s: average_over(f, mu, s, noise))(sigma)
    return path, jax.jacfwd(reweighted(f, mu, sigma, noise))(sigma)


def centred(values):
    return np.array(values) - np.mean(values)


def mean_with(weight, slope=False, part="score"):
    def result(f, mu, sigma, noise):
        x = mu + sigma * noise
        of = jax.jacfwd(f) if slope else f
        return np.mean([of(one) * weight(e, sigma) for one, e in zip(x, noise, strict=True)])

    return Mistake(result=result, part=part)


branched = jax.jit(lambda x: jax.lax.cond(x > 0, jnp.sin, lambda x: x**2 / 2 - 1, x))

two_estimates = Question(
    name="two_estimates",
    returns=("pathwise", "score"),
    points=(
        {"f": lambda x: x**2 + jnp.sin(x), "mu": 0.5, "sigma": 0.75, "noise": test_array((6,))},
        {"f": jnp.cos, "mu": -1.0, "sigma": 2.0, "noise": test_array((5,), 1.0)},
        {
            "f": lambda x: x**2 / 8 + 100,
            "mu": 30.0,
            "sigma": 1.5,
            "noise": test_array((7,), 2.0, 2.0),
        },
        {"f": branched, "mu": 0.25, "sigma": 1.25, "noise": test_array((4,), 3.0)},
    ),
    labels=("x² + sin x", "cos x", "x²/8 + 100, far out", "a function with a `cond`"),
    large_points=(2,),
    reference=two_slopes,
    predictions={
        "path-for-mu": mean_with(lambda e, s: 1.0, slope=True, part="pathwise"),
        "score-for-mu": mean_with(lambda e, s: e / s),
        "no-normalisation": mean_with(lambda e, s: e**2 / s),
        "not-over-sigma": mean_with(lambda e, s: e**2 - 1),
        "slope-in-score": mean_with(lambda e, s: (e**2 - 1) / s, slope=True),
        "product-of-means": Mistake(
            result=lambda f, mu, sigma, noise: (
                np.mean([f(mu + sigma * e) for e in noise]) * np.mean((noise**2 - 1) / sigma)
            ),
            part="score",
        ),
        "at-the-noise": Mistake(
            result=lambda f, mu, sigma, noise: (
                np.mean([jax.jacfwd(f)(e) * e for e in noise]),
                np.mean([f(e) * (e**2 - 1) / sigma for e in noise]),
            )
        ),
        "powers-of-sigma": mean_with(lambda e, s: e**2 - 1 / s),
        "slope-at-the-centre": Mistake(
            result=lambda f, mu, sigma, noise: np.mean(noise) * jax.jacfwd(f)(mu), part="pathwise"
        ),
        "sums-for-means": Mistake(
            result=lambda f, mu, sigma, noise: tuple(
                len(noise) * slope for slope in two_slopes(f, mu, sigma, noise)
            )
        ),
        "baseline-subtracted": Mistake(
            result=lambda f, mu, sigma, noise: np.mean(
                centred([f(mu + sigma * e) for e in noise]) * (noise**2 - 1) / sigma
            ),
            part="score",
        ),
    },
    rtol=1e-9,
    rtol32=3e-4,
    mistakes=(
        Mistake(
            "one-number-at-a-time",
            "f takes one number",
            "f takes one number, and you gave it (or `grad` of it) the array of all x. `vmap` "
            "maps it over them.",
            example="",
            raised=(
                "TypeError: Gradient only defined for scalar-output functions",
                "TypeError: Pred must be a scalar",
            ),
            code=r"!vmap",
        ),
        Mistake(
            "sums-for-means",
            "sums in place of means",
            "You added up where the mean is asked for.",
        ),
        Mistake(
            "slope-at-the-centre",
            "the slope at μ",
            "Your pathwise estimate takes the slope at μ. Each is taken at its own x = μ + σ · "
            "noise.",
        ),
        Mistake(
            "powers-of-sigma",
            "another power of σ",
            "Your weight is ε² − 1/σ, with ε = (x − μ)/σ. The score is (ε² − 1)/σ: differentiate "
            "log p = −log σ − (x − μ)²/(2σ²), and mind that 1/σ belongs to both terms.",
        ),
        Mistake(
            "at-the-noise",
            "f at the noise",
            "You took f and its slope at the noise itself. The random number is x = μ + σ · noise.",
        ),
        Mistake(
            "product-of-means",
            "the product of two means",
            "Your score is the mean of f times the mean of the weights. Asked for is the mean of "
            "the *products*: each value has the weight of its own noise.",
        ),
        Mistake(
            "path-for-mu",
            "the path's slope for μ",
            "Your pathwise estimate is the one with respect to μ. x = μ + σε moves with σ "
            "at the speed ε.",
            read=CHAPTER + "#frontier-chance",
        ),
        Mistake(
            "score-for-mu",
            "the score for μ",
            "Your score is that for μ, (x − μ)/σ². Here the width moves: differentiate log "
            "p with respect to σ.",
            read=CHAPTER + "#frontier-chance",
        ),
        Mistake(
            "no-normalisation",
            "the density's factor is forgotten",
            "A term is missing: the density has the factor 1/σ in front, so its logarithm "
            "has −log σ, whose slope is −1/σ.",
            read=CHAPTER + "#frontier-chance",
        ),
        Mistake(
            "not-over-sigma",
            "not divided by σ",
            "Your score is σ times the right one: ∂ log p/∂σ = (ε² − 1)/σ.",
            read=CHAPTER + "#frontier-chance",
        ),
        Mistake(
            "slope-in-score",
            "the slope of f in the score",
            "Your score estimate uses the slope of f. It takes the *values* of f: that is "
            "why it works for functions without a slope.",
            read=CHAPTER + "#frontier-chance",
        ),
        Mistake(
            "baseline-subtracted",
            "the mean subtracted first",
            "You subtracted the mean of f before you weighted it. That is a good idea in "
            "practice and has the same expectation; here the plain mean over these draws "
            "is asked for.",
        ),
    ),
    read=CHAPTER,
)

def pendulum(state, p):
    angle, speed = state
    new_speed = speed - 0.25 * (p[0] * jnp.sin(angle) + p[1] * speed)
    return jnp.array([angle + 0.25 * new_speed, new_speed])


def rotation(state, p):
    return jnp.tanh(jnp.roll(state, 1) * p) + state * jnp.cos(p)


def growth(state, p):
    return state + 0.125 * p * state * (1 - state / 64)


def whole_motion(step, start, p, count):
    for _ in range(count):
        start = step(start, p)
    return start


def pulled_back(step, start, p, count, u):
    return dense_pullback(lambda start, p: whole_motion(step, start, p, count), (start, p), u)


def walk_back(states, together=True, carried=True):
    """Go back with the Jacobians at other states, without the sum, or with u in each step."""

    def result(step, start, p, count, u):
        path = [start]
        for _ in range(count):
            path.append(step(path[-1], p))
        a, p_bar = u, 0 * p
        for state in states(path):
            to_state, share = dense_pullback(step, (state, p), a if carried else u)
            a = to_state
            p_bar = p_bar + share if together else share
        return a, p_bar

    return Mistake(result=result)


def with_u_at_each_step(step, start, p, count, u):
    """u itself into every step: the cotangent of the start is that of a single step."""
    path = [start]
    for _ in range(count):
        path.append(step(path[-1], p))
    pairs = [dense_pullback(step, (state, p), u) for state in path[:-1]]
    return pairs[0][0], sum(share for _, share in pairs)


def shares_of_p(step, start, p, count, u):
    path, shares = [start], []
    for _ in range(count):
        path.append(step(path[-1], p))
    for state in path[-2::-1]:
        u, share = dense_pullback(step, (state, p), u)
        shares.append(share)
    return shares


def exchanged_pair(step, start, p, count, u):
    """The share of p carried on as the cotangent, that of the state added up."""
    path, total = [start], 0 * p
    for _ in range(count):
        path.append(step(path[-1], p))
    for state in path[-2::-1]:
        to_state, u = dense_pullback(step, (state, p), u)
        total = total + to_state
    return u, total


motion_adjoint = Question(
    name="motion_adjoint",
    returns=("start_bar", "p_bar"),
    points=(
        {
            "step": pendulum,
            "start": test_array((2,)),
            "p": test_array((2,), 1.0, 2.0),
            "count": 4,
        },
        {"step": rotation, "start": test_array((3,), 2.0), "p": test_array((3,), 3.0), "count": 3},
        {
            "step": growth,
            "start": test_array((2,), 4.0, 40.0),
            "p": test_array((2,), 5.0),
            "count": 2,
        },
    ),
    labels=("a pendulum, 4 steps", "three coupled numbers, 3 steps", "growth, large, 2 steps"),
    large_points=(2,),
    tangents=(
        lambda p: {"u": test_array(p["start"].shape, 6.0)},
        lambda p: {"u": test_array(p["start"].shape, 7.0, 2.0)},
    ),
    reference=pulled_back,
    shape_of={"start_bar": "start", "p_bar": "p"},
    requirements=(linear_in("u"),),
    predictions={
        "last-share-only": walk_back(lambda path: path[-2::-1], together=False),
        "one-state-late": walk_back(lambda path: path[:0:-1]),
        "cotangent-not-carried": Mistake(
            result=lambda step, start, p, count, u: u, part="start_bar"
        ),
        "same-cotangent": walk_back(lambda path: path[:-1], carried=False),
        "forward-order": walk_back(lambda path: path[:-1]),
        "at-the-start": walk_back(lambda path: [path[0]] * (len(path) - 1)),
        "u-at-each-step": Mistake(result=with_u_at_each_step),
        "pair-exchanged": Mistake(result=exchanged_pair),
        "first-step-left-out": Mistake(
            result=lambda step, start, p, count, u: pulled_back(
                step, step(start, p), p, count - 1, u
            )
        ),
        "shares-not-added": Mistake(
            result=lambda step, start, p, count, u: (
                pulled_back(step, start, p, count, u)[0],
                shares_of_p(step, start, p, count, u),
            )
        ),
        "end-cotangent-for-p": Mistake(
            result=lambda *arguments: with_u_at_each_step(*arguments)[1], part="p_bar"
        ),
    },
    rtol=1e-9,
    mistakes=(
        Mistake(
            "shares-not-added",
            "a list of shares",
            "You returned the shares of p in a list, one for each step. p is the same in all: add "
            "them up.",
            example="",
        ),
        Mistake(
            "first-step-left-out",
            "the first step is left out",
            "You went back to the state after the first step. The first step leads from `start` "
            "to it: it is to be gone back through, too.",
        ),
        Mistake(
            "pair-exchanged",
            "state and parameters exchanged",
            "You took the two cotangents in the wrong order: `vjp(step, state, p)` gives that of "
            "the state first, then that of p.",
        ),
        Mistake(
            "u-at-each-step",
            "u at each step",
            "You gave u itself to each step. It is the cotangent of the end: a step gets what "
            "comes out of the step after it.",
        ),
        Mistake(
            "cotangent-not-carried",
            "u does not go back",
            "Your start_bar is u as it came. Each step's pullback gives the cotangent of the "
            "state before it: carry that to the next.",
        ),
        Mistake(
            "last-share-only",
            "only one step's share for p",
            "Your p_bar is the share of a single step. p is used in every step, and the "
            "shares are summed.",
            read=CHAPTER + "#frontier-ode",
        ),
        Mistake(
            "one-state-late",
            "one state late",
            "You took the Jacobian of each step at the state *after* it. A step is "
            "differentiated at the state from which it starts.",
            read=CHAPTER + "#frontier-ode",
        ),
        Mistake(
            "same-cotangent",
            "u in every step",
            "You pulled u itself back through every step. What comes out of one step goes "
            "into the one before it.",
            read=CHAPTER + "#frontier-ode",
        ),
        Mistake(
            "forward-order",
            "in the order of the motion",
            "You pulled back through the first step first. Going back, the last step comes first.",
            read=CHAPTER + "#frontier-ode",
        ),
        Mistake(
            "at-the-start",
            "all Jacobians at the start",
            "You took the Jacobian of each step at the start. Each belongs to the state at "
            "that time: save the states on the way forward.",
            read=CHAPTER + "#frontier-ode",
        ),
        Mistake(
            "end-cotangent-for-p",
            "the end's cotangent for each share",
            "Your start_bar is right. For the shares of p you pulled back u itself in "
            "every step; each takes the cotangent that has come back *to that step*.",
        ),
    ),
    read=CHAPTER,
)

def normalised(x):
    return x / jnp.einsum("dk->k", x)


def to_all(x, u):
    return dense_pullback(normalised, (x,), u)[0]


def holdings(shape, phase=0.0, scale=1.0):
    """Positive numbers, so that no sum is near 0."""
    raw = scale * (2 + test_array(shape, phase))
    return np.asarray(raw, np.float32).astype(np.float64)


def with_local(make):
    """u / S and a second term, made of the local cotangents of S."""

    def result(x, u):
        S = np.sum(x, axis=0)
        return u / S + make(-u * x / S**2, x, u, S)

    return Mistake(result=result)


psum_back = Question(
    name="psum_back",
    returns="x_bar",
    points=(
        {"x": holdings((4, 3))},
        {"x": holdings((2, 2), 1.0)},
        {"x": holdings((5, 2), 2.0, 40.0)},
    ),
    labels=("4 devices, 3 numbers each", "2 devices", "5 devices, large numbers"),
    large_points=(2,),
    tangents=(
        lambda p: {"u": test_array(p["x"].shape, 3.0)},
        lambda p: {"u": test_array(p["x"].shape, 4.0, 2.0)},
    ),
    reference=to_all,
    shape_of={"x_bar": "x"},
    requirements=(linear_in("u"), adjoint(normalised, ("x",), "u")),
    predictions={
        "second-term-alone": Mistake(
            result=lambda x, u: to_all(x, u) - np.asarray(u) / np.sum(x, axis=0)
        ),
        "everything-summed": Mistake(
            result=lambda x, u: np.asarray(u) / np.sum(x) - np.sum(u * x) / np.sum(x) ** 2
        ),
        "summed-on-the-device": Mistake(
            result=lambda x, u: (
                np.asarray(u) / np.sum(x, axis=1, keepdims=True)
                - np.sum(u * x, axis=1, keepdims=True) / np.sum(x, axis=1, keepdims=True) ** 2
            )
        ),
        "own-share-only": with_local(lambda local, x, u, S: local),
        "sum-held-still": with_local(lambda local, x, u, S: 0.0),
        "plus-for-minus": with_local(lambda local, x, u, S: -np.sum(local, axis=0)),
        "mean-across-devices": with_local(lambda local, x, u, S: np.mean(local, axis=0)),
        "own-x": with_local(lambda local, x, u, S: -np.sum(u, axis=0) * x / S**2),
        "summed-twice": with_local(lambda local, x, u, S: len(x) * np.sum(local, axis=0)),
        "power-of-the-sum": Mistake(
            result=lambda x, u: (u - np.sum(u * x, axis=0)) / np.sum(x, axis=0)
        ),
        "own-share-again": Mistake(
            result=lambda x, u: (
                u / np.sum(x, axis=0) - x * np.sum(u * x, axis=0) / np.sum(x, axis=0) ** 2
            )
        ),
        "mean-for-sum": Mistake(
            result=lambda x, u: (
                u / np.mean(x, axis=0) - np.mean(u * x, axis=0) / np.mean(x, axis=0) ** 2
            )
        ),
        "sums-multiplied": Mistake(result=lambda x, u: (u - np.sum(u, axis=0)) / np.sum(x, axis=0)),
    },
    mistakes=(
        Mistake(
            "no-such-devices",
            "psum outside of its axis",
            "`psum` works inside a function that is mapped over the axis of that name. Here all "
            "devices' numbers are rows of one array: a sum over axis 0 does it.",
            example="",
            raised=("NameError: unbound axis name",),
        ),
        Mistake(
            "sums-multiplied",
            "the product of two sums",
            "In your second term the cotangents are added up first, and then multiplied by a sum "
            "of the x. Each device multiplies its own u and x; then these products are added.",
        ),
        Mistake(
            "mean-for-sum",
            "the mean in place of the sum",
            "You took means over the devices. `psum` adds up.",
        ),
        Mistake(
            "own-share-again",
            "multiplied by x once more",
            "Your second term is multiplied by x_d. S is a sum of the x: each has the factor 1 in "
            "it, so that its cotangent goes to every device as it is.",
        ),
        Mistake(
            "power-of-the-sum",
            "S in place of S²",
            "Your second term is divided by S. The slope of 1/S is −1/S².",
        ),
        Mistake(
            "summed-on-the-device",
            "summed on each device",
            "You summed within each device, over axis 1. S is a sum *across* devices, axis 0.",
        ),
        Mistake(
            "everything-summed",
            "one sum for everything",
            "You summed over everything. S has one number for each place: the sum is across the "
            "devices, axis 0.",
        ),
        Mistake(
            "second-term-alone",
            "the first term is missing",
            "Your result is what goes through S alone. x_d also stands in the numerator of its "
            "own y_d: that is u_d / S.",
        ),
        Mistake(
            "own-share-only",
            "each device for itself",
            "Your devices don't talk in the backward pass. x_d changes S, and S is used by every "
            "device: the cotangents of S have to be summed across all of them.",
            read=CHAPTER + "#frontier-devices",
        ),
        Mistake(
            "sum-held-still",
            "S does not move",
            "You held S still. x_d acts through S as well.",
            read=CHAPTER + "#frontier-devices",
        ),
        Mistake(
            "plus-for-minus",
            "the sign of the second term",
            "The second term has the wrong sign: the slope of x/S with respect to S is −x/S².",
            read=CHAPTER + "#frontier-devices",
        ),
        Mistake(
            "mean-across-devices",
            "a mean in place of a sum",
            "You took the mean of the devices' cotangents. Copies of S are summed: the "
            "transpose of a copy is a sum.",
            read=CHAPTER + "#frontier-devices",
        ),
        Mistake(
            "own-x",
            "summed too early",
            "You summed u alone, and multiplied by the own x afterwards. The product u x of "
            "each device is what has to be summed.",
            read=CHAPTER + "#frontier-devices",
        ),
        Mistake(
            "summed-twice",
            "summed twice",
            "Your second term is multiplied by the number of devices. The sum across "
            "devices has happened; do not count it once for each of them.",
            read=CHAPTER + "#frontier-devices",
        ),
    ),
    read=CHAPTER,
)
