"""One does the work, and whoever asks for the same meanwhile waits for its outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from azid.cancellation import Cancellation
from azid.clock import SystemClock
from azid.errors import AuthenticationFailedError
from azid.fork import renew_after_fork

__all__ = ["FlightAbandoned", "SingleFlight", "Turns"]

T = TypeVar("T")

_CANCEL_SLICE: Final = 0.1
"""Seconds between two looks at whether a caller who waits for another's work has left."""


class FlightAbandoned(Exception):  # noqa: N818 - nothing failed
    """The leader was interrupted, as by Ctrl-C, or everybody who wanted the work has left before it was done."""


class _Flight(Generic[T]):
    def __init__(self) -> None:
        self.landed = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = FlightAbandoned()  # until the work is done
        self._traceback: TracebackType | None = None

    def lead(self, work: Callable[[], T]) -> T:
        token = _LED.set((*_LED.get(), self))
        try:
            self.result = work()
        except BaseException as error:
            self.error, self._traceback = error, error.__traceback__
            raise
        finally:
            _LED.reset(token)
        self.error = None
        return self.result

    def refuse_leader(self) -> None:
        if self in _LED.get() and not self.landed.is_set():
            raise AuthenticationFailedError(
                "The credential was asked for a token from within its own prompt. It has none to give before the "
                "person has signed in."
            )

    def wait(self) -> None:
        self.refuse_leader()
        SystemClock().wait(self.landed, threading.TIMEOUT_MAX)

    def outcome(self) -> T:
        self.wait()
        if isinstance(self.error, Exception):
            raise self.error.with_traceback(self._traceback)  # not that of everybody who raised it before
        if self.error is not None:
            raise FlightAbandoned
        return self.result  # type: ignore[return-value]


_LED: ContextVar[tuple[_Flight[Any], ...]] = ContextVar("azid_led_flights", default=())
"""The work that is done in this context. A prompt's own code may be in another thread than its leader."""


class SingleFlight(Generic[T]):
    """Pieces of work by key, at most one of a key at a time."""

    def __init__(self) -> None:
        renew_after_fork(self, SingleFlight._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Turn[T]] = {}

    def do(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what `work` returns, or what the same work that is under way will return. Ctrl-C ends the wait.

        A leader that is interrupted takes nobody down with it: one of those who wait begins anew. So it is with work
        that fails after everybody has left, since it may fail because of that.

        :param key: what makes two pieces of work the same.
        :param work: the work, done in this thread if nobody is at it.
        :raises Exception: what the work raises.
        :raises FlightAbandoned: somebody else is at the work, and the caller has left.
        """
        caller = Cancellation.current()
        while True:
            own: _Turn[T] = _Turn(caller)
            try:
                with self._lock:
                    flight = self._flights.setdefault(key, own)
                if flight is own:
                    own.lead_for(caller, lambda _: work())
            finally:
                try:
                    self._land(key, own)
                finally:  # once more: a Ctrl-C while landing must leave nobody waiting
                    self._land(key, own)
            if flight is not own:
                flight.join(caller)
            if not flight.is_abandoned:
                with suppress(FlightAbandoned):
                    return flight.outcome()
            if Cancellation.caller_has_left():
                raise FlightAbandoned

    def is_under_way(self, key: Hashable) -> bool:
        """Whether somebody is at the work of `key`."""
        return key in self._flights

    def _land(self, key: Hashable, flight: _Turn[T]) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                flight.settle()
                del self._flights[key]
        flight.landed.set()


class _Turn(_Flight[T]):
    """A piece of work that nobody owns: it goes on for as long as anybody waits for its outcome."""

    def __init__(self, caller: Cancellation | None) -> None:
        super().__init__()
        self.cancelled = threading.Event()
        """Tells the work to end early."""
        self.is_abandoned = False
        """Once it has landed: whether its outcome tells nothing to those who did not leave."""
        self._everybody = Cancellation()
        """What the work goes by: its leader may leave, and others stay."""
        # By thread, too, which waits once: after a Ctrl-C nobody else's name is taken off.
        self._callers = [(threading.get_ident(), caller)]
        self._deserted = False  # whether everybody who waited has left

    def lead_for(self, caller: Cancellation | None, work: Callable[[threading.Event], T]) -> None:
        with _listening(caller, self._review), nullcontext() if caller is None else self._everybody.as_current():
            self.lead(lambda: work(self.cancelled))

    def join(self, caller: Cancellation | None) -> None:
        """Wait for the outcome, and keep the work going meanwhile.

        :raises FlightAbandoned: the caller has left.
        """
        here = (threading.get_ident(), caller)
        try:
            self._callers.append(here)
            with _listening(caller, self._review):
                self.wait_out(caller)
        finally:
            with suppress(ValueError):  # a Ctrl-C came first
                self._callers.remove(here)
            self._review()

    def wait_out(self, caller: Cancellation | None) -> None:
        """Wait for the end, whatever the outcome.

        :raises FlightAbandoned: the caller has left.
        """
        if caller is None:
            self.wait()
            return
        self.refuse_leader()
        while not SystemClock().wait(self.landed, _CANCEL_SLICE):
            if caller.is_cancelled:
                raise FlightAbandoned

    def settle(self) -> None:
        """Decide `is_abandoned`, while those who wait are still known: they leave once it has landed."""
        self.is_abandoned = isinstance(self.error, FlightAbandoned) or (self._deserted and self.error is not None)

    def _review(self) -> bool:
        """End early if everybody has left; return whether it does. Takes no lock: who joins meanwhile begins anew."""
        if all(caller is not None and caller.is_cancelled for _, caller in tuple(self._callers)):
            self._deserted = True
            self.cancelled.set()
            self._everybody.cancel()
        return self._deserted


def _listening(caller: Cancellation | None, end: Callable[[], bool]) -> AbstractContextManager[None]:
    return nullcontext() if caller is None else caller.noticed_by(end)


class Turns(Generic[T]):
    """Work of one kind, one piece at a time. Whoever came before a piece ended shares its outcome.

    Work takes an event that is set when it is to end early: when `cancel` is called, or when everybody who waits for
    it has left (`Cancellation`). Whoever joins too late to keep it from ending begins anew.
    """

    def __init__(self) -> None:
        renew_after_fork(self, Turns._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._turn: _Turn[T] | None = None
        self._last: _Turn[T] | None = None
        self._ended = 0

    def ticket(self) -> int:
        """Return when the caller came. Take one before finding out whether the work is needed."""
        return self._ended

    def cancel(self) -> None:
        """Tell the work that is under way to end early, whoever waits for it."""
        if (turn := self._turn) is not None:
            turn.cancelled.set()

    def do(self, ticket: int, work: Callable[[threading.Event], T]) -> tuple[T, bool]:
        """Return an outcome that ended after `ticket` was taken, and whether it is `work`'s. Ctrl-C ends the wait.

        :param ticket: what `ticket` returned.
        :param work: the work, done in this thread if nobody is at it.
        :raises Exception: what the work raises, whoever did it.
        :raises FlightAbandoned: somebody else was at the work and was interrupted, or the caller has left.
        """
        while True:
            led, turn, caller = self._lead_or_find(work, lambda: self._last if self._ended > ticket else self._turn)
            if not led:
                turn.join(caller)
            if led or not turn.is_abandoned:
                return (turn.outcome(), led)

    def do_own(self, work: Callable[[threading.Event], T]) -> T:
        """Return what `work` returns; do it when nobody else is at a piece of work any more. Ctrl-C ends the wait.

        :param work: the work, done in this thread.
        :raises Exception: what the work raises.
        :raises FlightAbandoned: the caller has left.
        """
        while True:
            led, turn, caller = self._lead_or_find(work, lambda: self._turn)
            if led:
                return turn.outcome()
            turn.wait_out(caller)

    def _lead_or_find(
        self, work: Callable[[threading.Event], T], find: Callable[[], _Turn[T] | None]
    ) -> tuple[bool, _Turn[T], Cancellation | None]:
        """Do `work` unless `find`, which the lock is held for, returns a turn to wait for. Return which of both."""
        caller = Cancellation.current()
        own: _Turn[T] = _Turn(caller)
        try:
            with self._lock:
                turn = find()
                if turn is None:
                    turn = self._turn = own
            if turn is own:
                own.lead_for(caller, work)
        finally:
            try:
                self._land(own)
            finally:  # once more: a Ctrl-C while landing must leave nobody waiting
                self._land(own)
        return turn is own, turn, caller

    def _land(self, turn: _Turn[T]) -> None:
        with self._lock:
            if self._turn is turn:
                turn.settle()
                self._turn = None
                if not turn.is_abandoned:
                    self._last = turn
                    self._ended += 1
        turn.landed.set()
