"""`import azid` and the credentials load nothing that only a sign-in needs; `azid.aio` what its event loop needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import azid

ONLY_FOR_A_SIGN_IN = {"cryptography", "msal", "requests"}
EVENT_LOOPS = {"asyncio", "trio"}
ONLY_FOR_ASYNC = {"anyio", "azid.aio", *EVENT_LOOPS}
"""As with azure.identity, who wants the async part imports it."""


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a new Python has loaded after `statement`."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    outcome = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(outcome.stdout.split())


@pytest.mark.parametrize(
    "statement",
    ["import azid", *(f"from azid import {name}" for name in azid.__all__ if name.endswith("Credential"))],
)
def test_import_is_light(statement: str) -> None:
    loaded = loaded_by(statement)
    assert "azid" in loaded
    assert loaded.isdisjoint(ONLY_FOR_A_SIGN_IN | ONLY_FOR_ASYNC)


@pytest.mark.parametrize("loop", sorted(EVENT_LOOPS))
def test_async_import_loads_what_the_programs_event_loop_needs_and_no_more(loop: str) -> None:
    loaded = loaded_by(f"import {loop}, azid.aio")
    assert f"anyio._backends._{loop}" in loaded
    assert loaded.isdisjoint(ONLY_FOR_A_SIGN_IN)


def test_async_import_expects_asyncio() -> None:
    loaded = loaded_by("import azid.aio")
    assert "anyio._backends._asyncio" in loaded
    assert loaded.isdisjoint({*ONLY_FOR_A_SIGN_IN, "trio"})
