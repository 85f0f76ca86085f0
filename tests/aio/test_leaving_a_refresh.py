"""Leaving a call that asks nobody: a refresh of its own, or one that another call makes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import anyio
import pytest
from anyio.lowlevel import checkpoint
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from azid.aio import DeviceCodeCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, Fault
from tests.aio.conftest import (
    GIVE_UP,
    Asking,
    HeldTransport,
    assert_no_thread_is_left,
    at_work,
    happens,
    in_thread,
    joined,
)
from tests.conftest import GRAPH, VAULT

pytestmark = pytest.mark.anyio

LIFETIME = 7200  # seconds after which no token is valid


@pytest.fixture
async def credential(
    make_async_credential: Callable[..., DeviceCodeCredential], held: HeldTransport, clock: ManualClock
) -> DeviceCodeCredential:
    """Somebody has signed in; the token has expired, and its refresh is held."""
    credential = make_async_credential(transport=held)
    held.release.set()
    await credential.get_token(GRAPH)
    clock.advance(LIFETIME)
    held.release.clear()
    held.arrived.clear()
    return credential


def refreshes(entra: Emulator) -> int:
    return len(entra.token_requests("refresh_token"))


async def at_work_are(count: int) -> None:
    with anyio.fail_after(GIVE_UP):
        while len(at_work()) != count:
            await checkpoint()


@pytest.mark.parametrize(("method", "scope"), [("get_token_info", GRAPH), ("get_token", VAULT)])
async def test_a_task_that_waits_for_anothers_leaves_no_thread_and_sends_nothing(
    credential: DeviceCodeCredential, held: HeldTransport, entra: Emulator, method: str, scope: str
) -> None:
    async with anyio.create_task_group() as tasks:
        first = Asking(partial(credential.get_token, GRAPH))
        second = Asking(partial(getattr(credential, method), scope))
        tasks.start_soon(first.run)
        await happens(held.arrived)
        tasks.start_soon(second.run)
        await at_work_are(2)
        await second.cancel()
        await at_work_are(1)
        assert not held.release.is_set()
        held.release.set()
        assert isinstance(await first.end(), AccessToken)
    assert refreshes(entra) == 1


async def test_what_failed_is_not_tried_again_for_nobody(
    credential: DeviceCodeCredential, held: HeldTransport, entra: Emulator
) -> None:
    entra.inject(Fault(grant="refresh_token", status=503))
    async with anyio.create_task_group() as tasks:
        asking = Asking(partial(credential.get_token, GRAPH))
        tasks.start_soon(asking.run)
        await happens(held.arrived)
        await asking.cancel()
    held.release.set()
    await in_thread(assert_no_thread_is_left)
    assert refreshes(entra) == 1


async def test_what_failed_is_tried_again_for_another(
    credential: DeviceCodeCredential, held: HeldTransport, entra: Emulator
) -> None:
    entra.inject(Fault(grant="refresh_token", status=503))
    async with anyio.create_task_group() as tasks:
        first = Asking(partial(credential.get_token, GRAPH))
        second = Asking(partial(credential.get_token_info, GRAPH))
        tasks.start_soon(first.run)
        await happens(held.arrived)
        tasks.start_soon(second.run)
        await joined()
        await first.cancel()
        held.release.set()
        assert (await second.end()).token
    assert refreshes(entra) == 2


async def test_whoever_comes_after_the_last_one_left_begins_anew_when_that_fails(
    credential: DeviceCodeCredential, held: HeldTransport, entra: Emulator
) -> None:
    entra.inject(Fault(grant="refresh_token", status=503))
    async with anyio.create_task_group() as tasks:
        first, second = (Asking(partial(credential.get_token, GRAPH)) for _ in range(2))
        tasks.start_soon(first.run)
        await happens(held.arrived)
        await first.cancel()
        tasks.start_soon(second.run)
        await joined()
        held.release.set()
        assert isinstance(await second.end(), AccessToken)
    assert refreshes(entra) == 2


async def test_whoever_waits_for_anothers_is_told_when_the_credential_is_closed(
    credential: DeviceCodeCredential, held: HeldTransport
) -> None:
    async with anyio.create_task_group() as tasks:
        first = Asking(partial(credential.get_token, GRAPH))
        second = Asking(partial(credential.get_token_info, GRAPH))
        tasks.start_soon(first.run)
        await happens(held.arrived)
        tasks.start_soon(second.run)
        await joined()
        await credential.close()
        assert isinstance(await second.end(), ClientAuthenticationError)
        held.release.set()
        assert isinstance(await first.end(), AccessToken)
