from __future__ import annotations

import threading

import pytest

from azid.clock import Clock, ManualClock, SystemClock


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()])
def test_an_event_that_is_set_ends_the_wait_at_once(clock: Clock) -> None:
    event = threading.Event()
    event.set()
    assert clock.wait(event, threading.TIMEOUT_MAX)
    assert clock.wait(event, 0)
    assert clock.wait(event, -1)


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()])
@pytest.mark.parametrize("seconds", [0, -1, 0.001])
def test_a_wait_ends_without_the_event(clock: Clock, seconds: float) -> None:
    assert not clock.wait(threading.Event(), seconds)


def test_the_systems_clock_wakes_for_another_threads_event() -> None:
    event = threading.Event()
    waiting = threading.Event()
    outcome: list[bool] = []

    def wait() -> None:
        waiting.set()
        outcome.append(SystemClock().wait(event, threading.TIMEOUT_MAX))

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert waiting.wait(20)
    event.set()
    thread.join(20)
    assert outcome == [True]


def test_the_systems_monotonic_clock_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(start=1000)
    assert (clock.time(), clock.monotonic()) == (1000, 0)
    clock.advance(5)
    clock.advance(-3)
    assert (clock.time(), clock.monotonic()) == (1005, 5)


def test_a_manual_clock_moves_on_by_what_is_waited_for_and_notes_it() -> None:
    clock = ManualClock(start=1000)
    clock.wait(threading.Event(), 5)
    clock.wait(threading.Event(), 2.5)
    assert clock.time() == 1007.5
    assert clock.waits == [5, 2.5]


def test_a_manual_clock_does_not_move_for_an_event_that_is_set() -> None:
    clock = ManualClock(start=1000)
    event = threading.Event()
    event.set()
    assert clock.wait(event, 60)
    assert (clock.time(), clock.waits) == (1000, [60])
