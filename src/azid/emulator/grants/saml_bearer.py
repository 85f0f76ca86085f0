"""SAML bearer assertion grant (RFC 7522; the SAML 1.1 kind is Microsoft's): how federated users' sign-ins end."""

from __future__ import annotations

import base64
import binascii
import secrets
import threading

from azid.clock import Clock
from azid.emulator.directory import Directory, User
from azid.emulator.grants import TokenRequest
from azid.emulator.refusals import Refusal
from azid.emulator.tokens import Granted, SignIn

__all__ = ["SamlBearerGrant"]

ASSERTION_LIFETIME = 600


class SamlBearerGrant:
    """Redeems the assertions that the emulator's own federation server handed out.

    The assertion is unsigned: what makes it good is that its id, a secret, is known here.
    """

    grant_type = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"

    def __init__(self, clock: Clock, directory: Directory) -> None:
        self._clock = clock
        self._directory = directory
        self._lock = threading.Lock()
        self._assertions: dict[str, tuple[str, float]] = {}

    def issue(self, user: User) -> str:
        """Return the id of a new assertion about a user."""
        identifier = f"_{secrets.token_hex(32)}"
        with self._lock:
            self._assertions[identifier] = (user.username, self._clock.time() + ASSERTION_LIFETIME)
        return identifier

    def redeem(self, request: TokenRequest) -> Granted:
        assertion = request.required("assertion")
        scopes = request.scopes()
        claims = request.claims()
        try:
            document = base64.urlsafe_b64decode(assertion + "=" * (-len(assertion) % 4)).decode()
        except (binascii.Error, ValueError):
            raise Refusal(9002313, "The assertion is not base64url.", error="invalid_grant") from None
        _, _, rest = document.partition('AssertionID="')
        with self._lock:
            username, expires_at = self._assertions.pop(rest.partition('"')[0], ("", 0.0))
        if self._clock.time() >= expires_at:
            raise Refusal(70000, "The assertion is unknown, was used before, or has expired.")
        user = self._directory.user(username)
        self._directory.check_refusals(user, "token", self.grant_type)
        if user.mfa or claims.multifactor:
            raise Refusal(50076)
        if not self._directory.consented(user, request.client, scopes.resource):
            raise Refusal(65001)
        sign_in = SignIn(user, request.tenant.id_for(user), request.client, int(self._clock.time()))
        return Granted(sign_in, scopes, claims)

    def clear(self) -> None:
        with self._lock:
            self._assertions.clear()
