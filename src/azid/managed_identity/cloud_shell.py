"""Cloud Shell, where the identity is the person who has opened the shell."""

from __future__ import annotations

from azure.core.rest import HttpRequest

from azid.managed_identity.endpoint import Endpoint

__all__ = ["CloudShellEndpoint"]


class CloudShellEndpoint(Endpoint):
    """Azure documentation topic: "Acquire a user token in Azure Cloud Shell"."""

    platform = "Cloud Shell"

    def _request(self, resource: str) -> HttpRequest:
        return HttpRequest("POST", self._url, data={"resource": resource}, headers={"Metadata": "true"})
