"""Prompt callbacks: awaited in the event loop where they are async, and kept from waiting for themselves."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from azure.core.exceptions import ClientAuthenticationError

import azid
from azid import CredentialUnavailableError
from azid.aio import DeviceCodeCredential
from tests.aio.conftest import (
    GIVE_UP,
    PendingPrompt,
    in_tasks,
)
from tests.conftest import GRAPH, VAULT, Prompt

pytestmark = pytest.mark.anyio

Make = Callable[..., DeviceCodeCredential]


class TestAPromptCallback:
    @pytest.mark.parametrize("kind", ["function", "method", "partial", "object"])
    async def test_that_is_async_is_awaited_in_the_loop(
        self, make_async_credential: Make, pending: PendingPrompt, kind: str
    ) -> None:
        threads: list[int] = []

        class Screen:
            async def show(self, verification_uri: str, user_code: str, expires_on: datetime) -> None:
                await checkpoint()
                threads.append(threading.get_ident())
                assert verification_uri.startswith("https://")
                assert expires_on.tzinfo is not None
                pending(verification_uri, user_code, expires_on)
                await pending.answer()

            __call__ = show

        async def function(*shown: Any) -> None:
            await Screen().show(*shown)

        callbacks = {
            "function": function,
            "method": Screen().show,
            "partial": partial(Screen.show, Screen()),
            "object": Screen(),
        }
        credential = make_async_credential(prompt_callback=callbacks[kind])
        assert await credential.get_token(GRAPH)
        assert threads == [threading.get_ident()]

    async def test_that_is_plain_is_called_in_another_thread(
        self, async_credential: DeviceCodeCredential, prompt: Prompt
    ) -> None:
        threads: list[int] = []
        prompt.before = lambda: threads.append(threading.get_ident())
        assert await async_credential.get_token(GRAPH)
        assert threads != [threading.get_ident()]

    @pytest.mark.parametrize("is_async", [False, True])
    async def test_that_fails_fails_the_call(self, make_async_credential: Make, is_async: bool) -> None:
        async def fail_async(*_: object) -> None:
            raise LookupError("no screen")

        def fail(*_: object) -> None:
            raise LookupError("no screen")

        credential = make_async_credential(prompt_callback=fail_async if is_async else fail)
        errors = await in_tasks(10, lambda: credential.get_token(GRAPH))
        assert all(isinstance(error, ClientAuthenticationError) and "no screen" in str(error) for error in errors)

    @pytest.mark.parametrize("method", ["get_token", "get_token_info", "authenticate"])
    @pytest.mark.parametrize("scope", [GRAPH, VAULT])
    async def test_cannot_wait_for_what_it_brings_about(
        self, make_async_credential: Make, pending: PendingPrompt, method: str, scope: str
    ) -> None:
        async def show(*shown: Any) -> None:
            pending(*shown)
            with pytest.raises(ClientAuthenticationError, match="within its own prompt"):
                await getattr(credential, method)(scope)
            await pending.answer()

        credential = make_async_credential(prompt_callback=show)
        with anyio.fail_after(GIVE_UP):
            assert await credential.get_token(GRAPH)
        assert len(pending.shown) == 1

    async def test_may_use_what_others_have_signed_in_to(
        self, make_async_credential: Make, async_credential: DeviceCodeCredential, pending: PendingPrompt
    ) -> None:
        async def show(*shown: Any) -> None:
            pending(*shown)
            await async_credential.get_token(GRAPH)
            await pending.answer()

        assert await make_async_credential(prompt_callback=show).get_token(GRAPH)

    async def test_that_was_cancelled_by_itself_fails_the_call(self, make_async_credential: Make) -> None:
        async def show(*_: object) -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await checkpoint()
            raise LookupError("closed by the person")

        with pytest.raises(ClientAuthenticationError, match="closed by the person"):
            await make_async_credential(prompt_callback=show).get_token(GRAPH)

    def test_that_is_async_is_refused_by_a_sync_credential(
        self, make_credential: Callable[..., azid.DeviceCodeCredential]
    ) -> None:
        async def show(*_: object) -> None: ...

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(CredentialUnavailableError, match=r"azid\.aio"):
                make_credential(prompt_callback=show).get_token(GRAPH)
