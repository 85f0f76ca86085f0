"""Work off the event loop: in a thread of its own, shared by the tasks that want the same, cancelled with the last."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from contextlib import suppress
from contextvars import ContextVar
from importlib import import_module
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

import anyio
from anyio import from_thread
from anyio.lowlevel import EventLoopToken, current_token

from azid.cancellation import Cancellation
from azid.single_flight import FlightAbandoned

__all__ = ["OffLoop", "await_in_loop"]

T = TypeVar("T")

# Else anyio imports its part for the event loop while that is running, and stalls it.
for _library in [name for name in ("asyncio", "trio") if name in sys.modules] or ["asyncio"]:
    with suppress(ImportError):
        import_module(f"anyio._backends._{_library}")

_FAREWELL: Final = 1.0
"""Seconds for which a cancelled task waits for its work to end, so that its port is free. A request may take longer."""


class _Job(Generic[T]):
    """A piece of work in a thread. Its methods are called in its loop's thread unless they say otherwise."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._loop: EventLoopToken = current_token()
        self._cancellation = Cancellation()
        self._result: T | None = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._prompt: anyio.CancelScope | None = None
        self.ended = anyio.Event()
        self.waiting = 0
        """How many tasks wait for the end."""

    def start(self) -> None:
        context = contextvars.copy_context()  # with the tracing span, if there is one
        threading.Thread(target=context.run, args=(self._run,), name="azid-off-loop", daemon=True).start()

    @property
    def can_be_joined(self) -> bool:
        return not (self._cancellation.is_cancelled or self.ended.is_set())

    def cancel(self) -> bool:
        """End the work early; return whether something ends, or goes on for others' sake.

        An async prompt is never left open for others: it is this loop's. They show one of their own.
        """
        ends = self._cancellation.cancel()
        if self._prompt is not None:
            self._prompt.cancel()
            return True
        return ends

    def cancel_from_thread(self) -> None:
        """End the work early; called in any thread. It waits for no loop: one that is idle may never run again."""
        self._cancellation.cancel()
        self._call_soon(self.cancel)

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)  # not that of every task which raised it before
        return self._result  # type: ignore[return-value]

    def _run(self) -> None:
        _JOB.set(self)
        try:
            with self._cancellation.as_current():
                self._result = self._work()
        except BaseException as error:
            self._error, self._traceback = error, error.__traceback__
        self._call_soon(self.ended.set)

    def _call_soon(self, call: Callable[[], object]) -> None:
        """Have the loop make a call; called in any thread. It does not wait: an idle loop may never run again."""
        loop: Any = self._loop.native_token
        schedule = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon  # asyncio's, trio's
        with suppress(RuntimeError):  # the loop has ended
            schedule(call)

    def show(self, prompt: Awaitable[object]) -> None:
        """Await a prompt in the loop; called in the work's thread."""

        async def show() -> bool:
            try:
                with anyio.CancelScope() as self._prompt:
                    if self._cancellation.is_cancelled:
                        self._prompt.cancel()
                    await prompt
                    return True
            except anyio.get_cancelled_exc_class():  # the loop is ending; raised, it would be reported as unhandled
                return False
            finally:
                self._prompt = None  # here, not in the thread: `cancel` looks at it in this one
            return False

        try:
            shown = from_thread.run(show, token=self._loop)
        except anyio.RunFinishedError:
            if isinstance(prompt, Coroutine):
                prompt.close()
            shown = False
        if not shown:
            raise FlightAbandoned


_JOB: ContextVar[_Job[Any] | None] = ContextVar("azid_job", default=None)


def await_in_loop(awaitable: Awaitable[object]) -> None:
    """Await, in the loop of the task that the work under way is done for. Call it in that work's thread.

    :param awaitable: what to await. It is cancelled if the work is.
    :raises Exception: what it raises.
    :raises FlightAbandoned: it was cancelled.
    """
    if (job := _JOB.get()) is None:
        raise RuntimeError("There is no event loop to await in.")
    job.show(awaitable)


class OffLoop:
    """Does work in threads of its own, once for all tasks that ask for the same.

    A cancelled task leaves the others served; the last one to leave takes the work with it.
    """

    def __init__(self) -> None:
        self._jobs: dict[Hashable, _Job[Any]] = {}

    async def run(self, work: Callable[[], T], *, key: Hashable = None) -> T:
        """Return what `work` returns.

        :param work: the work. It looks at `Cancellation.current` to end early.
        :param key: what makes two pieces of work the same. If it is None, or cannot be looked up, no other is the same.
        :raises Exception: what the work raises.
        """
        # A prompt that asks for what it is to bring about would wait for itself. As work of its own it is refused.
        key = (current_token().native_token, _JOB.get(), object() if key is None else key)
        try:
            found: _Job[T] | None = self._jobs.get(key)
        except TypeError:
            found, key = None, object()
        job = found if found is not None and found.can_be_joined else self._begin(work, key)
        job.waiting += 1
        try:
            await job.ended.wait()
        except BaseException as left:
            ends = job.waiting == 1 and job.cancel()
            if ends and not isinstance(left, GeneratorExit):  # a coroutine that is closed cannot wait
                with anyio.move_on_after(_FAREWELL, shield=True):
                    await job.ended.wait()
            raise
        finally:
            job.waiting -= 1
            if not job.waiting and self._jobs.get(key) is job:
                del self._jobs[key]
        return job.outcome()

    def _begin(self, work: Callable[[], T], key: Hashable) -> _Job[T]:
        job = _Job(work)
        job.start()  # first: nobody may join one that cannot start
        self._jobs[key] = job
        return job

    def cancel(self) -> None:
        """End all work early, from another thread than the loops'."""
        for job in tuple(self._jobs.values()):
            job.cancel_from_thread()
