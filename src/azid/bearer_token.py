"""Access tokens for clients that take a function instead of a credential, as OpenAI's does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from azure.core.credentials import TokenProvider
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest

from azid.credentials.credential import Credential

__all__ = ["authorization_request", "bearer_token_of", "get_bearer_token_provider", "require_scopes", "token_method"]

_SCHEME = "Bearer "  # RFC 6750 section 2.1


def get_bearer_token_provider(credential: TokenProvider, *scopes: str) -> Callable[[], str]:
    """Return a function that returns an access token, for clients that take one.

    That of `azid.aio` takes an async credential and returns an async function.

    :param credential: whom to ask: a credential of azid, or any other that Azure SDK clients take. One of azid is asked
        at each call, since it remembers by itself, and notices when the person signs out or another one signs in.
        Others are asked when the last token is about to expire.
    :param scopes: the scopes, mostly one, such as ``https://cognitiveservices.azure.com/.default``.
    :returns: a function without parameters. It raises what the credential's `get_token` raises.
    :raises ValueError: there is no scope.
    :raises TypeError: `credential` is none, or one for the other of the two.
    """
    require_scopes(scopes)
    if inspect.iscoroutinefunction(token_method(credential)):
        raise TypeError(
            f"{type(credential).__name__} is an async credential: use azid.aio.get_bearer_token_provider, or a sync "
            "credential."
        )
    if isinstance(credential, Credential):
        own = credential
        return lambda: own.get_token(*scopes).token
    policy: BearerTokenCredentialPolicy[Any, Any] = BearerTokenCredentialPolicy(credential, *scopes)

    def provide() -> str:
        request = authorization_request()
        policy.on_request(request)
        return bearer_token_of(request)

    return provide


def require_scopes(scopes: tuple[str, ...]) -> None:
    """Refuse a call without scopes.

    :raises ValueError: there is none.
    """
    if not scopes:
        raise ValueError("get_bearer_token_provider needs at least one scope.")


def token_method(credential: object) -> Callable[..., object]:
    """Return the method of `credential` that azure-core's policies call.

    :raises TypeError: there is none: it is no credential.
    """
    for name in ("get_token_info", "get_token"):
        method: Callable[..., object] | None = getattr(credential, name, None)
        if callable(method):
            return method
    raise TypeError(f"get_bearer_token_provider needs a credential, which {type(credential).__name__} is not.")


def authorization_request() -> PipelineRequest[HttpRequest]:
    """Return a request that is never sent: azure-core's policies put tokens into requests only."""
    return PipelineRequest(HttpRequest("GET", "https://localhost"), PipelineContext(None))


def bearer_token_of(request: PipelineRequest[HttpRequest]) -> str:
    """Return the token that a policy has put into `request`."""
    return str(request.http_request.headers["Authorization"]).removeprefix(_SCHEME)
