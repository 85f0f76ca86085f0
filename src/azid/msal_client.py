"""The one module that knows MSAL: every OAuth request is built, sent and redeemed by it.

MSAL keeps no tokens here: each reply is checked, handed on, and forgotten. Its applications live as long as the client,
because they throttle repeated failures (which keeps accounts from being locked) and remember the authority's endpoints.
"""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

import msal
from azure.core.exceptions import ClientAuthenticationError

from azid.authority import host_of, is_well_known
from azid.clock import Clock
from azid.error_reply import ErrorReply
from azid.errors import AuthenticationFailedError, BrokerUnavailableError
from azid.fork import renew_after_fork
from azid.http_client import HttpClient, failed_reply
from azid.msal_errors import raise_for_error
from azid.pipeline import TokenPipeline
from azid.redaction import filter_loggers, guarded_secrets, withhold_details
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["AuthorizationCodeFlow", "DeviceCodeFlow", "MsalClient"]

_LOOPBACK_PAGES: Final = frozenset(("http", host) for host in ("localhost", "127.0.0.1", "::1"))
_CLIENT_CAPABILITIES: Final = ["CP1"]
"""What tells Entra that a client can handle claims challenges: it asks for continuous access evaluation."""
_TOLD_AS_IT_IS: Final = ("Unable to get authority configuration", "MsalRuntime needs the current app to register")
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


class MsalClient:
    """Asks one authority for one client's tokens.

    :param client_id: the client.
    :param authority: the authority, as ``https://host[:port]``.
    :param validate_authority: whether an authority that is not well known must be known to Microsoft (instance
        discovery).
    :param support_logging: whether MSAL may log personally identifiable information.
    :param pipeline: what requests go through.
    :param clock: what replies' lifetimes are counted by.
    """

    def __init__(
        self,
        *,
        client_id: str,
        authority: str,
        validate_authority: bool,
        support_logging: bool,
        pipeline: TokenPipeline,
        clock: Clock,
    ) -> None:
        self._client_id = client_id
        self._authority = authority
        self._well_known = is_well_known(host_of(authority))
        self._validate_authority = validate_authority and not self._well_known
        self._support_logging = support_logging
        self._http_client = HttpClient(pipeline, authority)
        self._clock = clock
        filter_loggers("msal")
        renew_after_fork(self, MsalClient._renew)

    def _renew(self) -> None:
        self._applications: dict[tuple[str, bool, bool], msal.PublicClientApplication] = {}
        self._lock = threading.Lock()

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

    def redeem_refresh_token(
        self, request: TokenRequest, home_account_id: str, secret: str, family_id: str | None
    ) -> TokenResponse:
        """Trade a refresh token for new tokens (RFC 6749 section 6).

        :raises ~azid.errors.AuthenticationFailedError: refused; its `oauth_error` tells whether a person can help.
        """

        def acquire(application: msal.PublicClientApplication) -> Any:
            environment = host_of(self._authority)
            cache = _ReplyCatcher()
            cache.offer(home_account_id, environment, self._client_id, secret, family_id)
            # A copy, so that this cache serves this request only; connection, throttle and endpoints are shared.
            application = copy.copy(application)
            application.token_cache = cache
            return application.acquire_token_silent_with_error(
                list(request.scopes),
                {"home_account_id": home_account_id, "environment": environment},
                claims_challenge=request.claims,
            )

        return self._redeem(request, acquire, secret)

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

    def refresh_with_broker(self, request: TokenRequest, home_account_id: str, broker_account_id: str) -> TokenResponse:
        """Have the operating system's broker get new tokens for an account that it signed in, without asking anybody.

        :raises BrokerUnavailableError: there is no broker here, or it does not know the account (any more).
        :raises ~azid.errors.AuthenticationFailedError: refused; its `oauth_error` tells whether a person can help.
        """

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

    def _redeem(
        self,
        request: TokenRequest,
        acquire: Callable[[msal.PublicClientApplication], Any],
        *secrets: object,
        broker: bool = False,
    ) -> TokenResponse:
        with self._speaking(*secrets, request.claims) as replies:
            requested_at = self._clock.time()
            caught: dict[str, Any] = {}
            token = _caught.set(caught)
            try:
                result = acquire(self._broker_application(request) if broker else self._application(request))
            finally:
                _caught.reset(token)
            raise_for_error(result, replies)
            if broker:  # it tells when the token expires, from which MSAL has just reckoned how long it lives
                requested_at = self._clock.time()
            # MSAL's result has the refresh token, the caught reply what MSAL reckoned with its own clock.
            response = TokenResponse.parse(
                {**result, **caught}, client_id=self._client_id, tenant_id=request.tenant_id, requested_at=requested_at
            )
            return replace(response, broker_account_id=caught["_account_id"]) if broker else response

    def _broker_application(self, request: TokenRequest) -> msal.PublicClientApplication:
        withhold_details("msal.broker")  # what the broker's runtime says, in threads of its own
        filter_loggers("msal.broker")
        try:
            return self._application(request, broker=True)
        except (ImportError, OSError, RuntimeError) as error:
            raise BrokerUnavailableError(f"The broker's runtime cannot be loaded: {error}") from None

    def _application(self, request: TokenRequest, *, broker: bool = False) -> msal.PublicClientApplication:
        key = (request.tenant_id, request.enable_cae, broker)
        if (application := self._applications.get(key)) is not None:
            return application
        with self._lock:
            if key not in self._applications:
                application = msal.PublicClientApplication(
                    self._client_id,
                    authority=f"{self._authority}/{request.tenant_id}",
                    client_capabilities=_CLIENT_CAPABILITIES if request.enable_cae else None,
                    http_client=self._http_client,
                    token_cache=_ReplyCatcher(),
                    instance_discovery=None if self._validate_authority or (broker and self._well_known) else False,
                    enable_pii_log=self._support_logging,
                    **(_BROKERS if broker else {}),
                )
                application.authority_groups[application.authority.instance] = []  # nobody is asked for other names
                self._applications[key] = application
            return self._applications[key]

    @contextmanager
    def _speaking(self, *secrets: object) -> Iterator[list[ErrorReply]]:
        """Turn what MSAL raises into errors that tell no secret; yield the failed replies."""
        with guarded_secrets(*secrets) as known, failed_reply() as replies:
            try:
                yield replies
            except ClientAuthenticationError:
                raise
            except Exception as error:
                reason = known.redact(str(error))
                if "invalid_instance" in reason:
                    reason = (
                        f"{self._authority} is not known to Microsoft as an authority. If you trust it, pass "
                        "disable_instance_discovery=True."
                    )
                elif not reason.startswith(_TOLD_AS_IT_IS):  # others quote what they got
                    status = f" (HTTP status {replies[-1].status_code})" if replies else ""
                    reason = f"the authority's reply{status} cannot be used: {type(error).__name__}."
                response = replies[-1] if replies else None
                raise AuthenticationFailedError(f"Authentication failed: {reason}", response=response) from None


def _require_trustworthy(uri: str) -> None:
    """Refuse to send a person to a page that others on the network could have made."""
    parts = urlsplit(uri)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _LOOPBACK_PAGES:
        raise AuthenticationFailedError("The authority names a sign-in page that is not https. It was not opened.")


def _require_broker(*, ui: str, **_: object) -> None:
    """Keep MSAL from opening a browser and a listener of its own, as it does where it has switched its broker off."""
    if ui != "broker":
        raise BrokerUnavailableError("MSAL has no broker for this authority on this machine.")


_caught: ContextVar[dict[str, Any]] = ContextVar("azid_token_reply")


class _ReplyCatcher(msal.TokenCache):
    """In the place of MSAL's token cache: passes each token reply on as it came, and keeps none."""

    def add(self, event: Mapping[str, Any], now: float | None = None) -> None:  # noqa: ARG002 - MSAL's signature
        _caught.get().update(event["response"])

    def offer(self, home_account_id: str, environment: str, client_id: str, secret: str, family_id: str | None) -> None:
        """Let MSAL find one refresh token, for one account."""
        entry = {
            "credential_type": self.CredentialType.REFRESH_TOKEN,
            "home_account_id": home_account_id,
            "environment": environment,
            "client_id": "" if family_id else client_id,  # MSAL would try a family's again as the client's own
            "secret": secret,
        }
        metadata = {"client_id": client_id, "environment": environment}
        if family_id:
            entry["family_id"] = metadata["family_id"] = family_id
        self.modify(self.CredentialType.REFRESH_TOKEN, entry, entry)
        self.modify(self.CredentialType.APP_METADATA, metadata, metadata)
