"""Waiting for the one authorization response that belongs to a sign-in, whatever else reaches the port."""

from __future__ import annotations

import hmac
import threading
from http import HTTPStatus
from types import TracebackType

from azid.clock import Clock, SystemClock
from azid.redirect.authorization_response import AuthorizationResponse, read_authorization_response
from azid.redirect.errors import RedirectTimeout, WaitCancelled
from azid.redirect.loopback import listen_on_loopback
from azid.redirect.page import Outcome
from azid.redirect.redirect_uri import RedirectUri, parse_redirect_uri
from azid.redirect.reply import page_reply, refusal_reply
from azid.redirect.request import Request, RequestRefused
from azid.redirect.server import LoopbackServer

__all__ = ["RedirectListener"]

_CANCEL_SLICE = 0.1  # seconds between two looks at `cancelled`, an event that knows nothing of this listener
_PAGE_TIMEOUT = 2.0  # seconds for a page to be taken by the operating system, which is immediate in practice


class RedirectListener:
    """Listens on this machine for the authorization response (RFC 8252 section 7.3). For one sign-in.

    It listens from its construction on, so the browser can be opened before `wait`. Use it in a `with` block: leaving
    it closes the port, and a browser that still waits is told that the sign-in was ended.

    :param redirect_uri: see `parse_redirect_uri`. By default `http://localhost` with a port that the system picks.
    :param clock: counts deadlines. Defaults to the machine's.
    :param read_timeout: seconds in which a connection has to send its request. Defaults to 10.
    :raises ValueError: if `redirect_uri` cannot be listened on.
    :raises ListenerUnavailable: if no port can be opened.
    """

    def __init__(
        self, redirect_uri: str | None = None, *, clock: Clock | None = None, read_timeout: float = 10.0
    ) -> None:
        self._clock = clock or SystemClock()
        if redirect_uri is None:
            listeners = listen_on_loopback("localhost")
            self._uri = RedirectUri("localhost", listeners[0].getsockname()[1])
            redirect_uri = f"http://localhost:{self._uri.port}"
        else:
            self._uri = parse_redirect_uri(redirect_uri)
            listeners = listen_on_loopback(self._uri.host, self._uri.port)
        self.redirect_uri = redirect_uri
        """What to send to the authority as `redirect_uri`."""
        self._lock = threading.Lock()  # guards what follows
        self._state: bytes | None = None
        self._timeout = 0.0
        self._deadline = 0.0
        self._result: dict[str, str] | BaseException | None = None
        self._outcome: Outcome | None = None
        self._settled = threading.Event()
        self._server = LoopbackServer(listeners, self._answer, self.fail, self._clock, read_timeout)

    def wait(self, state: str, timeout: float, cancelled: threading.Event | None = None) -> AuthorizationResponse:
        """Wait for the response to the request that was sent with `state`.

        Nothing that a client does prolongs the wait. Ctrl-C ends it at once.

        :param state: the request's `state` (RFC 6749 section 10.12).
        :param timeout: seconds.
        :param cancelled: ends the wait when it is set.
        :returns: the response, `code` or `error`. Its browser waits until `finish` is called.
        :raises RedirectTimeout: if no response came in time.
        :raises ListenerUnavailable: if the system lets no more connections in.
        :raises WaitCancelled: if `cancelled` was set or the listener closed.
        :raises RuntimeError: if this listener has been waited on before.
        """
        with self._lock:
            if self._state is not None:
                raise RuntimeError("A RedirectListener waits for one response. Make another one for another sign-in.")
            self._state = state.encode()
            self._timeout = timeout
            self._deadline = self._clock.monotonic() + timeout
        self._server.review(0)  # the response may be there already
        while not self._settled.is_set():
            remaining = self._deadline - self._clock.monotonic()
            if cancelled is not None and cancelled.is_set():
                self.fail(WaitCancelled("The sign-in was cancelled while it waited for the browser."))
            elif remaining <= 0:
                self._time_out()
            else:
                self._clock.wait(self._settled, remaining if cancelled is None else min(remaining, _CANCEL_SLICE))
        result = self._result
        if isinstance(result, BaseException):
            raise result
        assert result is not None
        return AuthorizationResponse(result, self._finish)

    def fail(self, error: BaseException) -> None:
        """End the wait with an error, from any thread: for whoever notices that no response can come.

        Has no effect when a response has been accepted or the wait has ended.

        :param error: what `wait` raises.
        """
        self._settle(error, Outcome.ended())

    def close(self) -> None:
        """Close the port and end the wait. May be called from any thread, and more than once."""
        self.fail(WaitCancelled("The listener was closed while it waited for the browser."))
        self._finish(Outcome.ended())
        self._server.close()

    def __enter__(self) -> RedirectListener:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _settle(self, result: dict[str, str] | BaseException, outcome: Outcome | None = None) -> None:
        with self._lock:
            if self._result is None:
                self._result = result
                self._outcome = outcome
                self._settled.set()

    def _time_out(self) -> None:
        message = f"The sign-in timed out: no answer came from the browser within {self._timeout:g} seconds."
        self._settle(RedirectTimeout(message), Outcome.too_late())

    def _finish(self, outcome: Outcome) -> None:
        with self._lock:
            if self._outcome is None:
                self._outcome = outcome
        self._server.review(_PAGE_TIMEOUT)

    def _answer(self, request: Request) -> bytes | None:
        try:
            parameters = read_authorization_response(request, self._uri)
        except RequestRefused as refused:
            return refusal_reply(refused.status)
        with self._lock:
            state, deadline = self._state, self._deadline
        if state is not None:
            if not hmac.compare_digest(parameters["state"].encode(), state):
                return refusal_reply(HTTPStatus.BAD_REQUEST)
            if self._clock.monotonic() >= deadline:
                self._time_out()
            self._settle(parameters)
        with self._lock:
            return None if self._outcome is None else page_reply(self._outcome)
