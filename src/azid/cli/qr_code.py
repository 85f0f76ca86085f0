"""A QR code (ISO/IEC 18004) of characters, for phones to read from the screen."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Final

__all__ = ["in_black_and_white", "qr_code"]

_QUIET_ZONE: Final = 4
"""Modules around the code (ISO/IEC 18004 section 9.1). Without them many phones find nothing on a dark screen."""
_WHITE: Final = 231
_BLACK: Final = 16
"""Of the 256 colours; the first sixteen are whatever the terminal's theme makes of them."""


def qr_code(text: str) -> list[str]:
    """Return the lines of a text's QR code, all of the same width. Each character is one module wide and two high.

    Light modules are drawn, dark ones left out: on a dark screen it is right as it is. On a light one it is inverted,
    which not every phone reads, unless it comes `in_black_and_white`.

    :param text: the text.
    """
    import segno

    drawn = io.StringIO()
    segno.make(text, error="L", micro=False).terminal(drawn, border=_QUIET_ZONE, compact=True)
    return drawn.getvalue().splitlines()


def in_black_and_white(lines: Iterable[str]) -> list[str]:
    """Return the lines in colours with which the code is right on every screen."""
    from click import style

    return [style(line, fg=_WHITE, bg=_BLACK) for line in lines]
