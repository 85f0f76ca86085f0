"""Measure azid beside azure-identity. Without names: everything, into docs/benchmarks.md; else print what is named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import (
    allocations,
    async_tokens,
    cached_token,
    command,
    contention,
    crashes,
    default_chain,
    disk_writes,
    fresh_process,
    imports,
    leftover_lock,
    lost_updates,
    machine,
    many_people,
    refresh,
    shared_store,
    unattended,
)
from benchmarks.authority import CannedAuthority
from benchmarks.bench import Bench
from benchmarks.report import Section, page, section
from benchmarks.worker import Worker
from tools.parts import AZURE_IDENTITY

_REPORT: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_MEASUREMENTS: Final[dict[str, Callable[[Bench], Section]]] = {
    "imports": imports.measure,
    "cached_token": cached_token.measure,
    "allocations": allocations.measure,
    "refresh": refresh.measure,
    "contention": contention.measure,
    "many_people": many_people.measure,
    "unattended": unattended.measure,
}
_OF_THE_PERSONAL_STORE: Final[dict[str, Callable[[Bench], Section]]] = {
    "fresh_process": fresh_process.measure,
    "command": command.measure,
    "default_chain": default_chain.measure,
    "async_tokens": async_tokens.measure,
    "shared_store": shared_store.measure,
    "disk_writes": disk_writes.measure,
    "lost_updates": lost_updates.measure,
    "crashes": crashes.measure,
    "leftover_lock": leftover_lock.measure,
}
"""Measured on Linux only, where a program's personal store can be another than the person's."""


def main() -> None:
    measurements = _MEASUREMENTS | (_OF_THE_PERSONAL_STORE if sys.platform == "linux" else {})
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(measurements)}; all by default")
    names = parser.parse_args().names
    if unknown := set(names) - set(measurements):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}")
    azure_identity = AZURE_IDENTITY.locate()
    if azure_identity is None:
        sys.exit(f"azure-identity is missing: {AZURE_IDENTITY.remedy}")
    with (
        CannedAuthority() as authority,
        Worker("azid", Path(sys.executable)) as azid,
        Worker("azure-identity", azure_identity) as theirs,
    ):
        bench = Bench(azid, theirs, authority)
        about = machine.about(bench.workers)
        sections = []
        for name in names or measurements:
            print(f"Measuring {name} …", file=sys.stderr)
            sections.append(measurements[name](bench))
    if names:
        print(*(section(part) for part in sections), sep="\n\n")
        return
    _REPORT.write_text(page(sections, about=about), encoding="utf-8")
    missed = [target.what for part in sections for target in part.targets if not target.met]
    print(f"Wrote docs/benchmarks.md. Missed targets: {'; '.join(missed) or 'none'}.")


if __name__ == "__main__":
    main()
