"""Time as a parameter: what azid knows of the clock, and a clock that tests move by hand."""

from __future__ import annotations

import sys
import threading
import time as system_time
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]

# A lock that is waited for without end cannot be interrupted by Ctrl-C on Windows (CPython issue 80116).
_INTERRUPTIBLE_SLICE = 0.1 if sys.platform == "win32" else threading.TIMEOUT_MAX


class Clock(Protocol):
    """What azid asks of time. Pass another one to a credential or to the emulator to test without waiting."""

    def time(self) -> float:
        """Return seconds since the epoch, UTC: what tokens' lifetimes are counted in."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back: what deadlines are counted in."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set or `seconds` have passed; return whether it is set. Ctrl-C ends the wait."""


class SystemClock:
    """The machine's own clock."""

    time = staticmethod(system_time.time)
    monotonic = staticmethod(system_time.monotonic)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        deadline = system_time.monotonic() + seconds
        while not event.is_set():
            remaining = deadline - system_time.monotonic()
            if remaining <= 0:
                return False
            event.wait(min(remaining, _INTERRUPTIBLE_SLICE))
        return True


class ManualClock:
    """A clock that stands still until it is moved: `wait` moves it at once by what was to be waited.

    :param start: seconds since the epoch at which it stands first. Defaults to 2026-01-01T00:00:00Z.
    """

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        self._start = start
        self._now = start
        self._lock = threading.Lock()
        self.waits: list[float] = []
        """Every wait that was asked for, in seconds, oldest first."""

    def time(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now - self._start

    def wait(self, event: threading.Event, seconds: float) -> bool:
        with self._lock:
            self.waits.append(seconds)
        if not event.is_set():
            self.advance(seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Move the clock on by `seconds`."""
        with self._lock:
            self._now += max(seconds, 0.0)
