"""A proxy that takes programs which know only real host names to servers on this machine, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from azid.emulator.tls import LOGIN_HOSTS

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["PROXIED_HOSTS", "ConnectProxy"]

PROXIED_HOSTS: Final = (*LOGIN_HOSTS, "graph.microsoft.com")
"""The hosts that the emulator can be: its certificate is good for these, and its CA for no others."""

_PATIENCE = 10.0  # seconds for each piece of a request's head, and for each piece that a side has to take
_LONGEST_HEAD = 1 << 16
_METHOD = re.compile("[A-Z]{1,20}")
_CHUNK = 1 << 16
_POLL = 0.05  # seconds until `stop` is noticed


class _Tunnel(socketserver.StreamRequestHandler):
    timeout = _PATIENCE
    rbufsize = 0  # nothing is read ahead: what follows the head is the other side's
    disable_nagle_algorithm = True  # or each side would wait for the other's acknowledgement, forty milliseconds
    server: ConnectProxy

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # it went away, or said nothing in time
            head = self._head()
            if head:
                method, _, rest = head[0].decode("latin-1").strip().partition(" ")
                self._serve(method, rest.partition(" ")[0])

    def _head(self) -> list[bytes]:
        """Return the lines of a request's head; none if it ended early or is too long."""
        lines: list[bytes] = []
        left = _LONGEST_HEAD
        while left > 0:
            line = self.rfile.readline(left)
            left -= len(line)
            if not line.strip():
                return lines if line else []
            lines.append(line)
        self._reply("431 Request Header Fields Too Large", "The head of this request is too long.")
        return []

    def _serve(self, method: str, target: str) -> None:
        port = self.server.routes.get(target.lower()) if method == "CONNECT" else None
        if port is None:
            self._refuse(method, target)
            return
        with socket.create_connection(("127.0.0.1", port), _PATIENCE) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _relay(self.connection, upstream)

    def _refuse(self, method: str, target: str) -> None:
        self.server.refuse(_loggable(method, target))
        known = ", ".join(sorted(self.server.routes))
        self._reply("403 Forbidden", f"The proxy of azid's emulator leads to {known} and forwards nothing else.")

    def _reply(self, status: str, text: str) -> None:
        body = f"{text}\n".encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        self.wfile.write(f"{head}Connection: close\r\n\r\n".encode() + body)


def _loggable(method: str, target: str) -> str:
    """Return what was asked for, without what may be secret: name and password, path and query."""
    if not _METHOD.fullmatch(method):
        return "something that is no request to a proxy"
    try:
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)  # RFC 9112 section 3.2
    except ValueError:  # as of brackets without an address
        return method
    host = parts.netloc.rpartition("@")[2]
    return f"{method} {parts.scheme}://{host}" if parts.scheme else f"{method} {host}".rstrip()


def _relay(client: socket.socket, upstream: socket.socket) -> None:
    """Pass bytes on both ways until either side ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ, upstream)
        selector.register(upstream, selectors.EVENT_READ, client)
        while True:
            for key, _ in selector.select():
                source = cast("socket.socket", key.fileobj)  # as registered
                data = source.recv(_CHUNK)
                if not data:
                    return
                _acknowledge(source)
                key.data.sendall(data)


def _acknowledge(connection: socket.socket) -> None:
    # Through a proxy urllib3 leaves Nagle's algorithm on: it sends a form only once the head before it is acknowledged,
    # forty milliseconds later unless somebody says so. It has to be said each time, and only Linux can.
    if sys.platform == "linux":
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class ConnectProxy(socketserver.ThreadingTCPServer):
    """Tunnels (CONNECT, RFC 9110 section 9.3.6) to the servers that it knows, from its making until `stop`.

    It sees no more than bytes: TLS is between the program and the server.

    :param routes: the ports on this machine behind each ``host:port``.
    :param port: its own, on 127.0.0.1. Defaults to 0: the system chooses.
    :param on_refused: called with what was asked for and is not known: the method and the host, nothing that is secret.
    :raises OSError: the port is taken.
    """

    daemon_threads = False  # `stop` waits for their end
    request_queue_size = 128

    def __init__(
        self, routes: Mapping[str, int], *, port: int = 0, on_refused: Callable[[str], object] = lambda _: None
    ) -> None:
        self.routes = routes
        self.refused: list[str] = []
        """What was asked for and is not known, oldest first."""
        self._on_refused = on_refused
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        # A port that was asked for is taken again at once. On Windows the option would let others take it, too.
        self.allow_reuse_address = os.name == "posix" and port != 0
        super().__init__(("127.0.0.1", port), _Tunnel)
        self._thread = threading.Thread(target=self.serve_forever, args=(_POLL,), name="azid-proxy", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What `HTTPS_PROXY` is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def refuse(self, asked: str) -> None:
        """Note that something is not known here."""
        self.refused.append(asked)
        self._on_refused(asked)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        """Close the port and every tunnel; return when no thread of the proxy is left."""
        self.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the other side closed it meanwhile
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
