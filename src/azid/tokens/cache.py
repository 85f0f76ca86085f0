"""One client's tokens at one authority, in whichever store they are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from azid.authority import aliases, is_guid, is_shared_tenant
from azid.errors import CredentialUnavailableError
from azid.record import AuthenticationRecord
from azid.tokens import document
from azid.tokens.access import IssuedToken
from azid.tokens.document import Account, Document, StoredRefreshToken
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.tokens.response import TokenResponse
    from azid.tokens.store import TokenStore

__all__ = ["Storage", "TokenCache"]

_LOGGER = logging.getLogger(__name__)

_MOST_REFRESH_TOKENS: Final = 4
"""How many refresh tokens of one account a call may try."""
_BOTH_MODES: Final = (False, True)


class Storage(NamedTuple):
    """A token store as one credential uses it.

    :param of: returns the store of an account, by its home account ID.
    :param own: the store in which every account is this person's; None where that cannot be told.
    :param private: whether nobody else uses it.
    """

    of: Callable[[str], TokenStore]
    own: TokenStore | None = None
    private: bool = False


class TokenCache:
    """Finds and files one client's tokens of any account.

    :param client_id: the client.
    :param host: the authority's host; tokens that were filed under its other names are found, too.
    :param storage: where tokens are kept.
    """

    def __init__(self, *, client_id: str, host: str, storage: Storage) -> None:
        self.private = storage.private
        """Whether nobody else uses the store."""
        self._client_id = client_id
        self._host = host
        self._hosts = aliases(host)
        self._storage = storage
        self._issuing_tenants: dict[str, str] = {}

    def find(self, request: TokenRequest, record: AuthenticationRecord, now: float) -> IssuedToken | None:
        """Return the access token that `request` asks for, that is valid at `now` and that was obtained last.

        No token was obtained for claims that a resource has just asked for, so none is found for them.
        """
        account = self._account(record)
        tenant_id = self._issuing_tenant(request.tenant_id, account)
        if request.claims or tenant_id is None:
            return None
        stored = _read(self._store(record), cae=request.enable_cae)
        return document.find_access_token(stored, account, tenant_id=tenant_id, scopes=request.scopes, now=now)

    def refresh_tokens(self, request: TokenRequest, record: AuthenticationRecord) -> Iterator[StoredRefreshToken]:
        """Yield the refresh tokens to try, newest first. A sign-in with CAE serves calls without it, and vice versa."""
        account, store = self._account(record), self._store(record)
        found = {
            token.secret: token
            for cae in (not request.enable_cae, request.enable_cae)
            for token in document.find_refresh_tokens(_read(store, cae=cae), account)
        }
        newest_first = sorted(found.values(), key=lambda token: token.modified, reverse=True)
        yield from newest_first[:_MOST_REFRESH_TOKENS]

    def broker_account_id(self, record: AuthenticationRecord) -> str | None:
        """Return the broker's name for the account, if the operating system's broker signed it in."""
        account, store = self._account(record), self._store(record)
        names = (document.find_broker_account_id(_read(store, cae=cae), account) for cae in _BOTH_MODES)
        return next(filter(None, names), None)

    @contextmanager
    def refreshing(self, record: AuthenticationRecord, request: TokenRequest | None = None) -> Iterator[None]:
        """Return a context that one thread or process at a time enters to refresh the account's tokens.

        :param record: the account.
        :param request: the only token that others are kept from refreshing; None for all of the account's, which share
            a refresh token.

        A store that cannot keep others out fails no refresh: several may happen at once then.
        """
        what = [self._client_id, record.home_account_id]
        if request is not None:
            what += [request.tenant_id, *sorted(request.scopes)]
        with ExitStack() as held:
            try:
                held.enter_context(self._store(record).refreshing(" ".join(what)))
            except Exception as error:  # a store may be anybody's code
                _LOGGER.warning("A refresh goes on although others cannot be kept waiting: %s", error)
            yield

    def keep(
        self,
        response: TokenResponse,
        request: TokenRequest,
        record: AuthenticationRecord,
        *,
        grant_type: str | None = None,
        redeemed: StoredRefreshToken | None = None,
    ) -> IssuedToken:
        """File what `response` holds and return its token. A store that fails fails no call: the token is there.

        :param response: the authority's answer.
        :param request: what it answers.
        :param record: whose tokens they are.
        :param grant_type: how the person signed in. None for a refresh, which does not bring back an account that was
            removed meanwhile.
        :param redeemed: the refresh token that was redeemed, if one was.
        """
        tenant_id = response.tenant_id or request.tenant_id
        self._issuing_tenants[request.tenant_id] = tenant_id
        try:
            self._file(response, request, record, tenant_id=tenant_id, grant_type=grant_type, redeemed=redeemed)
        except Exception as error:  # a store may be anybody's code
            _LOGGER.warning("The tokens could not be stored, so they last as long as this process: %s", error)
        return IssuedToken(
            response.access_token,
            response.expires_on,
            token_type=response.token_type,
            refresh_on=response.refresh_on,
        )

    def accounts(self, record: AuthenticationRecord | None, *, family: bool = False) -> list[AuthenticationRecord]:
        """Return the accounts that have tokens of this client.

        :param record: the account that is known; in a store of many people only that one is looked for.
        :param family: whether a refresh token of another client of a family will do. Defaults to False.
        """
        store = self._storage.own or (None if record is None else self._store(record))
        if store is None:
            return []
        found = {
            account.home_account_id: account
            for cae in _BOTH_MODES
            for account in document.find_accounts(_read(store, cae=cae), self._hosts, self._client_id, family=family)
        }
        only = None if self._storage.own or record is None else record.home_account_id
        return [account for key, account in found.items() if only in (None, key)]

    def only_account(self, tenant_id: str, login_hint: str | None) -> AuthenticationRecord | None:
        """Return the one account of this person that fits; None if there is none or more than one.

        :param tenant_id: the tenant that is asked.
        :param login_hint: its user name, if that is known.
        """
        if self._storage.own is None:
            return None
        hint = login_hint.casefold() if login_hint else None
        fitting = [
            account
            for account in self.accounts(None)
            if hint in (None, account.username.casefold()) and _belongs_to(account, tenant_id)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def remove(self, record: AuthenticationRecord) -> None:
        """Take this client's tokens of the account out of the store, and the account unless other clients use it.

        :raises CredentialUnavailableError: the store cannot be written to; the account may still be in it.
        """
        account, store = self._account(record), self._store(record)
        try:
            for _ in range(3):  # a refresh that is filed between the two modes finds the account in one of them
                found = False
                for cae in _BOTH_MODES:
                    with store.transaction(cae=cae) as stored:
                        found = document.has_tokens(stored, account) or found
                        document.remove(stored, account)
                if not found:
                    return
        except Exception as error:  # a store may be anybody's code
            raise CredentialUnavailableError(
                f"The token store cannot be written to, so the account may still be in it: {error}"
            ) from error

    def _file(
        self,
        response: TokenResponse,
        request: TokenRequest,
        record: AuthenticationRecord,
        *,
        tenant_id: str,
        grant_type: str | None,
        redeemed: StoredRefreshToken | None,
    ) -> None:
        account, store = self._account(record), self._store(record)
        # Another client of the same family may have brought the account; the client's own tokens only it can.
        is_there = document.has_tokens if redeemed is not None and redeemed.own else document.has_account
        with store.transaction(cae=request.enable_cae) as stored:
            if (
                grant_type is None
                and not is_there(stored, account)
                and not is_there(_read(store, cae=not request.enable_cae), account)
            ):
                return  # it was removed while its refresh was under way
            document.write(
                stored,
                response,
                account,
                host=self._host,
                tenant_id=tenant_id,
                scopes=request.scopes,
                grant_type=grant_type,
            )

    def _store(self, record: AuthenticationRecord) -> TokenStore:
        return self._storage.of(record.home_account_id or self._client_id)

    def _account(self, record: AuthenticationRecord) -> Account:
        return Account(record.home_account_id, self._hosts, self._client_id)

    def _issuing_tenant(self, tenant_id: str, account: Account) -> str | None:
        """Return the ID of the tenant that issues tokens when `tenant_id` is asked, or None if that is not known."""
        if is_guid(tenant_id) or not account.home_account_id:
            return tenant_id
        if is_shared_tenant(tenant_id) and is_guid(account.home_tenant_id):
            return account.home_tenant_id
        return self._issuing_tenants.get(tenant_id)


def _read(store: TokenStore, *, cae: bool) -> Document:
    try:
        return store.read(cae=cae)
    except CredentialUnavailableError:  # it could not be opened, and says why
        raise
    except Exception as error:  # a store may be anybody's code
        raise CredentialUnavailableError(f"The token store cannot be read: {error}") from error


_PERSONAL_ACCOUNTS: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant that every personal Microsoft account is at home in."""


def _belongs_to(account: AuthenticationRecord, tenant_id: str) -> bool:
    """Whether `account` may be the one that is meant where `tenant_id` is asked."""
    home_tenant_id = account.home_account_id.rpartition(".")[2].lower()
    if is_guid(tenant_id):
        return tenant_id.lower() in (home_tenant_id, account.tenant_id.lower())
    if tenant_id in ("organizations", "consumers"):
        return (home_tenant_id == _PERSONAL_ACCOUNTS) == (tenant_id == "consumers")
    return True  # "common", or a domain name, of which only the authority knows whose it is
