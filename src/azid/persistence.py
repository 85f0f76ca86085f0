"""Where a credential keeps its tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from azid.errors import CredentialUnavailableError
from azid.tokens.cache import Storage

if TYPE_CHECKING:
    from azid.tokens.store import PartitionedTokenStore, TokenStore

__all__ = ["TokenCachePersistenceOptions", "open_storage"]

_DEFAULT_NAME: Final = "msal.cache"


@dataclass(frozen=True)
class TokenCachePersistenceOptions:
    """Where a credential keeps its tokens, so that other credentials find them.

    :param allow_unencrypted_storage: whether tokens may be kept in a plain file where they cannot be encrypted.
        Defaults to False.
    :param name: the cache's name; caches of different names share nothing. Defaults to the one that Microsoft's
        developer tools share.
    :param store: a token store of the application's own, used instead. Credentials that are given the same one share
        their sign-ins. None by default.
    :param partition: whose partition of a store of many people this credential uses, such as the service's own user ID.
        Defaults to the home account ID of the credential's record.
    """

    allow_unencrypted_storage: bool = field(default=False, kw_only=True)
    name: str = field(default=_DEFAULT_NAME, kw_only=True)
    store: TokenStore | PartitionedTokenStore | None = field(default=None, kw_only=True, repr=False)
    partition: str | None = field(default=None, kw_only=True, repr=False)


def open_storage(options: TokenCachePersistenceOptions | None) -> Storage:
    """Return the storage that `options` ask for; one in memory if they are None.

    :raises CredentialUnavailableError: there is no such storage on this machine.
    """
    if options is None:
        from azid.tokens.stores.memory import MemoryTokenStore

        memory = MemoryTokenStore()
        return Storage(lambda _: memory, private=True)
    if options.store is not None:
        return _storage_in(options.store, options.partition)
    raise CredentialUnavailableError(
        "This version of azid keeps no tokens on disk yet, so it cannot honour 'cache_persistence_options'. Leave them "
        "out to keep tokens for as long as the process lasts, or give a store of your own as their 'store'."
    )


def _storage_in(store: TokenStore | PartitionedTokenStore, partition: str | None) -> Storage:
    from azid.tokens.store import PartitionedTokenStore

    if not isinstance(store, PartitionedTokenStore):
        return Storage(lambda _: store, own=store if store.personal else None)
    if partition is None:
        return Storage(store.partition)
    own = store.partition(partition)
    return Storage(lambda _: own, own=own)
