"""Where a credential keeps its tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from azid.errors import CredentialUnavailableError

if TYPE_CHECKING:
    from azid.tokens.store import TokenStore

__all__ = ["TokenCachePersistenceOptions", "open_store"]

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
    """

    allow_unencrypted_storage: bool = field(default=False, kw_only=True)
    name: str = field(default=_DEFAULT_NAME, kw_only=True)
    store: TokenStore | None = field(default=None, kw_only=True, repr=False)


def open_store(options: TokenCachePersistenceOptions | None) -> TokenStore:
    """Return the token store that `options` ask for; one in memory if they are None.

    :raises CredentialUnavailableError: there is no such store.
    """
    if options is None:
        from azid.tokens.stores.memory import MemoryTokenStore

        return MemoryTokenStore()
    if options.store is not None:
        return options.store
    raise CredentialUnavailableError(
        "This version of azid keeps no tokens on disk yet, so it cannot honour 'cache_persistence_options'. Leave them "
        "out to keep tokens for as long as the process lasts, or give a store of your own as their 'store'."
    )
