"""How long the person has still got: one line, drawn again as the time goes by."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from azid.clock import Clock

__all__ = ["Countdown", "StatusLine", "TickingClock"]

_SLICE: Final = 0.5
"""Seconds between two ticks, so that no second is passed over."""
_INTERRUPTED: Final = "^C"
"""What a terminal writes behind the line when the person presses it."""


class TickingClock:
    """A clock that calls `tick` about twice a second, in the same thread, while somebody waits by it.

    :param clock: what time is told by.
    :param tick: what to call.
    """

    def __init__(self, clock: Clock, tick: Callable[[], object]) -> None:
        self._clock = clock
        self._tick = tick
        self.time = clock.time
        self.monotonic = clock.monotonic

    def wait(self, event: threading.Event, seconds: float) -> bool:
        deadline = self._clock.monotonic() + seconds
        while True:
            self._tick()
            remaining = deadline - self._clock.monotonic()
            if self._clock.wait(event, max(min(remaining, _SLICE), 0)) or remaining <= _SLICE:
                return event.is_set()


class StatusLine:
    """A terminal's last line, which is drawn again and wiped off at the end. It takes no escape sequence.

    :param write: writes to the terminal.
    :param columns: returns the terminal's width, which may change.
    """

    def __init__(self, write: Callable[[str], object], columns: Callable[[], int]) -> None:
        self._write = write
        self._columns = columns
        self._shown = ""

    def show(self, text: str) -> None:
        """Show `text` instead of what is shown."""
        text = text[: self._columns() - 1]  # a longer one would take a second line, which is never wiped off
        if text != self._shown.rstrip():
            self._shown = text.ljust(len(self._shown))  # before it is written: Ctrl-C may come right behind it
            self._write(f"\r{self._shown}")

    def clear(self) -> None:
        """Wipe it off."""
        if self._shown:
            width = min(len(self._shown) + len(_INTERRUPTED), self._columns() - 1)
            self._write(f"\r{' ' * width}\r")
            self._shown = ""


class Countdown:
    """Counts down on a status line.

    :param clock: what time is told by.
    :param line: the line; None to count in silence.
    :param label: what is waited for.
    """

    def __init__(self, clock: Clock, line: StatusLine | None, label: str) -> None:
        self._clock = clock
        self._line = line
        self._label = label
        self._deadline: float | None = None

    def start(self, seconds: float) -> None:
        """Begin, unless it has begun.

        :param seconds: how long the person has.
        """
        if self._deadline is None:
            self._deadline = self._clock.monotonic() + seconds

    def tick(self) -> None:
        """Show what is left."""
        if self._line is not None and self._deadline is not None:
            minutes, seconds = divmod(max(round(self._deadline - self._clock.monotonic()), 0), 60)
            self._line.show(f"{self._label}: {minutes}:{seconds:02} left")

    def clear(self) -> None:
        """Wipe the line off. The next tick shows it again."""
        if self._line is not None:
            self._line.clear()
