"""The requests of two libraries, field by field."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.wire.recording_authority import Recorded

__all__ = ["Difference", "differences"]

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RANDOM: Final = {
    "query.state": ("state", re.compile(r"[\w-]{22}")),
    "query.nonce": ("nonce", re.compile(r"[0-9a-f]{64}")),
    "query.code_challenge": ("challenge", re.compile(r"[\w-]{43}")),
    "form.code_verifier": ("challenge", re.compile(r"[\w.~-]{43}")),
    "header.client-request-id": ("request id", _GUID),
    "header.x-client-last-telemetry": ("request id", _GUID),
    "header.x-ms-client-request-id": ("UUID", _GUID),
}
_REDIRECT_URI: Final = re.compile(r"(?<=^http://localhost:)\d+")
_PLATFORM: Final = re.compile(r"Python/\S+ \(.*\)")
_LENGTH: Final = "content-length"
"""Not compared: it follows from the form, whose random values have many lengths."""


@dataclass(frozen=True)
class Difference:
    """One field of one request that is not the same."""

    place: str
    """The scenario, the call and the endpoint, with a number if a call asks there more than once."""
    field: str
    """Such as ``form.scope``; ``request`` for a request that one library does not send at all."""
    azure_identity: str | None
    azid: str | None


def differences(
    azure_identity: Mapping[str, Sequence[Recorded]], azid: Mapping[str, Sequence[Recorded]]
) -> Iterator[Difference]:
    """Yield every difference between the requests of two libraries, by scenario.

    What is random counts as the same if it has the same shape and appears in the same places of one call: the answer's
    state, a code's verifier and its challenge (RFC 7636 section 4.6), a redirect URI in both requests, the request IDs.
    """
    for scenario in azure_identity.keys() | azid.keys():
        theirs, ours = _by_place(scenario, azure_identity[scenario]), _by_place(scenario, azid[scenario])
        for place in theirs.keys() | ours.keys():
            if place not in theirs or place not in ours:
                yield Difference(place, "request", *("sent" if place in sent else None for sent in (theirs, ours)))
                continue
            for field in theirs[place].keys() | ours[place].keys():
                pair = theirs[place].get(field), ours[place].get(field)
                if pair[0] != pair[1]:
                    yield Difference(place, field, *pair)
        if [place for place in theirs if place in ours] != [place for place in ours if place in theirs]:
            yield Difference(scenario, "order", ", ".join(theirs), ", ".join(ours))


def _by_place(scenario: str, recorded: Sequence[Recorded]) -> dict[str, dict[str, str]]:
    requests: dict[str, dict[str, str]] = {}
    names: dict[str, _Names] = {}
    for request in recorded:
        place = first = f"{scenario}: {request['call']}: {request['endpoint']}"
        number = 1
        while place in requests:
            number += 1
            place = f"{first} {number}"
        requests[place] = _fields(request, names.setdefault(request["call"], _Names()))
    return requests


def _fields(request: Recorded, names: _Names) -> dict[str, str]:
    fields = {
        "method": request["method"],
        "url": request["url"],
        "waited": f"{request['waited']:g} s",
        **{f"query.{name}": value for name, value in request["query"].items()},
        **{f"form.{name}": value for name, value in request["form"].items()},
        **{f"header.{name}": value for name, value in request["headers"].items() if name != _LENGTH},
    }
    return {field: _comparable(field, value, names) for field, value in fields.items()}


class _Names:
    """Names for the random values of one call: the same value has the same name."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}

    def name(self, kind: str, value: str) -> str:
        if kind == "UUID":  # every request has another
            return f"<{kind}>"
        values = self._values.setdefault(kind, [])
        if value not in values:
            values.append(value)
        return f"<{kind} {values.index(value) + 1}>"


def _comparable(field: str, value: str, names: _Names) -> str:
    """Return `value` with names in the place of what is random or the machine's."""
    if field.endswith(".redirect_uri"):
        return _REDIRECT_URI.sub(lambda port: names.name(_kind_of_port(int(port[0])), port[0]), value)
    if field == "header.user-agent":
        return _PLATFORM.sub("<platform>", value)
    if field == "form.client_assertion" and value.count(".") == 2:
        return _signed(value)
    if field not in _RANDOM:
        return value
    kind, shape = _RANDOM[field]
    if field == "form.code_verifier" and shape.fullmatch(value):
        digest = hashlib.sha256(value.encode()).digest()
        return f"verifier of {names.name(kind, base64.urlsafe_b64encode(digest).decode().rstrip('='))}"
    return shape.sub(lambda found: names.name(kind, found[0]), value)


def _kind_of_port(port: int) -> str:
    return "port of 8400 to 8999" if 8400 <= port < 9000 else "port"


_OF_THE_MOMENT: Final = ("jti", "iat", "nbf", "exp")
_OF_THE_CERTIFICATE: Final = ("x5t", "x5t#S256", "x5c")


def _signed(token: str) -> str:
    """Return what a JWT says, with names in the place of what each process's certificate and moment make of it."""
    header, claims = (json.loads(base64.urlsafe_b64decode(f"{part}===")) for part in token.split(".")[:2])
    lifetime = claims["exp"] - claims.get("nbf", claims.get("iat", 0))
    header |= {name: "<certificate>" for name in _OF_THE_CERTIFICATE if name in header}
    claims |= {name: "<moment>" for name in _OF_THE_MOMENT if name in claims}
    return json.dumps([header, claims, {"lifetime": lifetime}], sort_keys=True)
