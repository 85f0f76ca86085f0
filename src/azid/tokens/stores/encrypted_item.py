"""An item whose data is encrypted under a key that is kept elsewhere, and may be lost.

Loads `cryptography`: import it where it is needed only.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable
from typing import Protocol

from azid.tokens.stores.encryption import EncryptionKeys, UnknownKeyError, UnreadableError
from azid.tokens.stores.item import Item, UnreadableItemError

__all__ = ["EncryptedItem", "KeyHolder"]

_LOGGER = logging.getLogger(__name__)


class KeyHolder(Protocol):
    """Where the key is."""

    def read(self) -> bytes | None:
        """Return the key, of 32 bytes, or None if there is none, or none any more."""

    def create(self) -> bytes:
        """Make a new key, in the place of one that is there, and return it."""


class EncryptedItem:
    """Encrypts what another item keeps: AES-256-GCM, bound to the item's name, with a new nonce for each save.

    Without the key there is no data: what was encrypted under a lost key counts as if it were not there, so that a
    person signs in again. Data that was damaged, or moved here from an item of another name, is unreadable.

    :param item: keeps the encrypted data.
    :param name: the item's name among those that the key encrypts, such as a file's name.
    :param key: where the key is. It is made by the first save.
    """

    def __init__(self, item: Item, name: str, key: KeyHolder) -> None:
        self._item = item
        self._name = name
        self._key = key

    @property
    def description(self) -> str:
        """What it is, for messages."""
        return self._item.description

    def load(self) -> bytes | None:
        """Return the data, decrypted; None if there is none, or its key is lost.

        :raises UnreadableItemError: it was damaged, or moved here.
        """
        encrypted = self._item.load()
        if encrypted is None:
            return None
        key = self._key.read()
        try:
            if key is not None:
                return EncryptionKeys(key).decrypt(encrypted, self._name)
        except UnknownKeyError:
            pass
        except UnreadableError as error:
            raise UnreadableItemError(f"cannot be decrypted: {error}") from error
        _LOGGER.info("The key of %s is lost, and with it the sign-ins in there. Sign in again.", self.description)
        return None

    def save(self, data: bytes) -> None:
        """Replace the data.

        :param data: what to encrypt.
        """
        key = self._key.read() or self._key.create()
        self._item.save(EncryptionKeys(key).encrypt(data, self._name))

    def version(self) -> Hashable | None:
        """Return what differs after each change."""
        return self._item.version()

    def set_aside(self, suffix: str) -> str | None:
        """Keep data that makes no sense, still encrypted, under another name; return where it is.

        :param suffix: what the other name ends with.
        """
        return self._item.set_aside(suffix)
