from __future__ import annotations

import gc
import logging
import os
import re
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from azid.clock import ManualClock
from azid.tokens.stores.encryption import EncryptionKeys, UnknownKeyError
from azid.tokens.stores.sqlite import SQLiteTokenStore
from tests.conftest import in_threads
from tests.support.forked import needs_fork
from tests.tokens.partitioned_store_contract import (
    NEW_KEY,
    OLD_KEY,
    PartitionedTokenStoreContract,
    child,
    put,
    texts,
)

KEYS = EncryptionKeys(OLD_KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "tokens.sqlite"


@pytest.fixture
def open_store(path: Path) -> Iterator[Callable[..., SQLiteTokenStore]]:
    opened: list[SQLiteTokenStore] = []

    def open_it(*given: bytes, keys: Any = None, clock: ManualClock | None = None) -> SQLiteTokenStore:
        keys = keys or EncryptionKeys(*given or (OLD_KEY,))
        opened.append(SQLiteTokenStore(path, keys, clock=clock))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def people(open_store: Callable[..., SQLiteTokenStore]) -> SQLiteTokenStore:
    return open_store()


def execute(path: Path, statement: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        return database.execute(statement, values).fetchall()


@pytest.fixture
def opening(path: Path) -> str:
    return f"""
from azid.tokens.stores.encryption import EncryptionKeys
from azid.tokens.stores.sqlite import SQLiteTokenStore
people = SQLiteTokenStore({str(path)!r}, EncryptionKeys({OLD_KEY!r}))
"""


class TestSQLiteTokenStore(PartitionedTokenStoreContract):
    pass


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_nobody_else_may_read_the_files(path: Path, people: SQLiteTokenStore) -> None:
    put(people.partition("ada"), "token")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == dict.fromkeys(
        ("tokens.sqlite", "tokens.sqlite-shm", "tokens.sqlite-wal", "tokens.sqlite.lock"), 0o600
    )


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_folder_that_is_there_keeps_its_mode(path: Path, open_store: Callable[..., SQLiteTokenStore]) -> None:
    path.parent.mkdir(mode=0o755)
    open_store().close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755


def test_no_token_stands_in_the_files(path: Path, people: SQLiteTokenStore) -> None:
    put(people.partition("ada"), "the-token")
    assert not any(b"the-token" in file.read_bytes() for file in path.parent.iterdir())


def test_a_transaction_that_changes_nothing_writes_nothing(path: Path, people: SQLiteTokenStore) -> None:
    put(people.partition("ada"), "token")
    before = execute(path, "SELECT * FROM documents")
    with people.partition("ada").transaction(cae=False):
        pass
    assert execute(path, "SELECT * FROM documents") == before


def test_a_look_up_reads_an_index(path: Path, people: SQLiteTokenStore) -> None:
    plan = execute(
        path, "EXPLAIN QUERY PLAN SELECT document FROM documents WHERE partition = ? AND mode = ?", "ada", "cae"
    )
    assert "SEARCH documents USING INDEX" in str(plan)


def test_a_missing_key_is_told_and_harms_nothing(open_store: Callable[..., SQLiteTokenStore]) -> None:
    put(open_store(OLD_KEY).partition("ada"), "token")
    stranger = open_store(NEW_KEY).partition("ada")
    for use in (lambda: texts(stranger), lambda: put(stranger, "another")):
        with pytest.raises(UnknownKeyError, match="Give that key as a previous one"):
            use()
    assert texts(open_store(NEW_KEY, OLD_KEY).partition("ada")) == ["token"]


TAMPER = {
    "cut": "UPDATE documents SET document = substr(document, 1, 40) WHERE partition = 'ada'",
    "changed": "UPDATE documents SET document = CAST(document || x'00' AS BLOB) WHERE partition = 'ada'",
    "emptied": "UPDATE documents SET document = x'' WHERE partition = 'ada'",
    "text": "UPDATE documents SET document = 'a text' WHERE partition = 'ada'",
    "a number": "UPDATE documents SET document = 1000000000000 WHERE partition = 'ada'",
    "another person's": "UPDATE documents SET document = (SELECT document FROM documents WHERE partition = 'bob')"
    " WHERE partition = 'ada'",
    "another mode's": "UPDATE documents SET document = (SELECT document FROM documents WHERE mode = 'cae')"
    " WHERE partition = 'ada' AND mode = 'nocae'",
}


@pytest.mark.parametrize("statement", TAMPER.values(), ids=TAMPER)
@pytest.mark.parametrize("first_use", ["read", "transaction"])
def test_a_row_that_cannot_be_read_is_set_aside_and_the_others_live(
    path: Path, people: SQLiteTokenStore, statement: str, first_use: str, caplog: pytest.LogCaptureFixture
) -> None:
    ada, bob = people.partition("ada"), people.partition("bob")
    put(ada, "the-token")
    put(bob, "bobs")
    put(people.partition("carol"), "carols", cae=True)
    execute(path, statement)
    if first_use == "read":
        assert texts(ada) == []
        assert texts(ada) == []
    put(ada, "signed in again")
    assert texts(ada) == ["signed in again"]
    assert texts(bob) == ["bobs"]
    [(name, mode)] = execute(path, "SELECT partition, mode FROM unreadable")
    assert (name, mode) == ("ada", "nocae")
    [warning] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "cannot be read" in warning.getMessage()
    assert "ada" not in warning.getMessage().replace("unreadable", "")
    people.remove("ada")
    assert execute(path, "SELECT * FROM unreadable") == []


def garble(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)


def garble_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


@pytest.mark.parametrize("damage", [garble, cut, garble_pages])
@pytest.mark.parametrize("open_meanwhile", [False, True])
@pytest.mark.parametrize("first_use", ["read", "transaction"])
def test_a_damaged_file_is_set_aside_as_a_whole(
    path: Path,
    open_store: Callable[..., SQLiteTokenStore],
    damage: Callable[[Path], None],
    open_meanwhile: bool,
    first_use: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    people = open_store()
    for number in range(200):
        put(people.partition(f"user {number}"), "x" * 1000)
    people.close()  # the last connection to be closed moves the log into the database
    if open_meanwhile:
        assert texts(people.partition("user 7"))
    damage(path)
    damaged = path.read_bytes()
    if not open_meanwhile:
        people = open_store()
    store = people.partition("user 7")
    if damage is garble_pages and open_meanwhile:  # SQLite's page cache hides the damage until something is written
        with pytest.raises(sqlite3.DatabaseError, match="malformed"):
            put(store, "lost")
    elif first_use == "read":
        assert texts(store) == []
    put(store, "signed in again")
    assert texts(store) == ["signed in again"]
    assert texts(open_store().partition("user 7")) == ["signed in again"]
    [aside] = [file for file in path.parent.iterdir() if re.fullmatch(r".*\.unreadable-[0-9a-f]{32}", file.name)]
    assert aside.read_bytes() == damaged
    [warning] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert str(aside) in warning.getMessage()


def test_two_that_find_the_same_damage_set_one_file_aside(
    path: Path, open_store: Callable[..., SQLiteTokenStore]
) -> None:
    stores = [open_store() for _ in range(8)]
    put(stores[0].partition("ada"), "token")
    for store in stores:
        store.close()
    garble(path)
    in_threads(8, lambda: put(stores.pop().partition("ada"), "signed in again"))
    assert texts(open_store().partition("ada")) == ["signed in again"]
    assert sum(".unreadable-" in file.name for file in path.parent.iterdir()) == 1


def test_a_database_that_vanishes_is_made_anew(path: Path, people: SQLiteTokenStore) -> None:
    put(people.partition("ada"), "token")
    shutil.rmtree(path.parent)
    assert texts(people.partition("ada")) == []
    put(people.partition("ada"), "signed in again")
    assert texts(people.partition("ada")) == ["signed in again"]


def test_a_database_that_is_put_back_is_read(
    path: Path, tmp_path: Path, open_store: Callable[..., SQLiteTokenStore]
) -> None:
    people = open_store()
    put(people.partition("ada"), "backed up")
    people.close()
    backup = path.read_bytes()
    put(people.partition("ada"), "newer")
    people.close()
    (tmp_path / "restored").write_bytes(backup)
    (tmp_path / "restored").replace(path)
    assert texts(people.partition("ada")) == ["backed up"]


def test_another_programs_database_is_left_alone(path: Path, open_store: Callable[..., SQLiteTokenStore]) -> None:
    path.parent.mkdir()
    execute(path, "CREATE TABLE theirs (value TEXT)")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="another program's database"):
        open_store()
    assert path.read_bytes() == before


def test_a_newer_versions_database_is_left_alone(path: Path, open_store: Callable[..., SQLiteTokenStore]) -> None:
    open_store().close()
    execute(path, "PRAGMA user_version = 2")
    with pytest.raises(ValueError, match="newer version of azid"):
        open_store()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        SQLiteTokenStore(tmp_path / "file" / "tokens.sqlite", KEYS)


def test_a_writer_that_hangs_delays_others_for_the_time_given_only(path: Path) -> None:
    with closing(SQLiteTokenStore(path, KEYS, timeout=0)) as people:
        put(people.partition("ada"), "token")
        with closing(sqlite3.connect(path, isolation_level=None)) as hung:
            hung.execute("BEGIN IMMEDIATE")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                put(people.partition("ada"), "another")
            assert texts(people.partition("ada")) == ["token"]
            with people.partition("ada").refreshing("client"):
                pass  # a refresh needs no lease


def test_leases_taken_before_the_clock_was_set_back_do_not_count(people: SQLiteTokenStore, path: Path) -> None:
    later = ManualClock(start=4_000_000_000)
    with closing(SQLiteTokenStore(path, KEYS, clock=later)) as ahead, ahead.partition("ada").refreshing("client"):
        clock = ManualClock()
        with closing(SQLiteTokenStore(path, KEYS, clock=clock)) as now, now.partition("ada").refreshing("client"):
            assert clock.waits == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_full_disk_is_told_and_harms_nothing(opening: str, people: SQLiteTokenStore) -> None:
    put(people.partition("ada"), "token")
    program = f"""{opening}
import resource, sqlite3
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with people.partition("ada").transaction(cae=False) as document:
        document["AccessToken"] = {{"key": {{"secret": "x" * 1_000_000}}}}
except sqlite3.OperationalError as error:
    print(error)
print([entry["secret"] for entry in people.partition("ada").read(cae=False)["AccessToken"].values()])
"""
    with child(program) as process:
        output, _ = process.communicate(timeout=60)
    assert "disk" in output.splitlines()[0]
    assert output.splitlines()[1] == "['token']"
    assert texts(people.partition("ada")) == ["token"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_that_ends_in_the_ordinary_way_harms_nothing(opening: str, people: SQLiteTokenStore) -> None:
    program = f"""{opening}
import os, sys
store = people.partition("ada")
with store.transaction(cae=False) as document:
    document["Account"] = {{"parent": {{}}}}
child = os.fork()
with store.transaction(cae=False) as document:
    document["Account"]["child" if child == 0 else "parent again"] = {{}}
if child:
    assert os.waitpid(child, 0)[1] == 0
    with store.transaction(cae=False) as document:
        document["Account"]["parent at last"] = {{}}
"""
    with child(program) as process:
        assert process.wait(60) == 0
    accounts = people.partition("ada").read(cae=False)["Account"]
    assert sorted(accounts) == ["child", "parent", "parent again", "parent at last"]


def test_a_second_connection_leaves_the_locks_of_the_first(opening: str, people: SQLiteTokenStore, path: Path) -> None:
    with people.partition("ada").transaction(cae=False) as document:
        document["Account"] = {"one": {}}
        people.partition("bob").read(cae=False)
    with child(opening + "people.close()") as process:
        assert process.wait(60) == 0
    assert Path(f"{path}-wal").exists()  # what is written into a log that is gone is lost


@needs_fork
def test_a_forked_process_has_locks_of_its_own(opening: str, path: Path) -> None:
    program = f"""{opening}
import os
(ready, get_ready), (closed, close) = os.pipe(), os.pipe()
child = os.fork()
if child:
    os.read(ready, 1)
    people.close()
    os.write(close, b".")
    assert os.waitpid(child, 0)[1] == 0
else:
    people.partition("ada").read(cae=False)
    os.write(get_ready, b".")
    os.read(closed, 1)
    assert os.path.exists({f"{path}-wal"!r})  # what is written into a log that is gone is lost
"""
    with child(program) as process:
        assert process.wait(60) == 0


def test_connections_are_reused_and_closed(people: SQLiteTokenStore, path: Path) -> None:
    for _ in range(3):
        assert texts(people.partition("ada")) == []
    people.close()
    assert not Path(f"{path}-wal").exists()  # the last connection to be closed removes it
    assert texts(people.partition("ada")) == []


def test_its_place_is_shown(people: SQLiteTokenStore, path: Path) -> None:
    assert str(path) in repr(people)


def test_a_store_that_is_not_needed_any_more_closes_its_connections(path: Path) -> None:
    SQLiteTokenStore(path, KEYS)
    gc.collect()
    assert not Path(f"{path}-wal").exists()
