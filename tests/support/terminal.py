"""Programs at a terminal of their own, which a test types at and reads from."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

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
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        import pty
        import sys

        self._primary, terminal = pty.openpty()
        self._shown = b""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LEADER, *command],
                stdin=terminal,
                stdout=terminal,
                stderr=terminal,
                env=dict(environ),
                start_new_session=True,
            )
        finally:
            os.close(terminal)

    def write(self, text: str) -> None:
        """Type at its keyboard."""
        os.write(self._primary, text.encode())

    def read_until(self, text: bytes) -> str:
        """Return what it has shown since the last time, as soon as `text` is among it.

        :raises AssertionError: it ends, or does not show that in time.
        """
        deadline = time.monotonic() + _PATIENCE
        while text not in self._shown:
            assert self._read(deadline), f"{text!r} was not shown, but {self._shown!r}"
        shown, self._shown = self._shown, b""
        return shown.decode("utf-8", "replace")

    def wait(self) -> int:
        """Return what it exits with."""
        deadline = time.monotonic() + _PATIENCE
        while self._read(deadline):  # a program whose terminal is full does not end
            pass
        return self._process.wait(_PATIENCE)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._primary], [], [], max(0, deadline - time.monotonic()))
        try:
            new = os.read(self._primary, 4096) if ready else b""
        except OSError:  # how Linux says that nobody is at the terminal's other side
            new = b""
        self._shown += new
        return bool(new)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(_PATIENCE)
        os.close(self._primary)
