from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import DeviceCodeCredential, InteractiveBrowserCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, Fault, Person
from tests.conftest import ADA, GRAPH, Prompt

Make = Callable[..., DeviceCodeCredential]


def test_the_callback_gets_uri_code_and_expiry_in_utc(
    credential: DeviceCodeCredential, prompt: Prompt, clock: ManualClock
) -> None:
    began = datetime.fromtimestamp(clock.time(), timezone.utc)
    credential.get_token(GRAPH)
    [(verification_uri, user_code, expires_on)] = prompt.shown
    assert verification_uri.startswith("https://login.microsoftonline.com/")
    assert user_code
    assert expires_on.tzinfo is timezone.utc
    assert expires_on == began + timedelta(seconds=900)


def test_without_a_callback_the_instructions_are_printed_and_flushed(
    make_credential: Make, entra: Emulator, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    credential = make_credential(prompt_callback=None, timeout=5)
    with pytest.raises(ClientAuthenticationError, match="timed out"):
        credential.get_token(GRAPH)
    printed = capsys.readouterr().out
    assert "https://login.microsoftonline.com/" in printed
    assert printed.endswith("\n")


PRINTS_NOWHERE = """
import sys, warnings
from azid import CredentialUnavailableError, DeviceCodeCredential
from azid.emulator import Emulator, User
sys.stdout = None
try:
    DeviceCodeCredential(transport=Emulator().transport()).get_token("https://graph.microsoft.com/.default")
except CredentialUnavailableError as error:
    sys.exit(0 if "prompt_callback" in str(error) else str(error))
"""


def test_a_code_that_cannot_be_shown_is_not_waited_for() -> None:
    subprocess.run([sys.executable, "-c", PRINTS_NOWHERE], check=True, timeout=60)


def test_polls_keep_the_interval(make_credential: Make, prompt: Prompt, clock: ManualClock, entra: Emulator) -> None:
    prompt.person = Person(ADA.username, ADA.password, entra=entra, then="leave")
    credential = make_credential(timeout=21)
    with pytest.raises(ClientAuthenticationError, match="timed out"):
        credential.get_token(GRAPH)
    assert clock.waits == [5, 5, 5, 5, 1]
    assert len(entra.token_requests("urn:ietf:params:oauth:grant-type:device_code")) == 4


def test_slow_down_lengthens_the_interval(
    make_credential: Make, prompt: Prompt, clock: ManualClock, entra: Emulator
) -> None:
    prompt.person = Person(ADA.username, ADA.password, entra=entra, then="leave")
    prompt.before = lambda: entra.inject(Fault(status=400, body=b'{"error": "slow_down"}', times=2))
    with pytest.raises(ClientAuthenticationError, match="timed out"):
        make_credential(timeout=60).get_token(GRAPH)
    assert clock.waits[:4] == [5, 10, 15, 15]


def test_a_lost_connection_does_not_end_the_wait(
    make_credential: Make, prompt: Prompt, clock: ManualClock, entra: Emulator
) -> None:
    prompt.before = lambda: entra.inject(Fault(cut="before", times=1))
    assert make_credential(retry_total=0).get_token(GRAPH)
    assert clock.waits == [5, 10]


def test_declining_ends_the_wait_at_once(
    make_credential: Make, prompt: Prompt, clock: ManualClock, entra: Emulator
) -> None:
    prompt.person = Person(ADA.username, ADA.password, entra=entra, then="deny")
    with pytest.raises(ClientAuthenticationError, match="declined"):
        make_credential().get_token(GRAPH)
    assert clock.waits == [5]


def test_an_expired_code_is_a_time_out(make_credential: Make, prompt: Prompt, entra: Emulator) -> None:
    prompt.person = Person(ADA.username, ADA.password, entra=entra, then="leave")
    prompt.before = lambda: entra.inject(Fault(status=400, body=b'{"error": "expired_token"}'))
    with pytest.raises(ClientAuthenticationError, match=r"timed out.*expired"):
        make_credential().get_token(GRAPH)


def test_a_policy_that_refuses_is_told(make_credential: Make, entra: Emulator) -> None:
    entra.refuse(ADA.username, 53003, grant="device_code")
    with pytest.raises(ClientAuthenticationError, match="conditional access") as caught:
        make_credential().get_token(GRAPH)
    assert "AADSTS53003" in str(caught.value)


def test_a_timeout_longer_than_the_codes_life_changes_nothing(
    make_credential: Make, prompt: Prompt, entra: Emulator, clock: ManualClock
) -> None:
    prompt.person = Person(ADA.username, ADA.password, entra=entra, then="leave")
    with pytest.raises(ClientAuthenticationError, match=r"timed out|expired"):
        make_credential(timeout=100_000).get_token(GRAPH)
    assert sum(clock.waits) <= 900


def test_an_authority_without_a_code_is_told(make_credential: Make, entra: Emulator) -> None:
    entra.inject(Fault(endpoint="devicecode", remove=("user_code",)))
    with pytest.raises(ClientAuthenticationError, match="device code"):
        make_credential().get_token(GRAPH)
    entra.inject(Fault(endpoint="devicecode", status=400, body=b'{"error": "invalid_client"}'))
    with pytest.raises(ClientAuthenticationError, match="invalid_client"):
        make_credential().get_token(GRAPH)


@pytest.mark.parametrize("uri", ["http://login.example/device", "file:///etc/passwd", "javascript:alert(1)"])
def test_a_page_that_is_not_https_is_not_shown(
    make_credential: Make, prompt: Prompt, entra: Emulator, uri: str
) -> None:
    entra.inject(Fault(endpoint="devicecode", merge={"verification_uri": uri}))
    with pytest.raises(ClientAuthenticationError, match="https"):
        make_credential().get_token(GRAPH)
    assert prompt.shown == []


def test_a_callback_that_fails_fails_the_call(make_credential: Make) -> None:
    def fail(*_: object) -> None:
        raise LookupError("no screen")

    with pytest.raises(ClientAuthenticationError, match="LookupError: no screen"):
        make_credential(prompt_callback=fail).get_token(GRAPH)


def test_ctrl_c_in_the_callback_ends_the_call(make_credential: Make) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_credential(prompt_callback=interrupt).get_token(GRAPH)


@pytest.mark.parametrize("timeout", [0, -1, True, "5", float("nan")])
def test_a_timeout_is_a_positive_number(timeout: object) -> None:
    with pytest.raises(ValueError, match="timeout"):
        DeviceCodeCredential(timeout=timeout)  # type: ignore[arg-type]


def test_what_is_called_for_a_person_is_a_function() -> None:
    not_one: Any = "print"
    with pytest.raises(TypeError, match="'prompt_callback' must be a function, not str"):
        DeviceCodeCredential(prompt_callback=not_one)
    with pytest.raises(TypeError, match="'open_browser' must be a function, not str"):
        InteractiveBrowserCredential(open_browser=not_one)


def test_closing_from_another_thread_ends_the_wait_on_the_real_clock(make_credential: Make, entra: Emulator) -> None:
    shown = threading.Event()
    credential = make_credential(clock=None, prompt_callback=lambda *_: shown.set())
    results: list[object] = []

    def ask() -> None:
        try:
            credential.get_token(GRAPH)
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    assert shown.wait(10)
    credential.close()
    thread.join(4)  # less than the interval between polls
    assert "cancelled" in str(results[0])


def test_an_interval_of_zero_is_a_second(clock: ManualClock) -> None:
    entra = Emulator(users=[ADA], clock=clock, device_code_interval=0, device_code_lifetime=60)
    transport = entra.transport()
    with (
        DeviceCodeCredential(transport=transport, prompt_callback=lambda *_: None, clock=clock) as credential,
        pytest.raises(ClientAuthenticationError, match="timed out"),
    ):
        credential.get_token(GRAPH)
    assert set(clock.waits) == {1}
    assert len(entra.token_requests()) == 59
