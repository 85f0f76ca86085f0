"""Telling why a TLS connection was not trusted."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

__all__ = ["explain_untrusted"]

_PROBE_TIMEOUT: Final = 3.0
"""Seconds that finding out the certificate's issuer may take."""
_LONGEST_ISSUER: Final = 300
"""Characters. Whoever is in between can write into it what they like, control sequences for a terminal included."""


def explain_untrusted(error: BaseException, url: str) -> str | None:
    """Return what to tell about `error` if it means that the certificate of `url`'s host is not trusted, else None.

    The error does not say who issued the certificate, so it is fetched once more, without trusting it.

    :param error: what a request raised.
    :param url: where the request went.
    """
    refusal = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if refusal is None:
        return None
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    return (
        f"The TLS certificate of {host} is not trusted ({refusal.verify_message}). It was issued by "
        f"{_issuer(host, port)}. If that is your organisation's proxy or a private authority, pass the issuer's "
        "certificate as connection_verify='<path of a PEM file>', or name that file in REQUESTS_CA_BUNDLE."
    )


def _causes(error: BaseException, depth: int = 8) -> Iterator[BaseException]:
    """Yield `error` and what it wraps: azure-core, requests and urllib3 each do so in their own way."""
    yield error
    wrapped = (error.__cause__, getattr(error, "inner_exception", None), getattr(error, "reason", None), *error.args)
    for cause in wrapped:
        if isinstance(cause, BaseException) and depth:
            yield from _causes(cause, depth - 1)


def _issuer(host: str, port: int) -> str:
    from cryptography import x509

    try:
        pem = ssl.get_server_certificate((host, port), timeout=_PROBE_TIMEOUT)
        issuer = x509.load_pem_x509_certificate(pem.encode()).issuer.rfc4514_string()
    except (OSError, ValueError):
        return "an issuer that could not be found out"
    return "".join(character if character.isprintable() else "?" for character in issuer)[:_LONGEST_ISSUER]
