"""Developers' tools under asyncio and trio: a task that leaves ends the tool, unless others wait for it, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from azure.core.credentials import AccessToken

from azid import CredentialUnavailableError
from azid.aio import AzureCliCredential, ChainedTokenCredential, DefaultAzureCredential
from azid.clock import ManualClock
from tests.aio.conftest import Asking, assert_no_thread_is_left, in_tasks, in_thread
from tests.conftest import GRAPH, VAULT
from tests.support.developer_tools import Tools, make_tools, needs_posix

pytestmark = [pytest.mark.anyio, needs_posix]

Make = Callable[..., Any]


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Tools]:
    with make_tools(tmp_path) as tools:
        yield tools


@pytest.fixture
def make(tools: Tools, clock: ManualClock) -> Make:
    """Makes credentials that ask ``az``, alone or in a chain."""

    def make_credential(kind: str = "alone") -> Any:
        if kind == "default":
            others = ("workload_identity", "managed_identity", "shared_token_cache", "visual_studio_code")
            excluded: dict[str, Any] = {f"exclude_{name}_credential": True for name in others}
            return DefaultAzureCredential(environ=tools.environ, clock=clock, **excluded)
        az = AzureCliCredential(environ=tools.environ, clock=clock)
        return ChainedTokenCredential(az) if kind == "chain" else az

    return make_credential


@pytest.fixture(params=["alone", "chain", "default"])
def credential(request: pytest.FixtureRequest, make: Make) -> Any:
    return make(request.param)


class TestCancelling:
    async def test_ends_the_tool_and_its_children(self, credential: Any, tools: Tools) -> None:
        with tools.az.living(leaves_child="in its session") as life:
            async with anyio.create_task_group() as tasks:
                asking = Asking(partial(credential.get_token, GRAPH))
                tasks.start_soon(asking.run)
                await in_thread(life.begins)
                await asking.cancel()
            await in_thread(life.ends)
        await in_thread(assert_no_thread_is_left)

    async def test_leaves_others_served(self, credential: Any, tools: Tools) -> None:
        with tools.az.living() as life:
            async with anyio.create_task_group() as tasks:
                askings = [Asking(partial(credential.get_token, GRAPH)) for _ in range(3)]
                for asking in askings:
                    tasks.start_soon(asking.run)
                await in_thread(life.begins)
                await askings[0].cancel()
                await askings[2].cancel()
                tools.release()
                assert isinstance(await askings[1].end(), AccessToken)
        assert len(tools.az.notes) == 1

    async def test_leaves_those_served_that_want_it_another_way(self, make: Make, tools: Tools) -> None:
        """By the same run, or by another one if they came too late to keep that from ending."""
        credential = make()
        with tools.az.living() as life:
            async with anyio.create_task_group() as tasks:
                first = Asking(partial(credential.get_token, GRAPH))
                second = Asking(partial(credential.get_token_info, GRAPH))
                tasks.start_soon(first.run)
                await in_thread(life.begins)
                tasks.start_soon(second.run)
                await first.cancel()
                tools.release()
                assert (await second.end()).token == "token"

    async def test_leaves_those_served_that_want_something_else(self, make: Make, tools: Tools) -> None:
        credential = make()
        with tools.az.living() as life:
            async with anyio.create_task_group() as tasks:
                first, second = (Asking(partial(credential.get_token, scope)) for scope in (GRAPH, VAULT))
                for asking in (first, second):
                    tasks.start_soon(asking.run)
                    await in_thread(life.begins)
                await first.cancel()
                tools.release()
                assert (await second.end()).token == "token"


async def test_a_timeout_ends_the_tool(credential: Any, tools: Tools) -> None:
    with tools.az.living() as life:
        with anyio.move_on_after(0.3) as scope:
            await credential.get_token(GRAPH)
        assert scope.cancelled_caught
        await in_thread(assert_no_thread_is_left)
        await in_thread(life.ends)


async def test_closing_ends_the_tool_and_tells_whoever_waits(credential: Any, tools: Tools) -> None:
    with tools.az.living() as life:
        async with anyio.create_task_group() as tasks:
            askings = [Asking(partial(credential.get_token, GRAPH)) for _ in range(2)]
            for asking in askings:
                tasks.start_soon(asking.run)
            await in_thread(life.begins)
            await credential.close()
            for asking in askings:
                error = await asking.end()
                assert isinstance(error, CredentialUnavailableError)
                assert "This credential was closed." in str(error)
        await in_thread(life.ends)
    await in_thread(assert_no_thread_is_left)


async def test_fifty_tasks_run_it_once(credential: Any, tools: Tools) -> None:
    tools.az.gives("token")
    outcomes = await in_tasks(50, partial(credential.get_token, GRAPH))
    assert {outcome.token for outcome in outcomes} == {"token"}
    assert len(tools.az.notes) == 1
