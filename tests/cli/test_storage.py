"""Where the command looks for sign-ins."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from azid.cli import exit_codes
from azid.cli.storage import STORAGES, settled_storage
from tests.cli.conftest import Home, Invoke, RunAzid, SignIn
from tests.conftest import GRAPH
from tests.support.gnome_keyring import start_bus, start_keyring


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_the_system_s_own_way_is_taken(platform: str) -> None:
    assert settled_storage("auto", platform=platform) == "keyring"


@pytest.mark.parametrize("storage", [storage for storage in STORAGES if storage != "auto"])
def test_what_was_chosen_stays(storage: str) -> None:
    assert settled_storage(storage, platform="linux") == storage


def test_where_the_active_account_s_sign_in_is_needs_no_word(sign_in: SignIn, azid: Invoke) -> None:
    sign_in()
    assert azid("token", "--scope", GRAPH, AZID_STORAGE=None).exit_code == exit_codes.OK


def test_an_unknown_storage(azid: Invoke) -> None:
    assert azid("token", AZID_STORAGE="floppy").exit_code == exit_codes.USAGE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has keyrings that may be missing")
class TestKeyrings:
    def test_a_keyring_is_found(self, home: Home, gnome_keyring: Path, run_azid: RunAzid) -> None:
        with start_bus() as bus, start_keyring(gnome_keyring, bus):
            done = run_azid("accounts", DBUS_SESSION_BUS_ADDRESS=bus.address, AZID_STORAGE="auto")
        assert done.exit_code == exit_codes.OK
        assert not list(home.folder.rglob("*.encrypted"))

    def test_a_keyring_that_is_not_there(self, azid: Invoke, tmp_path: Path) -> None:
        nowhere = f"unix:path={tmp_path / 'bus'}"
        done = azid("accounts", DBUS_SESSION_BUS_ADDRESS=nowhere, AZID_STORAGE="keyring")
        assert (done.exit_code, done.stdout) == (exit_codes.UNAVAILABLE, "")
        assert "The keyring cannot be used" in done.stderr
        assert "--storage kernel-keyring" in done.stderr
        assert "--storage plaintext" in done.stderr
        assert "TokenCachePersistenceOptions" not in done.stderr

    def test_without_a_keyring_the_kernel_keeps_the_key(self, run_azid: RunAzid, tmp_path: Path) -> None:
        nowhere = f"unix:path={tmp_path / 'bus'}"
        done = run_azid("accounts", DBUS_SESSION_BUS_ADDRESS=nowhere, AZID_STORAGE="auto")
        if done.exit_code == exit_codes.UNAVAILABLE:  # as in most containers
            assert done.stderr.startswith("Error: There is no keyring here.")
        else:
            assert (done.exit_code, done.stdout) == (exit_codes.OK, "")

    def test_a_home_that_cannot_be_found(self, azid: Invoke) -> None:
        done = azid("accounts", HOME="relative")
        assert done.exit_code == exit_codes.UNAVAILABLE
        assert "set the environment variable HOME" in done.stderr
        assert "--storage" not in done.stderr  # a plain file has no place either
        assert "cache_persistence_options" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="Windows encrypts always")
def test_that_nothing_is_encrypted_is_not_said_by_every_command(sign_in: SignIn, run_azid: RunAzid) -> None:
    sign_in()
    assert run_azid("token", "--scope", GRAPH).stderr == ""
    assert "without being encrypted" in run_azid("token", "--scope", GRAPH, "--verbose").stderr
