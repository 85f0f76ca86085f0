"""What every token store has to do. A store's test class inherits these tests and gives a `store`."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from azid.cancellation import Cancellation
from azid.tokens.document import Document
from azid.tokens.store import TokenStore

__all__ = ["LastingTokenStoreContract", "TokenStoreContract", "in_process", "told"]

THREADS = 8
TRANSACTIONS = 10
PROCESSES = 8
WRITES = 20
GIVE_UP = 20  # seconds after which a test that would hang fails


class TokenStoreContract:
    """Tests of a token store that is empty at first."""

    @pytest.fixture
    def store(self) -> TokenStore:
        """An empty store; to be overridden."""
        raise NotImplementedError

    def test_it_is_a_token_store(self, store: TokenStore) -> None:
        assert isinstance(store, TokenStore)

    @pytest.mark.parametrize("cae", [False, True])
    def test_it_is_empty_at_first(self, store: TokenStore, cae: bool) -> None:
        assert not any(store.read(cae=cae).values())
        with store.transaction(cae=cae) as document:
            assert not any(document.values())

    @pytest.mark.parametrize("cae", [False, True])
    def test_what_a_transaction_changed_is_read(self, store: TokenStore, cae: bool) -> None:
        with store.transaction(cae=cae) as document:
            document["Account"] = {"key": {"username": "zoë", "nested": {"list": [1, None]}}}
            document["AccessToken"] = {"a": {"secret": "x"}, "b": {"secret": "y"}}
        with store.transaction(cae=cae) as document:
            del document["AccessToken"]["a"]
        assert store.read(cae=cae) == {
            "Account": {"key": {"username": "zoë", "nested": {"list": [1, None]}}},
            "AccessToken": {"b": {"secret": "y"}},
        }

    def test_the_two_documents_are_apart(self, store: TokenStore) -> None:
        for cae in (False, True):
            with store.transaction(cae=cae) as document:
                document["Account"] = {str(cae): {}}
        assert store.read(cae=False) == {"Account": {"False": {}}}
        assert store.read(cae=True) == {"Account": {"True": {}}}

    def test_a_block_that_raises_stores_nothing(self, store: TokenStore) -> None:
        with store.transaction(cae=False) as document:
            document["Account"] = {"kept": {}}

        def write() -> None:
            with store.transaction(cae=False) as document:
                document["Account"]["lost"] = {}
                document["AccessToken"] = {"lost": {}}
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write()
        assert store.read(cae=False) == {"Account": {"kept": {}}}

    def test_a_block_that_raised_keeps_nobody_out(self, store: TokenStore) -> None:
        with pytest.raises(RuntimeError), store.transaction(cae=False):
            raise RuntimeError

        def write() -> None:
            with store.transaction(cae=False) as document:
                document["Account"] = {"key": {}}

        with ThreadPoolExecutor() as executor:
            executor.submit(write).result(GIVE_UP)
        assert store.read(cae=False) == {"Account": {"key": {}}}

    def test_a_document_that_was_read_stays_as_it_was(self, store: TokenStore) -> None:
        with store.transaction(cae=False) as document:
            document["Account"] = {"key": {}}
        before = store.read(cae=False)
        with store.transaction(cae=False) as document:
            document["Account"]["other"] = {}
            del document["Account"]["key"]
        assert before == {"Account": {"key": {}}}

    def test_a_change_is_not_read_before_its_block_ends(self, store: TokenStore) -> None:
        with ThreadPoolExecutor() as executor, store.transaction(cae=False) as document:
            document["Account"] = {"key": {}}
            seen: Document = executor.submit(store.read, cae=False).result(GIVE_UP)
            assert not any(seen.values())

    def test_concurrent_transactions_lose_nothing(self, store: TokenStore) -> None:
        start = threading.Barrier(THREADS)

        def write(thread: int) -> None:
            start.wait(GIVE_UP)
            for number in range(TRANSACTIONS):
                with store.transaction(cae=False) as document:
                    entries = document.setdefault("AccessToken", {})
                    entries[f"{thread}-{number}"] = {"count": len(entries)}

        with ThreadPoolExecutor(THREADS) as executor:
            for written in [executor.submit(write, thread) for thread in range(THREADS)]:
                written.result(GIVE_UP)
        entries = store.read(cae=False)["AccessToken"]
        assert len(entries) == THREADS * TRANSACTIONS
        assert sorted(entry["count"] for entry in entries.values()) == list(range(THREADS * TRANSACTIONS))

    def test_readers_see_whole_documents(self, store: TokenStore) -> None:
        with store.transaction(cae=False) as document:
            document.update({"AccessToken": {"key": {"n": 0}}, "RefreshToken": {"key": {"n": 0}}})
        done = threading.Event()

        def read() -> int:
            reads = 0
            while not done.is_set() or not reads:
                seen = store.read(cae=False)
                assert seen["AccessToken"]["key"] == seen["RefreshToken"]["key"]
                assert len(seen["AccessToken"]) == len(seen["RefreshToken"])
                reads += 1
            return reads

        with ThreadPoolExecutor() as executor:
            readers = [executor.submit(read) for _ in range(2)]
            try:
                for number in range(THREADS * TRANSACTIONS):
                    with store.transaction(cae=False) as document:
                        for section in ("AccessToken", "RefreshToken"):
                            document[section]["key"] = {"n": number}
                            document[section][str(number)] = {}
            finally:
                done.set()
            assert all(reader.result(GIVE_UP) for reader in readers)

    def test_one_thread_at_a_time_refreshes_an_account(self, store: TokenStore) -> None:
        inside: list[int] = []
        start = threading.Barrier(THREADS)

        def refresh(thread: int) -> None:
            start.wait(GIVE_UP)
            with store.refreshing("ada"):
                inside.append(thread)
                assert inside == [thread]
                with store.transaction(cae=False) as document:
                    document.setdefault("Account", {})[str(thread)] = {}
                assert inside == [thread]
                inside.clear()

        with ThreadPoolExecutor(THREADS) as executor:
            for refreshed in [executor.submit(refresh, thread) for thread in range(THREADS)]:
                refreshed.result(GIVE_UP)
        assert len(store.read(cae=False)["Account"]) == THREADS

    def test_a_refresh_that_raised_keeps_nobody_out(self, store: TokenStore) -> None:
        with pytest.raises(RuntimeError), store.refreshing("ada"):
            raise RuntimeError

        def refresh() -> None:
            with store.refreshing("ada"):
                pass

        with ThreadPoolExecutor() as executor:
            executor.submit(refresh).result(GIVE_UP)

    def test_a_caller_who_has_left_does_not_wait_for_a_refresh(self, store: TokenStore) -> None:
        caller = Cancellation()

        def refresh() -> None:
            with caller.as_current(), store.refreshing("ada"):
                assert caller.is_cancelled

        with ThreadPoolExecutor() as executor, store.refreshing("ada"):
            waiting = executor.submit(refresh)
            caller.cancel()
            waiting.result(GIVE_UP)

    def test_a_refresh_keeps_no_writer_out(self, store: TokenStore) -> None:
        def write() -> None:
            with store.transaction(cae=False) as document:
                document["Account"] = {"key": {}}

        with ThreadPoolExecutor() as executor, store.refreshing("ada"):
            executor.submit(write).result(GIVE_UP)
        assert store.read(cae=False) == {"Account": {"key": {}}}

    def test_the_other_document_can_be_read_within_a_transaction(self, store: TokenStore) -> None:
        with store.transaction(cae=True) as document:
            document["Account"] = {"key": {}}
        with store.transaction(cae=False):
            assert store.read(cae=True) == {"Account": {"key": {}}}


@contextlib.contextmanager
def in_process(store: TokenStore, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of `tests.tokens.store_process` on a store that can be pickled; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tokens.store_process", *command],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdin is not None
            pickle.dump(store, process.stdin)
            process.stdin.flush()
            yield process
        finally:
            process.kill()


def told(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line that a process prints; empty when it has ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


class LastingTokenStoreContract(TokenStoreContract):
    """Tests of a token store that outlives a process, is shared by several, and can be pickled."""

    def test_processes_lose_nothing(self, store: TokenStore) -> None:
        with contextlib.ExitStack() as stack:
            processes = [
                stack.enter_context(in_process(store, "write", str(number), str(WRITES))) for number in range(PROCESSES)
            ]
            assert [process.wait(GIVE_UP * 3) for process in processes] == [0] * PROCESSES
        for cae in (False, True):
            accounts = store.read(cae=cae)["Account"]
            assert set(accounts) == {f"{number}-{n}" for number in range(PROCESSES) for n in range(WRITES)}

    def test_one_process_at_a_time_refreshes_an_account(self, store: TokenStore) -> None:
        def refresh() -> Document:
            with store.refreshing("ada"):
                return store.read(cae=False)

        with in_process(store, "refresh", "ada") as process, ThreadPoolExecutor() as executor:
            assert told(process) == b"refreshing"
            seen = executor.submit(refresh)
            assert process.stdin is not None
            process.stdin.close()  # it writes, and then leaves
            assert seen.result(GIVE_UP) == {"Account": {"refreshed": {}}}
