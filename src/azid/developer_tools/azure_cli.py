"""The Azure CLI, ``az``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from azid.clock import Clock
from azid.developer_tools.tool import Tool, ToolOutput
from azid.errors import CredentialUnavailableError
from azid.scopes import resource_of
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["AzureCli"]

_NOT_SIGNED_IN: Final = ("az login", "az account set")
"""What it recommends where it has no account, or no such one."""
_REFUSED: Final = "AADSTS"
"""What Entra's refusals begin with. It recommends to sign in again then, too."""
_LOCAL_TIME: Final = "%Y-%m-%d %H:%M:%S.%f"
"""How ``az`` before 2.54 writes when a token expires: by the machine's own time zone."""


class AzureCli:
    """Gets tokens from ``az account get-access-token``: a `TokenSource`.

    :param subscription: whose tenant's tokens; None for the tool's own choice.
    :param timeout: seconds that the tool may take.
    :param environ: the environment variables.
    :param clock: what lifetimes are counted by.
    """

    def __init__(self, *, subscription: str | None, timeout: float, environ: Mapping[str, str], clock: Clock) -> None:
        self._tool = Tool(
            "The Azure CLI",
            ("az",),
            remedy="install it and run 'az login', or sign in another way.",
            timeout=timeout,
            environ=environ,
        )
        self._subscription = subscription
        self._clock = clock

    def __call__(self, request: TokenRequest) -> TokenResponse:
        """Return a token for `request`.

        :raises CredentialUnavailableError: the tool is not installed, or nobody has signed in with it.
        :raises ~azure.core.exceptions.ClientAuthenticationError: it has failed.
        :raises ValueError: several scopes were asked for at once, or one that it cannot take.
        """
        self._tool.require_safe(request.scopes)
        resource = resource_of(request.scopes)
        if request.claims:
            raise self._tool.claims_needed(request, f"{_sign_in_command(request)} --claims-challenge")
        requested_at = self._clock.time()
        output = self._tool.run(
            *("account", "get-access-token", "--output", "json", "--resource", resource),
            *(("--tenant", request.tenant_id) if request.tenant_id else ()),
            *(("--subscription", self._subscription) if self._subscription else ()),
            AZURE_CORE_NO_COLOR="true",
        )
        if output.status != 0:
            raise self._refusal(output, request)
        printed = _object_in(output.text)
        return self._tool.response(request, printed.get("accessToken"), _expiry(printed), requested_at)

    def _refusal(self, output: ToolOutput, request: TokenRequest) -> Exception:
        if _REFUSED in output.complaint:
            return self._tool.failure(output, f"Sign in with it again: '{_sign_in_command(request)}'.")
        if any(command in output.complaint for command in _NOT_SIGNED_IN):
            return CredentialUnavailableError("Nobody has signed in with the Azure CLI: run 'az login'.")
        return self._tool.failure(output)


def _sign_in_command(request: TokenRequest) -> str:
    tenant = f" --tenant {request.tenant_id}" if request.tenant_id else ""
    return f"az login{tenant} --scope {request.scopes[0]}"


def _object_in(text: str) -> Mapping[str, Any]:
    try:
        printed = json.loads(text)
    except (ValueError, RecursionError):
        printed = None
    return printed if isinstance(printed, dict) else {}


def _expiry(printed: Mapping[str, Any]) -> float | None:
    """Return when the token expires, in seconds since the epoch."""
    try:
        return int(printed["expires_on"])
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    try:
        return datetime.strptime(printed["expiresOn"], _LOCAL_TIME).timestamp()  # noqa: DTZ007 - local time
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
