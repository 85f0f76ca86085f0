"""What the listener sends: the page with the outcome, or a short refusal. Nothing of a request is repeated in it."""

from __future__ import annotations

import base64
import hashlib
from http import HTTPStatus

from azid.redirect.page import STYLE, Outcome, render_page

__all__ = ["page_reply", "refusal_reply"]

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

# `img-src data:` is for the page's empty icon, which saves the browser a request for /favicon.ico.
_PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_REFUSAL_POLICY = "default-src 'none'; frame-ancestors 'none'"

_REFUSALS = {
    HTTPStatus.NOT_FOUND: "There is nothing here. A program on this computer waits for a sign-in to finish.",
}


def page_reply(outcome: Outcome) -> bytes:
    """Return the HTTP response that shows an outcome."""
    return _reply(outcome.status, "text/html", render_page(outcome), _PAGE_POLICY)


def refusal_reply(status: HTTPStatus) -> bytes:
    """Return the HTTP response to a request that is not served: a page, if a person may have come to see it."""
    if status is HTTPStatus.BAD_REQUEST:
        return page_reply(Outcome.stray())
    return _reply(status, "text/plain", _REFUSALS.get(status, f"{status.phrase}.") + "\n", _REFUSAL_POLICY)


def _reply(status: HTTPStatus, media_type: str, text: str, policy: str) -> bytes:
    body = text.encode("utf-8", "replace")
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {media_type}; charset=utf-8",
        f"Content-Length: {len(body)}",
        f"Content-Security-Policy: {policy}",
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "X-Content-Type-Options: nosniff",
        "X-Frame-Options: DENY",
        "Connection: close",
    ]
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: GET, POST")  # RFC 9110 section 15.5.6
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
