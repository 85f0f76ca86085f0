from __future__ import annotations

import json
from typing import Any

import msal
import pytest

from azid.tokens.document import (
    Account,
    Document,
    StoredRefreshToken,
    find_access_token,
    find_refresh_tokens,
    has_account,
    write,
)
from tests.support.token_documents import (
    ADA,
    ADA_ELSEWHERE,
    CLIENT,
    GRAPH,
    HOME,
    HOST,
    HOSTS,
    NOW,
    READ,
    TENANT,
    VAULT,
    msals_document,
    parsed,
    reply,
    sign_in,
)

VARIANTS = [
    {},
    {"refresh_in": 1800},
    {"foci": "1"},
    {"expires_in": "3600", "ext_expires_in": None},
    {"token_type": None},
    {"refresh_token": None},
    {"refresh_in": 1800, "foci": "1", "ext_expires_in": "86400"},
]


@pytest.mark.parametrize("values", VARIANTS)
@pytest.mark.parametrize(
    "grant_type",
    ["authorization_code", "password", "urn:ietf:params:oauth:grant-type:device_code", None],
)
def test_entries_equal_msals_key_for_key_and_field_for_field(values: dict[str, Any], grant_type: str | None) -> None:
    ours: Document = {}
    write(ours, parsed(reply(**values)), ADA, host=HOST, tenant_id=TENANT, scopes=[GRAPH], grant_type=grant_type)
    msals = msals_document(reply(**values), grant_type=grant_type)
    assert {section: entries for section, entries in msals.items() if entries} == ours


def test_the_key_is_lower_case_and_the_entry_is_not() -> None:
    account = Account(f"The-Object.{TENANT}", HOSTS, CLIENT)
    document: Document = {}
    sign_in(document, account, scopes=[READ], scope=READ)
    for entries in document.values():
        assert all(key == key.lower() for key in entries)
    assert next(iter(document["AccessToken"].values()))["home_account_id"].startswith("The-Object")
    assert next(iter(document["AccessToken"].values()))["target"] == READ


def test_a_difference_the_realm_is_the_issuing_tenant() -> None:
    """MSAL files a sign-in to a shared tenant under that name, where a record's tenant does not find it."""
    ours: Document = {}
    sign_in(ours)
    msals = msals_document(reply(), realm="organizations", grant_type="authorization_code")
    for section in ("AccessToken", "Account", "IdToken"):
        assert [entry["realm"] for entry in ours[section].values()] == [TENANT]
        assert [entry["realm"] for entry in msals[section].values()] == ["organizations"]


def test_a_difference_the_target_is_what_was_granted_and_the_default_that_asked_for_it() -> None:
    """MSAL takes the scopes as they were asked for, so that a call for what they stand for misses."""
    granted = f"{READ} openid"
    ours: Document = {}
    sign_in(ours, scope=granted)
    msals = msals_document(reply(scope=granted), grant_type="authorization_code")
    assert [entry["target"] for entry in ours["AccessToken"].values()] == [f"{GRAPH} {READ} openid"]
    assert [entry["target"] for entry in msals["AccessToken"].values()] == [GRAPH]


def test_a_difference_there_is_one_refresh_token_of_a_client_and_account() -> None:
    """MSAL keeps one for each set of scopes, and tries them one after another."""
    ours: Document = {}
    sign_in(ours, refresh_token="first")
    sign_in(ours, scopes=[VAULT], scope=VAULT, refresh_token="second")
    assert [entry["secret"] for entry in ours["RefreshToken"].values()] == ["second"]


def msals_cache(document: Document) -> Any:
    cache = msal.SerializableTokenCache()
    cache.deserialize(json.dumps(document))
    return cache


def test_msals_own_search_finds_what_azid_wrote() -> None:
    document: Document = {}
    sign_in(document, refresh_in=1800, foci="1", scope=f"{READ} {VAULT}")
    cache = msals_cache(document)
    owner = {"home_account_id": HOME, "environment": HOST}
    query = {**owner, "client_id": CLIENT, "realm": TENANT}
    for target in ([GRAPH], [READ], [VAULT, READ], [GRAPH, READ, VAULT]):
        [entry] = cache.search("AccessToken", target=target, query=query, now=NOW)
        assert entry["secret"] == "the-access-token"
    assert not list(cache.search("AccessToken", target=["another"], query=query, now=NOW))
    [entry] = cache.search("RefreshToken", query={**owner, "family_id": "1"})
    assert entry["secret"] == "the-refresh-token"
    [entry] = cache.search("IdToken", query=query)
    assert entry["secret"].endswith(".signature")
    [entry] = cache.search("Account", query=owner)
    assert entry["username"] == "Ada@contoso.example"


def test_an_application_of_msals_goes_silent_with_what_azid_wrote() -> None:
    document: Document = {}
    sign_in(document, at=NOW, expires_in=10 * 365 * 86_400)
    application = msal.PublicClientApplication(
        CLIENT,
        authority=f"https://{HOST}/{TENANT}",
        instance_discovery=False,
        http_client=KnownEndpoints(),
        token_cache=msals_cache(document),
    )
    [account] = application.get_accounts(username="ada@contoso.example")
    assert account["home_account_id"] == HOME
    result = application.acquire_token_silent([GRAPH], account)
    assert result is not None
    assert result["access_token"] == "the-access-token"


class KnownEndpoints:
    """An HTTP client that knows the authority's configuration, and nothing else."""

    status_code = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - read only
    text = json.dumps(
        {
            "issuer": f"https://{HOST}/{TENANT}/v2.0",
            "authorization_endpoint": f"https://{HOST}/{TENANT}/oauth2/v2.0/authorize",
            "token_endpoint": f"https://{HOST}/{TENANT}/oauth2/v2.0/token",
        }
    )

    def get(self, url: str, **_: Any) -> KnownEndpoints:
        assert url.endswith("/openid-configuration")
        return self

    def raise_for_status(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize("realm", [TENANT, TENANT.upper(), "organizations", "common"])
def test_azid_finds_what_msal_wrote(realm: str) -> None:
    document = msals_document(reply(refresh_in=1800), realm=realm, grant_type="authorization_code")
    found = find_access_token(document, ADA, tenant_id=TENANT, scopes=[GRAPH], now=NOW)
    assert found is not None
    assert found.access_token.token == "the-access-token"
    assert (found.expires_on, found.refresh_on) == (NOW + 3600, NOW + 1800)
    assert find_refresh_tokens(document, ADA) == [StoredRefreshToken("the-refresh-token", None, NOW, own=True)]
    assert has_account(document, ADA)


def test_azid_finds_a_familys_refresh_token_that_msal_wrote_for_another_client() -> None:
    document = msals_document(reply(foci="1"), grant_type="authorization_code")
    assert find_refresh_tokens(document, ADA_ELSEWHERE) == [
        StoredRefreshToken("the-refresh-token", "1", NOW, own=False)
    ]
