"""Programs at a terminal of their own, which a test types at and reads from."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AtTerminal"]

_PATIENCE = 60  # seconds
# The child makes the terminal its session's own, so that Ctrl-C reaches it, and becomes the program.
_LEADER = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"


class AtTerminal:
    """A context in which the program runs. Not on Windows.

    :param command: the program and its arguments.
    :param environ: all of its environment variables.
    :param columns: the terminal's width.
    :param lines: its height.
    :param stdout: where the program's standard output goes instead.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        columns: int = 80,
        lines: int = 24,
        stdout: int | None = None,
    ) -> None:
        import fcntl
        import pty
        import termios

        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        """All that it has shown, with what moves the cursor."""
        self._seen = 0
        self._primary, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LEADER, *command],
                stdin=terminal,
                stdout=terminal if stdout is None else stdout,
                stderr=terminal,
                env=dict(environ),
                start_new_session=True,
            )
        finally:
            os.close(terminal)

    @property
    def lines(self) -> list[str]:
        """The screen's lines, down to the last that has something on it."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip().splitlines()

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.lines)

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor can be seen."""
        return not self._screen.cursor.hidden

    def write(self, text: str) -> None:
        """Type at its keyboard."""
        os.write(self._primary, text.encode())

    def read_until(self, text: bytes) -> str:
        """Return what it has shown since the last time, as soon as `text` is among it.

        :raises AssertionError: it ends, or does not show that in time.
        """
        self.wait_for(lambda _: text in self.written[self._seen :])
        shown, self._seen = self.written[self._seen :], len(self.written)
        return shown.decode("utf-8", "replace")

    def wait_for(self, shown: Callable[[AtTerminal], object]) -> None:
        """Wait until the screen is as it should be.

        :raises AssertionError: it ends, or the screen does not become so in time.
        """
        deadline = time.monotonic() + _PATIENCE
        while not shown(self):
            assert self._read(deadline), f"the screen stays at:\n{self.text}"

    def wait(self) -> int:
        """Return what it exits with."""
        deadline = time.monotonic() + _PATIENCE
        while self._read(deadline):  # a program whose terminal is full does not end
            pass
        return self._process.wait(_PATIENCE)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._primary], [], [], max(0, deadline - time.monotonic()))
        try:
            new = os.read(self._primary, 65536) if ready else b""
        except OSError:  # how Linux says that nobody is at the terminal's other side
            new = b""
        self.written += new
        self._stream.feed(new)
        return bool(new)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(_PATIENCE)
        os.close(self._primary)
