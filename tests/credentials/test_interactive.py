from __future__ import annotations

import copy
import inspect
import pickle
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo, SupportsTokenInfo, TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import HttpTransport, RequestsTransport

from azid import (
    DEVELOPER_SIGN_ON_CLIENT_ID,
    AuthenticationRecord,
    AzureAuthorityHosts,
    CredentialUnavailableError,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    InteractiveCredential,
    TokenCachePersistenceOptions,
    UsernamePasswordCredential,
)
from azid.emulator import Emulator, Fault
from azid.flows.password import PasswordSignIn
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import ADA, GRAPH, Prompt

Make = Callable[..., DeviceCodeCredential]


def make_password_credential(**arguments: Any) -> UsernamePasswordCredential:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return UsernamePasswordCredential(DEVELOPER_SIGN_ON_CLIENT_ID, ADA.username, ADA.password, **arguments)


EVERY_KIND: list[Callable[..., InteractiveCredential]] = [
    InteractiveBrowserCredential,
    DeviceCodeCredential,
    make_password_credential,
]
every_kind = pytest.mark.parametrize("make", EVERY_KIND)


@every_kind
def test_azure_core_takes_it_for_a_credential(make: Callable[..., InteractiveCredential]) -> None:
    credential = make()
    assert isinstance(credential, InteractiveCredential)
    assert isinstance(credential, TokenCredential)
    assert isinstance(credential, SupportsTokenInfo)


@every_kind
@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("tennant_id", "tenant_id"), ("clientid", "client_id"), ("login_hints", "login_hint"), ("autority", "authority")],
)
def test_a_misspelt_keyword_is_named(make: Callable[..., InteractiveCredential], misspelt: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"{misspelt}.*{meant}"):
        make(**{misspelt: "value"})


@every_kind
def test_options_of_azure_core_are_no_misspellings(make: Callable[..., InteractiveCredential]) -> None:
    make(
        connection_timeout=3,
        read_timeout=4,
        retry_total=2,
        proxies={},
        user_agent="mine",
        logging_enable=True,
        headers={},
    )


@every_kind
@pytest.mark.parametrize("tenant_id", ["contoso/example", "a b", "ü.example", "tenant?"])
def test_a_malformed_tenant_is_refused_at_once(make: Callable[..., InteractiveCredential], tenant_id: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        make(tenant_id=tenant_id)


@every_kind
@pytest.mark.parametrize(
    "authority",
    [
        "http://login.microsoftonline.com",
        "http://localhost",
        "http://127.0.0.1:8080",
        "https://host/tenant",
        "https://",
    ],
)
def test_an_authority_is_an_https_host(make: Callable[..., InteractiveCredential], authority: str) -> None:
    with pytest.raises(ValueError, match="authority"):
        make(authority=authority)


def test_an_unknown_authority_needs_to_be_trusted(make_credential: Make, entra: Emulator, prompt: Prompt) -> None:
    unknown = make_credential(authority="login.somebody.example")
    with pytest.raises(ClientAuthenticationError, match="disable_instance_discovery=True"):
        unknown.get_token(GRAPH)
    assert prompt.shown == []
    assert make_credential(authority="login.somebody.example", disable_instance_discovery=True).get_token(GRAPH)


def test_the_environment_may_name_the_authority(
    make_credential: Make, entra: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", AzureAuthorityHosts.AZURE_GOVERNMENT)
    make_credential().get_token(GRAPH)
    assert {request.host for request in entra.requests} == {"login.microsoftonline.us"}


@pytest.mark.parametrize(
    ("scopes", "error"),
    [
        ((), ValueError),
        (("",), ValueError),
        (("openid",), ValueError),
        (("a\nb\x01",), ValueError),
        ((["a"],), TypeError),
    ],
)
def test_scopes_are_checked_before_anything_is_asked(
    credential: DeviceCodeCredential, entra: Emulator, scopes: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"scope"):
        credential.get_token(*scopes)
    assert entra.requests == []


def test_scopes_may_be_separated_by_spaces(credential: DeviceCodeCredential, entra: Emulator) -> None:
    credential.get_token("https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Read")
    [request] = [request for request in entra.requests if request.endpoint == "devicecode"]
    assert request.form["scope"].split()[:2] == [
        "https://graph.microsoft.com/Mail.Read",
        "https://graph.microsoft.com/User.Read",
    ]


def test_authenticate_takes_scopes_in_three_ways(credential: DeviceCodeCredential, entra: Emulator) -> None:
    ways: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((GRAPH,), {}),
        (([GRAPH],), {}),
        ((), {"scopes": [GRAPH]}),
        ((), {"scopes": (GRAPH,)}),
    ]
    for arguments, keywords in ways:
        entra.clear_log()
        credential.authenticate(*arguments, **keywords)
        [request] = [request for request in entra.requests if request.endpoint == "devicecode"]
        assert GRAPH in request.form["scope"].split()


def test_authenticate_refuses_what_it_does_not_know(credential: DeviceCodeCredential) -> None:
    with pytest.raises(TypeError, match="tenant_id"):
        credential.authenticate(GRAPH, tenantid="x")
    with pytest.raises(TypeError, match="colour"):
        credential.authenticate(GRAPH, colour="blue")
    with pytest.raises(TypeError, match="both"):
        credential.authenticate(GRAPH, scopes=[GRAPH])


@pytest.mark.parametrize("scopes", [(5,), (None,), ([5],), ([GRAPH, None],)])
def test_authenticate_says_what_is_no_scope(credential: DeviceCodeCredential, scopes: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="'authenticate' takes scopes as text"):
        credential.authenticate(*scopes)


@every_kind
@pytest.mark.parametrize("record", ["{}", {}, True])
def test_what_is_no_record_is_refused(make: Callable[..., InteractiveCredential], record: Any) -> None:
    if make is not make_password_credential:
        with pytest.raises(TypeError, match=r"'authentication_record' takes .*AuthenticationRecord\.deserialize"):
            make(authentication_record=record)
    with pytest.raises(TypeError, match="'account' takes an AuthenticationRecord"):
        make().sign_out(record)


@every_kind
@pytest.mark.parametrize("options", [True, {}, "msal.cache"])
def test_what_are_no_persistence_options_is_refused(make: Callable[..., InteractiveCredential], options: Any) -> None:
    with pytest.raises(TypeError, match=r"azid\.TokenCachePersistenceOptions\(\), which builtins\.\w+ is not"):
        make(cache_persistence_options=options)


@pytest.mark.parametrize(
    ("authority", "scope"),
    [
        (None, "https://management.core.windows.net//.default"),
        ("login.windows.net", "https://management.core.windows.net//.default"),
        (AzureAuthorityHosts.AZURE_CHINA, "https://management.core.chinacloudapi.cn//.default"),
        (AzureAuthorityHosts.AZURE_GOVERNMENT, "https://management.core.usgovcloudapi.net//.default"),
    ],
)
def test_without_scopes_it_is_the_clouds_resource_manager(
    make_credential: Make, entra: Emulator, authority: str | None, scope: str
) -> None:
    make_credential(authority=authority).authenticate()
    [request] = [request for request in entra.requests if request.endpoint == "devicecode"]
    assert scope in request.form["scope"].split()


def test_without_scopes_an_unknown_cloud_is_told(make_credential: Make) -> None:
    with pytest.raises(CredentialUnavailableError, match="scopes"):
        make_credential(authority="login.somebody.example").authenticate()


def test_results_have_azure_cores_types_and_show_no_token(credential: DeviceCodeCredential) -> None:
    token, info = credential.get_token(GRAPH), credential.get_token_info(GRAPH)
    assert isinstance(token, AccessToken)
    assert isinstance(info, AccessTokenInfo)
    assert (token.token, token.expires_on) == (info["token"], info.expires_on)
    assert dict(info) == {
        "token": token.token,
        "expires_on": token.expires_on,
        "token_type": "Bearer",
        "refresh_on": info.refresh_on,
    }
    assert token.token not in repr(token) + repr(info) + str(token) + str(info)
    with pytest.raises(KeyError):
        info["colour"]


def test_unknown_options_are_passed_over(credential: DeviceCodeCredential) -> None:
    options: Any = {"pop": {"nonce": "x"}}
    assert credential.get_token_info(GRAPH, options=options)
    assert credential.get_token(GRAPH, colour="blue")


class CountingTransport(RequestsTransport):
    """Counts how often it is entered and left."""

    def __init__(self, inner: HttpTransport[Any, Any]) -> None:
        super().__init__()
        self.inner = inner
        self.entered = 0
        self.left: list[tuple[Any, ...]] = []

    def send(self, request: Any, **options: Any) -> Any:
        assert not options.keys() & {"tenant_id", "claims", "enable_cae"}
        return self.inner.send(request, **options)

    def __enter__(self) -> CountingTransport:
        self.entered += 1
        return self

    def __exit__(self, *details: Any) -> None:
        self.left.append(details)


def test_the_transport_is_entered_by_with_and_left_once(make_credential: Make, entra: Emulator) -> None:
    transport = CountingTransport(entra.transport())
    credential = make_credential(transport=transport)
    credential.get_token(GRAPH)
    assert transport.entered == 0
    credential.close()
    credential.close()
    assert len(transport.left) == 1

    transport = CountingTransport(entra.transport())
    error = LookupError()
    with suppress(LookupError), make_credential(transport=transport):
        assert transport.entered == 1
        raise error
    [details] = transport.left
    assert details[:2] == (LookupError, error)


def test_a_closed_credential_sends_nothing_more(credential: DeviceCodeCredential, entra: Emulator) -> None:
    token = credential.get_token(GRAPH)
    credential.close()
    entra.clear_log()
    assert credential.get_token(GRAPH) is token
    with pytest.raises(ClientAuthenticationError, match="closed"):
        credential.get_token("https://vault.azure.net/.default")
    assert entra.requests == []


@every_kind
def test_pickling_keeps_settings(make: Callable[..., InteractiveCredential]) -> None:
    credential = make(tenant_id="contoso.example", authority="login.microsoftonline.us", retry_total=7)
    again = pickle.loads(pickle.dumps(credential))
    assert type(again) is type(credential)
    assert repr(again) == repr(credential)
    assert repr(copy.deepcopy(credential)) == repr(credential)


def test_a_pickle_holds_the_account_but_no_token(entra: Emulator) -> None:
    store = MemoryTokenStore()
    credential = make_password_credential(
        transport=None, cache_persistence_options=TokenCachePersistenceOptions(store=store)
    )
    pickled = pickle.dumps(credential)
    assert b"tenant" in pickled
    password = make_password_credential(transport=_Transport(entra))
    token = password.get_token(GRAPH)
    assert token.token.encode() not in pickle.dumps(password)


def test_a_pickle_keeps_the_authority_whatever_the_issuer_is_called(entra: Emulator) -> None:
    credential = InteractiveCredential(flow=PasswordSignIn(ADA.username, ADA.password), transport=_Transport(entra))
    entra.inject(Fault(id_token={"iss": f"https://issuer.example/{entra.tenant_id}/v2.0"}))
    assert credential.authenticate(GRAPH).authority == "issuer.example"
    again = pickle.loads(pickle.dumps(credential))
    assert repr(again) == repr(credential)


class _Transport(RequestsTransport):
    """The emulator's transport, which cannot be pickled, behind one that can."""

    def __init__(self, entra: Emulator) -> None:
        super().__init__()
        self.inner: Any = entra.transport()

    def send(self, request: Any, **options: Any) -> Any:
        return self.inner.send(request, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        return RequestsTransport, ()


@every_kind
def test_repr_shows_settings_and_no_secret(make: Callable[..., InteractiveCredential]) -> None:
    shown = repr(make(tenant_id="contoso.example"))
    assert "contoso.example" in shown
    assert DEVELOPER_SIGN_ON_CLIENT_ID in shown
    assert ADA.password not in shown


def test_a_record_decides_client_authority_and_tenant(make_credential: Make, entra: Emulator) -> None:
    record = AuthenticationRecord("contoso.example", "client", "login.microsoftonline.us", "uid.utid", ADA.username)
    assert "tenant_id='contoso.example'" in repr(make_credential(authentication_record=record, client_id="other"))
    explicit = repr(make_credential(authentication_record=record, tenant_id="fabrikam.example"))
    assert "client_id='client', authority='https://login.microsoftonline.us', tenant_id='fabrikam.example'" in explicit


SPEC = {
    InteractiveBrowserCredential: (
        *("client_id", "authority", "tenant_id", "redirect_uri", "authentication_record"),
        *("disable_automatic_authentication", "cache_persistence_options", "disable_instance_discovery"),
        *("enable_support_logging", "timeout", "parent_window_handle", "login_hint", "enable_msa_passthrough"),
    ),
    DeviceCodeCredential: (
        *("client_id", "timeout", "prompt_callback", "authority", "tenant_id", "authentication_record"),
        *("disable_automatic_authentication", "cache_persistence_options", "disable_instance_discovery"),
        "enable_support_logging",
    ),
    UsernamePasswordCredential: (
        *("client_id", "username", "password", "authority", "tenant_id", "cache_persistence_options"),
        *("disable_instance_discovery", "additionally_allowed_tenants"),
    ),
}


@pytest.mark.parametrize("credential_class", SPEC)
def test_parameters_are_those_of_the_api_and_the_documented_additions(credential_class: type[Any]) -> None:
    parameters = list(inspect.signature(credential_class).parameters)
    assert parameters[: len(SPEC[credential_class])] == list(SPEC[credential_class])
    additions = set(parameters[len(SPEC[credential_class]) :])
    assert additions <= {"additionally_allowed_tenants", "enable_support_logging", "open_browser", "clock", "kwargs"}
    documented = inspect.getdoc(credential_class) or ""
    assert all(f":param {name}:" in documented for name in parameters)
