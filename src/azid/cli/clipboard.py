"""The clipboard of the machine that the person sits at."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from azid.cli.surroundings import Surroundings, why_elsewhere

__all__ = ["copy"]

_PATIENCE: Final = 2.0  # seconds
_COPIED: Final = "Copied to the clipboard."
_COPIED_IN_TMUX: Final = "Copied to tmux's buffer, and to the clipboard if the terminal allows it."
_SENT: Final = "Copied to the clipboard, if the terminal allows it."
_NO_OSC: Final = frozenset({"dumb", "linux"})
"""Terminals without a clipboard. The Linux console has shown such sequences as text."""


def copy(
    text: str,
    around: Surroundings,
    write: Callable[[str], object],
    *,
    which: Callable[[str], str | None] = shutil.which,
    run: Callable[..., subprocess.CompletedProcess[Any]] = subprocess.run,
) -> str:
    """Put a text on the clipboard, as far as that can be done; return what to tell the person, or nothing.

    :param text: the text, in ASCII.
    :param around: what is known of the machine: where the screen is another's, so is the clipboard.
    :param write: writes to the terminal. A terminal with a clipboard takes texts for it, but says nothing of that.
    :param which: as `shutil.which`.
    :param run: as `subprocess.run`.
    """
    for command, told in _commands(around):
        if (program := which(command[0])) and _takes([program, *command[1:]], text, run):
            return told
    if around.environ.get("TERM", "dumb") in _NO_OSC and around.platform != "win32":
        return ""
    write(f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07")  # xterm's "Operating System Commands": 52
    return _SENT


def _commands(around: Surroundings) -> Iterator[tuple[list[str], str]]:
    if not why_elsewhere(around):
        for command in _programs(around.environ, around.platform):
            yield command, _COPIED
    if around.environ.get("TMUX"):
        # tmux passes nothing on by itself, as it is set up at first, but sends what it is told to (since 3.2).
        yield ["tmux", "load-buffer", "-w", "-"], _COPIED_IN_TMUX


def _programs(environ: Mapping[str, str], platform: str) -> Iterator[list[str]]:
    if platform == "darwin":
        yield ["pbcopy"]
    elif platform == "win32":
        yield ["clip"]
    elif environ.get("WSL_DISTRO_NAME"):
        yield ["clip.exe"]
    if environ.get("WAYLAND_DISPLAY"):
        yield ["wl-copy"]
    if environ.get("DISPLAY"):
        yield ["xclip", "-selection", "clipboard"]
        yield ["xsel", "--clipboard", "--input"]


def _takes(command: list[str], text: str, run: Callable[..., subprocess.CompletedProcess[Any]]) -> bool:
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return run(command, input=text.encode(), timeout=_PATIENCE, check=False, **quiet).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
