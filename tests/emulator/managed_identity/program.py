"""A program on a machine of some kind, and the identities that it may be given."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import requests

from azid.emulator import Emulator, ManagedIdentity
from azid.emulator.managed_identity.kinds import Kind

DEPLOY = ManagedIdentity("0f8fad5b-d9cb-469f-a165-70867728950e", name="deploy")
BACKUP = ManagedIdentity(
    "6e74172b-be56-4843-9ff4-e66a39bb12e3",
    object_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
    resource_id="/subscriptions/1/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/backup",
)
VAULT = "https://vault.azure.net"
VERSIONS = {
    "app-service": "2019-08-01",
    "azure-arc": "2020-06-01",
    "azure-ml": "2017-09-01",
    "imds": "2018-02-01",
    "service-fabric": "2019-07-01-preview",
}
KINDS = sorted(get_args(Kind))
WITH_VERSION = sorted(VERSIONS)


class Program:
    """A program on a machine of some kind, which knows its environment variables only."""

    def __init__(self, entra: Emulator, kind: Any, keys: Path) -> None:
        self.kind = kind
        self.session = entra.session()
        arc = {"key_folder": keys} if kind == "azure-arc" else {}
        self.environ = entra.managed_identity_environ(kind, **arc)

    @property
    def url(self) -> str:
        names = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
        endpoint = next((self.environ[name] for name in names if name in self.environ), None)
        return endpoint or f"{self.environ['AZURE_POD_IDENTITY_AUTHORITY_HOST']}/metadata/identity/oauth2/token"

    @property
    def headers(self) -> dict[str, str]:
        if self.kind == "app-service":
            return {"X-IDENTITY-HEADER": self.environ["IDENTITY_HEADER"]}
        if self.kind == "azure-ml":
            return {"secret": self.environ["MSI_SECRET"]}
        if self.kind == "service-fabric":
            return {"Secret": self.environ["IDENTITY_HEADER"]}
        return {"Metadata": "true"}

    def send(self, headers: dict[str, str], values: Any) -> requests.Response:
        if self.kind == "cloud-shell":
            return self.session.post(self.url, data=values, headers=headers)
        return self.session.get(self.url, params=values, headers=headers)

    def ask(self, **changes: Any) -> requests.Response:
        """Ask as the kind wants it; a None leaves a parameter out."""
        values = {"resource": VAULT, "api-version": VERSIONS.get(self.kind), **changes}
        values = {name: value for name, value in values.items() if value is not None}
        headers = self.headers
        if self.kind == "azure-arc":
            challenge = self.send(headers, values)
            if challenge.status_code != 401:
                return challenge
            headers["Authorization"] = f"Basic {key_file(challenge).read_text()}"
        return self.send(headers, values)


def key_file(challenge: requests.Response) -> Path:
    """Return the file that Azure Arc's challenge names."""
    scheme, _, path = challenge.headers["WWW-Authenticate"].partition(" realm=")
    assert scheme == "Basic"
    return Path(path)


def kinds(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("program", names, indirect=True)
