"""`azid accounts`: the list, and who is active."""

from __future__ import annotations

import json

from azid.cli import active_account, exit_codes
from azid.cli.usernames import usernames
from azid.emulator import Emulator
from tests.cli.conftest import Home, Invoke, SignIn
from tests.conftest import ADA, BOB, GRAPH

POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"


def listed(azid: Invoke, *arguments: str) -> list[tuple[str, str, bool]]:
    told = json.loads(azid("accounts", *arguments, "--output", "json").stdout)
    return [(account["username"], account["client_id"][:4], account["active"]) for account in told]


def test_everybody_in_the_cache_is_listed(sign_in: SignIn, azid: Invoke) -> None:
    sign_in(BOB, active=False, client_id=POWERSHELL)
    sign_in(BOB, active=False)
    sign_in(ADA)
    assert listed(azid) == [
        (ADA.username, "04b0", True),
        (BOB.username, "04b0", False),
        (BOB.username, "1950", False),
    ]
    assert listed(azid, "--client-id", POWERSHELL) == [(BOB.username, "1950", False)]
    lines = azid("accounts").stdout.splitlines()
    assert lines[0] == f"* {ADA.username}"
    assert lines[4] == f"  {BOB.username}"
    assert lines[9] == f"    application  {POWERSHELL} (Microsoft Azure PowerShell)"


def test_json_has_the_whole_record(sign_in: SignIn, azid: Invoke) -> None:
    record = sign_in()
    [account] = json.loads(azid("accounts", "-o", "json").stdout)
    assert account == {**record._asdict(), "authority": "127.0.0.1", "active": True}
    assert list(account) == [*record._fields, "active"]


def test_nobody(azid: Invoke) -> None:
    done = azid("accounts")
    assert (done.exit_code, done.stdout) == (exit_codes.OK, "")
    assert done.stderr == "Nobody is signed in here. Run: azid login\n"
    assert listed(azid) == []


def test_another_account_becomes_the_active_one(sign_in: SignIn, azid: Invoke, home: Home, entra: Emulator) -> None:
    sign_in(BOB)
    sign_in(ADA)
    token = azid("token", "--scope", GRAPH).stdout
    done = azid("accounts", "--use", BOB.username.title())
    assert done.exit_code == exit_codes.OK
    assert done.stderr == f"{BOB.username} is the active account now.\n"
    assert listed(azid) == [(ADA.username, "04b0", False), (BOB.username, "04b0", True)]
    assert azid("token", "--scope", GRAPH).stdout not in ("", token)
    # What was known of the authority holds for its other accounts, too: a refresh reaches it.
    active = active_account.load(home.environ)
    assert active is not None
    assert f"https://{active.record.authority}" == entra.authority
    assert (active.storage, active.disable_instance_discovery) == ("plaintext", True)
    assert azid("token", "--scope", "https://vault.azure.net/.default").exit_code == exit_codes.OK


def test_the_usual_application_is_meant(sign_in: SignIn, azid: Invoke) -> None:
    sign_in(BOB, active=False, client_id=POWERSHELL)
    sign_in(BOB, active=False)
    assert azid("accounts", "--use", BOB.username).exit_code == exit_codes.OK
    assert listed(azid) == [(BOB.username, "04b0", True), (BOB.username, "1950", False)]
    assert listed(azid, "--use", BOB.username, "--client-id", POWERSHELL) == [(BOB.username, "1950", True)]
    assert azid("accounts", "--use", BOB.username).exit_code == exit_codes.OK
    assert listed(azid)[1] == (BOB.username, "1950", True)


def test_an_account_is_also_known_by_its_id(sign_in: SignIn, azid: Invoke) -> None:
    record = sign_in(active=False)
    assert listed(azid, "--use", record.home_account_id) == [(ADA.username, "04b0", True)]


def test_whoever_is_not_signed_in_cannot_be_used(sign_in: SignIn, azid: Invoke) -> None:
    sign_in()
    done = azid("accounts", "--use", BOB.username, "-o", "json")
    assert (done.exit_code, done.stdout) == (exit_codes.SIGN_IN_NEEDED, "")
    error = json.loads(done.stderr)["error"]
    assert ADA.username in error["message"]
    assert error["remedy"] == f"azid login --login-hint {BOB.username}"
    assert listed(azid) == [(ADA.username, "04b0", True)]


def test_an_active_account_whose_tokens_are_gone_is_told(sign_in: SignIn, azid: Invoke, home: Home) -> None:
    sign_in()
    for file in (home.folder / ".IdentityService").glob("msal.cache*cae"):
        file.write_text("{}", encoding="utf-8")
    assert f"The active account, {ADA.username}, is not signed in here any more." in azid("accounts").stderr


def test_the_names_can_be_completed_afterwards(sign_in: SignIn, azid: Invoke, home: Home) -> None:
    sign_in(BOB)
    sign_in(ADA)
    assert usernames(home.environ) == []
    azid("accounts")
    assert usernames(home.environ) == [ADA.username, BOB.username]
    azid("logout", BOB.username)
    assert usernames(home.environ) == [ADA.username]
