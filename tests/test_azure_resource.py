"""Azure Resource Manager's own client, which answers claims challenges through azure-core's bearer token policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from azure.mgmt.resource import ResourceManagementClient

from azid import AuthenticationRequiredError, InteractiveBrowserCredential
from azid.emulator import Emulator, Person, RecordedRequest
from tests.conftest import ADA
from tests.support.stand_ins import ResourceManager, serve

pytest_plugins = ["tests.support.trust"]

SUBSCRIPTION = "5f0c4c1e-8f0b-4c8e-9a63-6f1d5f6c7b21"
SCOPE = "https://management.azure.com/.default"

Make = Callable[..., InteractiveBrowserCredential]


@pytest.fixture
def entra() -> Emulator:
    """In this process, by the machine's clock: azure-core's policies know no other."""
    return Emulator(users=[ADA])


@pytest.fixture
def make_credential(entra: Emulator) -> Iterator[Make]:
    person = Person(ADA.username, ADA.password, entra=entra)
    made: list[InteractiveBrowserCredential] = []

    def make(**arguments: Any) -> InteractiveBrowserCredential:
        made.append(
            InteractiveBrowserCredential(transport=entra.transport(), open_browser=person.open, timeout=30, **arguments)
        )
        return made[-1]

    yield make
    for credential in made:
        credential.close()


@pytest.fixture
def manager(entra: Emulator) -> ResourceManager:
    return ResourceManager(entra)


@pytest.fixture
def names_of_groups(
    manager: ResourceManager, ca: trustme.CA, ca_file: Path
) -> Iterator[Callable[[InteractiveBrowserCredential], list[str]]]:
    """Lists the resource groups as a program does."""
    with serve(manager.answer, ca) as port:

        def names(credential: InteractiveBrowserCredential) -> list[str]:
            url = f"https://127.0.0.1:{port}"
            with ResourceManagementClient(
                credential, SUBSCRIPTION, base_url=url, connection_verify=str(ca_file)
            ) as client:
                return [str(group.name) for group in client.resource_groups.list()]

        yield names


def sign_ins(entra: Emulator) -> list[RecordedRequest]:
    """The sign-ins that a browser was opened for."""
    return [request for request in entra.requests if request.endpoint == "authorize"]


Names = Callable[[InteractiveBrowserCredential], list[str]]


def test_resource_groups_are_listed(
    make_credential: Make, names_of_groups: Names, manager: ResourceManager, entra: Emulator
) -> None:
    assert names_of_groups(make_credential()) == list(manager.groups)
    assert manager.gate.refused == []
    assert len(sign_ins(entra)) == 1


def test_a_claims_challenge_ends_in_one_prompt(
    make_credential: Make, names_of_groups: Names, manager: ResourceManager, entra: Emulator
) -> None:
    credential = make_credential(tenant_id=entra.tenant_id)
    names_of_groups(credential)
    claims = manager.gate.claims = entra.challenge(ADA.username)
    entra.clear_log()
    assert names_of_groups(credential) == list(manager.groups)
    [sign_in] = sign_ins(entra)
    assert sign_in.path == f"/{entra.tenant_id}/oauth2/v2.0/authorize"
    assert json.loads(sign_in.query["claims"]) == json.loads(claims)
    assert SCOPE in sign_in.query["scope"].split()
    assert sign_in.query["login_hint"] == ADA.username
    assert manager.gate.refused == ["insufficient claims"]
    entra.clear_log()
    assert names_of_groups(credential) == list(manager.groups)
    assert entra.requests == []


def test_a_claims_challenge_that_a_refresh_meets_asks_nobody(
    make_credential: Make, names_of_groups: Names, manager: ResourceManager, entra: Emulator
) -> None:
    credential = make_credential()
    names_of_groups(credential)
    manager.gate.claims = entra.challenge(ADA.username, needs_person=False)
    entra.clear_log()
    assert names_of_groups(credential) == list(manager.groups)
    assert sign_ins(entra) == []
    [refresh] = entra.token_requests("refresh_token")
    assert json.loads(refresh.form["claims"]) == json.loads(manager.gate.claims)


def test_a_claims_challenge_without_prompting_is_for_the_program_to_answer(
    make_credential: Make, names_of_groups: Names, manager: ResourceManager, entra: Emulator
) -> None:
    credential = make_credential(disable_automatic_authentication=True)
    credential.authenticate(SCOPE)
    manager.gate.claims = entra.challenge(ADA.username)
    with pytest.raises(AuthenticationRequiredError) as caught:
        names_of_groups(credential)
    assert caught.value.scopes == (SCOPE,)
    assert caught.value.claims == manager.gate.claims
    credential.authenticate(scopes=caught.value.scopes, claims=caught.value.claims)
    assert names_of_groups(credential) == list(manager.groups)
