"""What a person's token costs a service, by how many people are in its store."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.bench import Bench
from benchmarks.crews import ask_all
from benchmarks.libraries import Library
from benchmarks.report import Section, Target
from benchmarks.samples import sample
from benchmarks.sign_ins import LOGIN_HOST, cache_of, home_account_id, record, scope
from benchmarks.worker import Worker
from tools.parts import REDIS_SERVER

if TYPE_CHECKING:
    from azid.tokens.store import PartitionedTokenStore

__all__ = ["measure"]

_SIZES = (1, 1_000, 100_000)
_ROUNDS = 15
_TARGET = 1.5
_KEY: Final = bytes(32)
_SQLITE = "SQLite"
_REDIS = "Redis"


def measure(bench: Bench) -> Section:
    """Time the first call of new processes, at stores of each size in turn."""
    places: dict[tuple[str, int], str] = {}
    filled: Counter[str] = Counter()
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    redis_server = REDIS_SERVER.locate()
    with tempfile.TemporaryDirectory(prefix="azid-benchmarks-") as folder, ExitStack() as servers:
        for size in _SIZES:
            places[_SQLITE, size] = str(Path(folder, f"{size}.sqlite"))
            if redis_server:
                places[_REDIS, size] = servers.enter_context(_redis(redis_server, Path(folder, f"{size}.redis")))
        for (kind, size), place in places.items():
            began = time.perf_counter()
            _fill_sqlite(bench, place, size) if kind == _SQLITE else _fill_redis(bench, place, size)
            filled[kind] += round(time.perf_counter() - began)
        whose = random.Random(1)  # noqa: S311 - no secret
        for _ in range(_ROUNDS):
            for (kind, size), place in places.items():
                times[kind, size].append(_first_call(bench, kind, place, whose.randrange(size)))
    samples = {key: sample(values) for key, values in times.items()}
    growths = {(kind, size): taken.over(samples[kind, 1]) for (kind, size), taken in samples.items()}
    most = max(_SIZES)
    return Section(
        "Many people",
        f"The first `get_token` of new processes, {_ROUNDS} for each size, in turn, for people at random: from opening "
        "the store to a valid token. What the program imports by name is imported before. Each person's tokens are a "
        "partition, filled through the store's own transactions, which is not in the times: it took "
        f"{' and '.join(f'{seconds} s ({kind})' for kind, seconds in filled.items())}, once. SQLite was filled in "
        "memory and copied to the disk; Redis persists nothing. The growth is that from 1 to the size. azure-identity "
        "has no such store; how it grows with one file is told with the fresh processes."
        + ("" if redis_server else " **Not measured here: Redis is missing.**"),
        ("library", "store", "people", "ms", "growth"),
        [
            ("azid", kind, f"{size:,}", taken.show(1e-3), growths[kind, size].show())
            for (kind, size), taken in sorted(samples.items(), key=lambda item: (item[0][0] != _SQLITE, item[0][1]))
        ],
        [
            Target(
                f"a person's first token in a process, {kind}: {most:,} people, over 1",
                f"≤ {_TARGET}",
                growths[kind, most].show(),
                growths[kind, most].median <= _TARGET,
                "has no such store",
            )
            for kind in filled
        ],
    )


def fill(library: Library, *, kind: str, place: str, first: int, last: int) -> None:  # noqa: ARG001
    """In a worker of azid: store the tokens of people, each in a partition."""
    document = json.loads(cache_of(1, 1, host=LOGIN_HOST).serialize())
    text = json.dumps(document)
    with _open(kind, place) as store:
        for person in range(first, last):
            own = json.loads(text.replace(home_account_id(0), home_account_id(person)))
            with store.partition(home_account_id(person)).transaction(cae=False) as stored:
                stored.update(own)


def time_first_call(library: Library, *, kind: str, place: str, person: int) -> float:  # noqa: ARG001
    """In a new worker of azid: return how many seconds it takes to open the store and to get a person's token."""
    from azid import AuthenticationRecord, DeviceCodeCredential, TokenCachePersistenceOptions

    opening = _open(kind, place)
    began = time.perf_counter()
    with opening as store:
        credential = DeviceCodeCredential(
            authentication_record=AuthenticationRecord(**record(person, LOGIN_HOST)),
            cache_persistence_options=TokenCachePersistenceOptions(store=store),
            disable_automatic_authentication=True,
        )
        credential.get_token(scope(0))
        return time.perf_counter() - began


def _open(kind: str, place: str) -> AbstractContextManager[PartitionedTokenStore]:
    """Load what a store needs; return a context in which it is open."""
    from azid import EncryptionKeys, SQLiteTokenStore

    if kind == _SQLITE:
        return _closing(lambda: SQLiteTokenStore(place, EncryptionKeys(_KEY)))
    from redis import Redis

    from azid import RedisTokenStore

    return _closing(lambda: RedisTokenStore(Redis(unix_socket_path=place), EncryptionKeys(_KEY)))


@contextmanager
def _closing(opened: Callable[[], Any]) -> Iterator[Any]:
    store = opened()
    yield store
    if hasattr(store, "close"):
        store.close()


def _fill_sqlite(bench: Bench, place: str, people: int) -> None:
    """Fill it where writing is fast, as each person's tokens are a transaction of their own."""
    memory = Path("/dev/shm")  # noqa: S108 - as the parent of a private folder
    with tempfile.TemporaryDirectory(prefix="azid-benchmarks-", dir=memory if memory.is_dir() else None) as folder:
        fast_place = f"{folder}/tokens.sqlite"
        with Worker("azid", bench.azid.python) as worker:
            worker.ask(fill, kind=_SQLITE, place=fast_place, first=0, last=people)
        shutil.copy(fast_place, place)


def _fill_redis(bench: Bench, place: str, people: int) -> None:
    """Fill it in two processes: most of the work is the client's."""
    parts = [
        {"kind": _REDIS, "place": place, "first": a, "last": b} for a, b in ((0, people // 2), (people // 2, people))
    ]
    with Worker("azid", bench.azid.python) as one, Worker("azid", bench.azid.python) as other:
        ask_all((one, other), fill, parts)


def _first_call(bench: Bench, kind: str, place: str, person: int) -> float:
    with Worker("azid", bench.azid.python) as worker:
        return float(worker.ask(time_first_call, kind=kind, place=place, person=person))


@contextmanager
def _redis(server: Path, folder: Path) -> Iterator[str]:
    """Return a context in which Redis runs, with its socket's path."""
    folder.mkdir()
    socket = folder / "socket"
    options = ("--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", "", "--appendonly", "no")
    with subprocess.Popen([server, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "ready to accept connections" in line:
                    break
            yield str(socket)
        finally:
            process.kill()
