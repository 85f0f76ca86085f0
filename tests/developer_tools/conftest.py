from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from azid import AzureCliCredential, AzureDeveloperCliCredential, AzurePowerShellCredential
from azid.clock import ManualClock
from tests.support.developer_tools import StandIn, Tools, make_tools

MakeToolCredential = Callable[..., "AzureCliCredential | AzureDeveloperCliCredential | AzurePowerShellCredential"]

CREDENTIALS = {"az": AzureCliCredential, "azd": AzureDeveloperCliCredential, "pwsh": AzurePowerShellCredential}


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Tools]:
    if sys.platform == "win32":
        pytest.skip("the stand-ins are shell scripts")
    with make_tools(tmp_path) as tools:
        yield tools


@pytest.fixture(params=list(CREDENTIALS))
def name(request: pytest.FixtureRequest) -> str:
    """The name of each tool's executable."""
    return str(request.param)


@pytest.fixture
def tool(tools: Tools, name: str) -> StandIn:
    """Each tool."""
    stand_in: StandIn = getattr(tools, name)
    return stand_in


@pytest.fixture
def make(tools: Tools, clock: ManualClock, name: str) -> MakeToolCredential:
    """Makes credentials that ask `tool`."""

    def make_credential(**parameters: Any) -> Any:
        return CREDENTIALS[name](**{"environ": tools.environ, "clock": clock, **parameters})

    return make_credential
