from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from azid.cancellation import Cancellation
from azid.single_flight import FlightAbandoned, SingleFlight, Turns
from tests.support.flights import GIVE_UP, THREADS, Work, begin, never


class Caller(Cancellation):
    """A caller who tells when work, or the wait for it, is under way on its behalf."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Event()

    @contextmanager
    def noticed_by(self, end: Callable[[], bool]) -> Iterator[None]:
        with super().noticed_by(end):
            self.waits.set()
            yield

    def do(self, call: Callable[[], Any]) -> Any:
        with self.as_current():
            return call()


class Endable(Work):
    """Work that ends early when it is told to, as a prompt does."""

    def __call__(self, *arguments: object) -> Any:
        [cancelled] = arguments
        assert isinstance(cancelled, threading.Event)
        self.begun += 1
        self.under_way.set()
        while not self.end.wait(0.01):
            if cancelled.is_set():
                raise RuntimeError("ended early")
        return self.outcome()


def call_for(executor: ThreadPoolExecutor, caller: Caller, call: Callable[[], Any]) -> Future[Any]:
    future = executor.submit(caller.do, call)
    assert caller.waits.wait(GIVE_UP)
    return future


def test_the_only_caller_who_leaves_ends_a_turn(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    work, caller = Endable(), Caller()
    leader = call_for(executor, caller, lambda: turns.do(turns.ticket(), work))
    assert caller.cancel()
    with pytest.raises(RuntimeError, match="ended early"):
        leader.result(GIVE_UP)
    assert turns.do(turns.ticket(), lambda _: "next") == ("next", True)


def test_a_caller_who_left_beforehand_begins_nothing_that_lasts() -> None:
    turns: Turns[bool] = Turns()
    caller = Caller()
    caller.cancel()
    assert caller.do(lambda: turns.do(turns.ticket(), threading.Event.is_set)) == (True, True)


@pytest.mark.parametrize("outcome", ["done", RuntimeError("declined")])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("plain", [False, True])
def test_a_leader_who_leaves_leaves_the_others_the_outcome(
    executor: ThreadPoolExecutor, outcome: object, count: int, plain: bool
) -> None:
    turns: Turns[str] = Turns()
    work, leader, others = Endable(outcome), Caller(), [Caller() for _ in range(count)]
    ticket = turns.ticket()
    call_for(executor, leader, lambda: turns.do(ticket, work))
    waiting = [call_for(executor, other, lambda: turns.do(turns.ticket(), never)) for other in others]
    if plain:
        waiting.append(executor.submit(turns.do, ticket, never))
    assert not leader.cancel()
    work.end.set()
    for waiter in waiting:
        if isinstance(outcome, Exception):
            assert waiter.exception(GIVE_UP) is outcome
        else:
            assert waiter.result(GIVE_UP) == ("done", False)
    assert work.begun == 1


def test_a_late_comer_shares_a_failure_although_all_have_left_since(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    work, leader, other = Endable(RuntimeError("declined")), Caller(), Caller()
    ticket = turns.ticket()
    led = call_for(executor, leader, lambda: turns.do(ticket, work))
    waiter = call_for(executor, other, lambda: turns.do(ticket, never))
    work.end.set()
    for future in (led, waiter):
        assert isinstance(future.exception(GIVE_UP), RuntimeError)
    leader.cancel()
    other.cancel()
    with pytest.raises(RuntimeError, match="declined"):
        executor.submit(turns.do, ticket, never).result(GIVE_UP)


@pytest.mark.parametrize("last", range(3))
def test_the_last_to_leave_ends_a_turn_in_whatever_order(executor: ThreadPoolExecutor, last: int) -> None:
    turns: Turns[str] = Turns()
    work, callers = Endable(), [Caller() for _ in range(3)]
    calls = [call_for(executor, caller, lambda: turns.do(turns.ticket(), work)) for caller in callers]
    for caller in callers[:last] + callers[last + 1 :]:
        assert not caller.cancel()
    assert callers[last].cancel()
    assert all(isinstance(call.exception(GIVE_UP), RuntimeError | FlightAbandoned) for call in calls)


def test_one_who_only_waits_and_leaves_is_told_so(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    work, leader, other = Endable(), Caller(), Caller()
    led = call_for(executor, leader, lambda: turns.do(turns.ticket(), work))
    waiter = call_for(executor, other, lambda: turns.do(turns.ticket(), never))
    assert not other.cancel()
    assert isinstance(waiter.exception(GIVE_UP), FlightAbandoned)
    work.end.set()
    assert led.result(GIVE_UP) == ("done", True)


def test_a_thread_that_cannot_leave_keeps_a_turn_going(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    work, caller = Endable(), Caller()
    led = begin(executor, work, lambda: turns.do(turns.ticket(), work))
    waiter = call_for(executor, caller, lambda: turns.do(turns.ticket(), never))
    assert not caller.cancel()
    assert isinstance(waiter.exception(GIVE_UP), FlightAbandoned)
    assert not led.done()
    work.end.set()
    assert led.result(GIVE_UP) == ("done", True)


def test_whoever_comes_too_late_to_keep_a_turn_from_ending_begins_anew(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    stubborn, caller, late = Work(RuntimeError("ended early")), Caller(), Caller()
    ticket = turns.ticket()
    led = call_for(executor, caller, lambda: turns.do(ticket, stubborn))
    assert caller.cancel()
    waiter = call_for(executor, late, lambda: turns.do(ticket, lambda _: "anew"))
    stubborn.end.set()
    assert waiter.result(GIVE_UP) == ("anew", True)
    assert isinstance(led.exception(GIVE_UP), RuntimeError)


def test_whoever_comes_too_late_has_the_outcome_if_there_is_one_all_the_same(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    stubborn, caller, late = Work(), Caller(), Caller()
    ticket = turns.ticket()
    call_for(executor, caller, lambda: turns.do(ticket, stubborn))
    caller.cancel()
    waiter = call_for(executor, late, lambda: turns.do(ticket, never))
    stubborn.end.set()
    assert waiter.result(GIVE_UP) == ("done", False)


def test_whoever_waits_for_a_turn_of_their_own_keeps_none_going(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    work, caller = Endable(), Caller()
    led = call_for(executor, caller, lambda: turns.do(turns.ticket(), work))
    own = executor.submit(turns.do_own, lambda _: "own")
    assert caller.cancel()
    assert isinstance(led.exception(GIVE_UP), RuntimeError)
    assert own.result(GIVE_UP) == "own"


def test_one_who_waits_for_a_turn_of_their_own_may_leave(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    work, caller = Work(), Cancellation()
    led = begin(executor, work, lambda: turns.do(turns.ticket(), work))

    def wait() -> str:
        with caller.as_current():
            return turns.do_own(never)

    own = executor.submit(wait)
    caller.cancel()
    assert isinstance(own.exception(GIVE_UP), FlightAbandoned | AssertionError)
    work.end.set()
    assert led.result(GIVE_UP) == ("done", True)


class Refresh(Work):
    """Work of a flight that goes by whether anybody still waits."""

    def __call__(self, *_: object) -> Any:
        self.begun += 1
        self.under_way.set()
        while not self.end.wait(0.01):
            if Cancellation.caller_has_left():
                raise RuntimeError("ended early")
        return self.outcome()


def test_work_goes_on_for_those_who_stay_and_ends_with_the_last(executor: ThreadPoolExecutor) -> None:
    flights: SingleFlight[str] = SingleFlight()
    work, callers = Refresh(), [Caller() for _ in range(3)]
    calls = [call_for(executor, caller, lambda: flights.do("key", work)) for caller in callers]
    assert [caller.cancel() for caller in callers] == [False, False, True]
    assert isinstance(calls[0].exception(GIVE_UP), RuntimeError)
    assert [type(call.exception(GIVE_UP)) for call in calls[1:]] == [FlightAbandoned] * 2
    assert work.begun == 1


def test_work_that_is_led_for_others_too_does_not_end_with_its_leader(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    work, leader, other = Refresh(), Caller(), Caller()
    call_for(executor, leader, lambda: turns.do(turns.ticket(), work))
    waiter = call_for(executor, other, lambda: turns.do(turns.ticket(), never))
    assert not leader.cancel()
    work.end.set()
    assert waiter.result(GIVE_UP) == ("done", False)


def test_one_who_waits_for_anothers_flight_may_leave(executor: ThreadPoolExecutor) -> None:
    flights: SingleFlight[str] = SingleFlight()
    work, caller = Refresh(), Caller()
    led = begin(executor, work, lambda: flights.do("key", work))
    waiter = call_for(executor, caller, lambda: flights.do("key", never))
    assert not caller.cancel()
    assert isinstance(waiter.exception(GIVE_UP), FlightAbandoned)
    assert not led.done()
    work.end.set()
    assert led.result(GIVE_UP) == "done"


def test_the_outcome_of_a_flight_that_all_had_left_is_theirs_who_come_too_late(executor: ThreadPoolExecutor) -> None:
    flights: SingleFlight[str] = SingleFlight()
    stubborn, caller, late = Work(), Caller(), Caller()
    call_for(executor, caller, lambda: flights.do("key", stubborn))
    assert caller.cancel()
    waiter = call_for(executor, late, lambda: flights.do("key", never))
    stubborn.end.set()
    assert waiter.result(GIVE_UP) == "done"


def test_its_failure_is_not(executor: ThreadPoolExecutor) -> None:
    flights: SingleFlight[str] = SingleFlight()
    stubborn, caller, late = Work(RuntimeError("ended early")), Caller(), Caller()
    led = call_for(executor, caller, lambda: flights.do("key", stubborn))
    assert caller.cancel()
    waiter = call_for(executor, late, lambda: flights.do("key", lambda: "anew"))
    stubborn.end.set()
    assert waiter.result(GIVE_UP) == "anew"
    assert isinstance(led.exception(GIVE_UP), RuntimeError)


def test_callers_who_come_and_go_leave_nothing_under_way(executor: ThreadPoolExecutor) -> None:
    turns: Turns[str] = Turns()
    start = threading.Barrier(THREADS)

    def come_and_go(number: int) -> None:
        start.wait(GIVE_UP)
        for round_ in range(30):
            caller, work = Caller(), Endable()
            leaving = threading.Thread(target=lambda: (caller.waits.wait(GIVE_UP), caller.cancel()), daemon=True)  # noqa: B023
            if (number + round_) % 3 == 0:
                work.end.set()
            leaving.start()
            with suppress(RuntimeError, FlightAbandoned):
                caller.do(lambda: turns.do(turns.ticket(), work))  # noqa: B023
            leaving.join(GIVE_UP)

    for future in [executor.submit(come_and_go, number) for number in range(THREADS)]:
        future.result(GIVE_UP * 2)
    assert executor.submit(turns.do, turns.ticket(), lambda _: "next").result(GIVE_UP) == ("next", True)
