"""docs/cli.md: what it shows is what the command prints."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from azid import DeviceCodeCredential
from azid.cli import active_account
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from tests.cli.conftest import Home, Invoke
from tests.conftest import ADA, BOB
from tests.docs.blocks import blocks_of

PAGE = "docs/cli.md"
RESOURCE_MANAGER = "https://management.core.windows.net//.default"
# Their output depends on more than the cache; their own tests run them.
SHOWN_ELSEWHERE = {"login", "doctor", "emulator", "demo"}


class Example(NamedTuple):
    """A command and what it prints, as the page shows them."""

    line: int
    command: str
    printed: str
    as_json: bool


def examples() -> Iterator[Example]:
    """Yield each: a block of the command, and one of what it prints, or one of both."""
    for shown, printed in pairwise(blocks_of(PAGE)):
        follows = printed.line - shown.end <= 3
        if shown.language == "console" and printed.language in ("text", "json") and follows:
            yield Example(shown.line, shown.code.strip(), printed.code, printed.language == "json")
    for block in blocks_of(PAGE):
        if block.code.startswith("$ azid "):
            command, _, output = block.code.removeprefix("$ ").partition("\n")
            yield Example(block.line, command, output, as_json=False)


EXAMPLES = [example for example in examples() if example.command.split()[1] not in SHOWN_ELSEWHERE]


def normalized(text: str) -> str:
    """Return what an example shows without what differs each time: tokens, their IDs, and times."""
    text = re.sub(r"eyJ[\w.-]+(…)?", "TOKEN", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)(, (in \d+ \w+|\d+ \w+ ago|now))?", "TIME", text)
    text = re.sub(r"\b\d{10}\b", "SECONDS", text)
    return re.sub(r"(\buti[\s\":]+)[\w-]+", r"\1ID", text)


@pytest.fixture
def signed_in(home: Home) -> None:
    """Let Bob and then Ada be signed in at the public cloud, as an emulator in this process plays it."""
    entra = Emulator(users=[ADA, BOB], device_code_interval=0)
    for user in (BOB, ADA):
        person = Person(user.username, user.password, entra=entra)
        with DeviceCodeCredential(
            prompt_callback=person.enter_code,
            transport=entra.transport(),
            clock=ManualClock(time.time()),
            cache_persistence_options=home.options(),
        ) as credential:
            record = credential.authenticate(RESOURCE_MANAGER)
    active_account.save(record, storage="plaintext", environ=home.environ)


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line {example.line}" for example in EXAMPLES])
def test_example(signed_in: None, azid: Invoke, example: Example) -> None:
    done = azid(*shlex.split(example.command)[1:])
    assert normalized(done.stdout if example.as_json else done.output) == normalized(example.printed)


def test_every_command_has_a_heading_and_an_example() -> None:
    text = Path(PAGE).read_text(encoding="utf-8")
    for name in ("login", "token", "whoami", "accounts", "logout", "doctor", "emulator", "demo", "completion"):
        assert f"\n## azid {name}\n" in text
        assert f"\nazid {name}" in text.partition(f"\n## azid {name}\n")[2]


def test_the_page_names_every_exit_code() -> None:
    from azid.cli import exit_codes

    text = Path(PAGE).read_text(encoding="utf-8")
    for name in exit_codes.__all__:
        assert re.search(rf"^\| {getattr(exit_codes, name)} \|", text, re.MULTILINE)


def test_errors_in_json_have_the_shape_of_the_page(azid: Invoke) -> None:
    error = json.loads(azid("token", "-o", "json").stderr)
    assert list(error) == ["error"]
    assert list(error["error"]) == ["code", "message", "remedy"]
