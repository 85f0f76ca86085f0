from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from azid.errors import AuthenticationFailedError
from azid.single_flight import SingleFlight
from tests.support.flights import GIVE_UP, THREADS, Work, begin, never, wait_for


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
