from __future__ import annotations

from collections.abc import Iterator

import pytest

from azid import CredentialUnavailableError, TokenCachePersistenceOptions
from azid.persistence import open_storage
from azid.tokens.stores.memory import MemoryTokenStore


def test_without_options_tokens_stay_in_memory_of_ones_own() -> None:
    storage = open_storage(None)
    assert isinstance(storage.of("anybody"), MemoryTokenStore)
    assert storage.of("anybody") is storage.of("anybody else")
    assert storage.private
    assert open_storage(None).of("anybody") is not storage.of("anybody")


@pytest.mark.parametrize("personal", [False, True])
def test_a_store_of_the_applications_own_is_used_as_it_is(personal: bool) -> None:
    store = MemoryTokenStore(personal=personal)
    storage = open_storage(TokenCachePersistenceOptions(store=store))
    assert storage.of("anybody") is store
    assert storage.own is (store if personal else None)
    assert not storage.private


class Partitions:
    """A store of many people."""

    def __init__(self) -> None:
        self.stores: dict[str, MemoryTokenStore] = {}

    def partition(self, key: str) -> MemoryTokenStore:
        return self.stores.setdefault(key, MemoryTokenStore())

    def keys(self) -> Iterator[str]:
        return iter(self.stores)

    def remove(self, key: str) -> None:
        self.stores.pop(key, None)


def test_in_a_store_of_many_people_an_account_has_its_own_partition() -> None:
    partitions = Partitions()
    storage = open_storage(TokenCachePersistenceOptions(store=partitions))
    assert storage.own is None
    assert storage.of("ada") is partitions.stores["ada"]
    assert storage.of("bob") is partitions.stores["bob"]


def test_a_partition_that_the_service_names_is_its_persons_own() -> None:
    partitions = Partitions()
    storage = open_storage(TokenCachePersistenceOptions(store=partitions, partition="user 7"))
    assert storage.own is storage.of("whoever signs in") is partitions.stores["user 7"]


def test_storage_that_does_not_exist_yet_is_refused_with_a_way_out() -> None:
    with pytest.raises(CredentialUnavailableError, match=r"no tokens on disk yet.*Leave them out"):
        open_storage(TokenCachePersistenceOptions())


def test_options_have_azure_identitys_defaults_and_are_keywords() -> None:
    options = TokenCachePersistenceOptions()
    assert options.name == "msal.cache"
    assert not options.allow_unencrypted_storage
    assert TokenCachePersistenceOptions(name="mine", allow_unencrypted_storage=True) != options
    with pytest.raises(TypeError):
        TokenCachePersistenceOptions(True)  # type: ignore[call-arg]


def test_the_store_is_not_shown() -> None:
    assert "store" not in repr(TokenCachePersistenceOptions(store=MemoryTokenStore()))
