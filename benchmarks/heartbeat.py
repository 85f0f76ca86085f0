"""How long an event loop keeps its tasks waiting: a task that takes every turn that it gets, and looks at the clock."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Protocol

__all__ = ["LOOPS", "AsyncioLoop", "Loop", "Observation", "TrioLoop", "observe"]


class Event(Protocol):
    """What tasks wait for."""

    def set(self) -> object:
        """Let them go."""

    async def wait(self) -> object:
        """Wait for that."""


class Loop(Protocol):
    """An async library."""

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a loop until `work` is done."""

    def event(self) -> Event:
        """Return a new event."""

    async def turn(self) -> None:
        """Let every other task that is ready have its turn."""

    async def together(self, works: list[Callable[[], Awaitable[None]]]) -> None:
        """Do all of `works` at the same time, each in a task of its own."""


class AsyncioLoop:
    """The standard library's."""

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        import asyncio

        async def main() -> None:
            await work()

        asyncio.run(main())

    def event(self) -> Event:
        import asyncio

        return asyncio.Event()

    async def turn(self) -> None:
        import asyncio

        await asyncio.sleep(0)

    async def together(self, works: list[Callable[[], Awaitable[None]]]) -> None:
        import asyncio

        await asyncio.gather(*(work() for work in works))


class TrioLoop:
    """Trio's."""

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        import trio

        trio.run(work)

    def event(self) -> Event:
        import trio

        return trio.Event()

    async def turn(self) -> None:
        import trio

        await trio.lowlevel.checkpoint()

    async def together(self, works: list[Callable[[], Awaitable[None]]]) -> None:
        import trio

        async with trio.open_nursery() as nursery:
            for work in works:
                nursery.start_soon(work)


LOOPS: Final[dict[str, type[Loop]]] = {"asyncio": AsyncioLoop, "trio": TrioLoop}


class Observation(NamedTuple):
    """What a crowd of tasks did to its loop.

    :param seconds: from letting the tasks go until the last of them was done.
    :param stall: the longest time between two turns of a task that was always ready.
    :param own_stall: the same without the time in which the garbage collector had stopped the process.
    :param failed: how many of the tasks ended with an error, by the error's type.
    """

    seconds: float
    stall: float
    own_stall: float
    failed: dict[str, int]


def observe(
    loop: Loop,
    tasks: int,
    begin: Callable[[], Callable[[], Awaitable[object]]],
    *,
    at_least: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
) -> Observation:
    """Let tasks go that all wait for the same moment, and watch the loop until the last of them is done.

    :param loop: whose loop it is.
    :param tasks: how many.
    :param begin: called in a turn of its own, watched, before they are let go; returns what each of them is to await.
    :param at_least: seconds to go on watching after they are let go, even if they are done.
    :param clock: seconds on a clock that never goes back.
    """
    crowd = _Crowd(loop, tasks, begin, at_least, clock)
    gc.collect()  # what was there before is not this crowd's
    loop.run(crowd.run)
    return Observation(crowd.seconds, crowd.stall, crowd.own_stall, crowd.failed)


class _Crowd:
    def __init__(
        self,
        loop: Loop,
        tasks: int,
        begin: Callable[[], Callable[[], Awaitable[object]]],
        at_least: float,
        clock: Callable[[], float],
    ) -> None:
        self._loop = loop
        self._tasks = tasks
        self._begin = begin
        self._at_least = at_least
        self._clock = clock
        self._present = 0
        self._done = 0
        self._collecting = 0.0
        self.seconds = self.stall = self.own_stall = 0.0
        self.failed: Counter[str] = Counter()

    async def run(self) -> None:
        self._go = self._loop.event()
        with self._collections():
            await self._loop.together([self._watch, *[self._act] * self._tasks])

    async def _act(self) -> None:
        self._present += 1
        await self._go.wait()
        try:
            await self._ask()
        except Exception as error:
            self.failed[type(error).__name__] += 1
        self._done += 1

    async def _watch(self) -> None:
        while self._present < self._tasks:
            await self._loop.turn()
        self._seen, self._collected = self._clock(), self._collecting
        self._ask = self._begin()
        await self._beat()
        began = self._seen
        self._go.set()
        while self._done < self._tasks:
            await self._beat()
        self.seconds = self._seen - began
        while self._seen - began < self._at_least:
            await self._beat()

    async def _beat(self) -> None:
        await self._loop.turn()
        seen, collected = self._clock(), self._collecting
        stall = seen - self._seen
        self.stall = max(self.stall, stall)
        self.own_stall = max(self.own_stall, stall - (collected - self._collected))
        self._seen, self._collected = seen, collected

    @contextmanager
    def _collections(self) -> Iterator[None]:
        """Return a context in which the garbage collector's time is counted, whichever thread it is in."""
        began = 0.0

        def note(phase: str, _: dict[str, Any]) -> None:
            nonlocal began
            if phase == "start":
                began = self._clock()
            else:
                self._collecting += self._clock() - began

        gc.callbacks.append(note)
        try:
            yield
        finally:
            gc.callbacks.remove(note)
