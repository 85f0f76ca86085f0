"""azid and the real azure-identity on one person's cache, each in processes of its own environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from azid.emulator import Client, Emulator, User
from azid.emulator.proxy import ConnectProxy
from tests.test_import import ONLY_FOR_A_SIGN_IN

if sys.platform != "linux":
    pytest.skip("plain files are Linux's way, and the others' would be the real ones", allow_module_level=True)

PROGRAM = Path(__file__).with_name("program.py")
LOGIN = "login.microsoftonline.com"
PATIENCE = 120  # seconds
PASSWORD = "a pass phrase"
APP, SECRET = "6e74172b-be56-4843-9ff4-e66a39bb12e3", "a client secret"
ADA, BOB = (User(f"{name}@contoso.example", password=PASSWORD) for name in ("ada", "bob"))
AT_ONCE = 6  # sign-ins of each library

LIBRARIES = ["azid", "azure.identity"]
both_ways = pytest.mark.parametrize(("one", "other"), [LIBRARIES, LIBRARIES[::-1]], ids=LIBRARIES)
each_mode = pytest.mark.parametrize("mode", ["cae", "nocae"])


@dataclass(frozen=True)
class Machine:
    """A person's machine: a home, two environments, and a way to the authority."""

    entra: Emulator
    azure_identity: Path
    home: Path
    environment: dict[str, str]

    def run(self, library: str, *arguments: str) -> list[str]:
        """Run the program on a library and return its output's lines."""
        python = sys.executable if library == "azid" else self.azure_identity
        done = subprocess.run(
            [python, PROGRAM, library, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def sign_in(self, library: str, mode: str, *people: User) -> list[str]:
        """Sign people in; return their records."""
        return self.run(library, "sign-in", mode, *(text for user in people for text in (user.username, PASSWORD)))

    def silent(self, library: str, mode: str, *record: str) -> str:
        """Return the token that a new process gets silently, or the name of its error; forget earlier requests."""
        self.entra.clear_log()
        token, modules = self.run(library, "silent", mode, *record)
        if library == "azid" and not self.entra.requests:
            assert ONLY_FOR_A_SIGN_IN.isdisjoint(modules.split())
        return token

    def endpoints(self) -> list[str]:
        """Return what the authority was asked for, oldest first."""
        return [request.endpoint for request in self.entra.requests]

    def cache(self, mode: str) -> Path:
        return self.home / ".IdentityService" / f"msal.cache.{mode}"

    def section(self, mode: str, name: str) -> list[dict[str, str]]:
        """Return the entries of a section of the cache."""
        return list(json.loads(self.cache(mode).read_text()).get(name, {}).values())


@pytest.fixture
def people() -> list[User]:
    return [User(f"{number}@contoso.example", password=PASSWORD) for number in range(2 * AT_ONCE)]


@pytest.fixture
def machine(azure_identity: Path, tmp_path: Path, people: list[User]) -> Iterator[Machine]:
    unset = re.compile(r"(?i)(AZURE_|MSAL_|DBUS_|XDG_|.*_PROXY$|CURL_CA_BUNDLE$|PYTHON)")
    application = Client(APP, public=False, secrets=(SECRET,))
    with Emulator(users=[ADA, BOB, *people], clients=[application]) as entra:
        port = int(entra.authority.rpartition(":")[2])
        with ConnectProxy({f"{LOGIN}:443": port}) as proxy:
            environment = {
                **{name: value for name, value in os.environ.items() if not unset.match(name)},
                "HTTPS_PROXY": proxy.url,
                "REQUESTS_CA_BUNDLE": str(entra.ca_file),
                "HOME": str(tmp_path),
            }
            yield Machine(entra, azure_identity, tmp_path, environment)


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
    application = (machine.entra.tenant_id, APP, SECRET)
    [token] = machine.run(one, "application", mode, *application)
    machine.entra.clear_log()
    assert machine.run(other, "application", mode, *application) == [token]
    assert "token" not in machine.endpoints()


@each_mode
@both_ways
def test_a_sign_in_that_tools_share_serves_the_other_library(machine: Machine, one: str, other: str, mode: str) -> None:
    machine.sign_in(one, mode, ADA)
    [stored] = [token["secret"] for token in machine.section(mode, "AccessToken")]
    assert machine.run(other, "shared", mode) == [stored]
    machine.sign_in(one, mode, BOB)
    assert machine.run(other, "shared", mode) == ["CredentialUnavailableError"]
    assert machine.run(other, "shared", mode, ADA.username) == [stored]


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
