"""The tokens: signed, with the claims Entra puts in, and the token endpoint's successful reply.

Sources: Entra documentation, "Access token claims reference" (v1.0 tokens) and "ID token claims reference"; RFC 6749
section 5.1; RFC 7519.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from azid.clock import Clock
from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import Client, User
from azid.emulator.scopes import Scopes

__all__ = ["Granted", "SignIn", "Signer", "TokenIssuer"]

CONTINUOUS_ACCESS_LIFETIME = 24 * 3600
_REFRESH_IN_FROM = 2 * 3600
_CLOCK_SKEW = 300


@functools.cache
def _signing_key() -> RSAKey:
    # One a process: making it takes longer than everything else an emulator does at start.
    return RSAKey.generate_key(2048, parameters={"use": "sig"}, auto_kid=True)


def base64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class SignIn:
    """What a person proved, once: refresh tokens remember it."""

    user: User
    tenant_id: str
    client: Client
    at: int
    """Seconds since the epoch."""
    methods: tuple[str, ...] = ("pwd",)
    """As in `amr` (RFC 8176)."""
    acrs: frozenset[str] = frozenset()
    """Authentication contexts it satisfied."""
    session_id: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)


@dataclass(frozen=True)
class Granted:
    """What a grant allows to be issued."""

    sign_in: SignIn
    scopes: Scopes
    claims: ClaimsRequest = field(default_factory=ClaimsRequest)
    nonce: str | None = field(default=None, repr=False)
    tenant_id: str | None = None
    """Where the tokens are for another tenant than the sign-in's."""


class Signer:
    """Signs and checks JWTs with the process's RSA key (RS256)."""

    def sign(self, claims: Mapping[str, object]) -> str:
        key = _signing_key()
        header = {"alg": "RS256", "typ": "JWT", "kid": key.kid}
        return jwt.encode(header, dict(claims), key)

    def verified(self, token: str) -> dict[str, Any] | None:
        """Return the claims, or None when this emulator did not sign them. Lifetimes are not looked at."""
        try:
            return dict(jwt.decode(token, _signing_key(), algorithms=["RS256"]).claims)
        except (JoseError, ValueError):
            return None

    def resign(self, token: str, changes: Mapping[str, object]) -> str:
        """Return the token with claims changed (None removes one) and a fresh signature."""
        claims = {**(self.verified(token) or {}), **changes}
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def public_keys(self) -> dict[str, object]:
        """Return the JWK set (RFC 7517 section 5)."""
        return {"keys": [{**_signing_key().as_dict(private=False), "alg": "RS256"}]}


class TokenIssuer:
    """Makes the replies of the token endpoint.

    :param access_token_lifetime: seconds; clients that handle continuous access evaluation get 24 hours instead.
    :param default_scope_in_reply: whether a request for `.default` finds it among the granted scopes.
    """

    def __init__(
        self, clock: Clock, signer: Signer, access_token_lifetime: int, *, default_scope_in_reply: bool
    ) -> None:
        self._clock = clock
        self._signer = signer
        self._lifetime = access_token_lifetime
        self._default_scope_in_reply = default_scope_in_reply

    def reply(
        self, granted: Granted, client: Client, host: str, *, client_info: bool, refresh_token: str | None
    ) -> dict[str, object]:
        """Return the JSON reply (RFC 6749 section 5.1, OpenID Connect Core 3.1.3.3).

        :param host: the authority's host, for the id token's issuer.
        :param client_info: whether the client asked for `client_info`.
        """
        user = granted.sign_in.user
        lifetime = CONTINUOUS_ACCESS_LIFETIME if granted.claims.continuous_access else self._lifetime
        reply: dict[str, object] = {
            "token_type": "Bearer",
            "scope": granted.scopes.reply(with_default=self._default_scope_in_reply),
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._access_token(granted, client, lifetime),
            "id_token": self._id_token(granted, client, host),
        }
        if lifetime >= _REFRESH_IN_FROM:
            reply["refresh_in"] = lifetime // 2
        if refresh_token is not None:
            reply["refresh_token"] = refresh_token
            if client.family:
                reply["foci"] = "1"
        if client_info:
            account = {"uid": user.object_id, "utid": user.tenant_id}
            reply["client_info"] = base64url(json.dumps(account, separators=(",", ":")).encode())
        return reply

    def _identity(self, granted: Granted, client: Client) -> dict[str, object]:
        user = granted.sign_in.user
        tenant_id = granted.tenant_id or granted.sign_in.tenant_id
        now = int(self._clock.time())
        object_id = user.object_id_in(tenant_id)
        return {
            "iat": now,
            "nbf": now,
            "name": user.name,
            "oid": object_id,
            "sub": base64url(hashlib.sha256(f"{client.client_id} {object_id}".encode()).digest()),  # pairwise
            "tid": tenant_id,
            "uti": secrets.token_urlsafe(16),
        }

    def _access_token(self, granted: Granted, client: Client, lifetime: int) -> str:
        sign_in = granted.sign_in
        identity = self._identity(granted, client)
        claims = {
            **identity,
            "aud": granted.scopes.resource,
            "iss": f"https://sts.windows.net/{identity['tid']}/",
            "exp": int(self._clock.time()) + lifetime,
            "acr": "1",
            "amr": list(sign_in.methods),
            "appid": client.client_id,
            "appidacr": "0",
            "idtyp": "user",
            "scp": " ".join(granted.scopes.granted),
            "unique_name": sign_in.user.username,
            "upn": sign_in.user.username,
            "ver": "1.0",
        }
        if granted.claims.continuous_access:
            claims["xms_cc"] = ["CP1"]
        acrs = sign_in.acrs | granted.claims.acrs
        if acrs:
            claims["acrs"] = sorted(acrs)
        return self._signer.sign(claims)

    def _id_token(self, granted: Granted, client: Client, host: str) -> str:
        identity = self._identity(granted, client)
        claims = {
            **identity,
            "aud": client.client_id,
            "iss": f"https://{host}/{identity['tid']}/v2.0",
            "exp": int(self._clock.time()) + 3600,
            "preferred_username": granted.sign_in.user.username,
            "ver": "2.0",
        }
        if granted.nonce is not None:
            claims["nonce"] = granted.nonce  # OpenID Connect Core 3.1.2.1
        return self._signer.sign(claims)

    def check(self, token: str, audiences: tuple[str, ...]) -> dict[str, Any] | None:
        """Return an access token's claims if a resource may accept it: signature, audience, lifetime."""
        claims = self._signer.verified(token)
        if claims is None or str(claims.get("aud")).rstrip("/") not in audiences:
            return None
        now = self._clock.time()
        if not (claims.get("nbf", now) <= now + _CLOCK_SKEW and now < claims.get("exp", 0)):
            return None
        return claims
