"""Azure PowerShell: the module Az.Accounts, in PowerShell 7 or in Windows's own."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from azid.clock import Clock
from azid.developer_tools.tool import Tool, ToolOutput
from azid.errors import CredentialUnavailableError
from azid.scopes import resource_of
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["AzurePowerShell"]

_MARK: Final = "azid:"
"""What the lines begin with that the script prints; profiles and modules may print others."""
_SCRIPT: Final = """\
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
try {{
    $module = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru -ErrorAction SilentlyContinue
    if (-not $module) {{ Write-Output '{mark}{{}}'; exit }}
    $asked = @{{ ResourceUrl = '{resource}'; WarningAction = 'Ignore' }}
    if ('{tenant}') {{ $asked.TenantId = '{tenant}' }}
    if ($module.Version -ge [version]'2.17.0' -and $module.Version -lt [version]'5.0.0') {{
        $asked.AsSecureString = $true
    }}
    $got = Get-AzAccessToken @asked
    $token = $got.Token
    if ($token -is [securestring]) {{ $token = [System.Net.NetworkCredential]::new('', $token).Password }}
    $said = @{{ token = $token; expires_on = $got.ExpiresOn.ToUnixTimeSeconds() }} | ConvertTo-Json -Compress
    Write-Output "`n{mark}$said"
}} catch {{
    [Console]::Error.WriteLine($_.Exception.Message)
    exit 1
}}
"""
"""Older modules give text; from 5.0 on, and before if they are asked, a secure string. An error in PowerShell's own
words could be XML, and coloured."""
_NOT_SIGNED_IN: Final = "Connect-AzAccount"
_FORBIDDEN: Final = "AuthorizationManager check failed"


class AzurePowerShell:
    """Gets tokens from ``Get-AzAccessToken``: a `TokenSource`.

    :param timeout: seconds that the tool may take.
    :param environ: the environment variables.
    :param clock: what lifetimes are counted by.
    """

    def __init__(self, *, timeout: float, environ: Mapping[str, str], clock: Clock) -> None:
        self._tool = Tool(
            "Azure PowerShell",
            ("pwsh", "powershell") if sys.platform == "win32" else ("pwsh",),
            remedy="install it, with the module Az.Accounts, and run 'Connect-AzAccount', or sign in another way.",
            timeout=timeout,
            environ=environ,
        )
        self._clock = clock

    def __call__(self, request: TokenRequest) -> TokenResponse:
        """Return a token for `request`.

        :raises CredentialUnavailableError: PowerShell or the module is not installed, nobody has signed in with it, or
            it has failed.
        :raises ~azure.core.exceptions.ClientAuthenticationError: what it prints cannot be used.
        :raises ValueError: several scopes were asked for at once, or one that it cannot take.
        """
        self._tool.require_safe(request.scopes)
        resource = resource_of(request.scopes)
        if request.claims:
            tenant = f" -Tenant {request.tenant_id}" if request.tenant_id else ""
            raise self._tool.claims_needed(request, f"Connect-AzAccount{tenant} -ClaimsChallenge")
        requested_at = self._clock.time()
        script = _SCRIPT.format(mark=_MARK, resource=resource, tenant=request.tenant_id)
        encoded = base64.b64encode(script.encode("utf-16-le")).decode()
        output = self._tool.run("-NoProfile", "-NonInteractive", "-EncodedCommand", encoded)
        if output.status != 0:
            raise self._refusal(output)
        printed = _printed(output.text)
        if printed == {}:
            raise CredentialUnavailableError(
                "PowerShell has no module Az.Accounts, or one older than 2.2.0: run 'Install-Module Az.Accounts'."
            )
        printed = printed or {}
        return self._tool.response(request, printed.get("token"), _seconds(printed), requested_at)

    def _refusal(self, output: ToolOutput) -> Exception:
        if _FORBIDDEN in output.complaint:
            return CredentialUnavailableError(
                "PowerShell's execution policy forbids Azure PowerShell: see 'Get-ExecutionPolicy -List'."
            )
        if _NOT_SIGNED_IN in output.complaint and "AADSTS" not in output.complaint:
            return CredentialUnavailableError("Nobody has signed in with Azure PowerShell: run 'Connect-AzAccount'.")
        return CredentialUnavailableError(self._tool.failure(output).message)


def _printed(text: str) -> Mapping[str, Any] | None:
    """Return what the script has printed."""
    for line in text.splitlines():
        if line.startswith(_MARK):
            try:
                printed = json.loads(line.removeprefix(_MARK))
            except (ValueError, RecursionError):
                return None
            return printed if isinstance(printed, dict) else None
    return None


def _seconds(printed: Mapping[str, Any]) -> float | None:
    try:
        return int(printed["expires_on"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
