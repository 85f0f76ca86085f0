"""Measure azid beside azure-identity. Without names: everything, into docs/benchmarks.md; else print what is named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import allocations, cached_token, contention, imports, machine, refresh
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
}
# What persistence adds: a module and an entry above for each.
_AWAITED: Final = (
    "a cached token in a fresh process",
    "a refresh in a fresh process",
    "8 processes at an expired token",
    "one sign-in's write to disk: file operations and bytes",
    "lost updates, crashes in mid-write and leftover locks",
    "1 to 100,000 accounts",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(_MEASUREMENTS)}; all by default")
    names = parser.parse_args().names
    if unknown := set(names) - set(_MEASUREMENTS):
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
        for name in names or _MEASUREMENTS:
            print(f"Measuring {name} …", file=sys.stderr)
            sections.append(_MEASUREMENTS[name](bench))
    if names:
        print(*(section(part) for part in sections), sep="\n\n")
        return
    _REPORT.write_text(page(sections, about=about, awaited=_AWAITED), encoding="utf-8")
    missed = [target.what for part in sections for target in part.targets if not target.met]
    print(f"Wrote docs/benchmarks.md. Missed targets: {'; '.join(missed) or 'none'}.")


if __name__ == "__main__":
    main()
