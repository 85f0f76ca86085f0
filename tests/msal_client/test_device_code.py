from __future__ import annotations

import json
from typing import Any

import pytest

from azid.errors import AuthenticationFailedError
from azid.msal_client.public import DeviceCodeFlow
from azid.tokens.request import TokenRequest
from tests.support.msal_replies import (
    CLAIMS,
    CLIENT,
    DEVICE,
    GRAPH,
    HOST,
    REQUEST,
    TENANT,
    client_of,
    form_of,
    refused,
    tokens,
)
from tests.support.stub_transport import StubTransport, json_reply


def test_a_device_code_is_asked_for() -> None:
    transport = StubTransport(json_reply(DEVICE))
    flow = client_of(transport).begin_device_code(TokenRequest((GRAPH,), TENANT, CLAIMS, enable_cae=True))
    assert (flow.verification_uri, flow.user_code) == ("https://microsoft.com/devicelogin", "ABCD-EFGH")
    assert (flow.expires_in, flow.interval, flow.message) == (900, 5, DEVICE["message"])
    [sent] = transport.requests
    assert sent.url == f"https://{HOST}/{TENANT}/oauth2/v2.0/devicecode"
    form = form_of(sent)
    assert form["client_id"] == CLIENT
    assert GRAPH in form["scope"].split()
    claims = json.loads(form["claims"])["access_token"]
    assert claims["xms_cc"] == {"values": ["CP1"]}
    assert "acrs" in claims
    assert "ABCD" not in repr(flow)
    assert "the-device-code" not in repr(flow)


@pytest.mark.parametrize(
    ("values", "expires_in", "interval"),
    [
        ({"interval": None, "expires_in": None}, 1800, 5),
        ({"interval": 0, "expires_in": 0}, 1, 1),
        ({"interval": -5, "expires_in": -5}, 1, 1),
        ({"interval": "7", "expires_in": "60"}, 60, 7),
    ],
)
def test_times_that_make_no_sense_are_mended(values: dict[str, Any], expires_in: int, interval: int) -> None:
    reply = {name: value for name, value in {**DEVICE, **values}.items() if value is not None}
    flow = client_of(StubTransport(json_reply(reply))).begin_device_code(REQUEST)
    assert (flow.expires_in, flow.interval) == (expires_in, interval)


@pytest.mark.parametrize("name", ["expires_in", "interval"])
def test_no_time_is_beyond_every_calendar(name: str) -> None:
    reply = json_reply({**DEVICE, name: 10**18})
    try:
        flow = client_of(StubTransport(reply)).begin_device_code(REQUEST)
    except AuthenticationFailedError:
        return
    assert max(flow.expires_in, flow.interval) < 10**9


def test_without_a_message_there_is_one() -> None:
    reply = {**DEVICE, "message": None}
    flow = client_of(StubTransport(json_reply(reply))).begin_device_code(REQUEST)
    assert "https://microsoft.com/devicelogin" in flow.message
    assert "ABCD-EFGH" in flow.message


WRONG: list[Any] = [None, 1, "", [], {}, True]


@pytest.mark.parametrize("name", ["device_code", "user_code", "verification_uri"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_reply_without_a_usable_device_code_is_refused(name: str, wrong: object) -> None:
    reply = {key: value for key, value in {**DEVICE, name: wrong}.items() if value is not None}
    with pytest.raises(AuthenticationFailedError):
        client_of(StubTransport(json_reply(reply))).begin_device_code(REQUEST)


@pytest.mark.parametrize("name", ["interval", "expires_in"])
@pytest.mark.parametrize("wrong", ["soon", [], {}])
def test_a_device_code_with_odd_times_is_refused_and_not_quoted(name: str, wrong: object) -> None:
    with pytest.raises(AuthenticationFailedError) as caught:
        client_of(StubTransport(json_reply({**DEVICE, name: wrong}))).begin_device_code(REQUEST)
    assert "the-device-code" not in str(caught.value)


@pytest.mark.parametrize("uri", ["http://evil.example/devicelogin", "https://[", "javascript:x"])
def test_a_device_page_that_is_not_https_is_not_shown(uri: str) -> None:
    with pytest.raises(AuthenticationFailedError):
        client_of(StubTransport(json_reply({**DEVICE, "verification_uri": uri}))).begin_device_code(REQUEST)


def test_a_refused_device_code_is_told() -> None:
    with pytest.raises(AuthenticationFailedError, match="AADSTS7000218") as caught:
        client_of(StubTransport(refused("invalid_client", 7000218))).begin_device_code(REQUEST)
    assert caught.value.oauth_error == "invalid_client"
    assert "public client" in str(caught.value)


def test_a_device_code_is_redeemed(device_flow: DeviceCodeFlow) -> None:
    transport = StubTransport(json_reply(tokens()))
    response = client_of(transport).redeem_device_code(REQUEST, device_flow)
    assert response.access_token == "the-access-token-of-ada"
    assert response.refresh_token == "the-next-refresh-token-of-ada"
    form = form_of(transport.requests[0])
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code"
    assert form["device_code"] == "the-device-code"


@pytest.mark.parametrize("error", ["authorization_pending", "slow_down"])
def test_each_poll_is_one_request_that_nobody_throttles(device_flow: DeviceCodeFlow, error: str) -> None:
    transport = StubTransport(refused(error))
    client = client_of(transport)
    for polls in (1, 2, 3):
        with pytest.raises(AuthenticationFailedError) as caught:
            client.redeem_device_code(REQUEST, device_flow)
        assert caught.value.oauth_error == error
        assert len(transport.requests) == polls


@pytest.mark.parametrize("error", ["expired_token", "authorization_declined", "access_denied", "bad_verification_code"])
def test_the_end_of_a_device_code_is_told(device_flow: DeviceCodeFlow, error: str) -> None:
    with pytest.raises(AuthenticationFailedError, match="not this time") as caught:
        client_of(StubTransport(refused(error))).redeem_device_code(REQUEST, device_flow)
    assert caught.value.oauth_error == error
