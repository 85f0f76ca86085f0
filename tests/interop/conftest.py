"""A person's machine, on which azid and the real azure-identity meet."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from azid.emulator import Client, Emulator, User
from azid.emulator.proxy import ConnectProxy
from tests.test_import import ONLY_FOR_A_SIGN_IN

PROGRAM = Path(__file__).with_name("program.py")
LOGIN = "login.microsoftonline.com"
PATIENCE = 120  # seconds
PASSWORD = "a pass phrase"
SECRET = "a client secret"
APPLICATION = Client("6e74172b-be56-4843-9ff4-e66a39bb12e3", public=False, secrets=(SECRET,))
ADA, BOB = (User(f"{name}@contoso.example", password=PASSWORD) for name in ("ada", "bob"))
AT_ONCE = 6  # sign-ins of each library


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

    def shared(self, library: str, *cases: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what comes of asking the shared cache in each case; forget earlier requests."""
        self.entra.clear_log()
        [printed] = self.run(library, "shared", json.dumps(cases))
        outcomes: list[dict[str, Any]] = json.loads(printed)
        return outcomes

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
    with Emulator(users=[ADA, BOB, *people], clients=[APPLICATION]) as entra:
        port = int(entra.authority.rpartition(":")[2])
        with ConnectProxy({f"{LOGIN}:443": port}) as proxy:
            environment = {
                **{name: value for name, value in os.environ.items() if not unset.match(name)},
                "HTTPS_PROXY": proxy.url,
                "REQUESTS_CA_BUNDLE": str(entra.ca_file),
                "HOME": str(tmp_path),
            }
            yield Machine(entra, azure_identity, tmp_path, environment)
