"""A client that speaks to the emulator in raw requests."""

from __future__ import annotations

import pytest

from azid.emulator import Emulator
from tests.emulator.driver import Driver


@pytest.fixture
def driver(entra: Emulator) -> Driver:
    return Driver(entra)
