"""Resource owner password credentials grant (RFC 6749 section 4.3)."""

from __future__ import annotations

from azid.clock import Clock
from azid.emulator.directory import Directory
from azid.emulator.grants import TokenRequest
from azid.emulator.refusals import Refusal
from azid.emulator.tokens import Granted, SignIn

__all__ = ["PasswordGrant"]


class PasswordGrant:
    """Takes a username and a password; whatever needs a person is refused."""

    grant_type = "password"

    def __init__(self, clock: Clock, directory: Directory) -> None:
        self._clock = clock
        self._directory = directory

    def redeem(self, request: TokenRequest) -> Granted:
        username, password = request.required("username"), request.required("password")
        scopes = request.scopes()
        claims = request.claims()
        user = self._directory.user(username)
        self._directory.check_refusals(user, "token", self.grant_type)
        user = self._directory.authenticate(username, password)
        if user.mfa or claims.multifactor:
            raise Refusal(50076, claims=claims.text if claims.multifactor else "")
        if not self._directory.consented(user, request.client, scopes.resource):
            raise Refusal(65001)
        sign_in = SignIn(user, request.tenant.id_for(user), request.client, int(self._clock.time()))
        return Granted(sign_in, scopes, claims)

    def clear(self) -> None:
        """Nothing is kept."""
