from __future__ import annotations

import logging
from collections.abc import Hashable

import pytest

from azid.tokens.stores.encrypted_item import EncryptedItem
from azid.tokens.stores.item import UnreadableItemError

DATA = b'{"RefreshToken": {"key": {"secret": "the refresh token"}}}'


class InMemory:
    """An item in memory."""

    description = "the file in memory"

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.saves = 0

    def load(self) -> bytes | None:
        return self.data

    def save(self, data: bytes) -> None:
        self.data = data
        self.saves += 1

    def version(self) -> Hashable | None:
        return self.saves

    def set_aside(self, suffix: str) -> str | None:
        return f"aside{suffix}"


class Key:
    """A key in memory, and how many were made."""

    def __init__(self) -> None:
        self.key: bytes | None = None
        self.made = 0

    def read(self) -> bytes | None:
        return self.key

    def create(self) -> bytes:
        self.made += 1
        self.key = bytes([self.made]) * 32
        return self.key


@pytest.fixture
def inner() -> InMemory:
    return InMemory()


@pytest.fixture
def key() -> Key:
    return Key()


@pytest.fixture
def item(inner: InMemory, key: Key) -> EncryptedItem:
    return EncryptedItem(inner, "msal.cache.nocae", key)


def encrypted(inner: InMemory) -> bytes:
    assert inner.data is not None
    return inner.data


def test_there_is_nothing_at_first(item: EncryptedItem, key: Key) -> None:
    assert item.load() is None
    assert key.made == 0


@pytest.mark.parametrize("data", [DATA, b"", b"\0\xff" * 100_000])
def test_what_is_saved_is_loaded(item: EncryptedItem, data: bytes) -> None:
    item.save(data)
    assert item.load() == data


def test_nothing_of_it_is_in_the_clear(item: EncryptedItem, inner: InMemory, key: Key) -> None:
    item.save(DATA)
    assert b"refresh" not in encrypted(inner).lower()
    assert key.key is not None
    assert key.key not in encrypted(inner)


def test_one_key_is_made_and_each_save_looks_different(item: EncryptedItem, inner: InMemory, key: Key) -> None:
    saved = set()
    for _ in range(3):
        item.save(DATA)
        saved.add(encrypted(inner))
    assert key.made == 1
    assert len(saved) == 3


def test_another_process_reads_it(item: EncryptedItem, inner: InMemory, key: Key) -> None:
    item.save(DATA)
    assert EncryptedItem(inner, "msal.cache.nocae", key).load() == DATA


@pytest.mark.parametrize("now", [None, b"\x09" * 32], ids=["lost", "another"])
def test_without_its_key_there_is_no_data(
    item: EncryptedItem, inner: InMemory, key: Key, now: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    item.save(DATA)
    key.key = now
    with caplog.at_level(logging.INFO):
        assert item.load() is None
    assert "The key of the file in memory is lost" in caplog.text
    assert "Sign in again" in caplog.text
    item.save(b"new")
    assert item.load() == b"new"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:30],
        lambda data: data[:5],
        lambda data: b"",
        lambda data: data + b"\0",
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data[:15] + bytes([data[15] ^ 1]) + data[16:],
        lambda data: b"\x7f" + data[1:],
        lambda data: b'{"AccessToken": {}}',
    ],
    ids=["cut", "header", "stub", "empty", "longer", "tag", "nonce", "version", "plain"],
)
def test_damaged_data_is_unreadable(item: EncryptedItem, inner: InMemory, damage: object) -> None:
    item.save(DATA)
    inner.data = damage(inner.data)  # type: ignore[operator]
    with pytest.raises(UnreadableItemError) as caught:
        item.load()
    assert "token" not in str(caught.value)
    assert inner.saves == 1


def test_another_items_data_is_unreadable(item: EncryptedItem, inner: InMemory, key: Key) -> None:
    other = InMemory()
    EncryptedItem(other, "msal.cache.cae", key).save(DATA)
    inner.data = other.data
    with pytest.raises(UnreadableItemError):
        item.load()


def test_the_rest_is_the_other_items(item: EncryptedItem) -> None:
    assert item.description == "the file in memory"
    assert item.version() == 0
    item.save(DATA)
    assert item.version() == 1
    assert item.set_aside(".unreadable") == "aside.unreadable"
