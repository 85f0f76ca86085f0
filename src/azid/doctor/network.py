"""The way to the authority: proxy, certificates, and whether this machine's clock is right. One request tells all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from azid.doctor.finding import Finding, Verdict

__all__ = ["check_network"]

_TIMEOUTS: Final = {"connection_timeout": 4, "read_timeout": 4, "retry_total": 0}
"""Seconds, and no second attempt."""
_TOLERATED: Final = 60
"""Seconds by which a clock may be wrong without being worth a word: tokens are renewed five minutes ahead."""
_TOO_MUCH: Final = 300
"""Seconds from which on fresh tokens look expired, or expired ones fresh."""


def check_network(
    authority: str,
    *,
    environ: Mapping[str, str] = os.environ,
    now: Callable[[], float] = time.time,
    **options: Any,
) -> Iterator[Finding]:
    """Ask the authority for its metadata.

    :param authority: the authority, as ``https://host[:port]``.
    :param environ: environment variables. Defaults to the process's.
    :param now: returns seconds since the epoch. Defaults to the machine's clock.
    :param options: azure-core's options for the request.
    """
    from azure.core.exceptions import AzureError
    from azure.core.rest import HttpRequest

    from azid.pipeline import TokenPipeline
    from azid.tls import explain_untrusted

    url = f"{authority}/organizations/v2.0/.well-known/openid-configuration"
    proxy = _proxy_for(url)
    yield Finding("proxy", Verdict.NOTE, f"Requests go through {proxy}." if proxy else "Requests go without a proxy.")
    yield _trust(environ)
    began = now()
    try:
        with TokenPipeline(**{**_TIMEOUTS, **options}) as pipeline:
            response = pipeline.send(HttpRequest("GET", url))
    except AzureError as error:
        if untrusted := explain_untrusted(error, url):
            remedy = "Name the issuer's certificate in REQUESTS_CA_BUNDLE, if you know who that is"
            yield Finding("authority", Verdict.PROBLEM, untrusted, remedy)
        else:
            remedy = "Look at the proxy above" if proxy else "If this network has a proxy, name it in HTTPS_PROXY"
            yield Finding("authority", Verdict.PROBLEM, f"{authority} cannot be reached: {error.message}", remedy)
        return
    answers = response.status_code < 400
    seconds = max(now() - began, 0)
    yield Finding(
        "authority",
        Verdict.OK if answers else Verdict.WARNING,
        f"{authority} answered with {response.status_code} after {seconds:.1f} s; it is trusted.",
        "" if answers else "Try again later, and look whether that is the right authority",
    )
    yield _clock(response.headers.get("Date"), now())


def _proxy_for(url: str) -> str | None:
    """Return the proxy that `requests` takes from the environment, without the password in it."""
    from requests.utils import get_environ_proxies, select_proxy

    proxy = select_proxy(url, get_environ_proxies(url))
    if not proxy:
        return None
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _trust(environ: Mapping[str, str]) -> Finding:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if file := environ.get(name):
            if os.path.exists(file):  # noqa: PTH110 - a file or a folder
                return Finding("certificates", Verdict.OK, f"Those of {file} are trusted ({name}).")
            return Finding(
                "certificates", Verdict.PROBLEM, f"{name} names {file}, which does not exist.", f"Mend or unset {name}"
            )
    import certifi

    return Finding("certificates", Verdict.OK, f"Those of {certifi.where()} are trusted.")


def _clock(date: str | None, now: float) -> Finding:
    """Compare the machine's clock with the authority's (RFC 9110 section 6.6.1)."""
    try:
        skew = now - parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return Finding("clock", Verdict.NOTE, "The authority did not say what time it is.")
    if abs(skew) <= _TOLERATED:
        return Finding("clock", Verdict.OK, "This machine's clock is right.")
    told = f"This machine's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}."
    verdict = Verdict.PROBLEM if abs(skew) >= _TOO_MUCH else Verdict.WARNING
    return Finding("clock", verdict, told, "Set it: timedatectl set-ntp true, or your system's way")
