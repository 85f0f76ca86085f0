"""Leaving a call: cancelled tasks and timeouts."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint
from azure.core.credentials import AccessToken

from azid import TokenCachePersistenceOptions
from azid.aio import DeviceCodeCredential, InteractiveBrowserCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from azid.tokens.stores.memory import MemoryTokenStore
from tests.aio.conftest import (
    GIVE_UP,
    Asking,
    HeldTransport,
    PendingPrompt,
    assert_no_thread_is_left,
    at_once,
    at_work,
    happens,
    in_thread,
    joined,
)
from tests.conftest import ADA, GRAPH, VAULT, Prompt

pytestmark = pytest.mark.anyio

Make = Callable[..., DeviceCodeCredential]
Call = Callable[[], Awaitable[object]]
LIFETIME = 7200  # seconds after which no token is valid


def opening(opened: threading.Event) -> Callable[[str], bool]:
    """Return what opens a browser that nobody looks at."""

    def open_browser(_: str) -> bool:
        opened.set()
        return True

    return open_browser


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class TestACancelledTask:
    async def test_closes_the_port_that_it_opened(self, entra: Emulator, clock: ManualClock) -> None:
        port, opened = free_port(), threading.Event()
        credential = InteractiveBrowserCredential(
            transport=entra.transport(),
            clock=clock,
            redirect_uri=f"http://127.0.0.1:{port}",
            open_browser=opening(opened),
        )
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            tasks.start_soon(asking.run)
            await happens(opened)
            with pytest.raises(OSError, match="in use"):
                socket.create_server(("127.0.0.1", port))
            await asking.cancel()
            socket.create_server(("127.0.0.1", port)).close()
        await in_thread(assert_no_thread_is_left)

    async def test_can_ask_again_with_the_same_port(self, entra: Emulator, clock: ManualClock) -> None:
        opened, person = threading.Event(), Person(ADA.username, ADA.password, entra=entra)
        credential = InteractiveBrowserCredential(
            transport=entra.transport(),
            clock=clock,
            redirect_uri=f"http://127.0.0.1:{free_port()}",
            open_browser=lambda uri: person.open(uri) if opened.is_set() else opening(opened)(uri),
        )
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            tasks.start_soon(asking.run)
            await happens(opened)
            await asking.cancel()
        assert await credential.get_token(GRAPH)
        await in_thread(person.join)
        assert "You are signed in" in person.last_page

    async def test_stops_the_polling(
        self, make_async_credential: Make, pending: PendingPrompt, entra: Emulator
    ) -> None:
        credential = make_async_credential(prompt_callback=pending)
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            tasks.start_soon(asking.run)
            await pending.is_shown()
            with anyio.fail_after(GIVE_UP):
                while len(entra.token_requests()) < 3:
                    await checkpoint()
            await asking.cancel()
        await in_thread(assert_no_thread_is_left)  # nobody is there who could go on
        await pending.answer()
        assert await credential.accounts() == []

    async def test_leaves_those_served_that_want_the_same(
        self, make_async_credential: Make, pending: PendingPrompt
    ) -> None:
        credential = make_async_credential(prompt_callback=pending)
        async with anyio.create_task_group() as tasks:
            askings = [Asking(partial(credential.get_token, GRAPH)) for _ in range(3)]
            for asking in askings:
                tasks.start_soon(asking.run)
            await pending.is_shown()
            await askings[0].cancel()
            await askings[1].cancel()
            await pending.answer()
            assert isinstance(await askings[2].end(), AccessToken)
        assert len(pending.shown) == 1

    @pytest.mark.parametrize("method", ["get_token", "get_token_info"])
    async def test_leaves_those_served_that_want_something_else(
        self, make_async_credential: Make, pending: PendingPrompt, method: str
    ) -> None:
        credential = make_async_credential(prompt_callback=pending)
        async with anyio.create_task_group() as tasks:
            first = Asking(partial(credential.get_token, GRAPH))
            second = Asking(partial(getattr(credential, method), VAULT))
            tasks.start_soon(first.run)
            await pending.is_shown()
            tasks.start_soon(second.run)
            await joined()
            await first.cancel()
            await pending.answer()
            assert (await second.end()).token
        assert len(pending.shown) == 1

    async def test_takes_its_async_prompt_away_and_others_show_theirs(
        self, make_async_credential: Make, pending: PendingPrompt
    ) -> None:
        left = anyio.Event()

        async def show(*shown: Any) -> None:
            pending(*shown)
            try:
                await (anyio.sleep_forever() if len(pending.shown) == 1 else pending.answer())
            finally:
                left.set()

        credential = make_async_credential(prompt_callback=show)
        async with anyio.create_task_group() as tasks:
            first, second = (Asking(partial(credential.get_token, scope)) for scope in (GRAPH, VAULT))
            tasks.start_soon(first.run)
            await pending.is_shown()
            tasks.start_soon(second.run)
            await joined()
            await first.cancel()
            assert left.is_set()
            assert isinstance(await second.end(), AccessToken)
        assert len(pending.shown) == 2

    async def test_leaves_them_a_failure_as_well(
        self, make_async_credential: Make, pending: PendingPrompt, entra: Emulator, prompt: Prompt
    ) -> None:
        credential = make_async_credential(prompt_callback=pending)
        async with anyio.create_task_group() as tasks:
            first = Asking(partial(credential.get_token, GRAPH))
            others = [Asking(partial(credential.get_token, scope)) for scope in (VAULT, "api://third/.default")]
            tasks.start_soon(first.run)
            await pending.is_shown()
            for other in others:
                tasks.start_soon(other.run)
            await joined(2)
            await first.cancel()
            denying = Person(ADA.username, ADA.password, entra=entra, then="deny")
            await in_thread(partial(denying.enter_code, *pending.shown[0]))
            assert ["declined" in str(await other.end()) for other in others] == [True, True]
        assert len(pending.shown) == 1

    async def test_that_is_the_last_ends_the_prompt_whoever_began_it(
        self, make_async_credential: Make, pending: PendingPrompt
    ) -> None:
        credential = make_async_credential(prompt_callback=pending)
        async with anyio.create_task_group() as tasks:
            first, second = (Asking(partial(credential.get_token, scope)) for scope in (GRAPH, VAULT))
            tasks.start_soon(first.run)
            await pending.is_shown()
            tasks.start_soon(second.run)
            await joined()
            await first.cancel()
            assert len(at_work()) == 2
            await second.cancel()
            await in_thread(assert_no_thread_is_left)
        assert len(pending.shown) == 1

    async def test_ends_its_prompt_although_authenticate_waits_for_the_next(
        self, make_async_credential: Make, pending: PendingPrompt
    ) -> None:
        credential = make_async_credential(prompt_callback=pending)
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            authenticating = Asking(partial(credential.authenticate, VAULT))
            tasks.start_soon(asking.run)
            await pending.is_shown()
            tasks.start_soon(authenticating.run)
            await joined()
            await asking.cancel()
            await pending.is_shown()
            await pending.answer()
            assert (await authenticating.end()).username == ADA.username
        assert len(pending.shown) == 2

    async def test_that_waits_to_authenticate_leaves_the_prompt_to_others(
        self, make_async_credential: Make, pending: PendingPrompt
    ) -> None:
        credential = make_async_credential(prompt_callback=pending)
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            authenticating = Asking(partial(credential.authenticate, VAULT))
            tasks.start_soon(asking.run)
            await pending.is_shown()
            tasks.start_soon(authenticating.run)
            await joined()
            await authenticating.cancel()
            await pending.answer()
            assert isinstance(await asking.end(), AccessToken)
        assert len(pending.shown) == 1

    async def test_is_told_in_its_own_prompt(self, make_async_credential: Make) -> None:
        shown, ended = anyio.Event(), anyio.Event()

        async def show(verification_uri: str, user_code: str, expires_on: datetime) -> None:
            try:
                shown.set()
                await anyio.sleep_forever()
            finally:
                ended.set()

        credential = make_async_credential(prompt_callback=show)
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            tasks.start_soon(asking.run)
            await shown.wait()
            await asking.cancel()
            assert ended.is_set()
        await in_thread(assert_no_thread_is_left)

    async def test_prompts_anew_when_it_asks_again(self, make_async_credential: Make, pending: PendingPrompt) -> None:
        store = MemoryTokenStore()
        credential = make_async_credential(
            prompt_callback=pending, cache_persistence_options=TokenCachePersistenceOptions(store=store)
        )
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                asking = Asking(partial(credential.get_token, GRAPH))
                tasks.start_soon(asking.run)
                await pending.is_shown()
                await asking.cancel()
                assert store.read(cae=False) == {}
            asking = Asking(partial(credential.get_token, GRAPH))
            tasks.start_soon(asking.run)
            await pending.is_shown()
            await pending.answer()
            assert isinstance(await asking.end(), AccessToken)
        assert len(pending.shown) == 4

    async def test_does_not_wait_for_a_request_that_hangs_and_its_token_is_kept(
        self, make_async_credential: Make, prompt: Prompt, held: HeldTransport
    ) -> None:
        store = MemoryTokenStore()
        credential = make_async_credential(
            transport=held, cache_persistence_options=TokenCachePersistenceOptions(store=store)
        )
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            tasks.start_soon(asking.run)
            await happens(held.arrived)
            await asking.cancel()
        assert not held.release.is_set()
        assert store.read(cae=False) == {}
        held.release.set()
        await in_thread(assert_no_thread_is_left)
        assert set(store.read(cae=False)) >= {"AccessToken", "RefreshToken", "Account", "IdToken"}
        assert at_once(credential.get_token(GRAPH))
        assert len(prompt.shown) == 1

    async def test_joins_its_request_that_still_hangs_when_it_asks_again(
        self, make_async_credential: Make, prompt: Prompt, held: HeldTransport, clock: ManualClock, entra: Emulator
    ) -> None:
        credential = make_async_credential(transport=held)
        held.release.set()
        await credential.get_token(GRAPH)
        clock.advance(LIFETIME)
        held.release.clear()
        held.arrived.clear()
        async with anyio.create_task_group() as tasks:
            asking = Asking(partial(credential.get_token, GRAPH))
            tasks.start_soon(asking.run)
            await happens(held.arrived)
            await asking.cancel()
            again = Asking(partial(credential.get_token, GRAPH))
            tasks.start_soon(again.run)
            held.release.set()
            assert isinstance(await again.end(), AccessToken)
        assert (len(prompt.shown), len(entra.token_requests("refresh_token"))) == (1, 1)


if sys.version_info >= (3, 11):

    async def timeout(call: Call, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await call()


async def wait_for(call: Call, seconds: float) -> None:
    try:
        await asyncio.wait_for(call(), seconds)
    except asyncio.TimeoutError:  # another one before Python 3.11
        raise TimeoutError from None


async def fail_after(call: Call, seconds: float) -> None:
    try:
        with trio.fail_after(seconds):
            await call()
    except trio.TooSlowError:
        raise TimeoutError from None


async def move_on_after(call: Call, seconds: float) -> None:
    with anyio.move_on_after(seconds) as scope:
        await call()
    if scope.cancelled_caught:
        raise TimeoutError


WAYS: list[tuple[str, Callable[[Call, float], Awaitable[None]]]] = [
    ("asyncio", wait_for),
    ("asyncio", move_on_after),
    ("trio", fail_after),
    ("trio", move_on_after),
]
if sys.version_info >= (3, 11):
    WAYS.append(("asyncio", timeout))


@pytest.mark.parametrize(("anyio_backend", "within"), WAYS)
class TestATimeout:
    @pytest.mark.parametrize("seconds", [0, 0.02])
    async def test_ends_the_prompt(
        self,
        make_async_credential: Make,
        pending: PendingPrompt,
        within: Callable[[Call, float], Awaitable[None]],
        seconds: float,
    ) -> None:
        credential = make_async_credential(prompt_callback=pending)
        with pytest.raises(TimeoutError):
            await within(partial(credential.get_token, GRAPH), seconds)
        await in_thread(assert_no_thread_is_left)

    async def test_comes_although_a_request_hangs(
        self, make_async_credential: Make, held: HeldTransport, within: Callable[[Call, float], Awaitable[None]]
    ) -> None:
        credential = make_async_credential(transport=held)
        with pytest.raises(TimeoutError):
            await within(partial(credential.get_token, GRAPH), 0.02)
        held.release.set()
        await in_thread(assert_no_thread_is_left)
        assert await credential.get_token(GRAPH)
