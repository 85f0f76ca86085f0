"""Looking at what a sign-in needs on this machine: what is there, what is not, and what to do about it.

It changes nothing, asks nobody anything, and no check takes longer than a few seconds.
"""

from __future__ import annotations

from azid.doctor.examination import Check, Examination, examine
from azid.doctor.finding import Finding, Verdict

__all__ = ["Check", "Examination", "Finding", "Verdict", "examine"]
