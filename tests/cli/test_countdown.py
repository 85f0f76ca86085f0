"""The countdown: one line, drawn again, and gone at the end."""

from __future__ import annotations

import threading

import pytest

from azid.cli.countdown import Countdown, StatusLine, TickingClock
from azid.clock import ManualClock


class Paper:
    """What was written to a terminal of some width."""

    def __init__(self, columns: int = 80) -> None:
        self.columns = columns
        self.written: list[str] = []
        self.line = StatusLine(self.written.append, lambda: self.columns)


def test_the_clock_ticks_while_somebody_waits() -> None:
    clock, ticks = ManualClock(), 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    ticking = TickingClock(clock, tick)
    assert ticking.wait(threading.Event(), 5) is False
    assert ticking.monotonic() == 5
    assert ticking.time() == clock.time()
    assert ticks >= 5


@pytest.mark.parametrize("seconds", [0, -1, 0.1, 0.5, 3.2])
def test_a_wait_takes_as_long_as_without_the_ticks(seconds: float) -> None:
    clock = ManualClock()
    TickingClock(clock, lambda: None).wait(threading.Event(), seconds)
    assert clock.monotonic() == pytest.approx(max(seconds, 0))


def test_what_is_waited_for_ends_the_wait() -> None:
    clock, event = ManualClock(), threading.Event()

    def tick() -> None:
        if clock.monotonic() >= 1:
            event.set()

    assert TickingClock(clock, tick).wait(event, 60) is True
    assert clock.monotonic() < 2


def test_what_is_left_is_shown_each_second_once() -> None:
    clock, paper = ManualClock(), Paper()
    countdown = Countdown(clock, paper.line, "Waiting")
    countdown.tick()
    assert paper.written == []
    countdown.start(62)
    TickingClock(clock, countdown.tick).wait(threading.Event(), 4)
    assert [text.strip() for text in paper.written] == [
        f"Waiting: {left} left" for left in ("1:02", "1:01", "1:00", "0:59", "0:58")
    ]
    clock.advance(1000)
    countdown.tick()
    assert paper.written[-1].strip() == "Waiting: 0:00 left"


def test_it_begins_once() -> None:
    clock, paper = ManualClock(), Paper()
    countdown = Countdown(clock, paper.line, "Waiting")
    countdown.start(10)
    clock.advance(3)
    countdown.start(10)
    countdown.tick()
    assert paper.written == ["\rWaiting: 0:07 left"]


def test_without_a_line_nothing_is_shown() -> None:
    countdown = Countdown(ManualClock(), None, "Waiting")
    countdown.start(10)
    countdown.tick()
    countdown.clear()


def test_a_line_covers_the_one_before_and_is_wiped_off_with_what_ctrl_c_leaves() -> None:
    paper = Paper()
    paper.line.show("a long line")
    paper.line.show("short")
    paper.line.show("short")
    paper.line.clear()
    paper.line.clear()
    assert paper.written == ["\ra long line", "\rshort      ", f"\r{' ' * 13}\r"]


def test_a_narrow_terminal_gets_one_line_all_the_same() -> None:
    paper = Paper(columns=10)
    paper.line.show("a line that is too long")
    paper.line.clear()
    assert paper.written == ["\ra line th", "\r         \r"]
