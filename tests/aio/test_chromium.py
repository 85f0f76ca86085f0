"""A person with a real Chromium, and an asyncio program that goes on with its work meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Error, Page

from azid.aio import InteractiveBrowserCredential
from azid.emulator import Emulator, User
from tests.support.sign_in_pages import enter_password, is_shown, pick, press
from tools.chromium import Chromium

pytest_plugins = ["tests.support.chromium"]
pytestmark = pytest.mark.anyio

ADA = User("ada.lovelace@contoso.example", password="Ada's pass phrase", consented=False)
GRACE = User("grace.hopper@contoso.example", password="Grace's pass phrase")
GIVE_UP = 20  # seconds after which a test that would hang fails


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def entra() -> Iterator[Emulator]:
    """It listens, since a browser has to reach its pages."""
    with Emulator(users=[ADA, GRACE]) as entra:
        yield entra


@pytest.fixture
def options(entra: Emulator) -> dict[str, Any]:
    return {
        "authority": entra.authority,
        "disable_instance_discovery": True,
        "connection_verify": entra.ca_file,
        "timeout": 30,
    }


@pytest.fixture
async def program() -> AsyncIterator[str]:
    """URL of a server in the event loop that signs in: it answers for as long as nothing blocks the loop."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nawake")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/"


async def test_the_loop_is_awake_at_every_step_of_the_sign_in(
    browser: Chromium, entra: Emulator, options: dict[str, Any], program: str
) -> None:
    answers: list[str] = []

    def visit(page: Page) -> None:
        def ask_the_program() -> None:
            answers.append(page.request.get(program).text())

        is_shown(page, "Pick an account")
        ask_the_program()
        pick(page, ADA)
        is_shown(page, "Enter password")
        ask_the_program()
        enter_password(page, ADA.password)
        is_shown(page, "Permissions requested")
        ask_the_program()
        press(page, "Accept")
        is_shown(page, "You are signed in")

    with browser.visitor(visit) as open_browser:
        async with InteractiveBrowserCredential(open_browser=open_browser, **options) as credential:
            record = await credential.authenticate(entra.resource_scope)
            assert record.username == ADA.username
            assert await credential.get_token(entra.resource_scope)
    assert answers == ["awake"] * 3
    [authorize] = [request for request in entra.requests if request.endpoint == "authorize"]
    assert authorize.query["response_mode"] == "form_post"


async def test_a_program_that_gives_up_closes_the_port_and_can_ask_again(
    browser: Chromium, entra: Emulator, options: dict[str, Any]
) -> None:
    loop, opened, gave_up = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def visit(page: Page) -> None:
        is_shown(page, "Pick an account")
        if not gave_up.is_set():
            loop.call_soon_threadsafe(opened.set)
            assert gave_up.wait(GIVE_UP)
            [redirect_uri] = parse_qs(urlsplit(page.url).query)["redirect_uri"]
            with pytest.raises(Error, match="ECONNREFUSED"):
                page.request.get(redirect_uri)
        else:
            pick(page, GRACE)
            enter_password(page, GRACE.password)
            is_shown(page, "You are signed in")

    with browser.visitor(visit) as open_browser:
        async with InteractiveBrowserCredential(open_browser=open_browser, **options) as credential:
            asking = asyncio.create_task(credential.get_token(entra.resource_scope))
            await asyncio.wait_for(opened.wait(), GIVE_UP)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            gave_up.set()
            assert await credential.get_token(entra.resource_scope)
            [record] = await credential.accounts()
            assert record.username == GRACE.username
