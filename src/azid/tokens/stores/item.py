"""What a token document is kept in: a file, or an entry of the operating system's key chain."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

__all__ = ["Item", "UnreadableItemError"]


class UnreadableItemError(Exception):
    """There is data, and it makes no sense: it cannot be decrypted, or it was not written by a program like this one.

    :param message: what is wrong with it, as the end of a sentence about the item. Never the data itself.
    """


class Item(Protocol):
    """One place that holds bytes. Several processes may look at it at once, and other programs may write to it.

    Who saves or sets aside holds the locks that keep other writers out. Where the place cannot be used, all methods
    raise OSError or an error of their own.
    """

    @property
    def description(self) -> str:
        """What it is called in messages, such as a file's path."""

    def load(self) -> bytes | None:
        """Return the data; None if there is none.

        :raises UnreadableItemError: there is some, and it makes no sense.
        """

    def save(self, data: bytes) -> None:
        """Replace the data as a whole."""

    def version(self) -> Hashable | None:
        """Return, at little cost, a marker that differs from earlier ones whenever the data may have changed.

        None means that it cannot be told: only the data tells.
        """

    def set_aside(self, suffix: str) -> str | None:
        """Keep data that makes no sense under another name, where nobody else can read it.

        Whether the item is empty afterwards or still has the data does not matter: it is saved to next.

        :param suffix: what the other name ends with; it was never used before.
        :returns: where the data is kept, for a message; None if there is none.
        """
