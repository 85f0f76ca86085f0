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

import threading
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from azid.authority import host_of, resolve_tenant
from azid.clock import Clock
from azid.errors import AuthenticationFailedError, AuthenticationRequiredError, CredentialUnavailableError
from azid.flows.flow import SignInFlow, SignInSpentError
from azid.fork import renew_after_fork
from azid.msal_client.deferred import DeferredClient
from azid.record import AuthenticationRecord
from azid.scopes import parse_scopes
from azid.silent import SilentTokens
from azid.single_flight import FlightAbandoned, Turns
from azid.tokens.access import FreshKey, IssuedToken
from azid.tokens.cache import Storage, TokenCache
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.msal_client.client import MsalClient

__all__ = ["SessionSettings", "SignInSession"]

Client = TypeVar("Client", bound="MsalClient[Any]")


class SessionSettings(NamedTuple):
    """Who signs in where.

    :param client_id: the application.
    :param authority: the authority, as ``https://host[:port]``.
    :param tenant_id: the tenant that is asked unless a call names another.
    :param additionally_allowed_tenants: the other tenants that a call may name; ``*`` for any.
    :param record: the account whose tokens are to be used; None for whoever signs in.
    :param login_hint: whom the sign-in page should suggest.
    :param prompts: whether a call for a token may lead to a sign-in.
    :param use_broker: whether the operating system's broker may be asked for tokens of an account that it signed in.
    :param adopts_account: whether, without a record, the one account of this person's store is used without asking.
    :param needs_name: whether a sign-in counts only if its tokens say who has signed in.
    """

    client_id: str
    authority: str
    tenant_id: str
    additionally_allowed_tenants: Collection[str]
    record: AuthenticationRecord | None
    login_hint: str | None
    prompts: bool
    use_broker: bool = False
    adopts_account: bool = True
    needs_name: bool = True


class _SignIn(NamedTuple):
    """A sign-in that succeeded."""

    request: TokenRequest
    issued: IssuedToken
    record: AuthenticationRecord


class SignInSession(Generic[Client]):
    """Gets tokens for one account, signing it in when that is needed and allowed.

    :param settings: who signs in where.
    :param flow: how a person signs in.
    :param msal: who speaks to the authority.
    :param storage: where tokens are kept.
    :param clock: what lifetimes are counted by.
    """

    def __init__(
        self,
        settings: SessionSettings,
        *,
        flow: SignInFlow[Client],
        msal: DeferredClient[Client],
        storage: Storage,
        clock: Clock,
    ) -> None:
        self.fresh: dict[FreshKey, IssuedToken] = {}
        """The account's access tokens by what was asked for. Good until their `fresh_until`, without a lock."""
        self.record = settings.record
        """The account that is signed in."""
        self._settings = settings
        self._flow = flow
        self._msal = msal
        self._clock = clock
        self._cache = TokenCache(client_id=settings.client_id, host=host_of(settings.authority), storage=storage)
        self._silent = SilentTokens(self._cache, msal=msal, clock=clock, use_broker=settings.use_broker)
        self._expected = settings.record
        self._adopts_account = settings.adopts_account and settings.record is None
        self.sign_ins = 0
        """How often the account has changed."""
        self._prompts: Turns[_SignIn] = Turns()
        self._closed = False
        renew_after_fork(self, SignInSession._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def token(
        self, scopes: tuple[str, ...], *, claims: str | None, tenant_id: str | None, enable_cae: bool
    ) -> IssuedToken:
        """Return an access token.

        :param scopes: the scopes, as the caller wrote them.
        :param claims: claims that the token must satisfy; no token obtained without them will do.
        :param tenant_id: the tenant to ask, or None for the credential's own.
        :param enable_cae: whether to ask for continuous access evaluation.
        :raises AuthenticationRequiredError: a person has to sign in, and may not be asked.
        :raises CredentialUnavailableError: this machine cannot ask a person.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority refused or could not be reached.
        """
        parsed, tenant = parse_scopes(scopes), self._resolve(tenant_id)
        key: FreshKey = (scopes, tenant if tenant_id else None, enable_cae)
        if not claims and (held := self.fresh.get(key)) is not None and self._clock.time() < held.fresh_until:
            return held
        request = TokenRequest(parsed, tenant, claims or None, enable_cae)
        while True:
            ticket = self._prompts.ticket()
            try:
                return self._silently(request, key)
            except AuthenticationRequiredError as required:
                if not self._settings.prompts:
                    raise
                refusal = required.__cause__
            try:
                sign_in = self._prompt(ticket, request, key)
            except SignInSpentError as spent:
                if isinstance(refusal, AuthenticationFailedError):
                    raise refusal.explained(spent.message) from None  # it tells why another sign-in is needed
                raise
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
        try:
            return self._prompts.do_own(lambda cancelled: self._sign_in(request, key, cancelled, switching=True)).record
        except FlightAbandoned:
            raise AuthenticationFailedError("The sign-in was cancelled before the person was asked.") from None

    def accounts(self) -> list[AuthenticationRecord]:
        """Return the accounts that this credential could use without asking anybody."""
        return self._cache.accounts(self.record)

    def sign_out(self, record: AuthenticationRecord | None) -> None:
        """Forget an account: its tokens of this client, with and without CAE, in the store and in memory.

        :param record: the account; None for the one that is signed in, or that would be used without asking.
        :raises ValueError: none is named, none is signed in, and there are several.
        """
        record = record or self.record
        if record is None and self._adopts_account:
            record = self._cache.only_account(self._settings.tenant_id, self._settings.login_hint)
            if record is None and len(stored := self.accounts()) > 1:
                names = ", ".join(account.username for account in stored)
                raise ValueError(f"Several accounts are signed in: {names}. Name the one to sign out.")
        if record is None:
            return
        try:
            self._cache.remove(record)
        finally:
            with self._lock:
                self._adopts_account = False
                if self.record is not None and self.record.home_account_id == record.home_account_id:
                    self.record = None
                    self.sign_ins += 1
                    self.fresh.clear()

    def open(self) -> None:
        """Enter the transport."""
        self._msal.__enter__()

    def close(self, *details: object) -> None:
        """End a prompt that is waiting, and leave the transport.

        :param details: what the end of a `with` block was told.
        """
        self._closed = True
        self._prompts.cancel()
        self._msal.__exit__(*details)

    def _silently(self, request: TokenRequest, key: FreshKey) -> IssuedToken:
        with self._lock:
            record, sign_ins = self.record, self.sign_ins
        if record is None:
            record = self._adopt_account(request)
        if record is None:
            raise AuthenticationRequiredError(request.scopes, claims=request.claims)
        whose = record.home_account_id

        def remember(issued: IssuedToken) -> None:
            with self._lock:
                # Another account may have signed in meanwhile, or this one was found for another tenant's sake only.
                if sign_ins == self.sign_ins and self.record is not None and self.record.home_account_id == whose:
                    if request.claims:
                        self.fresh.clear()  # the token that a resource has refused may be there under other keys
                    self.fresh[key] = issued

        return self._silent.get(request, record, remember)

    def _adopt_account(self, request: TokenRequest) -> AuthenticationRecord | None:
        """Return the one account that fits. It becomes the credential's own if it is its own tenant that is asked."""
        if not self._adopts_account:
            return None
        found = self._cache.only_account(request.tenant_id, self._settings.login_hint)
        with self._lock:
            if self.record is not None or not self._adopts_account:  # somebody has signed in or out meanwhile
                return self.record
            if request.tenant_id == self._settings.tenant_id:
                self.record = found
            return found

    def _prompt(self, ticket: int, request: TokenRequest, key: FreshKey) -> _SignIn:
        try:
            sign_in, _ = self._prompts.do(
                ticket, lambda cancelled: self._sign_in(request, key, cancelled, switching=False)
            )
            return sign_in
        except FlightAbandoned:
            raise AuthenticationFailedError("The sign-in that this call waited for was interrupted.") from None

    def _sign_in(self, request: TokenRequest, key: FreshKey, cancelled: threading.Event, *, switching: bool) -> _SignIn:
        if self._closed:
            raise CredentialUnavailableError("This credential was closed. Make a new one to sign in.")
        if cancelled.is_set():
            raise FlightAbandoned
        settings, hint, known = self._settings, self._settings.login_hint, self.record
        if hint is None and known is not None and not switching:
            hint = known.username or None
        signing_in = self._flow.signing_in(
            self._msal(), request, login_hint=hint, clock=self._clock, cancelled=cancelled
        )
        with signing_in as response:
            record = response.record(
                client_id=settings.client_id,
                authority_host=host_of(settings.authority),
                tenant_id=request.tenant_id,
                needs_name=settings.needs_name,
            )
            if not switching:
                self._require_expected(record)
            issued = self._cache.keep(response, request, record, grant_type=self._flow.grant_type)
            self._switch_to(record, {key: issued}, expected=switching, anew=bool(request.claims))
        return _SignIn(request, issued, record)

    def _require_expected(self, record: AuthenticationRecord) -> None:
        expected = self._expected
        if expected is not None and expected.home_account_id != record.home_account_id:
            raise AuthenticationFailedError(
                f"{record.username} signed in, but this credential was made for {expected.username}. Sign in as "
                f"{expected.username}, or call 'authenticate' to switch accounts. Nothing was stored."
            )

    def _switch_to(
        self, record: AuthenticationRecord, fresh: dict[FreshKey, IssuedToken], *, expected: bool, anew: bool
    ) -> None:
        with self._lock:
            previous, self.record = self.record, record
            if expected and self._expected is not None:
                self._expected = record
            self.sign_ins += 1
            switched = previous is not None and previous.home_account_id != record.home_account_id
            if switched or anew:
                self.fresh.clear()
            self.fresh.update(fresh)
        self._silent.signed_in()
        if previous is not None and switched and self._cache.private:
            self._cache.remove(previous)

    def _resolve(self, tenant_id: str | None) -> str:
        return resolve_tenant(self._settings.tenant_id, tenant_id, self._settings.additionally_allowed_tenants)
