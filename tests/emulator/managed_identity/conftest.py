"""An emulator with two identities, and a program on a machine of a kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from azid.clock import ManualClock
from azid.emulator import Emulator
from tests.conftest import ADA
from tests.emulator.managed_identity.program import (
    BACKUP,
    DEPLOY,
    Program,
)


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    return Emulator([ADA], identities=[DEPLOY, BACKUP], clock=clock)


@pytest.fixture
def program(entra: Emulator, request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    return Program(entra, request.param, tmp_path / "keys")
