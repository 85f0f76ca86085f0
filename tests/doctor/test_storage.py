from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from azid.doctor import Finding, Verdict
from azid.doctor.storage import check_cache, check_storage

if TYPE_CHECKING:
    from tests.support.gnome_keyring import Bus, Keyring

pytest_plugins = ["tests.support.keyrings"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system keeps tokens")

NOW = 1_767_225_600
ACCOUNT = {"home_account_id": "ada.home", "environment": "login.microsoftonline.com", "username": "ada@contoso.example"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / ".IdentityService"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def environ(folder: Path) -> dict[str, str]:
    return {"HOME": str(folder.parent)}


def about(found: list[Finding], subject: str) -> Finding:
    [finding] = [finding for finding in found if finding.subject == subject]
    return finding


def write(folder: Path, content: str) -> Path:
    file = folder / "msal.cache.nocae"
    file.write_text(content)
    file.chmod(0o600)
    return file


def looked_into(environ: dict[str, str]) -> list[Finding]:
    return [*check_cache("plaintext", environ=environ, now=lambda: NOW)]


def test_without_a_bus_there_is_no_keyring(environ: dict[str, str]) -> None:
    found = [*check_storage(environ=environ)]
    assert "there is no D-Bus session bus" in about(found, "keyring").found
    assert about(found, "keyring").verdict is not Verdict.OK


def test_a_keyring_is_found(keyring: Keyring, environ: dict[str, str]) -> None:
    found = [*check_storage(environ={**environ, "DBUS_SESSION_BUS_ADDRESS": keyring.bus.address})]
    assert about(found, "keyring").verdict is Verdict.OK


def test_a_bus_without_a_keyring_is_told(bus: Bus, environ: dict[str, str]) -> None:
    found = [*check_storage(environ={**environ, "DBUS_SESSION_BUS_ADDRESS": bus.address})]
    assert about(found, "keyring").verdict is not Verdict.OK


@pytest.mark.parametrize(("platform", "told"), [("win32", "DPAPI"), ("darwin", "Keychain")])
def test_elsewhere_the_system_encrypts(platform: str, told: str, folder: Path) -> None:
    assert told in about([*check_storage(platform=platform, environ={}, folder=folder)], "encryption").found


def test_a_folder_that_is_not_there_yet_is_fine(tmp_path: Path, environ: dict[str, str]) -> None:
    finding = about([*check_storage(environ={"HOME": str(tmp_path / "other")}, folder=tmp_path / "new")], "folder")
    assert finding.verdict is Verdict.OK
    assert "will be made" in finding.found


def test_a_folder_that_others_can_look_into_is_told(folder: Path, environ: dict[str, str]) -> None:
    write(folder, "{}").chmod(0o644)
    finding = about([*check_storage(environ=environ)], "folder")
    assert finding.verdict is Verdict.WARNING
    assert finding.remedy == f"chmod -R go= {folder}"


def test_no_home_is_a_problem() -> None:
    finding = about([*check_storage(platform="win32", environ={})], "folder")
    assert finding.verdict is Verdict.PROBLEM
    assert "LOCALAPPDATA" in finding.found


def test_accounts_and_expired_tokens_are_counted(folder: Path, environ: dict[str, str]) -> None:
    token = {"client_id": "app", "home_account_id": "ada.home", "environment": "login.microsoftonline.com"}
    document = {
        "Account": {"a": ACCOUNT},
        "RefreshToken": {"r": {**token, "secret": "the-refresh-token"}},
        "AccessToken": {
            "1": {**token, "secret": "the-access-token", "expires_on": str(NOW - 1)},
            "2": {**token, "secret": "another", "expires_on": str(NOW + 1)},
        },
    }
    write(folder, json.dumps(document))
    found = looked_into(environ)
    assert "1 account, 2 access tokens, 1 of them expired" in about(found, "cache").found
    assert "the-" not in str(found)


def test_a_damaged_cache_is_told_and_left_where_it_is(folder: Path, environ: dict[str, str]) -> None:
    file = write(folder, '{"AccessToken": {"cut')
    assert about(looked_into(environ), "cache").verdict is Verdict.PROBLEM
    assert [*folder.iterdir()] == [file]
    assert file.read_text() == '{"AccessToken": {"cut'


def test_a_lock_of_a_dead_process_is_told(folder: Path, environ: dict[str, str]) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lock = folder / "msal.cache.nocae.lockfile"
    lock.write_text(f"{ended.pid} python")
    finding = about(looked_into(environ), "lock")
    assert (finding.verdict, finding.remedy) == (Verdict.WARNING, f"rm {lock}")


def test_what_was_set_aside_is_told(folder: Path, environ: dict[str, str]) -> None:
    (folder / "msal.cache.nocae.unreadable-20260101T000000Z-01").write_text("?")
    assert about(looked_into(environ), "damaged cache").verdict is Verdict.WARNING


def test_a_keyring_that_is_locked_is_not_unlocked_to_look(environ: dict[str, str]) -> None:
    [finding] = check_cache("keyring", environ=environ)
    assert finding.verdict is Verdict.NOTE
    assert "was not looked into" in finding.found
