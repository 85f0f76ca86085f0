"""How many requests and prompts many callers cause."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.bench import Bench
from benchmarks.libraries import Library
from benchmarks.report import Section, Target
from benchmarks.samples import Sample, sample
from benchmarks.sign_ins import cache_of, scope
from benchmarks.worker import Worker

__all__ = ["failures_in_threads", "measure"]

_ROUNDS = 5
_LATENCY = 0.05
"""Seconds per request: an authority in the same part of the world."""
_REFRESHING = 50
_SIGNING_IN = 10
_SCOPES = 100


def measure(bench: Bench) -> Section:
    """Count what reaches the authority, or the person."""
    authority = bench.authority
    refreshes: dict[Worker, list[float]] = {worker: [] for worker in bench.workers}
    discoveries: dict[Worker, list[float]] = {worker: [] for worker in bench.workers}
    prompts: dict[Worker, list[float]] = {worker: [] for worker in bench.workers}
    refused: dict[Worker, list[float]] = {worker: [] for worker in bench.workers}
    failed: Counter[str] = Counter()
    authority.latency = _LATENCY
    for _ in range(_ROUNDS):
        for worker in bench.workers:
            authority.take_requests()
            failed[worker.library] += worker.ask(refresh_at_once, **bench.reach)
            requests = authority.take_requests()
            refreshes[worker].append(requests["token"])
            discoveries[worker].append(requests["openid-configuration"])
            shown, errors = worker.ask(sign_in_at_once, **bench.reach)
            prompts[worker].append(shown)
            failed[worker.library] += errors
    authority.latency, authority.revoked = 0.0, True
    for _ in range(_ROUNDS):
        for worker in bench.workers:
            authority.take_requests()
            worker.ask(ask_revoked, **bench.reach)
            refused[worker].append(authority.take_requests()["token"])
    authority.revoked = False
    measured = {
        f"{_REFRESHING} threads at an expired token: refreshes": refreshes,
        f"{_REFRESHING} threads at an expired token: discovery requests": discoveries,
        f"{_SIGNING_IN} threads at a first sign-in: prompts": prompts,
        f"one call after a sign-in with {_SCOPES} scopes was revoked: token requests": refused,
    }
    samples = {what: [sample(found[worker]) for worker in bench.workers] for what, found in measured.items()}
    return Section(
        "Many callers",
        f"Threads of one new credential, let go together; {_ROUNDS} rounds of each. While they run the authority "
        f"answers after {_LATENCY * 1000:.0f} ms. Calls that failed: {failed['azid']} of azid's, "
        f"{failed['azure-identity']} of azure-identity's. Prompts are device codes that were shown. The revoked "
        "sign-in has a refresh token for each scope, as MSAL stores them, and the authority refuses each with "
        "AADSTS50173. Discovery has no target: a private authority has to be asked once, a well-known one is asked by "
        "azure-identity only.",
        ("what", *(worker.library for worker in bench.workers)),
        [(what, *(each.show_range() for each in found)) for what, found in samples.items()],
        [_one(what, *found) for what, found in samples.items() if "discovery" not in what],
    )


def refresh_at_once(library: Library, *, host: str, ca_file: str) -> int:
    """In a worker: return how many threads failed to get a token instead of the expired one."""
    credential = library.signed_in_credential(host, ca_file, cache_of(1, 1, expired=True))
    return failures_in_threads(_REFRESHING, lambda: credential.get_token(scope(0)))


def sign_in_at_once(library: Library, *, host: str, ca_file: str) -> tuple[int, int]:
    """In a worker: return how many prompts were shown, and how many threads failed to get a token."""
    prompts: list[tuple[Any, ...]] = []
    credential = library.new_credential(host, ca_file, prompt_callback=lambda *prompt: prompts.append(prompt))
    failed = failures_in_threads(_SIGNING_IN, lambda: credential.get_token(scope(0)))
    return len(prompts), failed


def ask_revoked(library: Library, *, host: str, ca_file: str) -> None:
    """In a worker: ask once for a token of a sign-in that was revoked.

    :raises AssertionError: there was one.
    """
    credential = library.signed_in_credential(host, ca_file, cache_of(1, _SCOPES, expired=True))
    try:
        credential.get_token(scope(0))
    except Exception as error:
        if type(error).__name__ != "AuthenticationRequiredError":  # each library has its own
            raise
    else:
        raise AssertionError("a revoked sign-in still has a token")


def failures_in_threads(threads: int, call: Callable[[], object]) -> int:
    """Call in many threads at once; return how many calls failed."""
    barrier = threading.Barrier(threads)
    failed: list[Exception] = []

    def run() -> None:
        barrier.wait()
        try:
            call()
        except Exception as error:
            failed.append(error)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return len(failed)


def _one(what: str, ours: Sample, theirs: Sample) -> Target:
    return Target(what, "1", ours.show_range(), max(ours.values) == 1, theirs.show_range())
