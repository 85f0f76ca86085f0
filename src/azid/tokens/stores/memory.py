"""The token store of a credential that is given no other: it ends with the process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final

from azid.cancellation import Cancellation
from azid.fork import renew_after_fork
from azid.tokens.document import Document

__all__ = ["MemoryTokenStore"]

_LEAVE_SLICE: Final = 0.1
"""Seconds between two looks at whether a caller who waits for another's refresh has left."""


class MemoryTokenStore:
    """Keeps token documents in memory. Credentials that are given the same one share their sign-ins.

    :param personal: whether all of it is one person's. Defaults to False: a credential then needs a record.
    """

    def __init__(self, *, personal: bool = False) -> None:
        self.personal = personal
        self._documents: dict[bool, Document] = {False: {}, True: {}}
        renew_after_fork(self, MemoryTokenStore._renew)

    def _renew(self) -> None:
        self._lock = threading.RLock()
        self._refreshes: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def read(self, *, cae: bool) -> Document:
        return self._documents[cae]

    @contextmanager
    def transaction(self, *, cae: bool) -> Iterator[Document]:
        with self._lock:
            # Readers take no lock: they keep the document that they have, and the next ones get this copy.
            document = {section: dict(entries) for section, entries in self._documents[cae].items()}
            yield document
            self._documents[cae] = document

    def refreshing(self, key: str) -> AbstractContextManager[object]:
        with self._lock:
            refresh = self._refreshes[key]
        # Its holder's request has time limits. No Ctrl-C comes between a lock's own `with` and its block.
        return refresh if Cancellation.current() is None else _while_wanted(refresh)

    def __reduce__(self) -> tuple[Any, ...]:
        return _empty, (self.personal,)  # tokens are not pickled


@contextmanager
def _while_wanted(refresh: threading.RLock) -> Iterator[None]:
    with ExitStack() as held:
        while not Cancellation.caller_has_left():
            if refresh.acquire(timeout=_LEAVE_SLICE):
                held.callback(refresh.release)
                break
        yield


def _empty(personal: bool) -> MemoryTokenStore:
    return MemoryTokenStore(personal=personal)
