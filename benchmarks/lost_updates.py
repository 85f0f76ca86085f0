"""Which sign-ins survive when several processes write to one store."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.bench import Bench
from benchmarks.crews import ask_all, crew
from benchmarks.homes import Home
from benchmarks.libraries import Library
from benchmarks.report import Section, Target
from benchmarks.sign_ins import home_account_id
from benchmarks.worker import Worker

__all__ = ["kept_accounts", "measure"]

_PROCESSES = 8
_WRITES = 100
_THEIR_WRITES = 60
"""Of msal-extensions, which takes a minute for them."""


class _Outcome(NamedTuple):
    written: int
    kept: int
    failed: int
    seconds: float


def measure(bench: Bench) -> Section:
    """Let processes write, each the sign-ins of accounts of its own, and count those that are there afterwards."""
    ours = _met(bench.azid, _WRITES)
    theirs = _met(bench.azure_identity, _THEIR_WRITES)
    lost = [f"{each.written - each.kept:,} of {each.written:,}" for each in (ours, theirs)]
    return Section(
        "Lost updates",
        f"{_PROCESSES} processes store sign-ins of different accounts in one plain file, as fast as they can: azid as "
        f"after a sign-in, {_WRITES} in each process; azure-identity's msal-extensions by `PersistedTokenCache.add`, "
        f"{_THEIR_WRITES} in each. A sign-in counts as kept if its account, its access token and its refresh token are "
        "in the file afterwards.",
        ("library", "written", "lost", "writes that ended with an error", "s"),
        [
            (name, f"{each.written:,}", f"{each.written - each.kept:,}", f"{each.failed:,}", f"{each.seconds:.1f}")
            for name, each in (("azid", ours), ("msal-extensions", theirs))
        ],
        [
            Target(
                f"{_PROCESSES} processes at one store: lost sign-ins", "0", lost[0], ours.kept == ours.written, lost[1]
            )
        ],
    )


def write_accounts(library: Library, *, first: int, writes: int) -> int:
    """In a worker: store the sign-ins of so many accounts; return how many writes ended with an error."""
    write = library.writer()
    failed = 0
    for account in range(first, first + writes):
        try:
            write(account)
        except Exception:  # whatever it is, the sign-in is not stored
            failed += 1
    return failed


def kept_accounts(cache: Path) -> set[str]:
    """Return the accounts in a plain file that have all that a sign-in leaves there.

    :raises ValueError: the file makes no sense.
    """
    document = json.loads(cache.read_text(encoding="utf-8"))
    sections = (document.get(name, {}) for name in ("Account", "AccessToken", "RefreshToken"))
    return set.intersection(*({entry["home_account_id"] for entry in section.values()} for section in sections))


def _met(like: Worker, writes: int) -> _Outcome:
    with Home({}) as home, crew(like, home, _PROCESSES) as workers:
        ask_all(workers, write_accounts, [{"first": 0, "writes": 0}] * _PROCESSES)  # which loads the library
        began = time.perf_counter()
        firsts = [number * writes for number in range(_PROCESSES)]
        failed = ask_all(workers, write_accounts, [{"first": first, "writes": writes} for first in firsts])
        seconds = time.perf_counter() - began
        written = {home_account_id(account) for account in range(_PROCESSES * writes)}
        return _Outcome(len(written), len(written & kept_accounts(home.cache)), sum(failed), seconds)
