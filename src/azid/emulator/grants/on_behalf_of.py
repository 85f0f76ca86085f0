"""On-behalf-of: an API trades the token that it was called with for one to an API behind it (RFC 7523 section 2.1).

Source: Entra documentation, "OAuth 2.0 On-Behalf-Of flow".
"""

from __future__ import annotations

from typing import Any

from azid.clock import Clock
from azid.emulator.challenges import Challenges
from azid.emulator.directory import Directory, User
from azid.emulator.grants import TokenRequest
from azid.emulator.refusals import Refusal
from azid.emulator.signer import Signer, in_time
from azid.emulator.tokens import Granted, SignIn

__all__ = ["OnBehalfOfGrant"]

_SECOND_FACTOR = '{"access_token":{"amr":{"essential":true,"values":["mfa"]}}}'


class OnBehalfOfGrant:
    """Takes an access token that a person's program got for this application."""

    grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    def __init__(self, clock: Clock, directory: Directory, signer: Signer, challenges: Challenges) -> None:
        self._clock = clock
        self._directory = directory
        self._signer = signer
        self._challenges = challenges

    def redeem(self, request: TokenRequest) -> Granted:
        if request.required("requested_token_use") != "on_behalf_of":
            raise Refusal(9002313, "requested_token_use is not 'on_behalf_of'.")
        scopes = request.scopes()
        claims = request.claims()
        presented = self._read(request)
        user = self._directory.user(str(presented.get("upn")))
        if not user.enabled:
            raise Refusal(50057)
        self._directory.check_refusals(user, "token", self.grant_type)
        sign_in = self._sign_in(user, presented, request)
        if (user.mfa or claims.multifactor) and "mfa" not in sign_in.methods:
            # The claims go back to the person's program, which signs the person in with them.
            raise Refusal(50076, claims=claims.text if claims.multifactor else _SECOND_FACTOR)
        self._challenges.check_refresh(sign_in, claims)
        if not self._directory.consented(user, request.client, scopes.resource):
            raise Refusal(65001)
        return Granted(sign_in, scopes, claims)

    def _read(self, request: TokenRequest) -> dict[str, Any]:
        """Return the assertion's claims.

        :raises Refusal: it is no access token about a person for this application, or is not good any more.
        """
        presented = self._signer.verified(request.required("assertion"))
        if presented is None:
            raise Refusal(50013)
        if presented.get("idtyp") == "app":
            raise Refusal(7000114)
        if "scp" not in presented:
            raise Refusal(50013, "It is an ID token.")
        audiences = [audience.lower() for audience in request.client.audiences]
        if str(presented.get("aud")).lower().rstrip("/") not in audiences:
            raise Refusal(500131)
        if not in_time(presented, self._clock.time()):
            raise Refusal(500133)
        return presented

    @staticmethod
    def _sign_in(user: User, presented: dict[str, Any], request: TokenRequest) -> SignIn:
        return SignIn(
            user=user,
            tenant_id=request.tenant.tenant_id or str(presented["tid"]),
            client=request.client,
            at=int(presented["iat"]),
            methods=tuple(presented["amr"]),
            acrs=frozenset(presented.get("acrs", ())),
        )

    def clear(self) -> None:
        """Nothing is kept."""
