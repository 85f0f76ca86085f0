"""What it costs a process to import a credential class."""

from __future__ import annotations

from collections import defaultdict

from benchmarks.bench import Bench
from benchmarks.processes import BASE, HEAVY, loaded_modules, none_or, seconds_of
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.worker import Worker

__all__ = ["measure"]

_ROUNDS = 25
_TARGET = 1.15
_CLASSES = (
    "InteractiveBrowserCredential",
    "DeviceCodeCredential",
    "UsernamePasswordCredential",
    "ClientSecretCredential",
    "CertificateCredential",
    "ManagedIdentityCredential",
    "AzureCliCredential",
    "DefaultAzureCredential",
)


def measure(bench: Bench) -> Section:
    """Time whole processes, from their start to their end."""
    statements = {
        bench.azid: ["pass", BASE, "import azid", *(f"from azid import {name}" for name in _CLASSES)],
        bench.azure_identity: ["pass", BASE, *(f"from azure.identity import {name}" for name in _CLASSES)],
    }
    loaded = {
        (worker, statement): loaded_modules(worker.python, statement)
        for worker, ours in statements.items()
        for statement in ours
    }
    times: dict[tuple[Worker, str], list[float]] = defaultdict(list)
    for _ in range(_ROUNDS):
        for worker, ours in statements.items():
            for statement in ours:
                times[worker, statement].append(seconds_of(worker.python, statement))
    samples = {key: sample(values) for key, values in times.items()}
    rows = [
        (
            worker.library,
            f"`{statement}`",
            samples[worker, statement].show(1e-3),
            samples[worker, statement].over(samples[worker, BASE]).show(),
            none_or(loaded[worker, statement]),
        )
        for worker, ours in statements.items()
        for statement in ours
    ]
    slowest, their_slowest = (_slowest(samples, worker) for worker in bench.workers)
    heavy = {name for statement in statements[bench.azid] for name in loaded[bench.azid, statement]}
    return Section(
        "Imports",
        f"Whole processes, `python -c '…'`, {_ROUNDS} of each. The ratio is to `{BASE}` in the same environment. "
        "The two environments hold different packages beside the library, which is why each has its own base.",
        ("library", "process", "ms", "ratio", f"loads of {', '.join(HEAVY)}"),
        rows,
        [
            Target(
                f"a process that imports a credential class (the slowest of {len(_CLASSES)}), over `{BASE}`",
                f"≤ {_TARGET}",
                slowest.show(),
                slowest.median <= _TARGET,
                their_slowest.show(),
            ),
            Target(
                f"modules that it loads, of {', '.join(HEAVY)}",
                "none",
                none_or(sorted(heavy)),
                not heavy,
                none_or(loaded[bench.azure_identity, statements[bench.azure_identity][-1]]),
            ),
        ],
    )


def _slowest(samples: dict[tuple[Worker, str], Sample], worker: Worker) -> Sample:
    ratios = [
        taken.over(samples[worker, BASE])
        for (whose, statement), taken in samples.items()
        if whose is worker and statement.endswith(_CLASSES)
    ]
    return max(ratios, key=lambda ratio: ratio.median)
