"""Azure Arc: machines elsewhere, whose agent makes whoever asks prove that the machine trusts them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from azure.core.rest import HttpRequest

from azid.clock import Clock
from azid.errors import AuthenticationFailedError
from azid.managed_identity.endpoint import Endpoint, Reply
from azid.managed_identity.identity import UserAssignedIdentity
from azid.redaction import guarded_secrets
from azid.tokens.request import TokenRequest

__all__ = ["AzureArcEndpoint", "key_folder"]

_API_VERSION: Final = "2020-06-01"
_LARGEST_KEY: Final = 4096
"""Bytes."""
_CONFIRMED_AS: Final = {
    "client_id": ("client_id",),
    "object_id": ("object_id",),
    "resource_id": ("msi_res_id", "mi_res_id"),
}
"""How a reply names the identity that was asked for."""


def key_folder(platform: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return where the agent keeps the keys by which it tells that somebody may read them; None if it cannot be here.

    :param platform: what kind of machine it is, as `sys.platform` has it.
    :param environ: environment variables. Defaults to the process's.
    """
    if platform == "linux":
        return Path("/var/opt/azcmagent/tokens")
    if platform == "win32" and (data := environ.get("PROGRAMDATA")):
        return Path(data, "AzureConnectedMachineAgent", "Tokens")
    return None


class AzureArcEndpoint(Endpoint):
    """Azure documentation topic: "Authenticate against Azure resources with Azure Arc-enabled servers".

    :param folder: where the agent keeps its keys; None if there is no agent for this kind of machine.

    The other parameters are those of `Endpoint`.
    """

    platform = "Azure Arc"

    def __init__(
        self,
        url: str,
        secret: str,
        identity: UserAssignedIdentity | None,
        clock: Clock,
        options: Mapping[str, Any],
        *,
        folder: Path | None,
    ) -> None:
        super().__init__(url, secret, identity, clock, options)
        self._folder = folder

    def _request(self, resource: str) -> HttpRequest:
        return HttpRequest(
            "GET",
            self._url,
            params=self._parameters(_API_VERSION, resource, {"resource_id": "msi_res_id"}),
            headers={"Metadata": "true"},
        )

    def _ask(self, resource: str, request: TokenRequest) -> Reply:
        challenge = super()._ask(resource, request)
        if challenge.status != 401:
            return challenge  # why it does not even ask for a key
        scheme, _, parameters = challenge.headers.get("WWW-Authenticate", "").partition(" ")
        name, _, path = parameters.partition("=")
        if scheme.lower() != "basic" or name.strip().lower() != "realm" or not path:
            raise AuthenticationFailedError("Azure Arc's agent does not say which key it wants to see.")
        key = self._read_key(path.strip().strip('"'))
        with guarded_secrets(key):
            again = self._request(resource)
            again.headers["Authorization"] = f"Basic {key}"
            reply = self._send(again)
        self._require_right_identity(reply)
        return reply

    def _read_key(self, path: str) -> str:
        """Return a key's text. The agent may be an impostor, which would have us read other files to it."""
        if self._folder is None:
            raise AuthenticationFailedError(f"There is no Azure Arc agent for this kind of machine: {sys.platform}.")
        file = Path(path)
        if file.parent != self._folder or file.suffix != ".key" or not path.isprintable():
            raise AuthenticationFailedError(
                f"Azure Arc's agent asks for a file that is none of its keys: they are .key files in {self._folder}."
            )
        try:
            if file.stat().st_size > _LARGEST_KEY:
                raise AuthenticationFailedError(f"Azure Arc's key is larger than {_LARGEST_KEY} bytes, so it is none.")
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise AuthenticationFailedError(
                f"Azure Arc's key in {self._folder} cannot be read: {reason}. Run as an administrator, or as a member "
                "of the group himds (on Windows: Hybrid agent extension applications)."
            ) from None

    def _require_right_identity(self, reply: Reply) -> None:
        """Refuse the machine's own identity where another one was asked for: older agents know no others."""
        if self._identity is None or not reply.values.get("access_token"):
            return
        names = (reply.values.get(name) for name in _CONFIRMED_AS[self._identity.key])
        confirmed = next(filter(None, names), None)
        if str(confirmed).lower() != self._identity.value.lower():
            raise AuthenticationFailedError(
                "Azure Arc's agent gave a token of another identity than was asked for. Update the agent: older ones "
                "know the machine's own identity only."
            )
