"""The spine of every credential that asks nobody: how a call for a token becomes a token.

    token(scopes)
     └ a fresh token in memory    → return it (no lock, no input or output)
     └ a valid token in the store → return it; get a new one in the background once it is due
     └ the source                 → ask it; one request, whoever asks for the same meanwhile

A source is an authority that knows an application, an endpoint of the machine, or a developer's tool. One session
belongs to one credential. The sync and the async credentials share it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Final, Protocol

from azid.authority import host_of
from azid.cancellation import Cancellation
from azid.clock import Clock
from azid.errors import AuthenticationFailedError, CredentialUnavailableError
from azid.record import AuthenticationRecord
from azid.renewal import Renewals
from azid.scopes import parse_scopes
from azid.single_flight import FlightAbandoned
from azid.tokens.access import FreshKey, IssuedToken
from azid.tokens.cache import Storage, TokenCache
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["TokenSource", "Transport", "UnattendedSession", "UnavailableSession"]

_GRANT_TYPE: Final = "client_credentials"
"""RFC 6749 section 4.4. No account is filed with these tokens, so none can have been removed meanwhile."""


class TokenSource(Protocol):
    """Asks for a token, once, without looking for one that is there already."""

    def __call__(self, request: TokenRequest) -> TokenResponse:
        """Return the answer to `request`.

        :raises CredentialUnavailableError: it could not be asked: something is missing here.
        :raises ~azure.core.exceptions.ClientAuthenticationError: it was asked, and refused or failed.
        """


class Transport(Protocol):
    """What a source's requests go through."""

    def __enter__(self) -> object: ...

    def __exit__(self, *details: object) -> object: ...


class UnattendedSession:
    """Gets tokens of one identity that needs no person: an application's, a machine's, or a tool's user's.

    :param source: where tokens come from.
    :param client_id: the identity's name: an application's client ID, or one that tells this source from others.
    :param authority: the authority, as ``https://host[:port]``.
    :param resolve_tenant: returns the tenant to ask when a call names this one, or None.
    :param storage: where tokens are kept.
    :param clock: what lifetimes are counted by.
    :param transport: what the source's requests go through, if it sends any.
    """

    sign_ins = 0
    """The identity never changes."""

    def __init__(
        self,
        source: TokenSource,
        *,
        client_id: str,
        authority: str,
        resolve_tenant: Callable[[str | None], str],
        storage: Storage,
        clock: Clock,
        transport: Transport | None = None,
    ) -> None:
        self.fresh: dict[FreshKey, IssuedToken] = {}
        """Access tokens by what was asked for. Good until their `fresh_until`, without a lock."""
        self._source = source
        self._resolve = resolve_tenant
        self._clock = clock
        self._cache = TokenCache(client_id=client_id, host=host_of(authority), storage=storage)
        self._renewals = Renewals(clock)
        self._transport = transport
        self._closed = False
        self._asking: list[Cancellation] = []
        self._identity = AuthenticationRecord(
            tenant_id="", client_id=client_id, authority=host_of(authority), home_account_id="", username=""
        )

    def token(
        self, scopes: tuple[str, ...], *, claims: str | None, tenant_id: str | None, enable_cae: bool
    ) -> IssuedToken:
        """Return an access token.

        :param scopes: the scopes, as the caller wrote them.
        :param claims: claims that the token must satisfy; no token obtained without them will do.
        :param tenant_id: the tenant to ask, or None for the credential's own.
        :param enable_cae: whether to ask for continuous access evaluation.
        :raises CredentialUnavailableError: the source cannot be asked: something is missing here.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the source refused or could not be reached.
        """
        parsed, tenant = parse_scopes(scopes), self._resolve(tenant_id)
        key: FreshKey = (scopes, tenant if tenant_id else None, enable_cae)
        if not claims and (held := self.fresh.get(key)) is not None and self._clock.time() < held.fresh_until:
            return held
        request = TokenRequest(parsed, tenant, claims or None, enable_cae)

        def remember(issued: IssuedToken) -> None:
            if request.claims:
                self.fresh.clear()  # the token that a resource has refused may be there under other keys
            self.fresh[key] = issued

        return self._renewals.get(
            request,
            held=self._cache.find(request, self._identity, self._clock.time()),
            renew=lambda: self._get_anew(request),
            remember=remember,
        )

    def open(self) -> None:
        """Enter the transport."""
        if self._transport is not None:
            self._transport.__enter__()

    def close(self, *details: object) -> None:
        """Leave the transport, ask the source no more, and have it end what it is at, if it can.

        :param details: what the end of a `with` block was told.
        """
        self._closed = True
        for asking in tuple(self._asking):
            asking.cancel()
        if self._transport is not None:
            self._transport.__exit__(*details)

    def _get_anew(self, request: TokenRequest) -> IssuedToken:
        self._require_open()
        alone = nullcontext() if self._cache.private else self._cache.refreshing(self._identity, request)
        with alone:
            held = self._cache.find(request, self._identity, self._clock.time())
            if held is not None and self._clock.time() < held.fresh_until:
                return held  # another process has asked meanwhile
            return self._cache.keep(self._ask(request), request, self._identity, grant_type=_GRANT_TYPE)

    def _ask(self, request: TokenRequest) -> TokenResponse:
        """Ask the source, and tell it (`Cancellation`) when whoever wants the token leaves or closes the credential."""
        caller, own = Cancellation.current(), Cancellation()
        self._asking.append(own)
        try:
            with own.as_current(), nullcontext() if caller is None else caller.noticed_by(own.cancel):
                self._require_open()
                return self._source(request)
        except (FlightAbandoned, AuthenticationFailedError):
            self._require_open()  # or else that is why
            raise
        finally:
            self._asking.remove(own)

    def _require_open(self) -> None:
        if self._closed:
            raise CredentialUnavailableError("This credential was closed. Make a new one to ask for more tokens.")


class UnavailableSession:
    """Stands in for an identity that cannot be used here.

    :param why: what is missing, and what to do.
    """

    sign_ins = 0

    def __init__(self, why: str) -> None:
        self.fresh: dict[FreshKey, IssuedToken] = {}
        self._why = why

    def token(self, scopes: tuple[str, ...], **_: object) -> IssuedToken:  # noqa: ARG002 - a session's signature
        """Tell why there is no token; the parameters are those of `UnattendedSession.token`.

        :raises CredentialUnavailableError: always.
        """
        raise CredentialUnavailableError(self._why)

    def open(self) -> None:
        """Do nothing."""

    def close(self, *details: object) -> None:
        """Do nothing."""
