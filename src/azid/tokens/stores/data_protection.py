"""Windows: a file that only the person's Windows account can decrypt (DPAPI), through MSAL's own class for that.

What this class does could only be tested with a stand-in for MSAL's: no Windows machine took part in its making.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Protocol

from azid.tokens.stores.file import FileItem
from azid.tokens.stores.item import UnreadableItemError

__all__ = ["DataProtectionAgent", "DataProtectionItem"]


class DataProtectionAgent(Protocol):
    """What is used of `msal_extensions.windows.WindowsDataProtectionAgent`."""

    def protect(self, message: str) -> bytes:
        """Encrypt.

        :raises OSError: it cannot be done.
        """

    def unprotect(self, cipher_text: bytes) -> str:
        """Decrypt.

        :raises OSError: it was not encrypted by this person.
        """


class DataProtectionItem:
    """A file whose content the Data Protection API encrypts.

    :param path: where it is.
    :param agent: who encrypts. Defaults to MSAL's `WindowsDataProtectionAgent`, without additional entropy, as
        azure-identity has it.
    :raises ImportError: `msal_extensions` is not installed.
    """

    def __init__(self, path: Path, *, agent: DataProtectionAgent | None = None) -> None:
        if agent is None:
            from msal_extensions.windows import WindowsDataProtectionAgent  # loads MSAL

            agent = WindowsDataProtectionAgent()
        self._agent: DataProtectionAgent = agent
        self._file = FileItem(path)

    @property
    def description(self) -> str:
        """The file's path."""
        return self._file.description

    def load(self) -> bytes | None:
        encrypted = self._file.load()
        if not encrypted:
            return encrypted
        try:
            return self._agent.unprotect(encrypted).encode()
        except (OSError, ValueError):
            raise UnreadableItemError("cannot be decrypted for this Windows account") from None

    def save(self, data: bytes) -> None:
        self._file.save(self._agent.protect(data.decode()))

    def version(self) -> Hashable | None:
        return self._file.version()

    def set_aside(self, suffix: str) -> str | None:
        return self._file.set_aside(suffix)
