"""App Service, Functions and Container Apps, and Automation."""

from __future__ import annotations

from typing import Final

from azure.core.rest import HttpRequest

from azid.managed_identity.endpoint import Endpoint, Reply

__all__ = ["AppServiceEndpoint"]

_API_VERSION: Final = "2019-08-01"


class AppServiceEndpoint(Endpoint):
    """Azure documentation topic: "How to use managed identities for App Service and Azure Functions"."""

    platform = "App Service"

    def _request(self, resource: str) -> HttpRequest:
        return HttpRequest(
            "GET",
            self._url,
            params=self._parameters(_API_VERSION, resource, {"resource_id": "mi_res_id"}),
            headers={"X-IDENTITY-HEADER": self._secret, "Metadata": "true"},  # the latter is Automation's
        )

    def _problem(self, reply: Reply) -> str:
        message = reply.values.get("message")
        return message if isinstance(message, str) else super()._problem(reply)
