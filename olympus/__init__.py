"""OLYMPUS: JAX's transforms under the name that the course teaches.

Nothing is wrapped: every name here *is* JAX's object (`olympus.grad is jax.grad`), so what
you learn with `olympus` is true of `jax`. The modules `olympus.numpy`, `.random`, `.lax`,
`.nn`, `.scipy`, `.tree`, `.tree_util`, `.debug` and `.test_util` stand for JAX's of the
same name.

```python
import olympus
import olympus.numpy as jnp

olympus.grad(jnp.tanh)(2.0)  # Array(0.07065082, dtype=float32)
```
"""

from jax import Array as Array
from jax import ShapeDtypeStruct as ShapeDtypeStruct
from jax import block_until_ready as block_until_ready
from jax import checkpoint as checkpoint
from jax import checkpoint_policies as checkpoint_policies
from jax import closure_convert as closure_convert
from jax import config as config
from jax import custom_gradient as custom_gradient
from jax import custom_jvp as custom_jvp
from jax import custom_vjp as custom_vjp
from jax import debug_nans as debug_nans
from jax import default_backend as default_backend
from jax import default_device as default_device
from jax import device_put as device_put
from jax import devices as devices
from jax import disable_jit as disable_jit
from jax import enable_x64 as enable_x64
from jax import eval_shape as eval_shape
from jax import float0 as float0
from jax import grad as grad
from jax import hessian as hessian
from jax import jacfwd as jacfwd
from jax import jacobian as jacobian
from jax import jacrev as jacrev
from jax import jit as jit
from jax import jvp as jvp
from jax import linear_transpose as linear_transpose
from jax import linearize as linearize
from jax import make_jaxpr as make_jaxpr
from jax import named_scope as named_scope
from jax import pure_callback as pure_callback
from jax import remat as remat
from jax import value_and_grad as value_and_grad
from jax import vjp as vjp
from jax import vmap as vmap
from jax.ad_checkpoint import print_saved_residuals as print_saved_residuals

from ._modules import lazy_modules

__getattr__, __dir__, __all__ = lazy_modules(globals())
