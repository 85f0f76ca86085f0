"""azid and Microsoft's azure-identity in the same scenarios: what each asks the authority, field by field."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.wire.azid_library import Azid
from tests.wire.comparison import Difference, differences
from tests.wire.intended_differences import INTENDED, Intended
from tests.wire.recording_authority import Recorded
from tests.wire.scenarios import SCENARIOS, record
from tests.wire.unattended_differences import UNATTENDED
from tests.wire.unattended_scenarios import UNATTENDED_SCENARIOS

ALL_INTENDED = (*INTENDED, *UNATTENDED)
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def theirs(azure_identity: Path) -> dict[str, list[Recorded]]:
    """What azure-identity asks, in a process with its own environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "PYTHON"))}
    process = subprocess.run(
        [azure_identity, "-m", "tests.wire.azure_identity_library"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    recorded: dict[str, list[Recorded]] = json.loads(process.stdout)
    return recorded


@pytest.fixture(scope="module")
def ours() -> dict[str, list[Recorded]]:
    """What azid asks."""
    return record(Azid())


@pytest.fixture(scope="module")
def found(theirs: dict[str, list[Recorded]], ours: dict[str, list[Recorded]]) -> list[Difference]:
    return sorted(differences(theirs, ours), key=lambda difference: (difference.place, difference.field))


@pytest.mark.parametrize("scenario", SCENARIOS | UNATTENDED_SCENARIOS)
def test_every_difference_is_intended(scenario: str, found: list[Difference]) -> None:
    unlisted = [
        difference
        for difference in found
        if difference.place.partition(":")[0] == scenario
        and not any(
            intended.covers(difference, place, field)
            for intended in ALL_INTENDED
            for place, field in intended.expected()
        )
    ]
    assert unlisted == []


@pytest.mark.parametrize("intended", ALL_INTENDED, ids=lambda intended: intended.reason)
def test_every_intended_difference_occurs(intended: Intended, found: list[Difference]) -> None:
    gone = [
        (place, field)
        for place, field in intended.expected()
        if not any(intended.covers(difference, place, field) for difference in found)
    ]
    assert gone == []
