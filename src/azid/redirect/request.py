"""Reading one HTTP/1.x request from bytes that arrive in any portions (RFC 9112).

Strict where lenience would let two readers disagree, and bounded: whatever is sent, the result is a request, the status
that refuses it, or the wish for more bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

__all__ = ["MAX_BODY", "MAX_HEAD", "Request", "RequestReader", "RequestRefused"]

MAX_HEAD = 64 * 1024
"""Bytes of request line and headers. Cookies are kept per host, not per port: a browser sends along whatever any other
program on `localhost` has left, which can be tens of kilobytes."""

MAX_BODY = 1024 * 1024
"""Bytes of body. A real authorization response has a few kilobytes."""

_END_OF_HEAD = b"\r\n\r\n"
# RFC 9112 section 3; the target in origin-form, section 3.2.1.
_REQUEST_LINE = re.compile(r"([A-Za-z]+) (/[\x21-\x7e]*) HTTP/1\.[01]")
# RFC 9110 section 5.6.2. A space before the colon and a folded line (RFC 9112 section 5) do not match.
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# RFC 9112 sections 3.2 and 6.3, RFC 9110 section 8.3.
_GIVEN_ONCE = frozenset({"host", "content-length", "content-type"})
_BEGINS_LIKE_A_REQUEST = re.compile(rb"[A-Za-z]")


@dataclass(frozen=True)
class Request:
    """A whole request. Its repr shows nothing that could be a secret."""

    method: str
    path: str
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)


class RequestRefused(Exception):  # noqa: N818
    """The request is not served.

    :param status: the status to refuse it with.
    """

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class _Head:
    request: Request
    size: int
    content_length: int


class RequestReader:
    """Collects the bytes of one connection until they are a request."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._head: _Head | None = None

    @property
    def has_begun(self) -> bool:
        """Whether any byte has arrived."""
        return bool(self._received)

    def feed(self, data: bytes) -> Request | None:
        """Take in more bytes.

        :param data: what was received, as it came.
        :returns: the request, or None as long as it is incomplete. Bytes after its end are passed over.
        :raises RequestRefused: as soon as it is clear that this becomes no acceptable request.
        """
        unseen = max(0, len(self._received) - len(_END_OF_HEAD) + 1)
        self._received += data
        if self._head is None:
            end = self._received.find(_END_OF_HEAD, unseen)
            if end > MAX_HEAD or (end < 0 and len(self._received) > MAX_HEAD):
                raise RequestRefused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            if self._received and not _BEGINS_LIKE_A_REQUEST.match(self._received):
                raise RequestRefused(HTTPStatus.BAD_REQUEST)  # a TLS handshake, most likely: let the browser know now
            if end < 0:
                return None
            self._head = _parse_head(bytes(self._received[:end]))
        head = self._head
        if len(self._received) < head.size + head.content_length:
            return None
        body = bytes(self._received[head.size : head.size + head.content_length])
        request = head.request
        return Request(request.method, request.path, request.query, request.headers, body)


def _parse_head(head: bytes) -> _Head:
    request_line, *field_lines = head.decode("latin-1").split("\r\n")
    line = _REQUEST_LINE.fullmatch(request_line)
    if line is None:
        raise RequestRefused(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for field_line in field_lines:
        name, _, value = field_line.partition(":")
        if not _FIELD_NAME.fullmatch(name) or _CONTROL.search(value):
            raise RequestRefused(HTTPStatus.BAD_REQUEST)
        name = name.lower()
        if name in headers and name in _GIVEN_ONCE:
            raise RequestRefused(HTTPStatus.BAD_REQUEST)
        headers[name] = value.strip(" \t")
    path, _, query = line[2].partition("?")
    request = Request(line[1], path, query, headers)
    return _Head(request, len(head) + len(_END_OF_HEAD), _content_length(headers))


def _content_length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise RequestRefused(HTTPStatus.LENGTH_REQUIRED)  # RFC 9112 section 6.3 allows to insist on a length
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise RequestRefused(HTTPStatus.BAD_REQUEST)
    digits = length.lstrip("0") or "0"
    if len(digits) > len(str(MAX_BODY)) or int(digits) > MAX_BODY:
        raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(digits)
