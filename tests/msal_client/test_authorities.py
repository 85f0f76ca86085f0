from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import ServiceRequestError

from azid.errors import AuthenticationFailedError
from azid.tokens.request import TokenRequest
from tests.support.msal_replies import (
    GRAPH,
    HOST,
    TENANT,
    client_of,
    refresh,
    tokens,
)
from tests.support.stub_transport import StubTransport, json_reply


def test_a_well_known_authority_is_asked_for_tokens_only() -> None:
    for tenant_id in (TENANT, "organizations", "common"):
        transport = StubTransport(json_reply(tokens()))
        refresh(client_of(transport), request=TokenRequest((GRAPH,), tenant_id))
        [sent] = transport.requests
        assert sent.url == f"https://{HOST}/{tenant_id}/oauth2/v2.0/token"


def test_an_authority_that_microsoft_does_not_know_is_not_used() -> None:
    transport = StubTransport(json_reply({"error": "invalid_instance", "error_description": "AADSTS50049"}, 400))
    client = client_of(transport, authority="https://login.evil.example")
    with pytest.raises(AuthenticationFailedError, match=r"not known to Microsoft.*disable_instance_discovery=True"):
        refresh(client)
    assert all(urlsplit(request.url).hostname == HOST for request in transport.requests)


def test_an_authority_that_is_trusted_is_not_asked_about() -> None:
    base = "https://login.contoso.example:8443"
    configuration = {
        "issuer": f"{base}/{TENANT}/v2.0",
        "authorization_endpoint": f"{base}/{TENANT}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/{TENANT}/oauth2/v2.0/token",
    }
    transport = StubTransport(json_reply(configuration), json_reply(tokens()))
    refresh(client_of(transport, authority=base, validate_authority=False))
    assert [urlsplit(request.url).netloc for request in transport.requests] == ["login.contoso.example:8443"] * 2


@pytest.mark.parametrize("status", [400, 404])
def test_a_tenant_that_does_not_exist_is_told(status: int) -> None:
    transport = StubTransport(json_reply({"error": "invalid_tenant", "error_description": "AADSTS90002"}, status))
    with pytest.raises(AuthenticationFailedError, match="tenant") as caught:
        refresh(client_of(transport), request=TokenRequest((GRAPH,), "nowhere.example"))
    assert caught.value.response is not None
    assert caught.value.response.status_code == status


def test_a_failed_discovery_is_tried_again_with_the_next_call() -> None:
    base = f"https://{HOST}/contoso.example"
    configuration = {
        "issuer": f"https://{HOST}/{TENANT}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
    }
    transport = StubTransport(ServiceRequestError("no route"), json_reply(configuration), json_reply(tokens()))
    client = client_of(transport)
    request = TokenRequest((GRAPH,), "contoso.example")
    with pytest.raises(AuthenticationFailedError, match="no route"):
        refresh(client, request=request)
    assert refresh(client, request=request).access_token
