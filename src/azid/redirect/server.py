"""Connections to the listening sockets: accepted, read, held and answered by one thread.

Each connection has one request and its own deadline, so that none holds up another; a connection is never kept alive.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus

from azid.clock import Clock
from azid.redirect.errors import ListenerUnavailable
from azid.redirect.reply import refusal_reply
from azid.redirect.request import Request, RequestReader, RequestRefused

__all__ = ["MAX_CONNECTIONS", "LoopbackServer"]

MAX_CONNECTIONS = 128
"""Connections at once. The oldest one that has not sent a whole request makes room: browsers open some in advance and
leave them idle, and use or replace them without the person noticing. Below the 512 that select() takes on Windows."""

_CHUNK = 64 * 1024
_SEND_TIMEOUT = 2.0  # seconds
_DRAIN_TIMEOUT = 1.0  # seconds
_JOIN_TIMEOUT = 2.0  # seconds


class _Phase(enum.Enum):
    READING = "the request is arriving"
    HELD = "the request is whole, its reply not yet known"
    SENDING = "the reply is on its way"
    DRAINING = "the reply is sent; closing before the client does could make it lose the reply (RFC 9112 section 9.6)"


class _Connection:
    def __init__(self, client: socket.socket, deadline: float) -> None:
        self.socket = client
        self.deadline = deadline
        self.phase = _Phase.READING
        self.reader = RequestReader()
        self.request: Request | None = None
        self.unsent = b""


class LoopbackServer:
    """Serves requests on sockets that listen already, from its construction until `close`.

    :param listeners: listening, non-blocking sockets. They are closed with the server.
    :param answer: gets each request and returns the reply to send, or None to hold the request; those held are asked
        about again at every `review`. It is called in the server's thread.
    :param failed: gets an error that ended the server's thread before `close`.
    :param clock: counts the connections' deadlines.
    :param read_timeout: seconds in which a connection has to send its request, however it portions it.
    """

    def __init__(
        self,
        listeners: Iterable[socket.socket],
        answer: Callable[[Request], bytes | None],
        failed: Callable[[Exception], None],
        clock: Clock,
        read_timeout: float,
    ) -> None:
        self._listeners = list(listeners)
        self._answer = answer
        self._failed = failed
        self._clock = clock
        self._read_timeout = read_timeout
        self._connections: dict[socket.socket, _Connection] = {}
        self._closing = threading.Event()
        self._reviews: deque[threading.Event] = deque()  # asked for
        self._reviewed: list[threading.Event] = []  # done, their replies perhaps still on the way
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        for wakeable in (self._wake, self._woken):
            wakeable.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._review)
        for listener in self._listeners:
            self._selector.register(listener, selectors.EVENT_READ, functools.partial(self._accept, listener))
        self._thread = threading.Thread(target=self._serve, name="azid-redirect-listener", daemon=True)
        try:
            self._thread.start()
        except BaseException:
            self._close_sockets()
            raise

    def review(self, timeout: float) -> None:
        """Ask again about the requests that are held, and wait until the replies known by now are sent.

        :param timeout: seconds after which the wait ends in any case.
        """
        reviewed = threading.Event()
        self._reviews.append(reviewed)
        self._wake_up()
        if self._thread.is_alive():
            reviewed.wait(timeout)

    def close(self) -> None:
        """Stop: close every connection and free the port. More than one call does no harm."""
        self._closing.set()
        self._wake_up()
        self._thread.join(_JOIN_TIMEOUT)

    def _wake_up(self) -> None:
        # A full buffer wakes just as well, and a closed one means that there is nothing left to wake.
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def _serve(self) -> None:
        try:
            while not self._closing.is_set():
                for key, _ in self._selector.select(self._time_to_next_deadline()):
                    key.data()
                self._end_overdue()
                self._acknowledge_reviews()
        except Exception as error:  # whoever waits has to learn of it, and stderr is not the way
            self._failed(error)
        finally:
            self._close_sockets()
            for review in (*self._reviews, *self._reviewed):
                review.set()

    def _review(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(_CHUNK):
                pass
        while self._reviews:  # taken before the requests are looked at, so that none is acknowledged too early
            self._reviewed.append(self._reviews.popleft())
        for connection in self._in_phase(_Phase.HELD):
            self._decide(connection)

    def _acknowledge_reviews(self) -> None:
        if not self._in_phase(_Phase.SENDING):
            while self._reviewed:
                self._reviewed.pop().set()

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except (BlockingIOError, ConnectionError):
            return  # the client has gone again
        except OSError as error:  # most likely out of file descriptors; the next round tries again
            if not self._evict_one():
                raise ListenerUnavailable(
                    error.errno, f"The sign-in's answer cannot be received: {error.strerror}."
                ) from error
            return
        client.setblocking(False)
        if len(self._connections) >= MAX_CONNECTIONS and not self._evict_one():
            client.close()
            return
        connection = _Connection(client, self._clock.monotonic() + self._read_timeout)
        self._connections[client] = connection
        self._watch(connection, selectors.EVENT_READ)

    def _evict_one(self) -> bool:
        for connection in self._in_phase(_Phase.DRAINING, _Phase.READING):
            self._end(connection)
            return True
        return False

    def _watch(self, connection: _Connection, events: int) -> None:
        with contextlib.suppress(KeyError):  # new, or held
            self._selector.unregister(connection.socket)
        self._selector.register(connection.socket, events, functools.partial(self._go_on, connection))

    def _go_on(self, connection: _Connection) -> None:
        if connection.socket not in self._connections:
            return  # evicted since the selector saw it
        if connection.phase is _Phase.SENDING:
            self._send(connection)
        else:
            self._receive(connection)

    def _receive(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(connection)
        elif connection.phase is _Phase.READING:
            try:
                connection.request = connection.reader.feed(data)
            except RequestRefused as refused:
                self._reply(connection, refusal_reply(refused.status))
            else:
                if connection.request is not None:
                    self._decide(connection)

    def _decide(self, connection: _Connection) -> None:
        assert connection.request is not None
        reply = self._answer(connection.request)
        if reply is not None:
            self._reply(connection, reply)
        elif connection.phase is _Phase.READING:
            # Not watched while it is held: a client that ends its half of the connection still wants the reply.
            self._selector.unregister(connection.socket)
            connection.phase = _Phase.HELD
            connection.deadline = float("inf")

    def _reply(self, connection: _Connection, reply: bytes) -> None:
        self._watch(connection, selectors.EVENT_WRITE)
        connection.phase = _Phase.SENDING
        connection.deadline = self._clock.monotonic() + _SEND_TIMEOUT
        connection.unsent = reply
        self._send(connection)

    def _send(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.unsent)
            connection.unsent = connection.unsent[sent:]
            if not connection.unsent:
                connection.phase = _Phase.DRAINING
                connection.deadline = self._clock.monotonic() + _DRAIN_TIMEOUT
                self._watch(connection, selectors.EVENT_READ)
                connection.socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError:
            self._end(connection)

    def _time_to_next_deadline(self) -> float | None:
        deadline = min((connection.deadline for connection in self._connections.values()), default=float("inf"))
        return None if deadline == float("inf") else max(0.0, deadline - self._clock.monotonic())

    def _end_overdue(self) -> None:
        now = self._clock.monotonic()
        for connection in list(self._connections.values()):
            if connection.deadline > now:
                continue
            if connection.phase is _Phase.READING and connection.reader.has_begun:
                self._reply(connection, refusal_reply(HTTPStatus.REQUEST_TIMEOUT))
            else:
                self._end(connection)

    def _in_phase(self, *phases: _Phase) -> list[_Connection]:
        return [connection for connection in self._connections.values() if connection.phase in phases]

    def _end(self, connection: _Connection) -> None:
        if connection.phase is not _Phase.HELD:
            self._selector.unregister(connection.socket)
        del self._connections[connection.socket]
        connection.socket.close()

    def _close_sockets(self) -> None:
        self._selector.close()
        for closable in (*self._listeners, *self._connections, self._wake, self._woken):
            closable.close()
        self._connections.clear()
