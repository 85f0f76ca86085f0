"""The token endpoint: what each grant gives, and what it refuses."""

from __future__ import annotations

import base64
import json

import pytest

from azid.clock import ManualClock
from azid.emulator import DEFAULT_TENANT_ID, Client, Emulator, Person, User
from tests.conftest import ADA
from tests.emulator.driver import AZURE_CLI, GRAPH_TOOLS, LOGIN, POWERSHELL, SCOPE, Driver, payload, refusal

OTHER_TENANT = "11111111-2222-3333-4444-555555555555"
CP1 = '{"access_token":{"xms_cc":{"values":["CP1"]}}}'


def test_a_reply_has_what_clients_read(driver: Driver, clock: ManualClock) -> None:
    reply = driver.password(ADA.username, ADA.password)
    body = reply.json()
    assert reply.headers["Cache-Control"] == "no-store"
    assert (body["token_type"], body["expires_in"], body["foci"]) == ("Bearer", 3600, "1")
    assert "refresh_in" not in body
    padded = body["client_info"] + "=" * (-len(body["client_info"]) % 4)
    assert json.loads(base64.urlsafe_b64decode(padded)) == {"uid": ADA.object_id, "utid": ADA.tenant_id}
    assert body["scope"].split()[-1] == "https://graph.microsoft.com/.default"

    access = payload(body["access_token"])
    assert access["iss"] == f"https://sts.windows.net/{DEFAULT_TENANT_ID}/"
    assert (access["aud"], access["tid"]) == ("https://graph.microsoft.com", DEFAULT_TENANT_ID)
    assert (access["upn"], access["oid"], access["appid"]) == (ADA.username, ADA.object_id, AZURE_CLI)
    assert (access["iat"], access["exp"]) == (int(clock.time()), int(clock.time()) + 3600)
    assert "xms_cc" not in access

    identity = payload(body["id_token"])
    assert identity["iss"] == f"{LOGIN}/{DEFAULT_TENANT_ID}/v2.0"
    assert (identity["aud"], identity["preferred_username"]) == (AZURE_CLI, ADA.username)
    assert identity["sub"] != identity["oid"]


def test_default_can_be_left_out_of_the_granted_scopes(clock: ManualClock) -> None:
    driver = Driver(Emulator([ADA], clock=clock, default_scope_in_reply=False))
    assert ".default" not in driver.password(ADA.username, ADA.password).json()["scope"]


def test_the_double_slash_of_arm_stays_in_the_audience(driver: Driver) -> None:
    scope = "https://management.core.windows.net//.default openid"
    body = driver.password(ADA.username, ADA.password, scope=scope).json()
    assert payload(body["access_token"])["aud"] == "https://management.core.windows.net/"
    assert "refresh_token" not in body  # offline_access was not asked for


def test_continuous_access_evaluation_gives_a_long_lived_token(driver: Driver) -> None:
    body = driver.password(ADA.username, ADA.password, claims=CP1).json()
    assert (body["expires_in"], body["refresh_in"]) == (86400, 43200)
    assert payload(body["access_token"])["xms_cc"] == ["CP1"]


@pytest.mark.parametrize(
    ("form", "error", "code"),
    [
        ({"grant_type": ""}, "invalid_request", 900144),
        ({"grant_type": "implicit"}, "unsupported_grant_type", 70003),
        ({"client_id": ""}, "invalid_request", 90014),
        ({"client_id": OTHER_TENANT}, "unauthorized_client", 700016),
        ({"scope": ""}, "invalid_request", 900144),
        ({"scope": "openid https://a.example/x https://b.example/x"}, "invalid_scope", 28000),
        ({"scope": "openid https://a.example/.default https://a.example/x"}, "invalid_scope", 70011),
        ({"claims": "[]"}, "invalid_request", 9002313),
        ({"password": "wrong"}, "invalid_grant", 50126),
        ({"username": "nobody@contoso.example"}, "invalid_grant", 50034),
        ({"tenant": "no-such-tenant.example"}, "invalid_request", 90002),
    ],
)
def test_a_bad_request_is_refused(driver: Driver, form: dict[str, str], error: str, code: int) -> None:
    asked = {"grant_type": "password", "username": ADA.username, "password": ADA.password, **form}
    reply = driver.token(**asked)
    assert reply.status_code == 400
    assert refusal(reply) == (error, code)


def test_a_refusal_has_entras_shape(driver: Driver) -> None:
    body = driver.password(ADA.username, "wrong").json()
    assert body["correlation_id"] in body["error_description"]
    assert body["trace_id"] in body["error_description"]
    assert body["timestamp"] == "2026-01-01 00:00:00Z"
    assert body["error_uri"].endswith("50126")


def test_the_token_endpoint_takes_posts_only(driver: Driver) -> None:
    reply = driver.browser.get(f"{LOGIN}/common/oauth2/v2.0/token")
    assert reply.status_code == 405
    assert refusal(reply) == ("invalid_request", 900561)


def test_a_parameter_sent_twice_is_refused(driver: Driver) -> None:
    fields = [("client_id", AZURE_CLI), ("client_id", AZURE_CLI)]
    assert refusal(driver.browser.post(f"{LOGIN}/common/oauth2/v2.0/token", data=fields))[1] == 9002313


def test_a_confidential_application_needs_its_credential() -> None:
    driver = Driver(Emulator([ADA], clients=[Client(OTHER_TENANT, public=False)]))
    reply = driver.password(ADA.username, ADA.password, client_id=OTHER_TENANT)
    assert reply.status_code == 401
    assert refusal(reply) == ("invalid_client", 7000218)


@pytest.mark.parametrize(
    ("user", "code"),
    [
        (User("x@y.example", "p", mfa=True), 50076),
        (User("x@y.example", "p", enabled=False), 50057),
        (User("x@y.example", "p", consented=False), 65001),
    ],
)
def test_a_password_alone_is_not_always_enough(user: User, code: int) -> None:
    assert refusal(Driver(Emulator([user])).password(user.username, user.password))[1] == code


def test_any_guid_is_a_tenant_and_guests_are_other_objects_there(driver: Driver) -> None:
    body = driver.password(ADA.username, ADA.password, tenant=OTHER_TENANT).json()
    identity = payload(body["id_token"])
    assert identity["tid"] == OTHER_TENANT
    assert identity["oid"] != ADA.object_id
    padded = body["client_info"] + "=" * (-len(body["client_info"]) % 4)
    assert json.loads(base64.urlsafe_b64decode(padded))["utid"] == ADA.tenant_id


def test_a_users_domain_names_the_tenant(driver: Driver) -> None:
    body = driver.password(ADA.username, ADA.password, tenant="contoso.example").json()
    assert payload(body["id_token"])["tid"] == DEFAULT_TENANT_ID


# --- authorization code


def test_a_code_gives_tokens_with_the_nonce(driver: Driver) -> None:
    answer = driver.answer(ADA.username, ADA.password)
    assert answer["state"] == "the-state"
    body = driver.redeem(answer["code"]).json()
    assert payload(body["id_token"])["nonce"] == "the-nonce"


def test_a_second_redemption_takes_the_tokens_back(driver: Driver) -> None:
    code = driver.answer(ADA.username, ADA.password)["code"]
    token = driver.redeem(code).json()["refresh_token"]
    assert refusal(driver.redeem(code)) == ("invalid_grant", 54005)
    assert refusal(driver.refresh(token)) == ("invalid_grant", 50173)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"code_verifier": "another-verifier-that-is-long-enough-for-rfc-7636"}, 501481),
        ({"code_verifier": ""}, 900144),
        ({"redirect_uri": "http://localhost:8401"}, 50011),
        ({"redirect_uri": "http://localhost:8400/"}, 50011),
        ({"client_id": POWERSHELL}, 70000),
        ({"scope": "https://vault.azure.net/.default openid"}, 28000),
        ({"code": "made-up"}, 9002313),
    ],
)
def test_a_code_is_for_its_own_request_only(driver: Driver, form: dict[str, str], code: int) -> None:
    value = driver.answer(ADA.username, ADA.password)["code"]
    assert refusal(driver.redeem(**{"code": value, **form}))[1] == code


def test_a_code_expires(driver: Driver, clock: ManualClock) -> None:
    code = driver.answer(ADA.username, ADA.password)["code"]
    clock.advance(600)
    assert refusal(driver.redeem(code)) == ("invalid_grant", 70008)


# --- refresh


def test_a_refresh_rotates_and_leaves_the_old_token_valid(driver: Driver) -> None:
    first = driver.password(ADA.username, ADA.password).json()["refresh_token"]
    second = driver.refresh(first).json()["refresh_token"]
    assert first != second
    assert driver.refresh(first).status_code == driver.refresh(second).status_code == 200


def test_a_refresh_serves_other_resources_tenants_and_the_family(driver: Driver) -> None:
    token = driver.password(ADA.username, ADA.password).json()["refresh_token"]
    scope = "https://vault.azure.net/.default openid offline_access"
    body = driver.refresh(token, scope=scope, tenant=OTHER_TENANT, client_id=POWERSHELL).json()
    access = payload(body["access_token"])
    assert (access["aud"], access["tid"], access["appid"]) == ("https://vault.azure.net", OTHER_TENANT, POWERSHELL)
    assert refusal(driver.refresh(token, client_id=GRAPH_TOOLS)) == ("invalid_grant", 70000)


def test_revoked_and_expired_refresh_tokens_are_refused(driver: Driver, clock: ManualClock) -> None:
    token = driver.password(ADA.username, ADA.password).json()["refresh_token"]
    driver.entra.revoke(ADA.username)
    reply = driver.refresh(token)
    assert refusal(reply) == ("invalid_grant", 50173)
    assert reply.json()["suberror"] == "bad_token"
    later = driver.password(ADA.username, ADA.password).json()["refresh_token"]
    clock.advance(90 * 24 * 3600)
    assert refusal(driver.refresh(later)) == ("invalid_grant", 700082)


# --- device code


def test_a_device_waits_for_its_person(driver: Driver, clock: ManualClock) -> None:
    code = driver.device_code()
    assert (code["interval"], code["expires_in"]) == (5, 900)
    assert code["user_code"] in code["message"]
    assert code["verification_uri"] in code["message"]
    assert refusal(driver.poll(code["device_code"]))[0] == "authorization_pending"
    Person(ADA.username, ADA.password, entra=driver.entra).enter_code(code["verification_uri"], code["user_code"])
    clock.advance(5)
    body = driver.poll(code["device_code"]).json()
    assert payload(body["id_token"])["preferred_username"] == ADA.username
    clock.advance(5)
    assert refusal(driver.poll(code["device_code"]))[0] == "bad_verification_code"


def test_polling_too_fast_slows_the_device_down(driver: Driver, clock: ManualClock) -> None:
    code = driver.device_code()["device_code"]
    errors = [refusal(driver.poll(code))[0]]
    for wait in (4.0, 5.0, 15.0):  # the interval is 5, then 10, then 15
        clock.advance(wait)
        errors.append(refusal(driver.poll(code))[0])
    assert errors == ["authorization_pending", "slow_down", "slow_down", "authorization_pending"]


def test_the_device_codes_grant_type_has_an_older_name(driver: Driver) -> None:
    """MSAL for Node.js sends it."""
    code = driver.device_code()["device_code"]
    reply = driver.token(grant_type="device_code", device_code=code, scope="")
    assert refusal(reply)[0] == "authorization_pending"


def test_a_device_code_expires(driver: Driver, clock: ManualClock) -> None:
    code = driver.device_code()
    clock.advance(900)
    assert refusal(driver.poll(code["device_code"])) == ("expired_token", 70020)
    person = Person(ADA.username, ADA.password, entra=driver.entra)
    person.enter_code(code["verification_uri"], code["user_code"])
    assert "expired" in str(person.error)


def test_a_declined_device_code(driver: Driver) -> None:
    code = driver.device_code()
    person = Person(ADA.username, ADA.password, entra=driver.entra, then="deny")
    person.enter_code(code["verification_uri"], code["user_code"])
    assert "declined" in person.last_page
    assert refusal(driver.poll(code["device_code"]))[0] == "authorization_declined"


def test_an_unknown_device_code(driver: Driver) -> None:
    assert refusal(driver.poll("made-up")) == ("bad_verification_code", 70018)


def test_older_clients_send_the_device_code_as_code(driver: Driver) -> None:
    code = driver.device_code()["device_code"]
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    assert refusal(driver.token(grant_type=grant, code=code, scope=SCOPE))[0] == "authorization_pending"


# --- scripted refusals


def test_a_scripted_refusal_meets_the_grant_it_names(driver: Driver) -> None:
    token = driver.password(ADA.username, ADA.password).json()["refresh_token"]
    driver.entra.refuse(ADA.username, 70043, grant="refresh_token", times=1)
    assert driver.password(ADA.username, ADA.password).status_code == 200
    assert refusal(driver.refresh(token)) == ("invalid_grant", 70043)
    assert driver.refresh(token).status_code == 200


def test_a_code_outside_the_catalogue_needs_its_error(entra: Emulator, driver: Driver) -> None:
    with pytest.raises(ValueError, match="AADSTS123456"):
        entra.refuse(ADA.username, 123456)
    entra.refuse(ADA.username, 123456, error="temporarily_unavailable")
    assert refusal(driver.password(ADA.username, ADA.password)) == ("temporarily_unavailable", 123456)


def test_clear_forgets_everything_but_users(driver: Driver) -> None:
    token = driver.password(ADA.username, ADA.password).json()["refresh_token"]
    driver.entra.refuse(ADA.username, 53003)
    driver.entra.clear()
    assert driver.entra.requests == []
    assert refusal(driver.refresh(token)) == ("invalid_grant", 9002313)
    assert driver.password(ADA.username, ADA.password).status_code == 200
