"""The tokens: signed, with the claims Entra puts in, and the token endpoint's successful reply.

Sources: Entra documentation, "Access token claims reference" (v1.0 tokens) and "ID token claims reference"; RFC 6749
section 5.1; RFC 7519.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from azid.clock import Clock
from azid.emulator.applications import Client
from azid.emulator.claims import ClaimsRequest
from azid.emulator.client_authentication import Proof
from azid.emulator.directory import User
from azid.emulator.scopes import Scopes
from azid.emulator.signer import Signer, base64url, in_time

__all__ = ["Granted", "GrantedToApplication", "ServicePrincipal", "SignIn", "TokenIssuer"]

CONTINUOUS_ACCESS_LIFETIME = 24 * 3600
_REFRESH_IN_FROM = 2 * 3600
_ID_TOKEN_LIFETIME = 3600


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


@dataclass(frozen=True)
class ServicePrincipal:
    """Who a token without a person is about: an application in a tenant, or a managed identity."""

    client_id: str
    object_id: str
    tenant_id: str
    resource_id: str = ""
    """Of a managed identity: its name in Azure Resource Manager, or that of the machine it belongs to."""


@dataclass(frozen=True)
class GrantedToApplication:
    """What a grant allows to be issued to an application itself."""

    principal: ServicePrincipal
    resource: str
    claims: ClaimsRequest = field(default_factory=ClaimsRequest)


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
        self,
        granted: Granted,
        client: Client,
        host: str,
        *,
        proof: Proof,
        client_info: bool,
        refresh_token: str | None,
    ) -> dict[str, object]:
        """Return the JSON reply (RFC 6749 section 5.1, OpenID Connect Core 3.1.3.3).

        :param host: the authority's host, for the id token's issuer.
        :param proof: what the client proved itself with.
        :param client_info: whether the client asked for `client_info`.
        """
        user = granted.sign_in.user
        lifetime = self._lifetime_for(granted.claims)
        reply = self._bearer(self.person_token(granted, client, proof=proof, lifetime=lifetime), lifetime)
        reply["scope"] = granted.scopes.reply(with_default=self._default_scope_in_reply)
        if "openid" in granted.scopes.openid:
            reply["id_token"] = self._id_token(granted, client, host)
        if refresh_token is not None:
            reply["refresh_token"] = refresh_token
            if client.family:
                reply["foci"] = "1"
        if client_info:
            account = {"uid": user.object_id, "utid": user.tenant_id}
            reply["client_info"] = base64url(json.dumps(account, separators=(",", ":")).encode())
        return reply

    def reply_to_application(self, granted: GrantedToApplication, proof: Proof) -> dict[str, object]:
        """Return the JSON reply to an application that asked for itself (RFC 6749 section 4.4.3)."""
        lifetime = self._lifetime_for(granted.claims)
        token = self.application_token(granted, proof=proof, lifetime=lifetime)
        return self._bearer(token, lifetime)

    def application_token(self, granted: GrantedToApplication, *, proof: Proof, lifetime: int) -> str:
        """Return an access token that is about nobody but the application.

        :param lifetime: seconds.
        """
        principal = granted.principal
        claims: dict[str, object] = {
            **self._times(),
            "aud": granted.resource,
            "iss": f"https://sts.windows.net/{principal.tenant_id}/",
            "exp": int(self._clock.time()) + lifetime,
            "appid": principal.client_id,
            "appidacr": proof.value,
            "idtyp": "app",
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": principal.tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }
        if principal.resource_id:
            claims["xms_mirid"] = principal.resource_id
        return self._signer.sign(_with_requested(claims, granted.claims, granted.claims.acrs))

    def check(self, token: str, audiences: tuple[str, ...]) -> dict[str, Any] | None:
        """Return an access token's claims if a resource may accept it: signature, audience, lifetime."""
        claims = self._signer.verified(token)
        if claims is None or str(claims.get("aud")).rstrip("/") not in audiences:
            return None
        return claims if in_time(claims, self._clock.time()) else None

    def _lifetime_for(self, claims: ClaimsRequest) -> int:
        return CONTINUOUS_ACCESS_LIFETIME if claims.continuous_access else self._lifetime

    def _bearer(self, access_token: str, lifetime: int) -> dict[str, object]:
        reply: dict[str, object] = {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": access_token,
        }
        if lifetime >= _REFRESH_IN_FROM:
            reply["refresh_in"] = lifetime // 2
        return reply

    def _times(self) -> dict[str, object]:
        now = int(self._clock.time())
        return {"iat": now, "nbf": now}

    def _identity(self, granted: Granted, client: Client) -> dict[str, object]:
        user = granted.sign_in.user
        tenant_id = granted.tenant_id or granted.sign_in.tenant_id
        object_id = user.object_id_in(tenant_id)
        return {
            **self._times(),
            "name": user.name,
            "oid": object_id,
            "sub": base64url(hashlib.sha256(f"{client.client_id} {object_id}".encode()).digest()),  # pairwise
            "tid": tenant_id,
            "uti": secrets.token_urlsafe(16),
        }

    def person_token(self, granted: Granted, client: Client, *, proof: Proof, lifetime: int) -> str:
        """Return an access token that is about a person.

        :param lifetime: seconds.
        """
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
            "appidacr": proof.value,
            "idtyp": "user",
            "scp": " ".join(granted.scopes.granted),
            "unique_name": sign_in.user.username,
            "upn": sign_in.user.username,
            "ver": "1.0",
        }
        return self._signer.sign(_with_requested(claims, granted.claims, sign_in.acrs | granted.claims.acrs))

    def _id_token(self, granted: Granted, client: Client, host: str) -> str:
        identity = self._identity(granted, client)
        claims = {
            **identity,
            "aud": client.client_id,
            "iss": f"https://{host}/{identity['tid']}/v2.0",
            "exp": int(self._clock.time()) + _ID_TOKEN_LIFETIME,
            "preferred_username": granted.sign_in.user.username,
            "ver": "2.0",
        }
        if granted.nonce is not None:
            claims["nonce"] = granted.nonce  # OpenID Connect Core 3.1.2.1
        return self._signer.sign(claims)


def _with_requested(claims: dict[str, object], request: ClaimsRequest, acrs: frozenset[str]) -> dict[str, object]:
    """Return an access token's claims with those that the request, or the sign-in, adds."""
    if request.continuous_access:
        claims["xms_cc"] = ["CP1"]
    if acrs:
        claims["acrs"] = sorted(acrs)
    return claims
