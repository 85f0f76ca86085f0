"""One does the work, and whoever asks for the same meanwhile waits for its outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

from azid.clock import SystemClock
from azid.errors import AuthenticationFailedError
from azid.fork import renew_after_fork

__all__ = ["FlightAbandoned", "SingleFlight", "Turns"]

T = TypeVar("T")


class FlightAbandoned(Exception):  # noqa: N818 - nothing failed
    """The leader was interrupted, as by Ctrl-C, before the work was done."""


class _Flight(Generic[T]):
    def __init__(self) -> None:
        self.leader = threading.get_ident()
        self.landed = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = FlightAbandoned()  # until the work is done

    def lead(self, work: Callable[[], T]) -> T:
        try:
            self.result = work()
        except BaseException as error:
            self.error = error
            raise
        self.error = None
        return self.result

    def wait(self) -> None:
        if self.leader == threading.get_ident() and not self.landed.is_set():
            raise AuthenticationFailedError(
                "The credential was asked for a token from within its own prompt. It has none to give before the "
                "person has signed in."
            )
        SystemClock().wait(self.landed, threading.TIMEOUT_MAX)

    def outcome(self) -> T:
        self.wait()
        if isinstance(self.error, Exception):
            raise self.error
        if self.error is not None:
            raise FlightAbandoned
        return self.result  # type: ignore[return-value]


class SingleFlight(Generic[T]):
    """Pieces of work by key, at most one of a key at a time."""

    def __init__(self) -> None:
        renew_after_fork(self, SingleFlight._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight[T]] = {}

    def do(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what `work` returns, or what the same work that is under way will return. Ctrl-C ends the wait.

        A leader that is interrupted takes nobody down with it: one of those who wait begins anew.

        :param key: what makes two pieces of work the same.
        :param work: the work, done in this thread if nobody is at it.
        :raises Exception: what the work raises.
        """
        while True:
            own: _Flight[T] = _Flight()
            try:
                with self._lock:
                    flight = self._flights.setdefault(key, own)
                if flight is own:
                    return own.lead(work)
            finally:
                try:
                    self._land(key, own)
                finally:  # once more: a Ctrl-C while landing must leave nobody waiting
                    self._land(key, own)
            with suppress(FlightAbandoned):
                return flight.outcome()

    def is_under_way(self, key: Hashable) -> bool:
        """Whether somebody is at the work of `key`."""
        return key in self._flights

    def _land(self, key: Hashable, flight: _Flight[T]) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
        flight.landed.set()


class Turns(Generic[T]):
    """Work of one kind, one piece at a time. Whoever came before a piece ended shares its outcome."""

    def __init__(self) -> None:
        renew_after_fork(self, Turns._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._flight: _Flight[T] | None = None
        self._last: _Flight[T] | None = None
        self._ended = 0

    def ticket(self) -> int:
        """Return when the caller came. Take one before finding out whether the work is needed."""
        return self._ended

    def do(self, ticket: int, work: Callable[[], T]) -> tuple[T, bool]:
        """Return an outcome that ended after `ticket` was taken, and whether it is `work`'s. Ctrl-C ends the wait.

        :param ticket: what `ticket` returned.
        :param work: the work, done in this thread if nobody is at it.
        :raises Exception: what the work raises, whoever did it.
        :raises FlightAbandoned: somebody else was at the work and was interrupted.
        """
        led, flight = self._lead_or_join(work, lambda: self._last if self._ended > ticket else self._flight)
        return (flight.outcome(), led)

    def do_own(self, work: Callable[[], T]) -> T:
        """Return what `work` returns; do it when nobody else is at a piece of work any more. Ctrl-C ends the wait.

        :param work: the work, done in this thread.
        :raises Exception: what the work raises.
        """
        while True:
            led, flight = self._lead_or_join(work, lambda: self._flight)
            if led:
                return flight.outcome()
            flight.wait()

    def _lead_or_join(self, work: Callable[[], T], find: Callable[[], _Flight[T] | None]) -> tuple[bool, _Flight[T]]:
        """Do `work` unless `find`, which the lock is held for, returns another's flight; return whether it was done."""
        own: _Flight[T] = _Flight()
        try:
            with self._lock:
                flight = find()
                if flight is None:
                    flight = self._flight = own
            if flight is own:
                own.lead(work)
        finally:
            try:
                self._land(own)
            finally:  # once more: a Ctrl-C while landing must leave nobody waiting
                self._land(own)
        return flight is own, flight

    def _land(self, flight: _Flight[T]) -> None:
        with self._lock:
            if self._flight is flight:
                self._last, self._flight = flight, None
                self._ended += 1
        flight.landed.set()
