"""A SQLite file that threads, processes and forks share, and that is set aside when it turns out to be damaged."""

from __future__ import annotations

import logging
import os
import sqlite3
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeVar
from uuid import uuid4

from azid.fork import renew_after_fork
from azid.tokens.stores.locks import FileLock

__all__ = ["SQLiteFile"]

_LOGGER = logging.getLogger(__name__)

_FILES: Final = ("-wal", "-shm", "")
"""What a database consists of. The log goes first: left behind alone, it would be taken for the next database's."""
_Identity = tuple[int, int]

T = TypeVar("T")


class _Connection(NamedTuple):
    database: sqlite3.Connection
    identity: _Identity | None
    """Which file it is to, whatever is at its path by now."""


_left_to_the_parent: list[_Connection] = []
"""What forked processes inherited; closing it would disturb the parent (https://www.sqlite.org/howtocorrupt.html)."""


class SQLiteFile:
    """One database, with a connection for each thread that is at work in it.

    :param path: where it is. It is made when it is missing.
    :param schema: the statements that make its tables.
    :param application_id: the number that tells whose database it is.
    :param version: the number of the schema.
    :param timeout: seconds to wait while somebody else writes.
    :raises ValueError: the file is another program's, or of a newer version.
    :raises OSError: the file or its folder cannot be made.
    :raises sqlite3.Error: the database cannot be opened. The methods raise it, too.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, schema: str, application_id: int, version: int, timeout: float
    ) -> None:
        self.path = Path(path).absolute()
        self._schema = schema
        self._application_id = application_id
        self._version = version
        self._timeout = timeout
        self._lock = FileLock(Path(f"{self.path}.lock"))
        self._idle: deque[_Connection] = deque()
        weakref.finalize(self, _close, self._idle)
        _files.add(self)
        renew_after_fork(self, SQLiteFile._renew)
        self.do(_nothing)  # so that what is wrong with the file comes out now

    def _renew(self) -> None:
        _left_to_the_parent.extend(self._idle)
        self._idle.clear()

    def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returns, which is one statement. It is done again if the file turns out to be damaged."""
        connection, result = self._attempt(work)
        self._give_back(connection)
        return result

    @contextmanager
    def transaction(self, first: Callable[[sqlite3.Connection], T]) -> Iterator[tuple[sqlite3.Connection, T]]:
        """Return a context in which nobody else writes. What the block does is kept if it ends without an error.

        :param first: what is done first, and again if the file turns out to be damaged.
        :returns: a context that yields a connection, and what `first` returned.
        """

        def begin(database: sqlite3.Connection) -> T:
            database.execute("BEGIN IMMEDIATE")
            return first(database)

        connection, result = self._attempt(begin)
        try:
            yield connection.database, result
            connection.database.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                self._set_aside(connection.identity, error)
            raise
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close the connections that are idle. The next call opens another."""
        _close(self._idle)

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> tuple[_Connection, T]:
        identity = self._identity()
        try:
            return self._attempt_once(work)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._set_aside(identity, error)
        return self._attempt_once(work)

    def _attempt_once(self, work: Callable[[sqlite3.Connection], T]) -> tuple[_Connection, T]:
        connection = self._borrow()
        try:
            return connection, work(connection.database)
        except BaseException:
            self._give_back(connection)
            raise

    def _borrow(self) -> _Connection:
        identity = self._identity()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.identity == identity is not None:
                return connection
            connection.database.close()  # the file was removed, or another was put in its place
        return self._open()

    def _give_back(self, connection: _Connection) -> None:
        try:
            connection.database.rollback()  # does nothing after a commit
        except sqlite3.Error:
            connection.database.close()
        else:
            self._idle.append(connection)

    def _open(self) -> _Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._one_at_a_time():
            _touch(self.path)
            # One thread at a time uses a connection, but not always the same one.
            database = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(database)
            except BaseException:
                database.close()
                raise
            return _Connection(database, self._identity())

    def _prepare(self, database: sqlite3.Connection) -> None:
        found = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if found == [self._application_id, self._version]:
            return
        if found[0] == self._application_id:
            raise ValueError(f"{self.path} was written by a newer version of azid: upgrade azid to use it.")
        if any(found) or database.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise ValueError(f"{self.path} is another program's database. Name a file of its own for the tokens.")
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(
            f"BEGIN IMMEDIATE; {self._schema}; PRAGMA application_id = {self._application_id}; "
            f"PRAGMA user_version = {self._version}; COMMIT"
        )

    def _set_aside(self, identity: _Identity | None, error: sqlite3.Error) -> None:
        """Rename the file, unless another process already did."""
        self.close()
        aside = f"{self.path}.unreadable-{uuid4().hex}"
        with self._one_at_a_time():
            if identity is None or self._identity() != identity:
                return
            for suffix in _FILES:
                part = Path(f"{self.path}{suffix}")
                if part.exists():
                    part.rename(f"{aside}{suffix}")
        _LOGGER.warning("The token store %s is damaged (%s); it was kept as %s.", self.path, error, aside)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Keep others from opening the file, or setting it aside."""
        with self._lock.held(self._timeout) as held:
            if not held:
                raise TimeoutError(f"Another process has been opening {self.path} for {self._timeout:g} seconds.")
            yield

    def _identity(self) -> _Identity | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino


_files: weakref.WeakSet[SQLiteFile] = weakref.WeakSet()


def _close_before_fork() -> None:
    # SQLite would believe in the child that it has the parent's locks, which a fork does not pass on, and take none.
    for file in list(_files):
        file.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_before_fork)


def _nothing(_: sqlite3.Connection) -> None: ...


def _touch(path: Path) -> None:
    # One that is there must not be opened: closing it would end the locks of this process's connections to it
    # (https://www.sqlite.org/howtocorrupt.html section 2.2), and another process would delete the log under them.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _close(connections: deque[_Connection]) -> None:
    while connections:
        try:
            connections.pop().database.close()
        except IndexError:  # another thread was faster
            return


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    # Python raises the base class itself for SQLITE_CORRUPT and SQLITE_NOTADB, and a subclass for what may pass.
    return type(error) is sqlite3.DatabaseError
