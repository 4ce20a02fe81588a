"""Grade on a cluster: an executor whose workers are those of a dask scheduler.

Workers see the same course at the same path and have the same kit, so that a job is plain data.
The jails are the worker's own, and answers run in their children: a worker lives on when an answer
does not. A job that takes its worker with it is given up by dask after three workers.
"""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass


@dataclass(frozen=True)
class Crew:
    """Who does the jobs, and whether anybody is there."""

    executor: Executor
    has_workers: Callable[[], bool]


@contextlib.contextmanager
def connect(address: str) -> Iterator[Crew]:
    """The workers behind a scheduler's address. RuntimeError without dask."""
    try:
        from distributed import Client
    except ImportError:
        raise RuntimeError(
            "dask is missing: install olympus-kit[cluster]."
        ) from None
    with Client(address) as client:
        has_workers = lambda: bool(client.scheduler_info()["workers"])
        yield Crew(client.get_executor(pure=False), has_workers)
