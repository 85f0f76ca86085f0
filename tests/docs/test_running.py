"""Every Python block of the documentation, and its `azid` commands, run as they are shown.

A `text` block right after a Python block is what that prints.
"""

from __future__ import annotations

import fnmatch
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from azid.tokens.stores.kernel_key import KernelKey, KernelKeyUnavailableError
from tests.docs.blocks import Block, blocks_of, pages
from tests.docs.console import COMMANDS, azid_calls, reason_not_to_run

if TYPE_CHECKING:
    from tests.docs.reader import Reader

if sys.platform != "linux":
    pytest.skip("The examples run with a keyring of their own, which only Linux has", allow_module_level=True)

pytest_plugins = ["tests.docs.reader"]

PAGES_ABOUT_KERNEL_KEYS = {"docs/headless-linux.md"}
RUN_BY_PYTEST = {"docs/testing.md"}
"""`tests/testing` does that."""
PAGES = [
    page
    for page in pages()
    if page not in RUN_BY_PYTEST and any(block.language == "python" for block in blocks_of(page))
]


def missing_lines(shown: Block, said: str) -> list[str]:
    """Return the lines of a `text` block that a program did not print. `…` stands for anything."""
    printed = said.splitlines()
    patterns = {line: re.sub(r"([\[?*])", r"[\1]", line).replace("…", "*") for line in shown.code.splitlines()}
    return [line for line, pattern in patterns.items() if not fnmatch.filter(printed, pattern)]


def require_what_it_is_about(page: str) -> None:
    """Skip the test if the page is about what this machine does not have."""
    if page in PAGES_ABOUT_KERNEL_KEYS:
        try:
            KernelKey("azid tests").probe()
        except KernelKeyUnavailableError as error:
            pytest.skip(f"This kernel keeps no keys for the tests: {error}")


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks(page: str, reader: Reader, home: Path) -> None:
    require_what_it_is_about(page)
    said, end = "", 0
    for block in blocks_of(page):
        if block.language == "python":
            said, end = reader.run(block, home).said, block.end
        elif block.language == "text" and block.line <= end + 3:
            assert missing_lines(block, said) == [], f"{block.place}: what the block before it printed:\n{said}"
    assert reader.world.proxy.refused == []


def test_the_second_run_is_silent(reader: Reader, home: Path) -> None:
    first, *_ = (block for block in blocks_of("docs/silent.md") if block.language == "python")
    assert [reader.run(first, home).sign_ins for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("page", sorted({block.page for block, line in COMMANDS if not reason_not_to_run(line)}))
def test_commands(page: str, reader: Reader, home: Path) -> None:
    require_what_it_is_about(page)
    for block, command in COMMANDS:
        if block.page == page and not reason_not_to_run(command):
            for arguments in azid_calls(command):
                if arguments[0] == "login" and "--device-code" not in arguments:
                    arguments.append("--browser")  # there is no terminal, without which it asks nobody by itself
                program = f"import sys\nfrom azid.cli import main\nsys.argv[:] = {['azid', *arguments]}\nmain()\n"
                reader.run(block._replace(code=program), home)
