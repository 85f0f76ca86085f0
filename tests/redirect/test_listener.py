from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azid.clock import ManualClock
from azid.redirect import (
    AuthorizationResponse,
    ListenerUnavailable,
    Outcome,
    RedirectListener,
    RedirectTimeout,
    WaitCancelled,
)
from tests.redirect.conftest import RIGHT, STATE, Connect, received

SUCCESS = Outcome.success("ada@example.com")
TIMEOUT = 300.0


class SignIn:
    """A listener that is waited on, and the browsers that reach it."""

    def __init__(self, listener: RedirectListener, connect: Connect, executor: ThreadPoolExecutor) -> None:
        self.listener = listener
        self.authority = listener.redirect_uri.removeprefix("http://")
        self.port = int(self.authority.rpartition(":")[2])
        self.connect = connect
        self._executor = executor

    def wait(self, cancelled: threading.Event | None = None) -> Future[AuthorizationResponse]:
        return self._executor.submit(self.listener.wait, STATE, TIMEOUT, cancelled)

    def send(self, data: bytes, address: str = "127.0.0.1") -> socket.socket:
        connection = self.connect(self.port, address)
        with contextlib.suppress(ConnectionError):  # refused before all of it was sent
            connection.sendall(data)
        return connection

    def get(self, parameters: dict[str, str], address: str = "127.0.0.1") -> socket.socket:
        return self.send(f"GET /?{urlencode(parameters)} HTTP/1.1\r\nHost: {self.authority}\r\n\r\n".encode(), address)

    def post(self, parameters: dict[str, str]) -> socket.socket:
        return self.send(self.form(parameters))

    def form(self, parameters: dict[str, str]) -> bytes:
        body = urlencode(parameters)
        return (
            f"POST / HTTP/1.1\r\nHost: {self.authority}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as executor:
        yield executor


@pytest.fixture
def sign_in(clock: ManualClock, connect: Connect, executor: ThreadPoolExecutor) -> Iterator[SignIn]:
    with RedirectListener(clock=clock) as listener:
        yield SignIn(listener, connect, executor)


def status(connection: socket.socket) -> int:
    return int(received(connection).split(" ", 2)[1])


def assert_completes(sign_in: SignIn, waiting: Future[AuthorizationResponse]) -> None:
    """Whatever happened before, the right response gets through."""
    assert not waiting.done()
    browser = sign_in.post(RIGHT)
    response = waiting.result(timeout=20)
    assert dict(response.parameters) == RIGHT
    response.finish(SUCCESS)
    assert "You are signed in" in received(browser)


class TestTheRightResponse:
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_is_returned_and_its_browser_shows_the_outcome(self, sign_in: SignIn, method: str) -> None:
        waiting = sign_in.wait()
        browser = getattr(sign_in, method)(RIGHT)
        response = waiting.result(timeout=20)
        assert dict(response.parameters) == RIGHT
        response.finish(SUCCESS)
        page = received(browser)
        assert page.startswith("HTTP/1.1 200 OK")
        assert "ada@example.com" in page
        assert "the-code" not in page
        assert STATE not in page

    def test_may_come_before_anyone_waits(self, sign_in: SignIn) -> None:
        browser = sign_in.get(RIGHT)
        assert status(sign_in.send(b"GET /favicon.ico HTTP/1.1\r\n\r\n")) == 421
        sign_in.wait().result(timeout=20).finish(SUCCESS)
        assert "You are signed in" in received(browser)

    def test_reaches_the_listener_over_ipv6(self, sign_in: SignIn, ipv6_loopback: str) -> None:
        waiting = sign_in.wait()
        sign_in.get(RIGHT, ipv6_loopback)
        assert dict(waiting.result(timeout=20).parameters) == RIGHT

    def test_is_told_nothing_before_the_outcome_is_known(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        browser = sign_in.get(RIGHT)
        response = waiting.result(timeout=20)
        browser.setblocking(False)
        with pytest.raises(BlockingIOError):
            browser.recv(1)
        browser.settimeout(20)
        response.finish(Outcome.failed("AADSTS70000: the code was refused."))
        page = received(browser)
        assert "AADSTS70000" in page
        assert "You are signed in" not in page

    def test_in_two_packets_is_returned(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        form = sign_in.form(RIGHT)
        for cut in (1, form.index(b"\r\n\r\n") + 2, len(form) - 1):
            browser = sign_in.send(form[:cut])
            assert status(sign_in.get({})) == 400
            browser.sendall(form[cut:])
        response = waiting.result(timeout=20)
        response.finish(SUCCESS)
        assert "You are signed in" in received(browser)

    def test_may_be_an_error(self, sign_in: SignIn) -> None:
        denied = {"error": "access_denied", "error_description": "The person said no.", "state": STATE}
        waiting = sign_in.wait()
        browser = sign_in.post(denied)
        response = waiting.result(timeout=20)
        assert dict(response.parameters) == denied
        response.finish(Outcome.denied("The person said no."))
        assert "Sign-in was declined" in received(browser)

    def test_that_comes_again_gets_the_same_outcome(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        browsers = [sign_in.post(RIGHT)]
        response = waiting.result(timeout=20)
        browsers += [sign_in.get(RIGHT), sign_in.get({**RIGHT, "code": "another"})]
        response.finish(SUCCESS)
        response.finish(Outcome.failed("Only the first outcome counts."))
        browsers.append(sign_in.get(RIGHT))
        assert ["You are signed in" in received(browser) for browser in browsers] == [True] * 4
        assert dict(response.parameters) == RIGHT

    def test_from_a_browser_that_is_gone_is_still_good(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        sign_in.post(RIGHT).close()
        waiting.result(timeout=20).finish(SUCCESS)
        assert "You are signed in" in received(sign_in.get(RIGHT))

    def test_without_an_outcome_is_told_that_the_sign_in_was_ended(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        browser = sign_in.post(RIGHT)
        response = waiting.result(timeout=20)
        sign_in.listener.close()
        assert "The sign-in was ended" in received(browser)
        response.finish(SUCCESS)


class TestEverythingElse:
    def test_idle_connections_do_not_stop_the_sign_in(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        idle = [sign_in.connect(sign_in.port) for _ in range(32)]
        assert_completes(sign_in, waiting)
        assert len(idle) == 32

    @pytest.mark.parametrize(
        ("request_line", "expected"),
        [
            ("GET / HTTP/1.1", 400),
            ("GET /favicon.ico HTTP/1.1", 404),
            ("GET /robots.txt HTTP/1.1", 404),
            (f"GET /other?{urlencode(RIGHT)} HTTP/1.1", 404),
            (f"GET //?{urlencode(RIGHT)} HTTP/1.1", 404),
            (f"HEAD /?{urlencode(RIGHT)} HTTP/1.1", 405),
            (f"PUT /?{urlencode(RIGHT)} HTTP/1.1", 405),
            (f"OPTIONS /?{urlencode(RIGHT)} HTTP/1.1", 405),
            (f"GET /?{urlencode({**RIGHT, 'state': 'other'})} HTTP/1.1", 400),
            (f"GET /?{urlencode({**RIGHT, 'state': STATE.upper()})} HTTP/1.1", 400),
            (f"GET /?{urlencode({**RIGHT, 'state': 'é'})} HTTP/1.1", 400),
            (f"GET /?{urlencode(RIGHT)}&state={STATE} HTTP/1.1", 400),
            (f"GET /?{urlencode(RIGHT)}&code=2 HTTP/1.1", 400),
            (f"GET /?{urlencode(RIGHT)}&error=e HTTP/1.1", 400),
            (f"GET /?state={STATE} HTTP/1.1", 400),
            ("GET /?code=the-code HTTP/1.1", 400),
            (f"POST /?{urlencode(RIGHT)} HTTP/1.1", 415),
        ],
    )
    def test_is_refused_and_the_wait_goes_on(self, sign_in: SignIn, request_line: str, expected: int) -> None:
        waiting = sign_in.wait()
        preflight = "Access-Control-Request-Private-Network: true"
        stray = sign_in.send(f"{request_line}\r\nHost: {sign_in.authority}\r\n{preflight}\r\n\r\n".encode())
        reply = received(stray)
        assert reply.startswith(f"HTTP/1.1 {expected} ")
        assert "the-code" not in reply
        assert "Access-Control" not in reply
        assert_completes(sign_in, waiting)

    def test_with_the_wrong_state_in_a_form_is_refused(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        assert status(sign_in.post({**RIGHT, "state": "other"})) == 400
        assert_completes(sign_in, waiting)

    @pytest.mark.parametrize("host", ["evil.example:{}", "127.0.0.1:{}", "localhost", "localhost:1", "localhost:{}, x"])
    def test_for_another_host_is_refused(self, sign_in: SignIn, host: str) -> None:
        waiting = sign_in.wait()
        request = f"GET /?{urlencode(RIGHT)} HTTP/1.1\r\nHost: {host.format(sign_in.port)}\r\n\r\n"
        assert status(sign_in.send(request.encode())) == 421
        assert_completes(sign_in, waiting)

    def test_that_came_before_the_wait_is_judged_when_it_begins(self, sign_in: SignIn) -> None:
        early = sign_in.get({**RIGHT, "state": "other"})
        waiting = sign_in.wait()
        assert status(early) == 400
        assert_completes(sign_in, waiting)

    def test_of_any_bytes_is_refused(
        self, sign_in: SignIn, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        waiting = sign_in.wait()
        caplog.set_level(logging.DEBUG)
        wrong = sign_in.form({**RIGHT, "state": "other"})
        pieces = st.sampled_from([wrong, wrong[:-1], b"GET /?", b"\r\n\r\n", f"state={STATE}".encode()])

        @settings(max_examples=100, deadline=None)
        @given(st.lists(st.one_of(st.binary(), pieces), max_size=4).map(b"".join))
        def attack(data: bytes) -> None:
            connection = sign_in.send(data)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            assert received(connection)[9:10] in {"", "4"}
            connection.close()

        attack()
        assert_completes(sign_in, waiting)
        assert capfd.readouterr() == ("", "")
        assert not caplog.records


class TestTheEndOfTheWait:
    def test_comes_at_the_deadline_whatever_clients_do(self, sign_in: SignIn, clock: ManualClock) -> None:
        waiting = sign_in.wait()
        slow = sign_in.send(b"POST / HTTP/1.1\r\n")
        assert status(sign_in.get({})) == 400
        clock.advance(TIMEOUT)
        with pytest.raises(RedirectTimeout, match=r"timed out.* 300 seconds"):
            waiting.result(timeout=20)
        assert slow.fileno() >= 0

    def test_is_exactly_the_timeout(self) -> None:
        clock = ManualClock()
        with RedirectListener(clock=clock) as listener, pytest.raises(RedirectTimeout):
            listener.wait(STATE, 42)
        assert clock.waits == [42]

    def test_refuses_a_response_after_the_deadline(self, sign_in: SignIn, clock: ManualClock) -> None:
        waiting = sign_in.wait()
        clock.advance(TIMEOUT)
        page = received(sign_in.post(RIGHT))
        assert page.startswith("HTTP/1.1 410 ")
        assert "too late" in page
        with pytest.raises(RedirectTimeout):
            waiting.result(timeout=20)
        assert "too late" in received(sign_in.get(RIGHT))

    def test_comes_by_the_machines_clock(self) -> None:
        with RedirectListener() as listener, pytest.raises(RedirectTimeout):
            listener.wait(STATE, timeout=0.001)

    def test_comes_when_it_is_cancelled(self, sign_in: SignIn) -> None:
        cancelled = threading.Event()
        waiting = sign_in.wait(cancelled)
        cancelled.set()
        with pytest.raises(WaitCancelled):
            waiting.result(timeout=20)
        assert "The sign-in was ended" in received(sign_in.get(RIGHT))

    def test_comes_when_the_listener_is_closed(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        sign_in.listener.close()
        with pytest.raises(WaitCancelled):
            waiting.result(timeout=20)
        with pytest.raises(ConnectionRefusedError):
            sign_in.connect(sign_in.port)
        sign_in.listener.close()

    def test_comes_at_once_when_the_listener_was_closed_before(self) -> None:
        listener = RedirectListener()
        listener.close()
        with pytest.raises(WaitCancelled):
            listener.wait(STATE, TIMEOUT)

    def test_is_the_error_that_someone_reports(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        sign_in.listener.fail(LookupError("no browser"))
        with pytest.raises(LookupError, match="no browser"):
            waiting.result(timeout=20)

    def test_is_not_changed_by_an_error_after_the_response(self, sign_in: SignIn) -> None:
        waiting = sign_in.wait()
        browser = sign_in.post(RIGHT)
        response = waiting.result(timeout=20)
        sign_in.listener.fail(LookupError("no browser"))
        response.finish(SUCCESS)
        assert "You are signed in" in received(browser)

    def test_is_the_only_one(self) -> None:
        with RedirectListener(clock=ManualClock()) as listener:
            with pytest.raises(RedirectTimeout):
                listener.wait(STATE, 1)
            with pytest.raises(RuntimeError, match="one response"):
                listener.wait(STATE, 1)


class TestTheRedirectUri:
    def test_has_a_port_of_the_system_by_default(self) -> None:
        with RedirectListener() as first, RedirectListener() as second:
            assert first.redirect_uri.startswith("http://localhost:")
            assert first.redirect_uri != second.redirect_uri

    def test_is_kept_as_it_is_given(self, connect: Connect, executor: ThreadPoolExecutor) -> None:
        with RedirectListener() as listener:
            given_uri = listener.redirect_uri.replace("localhost", "127.0.0.1") + "/sign-in"
        with RedirectListener(given_uri) as listener:
            assert listener.redirect_uri == given_uri
            waiting = executor.submit(listener.wait, STATE, TIMEOUT)
            authority = given_uri.split("/")[2]
            browser = connect(int(authority.rpartition(":")[2]))
            browser.sendall(f"GET /sign-in?{urlencode(RIGHT)} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
            waiting.result(timeout=20).finish(SUCCESS)
            assert "You are signed in" in received(browser)

    def test_that_is_taken_is_refused(self) -> None:
        with RedirectListener() as listener, pytest.raises(ListenerUnavailable, match=r"^Port \d+ .* is taken"):
            RedirectListener(listener.redirect_uri)

    def test_can_be_used_again_at_once(self, connect: Connect, executor: ThreadPoolExecutor) -> None:
        with RedirectListener() as listener:
            redirect_uri = listener.redirect_uri
        for _ in range(3):
            with RedirectListener(redirect_uri) as listener:
                sign_in = SignIn(listener, connect, executor)
                assert_completes(sign_in, executor.submit(listener.wait, STATE, TIMEOUT))

    def test_that_cannot_be_listened_on_is_refused(self) -> None:
        with pytest.raises(ValueError, match="this machine"):
            RedirectListener("http://example.com:8400")
