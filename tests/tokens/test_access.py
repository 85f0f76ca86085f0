from __future__ import annotations

import pickle

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo

from azid.tokens.access import IssuedToken, TokenInfo

SECRET = "the-access-token"


def test_a_token_comes_in_both_of_azure_cores_types() -> None:
    issued = IssuedToken(SECRET, 1000, token_type="pop", refresh_on=500)
    assert isinstance(issued.access_token, AccessToken)
    assert issued.access_token == AccessToken(SECRET, 1000)
    assert isinstance(issued.token_info, AccessTokenInfo)
    assert (issued.token_info.token, issued.token_info.expires_on) == (SECRET, 1000)
    assert (issued.token_info.token_type, issued.token_info.refresh_on) == ("pop", 500)


def test_neither_type_shows_the_token() -> None:
    issued = IssuedToken(SECRET, 1000, refresh_on=500)
    for shown in (issued.access_token, issued.token_info, issued):
        for text in (repr(shown), str(shown), f"{shown}"):
            assert SECRET not in text
    assert "1000" in repr(issued.access_token)
    assert "500" in repr(issued.token_info)


def test_an_access_token_can_be_unpacked_and_pickled() -> None:
    token, expires_on = IssuedToken(SECRET, 1000).access_token
    assert (token, expires_on) == (SECRET, 1000)
    loaded = pickle.loads(pickle.dumps(IssuedToken(SECRET, 1000).access_token))
    assert loaded == AccessToken(SECRET, 1000)
    assert SECRET not in repr(loaded)


INFO = TokenInfo(SECRET, 1000, token_type="Bearer", refresh_on=None)
ENTRIES = {"token": SECRET, "expires_on": 1000, "token_type": "Bearer", "refresh_on": None}


def test_token_info_reads_like_a_dict() -> None:
    assert dict(INFO) == ENTRIES
    assert list(INFO) == INFO.keys() == list(ENTRIES)
    assert len(INFO) == len(ENTRIES)
    assert INFO["token"] == SECRET
    assert "expires_on" in INFO
    assert "nonsense" not in INFO
    assert INFO.get("expires_on") == 1000
    assert INFO.get("nonsense") is None
    assert INFO.get("nonsense", 3) == 3
    assert {**INFO} == ENTRIES


@pytest.mark.parametrize("name", ["nonsense", "keys", "get", "__class__"])
def test_token_info_has_no_other_entries(name: str) -> None:
    with pytest.raises(KeyError):
        INFO[name]


def test_token_info_equals_the_same_entries() -> None:
    assert TokenInfo(SECRET, 1000) == INFO == ENTRIES
    assert TokenInfo(SECRET, 1001) != INFO
    assert INFO != "text"
    assert pickle.loads(pickle.dumps(INFO)) == INFO


@pytest.mark.parametrize(
    ("refresh_on", "fresh_until"),
    [(None, 10_000 - 300), (5_000, 5_000), (9_900, 10_000 - 300), (10_000 - 300, 10_000 - 300)],
)
def test_a_token_is_fresh_until_it_is_due_or_about_to_expire(refresh_on: int | None, fresh_until: int) -> None:
    issued = IssuedToken(SECRET, 10_000, refresh_on=refresh_on)
    assert issued.fresh_until == fresh_until
    assert issued.may_wait == 10_000 - 300
