"""Telling work that whoever asked for it has left, so that it ends early unless somebody else waits for it, too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Cancellation"]


class Cancellation:
    """Whether a caller has left. A caller who cannot leave, such as a thread that makes a plain call, has none.

    It is found through the thread that does the work, not handed from call to call, since a token may be asked for
    through code that knows nothing of it: azure-core's protocol for credentials has no parameter for it. A context
    variable would not do: tasks that a prompt starts inherit it, and may outlive whoever asked.

    It takes no lock, so that an event loop's thread may cancel.
    """

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._listeners: list[Callable[[], bool]] = []

    @staticmethod
    def current() -> Cancellation | None:
        """Return that of the call under way in this thread, if it can be cancelled."""
        return _THREAD.cancellation

    @staticmethod
    def caller_has_left() -> bool:
        """Whether nobody waits for the call under way in this thread any more."""
        return (current := _THREAD.cancellation) is not None and current.is_cancelled

    @contextmanager
    def as_current(self) -> Iterator[None]:
        """Return a context in which this one is the thread's current one."""
        previous, _THREAD.cancellation = _THREAD.cancellation, self
        try:
            yield
        finally:
            _THREAD.cancellation = previous

    @property
    def is_cancelled(self) -> bool:
        """Whether the caller has left."""
        return self._cancelled.is_set()

    def cancel(self) -> bool:
        """Tell, from any thread, that the caller has left. Return whether something ends thereby."""
        self._cancelled.set()
        ended = [end() for end in tuple(self._listeners)]
        return bool(ended) and all(ended)

    @contextmanager
    def noticed_by(self, end: Callable[[], bool]) -> Iterator[None]:
        """Return a context in which `end` is called when the caller leaves, from the thread that cancels.

        :param end: takes no lock; returns whether the work ends thereby, or goes on for others' sake.
        """
        self._listeners.append(end)
        try:
            if self.is_cancelled:
                end()
            yield
        finally:
            self._listeners.remove(end)


class _Thread(threading.local):
    cancellation: Cancellation | None = None


_THREAD = _Thread()
