"""One person's token store, which azid's processes share with each other and with every other MSAL library.

Reading takes no lock. A write is one transaction: azid's lock, MSAL's lock, read anew, change, replace as a whole.
"""

from __future__ import annotations

import json
import logging
import os
import time
import zlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from azid.cancellation import Cancellation
from azid.clock import Clock, SystemClock
from azid.tokens.document import Document
from azid.tokens.stores.item import Item, UnreadableItemError
from azid.tokens.stores.locks import FileLock, MsalLockFile, lock_file

__all__ = ["SUFFIXES", "SharedTokenStore"]

_LOGGER = logging.getLogger(__name__)

SUFFIXES: Final[Mapping[bool, str]] = {False: ".nocae", True: ".cae"}
"""What azure-identity adds to a cache's name for tokens without and with continuous access evaluation."""

_OWN_LOCKS: Final = ".azid"
_WRITE_PATIENCE: Final = 10.0
"""Seconds after which who holds the lock is taken to hang: a write takes milliseconds."""
_REFRESH_PATIENCE: Final = 35.0
"""Seconds after which a refresh elsewhere is taken to hang: its request has time limits."""
_REFRESH_LOCKS: Final = 16
"""Lock files that accounts' refreshes are spread over."""
_SECTIONS: Final = ("AccessToken", "Account", "AppMetadata", "IdToken", "RefreshToken")


class _Look(NamedTuple):
    """What was seen in an item."""

    version: Hashable | None
    document: Document


class SharedTokenStore:
    """Keeps token documents in two items that other programs use, too.

    Items that make no sense are kept under another name, with a warning, and the person signs in again.

    :param items: where the documents without (False) and with CAE (True) are.
    :param lock_folder: where MSAL's libraries lock this cache; azid's own locks are in a folder there.
    :param name: the cache's name, which lock files are named after.
    :param clock: what waits are counted by. Defaults to the machine's clock.
    :param lock: locks an open file, as `azid.tokens.stores.locks.lock_file` does.
    """

    personal: Final = True

    def __init__(
        self,
        items: Mapping[bool, Item],
        lock_folder: Path,
        name: str,
        *,
        clock: Clock | None = None,
        lock: Callable[[int], object] = lock_file,
    ) -> None:
        self._arguments = {"items": items, "lock_folder": lock_folder, "name": name, "clock": clock, "lock": lock}
        self._items = items
        self._clock = clock or SystemClock()
        own = lock_folder / _OWN_LOCKS
        self._write_lock = FileLock(own / f"{name}.lock", clock=clock, lock=lock)
        self._refresh_locks = [
            FileLock(own / f"{name}.refresh-{number}.lock", clock=clock, lock=lock) for number in range(_REFRESH_LOCKS)
        ]
        self._overtaking_lock = FileLock(own / f"{name}.overtaking.lock", clock=clock, lock=lock)
        self._msal_locks = {
            cae: MsalLockFile(lock_folder / f"{name}{suffix}.lockfile", clock=clock, lock=lock)
            for cae, suffix in SUFFIXES.items()
        }
        self._seen: dict[bool, _Look] = {}

    def read(self, *, cae: bool) -> Document:
        item, seen = self._items[cae], self._seen.get(cae)
        version = item.version()
        if seen is not None and version is not None and version == seen.version:
            return seen.document
        try:
            look = _Look(version, _parse(item.load()))
        except UnreadableItemError:
            with self._exclusively(cae):  # others write in place: it may be half of what it will be
                look = self._look(cae)
        self._seen[cae] = look
        return look.document

    @contextmanager
    def transaction(self, *, cae: bool) -> Iterator[Document]:
        with self._exclusively(cae):
            begun, before = self._clock.monotonic(), self._look(cae).document
            document = _copy(before)
            yield document
            if document == before:
                return
            if self._clock.monotonic() - begun > _WRITE_PATIENCE:  # others may have gone on, and written
                document = _rebased(document, before, self._look(cae).document)
            self._items[cae].save(json.dumps(document, separators=(",", ":")).encode())

    @contextmanager
    def refreshing(self, key: str) -> Iterator[None]:
        lock = self._refresh_locks[zlib.crc32(key.encode()) % _REFRESH_LOCKS]
        with lock.held(_REFRESH_PATIENCE, given_up=Cancellation.caller_has_left) as held:
            if not held and not Cancellation.caller_has_left():
                _LOGGER.warning("A refresh of the same account hangs, in another thread or process; it is done again.")
            yield

    def __getstate__(self) -> dict[str, Any]:
        return self._arguments

    def __setstate__(self, arguments: dict[str, Any]) -> None:
        SharedTokenStore.__init__(self, **arguments)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._items[False].description!r}, {self._items[True].description!r})"

    @contextmanager
    def _exclusively(self, cae: bool) -> Iterator[None]:
        with self._write_lock.held(_WRITE_PATIENCE) as held:
            if not held:
                _LOGGER.warning("A write to the token store hangs, in another thread or process; this one goes on.")
            with self._msal_locks[cae].held() as msal_held, ExitStack() as overtaking:
                if not (held and msal_held):  # those who go on are kept apart from each other, at least
                    overtaking.enter_context(self._overtaking_lock.held(_WRITE_PATIENCE))
                yield

    def peek(self, *, cae: bool) -> Document:
        """Return a document as it stands, and leave what makes no sense where it is: for looking only.

        :param cae: which of the two documents.
        :raises UnreadableItemError: it makes no sense, or is just being written.
        """
        try:
            return _parse(self._items[cae].load())
        except _EmptyItemError:
            return {}

    def _look(self, cae: bool) -> _Look:
        """Read an item that nobody else is writing to; set it aside if it makes no sense."""
        item = self._items[cae]
        version = item.version()
        try:
            return _Look(version, _parse(item.load()))
        except _EmptyItemError:
            return _Look(version, {})  # nothing is lost: its writer was stopped, or it only signals changes
        except UnreadableItemError as error:
            self._set_aside(item, error)
            return _Look(item.version(), {})

    @staticmethod
    def _set_aside(item: Item, reason: UnreadableItemError) -> None:
        suffix = f".unreadable-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(4).hex()}"
        try:
            kept = item.set_aside(suffix)
        except Exception as error:  # an item may be anybody's code
            _LOGGER.warning("Tokens are not read from %s: it %s. It stays there: %s", item.description, reason, error)
            return
        _LOGGER.warning(
            "Tokens are not read from %s: it %s. %s Sign in again.",
            item.description,
            reason,
            f"It is now at {kept}." if kept else "",
        )


class _EmptyItemError(UnreadableItemError):
    """There is an item without data."""


def _parse(data: bytes | None) -> Document:
    """Return the document that `data` is.

    :raises UnreadableItemError: it is none.
    """
    if data is None:
        return {}
    if not data.strip(b"\0 \t\r\n"):
        raise _EmptyItemError("is empty")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise UnreadableItemError("is not JSON") from None  # the original error quotes it
    if not isinstance(document, dict) or not all(isinstance(document.get(name, {}), dict) for name in _SECTIONS):
        raise UnreadableItemError("is JSON, but not a token cache")
    return document


def _copy(document: Document) -> Document:
    """Return a document of which sections and entries can be replaced; entries themselves are never changed."""
    return {name: dict(section) if isinstance(section, dict) else section for name, section in document.items()}


def _rebased(document: Document, before: Document, now: Document) -> Document:
    """Return `now` with the changes that turned `before` into `document`."""
    result = _copy(now)
    for name in before.keys() | document.keys():
        old, new = before.get(name, {}), document.get(name, {})
        if old == new:
            continue
        section = result.setdefault(name, {})
        for key in old.keys() - new.keys():
            section.pop(key, None)
        section.update({key: entry for key, entry in new.items() if old.get(key) != entry})
    return result
