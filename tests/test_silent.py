from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import AuthenticationRequiredError, DeviceCodeCredential, TokenCachePersistenceOptions
from azid.clock import ManualClock
from azid.emulator import Emulator, Fault, Person
from azid.tokens.document import Document
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import ADA, GRAPH, VAULT, Prompt, in_threads

Make = Callable[..., DeviceCodeCredential]
HOUR = 3600
OTHER_TENANT = "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"


def test_a_fresh_token_is_handed_out_again_without_a_request(credential: DeviceCodeCredential, entra: Emulator) -> None:
    first = credential.get_token(GRAPH)
    entra.clear_log()
    assert credential.get_token(GRAPH) is first
    assert credential.get_token_info(GRAPH).token == first.token
    assert entra.requests == []


@pytest.mark.parametrize("default_scope_in_reply", [True, False])
def test_a_token_is_found_by_what_was_asked_for(
    make_credential: Make, clock: ManualClock, default_scope_in_reply: bool
) -> None:
    entra = Emulator(users=[ADA], clock=clock, default_scope_in_reply=default_scope_in_reply)
    store = MemoryTokenStore()
    options = TokenCachePersistenceOptions(store=store)
    prompt = Prompt(_person(entra))
    first = make_credential(transport=entra.transport(), prompt_callback=prompt, cache_persistence_options=options)
    record = first.authenticate(GRAPH)
    entra.clear_log()
    second = make_credential(
        transport=entra.transport(), authentication_record=record, cache_persistence_options=options
    )
    assert second.get_token(GRAPH).token == first.get_token(GRAPH).token
    assert entra.requests == []


def test_other_scopes_are_refreshed_for_without_a_prompt(
    credential: DeviceCodeCredential, entra: Emulator, prompt: Prompt
) -> None:
    graph = credential.get_token(GRAPH)
    vault = credential.get_token(VAULT)
    assert graph.token != vault.token
    assert len(prompt.shown) == 1
    assert len(entra.token_requests("refresh_token")) == 1


def test_an_expired_token_is_refreshed(
    credential: DeviceCodeCredential, entra: Emulator, clock: ManualClock, prompt: Prompt
) -> None:
    first = credential.get_token(GRAPH)
    clock.advance(2 * HOUR)
    second = credential.get_token(GRAPH)
    assert second.token != first.token
    assert second.expires_on > clock.time()
    assert len(prompt.shown) == 1


def test_another_tenant_is_asked_with_the_same_sign_in(
    credential: DeviceCodeCredential, entra: Emulator, prompt: Prompt
) -> None:
    own = credential.get_token(GRAPH)
    other = credential.get_token(GRAPH, tenant_id=OTHER_TENANT)
    assert other.token != own.token
    assert credential.get_token(GRAPH, tenant_id=OTHER_TENANT) is other
    assert credential.get_token(GRAPH) is own
    assert [request.path for request in entra.token_requests("refresh_token")] == [f"/{OTHER_TENANT}/oauth2/v2.0/token"]
    assert len(prompt.shown) == 1


def test_several_credentials_use_one_record_and_store(make_credential: Make, entra: Emulator, prompt: Prompt) -> None:
    options = TokenCachePersistenceOptions(store=MemoryTokenStore())
    record = make_credential(cache_persistence_options=options).authenticate(GRAPH)
    entra.clear_log()
    others = [
        make_credential(
            authentication_record=record, cache_persistence_options=options, disable_automatic_authentication=True
        )
        for _ in range(3)
    ]
    assert len({other.get_token(GRAPH).token for other in others}) == 1
    assert entra.requests == []
    others[0].get_token(VAULT)
    others[1].get_token(VAULT)
    assert len(entra.token_requests()) == 1


def test_one_sign_in_serves_calls_with_and_without_cae(
    credential: DeviceCodeCredential, entra: Emulator, prompt: Prompt
) -> None:
    without = credential.get_token(GRAPH)
    with_cae = credential.get_token(GRAPH, enable_cae=True)
    assert with_cae.token != without.token
    assert with_cae.expires_on - without.expires_on > 20 * HOUR
    assert credential.get_token(GRAPH) is without
    assert len(prompt.shown) == 1
    [refresh] = entra.token_requests("refresh_token")
    assert '"CP1"' in refresh.form["claims"]


def test_fifty_threads_at_an_expired_token_make_one_refresh(
    credential: DeviceCodeCredential, entra: Emulator, clock: ManualClock
) -> None:
    credential.get_token(GRAPH)
    clock.advance(2 * HOUR)
    tokens = in_threads(50, lambda: credential.get_token(GRAPH).token)
    assert len(set(tokens)) == 1
    assert len(entra.token_requests("refresh_token")) == 1


def test_a_token_that_is_due_is_returned_and_refreshed_in_the_background(
    make_credential: Make, entra: Emulator, clock: ManualClock
) -> None:
    credential = make_credential()
    first = credential.get_token(GRAPH, enable_cae=True)
    clock.advance(13 * HOUR)  # refresh_in is 12 hours
    release = threading.Event()
    entra.inject(Fault(grant="refresh_token", hold=release))
    assert [credential.get_token(GRAPH, enable_cae=True) for _ in range(5)] == [first] * 5
    release.set()
    _join_background()
    assert credential.get_token(GRAPH, enable_cae=True).token != first.token
    assert len(entra.token_requests("refresh_token")) == 1


def test_a_background_refresh_that_fails_is_tried_again_later(
    credential: DeviceCodeCredential, entra: Emulator, clock: ManualClock
) -> None:
    first = credential.get_token(GRAPH, enable_cae=True)
    clock.advance(13 * HOUR)
    entra.inject(Fault(grant="refresh_token", body=b"no json", times=None))
    for _ in range(10):
        assert credential.get_token(GRAPH, enable_cae=True) == first
        _join_background()
    assert len(entra.token_requests("refresh_token")) == 1
    clock.advance(31)
    assert credential.get_token(GRAPH, enable_cae=True) == first
    _join_background()
    assert len(entra.token_requests("refresh_token")) == 2


def test_a_token_about_to_expire_is_refreshed_first(
    credential: DeviceCodeCredential, clock: ManualClock, entra: Emulator
) -> None:
    first = credential.get_token(GRAPH)
    clock.advance(HOUR - 200)
    assert credential.get_token(GRAPH).token != first.token


@pytest.mark.parametrize("fault", [Fault(cut="before", times=None), Fault(body=b"no json", times=None)])
def test_a_valid_token_is_returned_while_its_refresh_fails(
    credential: DeviceCodeCredential,
    clock: ManualClock,
    entra: Emulator,
    fault: Fault,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = credential.get_token(GRAPH)
    clock.advance(HOUR - 200)
    entra.inject(fault)
    with caplog.at_level(logging.WARNING, "azid"):
        assert credential.get_token(GRAPH) == first
    assert "could not be refreshed" in caplog.text
    clock.advance(201)
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(GRAPH)
    assert not isinstance(caught.value, AuthenticationRequiredError)


def test_a_closed_credential_hands_out_a_token_until_it_expires(
    credential: DeviceCodeCredential, clock: ManualClock
) -> None:
    first = credential.get_token(GRAPH)
    credential.close()
    clock.advance(HOUR - 200)
    assert credential.get_token(GRAPH) == first


def test_a_revoked_but_valid_sign_in_prompts_only_once_the_token_has_expired(
    credential: DeviceCodeCredential, clock: ManualClock, entra: Emulator, prompt: Prompt
) -> None:
    first = credential.get_token(GRAPH)
    entra.revoke(ADA.username)
    clock.advance(HOUR - 200)
    assert credential.get_token(GRAPH) == first
    clock.advance(300)
    assert credential.get_token(GRAPH) != first
    assert len(prompt.shown) == 2


@pytest.mark.parametrize(
    ("code", "prompts"),
    [(50076, True), (65001, True), (70043, True), (50173, True), (53003, True), (7000218, False), (700016, False)],
)
def test_only_refusals_that_a_person_can_lift_prompt(
    credential: DeviceCodeCredential,
    clock: ManualClock,
    entra: Emulator,
    prompt: Prompt,
    code: int,
    prompts: bool,
) -> None:
    credential.get_token(GRAPH)
    clock.advance(2 * HOUR)
    entra.refuse(ADA.username, code, grant="refresh_token")
    if prompts:
        credential.get_token(GRAPH)
        assert len(prompt.shown) == 2
    else:
        with pytest.raises(ClientAuthenticationError, match=f"AADSTS{code}"):
            credential.get_token(GRAPH)
        assert len(prompt.shown) == 1


def test_an_authority_that_cannot_be_reached_does_not_prompt(
    credential: DeviceCodeCredential, clock: ManualClock, entra: Emulator, prompt: Prompt
) -> None:
    credential.get_token(GRAPH)
    clock.advance(2 * HOUR)
    entra.inject(Fault(cut="before", times=4))  # once, and three retries
    with pytest.raises(ClientAuthenticationError):
        credential.get_token(GRAPH)
    assert credential.get_token(GRAPH)
    assert len(prompt.shown) == 1


def test_a_revoked_sign_in_with_a_hundred_scopes_makes_one_request(
    make_credential: Make, entra: Emulator, clock: ManualClock
) -> None:
    options = TokenCachePersistenceOptions(store=MemoryTokenStore())
    record = make_credential(cache_persistence_options=options).authenticate(GRAPH)
    silent = make_credential(
        authentication_record=record, cache_persistence_options=options, disable_automatic_authentication=True
    )
    scopes = [f"api://resource-{number}/.default" for number in range(100)]
    for scope in scopes:
        silent.get_token(scope)
    entra.revoke(ADA.username)
    clock.advance(2 * HOUR)
    entra.clear_log()
    for scope in scopes:
        with pytest.raises(AuthenticationRequiredError):
            silent.get_token(scope)
    assert len(entra.token_requests()) == 1


def test_a_refresh_that_brings_another_account_fails_and_stores_nothing(
    credential: DeviceCodeCredential, clock: ManualClock, entra: Emulator
) -> None:
    credential.get_token(GRAPH)
    clock.advance(2 * HOUR)
    entra.inject(Fault(grant="refresh_token", merge={"client_info": "eyJ1aWQiOiJ4IiwidXRpZCI6InkifQ"}))
    with pytest.raises(ClientAuthenticationError, match="another account"):
        credential.get_token(GRAPH)
    assert credential.get_token(GRAPH)


@pytest.mark.parametrize("persistent", [False, True])
def test_a_record_whose_sign_in_is_not_kept_says_so(make_credential: Make, persistent: bool) -> None:
    record = make_credential().authenticate(GRAPH)
    options = TokenCachePersistenceOptions(store=MemoryTokenStore()) if persistent else None
    another = make_credential(
        authentication_record=record, cache_persistence_options=options, disable_automatic_authentication=True
    )
    with pytest.raises(AuthenticationRequiredError, match=f"No sign-in of {ADA.username} is kept here") as caught:
        another.get_token(GRAPH)
    assert ("cache_persistence_options" in str(caught.value)) is not persistent


def test_without_a_record_and_without_prompting_there_is_no_request(make_credential: Make, entra: Emulator) -> None:
    credential = make_credential(disable_automatic_authentication=True)
    with pytest.raises(AuthenticationRequiredError) as caught:
        credential.get_token(GRAPH, claims='{"access_token": {}}')
    assert caught.value.scopes == (GRAPH,)
    assert caught.value.claims == '{"access_token": {}}'
    assert entra.requests == []
    credential.authenticate(scopes=caught.value.scopes, claims=caught.value.claims)
    assert credential.get_token(GRAPH)


class FullStore(MemoryTokenStore):
    """Cannot be written to."""

    @contextmanager
    def transaction(self, *, cae: bool) -> Iterator[Document]:
        raise OSError("No space left on device")
        yield {}


def test_a_store_that_fails_does_not_fail_a_sign_in(
    make_credential: Make, caplog: pytest.LogCaptureFixture, prompt: Prompt
) -> None:
    credential = make_credential(cache_persistence_options=TokenCachePersistenceOptions(store=FullStore()))
    with caplog.at_level(logging.WARNING, "azid"):
        token = credential.get_token(GRAPH)
    assert "could not be stored" in caplog.text
    assert credential.get_token(GRAPH) is token
    assert len(prompt.shown) == 1


def test_an_account_that_was_removed_during_its_refresh_does_not_come_back(
    make_credential: Make, entra: Emulator, clock: ManualClock
) -> None:
    store = MemoryTokenStore()
    credential = make_credential(cache_persistence_options=TokenCachePersistenceOptions(store=store))
    credential.get_token(GRAPH)
    clock.advance(2 * HOUR)

    def remove(reply: dict[str, object]) -> None:
        with store.transaction(cae=False) as document:
            document.clear()

    entra.inject(Fault(grant="refresh_token", mutate=remove))
    assert credential.get_token(GRAPH)
    assert store.read(cae=False) == {}


class UnlockableStore(MemoryTokenStore):
    """Cannot keep others waiting, as in a folder that is read-only."""

    def refreshing(self, key: str) -> AbstractContextManager[object]:
        raise OSError("Read-only file system")


def test_a_store_without_locks_fails_no_refresh(
    make_credential: Make, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    credential = make_credential(cache_persistence_options=TokenCachePersistenceOptions(store=UnlockableStore()))
    credential.get_token(GRAPH)
    clock.advance(2 * HOUR)
    assert credential.get_token(GRAPH).expires_on > clock.time()
    assert "Read-only file system" in caplog.text


def test_without_client_info_another_subject_is_another_account(
    credential: DeviceCodeCredential, entra: Emulator, clock: ManualClock
) -> None:
    entra.inject(Fault(grant="device_code", remove=("client_info",), times=None))
    credential.get_token(GRAPH)
    clock.advance(2 * HOUR)
    entra.inject(Fault(grant="refresh_token", remove=("client_info",), id_token={"sub": "somebody else"}))
    with pytest.raises(ClientAuthenticationError, match="another account"):
        credential.get_token(GRAPH)
    entra.inject(Fault(grant="refresh_token", remove=("client_info",)))
    assert credential.get_token(GRAPH)


def test_without_client_info_another_object_id_is_another_account(
    credential: DeviceCodeCredential, entra: Emulator, clock: ManualClock
) -> None:
    credential.get_token(GRAPH)
    clock.advance(2 * HOUR)
    entra.inject(Fault(grant="refresh_token", remove=("client_info",), id_token={"oid": "somebody else"}))
    with pytest.raises(ClientAuthenticationError, match="another account"):
        credential.get_token(GRAPH)
    entra.inject(Fault(grant="refresh_token", remove=("client_info",)))
    assert credential.get_token(GRAPH)


def _person(entra: Emulator) -> Person:
    return Person(ADA.username, ADA.password, entra=entra)


def _join_background() -> None:
    for thread in threading.enumerate():
        if thread.name == "azid-refresh":
            thread.join(10)
