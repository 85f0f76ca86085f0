"""Every message that the pages quote is one that azid's code has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from azid.remedies import remedy
from tests.docs.blocks import blocks_of
from tools.parts import ROOT

PAGE = "docs/troubleshooting.md"
SOURCE = ROOT / "src" / "azid"

QUOTED = [
    line
    for page in (PAGE, "docs/proxies.md")
    for block in blocks_of(page)
    if block.language == "text"
    for line in block.code.splitlines()
]
CODES = re.findall(r"^\| AADSTS(\d+) \| (.+) \|$", (ROOT / PAGE).read_text(encoding="utf-8"), re.MULTILINE)


def messages_of_the_source() -> Iterator[str]:
    """Yield every text in the source, documentation excepted, with `…` for what is filled in."""
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                yield re.sub(r"%[sdr]", "…", node.value)


@pytest.fixture(scope="module")
def source() -> str:
    return "\n\n".join(messages_of_the_source())


@pytest.mark.parametrize("message", QUOTED)
def test_message_is_one_of_the_source(message: str, source: str) -> None:
    assert message in source


def test_remedies_are_those_of_the_source() -> None:
    assert dict(CODES) == {code: remedy([int(code)]) for code, _ in CODES}


def test_every_code_with_a_remedy_is_listed() -> None:
    tree = ast.parse((SOURCE / "remedies.py").read_text(encoding="utf-8"))
    tables = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    known = {str(key.value) for table in tables for key in table.keys if isinstance(key, ast.Constant)}
    assert {code for code, _ in CODES} == known
