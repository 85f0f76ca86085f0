from __future__ import annotations

import copy

from azid.tokens.document import (
    Document,
    has_account,
    remove,
)
from tests.support.token_documents import (
    ADA,
    ADA_ELSEWHERE,
    BOB,
    HOST,
    VAULT,
    refresh_secrets,
    secret_of,
    sign_in,
)


def test_a_new_refresh_token_takes_the_place_of_the_clients_own_only() -> None:
    document: Document = {}
    sign_in(document, refresh_token="ada")
    sign_in(document, BOB, refresh_token="bob")
    sign_in(document, ADA_ELSEWHERE, refresh_token="elsewhere", foci="1")
    document["RefreshToken"]["msals"] = {  # MSAL's, under another name of the host and for another scope
        **next(iter(document["RefreshToken"].values())),
        "environment": "login.windows.net",
        "target": VAULT,
        "secret": "msals",
    }
    sign_in(document, refresh_token="new")
    assert sorted(entry["secret"] for entry in document["RefreshToken"].values()) == ["bob", "elsewhere", "new"]


def test_a_reply_without_a_refresh_token_keeps_the_one_that_there_is() -> None:
    document: Document = {}
    sign_in(document)
    sign_in(document, refresh_token=None, access_token="new")
    assert refresh_secrets(document) == ["the-refresh-token"]


def test_entries_are_not_changed_in_place() -> None:
    document: Document = {}
    sign_in(document)
    shared = {section: dict(entries) for section, entries in document.items()}
    before = copy.deepcopy(shared)
    sign_in(document, access_token="new", refresh_token="new", foci="1", refresh_in=60)
    assert shared == before


def foreign_document() -> Document:
    """A document with what azid does not know in every place."""
    document: Document = {}
    sign_in(document, BOB)
    document["Account"]["strange"] = {"realm": 7, "extra": [1, 2]}
    document["AccessToken-v9"] = {"key": {"x": 1}}
    document["AppMetadata"]["strange"] = {"client_id": "other", "environment": HOST, "family_id": "2", "x": None}
    return document


def test_entries_of_others_stay_as_they_are() -> None:
    document = foreign_document()
    before = copy.deepcopy(document)
    sign_in(document)
    remove(document, ADA)
    for section, entries in before.items():
        for key, entry in entries.items():
            assert document[section][key] == entry


def test_fields_of_others_stay_in_the_account() -> None:
    document: Document = {}
    sign_in(document)
    [key] = document["Account"]
    document["Account"][key] = {**document["Account"][key], "last_seen": "5", "username": "old"}
    sign_in(document)
    assert document["Account"][key]["last_seen"] == "5"
    assert document["Account"][key]["username"] == "Ada@contoso.example"


def test_a_removed_account_is_gone() -> None:
    document: Document = {}
    sign_in(document)
    remove(document, ADA)
    assert not has_account(document, ADA)
    assert secret_of(document) is None
    assert refresh_secrets(document) == []
    assert not any(entries for section, entries in document.items() if section != "AppMetadata")


def test_an_account_that_another_client_has_tokens_of_stays() -> None:
    document: Document = {}
    sign_in(document)
    sign_in(document, ADA_ELSEWHERE, access_token="elsewhere", refresh_token="elsewhere")
    remove(document, ADA)
    assert has_account(document, ADA)
    assert secret_of(document) is None
    assert secret_of(document, ADA_ELSEWHERE) == "elsewhere"
    assert refresh_secrets(document, ADA_ELSEWHERE) == ["elsewhere"]


def test_nothing_to_remove_is_no_error() -> None:
    document: Document = {}
    remove(document, ADA)
    assert not any(document.values())
