from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msal_extensions import CrossPlatLock, FilePersistence

from azid.clock import ManualClock
from azid.tokens.stores.shared import SharedTokenStore
from tests.support.forked import needs_fork
from tests.tokens.store_contract import in_process, told
from tests.tokens.stores.shared.conftest import PATIENCE, put, store_in

DEATHS = 40


def test_what_others_keep_there_stays(store: SharedTokenStore, path: Path) -> None:
    theirs = {"AccessToken": {"theirs": {"secret": "ü", "unknown": [1]}}, "Unknown": {"a": 1}, "version": 2}
    path.parent.mkdir()
    path.write_text(json.dumps(theirs, indent=4))
    put(store, "ours")
    assert json.loads(path.read_text()) == {**theirs, "Account": {"ours": {}}}


def test_nothing_is_written_where_nothing_changed(store: SharedTokenStore, path: Path) -> None:
    put(store, "one")
    before = path.stat()
    with store.transaction(cae=False) as document:
        document["Account"] = {"one": {}}
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_folder_holds_the_two_documents_and_azids_locks(store: SharedTokenStore, folder: Path) -> None:
    put(store, "one")
    with store.transaction(cae=True) as document:
        document["Account"] = {}
    with store.refreshing("ada"):
        pass
    assert sorted(path.name for path in folder.iterdir()) == [".azid", "cache.cae", "cache.nocae"]
    write_lock, refresh_lock = sorted(path.name for path in (folder / ".azid").iterdir())
    assert write_lock == "cache.lock"
    assert refresh_lock.startswith("cache.refresh-")


def test_it_waits_for_msal_and_reads_what_msal_wrote(store: SharedTokenStore, path: Path) -> None:
    put(store, "one")
    persistence, begun = FilePersistence(str(path)), threading.Event()

    def write() -> None:
        begun.set()
        put(store, "ours")

    with ThreadPoolExecutor() as executor:
        with CrossPlatLock(f"{path}.lockfile"):
            document = json.loads(persistence.load())
            written = executor.submit(write)
            assert begun.wait(PATIENCE)
            document["Account"]["theirs"] = {}
            persistence.save(json.dumps(document))
        written.result(PATIENCE)
    assert set(store.read(cae=False)["Account"]) == {"one", "ours", "theirs"}


def test_a_holder_that_hangs_delays_others_and_loses_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, others_clock = ManualClock(), ManualClock(start=time.time())
    hanging, other = store_in(folder, clock=clock), store_in(folder, clock=others_clock)
    for name in ("removed by it", "changed by both", "removed by the other"):
        put(hanging, name)
    with hanging.transaction(cae=False) as document:
        document["Account"].update({"ours": {}, "changed by both": {"by": "it"}})
        document["AccessToken"] = {"new": {}}
        del document["Account"]["removed by it"]
        with other.transaction(cae=False) as others:
            others["Account"].update({"other": {}, "changed by both": {"by": "other"}})
            others["RefreshToken"] = {"other": {}}
            del others["Account"]["removed by the other"]
        clock.advance(20)
    assert 10 <= sum(others_clock.waits) <= 16
    assert "hangs" in caplog.text
    assert other.read(cae=False) == {
        "Account": {"ours": {}, "other": {}, "changed by both": {"by": "it"}},
        "AccessToken": {"new": {}},
        "RefreshToken": {"other": {}},
    }


def test_those_who_go_on_without_a_holder_that_hangs_are_kept_apart(folder: Path) -> None:
    first_clock, second_clock = ManualClock(start=time.time()), ManualClock(start=time.time())
    first, second = store_in(folder, clock=first_clock), store_in(folder, clock=second_clock)
    hanging = store_in(folder)
    with hanging.transaction(cae=False), first.transaction(cae=False), second.transaction(cae=False):
        pass
    assert sum(second_clock.waits) >= sum(first_clock.waits) + 9


def test_a_killed_holder_delays_nobody(store: SharedTokenStore, folder: Path) -> None:
    put(store, "earlier")
    clock = ManualClock(start=time.time())
    with in_process(store, "transact") as process:
        assert told(process) == b"writing"
        process.kill()
        process.wait(PATIENCE)
        assert (folder / "cache.nocae.lockfile").exists()
        put(store_in(folder, clock=clock), "later")
    assert clock.waits == []
    assert store.read(cae=False) == {"Account": {"earlier": {}, "later": {}}}
    assert not (folder / "cache.nocae.lockfile").exists()


@needs_fork
def test_writers_that_are_killed_lose_nothing_that_they_had_written(store: SharedTokenStore) -> None:
    with in_process(store, "suffer", str(DEATHS)) as process:
        written = int(told(process) or -1)
        assert process.wait(PATIENCE) == 0
    assert len(store.read(cae=False)["Account"]) == written > 0


@needs_fork
def test_an_interrupted_process_leaves_the_old_data(store: SharedTokenStore, folder: Path) -> None:
    put(store, "earlier")
    with in_process(store, "transact") as process:
        assert told(process) == b"writing"
        process.send_signal(2)  # Ctrl-C
        assert process.wait(PATIENCE) != 0
    assert store.read(cae=False) == {"Account": {"earlier": {}}}
    assert not (folder / "cache.nocae.lockfile").exists()
