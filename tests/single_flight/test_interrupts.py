from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import pytest

from azid import single_flight
from azid.single_flight import SingleFlight, Turns
from tests.support.flights import GIVE_UP, Work, begin


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


@pytest.mark.parametrize("moment", range(1, 34))
def test_an_interrupt_at_any_moment_leaves_nobody_waiting(executor: ThreadPoolExecutor, moment: int) -> None:
    flights: SingleFlight[str] = SingleFlight()
    turns: Turns[str] = Turns()
    InterruptedAt(moment).run(lambda: flights.do("key", lambda: "done"))
    InterruptedAt(moment).run(lambda: turns.do(turns.ticket(), lambda _: "done"))
    assert executor.submit(flights.do, "key", lambda: "next").result(GIVE_UP) == "next"
    assert executor.submit(turns.do, turns.ticket(), lambda _: "next").result(GIVE_UP) == ("next", True)
