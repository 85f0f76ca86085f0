"""A store that is opened when it is first used: opening one may take seconds, and may fail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from azid.fork import renew_after_fork
from azid.tokens.document import Document
from azid.tokens.store import TokenStore

__all__ = ["DeferredTokenStore"]


class DeferredTokenStore:
    """One person's store that is not open yet.

    :param open_store: opens it. What it raises is raised where the store is first used, and at every later attempt.
    """

    personal = True

    def __init__(self, open_store: Callable[[], TokenStore]) -> None:
        self._open_store = open_store
        self._store: TokenStore | None = None
        renew_after_fork(self, DeferredTokenStore._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def read(self, *, cae: bool) -> Document:
        return self._opened().read(cae=cae)

    def transaction(self, *, cae: bool) -> AbstractContextManager[Document]:
        return self._opened().transaction(cae=cae)

    def refreshing(self, key: str) -> AbstractContextManager[object]:
        return self._opened().refreshing(key)

    def _opened(self) -> TokenStore:
        with self._lock:
            if self._store is None:
                self._store = self._open_store()
            return self._store
