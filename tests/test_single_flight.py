from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest

from azid import single_flight
from azid.errors import AuthenticationFailedError
from azid.single_flight import FlightAbandoned, SingleFlight, Turns

THREADS = 8
GIVE_UP = 20  # seconds after which a test that would hang fails


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as executor:
        yield executor


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


# By key


def test_work_is_done_in_the_callers_thread() -> None:
    assert SingleFlight[int]().do("key", threading.get_ident) == threading.get_ident()


def test_whoever_asks_meanwhile_gets_the_same(executor: ThreadPoolExecutor) -> None:
    flights: SingleFlight[object] = SingleFlight()
    work = Work(object())
    leader = begin(executor, work, lambda: flights.do("key", work))
    assert flights.is_under_way("key")
    waiters = wait_for(executor, THREADS - 1, flights, never)
    work.end.set()
    assert {waiter.result(GIVE_UP) for waiter in waiters} == {leader.result(GIVE_UP)}
    assert not flights.is_under_way("key")
    assert work.begun == 1


def test_another_key_is_other_work(executor: ThreadPoolExecutor) -> None:
    flights: SingleFlight[str] = SingleFlight()
    work = Work()
    leader = begin(executor, work, lambda: flights.do("key", work))
    assert flights.do("other", lambda: "other") == "other"
    work.end.set()
    assert leader.result(GIVE_UP) == "done"


def test_work_that_is_done_is_done_anew() -> None:
    flights: SingleFlight[int] = SingleFlight()
    results = iter([1, 2])
    assert [flights.do("key", lambda: next(results)) for _ in range(2)] == [1, 2]


def test_an_error_is_everybodys(executor: ThreadPoolExecutor) -> None:
    flights: SingleFlight[str] = SingleFlight()
    error = RuntimeError("failed")
    work = Work(error)
    leader = begin(executor, work, lambda: flights.do("key", work))
    waiters = wait_for(executor, 3, flights, never)
    work.end.set()
    assert leader.exception(GIVE_UP) is error
    assert [waiter.exception(GIVE_UP) for waiter in waiters] == [error] * 3
    assert flights.do("key", lambda: "next") == "next"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_one_of_those_who_wait_takes_over_from_a_leader_that_is_interrupted(
    executor: ThreadPoolExecutor, interruption: BaseException
) -> None:
    flights: SingleFlight[str] = SingleFlight()
    interrupted, resumed = Work(interruption), Work("resumed")
    leader = begin(executor, interrupted, lambda: flights.do("key", interrupted))
    waiters = wait_for(executor, 4, flights, resumed)
    interrupted.end.set()
    assert leader.exception(GIVE_UP) is interruption
    assert resumed.under_way.wait(GIVE_UP)
    resumed.end.set()
    assert [waiter.result(GIVE_UP) for waiter in waiters] == ["resumed"] * 4


def test_work_that_asks_for_itself_is_refused() -> None:
    flights: SingleFlight[str] = SingleFlight()
    with pytest.raises(AuthenticationFailedError, match="from within its own prompt"):
        flights.do("key", lambda: flights.do("key", never))
    assert flights.do("key", lambda: "next") == "next"


def test_work_may_ask_for_other_work() -> None:
    flights: SingleFlight[str] = SingleFlight()
    assert flights.do("key", lambda: flights.do("other", lambda: "inner")) == "inner"


# Turns


def test_a_turn_is_taken_in_the_callers_thread_and_known_as_its_own() -> None:
    turns: Turns[int] = Turns()
    assert turns.do(turns.ticket(), lambda _: threading.get_ident()) == (threading.get_ident(), True)


def test_whoever_came_while_it_was_under_way_shares_the_outcome(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    work = Work()
    leader = begin(executor, work, lambda: turns.do(turns.ticket(), work))
    tickets = [turns.ticket() for _ in range(3)]
    waiters = [executor.submit(turns.do, ticket, never) for ticket in tickets]
    work.end.set()
    assert leader.result(GIVE_UP) == ("done", True)
    assert [waiter.result(GIVE_UP) for waiter in waiters] == [("done", False)] * 3


def test_whoever_came_before_it_ended_shares_it_however_late_they_ask() -> None:
    turns: Turns[str] = Turns()
    before = turns.ticket()
    assert turns.do(turns.ticket(), lambda _: "done") == ("done", True)
    assert turns.do(before, never) == ("done", False)
    assert turns.do(before, never) == ("done", False)


def test_whoever_comes_after_it_ended_has_another() -> None:
    turns: Turns[str] = Turns()
    turns.do(turns.ticket(), lambda _: "first")
    assert turns.do(turns.ticket(), lambda _: "second") == ("second", True)


def test_late_comers_share_the_last_outcome() -> None:
    turns: Turns[str] = Turns()
    before = turns.ticket()
    turns.do(turns.ticket(), lambda _: "first")
    turns.do(turns.ticket(), lambda _: "second")
    assert turns.do(before, never) == ("second", False)


def test_one_piece_at_a_time(executor: ThreadPoolExecutor) -> None:
    turns: Turns[int] = Turns()
    start = threading.Barrier(THREADS)
    at_work: list[int] = []
    most: list[int] = []

    def work(_: threading.Event) -> int:
        at_work.append(1)
        most.append(len(at_work))
        at_work.pop()
        return 0

    def ask() -> None:
        start.wait(GIVE_UP)
        for _ in range(20):
            turns.do(turns.ticket(), work)

    for future in [executor.submit(ask) for _ in range(THREADS)]:
        future.result(GIVE_UP)
    assert max(most) == 1


def test_a_failed_turn_fails_for_whoever_waited_and_for_late_comers(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    error = RuntimeError("declined")
    work = Work(error)
    ticket = turns.ticket()
    leader = begin(executor, work, lambda: turns.do(ticket, work))
    waiter = executor.submit(turns.do, ticket, never)
    work.end.set()
    assert leader.exception(GIVE_UP) is error
    assert waiter.exception(GIVE_UP) is error
    with pytest.raises(RuntimeError, match="declined"):
        turns.do(ticket, never)
    assert turns.do(turns.ticket(), lambda _: "next") == ("next", True)


def test_a_turn_that_is_interrupted_is_told_apart(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    work = Work(KeyboardInterrupt())
    leader = begin(executor, work, lambda: turns.do(turns.ticket(), work))
    waiter = executor.submit(turns.do, turns.ticket(), never)
    work.end.set()
    assert isinstance(leader.exception(GIVE_UP), KeyboardInterrupt)
    assert isinstance(waiter.exception(GIVE_UP), FlightAbandoned)
    assert turns.do(turns.ticket(), lambda _: "next") == ("next", True)


def test_a_turn_that_asks_for_itself_is_refused() -> None:
    turns: Turns[str] = Turns()

    def work(_: threading.Event) -> str:
        turns.do(turns.ticket(), never)
        return "unreachable"

    with pytest.raises(AuthenticationFailedError, match="from within its own prompt"):
        turns.do(turns.ticket(), work)
    assert turns.do(turns.ticket(), lambda _: "next") == ("next", True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_while_others_are_at_work_is_not_held_up(executor: ThreadPoolExecutor) -> None:
    flights: SingleFlight[str] = SingleFlight()
    turns: Turns[str] = Turns()
    first, second = Work(), Work()
    leaders = [
        begin(executor, first, lambda: flights.do("key", first)),
        begin(executor, second, lambda: turns.do(turns.ticket(), second)),
    ]
    child = os.fork()
    if child == 0:
        status = 1
        try:
            alone = flights.do("key", lambda: "child") == "child"
            alone = alone and turns.do(turns.ticket(), lambda _: "child") == ("child", True)
            status = 0 if alone else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    first.end.set()
    second.end.set()
    assert [leader.result(GIVE_UP) for leader in leaders] == ["done", ("done", True)]


class InterruptedAt:
    """Presses Ctrl-C at the n-th moment at which Python looks for signals in the module: functions begin and end."""

    def __init__(self, moment: int) -> None:
        self._moment = moment
        self.came = False

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if frame.f_code.co_filename == single_flight.__file__ and event in ("call", "c_return"):
            self._moment -= 1
            if self._moment == 0:
                self.came = True
                raise KeyboardInterrupt

    def run(self, call: Callable[[], object]) -> bool:
        """Make `call` in a thread of its own; return whether the moment came."""

        def run() -> None:
            sys.setprofile(self)
            try:
                call()
            except KeyboardInterrupt:
                pass
            finally:
                sys.setprofile(None)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(GIVE_UP)
        return self.came


@pytest.mark.parametrize("moment", range(1, 16))
def test_an_interrupt_at_any_moment_leaves_nobody_waiting(executor: ThreadPoolExecutor, moment: int) -> None:
    flights: SingleFlight[str] = SingleFlight()
    turns: Turns[str] = Turns()
    InterruptedAt(moment).run(lambda: flights.do("key", lambda: "done"))
    InterruptedAt(moment).run(lambda: turns.do(turns.ticket(), lambda _: "done"))
    assert executor.submit(flights.do, "key", lambda: "next").result(GIVE_UP) == "next"
    assert executor.submit(turns.do, turns.ticket(), lambda _: "next").result(GIVE_UP) == ("next", True)
