"""The documentation's command lines: which are run, and why the others are not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from tests.docs.blocks import blocks_of, commands_in, pages

__all__ = ["COMMANDS", "azid_calls", "reason_not_to_run"]

# Commands that are not run, by how they begin, each with its reason. `azid …` is parsed all the same.
NOT_RUN = {
    "make demo": "has tests of its own",
    "make test": "is what runs this",
    "make": "what it does is tested where it is done; here only that there is such a target",
    "pip install": "would change this environment; here only that what is named exists",
    "python -m pip install": "would change this environment; here only that what is named exists",
    "export": "changes the reader's shell only",
    "ssh": "needs another machine",
    "docker": "needs Docker",
    "dbus-run-session": "starts a desktop's keyring; tests/tokens does that",
    "azid login --no-browser": "needs a person at a terminal; tests/cli has one",
    "azid doctor": "its findings are this machine's; tests/cli runs it",
    "azid emulator": "runs until it is ended; tests/cli runs it",
    "azid demo": "has tests of its own",
    "curl": "asks an emulator that runs; tests/emulator does that",
}

COMMANDS = [(block, command) for page in pages() for block in blocks_of(page) for command in commands_in(block)]


def reason_not_to_run(command: str) -> str | None:
    return next((reason for start, reason in NOT_RUN.items() if f"{command} ".startswith(f"{start} ")), None)


def azid_calls(command: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of ``azid`` in a command line, whatever stands around it."""
    for part in (command, *re.findall(r"\$\(([^)]*)\)", command)):
        lexer = shlex.shlex(part, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in (*lexer, ";"):
            if set(word) <= set("();<>|&"):
                while words and re.match(r"\w+=", words[0]):
                    words.pop(0)
                if words[:1] == ["azid"]:
                    yield words[1:]
                words = []
            else:
                words.append(word)
