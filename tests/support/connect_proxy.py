"""A proxy that takes programs which know only real host names to servers on this machine (CONNECT, RFC 9110 9.3.6)."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ConnectProxy"]

_PATIENCE = 10.0  # seconds for the head of a request
_CHUNK = 1 << 16


class _Tunnel(socketserver.StreamRequestHandler):
    timeout = _PATIENCE
    server: ConnectProxy

    def handle(self) -> None:
        method, _, rest = self.rfile.readline(_CHUNK).decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        while self.rfile.readline(_CHUNK).strip():
            pass  # the head's other lines
        port = self.server.ports.get(target)
        if method != "CONNECT" or port is None:
            self.server.refused.append(f"{method} {target}")
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port), _PATIENCE) as upstream:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.server.relay(self.connection, upstream)


class ConnectProxy(socketserver.ThreadingTCPServer):
    """Tunnels to the servers that it knows, and to nowhere else. Use it in a `with` block.

    :param ports: the ports on this machine behind ``host:port``.
    """

    daemon_threads = False  # leaving the block waits for their end

    def __init__(self, ports: Mapping[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.ports = ports
        self.refused: list[str] = []
        """What was asked for and is not known: method and target."""
        self._closing, self._closed = socket.socketpair()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="connect-proxy", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What `HTTPS_PROXY` is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def relay(self, client: socket.socket, upstream: socket.socket) -> None:
        """Pass bytes on both ways until either side ends, or the proxy does."""
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, upstream)
            selector.register(upstream, selectors.EVENT_READ, client)
            selector.register(self._closed, selectors.EVENT_READ, None)
            while True:
                for key, _ in selector.select():
                    if key.data is None:
                        return
                    with contextlib.suppress(OSError):  # it went away
                        if data := key.fileobj.recv(_CHUNK):  # type: ignore[union-attr] # a socket, as registered
                            key.data.sendall(data)
                            continue
                    return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self._closing.close()
        self.server_close()
        self._closed.close()
