"""`azid logout`: what it forgets, what it leaves alone, and what it says."""

from __future__ import annotations

import json
import os
import sys

import pytest

from azid.cli import active_account, exit_codes
from azid.emulator import Emulator
from tests.cli.conftest import Home, Invoke, SignIn
from tests.conftest import ADA, BOB, GRAPH
from tests.support.terminal import AtTerminal

POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"


@pytest.fixture
def left(azid: Invoke) -> object:
    """What the cache still holds when it is compared: user names with the beginning of their application's ID."""

    class Left:
        def __eq__(self, other: object) -> bool:
            told = json.loads(azid("accounts", "-o", "json").stdout)
            return [(account["username"], account["client_id"][:4]) for account in told] == other

        __hash__ = None  # type: ignore[assignment]

    return Left()


def test_the_only_account(sign_in: SignIn, azid: Invoke, home: Home, left: object) -> None:
    sign_in()
    done = azid("logout")
    assert (done.exit_code, done.stdout) == (exit_codes.OK, "")
    assert f"Signed out {ADA.username} of 04b07795-8ddb-461a-bbee-02f9e1bf7b46" in done.stderr
    assert "The browser stays signed in" in done.stderr
    assert left == []
    assert active_account.load(home.environ) is None
    assert azid("token", "--scope", GRAPH).exit_code == exit_codes.SIGN_IN_NEEDED
    assert ADA.username not in "".join(
        file.read_text(encoding="utf-8") for file in home.folder.rglob("*") if file.is_file()
    )


def test_nobody(azid: Invoke) -> None:
    for arguments in ([], ["--all"], ["--all", "--yes"]):
        done = azid("logout", *arguments)
        assert (done.exit_code, done.stdout, done.stderr) == (exit_codes.OK, "", "Nobody is signed in here.\n")


def test_several_accounts_and_none_named(sign_in: SignIn, azid: Invoke, left: object) -> None:
    sign_in(BOB)
    sign_in(ADA)
    done = azid("logout")
    assert done.exit_code == exit_codes.USAGE
    assert f"Several accounts are signed in: {ADA.username}, {BOB.username}." in done.stderr
    assert left == [(ADA.username, "04b0"), (BOB.username, "04b0")]


def test_one_of_several(sign_in: SignIn, azid: Invoke, home: Home, left: object) -> None:
    sign_in(BOB)
    sign_in(ADA)
    assert azid("logout", BOB.username).exit_code == exit_codes.OK
    assert left == [(ADA.username, "04b0")]
    assert active_account.load(home.environ) is not None, "the active account is still there"
    assert azid("logout", ADA.username.upper()).exit_code == exit_codes.OK
    assert left == []
    assert active_account.load(home.environ) is None


def test_other_applications_are_left_alone(sign_in: SignIn, azid: Invoke, left: object) -> None:
    sign_in(BOB, active=False, client_id=POWERSHELL)
    sign_in(ADA)
    done = azid("logout", "--all")
    assert done.exit_code == exit_codes.OK
    assert f"Left alone, as other applications' sign-ins: {BOB.username}." in done.stderr
    assert left == [(BOB.username, "1950")]
    done = azid("logout", BOB.username)
    assert done.exit_code == exit_codes.FAILED
    assert f"Run:   azid logout {BOB.username} --client-id {POWERSHELL}" in done.stderr
    assert azid("logout", "--all", "--client-id", POWERSHELL).exit_code == exit_codes.OK
    assert left == []


def test_the_active_account_s_application_is_azid_s(
    sign_in: SignIn, azid: Invoke, entra: Emulator, left: object
) -> None:
    sign_in(BOB)
    sign_in(ADA, client_id=POWERSHELL)
    assert azid("logout", "--all").exit_code == exit_codes.OK
    assert left == []


def test_both_applications_of_one_person(sign_in: SignIn, azid: Invoke, left: object) -> None:
    sign_in(active=False)
    sign_in(client_id=POWERSHELL)
    assert azid("logout").exit_code == exit_codes.OK
    assert left == []


def test_json_tells_who_left_and_who_did_not(sign_in: SignIn, azid: Invoke) -> None:
    sign_in(BOB)
    sign_in(ADA)
    done = azid("logout", ADA.username, "--output", "json")
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert list(told) == ["signed_out", "left"]
    assert [(account["username"], account["active"]) for account in told["signed_out"]] == [(ADA.username, True)]
    assert [(account["username"], account["active"]) for account in told["left"]] == [(BOB.username, False)]


def test_a_name_that_nobody_has(sign_in: SignIn, azid: Invoke, left: object) -> None:
    sign_in()
    done = azid("logout", "nobody@contoso.example")
    assert done.exit_code == exit_codes.FAILED
    assert f"Signed in are: {ADA.username}." in done.stderr
    assert left == [(ADA.username, "04b0")]


def test_a_name_and_all(azid: Invoke) -> None:
    assert azid("logout", ADA.username, "--all").exit_code == exit_codes.USAGE


def test_an_active_account_whose_tokens_are_gone(sign_in: SignIn, azid: Invoke, home: Home) -> None:
    sign_in()
    for file in (home.folder / ".IdentityService").glob("msal.cache*cae"):
        file.write_text("{}", encoding="utf-8")
    assert azid("logout").exit_code == exit_codes.OK
    assert active_account.load(home.environ) is None


@pytest.mark.skipif(os.name != "posix", reason="terminals are another matter on Windows")
@pytest.mark.parametrize(("typed", "exit_code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 130)])
def test_at_a_terminal_it_asks_before_all_are_signed_out(
    sign_in: SignIn, home: Home, left: object, typed: str, exit_code: int
) -> None:
    sign_in()
    with AtTerminal([sys.executable, "-m", "azid", "logout", "--all"], home.environ) as process:
        shown = process.read_until(b"[y/N]: ")
        process.write(typed)
        assert process.wait() == exit_code
    assert f"Sign out {ADA.username}?" in shown
    assert (left == []) is (exit_code == exit_codes.OK)
