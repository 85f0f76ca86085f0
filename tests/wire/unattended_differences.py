"""Where azid's requests without a person differ from azure-identity's on purpose."""

from __future__ import annotations

import sys
from typing import Final

import msal

from tests.wire.intended_differences import Intended

__all__ = ["UNATTENDED"]

_HOME: Final = "11111111-2222-3333-4444-555555555555"
_SENT: Final = ("sent", None)
_TELEMETRY: Final[dict[str, tuple[str | None, str | None]]] = {
    "header.accept": ("*/*", "application/json"),
    "header.client-request-id": (None, "<request id 1>"),
    "header.x-client-last-telemetry": (None, "4|0|||"),
    "header.x-client-os": (None, sys.platform),
    "header.x-client-sku": (None, "MSAL.Python"),
    "header.x-client-ver": (None, msal.__version__),
    "header.x-ms-lib-capability": (None, "retry-after, h429"),
}
_CENTRAL: Final = f"https://login.microsoftonline.com/{_HOME}/v2.0/.well-known/openid-configuration"
_REGIONAL: Final = f"https://westus2.login.microsoft.com/{_HOME}/v2.0/.well-known/openid-configuration"
_REGIONS: Final = ("client secret in a region", "client secret in a region to be found out")
_MACHINES: Final = (
    *(f"virtual machine: {call} {number}: token" for call in ("get_token", "expired") for number in range(4)),
    *(f"pod identity: {call} {number}: token" for call in ("get_token", "expired") for number in range(2)),
    "virtual machine in a chain: get_token: token 2",
    "virtual machine in a chain: other scope: token",
)


def _in_region(scenario: str, *endpoints: str) -> str:
    return ", ".join(f"{scenario}: get_token: {endpoint}" for endpoint in endpoints)


UNATTENDED: Final = (
    Intended(
        "The endpoints of the well-known clouds are fixed facts where the tenant is a GUID.",
        {"request": _SENT},
        (
            "client secret: get_token: openid configuration",
            "client secret: other tenant: openid configuration",
            "client secret: cae: openid configuration",
            "certificate: get_token: openid configuration",
            "certificate: cae: openid configuration",
            "certificate with its chain: get_token: openid configuration",
            "on behalf of: get_token: openid configuration",
        ),
    ),
    Intended(
        "Likewise before a region's authority is asked, whose endpoints are not known,",
        {"request": _SENT},
        tuple(f"{scenario}: get_token: openid configuration 2" for scenario in _REGIONS),
    ),
    Intended(
        "so that one remains.",
        {"url": (_CENTRAL, _REGIONAL)},
        tuple(f"{scenario}: get_token: openid configuration" for scenario in _REGIONS),
    ),
    *(
        Intended(
            f"And it comes after the question which region this is: {scenario}.",
            {
                "order": (
                    _in_region(scenario, "openid configuration", "compute", "openid configuration 2", "token"),
                    _in_region(scenario, "compute", "openid configuration", "token"),
                )
            },
            (scenario,),
        )
        for scenario in _REGIONS
    ),
    Intended(
        "MSAL sends every OAuth request; azure-identity has a client of its own for assertions, without telemetry.",
        {**_TELEMETRY, "form.client_info": (None, "1"), "header.x-client-current-telemetry": (None, "4|730,2|")},
        (
            "azure pipelines: get_token: token",
            "client assertion: get_token: token",
            "client assertion: other scope: token",
            "client assertion: other tenant: token",
            "client assertion: cae: token",
            "client assertion: expired: token",
            "workload identity: get_token: token",
            "workload identity: as a managed identity: token",
        ),
    ),
    Intended(
        "The same where claims are asked for, which MSAL counts.",
        {**_TELEMETRY, "form.client_info": (None, "1"), "header.x-client-current-telemetry": (None, "4|730,1|")},
        ("client assertion: claims: token", "client assertion: cae and claims: token"),
    ),
    Intended(
        "The same for codes, with the scopes that bring a refresh token and say who signed in: without them the "
        "credential would have nothing to go on with when its first token expires.",
        {
            **_TELEMETRY,
            "form.scope": (
                "https://graph.microsoft.com/.default",
                "https://graph.microsoft.com/.default offline_access openid profile",
            ),
            "header.x-client-current-telemetry": (None, "4|832,0|"),
        },
        ("authorization code: get_token: token",),
    ),
    Intended(
        "The same for the refresh of such a sign-in.",
        {
            **_TELEMETRY,
            "form.scope": (
                "https://graph.microsoft.com/.default",
                "https://graph.microsoft.com/.default offline_access openid profile",
            ),
            "header.x-anchormailbox": (None, f"Oid:66666666-7777-8888-9999-000000000000@{_HOME}"),
            "header.x-client-current-telemetry": (None, "4|84,2|"),
        },
        ("authorization code: expired: token",),
    ),
    Intended(
        "MSAL finds no expired access token, so it reports that there is none.",
        {"header.x-client-current-telemetry": ("4|730,3|", "4|730,2|")},
        ("client secret: expired: token",),
    ),
    Intended(
        "Likewise with a refresh token.",
        {"header.x-client-current-telemetry": ("4|84,3|", "4|84,2|")},
        ("on behalf of: expired: token",),
    ),
    Intended(
        "A token from memory is served without MSAL, which therefore does not count it.",
        {"header.x-client-last-telemetry": ("4|1|||", "4|0|||")},
        ("client secret: other scope: token", "on behalf of: other scope: token"),
    ),
    Intended(
        "It is not MSAL that asks a machine's endpoint (docs/decisions.md).",
        {"header.x-client-sku": ("MSAL.Python", None), "header.x-client-ver": (msal.__version__, None)},
        _MACHINES,
    ),
)
