"""Work for flights and turns that is under way until a test lets it end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from azid.single_flight import SingleFlight

THREADS = 8
GIVE_UP = 20  # seconds after which a test that would hang fails


class Work:
    """Work that is under way until it is told to end; counts how often it was begun."""

    def __init__(self, outcome: object = "done") -> None:
        self.begun = 0
        self.under_way = threading.Event()
        self.end = threading.Event()
        self._outcome = outcome

    def __call__(self, *_: object) -> Any:
        self.begun += 1
        self.under_way.set()
        assert self.end.wait(GIVE_UP)
        return self.outcome()

    def outcome(self) -> Any:
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome


def never(*_: object) -> Any:
    raise AssertionError("somebody else is at it")


def begin(executor: ThreadPoolExecutor, work: Work, call: Callable[[], Any]) -> Future[Any]:
    leader = executor.submit(call)
    assert work.under_way.wait(GIVE_UP)
    return leader


class Asking(str):
    """A key that tells when it is looked up, which is done under the lock: from then on its thread is a waiter."""

    lookups: threading.Semaphore

    def __new__(cls, key: str) -> Asking:
        asking = super().__new__(cls, key)
        asking.lookups = threading.Semaphore(0)
        return asking

    def __hash__(self) -> int:
        self.lookups.release()
        return super().__hash__()


def wait_for(executor: ThreadPoolExecutor, count: int, flights: SingleFlight[Any], work: Callable[[], Any]) -> Any:
    """Have threads wait for the work of "key"."""
    key = Asking("key")
    waiters = [executor.submit(flights.do, key, work) for _ in range(count)]
    for _ in range(count):
        assert key.lookups.acquire(timeout=GIVE_UP)
    return waiters
