"""Access tokens for clients that take a function instead of a credential, as OpenAI's does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from azure.core.credentials import TokenProvider
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest

from azid.credentials.interactive import InteractiveCredential

__all__ = ["authorization_request", "bearer_token_of", "get_bearer_token_provider"]

_SCHEME = "Bearer "  # RFC 6750 section 2.1


def get_bearer_token_provider(credential: TokenProvider, *scopes: str) -> Callable[[], str]:
    """Return a function that returns an access token, for clients that take one.

    :param credential: whom to ask: a credential of azid, or any other that Azure SDK clients take. One of azid is asked
        at each call, since it remembers by itself, and notices when the person signs out or another one signs in.
        Others are asked when the last token is about to expire.
    :param scopes: the scopes, mostly one, such as ``https://cognitiveservices.azure.com/.default``.
    :returns: a function without parameters. It raises what the credential's `get_token` raises.
    :raises ValueError: there is no scope.
    """
    if not scopes:
        raise ValueError("get_bearer_token_provider needs at least one scope.")
    if isinstance(credential, InteractiveCredential):
        own = credential
        return lambda: own.get_token(*scopes).token
    policy: BearerTokenCredentialPolicy[Any, Any] = BearerTokenCredentialPolicy(credential, *scopes)

    def provide() -> str:
        request = authorization_request()
        policy.on_request(request)
        return bearer_token_of(request)

    return provide


def authorization_request() -> PipelineRequest[HttpRequest]:
    """Return a request that is never sent: azure-core's policies put tokens into requests only."""
    return PipelineRequest(HttpRequest("GET", "https://localhost"), PipelineContext(None))


def bearer_token_of(request: PipelineRequest[HttpRequest]) -> str:
    """Return the token that a policy has put into `request`."""
    return str(request.http_request.headers["Authorization"]).removeprefix(_SCHEME)
