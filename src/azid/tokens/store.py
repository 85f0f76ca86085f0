"""What a token store is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from azid.tokens.document import Document

__all__ = ["TokenStore"]


@runtime_checkable
class TokenStore(Protocol):
    """Keeps two token documents: one of tokens with continuous access evaluation (CAE), one of tokens without it.

    Several threads may use a store at once.
    """

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
