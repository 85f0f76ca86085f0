from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid.msal_client.public import DeviceCodeFlow, PublicClient
from azid.tokens.request import TokenRequest
from tests.support.msal_replies import (
    CLAIMS,
    DEVICE,
    GRAPH,
    REFRESH_TOKEN,
    TENANT,
    answered,
    begun,
    client_of,
    password_tokens,
    query_of,
    refresh,
    refused,
    tokens,
    with_realm,
)
from tests.support.stub_transport import Reply, StubTransport, json_reply


def test_msal_logs_no_secret(caplog: pytest.LogCaptureFixture, device_flow: DeviceCodeFlow) -> None:
    caplog.set_level(logging.DEBUG)
    request = TokenRequest((GRAPH,), TENANT, CLAIMS, enable_cae=True)
    good, bad = json_reply(tokens()), refused("invalid_grant", 50173)
    flow = begun(client_of(StubTransport(good)), request)
    nonce = query_of(flow.uri)["nonce"]
    calls: list[Callable[[PublicClient], object]] = [
        lambda client: refresh(client, request=request),
        lambda client: refresh(client, request=request, family_id="1"),
        lambda client: client.redeem_device_code(request, device_flow),
        lambda client: password_tokens(client, request),
        lambda client: client.redeem_authorization_code(request, flow, answered(flow)),
        lambda client: client.redeem_authorization_code(request, flow, answered(flow, state="another-state")),
        lambda client: client.begin_device_code(request),
    ]
    for reply in (good, bad, json_reply(tokens(nonce=nonce)), json_reply(DEVICE), Reply(200, "<html>")):
        for call in calls:
            try:
                call(client_of(with_realm(reply)))
            except ClientAuthenticationError:
                continue
    assert "Request body" in caplog.text
    secrets = [
        *(
            REFRESH_TOKEN,
            "the-next-refresh-token",
            "the-access-token",
            "the-device-code",
            "the-code",
            "the-claims-value",
        ),
        *("pass\\\\", '"pass"', "pass%22", "ABCD-EFGH", "another-state", flow.state, nonce),
        *(flow.parameters["nonce"], flow.parameters["code_verifier"], "signature"),
    ]
    for secret in secrets:
        assert secret not in caplog.text
