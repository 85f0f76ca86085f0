"""The person's D-Bus session bus, through a connection on which nothing waits for longer than it may.

Loads `jeepney`: import it where it is needed only.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jeepney import Message
from jeepney.bus import get_bus
from jeepney.io.blocking import DBusConnection, prep_socket

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SessionBus"]


class SessionBus(DBusConnection):
    """A connection that has a deadline: whichever code waits on it, `TimeoutError` ends the wait then.

    Use it in a `with` block, in one thread.

    :param address: the bus's, as `DBUS_SESSION_BUS_ADDRESS` has it.
    :param timeout: seconds from now to the deadline.
    :raises TimeoutError: the bus does not answer.
    :raises OSError: there is no bus at this address.
    :raises RuntimeError: the address is of a kind that is not supported.
    :raises ValueError: the address is malformed, or the bus is somebody else's.
    """

    def __init__(self, address: str, timeout: float) -> None:
        self._deadline = time.monotonic() + timeout
        sock = prep_socket(get_bus(address), timeout=timeout)
        sock.settimeout(timeout)  # a bus that does not read holds up sending
        try:
            super().__init__(sock)  # introduces itself to the bus, and waits for the answer
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def extend(self, seconds: float) -> None:
        """Put the deadline off until `seconds` from now: a person is being asked.

        :param seconds: how long the person may take.
        """
        self._deadline = time.monotonic() + seconds

    def receive(self, *, timeout: float | None = None) -> Message:
        remaining = max(self._deadline - time.monotonic(), 0.0)
        return super().receive(timeout=remaining if timeout is None else min(timeout, remaining))
