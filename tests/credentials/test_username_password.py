from __future__ import annotations

import warnings
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import DEVELOPER_SIGN_ON_CLIENT_ID, TokenCachePersistenceOptions, UsernamePasswordCredential
from azid.clock import ManualClock
from azid.emulator import Emulator
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import ADA, GRAPH


def make(password: str = ADA.password, **arguments: Any) -> UsernamePasswordCredential:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return UsernamePasswordCredential(DEVELOPER_SIGN_ON_CLIENT_ID, ADA.username, password, **arguments)


def test_a_password_is_proven_before_anything_is_silent(entra: Emulator, clock: ManualClock) -> None:
    options = TokenCachePersistenceOptions(store=MemoryTokenStore())
    first = make(transport=entra.transport(), clock=clock, cache_persistence_options=options)
    record = first.authenticate(GRAPH)
    wrong = make(
        "a wrong one",
        transport=entra.transport(),
        clock=clock,
        cache_persistence_options=options,
        authentication_record=record,
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS50126") as caught:
        wrong.get_token(GRAPH)
    assert "a wrong one" not in str(caught.value)
    assert "password is wrong" in str(caught.value)
    assert first.get_token(GRAPH)
    assert len(entra.token_requests("password")) == 2


def test_three_wrong_passwords_make_one_request(entra: Emulator) -> None:
    wrong = make("wrong", transport=entra.transport())
    for _ in range(3):
        with pytest.raises(ClientAuthenticationError):
            wrong.get_token(GRAPH)
    assert len(entra.token_requests("password")) == 1


@pytest.mark.parametrize(("username", "password", "told"), [("", "x", "'username'"), ("x", None, "'password'")])
def test_what_is_missing_of_a_user_name_and_a_password_is_named(username: Any, password: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        UsernamePasswordCredential("client", username, password)


def test_a_password_credential_warns_where_it_is_made() -> None:
    with pytest.warns(DeprecationWarning, match="multifactor") as caught:
        UsernamePasswordCredential("client", "user", "password")
    assert caught[0].filename == __file__
