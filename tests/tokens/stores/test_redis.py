from __future__ import annotations

import itertools
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import LockError, LockNotOwnedError
from redis.retry import Retry

from azid.clock import ManualClock
from azid.tokens.stores.encryption import EncryptionKeys
from azid.tokens.stores.redis import RedisTokenStore
from tests.tokens.partitioned_store_contract import (
    GIVE_UP,
    NEW_KEY,
    OLD_KEY,
    PartitionedTokenStoreContract,
    child,
    put,
    texts,
    told,
)

if TYPE_CHECKING:
    from tests.support.redis_server import RedisServer

pytest_plugins = ["tests.support.redis_server"]

KEYS = EncryptionKeys(OLD_KEY)
_numbers = itertools.count()


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(redis_service: RedisServer, request: pytest.FixtureRequest) -> Iterator[Redis]:
    with redis_service.client(protocol=request.param) as client:
        yield client


@pytest.fixture
def prefix() -> str:
    return f"test*[{next(_numbers)}]:"


@pytest.fixture
def open_store(client: Redis, prefix: str) -> Callable[..., RedisTokenStore]:
    def open_it(*given: bytes, keys: Any = None, clock: ManualClock | None = None) -> RedisTokenStore:
        keys = keys or EncryptionKeys(*given or (OLD_KEY,))
        return RedisTokenStore(client, keys, prefix=prefix, clock=clock)

    return open_it


@pytest.fixture
def opening(redis_service: RedisServer, prefix: str) -> str:
    return f"""
from azid.tokens.stores.encryption import EncryptionKeys
from azid.tokens.stores.redis import RedisTokenStore
from redis import Redis
client = Redis(unix_socket_path={str(redis_service.socket)!r})
people = RedisTokenStore(client, EncryptionKeys({OLD_KEY!r}), prefix={prefix!r})
"""


@pytest.fixture
def people(open_store: Callable[..., RedisTokenStore]) -> RedisTokenStore:
    return open_store()


@pytest.fixture
def names(client: Redis, prefix: str) -> Callable[[], list[bytes]]:
    """Returns the names of the test's own Redis keys."""
    return lambda: sorted(name for name in client.scan_iter() if name.startswith(prefix.encode()))


class TestRedisTokenStore(PartitionedTokenStoreContract):
    pass


def test_neither_names_nor_tokens_can_be_read_in_it(
    client: Redis, people: RedisTokenStore, names: Callable[[], list[bytes]]
) -> None:
    with people.partition("ada").transaction(cae=False) as document, people.partition("ada").refreshing("client"):
        document["AccessToken"] = {"key": {"secret": "the-token"}}
        within = names()
    put(people.partition("ada"), "the-token", cae=True)
    for name in {*within, *names()}:
        assert b"ada" not in name
        assert b"the-token" not in name + bytes(client.get(name) or b"")  # type: ignore[arg-type]


def test_locks_are_given_back(people: RedisTokenStore, names: Callable[[], list[bytes]]) -> None:
    put(people.partition("ada"), "token")
    with people.partition("ada").refreshing("client"):
        assert len(names()) == 2
    assert len(names()) == 1
    people.remove("ada")
    assert names() == []


def test_the_locks_of_a_holder_that_was_killed_run_out(
    opening: str, client: Redis, people: RedisTokenStore, names: Callable[[], list[bytes]]
) -> None:
    program = f"""{opening}
store = people.partition("ada")
with store.refreshing("client"), store.transaction(cae=False):
    print("within", flush=True)
    input()
"""
    with child(program) as process:
        assert told(process) == "within"
        lives = sorted(client.pttl(name) for name in names())
    assert len(lives) == 2
    assert 0 < lives[0] <= 10_000 < lives[1] <= 30_000


def test_tokens_are_kept_for_ninety_days_after_they_were_stored(
    client: Redis, prefix: str, names: Callable[[], list[bytes]]
) -> None:
    for ttl, expected in [({}, 90 * 24 * 3600), ({"ttl": 3600.5}, 3600.5), ({"ttl": None}, None)]:
        store = RedisTokenStore(client, KEYS, prefix=prefix, **ttl).partition("ada")  # type: ignore[arg-type]
        for text in ("token", "another"):
            put(store, text)
            [name] = names()
            left = client.pttl(name)
            assert left == -1 if expected is None else 0 <= expected * 1000 - left < 60_000
            client.expire(name, 10)


def test_a_transaction_that_changes_nothing_writes_nothing(
    client: Redis, people: RedisTokenStore, names: Callable[[], list[bytes]]
) -> None:
    put(people.partition("ada"), "token")
    [name] = names()
    before = client.get(name)
    with people.partition("ada").transaction(cae=False):
        pass
    with people.partition("bob").transaction(cae=False):
        pass
    assert names() == [name]
    assert client.get(name) == before


def test_who_was_away_for_longer_than_the_lock_lasts_overwrites_nothing(
    client: Redis, people: RedisTokenStore, names: Callable[[], list[bytes]]
) -> None:
    store = people.partition("ada")
    put(store, "earlier")

    def be_slow(meanwhile: Callable[[], None]) -> None:
        with store.transaction(cae=False) as document:
            document["AccessToken"] = {"key": {"secret": "stale"}}
            client.delete(*(name for name in names() if b"lock" in name))
            meanwhile()

    with pytest.raises(LockNotOwnedError, match="not stored"):
        be_slow(lambda: put(store, "newer"))
    assert texts(store) == ["newer"]
    with pytest.raises(LockNotOwnedError, match="not stored"):
        be_slow(lambda: people.remove("ada"))
    assert texts(store) == []


def test_a_lock_that_was_lost_is_not_taken_from_its_next_holder(
    client: Redis, people: RedisTokenStore, names: Callable[[], list[bytes]]
) -> None:
    store = people.partition("ada")
    with store.refreshing("client"):
        [lock] = names()
        client.set(lock, "another's")
    assert client.get(lock) == b"another's"


def test_a_writer_that_hangs_delays_others_for_a_bounded_time(open_store: Callable[..., RedisTokenStore]) -> None:
    clock = ManualClock()
    people = open_store(clock=clock)
    store = people.partition("ada")
    with store.transaction(cae=False), pytest.raises(LockError, match="others have been at them"):
        put(store, "token")
    assert sum(clock.waits) == pytest.approx(15)
    put(people.partition("bob"), "token")


def test_without_the_key_nothing_is_found_and_nothing_is_lost(
    open_store: Callable[..., RedisTokenStore], caplog: pytest.LogCaptureFixture
) -> None:
    put(open_store(OLD_KEY).partition("ada"), "token")
    put(open_store(OLD_KEY).partition("bob"), "token")
    stranger = open_store(NEW_KEY)
    assert texts(stranger.partition("ada")) == []
    assert list(stranger.keys()) == []
    [warning] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "2 values" in warning.getMessage()
    put(stranger.partition("ada"), "another")
    assert texts(open_store(OLD_KEY).partition("ada")) == ["token"]
    assert texts(open_store(NEW_KEY, OLD_KEY).partition("ada")) == ["another"]


TAMPER: dict[str, Callable[[bytes, bytes], bytes]] = {
    "cut": lambda value, bobs: value[:30],
    "changed": lambda value, bobs: value[:-1] + bytes([value[-1] ^ 1]),
    "emptied": lambda value, bobs: b"",
    "another person's": lambda value, bobs: bobs,
    "under a key of nobody": lambda value, bobs: value[:1] + bytes(8) + value[9:],
}


@pytest.mark.parametrize("tamper", TAMPER.values(), ids=TAMPER)
@pytest.mark.parametrize("first_use", ["read", "transaction"])
def test_a_value_that_cannot_be_read_is_set_aside_and_the_others_live(
    client: Redis,
    people: RedisTokenStore,
    names: Callable[[], list[bytes]],
    tamper: Callable[[bytes, bytes], bytes],
    first_use: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ada, bob = people.partition("ada"), people.partition("bob")
    put(ada, "the-token")
    [name] = names()
    put(bob, "bobs")
    [bobs_name] = set(names()) - {name}
    tampered = tamper(client.get(name), client.get(bobs_name))  # type: ignore[arg-type]
    client.set(name, tampered, keepttl=True)
    if first_use == "read":
        assert texts(ada) == []
        assert texts(ada) == []
    put(ada, "signed in again")
    assert texts(ada) == ["signed in again"]
    assert texts(bob) == ["bobs"]
    [aside] = set(names()) - {name, bobs_name}
    assert client.get(aside) == tampered
    assert client.pttl(aside) > 0
    [warning] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert aside.decode() in warning.getMessage()
    assert sorted(people.keys()) == ["ada", "bob"]


def test_another_prefix_is_another_store(client: Redis, prefix: str, people: RedisTokenStore) -> None:
    put(people.partition("ada"), "token")
    other = RedisTokenStore(client, KEYS, prefix=f"{prefix}other:")
    assert texts(other.partition("ada")) == []
    assert list(other.keys()) == []


@pytest.mark.parametrize("ttl", [0, -1])
def test_the_time_to_live_is_positive(client: Redis, ttl: float) -> None:
    with pytest.raises(ValueError, match="'ttl'"):
        RedisTokenStore(client, KEYS, ttl=ttl)


def test_a_client_that_decodes_replies_is_refused() -> None:
    with pytest.raises(ValueError, match="without decode_responses"):
        RedisTokenStore(Redis(decode_responses=True), KEYS)


def test_its_prefix_is_shown(people: RedisTokenStore, prefix: str) -> None:
    assert repr(people) == f"RedisTokenStore(prefix={prefix!r})"


def test_all_of_azids_names_are_there_without_redis_py() -> None:
    program = "import sys; sys.modules['redis'] = None; from azid import *"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class TestServerThatIsKilled:
    """One that is killed and started again while it is in use."""

    @pytest.fixture
    def client(self, own_redis: RedisServer) -> Iterator[Redis]:
        with own_redis.client(retry=Retry(NoBackoff(), 1)) as client:
            yield client

    @pytest.fixture
    def store(self, client: Redis) -> Any:
        return RedisTokenStore(client, KEYS, clock=ManualClock()).partition("ada")

    def test_what_was_stored_is_there_when_it_is_back(self, own_redis: RedisServer, store: Any) -> None:
        put(store, "token")
        own_redis.kill()
        with pytest.raises(redis.ConnectionError):
            texts(store)
        with pytest.raises(redis.ConnectionError):
            put(store, "lost")
        own_redis.start()
        assert texts(store) == ["token"]
        put(store, "newer")  # Redis has forgotten the scripts meanwhile
        assert texts(store) == ["newer"]

    def test_a_transaction_that_is_under_way_stores_nothing(self, own_redis: RedisServer, store: Any) -> None:
        put(store, "earlier")

        def write() -> None:
            with store.transaction(cae=False) as document:
                document.clear()
                own_redis.kill()

        with pytest.raises(redis.ConnectionError):
            write()
        own_redis.start()
        assert texts(store) == ["earlier"]

    def test_a_refresh_that_is_under_way_goes_on(self, own_redis: RedisServer, store: Any) -> None:
        with store.refreshing("client"):
            own_redis.kill()
        with store.refreshing("client"):
            pass

    def test_writers_that_go_on_trying_lose_nothing_that_was_stored(
        self, own_redis: RedisServer, client: Redis
    ) -> None:
        people = RedisTokenStore(client, KEYS)
        stored: list[list[str]] = [[], [], []]
        done, progress = threading.Event(), threading.Semaphore(0)

        def write(person: int) -> None:
            for number in itertools.count():
                if done.is_set():
                    return
                try:
                    with people.partition(str(person)).transaction(cae=False) as document:
                        document.setdefault("AccessToken", {})[str(number)] = {"secret": str(number)}
                except redis.RedisError:
                    continue
                stored[person].append(str(number))
                progress.release()

        threads = [threading.Thread(target=write, args=(person,), daemon=True) for person in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            assert all(progress.acquire(timeout=GIVE_UP) for _ in range(15))
            own_redis.kill()
            own_redis.start()
            for lock in client.scan_iter("azid:lock:*"):
                client.delete(lock)  # as if it had run out
        done.set()
        for thread in threads:
            thread.join(GIVE_UP)
        for person, numbers in enumerate(stored):
            assert set(numbers) <= set(texts(people.partition(str(person))))
