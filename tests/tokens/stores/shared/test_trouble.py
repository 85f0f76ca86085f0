from __future__ import annotations

import pickle
import shutil
import stat
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msal_extensions import CrossPlatLock

from azid.clock import ManualClock
from azid.tokens.stores.file import FileItem
from azid.tokens.stores.shared import SharedTokenStore
from tests.tokens.stores.shared.conftest import LATER, PATIENCE, put, store_in


def set_aside(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.unreadable-*"))


GARBAGE = {
    "truncated": b'{"AccessToken": {"key": {"secret": "the-to',
    "garbage": b"\x00\xff\x80 nonsense",
    "a list": b'[{"secret": "the-token"}]',
    "a number": b"17",
    "a section of another type": b'{"AccessToken": ["the-token"]}',
    "too deep": b'{"a":' * 100_000,
    "a foreign encoding": '{"Account": {"zoë": {}}}'.encode("latin-1"),
}
every_garbage = pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)


@every_garbage
def test_what_makes_no_sense_is_set_aside_with_one_warning(
    store: SharedTokenStore, folder: Path, path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir()
    path.write_bytes(garbage)
    for _ in range(3):
        assert store.read(cae=False) == {}
    put(store, "signed in again")
    assert store_in(folder).read(cae=False) == {"Account": {"signed in again": {}}}
    [kept] = set_aside(folder)
    assert kept.read_bytes() == garbage
    assert sys.platform == "win32" or stat.S_IMODE(kept.stat().st_mode) == 0o600
    [message] = caplog.messages
    assert str(kept) in message
    assert "Sign in again" in message
    assert "the-to" not in caplog.text


@every_garbage
def test_what_makes_no_sense_is_found_by_a_writer(
    store: SharedTokenStore, folder: Path, path: Path, garbage: bytes
) -> None:
    folder.mkdir()
    path.write_bytes(garbage)
    put(store, "signed in")
    assert store.read(cae=False) == {"Account": {"signed in": {}}}
    assert [kept.read_bytes() for kept in set_aside(folder)] == [garbage]


def test_nothing_that_was_set_aside_is_overwritten(store: SharedTokenStore, folder: Path, path: Path) -> None:
    folder.mkdir()
    for number in range(3):
        path.write_text(str(number))
        assert store.read(cae=False) == {}
    assert {kept.read_text() for kept in set_aside(folder)} == {"0", "1", "2"}


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0", b"\n"])
def test_an_empty_file_holds_nothing(
    store: SharedTokenStore, folder: Path, path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir()
    path.write_bytes(content)
    assert store.read(cae=False) == {}
    put(store, "signed in")
    assert store.read(cae=False) == {"Account": {"signed in": {}}}
    assert set_aside(folder) == []
    assert caplog.messages == []


@pytest.mark.parametrize("half", [b"", b'{"Account": {"ol'])
def test_a_file_that_msal_is_writing_is_not_judged(
    store: SharedTokenStore, folder: Path, path: Path, half: bytes
) -> None:
    folder.mkdir()
    begun = threading.Event()

    def read() -> object:
        begun.set()
        return store.read(cae=False)

    with ThreadPoolExecutor() as executor:
        with CrossPlatLock(f"{path}.lockfile"):
            path.write_bytes(half)
            reading = executor.submit(read)
            assert begun.wait(PATIENCE)
            path.write_bytes(b'{"Account": {"old": {}}}')
        assert reading.result(PATIENCE) == {"Account": {"old": {}}}
    assert set_aside(folder) == []


def test_what_cannot_be_set_aside_is_passed_over_with_one_warning(
    folder: Path, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(FileItem):
        def set_aside(self, suffix: str) -> str | None:
            raise PermissionError("read-only")

    folder.mkdir()
    path.write_text("nonsense")
    clock = ManualClock(start=time.time() + LATER)
    store = SharedTokenStore({False: Stuck(path, clock), True: Stuck(path, clock)}, folder, "cache")
    assert store.read(cae=False) == store.read(cae=False) == {}
    [message] = caplog.messages
    assert "read-only" in message
    put(store, "signed in")
    assert store.read(cae=False) == {"Account": {"signed in": {}}}


def test_a_store_that_vanishes_while_in_use_is_made_anew(store: SharedTokenStore, folder: Path) -> None:
    put(store, "before")
    with store.refreshing("ada"):
        shutil.rmtree(folder)
        assert store.read(cae=False) == {}
        put(store, "after")
    assert store.read(cae=False) == {"Account": {"after": {}}}


def test_a_folder_that_is_replaced_while_in_use_is_used_as_it_is_then(store: SharedTokenStore, folder: Path) -> None:
    put(store, "before")
    folder.rename(folder.with_name("old"))
    other = folder.with_name("other")
    put(store_in(other), "restored")
    other.rename(folder)
    put(store, "after")
    assert store.read(cae=False) == {"Account": {"restored": {}, "after": {}}}


def test_where_nothing_can_be_written_only_writing_fails(folder: Path) -> None:
    folder.touch()  # not a folder
    clock = ManualClock()
    store = store_in(folder, clock=clock)
    assert store.read(cae=False) == {}
    with store.refreshing("ada"):
        pass
    with pytest.raises(OSError, match="folder"):
        put(store, "lost")
    assert clock.waits == []


def test_no_token_is_shown_or_pickled(store: SharedTokenStore) -> None:
    with store.transaction(cae=False) as document:
        document["AccessToken"] = {"key": {"secret": "the-token"}}
    store.read(cae=False)
    assert "the-token" not in repr(store)
    assert b"the-token" not in pickle.dumps(store)
    assert "cache.nocae" in repr(store)
