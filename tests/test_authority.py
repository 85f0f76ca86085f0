from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from hypothesis import given
from hypothesis import strategies as st

from azid import AzureAuthorityHosts, KnownAuthorities
from azid.authority import (
    aliases,
    allowed_tenants,
    default_authority,
    host_of,
    is_guid,
    is_shared_tenant,
    is_well_known,
    management_scope,
    normalize_authority,
    resolve_tenant,
    validate_tenant_id,
    well_known_configuration,
)

GUID = "3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10"


@pytest.fixture
def environment() -> Iterator[MutableMapping[str, str]]:
    """The process's own environment without what azid reads of it; as it was at the end."""
    before = dict(os.environ)
    for name in ("AZURE_AUTHORITY_HOST", "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH"):
        os.environ.pop(name, None)
    yield os.environ
    os.environ.clear()
    os.environ.update(before)


# Authorities


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        ("login.microsoftonline.com", "https://login.microsoftonline.com"),
        ("https://login.microsoftonline.com", "https://login.microsoftonline.com"),
        ("https://login.microsoftonline.com/", "https://login.microsoftonline.com"),
        ("  https://login.microsoftonline.com//  ", "https://login.microsoftonline.com"),
        ("HTTPS://Login.MicrosoftOnline.com:443", "https://login.microsoftonline.com"),
        ("login.contoso.example:8443", "https://login.contoso.example:8443"),
        ("https://127.0.0.1:5001/", "https://127.0.0.1:5001"),
        ("https://[::1]:5001", "https://[::1]:5001"),
        ("[::1]", "https://[::1]"),
    ],
)
def test_authorities_are_hosts_behind_https(written: str, normalized: str) -> None:
    assert normalize_authority(written) == normalized
    assert normalize_authority(normalized) == normalized


@pytest.mark.parametrize(
    "text", ["http://login.microsoftonline.com", "http://127.0.0.1:5001", "HTTP://localhost", "ftp://x"]
)
def test_an_authority_without_tls_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an https URL"):
        normalize_authority(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "https://", "/", "https:///x"),
        *("https://login.microsoftonline.com/organizations", "login.microsoftonline.com/common"),
        *("https://login.microsoftonline.com?x=1", "https://login.microsoftonline.com/#x", "https://a:b@host"),
        "https://login.microsoftonline.com@evil.example",
    ],
)
def test_an_authority_that_says_more_than_a_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a host such as"):
        normalize_authority(text)


@pytest.mark.parametrize("text", ["https://host:x", "host:65536", "https://host:-1"])
def test_an_impossible_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="impossible port"):
        normalize_authority(text)


@pytest.mark.parametrize("text", ["https://[::1", "login microsoft.com", "https://a\tb", "a\x00b", "https://host\\x"])
def test_what_can_be_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="authority"):
        normalize_authority(text)


@pytest.mark.parametrize(
    "text", ["https://me:pass@host", "http://me:pass@host", "me:p/a#s?pass@host:x/path", "pass@h:x"]
)
def test_a_password_in_an_authority_is_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="…@h") as caught:
        normalize_authority(text)
    assert "pass" not in str(caught.value)


def test_an_authority_that_is_no_text_is_refused() -> None:
    authority: Any = 5
    with pytest.raises(ValueError, match="The authority 5 must be a host such as"):
        normalize_authority(authority)


@given(st.text() | st.text().map("https://".__add__))
def test_any_text_is_an_authority_or_refused(text: str) -> None:
    try:
        normalized = normalize_authority(text)
    except ValueError as error:
        assert "authority" in str(error)  # noqa: PT017 - it need not be refused
    else:
        assert normalized.startswith("https://")
        assert host_of(normalized)


def test_the_default_authority_is_the_public_cloud(environment: MutableMapping[str, str]) -> None:
    assert default_authority() == "https://login.microsoftonline.com"
    environment["AZURE_AUTHORITY_HOST"] = ""
    assert default_authority() == "https://login.microsoftonline.com"


def test_the_environment_names_another_default(environment: MutableMapping[str, str]) -> None:
    environment["AZURE_AUTHORITY_HOST"] = "https://login.chinacloudapi.cn/"
    assert default_authority() == "https://login.chinacloudapi.cn"


def test_an_environment_that_names_a_bad_authority_is_refused(environment: MutableMapping[str, str]) -> None:
    environment["AZURE_AUTHORITY_HOST"] = "http://localhost"
    with pytest.raises(ValueError, match="https"):
        default_authority()


def test_a_host_is_msals_environment() -> None:
    assert host_of("https://127.0.0.1:5001") == "127.0.0.1"
    assert host_of("https://[::1]:5001") == "::1"


# Clouds


def test_hosts_are_azure_identitys() -> None:
    assert AzureAuthorityHosts.AZURE_PUBLIC_CLOUD == "login.microsoftonline.com"
    assert AzureAuthorityHosts.AZURE_CHINA == "login.chinacloudapi.cn"
    assert AzureAuthorityHosts.AZURE_GOVERNMENT == "login.microsoftonline.us"
    assert KnownAuthorities.AZURE_CHINA == AzureAuthorityHosts.AZURE_CHINA


@pytest.mark.parametrize("hosts", [AzureAuthorityHosts, KnownAuthorities])
def test_the_closed_cloud_is_still_named_with_a_warning(hosts: Any) -> None:
    with pytest.warns(DeprecationWarning, match="closed"):
        assert hosts.AZURE_GERMANY == "login.microsoftonline.de"
    with pytest.raises(AttributeError, match="AZURE_MOON"):
        _ = hosts.AZURE_MOON


def test_hosts_of_one_cloud_are_one() -> None:
    assert aliases("login.windows.net") == aliases("login.microsoftonline.com")
    assert "sts.windows.net" in aliases("login.microsoft.com")
    assert aliases("login.microsoftonline.us").isdisjoint(aliases("login.microsoftonline.com"))
    assert aliases("login.contoso.example") == {"login.contoso.example"}
    assert is_well_known("login.partner.microsoftonline.cn")
    assert not is_well_known("login.contoso.example")


@pytest.mark.parametrize(
    ("authority", "scope"),
    [
        ("https://login.microsoftonline.com", "https://management.core.windows.net//.default"),
        ("https://login.windows.net", "https://management.core.windows.net//.default"),
        ("https://login.chinacloudapi.cn", "https://management.core.chinacloudapi.cn//.default"),
        ("https://login.microsoftonline.us", "https://management.core.usgovcloudapi.net//.default"),
        ("https://login.contoso.example", None),
    ],
)
def test_each_cloud_has_its_resource_manager(authority: str, scope: str | None) -> None:
    assert management_scope(authority) == scope


HOST = "login.microsoftonline.com"
CONFIGURATION = "/v2.0/.well-known/openid-configuration"


@pytest.mark.parametrize("tenant", [GUID, GUID.upper(), "organizations", "common", "consumers"])
@pytest.mark.parametrize("host", [HOST, "login.chinacloudapi.cn", "login.microsoftonline.us", "login.windows.net"])
def test_the_well_known_clouds_endpoints_are_known(host: str, tenant: str) -> None:
    configuration = well_known_configuration(f"https://{host}/{tenant}{CONFIGURATION}")
    assert configuration is not None
    assert configuration["token_endpoint"] == f"https://{host}/{tenant}/oauth2/v2.0/token"
    assert configuration["authorization_endpoint"] == f"https://{host}/{tenant}/oauth2/v2.0/authorize"
    assert configuration["device_authorization_endpoint"] == f"https://{host}/{tenant}/oauth2/v2.0/devicecode"


@pytest.mark.parametrize(
    "url",
    [
        f"https://login.contoso.example/{GUID}{CONFIGURATION}",
        f"https://{HOST}/contoso.example{CONFIGURATION}",  # may not exist
        f"https://{HOST}/{GUID}x{CONFIGURATION}",
        f"https://{HOST}:8443/{GUID}{CONFIGURATION}",
        f"https://{HOST}@evil.example/{GUID}{CONFIGURATION}",
        f"http://{HOST}/{GUID}{CONFIGURATION}",
        f"https://{HOST}/{GUID}{CONFIGURATION}?appid=1",
        f"https://{HOST}/adfs/.well-known/openid-configuration",
        f"https://{HOST}/{GUID}{CONFIGURATION}\n",
        "",
    ],
)
def test_nothing_else_is_taken_for_known(url: str) -> None:
    assert well_known_configuration(url) is None


# Tenants


@pytest.mark.parametrize("tenant", [GUID, "contoso.onmicrosoft.com", "organizations", "adfs", "my-tenant"])
def test_tenants_are_guids_and_domains(tenant: str) -> None:
    assert validate_tenant_id(tenant) == tenant


@pytest.mark.parametrize("tenant", ["", " ", "a b", "a/b", "a?b", "ä", "..%2f", "a\n", "a_b", None, 1, b"a"])
def test_what_can_be_no_tenant_is_refused(tenant: Any) -> None:
    with pytest.raises(ValueError, match="is no tenant ID"):
        validate_tenant_id(tenant)


def test_guids_are_told_from_names() -> None:
    assert is_guid(GUID)
    assert is_guid(GUID.upper())
    assert not is_guid(GUID[:-1])
    assert not is_guid(f"{GUID}\n")
    assert is_shared_tenant("organizations")
    assert not is_shared_tenant("contoso.example")


@pytest.mark.parametrize(
    ("own", "requested", "allowed", "resolved"),
    [
        ("own", None, [], "own"),
        ("own", "", [], "own"),
        ("own", "own", [], "own"),
        ("own", "other", ["other"], "other"),
        ("own", "other", ["*"], "other"),
        ("organizations", "other", [], "other"),
        ("organizations", "other", ["other"], "other"),
        ("adfs", "other", ["*"], "adfs"),
    ],
)
def test_the_tenant_to_ask(
    environment: MutableMapping[str, str], own: str, requested: str | None, allowed: list[str], resolved: str
) -> None:
    assert resolve_tenant(own, requested, allowed) == resolved


@pytest.mark.parametrize(("own", "allowed"), [("own", []), ("own", ["third"]), ("organizations", ["third"])])
def test_another_tenant_must_be_allowed(environment: MutableMapping[str, str], own: str, allowed: list[str]) -> None:
    with pytest.raises(ClientAuthenticationError, match=r"tenant other.*additionally_allowed_tenants"):
        resolve_tenant(own, "other", allowed)


@pytest.mark.parametrize(
    ("given", "allowed"), [(None, ()), ([], ()), (["a", "b"], ("a", "b")), ("contoso.example", ("contoso.example",))]
)
def test_one_tenant_may_be_allowed_as_text(given: list[str] | str | None, allowed: tuple[str, ...]) -> None:
    assert allowed_tenants(given) == allowed


def test_a_malformed_tenant_is_refused_even_where_any_is_allowed(environment: MutableMapping[str, str]) -> None:
    with pytest.raises(ValueError, match="is no tenant ID"):
        resolve_tenant("organizations", "a/b", ["*"])


def test_the_environment_can_forbid_other_tenants_at_any_time(environment: MutableMapping[str, str]) -> None:
    assert resolve_tenant("organizations", "other", ["*"]) == "other"
    environment["AZURE_IDENTITY_DISABLE_MULTITENANTAUTH"] = "true"
    assert resolve_tenant("organizations", "other", ["*"]) == "organizations"
