"""What a store is like after a process was killed while it wrote."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.homes import Home
from benchmarks.libraries import Library
from benchmarks.lost_updates import kept_accounts
from benchmarks.report import Section, Target
from benchmarks.sign_ins import home_account_id
from benchmarks.worker import Worker

__all__ = ["measure"]

_KILLS = 200
_BATCH = 25
"""Kills after which a new store is begun, so that a write takes about as long each time."""
_ACCOUNTS = 50
"""How many are signed in already."""


def measure(bench: Bench) -> Section:
    """Kill processes that do nothing but write."""
    found = {}
    for worker in bench.workers:
        with Home({}) as home, Worker(worker.library, worker.python, home.environment) as victim:
            theirs = worker is bench.azure_identity
            found[worker] = victim.ask(
                crash, cache=str(home.cache), remove=str(home.lock_file) if theirs else None, seed=1
            )
    ours, theirs = (found[worker] for worker in bench.workers)
    return Section(
        "Crashes",
        f"A process stores one sign-in after the other in a plain file that has {_ACCOUNTS} already, and is killed "
        f"(SIGKILL) at a random moment of a write, {_KILLS} times. The file is then read as JSON, and has to hold "
        "every sign-in that was stored before. What msal-extensions leaves locked is unlocked for it each time; "
        "leftover locks are measured below.",
        (
            "library",
            "kills",
            "file unreadable",
            "sign-ins lost, in how many kills",
            "sign-ins lost",
            "writers that could not begin",
        ),
        [
            (name, f"{_KILLS}", *(f"{each[what]:,}" for what in ("unreadable", "losses", "lost", "stuck")))
            for name, each in (("azid", ours), ("msal-extensions", theirs))
        ],
        [
            Target(
                f"{_KILLS} kills in mid-write: store unreadable, or earlier sign-ins lost",
                "0",
                f"{ours['losses']}",
                ours["losses"] == ours["stuck"] == 0,
                f"{theirs['losses']}",
            )
        ],
    )


def crash(library: Library, *, cache: str, remove: str | None, seed: int) -> dict[str, int]:
    """In a worker: kill children that write, and return what that did to the store.

    :param cache: the store's file.
    :param remove: a file to remove after each kill.
    :param seed: of the random moments.
    """
    moments = random.Random(seed)  # noqa: S311 - no secret
    found = {"unreadable": 0, "losses": 0, "lost": 0, "stuck": 0}
    stored: set[str] = set()
    typical, file = 0.0, Path(cache)
    for kill in range(_KILLS):
        if kill % _BATCH == 0 or not stored:
            file.unlink(missing_ok=True)
            typical, stored = _fill(library)
        acknowledged = _kill_a_writer(library, kill * _KILLS + _ACCOUNTS, moments.uniform(0, 2 * typical))
        found["stuck"] += not acknowledged
        stored |= acknowledged
        try:
            kept = kept_accounts(file)
        except ValueError:
            found["unreadable"] += 1
            kept = set()
        found["losses"] += bool(stored - kept)
        found["lost"] += len(stored - kept)
        stored &= kept
        if remove:
            Path(remove).unlink(missing_ok=True)
    return found


def _fill(library: Library) -> tuple[float, set[str]]:
    """Store sign-ins; return how many seconds the last took, and whose they are."""
    write = library.writer()
    began = 0.0
    for account in range(_ACCOUNTS):
        began = time.perf_counter()
        write(account)
    return time.perf_counter() - began, {home_account_id(account) for account in range(_ACCOUNTS)}


def _kill_a_writer(library: Library, first: int, delay: float) -> set[str]:
    """Kill a child so many seconds after its first write; return whose sign-ins it had stored by then."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _write_for_ever(library, first, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="ascii") as acknowledged:
        begun = acknowledged.readline()
        if begun:
            time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return {home_account_id(int(line)) for line in (begun + acknowledged.read()).splitlines()}


def _write_for_ever(library: Library, first: int, acknowledge: int) -> Any:
    try:
        write = library.writer()
        for account in itertools.count(first):
            write(account)
            os.write(acknowledge, b"%d\n" % account)
    finally:
        os._exit(1)
