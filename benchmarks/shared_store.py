"""How many refreshes the users of one store on disk cause."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Final, NamedTuple

from benchmarks.bench import Bench
from benchmarks.contention import failures_in_threads
from benchmarks.crews import ask_all, crew
from benchmarks.homes import Home
from benchmarks.libraries import Library
from benchmarks.report import Section, Target
from benchmarks.samples import sample
from benchmarks.sign_ins import LOGIN_HOST, record, scope
from benchmarks.worker import Worker

__all__ = ["measure"]

_LATENCY = 0.05
"""Seconds per request: an authority in the same part of the world."""


class _Crowd(NamedTuple):
    """Who asks for a token at once.

    :param name: what the report calls them.
    :param processes: how many processes.
    :param threads: how many threads in each.
    :param rounds: how often it is measured, of azid and of azure-identity.
    """

    name: str
    processes: int
    threads: int
    rounds: tuple[int, int]


class _Round(NamedTuple):
    """What happened once."""

    seconds: float
    refreshes: int
    other_requests: int
    failed: int


_CROWDS: Final = (
    _Crowd("8 processes at an expired token", 8, 1, (5, 5)),
    # azure-identity's threads wait for each other for more than ten seconds.
    _Crowd("50 threads at an expired token on disk", 1, 50, (5, 2)),
)


def measure(bench: Bench) -> Section:
    """Count what reaches the authority."""
    bench.authority.latency = _LATENCY
    found = {
        crowd: [_met(bench, worker, crowd, rounds) for worker, rounds in zip(bench.workers, crowd.rounds, strict=True)]
        for crowd in _CROWDS
    }
    bench.authority.latency = 0.0
    rows, targets = [], []
    for crowd, both in found.items():
        refreshes = [sample(each.refreshes for each in rounds) for rounds in both]
        others = [sample(each.other_requests for each in rounds) for rounds in both]
        failed = [
            f"{sum(each.failed for each in rounds)} of {crowd.processes * crowd.threads * len(rounds)}"
            for rounds in both
        ]
        seconds = [sample(each.seconds for each in rounds) for rounds in both]
        rows += [
            (f"{crowd.name}: refreshes", *(each.show_range() for each in refreshes)),
            (f"{crowd.name}: other requests", *(each.show_range() for each in others)),
            (f"{crowd.name}: calls that failed", *failed),
            (f"{crowd.name}: seconds until all are done", *(each.show() for each in seconds)),
        ]
        ours, theirs = refreshes
        met = set(ours.values) == {1}
        targets.append(Target(f"{crowd.name}: refreshes", "1", ours.show_range(), met, theirs.show_range()))
    return Section(
        "Many users of one store",
        "A plain file whose access token has expired; 5 rounds, but 2 of azure-identity's threads. All have loaded "
        "their library before they are let go together, and each process, or the one with the threads, then makes a "
        "new credential. The authority, to which a proxy leads from the public cloud's name, answers after "
        f"{_LATENCY * 1000:.0f} ms.",
        ("what", *(worker.library for worker in bench.workers)),
        rows,
        targets,
    )


def _met(bench: Bench, worker: Worker, crowd: _Crowd, rounds: int) -> list[_Round]:
    found = []
    with Home(bench.authority.environment) as home, crew(worker, home, crowd.processes) as workers:
        ask_all(workers, warm_up, [{}] * crowd.processes)
        for _ in range(rounds):
            home.fill(1, expired=True)
            bench.authority.take_requests()
            began = time.perf_counter()
            failed = ask_all(workers, refresh, [{"threads": crowd.threads}] * crowd.processes)
            seconds = time.perf_counter() - began
            requests = bench.authority.take_requests()
            found.append(_Round(seconds, requests["token"], requests.total() - requests["token"], sum(failed)))
    return found


def refresh(library: Library, *, threads: int) -> int:
    """In a worker: return how many threads of one new credential got no token."""
    package = import_module(library.package)
    credential = package.DeviceCodeCredential(
        authentication_record=package.AuthenticationRecord(**record(0, LOGIN_HOST)),
        cache_persistence_options=package.TokenCachePersistenceOptions(allow_unencrypted_storage=True),
        disable_automatic_authentication=True,
    )
    failed = failures_in_threads(threads, lambda: credential.get_token(scope(0)))
    credential.close()
    return failed


def warm_up(library: Library) -> None:
    """In a worker: load what a refresh needs."""
    for name in (library.package, "msal", "requests"):
        import_module(name)
    import_module(library.package).DeviceCodeCredential()
