"""A token store of many people in one SQLite database, for the processes of one machine."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Final
from uuid import uuid4

from azid.clock import Clock
from azid.tokens.document import Document
from azid.tokens.store import TokenStore
from azid.tokens.stores.encryption import EncryptionKeys, UnreadableError
from azid.tokens.stores.lease import REFRESH_LEASE, hold
from azid.tokens.stores.partitioned import EncryptedPartition, EncryptedTokenStore, is_empty, mode
from azid.tokens.stores.sqlite_file import SQLiteFile

__all__ = ["SQLiteTokenStore"]

_LOGGER = logging.getLogger(__name__)

_SCHEMA: Final = """
    CREATE TABLE documents (
        partition TEXT NOT NULL, mode TEXT NOT NULL, document BLOB NOT NULL, PRIMARY KEY (partition, mode)
    );
    CREATE TABLE refreshes (
        partition TEXT NOT NULL, refresh TEXT NOT NULL, holder TEXT NOT NULL, until REAL NOT NULL,
        PRIMARY KEY (partition, refresh)
    );
    CREATE TABLE unreadable (partition TEXT NOT NULL, mode TEXT NOT NULL, document BLOB NOT NULL)
"""
_APPLICATION_ID: Final = 0x617A6964  # "azid"
_PAGE: Final = 500


class SQLiteTokenStore(EncryptedTokenStore):
    """Keeps the tokens of many people in one file, each person's encrypted in rows of their own.

    The threads and processes of one machine may share it. The keys of partitions stand in the file as they are, so that
    a missing encryption key can be told from a person who has not signed in: name people by an ID.

    A row that cannot be read is moved to the table ``unreadable``, and a file that is damaged is renamed, each with a
    warning; the people concerned sign in again.

    A process may be forked while no thread is using the store; the child then opens the file anew. A server that forks
    while its threads are at work opens the store in each child.

    :param path: the database. It is made when it is missing: with mode 0600, in a folder of mode 0700. It has to be on
        a disk of this machine, as SQLite's write-ahead log does not work across a network.
    :param keys: the keys that the documents are encrypted under.
    :param timeout: seconds to wait while another process writes. Defaults to 10.
    :param clock: what leases are counted by. Defaults to the machine's clock.
    :raises ValueError: the file is another program's database, or a newer azid's.
    :raises OSError: the file or its folder cannot be made.
    :raises sqlite3.Error: the database cannot be opened. The methods raise it when they cannot read or write.
    """

    def __init__(
        self, path: str | os.PathLike[str], keys: EncryptionKeys, *, timeout: float = 10, clock: Clock | None = None
    ) -> None:
        super().__init__(keys, clock)
        self._file = SQLiteFile(path, schema=_SCHEMA, application_id=_APPLICATION_ID, version=1, timeout=timeout)

    def __repr__(self) -> str:
        return f"SQLiteTokenStore({str(self._file.path)!r})"

    def _partition(self, key: str) -> TokenStore:
        return _Partition(self._file, key, self._keys, self._clock)

    def keys(self) -> Iterator[str]:
        page = self._file.do(partial(_page, ""))
        while page:
            yield from page
            page = self._file.do(partial(_page, page[-1]))

    def remove(self, key: str) -> None:
        for table in ("documents", "unreadable"):
            statement = f"DELETE FROM {table} WHERE partition = ?"  # noqa: S608
            self._file.do(partial(_execute, statement, (key,)))

    def close(self) -> None:
        """Close the connections to the database. The next call opens another."""
        self._file.close()


class _Partition(EncryptedPartition):
    def __init__(self, file: SQLiteFile, key: str, keys: EncryptionKeys, clock: Clock) -> None:
        super().__init__(key, keys, clock)
        self._file = file

    def read(self, *, cae: bool) -> Document:
        sealed = self._file.do(lambda database: self._select(database, cae))
        try:
            return self._open(sealed, cae)
        except UnreadableError:
            with self.transaction(cae=cae) as document:  # which sets it aside
                return document

    @contextmanager
    def transaction(self, *, cae: bool) -> Iterator[Document]:
        with self._file.transaction(lambda database: self._select(database, cae)) as (database, sealed):
            stored = sealed
            try:
                document = self._open(stored, cae)
            except UnreadableError as error:
                self._set_aside(database, cae, error)
                stored, document = None, {}
            yield document
            self._store(database, cae, document, stored)

    def refreshing(self, key: str) -> AbstractContextManager[object]:
        holder = uuid4().hex
        return hold(lambda: self._acquire(key, holder), lambda: self._release(key, holder), clock=self._clock)

    def _select(self, database: sqlite3.Connection, cae: bool) -> bytes | None:
        query = "SELECT CAST(document AS BLOB) FROM documents WHERE partition = ? AND mode = ?"
        row = database.execute(query, (self._key, mode(cae))).fetchone()
        return None if row is None else row[0]

    def _open(self, sealed: bytes | None, cae: bool) -> Document:
        return {} if sealed is None else self._keys.open(sealed, self._place(cae))

    def _store(self, database: sqlite3.Connection, cae: bool, document: Document, stored: bytes | None) -> None:
        row = (self._key, mode(cae))
        if is_empty(document):
            database.execute("DELETE FROM documents WHERE partition = ? AND mode = ?", row)
        elif stored is None or not self._keys.holds(stored, self._place(cae), document):
            sealed = self._keys.seal(document, self._place(cae))
            database.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (*row, sealed))

    def _set_aside(self, database: sqlite3.Connection, cae: bool, error: UnreadableError) -> None:
        row = (self._key, mode(cae))
        columns = "partition = ? AND mode = ?"
        database.execute(f"INSERT INTO unreadable SELECT * FROM documents WHERE {columns}", row)  # noqa: S608
        database.execute(f"DELETE FROM documents WHERE {columns}", row)  # noqa: S608
        _LOGGER.warning("One person's stored tokens cannot be read (%s). They were moved to 'unreadable'.", error)

    def _place(self, cae: bool) -> str:
        return f"{mode(cae)} {self._key}"

    def _acquire(self, refresh: str, holder: str) -> bool:
        now = self._clock.time()
        # A lease that runs out much later than one that is taken now was taken before the clock was set back.
        statement = """
            INSERT INTO refreshes VALUES (?, ?, ?, ?) ON CONFLICT (partition, refresh) DO UPDATE
            SET holder = excluded.holder, until = excluded.until WHERE until <= ? OR until > ?
        """
        values = (self._key, refresh, holder, now + REFRESH_LEASE, now, now + 2 * REFRESH_LEASE)
        return self._file.do(partial(_execute, statement, values)) == 1

    def _release(self, refresh: str, holder: str) -> None:
        statement = "DELETE FROM refreshes WHERE partition = ? AND refresh = ? AND holder = ?"
        self._file.do(partial(_execute, statement, (self._key, refresh, holder)))


def _execute(statement: str, values: tuple[object, ...], database: sqlite3.Connection) -> int:
    return database.execute(statement, values).rowcount


def _page(after: str, database: sqlite3.Connection) -> list[str]:
    query = "SELECT DISTINCT partition FROM documents WHERE partition > ? ORDER BY partition LIMIT ?"
    return [key for (key,) in database.execute(query, (after, _PAGE))]
