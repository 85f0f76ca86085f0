from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from azid.aio.off_loop import OffLoop, await_in_loop
from azid.cancellation import Cancellation
from tests.aio.conftest import GIVE_UP, Asking, assert_no_thread_is_left, happens, in_tasks, in_thread

pytestmark = pytest.mark.anyio


class Work:
    """Work that waits until it is told to end or that it is cancelled; counts how often it was begun."""

    def __init__(self, result: object = "done") -> None:
        self.begun = 0
        self.under_way = threading.Event()
        self.end = threading.Event()
        self.cancelled = False
        self._result = result

    def __call__(self) -> Any:
        self.begun += 1
        caller = Cancellation.current()
        assert caller is not None

        def leave() -> bool:
            self.cancelled = True
            self.end.set()
            return True

        with caller.noticed_by(leave):
            self.under_way.set()
            assert self.end.wait(GIVE_UP)
        if isinstance(self._result, BaseException):
            raise self._result
        return self._result


async def test_work_is_done_in_another_thread_while_the_loop_goes_on() -> None:
    work, ticks = Work(), 0
    async with anyio.create_task_group() as tasks:
        asking = Asking(partial(OffLoop().run, work))
        tasks.start_soon(asking.run)
        await happens(work.under_way)
        for _ in range(100):
            await checkpoint()
            ticks += 1
        work.end.set()
        assert await asking.end() == "done"
    assert ticks == 100
    assert await OffLoop().run(threading.get_ident) != threading.get_ident()


async def test_tasks_that_want_the_same_share_it() -> None:
    off_loop, work = OffLoop(), Work(object())
    async with anyio.create_task_group() as tasks:
        askings = [Asking(partial(off_loop.run, work, key="key")) for _ in range(10)]
        for asking in askings:
            tasks.start_soon(asking.run)
        await happens(work.under_way)
        work.end.set()
        assert len({await asking.end() for asking in askings}) == 1
    assert work.begun == 1


async def test_work_without_a_key_is_nobody_elses() -> None:
    assert len(set(await in_tasks(5, partial(OffLoop().run, object)))) == 5


async def test_work_that_has_ended_is_done_anew() -> None:
    off_loop, numbers = OffLoop(), iter(range(2))
    assert [await off_loop.run(lambda: next(numbers), key="key") for _ in range(2)] == [0, 1]


async def test_its_error_is_raised_in_every_task_with_the_traceback_of_the_work_alone() -> None:
    work = Work(ValueError("failed"))
    work.end.set()
    off_loop = OffLoop()
    errors = await in_tasks(100, partial(off_loop.run, work, key="key"))
    assert {str(error) for error in errors} == {"failed"}
    frames, traceback = 0, errors[-1].__traceback__
    while traceback is not None:
        frames, traceback = frames + 1, traceback.tb_next
    assert frames < 10


async def test_work_sees_the_context_of_the_task() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("the task's")
    assert await OffLoop().run(variable.get) == "the task's"


async def test_a_cancelled_task_leaves_the_others_served() -> None:
    off_loop, work = OffLoop(), Work()
    async with anyio.create_task_group() as tasks:
        askings = [Asking(partial(off_loop.run, work, key="key")) for _ in range(3)]
        for asking in askings:
            tasks.start_soon(asking.run)
        await happens(work.under_way)
        await askings[0].cancel()
        await askings[1].cancel()
        assert not work.cancelled
        work.end.set()
        assert await askings[2].end() == "done"
    assert work.begun == 1


async def test_the_last_task_to_leave_takes_the_work_with_it() -> None:
    off_loop, work = OffLoop(), Work()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(partial(off_loop.run, work, key="key"))
        await happens(work.under_way)
        tasks.cancel_scope.cancel()
    assert work.cancelled
    await in_thread(assert_no_thread_is_left)


async def test_a_task_that_comes_as_the_last_one_leaves_begins_anew() -> None:
    off_loop, first, second = OffLoop(), StubbornWork(), Work("second")
    async with anyio.create_task_group() as tasks:
        leaving = Asking(partial(off_loop.run, first, key="key"))
        tasks.start_soon(leaving.run)
        await happens(first.under_way)
        tasks.start_soon(leaving.cancel)
        await happens(first.told)
        coming = Asking(partial(off_loop.run, second, key="key"))
        tasks.start_soon(coming.run)
        await happens(second.under_way)
        first.end.set()
        second.end.set()
        assert await coming.end() == "second"


class StubbornWork(Work):
    """Work that goes on although it was told to end, as a request does that was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def __call__(self) -> Any:
        caller = Cancellation.current()
        assert caller is not None

        def listen() -> bool:
            self.told.set()
            return True

        with caller.noticed_by(listen):
            self.under_way.set()
            assert self.end.wait(GIVE_UP)
        return "done"


async def test_a_cancelled_task_does_not_wait_for_work_that_will_not_end() -> None:
    off_loop, work = OffLoop(), StubbornWork()
    async with anyio.create_task_group() as tasks:
        asking = Asking(partial(off_loop.run, work))
        tasks.start_soon(asking.run)
        await happens(work.under_way)
        await asking.cancel()
        assert not work.end.is_set()
        work.end.set()


async def test_nothing_is_kept_of_what_has_ended() -> None:
    class Result: ...

    off_loop = OffLoop()
    kept = weakref.ref(await off_loop.run(Result, key="key"))
    gc.collect()
    assert kept() is None
    work = Work()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(off_loop.run, work, key="key"))
        await happens(work.under_way)
        tasks.cancel_scope.cancel()
    await in_thread(assert_no_thread_is_left)
    left = weakref.ref(work)
    del work, tasks
    gc.collect()
    assert left() is None


@contextmanager
def no_more_threads() -> Iterator[None]:
    """Return a context in which the system starts no thread, for want of memory for its stack."""
    usual = threading.stack_size(1 << 46)
    try:
        yield
    finally:
        threading.stack_size(usual)


async def test_a_thread_that_cannot_be_started_holds_up_nobody() -> None:
    off_loop = OffLoop()
    with no_more_threads(), pytest.raises(RuntimeError, match="thread"):
        await off_loop.run(object, key="key")
    with anyio.fail_after(GIVE_UP):
        assert await off_loop.run(lambda: "done", key="key") == "done"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio lets every task come to its end
async def test_a_coroutine_that_is_thrown_away_takes_the_work_with_it() -> None:
    work = Work()
    coroutine: Any = OffLoop().run(work)
    coroutine.send(None)
    await happens(work.under_way)
    coroutine.close()
    assert work.cancelled


async def test_what_work_awaits_in_the_loop_is_awaited_in_its_thread() -> None:
    seen: list[int] = []

    async def show() -> None:
        await checkpoint()
        seen.append(threading.get_ident())

    await OffLoop().run(lambda: await_in_loop(show()))
    assert seen == [threading.get_ident()]


async def test_what_it_raises_is_raised_in_the_work() -> None:
    async def show() -> None:
        raise LookupError("no screen")

    def work() -> str:
        with pytest.raises(LookupError, match="no screen"):
            await_in_loop(show())
        return "went on"

    assert await OffLoop().run(work) == "went on"


async def test_it_is_cancelled_with_the_work() -> None:
    shown, left = anyio.Event(), anyio.Event()

    async def show() -> None:
        try:
            shown.set()
            await anyio.sleep_forever()
        finally:
            left.set()

    async with anyio.create_task_group() as tasks:
        asking = Asking(partial(OffLoop().run, lambda: await_in_loop(show())))
        tasks.start_soon(asking.run)
        await shown.wait()
        await asking.cancel()
        assert left.is_set()
    await in_thread(assert_no_thread_is_left)


def test_there_is_no_loop_to_await_in_outside_of_work() -> None:
    async def show() -> None: ...

    coroutine = show()
    with pytest.raises(RuntimeError, match="no event loop"):
        await_in_loop(coroutine)
    coroutine.close()


@pytest.mark.parametrize("closed", [False, True])
def test_a_loop_that_has_stopped_keeps_no_thread(closed: bool) -> None:
    work = StubbornWork()
    loop = asyncio.new_event_loop()

    async def leave() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(OffLoop().run, work)
            await happens(work.under_way)
            tasks.cancel_scope.cancel()

    try:
        loop.run_until_complete(leave())
        if closed:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
        work.end.set()
        assert_no_thread_is_left()
    finally:
        loop.close()


def test_cancelling_everything_waits_for_no_loop_that_is_idle() -> None:
    off_loop, work = OffLoop(), StubbornWork()
    idle = asyncio.new_event_loop()
    try:
        asking = idle.create_task(off_loop.run(work))
        idle.run_until_complete(happens(work.under_way))
        cancelling = threading.Thread(target=off_loop.cancel, daemon=True)
        cancelling.start()
        cancelling.join(GIVE_UP)
        assert not cancelling.is_alive()
        assert work.told.is_set()
        work.end.set()
        assert idle.run_until_complete(asking) == "done"
        idle.run_until_complete(idle.shutdown_default_executor())
    finally:
        idle.close()
