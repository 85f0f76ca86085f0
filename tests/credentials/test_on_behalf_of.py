"""Services that call others for the person who has called them."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import ChainedTokenCredential, DeviceCodeCredential, OnBehalfOfCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, Fault, Person
from azid.errors import AuthenticationFailedError
from tests.conftest import ADA, BOB, GRAPH, VAULT, in_threads
from tests.credentials.conftest import APP, LIFETIME, OTHER_APP, SECRET, SUBJECT, TENANT, certificate

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

Make = Callable[..., OnBehalfOfCredential]


def token_of(user: Any, entra: Emulator, clock: ManualClock) -> str:
    """Return the token that a person's program sends to the service."""
    person = Person(user.username, user.password, entra=entra)
    credential = DeviceCodeCredential(
        OTHER_APP, prompt_callback=person.enter_code, transport=entra.transport(), clock=clock
    )
    return credential.get_token(f"api://{APP}/.default").token


@pytest.fixture
def assertion(entra: Emulator, clock: ManualClock) -> str:
    token = token_of(ADA, entra, clock)
    entra.clear_log()
    return token


@pytest.fixture(params=["secret", "certificate", "assertion"])
def proof(request: pytest.FixtureRequest, entra: Emulator) -> dict[str, Any]:
    """What the service proves itself with."""
    proofs: dict[str, dict[str, Any]] = {
        "secret": {"client_secret": SECRET},
        "certificate": {"client_certificate": (certificate().key_pem + certificate().pem).encode()},
        "assertion": {"client_assertion_func": lambda: entra.federated_token(SUBJECT)},
    }
    return proofs[request.param]


@pytest.fixture
def make(entra: Emulator, clock: ManualClock, assertion: str) -> Iterator[Make]:
    made: list[OnBehalfOfCredential] = []

    def make(**options: Any) -> OnBehalfOfCredential:
        if not options.keys() & {"client_secret", "client_certificate", "client_assertion_func"}:
            options["client_secret"] = SECRET
        given = {"user_assertion": assertion, "transport": entra.transport(), "clock": clock, **options}
        made.append(OnBehalfOfCredential(TENANT, APP, **given))
        return made[-1]

    yield make
    for credential in made:
        credential.close()


def test_each_proof_gets_the_persons_token(make: Make, proof: dict[str, Any], entra: Emulator, assertion: str) -> None:
    token = make(**proof).get_token(GRAPH)
    [request] = entra.token_requests(GRANT)
    assert request.form["requested_token_use"] == "on_behalf_of"
    session = entra.session()
    me = session.get(entra.resource_url, headers={"Authorization": f"Bearer {token.token}"}).json()
    assert me["userPrincipalName"] == ADA.username


def test_later_tokens_come_from_the_refresh_token(make: Make, entra: Emulator, clock: ManualClock) -> None:
    credential = make()
    credential.get_token(GRAPH)
    credential.get_token(GRAPH)
    credential.get_token(VAULT)
    clock.advance(LIFETIME)  # by which time the person's token has expired, too
    credential.get_token(GRAPH)
    assert len(entra.token_requests(GRANT)) == 1
    assert len(entra.token_requests("refresh_token")) == 2


def test_a_sign_in_that_has_ended_is_begun_anew_while_the_assertion_is_good(make: Make, entra: Emulator) -> None:
    credential = make()
    credential.get_token(GRAPH)
    entra.revoke(ADA.username)
    credential.get_token(VAULT)
    assert len(entra.token_requests(GRANT)) == 2


def test_and_fails_after_that(make: Make, entra: Emulator, clock: ManualClock) -> None:
    credential = make()
    credential.get_token(GRAPH)
    entra.revoke(ADA.username)
    clock.advance(LIFETIME)
    with pytest.raises(ClientAuthenticationError, match="AADSTS50013"):
        credential.get_token(GRAPH)


@pytest.mark.parametrize("missing", [("id_token",), ("id_token", "client_info")])
def test_who_it_is_need_not_be_told(missing: tuple[str, ...], make: Make, entra: Emulator, clock: ManualClock) -> None:
    """The assertion says it: an authority that knows no OpenID Connect sends no id token (RFC 7521)."""
    entra.inject(Fault(remove=missing, times=None))
    credential = make()
    assert credential.get_token(GRAPH) == credential.get_token(GRAPH)
    credential.get_token(VAULT)
    clock.advance(LIFETIME)
    credential.get_token(GRAPH)
    assert len(entra.token_requests(GRANT)) == 1
    assert len(entra.token_requests("refresh_token")) == 2


def test_without_a_refresh_token_the_assertion_is_sent_again(make: Make, entra: Emulator) -> None:
    entra.inject(Fault(remove=("id_token", "client_info", "refresh_token"), times=None))
    credential = make()
    credential.get_token(GRAPH)
    credential.get_token(VAULT)
    assert len(entra.token_requests(GRANT)) == 2


def test_two_people_are_never_mixed_up(make: Make, entra: Emulator, clock: ManualClock) -> None:
    adas, bobs = make(), make(user_assertion=token_of(BOB, entra, clock))
    names = []
    for credential in (adas, bobs, adas, bobs):
        token = credential.get_token(GRAPH)
        reply = entra.session().get(entra.resource_url, headers={"Authorization": f"Bearer {token.token}"})
        names.append(reply.json()["userPrincipalName"])
    assert names == [ADA.username, BOB.username] * 2


def test_threads_make_one_request(make: Make, entra: Emulator) -> None:
    credential = make()
    assert len(set(in_threads(20, lambda: credential.get_token(GRAPH).token))) == 1
    assert len(entra.token_requests(GRANT)) == 1


def test_claims_are_sent(make: Make, entra: Emulator) -> None:
    claims = '{"access_token": {"nbf": {"essential": true, "value": "1"}}}'
    make().get_token(GRAPH, claims=claims, enable_cae=True)
    [request] = entra.token_requests(GRANT)
    assert "nbf" in request.form["claims"]
    assert "CP1" in request.form["claims"]


def test_what_needs_the_person_is_told(make: Make, entra: Emulator) -> None:
    """The service hands the refusal on to the person's program, which can ask for a second factor."""
    claims = '{"access_token": {"acrs": {"value": "c1"}}}'
    entra.refuse(ADA.username, 50076, claims=claims)
    credential = make()
    for asked in (credential, ChainedTokenCredential(credential)):
        with pytest.raises(AuthenticationFailedError, match="AADSTS50076") as caught:
            asked.get_token(GRAPH)
        assert caught.value.claims == claims
        assert "acrs" not in f"{caught.value} {caught.value!r} {caught.value.response!r}"


def test_an_assertion_for_somebody_else_is_refused(make: Make, entra: Emulator, clock: ManualClock) -> None:
    person = Person(ADA.username, ADA.password, entra=entra)
    others = DeviceCodeCredential(
        OTHER_APP, prompt_callback=person.enter_code, transport=entra.transport(), clock=clock
    ).get_token(GRAPH)
    with pytest.raises(ClientAuthenticationError, match="AADSTS50013"):
        make(user_assertion=others.token).get_token(GRAPH)


def test_a_network_that_is_down_is_no_reason_to_begin_anew(make: Make, entra: Emulator, clock: ManualClock) -> None:
    credential = make(retry_total=0)
    credential.get_token(GRAPH)
    clock.advance(LIFETIME)
    entra.inject(Fault(status=503, times=None))
    with pytest.raises(ClientAuthenticationError):
        credential.get_token(GRAPH)
    assert len(entra.token_requests(GRANT)) == 1


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"user_assertion": ""}, TypeError, "user_assertion"),
        ({"user_assertion": 5}, TypeError, "user_assertion"),
        ({"client_assertion_func": "x"}, TypeError, "'client_assertion_func' must be a function"),
        ({"client_certificate": "text"}, TypeError, "the bytes of its file"),
        ({"client_secret": ""}, TypeError, "Give 'client_certificate', 'client_secret' or"),
        ({"client_secret": "x", "client_assertion_func": str}, ValueError, "one proof of who it is"),
        ({"client_secret": "x", "client_certificate": b"x"}, ValueError, "one proof of who it is"),
        ({"client_certificate": b"x"}, ValueError, "cannot be read"),
        ({"client_secret": "x", "authorty": "y"}, TypeError, "did you mean 'authority'"),
    ],
)
def test_mistakes(options: dict[str, Any], error: type[Exception], told: str, make: Make) -> None:
    with pytest.raises(error, match=told):
        make(**options)


def test_a_pickle_holds_no_token_but_what_it_was_made_with(make: Make, assertion: str) -> None:
    credential = OnBehalfOfCredential(TENANT, APP, client_secret=SECRET, user_assertion=assertion)
    assert repr(pickle.loads(pickle.dumps(credential))) == repr(credential)


def test_no_secret_is_logged_or_told(
    make: Make, entra: Emulator, assertion: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    credential = make(logging_enable=True, enable_support_logging=True, retry_total=0)
    token = credential.get_token(GRAPH)
    entra.refuse(ADA.username, 50076)
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(VAULT)
    lines = [record for record in caplog.records if not record.name.startswith(("azid.emulator", "werkzeug"))]
    readable = "\n".join(f"{record.name} {record.getMessage()}" for record in lines)
    assert "msal" in readable, "it was listened to"
    readable += f"{caught.value} {caught.value!r} {credential!r}"
    assert not [secret for secret in (SECRET, assertion, token.token) if secret in readable]
