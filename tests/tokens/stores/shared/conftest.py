"""A store in a folder of its own, as tools of one person share it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from azid.clock import ManualClock
from azid.tokens.store import TokenStore
from azid.tokens.stores.file import FileItem
from azid.tokens.stores.locks import lock_file
from azid.tokens.stores.shared import SUFFIXES, SharedTokenStore

PATIENCE = 20  # seconds
LATER = 100.0  # seconds


def refuse(descriptor: int) -> None:
    """A network file system without locks."""
    raise OSError(errno.ENOLCK, "No locks available")


def store_in(folder: Path, *, clock: ManualClock | None = None, refusing: bool = False) -> SharedTokenStore:
    items = {cae: FileItem(folder / f"cache{suffix}") for cae, suffix in SUFFIXES.items()}
    return SharedTokenStore(items, folder, "cache", clock=clock, lock=refuse if refusing else lock_file)


def put(store: TokenStore, key: str) -> None:
    with store.transaction(cae=False) as document:
        document.setdefault("Account", {})[key] = {}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "folder"


@pytest.fixture
def path(folder: Path) -> Path:
    """The document without CAE."""
    return folder / "cache.nocae"


@pytest.fixture
def store(folder: Path) -> SharedTokenStore:
    return store_in(folder)
