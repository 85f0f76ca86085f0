"""What the authority says of itself, and that MSAL can follow it."""

from __future__ import annotations

import msal
import pytest

from azid.emulator import DEFAULT_TENANT_ID, Emulator, User
from tests.conftest import ADA, GRAPH
from tests.emulator.driver import AZURE_CLI, LOGIN, Driver, refusal


def test_openid_configuration(driver: Driver) -> None:
    document = driver.browser.get(f"{LOGIN}/contoso.example/v2.0/.well-known/openid-configuration").json()
    assert document["issuer"] == f"{LOGIN}/{DEFAULT_TENANT_ID}/v2.0"
    assert document["token_endpoint"] == f"{LOGIN}/{DEFAULT_TENANT_ID}/oauth2/v2.0/token"
    common = driver.browser.get(f"{LOGIN}/common/v2.0/.well-known/openid-configuration").json()
    assert common["issuer"] == LOGIN + "/{tenantid}/v2.0"
    unknown = driver.browser.get(f"{LOGIN}/nothing.example/v2.0/.well-known/openid-configuration")
    assert (unknown.status_code, refusal(unknown)[1]) == (400, 90002)


def test_the_keys_are_public_ones(driver: Driver) -> None:
    (key,) = driver.browser.get(f"{LOGIN}/common/discovery/v2.0/keys").json()["keys"]
    assert {"kty", "n", "e", "kid"} <= set(key)
    assert not {"d", "p", "q"} & set(key)


def test_instance_discovery(driver: Driver) -> None:
    url = f"{LOGIN}/common/discovery/instance"
    known = driver.browser.get(url, params={"authorization_endpoint": f"{LOGIN}/common/oauth2/v2.0/authorize"}).json()
    assert known["tenant_discovery_endpoint"] == f"{LOGIN}/common/v2.0/.well-known/openid-configuration"
    assert known["metadata"][0]["preferred_cache"] == "login.windows.net"
    other = driver.browser.get(url, params={"authorization_endpoint": "https://login.evil.example/common"})
    assert refusal(other)[0] == "invalid_instance"


@pytest.mark.filterwarnings("ignore:This API has been deprecated")
@pytest.mark.parametrize("federated", [False, True], ids=["managed", "federated"])
def test_msal_signs_in_with_a_password(federated: bool) -> None:
    user = User("fay@fabrikam.example", "<p&ss>", federated=federated)
    entra = Emulator([user])
    application = msal.PublicClientApplication(
        AZURE_CLI, authority=f"{LOGIN}/organizations", http_client=entra.session()
    )
    result = application.acquire_token_by_username_password(user.username, user.password, [GRAPH])
    assert result["id_token_claims"]["preferred_username"] == user.username
    grants = [entry.form["grant_type"] for entry in entra.token_requests()]
    assert grants == ["urn:ietf:params:oauth:grant-type:saml1_1-bearer" if federated else "password"]
    (account,) = application.get_accounts()
    silent = application.acquire_token_silent(["https://vault.azure.net/.default"], account)
    assert silent["token_source"] == "identity_provider"


@pytest.mark.parametrize("version", ["13", "2005"])
def test_the_federation_server_refuses_a_wrong_password(driver: Driver, version: str) -> None:
    reply = driver.browser.post(f"{LOGIN}/adfs/services/trust/{version}/usernamemixed", data=b"<not-a-request/>")
    assert reply.status_code == 500
    assert "Fault" in reply.text


@pytest.mark.filterwarnings("ignore:This API has been deprecated")
def test_msal_reports_a_wrong_password_of_a_federated_user() -> None:
    user = User("fay@fabrikam.example", "p", federated=True)
    application = msal.PublicClientApplication(
        AZURE_CLI, authority=f"{LOGIN}/organizations", http_client=Emulator([user]).session()
    )
    with pytest.raises(RuntimeError, match="FailedAuthentication"):
        application.acquire_token_by_username_password(user.username, "wrong", [GRAPH])


def test_an_assertion_is_redeemed_once_and_cannot_be_made_up(driver: Driver) -> None:
    grant = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
    assert refusal(driver.token(grant_type=grant, assertion="PGE-PC9hPg"))[1] == 70000
    assert refusal(driver.token(grant_type=grant, assertion="%"))[0] == "invalid_grant"


def test_user_realms_do_not_tell_whether_an_account_exists(driver: Driver) -> None:
    known, unknown = (
        driver.browser.get(f"{LOGIN}/common/userrealm/{name}?api-version=1.0").json()
        for name in (ADA.username, "nobody@contoso.example")
    )
    assert known == unknown
    assert known["account_type"] == "Managed"
