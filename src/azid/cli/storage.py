"""Where the command keeps sign-ins: the person's own cache, encrypted in the best way that this machine has."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from azid.cli import active_account, exit_codes
from azid.cli.failures import CommandFailed

if TYPE_CHECKING:
    from azid.persistence import TokenCachePersistenceOptions

__all__ = ["STORAGES", "persistence_options", "settled_storage", "storage_option"]

STORAGES: Final = ("auto", "keyring", "kernel-keyring", "plaintext")
_KERNEL_KEY_INSTEAD: Final = (
    "To keep sign-ins in a file that a key of the kernel encrypts, pass --storage kernel-keyring."
)
_PLAINTEXT_INSTEAD: Final = (
    "To keep sign-ins in a file that nothing encrypts, pass --storage plaintext to 'azid login'."
)


def _as_it_was(context: click.Context, _: click.Parameter, value: str | None) -> str:
    """Return where to look unless the person says otherwise: where the active account's sign-in is."""
    if value is not None or context.resilient_parsing:
        return value or "auto"
    active = active_account.load()
    return active.storage if active is not None and active.storage in STORAGES else "auto"


storage_option = click.option(
    "--storage",
    type=click.Choice(STORAGES),
    callback=_as_it_was,
    envvar="AZID_STORAGE",
    show_envvar=True,
    help="Where sign-ins are kept. 'auto' takes the system's keyring, or on Linux without one a file that a key of the "
    "kernel encrypts; 'plaintext' allows a file that nothing encrypts. Defaults to where the active account's is, else "
    "to 'auto'.",
)


def settled_storage(storage: str, *, platform: str = sys.platform) -> str:
    """Return what 'auto' stands for on this machine; any other of `STORAGES` as it is.

    :param storage: one of `STORAGES`.
    :param platform: what kind of machine it is, as `sys.platform` has it.
    """
    if storage != "auto":
        return storage
    return "kernel-keyring" if platform == "linux" and not _has_keyring() else "keyring"


def persistence_options(storage: str, *, platform: str = sys.platform) -> TokenCachePersistenceOptions:
    """Return the options of a credential for one of `STORAGES`.

    :param storage: which one.
    :param platform: what kind of machine it is, as `sys.platform` has it.
    :raises CommandFailed: nothing encrypts sign-ins there.
    :raises CredentialUnavailableError: this user has no place for them.
    """
    from azid.errors import EncryptionUnavailableError
    from azid.persistence import TokenCachePersistenceOptions
    from azid.tokens.stores.personal import open_personal_store

    settled = settled_storage(storage, platform=platform)
    try:
        store = open_personal_store(
            allow_unencrypted_storage=settled == "plaintext",
            encryption="kernel-keyring" if settled == "kernel-keyring" else None,
            platform=platform,
        )
    except EncryptionUnavailableError as error:
        # What the error says of the library's own parameters is of no use to who types a command.
        why = error.explanation
        if storage == "auto" and settled == "kernel-keyring":
            why = f"There is no keyring here. {why}"
        instead = _PLAINTEXT_INSTEAD
        if settled == "keyring" and platform == "linux":
            instead = f"{_KERNEL_KEY_INSTEAD} {_PLAINTEXT_INSTEAD}"
        raise CommandFailed(f"{why} {instead}", exit_codes.UNAVAILABLE) from error
    return TokenCachePersistenceOptions(store=store)


def _has_keyring() -> bool:
    from azid.errors import CredentialUnavailableError
    from azid.tokens.stores.personal import open_personal_store

    try:
        open_personal_store()
    except CredentialUnavailableError:
        return False
    return True
