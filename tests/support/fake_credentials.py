"""Credentials as anybody may write them: simple ones, sync and async, that do what a test has scripted."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from azure.core.credentials import AccessToken, AccessTokenInfo

import azid
import azid.aio

__all__ = ["ASYNC", "SYNC", "Fake", "Kind"]


class Fake:
    """What all of them share: a script, and a note of each call.

    :param outcome: what they return, or raise; a token if it is text.
    """

    def __init__(self, outcome: object = "token") -> None:
        self.outcome = outcome
        self.calls: list[tuple[str, tuple[str, ...], dict[str, Any]]] = []
        self.happened: list[str] = []

    def answer(self, method: str, scopes: tuple[str, ...], options: dict[str, Any]) -> Any:
        self.calls.append((method, scopes, options))
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        if callable(self.outcome):
            return self.outcome()
        if not isinstance(self.outcome, str):
            return self.outcome
        return (AccessToken if method == "get_token" else AccessTokenInfo)(self.outcome, 4_000_000_000)

    def note(self, what: str) -> None:
        self.happened.append(what)


class Full(Fake):
    """Has both methods, and can be closed."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        token: AccessToken = self.answer("get_token", scopes, options)
        return token

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        token: AccessTokenInfo = self.answer("get_token_info", scopes, options)
        return token

    def close(self) -> None:
        self.note("close")

    def __enter__(self) -> Full:
        self.note("enter")
        return self

    def __exit__(self, *details: object) -> None:
        self.note(f"exit {[getattr(detail, '__name__', detail) for detail in details[:1]]}")


class TokenOnly(Fake):
    """The simplest of all."""

    def get_token(self, *scopes: str) -> AccessToken:
        token: AccessToken = self.answer("get_token", scopes, {})
        return token


class TokenWithOptions(Fake):
    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        token: AccessToken = self.answer("get_token", scopes, options)
        return token

    def close(self) -> None:
        self.note("close")


class InfoOnly(Fake):
    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        token: AccessTokenInfo = self.answer("get_token_info", scopes, options)
        return token


class AsyncFull(Fake):
    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        token: AccessToken = self.answer("get_token", scopes, options)
        return token

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        token: AccessTokenInfo = self.answer("get_token_info", scopes, options)
        return token

    async def close(self) -> None:
        self.note("close")

    async def __aenter__(self) -> AsyncFull:
        self.note("enter")
        return self

    async def __aexit__(self, *details: object) -> None:
        self.note(f"exit {[getattr(detail, '__name__', detail) for detail in details[:1]]}")


class AsyncTokenOnly(Fake):
    async def get_token(self, *scopes: str) -> AccessToken:
        token: AccessToken = self.answer("get_token", scopes, {})
        return token


class AsyncTokenWithOptions(Fake):
    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        token: AccessToken = self.answer("get_token", scopes, options)
        return token

    async def close(self) -> None:
        self.note("close")


class AsyncInfoOnly(Fake):
    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        token: AccessTokenInfo = self.answer("get_token_info", scopes, options)
        return token


class Kind:
    """Sync or async: the same names for both.

    :param library: `azid`, or `azid.aio`.
    :param is_async: which it is.
    """

    def __init__(self, library: Any, *, is_async: bool) -> None:
        self.library = library
        self.is_async = is_async
        self.full: Callable[..., Fake] = AsyncFull if is_async else Full
        self.token_only: Callable[..., Fake] = AsyncTokenOnly if is_async else TokenOnly
        self.token_with_options: Callable[..., Fake] = AsyncTokenWithOptions if is_async else TokenWithOptions
        self.info_only: Callable[..., Fake] = AsyncInfoOnly if is_async else InfoOnly

    def chain(self, *credentials: object) -> Any:
        return self.library.ChainedTokenCredential(*credentials)

    def do(self, call: Callable[[], Any]) -> Any:
        """Make a call, and wait for what it returns."""
        if not self.is_async:
            return call()

        async def wait() -> Any:
            returned = call()
            return await returned if inspect.isawaitable(returned) else returned

        return asyncio.run(wait())

    def within(self, credential: Any, inside: Callable[[], object]) -> None:
        """Make a call in a `with` block of a credential."""
        if not self.is_async:
            with credential:
                inside()
            return

        async def enter() -> None:
            async with credential:
                inside()

        asyncio.run(enter())


SYNC = Kind(azid, is_async=False)
ASYNC = Kind(azid.aio, is_async=True)
