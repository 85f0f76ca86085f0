"""How much later `DefaultAzureCredential` has its first token than the credential that has it there alone."""

from __future__ import annotations

from typing import Final, NamedTuple

from benchmarks.bench import Bench
from benchmarks.libraries import LIBRARIES
from benchmarks.places import TOOL_SECONDS, Place, places
from benchmarks.processes import seconds_of
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.sign_ins import scope
from benchmarks.worker import Worker, run

__all__ = ["measure"]

_CHAIN: Final = "DefaultAzureCredential"
_TARGET: Final = 0.3
"""Seconds. Beside what a tool takes nobody notices them, and a look for a metadata service needs some of them."""


class _Found(NamedTuple):
    """What was measured of a library in a place, in seconds."""

    chain: Sample
    winner: Sample
    more: Sample


def measure(bench: Bench) -> Section:
    """Time whole processes in several places."""
    with places(bench.authority) as there:
        found = {(place.name, worker.library): _measured(worker, place) for place in there for worker in bench.workers}
    apart = any(place.before for place in there)
    return Section(
        f"The first token of {_CHAIN}",
        f"Whole processes, in turn, that import a credential, make it and call `get_token` once: `{_CHAIN}`, and the "
        "credential that has a token in that place. What the first takes longer is the price of not having to name the "
        f"second. `az` is a stand-in that prints a token after {TOOL_SECONDS} s. On the laptop no packet to the "
        "outside is answered; on another cloud's machine a metadata service answers every path with 404."
        + ("" if apart else " **Not measured here: those two, as this user may not make networks of its own.**"),
        (
            "place",
            "credential that wins",
            "library",
            f"`{_CHAIN}`, ms",
            "the winner alone, ms",
            "more, ms",
            "processes",
        ),
        [
            (
                place.name,
                f"`{place.winner}`",
                worker.library,
                what.chain.show(1e-3),
                what.winner.show(1e-3),
                what.more.show(1e-3),
                str(place.rounds),
            )
            for place in there
            for worker in bench.workers
            for what in [found[place.name, worker.library]]
        ],
        [
            Target(
                f"first token of `{_CHAIN}`, {place.name}: seconds more than `{place.winner}` alone",
                f"≤ {_TARGET}",
                ours.more.show(),
                ours.more.median <= _TARGET,
                theirs.more.show(),
            )
            for place in there
            for ours, theirs in [[found[place.name, worker.library] for worker in bench.workers]]
        ],
    )


def _measured(worker: Worker, place: Place) -> _Found:
    chain, winner = (_program(worker.library, credential) for credential in (_CHAIN, place.winner))
    run(worker.python, winner, place.environment, place.before)  # Python writes its compiled modules meanwhile
    taken = [
        tuple(seconds_of(worker.python, program, place.environment, place.before) for program in (chain, winner))
        for _ in range(place.rounds)
    ]
    chains, winners = (sample(values) for values in zip(*taken, strict=True))
    more = sample(first - second for first, second in taken)
    return _Found(chains, winners, more)


def _program(library: str, credential: str) -> str:
    return f"""
from {LIBRARIES[library].package} import {credential}

{credential}().get_token({scope(0)!r})
"""
