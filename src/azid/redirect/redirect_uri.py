"""Which redirect URIs a program on this machine can listen on (RFC 8252 section 7.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["LOOPBACK_HOSTS", "RedirectUri", "parse_redirect_uri"]

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")

# urlsplit drops some of these without a word (RFC 3986 section 2 allows none of them).
_NOT_IN_A_URI = re.compile(r"[^\x21-\x7e]")
_EXAMPLE = "for example http://localhost:8400"


@dataclass(frozen=True)
class RedirectUri:
    """A redirect URI on this machine, in its parts."""

    host: str
    """`localhost`, `127.0.0.1` or `::1`."""
    port: int
    """1 to 65535."""
    path: str = "/"
    """What a request for it has as its path: `/` for a URI without one (RFC 9112 section 3.2.1)."""

    def is_host(self, header: str) -> bool:
        """Return whether `header`, a request's `Host`, names this URI's host and port (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        accepted = {f"{host}:{self.port}"}
        if self.port == 80:  # a browser leaves the scheme's default port out
            accepted.add(host)
        return header.lower() in accepted


def parse_redirect_uri(redirect_uri: str) -> RedirectUri:
    """Return the parts of a redirect URI that can be listened on.

    :param redirect_uri: `http://`, then `localhost`, `127.0.0.1` or `[::1]`, a port, and optionally a path.
    :raises ValueError: if it is anything else. The message says what is wrong with it.
    """
    if _NOT_IN_A_URI.search(redirect_uri):
        raise _refusal("has a space, a control character or a character that is not ASCII")
    try:
        parts = urlsplit(redirect_uri)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _refusal(f"is malformed: {error}") from None
    if parts.scheme != "http":
        raise _refusal("must begin with http://, because the answer is received by a plain listener on this machine")
    if "@" in parts.netloc:
        raise _refusal("must not have a user name or password")
    if host not in LOOPBACK_HOSTS:
        raise _refusal("must name this machine: its host is localhost, 127.0.0.1 or [::1]")
    if not port:
        raise _refusal("must name a port from 1 to 65535")
    if "?" in redirect_uri or "#" in redirect_uri:
        raise _refusal("must not have a query or a fragment")
    return RedirectUri(host, port, parts.path or "/")


def _refusal(problem: str) -> ValueError:
    return ValueError(f"The redirect_uri {problem} ({_EXAMPLE}).")
