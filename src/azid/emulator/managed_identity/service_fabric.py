"""Service Fabric: over https, at a certificate that only its thumbprint vouches for.

Source: Service Fabric documentation, "How to leverage a Service Fabric application's managed identity to access Azure
services", sections "Acquiring an access token using REST API" and "Error handling".
"""

from __future__ import annotations

import secrets
import uuid

from werkzeug.wrappers import Request

from azid.emulator.exchange import JSONReply
from azid.emulator.identities import Identities, IssuedToken
from azid.emulator.listening import Listening
from azid.emulator.managed_identity import Endpoint, Reason, Refused, require_secret

__all__ = ["ServiceFabric"]

_REFUSALS = {
    Reason.HEADER: (400, "SecretHeaderNotFound"),
    Reason.SECRET: (404, "ManagedIdentityNotFound"),
    Reason.IDENTITY: (404, "ManagedIdentityNotFound"),
    Reason.RESOURCE: (400, "ArgumentNullOrEmpty"),
    Reason.API_VERSION: (400, "InvalidApiVersion"),
    Reason.PARAMETER: (400, "BadRequest"),
}


class ServiceFabric(Endpoint):
    """Takes a secret in `Secret`. The cluster's configuration says which identity it stands for; no request does."""

    kind = "service-fabric"
    path = "/service-fabric/metadata/identity/oauth2/token"
    api_versions = ("2019-07-01-preview",)
    other_parameters = frozenset({"token_sha256_to_refresh", "xms_cc"})

    def __init__(self, identities: Identities) -> None:
        super().__init__(identities)
        self._secret = secrets.token_hex(32)

    def environ(self, where: Listening) -> dict[str, str]:
        return {
            "IDENTITY_ENDPOINT": f"{where.secure_origin}{self.path}",
            "IDENTITY_HEADER": self._secret,
            "IDENTITY_SERVER_THUMBPRINT": where.thumbprint,
        }

    def _admit(self, request: Request) -> None:
        require_secret(request, "Secret", self._secret)

    def _reply(self, issued: IssuedToken) -> dict[str, object]:
        return {
            "token_type": "Bearer",
            # A number in the documentation; a string in what azure-identity's authors saw.
            "expires_on": str(issued.expires_on),
            "access_token": issued.access_token,
            "resource": issued.resource,
        }

    def _refuse(self, refused: Refused) -> JSONReply:
        status, code = _REFUSALS[refused.reason]
        error = {"correlationId": str(uuid.uuid4()), "code": code, "message": refused.text}
        return status, {"error": error}, {}
