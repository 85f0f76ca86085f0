"""Stand-ins for developers' tools, ``az``, ``azd`` and ``pwsh``: small executables that do what a test has scripted."""

from __future__ import annotations

import base64
import json
import os
import select
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import pytest

__all__ = ["TOOLS", "Note", "StandIn", "Tools", "make_tools", "needs_posix"]

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")

TOOLS = ("az", "azd", "pwsh")
GIVE_UP = 20  # seconds after which a test that would hang fails
_BEHAVIOUR = Path(__file__).with_name("stand_in_tool.py")


@dataclass(frozen=True)
class Note:
    """How a tool was run."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str

    @property
    def options(self) -> dict[str, str]:
        """The arguments that have a value, by their names."""
        return {name: value for name, value in zip(self.arguments, self.arguments[1:], strict=False) if name[0] == "-"}

    @property
    def powershell(self) -> str:
        """The script that PowerShell was to run."""
        return base64.b64decode(self.options["-EncodedCommand"]).decode("utf-16-le")


class StandIn:
    """A stand-in for one tool.

    :param path: where the executable is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._script = path.parent.parent / f"{path.name}.json"
        self._pipe = path.parent.parent / "hangs"
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{_BEHAVIOUR}" "{self._script}" "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.prints()

    def prints(
        self,
        output: str | bytes = "",
        errors: str | bytes = "",
        status: int = 0,
        *,
        token: tuple[str, int] | Literal[False] | None = None,
        hangs: bool = False,
        leaves_child: Literal["", "in its session", "in a session of its own"] = "",
        dies_by: int = 0,
        lives_in: Path | None = None,
    ) -> None:
        """Script what it does from now on.

        :param output: what it prints.
        :param errors: what it prints to standard error.
        :param status: what it ends with.
        :param token: for PowerShell, what ``Get-AzAccessToken`` gives: a token and when it expires, in seconds since
            the epoch; False if the module is missing.
        :param hangs: whether it waits, after it has printed, for a pipe that `Tools.release` opens.
        :param leaves_child: whether it leaves a process that keeps its output open.
        :param dies_by: the signal that ends it.
        :param lives_in: a pipe that its processes have open.
        """
        script = {
            "output": _escaped(output),
            "errors": _escaped(errors),
            "status": status,
            "token": token,
            "hangs": hangs,
            "hangs_on": str(self._pipe),
            "leaves_child": leaves_child,
            "dies_by": dies_by,
            "lives_in": str(lives_in or ""),
        }
        self._script.write_text(json.dumps(script))

    def gives(self, token: str = "token", expires_on: float | None = None, **more: Any) -> None:
        """Have it give a token from now on, as its real one prints it.

        :param expires_on: when the token expires, in seconds since the epoch. Defaults to in an hour.
        :param more: as `prints` takes it.
        """
        expires_on = int(time.time() + 3600 if expires_on is None else expires_on)
        if self.path.name == "pwsh":
            self.prints(token=(token, expires_on), **more)
        elif self.path.name == "azd":
            written = datetime.fromtimestamp(expires_on, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.prints(json.dumps({"token": token, "expiresOn": written}), **more)
        else:
            self.prints(json.dumps(az_prints(token, expires_on), indent=2), **more)

    @property
    def notes(self) -> list[Note]:
        """How it was run, each time, in no order."""
        return [
            Note(**json.loads(place.read_text())) for place in self._script.parent.glob(f"{self._script.name}.*.note")
        ]

    def forget(self) -> None:
        """Forget how it was run so far."""
        for place in self._script.parent.glob(f"{self._script.name}.*.note"):
            place.unlink()

    def remove(self) -> None:
        """Uninstall it."""
        self.path.unlink()

    @contextmanager
    def living(self, **more: Any) -> Iterator[Life]:
        """Have it give a token and hang then; yield what tells whether any process of it is there.

        :param more: as `prints` takes it.
        """
        pipe = self._script.with_suffix(".lives")
        os.mkfifo(pipe)
        life = Life(pipe)
        try:
            self.gives(**{"hangs": True, "lives_in": pipe, **more})
            yield life
        finally:
            life.close()
            pipe.unlink()


class Life:
    """Whether any process of a tool is there.

    :param pipe: what those processes have open.
    """

    def __init__(self, pipe: Path) -> None:
        self._pipe = pipe
        self._has_begun = False
        self._open()

    def _open(self) -> None:
        self._file = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def begins(self) -> None:
        """Wait until the tool has begun, once more than at the last call."""
        assert self._poll.poll(GIVE_UP * 1000), "the tool has not begun"
        if not os.read(self._file, 1):  # one that had begun before has ended
            self.close()
            self._open()
            self.begins()
        self._has_begun = True

    def ends(self) -> None:
        """Wait until the last process has ended."""
        if not self._has_begun and not self._poll.poll(0):
            return  # it was ended before it could begin
        while any(events & select.POLLIN for _, events in self._poll.poll(GIVE_UP * 1000)):
            os.read(self._file, 1)
        assert self._poll.poll(0), "a process of the tool is left"

    def close(self) -> None:
        os.close(self._file)


class Tools:
    """Stand-ins for all tools, in a folder that is a search path by itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bin"
        self.folder.mkdir()
        self._pipe = folder / "hangs"
        os.mkfifo(self._pipe)
        self._released: int | None = None
        self.az, self.azd, self.pwsh = (StandIn(self.folder / name) for name in TOOLS)

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables of whoever has these tools and nothing else."""
        return {"PATH": str(self.folder)}

    def release(self) -> None:
        """Let what hangs end, and what is about to hang."""
        if self._released is None:
            self._released = os.open(self._pipe, os.O_RDWR)

    def close(self) -> None:
        """Release what still hangs."""
        self.release()
        if self._released is not None:
            os.close(self._released)


@contextmanager
def make_tools(folder: Path) -> Iterator[Tools]:
    """Yield stand-ins for all tools; none of their processes is left at the end."""
    tools = Tools(folder)
    try:
        yield tools
    finally:
        tools.close()


def az_prints(token: str, expires_on: int) -> dict[str, object]:
    """Return what ``az account get-access-token`` prints, by its source code of version 2.91."""
    return {
        "accessToken": token,
        "expiresOn": datetime.fromtimestamp(expires_on).strftime("%Y-%m-%d %H:%M:%S.%f"),  # noqa: DTZ006 - as it does
        "expires_on": expires_on,
        "subscription": "11111111-1111-1111-1111-111111111111",
        "tenant": "22222222-2222-2222-2222-222222222222",
        "tokenType": "Bearer",
    }


def _escaped(text: str | bytes) -> str:
    return text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
