"""Issuers of workloads' tokens: a Kubernetes cluster, Azure Pipelines, GitHub. The emulator plays them all.

What they have in common is all that Entra looks at: a signed token with an issuer, a subject and an audience. Source:
Entra documentation, "Workload identity federation".
"""

from __future__ import annotations

import uuid
from typing import Any

from azid.clock import Clock
from azid.emulator.signer import Signer

__all__ = ["DEFAULT_ISSUER", "FEDERATED_TOKEN_LIFETIME", "TOKEN_EXCHANGE_AUDIENCE", "Issuers"]

DEFAULT_ISSUER = "https://issuer.contoso.example"
"""The `iss` of workloads' tokens, unless another is asked for."""

TOKEN_EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
"""The `aud` that Entra recommends for them."""

FEDERATED_TOKEN_LIFETIME = 3600  # seconds


class Issuers:
    """Signs workloads' tokens in any issuer's name, and knows those it signed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._signer = Signer("workloads")

    def token(self, subject: str, *, issuer: str, audience: str, lifetime: int) -> str:
        """Return a token.

        :param lifetime: seconds.
        """
        now = int(self._clock.time())
        return self._signer.sign({
            "iss": issuer,
            "sub": subject,
            "aud": audience,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "jti": str(uuid.uuid4()),
        })  # fmt: skip

    def verified(self, token: str) -> dict[str, Any] | None:
        """Return a token's claims, or None when it was not signed here. Lifetimes are not looked at."""
        return self._signer.verified(token)
