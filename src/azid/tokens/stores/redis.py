"""A token store of many people in Redis, for the processes of several machines. Needs `pip install azid[redis]`."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from azid.clock import Clock
from azid.tokens.document import Document
from azid.tokens.store import TokenStore
from azid.tokens.stores.encryption import HEADER_SIZE, EncryptionKeys, UnknownKeyError, UnreadableError
from azid.tokens.stores.lease import REFRESH_LEASE, hold, wait_for
from azid.tokens.stores.partitioned import EncryptedPartition, EncryptedTokenStore, is_empty, mode

if TYPE_CHECKING:
    from redis import Redis
    from redis.lock import Lock

__all__ = ["RedisTokenStore"]

_LOGGER = logging.getLogger(__name__)

_NINETY_DAYS: Final = 90 * 24 * 3600
_WRITE_LEASE: Final = 10
"""Seconds for which a document may be changed by one process. It takes milliseconds, unless the process is stopped."""
_WRITE_WAIT: Final = 15
"""Seconds to wait for one's turn: long enough for a lease to run out."""
_PAGE: Final = 500

# A value's header holds its nonce, which makes it as good as a version number. The client may send a script again when
# it has lost the reply, so finding the work done counts as having done it.
_REPLACE: Final = f"""
local function header(name) return redis.call('GETRANGE', name, 0, {HEADER_SIZE - 1}) end
local value, milliseconds = ARGV[1], ARGV[2]
if value ~= '' and header(KEYS[1]) == string.sub(value, 1, {HEADER_SIZE}) then return 1 end
for i, name in ipairs(KEYS) do
    local found = header(name)
    if found ~= ARGV[i + 2] and not (value == '' and found == '') then return 0 end
end
redis.call('DEL', unpack(KEYS))
if value ~= '' then
    redis.call('SET', KEYS[1], value)
    if milliseconds ~= '' then redis.call('PEXPIRE', KEYS[1], milliseconds) end
end
return 1
"""
_SET_ASIDE: Final = f"""
if redis.call('GETRANGE', KEYS[1], 0, {HEADER_SIZE - 1}) ~= ARGV[1] then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
return 1
"""


class RedisTokenStore(EncryptedTokenStore):
    """Keeps the tokens of many people in Redis, each person's encrypted in keys of their own.

    The processes of several machines may share it. The names of Redis keys are HMACs of the partitions' keys, so that
    whoever sees them learns nobody's name. Without the encryption key that a person's tokens were stored under they are
    not found; they are back when the key is given again.

    One process at a time changes a document, by a lock that runs out; one whose lock ran out stores nothing. Redis may
    lose its newest writes when it fails over to a replica: people whose tokens were among them sign in again.

    A value that cannot be read is renamed, with a warning; the person concerned signs in again.

    :param client: the connection pool, with whatever TLS, authentication and time limits the service needs. Set
        `socket_timeout`, as older versions of redis-py wait for ever. It is left open. Not for Redis Cluster.
    :param keys: the keys that the documents are encrypted under.
    :param prefix: what the names of all Redis keys begin with. Defaults to ``azid:``.
    :param ttl: seconds for which tokens are kept after they were stored last; None for ever. Defaults to 90 days, after
        which Entra ID takes no refresh token that was not used.
    :param clock: what waiting is counted by. Defaults to the machine's clock.
    :raises ValueError: the client decodes replies, or `ttl` is not positive.

    Exceptions of redis-py are raised as they are by the methods when the server cannot be reached.
    """

    def __init__(
        self,
        client: Redis,
        keys: EncryptionKeys,
        *,
        prefix: str = "azid:",
        ttl: float | None = _NINETY_DAYS,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(keys, clock)
        if client.get_encoder().decode_responses:
            raise ValueError("A token store's values are no text: make its Redis client without decode_responses.")
        if ttl is not None and ttl <= 0:
            raise ValueError("'ttl' is a number of seconds greater than 0, or None.")
        self._server = _Server(
            client,
            prefix,
            "" if ttl is None else str(round(ttl * 1000)),
            replace=client.register_script(_REPLACE),
            set_aside=client.register_script(_SET_ASIDE),
        )

    def __repr__(self) -> str:
        return f"RedisTokenStore(prefix={self._server.prefix!r})"

    def _partition(self, key: str) -> TokenStore:
        return _Partition(self._server, key, self._keys, self._clock)

    def keys(self) -> Iterator[str]:
        yielded: set[str] = set()
        unreadable = 0
        for name, value in self._scan():
            try:
                key = self._keys.open(value, name)["partition"]
            except (UnknownKeyError, UnreadableError):
                unreadable += 1
                continue
            if key not in yielded:
                yielded.add(key)
                yield key
        if unreadable:
            _LOGGER.warning("%d values under %r cannot be read with the keys given.", unreadable, self._server.prefix)

    def remove(self, key: str) -> None:
        partition = _Partition(self._server, key, self._keys, self._clock)
        self._server.client.delete(*partition.names(cae=False), *partition.names(cae=True))

    def _scan(self) -> Iterator[tuple[str, bytes]]:
        for cae in (False, True):
            pattern = re.sub(r"([\\*?\[\]^])", r"\\\1", f"{self._server.prefix}{mode(cae)}:") + "*"
            for name in self._server.client.scan_iter(match=pattern, count=_PAGE):
                value = self._server.client.get(name)
                if isinstance(value, bytes):  # and did not go away meanwhile
                    yield name.decode(), value


class _Server(NamedTuple):
    """Where values are kept, and how."""

    client: Redis
    prefix: str
    ttl: str
    """Milliseconds; empty for ever."""
    replace: Callable[..., Any]
    set_aside: Callable[..., Any]


class _Found(NamedTuple):
    """What stands under a document's names."""

    document: Document
    sealed: bytes
    headers: list[bytes]
    """Of the values; empty where there is none."""


class _Partition(EncryptedPartition):
    def __init__(self, server: _Server, key: str, keys: EncryptionKeys, clock: Clock) -> None:
        super().__init__(key, keys, clock)
        self._server = server

    def read(self, *, cae: bool) -> Document:
        return self._find(cae).document

    @contextmanager
    def transaction(self, *, cae: bool) -> Iterator[Document]:
        with self._only_writer(cae):
            found = self._find(cae)
            yield found.document
            self._store(found, cae)

    @contextmanager
    def refreshing(self, key: str) -> Iterator[None]:
        with ExitStack() as held:
            for lock in self._locks(f"refreshing {self._key} {key}", REFRESH_LEASE):
                acquire = partial(lock.acquire, blocking=False)
                held.enter_context(hold(acquire, lock.release, clock=self._clock))
            yield

    def names(self, cae: bool) -> list[str]:
        """Return the names that a document may have: one under each key, the current one's first."""
        return [f"{self._server.prefix}{mode(cae)}:{name}" for name in self._keys.names(self._key)]

    def _find(self, cae: bool) -> _Found:
        found, headers = _Found({}, b"", []), []
        names = self.names(cae)
        for name, value in zip(names, self._values(names), strict=True):
            sealed = value or b""
            if value is not None and not found.sealed:
                try:
                    found = _Found(self._keys.open(value, name)["document"], value, [])
                except (UnknownKeyError, UnreadableError) as error:
                    self._set_aside(name, value, error)
                    sealed = b""
            headers.append(sealed[:HEADER_SIZE])
        return found._replace(headers=headers)

    def _values(self, names: list[str]) -> list[bytes | None]:
        values: list[bytes | None] = self._server.client.mget(names)  # type: ignore[assignment]
        return values

    def _store(self, found: _Found, cae: bool) -> None:
        names, value = self.names(cae), {"partition": self._key, "document": found.document}
        if is_empty(found.document):
            if not any(found.headers):
                return
            sealed = b""
        elif self._keys.holds(found.sealed, names[0], value):
            return
        else:
            sealed = self._keys.seal(value, names[0])
        if not self._server.replace(keys=names, args=[sealed, self._server.ttl, *found.headers]):
            from redis.exceptions import LockNotOwnedError

            raise LockNotOwnedError(
                "One person's tokens were not stored: it took so long that another process has changed them meanwhile."
            )

    def _set_aside(self, name: str, value: bytes, error: Exception) -> None:
        header = value[:HEADER_SIZE]
        aside = f"{self._server.prefix}unreadable:{name.removeprefix(self._server.prefix)}:{header.hex()}"
        if self._server.set_aside(keys=[name, aside], args=[header]):
            _LOGGER.warning("One person's stored tokens cannot be read (%s). They are kept as %s.", error, aside)

    @contextmanager
    def _only_writer(self, cae: bool) -> Iterator[None]:
        from redis.exceptions import LockError, RedisError

        def release(lock: Lock) -> None:
            try:
                lock.release()
            except RedisError as error:  # what was to be stored is stored
                _LOGGER.info("A lock was not given back; it runs out by itself: %s", error)

        with ExitStack() as held:
            for lock in self._locks(f"writing {mode(cae)} {self._key}", _WRITE_LEASE):
                if not wait_for(partial(lock.acquire, blocking=False), seconds=_WRITE_WAIT, clock=self._clock):
                    raise LockError(
                        f"One person's tokens were not stored: others have been at them for {_WRITE_WAIT} seconds."
                    )
                held.callback(release, lock)
            yield

    def _locks(self, subject: str, lease: float) -> list[Lock]:
        """Return the locks to take, in order: one for each key, as processes differ in theirs during a rotation."""
        from redis.lock import Lock

        names = sorted(self._keys.names(subject))
        prefix = f"{self._server.prefix}lock:"
        return [Lock(self._server.client, prefix + name, timeout=lease, thread_local=False) for name in names]
