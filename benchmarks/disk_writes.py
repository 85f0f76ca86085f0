"""What one sign-in and one refresh do to the disk, as strace sees it."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.bench import Bench
from benchmarks.fresh_process import silent_program
from benchmarks.homes import Home
from benchmarks.libraries import LIBRARIES
from benchmarks.report import Section, Target
from benchmarks.sign_ins import CLIENT_ID, TENANT_ID, scope
from benchmarks.worker import Worker, run

__all__ = ["measure", "operations"]

_MANY: Final = {"azid": 1_000, "azure-identity": 200}
"""Accounts whose tokens have expired. azure-identity's time grows with their square: 1,000 take 41 seconds."""
_CALLS: Final = "openat,read,pread64,write,pwrite64,rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync"
_LINE: Final = re.compile(r"(\w+)\((.*)\)\s+= (\d+)")
"""A call that succeeded, as ``strace -y`` writes it: its name, its arguments, what it returned."""


class _Case(NamedTuple):
    worker: Worker
    what: str
    accounts: int


def measure(bench: Bench) -> Section:
    """Trace a process for each case."""
    strace = shutil.which("strace")
    found: dict[_Case, Counter[str]] = {}
    seconds: dict[_Case, float] = {}
    for what in ("sign-in", "refresh") if strace else ():
        for worker in bench.workers:
            for accounts in (1, _MANY[worker.library]):
                case = _Case(worker, what, accounts)
                with Home(bench.authority.environment) as home:
                    program = _sign_in_program(worker.library) if what == "sign-in" else silent_program(worker.library)
                    home.fill(accounts, expired=True)
                    began = time.perf_counter()
                    run(worker.python, program, home.environment)
                    seconds[case] = time.perf_counter() - began
                    home.fill(accounts, expired=True)
                    found[case] = _traced(str(strace), worker.python, program, home)
    ours, theirs = (
        [
            f"{counts['rewrites']} ({case.what}, {case.accounts:,})"
            for case, counts in found.items()
            if case.worker is worker
        ]
        for worker in bench.workers
    )
    return Section(
        "One sign-in's and one refresh's writes",
        "A process that signs a person in, or refreshes the person's token, among so many accounts in a plain file "
        "whose access tokens have all expired. strace counts the calls that concern the folder of the token file: the "
        "file, its lock files and temporary files. Counted once each: they do not vary. The time "
        "is another, untraced process'; azid's sign-in waits a second before it redeems the device code, as the "
        "authority asks (RFC 8628 section 3.5). azure-identity has fewer accounts, as its refresh among "
        f"{_MANY['azid']:,} was seen to take 41 s." + ("" if strace else " **Not counted here: strace is missing.**"),
        (
            "library",
            "what",
            "accounts",
            "token file rewritten",
            "kB written",
            "kB read",
            "opens",
            "writes",
            "renames",
            "removals",
            "fsyncs",
            "s, whole process",
        ),
        [
            (
                case.worker.library,
                case.what,
                f"{case.accounts:,}",
                *(f"{counts[name]:,}" for name in ("rewrites",)),
                *(f"{counts[name] / 1000:,.0f}" for name in ("bytes written", "bytes read")),
                *(f"{counts[name]:,}" for name in ("opens", "writes", "renames", "removals", "fsyncs")),
                f"{seconds[case]:.2f}",
            )
            for case, counts in found.items()
        ],
        [
            Target(
                "one sign-in's or refresh's writes to the token file (accounts there)",
                "1, always",
                ", ".join(ours),
                all(counts["rewrites"] == 1 for case, counts in found.items() if case.worker is bench.azid),
                ", ".join(theirs),
            )
        ]
        if found
        else [],
    )


def operations(lines: Iterable[str], folder: Path, cache: Path) -> Counter[str]:
    """Count what a program did in a folder.

    :param lines: what ``strace -y`` has written of each of its threads.
    :param folder: the folder.
    :param cache: the file in there whose rewriting is counted: by being truncated or replaced.
    """
    counts: Counter[str] = Counter()
    for name, arguments, result in _calls(lines, folder):
        paths = re.findall(r'"([^"]*)"', arguments)
        match name.rstrip("2").removesuffix("at").removesuffix("64"):
            case "open":
                counts["opens"] += 1
                counts["rewrites"] += paths == [str(cache)] and "O_TRUNC" in arguments
            case "read" | "pread":
                counts["bytes read"] += result
            case "write" | "pwrite":
                counts["writes"] += 1
                counts["bytes written"] += result
            case "rename":
                counts["renames"] += 1
                counts["rewrites"] += paths[-1:] == [str(cache)]
            case "unlink":
                counts["removals"] += 1
            case "fsync" | "fdatasync":
                counts["fsyncs"] += 1
    return counts


def _calls(lines: Iterable[str], folder: Path) -> Iterator[tuple[str, str, int]]:
    for line in lines:
        if str(folder) in line and (call := _LINE.match(line)):
            yield call[1], call[2], int(call[3])


def _traced(strace: str, python: Path, program: str, home: Home) -> Counter[str]:
    with tempfile.TemporaryDirectory(prefix="azid-benchmarks-") as folder:
        # One file for each thread, so that no call is torn apart; strings are cut, so that no content is copied.
        options = ("-ff", "-qq", "-y", "--string-limit=0", "--output", str(Path(folder, "trace")))
        run(python, program, home.environment, before=(strace, *options, f"--trace={_CALLS}"))
        lines = [line for part in Path(folder).iterdir() for line in part.read_text(errors="replace").splitlines()]
    return operations(lines, home.cache.parent, home.cache)


def _sign_in_program(library: str) -> str:
    return f"""
from {LIBRARIES[library].package} import DeviceCodeCredential, TokenCachePersistenceOptions

credential = DeviceCodeCredential(
    {CLIENT_ID!r},
    tenant_id={TENANT_ID!r},
    prompt_callback=lambda *prompt: None,
    cache_persistence_options=TokenCachePersistenceOptions(allow_unencrypted_storage=True),
)
credential.authenticate(scopes=[{scope(0)!r}])
"""
