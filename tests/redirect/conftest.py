"""A clock that stands still until it is moved, and sockets that are closed in the end."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from azid.clock import ManualClock

GIVE_UP = 20  # seconds after which a test that would hang fails
STATE = "the-state"
RIGHT = {"code": "the-code", "state": STATE}

Connect = Callable[..., socket.socket]


class HeldClock(ManualClock):
    """Moves only by `advance`; whoever waits on it really waits for the event."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(0.005) if seconds > 0 else event.is_set()


@pytest.fixture
def clock() -> ManualClock:
    return HeldClock()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to a port of this machine: `connect(port, address="127.0.0.1")`."""
    with contextlib.ExitStack() as connections:

        def connect(port: int, address: str = "127.0.0.1") -> socket.socket:
            return connections.enter_context(socket.create_connection((address, port), timeout=GIVE_UP))

        yield connect


@pytest.fixture
def ipv6_loopback() -> str:
    """The IPv6 loopback address, where there is one."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")
    return "::1"


def received(connection: socket.socket) -> str:
    """Return what comes until the end of the connection."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while portion := connection.recv(65536):
            data += portion
    return data.decode()
