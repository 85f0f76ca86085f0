"""What a token store is: one person's, or one that many people's tokens are in, each in a partition."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from azid.tokens.document import Document

__all__ = ["PartitionedTokenStore", "TokenStore"]


@runtime_checkable
class TokenStore(Protocol):
    """Keeps two token documents: one of tokens with continuous access evaluation (CAE), one of tokens without it.

    Several threads, and several processes where it outlives one, may use it at once.
    """

    @property
    def personal(self) -> bool:
        """Whether all of it is one person's, so that an account in it may be used without having been named."""

    def read(self, *, cae: bool) -> Document:
        """Return a document as it stands now. It is not to be changed.

        :param cae: which of the two documents.
        """

    def transaction(self, *, cae: bool) -> AbstractContextManager[Document]:
        """Return a context in which a document may be changed by nobody else.

        It yields the document; when the block ends, what the block changed is stored as a whole. If the block raises,
        nothing is stored.

        :param cae: which of the two documents.
        """

    def refreshing(self, key: str) -> AbstractContextManager[object]:
        """Return a context that one at a time enters for `key`, whichever thread or process it is in.

        It surrounds the redemption of a refresh token, so that whoever comes second finds the new token in the store.
        The wait is bounded: a holder that hangs delays others, and does not stop them. Nobody asks a person within. A
        caller who has left (`Cancellation`) need not wait any longer.

        :param key: whose refresh it is.
        """


@runtime_checkable
class PartitionedTokenStore(Protocol):
    """Keeps the tokens of many people, each person's in a partition whose cost does not grow with the others."""

    def partition(self, key: str) -> TokenStore:
        """Return the store of one person.

        :param key: who it is: a home account ID, or a key that the service gives, such as its own user ID.
        """

    def keys(self) -> Iterator[str]:
        """Yield the key of every partition that holds something."""

    def remove(self, key: str) -> None:
        """Throw a partition away."""
