"""Public clients (RFC 6749 section 2.1): the ways in which a person signs in to an application without a secret."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import msal

from azid.authority import host_of
from azid.errors import AuthenticationFailedError, BrokerUnavailableError
from azid.msal_client.client import MsalClient
from azid.msal_errors import raise_for_error
from azid.redaction import filter_loggers, withhold_details
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["AuthorizationCodeFlow", "DeviceCodeFlow", "PublicClient"]

_LOOPBACK_PAGES: Final = frozenset(("http", host) for host in ("localhost", "127.0.0.1", "::1"))
_BROKERS: Final = {f"enable_broker_on_{system}": True for system in ("linux", "mac", "windows", "wsl")}


@dataclass(frozen=True)
class AuthorizationCodeFlow:
    """An authorization request (RFC 6749 section 4.1.1) whose answer is awaited."""

    uri: str = field(repr=False)
    """What the person's browser has to open."""
    state: str = field(repr=False)
    """What the answer has to carry (RFC 6749 section 10.12)."""
    parameters: dict[str, Any] = field(repr=False)
    """MSAL's own notes."""


@dataclass(frozen=True)
class DeviceCodeFlow:
    """A device authorization response (RFC 8628 section 3.2)."""

    verification_uri: str
    user_code: str = field(repr=False)
    message: str = field(repr=False)
    """What to tell the person."""
    expires_in: int
    """Seconds."""
    interval: int
    """Seconds between polls."""
    parameters: dict[str, Any] = field(repr=False)
    """MSAL's own notes."""


class PublicClient(MsalClient[msal.PublicClientApplication]):
    """Signs people in to an application that cannot keep a secret. Its parameters are those of `MsalClient`."""

    def begin_authorization_code(
        self, request: TokenRequest, *, redirect_uri: str, login_hint: str | None
    ) -> AuthorizationCodeFlow:
        """Build an authorization request with PKCE (RFC 7636) and a nonce.

        :param request: what is asked for.
        :param redirect_uri: where the answer is awaited.
        :param login_hint: whom the sign-in page should suggest.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority cannot be used.
        """
        with self._speaking():
            flow = self._application(request).initiate_auth_code_flow(
                list(request.scopes),
                redirect_uri=redirect_uri,
                prompt="select_account",
                login_hint=login_hint,
                claims_challenge=request.claims,
                response_mode="form_post",
            )
            _require_trustworthy(flow["auth_uri"])
            return AuthorizationCodeFlow(flow["auth_uri"], flow["state"], flow)

    def redeem_authorization_code(
        self, request: TokenRequest, flow: AuthorizationCodeFlow, answer: Mapping[str, str]
    ) -> TokenResponse:
        """Redeem the code of `answer`, what came to the redirect URI (RFC 6749 sections 4.1.2 and 4.1.3).

        :raises ~azure.core.exceptions.ClientAuthenticationError: the answer is an error, or the code was refused.
        """
        secrets = (flow.state, flow.parameters.get("nonce"), flow.parameters.get("code_verifier"), answer.get("code"))
        return self._redeem(
            request,
            lambda application: application.acquire_token_by_auth_code_flow(
                copy.deepcopy(flow.parameters), dict(answer), scopes=list(request.scopes)
            ),
            *secrets,
        )

    def begin_device_code(self, request: TokenRequest) -> DeviceCodeFlow:
        """Ask for a device code (RFC 8628 section 3.1).

        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority gave none.
        """
        with self._speaking() as replies:
            flow = self._application(request).initiate_device_flow(
                list(request.scopes), claims_challenge=request.claims
            )
            raise_for_error(flow, replies)
            texts = {name: flow.get(name) for name in ("verification_uri", "user_code", "device_code")}
            if not all(isinstance(text, str) and text for text in texts.values()):
                raise AuthenticationFailedError("The authority's reply holds no usable device code.")
            _require_trustworthy(flow["verification_uri"])
            message = flow.get("message")
            if not isinstance(message, str) or not message:
                message = f"To sign in, open {flow['verification_uri']} and enter the code {flow['user_code']}."
            # RFC 8628 section 3.5: an interval below a second would be an attack on the authority.
            # More than a day is an authority's mistake, and would overflow dates further on.
            interval, expires_in = (min(max(int(flow[name]), 1), 86_400) for name in ("interval", "expires_in"))
            return DeviceCodeFlow(flow["verification_uri"], flow["user_code"], message, expires_in, interval, flow)

    def redeem_device_code(self, request: TokenRequest, flow: DeviceCodeFlow) -> TokenResponse:
        """Ask once whether the person has signed in (RFC 8628 section 3.4).

        :raises ~azid.errors.AuthenticationFailedError: not yet (its `oauth_error` is ``authorization_pending`` or
            ``slow_down``), or refused.
        """
        return self._redeem(
            request,
            lambda application: application.acquire_token_by_device_flow(
                # MSAL notes each poll in its copy, by a clock of its own. With an interval of 0 it would poll forever.
                {**flow.parameters, "interval": flow.interval},
                claims_challenge=request.claims,
                exit_condition=lambda _: True,
            ),
            flow.parameters.get("device_code"),
            flow.user_code,
        )

    def redeem_password(self, request: TokenRequest, username: str, password: str) -> TokenResponse:
        """Trade a password for tokens (RFC 6749 section 4.3), by way of WS-Trust where the account is federated.

        :raises ~azure.core.exceptions.ClientAuthenticationError: refused.
        """

        def acquire(application: msal.PublicClientApplication) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # the credential warns by itself
                return application.acquire_token_by_username_password(
                    username, password, list(request.scopes), claims_challenge=request.claims
                )

        return self._redeem(request, acquire, password)

    def sign_in_with_broker(
        self, request: TokenRequest, *, parent_window_handle: int | None, login_hint: str | None, msa_passthrough: bool
    ) -> TokenResponse:
        """Have the operating system's broker sign a person in, in its own dialog. It keeps the refresh token.

        :param request: what is asked for.
        :param parent_window_handle: the window that the dialog belongs to; None for the console's.
        :param login_hint: who is to sign in. The broker asks them for no more than it needs, maybe for nothing.
        :param msa_passthrough: whether personal accounts may sign in where the tenant is one of organizations.
        :raises BrokerUnavailableError: there is no broker here, or none that serves this authority.
        :raises ~azid.errors.AuthenticationFailedError: refused; `oauth_error` is ``access_denied`` if by the person.
        """

        def acquire(application: msal.PublicClientApplication) -> Any:
            return application.acquire_token_interactive(
                list(request.scopes),
                prompt=None if login_hint else "select_account",  # with both, MSAL passes over the hint
                login_hint=login_hint,
                claims_challenge=request.claims,
                parent_window_handle=(
                    application.CONSOLE_WINDOW_HANDLE if parent_window_handle is None else parent_window_handle
                ),
                enable_msa_passthrough=msa_passthrough,
                on_before_launching_ui=_require_broker,
            )

        return self._redeem(request, acquire, broker=True)

    def sign_in_with_brokers_account(self, request: TokenRequest, *, login_hint: str | None) -> TokenResponse:
        """Have the operating system's broker give a token of an account that it knows, without asking anybody.

        :param request: what is asked for.
        :param login_hint: whose; None for the account that the person uses with the operating system.
        :raises BrokerUnavailableError: there is no broker here, or none that serves this authority.
        :raises ~azid.errors.AuthenticationFailedError: it knows no such account, or would have to ask.
        """

        def acquire(application: msal.PublicClientApplication) -> Any:
            return application.acquire_token_interactive(
                list(request.scopes),
                prompt="none",
                login_hint=login_hint,
                claims_challenge=request.claims,
                parent_window_handle=application.CONSOLE_WINDOW_HANDLE,
                on_before_launching_ui=_require_broker,
            )

        return self._redeem(request, acquire, broker=True)

    def refresh_with_broker(self, request: TokenRequest, home_account_id: str, broker_account_id: str) -> TokenResponse:
        def acquire(application: msal.PublicClientApplication) -> Any:
            result = application.acquire_token_silent_with_error(
                list(request.scopes),
                {
                    "home_account_id": home_account_id,
                    "environment": host_of(self._authority),
                    "local_account_id": broker_account_id,
                    "account_source": "broker",
                },
                claims_challenge=request.claims,
            )
            if result is None:
                raise BrokerUnavailableError("The operating system's broker does not know the account.")
            return result

        return self._redeem(request, acquire, broker=True)

    def _make(self, options: dict[str, Any], *, broker: bool) -> msal.PublicClientApplication:
        if not broker:
            return msal.PublicClientApplication(**options)
        withhold_details("msal.broker")  # what the broker's runtime says, in threads of its own
        filter_loggers("msal.broker")
        try:
            return msal.PublicClientApplication(**options, **_BROKERS)
        except (ImportError, OSError, RuntimeError) as error:
            raise BrokerUnavailableError(f"The broker's runtime cannot be loaded: {error}") from None


def _require_trustworthy(uri: str) -> None:
    """Refuse to send a person to a page that others on the network could have made."""
    parts = urlsplit(uri)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _LOOPBACK_PAGES:
        raise AuthenticationFailedError("The authority names a sign-in page that is not https. It was not opened.")


def _require_broker(*, ui: str, **_: object) -> None:
    """Keep MSAL from opening a browser and a listener of its own, as it does where it has switched its broker off."""
    if ui != "broker":
        raise BrokerUnavailableError("MSAL has no broker for this authority on this machine.")
