"""macOS: a generic password in the person's Keychain, through MSAL's own class for it.

What this class does could only be tested with a stand-in for MSAL's: no Mac took part in its making.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from azid.tokens.stores.file import FileItem, make_private_folder, mark_changed

__all__ = ["KeychainItem", "Persistence"]

_SERVICE: Final = "Microsoft.Developer.IdentityService"


class Persistence(Protocol):
    """What is used of `msal_extensions.KeychainPersistence`."""

    def load(self) -> str:
        """Return the password.

        :raises OSError: there is none (ENOENT), or the Keychain refused (its `exit_status` says why).
        """

    def save(self, content: str) -> None:
        """Replace the password, and touch the signal file."""


class KeychainItem:
    """A generic password of the service that Microsoft's developer tools share, and the file that signals its changes.

    :param signal_file: touched after each change, as other MSAL libraries do. Its content is left alone.
    :param account: what the Keychain calls the item's account.
    :param persistence: makes MSAL's persistence of a signal file's path, a service and an account. Defaults to
        `msal_extensions.KeychainPersistence`.
    :raises ImportError: `msal_extensions` is not installed.
    """

    def __init__(
        self,
        signal_file: Path,
        account: str,
        *,
        persistence: Callable[[str, str, str], Persistence] | None = None,
    ) -> None:
        if persistence is None:
            from msal_extensions import KeychainPersistence  # loads MSAL

            persistence = KeychainPersistence
        self._account = account
        self._signal = FileItem(signal_file)
        self._make: Callable[[str, str, str], Persistence] = persistence

    @property
    def description(self) -> str:
        """What it is, for messages."""
        return f"the password of {self._account!r} for {_SERVICE!r} in the Keychain"

    def load(self) -> bytes | None:
        try:
            return self._persistence(self._account).load().encode()
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            raise _explained(error) from error

    def save(self, data: bytes) -> None:
        self._save(self._account, data.decode())
        with suppress(OSError):  # others are late to notice, and nothing is lost
            mark_changed(self._signal.path)

    def version(self) -> Hashable | None:
        return self._signal.version() or None  # without a signal file, only the Keychain can tell

    def set_aside(self, suffix: str) -> str | None:
        data = self.load()
        if data is None:
            return None
        account = self._account + suffix
        self._save(account, data.decode())
        return f"{account!r} in the Keychain"

    def _save(self, account: str, text: str) -> None:
        try:
            self._persistence(account).save(text)
        except OSError as error:
            raise _explained(error) from error

    def _persistence(self, account: str) -> Persistence:
        make_private_folder(self._signal.path.parent)
        return self._make(os.fspath(self._signal.path), _SERVICE, account)


def _explained(error: OSError) -> OSError:
    """Return an error that says something: the Keychain's own has no text."""
    status = getattr(error, "exit_status", None)
    if status is None:
        return error
    return OSError(f"The Keychain refused with status {status}; run 'security error {status}' to see what it means.")
