"""Programs written for `azure.identity`, each in a process of its own, unchanged, on the drop-in.

Their authority and their clouds are the emulator and stand-ins: see `tests/support/world.py`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
import trustme

from azid import DEVELOPER_SIGN_ON_CLIENT_ID, AuthenticationRecord
from azid.emulator import Emulator
from tests.conftest import ADA
from tests.support.stand_ins import ResourceManager
from tests.support.world import LOGIN, World, make_world

pytest_plugins = ["tests.support.trust"]

EXAMPLES = Path(__file__).parent / "examples"
# Not a part of the project: where it lies beside a checkout, its own examples run, too.
SPEC = Path(__file__).resolve().parents[2] / "shared" / "spec" / "interactive.md"

_INTERFACE = re.compile(r"^class ", re.MULTILINE)  # a listing of a class's methods, not an example


@dataclass(frozen=True)
class Example:
    """One program.

    :param name: what it is about.
    :param program: its text.
    :param tells: what its output must contain.
    :param sign_ins: how often it must ask the person.
    """

    name: str
    program: str
    tells: tuple[str, ...] = ()
    sign_ins: int = 0


OWN = {
    "browser": (("account: ada@contoso.example", "needs a person for: https://graph", "client for: account"), 1),
    "conditional": (("none of its 9 credentials can be used here", "token: True"), 1),
    "device_code": (("until: UTC", "account: ada@contoso.example", "group: accounts", "group: shipping"), 1),
    "parameters": (("token: True expires: True",), 1),
    "record": (("same account: True",), 1),
    "silent": (("a person is needed", "account: ada@contoso.example", "silently: True"), 1),
    "username_password": (("account: ada@contoso.example", "silently: True"), 0),
}

# What the spec's examples leave out: imports, and what they take for granted.
_RECORD_IS_SAVED = """
import os
from azure.identity import AuthenticationRecord
saved_record = AuthenticationRecord.deserialize(os.environ["SAVED_RECORD"])
"""
_NAMES_OF_PARAMETERS = """
from typing import List, Optional
from azure.identity import AuthenticationRecord, TokenCachePersistenceOptions
from azure.identity._constants import DEVELOPER_SIGN_ON_CLIENT_ID
"""
_CREDENTIAL_AND_SCOPES = """
from azure.identity import AuthenticationRecord, InteractiveBrowserCredential
credential, scopes = InteractiveBrowserCredential(), ["https://graph.microsoft.com/.default"]
"""

_ERROR_IS_KNOWN = "from azure.identity import CredentialUnavailableError"

# In the spec's order.
OF_THE_SPEC: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("browser", "", (ADA.username,), 1),
    ("device code", "", ResourceManager.groups, 1),
    ("password", "", (), 0),
    ("silent", _RECORD_IS_SAVED, (), 1),
    ("conditional", _ERROR_IS_KNOWN, ("Interactive authentication successful",), 1),
    ("parameters", _NAMES_OF_PARAMETERS, (), 0),
    ("record", _CREDENTIAL_AND_SCOPES, (), 1),
)


def own_examples() -> Iterator[Example]:
    for path in sorted(EXAMPLES.glob("*.py")):
        yield Example(path.stem, path.read_text(encoding="utf-8"), *OWN[path.stem])


def examples_of_the_spec() -> Iterator[Example]:
    programs = [program for program in programs_in(SPEC.read_text(encoding="utf-8")) if not _INTERFACE.search(program)]
    for (name, prefix, tells, sign_ins), program in zip(OF_THE_SPEC, programs, strict=True):
        yield Example(name, f"{prefix}\n{program}", tells, sign_ins)


def programs_in(text: str) -> Iterator[str]:
    """Yield the Python programs between a text's paragraphs: each begins with an import or a comment, unindented."""
    lines = text.splitlines()
    while lines:
        if re.match(r"(from \w|import \w|# )", lines[0]) and (length := _length_of_program(lines)):
            yield "\n".join(lines[:length])
            lines = lines[length:]
        else:
            lines = lines[1:]


def _length_of_program(lines: list[str]) -> int:
    """Return how many lines at the beginning are Python, headings of one word not among them."""
    length = len(lines)
    while length:
        try:
            parsed = ast.parse("\n".join(lines[:length]))
        except SyntaxError as error:
            length = min(error.lineno or length, length) - 1
        else:
            last = parsed.body[-1] if parsed.body else None
            if not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Name)):
                return length
            length = last.lineno - 1
    return 0


@pytest.fixture(scope="module")
def world(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    assert "+azid" in version("azure-identity"), "the programs would run on Microsoft's library"
    home = tmp_path_factory.mktemp("home")
    with (
        Emulator(users=[ADA], device_code_interval=1) as entra,
        make_world(entra, ca, home, {"management.azure.com": ResourceManager(entra).answer}) as world,
    ):
        record = AuthenticationRecord(
            tenant_id=entra.tenant_id,
            client_id=DEVELOPER_SIGN_ON_CLIENT_ID,
            authority=LOGIN,
            home_account_id=f"{ADA.object_id}.{ADA.tenant_id}",
            username=ADA.username,
        )
        world.environment.update(
            SAVED_RECORD=record.serialize(),
            TEST_CLIENT_ID=DEVELOPER_SIGN_ON_CLIENT_ID,
            TEST_USERNAME=ADA.username,
            TEST_PASSWORD=ADA.password,
            TEST_TENANT_ID=entra.tenant_id,
        )
        yield world


def check(example: Example, world: World, folder: Path) -> None:
    program = folder / "program.py"
    program.write_text(example.program, encoding="utf-8")
    exit_code, onlooker = world.run([sys.executable, program], folder)
    assert exit_code == 0, onlooker.said
    assert [expected for expected in example.tells if expected not in onlooker.said] == [], onlooker.said
    assert onlooker.sign_ins == example.sign_ins, onlooker.said
    assert world.proxy.refused == []


@pytest.mark.parametrize("example", [*own_examples()], ids=lambda example: example.name)
def test_program(example: Example, world: World, tmp_path: Path) -> None:
    check(example, world, tmp_path)


@pytest.mark.skipif(not SPEC.exists(), reason="the spec is not a part of the project and does not lie beside it")
@pytest.mark.parametrize(
    "example", [*examples_of_the_spec()] if SPEC.exists() else [], ids=lambda example: example.name
)
def test_example_of_the_spec(example: Example, world: World, tmp_path: Path) -> None:
    check(example, world, tmp_path)
