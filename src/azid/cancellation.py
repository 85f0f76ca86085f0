"""Telling work that whoever asked for it has left, so that it ends early unless somebody else waits for it, too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Cancellation"]


class Cancellation:
    """Whether a caller has left. A caller who cannot leave, such as a thread that makes a plain call, has none.

    It is found through the context, not handed from call to call, since a token may be asked for through code that
    knows nothing of it: azure-core's protocol for credentials has no parameter for it.

    It takes no lock, so that an event loop's thread may cancel.
    """

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._listeners: list[Callable[[], bool]] = []

    @staticmethod
    def current() -> Cancellation | None:
        """Return that of the call under way in this context, if it can be cancelled."""
        return _CURRENT.get()

    @contextmanager
    def governing(self) -> Iterator[None]:
        """Return a context in which this one is the current one."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    @property
    def is_cancelled(self) -> bool:
        """Whether the caller has left."""
        return self._cancelled.is_set()

    def cancel(self) -> bool:
        """Tell, from any thread, that the caller has left. Return whether what it began ends thereby."""
        self._cancelled.set()
        outcomes = [ends() for ends in tuple(self._listeners)]
        return all(outcomes)

    @contextmanager
    def listened_to(self, ends: Callable[[], bool]) -> Iterator[None]:
        """Return a context in which `ends` is called when the caller leaves, from the thread that cancels.

        :param ends: takes no lock; returns whether the work ends thereby.
        """
        self._listeners.append(ends)
        try:
            if self.is_cancelled:
                ends()
            yield
        finally:
            self._listeners.remove(ends)


_CURRENT: ContextVar[Cancellation | None] = ContextVar("azid_cancellation", default=None)
