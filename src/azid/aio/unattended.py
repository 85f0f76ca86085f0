"""The async credentials that ask nobody: each is its sync one, off the event loop."""

from __future__ import annotations

from typing import Any

from azid.aio.credential import Credential
from azid.aio.parity import documented_as, parameters_of
from azid.credentials.authorization_code import AuthorizationCodeCredential as SyncAuthorizationCodeCredential
from azid.credentials.azure_cli import AzureCliCredential as SyncAzureCliCredential
from azid.credentials.azure_developer_cli import AzureDeveloperCliCredential as SyncAzureDeveloperCliCredential
from azid.credentials.azure_pipelines import AzurePipelinesCredential as SyncAzurePipelinesCredential
from azid.credentials.azure_powershell import AzurePowerShellCredential as SyncAzurePowerShellCredential
from azid.credentials.certificate import CertificateCredential as SyncCertificateCredential
from azid.credentials.client_assertion import ClientAssertionCredential as SyncClientAssertionCredential
from azid.credentials.client_secret import ClientSecretCredential as SyncClientSecretCredential
from azid.credentials.environment import EnvironmentCredential as SyncEnvironmentCredential
from azid.credentials.managed_identity import ManagedIdentityCredential as SyncManagedIdentityCredential
from azid.credentials.on_behalf_of import OnBehalfOfCredential as SyncOnBehalfOfCredential
from azid.credentials.shared_token_cache import SharedTokenCacheCredential as SyncSharedTokenCacheCredential
from azid.credentials.visual_studio_code import VisualStudioCodeCredential as SyncVisualStudioCodeCredential
from azid.credentials.workload_identity import WorkloadIdentityCredential as SyncWorkloadIdentityCredential

__all__ = [
    "AuthorizationCodeCredential",
    "AzureCliCredential",
    "AzureDeveloperCliCredential",
    "AzurePipelinesCredential",
    "AzurePowerShellCredential",
    "CertificateCredential",
    "ClientAssertionCredential",
    "ClientSecretCredential",
    "EnvironmentCredential",
    "ManagedIdentityCredential",
    "OnBehalfOfCredential",
    "SharedTokenCacheCredential",
    "VisualStudioCodeCredential",
    "WorkloadIdentityCredential",
]


@documented_as(SyncAuthorizationCodeCredential)
class AuthorizationCodeCredential(Credential):
    @parameters_of(SyncAuthorizationCodeCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncAuthorizationCodeCredential, *args, **kwargs)


@documented_as(SyncAzureCliCredential)
class AzureCliCredential(Credential):
    @parameters_of(SyncAzureCliCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncAzureCliCredential, *args, **kwargs)


@documented_as(SyncAzureDeveloperCliCredential)
class AzureDeveloperCliCredential(Credential):
    @parameters_of(SyncAzureDeveloperCliCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncAzureDeveloperCliCredential, *args, **kwargs)


@documented_as(SyncAzurePipelinesCredential)
class AzurePipelinesCredential(Credential):
    @parameters_of(SyncAzurePipelinesCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncAzurePipelinesCredential, *args, **kwargs)


@documented_as(SyncAzurePowerShellCredential)
class AzurePowerShellCredential(Credential):
    @parameters_of(SyncAzurePowerShellCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncAzurePowerShellCredential, *args, **kwargs)


@documented_as(SyncCertificateCredential)
class CertificateCredential(Credential):
    @parameters_of(SyncCertificateCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncCertificateCredential, *args, **kwargs)


@documented_as(SyncClientAssertionCredential)
class ClientAssertionCredential(Credential):
    @parameters_of(SyncClientAssertionCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncClientAssertionCredential, *args, **kwargs)


@documented_as(SyncClientSecretCredential)
class ClientSecretCredential(Credential):
    @parameters_of(SyncClientSecretCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncClientSecretCredential, *args, **kwargs)


@documented_as(SyncEnvironmentCredential)
class EnvironmentCredential(Credential):
    @parameters_of(SyncEnvironmentCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncEnvironmentCredential, *args, **kwargs)


@documented_as(SyncManagedIdentityCredential)
class ManagedIdentityCredential(Credential):
    @parameters_of(SyncManagedIdentityCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncManagedIdentityCredential, *args, **kwargs)


@documented_as(SyncOnBehalfOfCredential)
class OnBehalfOfCredential(Credential):
    @parameters_of(SyncOnBehalfOfCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncOnBehalfOfCredential, *args, **kwargs)


@documented_as(SyncSharedTokenCacheCredential)
class SharedTokenCacheCredential(Credential):
    @parameters_of(SyncSharedTokenCacheCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncSharedTokenCacheCredential, *args, **kwargs)

    @staticmethod
    @documented_as(SyncSharedTokenCacheCredential.supported)
    def supported() -> bool:
        return SyncSharedTokenCacheCredential.supported()


@documented_as(SyncVisualStudioCodeCredential)
class VisualStudioCodeCredential(Credential):
    @parameters_of(SyncVisualStudioCodeCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncVisualStudioCodeCredential, *args, **kwargs)


@documented_as(SyncWorkloadIdentityCredential)
class WorkloadIdentityCredential(ClientAssertionCredential):
    @parameters_of(SyncWorkloadIdentityCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncWorkloadIdentityCredential, *args, **kwargs)
