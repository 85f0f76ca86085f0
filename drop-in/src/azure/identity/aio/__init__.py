"""azid's async names under the import name of Microsoft's azure-identity."""

from __future__ import annotations

from azid.aio import (
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    InteractiveCredential,
    UsernamePasswordCredential,
    get_bearer_token_provider,
)

__all__ = [
    "DeviceCodeCredential",
    "InteractiveBrowserCredential",
    "InteractiveCredential",
    "UsernamePasswordCredential",
    "get_bearer_token_provider",
]
