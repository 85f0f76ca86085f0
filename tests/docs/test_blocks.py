"""The documentation's blocks: of languages that something is done about, well-formed, with commands that exist."""

from __future__ import annotations

import json
import re
import shlex
import sys

import pytest
from click.testing import CliRunner

from azid.cli.group import azid
from tests.docs.blocks import Block, blocks_of, pages
from tests.docs.console import COMMANDS, azid_calls, reason_not_to_run
from tools.parts import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# What is run: by test_running.py, and JavaScript by tests/msal_node.
RUN = {"python", "console", "javascript"}
# What is read, so that it is at least well-formed.
READ = {"json", "toml"}
# What shows something: output and messages (their own tests compare them), a file's content.
SHOWN = {"text", "yaml", "dockerfile", ""}


@pytest.mark.parametrize("page", pages())
def test_every_block_has_a_language_that_something_is_done_about(page: str) -> None:
    assert {block.language for block in blocks_of(page)} <= RUN | READ | SHOWN


@pytest.mark.parametrize("page", pages())
def test_data_is_well_formed(page: str) -> None:
    for block in blocks_of(page):
        if block.language == "json":
            json.loads(block.code)
        elif block.language == "toml":
            tomllib.loads(block.code)


@pytest.mark.parametrize(("block", "command"), COMMANDS, ids=[f"{block.place}: {line}" for block, line in COMMANDS])
def test_command_is_known(block: Block, command: str) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    elif "pip" in words and "install" in words:
        check_installable(words[words.index("install") + 1 :])
    for arguments in azid_calls(command):
        own = arguments[: arguments.index("--")] if "--" in arguments else arguments
        # Options are parsed before help is shown, so that an unknown one is an error.
        result = CliRunner().invoke(azid, [*own, "--help"])
        assert result.exit_code == 0, result.output
    assert reason_not_to_run(command) or words[0] == "azid", f"{block.place}: run it, or give a reason in NOT_RUN"


def check_installable(arguments: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in arguments:
        name, _, extras = word.rstrip("]").partition("[")
        known = name in (".", "azid") or name.startswith(("-", "azure-identity==")) or (ROOT / name).is_dir()
        assert known, f"{word} is not known"
        assert {*extras.split(",")} - {""} <= {*project["optional-dependencies"]}
