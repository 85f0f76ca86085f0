"""Where a credential keeps its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from azid.errors import CredentialUnavailableError
from azid.tokens.cache import Storage

if TYPE_CHECKING:
    from azid.tokens.store import PartitionedTokenStore, TokenStore

__all__ = ["TokenCachePersistenceOptions", "open_existing_storage", "open_storage", "open_storage_when_needed"]

_DEFAULT_NAME: Final = "msal.cache"
_GIVE_ONE: Final = "pass one as 'store', such as a SQLiteTokenStore"


class TokenCachePersistenceOptions:
    """Where a credential keeps its tokens, so that other credentials find them.

    :param allow_unencrypted_storage: whether tokens may be kept in a plain file where they cannot be encrypted.
        Defaults to False.
    :param name: the cache's name; caches of different names share nothing. Defaults to the one that Microsoft's
        developer tools share.
    :param encryption: how tokens are encrypted on Linux, where the desktop's keyring does it by default.
        ``"kernel-keyring"`` is for machines without one, such as SSH hosts: a file, encrypted under a key that the
        kernel keeps in memory until the machine restarts or the user has stayed away for three days; then the person
        signs in again. Other programs do not find that file. Windows and macOS always encrypt their own way.
    :param store: a token store of the application's own, used instead. Credentials that are given the same one share
        their sign-ins. None by default.
    :param partition: whose partition of a store of many people this credential uses, such as the service's own user ID.
        Defaults to the home account ID of the credential's record.
    :raises ValueError: there is no such encryption, or a partition without a store.
    """

    def __init__(
        self,
        *,
        allow_unencrypted_storage: bool = False,
        name: str = _DEFAULT_NAME,
        encryption: Literal["kernel-keyring"] | None = None,
        store: TokenStore | PartitionedTokenStore | None = None,
        partition: str | None = None,
    ) -> None:
        if encryption not in (None, "kernel-keyring"):
            raise ValueError("'encryption' is \"kernel-keyring\", or None for what the platform has.")
        if partition is not None and store is None:
            # Passed over, it would give one person the tokens of another: this user's own cache has room for both.
            raise ValueError(f"'partition' is part of a store of many people: {_GIVE_ONE}.")
        self.allow_unencrypted_storage = allow_unencrypted_storage
        self.name = name
        self.encryption = encryption
        self.store = store
        self.partition = partition

    def __repr__(self) -> str:
        return (
            f"TokenCachePersistenceOptions(allow_unencrypted_storage={self.allow_unencrypted_storage}, "
            f"name={self.name!r}, encryption={self.encryption!r})"
        )


def open_storage(options: TokenCachePersistenceOptions | None) -> Storage:
    """Return the storage that `options` ask for; one in memory if they are None.

    :raises CredentialUnavailableError: there is no such storage on this machine; the message names the remedy.
    :raises ValueError: the cache's name cannot be a file's, or the store has no partitions.
    :raises TypeError: they are no options of azid's.
    """
    _require_options(options)
    if options is None:
        from azid.tokens.stores.memory import MemoryTokenStore

        memory = MemoryTokenStore()
        return Storage(lambda _: memory, private=True)
    if options.store is not None:
        return _storage_in(options.store, options.partition)
    store = _open_personal_store(options)
    return Storage(lambda _: store, own=store)


def open_storage_when_needed(options: TokenCachePersistenceOptions | None) -> Storage:
    """Return the storage that `options` ask for, but open a person's own at its first use only.

    What `open_storage` raises is raised then.
    """
    _require_options(options)
    if options is None or options.store is not None:
        return open_storage(options)
    from azid.tokens.stores.deferred import DeferredTokenStore

    store = DeferredTokenStore(lambda: _open_personal_store(options))
    return Storage(lambda _: store, own=store)


def open_existing_storage(options: TokenCachePersistenceOptions | None) -> Storage:
    """Return the storage that `options` ask for, but open a person's own at its first use, and only if it is there.

    Where there is none, its first use raises a `CredentialUnavailableError`.

    :param options: which storage. None for the cache that Microsoft's developer tools share, encrypted or not.
    """
    _require_options(options)
    if options is not None and options.store is not None:
        return open_storage(options)
    from azid.tokens.stores.deferred import DeferredTokenStore

    wanted = options or TokenCachePersistenceOptions(allow_unencrypted_storage=True)
    store = DeferredTokenStore(lambda: _open_existing_store(wanted))
    return Storage(lambda _: store, own=store)


def _require_options(options: TokenCachePersistenceOptions | None) -> None:
    if options is not None and not isinstance(options, TokenCachePersistenceOptions):
        raise TypeError(
            "Where tokens are kept is said by azid.TokenCachePersistenceOptions(), which "
            f"{type(options).__module__}.{type(options).__qualname__} is not."
        )


def _open_existing_store(options: TokenCachePersistenceOptions) -> TokenStore:
    from azid.tokens.stores.personal import has_personal_cache

    if not has_personal_cache(options.name):
        raise CredentialUnavailableError(
            "There is no shared token cache: nobody has signed in here with a tool that has it, such as Visual Studio."
        )
    return _open_personal_store(options, warns=False)  # whoever has made it was warned


def _open_personal_store(options: TokenCachePersistenceOptions, *, warns: bool = True) -> TokenStore:
    from azid.tokens.stores.personal import open_personal_store

    return open_personal_store(
        options.name,
        allow_unencrypted_storage=options.allow_unencrypted_storage,
        encryption=options.encryption,
        warns=warns,
    )


def _storage_in(store: TokenStore | PartitionedTokenStore, partition: str | None) -> Storage:
    from azid.tokens.store import PartitionedTokenStore

    if not isinstance(store, PartitionedTokenStore):
        if partition is not None:
            raise ValueError(f"This store has no partitions. Leave 'partition' out, or {_GIVE_ONE}.")
        return Storage(lambda _: store, own=store if store.personal else None)
    if partition is None:
        return Storage(store.partition)
    own = store.partition(partition)
    return Storage(lambda _: own, own=own)
