"""`azid login`: at a real terminal, on a pipe and where nobody is, against an authority that listens."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pyte
import pytest

from azid import AuthenticationRecord
from azid.cli import active_account, exit_codes
from azid.cli.login import as_json, describe, where_kept
from azid.cli.pointing import Pointers
from azid.cli.signing_in import BrowserUnavailable, SignedIn, SignInRequest, with_browser, with_device_code
from azid.cli.surroundings import Surroundings
from azid.clock import ManualClock
from azid.emulator import Emulator, Person, User
from azid.emulator.private_browser import BrowserCommand
from azid.errors import AuthenticationFailedError
from tests.cli.conftest import PATIENCE, Home, Invoke, RunAzid, SignIn, StartAzid
from tests.conftest import ADA, BOB, GRAPH

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")

PersonFor = Callable[[User], Person]
CODE = re.compile(r"^ {4}([A-Z0-9]{9})\s*$", re.MULTILINE)
PAGE = re.compile(r"^ {4}(https?://\S+)\s*$", re.MULTILINE)
# Makes the pseudo-terminal the process's own, so that Ctrl-C reaches it, and becomes the command.
IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "azid", *sys.argv[1:]])
"""


class TerminalWindow:
    """`azid` in a terminal of its own, and what is on its screen."""

    def __init__(self, home: Home, arguments: tuple[str, ...], columns: int, lines: int, stdout: int | None) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_TERMINAL, *arguments],
            stdin=theirs,
            stdout=theirs if stdout is None else stdout,
            stderr=theirs,
            env={"TERM": "xterm-256color", "LANG": "C.UTF-8", **home.environ},
            start_new_session=True,
        )
        os.close(theirs)

    @property
    def lines(self) -> list[str]:
        """The screen's lines down to the last that has something on it."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip().splitlines()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def shows_cursor(self) -> bool:
        return not self._screen.cursor.hidden

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def wait_for(self, shown: Callable[[TerminalWindow], object]) -> None:
        """Wait until the screen is as it should be."""
        deadline = time.monotonic() + PATIENCE
        while not shown(self):
            assert self._reads(deadline), f"the screen stays at:\n{self.text}"

    def end(self) -> int:
        """Wait for the command's end, and return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._reads(deadline):
            pass
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self._ours)

    def _reads(self, deadline: float) -> bool:
        """Read more; return whether there may be still more to come."""
        if not select.select([self._ours], [], [], max(deadline - time.monotonic(), 0))[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # on Linux, that nobody has it open any more
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)


OpenTerminal = Callable[..., TerminalWindow]


@pytest.fixture
def open_terminal(home: Home) -> Iterator[OpenTerminal]:
    """Runs `azid` in a terminal."""
    opened: list[TerminalWindow] = []

    def open_window(*arguments: str, columns: int = 80, lines: int = 24, stdout: int | None = None) -> TerminalWindow:
        opened.append(TerminalWindow(home, arguments, columns, lines, stdout))
        return opened[-1]

    yield open_window
    for window in opened:
        window.close()


@pytest.fixture
def browser_of(home: Home, person_for: PersonFor, tmp_path: Path) -> Iterator[Callable[..., Person]]:
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
    return (*at_entra, "--scope", GRAPH)


def code_in(text: str) -> tuple[str, str]:
    page, code = PAGE.search(text), CODE.search(text)
    assert page, text
    assert code, text
    return page[1], code[1]


def read_prompt(process: subprocess.Popen[str]) -> str:
    """Return what the command says on its way to the code, and of that the last line."""
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if line.startswith("You have"):
            return told
    raise AssertionError(f"there is no code in:\n{told}")


def read_rest(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what the command says after that, on standard output and standard error."""
    assert process.stdout is not None
    assert process.stderr is not None
    stderr = process.stderr.read()
    process.wait(PATIENCE)
    return process.stdout.read(), stderr


def active(home: Home) -> active_account.ActiveAccount:
    account = active_account.load(home.environ)
    assert account is not None
    return account


# --- At a terminal


def test_a_code_is_shown_counted_down_and_used(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], person_for: PersonFor, home: Home
) -> None:
    window = open_terminal("login", "--device-code", *at_graph, columns=90)
    window.wait_for(lambda window: "left" in window.text)
    page, code = code_in(window.text)
    assert window.lines[-1].startswith("Waiting for the sign-in: 1")
    assert window.lines[-1].endswith(" left")
    person_for(ADA).enter_code(page, code)
    assert window.end() == exit_codes.OK
    lines = window.lines
    assert "Waiting" not in window.text
    assert f"    {code}" in lines
    told = lines.index("ada@contoso.example is signed in.")
    assert [line.split()[0] for line in lines[told + 1 :]] == ["application", "tenant", "authority", "kept", "token"]
    assert "  kept in      a file that nothing encrypts" in lines
    assert lines[-1].startswith("  token until  ")
    assert window.shows_cursor
    assert active(home).record.username == ADA.username


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (40, 12), (120, 40)])
def test_ctrl_c_ends_it_at_once(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], home: Home, columns: int, lines: int
) -> None:
    window = open_terminal("login", "--device-code", *at_graph, columns=columns, lines=lines)
    window.wait_for(lambda window: "left" in window.text)
    window.type(b"\x03")
    assert window.end() == exit_codes.INTERRUPTED, window.text
    assert "Waiting" not in window.text
    assert b"Traceback" not in window.written
    assert window.shows_cursor
    assert active_account.load(home.environ) is None


def test_a_large_terminal_shows_a_qr_code(open_terminal: OpenTerminal, at_graph: tuple[str, ...]) -> None:
    window = open_terminal("login", "--device-code", *at_graph, columns=120, lines=40)
    window.wait_for(lambda window: "left" in window.text)
    assert "\u2580\u2580\u2580" in window.text
    assert b"\x1b[38;5;231m\x1b[48;5;16m" in window.written


def test_the_code_is_sent_to_the_terminals_clipboard(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], home: Home
) -> None:
    home.environ["SSH_CONNECTION"] = "10.0.0.1 50000 10.0.0.2 22"
    window = open_terminal("login", *at_graph)
    window.wait_for(lambda window: "left" in window.text)
    assert "This is an SSH session, so you sign in with a code." in window.lines
    assert "Copied to the clipboard, if the terminal allows it." in window.lines
    assert b"\x1b]52;c;" in window.written


def test_nothing_is_copied_that_should_not_be(open_terminal: OpenTerminal, at_graph: tuple[str, ...]) -> None:
    window = open_terminal("login", "--device-code", "--no-copy", *at_graph)
    window.wait_for(lambda window: "left" in window.text)
    assert b"\x1b]" not in window.written
    assert "Copied" not in window.text


def test_a_dumb_terminal_gets_plain_lines(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], person_for: PersonFor, home: Home
) -> None:
    home.environ["TERM"] = "dumb"
    window = open_terminal("login", "--device-code", *at_graph, columns=120, lines=40)
    window.wait_for(lambda window: "You have 1" in window.text)
    person_for(ADA).enter_code(*code_in(window.text))
    assert window.end() == exit_codes.OK
    assert b"\x1b" not in window.written
    assert re.search(rb"\r(?!\n)", window.written.replace(b"\r\r\n", b"\r\n")) is None


def test_no_color_leaves_the_countdown_and_takes_the_styles(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], home: Home
) -> None:
    home.environ["NO_COLOR"] = "1"
    window = open_terminal("login", "--device-code", "--no-copy", *at_graph, columns=120, lines=40)
    window.wait_for(lambda window: "left" in window.text)
    assert b"\x1b" not in window.written


def test_where_no_browser_opens_a_code_does(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], person_for: PersonFor, home: Home
) -> None:
    home.environ["BROWSER"] = "false"
    window = open_terminal("login", "--no-qr", *at_graph, columns=300)
    window.wait_for(lambda window: "for the sign-in" in window.text)
    assert "No browser could be opened on this machine. You sign in with a code instead." in window.lines
    person_for(ADA).enter_code(*code_in(window.text))
    assert window.end() == exit_codes.OK


def test_without_a_browser_the_address_is_shown(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], browser_of: Callable[..., Person], person_for: PersonFor
) -> None:
    browser_of(BOB)  # it is not opened
    window = open_terminal("login", "--no-browser", *at_graph, columns=2000)
    window.wait_for(lambda window: "Waiting for the browser: " in window.text)
    [address] = [line for line in window.lines if line.startswith("http")]
    person = person_for(ADA)
    person.open(address)
    assert window.end() == exit_codes.OK
    assert "ada@contoso.example is signed in." in window.lines
    assert "Waiting" not in window.text


def test_the_line_that_the_emulator_prints_signs_in(
    start_azid: StartAzid, run_azid: RunAzid, home: Home, entra: Emulator, person_for: PersonFor
) -> None:
    pointers = Pointers(entra, [ADA], None, None)
    home.environ.update(pointers.environment())
    [printed] = re.findall(r"  azid (login .*)", pointers.as_text())
    process = start_azid(*printed.split(), "--device-code")
    person_for(ADA).enter_code(*code_in(read_prompt(process)))
    read_rest(process)
    assert process.returncode == exit_codes.OK
    scope = printed.split("--scope ")[1]
    assert run_azid("token", "--scope", scope).exit_code == exit_codes.OK


# --- In the browser


def test_the_browser_is_opened_where_there_is_one(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], browser_of: Callable[..., Person], home: Home
) -> None:
    person = browser_of(ADA)
    window = open_terminal("login", *at_graph, columns=200, lines=60)
    assert window.end() == exit_codes.OK
    person.join()
    assert "ada@contoso.example is signed in." in window.lines
    assert window.text.count("Sign in with your browser.") == 1
    assert "Waiting" not in window.text
    assert active(home) == (active(home).record, "plaintext", True)


def test_json_alone_is_on_standard_output(
    run_azid: RunAzid, at_graph: tuple[str, ...], browser_of: Callable[..., Person], entra: Emulator
) -> None:
    browser_of(ADA)
    done = run_azid("login", "--browser", "--output", "json", *at_graph)
    assert done.exit_code == exit_codes.OK
    answer = json.loads(done.stdout)
    expires_on, expires = answer.pop("expires_on"), answer.pop("expires")
    assert answer == {
        "username": ADA.username,
        "tenant_id": ADA.tenant_id,
        "client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "authority": entra.authority.removeprefix("https://"),
        "home_account_id": f"{ADA.object_id}.{ADA.tenant_id}",
        "storage": "plaintext",
    }
    assert expires_on > time.time()
    assert expires.endswith("Z")
    assert "\x1b" not in done.stderr


def test_it_signs_in_anew_and_the_other_commands_follow(
    run_azid: RunAzid, at_graph: tuple[str, ...], browser_of: Callable[..., Person], sign_in: SignIn, azid: Invoke
) -> None:
    sign_in(BOB)
    browser_of(ADA)
    done = run_azid("login", "--browser", *at_graph)
    assert done.exit_code == exit_codes.OK
    assert azid("token", "--scope", GRAPH).exit_code == exit_codes.OK
    assert azid("whoami", "--scope", GRAPH).stdout.startswith(ADA.username)


def test_a_browser_that_was_asked_for_and_does_not_open_is_a_failure(
    run_azid: RunAzid, at_graph: tuple[str, ...], home: Home
) -> None:
    home.environ["BROWSER"] = "false"
    done = run_azid("login", "--browser", *at_graph)
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert done.stderr.endswith("Error: No browser could be opened on this machine.\nRun:   azid login --device-code\n")


# --- Where nobody is


def test_without_a_terminal_it_fails_at_once(azid: Invoke, at_graph: tuple[str, ...], entra: Emulator) -> None:
    for more in ((), ("--no-browser",), ("--no-browser", "--port", "8400")):
        done = azid("login", *more, *at_graph, DISPLAY=":0")
        assert done.exit_code == exit_codes.UNAVAILABLE
        assert "There is no terminal here" in done.stderr
        assert done.stderr.endswith("Run:   azid login --device-code\n")
        assert done.stdout == ""
    assert entra.requests == []


def test_in_continuous_integration_it_fails_even_with_a_terminal(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], home: Home, entra: Emulator
) -> None:
    home.environ["TF_BUILD"] = "True"
    window = open_terminal("login", *at_graph)
    assert window.end() == exit_codes.UNAVAILABLE
    assert "TF_BUILD" in window.text
    assert entra.requests == []


def test_a_code_that_was_asked_for_goes_to_a_pipe_in_plain_lines(
    start_azid: StartAzid, at_graph: tuple[str, ...], person_for: PersonFor
) -> None:
    process = start_azid("login", "--device-code", "--login-hint", BOB.username, "--output", "json", *at_graph)
    told = read_prompt(process)
    assert "Sign in as bob@contoso.example." in told.splitlines()
    assert "You have 5 min." in told  # nobody may be there: not as long as the code lasts
    person_for(ADA).enter_code(*code_in(told))
    stdout, rest = read_rest(process)
    assert process.returncode == exit_codes.OK
    assert json.loads(stdout)["username"] == ADA.username
    assert rest == "\nIt is ada@contoso.example who signed in, not bob@contoso.example.\n"
    assert "\x1b" not in told + rest
    assert "\r" not in told + rest
    assert "Waiting" not in told + rest


def test_nobody_is_waited_for_longer_than_was_said(run_azid: RunAzid, at_graph: tuple[str, ...]) -> None:
    done = run_azid("login", "--device-code", "--timeout", "1", "--output", "json", *at_graph)
    assert done.exit_code == exit_codes.FAILED
    assert "You have 1 s." in done.stderr.splitlines()
    error = json.loads(done.stderr[done.stderr.index("{") :])["error"]
    assert error["message"] == "The sign-in timed out: nobody entered the device code within 1 seconds."


def test_a_signal_ends_it_without_a_terminal_too(start_azid: StartAzid, at_graph: tuple[str, ...]) -> None:
    process = start_azid("login", "--device-code", *at_graph)
    read_prompt(process)
    process.send_signal(signal.SIGINT)
    _, rest = read_rest(process)
    assert process.returncode == exit_codes.INTERRUPTED
    assert "Traceback" not in rest


# --- What goes wrong


def test_storage_that_cannot_be_had_is_told_before_anybody_is_asked(
    azid: Invoke, at_graph: tuple[str, ...], entra: Emulator, home: Home
) -> None:
    done = azid("login", "--device-code", "--storage", "keyring", *at_graph)
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "--storage plaintext" in done.stderr
    blocked = home.folder / ".IdentityService"
    blocked.write_text("a file is where the folder should be")
    done = azid("login", "--device-code", *at_graph)
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "Error: Sign-ins cannot be kept here: " in done.stderr
    assert str(blocked) in done.stderr
    assert entra.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--device-code", "--browser"),
        ("--device-code", "--port", "8400"),
        ("--port", "0"),
        ("--timeout", "0"),
        ("--claims", "no JSON"),
        ("--device-code", "--tenant", "not a tenant"),
        ("--device-code", "--client-id", ""),
        ("--device-code", "--scope", "openid"),
        ("--device-code", "--authority", "http://login.microsoftonline.com"),
    ],
)
def test_malformed_options_are_told(azid: Invoke, arguments: tuple[str, ...]) -> None:
    done = azid("login", *arguments)
    assert done.exit_code == exit_codes.USAGE
    assert "Error: " in done.stderr


def test_an_unknown_cloud_needs_a_scope(azid: Invoke, at_entra: tuple[str, ...], entra: Emulator) -> None:
    done = azid("login", "--device-code", *at_entra)
    assert done.exit_code == exit_codes.USAGE
    assert "pass --scope" in done.stderr
    assert entra.requests == []


def test_the_usual_cloud_needs_none(run_azid: RunAzid) -> None:
    login = (sys.executable, "-m", "azid", "login", "--device-code", "--timeout", "1")
    done = run_azid("emulator", "--proxy", "--", *login)
    assert done.exit_code == exit_codes.FAILED
    assert "You have 1 s." in done.stderr.splitlines()
    assert "timed out" in done.stderr


def test_settings_that_cannot_be_written_leave_the_sign_in(
    run_azid: RunAzid, at_graph: tuple[str, ...], browser_of: Callable[..., Person], home: Home
) -> None:
    browser_of(ADA)
    home.environ["AZID_CONFIG_DIR"] = "/dev/null/settings"
    done = run_azid("login", "--browser", *at_graph)
    assert done.exit_code == exit_codes.FAILED
    assert "Error: ada@contoso.example is signed in, but cannot be made the active account" in done.stderr


# --- The flows by themselves, on a clock that is moved by hand


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def in_process(clock: ManualClock) -> Callable[..., SignInRequest]:
    """Makes a request to an authority in this process, where nobody signs in."""
    entra = Emulator(users=[ADA], clock=clock)

    def make(**changes: Any) -> SignInRequest:
        settings = {"transport": entra.transport(), "authority": "login.microsoftonline.com"}
        return SignInRequest((GRAPH,), None, None, None, settings)._replace(**changes)

    return make


@pytest.mark.parametrize(
    ("attended", "timeout", "seconds"), [(True, None, "900"), (True, 60, "60"), (False, None, "300"), (False, 60, "60")]
)
def test_a_code_is_waited_for_as_long_as_somebody_may_be_there(
    in_process: Callable[..., SignInRequest], clock: ManualClock, attended: bool, timeout: int | None, seconds: str
) -> None:
    with pytest.raises(AuthenticationFailedError, match=f"within {seconds} seconds"):
        with_device_code(in_process(timeout=timeout), clock, Surroundings({}), attended=attended)


def test_a_browser_that_does_not_come_up_earns_a_hint(
    in_process: Callable[..., SignInRequest], clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AuthenticationFailedError, match="within 300 seconds"):
        with_browser(in_process(), clock, open_browser=lambda _: True)
    assert capsys.readouterr().err.count("add --device-code to the command") == 1


def test_who_opens_the_browser_alone_needs_no_hint(
    in_process: Callable[..., SignInRequest], clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AuthenticationFailedError):
        with_browser(in_process(), clock, opens=False)
    assert "--device-code" not in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(
    in_process: Callable[..., SignInRequest], clock: ManualClock, entra: Emulator
) -> None:
    port = int(entra.authority.rpartition(":")[2])
    with pytest.raises(BrowserUnavailable, match=rf"at port {port}: .*\. Choose another --port, or none\.$"):
        with_browser(in_process(), clock, port=port, open_browser=lambda _: True)


RECORD = AuthenticationRecord(
    "t", "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "login.microsoftonline.com", "o.t", "ada\x1b"
)


def test_a_name_is_no_command_for_the_terminal() -> None:
    assert "\x1b" not in describe(SignedIn(RECORD, 1_700_000_000), "the keyring", now=1_700_000_000)


def test_a_token_that_has_expired_already_is_not_spoken_of() -> None:
    signed_in = SignedIn(RECORD, None)
    assert "until" not in describe(signed_in, "the keyring", now=0)
    assert as_json(signed_in, "keyring")["expires"] is None


@pytest.mark.parametrize("terms", [("deny", None, "declined"), ("approve", 53003, "--browser")])
def test_a_refusal_is_explained(
    start_azid: StartAzid,
    at_graph: tuple[str, ...],
    entra: Emulator,
    terms: tuple[Literal["approve", "deny"], int | None, str],
) -> None:
    then, code, told = terms
    if code is not None:
        entra.refuse(ADA.username, code)
    process = start_azid("login", "--device-code", *at_graph)
    Person(ADA.username, ADA.password, then=then).enter_code(*code_in(read_prompt(process)))
    stdout, rest = read_rest(process)
    assert process.returncode == exit_codes.FAILED
    assert told in rest
    assert stdout == ""


def test_where_sign_ins_are_kept_is_said_in_words(azid: Invoke, home: Home) -> None:
    assert where_kept("keyring", platform="darwin") == "the Keychain"
    assert where_kept("plaintext", platform="darwin") == "the Keychain"
    assert where_kept("auto", platform="win32") == "a file that Windows encrypts"
    assert where_kept("kernel-keyring", platform="linux") == "a file that a key of the kernel encrypts"
    assert where_kept("keyring", platform="linux") == "the keyring"
