"""What a cached token costs in the process that got it."""

from __future__ import annotations

import time
import timeit
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.bench import Bench
from benchmarks.libraries import Library
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.sign_ins import cache_of, scope
from benchmarks.worker import Worker

__all__ = ["bare_function", "beside_bare_function", "cached_token", "measure"]

_ROUNDS = 5
_REPEATS = 3
_SLICE = 0.02
"""Seconds that one timing takes, at least."""
_SIZES = ((1, 1), (100, 1), (1_000, 1), (1, 100))
"""Accounts in the cache, and scopes of each account."""
_TARGET = 3.0
_FLAT = 1.25
"""How much slower the slowest size may be than the smallest to count as flat: what is left is noise."""


def measure(bench: Bench) -> Section:
    """Time calls for a token that is in memory."""
    taken: dict[tuple[Worker, tuple[int, int]], dict[str, list[float]]] = {}
    for size in _SIZES:
        for worker in bench.workers:
            taken[worker, size] = defaultdict(list)
        for _ in range(_ROUNDS):
            for worker in bench.workers:
                answer = worker.ask(time_calls, **bench.reach, accounts=size[0], scopes=size[1])
                for name, values in answer.items():
                    taken[worker, size][name] += values
    calls = {key: sample(values["call"]) for key, values in taken.items()}
    ratios = {key: calls[key].over(sample(values["bare"])) for key, values in taken.items()}
    rows = [
        (
            worker.library,
            f"{size[0]:,}",
            str(size[1]),
            calls[worker, size].show(1e-9),
            sample(taken[worker, size]["bare"]).show(1e-9),
            ratios[worker, size].show(),
        )
        for size in _SIZES
        for worker in bench.workers
    ]
    ours, theirs = ({size: ratios[worker, size] for size in _SIZES} for worker in bench.workers)
    growth, their_growth = ({size: calls[worker, size].median for size in _SIZES} for worker in bench.workers)
    growths = [max(medians.values()) / medians[_SIZES[0]] for medians in (growth, their_growth)]
    return Section(
        "Cached token, same process",
        "`get_token` of a credential whose token is in memory, for one scope, beside a bare function that looks the "
        "scope up in a dict and compares the token's expiry with the clock. MSAL's cache is filled through its public "
        "`add`; azid gets the same entries as a token store. Both were asked once for every scope before. Not "
        "comparable: azid then answers from the credential's own dict, azure-identity from the cache each time. What a "
        "credential's first call costs, which reads the store, is not in these numbers.",
        ("library", "accounts", "scopes", "ns a call", "bare function, ns", "ratio"),
        rows,
        [
            Target(
                "cached token in the same process, over a bare function",
                f"≤ {_TARGET:g}",
                _slowest(ours).show(),
                _slowest(ours).median <= _TARGET,
                theirs[_SIZES[0]].show(),
            ),
            Target(
                "the same with 1,000 accounts or 100 scopes, over 1 account with 1 scope",
                f"flat (≤ {_FLAT})",
                f"{growths[0]:.2f}",
                growths[0] <= _FLAT,
                f"{growths[1]:.1f}",
            ),
        ],
    )


def time_calls(library: Library, *, host: str, ca_file: str, accounts: int, scopes: int) -> dict[str, list[float]]:
    """In a worker: return the seconds of a call and those of the bare function, several times in turn."""
    return beside_bare_function(*cached_token(library, host=host, ca_file=ca_file, accounts=accounts, scopes=scopes))


def beside_bare_function(get_token: Callable[[str], Any], asked: str) -> dict[str, list[float]]:
    """In a worker: return the seconds of a call for a cached token and those of the bare function, in turn.

    :param get_token: the call.
    :param asked: its scope.
    """
    timers = {
        "bare": timeit.Timer("call(scope)", globals={"call": bare_function(), "scope": asked}),
        "call": timeit.Timer("call(scope)", globals={"call": get_token, "scope": asked}),
    }
    numbers = {name: max(1, int(_SLICE / (timer.timeit(20) / 20))) for name, timer in timers.items()}
    taken: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(_REPEATS):
        for name, timer in timers.items():
            taken[name].append(timer.timeit(numbers[name]) / numbers[name])
    return taken


def cached_token(
    library: Library, *, host: str, ca_file: str, accounts: int, scopes: int
) -> tuple[Callable[[str], Any], str]:
    """In a worker: return `get_token` of a credential that has its tokens, and the scope to ask for."""
    credential = library.signed_in_credential(host, ca_file, cache_of(accounts, scopes))
    for number in range(scopes):
        assert credential.get_token(scope(number)).token.startswith(f"access-token-0-{number}-")
    return credential.get_token, scope(scopes - 1)


class _Token(NamedTuple):
    token: str
    expires_on: int


def bare_function() -> Callable[[str], _Token | None]:
    """In a worker: return the least that handing out a cached token can be."""
    tokens = {
        scope(0): _Token("token", int(time.time()) + 86_400),
        scope(99): _Token("token", int(time.time()) + 86_400),
    }
    now = time.time

    def get_token(scope: str) -> _Token | None:
        token = tokens[scope]
        return token if now() < token.expires_on else None

    return get_token


def _slowest(ratios: dict[tuple[int, int], Sample]) -> Sample:
    return max(ratios.values(), key=lambda ratio: ratio.median)
