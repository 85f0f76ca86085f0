"""Key Vault's own client, whose challenge names the tenant and the resource that it wants tokens for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient

from azid import InteractiveBrowserCredential
from azid.emulator import Emulator, Person
from tests.conftest import ADA, GRAPH
from tests.support.stand_ins import Vault, serve

pytest_plugins = ["tests.support.trust"]


@pytest.fixture
def entra() -> Emulator:
    """In this process, by the machine's clock: azure-core's policies know no other."""
    return Emulator(users=[ADA])


@pytest.fixture
def credential(entra: Emulator) -> Iterator[InteractiveBrowserCredential]:
    person = Person(ADA.username, ADA.password, entra=entra)
    with InteractiveBrowserCredential(transport=entra.transport(), open_browser=person.open, timeout=30) as credential:
        yield credential


@pytest.fixture
def vault(entra: Emulator) -> Vault:
    return Vault(entra)


@pytest.fixture
def vault_url(vault: Vault, ca: trustme.CA) -> Iterator[str]:
    with serve(vault.answer, ca) as port:
        yield f"https://127.0.0.1:{port}"


def client(vault_url: str, ca_file: Path, credential: TokenCredential) -> SecretClient:
    return SecretClient(vault_url, credential, connection_verify=str(ca_file), verify_challenge_resource=False)


def prompts(entra: Emulator) -> list[dict[str, str]]:
    """The parameters of the sign-ins that a browser was opened for."""
    return [request.query for request in entra.requests if request.endpoint == "authorize"]


def test_a_secret_is_kept_and_read(
    vault: Vault, vault_url: str, ca_file: Path, credential: InteractiveBrowserCredential, entra: Emulator
) -> None:
    with client(vault_url, ca_file, credential) as secrets:
        assert secrets.set_secret("greeting", "hello").value == "hello"
        assert secrets.get_secret("greeting").value == "hello"
        with pytest.raises(ResourceNotFoundError):
            secrets.get_secret("farewell")
    assert vault.gate.refused == ["no token"]
    assert vault.bodies[0] == ("PUT", b"")  # nothing is told before the vault has said whom it trusts
    assert len(prompts(entra)) == 1


def test_the_token_is_for_the_tenant_and_resource_of_the_challenge(
    vault_url: str, ca_file: Path, credential: InteractiveBrowserCredential, entra: Emulator
) -> None:
    with client(vault_url, ca_file, credential) as secrets:
        secrets.set_secret("greeting", "hello")
    [authorize] = [request for request in entra.requests if request.endpoint == "authorize"]
    assert authorize.path == f"/{entra.tenant_id}/oauth2/v2.0/authorize"
    assert "https://vault.azure.net/.default" in authorize.query["scope"].split()
    assert json.loads(authorize.query["claims"])["access_token"]["xms_cc"]["values"] == ["CP1"]


def test_a_claims_challenge_ends_in_one_prompt(
    vault: Vault, vault_url: str, ca_file: Path, credential: InteractiveBrowserCredential, entra: Emulator
) -> None:
    with client(vault_url, ca_file, credential) as secrets:
        secrets.set_secret("greeting", "hello")
        vault.gate.claims = entra.challenge(ADA.username)
        entra.clear_log()
        assert secrets.get_secret("greeting").value == "hello"
        [prompt] = prompts(entra)
        assert "acrs" in json.loads(prompt["claims"])["access_token"]
        assert prompt["login_hint"] == ADA.username
        entra.clear_log()
        assert secrets.get_secret("greeting").value == "hello"
        assert entra.requests == []
    assert vault.gate.refused == ["no token", "insufficient claims"]


def test_a_claims_challenge_right_after_the_vaults_own(
    vault: Vault, vault_url: str, ca_file: Path, credential: InteractiveBrowserCredential, entra: Emulator
) -> None:
    vault.gate.claims = entra.challenge(ADA.username)
    with client(vault_url, ca_file, credential) as secrets:
        assert secrets.set_secret("greeting", "hello").value == "hello"
    assert vault.gate.refused == ["no token", "insufficient claims"]
    assert len(prompts(entra)) == 2


class TokensForAnother:
    """Gives out tokens for another resource than it is asked for."""

    def __init__(self, credential: InteractiveBrowserCredential) -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
        return self._credential.get_token(GRAPH)


def test_the_stand_in_does_not_take_just_any_token(
    vault: Vault, vault_url: str, ca_file: Path, credential: InteractiveBrowserCredential
) -> None:
    secrets = client(vault_url, ca_file, TokensForAnother(credential))
    with secrets, pytest.raises(ClientAuthenticationError):
        secrets.set_secret("greeting", "hello")
    assert vault.gate.refused == ["no token", "invalid token"]
