"""What the comparison of two libraries notices."""

from __future__ import annotations

from typing import Any

import pytest

from tests.signatures.description import Described, Parameter
from tests.signatures.differences import differences


def keyword(default: str | None = "None") -> Parameter:
    return {"kind": "KEYWORD_ONLY", "default": default}


def described(**changes: Any) -> Described:
    whole: Described = {
        "kind": "class",
        "value": "",
        "bases": ["Base"],
        "functions": {"()": {"timeout": keyword("300")}, "close": {}},
        "documented": [],
        "values": {"VALUE": "1"},
    }
    return whole | changes  # type: ignore[return-value]


def test_the_same_has_none() -> None:
    assert list(differences({"A": described()}, {"A": described()})) == []


@pytest.mark.parametrize(
    ("ours", "difference"),
    [
        ({}, "A: is missing"),
        ({"A": described(), "B": described()}, "B: is azid's own"),
        ({"A": described(kind="function")}, "A: is another function"),
        ({"A": described(value="2")}, "A: is another class"),
        ({"A": described(bases=[])}, "A: lacks the base Base"),
        ({"A": described(bases=["Base", "More"])}, "A: adds the base More"),
        ({"A": described(values={"VALUE": "2"})}, "A.VALUE: is 2 instead of 1"),
        ({"A": described(values={})}, "A.VALUE: is None instead of 1"),
        ({"A": described(functions={"()": {"timeout": keyword("300")}})}, "A.close(): is missing"),
        ({"A": described(functions={"()": {}, "close": {}})}, "A(): lacks timeout"),
        ({"A": described(functions={"()": {"timeout": keyword("1")}, "close": {}})}, "A(): parameter timeout is 1"),
        (
            {"A": described(functions={"()": {"timeout": {"kind": "POSITIONAL_ONLY", "default": "300"}}, "close": {}})},
            "A(): parameter timeout is POSITIONAL_ONLY",
        ),
        (
            {"A": described(functions={"()": {"timeout": keyword("300"), "more": keyword()}, "close": {}})},
            "A(): adds more",
        ),
    ],
)
def test_it_notices(ours: dict[str, Described], difference: str) -> None:
    assert list(differences({"A": described()}, ours)) == [difference]


def test_it_notices_a_keyword_that_only_the_documentation_names() -> None:
    assert list(differences({"A": described(documented=["authority"])}, {"A": described()})) == [
        "A(): lacks the documented authority"
    ]


def test_a_method_may_spell_out_what_another_takes_as_any_keyword() -> None:
    anything: Parameter = {"kind": "VAR_KEYWORD", "default": None}
    theirs = described(functions={"get_token": {"kwargs": anything}})
    ours = described(functions={"get_token": {"kwargs": anything, "claims": keyword()}})
    assert list(differences({"A": theirs}, {"A": ours})) == []
    required = described(functions={"get_token": {"kwargs": anything, "claims": keyword(None)}})
    assert list(differences({"A": theirs}, {"A": required})) == ["A.get_token(): adds claims"]
