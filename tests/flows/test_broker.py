"""The broker: MSAL's real code for it, and a stand-in for the runtime of the operating system beneath."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import (
    AuthenticationRequiredError,
    InteractiveBrowserCredential,
    InteractiveCredential,
    TokenCachePersistenceOptions,
)
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from azid.flows.authorization_code import AuthorizationCodeSignIn
from azid.flows.broker import BrokerSignIn
from azid.tokens.document import Document
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import ADA, BOB, GRAPH, VAULT
from tests.support.broker import Fail

if TYPE_CHECKING:
    from tests.support.broker_runtime.pymsalruntime import Broker

Make = Callable[..., InteractiveBrowserCredential]
CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "canary"}}}'
OTHER_TENANT = "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"
WINDOW = 4711


@pytest.fixture
def person(entra: Emulator) -> Person:
    return Person(ADA.username, ADA.password, entra=entra)


@pytest.fixture
def make(entra: Emulator, person: Person) -> Iterator[Make]:
    """Makes credentials that ask for the broker; `person` has a browser, too."""
    made: list[InteractiveBrowserCredential] = []

    def make_credential(**arguments: Any) -> InteractiveBrowserCredential:
        defaults = {"parent_window_handle": WINDOW, "timeout": 30}
        arguments = {"transport": entra.transport(), "open_browser": person.open, **defaults, **arguments}
        made.append(InteractiveBrowserCredential(**arguments))
        return made[-1]

    yield make_credential
    for credential in made:
        credential.close()


def accounts(store: MemoryTokenStore, *, cae: bool = False) -> list[Any]:
    document: Document = store.read(cae=cae)
    return list(document["Account"].values())


def names(broker: Broker) -> list[str]:
    return [call.name for call in broker.calls]


def test_the_broker_signs_in_with_a_dialog_of_the_given_window(make: Make, broker: Broker, entra: Emulator) -> None:
    record = make().authenticate(GRAPH)
    assert record.username == ADA.username
    [call] = broker.calls
    assert call.name == "signin_interactively"
    assert call.parent_window == WINDOW
    assert call.login_hint is None
    assert call.parameters.authority == "https://login.microsoftonline.com/organizations"
    assert call.parameters.client_id == record.client_id
    assert call.parameters.scopes == [GRAPH]
    assert "msal_request_type" not in call.parameters.additional
    assert "validateAuthority" not in call.parameters.additional
    assert entra.requests == []


def test_a_window_whose_handle_is_zero_asks_for_the_broker(make: Make, broker: Broker) -> None:
    make(parent_window_handle=0).get_token(GRAPH)
    assert names(broker) == ["signin_interactively"]


def test_passthrough_alone_asks_for_the_broker_on_the_consoles_window(make: Make, broker: Broker) -> None:
    make(parent_window_handle=None, enable_msa_passthrough=True).get_token(GRAPH)
    [call] = broker.calls
    assert call.parent_window == 1001
    assert call.parameters.additional["msal_request_type"] == "consumer_passthrough"


def test_a_login_hint_reaches_the_dialog(make: Make, broker: Broker, entra: Emulator) -> None:
    make(login_hint=ADA.username).get_token(GRAPH)
    assert names(broker) == ["signin_silently", "signin_interactively"]
    assert broker.calls[-1].login_hint == ADA.username
    assert entra.requests == []


def test_who_is_hinted_at_and_signed_in_to_the_system_is_asked_nothing(make: Make, broker: Broker) -> None:
    broker.default = ADA.username
    assert make(login_hint=ADA.username).authenticate(GRAPH).username == ADA.username
    assert names(broker) == ["signin_silently"]


def test_who_is_signed_in_to_the_system_is_not_taken_for_somebody_else(make: Make, broker: Broker) -> None:
    broker.default, broker.person = BOB.username, ADA.username
    assert make(login_hint=ADA.username).authenticate(GRAPH).username == ADA.username
    assert names(broker) == ["signin_silently", "signin_interactively"]


def test_another_account_than_the_records_is_refused(make: Make, broker: Broker) -> None:
    record = make().authenticate(GRAPH)
    broker.known.clear()
    broker.person = BOB.username
    with pytest.raises(ClientAuthenticationError, match=r"made for ada@contoso\.example"):
        make(authentication_record=record).get_token(GRAPH)


def test_claims_and_the_capability_for_cae_reach_the_broker(make: Make, broker: Broker) -> None:
    make().authenticate(GRAPH, claims=CLAIMS, enable_cae=True)
    [call] = broker.calls
    assert "canary" in (call.parameters.claims or "")
    assert '"CP1"' in (call.parameters.claims or "")


def test_the_account_is_stored_as_the_brokers_and_without_a_refresh_token(make: Make, broker: Broker) -> None:
    store = MemoryTokenStore()
    credential = make(cache_persistence_options=TokenCachePersistenceOptions(store=store))
    broker.lifetime = 200
    credential.get_token(GRAPH)
    credential.get_token(GRAPH)
    [account] = accounts(store)
    assert account["account_source"] == "broker"
    assert account["local_account_id"] == f"broker's {ADA.username}"
    assert "RefreshToken" not in store.read(cae=False)


def test_new_tokens_come_from_the_broker_without_a_dialog(make: Make, broker: Broker, entra: Emulator) -> None:
    broker.lifetime = 200  # so near its end that each call gets a new one
    credential = make()
    first = credential.get_token(GRAPH)
    assert credential.get_token(GRAPH).token != first.token
    assert credential.get_token(VAULT, tenant_id=OTHER_TENANT)
    assert names(broker) == ["signin_interactively", "acquire_token_silently", "acquire_token_silently"]
    other = broker.calls[-1]
    assert other.account is not None
    assert other.account.username == ADA.username
    assert other.parameters.scopes == [VAULT]
    assert other.parameters.authority == f"https://login.microsoftonline.com/{OTHER_TENANT}"
    assert entra.requests == []


def test_a_valid_token_is_not_asked_for_again(make: Make, broker: Broker) -> None:
    credential = make()
    assert credential.get_token(GRAPH) == credential.get_token(GRAPH)
    assert names(broker) == ["signin_interactively"]


def test_claims_and_cae_are_asked_of_the_broker_silently(make: Make, broker: Broker) -> None:
    credential = make()
    first = credential.get_token(GRAPH)
    assert credential.get_token(GRAPH, claims=CLAIMS, enable_cae=True).token != first.token
    assert names(broker) == ["signin_interactively", "acquire_token_silently"]
    claims = broker.calls[-1].parameters.claims or ""
    assert "canary" in claims
    assert '"CP1"' in claims


def test_a_record_and_a_store_are_enough_for_another_credential(make: Make, broker: Broker) -> None:
    options = TokenCachePersistenceOptions(store=MemoryTokenStore())
    record = make(cache_persistence_options=options).authenticate(GRAPH)
    silent = {
        "authentication_record": record,
        "cache_persistence_options": options,
        "disable_automatic_authentication": True,
    }
    assert make(**silent).get_token(VAULT)
    assert names(broker) == ["signin_interactively", "acquire_token_silently"]
    with pytest.raises(AuthenticationRequiredError):
        make(parent_window_handle=None, **silent).get_token("https://storage.azure.com/.default")
    assert len(broker.calls) == 2


def test_a_refusal_that_a_person_can_lift_needs_one(make: Make, broker: Broker, fail: Fail) -> None:
    credential = make(disable_automatic_authentication=True)
    credential.authenticate(GRAPH)
    fail("Status_InteractionRequired", "AADSTS50076: (pii)")
    with pytest.raises(AuthenticationRequiredError, match="Multifactor authentication is needed") as caught:
        credential.get_token(VAULT, claims=CLAIMS)
    assert caught.value.claims == CLAIMS
    assert names(broker) == ["signin_interactively", "acquire_token_silently"]


def test_a_refusal_that_a_person_can_lift_ends_in_a_dialog_for_that_account(
    make: Make, broker: Broker, fail: Fail
) -> None:
    credential = make()
    credential.get_token(GRAPH)
    fail("Status_AccountUnusable")
    assert credential.get_token(VAULT)
    assert names(broker)[1:] == ["acquire_token_silently", "signin_silently", "signin_interactively"]
    assert broker.calls[-1].login_hint == ADA.username


def test_other_refusals_prompt_nobody(make: Make, broker: Broker, fail: Fail) -> None:
    credential = make()
    credential.get_token(GRAPH)
    fail("Status_NoNetwork")
    with pytest.raises(ClientAuthenticationError, match="Status_NoNetwork") as caught:
        credential.get_token(VAULT)
    assert not isinstance(caught.value, AuthenticationRequiredError)
    assert names(broker) == ["signin_interactively", "acquire_token_silently"]


def test_an_account_that_left_the_system_has_to_sign_in_again(make: Make, broker: Broker, entra: Emulator) -> None:
    credential = make(disable_automatic_authentication=True)
    credential.authenticate(GRAPH)
    broker.known.clear()
    with pytest.raises(AuthenticationRequiredError):
        credential.get_token(VAULT)
    assert entra.requests == []


def test_closing_the_dialog_is_told(make: Make, fail: Fail) -> None:
    fail("Status_UserCanceled")
    with pytest.raises(ClientAuthenticationError, match="cancelled in the operating system's dialog") as caught:
        make().get_token(GRAPH)
    assert not isinstance(caught.value, AuthenticationRequiredError)


@pytest.mark.parametrize("code", ["AADSTS50011", "AADSTS7000218"])
def test_a_redirect_uri_that_is_not_registered_is_named(make: Make, fail: Fail, code: str) -> None:
    fail("Status_Unexpected", f"{code}: (pii)")
    with pytest.raises(ClientAuthenticationError, match=r"ms-appx-web://Microsoft\.AAD\.BrokerPlugin/"):
        make().get_token(GRAPH)


@pytest.mark.skipif(sys.platform == "darwin", reason="there the dialog needs the thread that opens it")
def test_a_dialog_that_nobody_answers_times_out(make: Make, broker: Broker) -> None:
    broker.answers.clear()
    with pytest.raises(ClientAuthenticationError, match=r"timed out.* 30 seconds"):
        make(clock=ManualClock()).get_token(GRAPH)
    broker.answers.set()


@pytest.mark.skipif(sys.platform == "darwin", reason="there the dialog needs the thread that opens it")
def test_closing_the_credential_ends_the_wait_for_the_dialog(make: Make, broker: Broker) -> None:
    broker.answers.clear()
    credential = make()
    errors: list[Exception] = []

    def ask() -> None:
        try:
            credential.get_token(GRAPH)
        except ClientAuthenticationError as error:
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    credential.close()
    thread.join(10)
    broker.answers.set()
    assert "cancelled" in str(errors[0])


def test_no_secret_is_logged(make: Make, broker: Broker, caplog: pytest.LogCaptureFixture, fail: Fail) -> None:
    with caplog.at_level(logging.DEBUG):
        credential = make(enable_support_logging=True)
        credential.authenticate(GRAPH, claims=CLAIMS)
        credential.get_token(GRAPH, claims=CLAIMS)
        fail("Status_NoNetwork", f"while asking for {CLAIMS}")
        with pytest.raises(ClientAuthenticationError) as caught:
            credential.get_token(VAULT, claims=CLAIMS)
    assert {"access token 1", "access token 2"} <= broker.secrets
    told = caplog.text + str(caught.value) + repr(credential)
    assert [secret for secret in {*broker.secrets, "canary"} if secret in told] == []


def test_it_can_be_pickled(make: Make, entra: Emulator, broker: Broker) -> None:
    credential = make(transport=None, open_browser=None)
    again: InteractiveBrowserCredential = pickle.loads(pickle.dumps(credential))
    with again:
        assert again.get_token(GRAPH)
    assert broker.calls[0].parent_window == WINDOW


def unavailable(error: Exception) -> Callable[[], object]:
    def load() -> None:
        raise error

    return load


@pytest.mark.parametrize(
    "error",
    [
        ImportError("No module named 'pymsalruntime'"),
        OSError("libwebkit2gtk-4.1.so.0: cannot open shared object file"),
        RuntimeError("this system is too old"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_without_the_runtime_a_browser_is_used_and_a_warning_given(
    entra: Emulator, person: Person, error: Exception
) -> None:
    warned: list[bool] = []
    store = MemoryTokenStore()
    flow = BrokerSignIn(
        AuthorizationCodeSignIn(30, None, person.open),
        30,
        WINDOW,
        load_runtime=unavailable(error),
        warn=lambda: warned.append(True),
    )
    with InteractiveCredential(
        flow=flow,
        use_broker=True,
        transport=entra.transport(),
        cache_persistence_options=TokenCachePersistenceOptions(store=store),
    ) as credential:
        assert credential.authenticate(GRAPH).username == ADA.username
        assert credential.get_token(VAULT)
    assert warned == [True]
    assert [account["account_source"] for account in accounts(store)] == ["authorization_code"]
    assert len(entra.token_requests("refresh_token")) == 1


@pytest.fixture
def browser_instead(entra: Emulator, person: Person) -> Iterator[Callable[..., InteractiveCredential]]:
    """Makes credentials whose runtime loads, and that take its absence from elsewhere for granted."""
    made: list[InteractiveCredential] = []

    def make_credential(**arguments: Any) -> InteractiveCredential:
        flow = BrokerSignIn(AuthorizationCodeSignIn(30, None, person.open), 30, WINDOW, warn=lambda: None)
        made.append(InteractiveCredential(flow=flow, use_broker=True, transport=entra.transport(), **arguments))
        return made[-1]

    yield make_credential
    for credential in made:
        credential.close()


def test_a_machine_without_a_broker_uses_the_browser(
    browser_instead: Callable[..., InteractiveCredential], fail: Fail, entra: Emulator
) -> None:
    fail("Status_RequiredBrokerMissing")
    assert browser_instead().get_token(GRAPH)
    assert len(entra.token_requests("authorization_code")) == 1


def test_an_authority_that_msal_has_no_broker_for_uses_the_browser(
    browser_instead: Callable[..., InteractiveCredential], broker: Broker, entra: Emulator
) -> None:
    credential = browser_instead(authority="contoso.b2clogin.com", disable_instance_discovery=True)
    assert credential.get_token(GRAPH)
    assert broker.calls == []
    assert len(entra.token_requests("authorization_code")) == 1


PLAIN_AND_WITHOUT_RUNTIME = """
import sys, warnings
sys.modules["pymsalruntime"] = None  # as if it were not installed
from azid import InteractiveBrowserCredential
from azid.emulator import Emulator, Person, User

ada = User("ada@contoso.example", password="pass phrase")
entra = Emulator(users=[ada])

def sign_in(**arguments):
    person = Person(ada.username, ada.password, entra=entra)
    with InteractiveBrowserCredential(transport=entra.transport(), open_browser=person.open, **arguments) as credential:
        credential.authenticate("https://graph.microsoft.com/.default")
        credential.get_token("https://vault.azure.net/.default")

sign_in()
print(*({"azid.flows.broker", "msal.broker"} & sys.modules.keys()))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    sign_in(parent_window_handle=0)
    sign_in(enable_msa_passthrough=True)
for warning in caught:
    print(warning.category.__name__, warning.message)
"""


def test_nothing_is_loaded_unless_asked_for_and_the_warning_is_given_once() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PLAIN_AND_WITHOUT_RUNTIME], check=True, capture_output=True, text=True
    )
    loaded, *warned = ran.stdout.splitlines()
    assert loaded == ""
    [warning] = warned
    assert warning.startswith("UserWarning ")
    assert "pip install 'azid[broker]'" in warning
    assert "Windows" in warning
