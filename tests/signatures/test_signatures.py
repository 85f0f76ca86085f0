"""azid offers what Microsoft's azure-identity does: the same names, parameters, defaults, bases and values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.signatures.description import Described
from tests.signatures.differences import differences
from tests.signatures.intended_differences import INTENDED, Intended

PROGRAM = Path(__file__).with_name("description.py")
CONSTANTS = """
import json
import azure.identity._constants as constants
values = {**vars(constants.EnvironmentVariables), **vars(constants.AzureAuthorityHosts)}
for name in ("AZURE_VSCODE_CLIENT_ID", "DEFAULT_REFRESH_OFFSET", "DEFAULT_TOKEN_REFRESH_RETRY_DELAY"):
    values[name] = getattr(constants, name)
values["DEVELOPER_SIGN_ON_CLIENT_ID"] = constants.DEVELOPER_SIGN_ON_CLIENT_ID
print(json.dumps({name: value for name, value in values.items() if not name.startswith("_")}))
"""
MODULES = {"": ("azure.identity", "azid"), "aio.": ("azure.identity.aio", "azid.aio")}


def described_by(python: Path | str, *modules: str) -> dict[str, dict[str, Described]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "PYTHON"))}
    done = subprocess.run([python, PROGRAM, *modules], env=environment, capture_output=True, text=True, check=True)
    described: dict[str, dict[str, Described]] = json.loads(done.stdout)
    return described


@pytest.fixture(scope="module")
def theirs(azure_identity: Path) -> dict[str, dict[str, Described]]:
    return described_by(azure_identity, *(theirs for theirs, _ in MODULES.values()))


@pytest.fixture(scope="module")
def ours() -> dict[str, dict[str, Described]]:
    return described_by(sys.executable, *(ours for _, ours in MODULES.values()))


@pytest.fixture(scope="module")
def found(theirs: dict[str, dict[str, Described]], ours: dict[str, dict[str, Described]]) -> set[str]:
    return {
        difference
        for prefix, (their_module, our_module) in MODULES.items()
        for difference in differences(theirs[their_module], ours[our_module], prefix)
    }


def test_it_is_a_whole_library_that_is_compared(theirs: dict[str, dict[str, Described]]) -> None:
    assert len(theirs["azure.identity"]) == 26
    assert len(theirs["azure.identity.aio"]) == 17
    default = theirs["azure.identity"]["DefaultAzureCredential"]
    assert "exclude_cli_credential" in default["documented"]


def test_every_difference_is_intended(found: set[str]) -> None:
    assert found - {difference for intended in INTENDED for difference in intended.differences} == set()


@pytest.mark.parametrize("intended", INTENDED, ids=lambda intended: intended.reason)
def test_every_intended_difference_is_there(intended: Intended, found: set[str]) -> None:
    assert intended.differences - found == set()


def test_constants_that_programs_import_are_the_same(azure_identity: Path) -> None:
    """From a private module, but documented."""
    said = [
        json.loads(subprocess.run([python, "-c", CONSTANTS], capture_output=True, text=True, check=True).stdout)
        for python in (azure_identity, sys.executable)
    ]
    assert said[0] == said[1]
