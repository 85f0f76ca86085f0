"""Closing a credential, while somebody waits and for good."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import CredentialUnavailableError
from azid.aio import DeviceCodeCredential
from tests.aio.conftest import (
    Asking,
    HeldTransport,
    PendingPrompt,
    assert_no_thread_is_left,
    at_once,
    in_thread,
    joined,
)
from tests.conftest import GRAPH, VAULT

pytestmark = pytest.mark.anyio

Make = Callable[..., DeviceCodeCredential]


@pytest.mark.parametrize("is_async", [False, True])
async def test_closing_ends_a_prompt_with_an_error_for_whoever_waits(
    make_async_credential: Make, pending: PendingPrompt, is_async: bool
) -> None:
    left = anyio.Event()

    async def show(*shown: Any) -> None:
        pending(*shown)
        try:
            await anyio.sleep_forever()
        finally:
            left.set()

    credential = make_async_credential(prompt_callback=show if is_async else pending)
    async with anyio.create_task_group() as tasks:
        askings = [Asking(partial(credential.get_token, scope)) for scope in (GRAPH, GRAPH, VAULT)]
        for asking in askings[:2]:
            tasks.start_soon(asking.run)
        await pending.is_shown()
        tasks.start_soon(askings[2].run)
        await joined()
        await credential.close()
        for asking in askings:
            assert isinstance(await asking.end(), ClientAuthenticationError)
        if is_async:
            await left.wait()
    await in_thread(assert_no_thread_is_left)
    assert len(pending.shown) == 1


async def test_closing_ends_a_prompt_that_has_asked_for_its_own_token(make_async_credential: Make) -> None:
    refused, left = anyio.Event(), anyio.Event()

    async def show(*_: Any) -> None:
        with pytest.raises(ClientAuthenticationError, match="within its own prompt"):
            await credential.get_token(GRAPH)
        try:
            refused.set()
            await anyio.sleep_forever()
        finally:
            left.set()

    credential = make_async_credential(prompt_callback=show)
    async with anyio.create_task_group() as tasks:
        asking = Asking(partial(credential.get_token, GRAPH))
        tasks.start_soon(asking.run)
        await refused.wait()
        await credential.close()
        assert isinstance(await asking.end(), ClientAuthenticationError)
        await left.wait()


async def test_it_is_for_good_as_far_as_prompts_go(async_credential: DeviceCodeCredential) -> None:
    token = await async_credential.get_token(GRAPH)
    await async_credential.close()
    await async_credential.close()
    assert at_once(async_credential.get_token(GRAPH)) is token
    await async_credential.sign_out()
    with pytest.raises(CredentialUnavailableError, match="closed"):
        await async_credential.get_token(GRAPH)


async def test_it_happens_at_the_end_of_a_block(make_async_credential: Make, held: HeldTransport) -> None:
    held.release.set()
    async with make_async_credential(transport=held) as credential:
        assert await credential.get_token(GRAPH)
    with pytest.raises(CredentialUnavailableError, match="closed"):
        await credential.authenticate(GRAPH)


async def test_it_happens_although_the_block_is_cancelled(make_async_credential: Make, pending: PendingPrompt) -> None:
    credential = make_async_credential(prompt_callback=pending)

    async def sign_in() -> None:
        async with credential:
            await credential.get_token(GRAPH)

    async with anyio.create_task_group() as tasks:
        asking = Asking(sign_in)
        tasks.start_soon(asking.run)
        await pending.is_shown()
        await asking.cancel()
    await in_thread(assert_no_thread_is_left)
    with pytest.raises(CredentialUnavailableError, match="closed"):
        await credential.get_token(GRAPH)


async def test_it_leaves_a_block_with_its_error(make_async_credential: Make) -> None:
    with pytest.raises(LookupError):
        async with make_async_credential():
            raise LookupError
