"""What standard error is: a terminal of some size that can do this and that, or something else."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

__all__ = ["Terminal", "terminal_of"]

_BLOCKS = "\u2580\u2584\u2588"


class Terminal(NamedTuple):
    """What standard error is.

    :param is_terminal: whether it is a terminal at all.
    :param columns: its width.
    :param lines: its height.
    :param colours: whether it shows colours and the person wants them (no-color.org).
    :param redraws: whether a line may be drawn again. Nothing is drawn twice where TERM is ``dumb``, as screen readers'
        users and editors have it.
    :param blocks: whether its encoding has the characters of which QR codes are drawn.
    """

    is_terminal: bool = False
    columns: int = 80
    lines: int = 24
    colours: bool = False
    redraws: bool = False
    blocks: bool = False


def terminal_of(stream: IO[Any] | None = None, environ: Mapping[str, str] = os.environ) -> Terminal:
    """Return what a stream is now; a terminal's size may change.

    :param stream: the stream. Defaults to standard error.
    :param environ: environment variables. Defaults to the process's.
    """
    stream = sys.stderr if stream is None else stream
    if stream is None:
        return Terminal()
    blocks = _has_blocks(getattr(stream, "encoding", None) or "ascii")
    if not stream.isatty():
        return Terminal(blocks=blocks)
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns = lines = 0
    smart = environ.get("TERM") != "dumb"
    return Terminal(
        True,
        columns or 80,  # a serial line has no size
        lines or 24,
        colours=smart and not environ.get("NO_COLOR"),
        redraws=smart and not logging.getLogger().isEnabledFor(logging.DEBUG),  # what is logged goes there, too
        blocks=blocks,
    )


def _has_blocks(encoding: str) -> bool:
    try:
        _BLOCKS.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
