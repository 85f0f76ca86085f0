"""The async credential that asks others, one after another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential

from azid.aio.bearer_token import blocks
from azid.aio.parity import documented_as
from azid.chain import Chain, access_token_call, options_of, require_credentials, token_info_call
from azid.credentials.chained import ChainedTokenCredential as SyncChain
from azid.credentials.pickled import PickledAsMade

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ChainedTokenCredential"]

Token = TypeVar("Token", AccessToken, AccessTokenInfo)


@documented_as(SyncChain)
class ChainedTokenCredential(PickledAsMade):
    def __init__(self, *credentials: AsyncTokenCredential | AsyncSupportsTokenInfo) -> None:
        require_credentials(credentials)
        for credential in credentials:
            if blocks(credential):
                raise TypeError(
                    f"{type(credential).__name__} is a sync credential, which would block the event loop: use its "
                    "async namesake, as azid.aio has them, or azid.ChainedTokenCredential in another thread."
                )
        self.credentials = credentials
        self._chain = Chain(type(self).__name__, credentials)

    @documented_as(SyncChain.get_token)
    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        options = options_of(claims=claims, tenant_id=tenant_id, enable_cae=enable_cae)
        return await self._run(
            self._chain.asking(scopes, lambda credential: access_token_call(credential, scopes, options, kwargs))
        )

    @documented_as(SyncChain.get_token_info)
    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        given: TokenRequestOptions = {} if options is None else options
        return await self._run(
            self._chain.asking(scopes, lambda credential: token_info_call(credential, scopes, given))
        )

    @documented_as(SyncChain.close)
    async def close(self) -> None:
        await self.__aexit__()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as entered:
            for credential in self.credentials:
                if hasattr(credential, "__aenter__"):
                    await entered.enter_async_context(credential)
            entered.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        async with AsyncExitStack() as closing:  # all of them, although one may fail
            for credential in reversed(self.credentials):
                if hasattr(credential, "__aexit__"):
                    closing.push_async_callback(credential.__aexit__, exc_type, exc_value, traceback)
                elif hasattr(credential, "close"):
                    closing.push_async_callback(credential.close)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.credentials))})"

    @staticmethod
    async def _run(steps: Generator[Callable[[], Awaitable[Any]], Any, Token]) -> Token:
        """Make and await the calls that a chain wants made, and return its token."""
        try:
            call = next(steps)
            while True:
                answer = error = None
                try:
                    answer = await call()
                except Exception as caught:
                    error = caught
                call = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            token: Token = end.value
            return token
        finally:
            steps.close()
