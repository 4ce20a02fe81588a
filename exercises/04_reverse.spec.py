"""The specifications of 04_reverse.md, released from solutions/04_reverse.md: edit them there."""

import jax
import jax.numpy as jnp

from olympus_kit.checks import (
    Law,
    Limit,
    Misconception,
    Question,
    Wrong,
    adjoint,
    dense_pullback,
    linear_in,
    wave,
)

CHAPTER = "book/04_reverse.md"
MIX = wave((3, 3), scale=1.5)

logistic = lambda x: 4 * x * (1 - x)
logistic_vjp = lambda x, u: u * (4 - 8 * x)
sine, sine_vjp = jnp.sin, lambda x, u: u * jnp.cos(x)
mix, mix_vjp = lambda x: MIX @ x, lambda x, u: MIX.T @ u
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


def rules_without_cotangents(x, functions, vjps):
    seen = values(x, functions)
    return [vjp(x_in, 1.0) for x_in, vjp in zip(seen[:-1][::-1], vjps[::-1])][-1]


reverse_chain = Question(
    name="reverse_chain",
    returns=("value", "gradient"),
    points=(
        {"x": 0.2, "functions": [logistic] * 3, "vjps": [logistic_vjp] * 3},
        {
            "x": wave((3,), phase=1.0),
            "functions": [sine, mix, squares],
            "vjps": [sine_vjp, mix_vjp, squares_vjp],
        },
        {"x": 1000.0, "functions": [grow, log, sine], "vjps": [grow_vjp, log_vjp, sine_vjp]},
    ),
    labels=(
        "three logistic steps, x = 0.2",
        "sin, then a matrix, then the sum of squares, x of shape (3,)",
        "x² + 1, then log, then sin, x = 1000",
    ),
    large=(2,),
    reference=dense,
    like={"gradient": "x"},
    wrong={
        "forward-order": Wrong(rules_in_turn, "gradient"),
        "rule-at-output": Wrong(rules_at_outputs, "gradient"),
        "seeded-with-value": Wrong(
            lambda x, functions, vjps: whole(functions)(x) * jax.jacfwd(whole(functions))(x),
            "gradient",
        ),
        "divided-by-value": Wrong(
            lambda x, functions, vjps: jax.jacfwd(whole(functions))(x) / whole(functions)(x),
            "gradient",
        ),
        "overwritten": Wrong(rules_without_cotangents, "gradient"),
        "missing-chain-factor": Wrong(
            lambda x, functions, vjps: jax.jacfwd(whole(functions[1:]))(functions[0](x)),
            "gradient",
        ),
    },
    misconceptions=(
        Misconception(
            "forward-order",
            "rules applied in forward order",
            "You applied the rules from the first step to the last. A cotangent enters at the "
            "end of the chain, so the rule of the last step comes first. For single numbers "
            "the order does not show (a product is a product); for vectors it does.",
            read=CHAPTER,
        ),
        Misconception(
            "rule-at-output",
            "rules evaluated at the output",
            "You gave each rule the value that came out of its step. It needs the value that "
            "went in: the derivative of sin at x is cos(x), not cos(sin(x)).",
            read=CHAPTER,
        ),
        Misconception(
            "seeded-with-value",
            "not seeded with one",
            "The way back starts with the wrong cotangent: you started with the value y. It "
            "starts with ∂y/∂y = 1. (Starting with y gives the gradient of y²/2.)",
            read=CHAPTER,
        ),
        Misconception(
            "divided-by-value",
            "divided by the value",
            "Your gradient is divided by the value y: that is the gradient of log y. Going back "
            "only ever multiplies by derivatives.",
            read=CHAPTER,
        ),
        Misconception(
            "overwritten",
            "each step forgets the one before",
            "Your gradient is the derivative of the first step alone: each rule was given 1 in "
            "place of the cotangent that the rule before it returned.",
            read=CHAPTER,
        ),
    ),
    limits=(
        Limit(
            "dense-jacobian",
            lambda: {
                "x": wave((64,)),
                "functions": [sine, sine, squares],
                "vjps": [sine_vjp, sine_vjp, squares_vjp],
            },
            largest=64 * 64 - 1,
            size="n = 64",
        ),
    ),
    read=CHAPTER,
)

layer = lambda x, W, b: x @ W + b


def point(batch, a, c, scale):
    """Arguments of these sizes, with entries up to `scale`."""
    return {
        "x": wave((batch, a), phase=0.3, scale=scale),
        "W": wave((a, c), phase=1.1, scale=scale),
        "b": wave((c,), phase=2.2, scale=scale),
    }


cotangent = lambda phase, scale: (
    lambda p: {"u": wave((len(p["x"]), len(p["b"])), phase=phase, scale=scale)}
)

dense_vjp = Question(
    name="dense_vjp",
    returns=("x_bar", "W_bar", "b_bar"),
    points=(point(5, 3, 4, scale=1.0), point(3, 3, 3, scale=300.0)),
    tangents=(cotangent(0.0, 1.0), cotangent(4.0, 50.0)),
    large=(1,),
    reference=lambda x, W, b, u: dense_pullback(layer, (x, W, b), u),
    like={"x_bar": "x", "W_bar": "W", "b_bar": "b"},
    laws=(linear_in("u"), adjoint(layer, ("x", "W", "b"), "u")),
    wrong={
        "missing-transpose": Wrong(lambda x, W, b, u: u @ W, "x_bar"),
        "cotangent-ignored": Wrong(lambda x, W, b, u: jnp.ones_like(u) @ W.T, "x_bar"),
        "jacobian-is-x": Wrong(lambda x, W, b, u: x, "W_bar"),
        "overwritten": Wrong(lambda x, W, b, u: jnp.outer(x[-1], u[-1]), "W_bar"),
    },
    misconceptions=(
        Misconception(
            "missing-transpose",
            "W is not transposed",
            "For x_bar you multiplied u with W itself. Going back through `x @ W` multiplies with "
            "the transpose: u has shape (batch, c), W has shape (a, c), and x_bar needs (batch, a).",
            "With W = [[1, 2], [3, 4]] and u = [[1, 0]], x_bar is [[1, 3]], not [[1, 2]].",
            read=CHAPTER,
        ),
        Misconception(
            "jacobian-is-x",
            "the input in place of the product with u",
            "Your W_bar is x itself. One often reads that the derivative of xW for W is x, but "
            "that is no cotangent: it has not met u yet, and has not the shape of W.",
            read=CHAPTER,
        ),
    ),
    read=CHAPTER,
)
