"""Which sign-ins count as kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.lost_updates import kept_accounts
from benchmarks.sign_ins import cache_of, home_account_id


def test_a_sign_in_is_kept_if_all_of_it_is_there(tmp_path: Path) -> None:
    document = json.loads(cache_of(3, 1).serialize())
    document["RefreshToken"] = {
        key: entry for key, entry in document["RefreshToken"].items() if entry["home_account_id"] != home_account_id(1)
    }
    cache = tmp_path / "cache"
    cache.write_text(json.dumps(document))
    assert kept_accounts(cache) == {home_account_id(0), home_account_id(2)}


def test_half_a_file_keeps_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.write_text(cache_of(1, 1).serialize()[:1_000])
    with pytest.raises(ValueError, match=r"line \d+ column \d+"):
        kept_accounts(cache)
