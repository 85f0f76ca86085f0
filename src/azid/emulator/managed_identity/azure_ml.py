"""Azure Machine Learning, whose endpoint is App Service's of 2017 but for the expiry, which is a number.

No documentation of Microsoft's says how it answers: what MSAL and azure-identity send and read is all that is known.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import ClassVar

from werkzeug.wrappers import Request

from azid.emulator.exchange import JSONReply
from azid.emulator.identities import Identities, IssuedToken
from azid.emulator.listening import Listening
from azid.emulator.managed_identity import Endpoint, Reason, Refused, require_secret

__all__ = ["AzureML"]


class AzureML(Endpoint):
    """Takes a secret in `secret`, and calls a client id `clientid`."""

    kind = "azure-ml"
    path = "/MSI/auth"
    api_versions = ("2017-09-01",)
    identity_parameters: ClassVar[Mapping[str, str]] = {
        "clientid": "client_id",
        "object_id": "object_id",
        "msi_res_id": "resource_id",
    }

    def __init__(self, identities: Identities) -> None:
        super().__init__(identities)
        self._secret = secrets.token_hex(16)

    def environ(self, where: Listening) -> dict[str, str]:
        return {"MSI_ENDPOINT": f"{where.plain_origin}{self.path}", "MSI_SECRET": self._secret}

    def _admit(self, request: Request) -> None:
        require_secret(request, "secret", self._secret)

    def _reply(self, issued: IssuedToken) -> dict[str, object]:
        return {
            "access_token": issued.access_token,
            "expires_on": issued.expires_on,
            "resource": issued.resource,
            "token_type": "Bearer",
        }

    def _refuse(self, refused: Refused) -> JSONReply:
        status = 401 if refused.reason in (Reason.HEADER, Reason.SECRET) else 400
        return status, {"statusCode": status, "message": refused.text}, {}
