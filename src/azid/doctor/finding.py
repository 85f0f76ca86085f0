"""What a check finds."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["Finding", "Verdict"]


class Verdict(str, Enum):
    """How good what was found is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but not as well as it could, or not for everything."""
    PROBLEM = "problem"
    """Something that azid needs does not work."""
    NOTE = "note"
    """Neither good nor bad, but worth knowing; or not looked at, and why."""


class Finding(NamedTuple):
    """One thing that a check looked at.

    :param subject: what it is about, in two or three words.
    :param verdict: how good it is.
    :param found: what was found, in one sentence.
    :param remedy: what to do about it; empty where there is nothing to do.
    """

    subject: str
    verdict: Verdict
    found: str
    remedy: str = ""
