"""A proxy that tunnels (RFC 9110 section 9.3.6), as between a program and a server that TLS protects from it."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Tunnel", "tunnel"]

GIVE_UP = 20  # seconds after which a connection that would hang ends


class Tunnel:
    """Connects whoever asks with whatever they ask for, and remembers it as ``host:port``."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(socketserver.StreamRequestHandler):
            timeout = GIVE_UP

            def handle(self) -> None:
                asked.append(self.rfile.readline().split()[1].decode())
                while self.rfile.readline().strip():
                    pass
                host, _, port = asked[-1].rpartition(":")
                with socket.create_connection((host, int(port)), GIVE_UP) as server:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                    back = threading.Thread(target=_pass_on, args=(server, self.connection))
                    back.start()
                    _pass_on(self.connection, server)
                    back.join()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    with Tunnel() as tunnel:
        yield tunnel
