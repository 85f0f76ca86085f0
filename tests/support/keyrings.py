"""Fixtures: a session bus of the test's own, and a keyring on one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import secretstorage

from tests.support.gnome_keyring import Bus, Keyring, start_bus, start_keyring

__all__ = ["bus", "keyring", "shared_keyring"]


@pytest.fixture
def bus(gnome_keyring: Path) -> Iterator[Bus]:
    """A session bus with nothing on it."""
    with start_bus() as started:
        yield started


@pytest.fixture(scope="session")
def shared_keyring(gnome_keyring: Path) -> Iterator[Keyring]:
    with start_bus() as bus, start_keyring(gnome_keyring, bus) as keyring:
        yield keyring


@pytest.fixture
def keyring(shared_keyring: Keyring) -> Iterator[Keyring]:
    """An unlocked, empty keyring. Leave it unlocked and running."""
    yield shared_keyring
    with shared_keyring.bus.connect() as connection:
        for item in secretstorage.Collection(connection).get_all_items():
            item.delete()
