"""A function that returns tokens: azid's credentials are asked each time, others when azure-core's policy asks them."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

from azid import DeviceCodeCredential, get_bearer_token_provider
from azid.aio import DeviceCodeCredential as AsyncDeviceCodeCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from tests.conftest import ADA, BOB, GRAPH, VAULT, Prompt
from tests.support.chat import Chat

HOUR, NEARLY_NOTHING = 3600, 60
"""Seconds that a token lives. azure-core gets a new one from four to five minutes before the old one's end."""


class ForeignCredential:
    """The least that azure-core calls a credential."""

    def __init__(self, lifetime: int) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._lifetime = lifetime

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        self.asked.append(scopes)
        return AccessToken(f"token {len(self.asked)}", int(time.time()) + self._lifetime)


class NewerForeignCredential:
    """It offers the newer of azure-core's two methods only, and tells when it wants to be asked anew."""

    def __init__(self, refresh_in: int) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._refresh_in = refresh_in

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        self.asked.append(scopes)
        now = int(time.time())
        return AccessTokenInfo(f"token {len(self.asked)}", now + HOUR, refresh_on=now + self._refresh_in)

    def close(self) -> None: ...

    def __enter__(self) -> NewerForeignCredential:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...


class AsyncForeignCredential:
    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        raise AssertionError("nobody should ask")


def test_the_token_is_the_credentials(credential: DeviceCodeCredential) -> None:
    provide = get_bearer_token_provider(credential, GRAPH)
    assert provide() == credential.get_token(GRAPH).token


def test_a_client_that_takes_a_function_is_signed_in(credential: DeviceCodeCredential, entra: Emulator) -> None:
    chat = Chat(entra, get_bearer_token_provider(credential, entra.resource_scope))
    assert [chat.whom_it_talks_to() for _ in range(3)] == [ADA.username] * 3
    assert len(entra.token_requests()) == 1


def test_a_token_that_is_about_to_expire_is_refreshed(
    credential: DeviceCodeCredential, entra: Emulator, clock: ManualClock, prompt: Prompt
) -> None:
    provide = get_bearer_token_provider(credential, GRAPH)
    first = provide()
    clock.advance(HOUR * 2)
    assert provide() != first
    assert len(entra.token_requests("refresh_token")) == 1
    assert len(prompt.shown) == 1


def test_nobodys_token_is_handed_out_after_signing_out(credential: DeviceCodeCredential, prompt: Prompt) -> None:
    provide = get_bearer_token_provider(credential, GRAPH)
    first = provide()
    credential.sign_out()
    assert provide() != first
    assert len(prompt.shown) == 2


def test_another_account_is_noticed(credential: DeviceCodeCredential, entra: Emulator, prompt: Prompt) -> None:
    chat = Chat(entra, get_bearer_token_provider(credential, entra.resource_scope))
    assert chat.whom_it_talks_to() == ADA.username
    prompt.person = Person(BOB.username, BOB.password, entra=entra)
    credential.authenticate(entra.resource_scope)
    assert chat.whom_it_talks_to() == BOB.username


def test_another_credential_is_asked_once_while_its_token_lives() -> None:
    credential = ForeignCredential(HOUR)
    provide = get_bearer_token_provider(credential, GRAPH, VAULT)
    assert [provide() for _ in range(3)] == ["token 1"] * 3
    assert credential.asked == [(GRAPH, VAULT)]


def test_another_credential_is_asked_anew_when_its_token_is_about_to_expire() -> None:
    credential = ForeignCredential(NEARLY_NOTHING)
    provide = get_bearer_token_provider(credential, GRAPH)
    assert [provide() for _ in range(3)] == ["token 1", "token 2", "token 3"]


@pytest.mark.parametrize(("refresh_in", "asked"), [(HOUR // 2, 1), (-HOUR, 3)])
def test_another_credential_is_asked_anew_when_it_wants_to_be(refresh_in: int, asked: int) -> None:
    credential = NewerForeignCredential(refresh_in)
    provide = get_bearer_token_provider(credential, GRAPH)
    assert [provide() for _ in range(3)][-1] == f"token {asked}"
    assert len(credential.asked) == asked


def test_no_scope_is_refused(credential: DeviceCodeCredential) -> None:
    with pytest.raises(ValueError, match="at least one scope"):
        get_bearer_token_provider(credential)


@pytest.mark.parametrize("kind", [AsyncDeviceCodeCredential, AsyncForeignCredential])
def test_an_async_credential_is_refused(kind: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"async credential: use azid\.aio\.get_bearer_token_provider"):
        get_bearer_token_provider(kind(), GRAPH)


@pytest.mark.parametrize("key", ["sk-secret", None])
def test_what_is_no_credential_is_refused(key: Any) -> None:
    with pytest.raises(TypeError, match="needs a credential") as refused:
        get_bearer_token_provider(key, GRAPH)
    assert "secret" not in str(refused.value)
