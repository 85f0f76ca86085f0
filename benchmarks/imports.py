"""What it costs a process to import a credential class."""

from __future__ import annotations

import time
from collections import defaultdict

from benchmarks.bench import Bench
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.worker import Worker, run

__all__ = ["measure"]

_ROUNDS = 25
_TARGET = 1.15
_BASE = "import azure.core.credentials"
_CLASSES = ("InteractiveBrowserCredential", "DeviceCodeCredential", "UsernamePasswordCredential")
_HEAVY = ("msal", "requests", "cryptography", "asyncio")


def measure(bench: Bench) -> Section:
    """Time whole processes, from their start to their end."""
    statements = {
        bench.azid: ["pass", _BASE, "import azid", *(f"from azid import {name}" for name in _CLASSES)],
        bench.azure_identity: ["pass", _BASE, *(f"from azure.identity import {name}" for name in _CLASSES)],
    }
    loaded = {
        (worker, statement): _loaded(worker, statement)  # and Python writes its compiled modules meanwhile
        for worker, ours in statements.items()
        for statement in ours
    }
    times: dict[tuple[Worker, str], list[float]] = defaultdict(list)
    for _ in range(_ROUNDS):
        for worker, ours in statements.items():
            for statement in ours:
                times[worker, statement].append(_seconds(worker, statement))
    samples = {key: sample(values) for key, values in times.items()}
    rows = [
        (
            worker.library,
            f"`{statement}`",
            samples[worker, statement].show(1e-3),
            samples[worker, statement].over(samples[worker, _BASE]).show(),
            ", ".join(name for name in _HEAVY if name in loaded[worker, statement]) or "none",
        )
        for worker, ours in statements.items()
        for statement in ours
    ]
    slowest, their_slowest = (_slowest(samples, worker) for worker in bench.workers)
    heavy = {name for name in _HEAVY for statement in statements[bench.azid] if name in loaded[bench.azid, statement]}
    theirs_heavy = [
        name for name in _HEAVY if name in loaded[bench.azure_identity, statements[bench.azure_identity][-1]]
    ]
    return Section(
        "Imports",
        f"Whole processes, `python -c '…'`, {_ROUNDS} of each. The ratio is to `{_BASE}` in the same environment. "
        "The two environments hold different packages beside the library, which is why each has its own base.",
        ("library", "process", "ms", "ratio", f"loads of {', '.join(_HEAVY)}"),
        rows,
        [
            Target(
                f"a process that imports a credential class (the slowest of {len(_CLASSES)}), over `{_BASE}`",
                f"≤ {_TARGET}",
                slowest.show(),
                slowest.median <= _TARGET,
                their_slowest.show(),
            ),
            Target(
                f"modules that it loads, of {', '.join(_HEAVY)}",
                "none",
                ", ".join(sorted(heavy)) or "none",
                not heavy,
                ", ".join(theirs_heavy) or "none",
            ),
        ],
    )


def _slowest(samples: dict[tuple[Worker, str], Sample], worker: Worker) -> Sample:
    ratios = [
        taken.over(samples[worker, _BASE])
        for (whose, statement), taken in samples.items()
        if whose is worker and statement.endswith(_CLASSES)
    ]
    return max(ratios, key=lambda ratio: ratio.median)


def _loaded(worker: Worker, statement: str) -> list[str]:
    return run(worker.python, f"{statement}\nimport sys\nprint(*sys.modules)").split()


def _seconds(worker: Worker, statement: str) -> float:
    began = time.perf_counter()
    run(worker.python, statement)
    return time.perf_counter() - began
