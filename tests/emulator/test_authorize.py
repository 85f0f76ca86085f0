"""The authorization endpoint is strict, and errors go where RFC 6749 lets them go."""

from __future__ import annotations

import urllib.parse

import pytest

from azid.emulator import Client, Emulator
from tests.conftest import ADA
from tests.emulator.driver import Driver, Form

APPLICATION = "aaaaaaaa-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"client_id": ""}, 90014),
        ({"client_id": APPLICATION}, 700016),
        ({"redirect_uri": ""}, 90014),
        ({"redirect_uri": "https://evil.example/"}, 50011),
        ({"redirect_uri": "http://localhost:8400/other"}, 50011),
        ({"redirect_uri": "https://localhost:8400"}, 50011),
        ({"redirect_uri": "http://localhost.evil.example:8400"}, 50011),
        ({"redirect_uri": "http://localhost@evil.example:8400"}, 50011),
        ({"redirect_uri": "http://localhost:8400#fragment"}, 50011),
        ({"redirect_uri": "http://localhost:port"}, 50011),
        ({"tenant": "no-such-tenant.example"}, 90002),
    ],
)
def test_nothing_is_sent_to_an_application_that_is_not_known(driver: Driver, query: dict[str, str], code: int) -> None:
    page = driver.authorize(**query)
    assert page.status_code == 400
    assert Form(page.text).page == "refused"
    assert f"AADSTS{code}" in page.text


@pytest.mark.parametrize(
    ("query", "error", "code"),
    [
        ({"response_type": "token"}, "unsupported_response_type", 90009),
        ({"response_type": ""}, "invalid_request", 90014),
        ({"response_mode": "fragment"}, "invalid_request", 9002313),
        ({"code_challenge": ""}, "invalid_request", 9002325),
        ({"code_challenge_method": "plain"}, "invalid_request", 9002325),
        ({"scope": ""}, "invalid_request", 90014),
        ({"scope": "openid https://a.example/x https://b.example/x"}, "invalid_scope", 28000),
        ({"prompt": "sometimes"}, "invalid_request", 9002313),
        ({"prompt": "none"}, "login_required", 50058),
        ({"claims": "{"}, "invalid_request", 9002313),
    ],
)
def test_other_errors_go_to_the_application(driver: Driver, query: dict[str, str], error: str, code: int) -> None:
    reply = driver.authorize(**{"response_mode": "query", **query})
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(reply.headers["Location"]).query))
    assert (answer["error"], answer["state"]) == (error, "the-state")
    assert answer["error_description"].startswith(f"AADSTS{code}: ")


@pytest.mark.parametrize(
    "uri", ["http://localhost:1", "http://localhost:65535/", "http://127.0.0.1:8400", "http://localhost"]
)
def test_a_loopback_redirect_uri_has_any_port(driver: Driver, uri: str) -> None:
    assert driver.authorize(redirect_uri=uri).status_code == 200


def test_other_redirect_uris_match_exactly() -> None:
    client = Client(APPLICATION, redirect_uris=("https://app.example/callback", "http://localhost/signed-in"))
    assert client.allows("https://app.example/callback")
    assert client.allows("http://localhost:8400/signed-in")
    assert not client.allows("https://app.example:444/callback")
    assert not client.allows("https://app.example/callback?more")
    assert not client.allows("http://localhost:8400")


def test_the_answer_keeps_the_redirect_uris_query() -> None:
    client = Client(APPLICATION, redirect_uris=("http://localhost/?tab=1",))
    driver = Driver(Emulator([ADA], clients=[client]))
    query = {"client_id": APPLICATION, "redirect_uri": "http://localhost:8400/?tab=1", "response_mode": "query"}
    page = driver.act(driver.authorize(**query), "pick", username=ADA.username)
    location = driver.act(page, "password", password=ADA.password).headers["Location"]
    assert location.startswith("http://localhost:8400/?tab=1&code=")


def test_a_client_id_may_be_registered_by_itself() -> None:
    driver = Driver(Emulator([ADA], clients=[APPLICATION]))
    body = driver.password(ADA.username, ADA.password, client_id=APPLICATION).json()
    assert "access_token" in body
    assert "foci" not in body
