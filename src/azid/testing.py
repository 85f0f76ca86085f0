"""Fixtures for pytest: an Entra ID of each test's own, for programs that sign people in with any library.

Installing ``azid[emulator]`` makes pytest know them. They load the emulator when a test asks for one of them.

    entra          a running emulator; this process meets it at login.microsoftonline.com
    entra_person   a person who answers whatever the program asks: its browser, and device codes
    entra_users    who is in the directory; override it to have others
    entra_clock    what the emulator's time is told by; override it with a `ManualClock` to move time
"""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from azid.clock import Clock
    from azid.emulator import Emulator, Person, User

__all__ = ["entra", "entra_clock", "entra_person", "entra_users"]

_BROWSER: Final = "azid-entra-person"


class _Browser(webbrowser.BaseBrowser):
    """What `webbrowser` opens while a test has an emulator: never the real one."""

    def __init__(self) -> None:
        super().__init__(_BROWSER)
        self.is_used = False
        self.person: Person | None = None

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002
        if not self.is_used:
            return False  # the next browser is the program's
        if self.person is not None:
            self.person.open(url)
        return True


_browser: Final = _Browser()


@pytest.fixture
def entra_users() -> list[User]:
    """The people of the directory: Ada alone. Override it to have others."""
    from azid.emulator import User

    return [User("ada@contoso.example", password="Ada's pass phrase")]


@pytest.fixture
def entra_clock() -> Clock:
    """The machine's clock. Override it with `azid.clock.ManualClock` to move time, and give credentials the same."""
    from azid.clock import SystemClock

    return SystemClock()


@pytest.fixture
def entra(
    entra_users: list[User],
    entra_clock: Clock,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Emulator]:
    """A running emulator with the people of `entra_users`.

    While the test runs, this process and those that it starts meet it at ``login.microsoftonline.com`` and the other
    clouds' hosts: through the environment, so that the program needs no change. Requests to other hosts over https are
    refused. The home is an empty folder: no real sign-in is found or changed. No real browser opens.

    It needs the extra ``azid[emulator]``.
    """
    from azid.emulator import Emulator
    from azid.emulator.programs import private_environment, proxy_environment
    from azid.emulator.proxy import PROXIED_HOSTS, ConnectProxy

    with Emulator(entra_users, clock=entra_clock, device_code_interval=1) as emulator:
        port = int(emulator.authority.rpartition(":")[2])
        with ConnectProxy({f"{host}:443": port for host in PROXIED_HOSTS}) as proxy:
            leads = proxy_environment(proxy.url, emulator.ca_file)
            environment = private_environment(os.environ, leads, tmp_path_factory.mktemp("home"))
            _take_over(environment | {"BROWSER": _BROWSER}, monkeypatch)
            webbrowser.register(_BROWSER, None, _browser, preferred=True)
            _browser.is_used = True
            try:
                yield emulator
            finally:
                _browser.is_used = False


@pytest.fixture
def entra_person(entra: Emulator, entra_users: list[User]) -> Iterator[Person]:
    """The first of `entra_users`, who signs in wherever the program opens a browser.

    Hand `entra_person.enter_code` to a device code credential as its prompt callback.
    """
    from azid.emulator import Person

    user = entra_users[0]
    person = Person(user.username, user.password, entra=entra)
    _browser.person = person
    try:
        yield person
    finally:
        _browser.person = None


def _take_over(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)
