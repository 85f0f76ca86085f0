"""Client credentials grant (RFC 6749 section 4.4): a token for the application itself."""

from __future__ import annotations

import uuid

from azid.emulator.directory import Directory
from azid.emulator.grants import TokenRequest
from azid.emulator.refusals import Refusal
from azid.emulator.tokens import GrantedToApplication, ServicePrincipal

__all__ = ["ClientCredentialsGrant"]


class ClientCredentialsGrant:
    """Takes an application's proof of who it is; nobody's consent is looked for."""

    grant_type = "client_credentials"

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def redeem(self, request: TokenRequest) -> GrantedToApplication:
        scopes = request.scopes()
        if scopes.openid or scopes.permissions != (".default",) or not request.required("scope").endswith("/.default"):
            raise Refusal(1002012)
        tenant_id = request.tenant.tenant_id
        if tenant_id is None:
            raise Refusal(50059)
        client = request.client
        self._directory.check_refusals(client, "token", self.grant_type)
        # Each tenant has a service principal of its own for an application.
        object_id = str(uuid.uuid5(uuid.UUID(tenant_id), client.client_id.lower()))
        principal = ServicePrincipal(client.client_id, object_id, tenant_id)
        return GrantedToApplication(principal, scopes.resource, request.claims())

    def clear(self) -> None:
        """Nothing is kept."""
