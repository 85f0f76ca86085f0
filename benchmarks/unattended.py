"""What tokens cost a program that asks nobody: an application with a secret, and a machine's managed identity."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib import import_module
from typing import Any, Final, NamedTuple

from benchmarks.bench import Bench
from benchmarks.cached_token import beside_bare_function
from benchmarks.contention import failures_in_threads
from benchmarks.libraries import LIBRARIES, Library
from benchmarks.processes import BASE, HEAVY, loaded_modules, none_or, seconds_of
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.sign_ins import CLAIMS, CLIENT_ID, LOGIN_HOST, TENANT_ID, scope
from benchmarks.worker import Worker

__all__ = ["SECRET", "measure"]

SECRET: Final = "made-up-secret"
_SECRET_CREDENTIAL: Final = "ClientSecretCredential"
_MACHINE_CREDENTIAL: Final = "ManagedIdentityCredential"
_CREDENTIALS: Final = {
    _SECRET_CREDENTIAL: f"tenant_id={TENANT_ID!r}, client_id={CLIENT_ID!r}, client_secret={SECRET!r}",
    _MACHINE_CREDENTIAL: "",
}
"""Each credential, and its arguments in a program's text."""
_PROCESSES = 15
_ROUNDS = 5
_TOKENS = 60
_WARM_UP = 2
_THREADS = 50
_LATENCY = 0.05
"""Seconds per request while threads meet: an authority in the same part of the world."""
_SOON = 60
"""Seconds. azure-identity asks an endpoint of the machine anew for a token that expires within five minutes."""
_CACHED_TARGET = 3.0


class _Found(NamedTuple):
    """What was measured of one library's credential."""

    process: Sample
    process_ratio: Sample
    process_requests: Sample
    heavy: str
    cached: Sample
    cached_ratio: Sample
    new: Sample
    new_ratio: Sample
    at_once: Sample
    failed: int


def measure(bench: Bench) -> Section:
    """Time processes, cached and new tokens, and count what many threads ask for."""
    found = {credential: _measured(bench, credential) for credential in _CREDENTIALS}
    failed = {worker.library: sum(by_worker[worker].failed for by_worker in found.values()) for worker in bench.workers}
    return Section(
        "Programs without a person",
        f"`{_SECRET_CREDENTIAL}` at the public cloud's authority, to which a proxy leads both libraries; "
        f"`{_MACHINE_CREDENTIAL}` as in App Service. Both get prepared answers on loopback. Process: {_PROCESSES} "
        "whole processes of each, that import the credential, make one and call `get_token` once; the ratio is to "
        f"`{BASE}` in the same environment. Cached: as above, for a credential that has its token. New: calls of one "
        "credential with a claims challenge, whose tokens expire within five minutes, beside the bare request on a "
        f"`requests.Session`, {_ROUNDS * _TOKENS} of each, in turn. "
        f"Threads: {_THREADS} of one new credential, let go together, while "
        f"the endpoint answers after {_LATENCY * 1000:.0f} ms; {_ROUNDS} rounds. Calls that failed there: "
        + ", ".join(f"{count} of {library}'s" for library, count in failed.items())
        + ". Requests include discovery, which azure-identity does also for well-known authorities.",
        (
            "credential",
            "library",
            "process, ms",
            "ratio",
            "requests",
            f"loads of {', '.join(HEAVY)}",
            "cached, ns",
            "over a bare function",
            "new, ms",
            "over a bare request",
            f"token requests of {_THREADS} threads",
        ),
        [
            (
                f"`{credential}`",
                worker.library,
                what.process.show(1e-3),
                what.process_ratio.show(),
                what.process_requests.show_range(),
                what.heavy,
                what.cached.show(1e-9),
                what.cached_ratio.show(),
                what.new.show(1e-3),
                what.new_ratio.show(),
                what.at_once.show_range(),
            )
            for credential, by_worker in found.items()
            for worker, what in by_worker.items()
        ],
        [
            target
            for credential, by_worker in found.items()
            for target in _targets(credential, *(by_worker[worker] for worker in bench.workers))
        ],
    )


def _targets(credential: str, ours: _Found, theirs: _Found) -> list[Target]:
    return [
        Target(
            f"`{credential}`, cached token in the same process, over a bare function",
            f"≤ {_CACHED_TARGET:g}",
            ours.cached_ratio.show(),
            ours.cached_ratio.median <= _CACHED_TARGET,
            theirs.cached_ratio.show(),
        ),
        Target(
            f"`{credential}`, {_THREADS} threads at a first token: token requests",
            "1",
            ours.at_once.show_range(),
            set(ours.at_once.values) == {1},
            theirs.at_once.show_range(),
        ),
    ]


def _measured(bench: Bench, credential: str) -> dict[Worker, _Found]:
    machine = credential == _MACHINE_CREDENTIAL
    environment = bench.authority.machine_environment if machine else bench.authority.environment
    endpoint = "managed-identity" if machine else "token"
    processes = _processes(bench, credential, environment)
    cached: dict[Worker, dict[str, list[float]]] = {worker: defaultdict(list) for worker in bench.workers}
    new: dict[Worker, dict[str, list[float]]] = {worker: defaultdict(list) for worker in bench.workers}
    at_once: dict[Worker, list[float]] = {worker: [] for worker in bench.workers}
    failed = dict.fromkeys(bench.workers, 0)
    with ExitStack() as stack:
        there = {
            worker: stack.enter_context(Worker(worker.library, worker.python, environment)) for worker in bench.workers
        }
        for _ in range(_ROUNDS):
            for worker, asked in there.items():
                _extend(cached[worker], asked.ask(time_cached, credential=credential))
                bench.authority.expires_in = _SOON
                bench.authority.take_requests()
                _extend(new[worker], asked.ask(time_new, credential=credential))
                requests = bench.authority.take_requests()[endpoint]
                assert requests == 2 * (_WARM_UP + _TOKENS), "a token was had without a request"
                bench.authority.expires_in = 86_400
                bench.authority.latency = _LATENCY
                bench.authority.take_requests()
                failed[worker] += asked.ask(ask_at_once, credential=credential)
                at_once[worker].append(bench.authority.take_requests()[endpoint])
                bench.authority.latency = 0.0
    found = {}
    for worker in bench.workers:
        calls, bare = (sample(cached[worker][name]) for name in ("call", "bare"))
        renewals, posts = (sample(new[worker][name]) for name in ("call", "bare"))
        found[worker] = _Found(
            *processes[worker],
            calls,
            calls.over(bare),
            renewals,
            renewals.over(posts),
            sample(at_once[worker]),
            failed[worker],
        )
    return found


def _extend(all_values: dict[str, list[float]], more: Mapping[str, list[float]]) -> None:
    for name, values in more.items():
        all_values[name] += values


def _processes(
    bench: Bench, credential: str, environment: Mapping[str, str]
) -> dict[Worker, tuple[Sample, Sample, Sample, str]]:
    """Return whole processes' times, their ratios, their requests, and what they load."""
    programs = {worker: _program(worker.library, credential) for worker in bench.workers}
    heavy = {
        worker: none_or(loaded_modules(worker.python, program, environment)) for worker, program in programs.items()
    }
    taken: dict[Worker, list[tuple[float, float, int]]] = {worker: [] for worker in bench.workers}
    for _ in range(_PROCESSES):
        for worker, program in programs.items():
            base = seconds_of(worker.python, BASE, environment)
            bench.authority.take_requests()
            seconds = seconds_of(worker.python, program, environment)
            taken[worker].append((base, seconds, bench.authority.take_requests().total()))
    found = {}
    for worker in bench.workers:
        bases, times, requests = (sample(values) for values in zip(*taken[worker], strict=True))
        found[worker] = times, times.over(bases), requests, heavy[worker]
    return found


def _program(library: str, credential: str) -> str:
    return f"""
from {LIBRARIES[library].package} import {credential}

{credential}({_CREDENTIALS[credential]}).get_token({scope(0)!r})
"""


def _new(library: Library, credential: str) -> Any:
    arguments = {"tenant_id": TENANT_ID, "client_id": CLIENT_ID, "client_secret": SECRET}
    return getattr(import_module(library.package), credential)(**arguments if credential == _SECRET_CREDENTIAL else {})


def time_cached(library: Library, *, credential: str) -> dict[str, list[float]]:
    """In a worker: return the seconds of calls for a token that the credential has, and of the bare function."""
    with _new(library, credential) as made:
        made.get_token(scope(0))
        return beside_bare_function(made.get_token, scope(0))


def time_new(library: Library, *, credential: str) -> dict[str, list[float]]:
    """In a worker: return the seconds of calls for a token that has to be fetched, and of bare requests, in turn."""
    import requests

    with _new(library, credential) as made, requests.Session() as session:
        calls: dict[str, Callable[[], object]] = {
            "bare": _bare_request(session, credential),
            "call": lambda: made.get_token(scope(0), claims=CLAIMS),
        }
        for call in tuple(calls.values()) * _WARM_UP:  # connect, and load what is loaded once
            call()
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(_TOKENS):
            for name, call in calls.items():
                began = time.perf_counter()
                call()
                taken[name].append(time.perf_counter() - began)
    return taken


def ask_at_once(library: Library, *, credential: str) -> int:
    """In a worker: return how many threads of a new credential failed to get a token."""
    with _new(library, credential) as made:
        return failures_in_threads(_THREADS, lambda: made.get_token(scope(0)))


def _bare_request(session: Any, credential: str) -> Callable[[], None]:
    if credential == _MACHINE_CREDENTIAL:
        url = os.environ["IDENTITY_ENDPOINT"]
        parameters = {"resource": scope(0).removesuffix("/.default"), "api-version": "2019-08-01"}
        headers = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}

        def ask_machine() -> None:
            session.get(url, params=parameters, headers=headers).raise_for_status()

        return ask_machine
    form = {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "grant_type": "client_credentials",
        "scope": scope(0),
        "claims": CLAIMS,
    }
    url = f"https://{LOGIN_HOST}/{TENANT_ID}/oauth2/v2.0/token"

    def ask_authority() -> None:
        session.post(url, data=form).raise_for_status()

    return ask_authority
