"""azid and the real azure-identity on one person's cache, each in processes of its own environment."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from azid.emulator import User
from tests.interop.conftest import ADA, APPLICATION, AT_ONCE, BOB, PATIENCE, SECRET, Machine

if sys.platform != "linux":
    pytest.skip("plain files are Linux's way, and the others' would be the real ones", allow_module_level=True)

LIBRARIES = ["azid", "azure.identity"]
both_ways = pytest.mark.parametrize(("one", "other"), [LIBRARIES, LIBRARIES[::-1]], ids=LIBRARIES)
each_mode = pytest.mark.parametrize("mode", ["cae", "nocae"])


def test_the_other_library_is_microsofts(machine: Machine) -> None:
    program = "import azure.identity; print(azure.identity.__version__)"
    done = subprocess.run([machine.azure_identity, "-c", program], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"[\d.]+", done.stdout.strip())


@each_mode
def test_azid_is_silent_where_azure_identity_signed_in(machine: Machine, mode: str) -> None:
    [record] = machine.sign_in("azure.identity", mode, ADA)
    stored = {token["secret"] for token in machine.section(mode, "AccessToken")}
    with_record = machine.silent("azid", mode, record)
    assert machine.endpoints() == []
    without_record = machine.silent("azid", mode)
    assert machine.endpoints() == []
    assert {with_record, without_record} <= stored


@each_mode
def test_azure_identity_is_silent_where_azid_signed_in(machine: Machine, mode: str) -> None:
    [record] = machine.sign_in("azid", mode, ADA)
    stored = {token["secret"] for token in machine.section(mode, "AccessToken")}
    token = machine.silent("azure.identity", mode, record)
    assert "token" not in machine.endpoints()
    assert token in stored


@each_mode
@both_ways
def test_an_applications_token_serves_the_other_library(machine: Machine, one: str, other: str, mode: str) -> None:
    application = (machine.entra.tenant_id, APPLICATION.client_id, SECRET)
    [token] = machine.run(one, "application", mode, *application)
    machine.entra.clear_log()
    assert machine.run(other, "application", mode, *application) == [token]
    assert "token" not in machine.endpoints()


@each_mode
@both_ways
def test_a_sign_in_that_tools_share_serves_the_other_library(machine: Machine, one: str, other: str, mode: str) -> None:
    options = {"options": {"enable_cae": mode == "cae"}}
    machine.sign_in(one, mode, ADA)
    [stored] = [token["secret"] for token in machine.section(mode, "AccessToken")]
    adas = {"kind": "token", "token": stored}
    assert machine.shared(other, options) == [adas]
    machine.sign_in(one, mode, BOB)
    anybodys, named = machine.shared(other, options, {"username": ADA.username, **options})
    assert anybodys["kind"] == "unavailable"
    assert named == adas


@both_ways
def test_a_sign_in_of_the_other_leaves_nothing_out(machine: Machine, one: str, other: str) -> None:
    [ada] = machine.sign_in(one, "nocae", ADA)
    [bob] = machine.sign_in(other, "nocae", BOB)
    for record in (ada, bob):
        # Microsoft's library does not find its own sign-in's access token by the record, and redeems a refresh token.
        theirs = machine.silent("azure.identity", "nocae", record)
        ours = machine.silent("azid", "nocae", record)
        assert machine.endpoints() == []
        assert {theirs, ours} <= {token["secret"] for token in machine.section("nocae", "AccessToken")}


def test_with_several_accounts_azid_asks_rather_than_guesses(machine: Machine) -> None:
    machine.sign_in("azure.identity", "nocae", ADA, BOB)
    assert machine.silent("azid", "nocae") == "AuthenticationRequiredError"
    assert machine.endpoints() == []


@each_mode
def test_when_both_sign_people_in_at_once_nothing_is_lost(machine: Machine, people: list[User], mode: str) -> None:
    with ThreadPoolExecutor() as executor:
        ours = executor.submit(machine.sign_in, "azid", mode, *people[:AT_ONCE])
        theirs = executor.submit(machine.sign_in, "azure.identity", mode, *people[AT_ONCE:])
        assert len(ours.result(PATIENCE)) == len(theirs.result(PATIENCE)) == AT_ONCE
    expected = {f"{user.object_id}.{user.tenant_id}" for user in people}
    for section in ("AccessToken", "RefreshToken", "IdToken", "Account"):
        assert {entry["home_account_id"] for entry in machine.section(mode, section)} == expected
    assert sorted(path.name for path in machine.cache(mode).parent.iterdir()) == [".azid", machine.cache(mode).name]


def test_a_lock_file_that_a_dead_program_left_stops_neither(machine: Machine) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(PATIENCE)
    lock = Path(f"{machine.cache('nocae')}.lockfile")
    lock.parent.mkdir()
    lock.write_text(f"{process.pid} program")
    machine.sign_in("azid", "nocae", ADA)
    assert not lock.exists()
    machine.sign_in("azure.identity", "nocae", BOB)
    assert len(machine.section("nocae", "RefreshToken")) == 2
