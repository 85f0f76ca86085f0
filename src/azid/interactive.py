"""The spine of every interactive credential: how a call for a token becomes a token.

    token(scopes)
     └ a fresh token in memory           → return it (no lock, no input or output)
     └ a valid token in the store        → return it; refresh it in the background once it is due
     └ a refresh token in the store      → redeem it; one request, whoever asks for the same meanwhile
     └ prompting allowed?  no            → AuthenticationRequiredError
     └ one prompt at a time: who waits for it goes silent afterwards, or gets its error

One session belongs to one credential. The sync and the async credentials share it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from azid.authority import aliases, host_of, is_guid, is_shared_tenant, resolve_tenant
from azid.clock import Clock
from azid.errors import AuthenticationFailedError, AuthenticationRequiredError
from azid.flows.flow import SignInFlow
from azid.fork import renew_after_fork
from azid.pipeline import TokenPipeline
from azid.record import AuthenticationRecord
from azid.scopes import parse_scopes
from azid.single_flight import FlightAbandoned, SingleFlight, Turns
from azid.tokens import document
from azid.tokens.access import IssuedToken
from azid.tokens.document import Account, StoredRefreshToken
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse
from azid.tokens.store import TokenStore

if TYPE_CHECKING:
    from azid.msal_client import MsalClient

__all__ = ["SessionSettings", "SignInSession"]

_LOGGER = logging.getLogger(__name__)

FreshKey: TypeAlias = tuple[tuple[str, ...], "str | None", bool]
"""Scopes as the caller wrote them, the tenant if the caller named one, and whether with CAE."""

_PERSON_CAN_HELP: Final = frozenset({"consent_required", "interaction_required", "invalid_grant", "login_required"})
"""Refusals of a refresh that a sign-in can get over (OpenID Connect Core section 3.1.2.6, RFC 6749 section 5.2)."""
_RETRY_DELAY: Final = 30
"""Seconds for which a token whose refresh has failed, or is under way, is handed out without another try."""
_MOST_REFRESH_TOKENS: Final = 4
"""How many refresh tokens of one account a call may try."""


@dataclass(frozen=True)
class SessionSettings:
    """Who signs in where.

    :param client_id: the application.
    :param authority: the authority, as ``https://host[:port]``.
    :param tenant_id: the tenant that is asked unless a call names another.
    :param additionally_allowed_tenants: the other tenants that a call may name; ``*`` for any.
    :param record: the account whose tokens are to be used; None for whoever signs in.
    :param login_hint: whom the sign-in page should suggest.
    :param validate_authority: whether an unknown authority must be known to Microsoft.
    :param support_logging: whether logs may hold personally identifiable information.
    """

    client_id: str
    authority: str
    tenant_id: str
    additionally_allowed_tenants: Collection[str]
    record: AuthenticationRecord | None
    login_hint: str | None
    validate_authority: bool
    support_logging: bool


@dataclass(frozen=True)
class _SignIn:
    """A sign-in that succeeded."""

    request: TokenRequest
    issued: IssuedToken
    record: AuthenticationRecord


class SignInSession:
    """Gets tokens for one account, signing it in when that is needed and allowed.

    :param settings: who signs in where.
    :param flow: how a person signs in.
    :param store: where tokens are kept.
    :param pipeline: what requests go through.
    :param clock: what lifetimes are counted by.
    """

    def __init__(
        self, settings: SessionSettings, *, flow: SignInFlow, store: TokenStore, pipeline: TokenPipeline, clock: Clock
    ) -> None:
        self.fresh: dict[FreshKey, IssuedToken] = {}
        """The account's access tokens by what was asked for. Good until their `fresh_until`, without a lock."""
        self.record = settings.record
        """The account that is signed in."""
        self._settings = settings
        self._flow = flow
        self._store = store
        self._pipeline = pipeline
        self._clock = clock
        self._hosts = aliases(host_of(settings.authority))
        self._expected = settings.record
        self._sign_ins = 0
        self._issuing_tenants: dict[str, str] = {}
        self._ended_refresh_tokens: set[str] = set()
        self._refreshes: SingleFlight[IssuedToken] = SingleFlight()
        self._prompts: Turns[_SignIn] = Turns()
        self._closed = threading.Event()
        self._client: MsalClient | None = None
        renew_after_fork(self, SignInSession._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def token(
        self, scopes: tuple[str, ...], *, claims: str | None, tenant_id: str | None, enable_cae: bool, prompt: bool
    ) -> IssuedToken:
        """Return an access token.

        :param scopes: the scopes, as the caller wrote them.
        :param claims: claims that the token must satisfy; no token obtained without them will do.
        :param tenant_id: the tenant to ask, or None for the credential's own.
        :param enable_cae: whether to ask for continuous access evaluation.
        :param prompt: whether a person may be asked to sign in.
        :raises AuthenticationRequiredError: a person has to sign in, and may not be asked.
        :raises CredentialUnavailableError: this machine cannot ask a person.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority refused or could not be reached.
        """
        tenant = self._resolve(tenant_id)
        key: FreshKey = (scopes, tenant if tenant_id else None, enable_cae)
        if not claims and (held := self.fresh.get(key)) is not None and self._clock.time() < held.fresh_until:
            return held
        request = TokenRequest(parse_scopes(scopes), tenant, claims or None, enable_cae)
        while True:
            ticket = self._prompts.ticket()
            try:
                return self._silently(request, key)
            except AuthenticationRequiredError:
                if not prompt:
                    raise
            sign_in, _ = self._prompt(ticket, request, key, switching=False)
            if sign_in.request == request:
                return sign_in.issued

    def authenticate(
        self, scopes: tuple[str, ...], *, claims: str | None, tenant_id: str | None, enable_cae: bool
    ) -> AuthenticationRecord:
        """Have a person sign in, whoever is signed in already, and return the record of the account.

        The parameters are those of `token`.

        :raises CredentialUnavailableError: this machine cannot ask a person.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the sign-in failed, was declined or timed out.
        """
        tenant = self._resolve(tenant_id)
        key: FreshKey = (scopes, tenant if tenant_id else None, enable_cae)
        request = TokenRequest(parse_scopes(scopes, method="authenticate"), tenant, claims or None, enable_cae)
        while True:
            sign_in, own = self._prompt(self._prompts.ticket(), request, key, switching=True)
            if own or sign_in.request == request:
                return sign_in.record

    def close(self, *details: object) -> None:
        """End a prompt that is waiting, and leave the transport.

        :param details: what a context manager's end was told.
        """
        self._closed.set()
        self._pipeline.__exit__(*details)

    def _resolve(self, tenant_id: str | None) -> str:
        return resolve_tenant(self._settings.tenant_id, tenant_id, self._settings.additionally_allowed_tenants)

    # Silently

    def _silently(self, request: TokenRequest, key: FreshKey) -> IssuedToken:
        with self._lock:
            record, sign_ins = self.record, self._sign_ins
        if record is None:
            raise AuthenticationRequiredError(request.scopes, claims=request.claims)
        account = self._account(record)
        held = None if request.claims else self._find(request, account)
        now = self._clock.time()
        if held is not None and now < held.fresh_until:
            return self._remember(key, held, sign_ins)
        refresh_key = (account.home_account_id, request)
        if held is not None and now < held.may_wait:
            held.fresh_until = min(now + _RETRY_DELAY, held.may_wait)
            self._refresh_in_background(refresh_key, request, account, key, sign_ins)
            return self._remember(key, held, sign_ins)
        try:
            issued = self._refreshes.do(refresh_key, lambda: self._refresh(request, account))
        except (AuthenticationFailedError, AuthenticationRequiredError):
            if held is None or held.expires_on <= self._clock.time():
                raise
            _LOGGER.warning("A token is handed out that soon expires: it could not be refreshed.")
            held.fresh_until = min(now + _RETRY_DELAY, held.expires_on)
            issued = held
        return self._remember(key, issued, sign_ins)

    def _find(self, request: TokenRequest, account: Account) -> IssuedToken | None:
        tenant_id = self._issuing_tenant(request.tenant_id, account)
        if tenant_id is None:
            return None
        return document.find_access_token(
            self._store.read(cae=request.enable_cae),
            account,
            tenant_id=tenant_id,
            scopes=request.scopes,
            now=self._clock.time(),
        )

    def _refresh(self, request: TokenRequest, account: Account) -> IssuedToken:
        held = None if request.claims else self._find(request, account)
        if held is not None and self._clock.time() < held.fresh_until:
            return held  # somebody else has refreshed it meanwhile
        refusal: AuthenticationFailedError | None = None
        for candidate in self._refresh_tokens(request, account):
            try:
                response = self._msal().redeem_refresh_token(request, account, candidate.secret, candidate.family_id)
            except AuthenticationFailedError as error:
                if error.oauth_error not in _PERSON_CAN_HELP:
                    raise
                refusal = error
                if error.ends_the_sign_in:
                    self._ended_refresh_tokens.add(candidate.secret)
                    break
                continue
            self._require_same_account(response, account)
            return self._keep(response, account, request)
        if refusal is None:
            raise AuthenticationRequiredError(request.scopes, claims=request.claims)
        raise AuthenticationRequiredError(
            request.scopes,
            f"A person has to sign in again: call 'authenticate'. {refusal.message}",
            claims=request.claims,
            response=refusal.response,
        )

    def _refresh_tokens(self, request: TokenRequest, account: Account) -> Iterator[StoredRefreshToken]:
        """Yield the refresh tokens to try, newest first. A sign-in with CAE serves calls without it, and vice versa."""
        found = {
            token.secret: token
            for cae in (request.enable_cae, not request.enable_cae)
            for token in document.find_refresh_tokens(self._store.read(cae=cae), account)
        }
        newest_first = sorted(found.values(), key=lambda token: token.modified, reverse=True)
        for token in newest_first[:_MOST_REFRESH_TOKENS]:
            if token.secret in self._ended_refresh_tokens:
                return  # and so have the older ones
            yield token

    def _refresh_in_background(
        self,
        refresh_key: tuple[str, TokenRequest],
        request: TokenRequest,
        account: Account,
        key: FreshKey,
        sign_ins: int,
    ) -> None:
        def refresh() -> None:
            try:
                issued = self._refreshes.do(refresh_key, lambda: self._refresh(request, account))
            except Exception as error:
                _LOGGER.info("A token could not be refreshed ahead of time: %s", error)
            else:
                self._remember(key, issued, sign_ins)

        if self._refreshes.is_under_way(refresh_key):
            return
        try:
            threading.Thread(target=refresh, name="azid-refresh", daemon=True).start()
        except RuntimeError:  # the interpreter is ending
            _LOGGER.debug("A token was not refreshed ahead of time: no thread can be started.")

    def _require_same_account(self, response: TokenResponse, account: Account) -> None:
        """Refuse a refresh that comes back with somebody else's tokens."""
        if response.client_info and response.home_account_id != account.home_account_id:
            raise AuthenticationFailedError(
                "The authority answered a refresh with another account's tokens. Nothing was stored."
            )

    # With a person

    def _prompt(self, ticket: int, request: TokenRequest, key: FreshKey, *, switching: bool) -> tuple[_SignIn, bool]:
        try:
            return self._prompts.do(ticket, lambda: self._sign_in(request, key, switching=switching))
        except FlightAbandoned:
            raise AuthenticationFailedError("The sign-in that this call waited for was interrupted.") from None

    def _sign_in(self, request: TokenRequest, key: FreshKey, *, switching: bool) -> _SignIn:
        hint = self._settings.login_hint
        if hint is None and self.record is not None and not switching:
            hint = self.record.username or None
        settings = self._settings
        signing_in = self._flow.signing_in(
            self._msal(), request, login_hint=hint, clock=self._clock, cancelled=self._closed
        )
        with signing_in as response:
            record = response.record(
                client_id=settings.client_id, authority_host=host_of(settings.authority), tenant_id=request.tenant_id
            )
            if not switching:
                self._require_expected(record)
            issued = self._keep(response, self._account(record), request, grant_type=self._flow.grant_type)
            with self._lock:
                self._switch_to(record, expected=switching)
                self.fresh[key] = issued
        return _SignIn(request, issued, record)

    def _require_expected(self, record: AuthenticationRecord) -> None:
        expected = self._expected
        if expected is not None and expected.home_account_id != record.home_account_id:
            raise AuthenticationFailedError(
                f"{record.username} signed in, but this credential was made for {expected.username}. Sign in as "
                f"{expected.username}, or call 'authenticate' to switch accounts. Nothing was stored."
            )

    def _switch_to(self, record: AuthenticationRecord, *, expected: bool) -> None:
        previous, self.record = self.record, record
        if expected and self._expected is not None:
            self._expected = record
        if previous is not None and previous.home_account_id != record.home_account_id:
            self.fresh.clear()
        self._ended_refresh_tokens.clear()
        self._sign_ins += 1

    # Common to both

    def _keep(
        self, response: TokenResponse, account: Account, request: TokenRequest, *, grant_type: str | None = None
    ) -> IssuedToken:
        """Store what `response` holds. A store that fails fails no call: the token is there."""
        tenant_id = response.tenant_id or request.tenant_id
        self._issuing_tenants[request.tenant_id] = tenant_id
        try:
            with self._store.transaction(cae=request.enable_cae) as stored:
                if grant_type or document.has_account(stored, account) or self._is_elsewhere(account, request):
                    document.write(
                        stored,
                        response,
                        account,
                        host=host_of(self._settings.authority),
                        tenant_id=tenant_id,
                        scopes=request.scopes,
                        grant_type=grant_type,
                    )
        except Exception as error:  # a store may be anybody's code
            _LOGGER.warning("The tokens could not be stored, so they last as long as this process: %s", error)
        return IssuedToken(
            response.access_token,
            response.expires_on,
            token_type=response.token_type,
            refresh_on=response.refresh_on,
        )

    def _is_elsewhere(self, account: Account, request: TokenRequest) -> bool:
        """Whether the account is still in the other document: it was not removed while its refresh was under way."""
        return document.has_account(self._store.read(cae=not request.enable_cae), account)

    def _remember(self, key: FreshKey, issued: IssuedToken, sign_ins: int) -> IssuedToken:
        with self._lock:
            if sign_ins == self._sign_ins:  # else another account may have signed in meanwhile
                self.fresh[key] = issued
        return issued

    def _account(self, record: AuthenticationRecord) -> Account:
        return Account(record.home_account_id, self._hosts, self._settings.client_id)

    def _issuing_tenant(self, tenant_id: str, account: Account) -> str | None:
        """Return the ID of the tenant that issues tokens when `tenant_id` is asked, or None if that is not known."""
        if is_guid(tenant_id):
            return tenant_id
        if is_shared_tenant(tenant_id) and is_guid(account.home_tenant_id):
            return account.home_tenant_id
        return self._issuing_tenants.get(tenant_id)

    def _msal(self) -> MsalClient:
        with self._lock:
            if self._client is None:
                from azid.msal_client import MsalClient  # loads MSAL

                self._client = MsalClient(
                    client_id=self._settings.client_id,
                    authority=self._settings.authority,
                    validate_authority=self._settings.validate_authority,
                    support_logging=self._settings.support_logging,
                    pipeline=self._pipeline,
                    clock=self._clock,
                )
            return self._client
