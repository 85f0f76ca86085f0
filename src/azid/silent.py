"""Getting an account's tokens without asking anybody: from the store, the system's broker, or for a refresh token."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from azid.authority import aliases, is_guid, is_shared_tenant
from azid.clock import Clock
from azid.errors import AuthenticationFailedError, AuthenticationRequiredError, BrokerUnavailableError
from azid.record import AuthenticationRecord
from azid.single_flight import SingleFlight
from azid.tokens import document
from azid.tokens.access import IssuedToken
from azid.tokens.document import Account, StoredRefreshToken
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse
from azid.tokens.store import TokenStore

if TYPE_CHECKING:
    from azid.msal_client import MsalClient

__all__ = ["SilentTokens"]

_LOGGER = logging.getLogger(__name__)

_PERSON_CAN_HELP: Final = frozenset({"consent_required", "interaction_required", "invalid_grant", "login_required"})
"""Refusals of a refresh that a sign-in can get over (OpenID Connect Core section 3.1.2.6, RFC 6749 section 5.2)."""
_RETRY_DELAY: Final = 30
"""Seconds for which a token whose refresh has failed, or is under way, is handed out without another try."""
_MOST_REFRESH_TOKENS: Final = 4
"""How many refresh tokens of one account a call may try."""


class SilentTokens:
    """One client's tokens at one authority, of whichever account.

    :param client_id: the client.
    :param host: the authority's host; tokens that were stored under its other names are found, too.
    :param store: where tokens are kept.
    :param msal: returns who speaks to the authority.
    :param clock: what lifetimes are counted by.
    :param use_broker: whether the operating system's broker is asked about the accounts that it signed in.
    """

    def __init__(
        self,
        *,
        client_id: str,
        host: str,
        store: TokenStore,
        msal: Callable[[], MsalClient],
        clock: Clock,
        use_broker: bool = False,
    ) -> None:
        self._client_id = client_id
        self._host = host
        self._hosts = aliases(host)
        self._store = store
        self._msal = msal
        self._clock = clock
        self._use_broker = use_broker
        self._issuing_tenants: dict[str, str] = {}
        self._ended_refresh_tokens: set[str] = set()
        self._refreshes: SingleFlight[IssuedToken] = SingleFlight()

    def get(
        self, request: TokenRequest, record: AuthenticationRecord, refreshed: Callable[[IssuedToken], object]
    ) -> IssuedToken:
        """Return a token of the account: a valid one from the store, or a new one.

        A token that is due to be refreshed but will not expire soon is returned at once and refreshed meanwhile. One
        that expires soon is refreshed first, and returned only if that fails.

        :param request: what is asked for. If it has claims, only a new token will do.
        :param record: whose token.
        :param refreshed: told of the token that a refresh in the background brings.
        :raises AuthenticationRequiredError: a person has to sign in.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority refused otherwise, or was not reached.
        """
        account = self._account(record)
        held = self._find(request, account)
        now = self._clock.time()
        if held is not None and now < held.fresh_until:
            return held
        if held is not None and now < held.may_wait:
            held.fresh_until = min(now + _RETRY_DELAY, held.may_wait)
            self._refresh_in_background(request, account, refreshed)
            return held
        try:
            return self._refresh(request, account)
        except (AuthenticationFailedError, AuthenticationRequiredError) as error:
            if held is None or held.expires_on <= self._clock.time():
                raise
            _LOGGER.warning("A token that soon expires is handed out, as it could not be refreshed: %s", error)
            held.fresh_until = min(now + _RETRY_DELAY, held.expires_on)
            return held

    def keep(
        self,
        response: TokenResponse,
        request: TokenRequest,
        record: AuthenticationRecord,
        *,
        grant_type: str | None = None,
    ) -> IssuedToken:
        """Store what `response` holds and return its token. A store that fails fails no call: the token is there.

        :param response: the authority's answer.
        :param request: what it answers.
        :param record: whose tokens they are.
        :param grant_type: how the person signed in. None for a refresh, which does not bring back an account that was
            removed meanwhile.
        """
        return self._keep(response, request, self._account(record), grant_type)

    def signed_in(self) -> None:
        """Forget which refresh tokens have ended: a person has signed in anew."""
        self._ended_refresh_tokens.clear()

    def forget(self, record: AuthenticationRecord) -> None:
        """Take an account's tokens out of the store."""
        for cae in (False, True):
            with self._store.transaction(cae=cae) as stored:
                document.remove(stored, self._account(record))

    def _find(self, request: TokenRequest, account: Account) -> IssuedToken | None:
        tenant_id = self._issuing_tenant(request.tenant_id, account)
        if request.claims or tenant_id is None:
            return None
        return document.find_access_token(
            self._store.read(cae=request.enable_cae),
            account,
            tenant_id=tenant_id,
            scopes=request.scopes,
            now=self._clock.time(),
        )

    def _refresh(self, request: TokenRequest, account: Account) -> IssuedToken:
        return self._refreshes.do((account.home_account_id, request), lambda: self._get_anew(request, account))

    def _refresh_in_background(
        self, request: TokenRequest, account: Account, refreshed: Callable[[IssuedToken], object]
    ) -> None:
        def refresh() -> None:
            try:
                refreshed(self._refresh(request, account))
            except Exception as error:  # nobody waits: the next call after the delay tries again
                _LOGGER.info("A token could not be refreshed ahead of time: %s", error)

        if self._refreshes.is_under_way((account.home_account_id, request)):
            return
        try:
            threading.Thread(target=refresh, name="azid-refresh", daemon=True).start()
        except RuntimeError:  # the interpreter is ending
            _LOGGER.debug("A token was not refreshed ahead of time: no thread can be started.")

    def _get_anew(self, request: TokenRequest, account: Account) -> IssuedToken:
        held = self._find(request, account)
        if held is not None and self._clock.time() < held.fresh_until:
            return held  # somebody else has refreshed it meanwhile
        response = self._ask_broker(request, account) or self._redeem_refresh_tokens(request, account)
        _require_same_account(response, account)
        return self._keep(response, request, account, None)

    def _ask_broker(self, request: TokenRequest, account: Account) -> TokenResponse | None:
        """Return what the broker gives for an account that it signed in. It keeps such an account's refresh token."""
        if not self._use_broker:
            return None
        documents = (self._store.read(cae=cae) for cae in (request.enable_cae, not request.enable_cae))
        broker_account_ids = (document.find_broker_account_id(stored, account) for stored in documents)
        broker_account_id = next(filter(None, broker_account_ids), None)
        if broker_account_id is None:
            return None
        try:
            return self._msal().refresh_with_broker(request, account, broker_account_id)
        except BrokerUnavailableError as error:
            _LOGGER.info("The operating system's broker gave no token: %s", error)
            return None
        except AuthenticationFailedError as error:
            if error.oauth_error not in _PERSON_CAN_HELP:
                raise
            raise _sign_in_required(request, error) from None

    def _redeem_refresh_tokens(self, request: TokenRequest, account: Account) -> TokenResponse:
        refusal: AuthenticationFailedError | None = None
        for candidate in self._refresh_tokens(request, account):
            try:
                return self._msal().redeem_refresh_token(request, account, candidate.secret, candidate.family_id)
            except AuthenticationFailedError as error:
                if error.oauth_error not in _PERSON_CAN_HELP:
                    raise
                refusal = error
                if error.ends_the_sign_in:
                    self._ended_refresh_tokens.add(candidate.secret)
                    break
        raise _sign_in_required(request, refusal)

    def _refresh_tokens(self, request: TokenRequest, account: Account) -> Iterator[StoredRefreshToken]:
        """Yield the refresh tokens to try, newest first. A sign-in with CAE serves calls without it, and vice versa."""
        found = {
            token.secret: token
            for cae in (not request.enable_cae, request.enable_cae)
            for token in document.find_refresh_tokens(self._store.read(cae=cae), account)
        }
        newest_first = sorted(found.values(), key=lambda token: token.modified, reverse=True)
        for token in newest_first[:_MOST_REFRESH_TOKENS]:
            if token.secret in self._ended_refresh_tokens:
                return  # and so have the older ones
            yield token

    def _keep(
        self, response: TokenResponse, request: TokenRequest, account: Account, grant_type: str | None
    ) -> IssuedToken:
        tenant_id = response.tenant_id or request.tenant_id
        self._issuing_tenants[request.tenant_id] = tenant_id
        try:
            self._store_response(response, request, account, tenant_id, grant_type)
        except Exception as error:  # a store may be anybody's code
            _LOGGER.warning("The tokens could not be stored, so they last as long as this process: %s", error)
        return IssuedToken(
            response.access_token,
            response.expires_on,
            token_type=response.token_type,
            refresh_on=response.refresh_on,
        )

    def _store_response(
        self, response: TokenResponse, request: TokenRequest, account: Account, tenant_id: str, grant_type: str | None
    ) -> None:
        with self._store.transaction(cae=request.enable_cae) as stored:
            if (
                grant_type is None
                and not document.has_account(stored, account)
                and not document.has_account(self._store.read(cae=not request.enable_cae), account)
            ):
                return  # the account was removed while its refresh was under way
            document.write(
                stored,
                response,
                account,
                host=self._host,
                tenant_id=tenant_id,
                scopes=request.scopes,
                grant_type=grant_type,
            )

    def _account(self, record: AuthenticationRecord) -> Account:
        return Account(record.home_account_id, self._hosts, self._client_id)

    def _issuing_tenant(self, tenant_id: str, account: Account) -> str | None:
        """Return the ID of the tenant that issues tokens when `tenant_id` is asked, or None if that is not known."""
        if is_guid(tenant_id):
            return tenant_id
        if is_shared_tenant(tenant_id) and is_guid(account.home_tenant_id):
            return account.home_tenant_id
        return self._issuing_tenants.get(tenant_id)


def _sign_in_required(request: TokenRequest, refusal: AuthenticationFailedError | None) -> AuthenticationRequiredError:
    if refusal is None:
        return AuthenticationRequiredError(request.scopes, claims=request.claims)
    return AuthenticationRequiredError(
        request.scopes,
        f"A person has to sign in again: call 'authenticate'. {refusal.message}",
        claims=request.claims,
        response=refusal.response,
    )


def _require_same_account(response: TokenResponse, account: Account) -> None:
    """Refuse a refresh that comes back with somebody else's tokens."""
    known_as = {response.home_account_id, response.claim("sub")}  # its name if the sign-in came without client_info
    if response.client_info and account.home_account_id not in known_as:
        raise AuthenticationFailedError(
            "The authority answered a refresh with another account's tokens. Nothing was stored."
        )
