"""App Service and Azure Functions.

Source: App Service documentation, "How to use managed identities for App Service and Azure Functions", section "REST
endpoint reference".
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from typing import ClassVar

from werkzeug.wrappers import Request

from azid.emulator.exchange import JSONReply
from azid.emulator.identities import Identities, IssuedToken
from azid.emulator.listening import Listening
from azid.emulator.managed_identity import Endpoint, Reason, Refused, require_secret

__all__ = ["AppService"]


class AppService(Endpoint):
    """Takes a secret in `X-IDENTITY-HEADER`."""

    kind = "app-service"
    path = "/msi/token"
    api_versions = ("2019-08-01",)
    identity_parameters: ClassVar[Mapping[str, str]] = {
        "client_id": "client_id",
        "principal_id": "object_id",
        "object_id": "object_id",
        "mi_res_id": "resource_id",
    }

    def __init__(self, identities: Identities) -> None:
        super().__init__(identities)
        self._secret = str(uuid.UUID(bytes=secrets.token_bytes(16))).upper()

    def environ(self, where: Listening) -> dict[str, str]:
        return {"IDENTITY_ENDPOINT": f"{where.plain_origin}{self.path}", "IDENTITY_HEADER": self._secret}

    def _admit(self, request: Request) -> None:
        require_secret(request, "X-IDENTITY-HEADER", self._secret)

    def _reply(self, issued: IssuedToken) -> dict[str, object]:
        return {
            "access_token": issued.access_token,
            "client_id": issued.client_id.upper(),
            "expires_on": str(issued.expires_on),
            "resource": issued.resource,
            "token_type": "Bearer",
        }

    def _refuse(self, refused: Refused) -> JSONReply:
        status = 401 if refused.reason in (Reason.HEADER, Reason.SECRET) else 400
        correlation_id = str(uuid.uuid4())
        return status, {"statusCode": status, "message": refused.text, "correlationId": correlation_id}, {}
