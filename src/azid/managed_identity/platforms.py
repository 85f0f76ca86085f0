"""Which platform the program runs on, as its environment variables tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azid.clock import Clock
from azid.managed_identity.endpoint import Endpoint
from azid.managed_identity.identity import UserAssignedIdentity

__all__ = ["find_endpoint"]


def find_endpoint(
    identity: UserAssignedIdentity | None, environ: Mapping[str, str], clock: Clock, options: Mapping[str, Any]
) -> Endpoint | None:
    """Return the endpoint of the platform; the metadata service's where nothing tells of another, None where too little
    is told of one.

    :param identity: whose tokens; None for the machine's own identity.
    :param environ: the environment variables.
    :param clock: what lifetimes are counted by.
    :param options: azure-core's options for requests.
    :raises ValueError: the platform cannot give another identity than its own.
    """
    url, header = environ.get("IDENTITY_ENDPOINT"), environ.get("IDENTITY_HEADER")
    if url and header and (thumbprint := environ.get("IDENTITY_SERVER_THUMBPRINT")):
        from azid.managed_identity.service_fabric import ServiceFabricEndpoint

        return ServiceFabricEndpoint(url, header, identity, clock, options, thumbprint=thumbprint)
    if url and header:
        from azid.managed_identity.app_service import AppServiceEndpoint

        return AppServiceEndpoint(url, header, identity, clock, options)
    if url and environ.get("IMDS_ENDPOINT"):
        from azid.managed_identity.azure_arc import AzureArcEndpoint, key_folder

        return AzureArcEndpoint(url, "", identity, clock, options, folder=key_folder(environ=environ))
    if url:
        return None
    if msi := environ.get("MSI_ENDPOINT"):
        return _older_endpoint(msi, environ.get("MSI_SECRET"), identity, clock, options)
    from azid.managed_identity.imds import ImdsEndpoint

    return ImdsEndpoint(environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or None, identity, clock, options)


def _older_endpoint(
    url: str, secret: str | None, identity: UserAssignedIdentity | None, clock: Clock, options: Mapping[str, Any]
) -> Endpoint:
    if secret:
        from azid.managed_identity.azure_ml import AzureMLEndpoint

        return AzureMLEndpoint(url, secret, identity, clock, options)
    from azid.managed_identity.cloud_shell import CloudShellEndpoint

    if identity is not None:
        raise ValueError(
            "In Cloud Shell the identity is the person who has opened it. Leave 'client_id' and 'identity_config' out."
        )
    return CloudShellEndpoint(url, "", identity, clock, options)
