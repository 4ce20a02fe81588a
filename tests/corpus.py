"""Functions of many kinds, each with a point: what a student, a library or a researcher writes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

X = np.array([0.3, 1.2, 2.5])
A = np.array([[2.0, 0.5, 0.0], [0.1, 3.0, 0.4], [0.0, 0.2, 1.5]])


def logistic_from(x, turns):
    for _ in range(turns):
        x = 4 * x * (1 - x)
    return x


def logistic(x):
    for _ in range(3):
        x = 4 * x * (1 - x)
    return x


def rnn(params):
    def step(h, x):
        h = jnp.tanh(params["w"] @ h + params["b"] * x)
        return h, h.sum()

    h, sums = lax.scan(step, jnp.zeros(2), jnp.arange(1.0, 4.0))
    return sums.sum() + h[0]


def logistic_loss(w, b):
    logits = jnp.asarray(A) @ w + b
    return -jnp.mean(jax.nn.log_sigmoid(logits) * jnp.array([1.0, 0.0, 1.0]))


@jax.custom_vjp
def scaled_sine(x):
    return jnp.sin(x)


scaled_sine.defvjp(lambda x: (jnp.sin(x), jnp.cos(x)), lambda c, u: (7 * u * c,))


@jax.custom_jvp
def softened(x):
    return jnp.log1p(jnp.exp(x))


softened.defjvps(lambda t, ans, x: t * jax.nn.sigmoid(x))


def counted(x):
    """A mutable array that a loop writes to."""
    ref = jax.new_ref(jnp.zeros(3, x.dtype))

    def write(i, _):
        ref[i] = jnp.sin(x[i]) * x[0]
        return 0

    lax.fori_loop(0, 3, write, 0)
    return ref[...].sum() * x[1]


def overwritten(x):
    """A mutable array that a value of its own is written to."""
    ref = jax.new_ref(x)
    ref[...] = ref[...] * x
    ref[...] = jnp.sin(ref[...])
    return ref[...]


def over_devices(f, spec_in, spec_out):
    """Return a function of each device's part of an array: one device here, which has it all."""
    mesh = Mesh(np.array(jax.devices()[:1]), ("d",))
    return jax.shard_map(f, mesh=mesh, in_specs=spec_in, out_specs=spec_out)


def rounded(x):
    """Values whose derivative is zero, while a derivative flows to them: twice from the outside."""
    whole, sign = jnp.round(x), jnp.sign(x)
    return whole, whole, sign * x, sign


def taylor(x):
    """The third derivative along a direction, by jvp of jvp of jvp."""
    f = lambda t: jnp.sin(x * t).sum()
    for _ in range(3):
        f = lambda t, g=f: jax.jvp(g, (t,), (jnp.ones_like(t),))[1]
    return f(0.5)


def mlp(layers, x):
    for w, b in layers:
        x = jnp.tanh(x @ w + b)
    return jnp.sum(x**2)


@jax.tree_util.register_dataclass
@dataclass
class Line:
    slope: Any
    offset: Any


class Point(NamedTuple):
    x: Any
    y: Any


LAYERS = [(0.3 * np.eye(3), np.full(3, 0.1)), (0.2 * np.ones((3, 2)), np.zeros(2))]

Entry = tuple[Callable[..., Any], tuple[Any, ...]]

# differentiable in both modes
CORPUS: dict[str, Entry] = {
    "associative_scan": (lambda x: lax.associative_scan(jnp.multiply, x), (X,)),
    "atan2": (lambda x, y: jnp.arctan2(x, y), (0.3, 0.7)),
    "bfloat16": (lambda x: (x * 2).sum(), (jnp.asarray(X, jnp.bfloat16),)),
    "checkpoint": (jax.checkpoint(lambda x: jnp.sin(jnp.sin(x)).sum()), (X,)),
    "cholesky": (lambda a: jnp.linalg.cholesky(a @ a.T + jnp.eye(3)).sum(), (A,)),
    "clip": (lambda x: jnp.clip(x, 0.5, 2.0).sum(), (X,)),
    "closure": (lambda x: jnp.asarray(A) @ x, (X,)),
    "complex": (lambda z: (z * z.conj()).real, (1 + 2j,)),
    "cond": (lambda x: lax.cond(x[0] > 1, lambda u: u * u, jnp.exp, x), (X,)),
    "constant": (lambda x: jnp.float32(3.0), (X,)),
    "conv": (lambda x: jnp.convolve(x, jnp.array([1.0, -1.0])), (X,)),
    "cumprod": (jnp.cumprod, (X,)),
    "custom_jvp": (lambda x: softened(x).sum(), (X,)),
    "determinant": (jnp.linalg.det, (A,)),
    "dict": (lambda p: p["a"] * jnp.sin(p["b"]), ({"a": 2.0, "b": 0.5},)),
    "division": (lambda x, y: x / y, (3.0, 4.0)),
    "eigh": (lambda a: jnp.linalg.eigh(a @ a.T)[0], (A,)),
    "eigenvectors": (lambda a: jnp.linalg.eigh(a @ a.T)[1], (A,)),
    "einsum": (lambda a, x: jnp.einsum("ij,j->i", a, x), (A, X)),
    "empty": (lambda x: x.sum(), (np.zeros((0, 3)),)),
    "fan_out": (lambda x: x * x + x, (1.5,)),
    "fft": (lambda x: jnp.abs(jnp.fft.fft(x)) ** 2, (X,)),
    "float16": (lambda x: (x * 2).sum(), (jnp.asarray(X, jnp.float16),)),
    "fori_loop": (lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c), x), (X,)),
    "gather": (lambda x: x[jnp.array([2, 0, 2])], (X,)),
    "gelu": (jax.nn.gelu, (X,)),
    "gradient": (jax.grad(lambda x: jnp.sum(jnp.sin(x) ** 2)), (X,)),
    "hessian": (jax.hessian(lambda x: jnp.sum(x**3)), (X,)),
    "identity": (lambda x: x, (X,)),
    "independent": (lambda x, y: y * 2, (X, 2.0)),
    "integer": (lambda x, n: x * n, (X, np.int32(2))),
    "jit_twice": (lambda x: jax.jit(jnp.sin)(x) + jax.jit(jnp.sin)(x + 1), (X,)),
    "jvp_of_grad": (
        lambda x: jax.jvp(jax.grad(lambda y: jnp.sum(jnp.tanh(y))), (x,), (x,))[1],
        (X,),
    ),
    "key": (lambda k, x: x * jax.random.normal(k, (3,)), (jax.random.key(0), X)),
    "logistic": (logistic, (0.2,)),
    "logistic_loss": (logistic_loss, (X, 0.5)),
    "logsumexp": (jax.nn.logsumexp, (X,)),
    "matmul": (lambda x, w: x @ w, (A, A[:, :2])),
    "max": (lambda x: jnp.max(x) * jnp.min(x), (X,)),
    "mixed_outputs": (lambda x: {"count": x.astype(int).sum(), "sum": x.sum()}, (X,)),
    "mlp": (mlp, (LAYERS, X)),
    "mutable_array": (counted, (X,)),
    "mutable_array_of_x": (overwritten, (X,)),
    "mse": (lambda w: jnp.mean((jnp.asarray(A) @ w - 1.0) ** 2), (X,)),
    "nested_scan": (
        lambda y: lax.scan(
            lambda c, a: (jax.jit(jnp.tanh)(c) + lax.fori_loop(0, 2, lambda i, q: q * a, c), c),
            1.0,
            y,
        ),
        (X,),
    ),
    "norm": (jnp.linalg.norm, (X,)),
    "pad": (lambda x: jnp.pad(x, 2), (X,)),
    "polynomial": (lambda x: x**3 + 2 * x**2 - 3 * x + 1, (1.0,)),
    "power": (lambda x, y: x**y, (2.0, 1.5)),
    "product": (jnp.prod, (X,)),
    "pure_callback": (
        lambda x: (
            x
            * jax.pure_callback(
                lambda a: np.asarray(a) * 2,
                jax.ShapeDtypeStruct((3,), X.dtype if jax.config.jax_enable_x64 else np.float32),
                lax.stop_gradient(x),
            )
        ),
        (X,),
    ),
    "registered_class": (
        lambda line, p: line.slope * p.x + line.offset - p.y,
        (Line(2.0, -1.0), Point(0.5, 3.0)),
    ),
    "relu": (lambda x: jax.nn.relu(x - 1).sum(), (X,)),
    "reshape": (lambda a: a.reshape(9).T[::-1], (A,)),
    "rnn": (rnn, ({"w": 0.5 * np.eye(2), "b": np.ones(2)},)),
    "rounded": (rounded, (X,)),
    "scatter_add": (lambda x: jnp.zeros(4).at[jnp.array([1, 3, 1])].add(x) ** 2, (X,)),
    "segment_sum": (
        lambda x: jax.ops.segment_sum(x**2, jnp.array([0, 1, 0]), num_segments=2),
        (X,),
    ),
    "scan": (lambda x: lax.scan(lambda c, a: (jnp.sin(c) * a, c), 1.0, x), (X,)),
    "scan_of_nothing": (
        lambda x: x.sum() * lax.scan(lambda c, a: (c * a, c), 1.0, x[:0])[0],
        (X,),
    ),
    "scan_reverse": (
        lambda x: lax.scan(lambda c, a: (c * a + 1, c), 0.5, x, reverse=True),
        (X,),
    ),
    "shard_map": (over_devices(lambda x: jnp.sin(x) * x, P("d"), P("d")), (X,)),
    "shard_map_psum": (
        over_devices(lambda x: lax.psum((x**2).sum(), "d") * x, P("d"), P("d")),
        (X,),
    ),
    "shared_output": (lambda x: (x, x, x * x), (2.0,)),
    "sigmoid": (jax.nn.sigmoid, (X,)),
    "softmax": (lambda x: jax.nn.softmax(x)[0], (X,)),
    "softplus": (jax.nn.softplus, (X,)),
    "solve": (jnp.linalg.solve, (A, X)),
    "sort": (lambda x: jnp.sort(x * jnp.array([1.0, -1.0, 1.0])), (X,)),
    "stack": (lambda x, y: jnp.stack([x, y, x * y]), (X, X + 1)),
    "stop_gradient": (lambda x: lax.stop_gradient(x) * x, (X,)),
    "switch": (lambda i, x: lax.switch(i, [jnp.sin, jnp.cos, jnp.exp], x), (1, X)),
    "svd": (lambda a: jnp.linalg.svd(a)[1], (A,)),
    "svd_vectors": (lambda a: jnp.linalg.svd(a, full_matrices=False)[::2], (A,)),
    "taylor": (taylor, (X,)),
    "tanh": (lambda x: jnp.tanh(x).sum(), (X,)),
    "transpose": (lambda a: (a.T @ a).sum(), (A,)),
    "vmap_grad": (jax.vmap(jax.grad(lambda y: jnp.sin(y) * y)), (X,)),
    "where": (lambda x: jnp.where(x > 1, x**2, -x).sum(), (X,)),
}

# only one mode exists
FORWARD_ONLY: dict[str, Entry] = {
    "while_loop": (
        lambda x: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.sin(c[1])), (0, x))[
            1
        ],
        (X,),
    ),
}
REVERSE_ONLY: dict[str, Entry] = {"custom_vjp": (lambda x: scaled_sine(x).sum(), (X,))}
