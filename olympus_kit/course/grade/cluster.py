"""Grade on a cluster: an executor whose workers are those of a dask scheduler.

Workers see the same course at the same path and have the same kit, so that a job is plain data.
The jails are the worker's own, and answers run in their children: a worker lives on when an answer
does not. A job that takes its worker with it is given up by dask after three workers.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor


@contextlib.contextmanager
def executor(address: str) -> Iterator[Executor]:
    """The workers behind a scheduler's address, as an executor. RuntimeError without dask."""
    try:
        from distributed import Client
    except ImportError:
        raise RuntimeError(
            "dask is missing: install olympus-kit[cluster]."
        ) from None
    with Client(address) as client:
        yield client.get_executor(pure=False)
