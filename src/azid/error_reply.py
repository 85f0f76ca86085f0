"""An authority's reply to a request that failed, as an error carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ErrorReply"]


@dataclass(frozen=True)
class ErrorReply:
    """What the authority answered to the request that failed, without the request and without secrets.

    It has the parts of azure-core's `HttpResponse` that error handlers read.
    """

    status_code: int
    """The HTTP status."""
    reason: str | None
    """The HTTP reason phrase."""
    headers: Mapping[str, str] = field(repr=False)
    """The reply's headers."""
    content_type: str | None
    """The reply's media type."""
    body: str = field(repr=False)
    """The reply's text, redacted."""

    def text(self, encoding: str | None = None) -> str:  # noqa: ARG002 - azure-core's signature
        """Return the reply's text, redacted."""
        return self.body
