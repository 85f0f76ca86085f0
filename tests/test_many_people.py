"""Services that hold the sign-ins of many people, in the stores that azid has for them."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis.backoff import NoBackoff
from redis.retry import Retry

from azid import (
    AuthenticationRequiredError,
    CredentialUnavailableError,
    DeviceCodeCredential,
    EncryptionKeys,
    InteractiveBrowserCredential,
    RedisTokenStore,
    SQLiteTokenStore,
    TokenCachePersistenceOptions,
)
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from tests.conftest import ADA, BOB, GRAPH, VAULT, Prompt

if TYPE_CHECKING:
    from tests.support.redis_server import RedisServer

pytest_plugins = ["tests.support.redis_server"]

Make = Callable[..., DeviceCodeCredential]
KEY = bytes(range(32))
_numbers = itertools.count()


@pytest.fixture
def open_sqlite(tmp_path: Path) -> Iterator[Callable[[], SQLiteTokenStore]]:
    opened: list[SQLiteTokenStore] = []

    def open_it() -> SQLiteTokenStore:
        opened.append(SQLiteTokenStore(tmp_path / "tokens.sqlite", EncryptionKeys(KEY)))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def open_redis(redis_service: RedisServer) -> Iterator[Callable[[], RedisTokenStore]]:
    prefix = f"people {next(_numbers)}:"
    with redis_service.client() as client:
        yield lambda: RedisTokenStore(client, EncryptionKeys(KEY), prefix=prefix)


@pytest.fixture(params=["sqlite", "redis"])
def open_store(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Opens the service's store, as each of its processes does."""
    opens: Callable[[], Any] = request.getfixturevalue(f"open_{request.param}")
    return opens


@pytest.fixture
def service(make_credential: Make, open_store: Callable[[], Any]) -> Make:
    """Makes credentials as one process of the service does, each on a store that it has just opened."""

    def make(partition: str | None = None, **arguments: Any) -> DeviceCodeCredential:
        options = TokenCachePersistenceOptions(store=open_store(), partition=partition)
        return make_credential(cache_persistence_options=options, **arguments)

    return make


@pytest.fixture
def sign_in(service: Make, prompt: Prompt, entra: Emulator) -> Callable[..., Any]:
    """Signs somebody in; returns the record."""

    def sign_in_as(user: Any, partition: str | None = None) -> Any:
        prompt.person = Person(user.username, user.password, entra=entra)
        record = service(partition).authenticate(GRAPH)
        prompt.shown.clear()
        entra.clear_log()
        return record

    return sign_in_as


def test_a_record_finds_its_tokens_in_another_process(service: Make, sign_in: Any, entra: Emulator) -> None:
    ada, bob = sign_in(ADA), sign_in(BOB)
    quiet = {"disable_automatic_authentication": True}
    adas = service(authentication_record=ada, **quiet).get_token(GRAPH)
    bobs = service(authentication_record=bob, **quiet).get_token(GRAPH)
    assert adas != bobs
    assert entra.requests == []
    assert service(authentication_record=ada, **quiet).get_token(VAULT)
    assert len(entra.token_requests("refresh_token")) == 1


def test_a_partition_signs_in_once_and_is_silent_from_then_on(service: Make, prompt: Prompt, entra: Emulator) -> None:
    token = service("user 7").get_token(GRAPH)
    assert len(prompt.shown) == 1
    entra.clear_log()
    assert service("user 7").get_token(GRAPH) == token
    assert service("user 7").get_token(GRAPH, enable_cae=True)
    assert len(prompt.shown) == 1
    with pytest.raises(AuthenticationRequiredError):
        service("user 8", disable_automatic_authentication=True).get_token(GRAPH)


def test_a_refreshed_token_is_everybodys(service: Make, sign_in: Any, clock: ManualClock, entra: Emulator) -> None:
    sign_in(ADA, "user 7")
    clock.advance(7200)
    token = service("user 7").get_token(GRAPH)
    assert service("user 7").get_token(GRAPH) == token
    assert len(entra.token_requests("refresh_token")) == 1


def test_without_record_and_partition_nobody_is_used(service: Make, sign_in: Any, prompt: Prompt) -> None:
    sign_in(ADA)
    sign_in(ADA, "user 7")
    stranger = service(disable_automatic_authentication=True)
    with pytest.raises(AuthenticationRequiredError):
        stranger.get_token(GRAPH)
    assert stranger.accounts() == []
    stranger.sign_out()
    assert [record.username for record in service("user 7").accounts()] == [ADA.username]
    assert service().get_token(GRAPH)
    assert len(prompt.shown) == 1


def test_a_login_hint_selects_nobody(
    open_store: Callable[[], Any], sign_in: Any, entra: Emulator, clock: ManualClock
) -> None:
    sign_in(ADA)
    with InteractiveBrowserCredential(
        login_hint=ADA.username,
        disable_automatic_authentication=True,
        cache_persistence_options=TokenCachePersistenceOptions(store=open_store()),
        transport=entra.transport(),
        clock=clock,
    ) as credential:
        assert credential.accounts() == []
        with pytest.raises(AuthenticationRequiredError):
            credential.get_token(GRAPH)
    assert entra.requests == []


def test_a_record_sees_and_signs_out_its_own_account_only(service: Make, sign_in: Any) -> None:
    ada, bob = sign_in(ADA), sign_in(BOB)
    credential = service(authentication_record=ada, disable_automatic_authentication=True)
    elsewhere = service(authentication_record=ada, disable_automatic_authentication=True)
    assert [record.username for record in credential.accounts()] == [ADA.username]
    credential.sign_out()
    with pytest.raises(AuthenticationRequiredError):
        elsewhere.get_token(GRAPH)
    assert service(authentication_record=bob, disable_automatic_authentication=True).get_token(GRAPH)


def test_a_partition_that_signed_out_holds_nothing_of_it(
    service: Make, sign_in: Any, open_store: Callable[[], Any]
) -> None:
    sign_in(ADA, "user 7")
    sign_in(BOB, "user 8")
    service("user 7").get_token(GRAPH, enable_cae=True)
    service("user 7").sign_out()
    assert service("user 7").accounts() == []
    assert [record.username for record in service("user 8").accounts()] == [BOB.username]
    store = open_store()
    for cae in (False, True):
        assert set(store.partition("user 7").read(cae=cae)) <= {"AppMetadata"} | {
            section for section, entries in store.partition("user 7").read(cae=cae).items() if not entries
        }
    with pytest.raises(AuthenticationRequiredError):
        service("user 7", disable_automatic_authentication=True).get_token(GRAPH)


def test_who_is_removed_from_the_store_signs_in_again(
    service: Make, sign_in: Any, open_store: Callable[[], Any]
) -> None:
    record = sign_in(ADA)
    sign_in(ADA, "user 7")
    store = open_store()
    assert sorted(store.keys()) == sorted(["user 7", record.home_account_id])
    for key in list(store.keys()):
        store.remove(key)
    for arguments in ({"partition": "user 7"}, {"authentication_record": record}):
        with pytest.raises(AuthenticationRequiredError):
            service(disable_automatic_authentication=True, **arguments).get_token(GRAPH)


def test_a_credential_with_such_a_store_is_not_pickled(open_store: Callable[[], Any]) -> None:
    options = TokenCachePersistenceOptions(store=open_store(), partition="user 7")
    with (
        DeviceCodeCredential(cache_persistence_options=options) as credential,
        pytest.raises(TypeError, match="Make them in the process that uses them"),
    ):
        pickle.dumps(credential)


def test_a_wrong_key_is_told_and_a_sign_in_works_all_the_same(
    make_credential: Make, sign_in: Any, tmp_path: Path, open_sqlite: Callable[[], Any], caplog: Any
) -> None:
    make_credential(
        cache_persistence_options=TokenCachePersistenceOptions(store=open_sqlite(), partition="user 7")
    ).get_token(GRAPH)
    store = SQLiteTokenStore(tmp_path / "tokens.sqlite", EncryptionKeys(bytes(32)))
    try:
        options = TokenCachePersistenceOptions(store=store, partition="user 7")
        credential = make_credential(cache_persistence_options=options)
        with pytest.raises(CredentialUnavailableError, match="Give that key as a previous one"):
            credential.get_token(GRAPH)
        credential.authenticate(GRAPH)
        assert "could not be stored" in caplog.text
        assert credential.get_token(GRAPH)
    finally:
        store.close()


def test_a_redis_server_that_dies_fails_no_call_that_has_its_token(
    make_credential: Make, own_redis: RedisServer, prompt: Prompt, clock: ManualClock
) -> None:
    with own_redis.client(retry=Retry(NoBackoff(), 1)) as client:
        store = RedisTokenStore(client, EncryptionKeys(KEY))
        options = TokenCachePersistenceOptions(store=store, partition="user 7")
        credential = make_credential(cache_persistence_options=options)
        prompt.before = own_redis.kill
        assert credential.get_token(GRAPH) == credential.get_token(GRAPH)
        with pytest.raises(CredentialUnavailableError, match="token store cannot be read"):
            credential.get_token(VAULT)
        own_redis.start()
        prompt.before = lambda: None
        assert make_credential(cache_persistence_options=options).get_token(GRAPH)
        prompt.shown.clear()
        assert credential.get_token(VAULT)
        assert prompt.shown == []
