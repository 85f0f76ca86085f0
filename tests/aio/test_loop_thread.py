"""What happens on an event loop's own thread: no more than looking tokens up and waiting."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

import azid
from azid import TokenCachePersistenceOptions
from azid.aio import DeviceCodeCredential, InteractiveBrowserCredential
from azid.clock import ManualClock
from azid.emulator import Emulator
from azid.tokens.stores.memory import MemoryTokenStore
from tests.aio.conftest import GIVE_UP, Asking, HeldTransport, PendingPrompt, happens
from tests.conftest import GRAPH, VAULT

pytestmark = pytest.mark.anyio

Make = Callable[..., DeviceCodeCredential]

ALLOWED = {
    ("azid.credentials.credential", "find_fresh_token"),
    ("azid.credentials.credential", "sign_ins_of"),  # a number
    ("azid.clock", "time"),  # the test's own
    ("azid.single_flight", "_review"),  # whether everybody has left: takes no lock
    ("azid.single_flight", "<genexpr>"),
}


class Seen:
    """The functions of azid that are called in this thread, but those of `azid.aio` and `azid.cancellation`."""

    def __init__(self) -> None:
        self.functions: set[tuple[str, str]] = set()

    def __enter__(self) -> Seen:
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        module = str(frame.f_globals.get("__name__"))
        if event == "call" and module.startswith("azid.") and not module.startswith(("azid.aio.", "azid.cancellation")):
            self.functions.add((module, frame.f_code.co_name))


async def test_calls_nothing_of_azid_but_its_async_part(make_async_credential: Make, pending: PendingPrompt) -> None:
    async def show(*shown: Any) -> None:
        pending(*shown)
        await pending.answer()

    store = MemoryTokenStore(personal=True)
    credential = make_async_credential(
        prompt_callback=show, cache_persistence_options=TokenCachePersistenceOptions(store=store)
    )
    steps: list[Callable[[], Awaitable[object]]] = [
        partial(credential.get_token, GRAPH),  # signs in
        partial(credential.get_token, GRAPH),
        partial(credential.get_token_info, GRAPH, options={"enable_cae": True}),
        partial(credential.get_token_info, VAULT),  # a refresh
        partial(credential.authenticate, GRAPH),
        credential.accounts,
        credential.sign_out,
        credential.close,
    ]
    with Seen() as seen:
        async with credential:
            for step in steps:
                await step()
    assert seen.functions <= ALLOWED


async def test_calls_nothing_else_when_a_task_is_cancelled(
    make_async_credential: Make, pending: PendingPrompt, entra: Emulator, clock: ManualClock
) -> None:
    opened = threading.Event()

    def open_browser(_: str) -> bool:
        opened.set()
        return True

    browser = InteractiveBrowserCredential(transport=entra.transport(), clock=clock, open_browser=open_browser)
    device = make_async_credential(prompt_callback=pending)
    with Seen() as seen:
        async with anyio.create_task_group() as tasks:
            askings = [Asking(partial(credential.get_token, GRAPH)) for credential in (browser, device)]
            for asking in askings:
                tasks.start_soon(asking.run)
            await happens(opened)
            await pending.is_shown()
            for asking in askings:
                await asking.cancel()
    assert seen.functions <= ALLOWED


async def ticks_until(ended: anyio.Event) -> int:
    ticks = 0
    while not ended.is_set():
        await checkpoint()
        ticks += 1
    return ticks


class BlockingStore(MemoryTokenStore):
    """A store whose every use waits for `go_on`, as that of a keyring does whose owner has to unlock it."""

    def __init__(self) -> None:
        super().__init__(personal=True)
        self.used = threading.Event()
        self.go_on = threading.Event()

    def _block(self) -> None:
        self.used.set()
        assert self.go_on.wait(GIVE_UP)

    def read(self, *, cae: bool) -> Any:
        self._block()
        return super().read(cae=cae)

    @contextmanager
    def transaction(self, *, cae: bool) -> Iterator[Any]:
        self._block()
        with super().transaction(cae=cae) as document:
            yield document

    def refreshing(self, key: str) -> AbstractContextManager[object]:
        self._block()
        return super().refreshing(key)


@pytest.mark.parametrize("method", ["get_token", "get_token_info", "authenticate", "accounts", "sign_out"])
async def test_goes_on_while_a_store_blocks(make_async_credential: Make, method: str) -> None:
    store = BlockingStore()
    credential = make_async_credential(cache_persistence_options=TokenCachePersistenceOptions(store=store))
    arguments = () if method in ("accounts", "sign_out") else (GRAPH,)
    await goes_on(partial(getattr(credential, method), *arguments), store.used, store.go_on)


@pytest.mark.parametrize("method", ["get_token", "get_token_info", "authenticate"])
async def test_goes_on_while_a_request_hangs(make_async_credential: Make, held: HeldTransport, method: str) -> None:
    credential = make_async_credential(transport=held)
    await goes_on(partial(getattr(credential, method), GRAPH), held.arrived, held.release)


async def test_goes_on_while_a_token_that_is_fresh_is_served(make_async_credential: Make, held: HeldTransport) -> None:
    held.release.set()
    credential = make_async_credential(transport=held)
    await credential.get_token(GRAPH)
    held.arrived.clear()
    held.release.clear()

    async def ask() -> None:
        await credential.get_token(GRAPH, claims='{"access_token": {}}')

    await goes_on(ask, held.arrived, held.release, meanwhile=lambda: credential.get_token(GRAPH))


async def goes_on(
    call: Callable[[], Awaitable[object]],
    blocked: threading.Event,
    go_on: threading.Event,
    meanwhile: Callable[[], Awaitable[object]] = checkpoint,
) -> None:
    """Make a call that blocks somewhere until `go_on`; tell that other tasks run meanwhile."""
    async with anyio.create_task_group() as tasks:
        asking = Asking(call)
        tasks.start_soon(asking.run)
        await happens(blocked)
        for _ in range(100):
            await meanwhile()
        assert not go_on.is_set()
        go_on.set()
        assert not isinstance(await asking.end(), BaseException)


# In a process of its own, since an audit hook stays for good, and since here everything has been loaded already.
PROGRAM = """
import sys, threading, warnings

backend = sys.argv[1]
if backend == "trio":
    import trio
else:
    import asyncio
from azid import TokenCachePersistenceOptions
from azid.aio import DeviceCodeCredential, InteractiveBrowserCredential, UsernamePasswordCredential
from azid.emulator import Emulator, Person, User

warnings.simplefilter("ignore", DeprecationWarning)

entra = Emulator(users=[User("ada@contoso.example", password="pass phrase")], device_code_interval=1)
person = Person("ada@contoso.example", "pass phrase", entra=entra)
options = TokenCachePersistenceOptions(allow_unencrypted_storage=True)
transport = entra.transport()
loops_thread = None

def audit(event, arguments):
    if threading.get_ident() == loops_thread and event.partition(".")[0] in (
        "compile", "exec", "import", "open", "os", "shutil", "socket", "sqlite3", "subprocess", "tempfile"
    ):
        print("on the loop's thread:", event, arguments, flush=True)

sys.addaudithook(audit)
SCOPE = "https://graph.microsoft.com/.default"

async def main():
    global loops_thread
    loops_thread = threading.get_ident()
    InteractiveBrowserCredential(redirect_uri="http://localhost:8400/path", parent_window_handle=1)
    UsernamePasswordCredential("client", "ada@contoso.example", "pass phrase")
    device = DeviceCodeCredential(
        transport=transport, prompt_callback=person.enter_code, cache_persistence_options=options
    )
    browser = InteractiveBrowserCredential(transport=transport, open_browser=person.open)
    for credential in (device, browser):
        async with credential:
            token = await credential.get_token(SCOPE)
            assert (await credential.get_token_info(SCOPE)).token == token.token
            assert (await credential.get_token(SCOPE, claims='{"access_token": {}}')).token != token.token
            await credential.authenticate(SCOPE)
            await credential.accounts()
            await credential.sign_out()
    loops_thread = None
    print("done")

trio.run(main) if backend == "trio" else asyncio.run(main())
"""


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a person who has nothing yet, and no keyring."""
    return {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONPATH": str(Path(azid.__file__).parents[1])}


def test_opens_imports_and_sends_nothing(anyio_backend_name: str, home: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, anyio_backend_name],
        env=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere tokens can always be encrypted")
def test_a_store_that_cannot_be_had_is_told_of_at_its_first_use(anyio_backend_name: str, home: dict[str, str]) -> None:
    program = """
import sys, anyio
from azid import CredentialUnavailableError, TokenCachePersistenceOptions
from azid.aio import DeviceCodeCredential

opened = []
sys.addaudithook(lambda event, arguments: opened.append(arguments) if event.partition(".")[0] == "socket" else None)
options = TokenCachePersistenceOptions(name="mine")
credential = DeviceCodeCredential(cache_persistence_options=options, prompt_callback=lambda *_: print("prompts"))
print(opened, [module for module in ("jeepney", "secretstorage", "sqlite3") if module in sys.modules])

async def main():
    for call in (lambda: credential.get_token("scope"), credential.accounts, credential.sign_out):
        try:
            await call()
        except CredentialUnavailableError as error:
            print("allow_unencrypted_storage" in str(error))

anyio.run(main, backend=sys.argv[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, anyio_backend_name],
        env=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("[] []\nTrue\nTrue\nTrue\n", "")
