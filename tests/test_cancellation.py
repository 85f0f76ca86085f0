from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import DeviceCodeCredential
from azid.cancellation import Cancellation
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from tests.conftest import ADA, GRAPH, VAULT, Prompt

Make = Callable[..., DeviceCodeCredential]
GIVE_UP = 20  # seconds after which a test that would hang fails


def test_it_is_the_current_one_in_its_context_and_thread_alone() -> None:
    outer, inner = Cancellation(), Cancellation()
    elsewhere: list[object] = []
    assert Cancellation.current() is None
    with outer.as_current():
        with inner.as_current():
            assert Cancellation.current() is inner
        assert Cancellation.current() is outer
        thread = threading.Thread(target=lambda: elsewhere.append(Cancellation.current()))
        thread.start()
        thread.join(GIVE_UP)
    assert Cancellation.current() is None
    assert elsewhere == [None]


def test_whether_the_caller_has_left_is_known_to_the_thread_that_works_for_them() -> None:
    caller = Cancellation()
    with caller.as_current():
        assert not Cancellation.caller_has_left()
        caller.cancel()
        assert Cancellation.caller_has_left()
    assert not Cancellation.caller_has_left()


def test_it_stays_no_longer_current_than_an_error() -> None:
    with pytest.raises(LookupError), Cancellation().as_current():
        raise LookupError
    assert Cancellation.current() is None


@pytest.mark.parametrize(("ends", "all_end"), [([], False), ([True], True), ([True, False], False), ([True] * 2, True)])
def test_it_tells_whether_what_was_begun_ends(ends: list[bool], all_end: bool) -> None:
    cancellation = Cancellation()
    told: list[bool] = []

    def listen(remaining: list[bool]) -> bool:
        if not remaining:
            assert not cancellation.is_cancelled
            outcome = cancellation.cancel()
            assert cancellation.is_cancelled
            return outcome

        def end() -> bool:
            told.append(remaining[0])
            return remaining[0]

        with cancellation.noticed_by(end):
            return listen(remaining[1:])

    assert listen(ends) is all_end
    assert told == ends
    assert cancellation.cancel() is False  # nobody listens any more


def test_whoever_listens_late_is_told_at_once() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    told = threading.Event()

    def end() -> bool:
        told.set()
        return True

    with cancellation.noticed_by(end):
        assert told.is_set()


class Caller(Cancellation):
    """A call in a thread of its own that its caller may leave; tells when it has come to a prompt."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__()
        self.outcome: Any = None
        self._call = call
        self._waits = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._waits.wait(GIVE_UP)

    @contextmanager
    def noticed_by(self, end: Callable[[], bool]) -> Iterator[None]:
        with super().noticed_by(end):
            self._waits.set()
            yield

    def _run(self) -> None:
        with self.as_current():
            try:
                self.outcome = self._call()
            except Exception as error:
                self.outcome = error
        self._waits.set()

    def end(self) -> Any:
        self._thread.join(GIVE_UP)
        assert not self._thread.is_alive()
        return self.outcome


class PatientClock(ManualClock):
    """Takes a moment for every wait, so that a prompt lasts until it is answered or ended."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(0.01) or super().wait(event, seconds)


class Shown:
    """A device code prompt that nobody answers by themselves."""

    def __init__(self) -> None:
        self.codes: list[tuple[Any, ...]] = []
        self.at_all = threading.Event()

    def __call__(self, *code: Any) -> None:
        self.codes.append(code)
        self.at_all.set()


class TestAPrompt:
    """In sync credentials, as the threads of `azid.aio` use them."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return PatientClock()

    @pytest.fixture
    def entra(self, clock: ManualClock) -> Emulator:
        return Emulator(users=[ADA], clock=clock, device_code_interval=1, device_code_lifetime=86_400)

    @pytest.fixture
    def shown(self) -> Shown:
        return Shown()

    @pytest.fixture
    def credential(self, make_credential: Make, shown: Shown) -> DeviceCodeCredential:
        return make_credential(prompt_callback=shown)

    def test_ends_with_its_only_caller(
        self, credential: DeviceCodeCredential, shown: Shown, entra: Emulator, prompt: Prompt
    ) -> None:
        caller = Caller(lambda: credential.get_token(GRAPH))
        assert caller.cancel()
        assert isinstance(caller.end(), ClientAuthenticationError)
        polls = len(entra.token_requests())
        for code in shown.codes:
            prompt(*code)
        assert len(entra.token_requests()) == polls

    @pytest.mark.parametrize("leaves", [0, 1])
    def test_goes_on_for_another(
        self, credential: DeviceCodeCredential, shown: Shown, prompt: Prompt, leaves: int
    ) -> None:
        callers = [Caller(lambda scope=scope: credential.get_token(scope)) for scope in (GRAPH, VAULT)]  # type: ignore[misc]
        assert not callers[leaves].cancel()
        assert shown.at_all.wait(GIVE_UP)
        prompt(*shown.codes[0])
        assert callers[1 - leaves].end().token
        callers[leaves].end()
        assert len(shown.codes) == 1

    def test_goes_on_for_a_plain_call(self, credential: DeviceCodeCredential, shown: Shown, prompt: Prompt) -> None:
        tokens: list[str] = []
        plain = threading.Thread(target=lambda: tokens.append(credential.get_token(GRAPH).token), daemon=True)
        plain.start()
        assert shown.at_all.wait(GIVE_UP)
        caller = Caller(lambda: credential.get_token(VAULT))
        assert not caller.cancel()
        assert isinstance(caller.end(), ClientAuthenticationError)
        prompt(*shown.codes[0])
        plain.join(GIVE_UP)
        assert len(tokens) == 1
        assert len(shown.codes) == 1

    def test_whose_failure_comes_after_its_leader_left_fails_the_others(
        self, credential: DeviceCodeCredential, shown: Shown, entra: Emulator
    ) -> None:
        leader = Caller(lambda: credential.get_token(GRAPH))
        assert shown.at_all.wait(GIVE_UP)
        others = [Caller(lambda: credential.get_token(VAULT)) for _ in range(2)]
        assert not leader.cancel()
        Person(ADA.username, ADA.password, entra=entra, then="deny").enter_code(*shown.codes[0])
        assert ["declined" in str(other.end()) for other in others] == [True, True]
        assert len(shown.codes) == 1

    def test_is_shown_to_nobody_when_its_caller_has_left_before(
        self, credential: DeviceCodeCredential, shown: Shown
    ) -> None:
        caller = Cancellation()
        caller.cancel()
        with caller.as_current(), pytest.raises(ClientAuthenticationError):
            credential.get_token(GRAPH)
        with caller.as_current(), pytest.raises(ClientAuthenticationError, match="cancelled"):
            credential.authenticate(GRAPH)
        assert shown.codes == []
