"""Azure Arc's agent, and what may pretend to be it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.rest import HttpRequest

from azid import CredentialUnavailableError
from azid.clock import ManualClock
from azid.managed_identity.azure_arc import AzureArcEndpoint, key_folder
from azid.managed_identity.identity import identity_of
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse
from tests.managed_identity.conftest import (
    ARC,
    CLIENT_ID,
    OBJECT_ID,
    RESOURCE_ID,
    SCOPE,
    VAULT,
    Make,
    token_reply,
)
from tests.support.stub_transport import Reply, StubTransport, json_reply

KEY = "canary-key"
Ask = Callable[..., TokenResponse]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the agent keeps its keys."""
    folder = tmp_path / "tokens"
    folder.mkdir()
    (folder / "one.key").write_text(KEY)
    return folder


def challenge(realm: object) -> Reply:
    return Reply(401, "", {"WWW-Authenticate": f"Basic realm={realm}"}, content_type="text/plain")


@pytest.fixture
def ask(folder: Path, clock: ManualClock) -> Ask:
    """Asks the agent, which answers from a script."""

    def ask(*replies: Reply, transport: StubTransport | None = None, **identity: str) -> TokenResponse:
        endpoint = AzureArcEndpoint(
            ARC["IDENTITY_ENDPOINT"],
            "",
            identity_of(None, identity),
            clock,
            {"transport": transport or StubTransport(*replies), "logging_enable": True},
            folder=folder,
        )
        return endpoint(TokenRequest((SCOPE,), ""))

    return ask


def test_the_key_is_read_and_shown(ask: Ask, folder: Path, clock: ManualClock) -> None:
    transport = StubTransport(challenge(folder / "one.key"), json_reply(token_reply(clock)))
    assert ask(transport=transport).access_token == "token"
    first, second = transport.requests
    assert first.url == second.url == f"{ARC['IDENTITY_ENDPOINT']}?api-version=2020-06-01&resource={VAULT}"
    assert first.headers["Metadata"] == second.headers["Metadata"] == "true"
    assert "Authorization" not in first.headers
    assert second.headers["Authorization"] == f"Basic {KEY}"


def test_no_key_is_told(ask: Ask, folder: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def refuse(request: HttpRequest) -> Reply:
        return json_reply({"error": {"message": f"what is {request.headers['Authorization']}?"}}, 400)

    with pytest.raises(CredentialUnavailableError) as caught:
        ask(transport=StubTransport(challenge(folder / "one.key"), refuse))
    assert "what is Basic ***?" in str(caught.value)
    assert "REDACTED" in caplog.text, "it was listened to"
    assert KEY not in f"{caplog.text} {caught.value!r}"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({}, "does not say which key"),
        ({"WWW-Authenticate": "Basic"}, "does not say which key"),
        ({"WWW-Authenticate": "Bearer realm=/x.key"}, "does not say which key"),
        ({"WWW-Authenticate": "Basic realm="}, "does not say which key"),
        ({"WWW-Authenticate": "Basic realm=/etc/passwd"}, "none of its keys"),
        ({"WWW-Authenticate": "Basic realm=one.key"}, "none of its keys"),
    ],
)
def test_a_challenge_that_leads_elsewhere_is_not_followed(header: dict[str, str], told: str, ask: Ask) -> None:
    transport = StubTransport(Reply(401, "", header))
    with pytest.raises(ClientAuthenticationError, match=told):
        ask(transport=transport)
    assert len(transport.requests) == 1


@pytest.mark.parametrize("path", ["../secret.key", "sub/other.key", "one.txt", "../tokens/one.key", "\0one.key", ""])
def test_only_keys_of_the_agents_folder_are_read(path: str, ask: Ask, folder: Path) -> None:
    (folder.parent / "secret.key").write_text("secret")
    (folder / "sub").mkdir()
    (folder / "sub" / "other.key").write_text("secret")
    (folder / "one.txt").write_text("secret")
    transport = StubTransport(challenge(f"{folder}/{path}"))
    with pytest.raises(ClientAuthenticationError, match="none of its keys") as caught:
        ask(transport=transport)
    assert len(transport.requests) == 1
    assert str(folder) in str(caught.value)


def test_a_key_that_is_too_large_is_none(ask: Ask, folder: Path) -> None:
    (folder / "one.key").write_text("k" * 4097)
    with pytest.raises(ClientAuthenticationError, match="larger than 4096 bytes"):
        ask(challenge(folder / "one.key"))


@pytest.mark.parametrize(("content", "told"), [(None, "No such file"), (b"\xff\xfe\x00", "it is no text")])
def test_a_key_that_cannot_be_read_says_who_may(content: bytes | None, told: str, ask: Ask, folder: Path) -> None:
    (folder / "one.key").unlink()
    if content is not None:
        (folder / "one.key").write_bytes(content)
    with pytest.raises(ClientAuthenticationError, match=rf"{told}.*\n?.*himds"):
        ask(challenge(folder / "one.key"))


@pytest.mark.parametrize(
    ("identity", "confirmed"),
    [
        ({"client_id": CLIENT_ID}, {"client_id": CLIENT_ID.upper()}),
        ({"object_id": OBJECT_ID}, {"object_id": OBJECT_ID}),
        ({"resource_id": RESOURCE_ID}, {"msi_res_id": RESOURCE_ID}),
        ({"resource_id": RESOURCE_ID}, {"mi_res_id": RESOURCE_ID}),
    ],
)
def test_a_token_of_the_identity_that_was_asked_for(
    identity: dict[str, str], confirmed: dict[str, str], ask: Ask, folder: Path, clock: ManualClock
) -> None:
    reply = {name: value for name, value in token_reply(clock).items() if name != "client_id"}
    assert ask(challenge(folder / "one.key"), json_reply({**reply, **confirmed}), **identity).access_token == "token"


@pytest.mark.parametrize("confirmed", [{}, {"client_id": OBJECT_ID}])
def test_a_token_of_another_identity_is_refused(
    confirmed: dict[str, str], ask: Ask, folder: Path, clock: ManualClock
) -> None:
    reply = {name: value for name, value in token_reply(clock).items() if name != "client_id"}
    with pytest.raises(ClientAuthenticationError, match="another identity"):
        ask(challenge(folder / "one.key"), json_reply({**reply, **confirmed}), client_id=CLIENT_ID)


def test_an_agent_that_gives_no_key_says_why(ask: Ask) -> None:
    with pytest.raises(CredentialUnavailableError, match="HTTP status 400, not enabled"):
        ask(json_reply({"error": "not enabled"}, 400))


def test_the_credential_knows_the_agent_by_its_variables(make: Make) -> None:
    transport = StubTransport(challenge("/etc/passwd"))
    with pytest.raises(ClientAuthenticationError, match="none of its keys"):
        make(ARC, transport).get_token(SCOPE)


def test_where_the_keys_are() -> None:
    assert key_folder("linux", {}) == Path("/var/opt/azcmagent/tokens")
    windows = key_folder("win32", {"PROGRAMDATA": "data"})
    assert windows == Path("data", "AzureConnectedMachineAgent", "Tokens")
    assert key_folder("win32", {}) is None
    assert key_folder("darwin", {}) is None
