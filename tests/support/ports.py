"""Ports that tests may ask for: below those that systems give out by themselves, so that nobody else is given one."""

from __future__ import annotations

import contextlib
import random
import socket

__all__ = ["free_ports"]

_RANGE = range(20_000, 32_000)
_TRIES = 100


def free_ports(count: int) -> int:
    """Return the first of so many neighbouring ports of 127.0.0.1 that nobody listens on.

    :raises OSError: none were found.
    """
    for first in random.sample(_RANGE, _TRIES):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + count):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise OSError("no free ports were found")
