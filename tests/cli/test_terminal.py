"""What is known of standard error."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator

import pytest

from azid.cli.terminal import Terminal, terminal_of


@pytest.fixture
def line() -> Iterator[int]:
    """A terminal that has no size yet, as on a serial line."""
    ours, theirs = pty.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


def seen(descriptor: int, environ: dict[str, str], encoding: str = "utf-8") -> Terminal:
    with os.fdopen(os.dup(descriptor), "w", encoding=encoding) as stream:
        return terminal_of(stream, environ)


def test_a_pipe_is_no_terminal() -> None:
    assert terminal_of(io.StringIO(), {"TERM": "xterm"}) == Terminal()
    with io.TextIOWrapper(io.BytesIO(), encoding="utf-8") as pipe:
        assert terminal_of(pipe, {"TERM": "xterm"}) == Terminal(blocks=True)


def test_a_terminal_has_a_size_and_colours(line: int) -> None:
    assert seen(line, {"TERM": "xterm"}) == Terminal(True, 80, 24, colours=True, redraws=True, blocks=True)


def test_a_terminal_of_known_size(line: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    assert seen(line, {"TERM": "xterm"})[:3] == (True, 120, 40)


def test_no_color_leaves_the_countdown(line: int) -> None:
    terminal = seen(line, {"TERM": "xterm", "NO_COLOR": "1"})
    assert (terminal.colours, terminal.redraws) == (False, True)


def test_a_dumb_terminal_gets_lines_only(line: int) -> None:
    terminal = seen(line, {"TERM": "dumb"})
    assert (terminal.colours, terminal.redraws) == (False, False)


def test_an_encoding_without_blocks_is_known(line: int) -> None:
    assert not seen(line, {"TERM": "xterm"}, "iso8859-1").blocks
