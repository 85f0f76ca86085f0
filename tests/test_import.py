"""`import azid` and each credential class load nothing that only a sign-in needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

ONLY_FOR_A_SIGN_IN = {"asyncio", "cryptography", "msal", "requests"}


@pytest.mark.parametrize(
    "statement",
    [
        "import azid",
        "from azid import DeviceCodeCredential",
        "from azid import InteractiveBrowserCredential",
        "from azid import InteractiveCredential",
        "from azid import UsernamePasswordCredential",
    ],
)
def test_import_is_light(statement: str) -> None:
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert "azid" in loaded
    assert ONLY_FOR_A_SIGN_IN.isdisjoint(loaded)
