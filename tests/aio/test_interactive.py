from __future__ import annotations

import itertools
import pickle
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError

import azid
from azid import CredentialUnavailableError, TokenCachePersistenceOptions
from azid.aio import DeviceCodeCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from azid.tokens.stores.memory import MemoryTokenStore
from tests.aio.conftest import (
    GIVE_UP,
    Asking,
    PendingPrompt,
    assert_no_thread_is_left,
    at_once,
    happens,
    in_tasks,
    in_thread,
    joined,
)
from tests.conftest import ADA, GRAPH, VAULT, Prompt

pytestmark = pytest.mark.anyio

Make = Callable[..., DeviceCodeCredential]
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1767225600"}}}'
LIFETIME = 7200  # seconds after which no token is valid


class TestAFreshToken:
    async def test_is_returned_without_a_thread_or_a_task_switch(self, async_credential: DeviceCodeCredential) -> None:
        token = await async_credential.get_token(GRAPH)
        threads = threading.enumerate()
        assert at_once(async_credential.get_token(GRAPH)) is token
        assert isinstance(token, AccessToken)
        assert at_once(async_credential.get_token_info(GRAPH)).token == token.token
        assert threading.enumerate() == threads

    async def test_comes_with_what_is_known_about_it(self, async_credential: DeviceCodeCredential) -> None:
        info = await async_credential.get_token_info(GRAPH)
        assert isinstance(info, AccessTokenInfo)
        assert at_once(async_credential.get_token_info(GRAPH)) is info
        assert at_once(async_credential.get_token(GRAPH)) == AccessToken(info.token, info.expires_on)

    async def test_needs_no_loop_of_those_that_anyio_knows(self, async_credential: DeviceCodeCredential) -> None:
        token = await async_credential.get_token(GRAPH)
        assert await in_thread(lambda: at_once(async_credential.get_token(GRAPH))) is token

    async def test_does_not_do_for_claims(
        self, async_credential: DeviceCodeCredential, prompt: Prompt, entra: Emulator
    ) -> None:
        first = await async_credential.get_token(GRAPH)
        second = await async_credential.get_token(GRAPH, claims=CLAIMS)
        third = await async_credential.get_token_info(GRAPH, options={"claims": CLAIMS})
        assert len({first.token, second.token, third.token}) == 3
        assert [request.form["claims"] for request in entra.token_requests("refresh_token")] == [CLAIMS] * 2
        assert len(prompt.shown) == 1

    async def test_does_not_do_for_another_tenant(
        self, make_async_credential: Make, prompt: Prompt, clock: ManualClock
    ) -> None:
        fabrikam = "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"
        entra = Emulator(users=[ADA], clock=clock, tenants={"fabrikam.example": fabrikam})
        prompt.person = Person(ADA.username, ADA.password, entra=entra)
        credential = make_async_credential(transport=entra.transport(), additionally_allowed_tenants=["*"])
        token = await credential.get_token(GRAPH)
        fabrikams = await credential.get_token(GRAPH, tenant_id=fabrikam)
        assert fabrikams != token
        assert at_once(credential.get_token(GRAPH)) is token
        assert at_once(credential.get_token(GRAPH, tenant_id=fabrikam)) is fabrikams
        assert at_once(credential.get_token_info(GRAPH, options={"tenant_id": fabrikam})).token == fabrikams.token
        with pytest.raises(ValueError, match="no tenant ID"):
            await credential.get_token(GRAPH, tenant_id="no tenant")

    async def test_does_not_do_for_cae(self, async_credential: DeviceCodeCredential, prompt: Prompt) -> None:
        token = await async_credential.get_token(GRAPH)
        with_cae = await async_credential.get_token(GRAPH, enable_cae=True)
        assert token != with_cae
        assert at_once(async_credential.get_token(GRAPH, enable_cae=True)) is with_cae
        assert len(prompt.shown) == 1

    async def test_does_not_outlive_itself(
        self, async_credential: DeviceCodeCredential, clock: ManualClock, entra: Emulator
    ) -> None:
        token = await async_credential.get_token(GRAPH)
        clock.advance(LIFETIME)
        assert await async_credential.get_token(GRAPH) != token
        assert len(entra.token_requests("refresh_token")) == 1

    @pytest.mark.parametrize("scopes", [(), ("",), (["a", "list"],), (7,)])
    async def test_is_not_looked_up_for_what_are_no_scopes(
        self, async_credential: DeviceCodeCredential, scopes: Any
    ) -> None:
        with pytest.raises((ValueError, TypeError)):
            await async_credential.get_token(*scopes)
        with pytest.raises((ValueError, TypeError)):
            await async_credential.get_token_info(*scopes)


class TestAThousandTasks:
    async def test_at_a_first_sign_in_make_one_prompt(
        self, async_credential: DeviceCodeCredential, prompt: Prompt
    ) -> None:
        tokens = await in_tasks(1000, lambda: async_credential.get_token(GRAPH))
        assert len({token.token for token in tokens}) == 1
        assert len(prompt.shown) == 1

    async def test_at_an_expired_token_make_one_refresh(
        self, async_credential: DeviceCodeCredential, entra: Emulator, clock: ManualClock, prompt: Prompt
    ) -> None:
        await async_credential.get_token(GRAPH)
        clock.advance(LIFETIME)
        tokens = await in_tasks(1000, lambda: async_credential.get_token(GRAPH))
        assert len({token.token for token in tokens}) == 1
        assert len(entra.token_requests("refresh_token")) == 1
        assert len(prompt.shown) == 1

    async def test_may_mix_both_ways_of_asking(
        self, async_credential: DeviceCodeCredential, entra: Emulator, clock: ManualClock, prompt: Prompt
    ) -> None:
        ways: list[Callable[..., Awaitable[Any]]] = [async_credential.get_token, async_credential.get_token_info]
        asked = itertools.cycle(ways)
        tokens = await in_tasks(1000, lambda: next(asked)(GRAPH))
        assert sum(isinstance(token, AccessTokenInfo) for token in tokens) == 500
        assert len({token.token for token in tokens}) == 1
        clock.advance(LIFETIME)
        tokens = await in_tasks(1000, lambda: next(asked)(GRAPH))
        assert len({token.token for token in tokens}) == 1
        assert (len(prompt.shown), len(entra.token_requests("refresh_token"))) == (1, 1)

    async def test_are_all_told_of_a_failure(
        self, async_credential: DeviceCodeCredential, entra: Emulator, prompt: Prompt
    ) -> None:
        prompt.person = Person(ADA.username, ADA.password, entra=entra, then="deny")
        errors = await in_tasks(1000, lambda: async_credential.get_token(GRAPH))
        assert all(isinstance(error, ClientAuthenticationError) and "declined" in str(error) for error in errors)
        assert len(prompt.shown) == 1
        prompt.person = Person(ADA.username, ADA.password, entra=entra)
        assert await async_credential.get_token(GRAPH)

    async def test_may_all_be_cancelled(self, make_async_credential: Make, pending: PendingPrompt) -> None:
        credential = make_async_credential(prompt_callback=pending)
        async with anyio.create_task_group() as tasks:
            for _ in range(1000):
                tasks.start_soon(credential.get_token, GRAPH)
            await pending.is_shown()
            tasks.cancel_scope.cancel()
        await in_thread(assert_no_thread_is_left)
        assert len(pending.shown) == 1


async def test_tasks_that_want_other_scopes_go_silent_after_the_prompt(
    async_credential: DeviceCodeCredential, prompt: Prompt, entra: Emulator
) -> None:
    scopes = iter([f"api://resource-{number}/.default" for number in range(20)])
    tokens = await in_tasks(20, lambda: async_credential.get_token(next(scopes)))
    assert len({token.token for token in tokens}) == 20
    assert len(prompt.shown) == 1
    assert len(entra.token_requests("refresh_token")) == 19


class TestAnAccount:
    async def test_is_returned_listed_and_signed_out(
        self, make_async_credential: Make, prompt: Prompt, entra: Emulator
    ) -> None:
        store = MemoryTokenStore(personal=True)
        credential = make_async_credential(cache_persistence_options=TokenCachePersistenceOptions(store=store))
        record = await credential.authenticate(GRAPH)
        assert record.username == ADA.username
        assert await credential.accounts() == [record]
        await credential.sign_out()
        assert await credential.accounts() == []
        assert await credential.get_token(GRAPH)
        assert len(prompt.shown) == 2

    async def test_is_asked_for_anew_by_every_authenticate(
        self, async_credential: DeviceCodeCredential, prompt: Prompt
    ) -> None:
        records = await in_tasks(3, lambda: async_credential.authenticate(scopes=[GRAPH]))
        assert [record.username for record in records] == [ADA.username] * 3
        assert len(prompt.shown) == 3

    async def test_is_shared_with_a_sync_credential_on_the_same_store(
        self, make_async_credential: Make, make_credential: Callable[..., azid.DeviceCodeCredential], prompt: Prompt
    ) -> None:
        options = TokenCachePersistenceOptions(store=MemoryTokenStore(personal=True))
        own = make_async_credential(cache_persistence_options=options)
        other = make_credential(cache_persistence_options=options)
        token = await own.get_token(GRAPH)
        assert await in_thread(lambda: other.get_token(GRAPH)) == token
        vault = await in_thread(lambda: other.get_token(VAULT))
        assert await own.get_token(VAULT) == vault
        await in_thread(other.sign_out)
        assert await own.accounts() == []
        assert len(prompt.shown) == 1


async def test_constructing_opens_no_store_and_its_error_comes_with_the_first_use(
    make_async_credential: Make, tmp_path: Any
) -> None:
    options = TokenCachePersistenceOptions(name="no/file's name")
    credential = make_async_credential(cache_persistence_options=options)
    for _ in range(2):
        with pytest.raises((CredentialUnavailableError, ValueError)):
            await credential.accounts()


@pytest.mark.parametrize("backends", [("asyncio", "asyncio"), ("asyncio", "trio"), ("trio", "trio")])
@pytest.mark.parametrize("leaves", [False, True])
def test_two_loops_share_a_prompt(
    make_async_credential: Make, pending: PendingPrompt, backends: tuple[str, str], leaves: bool
) -> None:
    credential = make_async_credential(prompt_callback=pending)
    first_ended, second_has_joined = threading.Event(), threading.Event()
    outcomes: list[Any] = []

    async def first() -> None:
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            tasks.start_soon(asking.run)
            await pending.is_shown()
            await happens(second_has_joined)
            if leaves:
                await asking.cancel()
            else:
                await pending.answer()
            outcomes.append(await asking.end())
        first_ended.set()

    async def second() -> None:
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            with anyio.fail_after(GIVE_UP):
                while not pending.shown:
                    await checkpoint()
            tasks.start_soon(asking.run)
            await joined()
            second_has_joined.set()
            if leaves:
                await happens(first_ended)
                await pending.answer()
            outcomes.append(await asking.end())

    threads = [
        threading.Thread(target=partial(anyio.run, main, backend=backend), daemon=True)
        for main, backend in zip((first, second), backends, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GIVE_UP)
    assert len(pending.shown) == 1
    assert len(outcomes) == 2
    assert [outcome is None for outcome in sorted(outcomes, key=lambda outcome: outcome is not None)] == [leaves, False]


def test_one_credential_may_serve_one_loop_after_another(make_async_credential: Make, prompt: Prompt) -> None:
    credential = make_async_credential()
    tokens = {
        anyio.run(partial(credential.get_token, scope), backend=backend).token
        for backend in ("asyncio", "trio")
        for scope in (GRAPH, GRAPH, VAULT)
    }
    assert len(tokens) == 2
    assert len(prompt.shown) == 1


async def show_nothing(verification_uri: str, user_code: str, expires_on: datetime) -> None: ...


def test_a_pickled_credential_is_the_same_without_tokens() -> None:
    credential = DeviceCodeCredential(
        tenant_id="contoso.example",
        prompt_callback=show_nothing,
        cache_persistence_options=TokenCachePersistenceOptions(name="mine"),
    )
    copy = pickle.loads(pickle.dumps(credential))
    assert type(copy) is DeviceCodeCredential
    assert repr(copy) == repr(credential)
    assert "contoso.example" in repr(copy)


async def test_a_pickled_credential_knows_its_account(make_async_credential: Make) -> None:
    credential = DeviceCodeCredential(disable_automatic_authentication=True)
    copy = pickle.loads(pickle.dumps(credential))
    with pytest.raises(azid.AuthenticationRequiredError):
        await copy.get_token(GRAPH)
    await copy.close()
