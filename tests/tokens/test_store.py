from __future__ import annotations

from azid.tokens.store import TokenStore
from azid.tokens.stores.memory import MemoryTokenStore


def test_what_has_its_methods_is_a_token_store() -> None:
    assert isinstance(MemoryTokenStore(), TokenStore)
    assert not isinstance({}, TokenStore)
