from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import AuthenticationRequiredError, DeviceCodeCredential, TokenCachePersistenceOptions
from azid.clock import ManualClock
from azid.emulator import Emulator, Fault, Person
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import ADA, BOB, GRAPH, VAULT, Prompt, in_threads

Make = Callable[..., DeviceCodeCredential]
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1767225600"}}}'


def test_ten_threads_at_a_first_sign_in_make_one_prompt(credential: DeviceCodeCredential, prompt: Prompt) -> None:
    tokens = in_threads(10, lambda: credential.get_token(GRAPH).token)
    assert len(set(tokens)) == 1
    assert len(prompt.shown) == 1


def test_threads_that_want_other_scopes_go_silent_after_the_prompt(
    credential: DeviceCodeCredential, prompt: Prompt, entra: Emulator
) -> None:
    scopes = iter([f"api://resource-{number}/.default" for number in range(10)])
    tokens = in_threads(10, lambda: credential.get_token(next(scopes)).token)
    assert len(set(tokens)) == 10
    assert len(prompt.shown) == 1
    assert len(entra.token_requests("refresh_token")) == 9


def test_who_waits_for_a_prompt_that_fails_gets_its_error(
    make_credential: Make, prompt: Prompt, entra: Emulator
) -> None:
    prompt.person = Person(ADA.username, ADA.password, entra=entra, then="deny")
    credential = make_credential()
    errors = in_threads(10, lambda: credential.get_token(GRAPH))
    assert all(isinstance(error, ClientAuthenticationError) and "declined" in str(error) for error in errors)
    assert len(prompt.shown) == 1
    prompt.person = Person(ADA.username, ADA.password, entra=entra)
    assert credential.get_token(GRAPH)


def test_a_call_with_claims_never_gets_a_token_obtained_without_them(
    credential: DeviceCodeCredential, prompt: Prompt, entra: Emulator
) -> None:
    first = credential.get_token(GRAPH)
    with_claims = credential.get_token(GRAPH, claims=CLAIMS)
    assert with_claims.token != first.token
    assert len(prompt.shown) == 1
    assert entra.token_requests("refresh_token")[0].form["claims"] == CLAIMS
    assert credential.get_token(GRAPH) == with_claims


@pytest.mark.parametrize("needs_person", [False, True])
def test_a_token_that_was_refused_is_not_kept_under_another_name(
    needs_person: bool, make_credential: Callable[..., DeviceCodeCredential], entra: Emulator
) -> None:
    credential = make_credential(tenant_id=ADA.tenant_id)
    names = ([GRAPH], [f"{GRAPH} {GRAPH}"])
    for scopes in names:
        credential.get_token(*scopes)
    claims = entra.challenge(ADA.username) if needs_person else CLAIMS
    new = credential.get_token(GRAPH, claims=claims)
    assert [credential.get_token(*scopes) for scopes in names] == [new, new]


def test_claims_that_need_a_person_end_in_one_prompt_that_carries_them(
    credential: DeviceCodeCredential, prompt: Prompt, entra: Emulator
) -> None:
    credential.get_token(GRAPH)
    claims = entra.challenge(ADA.username)
    entra.clear_log()
    assert credential.get_token(GRAPH, claims=claims)
    assert len(prompt.shown) == 2
    [device_code] = [request for request in entra.requests if request.endpoint == "devicecode"]
    assert device_code.form["claims"] == claims


def test_claims_in_the_required_error_can_be_handed_to_authenticate(
    make_credential: Make, prompt: Prompt, entra: Emulator
) -> None:
    credential = make_credential(disable_automatic_authentication=True)
    credential.authenticate(GRAPH)
    claims = entra.challenge(ADA.username)
    with pytest.raises(AuthenticationRequiredError) as caught:
        credential.get_token(GRAPH, claims=claims)
    assert caught.value.claims == claims
    assert claims not in str(caught.value)
    assert claims not in repr(caught.value)
    credential.authenticate(scopes=caught.value.scopes, claims=caught.value.claims)
    assert credential.get_token(GRAPH)


def test_authenticate_always_prompts_and_switches_accounts(
    credential: DeviceCodeCredential, prompt: Prompt, entra: Emulator
) -> None:
    ada = credential.authenticate(GRAPH)
    adas_token = credential.get_token(GRAPH)
    prompt.person = Person(BOB.username, BOB.password, entra=entra)
    bob = credential.authenticate(GRAPH)
    assert (ada.username, bob.username) == (ADA.username, BOB.username)
    assert credential.get_token(GRAPH) != adas_token
    assert len(prompt.shown) == 2


def test_authenticate_does_not_share_a_prompt_that_fails(
    make_credential: Make, prompt: Prompt, entra: Emulator
) -> None:
    credential = make_credential()
    prompt.person = Person(ADA.username, ADA.password, entra=entra, then="deny")
    records: list[object] = []
    threads: list[threading.Thread] = []

    def first_authenticate_then_approve() -> None:
        if not threads:
            threads.append(threading.Thread(target=lambda: records.append(credential.authenticate(VAULT)), daemon=True))
            threads[0].start()
        else:
            prompt.person = Person(ADA.username, ADA.password, entra=entra)

    prompt.before = first_authenticate_then_approve
    with pytest.raises(ClientAuthenticationError, match="declined"):
        credential.get_token(GRAPH)
    threads[0].join(10)
    assert len(records) == 1
    assert len(prompt.shown) == 2


def test_a_prompt_of_get_token_may_switch_accounts_where_no_record_was_given(
    credential: DeviceCodeCredential, prompt: Prompt, entra: Emulator, clock: ManualClock
) -> None:
    credential.get_token(GRAPH)
    entra.revoke(ADA.username)
    clock.advance(7200)
    prompt.person = Person(BOB.username, BOB.password, entra=entra)
    assert credential.get_token(GRAPH)
    vault = credential.get_token(VAULT)
    assert vault
    assert len(prompt.shown) == 2


def test_a_prompt_that_another_account_answers_fails_where_a_record_was_given(
    make_credential: Make, prompt: Prompt, entra: Emulator
) -> None:
    record = make_credential().authenticate(GRAPH)
    store = MemoryTokenStore()
    credential = make_credential(
        authentication_record=record, cache_persistence_options=TokenCachePersistenceOptions(store=store)
    )
    prompt.person = Person(BOB.username, BOB.password, entra=entra)
    with pytest.raises(ClientAuthenticationError, match="authenticate") as caught:
        credential.get_token(GRAPH)
    assert ADA.username in str(caught.value)
    assert BOB.username in str(caught.value)
    assert store.read(cae=False) == {}
    assert credential.authenticate(GRAPH).username == BOB.username
    assert credential.get_token(VAULT)


def test_old_tokens_leave_memory_with_their_account(
    make_credential: Make, prompt: Prompt, entra: Emulator, clock: ManualClock
) -> None:
    credential = make_credential()
    ada = credential.authenticate(GRAPH)
    prompt.person = Person(BOB.username, BOB.password, entra=entra)
    credential.authenticate(GRAPH)
    prompt.person = Person(ADA.username, ADA.password, entra=entra)
    assert credential.authenticate(VAULT) == ada
    entra.clear_log()
    credential.get_token(GRAPH)
    assert len(entra.token_requests("refresh_token")) == 1


def test_closing_the_credential_ends_a_prompt(make_credential: Make, prompt: Prompt, entra: Emulator) -> None:
    prompt.person = Person(ADA.username, ADA.password, entra=entra, then="leave")
    credential = make_credential()
    prompt.before = credential.close
    with pytest.raises(ClientAuthenticationError, match=r"cancelled|closed"):
        credential.get_token(GRAPH)


def test_an_interrupted_prompt_tells_those_who_wait(make_credential: Make, prompt: Prompt) -> None:
    credential = make_credential()
    waiting = threading.Event()
    results: list[object] = []

    def wait_for_the_prompt() -> None:
        waiting.set()
        try:
            results.append(credential.get_token(GRAPH))
        except Exception as error:
            results.append(error)

    waiter = threading.Thread(target=wait_for_the_prompt, daemon=True)

    def interrupt() -> None:
        waiter.start()
        waiting.wait(10)
        raise KeyboardInterrupt

    prompt.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        credential.get_token(GRAPH)
    prompt.before = lambda: None
    waiter.join(10)
    [result] = results
    # It came before the interrupt and is told of it, or after it and has prompted anew.
    assert "interrupted" in str(result) or len(prompt.shown) == 2


def test_a_prompt_cannot_wait_for_itself(make_credential: Make, prompt: Prompt) -> None:
    credential = make_credential()
    prompt.before = lambda: credential.get_token(GRAPH)
    with pytest.raises(ClientAuthenticationError, match="within its own prompt"):
        credential.get_token(GRAPH)


@pytest.mark.parametrize(
    ("own", "allowed", "asked", "granted"),
    [
        (None, (), "fabrikam.example", True),
        (None, ("contoso.example",), "fabrikam.example", False),
        ("contoso.example", (), "contoso.example", True),
        ("contoso.example", (), "fabrikam.example", False),
        ("contoso.example", ("fabrikam.example",), "fabrikam.example", True),
        ("contoso.example", ("*",), "fabrikam.example", True),
    ],
)
def test_tenants_that_a_call_may_name(
    make_credential: Make, clock: ManualClock, own: str | None, allowed: tuple[str, ...], asked: str, granted: bool
) -> None:
    fabrikam = "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"
    entra = Emulator(users=[ADA], clock=clock, tenants={"fabrikam.example": fabrikam})
    credential = make_credential(
        transport=entra.transport(),
        prompt_callback=Person(ADA.username, ADA.password, entra=entra).enter_code,
        tenant_id=own,
        additionally_allowed_tenants=allowed,
    )
    if granted:
        assert credential.get_token(GRAPH, tenant_id=asked)
        asked_id = fabrikam if asked.startswith("fabrikam") else entra.tenant_id
        assert {request.path for request in entra.token_requests()} == {f"/{asked_id}/oauth2/v2.0/token"}
    else:
        with pytest.raises(ClientAuthenticationError, match="additionally_allowed_tenants"):
            credential.get_token(GRAPH, tenant_id=asked)
        assert entra.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(id_token={"aud": "another application"}),
        Fault(id_token={"tid": "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"}),
        Fault(remove=("id_token",)),
        Fault(remove=("access_token",)),
        Fault(merge={"expires_in": -5}),
        Fault(merge={"expires_in": "soon"}),
        Fault(merge={"access_token": 7}),
        Fault(merge={"refresh_in": "half"}),
        Fault(merge={"client_info": "no base64"}),
        Fault(body=b"[]"),
        Fault(body=b"no json"),
        Fault(body=b'{"access_token": "eyJ'),
        Fault(body=b" " * 10_000_000),
        Fault(cut="within"),
    ],
)
def test_an_unusable_reply_fails_a_sign_in_and_loses_nothing(
    make_credential: Make, prompt: Prompt, entra: Emulator, fault: Fault
) -> None:
    store = MemoryTokenStore()
    credential = make_credential(
        tenant_id=entra.tenant_id, cache_persistence_options=TokenCachePersistenceOptions(store=store)
    )
    credential.get_token(GRAPH)
    before = store.read(cae=False)
    prompt.before = lambda: entra.inject(fault)
    with pytest.raises(ClientAuthenticationError):
        credential.authenticate(GRAPH)
    assert store.read(cae=False) == before
    entra.clear_log()
    assert credential.get_token(GRAPH)
    assert entra.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(remove=("client_info",)),
        Fault(merge={"expires_in": "3599"}),
        Fault(remove=("scope",)),
        Fault(status=503),
        Fault(status=429, retry_after=1),
    ],
)
def test_a_reply_that_is_merely_unusual_signs_in(
    credential: DeviceCodeCredential, prompt: Prompt, entra: Emulator, fault: Fault
) -> None:
    prompt.before = lambda: entra.inject(fault)
    assert credential.get_token(GRAPH)
    assert credential.get_token(VAULT)
    assert len(prompt.shown) == 1
