from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterable
from typing import Any

import msal
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azid.tokens.document import (
    Account,
    Document,
    StoredRefreshToken,
    find_access_token,
    find_refresh_tokens,
    has_account,
    remove,
    write,
)
from azid.tokens.response import TokenResponse

CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OTHER_CLIENT = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
TENANT = "3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10"
GUEST_TENANT = "7b8a3c1e-1111-4000-8000-000000000000"
HOST = "login.microsoftonline.com"
HOSTS = frozenset({HOST, "login.windows.net"})
HOME = f"the-object.{TENANT}"
NOW = 1_767_225_600
GRAPH = "https://graph.microsoft.com/.default"
READ = "https://graph.microsoft.com/User.Read"
VAULT = "https://vault.azure.net/.default"

ADA = Account(HOME, HOSTS, CLIENT)
BOB = Account(f"bob.{TENANT}", HOSTS, CLIENT)
ADA_ELSEWHERE = Account(HOME, HOSTS, OTHER_CLIENT)


def encoded(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


def reply(account: Account = ADA, tenant_id: str = TENANT, **values: object) -> dict[str, Any]:
    uid, _, utid = account.home_account_id.partition(".")
    claims = {
        "aud": account.client_id,
        "iss": f"https://{HOST}/{tenant_id}/v2.0",
        "tid": tenant_id,
        "oid": uid,
        "sub": "the-subject",
        "preferred_username": "Ada@contoso.example",
    }
    complete = {
        "token_type": "Bearer",
        "scope": GRAPH,
        "expires_in": 3600,
        "ext_expires_in": 7200,
        "access_token": "the-access-token",
        "refresh_token": "the-refresh-token",
        "id_token": f"{encoded({'alg': 'none'})}.{encoded(claims)}.signature",
        "client_info": encoded({"uid": uid, "utid": utid}),
        **values,
    }
    return {name: value for name, value in complete.items() if value is not None}


def parsed(values: dict[str, Any], account: Account = ADA, at: int = NOW) -> TokenResponse:
    return TokenResponse.parse(values, client_id=account.client_id, tenant_id="organizations", requested_at=at)


def sign_in(
    document: Document,
    account: Account = ADA,
    *,
    scopes: Iterable[str] = (GRAPH,),
    at: int = NOW,
    host: str = HOST,
    tenant_id: str = TENANT,
    **values: object,
) -> None:
    response = parsed(reply(account, tenant_id, **values), account, at)
    write(document, response, account, host=host, tenant_id=tenant_id, scopes=scopes, grant_type="authorization_code")


def secret_of(
    document: Document,
    account: Account = ADA,
    *,
    scopes: Iterable[str] = (GRAPH,),
    now: float = NOW,
    tenant_id: str = TENANT,
) -> str | None:
    found = find_access_token(document, account, tenant_id=tenant_id, scopes=scopes, now=now)
    return None if found is None else found.access_token.token


def refresh_secrets(document: Document, account: Account = ADA) -> list[str]:
    return [token.secret for token in find_refresh_tokens(document, account)]


# Side by side with MSAL


def msals_document(
    values: dict[str, Any], *, realm: str = TENANT, scopes: Iterable[str] = (GRAPH,), grant_type: str | None
) -> Document:
    """Return what MSAL makes of the same reply to the same request."""
    cache = msal.TokenCache()
    event = {
        "client_id": CLIENT,
        "scope": list(scopes),
        "token_endpoint": f"https://{HOST}/{realm}/oauth2/v2.0/token",
        "environment": HOST,
        "grant_type": grant_type,
        "data": {},
        "response": values,
    }
    if grant_type is None:  # as MSAL does upon a refresh
        event["grant_type"] = "refresh_token"
    cache.add(event, now=NOW)
    document: Document = {section: {} for section in vars(cache.CredentialType).values() if section in SECTIONS}
    for section in SECTIONS:
        for entry in cache.search(section, now=NOW):
            document[section][cache.key_makers[section](**entry)] = entry
    return document


SECTIONS = ("AccessToken", "Account", "AppMetadata", "IdToken", "RefreshToken")
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


# Finding access tokens


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


# Finding refresh tokens


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


# Writing


def test_a_new_refresh_token_takes_the_place_of_the_clients_own_only() -> None:
    document: Document = {}
    sign_in(document, refresh_token="ada")
    sign_in(document, BOB, refresh_token="bob")
    sign_in(document, ADA_ELSEWHERE, refresh_token="elsewhere", foci="1")
    document["RefreshToken"]["msals"] = {  # MSAL's, under another name of the host and for another scope
        **next(iter(document["RefreshToken"].values())),
        "environment": "login.windows.net",
        "target": VAULT,
        "secret": "msals",
    }
    sign_in(document, refresh_token="new")
    assert sorted(entry["secret"] for entry in document["RefreshToken"].values()) == ["bob", "elsewhere", "new"]


def test_a_reply_without_a_refresh_token_keeps_the_one_that_there_is() -> None:
    document: Document = {}
    sign_in(document)
    sign_in(document, refresh_token=None, access_token="new")
    assert refresh_secrets(document) == ["the-refresh-token"]


def test_entries_are_not_changed_in_place() -> None:
    document: Document = {}
    sign_in(document)
    shared = {section: dict(entries) for section, entries in document.items()}
    before = copy.deepcopy(shared)
    sign_in(document, access_token="new", refresh_token="new", foci="1", refresh_in=60)
    assert shared == before


def foreign_document() -> Document:
    """A document with what azid does not know in every place."""
    document: Document = {}
    sign_in(document, BOB)
    document["Account"]["strange"] = {"realm": 7, "extra": [1, 2]}
    document["AccessToken-v9"] = {"key": {"x": 1}}
    document["AppMetadata"]["strange"] = {"client_id": "other", "environment": HOST, "family_id": "2", "x": None}
    return document


def test_entries_of_others_stay_as_they_are() -> None:
    document = foreign_document()
    before = copy.deepcopy(document)
    sign_in(document)
    remove(document, ADA)
    for section, entries in before.items():
        for key, entry in entries.items():
            assert document[section][key] == entry


def test_fields_of_others_stay_in_the_account() -> None:
    document: Document = {}
    sign_in(document)
    [key] = document["Account"]
    document["Account"][key] = {**document["Account"][key], "last_seen": "5", "username": "old"}
    sign_in(document)
    assert document["Account"][key]["last_seen"] == "5"
    assert document["Account"][key]["username"] == "Ada@contoso.example"


# Removing


def test_a_removed_account_is_gone() -> None:
    document: Document = {}
    sign_in(document)
    remove(document, ADA)
    assert not has_account(document, ADA)
    assert secret_of(document) is None
    assert refresh_secrets(document) == []
    assert not any(entries for section, entries in document.items() if section != "AppMetadata")


def test_an_account_that_another_client_has_tokens_of_stays() -> None:
    document: Document = {}
    sign_in(document)
    sign_in(document, ADA_ELSEWHERE, access_token="elsewhere", refresh_token="elsewhere")
    remove(document, ADA)
    assert has_account(document, ADA)
    assert secret_of(document) is None
    assert secret_of(document, ADA_ELSEWHERE) == "elsewhere"
    assert refresh_secrets(document, ADA_ELSEWHERE) == ["elsewhere"]


def test_nothing_to_remove_is_no_error() -> None:
    document: Document = {}
    remove(document, ADA)
    assert not any(document.values())


# Whatever another program has written

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e300,
    float("nan"),
    float("inf"),
    "",
    "x",
    [],
    ["x"],
    {},
    {"x": 1},
    "9" * 5000,
    10**400,
]
ENTRY: dict[str, Any] = {
    "home_account_id": HOME,
    "environment": HOST,
    "client_id": CLIENT,
    "realm": TENANT,
    "target": GRAPH,
    "secret": "other",
    "token_type": "Bearer",
    "expires_on": str(NOW + 100),
    "refresh_on": str(NOW + 50),
    "last_modification_time": "5",
    "family_id": "1",
}
USES: list[Callable[[Document], object]] = [
    lambda document: find_access_token(document, ADA, tenant_id=TENANT, scopes=[GRAPH], now=NOW),
    lambda document: find_refresh_tokens(document, ADA),
    lambda document: has_account(document, ADA),
    sign_in,
    lambda document: remove(document, ADA),
]
NAMES = ["finding an access token", "finding refresh tokens", "finding an account", "writing", "removing"]


@pytest.mark.parametrize("use", USES, ids=NAMES)
@pytest.mark.parametrize("field", ENTRY)
def test_no_malformed_field_stops_azid(use: Callable[[Document], object], field: str) -> None:
    for odd in ODD:
        document: Document = {section: {"key": {**ENTRY, field: odd}} for section in SECTIONS}
        use(document)


@pytest.mark.parametrize("use", USES, ids=NAMES)
def test_no_missing_field_stops_azid(use: Callable[[Document], object]) -> None:
    for field in ENTRY:
        entry = {name: value for name, value in ENTRY.items() if name != field}
        use({section: {"key": entry} for section in SECTIONS})


@pytest.mark.parametrize("use", USES, ids=NAMES)
def test_no_malformed_entry_stops_azid(use: Callable[[Document], object]) -> None:
    for odd in ODD:
        use({section: {"key": odd} for section in SECTIONS})


@pytest.mark.parametrize("use", USES, ids=NAMES)
def test_no_malformed_section_stops_azid(use: Callable[[Document], object]) -> None:
    for odd in ODD:
        use(dict.fromkeys(SECTIONS, odd))


def test_a_malformed_entry_in_the_place_of_a_new_one_gives_way() -> None:
    document: Document = {}
    sign_in(document)
    broken: Any = {section: dict.fromkeys(entries, "broken") for section, entries in document.items()}
    sign_in(broken)
    assert broken == document


def test_a_well_formed_entry_beside_malformed_ones_is_found() -> None:
    document: Document = {}
    sign_in(document)
    for section in SECTIONS:
        document[section] = {f"odd-{number}": odd for number, odd in enumerate(ODD)} | dict(document[section])
    assert secret_of(document) == "the-access-token"
    assert refresh_secrets(document) == ["the-refresh-token"]
    assert has_account(document, ADA)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
ENTRIES = st.fixed_dictionaries({}, optional={name: st.just(value) | JSON for name, value in ENTRY.items()}) | JSON
DOCUMENTS = st.dictionaries(st.sampled_from(SECTIONS), st.dictionaries(st.text(max_size=5), ENTRIES, max_size=4))


@given(DOCUMENTS)
def test_in_any_document_tokens_are_found_or_not(document: Document) -> None:
    before = copy.deepcopy(document)
    found = find_access_token(document, ADA, tenant_id=TENANT, scopes=[GRAPH], now=NOW)
    assert found is None or found.expires_on > NOW
    assert all(token.secret for token in find_refresh_tokens(document, ADA))
    assert has_account(document, ADA) in (True, False)
    assert json.dumps(document) == json.dumps(before)  # NaN does not equal itself
