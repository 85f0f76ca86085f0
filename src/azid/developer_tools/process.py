"""Running a program for what it prints: within a time, and ended, with all it has started, when nobody wants it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from azid.cancellation import Cancellation
from azid.single_flight import FlightAbandoned

__all__ = ["Printed", "run"]

_SLICE: Final = 0.2
"""Seconds between two looks at whether the program has ended although something keeps its output open."""
_REMAINDER: Final = 0.1
"""Seconds without more, after which all output of a program that has ended is read: it is there, but others may add."""
_FAREWELL: Final = 1.0
"""Seconds for which a program that was killed is waited for."""


class Printed(NamedTuple):
    """What a program has printed."""

    status: int
    """The exit status; the negative number of the signal that has ended it."""
    output: bytes
    """Standard output."""
    errors: bytes
    """Standard error."""

    def __repr__(self) -> str:
        return f"Printed(status={self.status})"


class _Process(subprocess.Popen[bytes]):
    def __init__(self, command: Sequence[str], **options: Any) -> None:
        try:
            super().__init__(command, **options)
        except BaseException:
            if getattr(self, "pid", None) is not None:  # a Ctrl-C came just after it had begun
                _end(self)
            raise


def run(command: Sequence[str], *, folder: str, environ: Mapping[str, str], timeout: float) -> Printed:
    """Run a program, without a shell and without input, and return what it prints.

    :param command: the program's path and its arguments.
    :param folder: where it runs.
    :param environ: its environment variables, all of them.
    :param timeout: seconds that it may take. Then it is ended, as it is by Ctrl-C.
    :raises OSError: it cannot be run.
    :raises TimeoutError: it took too long.
    :raises FlightAbandoned: whoever wanted it has left (`Cancellation`), and it was ended.
    """
    process = _Process(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that what it starts can be ended with it, and it cannot ask at the terminal
    )
    try:
        return _wait_for(process, timeout)
    finally:
        _end(process)


def _wait_for(process: subprocess.Popen[bytes], timeout: float) -> Printed:
    caller = Cancellation.current()
    if caller is None:
        return _read(process, timeout)

    def end() -> bool:
        _kill(process)
        return True

    with caller.noticed_by(end):
        printed = _read(process, timeout)
    if caller.is_cancelled:
        raise FlightAbandoned
    return printed


def _read(process: subprocess.Popen[bytes], timeout: float) -> Printed:
    deadline = time.monotonic() + timeout
    while True:
        left = deadline - time.monotonic()
        try:
            output, errors = process.communicate(timeout=max(min(left, _SLICE), 0))
            return Printed(process.returncode, output, errors)
        except subprocess.TimeoutExpired:
            if process.poll() is not None:
                return _read_remainder(process, deadline)
            if left <= _SLICE:
                raise TimeoutError from None


def _read_remainder(process: subprocess.Popen[bytes], deadline: float) -> Printed:
    """Return what a program has printed that has ended, but has started others that keep its output open."""
    before: Printed | None = None
    while True:
        try:
            return Printed(process.returncode, *process.communicate(timeout=_REMAINDER))
        except subprocess.TimeoutExpired as late:  # with all that was read so far; on Windows without
            printed = Printed(process.returncode, late.stdout or b"", late.stderr or b"")
        if printed == before or time.monotonic() >= deadline:
            return printed
        before = printed


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    if sys.platform != "win32":  # there a thread may still be reading, for which closing would wait
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_FAREWELL)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program that has not ended by itself and, where the system can tell them, what it has started.

    Takes no lock, and may be called by any thread.
    """
    if process.returncode is not None:
        return
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
            return
    process.kill()
