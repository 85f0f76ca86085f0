"""`azid emulator` in a process of its own, as a person starts it, and a person who reads along and signs in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from azid.emulator import Person

__all__ = ["PASSWORD", "PATIENCE", "Running", "attended", "running"]

PASSWORD = "correct horse battery staple"
"""Of the people who are there without a file."""
PATIENCE = 60
"""Seconds that a process may take."""

_PAGE = re.compile(r"^http://localhost:\d+/\S*/authorize\?\S+$", re.MULTILINE)
_DEVICE_CODE = re.compile(r"(http://localhost:\d+/\S*deviceauth)\b.*?\b([A-Z]{9})\b", re.DOTALL)


@dataclass
class Running:
    """An emulator that runs.

    :param ready: what it said of itself.
    """

    ready: dict[str, Any]
    log: str = field(default="", repr=False)
    """What it wrote to standard error; complete once it has ended."""
    exit_code: int | None = None

    def read(self, log: IO[str]) -> None:
        """Read standard error to its end."""
        self.log = log.read()


def _command(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "azid", "emulator", *arguments]


@contextmanager
def running(*arguments: str | Path) -> Iterator[Running]:
    """Yield `azid emulator` with these options; end it after the block as a service manager would."""
    with subprocess.Popen(
        _command("--output", "json", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        overdue = threading.Timer(PATIENCE, process.kill)
        overdue.start()
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            assert line, process.stderr.read()
            emulator = Running(json.loads(line))
            reader = threading.Thread(target=emulator.read, args=[process.stderr])
            reader.start()
            try:
                yield emulator
            finally:
                process.terminate()
                reader.join(PATIENCE)
                emulator.exit_code = process.wait(PATIENCE)
                assert process.stdout.read() == "", "more than the answer went to standard output"
        finally:
            overdue.cancel()


def attended(command: Sequence[str | Path], username: str) -> tuple[int, str]:
    """Run a program in `azid emulator --proxy` with a person at hand; return its exit code and all that was said.

    :param command: the program.
    :param username: who signs in where the program asks.
    """
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        environ.pop(name, None)
    person, said, read = Person(username, PASSWORD), "", 0
    with subprocess.Popen(
        _command("--proxy", "--", *command),
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        overdue = threading.Timer(PATIENCE, process.kill)
        overdue.start()
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if page := _PAGE.search(said, read):
                read = page.end()
                person.open(page[0])
            elif code := _DEVICE_CODE.search(said, read):
                read = code.end()
                person.enter_code(code[1], code[2])
    overdue.cancel()
    person.join()
    assert person.error is None, said
    return process.returncode, said
