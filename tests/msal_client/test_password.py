from __future__ import annotations

import json
import warnings
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid.errors import AuthenticationFailedError
from azid.tokens.request import TokenRequest
from tests.support.msal_replies import (
    ADA,
    CLAIMS,
    GRAPH,
    PASSWORD,
    REQUEST,
    TENANT,
    client_of,
    form_of,
    password_tokens,
    refused,
    tokens,
    with_realm,
)
from tests.support.stub_transport import Reply, json_reply


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
