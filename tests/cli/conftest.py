"""What tests of the command need: an authority that listens, a person's own folders, and ways to run `azid`.

`azid` runs the command in this process, `run_azid` in a process of its own, and `start_azid` leaves that one running;
`open_terminal` runs it at a terminal.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.testing import CliRunner, Result

from azid import AuthenticationRecord, DeviceCodeCredential, TokenCachePersistenceOptions
from azid.cli import active_account
from azid.cli.group import azid as azid_group
from azid.clock import ManualClock
from azid.emulator import Emulator, Person, User
from azid.emulator.private_browser import BrowserCommand
from azid.tokens.stores.personal import open_personal_store
from tests.conftest import ADA, BOB, GRAPH
from tests.support.terminal import AtTerminal

__all__ = [
    "PATIENCE",
    "Completed",
    "GiveBrowser",
    "Home",
    "Invoke",
    "OpenTerminal",
    "RunAzid",
    "SignIn",
    "StartAzid",
    "active",
    "code_in",
]

PATIENCE = 60
"""Seconds that a process of the tests' may take."""
_PAGE = re.compile(r"^ {4}(https?://\S+)\s*$", re.MULTILINE)
_CODE = re.compile(r"^ {4}([A-Z0-9]{9})\s*$", re.MULTILINE)

_NOT_INHERITED = ("AZID_", "AZURE_", "DBUS_", "GNOME_", "KUBERNETES_", "SSH_", "WAYLAND_", "WSL_", "XDG_")
_NOT_INHERITED_EITHER = ("BROWSER", "CI", "CODESPACES", "CURL_CA_BUNDLE", "DISPLAY", "NO_COLOR", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Home:
    """A person's own folders, and the environment in which a command meets these and no others.

    :param folder: the home.
    :param environ: every variable of a process that lives there. Tests may change it.
    """

    folder: Path
    environ: dict[str, str] = field(repr=False)

    @property
    def settings(self) -> Path:
        """Where the command keeps its own file."""
        return self.folder / "settings"

    def options(self) -> TokenCachePersistenceOptions:
        """Return what finds this person's cache from the test's own process."""
        return TokenCachePersistenceOptions(
            store=open_personal_store(allow_unencrypted_storage=True, environ=self.environ)
        )


@pytest.fixture
def entra() -> Iterator[Emulator]:
    """An authority that listens, on the machine's own clock, with Ada and Bob. A device may poll without a pause."""
    with Emulator(users=[ADA, BOB], device_code_interval=0) as emulator:
        yield emulator


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The folders of somebody who has never signed in, keeps tokens in a plain file and has no screen."""
    if sys.platform == "darwin":
        pytest.skip("macOS has one key chain, and it is the person's own")
    folder = tmp_path / "home"
    folder.mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_NOT_INHERITED)
        and name not in _NOT_INHERITED_EITHER
        and not name.lower().endswith("_proxy")
    }
    environ = {
        **kept,
        "HOME": str(folder),
        "LOCALAPPDATA": str(folder),
        "AZID_CONFIG_DIR": str(folder / "settings"),
        "AZID_STORAGE": "plaintext",
        "COLUMNS": "100",
        "PYTHONWARNINGS": "error",
    }
    return Home(folder, environ)


class Invoke(Protocol):
    def __call__(self, *arguments: str, stdin: str = "", **more: str | None) -> Result: ...


@pytest.fixture
def azid(home: Home) -> Invoke:
    """Runs ``azid …`` in this process and returns click's result: `exit_code`, `stdout`, `stderr`.

    Keywords are environment variables besides the home's; None takes one away.
    """

    def invoke(*arguments: str, stdin: str = "", **more: str | None) -> Result:
        gone = dict.fromkeys(set(os.environ) - set(home.environ))
        result = CliRunner(env={**gone, **home.environ, **more}).invoke(
            azid_group, arguments, input=stdin, prog_name="azid"
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@dataclass(frozen=True)
class Completed:
    """A process that has ended."""

    exit_code: int
    stdout: str
    stderr: str


class RunAzid(Protocol):
    def __call__(self, *arguments: str, stdin: str = "", **more: str | None) -> Completed: ...


class StartAzid(Protocol):
    def __call__(self, *arguments: str, **popen: Any) -> subprocess.Popen[Any]: ...


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "azid", *arguments]


def _with(environ: Mapping[str, str], more: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**environ, **more}.items() if value is not None}


@pytest.fixture
def run_azid(home: Home) -> RunAzid:
    """Runs ``python -m azid …`` to its end.

    Keywords are environment variables besides the home's; None takes one away.
    """

    def run(*arguments: str, stdin: str = "", **more: str | None) -> Completed:
        done = subprocess.run(
            _command(*arguments),
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            env=_with(home.environ, more),
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def start_azid(home: Home) -> Iterator[StartAzid]:
    """Starts ``python -m azid …`` and returns its `Popen`; whatever still runs at the test's end is ended.

    Keywords are `Popen`'s. Unless they say otherwise its three streams are pipes of text.
    """
    started: list[subprocess.Popen[Any]] = []

    def start(*arguments: str, **popen: Any) -> subprocess.Popen[Any]:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        settings = {"env": home.environ, "text": True, **pipes, **popen}
        started.append(subprocess.Popen(_command(*arguments), **settings))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(PATIENCE)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


class SignIn(Protocol):
    def __call__(
        self, user: User = ADA, *, scope: str = GRAPH, active: bool = True, **arguments: Any
    ) -> AuthenticationRecord: ...


@pytest.fixture
def sign_in(entra: Emulator, home: Home) -> SignIn:
    """Signs somebody in as a command of an earlier process would have, and makes the account the active one.

    Keywords are the credential's. The command trusts the authority from then on.
    """
    home.environ["REQUESTS_CA_BUNDLE"] = entra.ca_file

    def sign_in_as(
        user: User = ADA, *, scope: str = GRAPH, active: bool = True, **arguments: Any
    ) -> AuthenticationRecord:
        person = Person(user.username, user.password, entra=entra)
        settings = {
            "authority": entra.authority,
            "disable_instance_discovery": True,
            "cache_persistence_options": home.options(),
            "prompt_callback": person.enter_code,
            "transport": entra.transport(),
            "clock": ManualClock(time.time()),  # nobody waits between two polls
            "timeout": PATIENCE,
            **arguments,
        }
        with DeviceCodeCredential(**settings) as credential:
            record = credential.authenticate(scope)
        if active:
            active_account.save(
                record,
                authority=settings["authority"],
                storage="plaintext",
                disable_instance_discovery=True,
                environ=home.environ,
            )
        return record

    return sign_in_as


@pytest.fixture
def at_entra(entra: Emulator, home: Home) -> tuple[str, ...]:
    """The options with which a command that knows no account meets the authority. It trusts it from then on."""
    home.environ["REQUESTS_CA_BUNDLE"] = entra.ca_file
    return ("--authority", entra.authority, "--disable-instance-discovery")


@pytest.fixture
def person_for(entra: Emulator) -> Callable[[User], Person]:
    """Makes the person behind an account, who opens pages over real connections."""
    return lambda user: Person(user.username, user.password)


class OpenTerminal(Protocol):
    def __call__(
        self, *arguments: str, columns: int = 80, lines: int = 24, stdout: int | None = None
    ) -> AtTerminal: ...


@pytest.fixture
def open_terminal(home: Home) -> Iterator[OpenTerminal]:
    """Runs ``python -m azid …`` at a terminal."""
    with ExitStack() as opened:

        def open_window(*arguments: str, columns: int = 80, lines: int = 24, stdout: int | None = None) -> AtTerminal:
            environ = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **home.environ}
            return opened.enter_context(
                AtTerminal(_command(*arguments), environ, columns=columns, lines=lines, stdout=stdout)
            )

        yield open_window


GiveBrowser = Callable[[User], Person]


@pytest.fixture
def browser_of(home: Home, person_for: Callable[[User], Person], tmp_path: Path) -> Iterator[GiveBrowser]:
    """Gives the home a browser, in which somebody signs in."""
    commands: list[BrowserCommand] = []

    def give(user: User) -> Person:
        person = person_for(user)
        folder = tmp_path / f"browser-{len(commands)}"
        folder.mkdir()
        commands.append(BrowserCommand(folder, person.open))
        home.environ["BROWSER"] = str(commands[-1].path)
        return person

    yield give
    for command in commands:
        command.stop()


@pytest.fixture
def at_graph(at_entra: tuple[str, ...]) -> tuple[str, ...]:
    """The same for commands that sign in, with a scope."""
    return (*at_entra, "--scope", GRAPH)


def code_in(text: str) -> tuple[str, str]:
    """Return the page and the code that the command tells of."""
    page, code = _PAGE.search(text), _CODE.search(text)
    assert page, text
    assert code, text
    return page[1], code[1]


def active(home: Home) -> active_account.ActiveAccount:
    """Return the account that the commands use."""
    account = active_account.load(home.environ)
    assert account is not None
    return account
