"""Claims requests (OpenID Connect Core 5.5): client capabilities, and what a resource's claims challenge asks for.

Sources: Entra documentation, "Claims challenges, claims requests, and client capabilities" and "Continuous access
evaluation".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from azid.emulator.refusals import Refusal

__all__ = ["ClaimsRequest"]


def _values(entry: object) -> tuple[str, ...]:
    if not isinstance(entry, dict):
        return ()
    values = entry.get("values", [entry["value"]] if "value" in entry else [])
    return tuple(str(value) for value in values) if isinstance(values, list) else ()


@dataclass(frozen=True)
class ClaimsRequest:
    """A `claims` parameter, read."""

    text: str = field(default="", repr=False)
    """As it was sent; empty for none."""
    continuous_access: bool = False
    """The client can handle claims challenges (`xms_cc` contains `CP1`): it gets long-lived tokens."""
    acrs: frozenset[str] = frozenset()
    """Authentication contexts the access token must carry."""
    not_before: int | None = None
    """The access token must be newer than this: seconds since the epoch."""
    multifactor: bool = False
    """A second factor is asked for, by `amr` or because an authentication context is."""

    @classmethod
    def parse(cls, text: str | None) -> ClaimsRequest:
        """Read the parameter.

        :raises Refusal: 9002313 when it is not a JSON object.
        """
        if not text:
            return cls()
        try:
            request = json.loads(text)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            raise Refusal(9002313, "The claims parameter is not a JSON object.")
        access = request.get("access_token")
        access = access if isinstance(access, dict) else {}
        identity = request.get("id_token")
        identity = identity if isinstance(identity, dict) else {}
        acrs = frozenset(_values(access.get("acrs")))
        not_before = _values(access.get("nbf"))
        return cls(
            text=text,
            continuous_access="CP1" in _values(access.get("xms_cc")),
            acrs=acrs,
            not_before=int(not_before[0]) if not_before and not_before[0].isdecimal() else None,
            multifactor=bool(acrs) or "mfa" in _values(access.get("amr")) + _values(identity.get("amr")),
        )

    def met_by(self, claims: Mapping[str, object]) -> bool:
        """Return whether an access token with these claims answers the request."""
        acrs = claims.get("acrs")
        if not self.acrs <= set(acrs if isinstance(acrs, list) else []):
            return False
        issued_at = claims.get("iat")
        return self.not_before is None or (isinstance(issued_at, int) and issued_at >= self.not_before)
