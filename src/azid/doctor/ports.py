"""Whether the browser's answer can arrive: loopback ports, and what `localhost` means here."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

from azid.doctor.finding import Finding, Verdict
from azid.redirect import ListenerUnavailable
from azid.redirect.loopback import listen_on_loopback

__all__ = ["check_ports"]


def check_ports(
    port: int | None = None, *, resolve: Callable[..., list[tuple[Any, ...]]] = socket.getaddrinfo
) -> Iterator[Finding]:
    """Open a loopback port as a sign-in does, and close it again.

    :param port: the port of the application's redirect URI; None for any free one.
    :param resolve: as `socket.getaddrinfo`.
    """
    try:
        addresses = sorted({str(info[4][0]) for info in resolve("localhost", None)})
    except OSError as error:
        addresses = []
        yield Finding("localhost", Verdict.PROBLEM, f"The name cannot be resolved: {error}.", _HOSTS)
    if elsewhere := [address for address in addresses if not ipaddress.ip_address(address.split("%")[0]).is_loopback]:
        yield Finding("localhost", Verdict.PROBLEM, f"The name leads to {elsewhere[0]}, another machine.", _HOSTS)
    elif addresses:
        yield Finding("localhost", Verdict.OK, f"The name leads to this machine: {', '.join(addresses)}.")
    try:
        listeners = listen_on_loopback("localhost", port) if port else listen_on_loopback("localhost")
    except ListenerUnavailable as error:
        yield Finding(
            "port",
            Verdict.PROBLEM,
            str(error),
            "Free the port, or let azid choose one" if port else "Sign in with a device code: azid login --device-code",
        )
        return
    families = sorted("IPv6" if listener.family == socket.AF_INET6 else "IPv4" for listener in listeners)
    for listener in listeners:
        listener.close()
    told = f"Port {port} is free" if port else "A port for the browser's answer can be opened"
    yield Finding("port", Verdict.OK, f"{told} ({' and '.join(families)}).")


_HOSTS = "Let 'localhost' lead to 127.0.0.1 and ::1 in this machine's hosts file"
