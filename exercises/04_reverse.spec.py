"""The specifications of 04_reverse.md, released from solutions/04_reverse.md: edit them there."""

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

CHAPTER = "book/04_reverse.md"
MIX = test_array((3, 3), scale=1.5)
WIDEN = test_array((4, 2), phase=2.0)

logistic = lambda x: 4 * x * (1 - x)
logistic_vjp = lambda x, u: u * (4 - 8 * x)
sine, sine_vjp = jnp.sin, lambda x, u: u * jnp.cos(x)
mix, mix_vjp = lambda x: MIX @ x, lambda x, u: MIX.T @ u
widen, widen_vjp = lambda x: WIDEN @ x, lambda x, u: WIDEN.T @ u
squares, squares_vjp = lambda x: jnp.sum(x**2), lambda x, u: 2 * x * u
grow, grow_vjp = lambda x: x**2 + 1, lambda x, u: 2 * x * u
log, log_vjp = jnp.log, lambda x, u: u / x


def whole(functions):
    """The composition as one function."""

    def chain(x):
        for f in functions:
            x = f(x)
        return x

    return chain


def dense(x, functions, vjps):
    """Value and whole Jacobian, column by column, without the rules."""
    chain = whole(functions)
    return chain(x), jax.jacfwd(chain)(x)


def values(x, functions):
    """x, and what each function returned."""
    seen = [x]
    for f in functions:
        seen.append(f(seen[-1]))
    return seen


def rules_in_turn(x, functions, vjps):
    seen, u = values(x, functions), 1.0
    for x_in, vjp in zip(seen, vjps):
        u = vjp(x_in, u)
    return u


def rules_at_outputs(x, functions, vjps):
    seen, u = values(x, functions), 1.0
    for x_out, vjp in zip(seen[:0:-1], vjps[::-1]):
        u = vjp(x_out, u)
    return u


def last_rule_first(x, functions, vjps, inputs):
    """The rules from the last step to the first, each with the input that is given for it."""
    u = 1.0
    for x_in, vjp in zip(inputs, vjps[::-1]):
        u = vjp(x_in, u)
    return u


def added_up(x, functions, vjps):
    u = 1.0
    for x_in, vjp in zip(values(x, functions)[-2::-1], vjps[::-1]):
        u = u + vjp(x_in, u)
    return u


def rules_without_cotangents(x, functions, vjps):
    seen = values(x, functions)
    return [vjp(x_in, 1.0) for x_in, vjp in zip(seen[:-1][::-1], vjps[::-1])][-1]


reverse_chain = Question(
    name="reverse_chain",
    returns=("value", "gradient"),
    points=(
        {"x": 0.2, "functions": [logistic] * 3, "vjps": [logistic_vjp] * 3},
        {
            "x": test_array((3,), phase=1.0),
            "functions": [sine, mix, squares],
            "vjps": [sine_vjp, mix_vjp, squares_vjp],
        },
        {"x": 1000.0, "functions": [grow, log, sine], "vjps": [grow_vjp, log_vjp, sine_vjp]},
        {
            "x": test_array((2,), phase=2.0),
            "functions": [sine, widen, sine, squares],
            "vjps": [sine_vjp, widen_vjp, sine_vjp, squares_vjp],
        },
    ),
    labels=(
        "three logistic steps, x = 0.2",
        "sin, then a matrix, then the sum of squares, x of shape (3,)",
        "x² + 1, then log, then sin, x = 1000",
        "sin, a matrix from two numbers to four, sin, the sum of squares, x of shape (2,)",
    ),
    large_points=(2,),
    reference=dense,
    shape_of={"gradient": "x"},
    predictions={
        "forward-order": Mistake(result=rules_in_turn, part="gradient"),
        "rule-at-output": Mistake(result=rules_at_outputs, part="gradient"),
        "seeded-with-value": Mistake(
            result=lambda x, functions, vjps: whole(functions)(x) * jax.jacfwd(whole(functions))(x),
            part="gradient",
        ),
        "divided-by-value": Mistake(
            result=lambda x, functions, vjps: jax.jacfwd(whole(functions))(x) / whole(functions)(x),
            part="gradient",
        ),
        "overwritten": Mistake(result=rules_without_cotangents, part="gradient"),
        "missing-chain-factor": Mistake(
            result=lambda x, functions, vjps: jax.jacfwd(whole(functions[1:]))(functions[0](x)),
            part="gradient",
        ),
        "inputs-forwards": Mistake(
            result=lambda x, functions, vjps: last_rule_first(
                x, functions, vjps, values(x, functions)[:-1]
            ),
            part="gradient",
        ),
        "point-for-all-rules": Mistake(
            result=lambda x, functions, vjps: last_rule_first(x, functions, vjps, [x] * len(vjps)),
            part="gradient",
        ),
        "rules-added": Mistake(result=added_up, part="gradient"),
        "value-before-last-step": Mistake(
            result=lambda x, functions, vjps: values(x, functions)[-2], part="value"
        ),
        "nothing-sent-back": Mistake(
            result=lambda x, functions, vjps: 0 * jax.jacfwd(whole(functions))(x), part="gradient"
        ),
    },
    mistakes=(
        Mistake(
            "forward-order",
            "rules applied in forward order",
            "You applied the rules from the first step to the last. A cotangent enters at the "
            "end of the chain, so the rule of the last step comes first. For single numbers "
            "the order does not show (a product is a product); for vectors it does.",
            read=CHAPTER + "#reverse-chain-rule",
        ),
        Mistake(
            "rule-arguments-swapped",
            "the arguments of a rule have changed places",
            "A rule is called with the value that went in first, then with the cotangent: "
            "`vjp(x_in, u)`. Here they have changed places, and a rule that multiplies with a matrix "
            "met an array of another length.",
            "",
            read=CHAPTER + "#reverse-saved",
            raised=("TypeError: dot_general requires contracting dimensions",),
            code=r"vjps?(\[.{1,9}\])?\((u|bar|cotangent|\w*_bar)\s*,",
        ),
        Mistake(
            "rule-at-output",
            "rules evaluated at the output",
            "You gave each rule the value that came out of its step. It needs the value that "
            "went in: the derivative of sin at x is cos(x), not cos(sin(x)).",
            read=CHAPTER + "#reverse-saved",
        ),
        Mistake(
            "seeded-with-value",
            "not seeded with one",
            "The backward pass starts with the wrong cotangent: you started with the value y. It "
            "starts with ∂y/∂y = 1. (Starting with y gives the gradient of y²/2.)",
            read=CHAPTER + "#reverse-saved",
        ),
        Mistake(
            "divided-by-value",
            "divided by the value",
            "Your gradient is divided by the value y: that is the gradient of log y. Going back "
            "only ever multiplies by derivatives.",
            read=CHAPTER + "#reverse-saved",
        ),
        Mistake(
            "overwritten",
            "each step forgets the one before",
            "Your gradient is the derivative of the first step alone: each rule was given 1 in "
            "place of the cotangent that the rule before it returned.",
            read=CHAPTER + "#reverse-saved",
        ),
        Mistake(
            "missing-chain-factor",
            "the first step was left out",
            "Your gradient is right for the steps after the first: the rule of the first function "
            "was never applied. Going back ends with vjps[0], at x itself.",
            read=CHAPTER + "#reverse-saved",
        ),
        Mistake(
            "inputs-forwards",
            "the inputs in the opposite order",
            "You went through the rules from the last to the first, and through their inputs "
            "from the first to the last. The rule of a step gets what went into that *same* "
            "step: reverse both.",
        ),
        Mistake(
            "point-for-all-rules",
            "x for every rule",
            "Every rule of yours got x itself. Each needs what went into its *own* step: keep "
            "these values in the forward pass.",
        ),
        Mistake(
            "rules-added",
            "added instead of handed on",
            "You added the cotangents up from rule to rule. What a rule returns *replaces* the "
            "cotangent: `u = vjp(x_in, u)`.",
        ),
        Mistake(
            "value-before-last-step",
            "the value before the last step",
            "Your value is what went into the last step. The value of the chain is what comes "
            "out of it.",
        ),
        Mistake(
            "nothing-sent-back",
            "started with 0",
            "Your gradient is 0 everywhere. A rule multiplies the cotangent that it gets, so the "
            "first one must not be 0: how much does y change when y changes?",
        ),
    ),
    cost_limits=(
        CostLimit(
            "dense-jacobian",
            lambda: {
                "x": test_array((64,)),
                "functions": [sine, sine, squares],
                "vjps": [sine_vjp, sine_vjp, squares_vjp],
            },
            largest=64 * 64 - 1,
            size="n = 64",
        ),
        CostLimit(
            "too-many-calls",
            lambda: {
                "x": test_array((3,)),
                "functions": [sine, mix, sine, squares],
                "vjps": [sine_vjp, mix_vjp, sine_vjp, squares_vjp],
            },
            calls={"functions": 1, "vjps": 1},
        ),
    ),
    read=CHAPTER + "#reverse-saved",
)

layer = lambda x, W, b: x @ W + b


def point(batch, a, c, scale):
    """Arguments of these sizes, with entries up to `scale`."""
    return {
        "x": test_array((batch, a), phase=0.3, scale=scale),
        "W": test_array((a, c), phase=1.1, scale=scale),
        "b": test_array((c,), phase=2.2, scale=scale),
    }


cotangent = lambda phase, scale: (
    lambda p: {"u": test_array((len(p["x"]), len(p["b"])), phase=phase, scale=scale)}
)


def fits_one_row(answer, arguments):
    """Whether the first row alone, as a batch, gives the right numbers in the right shapes."""
    x, W, b, u = arguments.values()
    x, u = x[:1], u[:1]
    rights = dense_pullback(layer, (x, W, b), u)
    close = lambda part, right: (
        np.shape(part) == right.shape
        and np.allclose(part, right, rtol=1e-3, atol=1e-3 * np.max(np.abs(right)))
    )
    return all(map(close, answer(x, W, b, u), rights))


dense_vjp = Question(
    name="dense_vjp",
    returns=("x_bar", "W_bar", "b_bar"),
    points=(point(5, 3, 4, scale=1.0), point(3, 3, 3, scale=300.0)),
    tangents=(cotangent(0.0, 1.0), cotangent(4.0, 50.0)),
    large_points=(1,),
    reference=lambda x, W, b, u: dense_pullback(layer, (x, W, b), u),
    shape_of={"x_bar": "x", "W_bar": "W", "b_bar": "b"},
    requirements=(
        linear_in("u"),
        adjoint(layer, ("x", "W", "b"), "u"),
        Requirement("batch-of-one", holds=fits_one_row),
    ),
    predictions={
        "missing-transpose": Mistake(result=lambda x, W, b, u: u @ W, part="x_bar"),
        "cotangent-ignored": Mistake(
            result=lambda x, W, b, u: jnp.ones_like(u) @ W.T, part="x_bar"
        ),
        "jacobian-is-x": Mistake(result=lambda x, W, b, u: x, part="W_bar"),
        "overwritten": Mistake(result=lambda x, W, b, u: jnp.outer(x[-1], u[-1]), part="W_bar"),
        "ones-for-bias": Mistake(result=lambda x, W, b, u: jnp.ones_like(b), part="b_bar"),
        "batch-for-bias": Mistake(
            result=lambda x, W, b, u: len(x) * jnp.ones_like(b), part="b_bar"
        ),
        "input-without-cotangent": Mistake(
            result=lambda x, W, b, u: x.T @ jnp.ones_like(u), part="W_bar"
        ),
        "first-example-alone": Mistake(
            result=lambda x, W, b, u: jnp.outer(x[0], u[0]), part="W_bar"
        ),
        "bias-in-its-rule": Mistake(result=lambda x, W, b, u: (u * b).sum(axis=0), part="b_bar"),
        "sum-along-rows": Mistake(result=lambda x, W, b, u: u.sum(axis=1), part="b_bar"),
        "reshaped-for-transposed": Mistake(
            result=lambda x, W, b, u: x.reshape(x.shape[::-1]) @ u, part="W_bar"
        ),
    },
    mistakes=(
        Mistake(
            "missing-transpose",
            "W is not transposed",
            "For x_bar you multiplied u with W itself. Going back through `x @ W` multiplies with "
            "the transpose: u has shape (batch, c), W has shape (a, c), x_bar needs (batch, a).",
            "With W = [[1, 2], [3, 4]] and u = [[1, 0]], x_bar is [[1, 3]], not [[1, 2]].",
            read=CHAPTER + "#reverse-rules",
        ),
        Mistake(
            "jacobian-is-x",
            "the input in place of the product with u",
            "Your W_bar is x itself. One often reads that the derivative of xW for W is x, but "
            "that is no cotangent: it has not met u yet, and has not the shape of W.",
            read=CHAPTER + "#reverse-rules",
        ),
        Mistake(
            "ones-for-bias",
            "u is missing in b_bar",
            "Your b_bar is 1 everywhere. That is the local derivative; a rule multiplies it by "
            "the cotangent u, and adds up over the batch.",
        ),
        Mistake(
            "batch-for-bias",
            "u is missing in b_bar",
            "Your b_bar is the number of examples. That is what a u of ones would give: add up "
            "the rows of u itself.",
        ),
        Mistake(
            "input-without-cotangent",
            "u is missing in W_bar",
            "Your W_bar is what a u of ones would give. The product with x takes the cotangent u.",
        ),
        Mistake(
            "first-example-alone",
            "the first example alone",
            "Your W_bar is that of the first example. W was used by every row: add up the "
            "contributions of all.",
        ),
        Mistake(
            "bias-in-its-rule",
            "b in its own rule",
            "Your b_bar is multiplied by b. y is linear in b, so its rule knows nothing of b: "
            "the rows of u are added up.",
        ),
        Mistake(
            "sum-along-rows",
            "summed along the rows",
            "You added up each row of u. b was added to every *row*, so the rows are added up, "
            "along axis 0: b_bar has an entry for each column.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "reshaped-for-transposed",
            "a reshape in place of a transpose",
            "Your W_bar has the entries of x in another order: `reshape` reads them row "
            "by row into the new shape. The rows become columns by `.T`.",
        ),
        Mistake(
            "batch-of-one",
            "a batch of one row",
            "Your cotangents of a batch of several rows are right. Of a batch of one row, with "
            "shape (1, a), they are not, or have other shapes: x_bar still has its batch axis "
            "there, and b_bar has none.",
            "",
            read=CHAPTER + "#reverse-rules",
        ),
    ),
    read=CHAPTER + "#reverse-rules",
)

def sums_of(a, b, u_for_a, u_for_b):
    """u pulled back to each input, from whole Jacobians of the broadcast sum."""
    to_a = dense_pullback(jnp.add, (a, b), jnp.broadcast_to(u_for_a, jnp.shape(a + b)))[0]
    to_b = dense_pullback(jnp.add, (a, b), jnp.broadcast_to(u_for_b, jnp.shape(a + b)))[1]
    return to_a, to_b


def over_new_axes(x, u):
    return jnp.sum(u, axis=tuple(range(u.ndim - x.ndim)))


def over_ones(x, u):
    """Sum over the axes where x has length 1, wherever the new axes have put them."""
    ones = tuple(i for i, n in enumerate(x.shape) if n == 1)
    return jnp.sum(u, axis=ones, keepdims=True)


def one_copy(x, u):
    """A single one of the copies."""
    while u.ndim > x.ndim:
        u = u[0]
    for axis, n in enumerate(x.shape):
        u = jnp.take(u, jnp.arange(1), axis) if n == 1 else u
    return u


def over_last_axes(x, u):
    while u.ndim > x.ndim:
        u = u.sum(axis=-1)
    return over_ones(x, u)


def first_axis_alone(x, u):
    return u if x.shape == u.shape else u.sum(axis=0)


def means_of(a, b, u):
    a_bar, b_bar = sums_of(a, b, u, u)
    return a_bar * (a.size / u.size), b_bar * (b.size / u.size)


both_shapes = lambda phase, scale: (
    lambda p: {"u": test_array(np.broadcast_shapes(p["a"].shape, p["b"].shape), phase, scale)}
)

add_vjp = Question(
    name="add_vjp",
    returns=("a_bar", "b_bar"),
    points=(
        {"a": test_array((5, 3)), "b": test_array((3,), phase=1.0)},
        {"a": test_array((4, 1), phase=2.0), "b": test_array((1, 6), phase=3.0)},
        {"a": np.array(200.0), "b": test_array((2, 3, 4), phase=1.0, scale=300.0)},
        {"a": test_array((3, 1), phase=4.0), "b": test_array((2, 3, 4), phase=5.0)},
        {"a": test_array((3, 3)), "b": test_array((3,), phase=2.0)},
        {"a": test_array((1,), phase=1.0), "b": test_array((1, 4), phase=2.0)},
    ),
    labels=(
        "a of shape (5, 3), b of shape (3,)",
        "a of shape (4, 1), b of shape (1, 6)",
        "a of shape (), b of shape (2, 3, 4)",
        "a of shape (3, 1), b of shape (2, 3, 4)",
        "a of shape (3, 3), b of shape (3,)",
        "a of shape (1,), b of shape (1, 4)",
    ),
    large_points=(2,),
    tangents=(both_shapes(0.5, 1.0), both_shapes(4.0, 20.0)),
    reference=lambda a, b, u: sums_of(a, b, u, u),
    shape_of={"a_bar": "a", "b_bar": "b"},
    requirements=(linear_in("u"), adjoint(jnp.add, ("a", "b"), "u")),
    predictions={
        "broadcast-not-summed": Mistake(result=lambda a, b, u: (u, u)),
        "stretched-not-summed": Mistake(
            result=lambda a, b, u: (over_new_axes(a, u), over_new_axes(b, u)),
        ),
        "new-axes-not-summed": Mistake(
            result=lambda a, b, u: (over_ones(a, u), over_ones(b, u)),
        ),
        "one-is-broadcast": Mistake(result=lambda a, b, u: (u, sums_of(a, b, u, u)[1])),
        "axis-lost": Mistake(
            result=lambda a, b, u: tuple(jnp.squeeze(x) for x in sums_of(a, b, u, u))
        ),
        "mean-over-copies": Mistake(result=means_of),
        "product-rule": Mistake(result=lambda a, b, u: sums_of(a, b, u * b, u * a)),
        "cotangent-ignored": Mistake(
            result=lambda a, b, u: sums_of(a, b, jnp.ones(()), jnp.ones(()))
        ),
        "one-copy": Mistake(result=lambda a, b, u: (one_copy(a, u), one_copy(b, u))),
        "last-axes-summed": Mistake(
            result=lambda a, b, u: (over_last_axes(a, u), over_last_axes(b, u))
        ),
        "first-axis-alone": Mistake(
            result=lambda a, b, u: (first_axis_alone(a, u), first_axis_alone(b, u))
        ),
        "sum-of-all": Mistake(
            result=lambda a, b, u: (jnp.full(a.shape, u.sum()), jnp.full(b.shape, u.sum()))
        ),
    },
    mistakes=(
        Mistake(
            "broadcast-not-summed",
            "the copies were not summed",
            "Both of your cotangents are u itself, in the shape of y. Where an input was "
            "broadcast, each of its entries was used several times: add up what comes back.",
            "For a of shape (4, 1) and b of shape (1, 6), u has shape (4, 6), and a_bar has to have "
            "shape (4, 1): each entry is the sum of six entries of u.",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "stretched-not-summed",
            "axes of length 1 were forgotten",
            "You summed over the new axes in front. Broadcasting also stretches axes of length 1, "
            "and those have to be summed, too.",
            "For a of shape (4, 1) and u of shape (4, 6), a_bar has shape (4, 1).",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "new-axes-not-summed",
            "the new axes in front were forgotten",
            "You summed where the input has length 1. If it has fewer axes than y, broadcasting has "
            "put new ones in front of them, and these have to be summed, too.",
            "For b of shape (3,) and u of shape (5, 3), b_bar has shape (3,).",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "one-is-broadcast",
            "a can be broadcast, too",
            "Your b_bar is right, but your a_bar is u as it is. That is right where a has the shape "
            "of y. Here a can be the shorter one, or both can be stretched.",
            "For a of shape (4, 1) and b of shape (1, 6), u has shape (4, 6), and a_bar (4, 1).",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "axis-lost",
            "an axis of length 1 was lost",
            "The numbers are right, but an axis of length 1 is gone. A cotangent has exactly the "
            "shape of its input: sum with `keepdims=True`, or reshape.",
            "(4,) is not (4, 1): added to an array of shape (4, 1), it gives one of shape (4, 4).",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "mean-over-copies",
            "mean instead of sum",
            "You took the mean over the copies. Every copy contributes in full: add them up.",
            "If b is added in 5 rows and b grows by 1, the sum of all entries of y grows by 5 per "
            "column, not by 1.",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "product-rule",
            "the rule of a product",
            "You multiplied u with the other input: that is the rule of a * b. For a + b the "
            "derivative for each input is 1.",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "one-copy",
            "one copy alone",
            "You took one of the copies. An entry that was used several times gets something "
            "from each use: add them up.",
        ),
        Mistake(
            "last-axes-summed",
            "summed over the last axes",
            "You summed over axes at the end. Broadcasting puts the new axes in *front* of the "
            "shorter shape.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "first-axis-alone",
            "axis 0, whatever was broadcast",
            "You summed over axis 0 wherever the shapes differ. Which axes are new, or "
            "stretched, depends on the shapes.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "sum-of-all",
            "the sum of all of u",
            "You added up all of u, whatever was broadcast. Only the axes that were put in front "
            "or stretched are summed; entries along the others stay apart.",
        ),
    ),
    read=CHAPTER + "#reverse-batch",
)

squared_loss = lambda p, y: jnp.mean((p - y) ** 2)


def pulled(p, y, u):
    return dense_pullback(squared_loss, (p, y), u)


times = lambda parts, factor: tuple(factor * part for part in parts)

squared_loss_vjp = Question(
    name="squared_loss_vjp",
    returns=("p_bar", "y_bar"),
    points=(
        {"p": test_array((6, 1)), "y": test_array((6, 1), phase=2.0)},
        {
            "p": test_array((4, 3), phase=1.0, scale=300.0),
            "y": test_array((4, 3), phase=3.0, scale=20.0),
        },
        {"p": test_array((2, 1, 3)), "y": test_array((2, 1, 3), phase=1.0)},
        {"p": test_array((5,), phase=4.0), "y": test_array((5,), phase=5.0)},
    ),
    large_points=(1,),
    tangents=(lambda p: {"u": 1.0}, lambda p: {"u": -2.5}),
    reference=pulled,
    shape_of={"p_bar": "p", "y_bar": "y"},
    requirements=(linear_in("u"),),
    predictions={
        "sign": Mistake(result=lambda p, y, u: times(pulled(p, y, u), -1)),  # as well as: swapped
        "loss-is-last": Mistake(result=lambda p, y, u: pulled(p, y, 1.0)),
        "sum-for-mean": Mistake(result=lambda p, y, u: times(pulled(p, y, u), p.size)),
        "target-stands-still": Mistake(result=lambda p, y, u: 0.0 * y, part="y_bar"),
        "rows-counted": Mistake(result=lambda p, y, u: times(pulled(p, y, u), p.size / len(p))),
        "squares-for-slopes": Mistake(
            result=lambda p, y, u: u * (p - y) ** 2 / p.size, part="p_bar"
        ),
        "mean-of-errors": Mistake(result=lambda p, y, u: 2 * u * jnp.mean(p - y), part="p_bar"),
        "absolute-errors": Mistake(
            result=lambda p, y, u: jnp.abs(pulled(p, y, 1.0)[0]) * u, part="p_bar"
        ),
        "cotangent-added": Mistake(result=lambda p, y, u: pulled(p, y, 1.0)[0] + u, part="p_bar"),
        "two-is-missing": Mistake(result=lambda p, y, u: times(pulled(p, y, u), 0.5)),
        "one-sign-for-both": Mistake(result=lambda p, y, u: (pulled(p, y, u)[0],) * 2),
    },
    mistakes=(
        Mistake(
            "loss-is-last",
            "the cotangent u was ignored",
            "Your result does not change with u: it is right for u = 1 only. A loss is often the "
            "last step, but a rule can't know that. Multiply by u.",
            "With u = −2.5 every entry should be −2.5 times the one for u = 1.",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "target-stands-still",
            "the target is an input, too",
            "Your y_bar is zero, as if the loss did not change with y. It does: (p - y)**2 grows when "
            "y moves away from p. In training nobody asks for this cotangent, but the rule of a "
            "function tells all its inputs.",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "sum-for-mean",
            "the 1/n of the mean is missing",
            "Your cotangents are n times too large: the loss is the mean of the squares, so its "
            "derivative has a factor 1/n.",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "rows-counted",
            "rows counted, not entries",
            "You divided by the number of rows. The mean runs over all entries, p.size of them; "
            "with one column the two numbers agree.",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "squares-for-slopes",
            "the squares themselves",
            "Your p_bar has the squares of p − y. The derivative of the square of an error is "
            "twice the error.",
        ),
        Mistake(
            "mean-of-errors",
            "the mean of the errors",
            "Your p_bar is one number, with the mean of the errors. Each entry of p has a "
            "cotangent of its own; the 1/n is a factor, and nothing is added up.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "absolute-errors",
            "the signs of the errors are lost",
            "Your p_bar has the sizes of the errors. Where p is below y, the loss falls as p "
            "grows: the sign belongs to it.",
        ),
        Mistake(
            "cotangent-added",
            "u is added",
            "You added u to the derivative. A vector–Jacobian product multiplies by it.",
        ),
        Mistake(
            "two-is-missing",
            "the 2 of the square is missing",
            "Your cotangents are half of the right ones: the derivative of e² is 2e.",
        ),
        Mistake(
            "one-sign-for-both",
            "the same sign for both",
            "Your y_bar is equal to p_bar. When y grows, p − y gets smaller: its cotangent has "
            "the opposite sign.",
        ),
    ),
    read=CHAPTER + "#reverse-functional",
)

def rule(step, pull):
    """A rule that takes a number for a cotangent, too, as if it filled the output."""

    def vjp(x, w, u):
        return pull(x, w, u if np.ndim(u) else jnp.full(step(x, w).shape, u))

    return vjp


dot, add, scale = lambda x, w: x @ w, lambda x, w: x + w, lambda x, w: x * w
dot_vjp = rule(dot, lambda x, w, u: (u @ w.T, x.T @ u))
add_row_vjp = rule(add, lambda x, w, u: (u, u.sum(axis=0)))
scale_vjp = rule(scale, lambda x, w, u: (u * w, (u * x).sum(axis=0)))
loss = lambda p, y: ((p - y) ** 2).mean()
loss_vjp = lambda p, y, u: (2 * u * (p - y) / p.size, 2 * u * (y - p) / p.size)


def linked(x, weights, functions):
    """The chain as one function of its weights."""
    for f, w in zip(functions, weights, strict=True):
        x = f(x, w)
    return x


def dense_weights(x, weights, functions, vjps):
    """The whole Jacobian for each weight, column by column, without the rules."""
    return tuple(jax.jacfwd(lambda ws: linked(x, ws, functions))(list(weights)))


def after(x, weights, functions, i):
    return linked(x, weights[:i], functions[:i])


def for_outputs(x, weights, functions, vjps):
    """The cotangent of what goes into each step."""
    tail = lambda i: lambda value: linked(value, weights[i:], functions[i:])
    return tuple(jax.jacfwd(tail(i))(after(x, weights, functions, i)) for i in range(3))


def alone(x, weights, functions, vjps):
    """Each step differentiated as if nothing came after it but a sum."""

    def one(i):
        into = after(x, weights, functions, i)
        return jax.jacfwd(lambda w: jnp.sum(functions[i](into, w)))(weights[i])

    return tuple(one(i) for i in range(3))


def at_outputs(x, weights, functions, vjps):
    """Each rule gets what came out of its step."""
    u, bars = 1.0, []
    for i in reversed(range(3)):
        u, w_bar = vjps[i](after(x, weights, functions, i + 1), weights[i], u)
        bars.append(w_bar)
    return tuple(bars[::-1])


def rules_with(x, weights, functions, vjps, order, at=None):
    """The rules in this order; with `at`, all of them at that input."""
    u, bars = 1.0, []
    for i in order:
        into = after(x, weights, functions, i) if at is None else at
        u, w_bar = vjps[i](into, weights[i], u)
        bars.append(w_bar)
    return tuple(bars)


def exchanged(x, weights, functions, vjps):
    """Each rule gets the cotangent in the place of its weight."""
    u, bars = 1.0, []
    for i in reversed(range(3)):
        u, w_bar = vjps[i](after(x, weights, functions, i), u, weights[i])
        bars.append(w_bar)
    return tuple(bars[::-1])


def times_value(x, weights, functions, vjps):
    value = linked(x, weights, functions)
    return tuple(value * part for part in dense_weights(x, weights, functions, vjps))


def with_inputs(x, weights, functions, vjps):
    pairs = (for_outputs(x, weights, functions, vjps), dense_weights(x, weights, functions, vjps))
    return tuple(zip(*pairs, strict=True))


def one_step_shorter(answer, arguments):
    """Whether the chain without its first step has the same cotangents, of the other weights."""
    x, weights, functions, vjps = arguments.values()
    whole = answer(x, weights, functions, vjps)
    x = functions[0](x, weights[0])
    rest = answer(x, weights[1:], functions[1:], vjps[1:])
    close = lambda a, b: np.allclose(a, b, rtol=1e-3, atol=1e-3 * np.max(np.abs(b)))
    return len(rest) == len(whole) - 1 and all(map(close, rest, whole[1:]))


backward_diff_chain = Question(
    name="backward_diff_chain",
    returns=("w1_bar", "w2_bar", "w3_bar"),
    points=(
        {
            "x": test_array((6, 2)),
            "weights": [
                test_array((2, 1), phase=1.0),
                test_array((1,), phase=2.0),
                test_array((6, 1), phase=3.0),
            ],
            "functions": [dot, add, loss],
            "vjps": [dot_vjp, add_row_vjp, loss_vjp],
        },
        {
            "x": test_array((5, 3), phase=4.0, scale=40.0),
            "weights": [
                test_array((3,), phase=5.0),
                test_array((3, 2), phase=6.0),
                test_array((5, 2), scale=300.0),
            ],
            "functions": [scale, dot, loss],
            "vjps": [scale_vjp, dot_vjp, loss_vjp],
        },
        {
            "x": test_array((4, 3), phase=7.0),
            "weights": [
                test_array((3,), phase=8.0),
                test_array((3, 3), phase=9.0),
                test_array((4, 3), phase=1.0),
            ],
            "functions": [scale, dot, loss],
            "vjps": [scale_vjp, dot_vjp, loss_vjp],
        },
        {
            "x": test_array((4, 2), phase=2.0),
            "weights": [
                test_array((2,), phase=3.0),
                test_array((2,), phase=4.0),
                test_array((4, 2), phase=5.0),
            ],
            "functions": [scale, scale, loss],
            "vjps": [scale_vjp, scale_vjp, loss_vjp],
        },
    ),
    labels=(
        "x @ w, then x + w, then the loss",
        "x * w, then x @ w, then the loss",
        "x * w, then x @ w with a square w, then the loss",
        "x * w twice, then the loss",
    ),
    large_points=(1,),
    reference=dense_weights,
    requirements=(Requirement("three-steps-alone", holds=one_step_shorter),),
    predictions={
        "inputs-for-weights": Mistake(result=for_outputs),
        "seeded-with-value": Mistake(result=times_value),
        "each-on-its-own": Mistake(result=alone),
        "rule-at-output": Mistake(result=at_outputs),
        "whole-rule": Mistake(result=with_inputs),
        "forward-order": Mistake(result=lambda *a: rules_with(*a, range(3))),
        "point-for-all-rules": Mistake(
            result=lambda x, weights, functions, vjps: rules_with(
                x, weights, functions, vjps, (2, 1, 0), at=x
            )[::-1]
        ),
        "weight-and-cotangent-exchanged": Mistake(result=exchanged),
        "last-weight-left-out": Mistake(result=lambda *a: dense_weights(*a)[:-1]),
        "input-with-the-weights": Mistake(
            result=lambda *a: (for_outputs(*a)[0], *dense_weights(*a))
        ),
        "value-with-the-weights": Mistake(
            result=lambda x, weights, functions, vjps: (
                linked(x, weights, functions),
                dense_weights(x, weights, functions, vjps),
            )
        ),
    },
    mistakes=(
        Mistake(
            "inputs-for-weights",
            "the inputs' cotangents",
            "You collected the first half of each rule's result: the cotangents of the inputs. "
            "They travel on to the step before; the weights' cotangents are the second half.",
            "",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "seeded-with-value",
            "not seeded with one",
            "The backward pass starts with the wrong cotangent: you started with the value L. It "
            "starts with ∂L/∂L = 1.",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "each-on-its-own",
            "each step on its own",
            "You gave every rule a cotangent of ones. Only the last step starts with 1; every "
            "other rule gets the x_bar of the rule that ran just before it.",
            "",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "rule-at-output",
            "rules evaluated at the output",
            "You gave each rule the value that came out of its step. It needs the value that went in.",
            "",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "halves-swapped",
            "the other half goes on",
            "A rule returns (x_bar, w_bar), and you passed its *second* half on to the step before. "
            "x_bar goes on, w_bar is a result.",
            "",
            read=CHAPTER + "#reverse-functional",
            raised=("TypeError: dot_general requires contracting dimensions",),
            code=r",\s*(\w+)\s*=\s*\w+(\[.+\])?\(.*,\s*\1\s*\)",
        ),
        Mistake(
            "whole-rule",
            "pairs instead of cotangents",
            "You returned the whole pair (x_bar, w_bar) of each rule. Keep x_bar for the next rule, "
            "and return the w_bar alone.",
            "",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "forward-order",
            "rules in the order of the steps",
            "You applied the rules from the first step to the last. A cotangent enters at the "
            "end of the chain: the rule of the last step comes first.",
            "",
        ),
        Mistake(
            "point-for-all-rules",
            "x for every rule",
            "Every rule of yours got the input of the whole chain. Each needs what went into its "
            "*own* step: keep these values in the forward pass.",
            "",
        ),
        Mistake(
            "weight-and-cotangent-exchanged",
            "the arguments of a rule",
            "A rule is called as `vjp(x_in, w, u)`. In yours, weight and cotangent have changed "
            "places.",
            "",
        ),
        Mistake(
            "last-weight-left-out",
            "the last weight is missing",
            "The cotangent of the last weight is missing. The target of the loss is passed on "
            "like the others, and its rule returns a cotangent for it.",
            "",
        ),
        Mistake(
            "input-with-the-weights",
            "the input's cotangent, too",
            "You returned the cotangent of x as well. Only those of the weights are asked for: "
            "the last x_bar is not needed.",
            "",
        ),
        Mistake(
            "value-with-the-weights",
            "the value, too",
            "You returned the value of the chain, and the cotangents in a tuple of their own. "
            "Only the cotangents are asked for.",
            "",
        ),
        Mistake(
            "three-steps-alone",
            "right for three steps alone",
            "Your cotangents of a chain of three steps are right, and not those of the same chain without "
            "its first step. A chain has as many steps as `functions` has entries: go through it in a "
            "loop.",
            "",
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {
                "x": test_array((6, 2)),
                "weights": [
                    test_array((2,)),
                    test_array((2, 1), phase=1.0),
                    test_array((1,)),
                    test_array((6, 1)),
                ],
                "functions": [scale, dot, add, loss],
                "vjps": [scale_vjp, dot_vjp, add_row_vjp, loss_vjp],
            },
            calls={"functions": 1, "vjps": 1},
        ),
    ),
    read=CHAPTER + "#reverse-functional",
)

def pulled_through(f):
    """The dense pullback of one function of x."""
    return lambda x, u: dense_pullback(f, (x,), u)[0]


four = (jnp.sqrt, lambda x: x[::-1], jnp.cumsum, lambda x: x - jnp.mean(x))
vector_cotangent = lambda phase, scale: lambda p: {"u": test_array(p["x"].shape, phase, scale)}

array_rules = Question(
    name="array_rules",
    returns=("sqrt_bar", "flip_bar", "cumsum_bar", "centred_bar"),
    points=(
        {"x": 2.0 + test_array((4,))},
        {"x": 1.5 + test_array((5,), phase=1.0)},
        {"x": 900.0 + test_array((6,), phase=2.0, scale=500.0)},
        {"x": 1e-4 * (2.0 + test_array((3,)))},
    ),
    labels=("four numbers", "five numbers", "six numbers up to 1400", "three numbers below 0.001"),
    large_points=(2,),
    tangents=(vector_cotangent(0.4, 1.0), vector_cotangent(3.0, 20.0)),
    reference=lambda x, u: tuple(pulled_through(f)(x, u) for f in four),
    shape_of=dict.fromkeys(("sqrt_bar", "flip_bar", "cumsum_bar", "centred_bar"), "x"),
    requirements=(linear_in("u"),),
    predictions={
        "summed-from-the-left": Mistake(result=lambda x, u: jnp.cumsum(u), part="cumsum_bar"),
        "not-flipped": Mistake(result=lambda x, u: u, part="flip_bar"),
        "mean-stands-still": Mistake(result=lambda x, u: u, part="centred_bar"),
        "cotangent-not-used": Mistake(
            result=lambda x, u: pulled_through(jnp.sqrt)(x, 0 * u + 1), part="sqrt_bar"
        ),
        "multiplied-by-root": Mistake(
            result=lambda x, u: u**2 / pulled_through(jnp.sqrt)(x, u), part="sqrt_bar"
        ),
        "input-centred": Mistake(result=lambda x, u: u - jnp.mean(x), part="centred_bar"),
        "root-of-cotangent": Mistake(result=lambda x, u: jnp.sqrt(u), part="sqrt_bar"),
        "half-is-missing": Mistake(
            result=lambda x, u: 2 * pulled_through(jnp.sqrt)(x, u), part="sqrt_bar"
        ),
        "root-of-root": Mistake(
            result=lambda x, u: pulled_through(jnp.sqrt)(jnp.sqrt(x), u), part="sqrt_bar"
        ),
        "point-flipped": Mistake(result=lambda x, u: x[::-1], part="flip_bar"),
        "differences": Mistake(result=lambda x, u: jnp.diff(u, prepend=0.0), part="cumsum_bar"),
        "not-flipped-back": Mistake(result=lambda x, u: jnp.cumsum(u[::-1]), part="cumsum_bar"),
        "own-entry-missing": Mistake(
            result=lambda x, u: jnp.sum(u) - jnp.cumsum(u), part="cumsum_bar"
        ),
        "own-share-alone": Mistake(result=lambda x, u: u * (1 - 1 / len(u)), part="centred_bar"),
        "sum-subtracted": Mistake(result=lambda x, u: u - jnp.sum(u), part="centred_bar"),
        "root-for-slope": Mistake(result=lambda x, u: u * jnp.sqrt(x), part="sqrt_bar"),
    },
    mistakes=(
        Mistake(
            "summed-from-the-left",
            "summed up from the left",
            "Your cumsum_bar is the running sum of u: the function itself, not its transpose. Entry i is part "
            "of the outputs from i on, so it collects u from i to the end.",
            "For u = [1, 10, 100] it is [111, 110, 100].",
            read=CHAPTER + "#reverse-accumulate",
        ),
        Mistake(
            "not-flipped",
            "not flipped back",
            "Your flip_bar is u as it came. Entry 0 of x went to the last place, so what comes back from the "
            "last place belongs to entry 0.",
            read=CHAPTER + "#reverse-rules",
        ),
        Mistake(
            "mean-stands-still",
            "the mean is no constant",
            "Your centred_bar is u, as if the mean were a constant. If one entry of x grows, the mean grows, "
            "and every output falls a little.",
            "A cotangent of ones asks for the sum of the outputs, which is always 0; so it has to come back "
            "as zeros.",
            read=CHAPTER + "#reverse-rules",
        ),
        Mistake(
            "cotangent-not-used",
            "u was not used",
            "Your sqrt_bar is the derivative alone. A rule multiplies it by the cotangent u.",
            read=CHAPTER + "#reverse-rules",
        ),
        Mistake(
            "multiplied-by-root",
            "multiplied in place of divided",
            "Your sqrt_bar multiplies by 2√x. The derivative of √x is 1/(2√x): the larger x, the flatter "
            "the root.",
            read=CHAPTER + "#reverse-rules",
        ),
        Mistake(
            "input-centred",
            "the mean of x in place of that of u",
            "Your centred_bar subtracts the mean of x. Centring is linear: its rule knows nothing of x, and "
            "centres u.",
            read=CHAPTER + "#reverse-rules",
        ),
        Mistake(
            "root-of-cotangent",
            "the root of u",
            "Your sqrt_bar is the root of u. A cotangent goes through the *derivative* of a "
            "function: it is multiplied by 1/(2√x).",
            "",
        ),
        Mistake(
            "half-is-missing",
            "the ½ of the root is missing",
            "Your sqrt_bar is twice the right one: the derivative of √x is 1/(2√x).",
        ),
        Mistake(
            "root-of-root",
            "evaluated at the output",
            "Your sqrt_bar has the derivative at √x. It belongs at x: 1/(2√x), with one root.",
        ),
        Mistake(
            "point-flipped",
            "x instead of u",
            "Your flip_bar is x, flipped. What is sent back is the cotangent u.",
        ),
        Mistake(
            "differences",
            "differences instead of sums",
            "Your cumsum_bar has the differences of u: they *undo* a running sum. A rule applies "
            "the transpose: entry i collects u from i to the end.",
        ),
        Mistake(
            "not-flipped-back",
            "not flipped back",
            "Your cumsum_bar is in the opposite order. The running sum from the end stands "
            "backwards: flip it once more.",
        ),
        Mistake(
            "own-entry-missing",
            "the own entry is missing",
            "In your cumsum_bar entry i collects u after i. x[i] is part of output i, too: the "
            "sum begins with u[i] itself.",
        ),
        Mistake(
            "own-share-alone",
            "the other outputs are left out",
            "Your centred_bar has the factor 1 − 1/n, the share of an entry in its own output. "
            "Through the mean it is part of *all* outputs: each sends −1/n back.",
        ),
        Mistake(
            "sum-subtracted",
            "the sum, not the mean",
            "Your centred_bar subtracts the sum of u. The mean has a factor 1/n: subtract the "
            "mean of u.",
        ),
        Mistake(
            "root-for-slope",
            "the root in place of its derivative",
            "Your sqrt_bar is u √x: the value of the root is its factor. A rule "
            "multiplies u by the *derivative*, 1/(2√x).",
        ),
    ),
    read=CHAPTER + "#reverse-rules",
)

def slopes_of(f, xs):
    """The derivatives, one after the other, in forward mode."""
    xs = tuple(np.asarray(x, float) for x in xs)
    return np.array([jax.jacfwd(f, argnums=i)(*xs) for i in range(len(xs))])


def diamond(x, y):
    a = x * x
    return a * (a * a) + a * y


def long_chain(x, y):
    total = x
    for _ in range(1500):
        total = total + y
    return total * total


class Number:
    """A number with parents, for what a wrong order makes of it."""

    def __init__(self, value, parents=()):
        self.value, self.parents, self.bar = value, parents, 0.0

    def __add__(self, other):
        return Number(self.value + other.value, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Number(self.value * other.value, [(self, other.value), (other, self.value)])


def first_come(f, xs):
    """Cotangents sent on as they come, from the result on."""
    inputs = [Number(x) for x in xs]
    result = f(*inputs)
    queue = [result]
    for number in queue:
        queue.extend({id(p): p for p, _ in number.parents if p not in queue}.values())
    result.bar = 1.0
    for number in queue:
        for parent, local in number.parents:
            parent.bar += local * number.bar
    return np.array([x.bar for x in inputs])


def as_found(f, xs):
    """Cotangents sent on in the order in which a stack finds the numbers."""
    inputs = [Number(x) for x in xs]
    result = f(*inputs)
    stack, found = [result], []
    while stack:
        number = stack.pop()
        if number not in found:
            found.append(number)
            stack.extend(parent for parent, _ in number.parents)
    result.bar = 1.0
    for number in found:
        for parent, local in number.parents:
            parent.bar += local * number.bar
    return np.array([x.bar for x in inputs])


def last_come(f, xs):
    """The last contribution alone, in the right order."""
    inputs = [Number(x) for x in xs]
    result = f(*inputs)
    order = []

    def visit(number):
        if number not in order:
            for parent, _ in reversed(number.parents):
                visit(parent)
            order.append(number)

    visit(result)
    result.bar = 1.0
    for number in reversed(order):
        for parent, local in number.parents:
            parent.bar = local * number.bar
    return np.array([x.bar for x in inputs])


def sent_wrongly(contribution):
    """The right order, and another contribution to a parent."""

    def gradient(f, xs, passes):
        inputs = [Number(x) for x in xs]
        result = f(*inputs)
        order, stack, seen = [], [(result, False)], set()
        while stack:
            number, marked = stack.pop()
            if marked:
                order.append(number)
            elif number not in seen:
                seen.add(number)
                stack += [(number, True), *((parent, False) for parent, _ in number.parents)]
        result.bar = 1.0
        for number in reversed(order):
            for parent, local in number.parents:
                parent.bar += contribution(number, local)
        return np.array([x.bar for x in inputs])

    return Mistake(result=gradient)


short = lambda rule, otherwise: (
    lambda f, xs, passes: (rule if f is not long_chain else otherwise)(f, xs)
)


class Watched(Number):
    """A number that counts how often somebody looks for its parents."""

    looks = 0

    @property
    def parents(self):
        Watched.looks += 1
        return self._parents

    @parents.setter
    def parents(self, parents):
        self._parents = parents


def looks_once(answer, arguments):
    """Whether the backward pass goes through the numbers, and not through all the paths."""

    def doubled_often(x):
        for _ in range(12):
            x = Watched(2 * x.value, [(x, 1.0), (x, 1.0)])
        return x

    Watched.looks = 0
    try:
        answer(doubled_often, (1.0,), 1)
    except Exception:  # a number of another class is not what the answer was written for
        return True
    return True if Watched.looks < 120 else {"looks": f"{Watched.looks:,}"}


def kept(f):
    """A function that returns the very same result when it gets the same numbers again."""
    last = []

    def again(*xs):
        if not last or any(a is not b for a, b in zip(last[0], xs, strict=True)):
            last[:] = xs, f(*xs)
        return last[1]

    return again


def clears_in_between(answer, arguments):
    """Whether two passes from one result end where one does."""
    try:
        got = answer(kept(diamond), (0.7, -1.3), 2)
    except Exception:  # as above
        return True
    return bool(np.allclose(got, slopes_of(diamond, (0.7, -1.3)), rtol=1e-4))


tape_gradient = Question(
    name="tape_gradient",
    returns="gradient",
    points=(
        {"f": diamond, "xs": (0.7, -1.3), "passes": 1},
        {"f": diamond, "xs": (1.2, 0.4), "passes": 3},
        {"f": lambda x, y: x * y + x * x * x, "xs": (30.0, -20.0), "passes": 2},
        {"f": long_chain, "xs": (0.5, 0.01), "passes": 1},
        {"f": lambda x, y: (x * y) * x + y * x, "xs": (1.5, -0.5), "passes": 1},
    ),
    labels=(
        "x²·x⁴ + x²·y, one pass",
        "x²·x⁴ + x²·y, three passes",
        "xy + x³, two passes",
        "a chain of 1500 additions, one pass",
        "x·y·x + y·x, where two steps have one value",
    ),
    large_points=(2,),
    reference=lambda f, xs, passes: slopes_of(f, xs),
    requirements=(
        Requirement("every-path-walked", holds=looks_once),
        Requirement("bars-in-between-kept", holds=clears_in_between),
    ),
    predictions={
        "bars-not-cleared": Mistake(result=lambda f, xs, passes: passes * slopes_of(f, xs)),
        "last-contribution": Mistake(
            result=short(last_come, lambda f, xs: slopes_of(f, xs) / [2, 3000])
        ),
        "sent-on-too-early": Mistake(result=short(first_come, slopes_of)),
        "sent-on-as-found": Mistake(result=short(as_found, slopes_of)),
        "started-with-value": Mistake(result=lambda f, xs, passes: f(*xs) * slopes_of(f, xs)),
        "nothing-sent": Mistake(result=lambda f, xs, passes: np.zeros(len(xs))),
        "bar-alone": sent_wrongly(lambda number, local: number.bar),
        "local-alone": sent_wrongly(lambda number, local: local),
        "value-for-bar": sent_wrongly(lambda number, local: number.value * local),
    },
    mistakes=(
        Mistake(
            "recursion-too-deep",
            "too many calls inside calls",
            "A function of yours calls itself once for each step of a chain, and the chain has 1500 steps: "
            "Python allows about a thousand calls inside one another. Keep what is still to be visited in "
            "a list of your own.",
            "",
            read=CHAPTER + "#reverse-order",
            raised=("RecursionError: ",),
        ),
        Mistake(
            "bars-not-cleared",
            "bars that were not cleared",
            "After several backward passes your bars are that many times too large: each pass added to "
            "what the one before had left. Set the bars to 0 first.",
            read=CHAPTER + "#reverse-order",
        ),
        Mistake(
            "last-contribution",
            "overwritten, not added",
            "Where a number is used more than once, you took the last contribution alone: `=` in place "
            "of `+=`.",
            read=CHAPTER + "#reverse-accumulate",
        ),
        Mistake(
            "sent-on-too-early",
            "sent on before it was complete",
            "A number sent its bar on before all its children had added to it. Children must come first: go "
            "through a topological order from its end.",
            read=CHAPTER + "#reverse-order",
        ),
        Mistake(
            "sent-on-as-found",
            "sent on before it was complete",
            "You went through the numbers in the order in which a stack finds them. A number that is found "
            "early may still wait for a child: it sends its bar on before that child has added to it. In a "
            "topological order all children of a number come before it.",
            read=CHAPTER + "#reverse-order",
        ),
        Mistake(
            "started-with-value",
            "started with the value",
            "The backward pass starts with the bar of the result, which is 1. You started with its value.",
            read=CHAPTER + "#reverse-accumulate",
        ),
        Mistake(
            "nothing-sent",
            "all bars are 0",
            "The bars of your inputs are 0. Either nothing was sent to them, or it was 0 times "
            "something: the bar of the result must be 1 when the backward pass begins (so clear "
            "the bars *before* that), and every child must come before its parents.",
        ),
        Mistake(
            "bar-alone",
            "the local derivative is missing",
            "You sent the bar of a number on to its parents as it is. What a parent gets is the "
            "bar times the *local derivative*, the second entry of each pair.",
        ),
        Mistake(
            "local-alone",
            "the bar is missing",
            "You sent the local derivatives to the parents. By the chain rule each is multiplied "
            "by the bar of the number itself.",
        ),
        Mistake(
            "value-for-bar",
            "the value in place of the bar",
            "You sent the *value* of a number times the local derivative. It is its bar that "
            "travels back.",
        ),
        Mistake(
            "every-path-walked",
            "every path is walked",
            "Your numbers are right, but your backward pass goes along every *path* from the "
            "result to an input, and there are very many. In a topological order each number is "
            "visited once, when all that its children send is in its bar.",
            "For 12 doublings, x = x + x, one after the other, yours looks for the parents of a "
            "number {looks} times; some 30 would do.",
        ),
        Mistake(
            "bars-in-between-kept",
            "old bars between inputs and result",
            "Your numbers are right where f is computed anew for each pass. From the same result, a second "
            "`backward` adds to bars that the first one left in the numbers *between* the inputs and "
            "the result. Clear all that the result was computed from.",
            "",
            read=CHAPTER + "#reverse-order",
        ),
    ),
    read=CHAPTER + "#reverse-order",
)

def both_gradients(f, x):
    """Two rows, column by column."""
    return np.stack(jax.jacfwd(f)(x))


energy_and_sum = lambda x: (jnp.sum(x**2) / 2, jnp.sum(jnp.sin(x)))
mixed_pair = lambda x: (x[0] * x[1] * x[2], jnp.exp(x[2] / 100) * x[0])
value_column = lambda f, x: np.array([[float(value)] for value in f(jnp.asarray(x))])

two_rows = Question(
    name="two_rows",
    returns="rows",
    points=(
        {"f": energy_and_sum, "x": test_array((4,), phase=0.2)},
        {"f": mixed_pair, "x": test_array((3,), phase=1.2)},
        {"f": mixed_pair, "x": test_array((3,), phase=2.2, scale=100.0)},
        {"f": mixed_pair, "x": np.array([0.0, 1.5, 2.0])},
    ),
    labels=(
        "half the sum of squares, and the sum of sines",
        "x₀x₁x₂, and exp(x₂/100)·x₀",
        "x₀x₁x₂, and exp(x₂/100)·x₀",
        "x₀x₁x₂, and exp(x₂/100)·x₀, at x₀ = 0",
    ),
    large_points=(2,),
    reference=both_gradients,
    predictions={
        "sum-in-the-second-row": Mistake(
            result=lambda f, x: np.cumsum(both_gradients(f, x), axis=0)
        ),
        "sum-twice": Mistake(result=lambda f, x: np.stack([both_gradients(f, x).sum(0)] * 2)),
        "rows-in-wrong-order": Mistake(result=lambda f, x: both_gradients(f, x)[::-1]),
        "rows-transposed": Mistake(result=lambda f, x: both_gradients(f, x).T),
        "values-pulled-back": Mistake(
            result=lambda f, x: value_column(f, x) * both_gradients(f, x)
        ),
        "first-row-twice": Mistake(result=lambda f, x: both_gradients(f, x)[[0, 0]]),
        "second-row-twice": Mistake(result=lambda f, x: both_gradients(f, x)[[1, 1]]),
        "rows-in-line": Mistake(result=lambda f, x: both_gradients(f, x).ravel()),
    },
    mistakes=(
        Mistake(
            "sum-in-the-second-row",
            "the first output was still counted",
            "Your second row is the sum of both gradients: its cotangent had a 1 for each output. For the "
            "second gradient the cotangent of the first output is 0.",
        ),
        Mistake(
            "cotangent-not-a-tuple",
            "a cotangent has the form of the output",
            "What you sent back has another form than the output. f returns a tuple of two numbers, so a "
            "cotangent is a tuple of two numbers as well, not an array.",
            "For an output (y0, y1), the cotangent (1.0, 0.0) asks for y0 alone.",
            read=CHAPTER + "#reverse-two",
            raised=("ValueError: unexpected tree structure",),
        ),
        Mistake(
            "sum-twice",
            "the sum of both rows, twice",
            "You sent the cotangent (1, 1) back: that asks for the sum of the two outputs. For one output "
            "alone, the other one gets 0.",
            read=CHAPTER + "#reverse-two",
        ),
        Mistake(
            "rows-in-wrong-order",
            "the rows are swapped",
            "Your rows are in the opposite order: row 0 belongs to the first output.",
            read=CHAPTER + "#reverse-two",
        ),
        Mistake(
            "rows-transposed",
            "columns in place of rows",
            "You stacked the two gradients as columns. Each is a row: stack along axis 0.",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
            read=CHAPTER + "#reverse-two",
        ),
        Mistake(
            "values-pulled-back",
            "the values in place of ones",
            "You sent the value of each output back. The cotangent that asks for a gradient is 1.",
            read=CHAPTER + "#reverse-two",
        ),
        Mistake(
            "first-row-twice",
            "the first output twice",
            "Both of your rows are the gradient of the first output. For the second one, send "
            "the 1 back at the other place: `(0.0, 1.0)`.",
        ),
        Mistake(
            "second-row-twice",
            "the second output twice",
            "Both of your rows are the gradient of the second output. For the first one, send "
            "the 1 back at the other place: `(1.0, 0.0)`.",
        ),
        Mistake(
            "rows-in-line",
            "one long row",
            "Your two gradients stand one after the other in one row. Stack them: an array of "
            "shape (2, n).",
            "{where}, yours has shape {got_shape}; it should have shape {want_shape}.",
        ),
        Mistake(
            "cotangents-apart",
            "one cotangent, a tuple",
            "The pullback takes one argument, a cotangent in the form of the output: a *tuple* "
            "of two numbers, `pullback((1.0, 0.0))`, with two pairs of brackets.",
            "",
            raised=("TypeError: The function returned by `jax.vjp`",),
        ),
        Mistake(
            "tuple-under-grad",
            "grad of a function with two outputs",
            "`grad` takes a function that returns one number, and f returns two. `olympus.vjp` "
            "runs f once, and pulls back a cotangent for each.",
            "",
            raised=("TypeError: Gradient only defined for scalar-output",),
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {"f": energy_and_sum, "x": test_array((4,))},
            calls={"f": 1},
        ),
    ),
    read=CHAPTER + "#reverse-two",
)

def network_loss(params, x, target, slope=jnp.tanh):
    W1, b1, W2, b2 = params
    return jnp.mean((slope(x @ W1 + b1) @ W2 + b2 - target) ** 2)


def gradients_of(params, x, target):
    """Whole Jacobians of the loss, column by column."""
    return jax.jacfwd(network_loss)(tuple(params), x, target)


def moved_by(params, gradients, rate):
    return tuple(p - rate * g for p, g in zip(params, gradients, strict=True))


def stepped(params, x, target, rate):
    return moved_by(params, gradients_of(params, x, target), rate)


def with_slope(slope):
    """A step with another derivative of tanh, a function of what goes in."""

    @jax.custom_jvp
    def activation(z):
        return jnp.tanh(z)

    activation.defjvp(
        lambda primals, tangents: (jnp.tanh(primals[0]), slope(primals[0]) * tangents[0])
    )

    def step(params, x, target, rate):
        loss = lambda p: network_loss(p, x, target, activation)
        gradients = jax.jacfwd(loss)(tuple(params))
        return moved_by(params, gradients, rate)

    return step


def early(params, x, target, rate):
    """W2 is updated first, and the cotangent of `hidden` goes through the new one."""
    W1, b1, W2, b2 = params
    new_W2 = stepped(params, x, target, rate)[2]

    def surrogate(W1, b1):
        hidden = jnp.tanh(x @ W1 + b1)
        error = jax.lax.stop_gradient(hidden @ W2 + b2 - target)
        return jnp.sum(2 * error / error.size * (hidden @ new_W2))

    first = jax.jacfwd(surrogate, argnums=(0, 1))(W1, b1)
    right = gradients_of(params, x, target)
    return moved_by(params, (*first, *right[2:]), rate)


def per_example(params, x, target, rate):
    """Shapes of biases that were not summed over the batch."""
    shares = [gradients_of(params, x[i : i + 1], target[i : i + 1]) for i in range(len(x))]
    biases = [np.stack([params[k] - rate * s[k] / len(x) for s in shares]) for k in (1, 3)]
    right = stepped(params, x, target, rate)
    return right[0], biases[0], right[2], biases[1]


def bias_means(params, x, target, rate):
    """The cotangents of the biases, divided by the length of the batch."""
    W1, b1, W2, b2 = gradients_of(params, x, target)
    return moved_by(params, (W1, b1 / len(x), W2, b2 / len(x)), rate)


def biases_at_rest(params, x, target, rate):
    W1, _, W2, _ = stepped(params, x, target, rate)
    return W1, params[1], W2, params[3]


def hidden_twice(params, x, target, rate):
    """The step of W2 with tanh(hidden) in the place of hidden."""
    W1, b1, W2, b2 = params
    hidden = jnp.tanh(x @ W1 + b1)
    u = 2 * (hidden @ W2 + b2 - target) / target.size
    return W2 - rate * jnp.tanh(hidden).T @ u


def network_point(batch, a, h, c, scale, rate):
    params = (
        test_array((a, h), phase=0.1),
        test_array((h,), phase=1.1),
        test_array((h, c), phase=2.1, scale=scale),
        test_array((c,), phase=3.1),
    )
    x, target = test_array((batch, a), phase=4.1), test_array((batch, c), phase=5.1, scale=scale)
    return {"params": params, "x": x, "target": target, "rate": rate}


def leaves_them_alone(answer, arguments):
    """Whether the parameters are as they were, where they are NumPy's own arrays."""
    params, x, target, rate = arguments.values()
    given = tuple(np.array(part) for part in params)
    try:
        answer(given, np.array(x), np.array(target), float(rate))
    except Exception:
        return True
    return all(np.array_equal(a, b) for a, b in zip(given, params, strict=True))


sgd_step = Question(
    name="sgd_step",
    returns=("W1", "b1", "W2", "b2"),
    points=(
        network_point(5, 3, 4, 2, 1.0, 0.5),
        network_point(4, 2, 3, 1, 1.5, 0.125),
        network_point(6, 2, 2, 3, 40.0, 0.25),
    ),
    labels=(
        "a batch of 5, 3 inputs, 4 hidden units, 2 outputs",
        "a batch of 4, 2 inputs, 3 hidden units, 1 output",
        "a batch of 6, with weights and targets up to 40",
    ),
    large_points=(2,),
    rtol=1e-10,
    reference=stepped,
    requirements=(Requirement("old-parameters-lost", holds=leaves_them_alone),),
    predictions={
        "uphill": Mistake(result=lambda params, x, target, rate: stepped(params, x, target, -rate)),
        "updated-too-early": Mistake(result=early),
        "tanh-forgotten": Mistake(result=with_slope(jnp.ones_like)),
        "tanh-at-output": Mistake(result=with_slope(lambda z: 1 - jnp.tanh(jnp.tanh(z)) ** 2)),
        "sum-of-squares": Mistake(
            result=lambda params, x, target, rate: stepped(params, x, target, rate * target.size)
        ),
        "rows-counted": Mistake(
            result=lambda params, x, target, rate: stepped(
                params, x, target, rate * target.size / len(x)
            )
        ),
        "bias-mean": Mistake(result=bias_means),
        "bias-per-example": Mistake(result=per_example),
        "gradients-returned": Mistake(
            result=lambda params, x, target, rate: gradients_of(params, x, target)
        ),
        "slope-before-tanh": Mistake(result=with_slope(lambda z: 1 - z**2)),
        "square-around-all": Mistake(result=with_slope(lambda z: (1 - jnp.tanh(z)) ** 2)),
        "two-is-missing": Mistake(
            result=lambda params, x, target, rate: stepped(params, x, target, rate / 2)
        ),
        "biases-at-rest": Mistake(result=biases_at_rest),
        "hidden-twice": Mistake(result=hidden_twice, part="W2"),
        "square-is-missing": Mistake(result=with_slope(lambda z: 1 - jnp.tanh(z))),
        "step-returned": Mistake(
            result=lambda params, x, target, rate: moved_by(
                [0.0] * 4, gradients_of(params, x, target), -rate
            )
        ),
    },
    mistakes=(
        Mistake(
            "uphill",
            "uphill",
            "You added the gradient: the loss grows. Gradient descent subtracts rate times the gradient.",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "updated-too-early",
            "W2 was updated too early",
            "You updated W2 before the cotangent of `hidden` was computed, and so it went through the new W2. All "
            "cotangents belong to the old parameters.",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "tanh-forgotten",
            "the derivative of tanh is missing",
            "In the first layer the factor 1 - hidden² is missing: the cotangent went through tanh as if it "
            "were not there.",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "tanh-at-output",
            "tanh, twice",
            "Your derivative of tanh is 1 - tanh(hidden)². `hidden` is a tanh already: the derivative is "
            "1 - hidden².",
            read=CHAPTER + "#reverse-residuals",
        ),
        Mistake(
            "sum-of-squares",
            "the 1/n of the mean is missing",
            "Your step is too large by the number of entries of the target: the loss is a mean.",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "rows-counted",
            "rows counted, not entries",
            "You divided by the number of examples. The loss is the mean over all entries, target.size of "
            "them.",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "bias-mean",
            "a mean over the batch for the biases",
            "Your biases move too little: the cotangents of the examples were averaged, and they have to be "
            "summed. The 1/n of the loss is in them already.",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "bias-per-example",
            "a bias for every example",
            "Your biases have a row for each example. A bias is used by all of them, so its cotangent is summed "
            "over the batch.",
            "{where}, {part} has shape {got_shape}; the right one has shape {want_shape}.",
            read=CHAPTER + "#reverse-batch",
        ),
        Mistake(
            "gradients-returned",
            "the gradients in place of the parameters",
            "You returned the four gradients. Asked for are the new parameters, p - rate * gradient.",
            read=CHAPTER + "#reverse-functional",
        ),
        Mistake(
            "slope-before-tanh",
            "1 − z² before the tanh",
            "Your derivative of tanh is 1 − z², with what went *into* the tanh. It is 1 − "
            "tanh(z)², so 1 − hidden².",
        ),
        Mistake(
            "square-around-all",
            "the square of the whole bracket",
            "Your derivative of tanh is (1 − hidden)². Only hidden is squared: `1 - hidden**2`.",
        ),
        Mistake(
            "two-is-missing",
            "half a step",
            "Your steps are half as long as they should be: the derivative of the square of an "
            "error is twice the error.",
        ),
        Mistake(
            "biases-at-rest",
            "the biases do not move",
            "You moved the weights and left both biases as they were. Each of the four "
            "parameters makes a step.",
        ),
        Mistake(
            "old-parameters-lost",
            "the old parameters are changed",
            "The numbers are right, but your answer changes the arrays that it is given: in "
            "NumPy `W -= …` writes into W itself, and the caller's parameters are gone. `W = W - "
            "…` makes new ones.",
            "",
        ),
        Mistake(
            "hidden-twice",
            "tanh twice",
            "For W2 you took the tanh of `hidden`. `hidden` is a tanh already: what went into "
            "the second layer is `hidden` itself.",
        ),
        Mistake(
            "square-is-missing",
            "the square is missing",
            "Your derivative of tanh is 1 − hidden. It is 1 − hidden².",
        ),
        Mistake(
            "step-returned",
            "the step in place of the parameters",
            "You returned rate times the gradient: the step. Asked for are the "
            "parameters after it.",
        ),
    ),
    read=CHAPTER + "#reverse-functional",
)
