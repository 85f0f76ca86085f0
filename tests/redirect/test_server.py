from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from azid.clock import ManualClock, SystemClock
from azid.redirect.loopback import listen_on_loopback
from azid.redirect.request import MAX_BODY, MAX_HEAD, Request
from azid.redirect.server import MAX_CONNECTIONS, LoopbackServer

READ_TIMEOUT = 10.0
GET = b"GET /path HTTP/1.1\r\nHost: localhost\r\n\r\n"
HOLD = b"GET /hold HTTP/1.1\r\n\r\n"
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"

Connect = Callable[..., socket.socket]


class Answer:
    """Replies to every request, but holds those for /hold until it is told to release them."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.released = False

    def __call__(self, request: Request) -> bytes | None:
        if request.path == "/broken":
            raise ZeroDivisionError
        self.asked.release()
        return None if request.path == "/hold" and not self.released else REPLY


class Server:
    def __init__(self, clock: ManualClock) -> None:
        (listener,) = listen_on_loopback("127.0.0.1")
        self.port: int = listener.getsockname()[1]
        self.answer = Answer()
        self.failure: list[Exception] = []
        self.failed = threading.Event()
        self.server = LoopbackServer([listener], self.answer, self._fail, clock, READ_TIMEOUT)

    def _fail(self, error: Exception) -> None:
        self.failure.append(error)
        self.failed.set()


@pytest.fixture
def server(clock: ManualClock) -> Iterator[Server]:
    server = Server(clock)
    yield server
    server.server.close()


def received(connection: socket.socket) -> bytes:
    """Everything until the server ends the connection."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while portion := connection.recv(65536):
            data += portion
    return data


def status(connection: socket.socket) -> int:
    return int(received(connection).split(b" ", 2)[1])


def ask(connect: Connect, server: Server, request: bytes = GET) -> bytes:
    connection = connect(server.port)
    connection.sendall(request)
    return received(connection)


def test_a_request_gets_its_reply_and_the_connection_ends(server: Server, connect: Connect) -> None:
    assert ask(connect, server) == REPLY


def test_a_request_in_single_bytes_gets_its_reply(server: Server, connect: Connect) -> None:
    connection = connect(server.port)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(len(GET)):
        connection.sendall(GET[at : at + 1])
    assert received(connection) == REPLY


def test_a_client_that_ends_its_half_gets_its_reply(server: Server, connect: Connect) -> None:
    connection = connect(server.port)
    connection.sendall(GET)
    connection.shutdown(socket.SHUT_WR)
    assert received(connection) == REPLY


def test_idle_connections_hold_up_nobody(server: Server, connect: Connect) -> None:
    idle = [connect(server.port) for _ in range(100)]
    assert ask(connect, server) == REPLY
    idle[0].sendall(GET)
    assert received(idle[0]) == REPLY


def test_more_connections_than_allowed_cost_the_oldest_idle_one(server: Server, connect: Connect) -> None:
    idle = [connect(server.port) for _ in range(MAX_CONNECTIONS)]
    assert ask(connect, server) == REPLY
    assert received(idle[0]) == b""
    idle[-1].sendall(GET)
    assert received(idle[-1]) == REPLY


def test_held_requests_are_never_given_up_for_newer_connections(server: Server, connect: Connect) -> None:
    held = [connect(server.port) for _ in range(MAX_CONNECTIONS)]
    for connection in held:
        connection.sendall(HOLD)
        assert server.answer.asked.acquire(timeout=10)
    assert ask(connect, server) == b""
    server.answer.released = True
    server.server.review(10)
    assert {received(connection) for connection in held} == {REPLY}


def test_an_idle_connection_ends_at_its_deadline(server: Server, connect: Connect, clock: ManualClock) -> None:
    idle = connect(server.port)
    assert ask(connect, server) == REPLY
    clock.advance(READ_TIMEOUT)
    assert ask(connect, server) == REPLY
    assert received(idle) == b""


def test_bytes_that_trickle_in_do_not_move_the_deadline(server: Server, connect: Connect, clock: ManualClock) -> None:
    slow = connect(server.port)
    slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for passed in (0.0, 4.0, 4.0):
        clock.advance(passed)
        slow.sendall(b"G")
        assert ask(connect, server) == REPLY
    clock.advance(2.0)
    slow.sendall(b"G")
    assert status(slow) == 408


def test_a_body_that_does_not_come_ends_at_the_deadline(server: Server, connect: Connect, clock: ManualClock) -> None:
    slow = connect(server.port)
    slow.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n1")
    assert ask(connect, server) == REPLY
    clock.advance(READ_TIMEOUT)
    slow.sendall(b"2")
    assert status(slow) == 408


def test_deadlines_pass_without_any_traffic() -> None:
    """With the machine's clock: nothing but time wakes the server."""
    (listener,) = listen_on_loopback("127.0.0.1")
    server = LoopbackServer([listener], Answer(), lambda _: None, SystemClock(), read_timeout=0.01)
    with contextlib.closing(server), socket.create_connection(listener.getsockname(), timeout=20) as idle:
        assert idle.recv(1) == b""


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /" + b"a" * (MAX_HEAD + 1), 431),
        (b"GET / HTTP/1.1\r\nCookie: " + b"a" * (MAX_HEAD + 1) + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1) + b"a" * 100_000, 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 411),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"nonsense\r\n\r\n", 400),
    ],
    ids=["line", "headers", "body", "chunked", "tls", "nonsense"],
)
def test_what_is_no_acceptable_request_gets_its_status(
    server: Server, connect: Connect, request_: bytes, expected: int
) -> None:
    connection = connect(server.port)
    with contextlib.suppress(ConnectionError):
        connection.sendall(request_)
    assert status(connection) == expected
    assert ask(connect, server) == REPLY


def test_a_refused_client_that_goes_on_sending_is_cut_off(server: Server, connect: Connect, clock: ManualClock) -> None:
    connection = connect(server.port)
    connection.sendall(b"nonsense\r\n\r\n")
    assert status(connection) == 400
    clock.advance(5)
    with pytest.raises(ConnectionError):
        connection.sendall(b"more" * 10_000_000)


def test_clients_that_are_gone_are_no_error(server: Server, connect: Connect) -> None:
    for sent in (b"", b"GET /", HOLD, GET):
        gone = connect(server.port)
        gone.sendall(sent)
        # Closing with this option resets the connection instead of ending it.
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        gone.close()
    server.answer.released = True
    server.server.review(10)
    assert ask(connect, server) == REPLY
    assert not server.failure


def test_a_long_reply_to_a_slow_reader_arrives_whole(clock: ManualClock, connect: Connect) -> None:
    long = b"x" * 8_000_000
    (listener,) = listen_on_loopback("127.0.0.1")
    server = LoopbackServer([listener], lambda _: long, lambda _: None, clock, READ_TIMEOUT)
    with contextlib.closing(server):
        connection = connect(listener.getsockname()[1])
        connection.sendall(GET)
        assert received(connection) == long


def test_review_returns_after_the_replies_are_sent(server: Server, connect: Connect) -> None:
    held = connect(server.port)
    held.sendall(HOLD)
    assert server.answer.asked.acquire(timeout=10)
    server.answer.released = True
    server.server.review(10)
    server.server.close()
    assert received(held) == REPLY


def test_close_ends_every_connection_and_frees_the_port(server: Server, connect: Connect) -> None:
    idle, held = connect(server.port), connect(server.port)
    held.sendall(HOLD)
    assert server.answer.asked.acquire(timeout=10)
    server.server.close()
    assert received(idle) == received(held) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(server.port)
    server.server.close()
    server.server.review(10)


def test_an_error_in_the_answer_is_reported_and_ends_the_server(
    server: Server, connect: Connect, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ask(connect, server, b"GET /broken HTTP/1.1\r\n\r\n") == b""
    assert server.failed.wait(10)
    assert [type(error) for error in server.failure] == [ZeroDivisionError]
    server.server.review(10)
    with pytest.raises(ConnectionRefusedError):
        connect(server.port)
    assert capfd.readouterr() == ("", "")
