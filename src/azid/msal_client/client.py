"""What every client of an authority needs of MSAL: its applications, its replies, its errors, and refresh tokens."""

from __future__ import annotations

import copy
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

import msal
from azure.core.exceptions import ClientAuthenticationError

from azid.authority import host_of, is_well_known
from azid.clock import Clock
from azid.error_reply import ErrorReply
from azid.errors import AuthenticationFailedError, BrokerUnavailableError
from azid.fork import renew_after_fork
from azid.http_client import HttpClient, failed_reply
from azid.msal_client.reply_catcher import ReplyCatcher, caught_reply
from azid.msal_errors import raise_for_error
from azid.pipeline import TokenPipeline
from azid.redaction import filter_loggers, guarded_secrets
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["MsalClient"]

Application = TypeVar("Application", bound=msal.ClientApplication)

_CLIENT_CAPABILITIES: Final = ["CP1"]
"""What tells Entra that a client can handle claims challenges: it asks for continuous access evaluation."""
_TOLD_AS_IT_IS: Final = ("Unable to get authority configuration", "MsalRuntime needs the current app to register")


class MsalClient(ABC, Generic[Application]):
    """Asks one authority for one client's tokens.

    MSAL keeps no tokens here: each reply is checked, handed on, and forgotten. Its applications live as long as the
    client: they throttle repeated failures, which keeps accounts from being locked, and remember endpoints.

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
        self._applications: dict[tuple[str, bool, bool], Application] = {}
        self._lock = threading.Lock()

    def redeem_refresh_token(
        self, request: TokenRequest, home_account_id: str, secret: str, family_id: str | None
    ) -> TokenResponse:
        """Trade a refresh token for new tokens (RFC 6749 section 6).

        :raises ~azid.errors.AuthenticationFailedError: refused; its `oauth_error` tells whether a person can help.
        """

        def acquire(application: Application) -> Any:
            environment = host_of(self._authority)
            cache = ReplyCatcher()
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

    def redeem_code(self, request: TokenRequest, code: str, redirect_uri: str) -> TokenResponse:
        """Redeem an authorization code that a web application got by itself (RFC 6749 section 4.1.3).

        :param code: the code.
        :param redirect_uri: where it was sent.
        :raises ~azure.core.exceptions.ClientAuthenticationError: refused.
        """

        def acquire(application: Application) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # it wants to have made the request for the code
                return application.acquire_token_by_authorization_code(
                    code, list(request.scopes), redirect_uri=redirect_uri, claims_challenge=request.claims
                )

        return self._redeem(request, acquire, code)

    def refresh_with_broker(
        self,
        request: TokenRequest,  # noqa: ARG002 - only public clients have a broker
        home_account_id: str,  # noqa: ARG002
        broker_account_id: str,  # noqa: ARG002
    ) -> TokenResponse:
        """Have the operating system's broker get new tokens for an account that it signed in, without asking anybody.

        :raises BrokerUnavailableError: there is no broker here, or it does not know the account (any more).
        :raises ~azid.errors.AuthenticationFailedError: refused; its `oauth_error` tells whether a person can help.
        """
        raise BrokerUnavailableError("The operating system's broker serves public clients only.")

    def _redeem(
        self, request: TokenRequest, acquire: Callable[[Application], Any], *secrets: object, broker: bool = False
    ) -> TokenResponse:
        with self._speaking(*secrets, request.claims) as replies:
            requested_at = self._clock.time()
            application = self._application(request, broker=broker)
            with caught_reply() as caught:
                result = acquire(application)
            raise_for_error(result, replies)
            if broker:  # it tells when the token expires, from which MSAL has just reckoned how long it lives
                requested_at = self._clock.time()
            # MSAL's result has the refresh token, the caught reply what MSAL reckoned with its own clock.
            response = TokenResponse.parse(
                {**result, **caught}, client_id=self._client_id, tenant_id=request.tenant_id, requested_at=requested_at
            )
            return replace(response, broker_account_id=caught["_account_id"]) if broker else response

    @abstractmethod
    def _make(self, options: dict[str, Any], *, broker: bool) -> Application:
        """Return a new MSAL application of this kind of client.

        :param options: what MSAL's application takes, whatever its kind.
        :param broker: whether it asks the operating system's broker rather than the authority.
        """

    def _application(self, request: TokenRequest, *, broker: bool = False) -> Application:
        key = (request.tenant_id, request.enable_cae, broker)
        if (application := self._applications.get(key)) is not None:
            return application
        with self._lock:
            if key not in self._applications:
                options = {
                    "client_id": self._client_id,
                    "authority": f"{self._authority}/{request.tenant_id}",
                    "client_capabilities": _CLIENT_CAPABILITIES if request.enable_cae else None,
                    "http_client": self._http_client,
                    "token_cache": ReplyCatcher(),
                    "instance_discovery": None if self._validate_authority or (broker and self._well_known) else False,
                    "enable_pii_log": self._support_logging,
                }
                application = self._make(options, broker=broker)
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
