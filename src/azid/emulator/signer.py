"""Signed tokens: JWTs with RS256 (RFC 7519, RFC 7518 section 3.3), and when they are good."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

__all__ = ["Signer", "base64url", "in_time"]

_CLOCK_SKEW = 300  # seconds, that Entra allows


@functools.cache
def _signing_key(owner: str) -> RSAKey:  # noqa: ARG001 - each has its own
    # One a process: making it takes longer than everything else an emulator does at start.
    return RSAKey.generate_key(2048, parameters={"use": "sig"}, auto_kid=True)


def base64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def in_time(claims: Mapping[str, Any], now: float) -> bool:
    """Return whether a token has begun (`nbf`) and has not expired (`exp`, which it must have).

    :param now: seconds since the epoch.
    """
    begins, ends = claims.get("nbf", now), claims.get("exp")
    if not (isinstance(begins, (int, float)) and isinstance(ends, (int, float))):
        return False
    return begins <= now + _CLOCK_SKEW and now < ends


class Signer:
    """Signs and checks JWTs with an RSA key of the process.

    :param owner: whose key: the authority's, or the one of the workloads' issuers that the emulator plays.
    """

    def __init__(self, owner: Literal["authority", "workloads"] = "authority") -> None:
        self._owner = owner

    @property
    def _key(self) -> RSAKey:
        return _signing_key(self._owner)

    def sign(self, claims: Mapping[str, object]) -> str:
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key.kid}
        return jwt.encode(header, dict(claims), self._key)

    def verified(self, token: str) -> dict[str, Any] | None:
        """Return the claims, or None when they were not signed here. Lifetimes are not looked at."""
        try:
            return dict(jwt.decode(token, self._key, algorithms=["RS256"]).claims)
        except (JoseError, ValueError):
            return None

    def resign(self, token: str, changes: Mapping[str, object]) -> str:
        """Return the token with claims changed (None removes one) and a fresh signature."""
        claims = {**(self.verified(token) or {}), **changes}
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def public_keys(self) -> dict[str, object]:
        """Return the JWK set (RFC 7517 section 5)."""
        return {"keys": [{**self._key.as_dict(private=False), "alg": "RS256"}]}
