from __future__ import annotations

import errno
import json
import pickle
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msal_extensions import CrossPlatLock, FilePersistence

from azid.cancellation import Cancellation
from azid.clock import ManualClock
from azid.tokens.store import TokenStore
from azid.tokens.stores.file import FileItem
from azid.tokens.stores.locks import lock_file
from azid.tokens.stores.shared import SUFFIXES, SharedTokenStore
from tests.support.forked import needs_fork
from tests.test_import import ONLY_FOR_A_SIGN_IN
from tests.tokens.store_contract import LastingTokenStoreContract, in_process, told

PATIENCE = 20  # seconds
DEATHS = 40
LATER = 100.0  # seconds


def refuse(descriptor: int) -> None:
    """A network file system without locks."""
    raise OSError(errno.ENOLCK, "No locks available")


class CountingItem(FileItem):
    """Counts how often it is loaded."""

    loads = 0

    def load(self) -> bytes | None:
        self.loads += 1
        return super().load()


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


class TestSharedTokenStore(LastingTokenStoreContract):
    @pytest.fixture
    def store(self, folder: Path) -> TokenStore:
        return store_in(folder)


class TestWithoutFileLocks(LastingTokenStoreContract):
    """MSAL's lock is made without them, so that nothing is lost; only refreshes are not kept apart."""

    test_one_process_at_a_time_refreshes_an_account = None  # type: ignore[assignment]

    @pytest.fixture
    def store(self, folder: Path) -> TokenStore:
        return store_in(folder, refusing=True)


@pytest.fixture
def store(folder: Path) -> SharedTokenStore:
    return store_in(folder)


def set_aside(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.unreadable-*"))


class TestReading:
    def test_it_is_parsed_again_only_after_a_change(self, path: Path) -> None:
        clock = ManualClock(start=time.time() + LATER)
        items = {cae: CountingItem(path.with_suffix(suffix), clock) for cae, suffix in SUFFIXES.items()}
        store = SharedTokenStore(items, path.parent, "cache")
        put(store, "one")
        loads = items[False].loads
        assert store.read(cae=False) is store.read(cae=False)
        assert items[False].loads == loads + 1
        put(store, "two")
        assert store.read(cae=False) == {"Account": {"one": {}, "two": {}}}

    def test_an_item_that_cannot_tell_its_version_is_loaded_each_time(self, path: Path) -> None:
        class NeverSure(FileItem):
            def version(self) -> Hashable | None:
                return None

        store = SharedTokenStore({cae: NeverSure(path) for cae in (False, True)}, path.parent, "cache")
        put(store, "one")
        assert store.read(cae=False) == {"Account": {"one": {}}}
        path.write_text('{"Account": {}}')
        assert store.read(cae=False) == {"Account": {}}

    def test_others_writes_are_seen_at_once(self, store: SharedTokenStore, path: Path) -> None:
        put(store, "azid")
        for number in range(100):  # of the same size, in place, many within one tick of the file system's clock
            path.write_text(json.dumps({"Account": {f"{number:03}": {}}}))
            assert store.read(cae=False) == {"Account": {f"{number:03}": {}}}

    def test_it_loads_nothing_that_only_a_sign_in_needs(self, store: SharedTokenStore) -> None:
        put(store, "one")
        program = (
            "import pickle, sys\nprint(pickle.load(sys.stdin.buffer).read(cae=False))\nprint(*sys.modules, sep='\\n')"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], input=pickle.dumps(store), capture_output=True, check=True, timeout=60
        )
        read, *loaded = done.stdout.decode().splitlines()
        assert read == "{'Account': {'one': {}}}"
        assert {*ONLY_FOR_A_SIGN_IN, "msal_extensions", "jeepney", "secretstorage"}.isdisjoint(loaded)

    def test_reading_writes_nothing(self, store: SharedTokenStore, folder: Path) -> None:
        assert store.read(cae=False) == store.read(cae=True) == {}
        assert not folder.exists()


class TestWriting:
    def test_what_others_keep_there_stays(self, store: SharedTokenStore, path: Path) -> None:
        theirs = {"AccessToken": {"theirs": {"secret": "ü", "unknown": [1]}}, "Unknown": {"a": 1}, "version": 2}
        path.parent.mkdir()
        path.write_text(json.dumps(theirs, indent=4))
        put(store, "ours")
        assert json.loads(path.read_text()) == {**theirs, "Account": {"ours": {}}}

    def test_nothing_is_written_where_nothing_changed(self, store: SharedTokenStore, path: Path) -> None:
        put(store, "one")
        before = path.stat()
        with store.transaction(cae=False) as document:
            document["Account"] = {"one": {}}
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_the_folder_holds_the_two_documents_and_azids_locks(self, store: SharedTokenStore, folder: Path) -> None:
        put(store, "one")
        with store.transaction(cae=True) as document:
            document["Account"] = {}
        with store.refreshing("ada"):
            pass
        assert sorted(path.name for path in folder.iterdir()) == [".azid", "cache.cae", "cache.nocae"]
        write_lock, refresh_lock = sorted(path.name for path in (folder / ".azid").iterdir())
        assert write_lock == "cache.lock"
        assert refresh_lock.startswith("cache.refresh-")

    def test_it_waits_for_msal_and_reads_what_msal_wrote(self, store: SharedTokenStore, path: Path) -> None:
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

    def test_a_holder_that_hangs_delays_others_and_loses_nothing(
        self, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
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

    def test_those_who_go_on_without_a_holder_that_hangs_are_kept_apart(self, folder: Path) -> None:
        first_clock, second_clock = ManualClock(start=time.time()), ManualClock(start=time.time())
        first, second = store_in(folder, clock=first_clock), store_in(folder, clock=second_clock)
        hanging = store_in(folder)
        with hanging.transaction(cae=False), first.transaction(cae=False), second.transaction(cae=False):
            pass
        assert sum(second_clock.waits) >= sum(first_clock.waits) + 9

    def test_a_killed_holder_delays_nobody(self, store: SharedTokenStore, folder: Path) -> None:
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
    def test_writers_that_are_killed_lose_nothing_that_they_had_written(self, store: SharedTokenStore) -> None:
        with in_process(store, "suffer", str(DEATHS)) as process:
            written = int(told(process) or -1)
            assert process.wait(PATIENCE) == 0
        assert len(store.read(cae=False)["Account"]) == written > 0

    @needs_fork
    def test_an_interrupted_process_leaves_the_old_data(self, store: SharedTokenStore, folder: Path) -> None:
        put(store, "earlier")
        with in_process(store, "transact") as process:
            assert told(process) == b"writing"
            process.send_signal(2)  # Ctrl-C
            assert process.wait(PATIENCE) != 0
        assert store.read(cae=False) == {"Account": {"earlier": {}}}
        assert not (folder / "cache.nocae.lockfile").exists()


class TestRefreshing:
    def test_a_killed_holder_delays_nobody(self, store: SharedTokenStore, folder: Path) -> None:
        clock = ManualClock()
        with in_process(store, "refresh", "ada") as process:
            assert told(process) == b"refreshing"
            process.kill()
            process.wait(PATIENCE)
            with store_in(folder, clock=clock).refreshing("ada"):
                assert clock.waits == []

    def test_a_holder_that_hangs_delays_others_for_a_bounded_time(
        self, store: SharedTokenStore, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock = ManualClock()
        with store.refreshing("ada"), store_in(folder, clock=clock).refreshing("ada"):
            assert sum(clock.waits) == pytest.approx(35)
        assert "hangs" in caplog.text
        assert "ada" not in caplog.text

    def test_it_does_not_count_as_hanging_when_a_caller_leaves(
        self, store: SharedTokenStore, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock, caller = ManualClock(), Cancellation()
        caller.cancel()
        with store.refreshing("ada"), caller.as_current(), store_in(folder, clock=clock).refreshing("ada"):
            assert clock.waits == []
        assert caplog.text == ""

    def test_another_accounts_refresh_is_not_waited_for(self, store: SharedTokenStore, folder: Path) -> None:
        clock = ManualClock()
        with store.refreshing("ada"), store_in(folder, clock=clock).refreshing("bob"):
            assert clock.waits == []


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


class TestTrouble:
    @every_garbage
    def test_what_makes_no_sense_is_set_aside_with_one_warning(
        self, store: SharedTokenStore, folder: Path, path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
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
        self, store: SharedTokenStore, folder: Path, path: Path, garbage: bytes
    ) -> None:
        folder.mkdir()
        path.write_bytes(garbage)
        put(store, "signed in")
        assert store.read(cae=False) == {"Account": {"signed in": {}}}
        assert [kept.read_bytes() for kept in set_aside(folder)] == [garbage]

    def test_nothing_that_was_set_aside_is_overwritten(self, store: SharedTokenStore, folder: Path, path: Path) -> None:
        folder.mkdir()
        for number in range(3):
            path.write_text(str(number))
            assert store.read(cae=False) == {}
        assert {kept.read_text() for kept in set_aside(folder)} == {"0", "1", "2"}

    @pytest.mark.parametrize("content", [b"", b"\0\0\0\0", b"\n"])
    def test_an_empty_file_holds_nothing(
        self, store: SharedTokenStore, folder: Path, path: Path, content: bytes, caplog: pytest.LogCaptureFixture
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
        self, store: SharedTokenStore, folder: Path, path: Path, half: bytes
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
        self, folder: Path, path: Path, caplog: pytest.LogCaptureFixture
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

    def test_a_store_that_vanishes_while_in_use_is_made_anew(self, store: SharedTokenStore, folder: Path) -> None:
        put(store, "before")
        with store.refreshing("ada"):
            shutil.rmtree(folder)
            assert store.read(cae=False) == {}
            put(store, "after")
        assert store.read(cae=False) == {"Account": {"after": {}}}

    def test_a_folder_that_is_replaced_while_in_use_is_used_as_it_is_then(
        self, store: SharedTokenStore, folder: Path
    ) -> None:
        put(store, "before")
        folder.rename(folder.with_name("old"))
        other = folder.with_name("other")
        put(store_in(other), "restored")
        other.rename(folder)
        put(store, "after")
        assert store.read(cae=False) == {"Account": {"restored": {}, "after": {}}}

    def test_where_nothing_can_be_written_only_writing_fails(self, folder: Path) -> None:
        folder.touch()  # not a folder
        clock = ManualClock()
        store = store_in(folder, clock=clock)
        assert store.read(cae=False) == {}
        with store.refreshing("ada"):
            pass
        with pytest.raises(OSError, match="folder"):
            put(store, "lost")
        assert clock.waits == []

    def test_no_token_is_shown_or_pickled(self, store: SharedTokenStore) -> None:
        with store.transaction(cae=False) as document:
            document["AccessToken"] = {"key": {"secret": "the-token"}}
        store.read(cae=False)
        assert "the-token" not in repr(store)
        assert b"the-token" not in pickle.dumps(store)
        assert "cache.nocae" in repr(store)
