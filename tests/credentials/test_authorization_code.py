"""Web applications that have received an authorization code."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import AuthorizationCodeCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, Fault
from azid.errors import AuthenticationFailedError
from tests.conftest import ADA, GRAPH, VAULT, in_threads
from tests.credentials.conftest import APP, LIFETIME, REDIRECT_URI, SECRET, TENANT
from tests.emulator.driver import Driver

GRANT = "authorization_code"
Make = Callable[..., AuthorizationCodeCredential]


@pytest.fixture
def code(entra: Emulator) -> str:
    """What the application's redirect URI has received, without PKCE, as web applications may."""
    answer = Driver(entra).answer(
        ADA.username,
        ADA.password,
        tenant=TENANT,
        client_id=APP,
        redirect_uri=REDIRECT_URI,
        code_challenge="",
        code_challenge_method="",
    )
    entra.clear_log()
    return answer["code"]


@pytest.fixture
def make(entra: Emulator, clock: ManualClock, code: str) -> Iterator[Make]:
    made: list[AuthorizationCodeCredential] = []

    def make(**options: Any) -> AuthorizationCodeCredential:
        options = {"client_secret": SECRET, "transport": entra.transport(), "clock": clock, **options}
        made.append(AuthorizationCodeCredential(TENANT, APP, options.pop("code", code), REDIRECT_URI, **options))
        return made[-1]

    yield make
    for credential in made:
        credential.close()


def test_the_code_is_redeemed_once_and_refreshed_afterwards(make: Make, entra: Emulator, clock: ManualClock) -> None:
    credential = make()
    credential.get_token(GRAPH)
    credential.get_token(GRAPH)
    credential.get_token(VAULT)
    clock.advance(LIFETIME)
    credential.get_token(GRAPH)
    [request] = entra.token_requests(GRANT)
    assert request.form["redirect_uri"] == REDIRECT_URI
    assert request.form["client_secret"] == SECRET
    assert [refresh.form["client_secret"] for refresh in entra.token_requests("refresh_token")] == [SECRET] * 2


def test_who_it_is_need_not_be_told(make: Make, entra: Emulator, clock: ManualClock) -> None:
    entra.inject(Fault(remove=("id_token", "client_info"), times=None))
    credential = make()
    credential.get_token(GRAPH)
    clock.advance(LIFETIME)
    credential.get_token(GRAPH)
    assert [len(entra.token_requests(grant)) for grant in (GRANT, "refresh_token")] == [1, 1]


def test_threads_redeem_it_once(make: Make, entra: Emulator) -> None:
    credential = make()
    assert len(set(in_threads(20, lambda: credential.get_token(GRAPH).token))) == 1
    assert len(entra.token_requests(GRANT)) == 1


def test_a_sign_in_that_has_ended_cannot_be_begun_anew(make: Make, entra: Emulator) -> None:
    credential = make()
    credential.get_token(GRAPH)
    entra.revoke(ADA.username)
    with pytest.raises(ClientAuthenticationError, match="The authorization code was redeemed before"):
        credential.get_token(VAULT)
    assert len(entra.token_requests(GRANT)) == 1


def test_what_the_sign_in_is_not_enough_for_is_told(make: Make, entra: Emulator) -> None:
    credential = make()
    credential.get_token(GRAPH)
    claims = '{"access_token": {"acrs": {"value": "c1"}}}'
    entra.refuse(ADA.username, 50076, claims=claims)
    with pytest.raises(
        AuthenticationFailedError, match=r"The authorization code was redeemed before.*AADSTS50076"
    ) as told:
        credential.get_token(VAULT)
    assert (told.value.error_codes, told.value.claims) == ((50076,), claims)


def test_a_code_that_did_not_arrive_can_be_sent_again(make: Make, entra: Emulator) -> None:
    credential = make(retry_total=0)
    entra.inject(Fault(cut="before"))
    with pytest.raises(ClientAuthenticationError):
        credential.get_token(GRAPH)
    assert credential.get_token(GRAPH)


def test_without_its_secret_the_application_is_refused(make: Make) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000218"):
        make(client_secret=None).get_token(GRAPH)


def test_an_unknown_code_is_refused(make: Make) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS") as caught:
        make(code="canary").get_token(GRAPH)
    assert "canary" not in str(caught.value)


def test_no_code_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="'authorization_code' must be"):
        AuthorizationCodeCredential(TENANT, APP, "", REDIRECT_URI)


def test_no_secret_is_logged_or_told(make: Make, entra: Emulator, code: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    credential = make(logging_enable=True, enable_support_logging=True, retry_total=0)
    token = credential.get_token(GRAPH)
    entra.revoke(ADA.username)
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(VAULT)
    refreshed = [request.form["refresh_token"] for request in entra.token_requests("refresh_token")]
    lines = [record for record in caplog.records if not record.name.startswith(("azid.emulator", "werkzeug"))]
    readable = "\n".join(f"{record.name} {record.getMessage()}" for record in lines)
    assert "msal" in readable, "it was listened to"
    readable += f"{caught.value} {caught.value!r} {credential!r}"
    assert not [secret for secret in (SECRET, code, token.token, *refreshed) if secret in readable]
