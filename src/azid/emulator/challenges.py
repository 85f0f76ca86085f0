"""Claims challenges: a resource that wants more than the token says, and what then becomes of a refresh.

Source: Entra documentation, "Claims challenges, claims requests, and client capabilities".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import User
from azid.emulator.refusals import Refusal
from azid.emulator.tokens import SignIn

__all__ = ["Challenges"]


@dataclass(frozen=True)
class _Challenge:
    request: ClaimsRequest
    needs_person: bool


class Challenges:
    """The challenge that waits for a user, if any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._challenges: dict[str, _Challenge] = {}

    def set(self, user: User, request: ClaimsRequest, *, needs_person: bool) -> None:
        with self._lock:
            self._challenges[user.object_id] = _Challenge(request, needs_person)

    def unmet(self, user: User, claims: Mapping[str, object]) -> str | None:
        """Return the claims request a resource answers with, or None when the token's claims satisfy it."""
        with self._lock:
            challenge = self._challenges.get(user.object_id)
        return None if challenge is None or challenge.request.met_by(claims) else challenge.request.text

    def check_refresh(self, sign_in: SignIn, claims: ClaimsRequest) -> None:
        """Refuse a refresh for claims that only a person can satisfy.

        :raises Refusal: 50076, unless the sign-in behind the refresh token satisfied them already.
        """
        with self._lock:
            challenge = self._challenges.get(sign_in.user.object_id)
        if challenge is None or not challenge.needs_person:
            return
        wanted = challenge.request
        asked = bool(wanted.acrs & claims.acrs) or (
            wanted.not_before is not None and wanted.not_before == claims.not_before
        )
        if asked and not wanted.met_by({"acrs": sorted(sign_in.acrs), "iat": sign_in.at}):
            raise Refusal(50076, claims=wanted.text)

    def clear(self) -> None:
        with self._lock:
            self._challenges.clear()
