"""What the encrypted stores of many people have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn

from azid.clock import Clock, SystemClock
from azid.tokens.store import TokenStore
from azid.tokens.stores.encryption import EncryptionKeys, refuse_to_pickle

__all__ = ["EncryptedPartition", "EncryptedTokenStore", "is_empty", "mode"]


class EncryptedTokenStore(ABC):
    """A store of many people, each person's tokens encrypted in a partition of their own.

    :param keys: the keys that the documents are encrypted under.
    :param clock: what waiting is counted by. Defaults to the machine's clock.
    """

    def __init__(self, keys: EncryptionKeys, clock: Clock | None) -> None:
        if not isinstance(keys, EncryptionKeys):
            raise TypeError("A token store's keys are given as EncryptionKeys(current, *previous).")
        self._keys = keys
        self._clock = clock or SystemClock()

    def __reduce__(self) -> NoReturn:
        refuse_to_pickle()

    def partition(self, key: str) -> TokenStore:
        """Return the store of one person.

        :param key: who it is: a home account ID, or a key that the service gives, such as its own user ID.
        :raises ValueError: it is empty, or no text.
        """
        if not isinstance(key, str) or not key:
            raise ValueError("A partition's key is a text, such as the ID that your service has for the person.")
        return self._partition(key)

    @abstractmethod
    def _partition(self, key: str) -> TokenStore: ...

    @abstractmethod
    def keys(self) -> Iterator[str]:
        """Yield the key of every partition that holds something."""

    @abstractmethod
    def remove(self, key: str) -> None:
        """Throw a partition away: sign the person out, whoever used the partition.

        :param key: whose partition.
        """

    def rewrap(self) -> None:
        """Encrypt whatever is not yet encrypted under the current key anew, so that previous keys can be retired.

        It takes as long as there are people. Others may use the store meanwhile.
        """
        for key in self.keys():
            for cae in (False, True):
                with self.partition(key).transaction(cae=cae):
                    pass  # a transaction stores under the current key what was not, even if nothing else changes


class EncryptedPartition:
    """One person's tokens.

    :param key: who it is.
    :param keys: the keys that the documents are encrypted under.
    :param clock: what waiting is counted by.
    """

    personal: ClassVar[bool] = True

    def __init__(self, key: str, keys: EncryptionKeys, clock: Clock) -> None:
        self._key = key
        self._keys = keys
        self._clock = clock

    def __reduce__(self) -> NoReturn:
        refuse_to_pickle()


def mode(cae: bool) -> str:
    """Return what MSAL calls the document of one CAE mode."""
    return "cae" if cae else "nocae"


def is_empty(document: dict[str, Any]) -> bool:
    """Whether there is nothing in any of a document's sections."""
    return not any(document.values())
