from __future__ import annotations

import pytest

from azid.tokens.document import (
    Account,
    Document,
    StoredRefreshToken,
    find_access_token,
    has_account,
)
from tests.support.token_documents import (
    ADA,
    ADA_ELSEWHERE,
    BOB,
    CLIENT,
    GRAPH,
    GUEST_TENANT,
    HOME,
    HOST,
    NOW,
    OTHER_CLIENT,
    READ,
    TENANT,
    VAULT,
    msals_document,
    refresh_secrets,
    reply,
    secret_of,
    sign_in,
)


def test_a_token_that_covers_the_scopes_is_found() -> None:
    document: Document = {}
    sign_in(document, scope=f"{READ} openid profile")
    assert secret_of(document, scopes=[GRAPH]) == "the-access-token"
    assert secret_of(document, scopes=[READ]) == "the-access-token"
    assert secret_of(document, scopes=[READ, GRAPH]) == "the-access-token"
    assert secret_of(document, scopes=[READ, VAULT]) is None


def test_scopes_that_were_not_told_are_those_that_were_asked_for() -> None:
    document: Document = {}
    sign_in(document, scopes=[VAULT], scope=None)
    assert secret_of(document, scopes=[VAULT]) == "the-access-token"


def test_scopes_that_were_refused_are_not_found() -> None:
    document: Document = {}
    sign_in(document, scopes=[READ, f"{READ}.All"], scope=READ)
    assert secret_of(document, scopes=[READ]) == "the-access-token"
    assert secret_of(document, scopes=[f"{READ}.All"]) is None


@pytest.mark.parametrize(("now", "found"), [(NOW + 3599, True), (NOW + 3600, False), (NOW + 99_999, False)])
def test_an_expired_token_is_not_found(now: float, found: bool) -> None:
    document: Document = {}
    sign_in(document)
    assert (secret_of(document, now=now) is not None) is found


def test_the_token_that_was_obtained_last_is_found() -> None:
    document: Document = {}
    sign_in(document, scopes=[READ], scope=READ, access_token="first", expires_in=7200)
    sign_in(document, at=NOW + 20, scope=f"{READ} {VAULT}", access_token="last", expires_in=600)
    sign_in(document, at=NOW + 10, scopes=[f"{READ} x"], scope=f"{READ} x", access_token="between", expires_in=3600)
    assert secret_of(document, scopes=[READ]) == "last"


@pytest.mark.parametrize(
    ("account", "tenant_id"),
    [
        (BOB, TENANT),
        (ADA_ELSEWHERE, TENANT),
        (Account(HOME, ["login.chinacloudapi.cn"], CLIENT), TENANT),
        (ADA, GUEST_TENANT),
        (ADA, "organizations"),
    ],
)
def test_nobody_elses_token_is_found(account: Account, tenant_id: str) -> None:
    document: Document = {}
    sign_in(document)
    assert secret_of(document, account, tenant_id=tenant_id) is None


@pytest.mark.parametrize("tenant_id", [TENANT, TENANT.upper()])
def test_a_tenants_casing_does_not_matter(tenant_id: str) -> None:
    document: Document = {}
    sign_in(document)
    assert secret_of(document, tenant_id=tenant_id) == "the-access-token"


@pytest.mark.parametrize("tenant_id", [TENANT, TENANT.upper()])
def test_a_home_tenants_casing_does_not_matter_for_what_msal_filed_under_a_shared_name(tenant_id: str) -> None:
    document = msals_document(reply(), realm="organizations", grant_type="authorization_code")
    assert secret_of(document, tenant_id=tenant_id) == "the-access-token"


def test_a_guests_tokens_are_apart_from_those_of_home() -> None:
    document: Document = {}
    sign_in(document, access_token="home")
    sign_in(document, tenant_id=GUEST_TENANT, access_token="guest")
    assert secret_of(document) == "home"
    assert secret_of(document, tenant_id=GUEST_TENANT) == "guest"


def test_what_is_filed_under_another_of_the_authoritys_names_is_found() -> None:
    document: Document = {}
    sign_in(document, host="login.windows.net")
    assert secret_of(document) == "the-access-token"
    assert refresh_secrets(document) == ["the-refresh-token"]
    assert has_account(document, ADA)


@pytest.mark.parametrize("field", [{"key_id": "a-key"}, {"ext_cache_key": "a-hash"}])
def test_tokens_for_special_requests_are_left_alone(field: dict[str, str]) -> None:
    document: Document = {}
    sign_in(document)
    [key] = document["AccessToken"]
    document["AccessToken"][key] = {**document["AccessToken"][key], **field}
    assert secret_of(document) is None


def test_a_token_that_takes_the_place_of_one_bound_to_a_key_is_found() -> None:
    document: Document = {}
    sign_in(document)
    [key] = document["AccessToken"]
    document["AccessToken"][key] = {**document["AccessToken"][key], "key_id": "a-key", "token_type": "ssh-cert"}
    sign_in(document, access_token="new")
    assert secret_of(document) == "new"


def test_a_new_token_does_not_inherit_when_the_old_one_was_due() -> None:
    document: Document = {}
    sign_in(document, refresh_in=1800)
    sign_in(document, at=NOW + 1900, access_token="new")
    found = find_access_token(document, ADA, tenant_id=TENANT, scopes=[GRAPH], now=NOW + 1900)
    assert found is not None
    assert found.access_token.token == "new"
    assert found.refresh_on is None


def test_expired_tokens_of_the_same_account_and_client_are_thrown_away() -> None:
    document: Document = {}
    sign_in(document, expires_in=60)
    sign_in(document, BOB, expires_in=60)
    sign_in(document, ADA_ELSEWHERE, expires_in=60)
    sign_in(document, scopes=[VAULT], scope=VAULT, at=NOW + 60)
    targets = [(entry["home_account_id"], entry["target"]) for entry in document["AccessToken"].values()]
    assert targets == [(BOB.home_account_id, GRAPH), (HOME, GRAPH), (HOME, VAULT)]


def test_the_newest_refresh_token_comes_first() -> None:
    document: Document = {"RefreshToken": {}}
    for number, modified in enumerate(["5", "40", "3", None, "soon", 7]):
        document["RefreshToken"][str(number)] = {
            "home_account_id": HOME,
            "environment": HOST,
            "client_id": CLIENT,
            "secret": f"secret-{number}",
            "last_modification_time": modified,
        }
    assert refresh_secrets(document) == ["secret-1", "secret-5", "secret-0", "secret-2", "secret-3", "secret-4"]


def test_the_same_refresh_token_is_tried_once() -> None:
    entry = {"home_account_id": HOME, "environment": HOST, "client_id": CLIENT, "secret": "x"}
    document: Document = {"RefreshToken": {"a": entry, "b": {**entry, "environment": "login.windows.net"}}}
    assert refresh_secrets(document) == ["x"]


def test_a_familys_refresh_token_serves_its_members_only() -> None:
    document: Document = {}
    sign_in(document, foci="1")
    assert refresh_secrets(document, ADA_ELSEWHERE) == ["the-refresh-token"]  # whether it is one, only trying tells
    document["AppMetadata"]["x"] = {"client_id": OTHER_CLIENT, "environment": HOST}
    assert refresh_secrets(document, ADA_ELSEWHERE) == []
    document["AppMetadata"]["x"] = {"client_id": OTHER_CLIENT, "environment": HOST, "family_id": "1"}
    assert refresh_secrets(document, ADA_ELSEWHERE) == ["the-refresh-token"]


def test_a_refresh_token_of_another_client_is_not_found() -> None:
    document: Document = {}
    sign_in(document)
    assert refresh_secrets(document, ADA_ELSEWHERE) == []
    assert refresh_secrets(document, BOB) == []


def test_a_refresh_token_is_not_shown() -> None:
    assert "the-secret" not in repr(StoredRefreshToken("the-secret", None, 0, own=True))
