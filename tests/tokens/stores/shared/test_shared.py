"""What every lasting store does, with file locks and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from azid.tokens.store import TokenStore
from tests.tokens.store_contract import LastingTokenStoreContract
from tests.tokens.stores.shared.conftest import store_in


class TestSharedTokenStore(LastingTokenStoreContract):
    @pytest.fixture
    def store(self, folder: Path) -> TokenStore:
        return store_in(folder)


class TestWithoutFileLocks(LastingTokenStoreContract):
    """MSAL's lock is made without them, so that nothing is lost; only refreshes are not kept apart."""

    test_one_process_at_a_time_refreshes_an_account = None  # type: ignore[assignment]

    @pytest.fixture
    def store(self, folder: Path) -> TokenStore:
        return store_in(folder, refusing=True)
