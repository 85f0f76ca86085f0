"""Which of the cache's accounts is meant."""

from __future__ import annotations

import pytest

from azid import AuthenticationRecord
from azid.cli.choosing import choose, is_named, names_of

CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OWN = "0d5a9c1e-0000-4000-8000-000000000001"
THIRD = "0d5a9c1e-0000-4000-8000-000000000003"


def account(name: str, client_id: str = CLI, oid: str = "") -> AuthenticationRecord:
    return AuthenticationRecord("t", client_id, "login.microsoftonline.com", f"{oid or name}.t", f"{name}@x.example")


EVERYBODY = [account("ada"), account("bob"), account("bob", OWN), account("cem", OWN), account("cem", THIRD)]


@pytest.mark.parametrize(
    ("name", "usual", "meant"),
    [
        ("ada@x.example", [OWN, CLI], [0]),
        ("ADA@X.example", [CLI], [0]),
        ("ada.t", [CLI], [0]),
        ("bob@x.example", [OWN, CLI], [2]),
        ("bob@x.example", [CLI, OWN], [1]),
        ("bob@x.example", [None, CLI], [1]),
        ("cem@x.example", [CLI], [3, 4]),
        ("dan@x.example", [CLI], []),
        (None, [CLI], [0, 1]),
    ],
)
def test_the_first_usual_application_decides(name: str | None, usual: list[str | None], meant: list[int]) -> None:
    assert choose(EVERYBODY, name=name, usual=usual) == [EVERYBODY[index] for index in meant]


def test_a_name_is_no_pattern() -> None:
    assert not is_named(account("ada"), "ad")
    assert not is_named(account("ada"), "")


def test_accounts_are_told_apart() -> None:
    assert names_of(EVERYBODY[:2]) == "ada@x.example, bob@x.example"
    assert names_of(EVERYBODY[1:3]) == (f"bob@x.example in {CLI} (Microsoft Azure CLI), bob@x.example in {OWN}")
    twins = [account("ada", oid="1"), account("ada", oid="2")]
    assert names_of(twins) == "ada@x.example with the ID 1.t, ada@x.example with the ID 2.t"
