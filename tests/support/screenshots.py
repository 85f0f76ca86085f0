"""Where tests keep pictures of what a person sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.parts import ROOT

__all__ = ["screenshots"]


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """The folder `.artifacts/screenshots`."""
    folder = ROOT / ".artifacts" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
