from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from azid import (
    AuthenticationRequiredError,
    CredentialUnavailableError,
    DeviceCodeCredential,
    MemoryTokenStore,
    PersistentCache,
    TokenCachePersistenceOptions,
)
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from tests.conftest import ADA, BOB, GRAPH, Prompt

OTHER_CLIENT = "1950a258-227b-4e31-a9cf-717495945fc2"


@pytest.fixture
def options() -> TokenCachePersistenceOptions:
    return TokenCachePersistenceOptions(store=MemoryTokenStore(personal=True))


@pytest.fixture
def sign_in(
    make_credential: Callable[..., DeviceCodeCredential],
    prompt: Prompt,
    entra: Emulator,
    options: TokenCachePersistenceOptions,
) -> Callable[..., DeviceCodeCredential]:
    def sign_in_as(user: Any, **arguments: Any) -> DeviceCodeCredential:
        prompt.person = Person(user.username, user.password, entra=entra)
        credential = make_credential(
            cache_persistence_options=options, disable_automatic_authentication=True, **arguments
        )
        credential.authenticate(GRAPH)
        return credential

    return sign_in_as


def names(cache: PersistentCache) -> list[tuple[str, str]]:
    return sorted((account.username, account.client_id[:4]) for account in cache.accounts())


def test_every_account_of_every_application_is_listed(sign_in: Any, options: TokenCachePersistenceOptions) -> None:
    cache = PersistentCache(options)
    assert cache.accounts() == []
    sign_in(ADA)
    sign_in(ADA, client_id=OTHER_CLIENT).get_token(GRAPH, enable_cae=True)
    sign_in(BOB)
    assert names(cache) == [(ADA.username, "04b0"), (ADA.username, "1950"), (BOB.username, "04b0")]


def test_a_record_of_the_list_makes_a_credential(
    sign_in: Any, options: TokenCachePersistenceOptions, clock: ManualClock
) -> None:
    token = sign_in(ADA).get_token(GRAPH)
    [account] = PersistentCache(options).accounts()
    again = DeviceCodeCredential(authentication_record=account, cache_persistence_options=options, clock=clock)
    assert again.get_token(GRAPH) == token


def test_one_account_is_signed_out(sign_in: Any, options: TokenCachePersistenceOptions) -> None:
    credential = sign_in(ADA)
    sign_in(BOB)
    cache = PersistentCache(options)
    cache.sign_out(*(account for account in cache.accounts() if account.username == ADA.username))
    assert names(cache) == [(BOB.username, "04b0")]
    assert [account.username for account in credential.accounts()] == [BOB.username]


def test_all_are_signed_out(sign_in: Any, options: TokenCachePersistenceOptions, make_credential: Any) -> None:
    sign_in(ADA)
    sign_in(BOB, client_id=OTHER_CLIENT)
    cache = PersistentCache(options)
    cache.sign_out(*cache.accounts())
    assert cache.accounts() == []
    with pytest.raises(AuthenticationRequiredError):
        make_credential(cache_persistence_options=options, disable_automatic_authentication=True).get_token(GRAPH)


def test_a_choice_that_names_nobody_signs_nobody_out(sign_in: Any, options: TokenCachePersistenceOptions) -> None:
    sign_in(ADA)
    cache = PersistentCache(options)
    cache.sign_out(*(account for account in cache.accounts() if account.username == BOB.username))
    assert names(cache) == [(ADA.username, "04b0")]


def test_a_store_of_unknown_people_has_no_list() -> None:
    with pytest.raises(CredentialUnavailableError, match="partition"):
        PersistentCache(TokenCachePersistenceOptions(store=MemoryTokenStore()))


def test_only_records_are_signed_out(sign_in: Any, options: TokenCachePersistenceOptions) -> None:
    sign_in(ADA)
    cache = PersistentCache(options)
    accounts: Any = cache.accounts()
    with pytest.raises(TypeError, match="'accounts' takes an AuthenticationRecord, which list is not"):
        cache.sign_out(*accounts, accounts)
    assert cache.accounts() == accounts


class BrokenStore(MemoryTokenStore):
    """Cannot be read."""

    def read(self, *, cae: bool) -> Any:
        raise OSError("gone")


def test_a_store_that_cannot_be_read_is_told() -> None:
    with pytest.raises(CredentialUnavailableError, match="gone"):
        PersistentCache(TokenCachePersistenceOptions(store=BrokenStore(personal=True))).accounts()
