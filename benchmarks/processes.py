"""Whole processes: how long they take, and what they load."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.worker import run

__all__ = ["BASE", "HEAVY", "loaded_modules", "none_or", "seconds_of"]

BASE: Final = "import azure.core.credentials"
"""What any program that uses a credential has to pay."""
HEAVY: Final = ("msal", "requests", "cryptography", "asyncio")
"""Modules that cost most of what a credential costs."""


def seconds_of(
    python: Path, program: str, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> float:
    """Run a program and return how long its process takes, from its start to its end. The arguments are `run`'s."""
    began = time.perf_counter()
    run(python, program, environment, before)
    return time.perf_counter() - began


def loaded_modules(
    python: Path, program: str, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> list[str]:
    """Run a program and return which of the heavy modules it has loaded in the end. The arguments are `run`'s.

    Python writes its compiled modules meanwhile: whoever times the program afterwards does not time that.
    """
    loaded = run(python, f"{program}\nimport sys\nprint(*sys.modules)", environment, before).split()
    return [name for name in HEAVY if name in loaded]


def none_or(names: Iterable[str]) -> str:
    """Return names as the report lists them."""
    return ", ".join(names) or "none"
