"""What every credential offers to Azure SDK clients."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from azure.core.credentials import AccessToken, TokenRequestOptions

from azid.clock import Clock
from azid.tokens.access import FreshKey, IssuedToken, TokenInfo

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Credential", "TokenSession", "find_fresh_token", "session_of", "sign_ins_of", "validate_client_id"]


class TokenSession(Protocol):
    """Gets a credential's tokens: `SignInSession` a person's, `UnattendedSession` anybody else's."""

    @property
    def fresh(self) -> Mapping[FreshKey, IssuedToken]:
        """Tokens that are good until their `fresh_until`, and may be handed out without a lock."""

    @property
    def sign_ins(self) -> int:
        """How often the account has changed."""

    def token(
        self, scopes: tuple[str, ...], *, claims: str | None, tenant_id: str | None, enable_cae: bool
    ) -> IssuedToken:
        """Return a token, as `Credential.get_token` does."""

    def open(self) -> None:
        """Enter the transport."""

    def close(self, *details: object) -> None:
        """Leave the transport."""


class Credential:
    """Base of the credentials: hands Azure SDK clients access tokens. Threads may share it.

    :param session: what gets the tokens.
    :param clock: what lifetimes are counted by.
    """

    def __init__(self, session: TokenSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        # What the fast path reads.
        self._fresh = session.fresh
        self._time = clock.time

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,  # noqa: ARG002 - azure-core's protocol lets clients pass more
    ) -> AccessToken:
        """Return an access token for `scopes`. Azure SDK clients call this.

        :param scopes: the scopes, mostly one, such as ``https://graph.microsoft.com/.default``.
        :param claims: claims that the resource asked for in a challenge. No token that was obtained without them is
            returned.
        :param tenant_id: the tenant to ask instead of the credential's own.
        :param enable_cae: whether to ask for continuous access evaluation: a token that lives longer, and that the
            resource may refuse with a claims challenge. Defaults to False.
        :returns: the token, and when it expires in seconds since the epoch.
        :raises ValueError: there is no scope, or a malformed one.
        :raises AuthenticationRequiredError: the person has to sign in, and the credential may not ask for it.
        :raises CredentialUnavailableError: the credential could not try: something that it needs is missing here.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority refused or could not be reached.
        """
        try:
            if tenant_id is None and not claims:
                fresh = self._fresh.get((scopes, None, enable_cae))
                if fresh is not None and self._time() < fresh.fresh_until:
                    return fresh.access_token
        except TypeError:
            pass  # what cannot be looked up are no scopes: the session says so
        return self._session.token(scopes, claims=claims, tenant_id=tenant_id, enable_cae=bool(enable_cae)).access_token

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> TokenInfo:
        """Return an access token for `scopes` with what is known about it. Newer Azure SDK clients call this.

        :param scopes: the scopes, mostly one, such as ``https://graph.microsoft.com/.default``.
        :param options: `claims`, `tenant_id` and `enable_cae` as `get_token` takes them; others are passed over.
        :returns: azure-core's `AccessTokenInfo`, whose entries can also be read like a dict's.
        :raises ValueError: there is no scope, or a malformed one.
        :raises AuthenticationRequiredError: the person has to sign in, and the credential may not ask for it.
        :raises CredentialUnavailableError: the credential could not try: something that it needs is missing here.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority refused or could not be reached.
        """
        options = options or {}
        claims, tenant_id = options.get("claims"), options.get("tenant_id")
        enable_cae = bool(options.get("enable_cae", False))
        try:
            if tenant_id is None and not claims:
                fresh = self._fresh.get((scopes, None, enable_cae))
                if fresh is not None and self._time() < fresh.fresh_until:
                    return fresh.token_info
        except TypeError:
            pass  # what cannot be looked up are no scopes: the session says so
        return self._session.token(scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae).token_info

    def close(self) -> None:
        """Leave the transport and end what is waiting. The credential then sends no more requests."""
        self._session.close()

    def __enter__(self) -> Self:
        self._session.open()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._session.close(exc_type, exc_value, traceback)


def find_fresh_token(
    credential: Credential, scopes: tuple[str, ...], enable_cae: bool, tenant_id: str | None = None
) -> IssuedToken | None:
    """Return what `credential` would return at once, from memory; None if it has to look further. Takes no lock."""
    fresh = credential._fresh.get((scopes, tenant_id or None, enable_cae))
    return fresh if fresh is not None and credential._time() < fresh.fresh_until else None


def sign_ins_of(credential: Credential) -> int:
    """Return how often the account of `credential` has changed."""
    return credential._session.sign_ins


def session_of(credential: Credential) -> TokenSession:
    """Return what gets the tokens of `credential`, for another one that stands for it."""
    return credential._session


def validate_client_id(client_id: str) -> str:
    """Return `client_id` if it can be an application's ID.

    :raises ValueError: it cannot.
    """
    if not isinstance(client_id, str) or not client_id:
        raise ValueError("'client_id' must be the ID of an application, as its registration in Entra ID shows it.")
    return client_id
