from __future__ import annotations

import json
import traceback

import pytest

from azid.clock import ManualClock
from azid.errors import AuthenticationFailedError
from azid.msal_client.public import AuthorizationCodeFlow, PublicClient
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse
from tests.support.msal_replies import (
    ADA,
    CLAIMS,
    CLIENT,
    GRAPH,
    HOST,
    REDIRECT_URI,
    REQUEST,
    TENANT,
    answered,
    begun,
    client_of,
    encoded,
    form_of,
    query_of,
    refused,
    tokens,
)
from tests.support.stub_transport import StubTransport, json_reply


def test_an_authorization_request_has_pkce_state_and_nonce() -> None:
    transport = StubTransport(json_reply({}))
    flow = begun(client_of(transport), login_hint="ada@contoso.example")
    assert transport.requests == []
    assert flow.uri.startswith(f"https://{HOST}/{TENANT}/oauth2/v2.0/authorize?")
    query = query_of(flow.uri)
    assert query["client_id"] == CLIENT
    assert query["response_type"] == "code"
    assert query["response_mode"] == "form_post"
    assert query["redirect_uri"] == REDIRECT_URI
    assert set(query["scope"].split()) == {GRAPH, "openid", "profile", "offline_access"}
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert query["prompt"] == "select_account"
    assert query["login_hint"] == "ada@contoso.example"
    assert query["state"] == flow.state
    assert query["nonce"]
    assert "claims" not in query
    second = query_of(begun(client_of(transport)).uri)
    assert all(second[name] != query[name] for name in ("state", "nonce", "code_challenge"))


def test_claims_and_cae_are_part_of_the_authorization_request() -> None:
    request = TokenRequest((GRAPH,), TENANT, CLAIMS, enable_cae=True)
    claims = json.loads(query_of(begun(client_of(StubTransport(json_reply({}))), request).uri)["claims"])
    assert claims["access_token"]["xms_cc"] == {"values": ["CP1"]}
    assert claims["access_token"]["acrs"]["value"] == "the-claims-value"


def test_a_flow_shows_no_secret() -> None:
    flow = begun(client_of(StubTransport(json_reply({}))))
    assert repr(flow) == "AuthorizationCodeFlow()"


def test_a_code_is_redeemed() -> None:
    transport = StubTransport(json_reply({}))
    client = client_of(transport)
    flow = begun(client)
    transport = StubTransport(json_reply(tokens(nonce=query_of(flow.uri)["nonce"], refresh_in=1800, foci="1")))
    response = redeem(client_of(transport), flow)
    assert response.access_token == "the-access-token-of-ada"
    assert response.refresh_token == "the-next-refresh-token-of-ada"
    assert (response.expires_in, response.refresh_in, response.family_id) == (3600, 1800, "1")
    assert response.requested_at == int(ManualClock().time())
    assert response.home_account_id == ADA.home_account_id
    [sent] = transport.requests
    assert sent.url == f"https://{HOST}/{TENANT}/oauth2/v2.0/token"
    form = form_of(sent)
    assert (form["grant_type"], form["code"], form["redirect_uri"]) == ("authorization_code", "the-code", REDIRECT_URI)
    assert form["code_verifier"] == flow.parameters["code_verifier"]


def redeem(client: PublicClient, flow: AuthorizationCodeFlow, **answer: str) -> TokenResponse:
    return client.redeem_authorization_code(REQUEST, flow, answered(flow, **answer))


def with_nonce(flow: AuthorizationCodeFlow, **values: object) -> StubTransport:
    return StubTransport(json_reply(tokens(nonce=query_of(flow.uri)["nonce"], **values)))  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["another-state", ""])
def test_an_answer_with_another_state_is_refused_and_neither_is_quoted(flow: AuthorizationCodeFlow, state: str) -> None:
    transport = StubTransport(json_reply(tokens()))
    with pytest.raises(AuthenticationFailedError, match="Authentication failed") as caught:
        redeem(client_of(transport), flow, state=state)
    told = "".join(traceback.format_exception(caught.value))
    assert flow.state not in told
    assert "another-state" not in told
    assert "the-code" not in str(caught.value)
    assert transport.requests == []


@pytest.mark.parametrize("nonce", ["another-nonce", None])
def test_an_id_token_with_another_nonce_is_refused_and_neither_is_quoted(
    flow: AuthorizationCodeFlow, nonce: str | None
) -> None:
    with pytest.raises(AuthenticationFailedError) as caught:
        redeem(client_of(StubTransport(json_reply(tokens(nonce=nonce)))), flow)
    told = "".join(traceback.format_exception(caught.value))
    for secret in ("another-nonce", query_of(flow.uri)["nonce"], flow.parameters["nonce"], "the-access-token"):
        assert secret not in told


def test_a_declined_sign_in_is_told(flow: AuthorizationCodeFlow) -> None:
    answer = {"error": "access_denied", "error_description": "AADSTS65004: declined.", "state": flow.state}
    transport = StubTransport(json_reply({}))
    with pytest.raises(AuthenticationFailedError, match="AADSTS65004: declined") as caught:
        client_of(transport).redeem_authorization_code(REQUEST, flow, answer)
    assert caught.value.oauth_error == "access_denied"
    assert transport.requests == []


def test_a_refused_code_is_told_with_its_remedy(flow: AuthorizationCodeFlow) -> None:
    with pytest.raises(AuthenticationFailedError, match="AADSTS54005: not this time") as caught:
        redeem(client_of(StubTransport(refused("invalid_grant", 54005))), flow)
    error = caught.value
    assert (error.oauth_error, error.error_codes) == ("invalid_grant", (54005,))
    assert "redeemed before" in str(error)
    assert error.response is not None
    assert error.response.status_code == 400


def test_an_id_token_for_another_client_is_refused(flow: AuthorizationCodeFlow) -> None:
    nonce = query_of(flow.uri)["nonce"]
    token = f"a.{encoded({'aud': 'another', 'nonce': nonce, 'sub': 's', 'tid': TENANT})}.c"
    with pytest.raises(AuthenticationFailedError, match="another application"):
        redeem(client_of(StubTransport(json_reply(tokens(id_token=token)))), flow)


def test_another_tenants_tokens_are_refused(flow: AuthorizationCodeFlow) -> None:
    other = "7b8a3c1e-1111-4000-8000-000000000000"
    with pytest.raises(AuthenticationFailedError, match=f"tenant '{other}' instead of"):
        redeem(client_of(with_nonce(flow, tenant_id=other)), flow)


def test_a_flow_can_be_answered_twice(flow: AuthorizationCodeFlow) -> None:
    """A failed redemption leaves no mark on the flow."""
    before = json.dumps(flow.parameters, default=str)
    with pytest.raises(AuthenticationFailedError):
        redeem(client_of(StubTransport(refused("invalid_grant"))), flow)
    assert json.dumps(flow.parameters, default=str) == before


@pytest.mark.parametrize("uri", ["http://login.contoso.example/authorize", "ftp://x", "javascript:alert(1)", "x"])
def test_a_sign_in_page_that_is_not_https_is_not_opened(uri: str) -> None:
    configuration = {
        "issuer": "https://login.contoso.example",
        "authorization_endpoint": uri,
        "token_endpoint": "https://login.contoso.example/organizations/token",
    }
    client = client_of(
        StubTransport(json_reply(configuration)), authority="https://login.contoso.example", validate_authority=False
    )
    with pytest.raises(AuthenticationFailedError, match=r"not https\. It was not opened"):
        begun(client)
