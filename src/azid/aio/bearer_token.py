"""Access tokens for async clients that take a function instead of a credential."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from azure.core.credentials_async import AsyncTokenProvider
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy

from azid import bearer_token as sync
from azid.aio.credential import Credential
from azid.aio.parity import documented_as

__all__ = ["blocks", "get_bearer_token_provider"]


@documented_as(sync.get_bearer_token_provider)
def get_bearer_token_provider(credential: AsyncTokenProvider, *scopes: str) -> Callable[[], Coroutine[Any, Any, str]]:
    sync.require_scopes(scopes)
    if blocks(credential):
        raise TypeError(
            f"{type(credential).__name__} is a sync credential, which would block the event loop: use its async "
            "namesake, as azid.aio has them, or azid.get_bearer_token_provider in another thread."
        )
    if isinstance(credential, Credential):
        own = credential

        async def provide_own() -> str:
            return (await own.get_token(*scopes)).token

        return provide_own
    policy: AsyncBearerTokenCredentialPolicy[Any, Any] = AsyncBearerTokenCredentialPolicy(credential, *scopes)

    async def provide() -> str:
        request = sync.authorization_request()
        await policy.on_request(request)
        return sync.bearer_token_of(request)

    return provide


def blocks(credential: object) -> bool:
    """Whether a credential hands out tokens themselves instead of something to await. One that may do either may pass.

    :raises TypeError: it is none.
    """
    method = sync.token_method(credential)
    plain = inspect.isroutine(method) and not inspect.iscoroutinefunction(method)
    return plain and not hasattr(credential, "__aexit__")
