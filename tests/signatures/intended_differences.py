"""Where azid offers something else than azure-identity on purpose. Everything else has to be the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["INTENDED", "Intended"]

_APPLICATIONS: Final = (
    *("AzurePipelinesCredential", "CertificateCredential", "ClientAssertionCredential", "ClientSecretCredential"),
    *("EnvironmentCredential", "WorkloadIdentityCredential"),
)
_DELEGATED: Final = ("AuthorizationCodeCredential", "OnBehalfOfCredential")
_PEOPLE: Final = ("DeviceCodeCredential", "InteractiveBrowserCredential", "UsernamePasswordCredential")
_TOOLS: Final = ("AzureCliCredential", "AzureDeveloperCliCredential", "AzurePowerShellCredential")
_ASYNC_DEFAULT: Final = "aio.DefaultAzureCredential()"


@dataclass(frozen=True)
class Intended:
    """A difference that is meant to be.

    :param reason: why.
    :param differences: each as `differences.differences` writes it.
    """

    reason: str
    differences: frozenset[str]


def _both(*differences: str) -> frozenset[str]:
    """The same difference in the sync and in the async module."""
    return frozenset(f"{module}{difference}" for module in ("", "aio.") for difference in differences)


def _adds(parameter: str, *names: str) -> frozenset[str]:
    return _both(*(f"{name}(): adds {parameter}" for name in names))


def _sync_adds(parameter: str, *names: str) -> frozenset[str]:
    return frozenset(f"{name}(): adds {parameter}" for name in names)


INTENDED: Final = (
    Intended(
        "Names of azid's own.",
        frozenset(
            f"{name}: is azid's own"
            for name in (
                *("DEVELOPER_SIGN_ON_CLIENT_ID", "EncryptionKeys", "InteractiveCredential", "MemoryTokenStore"),
                *("PersistentCache", "RedisTokenStore", "SQLiteTokenStore", "__version__"),
                *(f"aio.{name}" for name in (*_PEOPLE, "InteractiveCredential")),
            )
        ),
    ),
    Intended(
        "The spec has a public base class.",
        frozenset(f"{name}: adds the base InteractiveCredential" for name in _PEOPLE),
    ),
    Intended(
        "The spec's `authenticate` takes scopes one by one, as a list, and by their keyword.",
        frozenset(f"{name}.authenticate(): parameter scopes is VAR_POSITIONAL" for name in _PEOPLE),
    ),
    Intended(
        "Time, the environment, the home, the browser, and what opens a store are parameters, for tests.",
        _adds("clock", *_APPLICATIONS, *_DELEGATED, *_TOOLS)
        | _adds(
            "clock",
            *("DefaultAzureCredential", "ManagedIdentityCredential", "SharedTokenCacheCredential"),
            "VisualStudioCodeCredential",
        )
        | _sync_adds("clock", *_PEOPLE)
        | _adds("environ", *_TOOLS, "AzurePipelinesCredential", "DefaultAzureCredential", "EnvironmentCredential")
        | _adds("environ", "ManagedIdentityCredential", "WorkloadIdentityCredential")
        | _adds("open_storage", *_APPLICATIONS, "DefaultAzureCredential", "SharedTokenCacheCredential")
        | _adds("home", "VisualStudioCodeCredential")
        | _adds("load_runtime", "VisualStudioCodeCredential")
        | _sync_adds("open_browser", "InteractiveBrowserCredential"),
    ),
    Intended(
        "What azure-identity takes from `**kwargs` without documenting it is spelled out.",
        _adds("disable_instance_discovery", "AuthorizationCodeCredential", "AzurePipelinesCredential")
        | _adds("disable_instance_discovery", "ClientAssertionCredential", "EnvironmentCredential")
        | _adds("disable_instance_discovery", "SharedTokenCacheCredential", "WorkloadIdentityCredential")
        | _adds("disable_instance_discovery", "DefaultAzureCredential", "VisualStudioCodeCredential")
        | frozenset(
            f"aio.{name}(): adds disable_instance_discovery"
            for name in ("CertificateCredential", "ClientSecretCredential", "OnBehalfOfCredential")
        )
        | _adds("enable_support_logging", *_APPLICATIONS, *_DELEGATED, "DefaultAzureCredential")
        | _adds("enable_support_logging", "SharedTokenCacheCredential", "VisualStudioCodeCredential")
        | _adds("additionally_allowed_tenants", "DefaultAzureCredential", "EnvironmentCredential")
        | _adds("additionally_allowed_tenants", "SharedTokenCacheCredential", "WorkloadIdentityCredential")
        | _adds("authority", "EnvironmentCredential", "WorkloadIdentityCredential")
        | _adds("cache_persistence_options", "AzurePipelinesCredential", "DefaultAzureCredential")
        | _adds("cache_persistence_options", "EnvironmentCredential", "WorkloadIdentityCredential")
        | frozenset(
            {
                "aio.CertificateCredential(): adds send_certificate_chain",
                "aio.OnBehalfOfCredential(): adds send_certificate_chain",
                "aio.SharedTokenCacheCredential(): adds authentication_record",
            }
        ),
    ),
    Intended(
        "Every credential for people may be asked for tokens of other tenants.",
        _sync_adds("additionally_allowed_tenants", "DeviceCodeCredential", "InteractiveBrowserCredential"),
    ),
    Intended(
        "The spec has these; azure-identity leaves them to azure-identity-broker.",
        _sync_adds("parent_window_handle", "InteractiveBrowserCredential")
        | _sync_adds("enable_msa_passthrough", "InteractiveBrowserCredential"),
    ),
    Intended(
        "Where workload identity is left out, a managed identity is not to be one: azure-identity says so in private.",
        _adds("use_workload_identity", "ManagedIdentityCredential"),
    ),
    Intended(
        "The async chain has the same links as the sync one.",
        frozenset(
            f"{_ASYNC_DEFAULT}: adds {parameter}"
            for parameter in (
                *("exclude_interactive_browser_credential", "exclude_broker_credential", "broker_tenant_id"),
                *("broker_client_id", "interactive_browser_tenant_id", "interactive_browser_client_id"),
            )
        ),
    ),
    Intended(
        "Stores of one's own, and a kernel's key.",
        _sync_adds("encryption", "TokenCachePersistenceOptions")
        | _sync_adds("store", "TokenCachePersistenceOptions")
        | _sync_adds("partition", "TokenCachePersistenceOptions"),
    ),
    Intended(
        "A misspelt option of storage is refused rather than passed over: it may be the one that encrypts.",
        frozenset({"TokenCachePersistenceOptions(): lacks kwargs"}),
    ),
    Intended(
        "An error carries the authority's reply.",
        frozenset({"AuthenticationRequiredError(): adds response"}),
    ),
)
