"""Refresh token grant (RFC 6749 section 6), as Entra does it.

Each use issues a new token and leaves the old one valid. A token serves any resource and any tenant, and, for the
applications of the family, each of them. Source: Entra documentation, "Refresh tokens in the Microsoft identity
platform".
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace

from azid.clock import Clock
from azid.emulator.challenges import Challenges
from azid.emulator.directory import Directory, User
from azid.emulator.grants import TokenRequest
from azid.emulator.refusals import Refusal
from azid.emulator.tokens import Granted, SignIn

__all__ = ["RefreshTokenGrant"]

REFRESH_TOKEN_LIFETIME = 90 * 24 * 3600


@dataclass
class _RefreshToken:
    sign_in: SignIn
    expires_at: float
    revoked: bool = False


class RefreshTokenGrant:
    """Issues, redeems and revokes refresh tokens."""

    grant_type = "refresh_token"

    def __init__(self, clock: Clock, directory: Directory, challenges: Challenges) -> None:
        self._clock = clock
        self._directory = directory
        self._challenges = challenges
        self._lock = threading.Lock()
        self._tokens: dict[str, _RefreshToken] = {}

    def issue(self, sign_in: SignIn) -> str:
        """Return a new refresh token."""
        value = f"1.{secrets.token_urlsafe(64)}"
        with self._lock:
            self._tokens[value] = _RefreshToken(sign_in, self._clock.time() + REFRESH_TOKEN_LIFETIME)
        return value

    def redeem(self, request: TokenRequest) -> Granted:
        value = request.required("refresh_token")
        scopes = request.scopes().with_openid("offline_access")  # granted once, and so for each that follows
        claims = request.claims()
        with self._lock:
            token = self._tokens.get(value)
        if token is None:
            raise Refusal(9002313, "The refresh token is unknown.", error="invalid_grant")
        sign_in = token.sign_in
        if sign_in.client != request.client and not (sign_in.client.family and request.client.family):
            raise Refusal(70000, "The refresh token was issued to another application.")
        if token.revoked:
            raise Refusal(50173)
        if self._clock.time() >= token.expires_at:
            raise Refusal(700082)
        user = self._directory.user(sign_in.user.username)
        if not user.enabled:
            raise Refusal(50057)
        self._directory.check_refusals(user, "token", self.grant_type)
        if user.mfa and "mfa" not in sign_in.methods:
            raise Refusal(50076)
        self._challenges.check_refresh(sign_in, claims)
        if not self._directory.consented(user, request.client, scopes.resource):
            raise Refusal(65001)
        renewed = replace(sign_in, client=request.client)
        return Granted(renewed, scopes, claims, tenant_id=request.tenant.id_for(user))

    def revoke(self, user: User) -> None:
        """Take back every refresh token of a user."""
        with self._lock:
            for token in self._tokens.values():
                if token.sign_in.user.object_id == user.object_id:
                    token.revoked = True

    def revoke_sign_in(self, sign_in: SignIn) -> None:
        """Take back the refresh tokens that came from one sign-in."""
        with self._lock:
            for token in self._tokens.values():
                if token.sign_in.session_id == sign_in.session_id:
                    token.revoked = True

    def clear(self) -> None:
        with self._lock:
            self._tokens.clear()
