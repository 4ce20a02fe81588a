"""Types that many modules name."""

from collections.abc import Callable
from typing import Any

import numpy as np

Data = dict[str, Any]  # plain data by name: a record, a model, attributes
Function = Callable[..., Any]
Array = np.ndarray[Any, Any]
