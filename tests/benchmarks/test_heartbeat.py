"""What the watch over an event loop sees, on a clock that only the test moves."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from azid.clock import ManualClock
from benchmarks.heartbeat import LOOPS, AsyncioLoop, Loop, observe


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Loop:
    made: Loop = LOOPS[request.param]()
    return made


def test_a_task_that_blocks_is_a_stall(loop: Loop, clock: ManualClock) -> None:
    blocked: list[int] = []

    async def ask() -> None:
        if not blocked:
            blocked.append(1)
            clock.advance(3)

    seen = observe(loop, 5, lambda: ask, clock=clock.monotonic)
    assert (seen.seconds, seen.stall, seen.own_stall, seen.failed) == (3, 3, 3, {})


def test_tasks_that_take_turns_are_no_stall_together(loop: Loop, clock: ManualClock) -> None:
    async def ask() -> None:
        for _ in range(4):
            clock.advance(1)
            await loop.turn()

    seen = observe(loop, 1, lambda: ask, clock=clock.monotonic)
    assert seen.seconds == 4
    assert seen.stall < 4


def test_beginning_counts_and_is_a_turn_of_its_own(loop: Loop, clock: ManualClock) -> None:
    async def ask() -> None:
        clock.advance(1)

    def begin() -> Callable[[], Awaitable[None]]:
        clock.advance(2)
        return ask

    seen = observe(loop, 1, begin, clock=clock.monotonic)
    assert (seen.seconds, seen.stall) == (1, 2)


def test_the_garbage_collector_is_told_from_the_rest(clock: ManualClock) -> None:
    def collect_slowly(phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            clock.advance(5)

    async def ask() -> None:
        gc.callbacks.append(collect_slowly)
        gc.collect()
        gc.callbacks.remove(collect_slowly)
        clock.advance(1)

    seen = observe(AsyncioLoop(), 1, lambda: ask, clock=clock.monotonic)
    assert (seen.stall, seen.own_stall) == (6, 1)


def test_failures_are_counted_and_end_nothing(loop: Loop) -> None:
    async def ask() -> None:
        raise ValueError("refused")

    assert observe(loop, 3, lambda: ask).failed == {"ValueError": 3}


def test_what_is_done_in_a_thread_stalls_nothing(clock: ManualClock) -> None:
    async def ask() -> None:
        await asyncio.to_thread(lambda: None)

    assert observe(AsyncioLoop(), 3, lambda: ask, clock=clock.monotonic).stall == 0


def test_goes_on_watching_for_as_long_as_it_is_told(clock: ManualClock) -> None:
    def ticking() -> float:
        clock.advance(1)
        return clock.monotonic()

    async def ask() -> None:
        """Nothing."""

    observe(AsyncioLoop(), 1, lambda: ask, at_least=50, clock=ticking)
    assert clock.monotonic() >= 50
