"""`SharedTokenCacheCredential` of azid and of the real azure-identity, on caches that azure-identity wrote."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any, Final

import pytest

from tests.interop.conftest import ADA, BOB, Machine

if sys.platform != "linux":
    pytest.skip("plain files are Linux's way, and the others' would be the real ones", allow_module_level=True)

LIBRARIES: Final = ("azid", "azure.identity")
OTHER_TENANT = "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"
CAE = {"options": {"enable_cae": True}}
CASES: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "ada": ({"username": ADA.username}, ADA.username),
    "bob": ({"username": BOB.username}, BOB.username),
    "bob and his tenant": ({"username": BOB.username, "tenant_id": BOB.tenant_id}, BOB.username),
    "bob with CAE": ({"username": BOB.username, **CAE}, BOB.username),
    "bob in another tenant": ({"username": BOB.username, "options": {"tenant_id": OTHER_TENANT}}, BOB.username),
    "nobody in particular": ({}, "unavailable"),
    "somebody else": ({"username": "carol@contoso.example"}, "unavailable"),
    "the tenant of both": ({"tenant_id": ADA.tenant_id}, "unavailable"),
    "another tenant": ({"tenant_id": OTHER_TENANT}, "unavailable"),
}
"""Parameters, and whose token comes of them."""


def whose(outcome: dict[str, str]) -> str:
    """Return whose token a call had, or the kind of its error."""
    if outcome["kind"] != "token":
        return outcome["kind"]
    payload = outcome["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return next(
        user.username for user in (ADA, BOB) if claims["oid"] in (user.object_id, user.object_id_in(claims["tid"]))
    )


@pytest.fixture
def signed_in(machine: Machine) -> tuple[Machine, list[str]]:
    """Two people whom azure-identity has signed in, with and without CAE, and their records."""
    records = machine.sign_in("azure.identity", "nocae", ADA, BOB)
    machine.sign_in("azure.identity", "cae", ADA, BOB)
    return machine, records


def test_both_libraries_use_the_same_accounts(signed_in: tuple[Machine, list[str]]) -> None:
    machine, records = signed_in
    cases = {**CASES, "a record": ({"record": records[1]}, BOB.username)}
    came = {
        library: dict(
            zip(cases, machine.shared(library, *(parameters for parameters, _ in cases.values())), strict=True)
        )
        for library in LIBRARIES
    }
    expected = {case: outcome for case, (_, outcome) in cases.items()}
    for library in LIBRARIES:
        assert {case: whose(outcome) for case, outcome in came[library].items()} == expected
    for name in (ADA.username, BOB.username):
        assert name in came["azid"]["nobody in particular"]["told"]


def test_a_sign_in_that_has_ended(signed_in: tuple[Machine, list[str]]) -> None:
    """Somebody has to sign in again, which azid tells apart from a failure: a chain goes on to ask a person."""
    machine, records = signed_in
    machine.entra.revoke(ADA.username)
    for section in ("nocae", "cae"):
        document = json.loads(machine.cache(section).read_text())
        del document["AccessToken"]
        machine.cache(section).write_text(json.dumps(document))
    cases: list[dict[str, Any]] = [{"record": records[0]}, {"username": ADA.username}, {"username": BOB.username}]
    [theirs] = machine.shared("azure.identity", cases[0])
    assert (theirs["kind"], "AADSTS50173" in theirs["told"]) == ("failed", True)
    ours = machine.shared("azid", *cases)
    assert [whose(outcome) for outcome in ours] == ["unavailable", "unavailable", BOB.username]
    assert all("AADSTS50173" in outcome["told"] for outcome in ours[:2])


def test_no_cache(machine: Machine) -> None:
    """A record whose account is nowhere is no failure either: nobody was asked."""
    record = machine.sign_in("azure.identity", "nocae", ADA)[0]
    for file in machine.cache("nocae").parent.iterdir():
        file.unlink()
    cases: list[dict[str, Any]] = [{}, {"username": ADA.username}, {"record": record}, CAE]
    ours = machine.shared("azid", *cases)
    assert [outcome["kind"] for outcome in ours] == ["unavailable"] * 4
    assert all("nobody has signed in here with a tool that has it" in outcome["told"] for outcome in ours)
    assert [*machine.cache("nocae").parent.iterdir()] == []
    assert machine.endpoints() == []
    theirs = machine.shared("azure.identity", *cases)
    assert [outcome["kind"] for outcome in theirs] == ["unavailable"] * 4


def test_what_it_refreshes_is_there_for_the_other(signed_in: tuple[Machine, list[str]]) -> None:
    machine, _ = signed_in
    [ours] = machine.shared("azid", {"username": BOB.username, "options": {"tenant_id": OTHER_TENANT}})
    assert "token" in machine.endpoints()
    assert ours["token"] in {entry["secret"] for entry in machine.section("nocae", "AccessToken")}
