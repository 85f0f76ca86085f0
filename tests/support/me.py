"""The emulator's protected resource, used as an Azure SDK client would use it: through azure-core's pipeline."""

from __future__ import annotations

from typing import Any

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest, HttpResponse

from azid.emulator import Emulator

__all__ = ["client_of_me", "who_is_signed_in"]


def client_of_me(
    entra: Emulator,
    credential: TokenCredential,
    *,
    policy: type[BearerTokenCredentialPolicy[HttpRequest, HttpResponse]] = BearerTokenCredentialPolicy,
    enable_cae: bool = False,
) -> PipelineClient[HttpRequest, HttpResponse]:
    """Return a client whose requests carry the credential's tokens for `entra.resource_url`.

    :param policy: puts the tokens into the requests.
    :param enable_cae: whether the client can handle claims challenges at any time.
    """
    authentication = policy(credential, entra.resource_scope, enable_cae=enable_cae)
    reach: dict[str, Any] = {"connection_verify": entra.ca_file} if entra.started else {"transport": entra.transport()}
    return PipelineClient(entra.resource_url, policies=[authentication], **reach)


def who_is_signed_in(entra: Emulator, credential: TokenCredential) -> str:
    """Return the account's user name as the resource knows it from the token."""
    with client_of_me(entra, credential) as client:
        response = client.send_request(HttpRequest("GET", entra.resource_url))
        response.raise_for_status()
        return str(response.json()["userPrincipalName"])
