"""Managed identities: which ones the machine has, and the tokens that are issued to them.

Source: Entra documentation, "What are managed identities for Azure resources?".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from azid.clock import Clock
from azid.emulator.client_authentication import Proof
from azid.emulator.directory import DEFAULT_TENANT_ID, GUID
from azid.emulator.tokens import GrantedToApplication, ServicePrincipal, TokenIssuer

__all__ = ["SYSTEM_ASSIGNED", "Identities", "IssuedToken", "ManagedIdentity"]

TOKEN_LIFETIME: Final = 24 * 3600  # seconds

_NAMESPACE: Final = uuid.UUID("0d9bb7fd-0d4f-4f3e-8a5a-8c0f6a0f5d53")
_GROUP: Final = "/subscriptions/8c5cf2a8-4d2f-4a3c-9c35-2f4b1c1f6e90/resourcegroups/emulator/providers"


@dataclass(frozen=True)
class ManagedIdentity:
    """An identity that Azure gives a machine, so that its programs need no secret.

    :param client_id: its GUID as an application.
    :param object_id: GUID of its service principal. Defaults to one derived from the client id, the same in every run.
    :param resource_id: its name in Azure Resource Manager, or its machine's. Defaults to one made of `name`.
    :param name: defaults to the client id.
    :param tenant_id: GUID of its tenant. Defaults to `DEFAULT_TENANT_ID`.
    :raises ValueError: the client id, the object id or the tenant id is no GUID.
    """

    client_id: str
    object_id: str = ""
    resource_id: str = ""
    name: str = ""
    tenant_id: str = DEFAULT_TENANT_ID

    def __post_init__(self) -> None:
        made = {
            "object_id": self.object_id or str(uuid.uuid5(_NAMESPACE, self.client_id.lower())),
            "name": self.name or self.client_id,
        }
        made["resource_id"] = (
            self.resource_id or f"{_GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/{made['name']}"
        )
        for name, value in made.items():
            object.__setattr__(self, name, value)
        for name in ("client_id", "object_id", "tenant_id"):
            if not GUID.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} must be a GUID, not {getattr(self, name)!r}")


SYSTEM_ASSIGNED: Final = ManagedIdentity(
    "d1fb5a38-7f0c-4b0e-9d1f-54a5d4c2b0a6",
    resource_id=f"{_GROUP}/Microsoft.Compute/virtualMachines/emulator",
    name="system-assigned",
)
"""The identity of the machine itself, unless it has another one or none."""


@dataclass(frozen=True)
class IssuedToken:
    """A token, and what replies say of it."""

    access_token: str = field(repr=False)
    resource: str
    client_id: str
    issued_at: int
    """Seconds since the epoch, as below."""
    expires_on: int

    @property
    def expires_in(self) -> int:
        """Seconds."""
        return self.expires_on - self.issued_at


class Identities:
    """The identities of the machine.

    :param user_assigned: those that somebody made and gave to it.
    :param system_assigned: its own, if it has one.
    """

    def __init__(
        self,
        clock: Clock,
        tokens: TokenIssuer,
        user_assigned: Iterable[ManagedIdentity],
        system_assigned: ManagedIdentity | None,
    ) -> None:
        self._clock = clock
        self._tokens = tokens
        self.user_assigned = tuple(user_assigned)
        self.system_assigned = system_assigned

    def find(self, by: str, value: str) -> ManagedIdentity | None:
        """Return a user-assigned identity.

        :param by: `client_id`, `object_id` or `resource_id`; the case of their letters means nothing.
        """
        return next((each for each in self.user_assigned if getattr(each, by).lower() == value.lower()), None)

    @property
    def unnamed(self) -> ManagedIdentity | None:
        """The one that serves those who name none: the machine's own, else the only one there is."""
        if self.system_assigned is not None or len(self.user_assigned) != 1:
            return self.system_assigned
        return self.user_assigned[0]

    def issue(self, identity: ManagedIdentity, resource: str) -> IssuedToken:
        """Return a token of an identity for a resource."""
        now = int(self._clock.time())
        principal = ServicePrincipal(
            identity.client_id, identity.object_id, identity.tenant_id, resource_id=identity.resource_id
        )
        token = self._tokens.application_token(
            GrantedToApplication(principal, resource), proof=Proof.ASSERTION, lifetime=TOKEN_LIFETIME
        )
        return IssuedToken(token, resource, identity.client_id, now, now + TOKEN_LIFETIME)
