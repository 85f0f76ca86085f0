"""What several processes hold in turn, where nothing tells whether the holder still lives: it runs out."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from azid.cancellation import Cancellation
from azid.clock import Clock

__all__ = ["REFRESH_LEASE", "hold", "wait_for"]

_LOGGER = logging.getLogger(__name__)

REFRESH_LEASE: Final = 30
"""Seconds after which somebody else may refresh, too. No request waits longer for its reply."""
_SHORTEST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.1


def wait_for(
    attempt: Callable[[], bool], *, seconds: float, clock: Clock, given_up: Callable[[], bool] = lambda: False
) -> bool:
    """Repeat `attempt` until it succeeds or `seconds` have passed; return whether it has succeeded.

    :param given_up: whether nobody wants it any more, which ends the wait, too. Never by default.
    """
    deadline, pause, never = clock.monotonic() + seconds, _SHORTEST_PAUSE, threading.Event()
    while not attempt():
        remaining = deadline - clock.monotonic()
        if remaining <= 0 or given_up():
            return False
        clock.wait(never, min(pause * random.uniform(0.5, 1), remaining))  # noqa: S311 - so that waiters spread
        pause = min(2 * pause, _LONGEST_PAUSE)
    return True


@contextmanager
def hold(acquire: Callable[[], bool], release: Callable[[], object], *, clock: Clock) -> Iterator[None]:
    """Hold the lease of a refresh within the block; without it, if it is not to be had in time or at all.

    That only costs a request: what a refresh brings is written in a transaction of its own.

    :param acquire: takes the lease if nobody has it, for `REFRESH_LEASE` seconds.
    :param release: gives it back.
    :param clock: what the wait is counted by.
    """
    held = False
    try:
        held = wait_for(acquire, seconds=REFRESH_LEASE, clock=clock, given_up=Cancellation.caller_has_left)
    except Exception as error:  # the store has trouble; the refresh need not
        _LOGGER.info("A refresh goes on without its lease: %s", error)
    try:
        yield
    finally:
        if held:
            try:
                release()
            except Exception as error:
                _LOGGER.info("The lease of a refresh was not given back; it runs out by itself: %s", error)
