"""Listening sockets on the loopback interface, the same port for every address of a host."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys

from azid.redirect.errors import ListenerUnavailable

__all__ = ["listen_on_loopback"]

# RFC 8252 section 8.3 prefers the addresses, but Entra's port-agnostic redirect URI is http://localhost, and which
# family a browser takes for that name is its own choice: so both are listened on.
_ADDRESSES = {
    "localhost": ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")),
    "127.0.0.1": ((socket.AF_INET, "127.0.0.1"),),
    "::1": ((socket.AF_INET6, "::1"),),
}
_NO_SUCH_FAMILY = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})
_BACKLOG = 128
_ATTEMPTS = 20


def listen_on_loopback(host: str, port: int | None = None) -> list[socket.socket]:
    """Open the sockets on which requests for `host` arrive, one for each of its address families that exists here.

    :param host: `localhost`, `127.0.0.1` or `::1`.
    :param port: the port. The system picks one that is free in every family if it is None.
    :returns: listening, non-blocking sockets, all on one port.
    :raises ListenerUnavailable: if the port is taken or may not be used, or no loopback address exists.
    """
    if port is not None:
        try:
            return _listen(host, port, chosen_by_system=False)
        except OSError as error:
            raise ListenerUnavailable(error.errno, _why_not(host, port, error)) from error
    for _ in range(_ATTEMPTS):
        # Another program may hold the port that the system picked for one family in the other.
        with contextlib.suppress(OSError):
            return _listen(host, 0, chosen_by_system=True)
    raise ListenerUnavailable(
        errno.EADDRINUSE,
        f"No port could be opened on {host} to receive the sign-in's answer. Loopback connections may be forbidden "
        "here; DeviceCodeCredential needs none.",
    )


def _listen(host: str, port: int, *, chosen_by_system: bool) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    with contextlib.ExitStack() as undo:
        missing: OSError | None = None
        for family, address in _ADDRESSES[host]:
            try:
                listener = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
                _claim(listener, address, port, chosen_by_system=chosen_by_system)
            except OSError as error:
                if error.errno not in _NO_SUCH_FAMILY:
                    raise
                missing = error
                continue
            port = listener.getsockname()[1]
            listeners.append(listener)
        if not listeners and missing is not None:
            raise missing
        undo.pop_all()
    return listeners


def _claim(listener: socket.socket, address: str, port: int, *, chosen_by_system: bool) -> None:
    if sys.platform == "win32":
        # Without it any other program could bind the same port and receive the authorization code.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    elif not chosen_by_system:
        # The BSDs let a loopback address be bound beside a listener on all addresses: look before it is bound.
        if _is_listened_on(listener.family, address, port):
            raise OSError(errno.EADDRINUSE, "another program listens on the port")
        # Connections of an earlier sign-in, in TIME_WAIT, do not keep the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(_BACKLOG)
    listener.setblocking(False)


def _is_listened_on(family: int, address: str, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect((address, port))
        except TimeoutError:
            return True  # a listener whose queue is full
        except OSError:
            return False
        # The system may give the probe the very port that it asks for: then it has reached itself.
        return bool(probe.getsockname() != probe.getpeername())


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host}, which redirect_uri names, is taken by another program. End that program, or give "
            "another redirect_uri that is registered for the application; without redirect_uri a free port is found."
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {port} on {host}, which redirect_uri names, may not be opened by this program: the system reserves "
            "it, or another program holds it. Give a redirect_uri with another port, above 1023, that is registered "
            "for the application; without redirect_uri a free port is found."
        )
    return f"Port {port} on {host}, which redirect_uri names, cannot be opened: {error.strerror}."
