"""The async credential for programs that run on a developer's machine one day and in Azure the next."""

from __future__ import annotations

from typing import Any, Final

from azid.aio.chained import ChainedTokenCredential
from azid.aio.credential import Credential, off_loop
from azid.aio.credentials import InteractiveBrowserCredential
from azid.aio.parity import documented_as, parameters_of
from azid.aio.unattended import (
    AzureCliCredential,
    AzureDeveloperCliCredential,
    AzurePowerShellCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    SharedTokenCacheCredential,
    VisualStudioCodeCredential,
    WorkloadIdentityCredential,
)
from azid.chain import Chain
from azid.credentials.broker import BrokerCredential as SyncBrokerCredential
from azid.credentials.default import DefaultAzureCredential as SyncDefaultCredential
from azid.credentials.unavailable import UnavailableCredential as SyncUnavailableCredential
from azid.default_chain import is_developers
from azid.persistence import open_storage_when_needed

__all__ = ["DefaultAzureCredential"]


@documented_as(SyncBrokerCredential)
class BrokerCredential(Credential):
    pass


@documented_as(SyncUnavailableCredential)
class UnavailableCredential(Credential):
    _credential: SyncUnavailableCredential

    @property
    def stands_for(self) -> str:
        return self._credential.stands_for


_CLASSES: Final[dict[str, type[Credential]]] = {
    cls.__name__: cls
    for cls in (
        AzureCliCredential,
        AzureDeveloperCliCredential,
        AzurePowerShellCredential,
        BrokerCredential,
        EnvironmentCredential,
        InteractiveBrowserCredential,
        ManagedIdentityCredential,
        SharedTokenCacheCredential,
        UnavailableCredential,
        VisualStudioCodeCredential,
        WorkloadIdentityCredential,
    )
}


@documented_as(SyncDefaultCredential)
class DefaultAzureCredential(ChainedTokenCredential):
    @parameters_of(SyncDefaultCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("open_storage", open_storage_when_needed)
        links: tuple[Any, ...] = SyncDefaultCredential(*args, **kwargs).credentials
        super().__init__(*(off_loop(_CLASSES[type(link).__name__], link) for link in links))
        self._chain = Chain(type(self).__name__, self.credentials, keeps=True, goes_on_after=is_developers)
