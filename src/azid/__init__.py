"""azid signs people in to Microsoft Entra ID and hands Azure SDK clients their tokens.

Its names are those of `azure.identity`. Importing it loads nothing; each name loads what it needs when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from azid.authority import AzureAuthorityHosts, KnownAuthorities
    from azid.bearer_token import get_bearer_token_provider
    from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID
    from azid.credentials.authorization_code import AuthorizationCodeCredential
    from azid.credentials.azure_cli import AzureCliCredential
    from azid.credentials.azure_developer_cli import AzureDeveloperCliCredential
    from azid.credentials.azure_pipelines import AzurePipelinesCredential
    from azid.credentials.azure_powershell import AzurePowerShellCredential
    from azid.credentials.browser import InteractiveBrowserCredential
    from azid.credentials.certificate import CertificateCredential
    from azid.credentials.chained import ChainedTokenCredential
    from azid.credentials.client_assertion import ClientAssertionCredential
    from azid.credentials.client_secret import ClientSecretCredential
    from azid.credentials.default import DefaultAzureCredential
    from azid.credentials.device_code import DeviceCodeCredential
    from azid.credentials.environment import EnvironmentCredential
    from azid.credentials.interactive import InteractiveCredential
    from azid.credentials.managed_identity import ManagedIdentityCredential
    from azid.credentials.on_behalf_of import OnBehalfOfCredential
    from azid.credentials.shared_token_cache import SharedTokenCacheCredential
    from azid.credentials.username_password import UsernamePasswordCredential
    from azid.credentials.visual_studio_code import VisualStudioCodeCredential
    from azid.credentials.workload_identity import WorkloadIdentityCredential
    from azid.errors import AuthenticationRequiredError, CredentialUnavailableError
    from azid.persistence import TokenCachePersistenceOptions
    from azid.persistent_cache import PersistentCache
    from azid.record import AuthenticationRecord
    from azid.tokens.stores.encryption import EncryptionKeys
    from azid.tokens.stores.memory import MemoryTokenStore
    from azid.tokens.stores.redis import RedisTokenStore
    from azid.tokens.stores.sqlite import SQLiteTokenStore
    from azid.version import __version__

__all__ = [
    "DEVELOPER_SIGN_ON_CLIENT_ID",
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
    "EncryptionKeys",
    "EnvironmentCredential",
    "InteractiveBrowserCredential",
    "InteractiveCredential",
    "KnownAuthorities",
    "ManagedIdentityCredential",
    "MemoryTokenStore",
    "OnBehalfOfCredential",
    "PersistentCache",
    "RedisTokenStore",
    "SQLiteTokenStore",
    "SharedTokenCacheCredential",
    "TokenCachePersistenceOptions",
    "UsernamePasswordCredential",
    "VisualStudioCodeCredential",
    "WorkloadIdentityCredential",
    "__version__",
    "get_bearer_token_provider",
]

_MODULES: Final = {
    "DEVELOPER_SIGN_ON_CLIENT_ID": "azid.constants",
    "AuthenticationRecord": "azid.record",
    "AuthorizationCodeCredential": "azid.credentials.authorization_code",
    "AzureCliCredential": "azid.credentials.azure_cli",
    "AzureDeveloperCliCredential": "azid.credentials.azure_developer_cli",
    "AzurePipelinesCredential": "azid.credentials.azure_pipelines",
    "AzurePowerShellCredential": "azid.credentials.azure_powershell",
    "CertificateCredential": "azid.credentials.certificate",
    "ChainedTokenCredential": "azid.credentials.chained",
    "ClientAssertionCredential": "azid.credentials.client_assertion",
    "ClientSecretCredential": "azid.credentials.client_secret",
    "DefaultAzureCredential": "azid.credentials.default",
    "EnvironmentCredential": "azid.credentials.environment",
    "ManagedIdentityCredential": "azid.credentials.managed_identity",
    "OnBehalfOfCredential": "azid.credentials.on_behalf_of",
    "SharedTokenCacheCredential": "azid.credentials.shared_token_cache",
    "VisualStudioCodeCredential": "azid.credentials.visual_studio_code",
    "WorkloadIdentityCredential": "azid.credentials.workload_identity",
    "AuthenticationRequiredError": "azid.errors",
    "AzureAuthorityHosts": "azid.authority",
    "CredentialUnavailableError": "azid.errors",
    "DeviceCodeCredential": "azid.credentials.device_code",
    "EncryptionKeys": "azid.tokens.stores.encryption",
    "InteractiveBrowserCredential": "azid.credentials.browser",
    "InteractiveCredential": "azid.credentials.interactive",
    "KnownAuthorities": "azid.authority",
    "MemoryTokenStore": "azid.tokens.stores.memory",
    "RedisTokenStore": "azid.tokens.stores.redis",
    "SQLiteTokenStore": "azid.tokens.stores.sqlite",
    "PersistentCache": "azid.persistent_cache",
    "TokenCachePersistenceOptions": "azid.persistence",
    "UsernamePasswordCredential": "azid.credentials.username_password",
    "__version__": "azid.version",
    "get_bearer_token_provider": "azid.bearer_token",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'azid' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
