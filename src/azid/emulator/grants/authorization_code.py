"""Authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636), which confidential clients may do without."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field

from azid.clock import Clock
from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import Directory
from azid.emulator.grants import TokenRequest
from azid.emulator.grants.refresh_token import RefreshTokenGrant
from azid.emulator.refusals import Refusal
from azid.emulator.scopes import Scopes
from azid.emulator.signer import base64url
from azid.emulator.tokens import Granted, SignIn

__all__ = ["AuthorizationCodeGrant"]

CODE_LIFETIME = 600  # RFC 6749 section 4.1.2 recommends ten minutes at most


@dataclass
class _Code:
    sign_in: SignIn
    scopes: Scopes
    claims: ClaimsRequest
    redirect_uri: str
    code_challenge: str = field(repr=False)
    nonce: str | None = field(repr=False)
    expires_at: float
    redeemed: bool = False


class AuthorizationCodeGrant:
    """Issues codes to the pages and redeems each once."""

    grant_type = "authorization_code"

    def __init__(self, clock: Clock, directory: Directory, refresh_tokens: RefreshTokenGrant) -> None:
        self._clock = clock
        self._directory = directory
        self._refresh_tokens = refresh_tokens
        self._lock = threading.Lock()
        self._codes: dict[str, _Code] = {}

    def issue(
        self,
        sign_in: SignIn,
        *,
        scopes: Scopes,
        claims: ClaimsRequest,
        redirect_uri: str,
        code_challenge: str,
        nonce: str | None,
    ) -> str:
        """Return a code for a completed sign-in."""
        code = f"1.{secrets.token_urlsafe(48)}"
        expires_at = self._clock.time() + CODE_LIFETIME
        with self._lock:
            self._codes[code] = _Code(sign_in, scopes, claims, redirect_uri, code_challenge, nonce, expires_at)
        return code

    def redeem(self, request: TokenRequest) -> Granted:
        value = request.required("code")
        redirect_uri = request.required("redirect_uri")
        verifier = request.required("code_verifier") if request.client.public else request.form.get("code_verifier", "")
        scopes = request.scopes()
        claims = request.claims()
        with self._lock:
            code = self._codes.get(value)
            if code is None:
                raise Refusal(9002313, "The authorization code is unknown.", error="invalid_grant")
            if code.redeemed:
                # RFC 6749 section 4.1.2: a second use should take back what the first one got.
                self._refresh_tokens.revoke_sign_in(code.sign_in)
                raise Refusal(54005)
            code.redeemed = True  # whatever follows: a code that met a wrong verifier is spent
        if self._clock.time() >= code.expires_at:
            raise Refusal(70008)
        if code.sign_in.client != request.client:
            raise Refusal(70000, "The code was issued to another application.")
        if code.redirect_uri != redirect_uri:
            raise Refusal(50011, "It differs from the one the code was asked for with.", error="invalid_grant")
        # RFC 7636 section 4.6. A verifier without a challenge is refused, too (RFC 9700 section 4.8.2).
        challenge = base64url(hashlib.sha256(verifier.encode()).digest()) if verifier else ""
        if not hmac.compare_digest(challenge.encode(), code.code_challenge.encode()):
            raise Refusal(501481)
        if scopes.resource != code.scopes.resource:
            raise Refusal(28000, "The code was asked for with another resource.")
        self._directory.check_refusals(code.sign_in.user, "token", self.grant_type)
        scopes = scopes.with_openid(*code.scopes.openid)
        return Granted(code.sign_in, scopes, claims if claims.text else code.claims, nonce=code.nonce)

    def clear(self) -> None:
        with self._lock:
            self._codes.clear()
