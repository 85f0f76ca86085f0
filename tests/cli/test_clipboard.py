"""Copying the code: to the machine that the person sits at, and told as far as it is known."""

from __future__ import annotations

import base64
import subprocess
from typing import Any

import pytest

from azid.cli.clipboard import copy
from azid.cli.surroundings import Surroundings

CODE = "ABCD2EFGH"
SSH = {"SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}
OSC_52 = f"\x1b]52;c;{base64.b64encode(CODE.encode()).decode()}\x07"
COPIED, SENT = "Copied to the clipboard.", "Copied to the clipboard, if the terminal allows it."


class Machine:
    """Programs that take texts, or fail to."""

    def __init__(self, *programs: str, fails: bool = False, raises: Exception | None = None) -> None:
        self.programs = programs
        self.fails = fails
        self.raises = raises
        self.ran: list[list[str]] = []
        self.taken: list[bytes] = []
        self.written: list[str] = []

    def copy(self, environ: dict[str, str], **around: Any) -> str:
        return copy(CODE, Surroundings(environ, **around), self.written.append, which=self.which, run=self.run)

    def which(self, name: str) -> str | None:
        return f"/bin/{name}" if name in self.programs else None

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        self.ran.append(command)
        assert options["timeout"] > 0
        if self.raises:
            raise self.raises
        self.taken.append(options["input"])
        return subprocess.CompletedProcess(command, int(self.fails))


@pytest.mark.parametrize(
    ("program", "environ", "around"),
    [
        ("pbcopy", {"TERM": "xterm"}, {"platform": "darwin"}),
        ("clip", {}, {"platform": "win32"}),
        ("clip.exe", {"WSL_DISTRO_NAME": "Ubuntu"}, {}),
        ("wl-copy", {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, {}),
        ("xclip", {"DISPLAY": ":0"}, {}),
        ("xsel", {"DISPLAY": ":0"}, {}),
        ("xclip", {"DISPLAY": ":0", "TMUX": "/tmp/tmux,1,0"}, {}),
    ],
)
def test_a_program_of_the_desktop_is_asked_first(program: str, environ: dict[str, str], around: dict[str, Any]) -> None:
    machine = Machine(program, "tmux")
    assert machine.copy(environ, **around) == COPIED
    assert [command[0] for command in machine.ran] == [f"/bin/{program}"]
    assert machine.taken == [CODE.encode()]
    assert machine.written == []


@pytest.mark.parametrize("raises", [None, OSError("gone"), subprocess.TimeoutExpired("xclip", 2)])
def test_a_program_that_fails_leaves_it_to_the_terminal(raises: Exception | None) -> None:
    machine = Machine("xclip", "xsel", fails=True, raises=raises)
    assert machine.copy({"DISPLAY": ":0", "TERM": "xterm"}) == SENT
    assert len(machine.ran) == 2
    assert machine.written == [OSC_52]


def test_over_ssh_the_clipboard_is_the_terminals() -> None:
    machine = Machine("xclip", "pbcopy")
    assert machine.copy({**SSH, "DISPLAY": ":0", "TERM": "xterm"}) == SENT
    assert (machine.ran, machine.written) == ([], [OSC_52])


def test_tmux_hands_it_on() -> None:
    machine = Machine("tmux")
    told = machine.copy({**SSH, "TMUX": "/tmp/tmux,1,0", "TERM": "tmux-256color"})
    assert told.startswith("Copied to tmux's buffer")
    assert machine.ran == [["/bin/tmux", "load-buffer", "-w", "-"]]
    assert machine.written == []


@pytest.mark.parametrize("term", ["dumb", "linux", None])
def test_a_terminal_without_a_clipboard_is_left_alone(term: str | None) -> None:
    machine = Machine()
    assert machine.copy({} if term is None else {"TERM": term}) == ""
    assert machine.written == []
