from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.rest import HttpRequest

from azid.errors import AuthenticationFailedError
from azid.tokens.request import TokenRequest
from tests.support.msal_replies import (
    ADA,
    BOB,
    CLAIMS,
    CLIENT,
    GIVE_UP,
    GRAPH,
    REFRESH_TOKEN,
    TENANT,
    client_of,
    form_of,
    refresh,
    refused,
    tokens,
)
from tests.support.stub_transport import Reply, StubTransport, json_reply


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
