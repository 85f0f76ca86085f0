from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azid.scopes import parse_scopes

GRAPH = "https://graph.microsoft.com/.default"


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ([GRAPH], (GRAPH,)),
        (["b", "a"], ("b", "a")),
        (["b a"], ("b", "a")),
        (["  b \t a\n"], ("b", "a")),
        (["a", "b", "a"], ("a", "b")),
        (["a b", "b c"], ("a", "b", "c")),
        (["openid", "a", "profile offline_access"], ("a",)),
        (["https://management.core.windows.net//.default"], ("https://management.core.windows.net//.default",)),
    ],
)
def test_scopes_come_one_by_one_and_once(given: list[str], parsed: tuple[str, ...]) -> None:
    assert parse_scopes(given) == parsed


@pytest.mark.parametrize("none", [[], [""], ["  ", "\n"]])
def test_a_scope_is_required(none: list[str]) -> None:
    with pytest.raises(ValueError, match="'authenticate' requires at least one scope"):
        parse_scopes(none, method="authenticate")


def test_scopes_that_come_with_every_token_do_not_do_alone() -> None:
    with pytest.raises(ValueError, match=r"at least one scope.*openid, profile come with every token"):
        parse_scopes(["openid", "profile"])


@pytest.mark.parametrize("scope", ['a"b', "a\\b", "ä", "a\x00", "a\x7f", "\ud800"])
def test_what_no_authority_could_grant_is_refused(scope: str) -> None:
    with pytest.raises(ValueError, match="is no scope"):
        parse_scopes(["fine", scope])


@pytest.mark.parametrize("wrong", [None, 1, b"a", ["a"]])
def test_what_is_not_text_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="'get_token' takes scopes as text"):
        parse_scopes(["a", wrong])


@given(st.lists(st.text()))
def test_any_text_is_scopes_or_refused(texts: list[str]) -> None:
    try:
        parsed = parse_scopes(texts)
    except ValueError:
        return
    assert parsed
    assert parse_scopes([" ".join(parsed)]) == parsed
