"""Service Fabric: an endpoint of the cluster's, known by its certificate's fingerprint."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from azure.core.rest import HttpRequest

from azid.clock import Clock
from azid.errors import AuthenticationFailedError
from azid.managed_identity.endpoint import Endpoint, Reply
from azid.managed_identity.identity import UserAssignedIdentity
from azid.tokens.request import TokenRequest

__all__ = ["ServiceFabricEndpoint"]

_API_VERSION: Final = "2019-07-01-preview"
_SHA1: Final = re.compile("[0-9a-fA-F]{40}")


class ServiceFabricEndpoint(Endpoint):
    """Azure documentation topic: "How to leverage a Service Fabric application's managed identity".

    The cluster's configuration decides which identity an application has; it cannot be asked for another.

    :param thumbprint: SHA-1 of the endpoint's certificate, in hexadecimal. Nobody else has signed the certificate.

    The other parameters are those of `Endpoint`.
    """

    platform = "Service Fabric"

    def __init__(
        self,
        url: str,
        secret: str,
        identity: UserAssignedIdentity | None,
        clock: Clock,
        options: Mapping[str, Any],
        *,
        thumbprint: str,
    ) -> None:
        fingerprint = re.sub(r"[\s:]", "", thumbprint)
        if urlsplit(url).scheme != "https" or not _SHA1.fullmatch(fingerprint):
            raise ValueError(
                "Service Fabric's managed identity needs an https URL in IDENTITY_ENDPOINT, and a certificate's SHA-1 "
                "in IDENTITY_SERVER_THUMBPRINT."
            )
        from azid.tls_transport import FingerprintTransport  # loads requests

        super().__init__(
            url, secret, identity, clock, {"make_transport": partial(FingerprintTransport, fingerprint), **options}
        )
        self._issued: dict[str, str] = {}
        """Digests of the tokens that were issued last, by resource."""

    def _ask(self, resource: str, request: TokenRequest) -> Reply:
        if self._identity is not None:
            raise AuthenticationFailedError(
                "On Service Fabric an application has the identity that the cluster's configuration gives it. Leave "
                "'client_id' and 'identity_config' out."
            )
        # It would answer with the same token again, unless it is told that this one was refused.
        refused = self._issued.get(resource) if request.claims else None
        reply = self._send(self._request(resource, **({"token_sha256_to_refresh": refused} if refused else {})))
        if isinstance(token := reply.values.get("access_token"), str):
            self._issued[resource] = hashlib.sha256(token.encode()).hexdigest()
        return reply

    def _request(self, resource: str, **more: str) -> HttpRequest:
        parameters = {**self._parameters(_API_VERSION, resource), **more}
        return HttpRequest("GET", self._url, params=parameters, headers={"Secret": self._secret})
