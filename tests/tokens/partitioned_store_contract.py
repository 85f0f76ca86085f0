"""What every token store of many people has to do. A store's test class inherits these tests.

Its module has two fixtures: `open_store`, which opens the test's store with the encryption keys that it is called with,
or else with `OLD_KEY`, on the `clock` that it is called with; and `opening`, statements of a program that open it with
`OLD_KEY` as `people`.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from azid.clock import ManualClock, SystemClock
from azid.tokens.store import PartitionedTokenStore, TokenStore
from tests.tokens.store_contract import TokenStoreContract

__all__ = ["NEW_KEY", "OLD_KEY", "PartitionedTokenStoreContract", "child", "put", "texts"]

OLD_KEY, NEW_KEY = bytes(range(32)), bytes(range(32, 64))
GIVE_UP = 60  # seconds after which a test that would hang fails
PROCESSES = 3
TRANSACTIONS = 10


def put(store: TokenStore, text: str, *, cae: bool = False) -> None:
    """Store `text` as a person's only token."""
    with store.transaction(cae=cae) as document:
        document["AccessToken"] = {"key": {"secret": text}}


def texts(store: TokenStore, *, cae: bool = False) -> list[str]:
    """Return the tokens of a person."""
    return [entry["secret"] for entry in store.read(cae=cae).get("AccessToken", {}).values()]


@contextmanager
def child(program: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program that is killed at the end of the block, if it has not ended by then."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        overdue = threading.Timer(GIVE_UP, process.kill)
        overdue.start()
        try:
            yield process
        finally:
            overdue.cancel()
            process.kill()


def told(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


class PartitionedTokenStoreContract(TokenStoreContract):
    """Tests of a store of many people, which is empty at first and whose clock stands still."""

    @pytest.fixture
    def people(self, open_store: Callable[..., PartitionedTokenStore]) -> PartitionedTokenStore:
        return open_store()

    @pytest.fixture
    def clock(self) -> ManualClock:
        """A clock that stands still, near the machine's."""
        return ManualClock(start=SystemClock().time())

    @pytest.fixture
    def unhurried(self, open_store: Callable[..., PartitionedTokenStore], clock: ManualClock) -> TokenStore:
        """The same as `store`, on `clock`."""
        return open_store(clock=clock).partition("user 7")

    @pytest.fixture
    def store(self, people: PartitionedTokenStore) -> TokenStore:
        return people.partition("user 7")

    def test_it_is_a_partitioned_store_and_its_partitions_are_each_ones_own(
        self, people: PartitionedTokenStore
    ) -> None:
        assert isinstance(people, PartitionedTokenStore)
        assert not isinstance(people, TokenStore)
        assert people.partition("ada").personal

    @pytest.mark.parametrize("key", ["", None, 7, b"ada"])
    def test_a_partitions_key_is_a_text(self, people: PartitionedTokenStore, key: str) -> None:
        with pytest.raises(ValueError, match="is a text"):
            people.partition(key)

    def test_partitions_are_apart(self, people: PartitionedTokenStore) -> None:
        names = ["ada", "Ada", "ada ", "ада", "a%", "a_a", "a*", "ada\n", "../ada", "a" * 1000]
        for name in names:
            put(people.partition(name), f"token of {name}")
            put(people.partition(name), f"token of {name} with CAE", cae=True)
        for name in names:
            assert texts(people.partition(name)) == [f"token of {name}"]
            assert texts(people.partition(name), cae=True) == [f"token of {name} with CAE"]
        assert sorted(people.keys()) == sorted(names)

    def test_every_partition_that_holds_something_is_found(self, people: PartitionedTokenStore) -> None:
        assert list(people.keys()) == []
        names = [f"user {number:04}" for number in range(1201)]
        for number, name in enumerate(names):
            put(people.partition(name), "token", cae=number % 2 == 0)
        with people.partition(names[0]).transaction(cae=True) as document:
            document.clear()
        assert sorted(people.keys()) == names[1:]

    def test_a_partition_can_be_removed(self, people: PartitionedTokenStore) -> None:
        for name in ("ada", "bob"):
            put(people.partition(name), name)
            put(people.partition(name), name, cae=True)
        people.remove("ada")
        people.remove("nobody")
        assert list(people.keys()) == ["bob"]
        assert texts(people.partition("ada")) == texts(people.partition("ada"), cae=True) == []
        assert texts(people.partition("bob")) == texts(people.partition("bob"), cae=True) == ["bob"]

    def test_another_store_object_finds_what_was_stored(self, open_store: Callable[..., PartitionedTokenStore]) -> None:
        put(open_store().partition("ada"), "token")
        assert texts(open_store().partition("ada")) == ["token"]

    def test_processes_lose_nothing_of_each_other(self, store: TokenStore, opening: str) -> None:
        program = f"""{opening}
import sys
for _ in range({TRANSACTIONS}):
    with people.partition("user 7").transaction(cae=False) as document:
        entries = document.setdefault("AccessToken", {{}})
        entries[str(len(entries))] = {{}}
"""
        with ThreadPoolExecutor(PROCESSES) as executor:
            commands = [[sys.executable, "-c", program]] * PROCESSES
            for ended in executor.map(lambda command: subprocess.run(command, check=True, timeout=GIVE_UP), commands):
                assert ended.returncode == 0
        assert len(store.read(cae=False)["AccessToken"]) == PROCESSES * TRANSACTIONS

    def test_a_process_that_is_killed_while_it_writes_leaves_what_was_stored(
        self, store: TokenStore, opening: str
    ) -> None:
        put(store, "earlier")
        program = f"""{opening}
with people.partition("user 7").transaction(cae=False) as document:
    document.clear()
    print("within", flush=True)
    input()
"""
        with child(program) as process:
            assert told(process) == "within"
            assert texts(store) == ["earlier"]
        assert texts(store) == ["earlier"]

    def test_what_a_process_had_stored_before_it_was_killed_is_there(
        self, people: PartitionedTokenStore, opening: str
    ) -> None:
        program = f"""{opening}
import itertools
for number in itertools.count():
    with people.partition(f"user {{number % 3}}").transaction(cae=False) as document:
        document.setdefault("AccessToken", {{}})[str(number)] = {{"secret": str(number)}}
    print(number, flush=True)
"""
        with child(program) as process:
            numbers = [told(process) for _ in range(20)]
            process.kill()
            assert process.stdout is not None
            numbers += process.stdout.read().split()
        stored = {text for number in range(3) for text in texts(people.partition(f"user {number}"))}
        assert set(numbers) <= stored
        assert len(stored) <= len(numbers) + 1

    def test_one_process_at_a_time_refreshes(self, unhurried: TokenStore, opening: str, clock: ManualClock) -> None:
        program = f"""{opening}
with people.partition("user 7").refreshing("client"):
    print("within", flush=True)
    input()
print("ended", flush=True)
"""
        with child(program) as process:
            assert told(process) == "within"
            with unhurried.refreshing("another client"):
                pass
            assert clock.waits == []
            with unhurried.refreshing("client"):  # a holder that hangs delays, and does not stop
                assert 25 < sum(clock.waits) <= 31
            process.communicate("\n", timeout=GIVE_UP)
        clock.waits.clear()
        with unhurried.refreshing("client"):
            assert clock.waits == []

    def test_threads_take_turns_at_a_refresh(self, unhurried: TokenStore, clock: ManualClock) -> None:
        within = threading.Event()

        def refresh() -> None:
            with unhurried.refreshing("client"):
                within.set()

        with ThreadPoolExecutor() as executor:
            with unhurried.refreshing("client"):
                other = executor.submit(refresh)
                other.result(GIVE_UP)
                assert clock.waits  # it waited for as long as it may
            assert within.is_set()

    def test_a_refresh_that_fails_gives_its_turn_back(self, unhurried: TokenStore, clock: ManualClock) -> None:
        with pytest.raises(RuntimeError), unhurried.refreshing("client"):
            raise RuntimeError
        with unhurried.refreshing("client"):
            assert clock.waits == []

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_a_forked_process_can_use_the_store_and_leaves_the_parents_alone(self, store: TokenStore) -> None:
        put(store, "before")
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                found = texts(store)
                put(store, "the child's", cae=True)
                status = 0 if found == ["before"] else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        put(store, "after")
        assert texts(store) == ["after"]
        assert texts(store, cae=True) == ["the child's"]

    def test_after_a_rotation_the_old_key_is_not_needed(self, open_store: Callable[..., PartitionedTokenStore]) -> None:
        for number in range(3):
            put(open_store(OLD_KEY).partition(f"user {number}"), "token", cae=bool(number))
        both = open_store(NEW_KEY, OLD_KEY)
        assert sorted(both.keys()) == ["user 0", "user 1", "user 2"]
        assert texts(both.partition("user 0")) == ["token"]
        both.rewrap()  # type: ignore[attr-defined]
        new = open_store(NEW_KEY)
        assert sorted(new.keys()) == ["user 0", "user 1", "user 2"]
        assert texts(new.partition("user 1"), cae=True) == ["token"]

    def test_while_keys_are_rotated_processes_with_either_current_key_agree(
        self, open_store: Callable[..., PartitionedTokenStore]
    ) -> None:
        behind = open_store(OLD_KEY, NEW_KEY).partition("ada")
        ahead = open_store(NEW_KEY, OLD_KEY).partition("ada")
        for number in range(3):
            put(behind, f"behind {number}")
            assert texts(ahead) == [f"behind {number}"]
            put(ahead, f"ahead {number}")
            assert texts(behind) == [f"ahead {number}"]
        ahead_store = open_store(NEW_KEY, OLD_KEY)
        assert list(ahead_store.keys()) == ["ada"]

    def test_a_refresh_is_one_processs_whichever_key_is_its_current_one(
        self, open_store: Callable[..., PartitionedTokenStore], clock: ManualClock
    ) -> None:
        behind = open_store(OLD_KEY, NEW_KEY, clock=clock).partition("ada")
        ahead = open_store(NEW_KEY, OLD_KEY, clock=clock).partition("ada")
        with behind.refreshing("client"), ahead.refreshing("client"):
            assert clock.waits

    def test_neither_tokens_nor_keys_are_shown_or_pickled(self, people: PartitionedTokenStore) -> None:
        put(people.partition("ada"), "the-token")
        for thing in (people, people.partition("ada")):
            shown = repr(thing)
            assert "the-token" not in shown
            assert repr(OLD_KEY) not in shown
            with pytest.raises(TypeError, match="not pickled"):
                pickle.dumps(thing)

    def test_keys_are_given_as_such(self, open_store: Callable[..., PartitionedTokenStore]) -> None:
        with pytest.raises(TypeError, match="EncryptionKeys"):
            open_store(keys=OLD_KEY)
