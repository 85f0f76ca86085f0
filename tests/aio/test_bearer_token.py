"""A function whose result is awaited for a token, under asyncio and trio."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock

import anyio
import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.credentials_async import AsyncTokenCredential

import azid
from azid.aio import DeviceCodeCredential, get_bearer_token_provider
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from tests.conftest import ADA, BOB, GRAPH, VAULT, Prompt
from tests.support.chat import AsyncChat

pytestmark = pytest.mark.anyio

HOUR, NEARLY_NOTHING = 3600, 60
"""Seconds that a token lives. azure-core gets a new one from four to five minutes before the old one's end."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    return Emulator(users=[ADA, BOB], clock=clock)


@pytest.fixture
async def credential(entra: Emulator, clock: ManualClock, prompt: Prompt) -> AsyncIterator[DeviceCodeCredential]:
    async with DeviceCodeCredential(transport=entra.transport(), prompt_callback=prompt, clock=clock) as credential:
        yield credential


class _ForeignCredential:
    """What azure-core's protocols for credentials ask for beside getting tokens."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def close(self) -> None: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...


class ForeignCredential(_ForeignCredential):
    def __init__(self, lifetime: int) -> None:
        super().__init__()
        self._lifetime = lifetime

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        self.asked.append(scopes)
        await anyio.sleep(0)  # so that others come in between
        return AccessToken(f"token {len(self.asked)}", int(time.time()) + self._lifetime)

    async def __aenter__(self) -> ForeignCredential:
        return self


class NewerForeignCredential(_ForeignCredential):
    """It offers the newer of azure-core's two methods only, and tells when it wants to be asked anew."""

    def __init__(self, refresh_in: int) -> None:
        super().__init__()
        self._refresh_in = refresh_in

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        self.asked.append(scopes)
        now = int(time.time())
        return AccessTokenInfo(f"token {len(self.asked)}", now + HOUR, refresh_on=now + self._refresh_in)

    async def __aenter__(self) -> NewerForeignCredential:
        return self


class DelegatingCredential(_ForeignCredential):
    """It is async without a function that is: it hands on what another one returns."""

    def __init__(self, inner: AsyncTokenCredential) -> None:
        super().__init__()
        self._inner = inner

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, AccessToken]:
        return self._inner.get_token(*scopes)

    async def __aenter__(self) -> DelegatingCredential:
        return self


class SyncForeignCredential:
    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        raise AssertionError("nobody should ask")


async def test_the_token_is_the_credentials(credential: DeviceCodeCredential) -> None:
    provide = get_bearer_token_provider(credential, GRAPH)
    assert await provide() == (await credential.get_token(GRAPH)).token


async def test_a_client_that_takes_a_function_is_signed_in(credential: DeviceCodeCredential, entra: Emulator) -> None:
    chat = AsyncChat(entra, get_bearer_token_provider(credential, entra.resource_scope))
    assert [await chat.whom_it_talks_to() for _ in range(3)] == [ADA.username] * 3
    assert len(entra.token_requests()) == 1


async def test_a_token_that_is_about_to_expire_is_refreshed(
    credential: DeviceCodeCredential, entra: Emulator, clock: ManualClock, prompt: Prompt
) -> None:
    provide = get_bearer_token_provider(credential, GRAPH)
    first = await provide()
    clock.advance(HOUR * 2)
    assert await provide() != first
    assert len(entra.token_requests("refresh_token")) == 1
    assert len(prompt.shown) == 1


async def test_nobodys_token_is_handed_out_after_signing_out(credential: DeviceCodeCredential, prompt: Prompt) -> None:
    provide = get_bearer_token_provider(credential, GRAPH)
    first = await provide()
    await credential.sign_out()
    assert await provide() != first
    assert len(prompt.shown) == 2


async def test_another_account_is_noticed(credential: DeviceCodeCredential, entra: Emulator, prompt: Prompt) -> None:
    chat = AsyncChat(entra, get_bearer_token_provider(credential, entra.resource_scope))
    assert await chat.whom_it_talks_to() == ADA.username
    prompt.person = Person(BOB.username, BOB.password, entra=entra)
    await credential.authenticate(entra.resource_scope)
    assert await chat.whom_it_talks_to() == BOB.username


async def test_requests_that_begin_at_once_share_one_sign_in(
    credential: DeviceCodeCredential, entra: Emulator, prompt: Prompt
) -> None:
    chat = AsyncChat(entra, get_bearer_token_provider(credential, entra.resource_scope))
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(chat.whom_it_talks_to)
    assert len(prompt.shown) == 1


async def test_another_credential_is_asked_once_while_its_token_lives() -> None:
    credential = ForeignCredential(HOUR)
    provide = get_bearer_token_provider(credential, GRAPH, VAULT)
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(provide)
    assert await provide() == "token 1"
    assert credential.asked == [(GRAPH, VAULT)]


async def test_another_credential_is_asked_anew_when_its_token_is_about_to_expire() -> None:
    credential = ForeignCredential(NEARLY_NOTHING)
    provide = get_bearer_token_provider(credential, GRAPH)
    assert [await provide() for _ in range(3)] == ["token 1", "token 2", "token 3"]


@pytest.mark.parametrize(("refresh_in", "asked"), [(HOUR // 2, 1), (-HOUR, 3)])
async def test_another_credential_is_asked_anew_when_it_wants_to_be(refresh_in: int, asked: int) -> None:
    credential = NewerForeignCredential(refresh_in)
    provide = get_bearer_token_provider(credential, GRAPH)
    assert [await provide() for _ in range(3)][-1] == f"token {asked}"
    assert len(credential.asked) == asked


@pytest.mark.parametrize(
    "make",
    [
        lambda get: DelegatingCredential(ForeignCredential(HOUR)),
        lambda get: Mock(spec_set=["get_token"], get_token=get),
        lambda get: MagicMock(spec=AsyncTokenCredential, get_token=get),
    ],
)
async def test_what_may_be_awaited_counts_as_async(make: Callable[[AsyncMock], Any]) -> None:
    credential = make(AsyncMock(return_value=AccessToken("token 1", 2**40)))
    assert await get_bearer_token_provider(credential, GRAPH)() == "token 1"


async def test_no_scope_is_refused(credential: DeviceCodeCredential) -> None:
    with pytest.raises(ValueError, match="at least one scope"):
        get_bearer_token_provider(credential)


@pytest.mark.parametrize("kind", [azid.DeviceCodeCredential, SyncForeignCredential])
async def test_a_sync_credential_is_refused(kind: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="sync credential, which would block the event loop: use"):
        get_bearer_token_provider(kind(), GRAPH)


async def test_what_is_no_credential_is_refused() -> None:
    key: Any = "sk-secret"
    with pytest.raises(TypeError, match="needs a credential") as refused:
        get_bearer_token_provider(key, GRAPH)
    assert "secret" not in str(refused.value)
