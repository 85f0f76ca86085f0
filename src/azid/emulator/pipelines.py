"""Azure Pipelines: the endpoint where a job gets a token about the service connection that it was given.

Source: Azure DevOps documentation, "Oidctoken - Create", and what azure-identity sends.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass
from typing import Final

from werkzeug.wrappers import Request

from azid.emulator.exchange import JSONReply
from azid.emulator.federation import TOKEN_EXCHANGE_AUDIENCE, Issuers
from azid.emulator.listening import Listening

__all__ = ["PIPELINES_ISSUER", "Pipelines"]

PIPELINES_ISSUER: Final = "https://vstoken.dev.azure.com/5f0d9d56-6ac5-4d6b-a0f3-8b1c9d6a3e24"
"""The `iss` of the tokens that jobs get."""

_PLAN: Final = "2f6a3d2e-1b0c-4d8e-9a5f-7c6b5a493827"
_JOB: Final = "9c1d0e2f-3a4b-4c5d-8e6f-708192a3b4c5"
_API_VERSIONS: Final = ("7.1", "7.1-preview.1")
_TOKEN_LIFETIME: Final = 600  # seconds


@dataclass(frozen=True)
class _ServiceConnection:
    subject: str
    issuer: str


class Pipelines:
    """One job of one organization.

    :param issuers: who signs its tokens.
    :param listening: where it is.
    """

    path = f"/contoso/_apis/distributedtask/hubs/build/plans/{_PLAN}/jobs/{_JOB}/oidctoken"

    def __init__(self, issuers: Issuers, listening: Listening) -> None:
        self._issuers = issuers
        self._listening = listening
        self._access_token = secrets.token_urlsafe(48)
        self._lock = threading.Lock()
        self._connections: dict[str, _ServiceConnection] = {}

    def environ(self, service_connection_id: str, subject: str, issuer: str) -> dict[str, str]:
        """Let the job use a service connection; return its variables. See `Emulator.pipelines_environ`."""
        with self._lock:
            self._connections[service_connection_id.lower()] = _ServiceConnection(subject, issuer)
        return {
            "SYSTEM_OIDCREQUESTURI": f"{self._listening.secure_origin}{self.path}",
            "SYSTEM_ACCESSTOKEN": self._access_token,
        }

    def answer(self, request: Request) -> JSONReply:
        """Return status, JSON body and headers."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), self._access_token.encode()):
            if request.headers.get("X-TFS-FedAuthRedirect") == "Suppress":
                return 401, {}, {"WWW-Authenticate": "Bearer"}
            return 302, {}, {"Location": "/_signin"}
        if request.args.get("api-version") not in _API_VERSIONS:
            return 400, _error("VssVersionNotSupportedException", f"api-version must be {_API_VERSIONS[0]}."), {}
        with self._lock:
            connection = self._connections.get(request.args.get("serviceConnectionId", "").lower())
        if connection is None:
            return 404, _error("ServiceEndpointNotFoundException", "This job has no such service connection."), {}
        oidc_token = self._issuers.token(
            connection.subject, issuer=connection.issuer, audience=TOKEN_EXCHANGE_AUDIENCE, lifetime=_TOKEN_LIFETIME
        )
        return 200, {"oidcToken": oidc_token}, {}


def _error(kind: str, message: str) -> dict[str, object]:
    return {
        "$id": "1",
        "innerException": None,
        "message": message,
        "typeName": f"Microsoft.VisualStudio.Services.WebApi.{kind}, Microsoft.VisualStudio.Services.WebApi",
        "typeKey": kind,
        "errorCode": 0,
        "eventId": 3000,
    }
