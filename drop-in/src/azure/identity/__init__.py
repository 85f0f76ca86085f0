"""azid's public names under the import name of Microsoft's azure-identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azid

if TYPE_CHECKING:
    from azid import (
        AuthenticationRecord,
        AuthenticationRequiredError,
        AuthorizationCodeCredential,
        AzureAuthorityHosts,
        AzureCliCredential,
        AzureDeveloperCliCredential,
        AzurePipelinesCredential,
        AzurePowerShellCredential,
        CertificateCredential,
        ChainedTokenCredential,
        ClientAssertionCredential,
        ClientSecretCredential,
        CredentialUnavailableError,
        DefaultAzureCredential,
        DeviceCodeCredential,
        EnvironmentCredential,
        InteractiveBrowserCredential,
        InteractiveCredential,
        KnownAuthorities,
        ManagedIdentityCredential,
        OnBehalfOfCredential,
        SharedTokenCacheCredential,
        TokenCachePersistenceOptions,
        UsernamePasswordCredential,
        VisualStudioCodeCredential,
        WorkloadIdentityCredential,
        get_bearer_token_provider,
    )

__all__ = [
    "AuthenticationRecord",
    "AuthenticationRequiredError",
    "AuthorizationCodeCredential",
    "AzureAuthorityHosts",
    "AzureCliCredential",
    "AzureDeveloperCliCredential",
    "AzurePipelinesCredential",
    "AzurePowerShellCredential",
    "CertificateCredential",
    "ChainedTokenCredential",
    "ClientAssertionCredential",
    "ClientSecretCredential",
    "CredentialUnavailableError",
    "DefaultAzureCredential",
    "DeviceCodeCredential",
    "EnvironmentCredential",
    "InteractiveBrowserCredential",
    "InteractiveCredential",
    "KnownAuthorities",
    "ManagedIdentityCredential",
    "OnBehalfOfCredential",
    "SharedTokenCacheCredential",
    "TokenCachePersistenceOptions",
    "UsernamePasswordCredential",
    "VisualStudioCodeCredential",
    "WorkloadIdentityCredential",
    "get_bearer_token_provider",
]
__version__ = "1.27.0+azid.0.1.0"


def __getattr__(name: str) -> object:
    """Hand on what azid loads only when it is asked for (PEP 562)."""
    if name in __all__:
        return getattr(azid, name)
    raise AttributeError(f"azid has no {name} (module {__name__!r})")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
