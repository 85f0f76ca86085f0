"""One request and its reply, the same whether they came over a socket or in process."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from werkzeug.datastructures import Headers

__all__ = ["ConnectionCut", "JSONReply", "Reply", "ReplyTooLate", "Request"]

JSONReply = tuple[int, Mapping[str, object], Mapping[str, str]]
"""Status, JSON body, headers."""


class ConnectionCut(Exception):  # noqa: N818 - what happens, not an error of the emulator's
    """The connection is to be closed without a reply."""


class ReplyTooLate(Exception):  # noqa: N818
    """The caller's read timeout has passed."""


@dataclass
class Request:
    """A request as it arrived.

    :param read_timeout: seconds the caller waits for a reply, where that is known (in process).
    """

    method: str
    url: str = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    read_timeout: float | None = None

    @cached_property
    def parts(self) -> urllib.parse.SplitResult:
        return urllib.parse.urlsplit(self.url)

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.parts.query, keep_blank_values=True))

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a form body; empty for another kind of body."""
        if not self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            return {}
        return dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass
class Reply:
    """A reply as it will be sent."""

    status: int
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)
    cut: bool = False
    """Send half of the body under its full length, then close."""

    def set_header(self, name: str, value: str) -> None:
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()] + [(name, value)]

    @property
    def sent(self) -> bytes:
        """The part of the body that really goes out."""
        return self.body[: len(self.body) // 2] if self.cut else self.body
