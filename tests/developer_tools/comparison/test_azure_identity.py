"""azid and the real azure-identity ask the same of developers' tools, and make the same of what those do."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.developer_tools.comparison.cases import CASES, CLAIMS, CREDENTIALS, EXPIRES_ON, ZONE, Case
from tests.developer_tools.comparison.intended_differences import INTENDED, Difference, Intended
from tests.support.developer_tools import Note, StandIn, make_tools, needs_posix

pytestmark = needs_posix

PROGRAM = Path(__file__).with_name("program.py")
PATIENCE = 120  # seconds


class Asked(NamedTuple):
    """A library that has asked a tool."""

    came: dict[str, dict[str, Any]]
    notes: list[Note]

    @property
    def fields(self) -> dict[str, object]:
        """What is compared."""
        fields: dict[str, object] = {"runs": len(self.notes)}
        for when, outcome in self.came.items():
            fields[when] = outcome["kind"]
            if "token" in outcome:
                fields[f"{when}: token"] = outcome["token"]
            if when == "alone":
                fields["expires"] = outcome.get("expires_on")
        told = json.dumps([outcome.get("message") for outcome in self.came.values()])
        fields["shows output or claims"] = "canary" in told or base64.b64encode(CLAIMS.encode()).decode() in told
        for note in self.notes[:1]:
            fields["arguments"] = _words(note)
            fields["folder"] = os.path.realpath(note.folder)
            fields["environment"] = {name: note.environment.get(name) for name in ("NO_COLOR", "AZURE_CORE_NO_COLOR")}
        return fields


def _words(note: Note) -> list[str]:
    """Return a tool's arguments; of a script for PowerShell the values."""
    if "-EncodedCommand" not in note.arguments:
        return note.arguments
    resource, tenant = (
        re.search(rf"{name}'? = '([^']*)'", note.powershell, re.IGNORECASE) for name in ("ResourceUrl", "TenantId")
    )
    return [*note.arguments[:-1], resource[1] if resource else "", tenant[1] if tenant else ""]


def ask(library: str, python: Path | str, folder: Path) -> dict[str, Asked]:
    """Have a library ask each tool in each case, in one process."""
    folder.mkdir()
    cases: dict[str, dict[str, Any]] = {}
    stand_ins: dict[str, StandIn] = {}
    with ExitStack() as made:
        for name, case in _all():
            place = folder / str(len(cases))
            place.mkdir()
            tools = made.enter_context(make_tools(place))
            for following in (tools.pwsh, tools.azd):
                following.gives("next-token", EXPIRES_ON)
            tool = stand_ins[name] = getattr(tools, name.split(":")[0])
            case.script(tool)
            cases[name] = {
                "path": str(tools.folder),
                "credential": CREDENTIALS[tool.path.name],
                **{key: getattr(case, key) for key in ("scopes", "options", "parameters", "twice")},
            }
        kept = {name: value for name, value in os.environ.items() if name.startswith(("LANG", "LC_", "SYSTEM"))}
        done = subprocess.run(
            [python, PROGRAM, library],
            input=json.dumps([*cases.values()]),
            env={**kept, "TZ": ZONE, "HOME": str(folder)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return {
            name: Asked(came, stand_ins[name].notes) for name, came in zip(cases, json.loads(done.stdout), strict=True)
        }


def _all() -> Iterator[tuple[str, Case]]:
    for case in CASES:
        for tool in case.tools:
            yield f"{tool}: {case.name}", case


@pytest.fixture(scope="module")
def differences(azure_identity: Path, tmp_path_factory: pytest.TempPathFactory) -> set[Difference]:
    folder = tmp_path_factory.mktemp("tools")
    with ThreadPoolExecutor() as executor:
        theirs = executor.submit(ask, "azure.identity", azure_identity, folder / "theirs")
        ours = executor.submit(ask, "azid", sys.executable, folder / "ours")
    found = set()
    for case, asked in theirs.result().items():
        one, other = asked.fields, ours.result()[case].fields
        for field in one.keys() | other.keys():
            if one.get(field) != other.get(field):
                found.add(Difference(case, field, _written(one.get(field)), _written(other.get(field))))
    return found


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_nothing_differs_but_what_is_meant_to(differences: set[Difference]) -> None:
    unexpected = {found for found in differences if not any(intended.covers(found) for intended in INTENDED)}
    assert unexpected == set()


@pytest.mark.parametrize("intended", INTENDED, ids=lambda intended: intended.reason[:40])
def test_each_intended_difference_is_there(differences: set[Difference], intended: Intended) -> None:
    missing = [case for case in intended.cases if not any(intended.is_at(found, case) for found in differences)]
    assert missing == []
