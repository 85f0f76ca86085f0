"""The log of what was asked, for tests to read. Values are kept; `repr` shows none that is secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from azid.emulator.exchange import Reply

__all__ = ["RecordedRequest", "RequestLog", "error_of"]

_SECRET = frozenset({
    "assertion",
    "authorization",
    "claims",
    "client_assertion",
    "client_secret",
    "code",
    "code_challenge",
    "code_verifier",
    "cookie",
    "csrf",
    "device_code",
    "flow",
    "nonce",
    "password",
    "refresh_token",
    "state",
    "user_code",
})  # fmt: skip


def _redacted(values: Mapping[str, str]) -> dict[str, str]:
    return {key: "***" if key.lower() in _SECRET else value for key, value in values.items()}


@dataclass(frozen=True, repr=False)
class RecordedRequest:
    """One request that reached the emulator."""

    method: str
    url: str
    host: str
    """With its port, if the URL has one."""
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    status: int
    """HTTP status of the reply; 0 when the connection was cut instead."""
    endpoint: str
    """`authorize`, `token`, `devicecode`, `deviceauth`, `login`, `userrealm`, `openid_configuration`, `keys`,
    `instance`, `me`, `mex`, `usernamemixed`, `home`; of managed identities `app-service`, `azure-arc`, `azure-ml`,
    `cloud-shell`, `imds`, `service-fabric`; `pipelines`, `federated-token`; or `""` for a path that the emulator does
    not have."""
    error: str
    """What a JSON reply refused with: OAuth's error and Entra's code (`invalid_grant AADSTS50126`), or another name of
    an error. Empty for others."""

    def __repr__(self) -> str:
        return (
            f"RecordedRequest({self.method} {self.host}{self.path} -> {self.status}, endpoint={self.endpoint!r}, "
            f"query={_redacted(self.query)}, form={_redacted(self.form)})"
        )


def error_of(reply: Reply) -> str:
    """Return what a reply refused with, as `RecordedRequest.error` has it."""
    if reply.status < 400 or not any(
        name.lower() == "content-type" and value.startswith("application/json") for name, value in reply.headers
    ):
        return ""
    try:
        body = json.loads(reply.body)
        error = body["error"]
        if isinstance(error, dict):  # the protected resource's, Cloud Shell's, Service Fabric's
            return str(error["code"])
        return " ".join([str(error), *(f"AADSTS{code}" for code in body.get("error_codes", ()))])
    except (ValueError, LookupError, TypeError, AttributeError):  # a fault's own body, or another shape
        return ""


class RequestLog:
    """Requests in the order in which their replies went out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[RecordedRequest] = []

    def add(self, entry: RecordedRequest) -> None:
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> list[RecordedRequest]:
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
