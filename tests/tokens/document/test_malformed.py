from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azid.tokens.document import (
    Document,
    find_access_token,
    find_refresh_tokens,
    has_account,
    remove,
)
from tests.support.token_documents import (
    ADA,
    CLIENT,
    GRAPH,
    HOME,
    HOST,
    NOW,
    SECTIONS,
    TENANT,
    refresh_secrets,
    secret_of,
    sign_in,
)

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e300,
    float("nan"),
    float("inf"),
    "",
    "x",
    [],
    ["x"],
    {},
    {"x": 1},
    "9" * 5000,
    10**400,
]
ENTRY: dict[str, Any] = {
    "home_account_id": HOME,
    "environment": HOST,
    "client_id": CLIENT,
    "realm": TENANT,
    "target": GRAPH,
    "secret": "other",
    "token_type": "Bearer",
    "expires_on": str(NOW + 100),
    "refresh_on": str(NOW + 50),
    "last_modification_time": "5",
    "family_id": "1",
}
USES: list[Callable[[Document], object]] = [
    lambda document: find_access_token(document, ADA, tenant_id=TENANT, scopes=[GRAPH], now=NOW),
    lambda document: find_refresh_tokens(document, ADA),
    lambda document: has_account(document, ADA),
    sign_in,
    lambda document: remove(document, ADA),
]
NAMES = ["finding an access token", "finding refresh tokens", "finding an account", "writing", "removing"]


@pytest.mark.parametrize("use", USES, ids=NAMES)
@pytest.mark.parametrize("field", ENTRY)
def test_no_malformed_field_stops_azid(use: Callable[[Document], object], field: str) -> None:
    for odd in ODD:
        document: Document = {section: {"key": {**ENTRY, field: odd}} for section in SECTIONS}
        use(document)


@pytest.mark.parametrize("use", USES, ids=NAMES)
def test_no_missing_field_stops_azid(use: Callable[[Document], object]) -> None:
    for field in ENTRY:
        entry = {name: value for name, value in ENTRY.items() if name != field}
        use({section: {"key": entry} for section in SECTIONS})


@pytest.mark.parametrize("use", USES, ids=NAMES)
def test_no_malformed_entry_stops_azid(use: Callable[[Document], object]) -> None:
    for odd in ODD:
        use({section: {"key": odd} for section in SECTIONS})


@pytest.mark.parametrize("use", USES, ids=NAMES)
def test_no_malformed_section_stops_azid(use: Callable[[Document], object]) -> None:
    for odd in ODD:
        use(dict.fromkeys(SECTIONS, odd))


def test_a_malformed_entry_in_the_place_of_a_new_one_gives_way() -> None:
    document: Document = {}
    sign_in(document)
    broken: Any = {section: dict.fromkeys(entries, "broken") for section, entries in document.items()}
    sign_in(broken)
    assert broken == document


def test_a_well_formed_entry_beside_malformed_ones_is_found() -> None:
    document: Document = {}
    sign_in(document)
    for section in SECTIONS:
        document[section] = {f"odd-{number}": odd for number, odd in enumerate(ODD)} | dict(document[section])
    assert secret_of(document) == "the-access-token"
    assert refresh_secrets(document) == ["the-refresh-token"]
    assert has_account(document, ADA)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
ENTRIES = st.fixed_dictionaries({}, optional={name: st.just(value) | JSON for name, value in ENTRY.items()}) | JSON
DOCUMENTS = st.dictionaries(st.sampled_from(SECTIONS), st.dictionaries(st.text(max_size=5), ENTRIES, max_size=4))


@given(DOCUMENTS)
def test_in_any_document_tokens_are_found_or_not(document: Document) -> None:
    before = copy.deepcopy(document)
    found = find_access_token(document, ADA, tenant_id=TENANT, scopes=[GRAPH], now=NOW)
    assert found is None or found.expires_on > NOW
    assert all(token.secret for token in find_refresh_tokens(document, ADA))
    assert has_account(document, ADA) in (True, False)
    assert json.dumps(document) == json.dumps(before)  # NaN does not equal itself
