"""The grants of the token endpoint: one module each, all behind `Grant`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from azid.emulator.applications import Client
from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import Tenant
from azid.emulator.refusals import Refusal
from azid.emulator.scopes import Scopes
from azid.emulator.tokens import Granted, GrantedToApplication

__all__ = ["Grant", "TokenRequest"]


@dataclass(frozen=True)
class TokenRequest:
    """A request to the token endpoint whose client and tenant are known."""

    client: Client
    tenant: Tenant
    form: Mapping[str, str] = field(repr=False)

    def required(self, name: str) -> str:
        """Return a field of the body.

        :raises Refusal: 900144 without it.
        """
        value = self.form.get(name)
        if not value:
            raise Refusal(900144, f"It is '{name}'.")
        return value

    def scopes(self) -> Scopes:
        return Scopes.parse(self.required("scope"))

    def claims(self) -> ClaimsRequest:
        return ClaimsRequest.parse(self.form.get("claims"))


class Grant(Protocol):
    """One way to get tokens: a `grant_type` of RFC 6749 section 4."""

    grant_type: str

    def redeem(self, request: TokenRequest) -> Granted | GrantedToApplication:
        """Return what may be issued.

        :raises Refusal: nothing may.
        """

    def clear(self) -> None:
        """Forget everything issued."""
