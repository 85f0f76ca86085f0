"""Device authorization grant (RFC 8628)."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field

from azid.clock import Clock
from azid.emulator.applications import Client
from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import Directory, Tenant
from azid.emulator.grants import TokenRequest
from azid.emulator.refusals import Refusal
from azid.emulator.scopes import Scopes
from azid.emulator.tokens import Granted, SignIn

__all__ = ["DeviceCode", "DeviceCodeGrant"]

_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 section 6.1: no vowels, nothing that looks like something else
_USER_CODE_LENGTH = 9
_SLOW_DOWN_STEP = 5  # RFC 8628 section 3.5
_TOLERANCE = 0.05  # of a poll that came early only because two clocks differ


@dataclass
class DeviceCode:
    """A device's request that waits for its person."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    client: Client
    tenant: Tenant
    scopes: Scopes
    claims: ClaimsRequest
    expires_at: float
    interval: float
    sign_in: SignIn | None = None
    refusal: Refusal | None = None
    polled_at: float | None = None
    redeemed: bool = False


class DeviceCodeGrant:
    """Issues device codes, lets the pages decide on them, answers the polls.

    :param interval: seconds between polls.
    :param lifetime: seconds a code is good for.
    """

    grant_type = "urn:ietf:params:oauth:grant-type:device_code"

    def __init__(self, clock: Clock, directory: Directory, interval: int, lifetime: int) -> None:
        self._clock = clock
        self._directory = directory
        self.interval = interval
        self.lifetime = lifetime
        self._lock = threading.Lock()
        self._codes: dict[str, DeviceCode] = {}

    def issue(self, client: Client, tenant: Tenant, scopes: Scopes, claims: ClaimsRequest) -> DeviceCode:
        """Return a new code (RFC 8628 section 3.2)."""
        code = DeviceCode(
            device_code=secrets.token_urlsafe(48),
            user_code="".join(secrets.choice(_ALPHABET) for _ in range(_USER_CODE_LENGTH)),
            client=client,
            tenant=tenant,
            scopes=scopes,
            claims=claims,
            expires_at=self._clock.monotonic() + self.lifetime,
            interval=self.interval,
        )
        with self._lock:
            self._codes[code.device_code] = code
        return code

    def pending(self, user_code: str) -> DeviceCode | None:
        """Return the undecided code that a person typed, case and separators aside; None for any other."""
        typed = "".join(character for character in user_code.upper() if character.isalnum())
        with self._lock:
            for code in self._codes.values():
                if code.user_code == typed and not (code.sign_in or code.refusal):
                    return code if self._clock.monotonic() < code.expires_at else None
        return None

    def approve(self, code: DeviceCode, sign_in: SignIn) -> None:
        with self._lock:
            code.sign_in = sign_in

    def decline(self, code: DeviceCode, refusal: Refusal) -> None:
        """Let the device's next poll fail. A person's own no is Entra's `authorization_declined`."""
        with self._lock:
            code.refusal = Refusal(65004, error="authorization_declined") if refusal.code == 65004 else refusal

    def redeem(self, request: TokenRequest) -> Granted:
        # Entra's older clients call it `code`; MSAL sends both.
        value = request.form.get("device_code") or request.form.get("code")
        if not value:
            raise Refusal(900144, "It is 'device_code'.")
        now = self._clock.monotonic()
        with self._lock:
            code = self._codes.get(value)
            if code is None or code.redeemed or code.client != request.client:
                raise Refusal(70018)
            if now >= code.expires_at:
                raise Refusal(70020)
            if code.refusal is not None:
                raise code.refusal
            early = code.polled_at is not None and now - code.polled_at < code.interval - _TOLERANCE
            code.polled_at = now
            if early:
                code.interval += _SLOW_DOWN_STEP
                raise Refusal(70016, "The polls come too fast.", error="slow_down")
            if code.sign_in is None:
                raise Refusal(70016)
            self._directory.check_refusals(code.sign_in.user, "token", self.grant_type)
            code.redeemed = True
        return Granted(code.sign_in, code.scopes, code.claims)

    def clear(self) -> None:
        with self._lock:
            self._codes.clear()
