"""Where the emulator is: its sockets and their certificate, or, while it is not started, nowhere but in process."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from azid.emulator.exchange import Reply, Request
from azid.emulator.server import Server, listen_on_loopback
from azid.emulator.tls import CertificateAuthority

__all__ = ["Listening"]

_PUBLIC_AUTHORITY = "https://login.microsoftonline.com"
_NO_THUMBPRINT = "0" * 40


class Listening:
    """Https for the endpoints that programs call, plain http for the pages that a person opens, both on loopback.

    :param port: of the former; the latter are at the next one. 0 lets the system choose both.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._servers: list[Server] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._ca: CertificateAuthority | None = None

    @property
    def started(self) -> bool:
        return bool(self._servers)

    @property
    def authority(self) -> str:
        """Origin of the endpoints: Entra's own when not started."""
        return f"https://127.0.0.1:{self._servers[0].port}" if self._servers else _PUBLIC_AUTHORITY

    @property
    def page_origin(self) -> str:
        """Origin of the pages: Entra's own when not started."""
        return f"http://localhost:{self._servers[1].port}" if self._servers else _PUBLIC_AUTHORITY

    @property
    def plain_origin(self) -> str:
        """Origin of the endpoints that the machine itself would have, over http; of no real ones when not started."""
        return f"http://127.0.0.1:{self._servers[1].port}" if self._servers else "http://localhost"

    @property
    def secure_origin(self) -> str:
        """The same over https."""
        return f"https://127.0.0.1:{self._servers[0].port}" if self._servers else "https://localhost"

    @property
    def ca_file(self) -> str:
        """Path of the CA's certificate.

        :raises RuntimeError: not started.
        """
        if self._folder is None:
            raise RuntimeError("the emulator has a CA only while it is started: use it in a with statement")
        return str(Path(self._folder.name, "ca.pem"))

    @property
    def certificate_pin(self) -> str:
        """SHA-256 of the certificate's public key, in base64.

        :raises RuntimeError: not started.
        """
        if self._ca is None:
            raise RuntimeError("the emulator has a certificate only while it is started: use it in a with statement")
        return self._ca.pin

    @property
    def thumbprint(self) -> str:
        """SHA-1 of the certificate, in hexadecimal; of none when not started."""
        return _NO_THUMBPRINT if self._ca is None else self._ca.thumbprint

    def start(self, answer: Callable[[Request], Reply]) -> None:
        """Listen.

        :param answer: turns a request into its reply.
        :raises RuntimeError: it listens already.
        :raises OSError: the port that was asked for is taken.
        """
        with self._lock:
            if self._servers:
                raise RuntimeError("the emulator is started already")
            ca = CertificateAuthority.create()
            folder = tempfile.TemporaryDirectory(prefix="azid-emulator-")
            with contextlib.ExitStack() as undo:
                undo.callback(folder.cleanup)
                Path(folder.name, "ca.pem").write_bytes(ca.certificate)
                endpoints = Server(("127.0.0.1", self._port), answer, ca.server_context())
                undo.callback(endpoints.stop)
                pages = listen_on_loopback(answer, self._port and self._port + 1)
                undo.pop_all()
            self._servers, self._folder, self._ca = [endpoints, *pages], folder, ca

    def stop(self) -> None:
        """Close every connection and end every thread; without effect when not started."""
        with self._lock:
            for server in self._servers:
                server.stop()
            self._servers = []
            self._ca = None
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None
