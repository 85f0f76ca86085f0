"""`azid login` at a real terminal, against an authority that listens."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest

from azid.cli import active_account, exit_codes
from azid.emulator import Emulator, Person, User
from tests.cli.conftest import GiveBrowser, Home, OpenTerminal, active, code_in
from tests.conftest import ADA, BOB

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")

PersonFor = Callable[[User], Person]


def test_a_code_is_shown_counted_down_and_used(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], person_for: PersonFor, home: Home
) -> None:
    window = open_terminal("login", "--device-code", *at_graph, columns=90)
    window.wait_for(lambda window: "left" in window.text)
    page, code = code_in(window.text)
    assert window.lines[-1].startswith("Waiting for the sign-in: 1")
    assert window.lines[-1].endswith(" left")
    person_for(ADA).enter_code(page, code)
    assert window.wait() == exit_codes.OK
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
    window.write("\x03")
    assert window.wait() == exit_codes.INTERRUPTED, window.text
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
    assert window.wait() == exit_codes.OK
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
    assert window.wait() == exit_codes.OK


def test_without_a_browser_the_address_is_shown(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], browser_of: GiveBrowser, person_for: PersonFor
) -> None:
    browser_of(BOB)  # it is not opened
    window = open_terminal("login", "--no-browser", *at_graph, columns=2000)
    window.wait_for(lambda window: "Waiting for the browser: " in window.text)
    [address] = [line for line in window.lines if line.startswith("http")]
    person = person_for(ADA)
    person.open(address)
    assert window.wait() == exit_codes.OK
    assert "ada@contoso.example is signed in." in window.lines
    assert "Waiting" not in window.text


def test_the_browser_is_opened_where_there_is_one(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], browser_of: GiveBrowser, home: Home
) -> None:
    person = browser_of(ADA)
    window = open_terminal("login", *at_graph, columns=200, lines=60)
    assert window.wait() == exit_codes.OK
    person.join()
    assert "ada@contoso.example is signed in." in window.lines
    assert window.text.count("Sign in with your browser.") == 1
    assert "Waiting" not in window.text
    assert active(home) == (active(home).record, "plaintext", True)


def test_in_continuous_integration_it_fails_even_with_a_terminal(
    open_terminal: OpenTerminal, at_graph: tuple[str, ...], home: Home, entra: Emulator
) -> None:
    home.environ["TF_BUILD"] = "True"
    window = open_terminal("login", *at_graph)
    assert window.wait() == exit_codes.UNAVAILABLE
    assert "TF_BUILD" in window.text
    assert entra.requests == []
