"""What every token store has to do. A store's test class inherits these tests and gives a `store`."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from azid.tokens.document import Document
from azid.tokens.store import TokenStore

__all__ = ["TokenStoreContract"]

THREADS = 8
TRANSACTIONS = 10
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
