"""The Keychain's item, on a stand-in for MSAL's class: it shows how that is used, not how a Keychain behaves."""

from __future__ import annotations

import errno
import inspect
import os
import time
from pathlib import Path

import pytest
from msal_extensions import KeychainPersistence

from azid.tokens.store import TokenStore
from azid.tokens.stores.keychain import KeychainItem
from azid.tokens.stores.shared import SUFFIXES, SharedTokenStore
from tests.tokens.store_contract import TokenStoreContract

SERVICE = "Microsoft.Developer.IdentityService"


class KeychainError(OSError):
    """As `msal_extensions.osx.KeychainError`: without a number or a text of its own."""

    def __init__(self, exit_status: int) -> None:
        super().__init__()
        self.exit_status = exit_status


class Keychain:
    """Passwords by service and account; a call makes what `msal_extensions.KeychainPersistence` makes."""

    def __init__(self) -> None:
        self.passwords: dict[tuple[str, str], str] = {}
        self.refusal: int | None = None

    def __call__(self, signal_location: str, service_name: str, account_name: str) -> Persistence:
        return Persistence(self, Path(signal_location), (service_name, account_name))

    def check(self) -> None:
        if self.refusal is not None:
            raise KeychainError(self.refusal)


class Persistence:
    def __init__(self, keychain: Keychain, signal_file: Path, key: tuple[str, str]) -> None:
        self._keychain = keychain
        self._signal_file = signal_file
        self._key = key

    def load(self) -> str:
        self._keychain.check()
        if self._key not in self._keychain.passwords:
            raise OSError(errno.ENOENT, "Keychain persistence not initialized")
        return self._keychain.passwords[self._key]

    def save(self, content: str) -> None:
        self._keychain.check()
        self._keychain.passwords[self._key] = content
        self._signal_file.touch()


@pytest.fixture
def keychain() -> Keychain:
    return Keychain()


@pytest.fixture
def item(tmp_path: Path, keychain: Keychain) -> KeychainItem:
    return KeychainItem(tmp_path / "folder" / "cache", "MSALCache", persistence=keychain)


class TestSharedTokenStoreInAKeychain(TokenStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, keychain: Keychain) -> TokenStore:
        items = {
            cae: KeychainItem(tmp_path / "folder" / suffix, suffix, persistence=keychain)
            for cae, suffix in SUFFIXES.items()
        }
        return SharedTokenStore(items, tmp_path / "folder", "cache")


def test_msals_class_is_made_and_used_like_the_stand_in() -> None:
    for name in ("__init__", "load", "save"):
        theirs = inspect.signature(getattr(KeychainPersistence, name))
        ours = inspect.signature(Keychain.__call__ if name == "__init__" else getattr(Persistence, name))
        assert [*theirs.parameters] == [*ours.parameters]


def test_what_was_saved_is_loaded(item: KeychainItem, keychain: Keychain) -> None:
    assert item.load() is None
    assert item.version() is None
    item.save("zoë".encode())
    assert item.load() == "zoë".encode()
    assert keychain.passwords == {(SERVICE, "MSALCache"): "zoë"}
    assert "MSALCache" in item.description


def test_others_are_told_of_a_change(item: KeychainItem, tmp_path: Path) -> None:
    item.save(b"data")
    signal_file = tmp_path / "folder" / "cache"
    assert signal_file.stat().st_mtime > time.time()
    assert signal_file.read_bytes() == b""


def test_others_changes_are_noticed(item: KeychainItem, tmp_path: Path) -> None:
    item.save(b"data")
    signal_file = tmp_path / "folder" / "cache"
    before = item.version()
    os.utime(signal_file, (0, 0))
    assert item.version() is None or item.version() != before


def test_what_makes_no_sense_is_kept_under_another_account(item: KeychainItem, keychain: Keychain) -> None:
    assert item.set_aside(".unreadable-1") is None
    item.save(b"nonsense")
    kept = item.set_aside(".unreadable-1")
    assert kept is not None
    assert "MSALCache.unreadable-1" in kept
    assert keychain.passwords[SERVICE, "MSALCache.unreadable-1"] == "nonsense"


def test_a_refusal_is_explained(item: KeychainItem, keychain: Keychain) -> None:
    item.save(b"data")
    keychain.refusal = -128
    with pytest.raises(OSError, match="security error -128"):
        item.load()
    with pytest.raises(OSError, match="security error -128"):
        item.save(b"other")
