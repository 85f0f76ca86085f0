from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import AzureDeveloperCliCredential, CredentialUnavailableError
from azid.clock import ManualClock
from tests.conftest import GRAPH, VAULT
from tests.support.developer_tools import StandIn, Tools

CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "canary"}}}'
ENCODED_CLAIMS = base64.b64encode(CLAIMS.encode()).decode()
TENANT = "22222222-2222-2222-2222-222222222222"
REFUSED = "fetching token: AADSTS50076: You must use multi-factor authentication. Trace ID: t"
SUGGESTED = "Suggestion: re-authentication required, run `azd auth login` to acquire a new token."


def console(*messages: str) -> str:
    """Return messages as azd before 1.23 prints them."""
    return "".join(
        json.dumps({"type": "consoleMessage", "timestamp": "2025-08-18T15:08:14Z", "data": {"message": message}}) + "\n"
        for message in messages
    )


@pytest.fixture
def azd(tools: Tools) -> StandIn:
    return tools.azd


@pytest.fixture
def credential(tools: Tools, clock: ManualClock) -> AzureDeveloperCliCredential:
    return AzureDeveloperCliCredential(environ=tools.environ, clock=clock)


def test_what_it_is_asked(azd: StandIn, credential: AzureDeveloperCliCredential, clock: ManualClock) -> None:
    azd.gives("token", clock.time() + 3600)
    credential.get_token(GRAPH, VAULT, tenant_id=TENANT)
    [note] = azd.notes
    assert note.arguments == [
        *("auth", "token", "--output", "json", "--no-prompt", "--scope", GRAPH, "--scope", VAULT),
        *("--tenant-id", TENANT),
    ]
    assert note.environment["NO_COLOR"] == "true"


def test_claims_are_handed_on_and_never_told(
    azd: StandIn, credential: AzureDeveloperCliCredential, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    azd.gives("token", clock.time() + 3600)
    credential.get_token(GRAPH)
    azd.gives("with claims", clock.time() + 3600)
    assert credential.get_token(GRAPH, claims=CLAIMS).token == "with claims"
    assert sorted(note.options.get("--claims", "") for note in azd.notes) == ["", ENCODED_CLAIMS]
    azd.prints(errors=f"ERROR: no such claims: {CLAIMS} {ENCODED_CLAIMS}", status=1)
    with caplog.at_level(logging.DEBUG), pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(GRAPH, claims=CLAIMS)
    for text in (str(caught.value), repr(caught.value), caplog.text):
        assert "canary" not in text
        assert ENCODED_CLAIMS not in text


def test_claims_need_a_newer_version(azd: StandIn, credential: AzureDeveloperCliCredential) -> None:
    azd.prints(console("hint: see --help"), "ERROR: unknown flag: --claims", status=1)
    with pytest.raises(CredentialUnavailableError, match=r"update it to 1\.18\.1"):
        credential.get_token(GRAPH, claims=CLAIMS)


@pytest.mark.parametrize("expires_on", [None, "soon", 1e400, 4_000_000_000, "2026-01-01 00:00:00", []])
def test_a_time_that_is_none_is_refused(azd: StandIn, credential: AzureDeveloperCliCredential, expires_on: Any) -> None:
    azd.prints(json.dumps({"token": "canary", "expiresOn": expires_on}))
    with pytest.raises(ClientAuthenticationError, match="something else than a token") as caught:
        credential.get_token(GRAPH)
    assert "canary" not in str(caught.value)


def test_messages_before_the_token_do_not_matter(
    azd: StandIn, credential: AzureDeveloperCliCredential, clock: ManualClock
) -> None:
    printed = json.dumps({"token": "token", "expiresOn": "2100-01-01T00:00:00Z"})
    azd.prints(f"{console('A newer version is out.')}{printed}\n")
    clock.advance(4_102_440_000 - clock.time())  # to the last hour of 2099
    assert credential.get_token(GRAPH).token == "token"


@pytest.mark.parametrize("is_output", [False, True])
@pytest.mark.parametrize("write", [str, console, lambda message: json.dumps({"error": message, "message": ""})])
def test_nobody_has_signed_in(
    azd: StandIn, credential: AzureDeveloperCliCredential, write: Callable[[str], str], is_output: bool
) -> None:
    told = write("ERROR: fetching token: not logged in, run `azd auth login` to login")
    azd.prints(*((told, "") if is_output and write is not str else ("", told)), status=1)
    with pytest.raises(CredentialUnavailableError, match="run 'azd auth login'"):
        credential.get_token(GRAPH)


@pytest.mark.parametrize("is_output", [False, True])
@pytest.mark.parametrize(
    "printed",
    [
        console("", f"\nERROR: {REFUSED}\n", f"{SUGGESTED}\n"),
        console("\n") + json.dumps({"error": REFUSED, "suggestion": SUGGESTED}),
        json.dumps({"error": REFUSED, "message": "Failed.", "suggestion": SUGGESTED}),
        json.dumps({"message": REFUSED, "suggestion": SUGGESTED}, indent=2),
    ],
    ids=["before 1.23.7", "before 1.24", "since 1.24", "over several lines"],
)
def test_a_refusal_of_entra_is_told_as_each_version_has_it(
    azd: StandIn, credential: AzureDeveloperCliCredential, printed: str, is_output: bool
) -> None:
    azd.prints(*((printed, "") if is_output else ("", printed)), status=1)
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(GRAPH)
    assert not isinstance(caught.value, CredentialUnavailableError)
    assert str(caught.value) == f"The Azure Developer CLI could not get a token: {REFUSED} {SUGGESTED}"


def test_a_refusal_that_also_says_not_logged_in_is_a_refusal(
    azd: StandIn, credential: AzureDeveloperCliCredential
) -> None:
    azd.prints(errors=f"ERROR: {REFUSED}: not logged in, run `azd auth login` to login", status=1)
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(GRAPH)
    assert not isinstance(caught.value, CredentialUnavailableError)


def test_messages_without_a_token_are_told_although_it_ends_well(
    azd: StandIn, credential: AzureDeveloperCliCredential
) -> None:
    azd.prints(console("It is not the day for tokens."))
    with pytest.raises(ClientAuthenticationError, match=r"token: It is not the day for tokens\."):
        credential.get_token(GRAPH)


def test_odd_messages_are_passed_over(azd: StandIn, credential: AzureDeveloperCliCredential) -> None:
    odd = [{"data": 1}, {"data": {"message": 1}}, {"error": [], "suggestion": {}}, [], 1, "text"]
    azd.prints("\n".join(map(json.dumps, odd)), status=1)
    with pytest.raises(ClientAuthenticationError, match="it ended with exit status 1"):
        credential.get_token(GRAPH)
