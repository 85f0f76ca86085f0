"""What the credentials have in common that take over a sign-in from a developer's tool."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from azid.authority import AzureAuthorityHosts, allowed_tenants, normalize_authority, resolve_tenant, validate_tenant_id
from azid.clock import Clock
from azid.credentials.credential import Credential
from azid.credentials.pickled import PickledAsMade
from azid.persistence import open_storage
from azid.unattended import TokenSource, UnattendedSession

__all__ = ["DeveloperToolCredential"]


class DeveloperToolCredential(PickledAsMade, Credential):
    """Base of the credentials that ask a tool with which a developer has signed in.

    :param source: asks the tool.
    :param tenant_id: the tenant to ask for tokens of; empty for the tool's own choice.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param clock: what lifetimes are counted by.
    :raises ValueError: `tenant_id` is malformed.
    """

    def __init__(
        self, source: TokenSource, *, tenant_id: str, additionally_allowed_tenants: Iterable[str] | None, clock: Clock
    ) -> None:
        self._tenant_id = validate_tenant_id(tenant_id) if tenant_id else ""
        session = UnattendedSession(
            source,
            client_id=type(self).__name__,
            authority=normalize_authority(AzureAuthorityHosts.AZURE_PUBLIC_CLOUD),  # which cloud it is the tool knows
            resolve_tenant=partial(
                resolve_tenant, self._tenant_id, additionally_allowed=allowed_tenants(additionally_allowed_tenants)
            ),
            storage=open_storage(None),
            clock=clock,
        )
        super().__init__(session, clock)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tenant_id={self._tenant_id!r})"
