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
    from azid.credentials.browser import InteractiveBrowserCredential
    from azid.credentials.device_code import DeviceCodeCredential
    from azid.credentials.interactive import InteractiveCredential
    from azid.credentials.username_password import UsernamePasswordCredential
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
    "AzureAuthorityHosts",
    "CredentialUnavailableError",
    "DeviceCodeCredential",
    "EncryptionKeys",
    "InteractiveBrowserCredential",
    "InteractiveCredential",
    "KnownAuthorities",
    "MemoryTokenStore",
    "PersistentCache",
    "RedisTokenStore",
    "SQLiteTokenStore",
    "TokenCachePersistenceOptions",
    "UsernamePasswordCredential",
    "__version__",
    "get_bearer_token_provider",
]

_MODULES: Final = {
    "DEVELOPER_SIGN_ON_CLIENT_ID": "azid.constants",
    "AuthenticationRecord": "azid.record",
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
