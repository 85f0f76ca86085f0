"""The Instance Metadata Service of virtual machines, scale sets and Kubernetes nodes.

Source: Entra documentation, "How to use managed identities for Azure resources on an Azure VM to acquire an access
token".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from werkzeug.wrappers import Request

from azid.emulator.exchange import JSONReply
from azid.emulator.identities import IssuedToken
from azid.emulator.listening import Listening
from azid.emulator.managed_identity import Endpoint, Reason, Refused, require_metadata

__all__ = ["InstanceMetadata"]

_CODES = {Reason.HEADER: "bad_request_102", Reason.RESOURCE: "invalid_resource"}


class InstanceMetadata(Endpoint):
    """Takes `Metadata: true`, which no web page can send, and no secret. All values of its replies are strings."""

    kind = "imds"
    path = "/metadata/identity/oauth2/token"
    api_versions = ("2018-02-01", "2019-08-01", "2021-02-01")
    identity_parameters: ClassVar[Mapping[str, str]] = {
        "client_id": "client_id",
        "object_id": "object_id",
        "msi_res_id": "resource_id",
        "mi_res_id": "resource_id",
    }

    def environ(self, where: Listening) -> dict[str, str]:
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": where.plain_origin}

    def _admit(self, request: Request) -> None:
        require_metadata(request)

    def _reply(self, issued: IssuedToken) -> dict[str, object]:
        return {
            "access_token": issued.access_token,
            "client_id": issued.client_id,
            "expires_in": str(issued.expires_in),
            "expires_on": str(issued.expires_on),
            "ext_expires_in": str(issued.expires_in),
            "not_before": str(issued.issued_at),
            "resource": issued.resource,
            "token_type": "Bearer",
        }

    def _refuse(self, refused: Refused) -> JSONReply:
        code = _CODES.get(refused.reason, "invalid_request")
        return 400, {"error": code, "error_description": refused.text}, {}
