"""Access tokens for async clients that take a function instead of a credential."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from azure.core.credentials_async import AsyncTokenProvider
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy

from azid import bearer_token as sync
from azid.aio.interactive import InteractiveCredential
from azid.aio.parity import documented_as

__all__ = ["get_bearer_token_provider"]


@documented_as(sync.get_bearer_token_provider)
def get_bearer_token_provider(credential: AsyncTokenProvider, *scopes: str) -> Callable[[], Coroutine[Any, Any, str]]:
    if not scopes:
        raise ValueError("get_bearer_token_provider needs at least one scope.")
    if isinstance(credential, InteractiveCredential):
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
