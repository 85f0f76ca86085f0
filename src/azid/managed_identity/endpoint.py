"""What every endpoint for managed identities has in common: it is asked for a resource, and answers in JSON."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from azure.core.exceptions import ClientAuthenticationError
from azure.core.rest import HttpRequest

from azid.clock import Clock
from azid.errors import AuthenticationFailedError, CredentialUnavailableError
from azid.managed_identity.identity import UserAssignedIdentity
from azid.pipeline import TokenPipeline
from azid.redaction import guarded_secrets
from azid.scopes import resource_of
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["Endpoint", "Reply"]

_LONGEST_MESSAGE: Final = 1000
"""Characters of an endpoint's own words. More would be no sentence for a person."""
_REFRESH_FROM: Final = 7200
"""Seconds. A token that lives longer is refreshed at half of its life, as MSAL and Azure's documentation have it."""


class Reply:
    """An endpoint's reply.

    :param status: the HTTP status.
    :param headers: the headers.
    :param text: the body.
    """

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        self.status = status
        self.headers = headers
        self.text = text
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        self.is_json = isinstance(values, dict)
        self.values: Mapping[str, Any] = values if isinstance(values, dict) else {}


class Endpoint(ABC):
    """Gets tokens from one kind of endpoint: a `TokenSource`.

    :param url: where it is.
    :param secret: what it wants to hear from those who are allowed to ask.
    :param identity: whose token; None for the machine's own identity.
    :param clock: what lifetimes are counted by.
    :param options: azure-core's options for requests.
    """

    platform: ClassVar[str]
    """What people call the place."""
    pipeline_options: ClassVar[Mapping[str, Any]] = {}
    """Options for requests unless the caller has others."""

    def __init__(
        self, url: str, secret: str, identity: UserAssignedIdentity | None, clock: Clock, options: Mapping[str, Any]
    ) -> None:
        self._url = url
        self._secret = secret
        self._identity = identity
        self._clock = clock
        # A proxy would get the secret, and is somewhere else than the endpoint, which is the machine's own.
        self.pipeline = TokenPipeline(**{"use_env_settings": False, **self.pipeline_options, **options})

    def __call__(self, request: TokenRequest) -> TokenResponse:
        """Return a token for `request`.

        :raises CredentialUnavailableError: the endpoint has no token for this identity and this resource.
        :raises ~azure.core.exceptions.ClientAuthenticationError: it cannot be reached, or its answer makes no sense.
        :raises ValueError: several scopes were asked for at once.
        """
        resource = resource_of(request.scopes)
        requested_at = self._clock.time()
        with guarded_secrets(self._secret):
            reply = self._ask(resource, request)
            if not reply.values.get("access_token"):
                raise self._refusal(reply)
            return self._response(reply, requested_at)

    @abstractmethod
    def _request(self, resource: str) -> HttpRequest:
        """Return the request for a resource's token."""

    def _ask(self, resource: str, request: TokenRequest) -> Reply:  # noqa: ARG002 - some look at more than the resource
        """Ask for a token and return what the endpoint says."""
        return self._send(self._request(resource))

    def _problem(self, reply: Reply) -> str:
        """Return what the endpoint says is wrong, in its own words."""
        error = reply.values.get("error")
        # Azure's other services put an object there.
        said = [error.get("message")] if isinstance(error, Mapping) else [error, reply.values.get("error_description")]
        return ": ".join(part for part in said if isinstance(part, str) and part)

    def _parameters(self, version: str, resource: str, names: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return a request's parameters: the API's version, the resource, and who it is for."""
        who = self._identity.parameters(names or {}) if self._identity is not None else {}
        return {"api-version": version, "resource": resource, **who}

    def _send(self, request: HttpRequest, **options: Any) -> Reply:
        try:
            response = self.pipeline.send(request, **options)
            return Reply(response.status_code, response.headers, response.text())
        except ClientAuthenticationError:
            raise
        except Exception as error:
            with guarded_secrets() as secrets:
                reason = secrets.redact(str(error)) or type(error).__name__
            raise AuthenticationFailedError(
                f"The managed identity endpoint of {self.platform} cannot be reached: {reason}"
            ) from None

    def _refusal(self, reply: Reply) -> CredentialUnavailableError:
        with guarded_secrets() as secrets:
            problem = secrets.redact(self._problem(reply))[:_LONGEST_MESSAGE]
        who = f"the identity whose {self._identity.key} is {self._identity.value}" if self._identity else "an identity"
        return CredentialUnavailableError(
            f"The managed identity endpoint of {self.platform} gave no token (HTTP status {reply.status}"
            f"{f', {problem}' if problem else ''}). Check that {who} is assigned there, and the scope."
        )

    def _response(self, reply: Reply, requested_at: float) -> TokenResponse:
        values = reply.values
        expires_in = _lifetime(values, requested_at)
        refresh_in = values.get("refresh_in")
        if refresh_in is None and expires_in >= _REFRESH_FROM:
            refresh_in = expires_in // 2
        return TokenResponse.parse(
            {
                "access_token": values["access_token"],
                "token_type": values.get("token_type"),
                "expires_in": expires_in,
                "refresh_in": refresh_in,
            },
            client_id="",
            tenant_id="",
            requested_at=requested_at,
        )


def _lifetime(values: Mapping[str, Any], requested_at: float) -> int:
    """Return for how many seconds a token is good; 0 where the reply does not say it. Many endpoints send text."""
    for name, since in (("expires_on", requested_at), ("expires_in", 0.0)):
        try:
            return int(int(values[name]) - since)
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return 0
