"""Confidential clients (RFC 6749 section 2.1): applications that prove who they are."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

import msal

from azid.errors import AuthenticationFailedError
from azid.msal_client.client import MsalClient
from azid.msal_client.deferred import ClientCredential
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["ConfidentialClient"]

_REGION: Final = "AZURE_REGIONAL_AUTHORITY_NAME"
"""The environment variable that names the region whose authority applications ask; Microsoft's own services set it."""
_assertion: ContextVar[str] = ContextVar("azid_client_assertion", default="")
"""The assertion that the request under way is made with (RFC 7523 section 2.2)."""


class ConfidentialClient(MsalClient[msal.ConfidentialClientApplication]):
    """Gets tokens for an application, or for a person on whose behalf it acts.

    :param client_credential: what the application proves itself with (RFC 6749 section 2.3, RFC 7523 section 2.2).
    :param settings: the parameters of `MsalClient`.
    """

    def __init__(self, *, client_credential: ClientCredential, **settings: Any) -> None:
        super().__init__(**settings)
        self._client_credential = client_credential
        self._make_assertion = client_credential if callable(client_credential) else None
        region = os.environ.get(_REGION)
        find_out = bool(region) and str(region).lower() in ("tryautodetect", "true")
        self._region = msal.ConfidentialClientApplication.ATTEMPT_REGION_DISCOVERY if find_out else region or None

    def redeem_client_credential(self, request: TokenRequest) -> TokenResponse:
        """Get a token for the application itself (RFC 6749 section 4.4).

        :raises ~azure.core.exceptions.ClientAuthenticationError: refused.
        """

        return self._redeem(
            request,
            lambda application: application.acquire_token_for_client(
                list(request.scopes), claims_challenge=request.claims
            ),
        )

    def redeem_user_assertion(self, request: TokenRequest, assertion: str) -> TokenResponse:
        """Trade an access token that was issued to this application for one to a service behind it (on-behalf-of).

        :param assertion: the access token that a person's program has called this application with (RFC 7523
            section 2.1; Entra documentation topic "OAuth 2.0 On-Behalf-Of flow").
        :raises ~azure.core.exceptions.ClientAuthenticationError: refused.
        """
        return self._redeem(
            request,
            lambda application: application.acquire_token_on_behalf_of(
                assertion, list(request.scopes), claims_challenge=request.claims
            ),
            assertion,
        )

    def _redeem(
        self,
        request: TokenRequest,
        acquire: Callable[[msal.ConfidentialClientApplication], Any],
        *secrets: object,
        broker: bool = False,
    ) -> TokenResponse:
        # Asked here, where its errors reach the caller as they are: those within MSAL count as an authority's.
        token = _assertion.set(_made_by(self._make_assertion) if self._make_assertion is not None else "")
        try:
            return super()._redeem(request, acquire, *secrets, _assertion.get(), broker=broker)
        finally:
            _assertion.reset(token)

    def _make(self, options: dict[str, Any], *, broker: bool) -> msal.ConfidentialClientApplication:  # noqa: ARG002
        given: Any = self._client_credential if self._make_assertion is None else {"client_assertion": _assertion.get}
        return msal.ConfidentialClientApplication(**options, client_credential=given, azure_region=self._region)


def _made_by(make_assertion: Callable[[], object]) -> str:
    """Return the assertion that a caller's function makes. MSAL would send a request without one, or with anything.

    :raises ~azure.core.exceptions.ClientAuthenticationError: it is no text.
    """
    assertion = make_assertion()
    if isinstance(assertion, bytes):
        assertion = assertion.decode("ascii", "replace")
    if isinstance(assertion, str) and assertion:
        return assertion
    if inspect.iscoroutine(assertion):
        assertion.close()  # nobody will await it
    raise AuthenticationFailedError(
        "The function that makes the application's assertions returned "
        f"{'an empty text' if assertion == '' else type(assertion).__name__} instead of one. It has to be a plain "
        "function that returns text, for async credentials, too."
    )
