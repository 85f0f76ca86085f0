"""What the person sees of a device code: the page's address and the code, and where there is room a QR code."""

from __future__ import annotations

import textwrap
from itertools import zip_longest
from typing import Final, NamedTuple

from click import style

from azid.cli.output import printable
from azid.cli.qr_code import in_black_and_white, qr_code
from azid.cli.terminal import Terminal

__all__ = ["DeviceCodeScreen"]

_INDENT: Final = "    "
_GAP: Final = 3
_NARROWEST: Final = 30
"""Columns that the text has beside the QR code at least."""
_WIDE_ENOUGH: Final = 100
_TALL_ENOUGH: Final = 30
"""Columns and lines from which on a QR code comes unasked: on a smaller screen it would push all else away."""
_LINES_BELOW: Final = 3
"""Lines that come after it: an empty one, the countdown, and the one that the cursor is on in the end."""


class DeviceCodeScreen(NamedTuple):
    """What is shown.

    :param uri: the address of the page (RFC 8628 section 3.2: ``verification_uri``).
    :param code: the code.
    :param notes: what else there is to say, a sentence each.
    """

    uri: str
    code: str
    notes: tuple[str, ...] = ()

    def draw(self, terminal: Terminal, *, qr: bool | None = None) -> str:
        """Return the text to show.

        :param terminal: where it is shown.
        :param qr: whether to draw a QR code of the address. Defaults to doing so where there is room enough.
        """
        roomy = terminal.colours and terminal.columns >= _WIDE_ENOUGH and terminal.lines >= _TALL_ENOUGH
        if not (roomy and terminal.blocks if qr is None else qr):
            return "\n".join(self._text(terminal.columns))
        if not terminal.blocks:
            return self._without_qr(terminal, "The encoding of this terminal has no characters for a QR code.")
        drawn = qr_code(self.uri)
        height, width = len(drawn), len(drawn[0]) + _GAP
        beside = max(_NARROWEST, len(_INDENT + self.uri) + 1)
        if terminal.colours:
            drawn = in_black_and_white(drawn)
        if terminal.columns >= width + beside and terminal.lines >= height + _LINES_BELOW:
            text = self._text(terminal.columns - width)
            before = [""] * ((height - len(text)) // 2)
            gap = " " * _GAP
            pairs = zip_longest(drawn, [*before, *text], fillvalue="")
            return "\n".join(f"{left}{gap}{right}".rstrip() for left, right in pairs)
        text = self._text(terminal.columns)
        if not terminal.is_terminal or (
            terminal.columns >= width and terminal.lines >= height + len(text) + _LINES_BELOW
        ):
            return "\n".join([*drawn, *text])
        if qr is None:
            return "\n".join(text)
        return self._without_qr(
            terminal, f"The QR code takes a terminal of {width + beside} columns and {height + _LINES_BELOW} lines."
        )

    def _without_qr(self, terminal: Terminal, why: str) -> str:
        return "\n".join(self._replace(notes=(*self.notes, why))._text(terminal.columns))

    def _text(self, columns: int) -> list[str]:
        lines = [
            *textwrap.wrap("Open this page in the browser of any device:", columns),
            "",
            _INDENT + style(printable(self.uri), underline=True),
            "",
            *textwrap.wrap("and enter this code:", columns),
            "",
            _INDENT + style(printable(self.code), bold=True),
        ]
        lines += [""] if self.notes else []
        for note in self.notes:
            lines += textwrap.wrap(printable(note), columns)
        return lines
