"""Which account a credential uses, which ones it knows, and how it forgets them."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import (
    DEVELOPER_SIGN_ON_CLIENT_ID,
    AuthenticationRequiredError,
    CredentialUnavailableError,
    DeviceCodeCredential,
    TokenCachePersistenceOptions,
    UsernamePasswordCredential,
)
from azid.clock import ManualClock
from azid.emulator import Emulator, Fault, Person, User
from azid.tokens.document import Document
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import ADA, BOB, GRAPH, VAULT, Prompt

Make = Callable[..., DeviceCodeCredential]
OTHER_CLIENT = "1950a258-227b-4e31-a9cf-717495945fc2"


@pytest.fixture
def store() -> MemoryTokenStore:
    """A person's own store."""
    return MemoryTokenStore(personal=True)


@pytest.fixture
def sign_in(make_credential: Make, prompt: Prompt, entra: Emulator, store: MemoryTokenStore) -> Callable[..., Any]:
    """Signs somebody in to the store; returns the credential."""

    def sign_in_as(user: Any, **arguments: Any) -> DeviceCodeCredential:
        prompt.person = Person(user.username, user.password, entra=entra)
        credential = make_credential(cache_persistence_options=TokenCachePersistenceOptions(store=store), **arguments)
        credential.authenticate(GRAPH)
        prompt.shown.clear()
        return credential

    return sign_in_as


@pytest.fixture
def silent(make_credential: Make, store: MemoryTokenStore) -> Callable[..., DeviceCodeCredential]:
    """Makes credentials on the store that may not prompt."""

    def make(**arguments: Any) -> DeviceCodeCredential:
        return make_credential(
            cache_persistence_options=TokenCachePersistenceOptions(store=store),
            disable_automatic_authentication=True,
            **arguments,
        )

    return make


def test_the_only_account_needs_no_record(sign_in: Any, silent: Any, entra: Emulator) -> None:
    token = sign_in(ADA).get_token(GRAPH)
    entra.clear_log()
    assert silent().get_token(GRAPH) == token
    assert entra.requests == []


def test_of_several_accounts_the_login_hint_chooses(sign_in: Any, silent: Any) -> None:
    ada, bob = sign_in(ADA).get_token(GRAPH), sign_in(BOB).get_token(GRAPH)
    with pytest.raises(AuthenticationRequiredError):
        silent().get_token(GRAPH)
    assert [account.username for account in silent().accounts()] == [ADA.username, BOB.username]
    records = {account.username: account for account in silent().accounts()}
    assert silent(authentication_record=records[ADA.username]).get_token(GRAPH) == ada
    assert silent(authentication_record=records[BOB.username]).get_token(GRAPH) == bob


@pytest.mark.parametrize("name", [BOB.username, BOB.username.upper()])
def test_a_login_hint_chooses_whatever_its_case(
    sign_in: Any, store: MemoryTokenStore, entra: Emulator, clock: ManualClock, name: str
) -> None:
    from azid import InteractiveBrowserCredential

    sign_in(ADA)
    token = sign_in(BOB).get_token(GRAPH)
    credential = InteractiveBrowserCredential(
        login_hint=name,
        disable_automatic_authentication=True,
        cache_persistence_options=TokenCachePersistenceOptions(store=store),
        transport=entra.transport(),
        clock=clock,
    )
    assert credential.get_token(GRAPH) == token


@pytest.mark.parametrize(
    "arguments",
    [
        {"client_id": OTHER_CLIENT},
        {"authority": "login.microsoftonline.us"},
        {"tenant_id": "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"},
        {"tenant_id": "consumers"},
    ],
)
def test_an_account_of_another_client_cloud_or_tenant_is_not_used(
    sign_in: Any, silent: Any, entra: Emulator, arguments: dict[str, str]
) -> None:
    sign_in(ADA)
    entra.clear_log()
    with pytest.raises(AuthenticationRequiredError):
        silent(**arguments).get_token(GRAPH)
    assert entra.requests == []


@pytest.mark.parametrize("tenant_id", [None, "organizations", "common", "own"])
def test_an_account_is_used_in_its_own_tenant_by_any_name(
    sign_in: Any, silent: Any, entra: Emulator, tenant_id: str | None
) -> None:
    token = sign_in(ADA).get_token(GRAPH)
    assert silent(tenant_id=entra.tenant_id if tenant_id == "own" else tenant_id).get_token(GRAPH) == token


def test_an_alias_of_the_authority_finds_the_account(sign_in: Any, silent: Any, entra: Emulator) -> None:
    token = sign_in(ADA).get_token(GRAPH)
    entra.clear_log()
    assert silent(authority="login.windows.net").get_token(GRAPH) == token
    assert entra.requests == []


def test_in_a_store_of_unknown_people_nobody_is_used_unnamed(
    make_credential: Make, prompt: Prompt, entra: Emulator
) -> None:
    options = TokenCachePersistenceOptions(store=MemoryTokenStore())
    make_credential(cache_persistence_options=options).authenticate(GRAPH)
    stranger = make_credential(cache_persistence_options=options, disable_automatic_authentication=True)
    assert stranger.accounts() == []
    with pytest.raises(AuthenticationRequiredError):
        stranger.get_token(GRAPH)


def test_a_password_is_proven_even_if_the_account_is_known(
    sign_in: Any, store: MemoryTokenStore, entra: Emulator, clock: ManualClock
) -> None:
    sign_in(ADA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        credential = UsernamePasswordCredential(
            DEVELOPER_SIGN_ON_CLIENT_ID,
            ADA.username,
            "a wrong one",
            cache_persistence_options=TokenCachePersistenceOptions(store=store),
            transport=entra.transport(),
            clock=clock,
        )
    with pytest.raises(ClientAuthenticationError, match="AADSTS50126"):
        credential.get_token(GRAPH)


def test_signing_out_forgets_tokens_of_both_modes_and_asks_again(
    sign_in: Any, silent: Any, store: MemoryTokenStore, prompt: Prompt
) -> None:
    credential = sign_in(ADA)
    credential.get_token(VAULT, enable_cae=True)
    credential.sign_out()
    for cae in (False, True):
        sections = store.read(cae=cae)
        assert not any(sections.get(section) for section in ("AccessToken", "RefreshToken", "IdToken", "Account"))
    assert credential.accounts() == []
    with pytest.raises(AuthenticationRequiredError):
        silent().get_token(GRAPH)
    credential.get_token(GRAPH)
    assert len(prompt.shown) == 1


def test_signing_out_leaves_other_accounts_and_other_clients_alone(
    sign_in: Any, silent: Any, store: MemoryTokenStore
) -> None:
    sign_in(ADA, client_id=OTHER_CLIENT)
    ada, bob = sign_in(ADA), sign_in(BOB)
    ada.sign_out()
    assert [account.username for account in silent().accounts()] == [BOB.username]
    assert bob.get_token(VAULT)
    other = silent(client_id=OTHER_CLIENT)
    assert [account.username for account in other.accounts()] == [ADA.username]
    assert other.get_token(VAULT)


def test_a_named_account_is_signed_out(sign_in: Any, silent: Any) -> None:
    sign_in(ADA)
    bob = sign_in(BOB)
    [record] = [account for account in bob.accounts() if account.username == ADA.username]
    bob.sign_out(record)
    assert [account.username for account in bob.accounts()] == [BOB.username]
    assert bob.get_token(GRAPH)


def test_without_a_name_it_must_be_clear_who_is_meant(sign_in: Any, silent: Any) -> None:
    sign_in(ADA)
    sign_in(BOB)
    with pytest.raises(ValueError, match=f"{ADA.username}, {BOB.username}"):
        silent().sign_out()
    assert len(silent().accounts()) == 2


def test_signing_out_nobody_is_no_error(silent: Any) -> None:
    silent().sign_out()


def test_a_credential_that_signed_out_adopts_nobody_else(sign_in: Any, silent: Any, store: MemoryTokenStore) -> None:
    sign_in(BOB)
    credential = silent()
    credential.get_token(GRAPH)
    ada = sign_in(ADA)
    ada.sign_out()
    credential.sign_out()
    sign_in(ADA)
    with pytest.raises(AuthenticationRequiredError):
        credential.get_token(GRAPH)


def test_only_who_would_be_used_is_signed_out_unnamed(sign_in: Any, silent: Any) -> None:
    sign_in(ADA)
    silent(login_hint=BOB.username).sign_out()
    assert [account.username for account in silent().accounts()] == [ADA.username]


def test_signing_out_twice_signs_out_nobody_else(sign_in: Any, silent: Any) -> None:
    sign_in(BOB)
    ada = sign_in(ADA)
    ada.sign_out()
    ada.sign_out()
    assert [account.username for account in silent().accounts()] == [BOB.username]


class FaultyStore(MemoryTokenStore):
    """Runs `after` when a transaction has ended, and fails once it is told to."""

    def __init__(self) -> None:
        super().__init__(personal=True)
        self.fails = False
        self.after: Callable[[], object] = lambda: None

    @contextmanager
    def transaction(self, *, cae: bool) -> Iterator[Document]:
        if self.fails:
            raise OSError("no space left")
        with super().transaction(cae=cae) as document:
            yield document
        self.after()


def test_memory_forgets_an_account_that_the_store_cannot(make_credential: Make) -> None:
    store = FaultyStore()
    options = TokenCachePersistenceOptions(store=store)
    credential = make_credential(cache_persistence_options=options, disable_automatic_authentication=True)
    credential.authenticate(GRAPH)
    store.fails = True
    with pytest.raises(CredentialUnavailableError, match="no space left"):
        credential.sign_out()
    with pytest.raises(AuthenticationRequiredError):
        credential.get_token(GRAPH)


def test_a_refresh_that_is_filed_in_the_midst_of_a_sign_out_does_not_bring_the_account_back(
    make_credential: Make, entra: Emulator, clock: ManualClock
) -> None:
    store = FaultyStore()
    options = TokenCachePersistenceOptions(store=store)
    credential = make_credential(cache_persistence_options=options)
    credential.get_token(GRAPH)
    credential.get_token(GRAPH, enable_cae=True)
    clock.advance(7200)
    sent, release = threading.Event(), threading.Event()

    def hold(_: dict[str, Any]) -> None:
        sent.set()
        release.wait(10)

    entra.inject(Fault(grant="refresh_token", mutate=hold))
    other = make_credential(cache_persistence_options=options)
    thread = threading.Thread(target=other.get_token, args=(GRAPH,), daemon=True)
    thread.start()
    assert sent.wait(10)

    def file_the_refresh() -> None:
        store.after = lambda: None
        release.set()
        thread.join(10)

    store.after = file_the_refresh
    credential.sign_out()
    assert credential.accounts() == []


def sign_out_during_a_refresh(credential: DeviceCodeCredential, entra: Emulator) -> None:
    sent, release = threading.Event(), threading.Event()

    def hold(_: dict[str, Any]) -> None:
        sent.set()
        release.wait(10)

    entra.inject(Fault(grant="refresh_token", mutate=hold))
    thread = threading.Thread(target=credential.get_token, args=(GRAPH,), daemon=True)
    thread.start()
    assert sent.wait(10)
    credential.sign_out()
    release.set()
    thread.join(10)


def test_a_refresh_under_way_does_not_bring_an_account_back(
    sign_in: Any, silent: Any, entra: Emulator, clock: ManualClock
) -> None:
    credential = sign_in(ADA)
    clock.advance(7200)
    sign_out_during_a_refresh(credential, entra)
    assert credential.accounts() == []
    with pytest.raises(AuthenticationRequiredError):
        silent().get_token(GRAPH)


def test_a_refresh_does_not_bring_back_what_another_client_keeps_the_account_for(
    sign_in: Any, entra: Emulator, clock: ManualClock
) -> None:
    sign_in(ADA, client_id=OTHER_CLIENT)
    credential = sign_in(ADA)
    clock.advance(7200)
    sign_out_during_a_refresh(credential, entra)
    assert credential.accounts() == []


def test_an_account_that_fits_another_tenant_is_not_used_for_ones_own(
    make_credential: Make, clock: ManualClock, store: MemoryTokenStore
) -> None:
    fabrikam = "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"
    eve = User("eve@fabrikam.example", password="Eve's pass phrase", tenant_id=fabrikam)
    entra = Emulator(users=[ADA, eve], clock=clock)
    options = TokenCachePersistenceOptions(store=store)
    for user in (ADA, eve):
        person = Person(user.username, user.password, entra=entra)
        make_credential(
            cache_persistence_options=options, transport=entra.transport(), prompt_callback=person.enter_code
        ).authenticate(GRAPH)
    credential = make_credential(
        cache_persistence_options=options, transport=entra.transport(), disable_automatic_authentication=True
    )
    assert credential.get_token(GRAPH, tenant_id=fabrikam)
    with pytest.raises(AuthenticationRequiredError):
        credential.get_token(GRAPH)
