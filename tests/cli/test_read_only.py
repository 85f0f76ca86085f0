"""Folders that cannot be written to: what each command says of it, and what it does all the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azid.cli import active_account, exit_codes
from tests.cli.conftest import PATIENCE, Completed, Home, Invoke, SignIn
from tests.conftest import ADA, BOB, GRAPH

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="root obeys a folder's mode on Linux only")

Obedient = Callable[..., Completed]


@pytest.fixture
def lock(home: Home) -> Iterator[Callable[[Path], None]]:
    """Takes the right to write to a folder away, until the test's end."""
    locked: list[Path] = []

    def take_away(folder: Path) -> None:
        folder.chmod(0o500)
        locked.append(folder)

    yield take_away
    for folder in locked:
        folder.chmod(0o700)


@pytest.fixture
def obedient(home: Home) -> Obedient:
    """Runs `azid` in a process that obeys the modes of folders, as root does only without its capabilities."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        assert setpriv is not None, "setpriv of util-linux is missing"
        prefix = [setpriv, "--bounding-set=-dac_override,-dac_read_search"]

    def run(*arguments: str) -> Completed:
        done = subprocess.run(
            [*prefix, sys.executable, "-m", "azid", *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=home.environ,
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    return run


def test_nobody_is_asked_where_nothing_can_be_kept(
    obedient: Obedient, lock: Callable[[Path], None], home: Home, at_entra: tuple[str, ...]
) -> None:
    lock(home.folder)
    done = obedient("login", "--device-code", "--scope", GRAPH, *at_entra)
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert f"Sign-ins cannot be kept here: [Errno 13] Permission denied: '{home.folder}" in done.stderr
    assert done.stderr.endswith("Run:   azid doctor\n")


def test_the_doctor_names_the_folder(obedient: Obedient, lock: Callable[[Path], None], home: Home) -> None:
    home.environ["HOME"] = str(home.folder / "of" / "somebody")
    lock(home.folder)
    done = obedient("doctor", "--offline", "--output", "json")
    assert done.exit_code == exit_codes.FAILED
    [finding] = [finding for finding in json.loads(done.stdout)["storage"] if finding["subject"] == "folder"]
    assert finding["verdict"] == "problem"
    assert finding["found"].startswith(f"{home.folder} cannot be written to")


def test_another_active_account(obedient: Obedient, lock: Callable[[Path], None], home: Home, sign_in: SignIn) -> None:
    sign_in(BOB)
    sign_in(ADA)
    lock(home.settings)
    done = obedient("accounts", "--use", BOB.username)
    assert (done.exit_code, done.stdout) == (exit_codes.FAILED, "")
    assert f"{BOB.username} cannot be made the active account" in done.stderr
    assert "AZID_CONFIG_DIR" in done.stderr


def test_who_signs_out_is_signed_out(
    obedient: Obedient, lock: Callable[[Path], None], home: Home, sign_in: SignIn, azid: Invoke
) -> None:
    sign_in()
    lock(home.settings)
    done = obedient("logout")
    assert done.exit_code == exit_codes.OK
    assert f"Signed out {ADA.username}" in done.stderr
    assert "Warning: the active account's record stays: [Errno 13]" in done.stderr
    assert active_account.load(home.environ) is not None
    assert azid("token", "--scope", GRAPH).exit_code == exit_codes.SIGN_IN_NEEDED
