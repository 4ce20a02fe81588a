"""The specifications of 05_vmap.md, released from solutions/05_vmap.md: edit them there."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import CostLimit, Mistake, Question, Requirement, test_array

CHAPTER = "book/05_vmap.md"


def pair_by_pair(derivative, A, B):
    """What `derivative` gives for every pair of rows, one after the other."""
    return jnp.stack([jnp.stack([derivative(a, b) for b in B]) for a in A])


gauss = lambda a, b: jnp.exp(-jnp.sum((a - b) ** 2))
lopsided = lambda a, b: jnp.dot(a, b) ** 2 + jnp.sum(jnp.sin(a) * b)
far = lambda a, b: jnp.log(1 + jnp.sum((a - 2 * b) ** 2)) * a[0]

pairwise_slopes = Question(
    name="pairwise_slopes",
    returns="slopes",
    points=(
        {"k": gauss, "A": test_array((3, 2)), "B": test_array((4, 2), phase=1.0)},
        {"k": lopsided, "A": test_array((5, 3), phase=2.0), "B": test_array((2, 3), phase=3.0)},
        {
            "k": far,
            "A": test_array((2, 3), phase=4.0, scale=40.0),
            "B": test_array((3, 3), phase=5.0),
        },
    ),
    labels=(
        "a Gaussian kernel, A of shape (3, 2), B of shape (4, 2)",
        "a kernel that is not symmetric, A of shape (5, 3), B of shape (2, 3)",
        "a logarithmic kernel, A of shape (2, 3), B of shape (3, 3)",
    ),
    large_points=(2,),
    reference=lambda k, A, B: pair_by_pair(jax.jacfwd(k), A, B),
    predictions={
        "pairs-turned": Mistake(
            result=lambda k, A, B: jnp.swapaxes(pair_by_pair(jax.jacfwd(k), A, B), 0, 1)
        ),
        "second-argument": Mistake(
            result=lambda k, A, B: pair_by_pair(jax.jacfwd(k, argnums=1), A, B)
        ),
        "summed-over-b": Mistake(
            result=lambda k, A, B: pair_by_pair(jax.jacfwd(k), A, B).sum(axis=1)
        ),
        "values-not-slopes": Mistake(result=lambda k, A, B: pair_by_pair(k, A, B)),
        "points-exchanged": Mistake(
            result=lambda k, A, B: pair_by_pair(jax.jacfwd(lambda a, b: k(b, a)), A, B)
        ),
        "slopes-at-exchanged": Mistake(
            result=lambda k, A, B: pair_by_pair(lambda a, b: jax.jacfwd(k)(b, a), A, B)
        ),
        "A-with-itself": Mistake(result=lambda k, A, B: pair_by_pair(jax.jacfwd(k), A, A)),
        "unit-length": Mistake(
            result=lambda k, A, B: pair_by_pair(
                lambda a, b: jax.jacfwd(k)(a, b) / jnp.linalg.norm(jax.jacfwd(k)(a, b)), A, B
            )
        ),
    },
    mistakes=(
        Mistake(
            "pairs-turned",
            "the table is turned round",
            "Your table has a row for each point of B; there should be one for each point of A. "
            "The outer vmap makes the first axis: it has to map over A.",
            "",
            read=CHAPTER + "#vmap-axes",
        ),
        Mistake(
            "second-argument",
            "the other argument",
            "You differentiated with respect to b. Asked for is the gradient with respect to the "
            "first argument, which is what `grad(k)` gives.",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "summed-over-b",
            "added up over the points of B",
            "You differentiated the sum over all points of B: one slope for each point of A. Here "
            "each pair should keep its own.",
            "",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "values-not-slopes",
            "the values of the kernel",
            "Your table holds k itself at all pairs. Put `grad(k)` in the place of k.",
            "",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "points-exchanged",
            "k(b, a)",
            "Your k gets its two points in the opposite order. The point of A comes first, and k "
            "need not be symmetric.",
        ),
        Mistake(
            "slopes-at-exchanged",
            "at (b, a)",
            "You took the gradient at (b, a). The point of A comes first: it is the argument "
            "that is differentiated.",
        ),
        Mistake(
            "A-with-itself",
            "A with itself",
            "You paired the points of A with the points of A. The second point of each pair "
            "belongs to B.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "unit-length",
            "made one long",
            "Your gradients all have length 1. The gradient is asked for as it is: a small one "
            "says that moving helps little.",
        ),
        Mistake(
            "table-under-grad",
            "grad of a table",
            "`grad` takes a function that returns one number, and this one returns a table. "
            "Differentiate k first, then map: `vmap(vmap(grad(k), …), …)`.",
            "",
            raised=("TypeError: Gradient only defined for scalar-output",),
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {"k": gauss, "A": test_array((3, 2)), "B": test_array((4, 2), phase=1.0)},
            calls={"k": 1},
        ),
    ),
    read=CHAPTER + "#vmap-axes",
)

def dense_mjp(f, params, M):
    """Every block of the Jacobian, column by column, contracted with M."""
    blocks = jax.jacfwd(f)(params)
    return {name: jnp.tensordot(M, block, M.ndim - 1) for name, block in blocks.items()}


def cotangents(k, phase, scale=1.0):
    return lambda p: {"M": test_array((k, *np.shape(p["f"](p["params"]))), phase, scale)}


def layer(p):
    return jnp.tanh(test_array((4, 3)) @ p["W"] + p["b"])


def scaled(p):
    return jnp.sin(p["scale"]) * p["x"] + p["x"] ** 2


def polynomial(p):
    return jnp.stack([p["a"] @ p["x"], jnp.sum(p["x"] ** 3)])


mjp_tree = Question(
    name="mjp_tree",
    returns="result",
    points=(
        {"f": layer, "params": {"W": test_array((3, 2), 1.0), "b": test_array((2,), 2.0)}},
        {"f": scaled, "params": {"scale": 0.75, "x": test_array((3,), 3.0)}},
        {"f": polynomial, "params": {"a": test_array((4,), 4.0), "x": test_array((4,), 5.0, 30.0)}},
    ),
    labels=("a layer, y of shape (4, 2)", "a scaled vector, y of shape (3,)", "y of shape (2,)"),
    tangents=(cotangents(5, 0.5), cotangents(6, 1.5, 3.0)),
    large_points=(2,),
    reference=dense_mjp,
    predictions={
        "tuple-around-dict": Mistake(result=lambda f, params, M: (dense_mjp(f, params, M),)),
        "cotangents-summed": Mistake(
            result=lambda f, params, M: jax.tree.map(
                lambda part: part.sum(0), dense_mjp(f, params, M)
            )
        ),
        "list-of-dicts": Mistake(
            result=lambda f, params, M: [
                jax.tree.map(lambda part: part[i], dense_mjp(f, params, M)) for i in range(len(M))
            ]
        ),
        "batch-last": Mistake(
            result=lambda f, params, M: jax.tree.map(
                lambda part: jnp.moveaxis(part, 0, -1), dense_mjp(f, params, M)
            )
        ),
        "cotangent-ones": Mistake(
            result=lambda f, params, M: dense_mjp(f, params, jnp.ones_like(M))
        ),
        "mean-of-cotangents": Mistake(
            result=lambda f, params, M: jax.tree.map(
                lambda leaf: leaf.mean(axis=0), dense_mjp(f, params, M)
            )
        ),
    },
    mistakes=(
        Mistake(
            "tuple-around-dict",
            "the pullback's tuple",
            "You returned a tuple with the dict inside. A pullback gives one cotangent for each "
            "argument of f, always as a tuple: take its first item.",
            "",
            read=CHAPTER + "#vmap-mjp",
        ),
        Mistake(
            "cotangents-summed",
            "the cotangents were added up",
            "You added the cotangents up and pulled back their sum. Each of the k cotangents "
            "should give a result of its own: map the pullback over them.",
            "",
            read=CHAPTER + "#vmap-mjp",
        ),
        Mistake(
            "list-of-dicts",
            "a list of dicts",
            "You returned a list with a dict for each cotangent. Asked for is one dict whose arrays "
            "have an axis for the cotangents, in front. `vmap` makes it so.",
            "",
            read=CHAPTER + "#vmap-mjp",
        ),
        Mistake(
            "batch-last",
            "the cotangents' axis stands last",
            "The axis of the cotangents stands at the end of your arrays. It belongs in front; that "
            "is what `vmap` does when nothing is said about out_axes.",
            "",
            read=CHAPTER + "#vmap-axes",
        ),
        Mistake(
            "cotangent-ones",
            "the cotangents were ignored",
            "Your result is the same for every cotangent: what ones would give. Pull back the rows "
            "of M.",
            read=CHAPTER + "#vmap-mjp",
        ),
        Mistake(
            "mean-of-cotangents",
            "the mean over the cotangents",
            "You took the mean over the k cotangents. Each of them has a result of its own: the "
            "first axis of your arrays has length k.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "cotangents-one-by-one",
            "cotangents have the shape of y",
            "The pullback takes one cotangent, of the shape of y. M holds k of them along its "
            "first axis: let `vmap` go through that one.",
            "",
            raised=(
                "ValueError: unexpected JAX type (e.g. shape/dtype) for argument to VJP function",
            ),
        ),
        Mistake(
            "value-for-pullback",
            "the value in place of the pullback",
            "An array was called like a function. `vjp` returns a pair, and the value comes "
            "first: `y, pullback = vjp(f, params)`.",
            "",
            raised=(
                "TypeError: object is not callable",
                "TypeError: Expected a callable value",
            ),
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {
                "f": layer,
                "params": {"W": test_array((3, 2)), "b": test_array((2,))},
                "M": test_array((5, 4, 2)),
            },
            calls={"f": 1},
        ),
    ),
    read=CHAPTER + "#vmap-mjp",
)

def counted(count):
    return lambda f, x: (count(jax.tree.leaves(x)), count(jax.tree.leaves(f(x))))


shapes_of = lambda leaves: [np.shape(leaf) for leaf in leaves]
by_shape = counted(lambda leaves: sum(math.prod(shape) for shape in shapes_of(leaves)))


def computes_nothing(answer, arguments):
    """Whether f is never called with numbers."""
    f, x = arguments.values()
    computed = []

    def watched(x):
        computed.append(not any(isinstance(l, jax.core.Tracer) for l in jax.tree.leaves(x)))
        return f(x)

    try:
        answer(watched, x)
    except Exception:  # f is not what it was: that is another matter
        return True
    return not any(computed)


count_passes = Question(
    name="count_passes",
    returns=("forward", "reverse"),
    points=(
        {"f": lambda x: jnp.outer(x, x), "x": test_array((3,))},
        {
            "f": lambda p: jnp.tanh(p["W"] @ p["b"]),
            "x": {"W": test_array((5, 4), 1.0), "b": test_array((4,), 2.0)},
        },
        {"f": lambda x: jnp.sum(x**2), "x": test_array((6,), 4.0)},
        {"f": lambda x: {"rows": x.sum(1), "all": x**2}, "x": test_array((7, 2), 3.0, 100.0)},
    ),
    labels=(
        "outer(x, x), x of shape (3,)",
        "a layer, with a dict",
        "a loss, of shape ()",
        "a dict of results",
    ),
    large_points=(3,),
    reference=by_shape,
    requirements=(Requirement("output-computed", holds=computes_nothing),),
    predictions={
        "modes-swapped": Mistake(result=lambda f, x: by_shape(f, x)[::-1]),
        "arrays-counted": Mistake(result=counted(len)),
        "rows-counted": Mistake(
            result=counted(lambda leaves: sum((shape or (1,))[0] for shape in shapes_of(leaves)))
        ),
        "first-array-alone": Mistake(result=counted(lambda leaves: math.prod(np.shape(leaves[0])))),
        "one-pass-back": Mistake(result=lambda f, x: (by_shape(f, x)[0], 1)),
        "sizes-multiplied": Mistake(result=counted(lambda leaves: math.prod(map(np.size, leaves)))),
        "axes-counted": Mistake(result=counted(lambda leaves: sum(map(np.ndim, leaves)))),
        "lengths-added": Mistake(result=counted(lambda leaves: sum(map(sum, shapes_of(leaves))))),
        "jacobian-counted": Mistake(
            result=lambda f, x: (by_shape(f, x)[0] * by_shape(f, x)[1],) * 2
        ),
        "inputs-twice": Mistake(result=lambda f, x: (by_shape(f, x)[0],) * 2),
        "number-is-nothing": Mistake(
            result=counted(lambda leaves: sum(math.prod(s) if s else 0 for s in shapes_of(leaves)))
        ),
    },
    mistakes=(
        Mistake(
            "modes-swapped",
            "the modes are swapped",
            "Your two numbers have changed places. Forward mode moves one *input* entry in each "
            "pass, so its passes are counted by the inputs.",
            read=CHAPTER + "#vmap-jacobians",
        ),
        Mistake(
            "arrays-counted",
            "arrays counted, not entries",
            "You counted the arrays. Each entry of an array needs a pass of its own.",
            "An array of shape (3,) is one array and three entries.",
            read=CHAPTER + "#vmap-jacobians",
        ),
        Mistake(
            "rows-counted",
            "rows counted, not entries",
            "You counted the rows of each array: its length along the first axis. A pass is needed "
            "for each entry, which is `size`.",
            "An array of shape (5, 4) has 5 rows and 20 entries.",
            read=CHAPTER + "#vmap-jacobians",
        ),
        Mistake(
            "first-array-alone",
            "only the first array",
            "You counted the first array of each tree. All arrays of a dict are inputs, or outputs.",
            read=CHAPTER + "#vmap-pytrees",
        ),
        Mistake(
            "array-taken-for-granted",
            "an array, or a container of arrays",
            "x may be an array, or a container of arrays, and so may the result of f; yours works for "
            "one of the two. `olympus.tree.leaves` takes both: of an array it is a list of one.",
            "",
            read=CHAPTER + "#vmap-pytrees",
            raised=(
                "AttributeError: 'dict' object has no attribute",
                "AttributeError: object has no attribute 'values'",
            ),
        ),
        Mistake(
            "one-pass-back",
            "one pass is for losses",
            "Your second number is always 1. One backward pass is enough for one output; each "
            "further output entry is a further row of the Jacobian, and needs a pass.",
            read=CHAPTER + "#vmap-jacobians",
        ),
        Mistake(
            "sizes-multiplied",
            "sizes multiplied",
            "You multiplied the sizes of the arrays. Each entry of each array needs a pass: add "
            "the sizes up.",
        ),
        Mistake(
            "axes-counted",
            "axes counted",
            "You counted the axes of the arrays. Each *entry* needs a pass of its own: `size` "
            "says how many there are.",
        ),
        Mistake(
            "lengths-added",
            "lengths added",
            "You added the lengths of the axes. An array of shape (5, 4) has 20 entries, not 9.",
        ),
        Mistake(
            "jacobian-counted",
            "the entries of the Jacobian",
            "You counted the entries of the Jacobian. One pass gives a whole column, or a whole "
            "row.",
        ),
        Mistake(
            "inputs-twice",
            "the inputs twice",
            "Both of your numbers count the inputs. Reverse mode takes a pass for each entry of "
            "the *output*.",
        ),
        Mistake(
            "output-computed",
            "f was computed",
            "Your numbers are right, and f was computed for them. `olympus.eval_shape(f, x)` "
            "says which shapes f would return without computing anything: where f is expensive, "
            "that is the point.",
            "",
        ),
        Mistake(
            "number-is-nothing",
            "a single number counts as nothing",
            "A result of shape () is one number: its product of lengths is 1, and it "
            "takes one pass.",
        ),
    ),
    read=CHAPTER + "#vmap-jacobians",
)

def dense_blocks(f, params):
    return jax.jacfwd(f)(params)


def turned(f, params):
    """The blocks with the input's axes first."""
    axes = np.ndim(f(params))
    turn = lambda block: jnp.moveaxis(block, range(axes), range(-axes, 0))
    return jax.tree.map(turn, dense_blocks(f, params))


def pulled_ones(f, params):
    return jax.jacfwd(lambda p: jnp.sum(f(p)))(params)


def side_by_side(f, params):
    size = np.size(f(params))
    blocks = [block.reshape(size, -1) for block in jax.tree.leaves(dense_blocks(f, params))]
    return jnp.concatenate(blocks, axis=1)


def energy(p):
    return jnp.sum(jnp.sin(p["x"]) * p["k"] ** 2)


def layers_in_a_list(p):
    """A network whose layers lie in a list."""
    x = jnp.linspace(-1.0, 1.0, 3)
    for part in p["layers"]:
        x = jnp.tanh(part["W"] @ x + part["b"])
    return x * p["scale"]


def of_a_pair(p):
    """Parameters that lie in a tuple."""
    return jnp.outer(jnp.sin(p[0]), p[1]["s"] ** 2)


LAYERS = [
    {"W": test_array((4, 3), 6.0), "b": test_array((4,), 7.0)},
    {"W": test_array((2, 4), 8.0), "b": test_array((2,), 9.0)},
]
ONE_LEVEL = Mistake(
    "one-level-alone",
    "only one level of the container",
    "Your answer takes what lies in the dict for arrays. Here a list of dicts lies in it: a pytree "
    "may be nested. `olympus.tree.map` and `olympus.tree.flatten` reach every array in it.",
    "",
    read=CHAPTER + "#vmap-pytrees",
    raised=("AttributeError: 'list' object has no attribute",),
)


jacobian_tree = Question(
    name="jacobian_tree",
    returns="container",
    points=(
        {"f": layer, "params": {"W": test_array((3, 2), 1.0), "b": test_array((2,), 2.0)}},
        {"f": energy, "params": {"x": test_array((2, 3), 3.0), "k": 1.25}},
        {
            "f": lambda p: jnp.outer(p["u"] ** 2, p["v"]),
            "params": {"u": test_array((2,), 4.0, 30.0), "v": test_array((3,), 5.0)},
        },
        {"f": layers_in_a_list, "params": {"layers": LAYERS, "scale": 1.5}},
        {"f": of_a_pair, "params": (test_array((2,), 4.5), {"s": test_array((3,), 5.5)})},
        {
            "f": lambda p: p["b"] * p["a"],
            "params": {"a": test_array((1,), 2.5), "b": test_array((2, 1), 3.5)},
        },
    ),
    labels=(
        "a layer, y of shape (4, 2)",
        "an energy, y of shape ()",
        "an outer product, (2, 3)",
        "a network, its layers in a list",
        "a tuple of an array and a dict",
        "a product, y of shape (2, 1)",
    ),
    large_points=(2,),
    reference=dense_blocks,
    predictions={
        "in-before-out": Mistake(result=turned),
        "ones-pulled-back": Mistake(result=pulled_ones),
        "tuple-around-dict": Mistake(result=lambda f, params: (dense_blocks(f, params),)),
        "one-matrix": Mistake(result=side_by_side),
        "first-row": Mistake(
            result=lambda f, params: jax.tree.map(
                lambda block, leaf: block.reshape(-1, *np.shape(leaf))[0],
                dense_blocks(f, params),
                params,
            )
        ),
        "rows-not-shaped": Mistake(
            result=lambda f, params: jax.tree.map(
                lambda block, leaf: block.reshape(-1, *np.shape(leaf)),
                dense_blocks(f, params),
                params,
            )
        ),
    },
    mistakes=(
        Mistake(
            "in-before-out",
            "the input's axes first",
            "Your blocks begin with the axes of the input. The rule is out + in: first the axes of "
            "y, then those of the parameter.",
            "",
            read=CHAPTER + "#vmap-jacobians",
        ),
        Mistake(
            "ones-pulled-back",
            "one cotangent of ones",
            "You pulled back a single cotangent, full of ones: that gives the sum of all rows. "
            "Each row needs a cotangent of its own, with a single 1.",
            "",
            read=CHAPTER + "#vmap-jacobians",
        ),
        Mistake(
            "tuple-around-dict",
            "a tuple around the container",
            "You returned a tuple with the container inside. A pullback gives one cotangent for each "
            "argument of f, always as a tuple: take its first item.",
            "",
            read=CHAPTER + "#vmap-mjp",
        ),
        Mistake(
            "one-matrix",
            "one matrix for all parameters",
            "You put all blocks side by side into one matrix. Asked for is a container like params, "
            "with a block for each array, in the shape out + in.",
            "",
            read=CHAPTER + "#vmap-pytrees",
        ),
        Mistake(
            "array-expected",
            "a container is not an array",
            "params is a container of arrays, and so is what comes back from the pullback: it has no "
            "shape. Give each array in it the shape of its block, with `olympus.tree.map`.",
            "",
            read=CHAPTER + "#vmap-pytrees",
            raised=("AttributeError: 'dict' object has no attribute",),
        ),
        ONE_LEVEL,
        Mistake(
            "first-row",
            "the first row alone",
            "You pulled back one cotangent, with a 1 in the first entry of y. Each entry of y "
            "has a row of its own: pull back all of them.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "rows-not-shaped",
            "one axis for all of y",
            "Your blocks have one axis for all entries of y, in front. y has a shape of its own, "
            "and so has each block: `(*y.shape, *s)`. A `reshape` is enough.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "unit-cotangents",
            "cotangents have the shape of y",
            "The cotangents that you pull back do not have the shape of y. There are y.size of "
            "them, each with a single 1: a row of the identity of that size, in the shape of y.",
            "",
            raised=(
                "ValueError: unexpected JAX type (e.g. shape/dtype) for argument to VJP function",
            ),
        ),
        Mistake(
            "output-under-grad",
            "grad of an array",
            "`grad` takes a function that returns one number, and y is an array of any shape. "
            "Each of its entries has a row: pull back a cotangent for each.",
            "",
            raised=("TypeError: Gradient only defined for scalar-output",),
        ),
        Mistake(
            "entries-left-over",
            "the axes of y are missing",
            "A block has the axes of y in front of those of the parameter, and you reshaped to "
            "the parameter's shape alone, where the entries do not fit in: `(*y.shape, *s)`.",
            "",
            raised=("TypeError: cannot reshape array",),
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {"f": layer, "params": {"W": test_array((3, 2)), "b": test_array((2,))}},
            calls={"f": 1},
        ),
    ),
    read=CHAPTER + "#vmap-jacobians",
)

def one_by_one(loss, params, X, y):
    """The gradient of each example, in forward mode; a list of dicts."""
    return [jax.jacfwd(loss)(params, x, t) for x, t in zip(X, y, strict=True)]


def together(gradients, factors):
    n = len(gradients)
    parts = [jax.tree.map(lambda g: f * g / n, g) for f, g in zip(factors, gradients, strict=True)]
    return jax.tree.map(lambda *terms: sum(terms), *parts)


def length_of(gradient):
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(gradient)))


def shortened(factor):
    """The mean of the gradients, with a factor for each that depends on its length and c."""

    def mean(loss, params, X, y, c):
        gradients = one_by_one(loss, params, X, y)
        return together(gradients, [factor(length_of(g), c) for g in gradients])

    return mean


def shorten(length, c):
    return jnp.minimum(1.0, c / length)


def averaged(loss, params, X, y, c):
    gradients = one_by_one(loss, params, X, y)
    factors = jnp.stack([shorten(length_of(g), c) for g in gradients])
    return together(gradients, list(factors / jnp.mean(factors)))


unclipped = shortened(lambda length, c: 1.0)


def after_mean(loss, params, X, y, c):
    mean = unclipped(loss, params, X, y, c)
    return jax.tree.map(lambda leaf: leaf * shorten(length_of(mean), c), mean)


def array_by_array(loss, params, X, y, c):
    alone = lambda g: jax.tree.map(lambda leaf: leaf * shorten(length_of(leaf), c), g)
    return together([alone(g) for g in one_by_one(loss, params, X, y)], [1.0] * len(X))


def entry_by_entry(loss, params, X, y, c):
    cut = lambda g: jax.tree.map(lambda leaf: jnp.clip(leaf, -c, c), g)
    return together([cut(g) for g in one_by_one(loss, params, X, y)], [1.0] * len(X))


def added(loss, params, X, y, c):
    mean = shortened(shorten)(loss, params, X, y, c)
    return jax.tree.map(lambda leaf: len(X) * leaf, mean)


def side_by_side_examples(loss, params, X, y, c):
    gradients = one_by_one(loss, params, X, y)
    cut = [jax.tree.map(lambda leaf: leaf * shorten(length_of(g), c), g) for g in gradients]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *cut)


def one_length_for_all(loss, params, X, y, c):
    gradients = one_by_one(loss, params, X, y)
    length = jnp.sqrt(sum(length_of(g) ** 2 for g in gradients))
    return together(gradients, [shorten(length, c)] * len(X))


def squared_error(p, x, t):
    return (jnp.tanh(x @ p["W"]) @ p["v"] + p["b"] - t) ** 2


def logistic(p, x, t):
    z = x @ p["w"] + p["b"]
    return jnp.logaddexp(0.0, z) - t * z


def people(n, d, phase, scale=1.0):
    return {"X": test_array((n, d), phase, scale), "y": test_array((n,), phase + 1)}


def fitted_first(n, d, phase):
    """Examples of which the network below fits the first one exactly."""
    data = people(n, d, phase)
    data["X"][0], data["y"][0] = 0.0, 0.5
    return data


network = {"W": test_array((3, 2), 6.0), "v": test_array((2,), 7.0), "b": 0.5}
line = {"w": test_array((2,), 8.0), "b": -0.25}

clipped_gradient = Question(
    name="clipped_gradient",
    returns="gradients",
    points=(
        {"loss": squared_error, "params": network, **people(5, 3, 0.0), "c": 1.0},
        {"loss": logistic, "params": line, **people(4, 2, 2.0, 1.5), "c": 0.75},
        {"loss": squared_error, "params": network, **people(6, 3, 4.0, 20.0), "c": 2.0},
        {"loss": squared_error, "params": network, **fitted_first(3, 3, 9.0), "c": 1.5},
    ),
    labels=(
        "5 examples, a small network, c = 1",
        "4 examples, a logistic model, c = 0.75",
        "6 examples far out, c = 2",
        "3 examples, the gradient of the first is 0",
    ),
    large_points=(2,),
    reference=shortened(shorten),
    predictions={
        "not-clipped": Mistake(result=unclipped),
        "clipped-after-mean": Mistake(result=after_mean),
        "each-array-alone": Mistake(result=array_by_array),
        "lengthened": Mistake(result=shortened(lambda length, c: c / length)),
        "examples-added": Mistake(result=added),
        "root-forgotten": Mistake(result=shortened(lambda length, c: shorten(length**2, c))),
        "entries-clipped": Mistake(result=entry_by_entry),
        "never-shorter": Mistake(result=shortened(lambda length, c: jnp.maximum(1.0, c / length))),
        "upside-down": Mistake(result=shortened(lambda length, c: jnp.minimum(1.0, length / c))),
        "one-length-for-all": Mistake(result=one_length_for_all),
        "examples-side-by-side": Mistake(result=side_by_side_examples),
        "weighted-average": Mistake(result=averaged),
        "long-ones-left-out": Mistake(
            result=shortened(lambda length, c: jnp.where(length <= c, 1.0, 0.0))
        ),
        "zero-over-zero": Mistake(
            result=shortened(lambda length, c: jnp.minimum(length, c) / length)
        ),
    },
    mistakes=(
        Mistake(
            "not-clipped",
            "nothing was clipped",
            "Your result is the gradient of the mean loss: no example's gradient was shortened.",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "clipped-after-mean",
            "the mean was clipped",
            "You took the mean first and clipped it. One example can still pull as hard as all the "
            "others together: clip each gradient, then take the mean.",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "each-array-alone",
            "each array was clipped by itself",
            "You clipped each array of the dict by its own length. The length of an example's "
            "gradient is that of all its entries together; then all get the same factor.",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "lengthened",
            "short gradients were made longer",
            "You brought every gradient to length c, also those that were shorter. The factor is "
            "never more than 1: take the minimum.",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "examples-added",
            "sum instead of mean",
            "You added up the clipped gradients. Asked for is their mean: divide by the number of "
            "examples.",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "root-forgotten",
            "the square of the length",
            "You compared c with the sum of the squares. The length is its root.",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "entries-clipped",
            "the entries were clipped",
            "You cut every entry to between −c and c. That changes the direction of a gradient; "
            "here its length is limited, and its direction stays.",
            read=CHAPTER + "#vmap-examples",
        ),
        Mistake(
            "never-shorter",
            "the maximum, not the minimum",
            "Your factors are never below 1: you lengthened the short gradients and left the "
            "long ones. Take the *minimum* of 1 and c / length.",
        ),
        Mistake(
            "upside-down",
            "length / c",
            "Your factor is length / c where a gradient is shorter than c, which makes it "
            "shorter still. The other way round: c / length, where a gradient is longer.",
        ),
        Mistake(
            "one-length-for-all",
            "one length for all examples",
            "You took the length of the gradients of *all* examples together. Each example has a "
            "length, and a factor, of its own.",
        ),
        Mistake(
            "examples-side-by-side",
            "not added up",
            "Your arrays still have an axis for the examples, in front. Asked for is the mean "
            "over them.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "number-is-no-batch",
            "a batch axis for everything",
            "`vmap` runs over the first axis of every argument unless it is told otherwise, and "
            "`params` has no axis for the examples: `in_axes=(None, 0, 0)`.",
            "",
            raised=(
                "ValueError: vmap was requested to map its argument",
                "ValueError: vmap got inconsistent sizes",
            ),
        ),
        Mistake(
            "weighted-average",
            "divided by the sum of the factors",
            "You divided by the sum of the factors. The mean is over all n examples, "
            "shortened or not: divide by n.",
        ),
        Mistake(
            "long-ones-left-out",
            "long gradients are left out",
            "A gradient that is longer than c counts nothing in your mean. It is "
            "*shortened* to the length c, and counts with that.",
        ),
        Mistake(
            "zero-over-zero",
            "divided by a length of 0",
            "You are right, except where the gradient of an example is exactly 0: your factor is "
            "0 / 0 there, and one such example makes the whole mean NaN. c / ‖g‖ is infinite "
            "then, and the minimum of that and 1 is 1.",
        ),
    ),
    rtol32=1e-4,
    read=CHAPTER + "#vmap-examples",
)

def line_by_hand(slope, offset, X, y):
    error = slope * X + offset - y
    return 2 * jnp.mean(error * X), 2 * jnp.mean(error)


def keeps_names(answer, arguments):
    """Whether two lines, taken apart and put together again, have the names that they had."""
    line = getattr(answer, "__globals__", {}).get("Line")
    try:
        both = [line(1.5, 2.0, "first line"), line(-0.5, 3.0, "second line")]
        names = [one.name for one in both]
    except Exception:
        return True  # a class that is made in another way
    leaves, structure = jax.tree.flatten(both)
    return names == [one.name for one in jax.tree.unflatten(structure, leaves)]


line_gradient = Question(
    name="line_gradient",
    returns=("slope", "offset"),
    points=(
        {"slope": 1.5, "offset": -0.5, "X": test_array((6,)), "y": test_array((6,), 1.0)},
        {"slope": -0.75, "offset": 2.0, "X": test_array((4,), 2.0), "y": test_array((4,), 3.0)},
        {
            "slope": 3.0,
            "offset": 40.0,
            "X": test_array((5,), 4.0, 100.0),
            "y": test_array((5,), 5.0, 9.0),
        },
    ),
    labels=("6 points", "4 points", "5 points far out"),
    large_points=(2,),
    reference=line_by_hand,
    requirements=(Requirement("one-name-for-all", keeps_names),),
    predictions={
        "children-swapped": Mistake(
            result=lambda slope, offset, X, y: line_by_hand(offset, slope, X, y)
        ),
        "offset-static": Mistake(
            result=lambda slope, offset, X, y: (line_by_hand(slope, offset, X, y)[0], offset)
        ),
    },
    mistakes=(
        Mistake(
            "name-as-child",
            "the name is a child",
            "The name stands among the children, and a word can't be differentiated. Return it as "
            "the second item of tree_flatten, apart from the children.",
            "",
            read=CHAPTER + "#vmap-own",
            raised=("TypeError: of type <class 'str'>", "TypeError: got str"),
        ),
        Mistake(
            "not-registered",
            "JAX does not know the class",
            "JAX takes your Line for a single value, and it is not a number: the class is not "
            "registered. Put `@olympus.tree_util.register_pytree_node_class` above it.",
            "",
            read=CHAPTER + "#vmap-own",
            raised=("TypeError: is not a valid JAX type",),
        ),
        Mistake(
            "children-swapped",
            "the children come back in another order",
            "Slope and offset have changed places on the way: tree_unflatten gets the children in "
            "the order in which tree_flatten returned them.",
            read=CHAPTER + "#vmap-own",
        ),
        Mistake(
            "offset-static",
            "the offset is not differentiated",
            "Your offset's slope is the offset itself: it stands in the rest, which is carried "
            "along and never moves. It belongs to the children.",
            read=CHAPTER + "#vmap-own",
        ),
        Mistake(
            "one-name-for-all",
            "one name for all lines",
            "The slopes are right. But of two lines with different names, one came back with "
            "another name than its own. tree_flatten has to return the name of *its* line as the "
            "rest, and tree_unflatten to put this one back.",
            "",
            read=CHAPTER + "#vmap-own",
        ),
        Mistake(
            "name-lost",
            "the name was lost",
            "The gradient is a Line without the name of yours. tree_flatten has to return the name "
            "as the rest, and tree_unflatten to put it back.",
            "",
            read=CHAPTER + "#vmap-own",
            raised=("AssertionError: the name of the line was lost",),
        ),
        Mistake(
            "rest-and-children-swapped",
            "rest and children have changed places",
            "tree_unflatten gets the rest *first* and the children second, the other way round than "
            "tree_flatten returns them. Yours took the name for the children.",
            "",
            read=CHAPTER + "#vmap-own",
            raised=("ValueError: to unpack", "TypeError: arguments but 9 were given"),
        ),
        Mistake(
            "not-a-classmethod",
            "a method of the class, not of a line",
            "JAX calls `Line.tree_unflatten(rest, children)`, before there is a line. So it has to be "
            "a classmethod: put `@classmethod` above it, and `cls` first in its brackets.",
            "",
            read=CHAPTER + "#vmap-own",
            raised=("TypeError: tree_unflatten() missing 1 required positional argument",),
        ),
        Mistake(
            "line-not-returned",
            "no line comes back",
            "JAX took your line apart and got None when it was put together again: does "
            "tree_unflatten `return` the new Line?",
            "",
            read=CHAPTER + "#vmap-own",
            raised=("AttributeError: 'NoneType' object has no attribute",),
        ),
        Mistake(
            "not-a-pair",
            "tree_flatten returns a pair",
            "tree_flatten has to return two things: a tuple of the children, and the rest. In "
            "`return (a, b), rest` the brackets around the children make the first of them.",
            "",
            read=CHAPTER + "#vmap-own",
            raised=("ValueError: should return a (children, aux_data) tuple",),
        ),
        Mistake(
            "constructor-starved",
            "children not taken apart",
            "`Line` takes a slope, an offset and a name. The children come as *one* tuple: take "
            "it apart, `Line(*children, …)`.",
            "",
            raised=("TypeError: Line.__init__() missing",),
        ),
        Mistake(
            "tuple-for-line",
            "a tuple in place of a line",
            "JAX put your line together, and a tuple came out. `tree_unflatten` must return a "
            "`Line`: `cls(…)`.",
            "",
            raised=("AttributeError: 'tuple' object has no attribute",),
        ),
        Mistake(
            "children-may-be-anything",
            "children are not always numbers",
            "JAX also puts tracers and placeholders into a line, and they cannot be made floats. "
            "Put the children back as they come.",
            "",
            raised=(
                "ConcretizationTypeError: `float` function",
                "TypeError: float() argument must be",
            ),
        ),
    ),
    read=CHAPTER + "#vmap-own",
)

def entry_moved(f, params, i, index):
    """The column for one entry of array i: the slope along the line on which it alone moves."""
    leaves, structure = jax.tree.flatten(params)

    def moved(t):
        leaf = jnp.asarray(leaves[i]).at[index].add(t)
        return f(structure.unflatten([*leaves[:i], leaf, *leaves[i + 1 :]]))

    return jax.jvp(moved, (0.0,), (1.0,))[1]


def by_entries(f, params):
    leaves, structure = jax.tree.flatten(params)
    blocks = []
    for i, shape in enumerate(map(np.shape, leaves)):
        columns = [entry_moved(f, params, i, index) for index in np.ndindex(*shape)]
        stacked = jnp.stack(columns, axis=-1)
        blocks.append(stacked.reshape((*stacked.shape[:-1], *shape)))
    return structure.unflatten(blocks)


def summed_block(block, shape):
    """The sum over the axes of the input, the last ones."""
    return jnp.sum(block, axis=tuple(range(-len(shape), 0))) if shape else block


def directions(f, params):
    summed = lambda block, leaf: summed_block(block, np.shape(leaf))
    return jax.tree.map(summed, by_entries(f, params), params)


def with_the_others(f, params):
    """Each column with what comes when every entry of the other arrays moves, too."""
    along = directions(f, params)
    every = sum(jax.tree.leaves(along))

    def with_others(block, own, leaf):
        others = every - own
        return block + jnp.reshape(others, np.shape(others) + (1,) * np.ndim(leaf))

    return jax.tree.map(with_others, by_entries(f, params), along, params)


def in_front(f, params):
    turn = lambda block, leaf: jnp.moveaxis(block, range(-np.ndim(leaf), 0), range(np.ndim(leaf)))
    return jax.tree.map(turn, by_entries(f, params), params)


def values_for_tangents(f, params):
    repeat = lambda leaf: jnp.stack([f(params)] * np.size(leaf), axis=-1).reshape(
        *np.shape(f(params)), *np.shape(leaf)
    )
    return jax.tree.map(repeat, params)


def halved(p):
    """Halve until it is short: how many steps that takes depends on the values."""
    long = lambda x: jnp.sum(x**2) > 1
    short = jax.lax.while_loop(long, lambda x: x / 2, p["x"] * p["k"])
    return jnp.outer(short, p["k"] * short)


forward_tree = Question(
    name="forward_tree",
    returns="container",
    points=(
        {"f": layer, "params": {"W": test_array((3, 2), 1.0), "b": test_array((2,), 2.0)}},
        {"f": halved, "params": {"x": test_array((3,), 3.0), "k": 4.0}},
        {
            "f": lambda p: jnp.outer(p["u"] ** 2, p["v"]),
            "params": {"u": test_array((2,), 4.0, 30.0), "v": test_array((3,), 5.0)},
        },
        {"f": layers_in_a_list, "params": {"layers": LAYERS, "scale": 1.5}},
        {"f": of_a_pair, "params": (test_array((2,), 4.5), {"s": test_array((3,), 5.5)})},
    ),
    labels=(
        "a layer, y of shape (4, 2)",
        "a while loop, y of shape (3, 3)",
        "an outer product",
        "a network, its layers in a list",
        "a tuple of an array and a dict",
    ),
    large_points=(2,),
    reference=by_entries,
    predictions={
        "others-move": Mistake(result=with_the_others),
        "columns-in-front": Mistake(result=in_front),
        "one-direction": Mistake(result=directions),
        "value-and-tangent": Mistake(result=lambda f, params: (f(params), by_entries(f, params))),
        "value-for-tangent": Mistake(result=values_for_tangents),
    },
    mistakes=(
        Mistake(
            "others-move",
            "the other arrays move, too",
            "While you moved one array entry by entry, all entries of the others moved as well. In "
            "each pass a single entry moves: all other tangents are zero.",
            read=CHAPTER + "#vmap-jacobians",
        ),
        Mistake(
            "columns-in-front",
            "the columns stand in front",
            "Your blocks begin with the axes of the input. The rule is out + in; with "
            "`out_axes=-1`, vmap puts the columns at the end.",
            "",
            read=CHAPTER + "#vmap-jacobians",
        ),
        Mistake(
            "one-direction",
            "one direction for each array",
            "You pushed one tangent of ones for each array: that is the sum of its columns. Each "
            "entry needs a pass with a single 1.",
            "",
            read=CHAPTER + "#vmap-jacobians",
        ),
        Mistake(
            "value-and-tangent",
            "the value as well",
            "You returned the value of f beside the Jacobian. Only the blocks are asked for.",
            "",
            read=CHAPTER + "#vmap-pytrees",
        ),
        ONE_LEVEL,
        Mistake(
            "value-for-tangent",
            "the value in place of the tangent",
            "Each of your columns is f(params). `jvp` returns a pair: the value, and the "
            "tangent, which is the column.",
        ),
        Mistake(
            "reverse-mode",
            "reverse mode",
            "One of the functions has a while loop, and reverse mode cannot go back "
            "through that. Here forward mode is asked for: push one tangent for each "
            "entry, with `jvp`.",
            "",
            raised=("ValueError: Reverse-mode differentiation does not work for lax.while_loop",),
        ),
        Mistake(
            "dict-taken-for-granted",
            "a dict taken for granted",
            "Your answer takes the container for a dict. A pytree may be a tuple or a "
            "list as well: `olympus.tree.flatten` and `olympus.tree.map` take any.",
            "The leaves of `(1.0, {{'s': 2.0}})` are 1.0 and 2.0.",
            raised=("AttributeError: 'tuple' object has no attribute",),
        ),
    ),
    read=CHAPTER + "#vmap-jacobians",
)
