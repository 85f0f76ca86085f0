"""Azure Arc: machines elsewhere. Who can read a file that only administrators can may have a token.

Source: Azure Arc documentation, "Authenticate against Azure resources with Azure Arc-enabled servers".
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import sys
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from werkzeug.wrappers import Request

from azid.emulator.exchange import JSONReply
from azid.emulator.identities import Identities, IssuedToken
from azid.emulator.listening import Listening
from azid.emulator.managed_identity import Endpoint, Reason, Refused, require_metadata

__all__ = ["AzureArc"]


def _agents_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", "C:\\ProgramData"), "AzureConnectedMachineAgent", "Tokens")
    return Path("/var/opt/azcmagent/tokens")


class AzureArc(Endpoint):
    """Answers first with the path of a key file, then, where its content is sent back, with a token."""

    kind = "azure-arc"
    path = "/azure-arc/metadata/identity/oauth2/token"
    api_versions = ("2019-11-01", "2020-06-01", "2021-02-01")
    identity_parameters: ClassVar[Mapping[str, str]] = {
        "client_id": "client_id",
        "object_id": "object_id",
        "msi_res_id": "resource_id",
    }
    echoes_identity = True

    def __init__(self, identities: Identities) -> None:
        super().__init__(identities)
        self.key_folder = _agents_folder()
        """Where keys are written. The agent's own, unless a program is told to look elsewhere."""
        self._lock = threading.Lock()
        self._keys: dict[Path, str] = {}

    def environ(self, where: Listening) -> dict[str, str]:
        return {"IDENTITY_ENDPOINT": f"{where.plain_origin}{self.path}", "IMDS_ENDPOINT": where.plain_origin}

    def _admit(self, request: Request) -> None:
        require_metadata(request)
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic" or not self._spend(key):
            raise Refused(Reason.SECRET, "The request needs Basic authorization with the key of the file.")

    def _spend(self, key: str) -> bool:
        """Return whether this is a key, and take it away: each is good for one request."""
        with self._lock:
            for path, known in self._keys.items():
                if hmac.compare_digest(key.encode(), known.encode()):
                    self._forget(path)
                    return True
        return False

    def _write_key(self) -> Path:
        path = self.key_folder / f"{uuid.uuid4()}.key"
        key = secrets.token_urlsafe(48)
        self.key_folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(key)
        with self._lock:
            self._keys[path] = key
        return path

    def _forget(self, path: Path) -> None:
        del self._keys[path]
        with contextlib.suppress(OSError):  # its folder went away with a test
            path.unlink()

    def _reply(self, issued: IssuedToken) -> dict[str, object]:
        return {
            "access_token": issued.access_token,
            "client_id": issued.client_id,
            "expires_in": str(issued.expires_in),
            "expires_on": str(issued.expires_on),
            "not_before": str(issued.issued_at),
            "resource": issued.resource,
            "token_type": "Bearer",
        }

    def _refuse(self, refused: Refused) -> JSONReply:
        if refused.reason is not Reason.SECRET:
            return 400, {"error": "invalid_request", "error_description": refused.text}, {}
        body = {"error": "unauthorized_client", "error_description": refused.text}
        try:
            path = self._write_key()
        except OSError as error:
            text = f"No key can be written to {self.key_folder}: {error.strerror}. Name another folder as key_folder."
            return 500, {"error": "internal_error", "error_description": text}, {}
        return 401, body, {"WWW-Authenticate": f"Basic realm={path}"}

    def clear(self) -> None:
        """Take all keys away."""
        with self._lock:
            for path in list(self._keys):
                self._forget(path)
