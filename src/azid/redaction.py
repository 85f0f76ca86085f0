"""Keeping secrets out of logs and errors.

MSAL and azure-core log what they send and receive at DEBUG, and MSAL quotes values in its exceptions. While azid talks
to an authority it knows every secret that passes; whatever is logged or raised meanwhile is searched for them.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import quote, quote_plus

__all__ = ["Secrets", "filter_loggers", "guarded_secrets", "withhold_details"]

_MASK: Final = "***"
# The secret parameters of requests and replies: RFC 6749 sections 4 to 6, RFC 7521, RFC 7636, RFC 8628, OpenID Connect;
# what Azure Pipelines calls its assertions.
_SECRET_NAMES: Final = frozenset(
    {
        *("access_token", "assertion", "claims", "client_assertion", "client_info", "client_secret", "code"),
        *("code_challenge", "code_verifier", "device_code", "id_token", "nonce", "oidcToken", "password"),
        *("refresh_token", "state", "user_code"),
    }
)


_SECRET_MEMBER: Final = rf'"(?:{"|".join(sorted(_SECRET_NAMES))})"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"'
_XML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
"""How WS-Trust's envelopes, which are logged as bytes, hold a password. The standard library's way loads its HTTP."""
_LONGEST_BODY: Final = 1 << 20
"""Characters. A longer body is no token response: all of it counts as one secret."""


class Secrets:
    """The secrets that are known at the moment. They are taken apart only when something is told."""

    def __init__(self) -> None:
        self._values: list[str] = []
        self._bodies: list[str] = []
        self._spellings: set[str] = set()

    def add(self, *values: object) -> None:
        """Keep the texts and bytes among `values` from being told, however they are quoted."""
        for value in values:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if isinstance(text, str) and text:
                self._values.append(text)

    def add_parameters(self, parameters: Mapping[Any, Any]) -> None:
        """Keep the secret ones of a request's or a reply's parameters from being told."""
        self.add(*(value for name, value in parameters.items() if name in _SECRET_NAMES))

    def add_body(self, text: str) -> None:
        """Keep the secrets of a reply's body from being told: all of it where it is no JSON object."""
        self._bodies.append(text)

    def redact(self, text: str) -> str:
        """Return `text` with asterisks in place of every known secret."""
        while self._bodies:
            self._take_apart(self._bodies.pop())
        while self._values:
            self._spellings.update(_spellings(self._values.pop()))
        for spelling in sorted(self._spellings, key=len, reverse=True):
            text = text.replace(spelling, _MASK)
        return text

    def _take_apart(self, body: str) -> None:
        try:
            parameters = json.loads(body) if len(body) <= _LONGEST_BODY else None
        except (ValueError, RecursionError):
            parameters = None
        if isinstance(parameters, dict):
            self.add_parameters(parameters)
            # As they are written there: JSON has many spellings of one text, and objects can be nested.
            self._spellings.update(filter(None, re.findall(_SECRET_MEMBER, body)))
        elif body:
            self._spellings.add(body)


def _spellings(value: str) -> tuple[str, ...]:
    """Return the ways in which `value` may be quoted."""
    in_json, in_xml = json.dumps(value)[1:-1], value.translate(_XML)
    return (
        *(value, in_json, json.dumps(value, ensure_ascii=False)[1:-1], in_json.replace("/", "\\/")),
        *(json.dumps(in_json)[1:-1], repr(value)[1:-1], quote(value), quote(value, safe=""), quote_plus(value)),
        *(in_xml, repr(in_xml.encode("utf-8", "replace"))[2:-1]),
    )


_current: ContextVar[Secrets | None] = ContextVar("azid_secrets", default=None)


@contextmanager
def guarded_secrets(*values: object) -> Iterator[Secrets]:
    """Keep `values`, and what is added later, out of what this context logs until the block ends."""
    secrets = _current.get()
    if secrets is not None:
        secrets.add(*values)
        yield secrets
        return
    secrets = Secrets()
    secrets.add(*values)
    token = _current.set(secrets)
    try:
        yield secrets
    finally:
        _current.reset(token)


class _RedactingFilter(logging.Filter):
    """Redacts records that are logged within `guarded_secrets`, and leaves all others as they are."""

    def filter(self, record: logging.LogRecord) -> bool:
        secrets = _current.get()
        if secrets is not None:
            try:
                message = record.getMessage()
            except (KeyError, TypeError, ValueError):  # its arguments do not fit, which logging tells its author
                message = str(record.msg)
            record.msg, record.args = secrets.redact(message), None
            if record.exc_info:
                record.exc_text = secrets.redact(logging.Formatter().formatException(record.exc_info))
                record.exc_info = None
        return True


_FILTER: Final = _RedactingFilter()


def filter_loggers(*prefixes: str) -> None:
    """Redact what the existing loggers at and below `prefixes` log: a logger's filter is not its children's."""
    for name in tuple(logging.root.manager.loggerDict):
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes):
            logging.getLogger(name).addFilter(_FILTER)


def withhold_details(name: str) -> None:
    """Keep what the logger `name` says at DEBUG from being told at all.

    For code that logs from threads of its own, where nobody can tell which secrets are passing.
    """
    logging.getLogger(name).addFilter(_above_debug)


def _above_debug(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG
