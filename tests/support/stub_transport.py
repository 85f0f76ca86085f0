"""A transport that answers from a script: what an application's own transport may be, and no more than that."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.core.rest import HttpRequest

__all__ = ["Reply", "StubTransport", "json_reply"]


@dataclass
class Reply:
    """A response with only the parts that users' own transports are known to give."""

    status_code: int
    body: str | Exception = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def text(self, encoding: str | None = None) -> str:
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


def json_reply(values: object, status_code: int = 200, **headers: str) -> Reply:
    """Return a reply of JSON. Underscores in the names of headers stand for hyphens."""
    return Reply(status_code, json.dumps(values), {name.replace("_", "-"): value for name, value in headers.items()})


class StubTransport:
    """Gives its replies in turn, and the last one again and again; raises those that are exceptions.

    :param replies: the replies; a function gets the request and returns the reply.
    """

    def __init__(self, *replies: Reply | Exception | Callable[[HttpRequest], Reply]) -> None:
        self._replies = list(replies)
        self.requests: list[HttpRequest] = []
        self.options: list[dict[str, Any]] = []
        self.sleeps: list[float] = []
        self._slept: defaultdict[int, float] = defaultdict(float)
        self.entered = 0
        self.exits: list[tuple[Any, ...]] = []

    def send(self, request: HttpRequest, **options: Any) -> Reply:
        self.requests.append(request)
        self.options.append(options)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Reply) else reply(request)

    def sleep(self, duration: float) -> None:
        self.sleeps.append(duration)
        self._slept[len(self.requests)] += duration

    @property
    def waits(self) -> list[float]:
        """For how many seconds it has slept between two requests, wherever it did. It may be woken up in between."""
        return [round(seconds, 6) for _, seconds in sorted(self._slept.items())]

    def __enter__(self) -> StubTransport:
        self.entered += 1
        return self

    def __exit__(self, *details: Any) -> None:
        self.exits.append(details)
