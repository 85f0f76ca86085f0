"""Work off the event loop: in a thread of its own, shared by the tasks that want the same, cancelled with the last."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

import anyio
from anyio import from_thread
from anyio.lowlevel import EventLoopToken, current_token

from azid.cancellation import Cancellation
from azid.single_flight import FlightAbandoned

__all__ = ["OffLoop", "await_in_loop"]

T = TypeVar("T")

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
    def is_cancelled(self) -> bool:
        return self._cancellation.is_cancelled

    def cancel(self) -> bool:
        """End the work early; return whether it ends, or goes on for others' sake."""
        ends = self._cancellation.cancel()
        if self._prompt is not None:
            self._prompt.cancel()
            return True
        return ends

    def cancel_from_thread(self) -> None:
        """End the work early; called in any thread but its loop's."""
        with suppress(RuntimeError):  # the loop has ended
            from_thread.run_sync(self.cancel, token=self._loop)

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)  # not that of every task which raised it before
        return self._result  # type: ignore[return-value]

    def _run(self) -> None:
        _JOB.set(self)
        try:
            with self._cancellation.governing():
                self._result = self._work()
        except BaseException as error:
            self._error, self._traceback = error, error.__traceback__
        with suppress(RuntimeError):  # the loop has ended
            from_thread.run_sync(self.ended.set, token=self._loop)

    def await_in_loop(self, awaitable: Awaitable[object]) -> None:
        async def show() -> None:
            with anyio.CancelScope() as self._prompt:
                if self.is_cancelled:
                    self._prompt.cancel()
                await awaitable
            if self._prompt.cancelled_caught:
                raise FlightAbandoned

        try:
            from_thread.run(show, token=self._loop)
        finally:
            self._prompt = None


_JOB: ContextVar[_Job[Any] | None] = ContextVar("azid_job", default=None)


def await_in_loop(awaitable: Awaitable[object]) -> None:
    """Await, in the loop of the task that the work under way is done for. Call it in that work's thread.

    :param awaitable: what to await. It is cancelled if the work is.
    :raises Exception: what it raises.
    :raises FlightAbandoned: it was cancelled.
    """
    if (job := _JOB.get()) is None:
        raise RuntimeError("There is no event loop to await in.")
    job.await_in_loop(awaitable)


class OffLoop:
    """Does work in threads of its own, once for all tasks that ask for the same.

    A cancelled task leaves the others served; the last one to leave takes the work with it.
    """

    def __init__(self) -> None:
        self._jobs: dict[Hashable, _Job[Any]] = {}

    async def run(self, work: Callable[[], T], *, key: Hashable = None) -> T:
        """Return what `work` returns.

        :param work: the work. It looks at `Cancellation.current` to end early.
        :param key: what makes two pieces of work the same. Defaults to None: no other is the same as this one.
        :raises Exception: what the work raises.
        """
        key = (current_token().native_token, object() if key is None else key)
        job: _Job[T] = self._find(key) or self._begin(work, key)
        job.waiting += 1
        try:
            await job.ended.wait()
        except BaseException:
            if job.waiting == 1 and job.cancel():
                with anyio.move_on_after(_FAREWELL, shield=True):
                    await job.ended.wait()
            raise
        finally:
            job.waiting -= 1
            if not job.waiting and self._jobs.get(key) is job:
                del self._jobs[key]
        return job.outcome()

    def _begin(self, work: Callable[[], T], key: Hashable) -> _Job[T]:
        job = self._jobs[key] = _Job(work)
        job.start()
        return job

    def _find(self, key: Hashable) -> _Job[Any] | None:
        job = self._jobs.get(key)
        if job is None or job.is_cancelled or job.ended.is_set():
            return None
        # A prompt that asks for what it is to bring about would wait for itself. As work of its own it is refused.
        return None if job is _JOB.get() else job

    def cancel(self) -> None:
        """End all work early, from another thread than the loops'."""
        for job in tuple(self._jobs.values()):
            job.cancel_from_thread()
