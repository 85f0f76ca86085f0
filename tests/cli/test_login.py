"""`azid login`: in the browser, on a pipe and where nobody is, against an authority that listens."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Literal

import pytest

from azid import AuthenticationRecord
from azid.cli import exit_codes
from azid.cli.login import as_json, describe, where_kept
from azid.cli.pointing import Pointers
from azid.cli.signing_in import SignedIn
from azid.emulator import Emulator, Person, User
from tests.cli.conftest import PATIENCE, GiveBrowser, Home, Invoke, RunAzid, SignIn, StartAzid, code_in
from tests.conftest import ADA, BOB, GRAPH

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither such browsers as these nor a Ctrl-C for one process"
)

PersonFor = Callable[[User], Person]


def read_prompt(process: subprocess.Popen[str]) -> str:
    """Return what the command says on its way to the code, and of that the last line."""
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if line.startswith("You have"):
            return told
    raise AssertionError(f"there is no code in:\n{told}")


def read_rest(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what the command says after that, on standard output and standard error."""
    assert process.stdout is not None
    assert process.stderr is not None
    stderr = process.stderr.read()
    process.wait(PATIENCE)
    return process.stdout.read(), stderr


# --- In the browser


def test_json_alone_is_on_standard_output(
    run_azid: RunAzid, at_graph: tuple[str, ...], browser_of: GiveBrowser, entra: Emulator
) -> None:
    browser_of(ADA)
    done = run_azid("login", "--browser", "--output", "json", *at_graph)
    assert done.exit_code == exit_codes.OK
    answer = json.loads(done.stdout)
    expires_on, expires = answer.pop("expires_on"), answer.pop("expires")
    assert answer == {
        "username": ADA.username,
        "tenant_id": ADA.tenant_id,
        "client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "authority": entra.authority.removeprefix("https://"),
        "home_account_id": f"{ADA.object_id}.{ADA.tenant_id}",
        "storage": "plaintext",
    }
    assert expires_on > time.time()
    assert expires.endswith("Z")
    assert "\x1b" not in done.stderr


def test_it_signs_in_anew_and_the_other_commands_follow(
    run_azid: RunAzid, at_graph: tuple[str, ...], browser_of: GiveBrowser, sign_in: SignIn, azid: Invoke
) -> None:
    sign_in(BOB)
    browser_of(ADA)
    done = run_azid("login", "--browser", *at_graph)
    assert done.exit_code == exit_codes.OK
    assert azid("token", "--scope", GRAPH).exit_code == exit_codes.OK
    assert azid("whoami", "--scope", GRAPH).stdout.startswith(ADA.username)


def test_a_browser_that_was_asked_for_and_does_not_open_is_a_failure(
    run_azid: RunAzid, at_graph: tuple[str, ...], home: Home
) -> None:
    home.environ["BROWSER"] = "false"
    done = run_azid("login", "--browser", *at_graph)
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert done.stderr.endswith("Error: No browser could be opened on this machine.\nRun:   azid login --device-code\n")


# --- Where nobody is


def test_without_a_terminal_it_fails_at_once(azid: Invoke, at_graph: tuple[str, ...], entra: Emulator) -> None:
    for more in ((), ("--no-browser",), ("--no-browser", "--port", "8400")):
        done = azid("login", *more, *at_graph, DISPLAY=":0")
        assert done.exit_code == exit_codes.UNAVAILABLE
        assert "There is no terminal here" in done.stderr
        assert done.stderr.endswith("Run:   azid login --device-code\n")
        assert done.stdout == ""
    assert entra.requests == []


def test_a_code_that_was_asked_for_goes_to_a_pipe_in_plain_lines(
    start_azid: StartAzid, at_graph: tuple[str, ...], person_for: PersonFor
) -> None:
    process = start_azid("login", "--device-code", "--login-hint", BOB.username, "--output", "json", *at_graph)
    told = read_prompt(process)
    assert "Sign in as bob@contoso.example." in told.splitlines()
    assert "You have 5 min." in told  # nobody may be there: not as long as the code lasts
    person_for(ADA).enter_code(*code_in(told))
    stdout, rest = read_rest(process)
    assert process.returncode == exit_codes.OK
    assert json.loads(stdout)["username"] == ADA.username
    assert rest == "\nIt is ada@contoso.example who signed in, not bob@contoso.example.\n"
    assert "\x1b" not in told + rest
    assert "\r" not in told + rest
    assert "Waiting" not in told + rest


def test_nobody_is_waited_for_longer_than_was_said(run_azid: RunAzid, at_graph: tuple[str, ...]) -> None:
    done = run_azid("login", "--device-code", "--timeout", "1", "--output", "json", *at_graph)
    assert done.exit_code == exit_codes.FAILED
    assert "You have 1 s." in done.stderr.splitlines()
    error = json.loads(done.stderr[done.stderr.index("{") :])["error"]
    assert error["message"] == "The sign-in timed out: nobody entered the device code within 1 seconds."


def test_a_signal_ends_it_without_a_terminal_too(start_azid: StartAzid, at_graph: tuple[str, ...]) -> None:
    process = start_azid("login", "--device-code", *at_graph)
    read_prompt(process)
    process.send_signal(signal.SIGINT)
    _, rest = read_rest(process)
    assert process.returncode == exit_codes.INTERRUPTED
    assert "Traceback" not in rest


def test_the_line_that_the_emulator_prints_signs_in(
    start_azid: StartAzid, run_azid: RunAzid, home: Home, entra: Emulator, person_for: PersonFor
) -> None:
    pointers = Pointers(entra, [ADA], None, None)
    home.environ.update(pointers.environment())
    [printed] = re.findall(r"  azid (login .*)", pointers.as_text())
    process = start_azid(*printed.split(), "--device-code")
    person_for(ADA).enter_code(*code_in(read_prompt(process)))
    read_rest(process)
    assert process.returncode == exit_codes.OK
    scope = printed.split("--scope ")[1]
    assert run_azid("token", "--scope", scope).exit_code == exit_codes.OK


# --- What goes wrong


def test_storage_that_cannot_be_had_is_told_before_anybody_is_asked(
    azid: Invoke, at_graph: tuple[str, ...], entra: Emulator, home: Home
) -> None:
    done = azid("login", "--device-code", "--storage", "keyring", *at_graph)
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "--storage plaintext" in done.stderr
    blocked = home.folder / ".IdentityService"
    blocked.write_text("a file is where the folder should be")
    done = azid("login", "--device-code", *at_graph)
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "Error: Sign-ins cannot be kept here: " in done.stderr
    assert str(blocked) in done.stderr
    assert entra.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--device-code", "--browser"),
        ("--device-code", "--port", "8400"),
        ("--port", "0"),
        ("--timeout", "0"),
        ("--claims", "no JSON"),
        ("--device-code", "--tenant", "not a tenant"),
        ("--device-code", "--client-id", ""),
        ("--device-code", "--scope", "openid"),
        ("--device-code", "--authority", "http://login.microsoftonline.com"),
    ],
)
def test_malformed_options_are_told(azid: Invoke, arguments: tuple[str, ...]) -> None:
    done = azid("login", *arguments)
    assert done.exit_code == exit_codes.USAGE
    assert "Error: " in done.stderr


def test_an_unknown_cloud_needs_a_scope(azid: Invoke, at_entra: tuple[str, ...], entra: Emulator) -> None:
    done = azid("login", "--device-code", *at_entra)
    assert done.exit_code == exit_codes.USAGE
    assert "pass --scope" in done.stderr
    assert entra.requests == []


def test_the_usual_cloud_needs_none(run_azid: RunAzid) -> None:
    login = (sys.executable, "-m", "azid", "login", "--device-code", "--timeout", "1")
    done = run_azid("emulator", "--proxy", "--", *login)
    assert done.exit_code == exit_codes.FAILED
    assert "You have 1 s." in done.stderr.splitlines()
    assert "timed out" in done.stderr


def test_settings_that_cannot_be_written_leave_the_sign_in(
    run_azid: RunAzid, at_graph: tuple[str, ...], browser_of: Callable[..., Person], home: Home
) -> None:
    browser_of(ADA)
    home.environ["AZID_CONFIG_DIR"] = "/dev/null/settings"
    done = run_azid("login", "--browser", *at_graph)
    assert done.exit_code == exit_codes.FAILED
    assert "Error: ada@contoso.example is signed in, but cannot be made the active account" in done.stderr


@pytest.mark.parametrize("terms", [("deny", None, "declined"), ("approve", 53003, "--browser")])
def test_a_refusal_is_explained(
    start_azid: StartAzid,
    at_graph: tuple[str, ...],
    entra: Emulator,
    terms: tuple[Literal["approve", "deny"], int | None, str],
) -> None:
    then, code, told = terms
    if code is not None:
        entra.refuse(ADA.username, code)
    process = start_azid("login", "--device-code", *at_graph)
    Person(ADA.username, ADA.password, then=then).enter_code(*code_in(read_prompt(process)))
    stdout, rest = read_rest(process)
    assert process.returncode == exit_codes.FAILED
    assert told in rest
    assert stdout == ""


def test_where_sign_ins_are_kept_is_said_in_words(azid: Invoke, home: Home) -> None:
    assert where_kept("keyring", platform="darwin") == "the Keychain"
    assert where_kept("plaintext", platform="darwin") == "the Keychain"
    assert where_kept("auto", platform="win32") == "a file that Windows encrypts"
    assert where_kept("kernel-keyring", platform="linux") == "a file that a key of the kernel encrypts"
    assert where_kept("keyring", platform="linux") == "the keyring"


RECORD = AuthenticationRecord(
    "t", "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "login.microsoftonline.com", "o.t", "ada\x1b"
)


def test_a_name_is_no_command_for_the_terminal() -> None:
    assert "\x1b" not in describe(SignedIn(RECORD, 1_700_000_000), "the keyring", now=1_700_000_000)


def test_a_token_that_has_expired_already_is_not_spoken_of() -> None:
    signed_in = SignedIn(RECORD, None)
    assert "until" not in describe(signed_in, "the keyring", now=0)
    assert as_json(signed_in, "keyring")["expires"] is None
