"""What can be wrong with a keyring, told apart, each with its remedy.

EncryptionUnavailableError
 └ SecretServiceError
    ├ SecretStorageMissingError       the Python packages that speak D-Bus are not installed
    ├ SessionBusUnreachableError      no session bus, or not this user's
    ├ SecretServiceMissingError       nobody on the bus keeps secrets
    ├ KeyringLockedError              a person has to unlock the keyring, and cannot be asked or did not
    ├ SecretServiceTimeoutError       no answer in time
    └ KeyringChangedError             what was there a moment ago is no longer
"""

from __future__ import annotations

from typing import Final

from azid.errors import EncryptionUnavailableError

__all__ = [
    "KeyringChangedError",
    "KeyringLockedError",
    "SecretServiceError",
    "SecretServiceMissingError",
    "SecretServiceTimeoutError",
    "SecretStorageMissingError",
    "SessionBusUnreachableError",
    "meaning_of",
]

_OTHERWISE: Final = (
    "Without a keyring, tokens can be kept encrypted with TokenCachePersistenceOptions(encryption='kernel-keyring'), "
    "or in a plain file with TokenCachePersistenceOptions(allow_unencrypted_storage=True)."
)
_RUN_ONE: Final = (
    "Where nobody is logged in to a desktop, start the program with a bus and a keyring of its own, and give the "
    "keyring's password on standard input: dbus-run-session -- sh -c 'gnome-keyring-daemon --unlock "
    "--components=secrets && exec PROGRAM'."
)
# Names of D-Bus errors: the bus knows who would provide the service, and cannot start it.
_NOT_STARTED: Final = ("org.freedesktop.DBus.Error.Spawn.", "org.freedesktop.DBus.Error.TimedOut")


class SecretServiceError(EncryptionUnavailableError):
    """The keyring cannot be used. The message says why, what to do, and how to do without.

    :param message: what happened and what to do next.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, _OTHERWISE)


class SecretStorageMissingError(SecretServiceError):
    """The Python packages that speak to the Secret Service are not installed.

    :param reason: which one is not.
    """

    def __init__(self, reason: object) -> None:
        super().__init__(
            "The keyring cannot be used, because a Python package is not installed: run 'python -m pip install "
            f"SecretStorage'. ({reason})"
        )


class SessionBusUnreachableError(SecretServiceError):
    """There is no D-Bus session bus, as in many SSH sessions, services and containers, or it is another user's.

    :param reason: what is the matter with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"The keyring cannot be used: {reason}. {_RUN_ONE}")


class SecretServiceMissingError(SecretServiceError):
    """There is a session bus, and nobody on it keeps secrets."""

    def __init__(self) -> None:
        super().__init__(
            "The keyring cannot be used: no program on the D-Bus session bus provides it. Install one, such as GNOME "
            f"Keyring (apt install gnome-keyring, dnf install gnome-keyring), KWallet or KeePassXC. {_RUN_ONE}"
        )


class KeyringLockedError(SecretServiceError):
    """The keyring is locked, or none was made yet, and no person is there to unlock it or they did not."""

    def __init__(self) -> None:
        super().__init__(
            "The keyring is locked. Unlock it in a desktop session, or run 'gnome-keyring-daemon --unlock' and give "
            "its password on standard input."
        )


class SecretServiceTimeoutError(SecretServiceError):
    """The bus or the keyring did not answer in time.

    :param who: which of them.
    """

    def __init__(self, who: str) -> None:
        super().__init__(
            f"The keyring cannot be used: {who} does not answer. See whether its program still runs (such as "
            "gnome-keyring-daemon and dbus-daemon), or log in to the desktop again."
        )


class KeyringChangedError(SecretServiceError):
    """What was there a moment ago is no longer.

    :param reason: what is not.
    """

    def __init__(self, reason: object) -> None:
        super().__init__(f"The keyring changed while it was used ({reason}): try again.")


def meaning_of(error: Exception) -> SecretServiceError | None:
    """Return what an error of SecretStorage's or jeepney's means, or None if it is another one.

    :param error: any error of a call to the keyring.
    """
    import secretstorage
    from jeepney import DBusErrorResponse

    if isinstance(error, DBusErrorResponse):
        return _meaning_of_name(error.name)
    if isinstance(error, (secretstorage.LockedException, secretstorage.PromptDismissedException)):
        return KeyringLockedError()
    if isinstance(error, secretstorage.SecretServiceNotAvailableException):
        return SecretServiceMissingError()
    if isinstance(error, secretstorage.SecretStorageException):
        return KeyringChangedError(error)
    return None


def _meaning_of_name(name: str) -> SecretServiceError:
    if name == "org.freedesktop.Secret.Error.IsLocked":
        return KeyringLockedError()
    if name.startswith(_NOT_STARTED):
        return SecretServiceMissingError()
    return SecretServiceError(f"The keyring refused with the D-Bus error {name}.")
