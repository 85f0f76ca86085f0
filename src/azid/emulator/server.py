"""The sockets: a threaded HTTP/1.1 server that hands each request to the emulator and can be stopped at once."""

from __future__ import annotations

import contextlib
import errno
import http
import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from werkzeug.datastructures import Headers

from azid.emulator.exchange import ConnectionCut, Reply, Request

__all__ = ["Server", "listen_on_loopback"]

_POLL = 0.05  # seconds until `stop` is noticed
_IDLE_TIMEOUT = 120.0
_BODY_LIMIT = 1 << 20


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    server_version = "azid-emulator"
    sys_version = ""
    timeout = _IDLE_TIMEOUT
    disable_nagle_algorithm = True
    wbufsize = -1  # the head and the body of a reply leave together
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """The emulator keeps its own log."""

    def version_string(self) -> str:
        return self.server_version

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _BODY_LIMIT or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.send_error(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        body = self.rfile.read(int(length))
        host = self.headers.get("Host") or self.server.netloc
        path = self.path if self.path.startswith("/") else "/"
        request = Request(
            self.command, f"{self.server.scheme}://{host}{path}", Headers(list(self.headers.items())), body
        )
        try:
            reply = self.server.answer(request)
        except ConnectionCut:
            self.close_connection = True
            return
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.cut:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.sent)
        self.wfile.flush()

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - names of the base class


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves one loopback address.

    :param address: host and port; port 0 lets the system choose.
    :param answer: turns a request into its reply.
    :param context: TLS settings; None serves plain HTTP. The handshake is each connection's own, in its own thread, so
        one that stays silent keeps nobody waiting.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], answer: Callable[[Request], Reply], context: ssl.SSLContext | None = None
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.answer = answer
        self.scheme = "http" if context is None else "https"
        self._context = context
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._stopped = False
        # A port that was asked for is taken again at once. On Windows the option would let others take it, too.
        self.allow_reuse_address = os.name == "posix" and address[1] != 0
        super().__init__(address, _Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL,), name=f"azid-emulator-{self.scheme}", daemon=True
        )
        self._thread.start()

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve_connection, args=(request, client_address), name="azid-emulator-connection", daemon=True
        )
        with self._lock:
            self._connections[thread] = request
        thread.start()

    def _serve_connection(self, connection: socket.socket, client_address: Any) -> None:
        try:
            connection.settimeout(_IDLE_TIMEOUT)
            if self._context is not None:
                with self._lock:
                    connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                    self._connections[threading.current_thread()] = connection
                    if self._stopped:
                        return
                connection.do_handshake()
            self.finish_request(connection, client_address)
        except (OSError, ValueError):
            pass  # the client went away, trusts another CA, or the server is being stopped
        finally:
            self.shutdown_request(connection)
            with self._lock:
                self._connections.pop(threading.current_thread(), None)

    def stop(self) -> None:
        """Close the port and every connection; return when no thread of the server is left."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._lock:
            self._stopped = True
            connections = dict(self._connections)
            for connection in connections.values():
                with contextlib.suppress(OSError):  # the other side closed it meanwhile
                    # Not SSLSocket's own shutdown: that takes the TLS state away from under the reading thread.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in connections:
            thread.join()


def listen_on_loopback(answer: Callable[[Request], Reply], port: int = 0) -> list[Server]:
    """Return plain-HTTP servers for `localhost`: 127.0.0.1, and ::1 on the same port where the machine has IPv6.

    :param port: which one; 0 lets the system choose.
    :raises OSError: the port is taken, or no common one was found.
    """
    for _ in range(1 if port else 16):
        first = Server(("127.0.0.1", port), answer)
        try:
            return [first, Server(("::1", first.port), answer)]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [first]  # no IPv6 here
            first.stop()
    raise OSError(errno.EADDRINUSE, "found no port that is free on both 127.0.0.1 and ::1")
