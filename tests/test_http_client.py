from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError
from azure.core.rest import HttpRequest

from azid.errors import AuthenticationFailedError
from azid.http_client import HttpClient, HttpReply, failed_reply
from azid.pipeline import TokenPipeline
from azid.redaction import guarded_secrets
from tests.support.stub_transport import Reply, StubTransport, json_reply

HOST = "https://login.microsoftonline.com"
TENANT = "3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10"
TOKEN = f"{HOST}/{TENANT}/oauth2/v2.0/token"
OK = json_reply({"ok": True})
SECRET = "the-refresh-token-0123456789"


def client_of(transport: StubTransport, authority: str = HOST, **options: Any) -> HttpClient:
    return HttpClient(TokenPipeline(transport=transport, **options), authority)


@pytest.mark.parametrize("tenant", [TENANT, "organizations", "common", "consumers"])
def test_the_well_known_configuration_is_answered_without_a_request(tenant: str) -> None:
    transport = StubTransport(OK)
    reply = client_of(transport).get(f"{HOST}/{tenant}/v2.0/.well-known/openid-configuration")
    assert reply.status_code == 200
    assert json.loads(reply.text)["token_endpoint"] == f"{HOST}/{tenant}/oauth2/v2.0/token"
    assert transport.requests == []


@pytest.mark.parametrize("place", [f"{HOST}/contoso.example", f"https://login.contoso.example/{TENANT}"])
def test_any_other_configuration_is_asked_for(place: str) -> None:
    transport = StubTransport(OK)
    client_of(transport).get(f"{place}/v2.0/.well-known/openid-configuration")
    assert len(transport.requests) == 1


def test_msals_question_for_the_region_is_asked_at_once_or_not_at_all() -> None:
    transport = StubTransport(ServiceRequestError("nobody is there"))
    with pytest.raises(AuthenticationFailedError):
        client_of(transport).get("http://169.254.169.254/metadata/instance/compute?api-version=2021-02-01")
    assert len(transport.requests) == 1
    assert transport.options[0]["connection_timeout"] == transport.options[0]["read_timeout"] == 1
    with pytest.raises(AuthenticationFailedError, match="not https"):
        client_of(transport).get("http://169.254.169.254/metadata/identity/oauth2/token")


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        (
            "https://login.contoso.example/common/userrealm/ada",
            "https://login.contoso.example:8443/common/userrealm/ada",
        ),
        ("https://login.contoso.example:8443/x", "https://login.contoso.example:8443/x"),
        ("https://login.contoso.example.org/x", "https://login.contoso.example.org/x"),
        ("https://adfs.contoso.example/mex", "https://adfs.contoso.example/mex"),
    ],
)
def test_the_authoritys_port_that_msal_forgets_is_put_back(url: str, sent: str) -> None:
    transport = StubTransport(OK)
    client_of(transport, "https://login.contoso.example:8443").get(url)
    assert transport.requests[0].url == sent


def test_parameters_and_headers_of_a_get_are_sent() -> None:
    transport = StubTransport(OK)
    client_of(transport).get(f"{HOST}/x", params={"api-version": "1.0"}, headers={"Accept": "json", "x-none": None})  # type: ignore[dict-item]
    [request] = transport.requests
    assert (request.method, request.url) == ("GET", f"{HOST}/x?api-version=1.0")
    assert request.headers["Accept"] == "json"
    assert "x-none" not in request.headers


def test_a_form_stays_a_dict() -> None:
    transport = StubTransport(OK)
    form = {"grant_type": "refresh_token", "refresh_token": SECRET, "claims": None}
    client_of(transport).post(TOKEN, data=form, headers={"x-client-sku": "MSAL.Python"}, params={})
    [request] = transport.requests
    assert request.method == "POST"
    assert request.body["grant_type"] == "refresh_token"
    assert request.content == {"grant_type": "refresh_token", "refresh_token": SECRET}
    assert request.headers["x-client-sku"] == "MSAL.Python"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_an_envelope_of_ws_trust_stays_text() -> None:
    transport = StubTransport(Reply(200, "<xml/>", content_type="text/xml"))
    reply = client_of(transport).post(f"{HOST}/adfs", data="<envelope>é</envelope>", headers={"SOAPAction": "x"})
    assert reply.text == "<xml/>"
    assert transport.requests[0].content == "<envelope>é</envelope>".encode()
    assert transport.requests[0].headers["SOAPAction"] == "x"


def test_options_of_other_http_libraries_are_passed_over() -> None:
    transport = StubTransport(OK)
    client = client_of(transport)
    client.get(f"{HOST}/x", allow_redirects=True, verify=False, timeout=3)
    client.post(TOKEN, data={}, timeout=3)
    client.close()
    assert len(transport.requests) == 2
    assert not {"verify", "timeout", "allow_redirects"} & transport.options[0].keys()


def test_a_reply_is_what_msal_reads() -> None:
    reply = client_of(StubTransport(json_reply({"a": 1}, 200, x_ms_request_id="5"))).post(TOKEN, data={})
    assert (reply.status_code, json.loads(reply.text)) == (200, {"a": 1})
    assert reply.headers["x-ms-request-id"] == "5"
    reply.raise_for_status()


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_raise_for_status_names_the_status(status: int) -> None:
    with pytest.raises(AuthenticationFailedError, match=f"HTTP status {status}"):
        HttpReply(status, "", {}).raise_for_status()


@pytest.mark.parametrize(
    "url", ["http://login.microsoftonline.com/x", "http://127.0.0.1/x", "ftp://x/", "file:///x", "x"]
)
def test_nothing_is_sent_without_tls(url: str) -> None:
    transport = StubTransport(OK)
    client = client_of(transport)
    with pytest.raises(AuthenticationFailedError, match=r"not https\. Nothing was sent"):
        client.get(url)
    with pytest.raises(AuthenticationFailedError, match=r"not https\. Nothing was sent"):
        client.post(url, data={"password": SECRET})
    assert transport.requests == []


def test_an_endpoint_that_is_no_url_is_refused() -> None:
    with pytest.raises(AuthenticationFailedError):
        client_of(StubTransport(OK)).post("https://[x", data={})


@pytest.mark.parametrize("body", ["", "null", "[]", "<html>", '{"cut', '"text"', "[" * 100_000, "9" * 5000])
def test_any_text_is_handed_on(body: str) -> None:
    try:
        assert client_of(StubTransport(Reply(200, body))).post(TOKEN, data={}).text == body
    except AuthenticationFailedError as error:
        assert body not in str(error)  # noqa: PT017 - either will do


@pytest.mark.parametrize("body", ["<p>Zoë's page</p>\n" * 600_000, json.dumps({"access_token": "x" * 10_000_000})])
@pytest.mark.parametrize("status", [200, 400])
def test_a_reply_of_10_mb_is_refused(body: str, status: int) -> None:
    with pytest.raises(AuthenticationFailedError, match=r"too large to be one: 1\d+ characters"):
        client_of(StubTransport(Reply(status, body))).post(TOKEN, data={})


def test_text_that_cannot_be_decoded_is_refused() -> None:
    wrong = UnicodeDecodeError("utf-8", SECRET.encode() + b"\xff", 28, 29, "invalid start byte")
    with pytest.raises(AuthenticationFailedError, match="Authentication failed") as caught:
        client_of(StubTransport(Reply(200, wrong))).post(TOKEN, data={})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        *(ServiceRequestError("no route to the host"), ServiceResponseError("the connection was cut")),
        *(OSError("a plain error"), ValueError("another")),
    ],
)
def test_what_a_transport_raises_is_an_authentication_failure(error: Exception) -> None:
    with pytest.raises(AuthenticationFailedError, match=str(error)) as caught:
        client_of(StubTransport(error), retry_total=0).post(TOKEN, data={"a": "b"})
    assert isinstance(caught.value, ClientAuthenticationError)
    assert caught.value.__cause__ is error
    assert caught.value.oauth_error is None


def test_an_error_without_a_text_is_named() -> None:
    with pytest.raises(AuthenticationFailedError, match="ZeroDivisionError"):
        client_of(StubTransport(ZeroDivisionError())).post(TOKEN, data={})


def test_an_error_that_quotes_a_secret_is_redacted() -> None:
    with pytest.raises(AuthenticationFailedError) as caught, guarded_secrets():
        client_of(StubTransport(RuntimeError(f"could not send {SECRET}"))).post(TOKEN, data={"refresh_token": SECRET})
    assert "could not send ***" in str(caught.value)


def test_an_authentication_failure_of_the_applications_own_transport_comes_through() -> None:
    error = ClientAuthenticationError("a policy's")
    with pytest.raises(ClientAuthenticationError, match="a policy's") as caught:
        client_of(StubTransport(error)).post(TOKEN, data={})
    assert caught.value is error


# What errors keep of a reply


def test_failed_replies_are_collected_within_the_block_only() -> None:
    client = client_of(StubTransport(json_reply({"error": "a"}, 400), OK, json_reply({"error": "b"}, 400)))
    with failed_reply() as replies:
        client.post(TOKEN, data={})
        client.post(TOKEN, data={})
    client.post(TOKEN, data={})
    assert [json.loads(reply.body) for reply in replies] == [{"error": "a"}]


def failure(body: object, **headers: str) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    with guarded_secrets(), failed_reply() as replies:
        client_of(StubTransport(Reply(400, text, headers))).post(TOKEN, data={"refresh_token": SECRET})
    return replies[-1]


def test_a_failed_reply_tells_what_entra_says_about_it() -> None:
    told = {
        "error": "invalid_grant",
        "error_description": "AADSTS50076",
        "error_codes": [50076],
        "suberror": "basic_action",
        "trace_id": "1",
        "correlation_id": "2",
        "timestamp": "3",
    }
    reply = failure({**told, "claims": '{"access_token":{}}', "access_token": SECRET, "more": "x"}, **{"x-ms-id": "5"})
    assert json.loads(reply.body) == told
    assert (reply.status_code, reply.content_type, reply.headers["x-ms-id"]) == (400, "application/json", "5")
    assert reply.reason is None  # this transport gives none


@pytest.mark.parametrize("body", ["", "<html>", "[]", "null", '"x"'])
def test_a_failed_reply_that_is_no_object_tells_nothing(body: str) -> None:
    assert json.loads(failure(body).body) == {}


def test_a_failed_reply_that_quotes_a_secret_is_redacted() -> None:
    reply = failure(
        {"error": "invalid_grant", "error_description": f"cannot use {SECRET}", "access_token": "other-one"}
    )
    assert SECRET.encode() not in pickle.dumps(reply)
    assert b"other-one" not in pickle.dumps(reply)
    assert "cannot use ***" in reply.body


def test_headers_that_quote_a_secret_are_redacted() -> None:
    reply = failure({"error": "x"}, **{"WWW-Authenticate": f"Bearer {SECRET}"})
    assert SECRET not in repr(reply)
    assert SECRET.encode() not in pickle.dumps(reply)


def test_a_wanting_transport_does_not_hinder_requests() -> None:
    """Only what Reply has is asked of a response; a request's body is seen as users' own transports read it."""

    def answer(request: HttpRequest) -> Reply:
        form: Any = request.body
        return json_reply({"was": form["grant_type"]})

    reply = client_of(StubTransport(answer)).post(TOKEN, data={"grant_type": "password"})
    assert json.loads(reply.text) == {"was": "password"}
