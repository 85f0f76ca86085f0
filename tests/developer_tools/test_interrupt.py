"""Ctrl-C while a developer's tool is at work: it ends at once, and so does the program."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.support.developer_tools import GIVE_UP, Tools

SYNC = """
from azid import AzureCliCredential, ChainedTokenCredential
ChainedTokenCredential(AzureCliCredential(process_timeout=100)).get_token("https://graph.microsoft.com/.default")
"""
ASYNC = """
import sys
from azid.aio import AzureCliCredential, ChainedTokenCredential

async def main():
    async with ChainedTokenCredential(AzureCliCredential(process_timeout=100)) as credential:
        await credential.get_token("https://graph.microsoft.com/.default")

if sys.argv[1] == "trio":
    import trio
    trio.run(main)
else:
    import asyncio
    asyncio.run(main())
"""


@pytest.mark.parametrize(
    "command",
    [["-c", SYNC], ["-c", ASYNC, "asyncio"], ["-c", ASYNC, "trio"]],
    ids=["sync", "asyncio", "trio"],
)
def test_ends_the_tool_and_the_program(tools: Tools, command: Sequence[str]) -> None:
    with (
        tools.az.living(leaves_child="in its session") as life,
        subprocess.Popen(
            [sys.executable, *command],
            env={**tools.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as program,
    ):
        life.begins()
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=GIVE_UP)
        life.ends()
    assert program.returncode == -signal.SIGINT  # as Python itself ends at a KeyboardInterrupt
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "Exception ignored" not in errors
    assert "never awaited" not in errors
