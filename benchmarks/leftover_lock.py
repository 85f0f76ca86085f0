"""How long a lock delays the next write whose process has died."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.homes import Home
from benchmarks.libraries import Library
from benchmarks.lost_updates import kept_accounts
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.sign_ins import home_account_id
from benchmarks.worker import Worker

__all__ = ["measure"]

_ROUNDS = 3
_TARGET = 1.0


def measure(bench: Bench) -> Section:
    """Time one sign-in's writing, with and without a lock file of MSAL's libraries that nobody holds any more."""
    found: dict[tuple[Worker, bool], Sample] = {}
    failed: Counter[tuple[Worker, bool]] = Counter()
    for worker in bench.workers:
        with Home({}) as home, Worker(worker.library, worker.python, home.environment) as writing:
            for leftover in (False, True):
                times = []
                for _ in range(_ROUNDS):
                    home.fill(1)
                    if leftover:
                        home.lock_file.write_text(f"{_dead_process()} {sys.argv[0]}", encoding="utf-8")
                    seconds, stored = writing.ask(time_write)
                    times.append(seconds)
                    failed[worker, leftover] += not stored
                found[worker, leftover] = sample(times)
    ours, theirs = (found[worker, True] for worker in bench.workers)
    unstored, their_unstored = (f"{failed[worker, True]} of {_ROUNDS}" for worker in bench.workers)
    return Section(
        "Leftover lock",
        "A sign-in is stored in a plain file, as for lost updates, while the lock file of MSAL's libraries "
        "(`msal.cache.nocae.lockfile`) lies there with the ID of a process that has ended, as after a crash.",
        ("library", "ms without the lock file", "ms with it", "of these not stored"),
        [
            (name, found[worker, False].show(1e-3), found[worker, True].show(1e-3), failures)
            for name, worker, failures in zip(
                ("azid", "msal-extensions"), bench.workers, (unstored, their_unstored), strict=True
            )
        ],
        [
            Target(
                "the next write when a dead process has left a lock: seconds",
                f"< {_TARGET:g}",
                ours.show(),
                max(ours.values) < _TARGET and not failed[bench.azid, True],
                f"{theirs.show()}; {their_unstored} not stored",
            )
        ],
    )


def time_write(library: Library) -> tuple[float, bool]:
    """In a worker: return how many seconds it takes to store a sign-in, and whether it is stored then."""
    write = library.writer()
    began = time.perf_counter()
    with contextlib.suppress(Exception):  # whatever it is, the sign-in is not stored
        write(1)
    seconds = time.perf_counter() - began
    return seconds, home_account_id(1) in kept_accounts(Path.home() / ".IdentityService" / "msal.cache.nocae")


def _dead_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid
