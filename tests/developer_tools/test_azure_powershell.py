from __future__ import annotations

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import AzurePowerShellCredential, CredentialUnavailableError
from azid.clock import ManualClock
from tests.conftest import GRAPH, VAULT
from tests.support.developer_tools import StandIn, Tools

TENANT = "22222222-2222-2222-2222-222222222222"
NOT_SIGNED_IN = "Your Azure credentials have not been set up or have expired, please run Connect-AzAccount to set up."


@pytest.fixture
def pwsh(tools: Tools) -> StandIn:
    return tools.pwsh


@pytest.fixture
def credential(tools: Tools, clock: ManualClock) -> AzurePowerShellCredential:
    return AzurePowerShellCredential(environ=tools.environ, clock=clock)


def test_what_it_is_asked(pwsh: StandIn, credential: AzurePowerShellCredential, clock: ManualClock) -> None:
    pwsh.gives("token", clock.time() + 3600)
    credential.get_token(GRAPH, tenant_id=TENANT)
    [note] = pwsh.notes
    assert note.arguments[:-1] == ["-NoProfile", "-NonInteractive", "-EncodedCommand"]
    assert "Import-Module Az.Accounts -MinimumVersion 2.2.0 " in note.powershell
    assert "ResourceUrl = 'https://graph.microsoft.com';" in note.powershell
    assert f"TenantId = '{TENANT}'" in note.powershell


def test_several_scopes_are_too_many(pwsh: StandIn, credential: AzurePowerShellCredential) -> None:
    with pytest.raises(ValueError, match="one scope at a time"):
        credential.get_token(GRAPH, VAULT)
    assert pwsh.notes == []


def test_what_modules_print_besides_does_not_matter(
    pwsh: StandIn, credential: AzurePowerShellCredential, clock: ManualClock
) -> None:
    pwsh.gives("token", clock.time() + 3600, output="azsdk%canary%1\n{}\nAzid: no\n")
    assert credential.get_token(GRAPH).token == "token"


def test_the_module_is_missing(pwsh: StandIn, credential: AzurePowerShellCredential) -> None:
    pwsh.prints(token=False)
    with pytest.raises(CredentialUnavailableError, match=r"Install-Module Az\.Accounts"):
        credential.get_token(GRAPH)


@pytest.mark.parametrize("errors", [NOT_SIGNED_IN, "Run Connect-AzAccount to login."])
def test_nobody_has_signed_in(pwsh: StandIn, credential: AzurePowerShellCredential, errors: str) -> None:
    pwsh.prints(errors=errors, status=1)
    with pytest.raises(CredentialUnavailableError, match="run 'Connect-AzAccount'"):
        credential.get_token(GRAPH)


def test_scripts_are_forbidden(pwsh: StandIn, credential: AzurePowerShellCredential) -> None:
    pwsh.prints(errors="AuthorizationManager check failed.", status=1)
    with pytest.raises(CredentialUnavailableError, match="execution policy"):
        credential.get_token(GRAPH)


def test_other_failures_are_quoted(pwsh: StandIn, credential: AzurePowerShellCredential) -> None:
    pwsh.prints(errors="AADSTS50076: You must use multi-factor authentication. Run Connect-AzAccount.", status=1)
    with pytest.raises(CredentialUnavailableError, match="could not get a token: AADSTS50076"):
        credential.get_token(GRAPH)


@pytest.mark.parametrize("printed", ["azid:", "azid:nonsense", "azid:[]", "azid:null", 'azid:{"token": "canary"}'])
def test_output_that_holds_no_token(pwsh: StandIn, credential: AzurePowerShellCredential, printed: str) -> None:
    pwsh.prints(printed)
    with pytest.raises(ClientAuthenticationError, match="something else than a token") as caught:
        credential.get_token(GRAPH)
    assert not isinstance(caught.value, CredentialUnavailableError)
    assert "canary" not in str(caught.value)
