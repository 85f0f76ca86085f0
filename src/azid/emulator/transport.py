"""The in-process way to the emulator: `requests` and azure-core without a socket."""

from __future__ import annotations

import http
import http.client
import io
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError
from werkzeug.datastructures import Headers

from azid.clock import Clock, SystemClock
from azid.emulator.exchange import ConnectionCut, Reply, ReplyTooLate, Request

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["EmulatorAdapter", "EmulatorTransport"]


@dataclass
class _Original:
    """Where `requests` looks for cookies: what a response of http.client would have."""

    msg: http.client.HTTPMessage

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        """There is nothing to close."""


class EmulatorAdapter(BaseAdapter):
    """A `requests` adapter that answers every host from the emulator.

    :param answer: turns a request into its reply.
    """

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        super().__init__()
        self._answer = answer
        self._builder = HTTPAdapter()

    def send(  # noqa: PLR0917 - the base class's signature
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        body = request.body or b""
        arrived = Request(
            request.method or "GET",
            request.url or "",
            Headers(list(request.headers.items())),
            body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b"".join(body),
            timeout[1] if isinstance(timeout, tuple) else timeout,
        )
        try:
            reply = self._answer(arrived)
        except ConnectionCut:
            lost = ConnectionResetError("The emulator cut the connection")
            raise requests.ConnectionError(ProtocolError("Connection aborted.", lost), request=request) from None
        except ReplyTooLate:
            raise requests.ReadTimeout("The emulator's reply came too late", request=request) from None
        message = http.client.HTTPMessage()
        for name, value in reply.headers:
            message.add_header(name, value)
        raw = HTTPResponse(
            body=io.BytesIO(b"" if arrived.method == "HEAD" else reply.sent),
            headers=HTTPHeaderDict(
                [
                    *((name, value) for name, value in reply.headers if name.lower() != "content-length"),
                    ("Content-Length", str(len(reply.body))),
                ]
            ),
            status=reply.status,
            reason=http.HTTPStatus(reply.status).phrase,
            preload_content=False,
            enforce_content_length=True,
            request_method=arrived.method,
            original_response=_Original(message),  # type: ignore[arg-type] # all that is used of it
        )
        return self._builder.build_response(request, raw)

    def close(self) -> None:
        self._builder.close()


class EmulatorTransport(RequestsTransport):
    """An azure-core transport that reaches the emulator under any host name, without a socket.

    It never sleeps: a retry's wait moves a `ManualClock` on, and takes no time at all on the system's clock.

    :param session: a session whose requests the emulator answers.
    :param clock: what a retry waits by.
    """

    def __init__(self, session: requests.Session, clock: Clock) -> None:
        super().__init__(session=session, session_owner=False, use_env_settings=False)
        self._clock = clock

    def sleep(self, duration: float) -> None:
        if not isinstance(self._clock, SystemClock):
            self._clock.wait(threading.Event(), duration)

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Stay usable: there is no connection to close."""
