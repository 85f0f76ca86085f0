from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from azid.errors import CredentialUnavailableError
from azid.tokens.store import TokenStore
from azid.tokens.stores.deferred import DeferredTokenStore
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import in_threads
from tests.tokens.store_contract import TokenStoreContract


class TestDeferredTokenStore(TokenStoreContract):
    @pytest.fixture
    def store(self) -> TokenStore:
        return DeferredTokenStore(MemoryTokenStore)


class Opening:
    """Opens a store; counts how often."""

    def __init__(self) -> None:
        self.store = MemoryTokenStore(personal=True)
        self.count = 0

    def __call__(self) -> TokenStore:
        self.count += 1
        return self.store


def test_it_is_one_persons() -> None:
    assert DeferredTokenStore(MemoryTokenStore).personal


def read(store: TokenStore) -> object:
    return store.read(cae=False)


def change(store: TokenStore) -> object:
    with store.transaction(cae=True) as document:
        return document


def refresh(store: TokenStore) -> object:
    with store.refreshing("key"):
        return None


@pytest.mark.parametrize("use", [read, change, refresh])
def test_it_is_opened_by_whatever_comes_first_and_once(use: Callable[[TokenStore], object]) -> None:
    opening = Opening()
    store = DeferredTokenStore(opening)
    assert opening.count == 0
    use(store)
    assert opening.count == 1
    for again in (read, change, refresh):
        again(store)
    assert opening.count == 1


def test_it_is_the_store_that_was_opened() -> None:
    opening = Opening()
    with DeferredTokenStore(opening).transaction(cae=False) as document:
        document["Account"] = {"key": {}}
    assert opening.store.read(cae=False) == {"Account": {"key": {}}}
    assert opening.store.read(cae=True) == {}


def test_many_threads_open_it_once() -> None:
    opening = Opening()
    store = DeferredTokenStore(opening)
    in_threads(10, lambda: store.read(cae=False))
    assert opening.count == 1


@pytest.mark.parametrize("use", [read, change, refresh])
def test_what_opening_raises_is_raised_each_time_until_it_succeeds(use: Callable[[TokenStore], object]) -> None:
    errors = [CredentialUnavailableError("The keyring is locked."), OSError("no room")]

    def open_store() -> TokenStore:
        if errors:
            raise errors.pop(0)
        return MemoryTokenStore()

    store = DeferredTokenStore(open_store)
    with pytest.raises(CredentialUnavailableError, match="locked"):
        use(store)
    with pytest.raises(OSError, match="no room"):
        use(store)
    use(store)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_while_it_is_opened_can_open_it() -> None:
    begun, go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def open_store() -> TokenStore:
        if os.getpid() == parent:
            begun.set()
            assert go_on.wait(20)
        return MemoryTokenStore()

    store = DeferredTokenStore(open_store)
    thread = threading.Thread(target=read, args=(store,), daemon=True)
    thread.start()
    assert begun.wait(20)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if read(store) == {} else 2
        finally:
            os._exit(status)
    go_on.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.join(20)
    assert not thread.is_alive()
