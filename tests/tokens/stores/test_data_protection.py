"""The file under Windows' Data Protection API, on a stand-in for MSAL's class: it shows how that is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from azid.tokens.store import TokenStore
from azid.tokens.stores.data_protection import DataProtectionItem
from azid.tokens.stores.item import UnreadableItemError
from azid.tokens.stores.shared import SUFFIXES, SharedTokenStore
from tests.tokens.store_contract import TokenStoreContract


class Agent:
    """As `msal_extensions.windows.WindowsDataProtectionAgent`: it refuses what is not its own.

    :param person: whose Windows account it is.
    """

    def __init__(self, person: str = "ada") -> None:
        self._mark = f"for {person}:".encode()

    def protect(self, message: str) -> bytes:
        return self._mark + message.encode()[::-1]

    def unprotect(self, cipher_text: bytes) -> str:
        if not cipher_text.startswith(self._mark):
            raise OSError(None, "The data is invalid.", None, 13)
        return cipher_text[len(self._mark) :][::-1].decode()


class TestSharedTokenStoreUnderDataProtection(TokenStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> TokenStore:
        items = {
            cae: DataProtectionItem(tmp_path / "folder" / f"cache{suffix}", agent=Agent())
            for cae, suffix in SUFFIXES.items()
        }
        return SharedTokenStore(items, tmp_path / "folder", "cache")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "cache"


def test_what_is_in_the_file_is_encrypted(path: Path) -> None:
    item = DataProtectionItem(path, agent=Agent())
    assert item.load() is None
    item.save("zoë".encode())
    assert item.load() == "zoë".encode()
    assert path.read_bytes() == Agent().protect("zoë")
    assert item.description == str(path)


def test_what_another_person_encrypted_is_unreadable_and_set_aside_as_it_is(path: Path) -> None:
    DataProtectionItem(path, agent=Agent("bob")).save(b"bob's")
    item = DataProtectionItem(path, agent=Agent())
    with pytest.raises(UnreadableItemError, match="this Windows account"):
        item.load()
    kept = item.set_aside(".unreadable-1")
    assert kept is not None
    assert Path(kept).read_bytes() == Agent("bob").protect("bob's")
    assert item.load() is None


def test_an_empty_file_is_empty(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert DataProtectionItem(path, agent=Agent()).load() == b""
