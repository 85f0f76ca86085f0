"""What applications get: tokens of their own, tokens on somebody's behalf, and codes as web applications do."""

from __future__ import annotations

import base64
import json

import pytest
import requests

from azid.clock import ManualClock
from azid.emulator import DEFAULT_TENANT_ID, Client, Emulator, User
from tests.conftest import ADA
from tests.emulator.driver import AZURE_CLI, LOGIN, Driver, Form, payload, refusal

API = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
WEB = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER_TENANT = "11111111-2222-3333-4444-555555555555"
SECRET = "a s3cret"
CALLBACK = "https://web.contoso.example/callback"
GRAPH_DEFAULT = "https://graph.microsoft.com/.default"
OPENID = "openid profile offline_access"
ON_BEHALF_OF = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CP1 = '{"access_token":{"xms_cc":{"values":["CP1"]}}}'
C1 = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'

GRACE = User("grace@contoso.example", "Grace's pass phrase", consented=False)
CLIENTS = [
    Client(API, "Orders API", public=False, secrets=(SECRET,), identifier_uri="https://orders.contoso.example"),
    Client(WEB, "Shop", (CALLBACK, "http://localhost:5000/callback"), public=False, secrets=(SECRET,)),
]


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    return Emulator([ADA, GRACE], clients=CLIENTS, clock=clock)


def for_itself(driver: Driver, tenant: str = DEFAULT_TENANT_ID, **form: str) -> requests.Response:
    asked = {"grant_type": "client_credentials", "client_id": API, "client_secret": SECRET, "scope": GRAPH_DEFAULT}
    return driver.token(tenant=tenant, **{**asked, **form})


# --- client credentials


def test_an_applications_own_token(driver: Driver, clock: ManualClock) -> None:
    body = for_itself(driver).json()
    assert body.keys() == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == ("Bearer", 3600, 3600)
    claims = payload(body["access_token"])
    assert (claims["aud"], claims["appid"], claims["tid"]) == ("https://graph.microsoft.com", API, DEFAULT_TENANT_ID)
    assert (claims["idtyp"], claims["sub"]) == ("app", claims["oid"])
    assert (claims["iat"], claims["exp"]) == (int(clock.time()), int(clock.time()) + 3600)
    assert not {"scp", "upn", "name", "xms_cc", "xms_mirid"} & claims.keys()


def test_each_tenant_has_its_own_service_principal(driver: Driver) -> None:
    here, again, elsewhere = (
        payload(for_itself(driver, tenant).json()["access_token"])
        for tenant in ("contoso.example", DEFAULT_TENANT_ID, OTHER_TENANT)
    )
    assert here["oid"] == again["oid"] != elsewhere["oid"]
    assert elsewhere["tid"] == OTHER_TENANT


def test_continuous_access_evaluation_is_for_applications_too(driver: Driver) -> None:
    body = for_itself(driver, claims=CP1).json()
    assert (body["expires_in"], body["refresh_in"]) == (86400, 43200)
    assert payload(body["access_token"])["xms_cc"] == ["CP1"]


@pytest.mark.parametrize(
    ("form", "error", "code"),
    [
        ({"scope": "https://graph.microsoft.com/User.Read"}, "invalid_scope", 1002012),
        ({"scope": f"{GRAPH_DEFAULT} openid"}, "invalid_scope", 1002012),
        ({"scope": ".default"}, "invalid_scope", 1002012),
        ({"scope": "openid"}, "invalid_scope", 1002012),
        ({"scope": f"{GRAPH_DEFAULT} https://vault.azure.net/.default"}, "invalid_scope", 28000),
        ({"scope": ""}, "invalid_request", 900144),
        ({"tenant": "organizations"}, "invalid_request", 50059),
        ({"tenant": "common"}, "invalid_request", 50059),
        ({"claims": "[]"}, "invalid_request", 9002313),
    ],
)
def test_applications_ask_for_all_of_one_resource(driver: Driver, form: dict[str, str], error: str, code: int) -> None:
    reply = for_itself(driver, **form)
    assert reply.status_code == 400
    assert refusal(reply) == (error, code)


def test_an_application_can_be_refused_by_script(driver: Driver) -> None:
    driver.entra.refuse(API, 7000222, grant="client_credentials", times=1)
    assert refusal(for_itself(driver)) == ("invalid_client", 7000222)
    assert for_itself(driver).status_code == 200


def test_me_is_nobody_for_an_application(driver: Driver) -> None:
    token = for_itself(driver).json()["access_token"]
    reply = driver.browser.get(driver.entra.resource_url, headers={"Authorization": f"Bearer {token}"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest")


# --- on-behalf-of


def for_the_api(driver: Driver, user: User = ADA, scope: str = f"api://{WEB}/.default {OPENID}", **form: str) -> str:
    """Return the token that a person's program calls the application with."""
    token: str = driver.password(user.username, user.password, scope=scope, **form).json()["access_token"]
    return token


def on_behalf_of(driver: Driver, assertion: str, client_id: str = WEB, /, **form: str) -> requests.Response:
    asked = {
        "grant_type": ON_BEHALF_OF,
        "requested_token_use": "on_behalf_of",
        "assertion": assertion,
        "client_id": client_id,
        "client_secret": SECRET,
        "scope": f"{GRAPH_DEFAULT} {OPENID}",
    }
    return driver.token(tenant=DEFAULT_TENANT_ID, **{**asked, **form})


@pytest.mark.parametrize(
    ("client_id", "resource"),
    [(WEB, f"api://{WEB}"), (WEB, WEB), (API, "https://orders.contoso.example"), (API, API)],
)
def test_a_persons_token_is_traded_for_one_to_another_resource(driver: Driver, client_id: str, resource: str) -> None:
    assertion = for_the_api(driver, scope=f"{resource}/.default {OPENID}")
    assert payload(assertion)["aud"] == resource
    body = on_behalf_of(driver, assertion, client_id).json()
    claims = payload(body["access_token"])
    assert (claims["aud"], claims["appid"], claims["upn"]) == ("https://graph.microsoft.com", client_id, ADA.username)
    assert (claims["idtyp"], claims["appidacr"]) == ("user", "1")
    assert (payload(body["id_token"])["aud"], payload(body["id_token"])["oid"]) == (client_id, ADA.object_id)
    padded = body["client_info"] + "=" * (-len(body["client_info"]) % 4)
    assert json.loads(base64.urlsafe_b64decode(padded))["uid"] == ADA.object_id
    me = driver.browser.get(
        driver.entra.resource_url, headers={"Authorization": f"Bearer {body['access_token']}"}
    ).json()
    assert me["userPrincipalName"] == ADA.username


def test_refresh_tokens_of_applications_take_their_credential(driver: Driver) -> None:
    token = on_behalf_of(driver, for_the_api(driver)).json()["refresh_token"]
    assert refusal(driver.refresh(token, client_id=WEB))[1] == 7000218
    body = driver.refresh(token, client_id=WEB, client_secret=SECRET, scope=GRAPH_DEFAULT).json()
    assert payload(body["access_token"])["upn"] == ADA.username
    assert "refresh_token" in body
    assert "id_token" not in body  # openid was not asked for
    assert refusal(driver.refresh(token, client_id=API, client_secret=SECRET))[1] == 70000


def test_no_more_is_given_than_was_asked_for(driver: Driver) -> None:
    body = on_behalf_of(driver, for_the_api(driver), scope=GRAPH_DEFAULT, client_info="").json()
    assert not {"refresh_token", "id_token", "client_info"} & body.keys()


@pytest.mark.parametrize(
    ("form", "error", "code"),
    [
        ({"client_secret": ""}, "invalid_client", 7000218),
        ({"client_id": AZURE_CLI, "client_secret": ""}, "invalid_client", 7000218),
        ({"client_id": API}, "invalid_grant", 500131),
        ({"requested_token_use": ""}, "invalid_request", 900144),
        ({"requested_token_use": "other"}, "invalid_request", 9002313),
        ({"assertion": ""}, "invalid_request", 900144),
        ({"assertion": "not.a.token"}, "invalid_grant", 50013),
    ],
)
def test_a_bad_request_is_refused(driver: Driver, form: dict[str, str], error: str, code: int) -> None:
    assert refusal(on_behalf_of(driver, for_the_api(driver), **form)) == (error, code)


def test_an_assertion_expires(driver: Driver, clock: ManualClock) -> None:
    assertion = for_the_api(driver)
    clock.advance(3600)
    assert refusal(on_behalf_of(driver, assertion)) == ("invalid_grant", 500133)


def test_an_assertion_of_an_application_acts_for_nobody(driver: Driver) -> None:
    assertion = for_itself(driver, scope=f"api://{WEB}/.default").json()["access_token"]
    assert refusal(on_behalf_of(driver, assertion)) == ("invalid_grant", 7000114)


def test_an_id_token_is_no_assertion(driver: Driver) -> None:
    form = {"client_id": WEB, "client_secret": SECRET}
    identity = driver.password(ADA.username, ADA.password, **form).json()["id_token"]
    assert payload(identity)["aud"] == WEB
    assert refusal(on_behalf_of(driver, identity)) == ("invalid_grant", 50013)


def test_the_person_must_have_consented(driver: Driver) -> None:
    page = driver.act(driver.authorize(scope=f"api://{WEB}/.default {OPENID}"), "pick", username=GRACE.username)
    page = driver.act(driver.act(page, "password", password=GRACE.password), "accept")
    token = driver.redeem(Form(page.text).fields["code"], scope=f"api://{WEB}/.default {OPENID}").json()
    reply = on_behalf_of(driver, token["access_token"])
    assert refusal(reply) == ("invalid_grant", 65001)
    assert reply.json()["suberror"] == "consent_required"


def test_what_is_scripted_for_the_person_happens(driver: Driver) -> None:
    assertion = for_the_api(driver)
    driver.entra.refuse(ADA.username, 53003, grant="jwt-bearer", times=1)
    assert refusal(on_behalf_of(driver, assertion)) == ("invalid_grant", 53003)
    assert on_behalf_of(driver, assertion).status_code == 200


def test_a_person_who_was_disabled_is_not_acted_for(driver: Driver) -> None:
    assertion = for_the_api(driver)
    driver.entra.add_user(User(ADA.username, ADA.password, enabled=False))
    assert refusal(on_behalf_of(driver, assertion)) == ("invalid_grant", 50057)


def test_a_second_factor_is_asked_for_through_the_api(driver: Driver) -> None:
    assertion = for_the_api(driver)
    driver.entra.add_user(User(ADA.username, ADA.password, mfa=True))
    reply = on_behalf_of(driver, assertion)
    assert refusal(reply) == ("interaction_required", 50076)

    scope, claims = f"api://{WEB}/.default {OPENID}", reply.json()["claims"]
    page = driver.authorize(scope=scope, claims=claims, login_hint=ADA.username)
    page = driver.act(driver.act(page, "password", password=ADA.password), "approve")
    better = driver.redeem(Form(page.text).fields["code"], scope=scope, claims=claims).json()["access_token"]
    assert on_behalf_of(driver, better).status_code == 200


def test_claims_that_the_person_must_satisfy_go_back(driver: Driver) -> None:
    reply = on_behalf_of(driver, for_the_api(driver), claims=C1)
    assert refusal(reply) == ("interaction_required", 50076)
    assert reply.json()["claims"] == C1


# --- codes of web applications


def code_for(driver: Driver, redirect_uri: str = CALLBACK, **query: str) -> str:
    asked = {"client_id": WEB, "redirect_uri": redirect_uri, "code_challenge": "", "code_challenge_method": "", **query}
    return driver.answer(ADA.username, ADA.password, **asked)["code"]


@pytest.mark.parametrize("redirect_uri", [CALLBACK, "http://localhost:5000/callback"])
def test_a_code_is_redeemed_with_a_credential_instead_of_a_verifier(driver: Driver, redirect_uri: str) -> None:
    form = {"client_id": WEB, "client_secret": SECRET, "redirect_uri": redirect_uri, "code_verifier": ""}
    body = driver.redeem(code_for(driver, redirect_uri), **form).json()
    assert payload(body["id_token"])["aud"] == WEB
    assert "refresh_token" in body


def test_what_the_sign_in_asked_for_is_given_with_the_code(driver: Driver) -> None:
    """azure-identity asks for the resource alone when it redeems one."""
    form = {"client_id": WEB, "client_secret": SECRET, "redirect_uri": CALLBACK, "code_verifier": ""}
    body = driver.redeem(code_for(driver), **form, scope=GRAPH_DEFAULT).json()
    assert {"refresh_token", "id_token"} <= body.keys()


@pytest.mark.parametrize(
    ("query", "form", "code"),
    [
        ({}, {"client_secret": ""}, 7000218),
        ({}, {"client_secret": "wrong"}, 7000215),
        ({}, {"code_verifier": "a verifier without a challenge"}, 501481),
        ({"code_challenge": "x" * 43, "code_challenge_method": "S256"}, {}, 501481),
        ({"code_challenge": "x" * 43, "code_challenge_method": "S256"}, {"code_verifier": "another"}, 501481),
    ],
)
def test_a_code_is_not_redeemed_without(driver: Driver, query: dict[str, str], form: dict[str, str], code: int) -> None:
    asked = {"client_id": WEB, "client_secret": SECRET, "redirect_uri": CALLBACK, "code_verifier": "", **form}
    assert refusal(driver.redeem(code_for(driver, **query), **asked))[1] == code


def test_a_challenge_that_is_sent_must_be_right(driver: Driver) -> None:
    query = {"client_id": WEB, "redirect_uri": CALLBACK, "code_challenge": "short", "response_mode": "query"}
    assert "AADSTS9002325" in driver.authorize(**query).headers["Location"]


@pytest.mark.parametrize(
    ("registered", "sent"),
    [
        (CALLBACK, CALLBACK + "/"),
        (CALLBACK, CALLBACK + "?more"),
        ("http://localhost:5000/callback", "http://localhost:5001/callback"),
        ("http://web.contoso.example/callback", "http://web.contoso.example/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1/callback"),
        ("msal://callback", "msal://callback"),
    ],
)
def test_redirect_uris_of_web_applications_match_exactly(registered: str, sent: str) -> None:
    assert not Client(WEB, redirect_uris=(registered,), public=False).allows(sent)


def test_what_is_supported_is_announced(driver: Driver) -> None:
    document = driver.browser.get(f"{LOGIN}/common/v2.0/.well-known/openid-configuration").json()
    assert {"client_credentials", "refresh_token", ON_BEHALF_OF} <= set(document["grant_types_supported"])
    assert set(document["token_endpoint_auth_methods_supported"]) == {"client_secret_post", "private_key_jwt", "none"}
