"""What tests of the async credentials need: both event loops, prompts that last, and a look at the threads at work."""

from __future__ import annotations

import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import pytest
from azure.core.pipeline.transport import HttpTransport

from azid.aio import DeviceCodeCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from tests.conftest import ADA, Prompt

T = TypeVar("T")

GIVE_UP = 20.0  # seconds after which a test that would hang fails


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class PatientClock(ManualClock):
    """Takes a moment for every wait, so that a prompt lasts until it is answered or ended."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(0.01) or super().wait(event, seconds)


@pytest.fixture
def clock() -> ManualClock:
    return PatientClock()


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    """An authority whose device codes last for all the moments that a test may take."""
    return Emulator(users=[ADA], clock=clock, device_code_interval=1, device_code_lifetime=86_400)


class PendingPrompt:
    """A device code prompt that nobody answers before `answer` is called."""

    def __init__(self, person: Person) -> None:
        self.shown: list[tuple[str, str, datetime]] = []
        self._person = person
        self._is_shown = threading.Semaphore(0)

    def __call__(self, verification_uri: str, user_code: str, expires_on: datetime) -> None:
        self.shown.append((verification_uri, user_code, expires_on))
        self._is_shown.release()

    async def is_shown(self) -> None:
        """Wait until it is shown, once more than at the last call."""
        assert await in_thread(partial(self._is_shown.acquire, timeout=GIVE_UP))

    async def answer(self) -> None:
        await in_thread(partial(self._person.enter_code, *self.shown[-1]))


@pytest.fixture
def pending(entra: Emulator) -> PendingPrompt:
    """A prompt that Ada answers when the test says so."""
    return PendingPrompt(Person(ADA.username, ADA.password, entra=entra))


class HeldTransport(HttpTransport[Any, Any]):
    """A transport whose requests for tokens arrive and are not answered before `release`."""

    def __init__(self, transport: HttpTransport[Any, Any]) -> None:
        self.arrived = threading.Event()
        self.release = threading.Event()
        self._transport = transport

    def send(self, request: Any, **kwargs: Any) -> Any:
        if request.url.endswith("/token"):
            self.arrived.set()
            assert self.release.wait(GIVE_UP)
        return self._transport.send(request, **kwargs)

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> HeldTransport:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def held(entra: Emulator) -> Iterator[HeldTransport]:
    held = HeldTransport(entra.transport())
    yield held
    held.release.set()


@pytest.fixture
def make_async_credential(entra: Emulator, clock: ManualClock, prompt: Prompt) -> Callable[..., DeviceCodeCredential]:
    """Makes device code credentials that meet the authority and a prompt that is answered at once."""

    def make(**arguments: Any) -> DeviceCodeCredential:
        return DeviceCodeCredential(
            **{"transport": entra.transport(), "prompt_callback": prompt, "clock": clock, **arguments}
        )

    return make


@pytest.fixture
def async_credential(make_async_credential: Callable[..., DeviceCodeCredential]) -> DeviceCodeCredential:
    return make_async_credential()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert_no_thread_is_left()


def assert_no_thread_is_left() -> None:
    threads = at_work()
    for thread in threads:
        thread.join(GIVE_UP)
    assert not any(thread.is_alive() for thread in threads)


def at_work() -> list[threading.Thread]:
    """Return azid's threads that a caller waits for."""
    return [thread for thread in threading.enumerate() if thread.name in ("azid-off-loop", "azid-redirect-listener")]


def at_once(coroutine: Any) -> Any:
    """Return what a coroutine returns that never waits, which no event loop need know of."""
    with pytest.raises(StopIteration) as ended:
        coroutine.send(None)
    return ended.value.value


async def in_thread(call: Callable[[], T]) -> T:
    """Make a call that blocks. It is given up after `GIVE_UP`, with its thread."""
    with anyio.fail_after(GIVE_UP):
        return await anyio.to_thread.run_sync(call, abandon_on_cancel=True)


async def happens(event: threading.Event) -> None:
    """Wait until a thread sets `event`."""
    assert await in_thread(partial(event.wait, GIVE_UP))


async def joined(count: int = 1) -> None:
    """Wait until `count` threads wait for a prompt that another one shows."""
    with anyio.fail_after(GIVE_UP):
        while sum(_waits_for_a_turn(frame) for frame in sys._current_frames().values()) < count:
            await anyio.lowlevel.checkpoint()


def _waits_for_a_turn(frame: FrameType | None) -> bool:
    modules: list[str] = []
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name.startswith("azid.") and name not in modules:
            modules.append(name)
        frame = frame.f_back
    return modules[:2] == ["azid.clock", "azid.single_flight"]


async def in_tasks(count: int, call: Callable[[], Awaitable[T]]) -> list[Any]:
    """Make a call in `count` tasks; return what each returned or raised."""
    outcomes: list[Any] = []

    async def run() -> None:
        try:
            outcomes.append(await call())
        except Exception as error:
            outcomes.append(error)

    with anyio.fail_after(GIVE_UP):
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(run)
    return outcomes


class Asking:
    """A task that makes a call until it is cancelled.

    :param call: the call.
    """

    def __init__(self, call: Callable[[], Awaitable[Any]]) -> None:
        self.outcome: Any = None
        """What the call returned or raised."""
        self._call = call
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()

    async def run(self) -> None:
        try:
            with self._scope:
                self.outcome = await self._call()
        except Exception as error:
            self.outcome = error
        finally:
            self._ended.set()

    async def end(self) -> Any:
        """Wait for its end; return the outcome, None if it was cancelled."""
        with anyio.fail_after(GIVE_UP):
            await self._ended.wait()
        return self.outcome

    async def cancel(self) -> None:
        self._scope.cancel()
        assert await self.end() is None
