"""The Azure Developer CLI, ``azd``."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, Final

from azid.clock import Clock
from azid.developer_tools.tool import Tool, ToolOutput
from azid.errors import CredentialUnavailableError
from azid.redaction import guarded_secrets
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["AzureDeveloperCli"]

_NOT_SIGNED_IN: Final = "not logged in, run `azd auth login`"
_REFUSED: Final = "AADSTS"
"""What Entra's refusals begin with."""
_CLAIMS_UNKNOWN: Final = "unknown flag: --claims"
_UTC_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class AzureDeveloperCli:
    """Gets tokens from ``azd auth token``: a `TokenSource`.

    :param timeout: seconds that the tool may take.
    :param environ: the environment variables.
    :param clock: what lifetimes are counted by.
    """

    def __init__(self, *, timeout: float, environ: Mapping[str, str], clock: Clock) -> None:
        self._tool = Tool(
            "The Azure Developer CLI",
            ("azd",),
            remedy="install it and run 'azd auth login', or sign in another way.",
            timeout=timeout,
            environ=environ,
        )
        self._clock = clock

    def __call__(self, request: TokenRequest) -> TokenResponse:
        """Return a token for `request`.

        :raises CredentialUnavailableError: the tool is not installed, too old, or nobody has signed in with it.
        :raises ~azure.core.exceptions.ClientAuthenticationError: it has failed.
        :raises ValueError: there is a scope that it cannot take.
        """
        self._tool.require_safe(request.scopes)
        requested_at = self._clock.time()
        claims = base64.b64encode(request.claims.encode()).decode() if request.claims else None
        with guarded_secrets(request.claims, claims) as secrets:
            output = self._tool.run(
                *("auth", "token", "--output", "json", "--no-prompt"),
                *(part for scope in request.scopes for part in ("--scope", scope)),
                *(("--tenant-id", request.tenant_id) if request.tenant_id else ()),
                *(("--claims", claims) if claims else ()),
                NO_COLOR="true",
            )
            printed = next((said for said in _objects_in(output.text) if "token" in said), {})
            if output.status != 0 or not printed:
                told = tuple(map(secrets.redact, _messages(output)))
                raise self._refusal(output, secrets.redact(output.complaint), told)
        return self._tool.response(request, printed.get("token"), _expiry(printed), requested_at)

    def _refusal(self, output: ToolOutput, complaint: str, told: tuple[str, ...]) -> Exception:
        everything = " ".join((*told, complaint))
        if _CLAIMS_UNKNOWN in everything:
            return CredentialUnavailableError(
                "The resource wants more than this version of the Azure Developer CLI can ask for: update it to 1.18.1 "
                "or newer."
            )
        if _NOT_SIGNED_IN in everything and _REFUSED not in everything:
            return CredentialUnavailableError(
                "Nobody has signed in with the Azure Developer CLI: run 'azd auth login'."
            )
        if output.status == 0 and not told:
            return self._tool.unreadable()
        return self._tool.failure(output._replace(complaint="\n".join(told) or complaint))


def _objects_in(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of JSON lines, or the only one that goes over several."""
    for part in (text, *text.splitlines()):
        try:
            value = json.loads(part)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value
        if part is text:
            return


def _messages(output: ToolOutput) -> Iterator[str]:
    """Yield what the tool has to say: the messages of JSON lines on either stream, as its versions write them."""
    for text in (output.text, output.complaint):
        for said in _objects_in(text):
            data = said.get("data")
            console = data.get("message") if isinstance(data, dict) else None
            for message in (console, said.get("error") or said.get("message"), said.get("suggestion")):
                if isinstance(message, str) and message.strip():
                    yield message.strip()


def _expiry(printed: Mapping[str, Any]) -> float | None:
    """Return when the token expires, in seconds since the epoch."""
    try:
        return datetime.strptime(printed["expiresOn"], _UTC_TIME).replace(tzinfo=timezone.utc).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
