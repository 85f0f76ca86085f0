"""Which identities there are, and which of them a request gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from azid.emulator import SYSTEM_ASSIGNED, Emulator, ManagedIdentity
from tests.emulator.driver import payload
from tests.emulator.managed_identity.program import (
    BACKUP,
    DEPLOY,
    Program,
)


@pytest.mark.parametrize(
    ("identities", "system_assigned", "expected"),
    [
        ([], True, SYSTEM_ASSIGNED),
        ([DEPLOY], True, SYSTEM_ASSIGNED),
        ([DEPLOY], BACKUP, BACKUP),
        ([DEPLOY], False, DEPLOY),
        ([DEPLOY, BACKUP], False, None),
        ([], False, None),
    ],
)
def test_who_serves_those_who_name_nobody(
    identities: list[ManagedIdentity],
    system_assigned: ManagedIdentity | bool,
    expected: ManagedIdentity | None,
    tmp_path: Path,
) -> None:
    entra = Emulator(identities=identities, system_assigned=system_assigned)
    reply = Program(entra, "imds", tmp_path).ask()
    if expected is None:
        assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
    else:
        assert payload(reply.json()["access_token"])["appid"] == expected.client_id


def test_nobody_opened_the_shell_where_there_is_nobody(tmp_path: Path) -> None:
    reply = Program(Emulator(), "cloud-shell", tmp_path).ask()
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest")


def test_an_identity_has_what_it_was_not_given() -> None:
    assert DEPLOY.object_id == ManagedIdentity(DEPLOY.client_id.upper()).object_id
    assert DEPLOY.resource_id.endswith("/userAssignedIdentities/deploy")
    assert ManagedIdentity(DEPLOY.client_id).name == DEPLOY.client_id
    with pytest.raises(ValueError, match="client_id must be a GUID"):
        ManagedIdentity("deploy")


def test_a_kind_is_one_that_exists(entra: Emulator, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="kind must be one of app-service, azure-arc, "):
        entra.managed_identity_environ("vm")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="key_folder is for azure-arc only"):
        entra.managed_identity_environ("imds", key_folder=tmp_path)
