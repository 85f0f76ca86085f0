"""What most tests need: a clock that stands still, an authority without sockets, a person, and credentials for them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from azid import DeviceCodeCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, Person, User

pytest_plugins = ["tests.support.broker", "tests.support.parts"]

ADA = User("ada@contoso.example", password="Ada's pass phrase")
BOB = User("bob@contoso.example", password="Bob's pass phrase")
GRAPH = "https://graph.microsoft.com/.default"
VAULT = "https://vault.azure.net/.default"


def pytest_configure() -> None:
    # A shell lets what it starts in the background ignore Ctrl-C, and so would every program that a test sends one to.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    """An authority in this process, at every host, on the test's own clock."""
    return Emulator(users=[ADA, BOB], clock=clock)


class Prompt:
    """A device code prompt that somebody answers at once; counts how often it is shown."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.shown: list[tuple[str, str, datetime]] = []
        self.before: Callable[[], object] = lambda: None
        self._lock = threading.Lock()

    def __call__(self, verification_uri: str, user_code: str, expires_on: datetime) -> None:
        with self._lock:
            self.shown.append((verification_uri, user_code, expires_on))
        self.before()
        self.person.enter_code(verification_uri, user_code, expires_on)


@pytest.fixture
def prompt(entra: Emulator) -> Prompt:
    """A prompt that Ada answers."""
    return Prompt(Person(ADA.username, ADA.password, entra=entra))


@pytest.fixture
def make_credential(
    entra: Emulator, clock: ManualClock, prompt: Prompt
) -> Iterator[Callable[..., DeviceCodeCredential]]:
    """Makes device code credentials that meet the authority and the prompt; closes them at the end."""
    made: list[DeviceCodeCredential] = []

    def make(**arguments: Any) -> DeviceCodeCredential:
        arguments = {"transport": entra.transport(), "prompt_callback": prompt, "clock": clock, **arguments}
        made.append(DeviceCodeCredential(**arguments))
        return made[-1]

    yield make
    for credential in made:
        credential.close()


@pytest.fixture
def credential(make_credential: Callable[..., DeviceCodeCredential]) -> DeviceCodeCredential:
    return make_credential()


def in_threads(count: int, call: Callable[[], Any]) -> list[Any]:
    """Make `call` in `count` threads that start together; return what each returned or raised."""
    results: list[Any] = []
    start = threading.Barrier(count)

    def run() -> None:
        start.wait(10)
        try:
            results.append(call())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return results
