"""MSAL for Python as an application: each way to prove itself, and each grant, by the library's own requests."""

from __future__ import annotations

import hashlib
from typing import Any

import msal
import pytest

from azid.emulator import (
    DEFAULT_ISSUER,
    DEFAULT_TENANT_ID,
    Client,
    Emulator,
    Federation,
    Person,
    SubjectNameIssuer,
)
from tests.conftest import ADA, GRAPH
from tests.emulator.driver import AZURE_CLI, LOGIN, Driver, Form, payload
from tests.support.certificates import Issued, issue

APPLICATION = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
AUTHORITY = f"{LOGIN}/{DEFAULT_TENANT_ID}"
SECRET = "a s3cret"
CALLBACK = "http://localhost:5000/callback"
WORKLOAD = "system:serviceaccount:shop:checkout"
VAULT = "https://vault.azure.net/.default"

OWN = issue("CN=app.contoso.example")
ROOT = issue("CN=Root of Contoso", ca=True, key=1)
LEAF = issue("CN=shop.contoso.example", by=ROOT, key=2)


@pytest.fixture
def entra() -> Emulator:
    """On the machine's clock, which MSAL's assertions are made by."""
    client = Client(
        APPLICATION,
        redirect_uris=(CALLBACK,),
        public=False,
        secrets=(SECRET,),
        certificates=(OWN.pem,),
        trusted_subjects=(SubjectNameIssuer("CN=shop.contoso.example", ROOT.pem),),
        federations=(Federation(DEFAULT_ISSUER, WORKLOAD),),
    )
    return Emulator([ADA], clients=[client])


def key_of(issued: Issued, **more: Any) -> dict[str, Any]:
    return {"private_key": issued.key_pem, **more}


CREDENTIALS = [
    pytest.param(SECRET, id="secret"),
    pytest.param(key_of(OWN, thumbprint=hashlib.sha1(OWN.der).hexdigest()), id="thumbprint"),
    pytest.param(key_of(OWN, public_certificate=OWN.pem), id="certificate"),
    pytest.param(key_of(LEAF, public_certificate=LEAF.pem), id="subject name and issuer"),
]


def application(entra: Emulator, credential: Any = SECRET) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        APPLICATION, client_credential=credential, authority=AUTHORITY, http_client=entra.session()
    )


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_an_application_proves_itself(entra: Emulator, credential: Any) -> None:
    app = application(entra, credential)
    for scope in (GRAPH, VAULT):  # the second time with the same assertion
        result = app.acquire_token_for_client([scope])
        assert payload(result["access_token"])["idtyp"] == "app"
    again = app.acquire_token_for_client([GRAPH])
    assert again["token_source"] == "cache"


def test_a_workload_proves_itself(entra: Emulator) -> None:
    app = application(entra, {"client_assertion": lambda: entra.federated_token(WORKLOAD)})
    assert payload(app.acquire_token_for_client([GRAPH])["access_token"])["appid"] == APPLICATION


def test_a_wrong_secret_is_told(entra: Emulator) -> None:
    result = application(entra, "wrong").acquire_token_for_client([GRAPH])
    assert result["error_codes"] == [7000215]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_an_api_acts_for_a_person(entra: Emulator, credential: Any) -> None:
    scope = f"api://{APPLICATION}/.default openid"
    assertion = Driver(entra).password(ADA.username, ADA.password, scope=scope).json()["access_token"]
    app = application(entra, credential)
    result = app.acquire_token_on_behalf_of(assertion, [GRAPH])
    assert payload(result["access_token"])["upn"] == ADA.username
    assert result["id_token_claims"]["preferred_username"] == ADA.username
    (account,) = app.get_accounts()
    silent = app.acquire_token_silent([VAULT], account)  # redeems the refresh token
    assert payload(silent["access_token"])["aud"] == "https://vault.azure.net"


def test_a_web_application_signs_a_person_in(entra: Emulator) -> None:
    app = application(entra)
    flow = app.initiate_auth_code_flow([GRAPH], redirect_uri=CALLBACK, response_mode="form_post")
    driver = Driver(entra)
    page = driver.browser.get(flow["auth_uri"])
    page = driver.act(driver.act(page, "pick", username=ADA.username), "password", password=ADA.password)
    answer = Form(page.text).fields
    result = app.acquire_token_by_auth_code_flow(flow, answer)
    assert result["id_token_claims"]["oid"] == ADA.object_id


def test_a_persons_program_asks_for_an_api(entra: Emulator) -> None:
    app = msal.PublicClientApplication(AZURE_CLI, authority=AUTHORITY, http_client=entra.session())
    flow = app.initiate_device_flow([f"api://{APPLICATION}/.default"])
    Person(ADA.username, ADA.password, entra=entra).enter_code(flow["verification_uri"], flow["user_code"])
    result = app.acquire_token_by_device_flow(flow)
    assert payload(result["access_token"])["aud"] == f"api://{APPLICATION}"
