"""All kinds of managed-identity endpoints, and how programs are led to one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from azid.clock import Clock
from azid.emulator.directory import Directory
from azid.emulator.identities import Identities
from azid.emulator.listening import Listening
from azid.emulator.managed_identity import Endpoint
from azid.emulator.managed_identity.app_service import AppService
from azid.emulator.managed_identity.azure_arc import AzureArc
from azid.emulator.managed_identity.azure_ml import AzureML
from azid.emulator.managed_identity.cloud_shell import CloudShell
from azid.emulator.managed_identity.imds import InstanceMetadata
from azid.emulator.managed_identity.service_fabric import ServiceFabric
from azid.emulator.tokens import TokenIssuer

__all__ = ["Kind", "ManagedIdentityEndpoints"]

Kind = Literal["app-service", "azure-arc", "azure-ml", "cloud-shell", "imds", "service-fabric"]


class ManagedIdentityEndpoints:
    """One endpoint of each kind.

    :param listening: where they are.
    """

    def __init__(
        self, identities: Identities, clock: Clock, directory: Directory, tokens: TokenIssuer, listening: Listening
    ) -> None:
        self._listening = listening
        self._arc = AzureArc(identities)
        self.all: tuple[Endpoint, ...] = (
            AppService(identities),
            self._arc,
            AzureML(identities),
            CloudShell(identities, clock, directory, tokens),
            InstanceMetadata(identities),
            ServiceFabric(identities),
        )

    def environ(self, kind: Kind, key_folder: Path | None) -> dict[str, str]:
        """Return the variables that lead programs to the endpoint of a kind; see `Emulator.managed_identity_environ`.

        :raises ValueError: there is no such kind, or it has no key folder.
        """
        endpoint = next((each for each in self.all if each.kind == kind), None)
        if endpoint is None:
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, not {kind!r}")
        if key_folder is not None:
            if endpoint is not self._arc:
                raise ValueError(f"key_folder is for azure-arc only, not for {kind}")
            self._arc.key_folder = key_folder
        return endpoint.environ(self._listening)

    def clear(self) -> None:
        """Take all keys away."""
        self._arc.clear()
