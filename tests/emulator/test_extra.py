"""The emulator is an extra of the distribution: without it, the import says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["cryptography", "flask", "joserfc"])
def test_the_missing_extra_is_named(package: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None; import azid.emulator"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"ImportError: the emulator needs {package}" in done.stderr
    assert "pip install 'azid[emulator]'" in done.stderr
