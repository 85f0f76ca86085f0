"""Azure Machine Learning's compute instances and endpoints."""

from __future__ import annotations

import time
from calendar import timegm
from collections.abc import Mapping
from typing import Any, Final

from azure.core.rest import HttpRequest

from azid.managed_identity.endpoint import Endpoint, Reply
from azid.tokens.request import TokenRequest

__all__ = ["AzureMLEndpoint"]

_API_VERSION: Final = "2017-09-01"
_NAMES: Final = {"client_id": "clientid", "resource_id": "msi_res_id"}
_UTC: Final = " +00:00"
_DATES: Final = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p")
"""How this version of the API writes the time at which a token expires, where it writes no number."""


class AzureMLEndpoint(Endpoint):
    """Azure documentation topic: "Set up authentication between Azure Machine Learning and other services"."""

    platform = "Azure Machine Learning"

    def _request(self, resource: str) -> HttpRequest:
        return HttpRequest(
            "GET",
            self._url,
            params=self._parameters(_API_VERSION, resource, _NAMES),
            headers={"secret": self._secret},
        )

    def _ask(self, resource: str, request: TokenRequest) -> Reply:
        reply = super()._ask(resource, request)
        reply.values = _with_seconds(reply.values)
        return reply


def _with_seconds(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a reply's values with the time of expiry in seconds since the epoch."""
    written = values.get("expires_on")
    if not isinstance(written, str) or not written.endswith(_UTC):
        return values
    for form in _DATES:
        try:
            return {**values, "expires_on": timegm(time.strptime(written.removesuffix(_UTC), form))}
        except ValueError:
            continue
    return values
