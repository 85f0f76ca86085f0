"""`DefaultAzureCredential`: what its credentials are made with, and how it behaves, sync and async alike."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

import azid
import azid.aio
from azid import AuthenticationRequiredError, CredentialUnavailableError, TokenCachePersistenceOptions
from azid.clock import ManualClock
from azid.default_chain import LINKS
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import GRAPH, VAULT
from tests.support.developer_tools import Tools, make_tools, needs_posix
from tests.support.stub_transport import StubTransport, json_reply

TENANT = "22222222-2222-2222-2222-222222222222"
CLIENT = "44444444-4444-4444-4444-444444444444"
OTHER = "55555555-5555-5555-5555-555555555555"
IDENTITY = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_USERNAME": "ada@contoso.example"}
REFUSAL = {
    "error": "invalid_client",
    "error_description": "AADSTS7000215: Invalid client secret.",
    "error_codes": [7000215],
}
NOT_SIGNED_IN = "ERROR: Please run 'az login' to setup account."

Make = Callable[..., Any]
Ask = Callable[..., Any]


@pytest.fixture(params=[azid, azid.aio], ids=["sync", "async"])
def make(request: pytest.FixtureRequest, clock: ManualClock) -> Make:
    """Makes default credentials that see no environment but the test's."""

    def make_credential(**parameters: Any) -> Any:
        defaults: dict[str, Any] = {"environ": {"PATH": ""}, "clock": clock}
        return request.param.DefaultAzureCredential(**{**defaults, **parameters})

    return make_credential


def ask(credential: Any, *scopes: str, method: str = "get_token", **options: Any) -> Any:
    """Ask a credential, sync or async, for a token."""
    returned = getattr(credential, method)(*(scopes or (GRAPH,)), **options)
    if not inspect.iscoroutine(returned):
        return returned

    async def wait() -> Any:
        return await returned

    return asyncio.run(wait())


def only(*keys: str) -> dict[str, bool]:
    """Return the exclusions that leave these links."""
    return {f"exclude_{link.key}_credential": link.key not in keys for link in LINKS}


def shown(credential: Any) -> list[str]:
    return [repr(link) for link in credential.credentials]


class TestParameters:
    def test_tenant_and_client_come_from_the_environment(self, make: Make) -> None:
        environ = {**IDENTITY, "AZURE_FEDERATED_TOKEN_FILE": "/token"}
        links = "\n".join(shown(make(environ=environ, exclude_interactive_browser_credential=False)))
        assert f"WorkloadIdentityCredential(tenant_id='{TENANT}', client_id='{CLIENT}'" in links
        assert f"ManagedIdentityCredential(client_id='{CLIENT}')" in links
        assert "SharedTokenCacheCredential(username='ada@contoso.example'" in links
        assert "VisualStudioCodeCredential(tenant_id=None)" in links
        assert "AzureCliCredential(tenant_id='')" in links
        assert f"tenant_id='{TENANT}'" in shown(make(environ=environ, **only("interactive_browser")))[0]
        assert f"BrokerCredential(tenant_id='{TENANT}')" in links

    def test_given_ones_come_first(self, make: Make) -> None:
        environ = {**IDENTITY, "AZURE_FEDERATED_TOKEN_FILE": "/token"}
        credential = make(
            environ=environ,
            exclude_interactive_browser_credential=False,
            workload_identity_tenant_id="workload",
            workload_identity_client_id="workload-client",
            managed_identity_client_id="managed-client",
            shared_cache_username="bob@contoso.example",
            visual_studio_code_tenant_id="code",
            interactive_browser_tenant_id="browser",
            interactive_browser_client_id="browser-client",
            broker_tenant_id="broker",
        )
        links = "\n".join(shown(credential))
        for part in (
            "WorkloadIdentityCredential(tenant_id='workload', client_id='workload-client'",
            "ManagedIdentityCredential(client_id='managed-client')",
            "SharedTokenCacheCredential(username='bob@contoso.example'",
            "VisualStudioCodeCredential(tenant_id='code')",
            "InteractiveBrowserCredential(client_id='browser-client'",
            "BrokerCredential(tenant_id='broker')",
        ):
            assert part in links
        assert TENANT not in links
        assert CLIENT not in links

    def test_none_is_not_the_same_as_nothing(self, make: Make) -> None:
        environ = {**IDENTITY, "AZURE_FEDERATED_TOKEN_FILE": "/token"}
        credential = make(
            environ=environ,
            exclude_interactive_browser_credential=False,
            managed_identity_client_id=None,
            shared_cache_username=None,
            interactive_browser_tenant_id=None,
            broker_tenant_id=None,
        )
        links = shown(credential)
        assert "ManagedIdentityCredential()" in links
        assert any(link.startswith("SharedTokenCacheCredential(username=None") for link in links)
        assert "BrokerCredential(tenant_id='organizations')" in links
        assert "tenant_id='organizations'" in links[-2]

    def test_the_workloads_client_is_the_managed_identitys_if_only_that_is_given(self, make: Make) -> None:
        environ = {**IDENTITY, "AZURE_FEDERATED_TOKEN_FILE": "/token"}
        links = shown(make(environ=environ, managed_identity_client_id=OTHER))
        assert f"client_id='{OTHER}'" in links[1]
        assert f"client_id='{OTHER}'" in links[2]

    def test_the_authority_reaches_all_that_ask_one(self, make: Make) -> None:
        environ = {**IDENTITY, "AZURE_CLIENT_SECRET": "canary", "AZURE_FEDERATED_TOKEN_FILE": "/token"}
        named = make(
            environ={**environ, "AZURE_AUTHORITY_HOST": "login.microsoftonline.us"},
            exclude_interactive_browser_credential=False,
        )
        assert sum("https://login.microsoftonline.us" in link for link in shown(named)) == 4
        given = make(
            environ={**environ, "AZURE_AUTHORITY_HOST": "login.microsoftonline.us"},
            authority="login.chinacloudapi.cn",
            exclude_interactive_browser_credential=False,
        )
        assert sum("https://login.chinacloudapi.cn" in link for link in shown(given)) == 4

    @pytest.mark.parametrize("keyword", ["client_id", "tenant_id", "username"])
    @pytest.mark.parametrize("environ", [{}, IDENTITY], ids=["nothing set", "identity set"])
    def test_what_each_credential_has_of_its_own_is_refused(
        self, make: Make, keyword: str, environ: dict[str, str]
    ) -> None:
        with pytest.raises(TypeError, match=f"takes no {keyword!r}.*give '"):
            make(environ=environ, **{keyword: TENANT})

    @pytest.mark.parametrize("slip", ["exclude_azure_cli_credential", "exclude_cli_credentials", "process_time_out"])
    def test_a_slip_of_the_pen_is_refused(self, make: Make, slip: str) -> None:
        with pytest.raises(TypeError, match="did you mean"):
            make(**{slip: True})

    def test_in_cloud_shell_a_client_is_other_credentials(self, make: Make) -> None:
        transport = StubTransport(json_reply({"access_token": "token", "expires_in": "3600"}))
        credential = make(
            environ={**IDENTITY, "MSI_ENDPOINT": "http://127.0.0.1:41/token"},
            transport=transport,
            **only("managed_identity"),
        )
        assert ask(credential).token == "token"
        assert transport.requests[0].content == {"resource": "https://graph.microsoft.com"}

    def test_tenants_may_come_one_by_one(self, make: Make) -> None:
        credential = make(
            environ={**IDENTITY, "AZURE_CLIENT_SECRET": "secret", "AZURE_FEDERATED_TOKEN_FILE": "/none"},
            additionally_allowed_tenants=iter([OTHER]),
            **only("environment", "workload_identity"),
        )
        workload = credential.credentials[1]
        with pytest.raises(ClientAuthenticationError, match="/none"):
            ask(workload, tenant_id=OTHER)
        with pytest.raises(ClientAuthenticationError, match="additionally_allowed_tenants"):
            ask(workload, tenant_id=CLIENT)

    def test_storage_is_opened_for_the_credentials_that_ask_entra(self, make: Make) -> None:
        store = MemoryTokenStore()
        reply = json_reply({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})
        for token in ("token", "token"):
            transport = StubTransport(reply)
            credential = make(
                environ={**IDENTITY, "AZURE_CLIENT_SECRET": "secret"},
                cache_persistence_options=TokenCachePersistenceOptions(store=store),
                transport=transport,
                **only("environment"),
            )
            assert ask(credential).token == token
        assert transport.requests == []


@needs_posix
class TestAsking:
    @pytest.fixture
    def tools(self, tmp_path: Path) -> Iterator[Tools]:
        with make_tools(tmp_path) as tools:
            for name in ("az", "azd", "pwsh"):
                getattr(tools, name).prints(errors=f"ERROR: {name} is broken.", status=1)
            yield tools

    @pytest.fixture
    def credential(self, make: Make, tools: Tools) -> Any:
        """Asks the three tools."""
        return make(environ=tools.environ, **only("cli", "powershell", "developer_cli"))

    def test_goes_on_after_a_tool_that_fails(self, credential: Any, tools: Tools, clock: ManualClock) -> None:
        tools.azd.gives("token", clock.time() + 3600)
        assert ask(credential).token == "token"
        assert [len(tool.notes) for tool in (tools.az, tools.pwsh, tools.azd)] == [1, 1, 1]

    def test_sticks_to_the_credential_that_had_a_token(self, credential: Any, tools: Tools, clock: ManualClock) -> None:
        tools.pwsh.gives("first", clock.time() + 3600)
        assert ask(credential).token == "first"
        tools.az.gives("not asked", clock.time() + 3600)
        tools.pwsh.gives("second", clock.time() + 3600)
        assert ask(credential, VAULT).token == "second"
        assert ask(credential, method="get_token_info").token == "first"
        assert [len(tool.notes) for tool in (tools.az, tools.pwsh, tools.azd)] == [1, 2, 0]
        tools.pwsh.prints(errors="broken", status=1)
        with pytest.raises(CredentialUnavailableError, match=r"^Azure PowerShell .* token: broken$"):
            ask(credential, "https://storage.azure.com/.default")
        assert len(tools.az.notes) == 1

    def test_asks_all_again_as_long_as_none_has_a_token(
        self, credential: Any, tools: Tools, clock: ManualClock
    ) -> None:
        with pytest.raises(CredentialUnavailableError):
            ask(credential)
        tools.az.gives("token", clock.time() + 3600)
        assert ask(credential).token == "token"

    def test_tells_in_one_line_each_what_is_missing_or_broken(self, credential: Any, tools: Tools) -> None:
        tools.az.prints(errors=NOT_SIGNED_IN, status=1)
        tools.azd.remove()
        with pytest.raises(CredentialUnavailableError) as caught:
            ask(credential)
        assert type(caught.value) is CredentialUnavailableError
        assert str(caught.value).splitlines() == [
            "DefaultAzureCredential got no token: none of its 3 credentials can be used here.",
            "  AzureCliCredential: Nobody has signed in with the Azure CLI: run 'az login'.",
            "  AzurePowerShellCredential: Azure PowerShell could not get a token: pwsh is broken.",
            "  AzureDeveloperCliCredential: The Azure Developer CLI is not installed: install it and run 'azd auth "
            "login', or sign in another way.",
        ]

    def test_tells_first_which_tool_has_failed(self, credential: Any, tools: Tools) -> None:
        with pytest.raises(CredentialUnavailableError) as caught:
            ask(credential)
        assert str(caught.value).splitlines()[0] == (
            "DefaultAzureCredential got no token: AzureCliCredential and AzureDeveloperCliCredential failed, "
            "and of the others none can be used here."
        )

    def test_ends_with_a_failure_of_what_the_program_was_given(self, make: Make, tools: Tools) -> None:
        credential = make(
            environ={**tools.environ, **IDENTITY, "AZURE_CLIENT_SECRET": "canary"},
            transport=StubTransport(json_reply(REFUSAL, 401)),
            exclude_managed_identity_credential=True,
        )
        with pytest.raises(ClientAuthenticationError) as caught:
            ask(credential)
        assert not isinstance(caught.value, CredentialUnavailableError)
        summary, failure, rest = str(caught.value).splitlines()
        assert summary == "DefaultAzureCredential got no token: EnvironmentCredential failed."
        assert failure.startswith("  EnvironmentCredential: ")
        assert "AADSTS7000215" in failure
        assert rest.startswith("  Not asked any more: WorkloadIdentityCredential, SharedTokenCacheCredential, ")
        assert tools.az.notes == []
        assert "canary" not in str(caught.value)

    def test_hands_on_a_timeout_to_every_tool(self, make: Make, tools: Tools) -> None:
        for tool in (tools.az, tools.pwsh, tools.azd):
            tool.prints(hangs=True)
        credential = make(environ=tools.environ, process_timeout=0.1, **only("cli", "powershell", "developer_cli"))
        with pytest.raises(CredentialUnavailableError) as caught:
            ask(credential)
        assert str(caught.value).count("within 0.1 seconds") == 3

    def test_tells_claims_that_only_a_sign_in_satisfies(self, make: Make, tools: Tools) -> None:
        credential = make(environ=tools.environ, **only("cli"))
        with pytest.raises(CredentialUnavailableError, match="its only credential cannot be used here") as caught:
            ask(credential, claims='{"canary": 1}')
        assert "az login" in str(caught.value)
        assert "canary" not in str(caught.value)
        assert not isinstance(caught.value, AuthenticationRequiredError)

    def test_serves_a_bearer_token_provider(self, credential: Any, tools: Tools, clock: ManualClock) -> None:
        tools.az.gives("token", clock.time() + 3600)
        library: Any = azid.aio if isinstance(credential, azid.aio.DefaultAzureCredential) else azid
        provide = library.get_bearer_token_provider(credential, GRAPH)

        async def wait(awaitable: Any) -> Any:
            return await awaitable

        given = provide()
        assert (asyncio.run(wait(given)) if inspect.isawaitable(given) else given) == "token"


class TestCopies:
    @pytest.mark.parametrize("of", [lambda made: pickle.loads(pickle.dumps(made)), copy.copy, copy.deepcopy])
    def test_are_made_alike(self, of: Callable[[Any], Any], make: Make) -> None:
        parameters = {"exclude_cli_credential": True, "process_timeout": 5, "managed_identity_client_id": None}
        made = make(**parameters, clock=None)
        copied = of(made)
        assert type(copied) is type(made)
        assert repr(copied) == repr(made)

    def test_show_no_secret(self, make: Make) -> None:
        environ = {**IDENTITY, "AZURE_CLIENT_SECRET": "canary", "AZURE_PASSWORD": "canary"}
        assert "canary" not in repr(make(environ=environ))


PROGRAM = """
import asyncio, json, logging, os, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(levelname)s %(name)s")
done = []
sys.addaudithook(lambda event, arguments: done.append([event, *map(str, arguments)]))
from azid import CredentialUnavailableError, DefaultAzureCredential, aio

try:
    DefaultAzureCredential(exclude_managed_identity_credential=True).get_token("https://graph.microsoft.com/.default")
except CredentialUnavailableError:
    print("no token")
print(json.dumps([each for each in done if each[0] in ("socket.connect", "subprocess.Popen") or is_written(each)]))
"""


def test_asking_it_where_nothing_is_warns_of_nothing_and_touches_nothing(tmp_path: Path) -> None:
    is_written = "is_written = lambda each: each[0] == 'open' and set(each[2]) & set('wax+')"
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", f"{is_written}\n{PROGRAM}"],
        env={"HOME": str(tmp_path), "PATH": str(tmp_path), "DBUS_SESSION_BUS_ADDRESS": "unix:path=/none"},
        check=True,
        capture_output=True,
        text=True,
    )
    *logged, token, touched = done.stdout.splitlines()
    assert (token, json.loads(touched), done.stderr) == ("no token", [], "")
    assert {line.split()[0] for line in logged} == {"INFO"}
    assert [*tmp_path.iterdir()] == []


def test_making_it_loads_nothing_that_only_a_token_needs() -> None:
    program = (
        "import azid, sys\n"
        "azid.DefaultAzureCredential(environ={}, exclude_interactive_browser_credential=False)\n"
        "print(*{'msal', 'requests', 'cryptography', 'asyncio', 'jeepney', 'http.server'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
