"""What the endpoint of each kind of machine gives."""

from __future__ import annotations

import pytest

from azid.clock import ManualClock
from azid.emulator import DEFAULT_TENANT_ID, SYSTEM_ASSIGNED
from tests.conftest import ADA
from tests.emulator.driver import payload
from tests.emulator.managed_identity.program import (
    BACKUP,
    DEPLOY,
    KINDS,
    VAULT,
    Program,
    kinds,
)


@kinds(*(kind for kind in KINDS if kind != "cloud-shell"))
def test_a_token_of_the_machines_own_identity(program: Program, clock: ManualClock) -> None:
    body = program.ask().json()
    claims = payload(body["access_token"])
    assert (claims["aud"], claims["idtyp"], claims["tid"]) == (VAULT, "app", DEFAULT_TENANT_ID)
    assert (claims["appid"], claims["oid"]) == (SYSTEM_ASSIGNED.client_id, SYSTEM_ASSIGNED.object_id)
    assert claims["sub"] == claims["oid"]
    assert claims["xms_mirid"] == SYSTEM_ASSIGNED.resource_id
    assert (body["resource"], body["token_type"]) == (VAULT, "Bearer")
    assert int(body["expires_on"]) == claims["exp"] == int(clock.time()) + 86400


@pytest.mark.parametrize(
    ("program", "members", "numbers"),
    [
        ("app-service", {"client_id", "expires_on"}, set()),
        (
            "azure-arc",
            {"client_id", "expires_in", "expires_on", "not_before"},
            set(),
        ),
        ("azure-ml", {"expires_on"}, {"expires_on"}),
        ("cloud-shell", {"expires_in", "expires_on", "not_before", "refresh_token"}, set()),
        ("imds", {"client_id", "expires_in", "expires_on", "ext_expires_in", "not_before"}, set()),
        ("service-fabric", {"expires_on"}, set()),
    ],
    indirect=["program"],
)
def test_replies_have_the_members_of_their_kind(program: Program, members: set[str], numbers: set[str]) -> None:
    body = program.ask().json()
    assert body.keys() == {"access_token", "resource", "token_type", *members}
    assert {name for name, value in body.items() if not isinstance(value, str)} == numbers


@kinds("cloud-shell")
def test_cloud_shell_gives_tokens_of_the_person_who_opened_it(program: Program, clock: ManualClock) -> None:
    body = program.ask(client_id=DEPLOY.client_id).json()  # which it passes over
    claims = payload(body["access_token"])
    assert (claims["upn"], claims["aud"], claims["idtyp"]) == (ADA.username, VAULT, "user")
    assert claims["exp"] == int(clock.time()) + 3600


@pytest.mark.parametrize("resource", [VAULT, VAULT + "/", "api://0f8fad5b-d9cb-469f-a165-70867728950e"])
@pytest.mark.parametrize("program", KINDS, indirect=True)
def test_resources_are_taken_as_they_are(program: Program, resource: str) -> None:
    body = program.ask(resource=resource).json()
    assert payload(body["access_token"])["aud"] == body["resource"] == resource


@pytest.mark.parametrize(
    ("program", "parameter", "member"),
    [
        ("app-service", "client_id", "client_id"),
        ("app-service", "principal_id", "object_id"),
        ("app-service", "object_id", "object_id"),
        ("app-service", "mi_res_id", "resource_id"),
        ("azure-arc", "client_id", "client_id"),
        ("azure-arc", "object_id", "object_id"),
        ("azure-arc", "msi_res_id", "resource_id"),
        ("azure-ml", "clientid", "client_id"),
        ("azure-ml", "object_id", "object_id"),
        ("azure-ml", "msi_res_id", "resource_id"),
        ("imds", "client_id", "client_id"),
        ("imds", "object_id", "object_id"),
        ("imds", "msi_res_id", "resource_id"),
        ("imds", "mi_res_id", "resource_id"),
    ],
    indirect=["program"],
)
def test_a_user_assigned_identity_is_named(program: Program, parameter: str, member: str) -> None:
    value = getattr(BACKUP, member)
    body = program.ask(**{parameter: value.upper()}).json()
    claims = payload(body["access_token"])
    assert (claims["appid"], claims["oid"], claims["xms_mirid"]) == (
        BACKUP.client_id,
        BACKUP.object_id,
        BACKUP.resource_id,
    )
    if program.kind == "azure-arc":  # or a client takes it for an agent that did not understand
        assert body[parameter] == value.upper()
