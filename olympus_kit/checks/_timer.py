"""Stop an answer that takes too long, or say how it can be stopped."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TextIO

SECONDS = 30.0
GRACE = 2.0  # between the timer's ring and the watchdog's word

STUCK = (
    "\n△ Your answer has been running for more than {seconds:g} seconds, in a compiled loop "
    "(such as `while_loop`). Nothing can stop it from here: restart the kernel "
    "(menu Kernel, Restart), then look for the condition that never becomes false.\n"
)


class TookTooLong(BaseException):
    """An answer that ran for longer than the check waits; no `except Exception` holds it up."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TookTooLong in a Python loop after `seconds`.

    A signal is seen only between two steps of Python. A compiled loop has none, so that a thread
    has to say what a person can do. Systems without timers, and other threads than the main one,
    have the thread alone.
    """
    watchdog = threading.Timer(seconds + GRACE, _bark, (sys.stdout, seconds))
    watchdog.daemon = True
    watchdog.start()
    main = threading.current_thread() is threading.main_thread()
    try:
        with _alarm(seconds) if main and hasattr(signal, "setitimer") else nullcontext():
            yield
    finally:
        watchdog.cancel()


def _bark(target: TextIO, seconds: float) -> None:
    target.write(STUCK.format(seconds=seconds))
    target.flush()


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
