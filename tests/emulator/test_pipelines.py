"""Azure Pipelines' endpoint for a job's token."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import requests

from azid.clock import ManualClock
from azid.emulator import DEFAULT_TENANT_ID, PIPELINES_ISSUER, Client, Emulator, Fault, Federation
from tests.conftest import GRAPH
from tests.emulator.driver import Driver, payload

APPLICATION = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
CONNECTION = "9b2f3c1d-5a4e-4f60-8b7c-1d2e3f405162"
SUBJECT = "sc://contoso/shop/deploy"


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    client = Client(APPLICATION, public=False, federations=(Federation(PIPELINES_ISSUER, SUBJECT),))
    return Emulator(clients=[client], clock=clock)


def ask(
    entra: Emulator, *, token: str | None = None, suppress: bool = True, query: Mapping[str, str] | None = None
) -> requests.Response:
    environ = entra.pipelines_environ(CONNECTION, SUBJECT)
    headers = {"Authorization": f"Bearer {token or environ['SYSTEM_ACCESSTOKEN']}"}
    if suppress:
        headers["X-TFS-FedAuthRedirect"] = "Suppress"
    asked = {"api-version": "7.1", "serviceConnectionId": CONNECTION, **(query or {})}
    return entra.session().post(environ["SYSTEM_OIDCREQUESTURI"], params=asked, headers=headers, allow_redirects=False)


def test_a_job_gets_a_token_about_its_service_connection(entra: Emulator, clock: ManualClock) -> None:
    token = ask(entra, query={"serviceConnectionId": CONNECTION.upper()}).json()["oidcToken"]
    claims = payload(token)
    assert (claims["iss"], claims["sub"], claims["aud"]) == (PIPELINES_ISSUER, SUBJECT, "api://AzureADTokenExchange")
    assert claims["exp"] > clock.time()
    reply = Driver(entra).token(
        tenant=DEFAULT_TENANT_ID,
        grant_type="client_credentials",
        client_id=APPLICATION,
        client_assertion=token,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        scope=GRAPH,
    )
    assert payload(reply.json()["access_token"])["appid"] == APPLICATION


def test_another_issuer_can_be_played(entra: Emulator) -> None:
    environ = entra.pipelines_environ(DEFAULT_TENANT_ID, "repo:contoso/shop", issuer="https://other.example")
    assert environ == entra.pipelines_environ(CONNECTION, SUBJECT)  # one job, several connections
    claims = payload(ask(entra, query={"serviceConnectionId": DEFAULT_TENANT_ID}).json()["oidcToken"])
    assert (claims["iss"], claims["sub"]) == ("https://other.example", "repo:contoso/shop")


def test_a_wrong_token_leads_to_a_sign_in_page_unless_that_is_suppressed(entra: Emulator) -> None:
    assert ask(entra, token="wrong").status_code == 401
    redirect = ask(entra, token="wrong", suppress=False)
    assert redirect.status_code == 302
    assert redirect.headers["Location"].endswith("/_signin")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"api-version": ""}, 400),
        ({"api-version": "7.0"}, 400),
        ({"serviceConnectionId": ""}, 404),
        ({"serviceConnectionId": APPLICATION}, 404),
    ],
)
def test_other_requests_are_refused(entra: Emulator, query: dict[str, str], status: int) -> None:
    reply = ask(entra, query=query)
    assert reply.status_code == status
    assert reply.json()["message"]


def test_the_log_and_faults_know_it(entra: Emulator) -> None:
    entra.inject(Fault(endpoint="pipelines", status=503))
    assert ask(entra).status_code == 503
    assert [entry.endpoint for entry in entra.requests] == ["pipelines"]
