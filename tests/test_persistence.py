from __future__ import annotations

import pytest

from azid import CredentialUnavailableError, TokenCachePersistenceOptions
from azid.persistence import open_store
from azid.tokens.stores.memory import MemoryTokenStore


def test_without_options_tokens_stay_in_memory() -> None:
    assert isinstance(open_store(None), MemoryTokenStore)
    assert open_store(None) is not open_store(None)


def test_a_store_of_the_applications_own_is_used_as_it_is() -> None:
    store = MemoryTokenStore()
    assert open_store(TokenCachePersistenceOptions(store=store)) is store


def test_storage_that_does_not_exist_yet_is_refused_with_a_way_out() -> None:
    with pytest.raises(CredentialUnavailableError, match=r"no tokens on disk yet.*Leave them out"):
        open_store(TokenCachePersistenceOptions())


def test_options_have_azure_identitys_defaults_and_are_keywords() -> None:
    options = TokenCachePersistenceOptions()
    assert options.name == "msal.cache"
    assert not options.allow_unencrypted_storage
    assert TokenCachePersistenceOptions(name="mine", allow_unencrypted_storage=True) != options
    with pytest.raises(TypeError):
        TokenCachePersistenceOptions(True)  # type: ignore[call-arg]


def test_the_store_is_not_shown() -> None:
    assert "store" not in repr(TokenCachePersistenceOptions(store=MemoryTokenStore()))
