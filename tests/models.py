"""Models, losses and solvers of well-known libraries, each as a function and a point."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax

# a flax may take names from jax that the JAX at hand no longer has, in one part and not in another
try:
    import flax.linen as linen
except AttributeError:
    linen = None
try:
    from flax import nnx
except AttributeError:
    nnx = None

X = jnp.linspace(-1.0, 1.0, 6).reshape(2, 3)
KEY = jax.random.key(0)


def equinox_mlp():
    model = eqx.nn.MLP(3, 1, 4, 2, key=KEY)
    return lambda model, x: jnp.sum(jax.vmap(model)(x) ** 2), (model, X)


def equinox_gru():
    cell = eqx.nn.GRUCell(3, 4, key=KEY)

    def last(cell, xs):
        return jax.lax.scan(lambda h, x: (cell(x, h), None), jnp.zeros(4), xs)[0].sum()

    return last, (cell, X)


def flax_linen():
    model = linen.Sequential([linen.Dense(4), linen.relu, linen.LayerNorm(), linen.Dense(1)])
    params = model.init(KEY, X)
    return lambda params, x: jnp.mean(model.apply(params, x)), (params, X)


def flax_nnx():
    graph, state = nnx.split(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
    return lambda state, x: jnp.sum(nnx.merge(graph, state)(x) ** 2), (state, X)


def optax_loss():
    labels = jnp.array([0, 2])
    loss = optax.softmax_cross_entropy_with_integer_labels
    return lambda logits: loss(logits, labels).mean(), (X,)


def optax_huber():
    return lambda x: optax.huber_loss(x, jnp.zeros_like(x), delta=0.5).sum(), (X,)


def diffrax_ode():
    def end(rate, start):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, k: -k * y),
            diffrax.Tsit5(),
            t0=0.0,
            t1=1.0,
            dt0=0.25,
            y0=start,
            args=rate,
            max_steps=8,
        )
        return solution.ys[-1]

    return end, (jnp.asarray(1.5), jnp.asarray(2.0))


def numpyro_density():
    def model(y):
        mean = numpyro.sample("mean", dist.Normal(0.0, 2.0))
        scale = numpyro.sample("scale", dist.HalfNormal(1.0))
        numpyro.sample("y", dist.Normal(mean, scale), obs=y)

    y = np.array([0.5, -0.2, 1.0])
    density = lambda point: numpyro.infer.util.log_density(model, (y,), {}, point)[0]
    return density, ({"mean": jnp.asarray(0.3), "scale": jnp.asarray(1.2)},)


MODELS = {
    f.__name__: f
    for f in (
        equinox_mlp,
        equinox_gru,
        flax_linen,
        flax_nnx,
        optax_loss,
        optax_huber,
        diffrax_ode,
        numpyro_density,
    )
    if (f is not flax_linen or linen is not None) and (f is not flax_nnx or nnx is not None)
}
