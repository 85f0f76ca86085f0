"""The credential of an identity that Azure has given to a machine or a service."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from azid.authority import AzureAuthorityHosts, normalize_authority
from azid.clock import Clock, SystemClock
from azid.credentials.credential import Credential, TokenSession, session_of
from azid.credentials.pickled import PickledAsMade
from azid.keywords import keywords_of, refuse_misspellings
from azid.managed_identity.identity import UserAssignedIdentity, identity_of
from azid.persistence import open_storage
from azid.unattended import UnattendedSession, UnavailableSession

__all__ = ["ManagedIdentityCredential"]

_LOGGER = logging.getLogger(__name__)

_TENANT: Final = "managed-identity"
"""What tokens are filed under: an identity is at home in one tenant, whichever that is."""


class ManagedIdentityCredential(PickledAsMade, Credential):
    """Gets tokens of a managed identity, from the endpoint of the machine or service that the program runs on.

    It knows App Service, Functions, Container Apps, Automation, Azure Arc, Azure Machine Learning, Cloud Shell, Service
    Fabric, workload identity in Kubernetes, and virtual machines; the environment variables tell which it is. Entra
    documentation topic: "What are managed identities for Azure resources?".

    :param client_id: the client ID of a user-assigned identity. Defaults to None: the machine's own identity.
    :param identity_config: another name of a user-assigned identity: ``{"object_id": …}``, ``{"resource_id": …}`` or
        ``{"client_id": …}``.
    :param use_workload_identity: whether the identity that Kubernetes vouches for is used where there is one. Defaults
        to True.
    :param environ: the environment variables. Defaults to the process's.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param kwargs: azure-core's options for requests: `transport`, `connection_timeout`, `retry_total` … A proxy is used
        only if `proxies` names one: endpoints are on the machine, and a proxy would see their secrets.
    :raises ValueError: the identity is named more than once, or where it cannot be chosen.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters, or `identity_config` is no dict.
    """

    def __init__(
        self,
        *,
        client_id: str | None = None,
        identity_config: Mapping[str, str] | None = None,
        use_workload_identity: bool = True,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        refuse_misspellings(kwargs, keywords_of(type(self)))
        self._identity = identity_of(client_id, identity_config)
        environ = os.environ if environ is None else environ
        clock = clock or SystemClock()
        is_workload = use_workload_identity and _is_workload(environ)
        session = (
            _workload_session(self._identity, environ, clock, kwargs)
            if is_workload
            else _endpoint_session(self._identity, environ, clock, kwargs)
        )
        super().__init__(session, clock)

    def __repr__(self) -> str:
        named = f"{self._identity.key}={self._identity.value!r}" if self._identity is not None else ""
        return f"{type(self).__name__}({named})"


def _is_workload(environ: Mapping[str, str]) -> bool:
    """Whether Kubernetes vouches for the program, and no endpoint of the platform does."""
    has_endpoint = any(environ.get(name) for name in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT"))
    needed = ("AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")
    return not has_endpoint and all(environ.get(name) for name in needed)


def _workload_session(
    identity: UserAssignedIdentity | None, environ: Mapping[str, str], clock: Clock, options: Mapping[str, Any]
) -> TokenSession:
    from azid.credentials.workload_identity import WorkloadIdentityCredential

    if identity is not None and identity.key != "client_id":
        raise ValueError(f"Workload identity knows identities by their client ID only, not by {identity.key}.")
    _LOGGER.info("The managed identity is the workload identity of a pod in Kubernetes.")
    return session_of(
        WorkloadIdentityCredential(
            client_id=identity.value if identity is not None else None, environ=environ, clock=clock, **options
        )
    )


def _endpoint_session(
    identity: UserAssignedIdentity | None, environ: Mapping[str, str], clock: Clock, options: Mapping[str, Any]
) -> TokenSession:
    from azid.managed_identity.platforms import find_endpoint

    endpoint = find_endpoint(identity, environ, clock, options)
    if endpoint is None:
        return UnavailableSession(
            "IDENTITY_ENDPOINT is set, but neither IDENTITY_HEADER nor IMDS_ENDPOINT, so what kind of managed identity "
            "it leads to cannot be told. Set what the platform's documentation names, or none of them."
        )
    _LOGGER.info("The managed identity is that of %s.", endpoint.platform)
    return UnattendedSession(
        endpoint,
        client_id=identity.value if identity is not None else "system-assigned",
        authority=normalize_authority(AzureAuthorityHosts.AZURE_PUBLIC_CLOUD),  # which cloud it is the endpoint knows
        resolve_tenant=lambda _: _TENANT,
        storage=open_storage(None),
        clock=clock,
        transport=endpoint.pipeline,
    )
