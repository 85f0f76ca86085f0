"""Fixtures for pytest: an Entra ID of each test's own, for programs that sign people in with any library.

Installing ``azid[emulator]`` makes pytest know them. They load the emulator when a test asks for one of them.

    entra             a running emulator; this process meets it at login.microsoftonline.com
    entra_person      a person who answers whatever the program asks: its browser, and device codes
    entra_users       who is in the directory; override it to have others
    entra_clients     the applications that are registered besides Microsoft's own; override it to have yours
    entra_identities  the managed identities of the machine besides its own; override it to have some
    entra_clock       what the emulator's time is told by; override it with a `ManualClock` to move time
"""

from __future__ import annotations

import contextlib
import os
import shutil
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from azid.clock import Clock
    from azid.emulator import Client, Emulator, ManagedIdentity, Person, User

__all__ = ["entra", "entra_clients", "entra_clock", "entra_identities", "entra_person", "entra_users"]

_BROWSER: Final = "azid-entra-person"


class _Browser(webbrowser.BaseBrowser):
    """What `webbrowser` opens while a test has an emulator: never the real one."""

    def __init__(self) -> None:
        super().__init__(_BROWSER)
        self.is_used = False
        self.person: Person | None = None
        self._other: webbrowser.BaseBrowser | None = None

    def come_first(self, name: str) -> None:
        """Be what `webbrowser` opens. It can forget no browser: unused, this one is what was first before.

        :param name: what `$BROWSER` will say.
        """
        first = None
        with contextlib.suppress(webbrowser.Error):  # there is none
            first = webbrowser.get()
        if first is not self:
            self._other = first
            webbrowser.register(name, None, self, preferred=True)

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        if not self.is_used:
            return self._other is not None and self._other.open(url, new, autoraise)
        if self.person is not None:
            self.person.open(url)
        return True

    def show_code(self, verification_uri: str, user_code: str) -> None:
        """Let the person have a device code that some program was given."""
        if self.person is not None:
            self.person.enter_code(verification_uri, user_code)


_browser: Final = _Browser()


@pytest.fixture
def entra_users() -> list[User]:
    """The people of the directory: Ada alone. Override it to have others."""
    from azid.emulator import User

    return [User("ada@contoso.example", password="Ada's pass phrase")]


@pytest.fixture
def entra_clients() -> list[Client | str]:
    """The applications besides Microsoft's own, each a `Client` or a client id: none. Override it to have yours."""
    return []


@pytest.fixture
def entra_identities() -> list[ManagedIdentity]:
    """The managed identities that the machine has besides its own: none. Override it to have some."""
    return []


@pytest.fixture
def entra_clock() -> Clock:
    """The machine's clock. Override it with `azid.clock.ManualClock` to move time, and give credentials the same."""
    from azid.clock import SystemClock

    return SystemClock()


@pytest.fixture
def entra(
    *,
    entra_users: list[User],
    entra_clients: list[Client | str],
    entra_identities: list[ManagedIdentity],
    entra_clock: Clock,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Emulator]:
    """A running emulator with the people of `entra_users`.

    While the test runs, this process and those that it starts meet it at ``login.microsoftonline.com`` and the other
    clouds' hosts: through the environment, so that the program needs no change. Requests to other hosts over https are
    refused. The home is an empty folder: no real sign-in is found or changed. What is opened by `webbrowser` or
    ``$BROWSER`` is for `entra_person`, or for nobody: no real browser opens.

    It needs the extra ``azid[emulator]``.
    """
    from azid.emulator import Emulator
    from azid.emulator.programs import private_environment, proxy_environment
    from azid.emulator.proxy import PROXIED_HOSTS, ConnectProxy

    with (
        Emulator(
            entra_users,
            clients=entra_clients,
            identities=entra_identities,
            clock=entra_clock,
            device_code_interval=1,
            on_device_code=_browser.show_code,
        ) as emulator,
        ConnectProxy({f"{host}:443": int(emulator.authority.rpartition(":")[2]) for host in PROXIED_HOSTS}) as proxy,
        # The same path for every test: `webbrowser` keeps what it was told.
        _browser_command(tmp_path_factory.getbasetemp() / _BROWSER, _browser.open) as command,
    ):
        leads = proxy_environment(proxy.url, emulator.ca_file)
        environment = private_environment(os.environ, leads, tmp_path_factory.mktemp("home"))
        _browser.come_first(command)
        _take_over(environment | {"BROWSER": command}, monkeypatch)
        _browser.is_used = True
        try:
            yield emulator
        finally:
            _browser.is_used = False


@pytest.fixture
def entra_person(entra: Emulator, entra_users: list[User]) -> Iterator[Person]:
    """The first of `entra_users`, who signs in wherever a program opens a browser, and enters every device code.

    The program need not know: neither this process nor one that the test starts.
    """
    from azid.emulator import Person

    user = entra_users[0]
    person = Person(user.username, user.password, entra=entra)
    _browser.person = person
    try:
        yield person
    finally:
        _browser.person = None


@contextlib.contextmanager
def _browser_command(folder: Path, open_page: Callable[[str], object]) -> Iterator[str]:
    """Yield what `$BROWSER` is to say, so that the pages of other processes come here, too."""
    if os.name != "posix":
        yield _BROWSER
        return

    from azid.emulator.private_browser import BrowserCommand

    folder.mkdir(mode=0o700)
    try:
        with BrowserCommand(folder, open_page) as browser:
            yield str(browser.path)
    finally:
        shutil.rmtree(folder)


def _take_over(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)
