"""The credentials of azid for asyncio and trio: the same names, parameters and behaviour, without blocking the loop.

A fresh token is returned at once. Whatever takes time is done in another thread, once for all tasks that ask for the
same; cancelling the last of them ends it. It needs ``azid[aio]``.
"""

from __future__ import annotations

try:
    from anyio.lowlevel import EventLoopToken as _EventLoopToken  # noqa: F401 - the newest of what is used here
except ImportError as error:
    raise ImportError("azid.aio needs anyio 4.11 or newer: run \"python -m pip install 'azid[aio]'\".") from error

from azid.aio.bearer_token import get_bearer_token_provider
from azid.aio.chained import ChainedTokenCredential
from azid.aio.credentials import DeviceCodeCredential, InteractiveBrowserCredential, UsernamePasswordCredential
from azid.aio.default import DefaultAzureCredential
from azid.aio.interactive import InteractiveCredential
from azid.aio.unattended import (
    AuthorizationCodeCredential,
    AzureCliCredential,
    AzureDeveloperCliCredential,
    AzurePipelinesCredential,
    AzurePowerShellCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    OnBehalfOfCredential,
    SharedTokenCacheCredential,
    VisualStudioCodeCredential,
    WorkloadIdentityCredential,
)

__all__ = [
    "AuthorizationCodeCredential",
    "AzureCliCredential",
    "AzureDeveloperCliCredential",
    "AzurePipelinesCredential",
    "AzurePowerShellCredential",
    "CertificateCredential",
    "ChainedTokenCredential",
    "ClientAssertionCredential",
    "ClientSecretCredential",
    "DefaultAzureCredential",
    "DeviceCodeCredential",
    "EnvironmentCredential",
    "InteractiveBrowserCredential",
    "InteractiveCredential",
    "ManagedIdentityCredential",
    "OnBehalfOfCredential",
    "SharedTokenCacheCredential",
    "UsernamePasswordCredential",
    "VisualStudioCodeCredential",
    "WorkloadIdentityCredential",
    "get_bearer_token_provider",
]
