"""Ctrl-C while a person is asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import azid

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]

PROGRAM = """
import sys, threading

backend, waits_for = sys.argv[1:]
from azid.aio import DeviceCodeCredential, InteractiveBrowserCredential
from azid.emulator import Emulator, User

entra = Emulator(users=[User("ada@contoso.example", password="pass phrase")], device_code_interval=1)

def shown(*_):
    print("waiting", flush=True)
    return True

async def shown_async(*_):
    shown()
    if backend == "trio":
        await trio.sleep_forever()
    else:
        await asyncio.Event().wait()

class Hanging(type(entra.transport())):
    def send(self, request, **kwargs):
        if request.url.endswith("/token"):
            shown()
            threading.Event().wait()
        return super().send(request, **kwargs)

transport = entra.transport()
if waits_for == "request":
    transport.__class__ = Hanging
if waits_for == "browser":
    credential = InteractiveBrowserCredential(transport=transport, open_browser=shown)
else:
    prompts = {"device": shown, "prompt": shown_async, "request": lambda *_: None}
    credential = DeviceCodeCredential(transport=transport, prompt_callback=prompts[waits_for])

async def main():
    try:
        async with credential:
            await credential.get_token("https://graph.microsoft.com/.default")
    finally:
        for thread in threading.enumerate():
            if thread.name in ("azid-off-loop", "azid-redirect-listener"):
                thread.join(0 if waits_for == "request" else 10)
                if thread.is_alive():
                    print("left", thread.name, flush=True)

if backend == "trio":
    import trio
    trio.run(main)
else:
    import asyncio
    asyncio.run(main())
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(anyio_backend_name: str) -> Iterator[Start]:
    with ExitStack() as started:

        def start(*arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, anyio_backend_name, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(Path(azid.__file__).parents[1])},
            )
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield start


@pytest.mark.parametrize("waits_for", ["browser", "device", "prompt", "request"])
def test_ends_the_program_at_once(start: Start, waits_for: str) -> None:
    process = start(waits_for)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)  # the sign-in alone would take five minutes
    assert process.returncode == -signal.SIGINT  # as Python itself ends at a KeyboardInterrupt
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "Exception ignored" not in errors
    assert "Exception in thread" not in errors
    assert "never awaited" not in errors
    # A request that was sent is not waited for.
    assert set(output.splitlines()) == ({"left azid-off-loop"} if waits_for == "request" else set())
