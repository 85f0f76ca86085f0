"""A token's claims, decoded and told in words. Nothing is verified: that is for whom the token is meant."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timezone, tzinfo
from typing import Any, Final

__all__ = ["decode", "duration", "explain", "moment"]

_MEANINGS: Final[Mapping[str, str]] = {
    "aud": "audience: whom the token is for",
    "iss": "issuer: who made the token",
    "tid": "tenant that the token is of",
    "oid": "object ID of the account in that tenant",
    "upn": "user name",
    "preferred_username": "user name, as shown to people",
    "unique_name": "user name, as shown to people",
    "name": "display name",
    "email": "e-mail address",
    "sub": "subject: the account, as this application knows it",
    "idtyp": "whose token it is",
    "appid": "application that asked for the token",
    "azp": "application that asked for the token",
    "scp": "scopes: what the application may do for the person",
    "roles": "application roles of the account",
    "wids": "directory roles of the account",
    "groups": "groups of the account",
    "acr": "authentication context class: 1 where a person signed in",
    "acrs": "authentication contexts that the sign-in satisfied",
    "amr": "authentication methods",
    "auth_time": "when the person signed in",
    "iat": "issued at",
    "nbf": "not valid before",
    "exp": "expires",
    "xms_cc": "client capabilities: cp1 means continuous access evaluation",
    "ipaddr": "address that the person signed in from",
    "ver": "version of the token's form",
}
"""In the order in which people look for them. Sources: RFC 7519 section 4.1; Entra documentation, "Access token claims
reference"."""
_TIMES: Final = frozenset({"auth_time", "exp", "iat", "nbf"})
_METHODS: Final[Mapping[str, str]] = {  # RFC 8176 section 2, and Entra's own
    "face": "face",
    "fido": "FIDO2 key",
    "fpt": "fingerprint",
    "hwk": "hardware key",
    "mfa": "several factors",
    "ngcmfa": "several factors",
    "otp": "one-time code",
    "pin": "PIN",
    "pwd": "password",
    "rsa": "certificate or device key",
    "sms": "text message",
    "swk": "software key",
    "tel": "telephone",
    "wia": "Windows sign-in",
}


def decode(token: str) -> dict[str, Any] | None:
    """Return what a JWT (RFC 7519) claims, unverified; None for a token that is none and tells nothing."""
    try:
        header, payload, _ = token.split(".")
        if not isinstance(_part(header), dict):
            return None
        claims = _part(payload)
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _part(text: str) -> Any:
    return json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))


def explain(claims: Mapping[str, Any], *, now: float, zone: tzinfo | None = None) -> list[tuple[str, str, str]]:
    """Return each claim's name, its value as text, and what it means: those that people look for first.

    :param claims: the claims.
    :param now: the time, in seconds since the epoch.
    :param zone: the time zone to tell times in. Defaults to the person's.
    """
    known = [name for name in _MEANINGS if name in claims]
    others = sorted(set(claims) - set(known))
    return [(name, _told(name, claims[name], now, zone), _MEANINGS.get(name, "")) for name in (*known, *others)]


def _told(name: str, value: object, now: float, zone: tzinfo | None) -> str:
    if name in _TIMES and isinstance(value, int | float):
        return moment(value, now=now, zone=zone)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        words = [_METHODS[item] for item in value if item in _METHODS] if name == "amr" else []
        return ", ".join(value) + (f" ({', '.join(words)})" if words else "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def moment(seconds: float, *, now: float, zone: tzinfo | None = None) -> str:
    """Return a time in words: the local date and time, and how far away it is.

    :param seconds: the time, in seconds since the epoch.
    :param now: the present time.
    :param zone: the time zone to tell it in. Defaults to the person's.
    """
    try:
        at = datetime.fromtimestamp(seconds, timezone.utc).astimezone(zone).isoformat(" ", "seconds")
    except (OSError, OverflowError, ValueError):  # centuries away
        return str(seconds)
    away = round(seconds - now)
    return f"{at}, " + (f"in {duration(away)}" if away > 0 else f"{duration(-away)} ago" if away < 0 else "now")


def duration(seconds: int) -> str:
    """Return a length of time in its two largest units, rounded down: ``47 min``, ``1 h 5 min``, ``2 d 3 h``."""
    if seconds < 60:
        return f"{seconds} s"
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    first = next(index for index, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)
