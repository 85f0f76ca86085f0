"""What the person sees of a device code, in terminals of every size."""

from __future__ import annotations

import re
from typing import Any

import pytest

from azid.cli.device_code_screen import DeviceCodeScreen
from azid.cli.qr_code import qr_code
from azid.cli.terminal import Terminal

PAGE, CODE = "https://login.microsoft.com/device", "ABCD2EFGH"
SCREEN = DeviceCodeScreen(PAGE, CODE, ("Sign in as ada@contoso.example.",))
BLOCKS = re.compile("[\u2580\u2584\u2588]")
STYLE = re.compile(r"\x1b\[[0-9;]*m")
LARGE = Terminal(True, 120, 40, colours=True, redraws=True, blocks=True)


def drawn(terminal: Terminal, qr: bool | None = None, screen: DeviceCodeScreen = SCREEN) -> list[str]:
    return STYLE.sub("", screen.draw(terminal, qr=qr)).splitlines()


def has_qr_code(lines: list[str]) -> bool:
    return any(BLOCKS.search(line) for line in lines)


def test_address_and_code_stand_alone() -> None:
    lines = drawn(LARGE, qr=False)
    assert lines == [
        "Open this page in the browser of any device:",
        "",
        f"    {PAGE}",
        "",
        "and enter this code:",
        "",
        f"    {CODE}",
        "",
        "Sign in as ada@contoso.example.",
    ]


def test_nothing_comes_after_the_code_where_there_is_no_more_to_say() -> None:
    assert drawn(LARGE, qr=False, screen=SCREEN._replace(notes=()))[-1] == f"    {CODE}"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, True),
        ({"columns": 100, "lines": 30}, True),
        ({"columns": 99}, False),
        ({"lines": 29}, False),
        ({"colours": False}, False),  # who wants no colours, or has none, may have a light screen
        ({"blocks": False}, False),
    ],
)
def test_a_qr_code_comes_unasked_where_there_is_room(changes: dict[str, Any], shown: bool) -> None:
    assert has_qr_code(drawn(LARGE._replace(**changes))) is shown


@pytest.mark.parametrize(("columns", "lines"), [(120, 40), (80, 24), (79, 22), (60, 40), (40, 33)])
def test_a_qr_code_that_is_asked_for_fits_the_terminal(columns: int, lines: int) -> None:
    shown = drawn(LARGE._replace(columns=columns, lines=lines), qr=True)
    text = "\n".join(shown)
    assert max(map(len, shown)) <= columns
    assert len(shown) + 3 <= lines
    assert all(line in text for line in qr_code(PAGE))
    assert PAGE in text
    assert CODE in text


@pytest.mark.parametrize(("columns", "lines"), [(80, 21), (60, 24), (30, 50)])
def test_a_terminal_that_is_too_small_is_told_which_would_do(columns: int, lines: int) -> None:
    shown = drawn(LARGE._replace(columns=columns, lines=lines), qr=True)
    assert not has_qr_code(shown)
    assert "79 columns and 22 lines" in " ".join(shown)


def test_an_encoding_without_blocks_is_named() -> None:
    shown = drawn(LARGE._replace(blocks=False), qr=True)
    assert not has_qr_code(shown)
    assert "The encoding of this terminal has no characters for a QR code." in shown


def test_a_pipe_gets_the_qr_code_without_colours_if_it_is_asked_for() -> None:
    assert not has_qr_code(drawn(Terminal(blocks=True)))
    text = SCREEN.draw(Terminal(blocks=True), qr=True)
    assert all(line in text for line in qr_code(PAGE))


def test_a_long_address_does_not_push_the_qr_code_out() -> None:
    long = SCREEN._replace(uri=f"https://localhost:40001/common/oauth2/deviceauth?{'x' * 40}")
    assert not has_qr_code(drawn(LARGE._replace(columns=100, lines=30), screen=long))
    assert has_qr_code(drawn(LARGE._replace(columns=100, lines=50), screen=long))


def test_a_narrow_terminal_wraps_words_but_not_the_address() -> None:
    shown = drawn(LARGE._replace(columns=20), qr=False)
    assert f"    {PAGE}" in shown
    assert all(len(line) <= 20 for line in shown if PAGE not in line)


def test_what_an_authority_sends_is_no_command_for_the_terminal() -> None:
    shown = DeviceCodeScreen("https://x\x1b]0;title\x07", "A\x1b[2J", ("B\x1b[2J",)).draw(Terminal())
    assert "\x1b" not in STYLE.sub("", shown)
    assert "\x07" not in shown
