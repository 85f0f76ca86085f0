from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import ContentSwitcher, Label, Link, ProgressBar

from azid.emulator import Emulator, Person
from samples.textual_sign_in import SignInApp
from tests.conftest import ADA

pytest_plugins = ["tests.support.screenshots"]
pytestmark = pytest.mark.anyio

GIVE_UP = 20  # seconds after which a test that would hang fails


@pytest.fixture
def anyio_backend() -> str:
    """Textual knows no other."""
    return "asyncio"


@pytest.fixture
def entra() -> Emulator:
    """By the machine's clock, which the app shows the code's end by."""
    return Emulator(users=[ADA], device_code_interval=1)


@pytest.fixture
def app(entra: Emulator) -> SignInApp:
    return SignInApp(transport=entra.transport())


@pytest.fixture
def keep(screenshots: Path) -> Callable[[SignInApp, str], None]:
    """Keep a screenshot as `.artifacts/screenshots/textual-<name>.svg`."""

    def keep(app: SignInApp, name: str) -> None:
        (screenshots / f"textual-{name}.svg").write_text(app.export_screenshot(), encoding="utf-8")

    return keep


async def is_shown(app: SignInApp, page: str) -> None:
    shown = asyncio.Event()
    app.watch(app.query_one(ContentSwitcher), "current", lambda current: shown.set() if current == page else None)
    await asyncio.wait_for(shown.wait(), GIVE_UP)


def text(app: SignInApp, selector: str) -> str:
    return str(app.query_one(selector, Label).content)


async def enter_the_code(app: SignInApp, person: Person) -> None:
    """Do in a browser what the screen says."""
    await asyncio.to_thread(person.enter_code, app.query_one(Link).url, text(app, "#code"))
    assert person.error is None


def sign_in_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "azid-off-loop"]


async def has_ended(threads: list[threading.Thread]) -> None:
    for thread in threads:
        await asyncio.to_thread(thread.join, GIVE_UP)
        assert not thread.is_alive()


async def test_a_person_signs_in_and_out(
    app: SignInApp, entra: Emulator, keep: Callable[[SignInApp, str], None]
) -> None:
    async with app.run_test() as pilot:
        await pilot.pause()
        keep(app, "1-signed-out")
        await pilot.click("#sign-in")
        await is_shown(app, "waiting")
        await pilot.pause()
        keep(app, "2-waiting")
        await enter_the_code(app, Person(ADA.username, ADA.password, entra=entra))
        await is_shown(app, "signed-in")
        await pilot.pause()
        assert ADA.username in text(app, "#account")
        entra.clear_log()
        await pilot.click("#get-token")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "No prompt needed" in text(app, "#status")
        assert entra.requests == []
        keep(app, "3-signed-in")
        await pilot.click("#sign-out")
        await is_shown(app, "signed-out")
        assert await app.credential.accounts() == []


async def test_a_narrow_terminal_cuts_nothing_off(app: SignInApp, keep: Callable[[SignInApp, str], None]) -> None:
    async with app.run_test(size=(50, 30)) as pilot:
        await pilot.click("#sign-in")
        await is_shown(app, "waiting")
        await pilot.pause()
        keep(app, "4-narrow")
        shown = [widget.region for selector in ("#card", "Label", "Link") for widget in app.query(selector)]
        assert max(region.right for region in shown) <= app.size.width


async def test_the_countdown_goes_on_while_the_sign_in_waits(app: SignInApp) -> None:
    async with app.run_test() as pilot:
        await pilot.click("#sign-in")
        await is_shown(app, "waiting")
        seen: list[float] = []
        counted = asyncio.Event()

        def count(progress: float) -> None:
            seen.append(progress)
            if len(seen) == 3:
                counted.set()

        app.watch(app.query_one(ProgressBar), "progress", count)
        await asyncio.wait_for(counted.wait(), GIVE_UP)
        assert seen == sorted(seen, reverse=True)
        assert sign_in_threads()


async def test_cancel_ends_the_sign_in_and_another_one_works(
    app: SignInApp, entra: Emulator, keep: Callable[[SignInApp, str], None]
) -> None:
    async with app.run_test() as pilot:
        await pilot.click("#sign-in")
        await is_shown(app, "waiting")
        await pilot.pause()
        first_code, threads = text(app, "#code"), sign_in_threads()
        assert threads
        await pilot.click("#cancel")
        await is_shown(app, "signed-out")
        await has_ended(threads)
        await pilot.pause()
        keep(app, "4-cancelled")
        await pilot.click("#sign-in")
        await is_shown(app, "waiting")
        assert text(app, "#code") != first_code
        await enter_the_code(app, Person(ADA.username, ADA.password, entra=entra))
        await is_shown(app, "signed-in")
        assert ADA.username in text(app, "#account")


async def test_a_person_who_declines_is_told_so(
    app: SignInApp, entra: Emulator, keep: Callable[[SignInApp, str], None]
) -> None:
    async with app.run_test() as pilot:
        await pilot.click("#sign-in")
        await is_shown(app, "waiting")
        await enter_the_code(app, Person(ADA.username, ADA.password, entra=entra, then="deny"))
        await is_shown(app, "signed-out")
        await pilot.pause()
        assert "declined" in text(app, "#status")
        keep(app, "5-declined")


async def test_quitting_ends_a_sign_in(app: SignInApp) -> None:
    async with app.run_test() as pilot:
        await pilot.click("#sign-in")
        await is_shown(app, "waiting")
        threads = sign_in_threads()
        assert threads
        await pilot.press("q")
    await has_ended(threads)
