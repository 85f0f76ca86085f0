"""A persistent cache as a whole: every account in it, whichever application it signed in to."""

from __future__ import annotations

from azid.authority import host_of, normalize_authority
from azid.errors import CredentialUnavailableError
from azid.persistence import TokenCachePersistenceOptions, open_storage
from azid.record import AuthenticationRecord, require_record
from azid.tokens import document
from azid.tokens.cache import TokenCache

__all__ = ["PersistentCache"]


class PersistentCache:
    """Lists and signs out the accounts of a person's own cache.

    A store of many people has none: list its partitions with `keys`, and throw one away with `remove`.

    :param options: which cache. Defaults to the one that Microsoft's developer tools share.
    :raises CredentialUnavailableError: tokens cannot be kept on this machine, or the store is not one person's.
    """

    def __init__(self, options: TokenCachePersistenceOptions | None = None) -> None:
        self._storage = open_storage(options or TokenCachePersistenceOptions())
        if self._storage.own is None:
            raise CredentialUnavailableError(
                "Whose accounts are in this store cannot be told. Give the options a 'partition', or use the store's "
                "own 'keys' and 'remove'."
            )
        self._store = self._storage.own

    def accounts(self) -> list[AuthenticationRecord]:
        """Return a record of every account, once for each application that it has tokens of.

        :raises CredentialUnavailableError: the store cannot be read.
        """
        found: dict[tuple[str, str], AuthenticationRecord] = {}
        for cae in (False, True):
            try:
                stored = self._store.read(cae=cae)
            except Exception as error:  # a store may be anybody's code
                raise CredentialUnavailableError(f"The token store cannot be read: {error}") from error
            for host, client_id in document.find_clients(stored):
                for account in document.find_accounts(stored, (host,), client_id):
                    found.setdefault((account.home_account_id, client_id), account)
        return list(found.values())

    def sign_out(self, *accounts: AuthenticationRecord) -> None:
        """Forget accounts: their tokens of the application that each record names, with and without CAE.

        Other processes notice when they next look into the store. The browser stays signed in.

        :param accounts: records that `accounts` or `authenticate` returned. With none, nobody is signed out.
        :raises TypeError: one of them is no record.
        :raises CredentialUnavailableError: the store cannot be read or written to.
        """
        for account in accounts:
            require_record(account, "accounts")
        for account in accounts:
            host = host_of(normalize_authority(account.authority))
            TokenCache(client_id=account.client_id, host=host, storage=self._storage).remove(account)
