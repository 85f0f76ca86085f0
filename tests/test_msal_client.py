from __future__ import annotations

import base64
import json
import logging
import os
import threading
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.rest import HttpRequest

from azid.clock import ManualClock
from azid.errors import AuthenticationFailedError
from azid.msal_client import AuthorizationCodeFlow, DeviceCodeFlow, MsalClient
from azid.pipeline import TokenPipeline
from azid.tokens.document import Account
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse
from tests.support.stub_transport import Reply, StubTransport, json_reply

CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
TENANT = "3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10"
HOST = "login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com/.default"
REDIRECT_URI = "http://localhost:5001"
CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "the-claims-value"}}}'
PASSWORD = 'Ada\'s "pass" phrase/é'
REFRESH_TOKEN = "the-first-refresh-token"
REQUEST = TokenRequest((GRAPH,), TENANT)
ADA = Account(f"ada.{TENANT}", [HOST], CLIENT)
BOB = Account(f"bob.{TENANT}", [HOST], CLIENT)
GIVE_UP = 20  # seconds after which a test that would hang fails

Answer = Callable[[HttpRequest], Reply]


def encoded(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


def tokens(uid: str = "ada", tenant_id: str = TENANT, *, nonce: str | None = None, **values: object) -> dict[str, Any]:
    """Return a token reply with `values` in it; None takes one out."""
    claims = {
        "aud": CLIENT,
        "iss": f"https://{HOST}/{tenant_id}/v2.0",
        "tid": tenant_id,
        "sub": f"subject of {uid}",
        "preferred_username": f"{uid}@contoso.example",
        "nonce": nonce,
    }
    complete = {
        "token_type": "Bearer",
        "scope": GRAPH,
        "expires_in": 3600,
        "ext_expires_in": 3600,
        "access_token": f"the-access-token-of-{uid}",
        "refresh_token": f"the-next-refresh-token-of-{uid}",
        "id_token": f"{encoded({'alg': 'none'})}.{encoded(claims)}.signature",
        "client_info": encoded({"uid": uid, "utid": tenant_id}),
        **values,
    }
    return {name: value for name, value in complete.items() if value is not None}


def refused(error: str, code: int | None = None, **values: object) -> Reply:
    description = f"AADSTS{code}: not this time." if code else "not this time."
    codes = [code] if code else []
    return json_reply({"error": error, "error_description": description, "error_codes": codes, **values}, 400)


def client_of(
    transport: StubTransport, *, authority: str = f"https://{HOST}", validate_authority: bool = True
) -> MsalClient:
    return MsalClient(
        client_id=CLIENT,
        authority=authority,
        validate_authority=validate_authority,
        support_logging=True,
        pipeline=TokenPipeline(transport=transport, retry_total=0, logging_enable=True),
        clock=ManualClock(),
    )


def form_of(request: HttpRequest) -> dict[str, Any]:
    assert isinstance(request.content, dict)
    return request.content


def query_of(uri: str) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(uri).query, strict_parsing=True).items()}


# Authorization code


def begun(client: MsalClient, request: TokenRequest = REQUEST, login_hint: str | None = None) -> AuthorizationCodeFlow:
    return client.begin_authorization_code(request, redirect_uri=REDIRECT_URI, login_hint=login_hint)


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


def answered(flow: AuthorizationCodeFlow, **values: str) -> dict[str, str]:
    return {"code": "the-code", "state": flow.state, **values}


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


def redeem(client: MsalClient, flow: AuthorizationCodeFlow, **answer: str) -> TokenResponse:
    return client.redeem_authorization_code(REQUEST, flow, answered(flow, **answer))


def with_nonce(flow: AuthorizationCodeFlow, **values: object) -> StubTransport:
    return StubTransport(json_reply(tokens(nonce=query_of(flow.uri)["nonce"], **values)))  # type: ignore[arg-type]


@pytest.fixture
def flow() -> AuthorizationCodeFlow:
    return begun(client_of(StubTransport(json_reply({}))))


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


# Device code

DEVICE = {
    "device_code": "the-device-code",
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://microsoft.com/devicelogin",
    "expires_in": 900,
    "interval": 5,
    "message": "To sign in, open the page and enter ABCD-EFGH.",
}


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


@pytest.fixture
def device_flow() -> DeviceCodeFlow:
    return client_of(StubTransport(json_reply(DEVICE))).begin_device_code(REQUEST)


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


# Password


def with_realm(*replies: Reply, realm: Reply | None = None) -> StubTransport:
    """Return a transport that answers user-realm discovery by itself."""
    left = list(replies)

    def answer(request: HttpRequest) -> Reply:
        if "/userrealm/" in request.url:
            return realm or json_reply({"account_type": "Managed"})
        return left.pop(0) if len(left) > 1 else left[0]

    return StubTransport(answer)


def password_tokens(client: MsalClient, request: TokenRequest = REQUEST) -> TokenResponse:
    return client.redeem_password(request, "ada@contoso.example", PASSWORD)


def test_a_password_is_traded_for_tokens() -> None:
    transport = with_realm(json_reply(tokens()))
    response = password_tokens(client_of(transport), TokenRequest((GRAPH,), TENANT, CLAIMS))
    assert response.home_account_id == ADA.home_account_id
    realm, token = transport.requests
    assert realm.method == "GET"
    assert urlsplit(realm.url).path == "/common/userrealm/ada%40contoso.example" or "ada@contoso" in realm.url
    form = form_of(token)
    assert (form["grant_type"], form["username"], form["password"]) == ("password", "ada@contoso.example", PASSWORD)
    assert "acrs" in json.loads(form["claims"])["access_token"]


def test_msals_own_warning_about_passwords_is_not_repeated() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        password_tokens(client_of(with_realm(json_reply(tokens()))))


def test_a_wrong_password_is_told_and_not_quoted() -> None:
    description = f"AADSTS50126: {PASSWORD} is wrong."
    transport = with_realm(
        json_reply({"error": "invalid_grant", "error_description": description, "error_codes": [50126]}, 400)
    )
    with pytest.raises(AuthenticationFailedError, match="AADSTS50126") as caught:
        password_tokens(client_of(transport))
    assert PASSWORD not in str(caught.value)
    assert "password is wrong" in str(caught.value)
    assert caught.value.error_codes == (50126,)


@pytest.mark.parametrize("realm", [Reply(404), json_reply({}), json_reply([]), Reply(200, "<html>"), Reply(503)])
def test_whatever_user_realm_discovery_says_it_is_a_token_or_a_failure(realm: Reply) -> None:
    # A host of its own: after a 404 MSAL asks that host no more, in this whole process.
    transport = with_realm(json_reply(tokens()), realm=realm)
    client = client_of(transport, authority="https://login.usgovcloudapi.net")
    try:
        assert password_tokens(client).access_token
    except ClientAuthenticationError as error:
        assert PASSWORD not in str(error)  # noqa: PT017 - either will do


def test_three_identical_refused_requests_are_one() -> None:
    """MSAL's throttle keeps accounts from being locked out."""
    transport = with_realm(refused("invalid_grant", 50126))
    client = client_of(transport)
    for _ in range(3):
        with pytest.raises(AuthenticationFailedError, match="AADSTS50126") as caught:
            password_tokens(client)
        assert caught.value.error_codes == (50126,)
    assert [request.method for request in transport.requests].count("POST") == 1


def test_another_password_is_another_request() -> None:
    transport = with_realm(refused("invalid_grant", 50126), json_reply(tokens()))
    client = client_of(transport)
    with pytest.raises(AuthenticationFailedError):
        client.redeem_password(REQUEST, "ada@contoso.example", "wrong")
    assert password_tokens(client).access_token


# Refresh


def refresh(
    client: MsalClient,
    account: Account = ADA,
    *,
    request: TokenRequest = REQUEST,
    secret: str = REFRESH_TOKEN,
    family_id: str | None = None,
) -> TokenResponse:
    return client.redeem_refresh_token(request, account.home_account_id, secret, family_id)


@pytest.mark.parametrize("family_id", [None, "1", "2"])
def test_a_refresh_token_is_traded_in_one_request(family_id: str | None) -> None:
    transport = StubTransport(json_reply(tokens(foci=family_id)))
    response = refresh(client_of(transport), family_id=family_id)
    assert response.access_token == "the-access-token-of-ada"
    assert response.refresh_token == "the-next-refresh-token-of-ada"
    assert response.family_id == family_id
    [sent] = transport.requests
    form = form_of(sent)
    assert (form["grant_type"], form["refresh_token"], form["client_id"]) == ("refresh_token", REFRESH_TOKEN, CLIENT)
    assert GRAPH in form["scope"].split()
    assert "claims" not in form


def test_a_refresh_carries_claims_and_cae() -> None:
    transport = StubTransport(json_reply(tokens()))
    refresh(client_of(transport), request=TokenRequest((GRAPH,), TENANT, CLAIMS, enable_cae=True))
    claims = json.loads(form_of(transport.requests[0])["claims"])["access_token"]
    assert claims["xms_cc"] == {"values": ["CP1"]}
    assert "acrs" in claims


def test_a_refresh_without_rotation_and_without_an_id_token_is_taken() -> None:
    transport = StubTransport(json_reply(tokens(refresh_token=None, id_token=None, client_info=None)))
    response = refresh(client_of(transport))
    assert response.access_token == "the-access-token-of-ada"
    assert response.refresh_token is None or response.refresh_token == REFRESH_TOKEN


@pytest.mark.parametrize("family_id", [None, "1"])
@pytest.mark.parametrize(
    ("error", "code", "suberror", "ends"),
    [
        ("invalid_grant", 50173, "bad_token", True),
        ("invalid_grant", 700082, "token_expired", True),
        ("interaction_required", 50076, "basic_action", False),
        ("invalid_grant", 65001, "consent_required", False),
    ],
)
def test_a_refused_refresh_is_one_request_and_told(
    error: str, code: int, suberror: str, ends: bool, family_id: str | None
) -> None:
    transport = StubTransport(refused(error, code, suberror=suberror))
    with pytest.raises(AuthenticationFailedError, match=f"AADSTS{code}") as caught:
        refresh(client_of(transport), family_id=family_id)
    assert (caught.value.oauth_error, caught.value.suberror) == (error, suberror)
    assert caught.value.ends_the_sign_in is ends
    assert len(transport.requests) == 1


def test_a_refresh_leaves_nothing_behind_for_the_next() -> None:
    transport = StubTransport(json_reply(tokens("ada")), json_reply(tokens("bob")))
    client = client_of(transport)
    assert refresh(client).home_account_id == ADA.home_account_id
    assert refresh(client, BOB, secret="bobs").home_account_id == BOB.home_account_id
    assert [form_of(request)["refresh_token"] for request in transport.requests] == [REFRESH_TOKEN, "bobs"]


def test_refreshes_of_two_accounts_at_once_do_not_mix() -> None:
    both = threading.Barrier(2)

    def answer(request: HttpRequest) -> Reply:
        both.wait(GIVE_UP)
        return json_reply(tokens(form_of(request)["refresh_token"]))

    client = client_of(StubTransport(answer))
    with ThreadPoolExecutor() as executor:
        for _ in range(5):
            first = executor.submit(refresh, client, ADA, secret="ada")
            second = executor.submit(refresh, client, BOB, secret="bob")
            assert first.result(GIVE_UP).home_account_id == ADA.home_account_id
            assert first.result(GIVE_UP).refresh_token == "the-next-refresh-token-of-ada"
            assert second.result(GIVE_UP).home_account_id == BOB.home_account_id
            assert second.result(GIVE_UP).refresh_token == "the-next-refresh-token-of-bob"


# Authorities


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


# Bad replies

NO_TEXT: list[Any] = [5, [], {}]
ODD_ID_TOKENS: list[Any] = ["x", "a.b.c", f"a.{encoded([])}.c", f"a.{encoded({})}.c", *NO_TEXT]
ODD_CLIENT_INFOS: list[Any] = ["x", encoded([]), *NO_TEXT]
ODD_LIFETIMES: list[Any] = ["soon", -1, [], 10**30, ""]
BAD_TOKENS: list[dict[str, Any]] = [
    *({"id_token": odd} for odd in ODD_ID_TOKENS),
    *({"client_info": odd} for odd in ODD_CLIENT_INFOS),
    *({"expires_in": odd} for odd in ODD_LIFETIMES),
    *({name: odd} for name in ("access_token", "refresh_token", "scope", "foci", "token_type") for odd in NO_TEXT),
    {"access_token": ""},
]
BAD_ERRORS: list[Any] = [
    *([], {}),
    *({"error": wrong} for wrong in (None, *NO_TEXT, "x" * 100_000)),
    *({"error": "x", "error_description": wrong} for wrong in (None, *NO_TEXT, "x" * 100_000)),
    *({"error": "x", "error_codes": wrong, "suberror": wrong} for wrong in (None, "x", [None, "x"], *NO_TEXT)),
]
BAD_REPLIES = [
    *(Reply(200, ""), Reply(200, "<html>the-first-refresh-token</html>"), Reply(200, '{"access_token": "cut')),
    *(json_reply(None), json_reply([]), json_reply("text"), json_reply(5), json_reply({})),
    *(Reply(200, "[" * 100_000), Reply(200, "x" * 2_000_000), json_reply({"access_token": "x" * 2_000_000})),
    Reply(200, UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")),
    *(Reply(400, ""), Reply(400, "<html>"), Reply(401, "no"), Reply(404, "{}")),
    *(Reply(500), Reply(503, "<html>"), Reply(429, headers={"Retry-After": "3600"})),
    Reply(302, headers={"Location": "https://evil.example"}),
    *(json_reply(values, 400) for values in BAD_ERRORS),
    *(json_reply(tokens(**values)) for values in BAD_TOKENS),
]


@pytest.mark.parametrize("reply", BAD_REPLIES)
def test_no_bad_reply_is_anything_but_an_authentication_failure(reply: Reply, device_flow: DeviceCodeFlow) -> None:
    with pytest.raises(AuthenticationFailedError) as from_refresh:
        refresh(client_of(StubTransport(reply)))
    with pytest.raises(AuthenticationFailedError) as from_device:
        client_of(StubTransport(reply)).redeem_device_code(REQUEST, device_flow)
    with pytest.raises(AuthenticationFailedError) as from_password:
        password_tokens(client_of(with_realm(reply)))
    for caught in (from_refresh, from_device, from_password):
        told = str(caught.value) + repr(caught.value.response)
        assert len(told) < 5000
        for secret in (REFRESH_TOKEN, "the-next-refresh-token", "the-access-token", "the-device-code", PASSWORD):
            assert secret not in told


def test_a_text_for_a_lifetime_is_understood() -> None:
    assert refresh(client_of(StubTransport(json_reply(tokens(expires_in="60", ext_expires_in="x"))))).expires_in == 60


@pytest.mark.parametrize("name", ["error", "error_description"])
def test_no_cut_text_ends_in_a_part_of_a_secret(name: str) -> None:
    for length in (*range(170, 200), *range(1970, 2000)):
        reply = json_reply({"error": "x", name: "-" * length + REFRESH_TOKEN}, 400)
        with pytest.raises(AuthenticationFailedError) as caught:
            refresh(client_of(StubTransport(reply)))
        assert "the-f" not in str(caught.value)
        assert "the-f" not in str(caught.value.oauth_error)


# Secrets


def test_msal_logs_no_secret(caplog: pytest.LogCaptureFixture, device_flow: DeviceCodeFlow) -> None:
    caplog.set_level(logging.DEBUG)
    request = TokenRequest((GRAPH,), TENANT, CLAIMS, enable_cae=True)
    good, bad = json_reply(tokens()), refused("invalid_grant", 50173)
    flow = begun(client_of(StubTransport(good)), request)
    nonce = query_of(flow.uri)["nonce"]
    calls: list[Callable[[MsalClient], object]] = [
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


# Forks


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_while_others_ask_can_ask() -> None:
    inside, go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def answer(request: HttpRequest) -> Reply:
        if os.getpid() == parent:  # the discovery, under the client's lock
            inside.set()
            go_on.wait(GIVE_UP)
        if request.method == "GET":
            base = f"https://{HOST}/contoso.example/oauth2/v2.0"
            return json_reply(
                {"issuer": "x", "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}
            )
        return json_reply(tokens())

    client = client_of(StubTransport(answer))
    request = TokenRequest((GRAPH,), "contoso.example")
    with ThreadPoolExecutor() as executor:
        waiting = executor.submit(refresh, client, request=request)
        assert inside.wait(GIVE_UP)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if refresh(client, request=request).access_token else 2
            finally:
                os._exit(status)
        go_on.set()
        assert waiting.result(GIVE_UP).access_token
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
