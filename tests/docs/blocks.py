"""The code blocks of the documentation, as GitHub sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from markdown_it import MarkdownIt

from tools.parts import ROOT

__all__ = ["Block", "blocks_of", "commands_in", "pages"]


_COMMENT = re.compile(r"(^|\s)#\s.*$")


class Block(NamedTuple):
    """One fenced block.

    :param page: the file, as seen from the root.
    :param line: the number of its first line of code.
    :param language: what follows the fence, such as ``python``.
    :param code: its text.
    """

    page: str
    line: int
    language: str
    code: str

    @property
    def end(self) -> int:
        """The number of the line after its code."""
        return self.line + self.code.count("\n")

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Return the Markdown files whose code is run: the README, those of the documentation, and the drop-in's README."""
    found = [ROOT / "README.md", ROOT / "drop-in" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT).as_posix() for path in found]


def blocks_of(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page. Indented code is a block without a language."""
    for token in MarkdownIt().parse((ROOT / page).read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block") and token.map is not None:
            line = token.map[0] + (2 if token.type == "fence" else 1)
            yield Block(page, line, token.info.strip(), token.content)


def commands_in(block: Block) -> Iterator[str]:
    """Yield the command lines of a ``console`` block, without comments. A line that ends with a backslash goes on."""
    if block.language != "console":
        return
    for line in block.code.replace("\\\n", " ").splitlines():
        command = _COMMENT.sub("", line).strip()
        if command:
            yield command
