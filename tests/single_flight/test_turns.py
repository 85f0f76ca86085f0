from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from azid.errors import AuthenticationFailedError
from azid.single_flight import FlightAbandoned, Turns
from tests.support.flights import GIVE_UP, THREADS, Work, begin, never


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


def test_a_failure_that_is_shared_keeps_one_traceback() -> None:
    turns: Turns[str] = Turns()
    before, lengths = turns.ticket(), set()

    def fail(_: threading.Event) -> str:
        raise RuntimeError("failed")

    with suppress(RuntimeError):
        turns.do(turns.ticket(), fail)
    for _ in range(3):
        with pytest.raises(RuntimeError) as caught:
            turns.do(before, never)
        lengths.add(len(caught.traceback))
    assert len(lengths) == 1


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
