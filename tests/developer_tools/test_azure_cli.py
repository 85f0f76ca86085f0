from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import AzureCliCredential, CredentialUnavailableError
from azid.clock import ManualClock
from tests.conftest import GRAPH, VAULT
from tests.support.developer_tools import StandIn, Tools, az_prints

# As version 2.91 says it.
NOT_SIGNED_IN = "ERROR: Please run 'az login' to setup account.\n"
NO_TOKEN = "ERROR: Can't find token from MSAL cache.\nTo re-authenticate, please run:\naz login\n"
NO_SUBSCRIPTION = "ERROR: Subscription 'none' not found. Check the spelling and casing and try again.\n"
REFUSED = """\
ERROR: AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new location, \
you must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'. Trace ID: t Correlation ID: c
Run the command below to authenticate interactively; additional arguments may be added as needed:
az logout
az login --tenant "22222222-2222-2222-2222-222222222222" --scope "https://graph.microsoft.com/.default"
"""
CRASHED = """\
ERROR: The command failed with an unexpected error. Here is the traceback:
ERROR: Failed to resolve 'login.microsoftonline.com'
Traceback (most recent call last):
  File "/opt/az/lib/python3.12/site-packages/urllib3/connection.py", line 239, in _new_conn
To check existing issues, please visit: https://github.com/Azure/azure-cli/issues
"""
TENANT = "22222222-2222-2222-2222-222222222222"


@pytest.fixture
def az(tools: Tools) -> StandIn:
    return tools.az


@pytest.fixture
def credential(tools: Tools, clock: ManualClock) -> AzureCliCredential:
    return AzureCliCredential(environ=tools.environ, clock=clock)


def test_what_it_is_asked(az: StandIn, credential: AzureCliCredential, clock: ManualClock) -> None:
    az.gives("token", clock.time() + 3600)
    credential.get_token(GRAPH, tenant_id=TENANT)
    [note] = az.notes
    assert note.arguments == [
        *("account", "get-access-token", "--output", "json", "--resource", "https://graph.microsoft.com"),
        *("--tenant", TENANT),
    ]
    assert note.environment["AZURE_CORE_NO_COLOR"] == "true"


@pytest.mark.parametrize(
    ("scope", "resource"),
    [
        ("https://management.core.windows.net//.default", "https://management.core.windows.net/"),
        ("https://vault.azure.net", "https://vault.azure.net"),
        ("6dae42f8-4368-4678-94ff-3960e28e3630/.default", "6dae42f8-4368-4678-94ff-3960e28e3630"),
    ],
)
def test_a_scope_is_asked_for_as_a_resource(
    az: StandIn, credential: AzureCliCredential, clock: ManualClock, scope: str, resource: str
) -> None:
    az.gives("token", clock.time() + 3600)
    credential.get_token(scope)
    assert az.notes[0].options["--resource"] == resource


def test_several_scopes_are_too_many(az: StandIn, credential: AzureCliCredential) -> None:
    with pytest.raises(ValueError, match="one scope at a time"):
        credential.get_token(GRAPH, VAULT)
    assert az.notes == []


def test_a_subscription_is_named(az: StandIn, tools: Tools, clock: ManualClock) -> None:
    az.gives("token", clock.time() + 3600)
    AzureCliCredential(subscription="Pay as you go", environ=tools.environ, clock=clock).get_token(GRAPH)
    assert az.notes[0].arguments[-2:] == ["--subscription", "Pay as you go"]


@pytest.mark.parametrize("subscription", ["a&b", 'a"b', "%PATH%", "--debug", "a;b", "ä"])
def test_a_subscription_that_could_mean_something_to_a_shell_or_the_tool_is_refused(subscription: str) -> None:
    with pytest.raises(ValueError, match="subscription"):
        AzureCliCredential(subscription=subscription)


def test_an_old_version_tells_local_time(az: StandIn, credential: AzureCliCredential, clock: ManualClock) -> None:
    expires_on = int(clock.time()) + 3600
    printed = az_prints("token", expires_on)
    del printed["expires_on"]
    az.prints(json.dumps(printed))
    assert credential.get_token(GRAPH).expires_on == expires_on


def test_seconds_win_over_local_time(az: StandIn, credential: AzureCliCredential, clock: ManualClock) -> None:
    expires_on = int(clock.time()) + 3600
    az.prints(json.dumps({**az_prints("token", expires_on), "expiresOn": str(datetime(2001, 1, 1))}))  # noqa: DTZ001
    assert credential.get_token(GRAPH).expires_on == expires_on


@pytest.mark.parametrize("expires_on", [None, "soon", "1e400", {}, [1], 1e400])
def test_a_time_that_is_none_is_refused(az: StandIn, credential: AzureCliCredential, expires_on: Any) -> None:
    az.prints(json.dumps({"accessToken": "canary", "expires_on": expires_on, "expiresOn": expires_on}))
    with pytest.raises(ClientAuthenticationError, match="something else than a token") as caught:
        credential.get_token(GRAPH)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("errors", [NOT_SIGNED_IN, NO_TOKEN, "ERROR: Please run 'az account set' to select one."])
def test_nobody_has_signed_in(az: StandIn, credential: AzureCliCredential, errors: str) -> None:
    az.prints(errors=errors, status=1)
    with pytest.raises(CredentialUnavailableError, match="run 'az login'"):
        credential.get_token(GRAPH)


def test_a_refusal_of_entra_is_told_with_the_command_that_helps(az: StandIn, credential: AzureCliCredential) -> None:
    az.prints(errors=REFUSED, status=1)
    with pytest.raises(ClientAuthenticationError, match="AADSTS50076") as caught:
        credential.get_token(GRAPH, tenant_id=TENANT)
    assert not isinstance(caught.value, CredentialUnavailableError)
    message = str(caught.value)
    assert message.startswith("The Azure CLI could not get a token: AADSTS50076: Due to")
    assert message.endswith(f"Sign in with it again: 'az login --tenant {TENANT} --scope {GRAPH}'.")
    assert "logout" not in message


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        (NO_SUBSCRIPTION, "Subscription 'none' not found. Check the spelling and casing and try again."),
        (CRASHED, "Here is the traceback: Failed to resolve 'login.microsoftonline.com'"),
    ],
)
def test_other_failures_are_quoted(az: StandIn, credential: AzureCliCredential, errors: str, told: str) -> None:
    az.prints(errors=errors, status=1)
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(GRAPH)
    assert not isinstance(caught.value, CredentialUnavailableError)
    assert str(caught.value).endswith(told)


def test_warnings_do_not_matter(az: StandIn, credential: AzureCliCredential, clock: ManualClock) -> None:
    az.gives("token", clock.time() + 3600, errors="WARNING: Please run 'az login'. AADSTS50076")
    assert credential.get_token(GRAPH).token == "token"
