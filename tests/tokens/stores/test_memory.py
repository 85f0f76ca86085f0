from __future__ import annotations

import os
import pickle

import pytest

from azid.tokens.store import TokenStore
from azid.tokens.stores.memory import MemoryTokenStore
from tests.tokens.store_contract import TokenStoreContract


class TestMemoryTokenStore(TokenStoreContract):
    @pytest.fixture
    def store(self) -> TokenStore:
        return MemoryTokenStore()


def test_no_token_is_pickled() -> None:
    store = MemoryTokenStore()
    with store.transaction(cae=False) as document:
        document["AccessToken"] = {"key": {"secret": "the-token"}}
    dumped = pickle.dumps(store)
    assert b"the-token" not in dumped
    assert pickle.loads(dumped).read(cae=False) == {}


def test_no_token_is_shown() -> None:
    store = MemoryTokenStore()
    with store.transaction(cae=False) as document:
        document["AccessToken"] = {"key": {"secret": "the-token"}}
    assert "the-token" not in repr(store)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_within_a_transaction_can_write() -> None:
    store = MemoryTokenStore()
    with store.transaction(cae=False):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with store.transaction(cae=True) as document:
                    document["Account"] = {"key": {}}
                status = 0 if store.read(cae=True) == {"Account": {"key": {}}} else 2
            finally:
                os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.read(cae=True) == {}
