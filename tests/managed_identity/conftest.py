"""What tests of managed identities need: an endpoint that answers from a script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from azid import ManagedIdentityCredential
from azid.clock import ManualClock
from tests.support.stub_transport import StubTransport

CLIENT_ID = "6a1d5a0e-2f1c-4b36-9d3c-0d0f3f6c7a11"
OBJECT_ID = "8c2f1f4e-7b0a-4f0e-8a55-5f0c6c1d2e22"
RESOURCE_ID = "/subscriptions/1/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine"
VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"

APP_SERVICE = {"IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi/token", "IDENTITY_HEADER": "the-header"}
AZURE_ML = {"MSI_ENDPOINT": "http://127.0.0.1:41/ml/token", "MSI_SECRET": "the-secret"}
CLOUD_SHELL = {"MSI_ENDPOINT": "http://127.0.0.1:41/oauth2/token"}
ARC = {"IDENTITY_ENDPOINT": "http://127.0.0.1:41/arc/token", "IMDS_ENDPOINT": "http://127.0.0.1:41"}
IMDS: dict[str, str] = {}

Make = Callable[..., ManagedIdentityCredential]


@pytest.fixture
def make(clock: ManualClock) -> Make:
    """Makes credentials of the platform that an environment describes, whose endpoint answers from a script."""

    def make(environ: dict[str, str], transport: StubTransport, **options: Any) -> ManagedIdentityCredential:
        return ManagedIdentityCredential(environ=environ, transport=transport, clock=clock, **options)

    return make


def token_reply(clock: ManualClock, token: str = "token", **values: Any) -> dict[str, Any]:
    """Return what the metadata service says: numbers as text."""
    expires_on = int(clock.time()) + 86_400
    return {
        "access_token": token,
        "client_id": CLIENT_ID,
        "expires_in": "86399",
        "expires_on": str(expires_on),
        "ext_expires_in": "86399",
        "not_before": str(expires_on - 86_700),
        "resource": VAULT,
        "token_type": "Bearer",
        **values,
    }
