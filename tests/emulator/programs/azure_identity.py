"""A program on Microsoft's azure-identity: reads which credential to make, prints the token or the error it raises.

The credential's name, its arguments and the scope come as JSON by standard input. With `"aio": true` it is the async
one. Arguments that are functions are named: `"func": "file:PATH"` reads a file each time.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import Any


def argument(value: Any) -> Any:
    """Return an argument, made of what JSON has."""
    if isinstance(value, str) and value.startswith("file:"):
        return lambda: Path(value.removeprefix("file:")).read_text()
    if isinstance(value, str) and value.startswith("-----BEGIN"):
        return value.encode()
    return value


async def ask_async(name: str, arguments: dict[str, Any], scope: str) -> str:
    """Ask by the transport that needs no aiohttp."""
    transports: Any = importlib.import_module("azure.core.pipeline.transport")
    identity: Any = importlib.import_module("azure.identity.aio")
    async with getattr(identity, name)(**arguments, transport=transports.AsyncioRequestsTransport()) as credential:
        return str((await credential.get_token(scope)).token)


def ask(name: str, arguments: dict[str, Any], scope: str) -> str:
    identity: Any = importlib.import_module("azure.identity")
    with getattr(identity, name)(**arguments) as credential:
        return str(credential.get_token(scope).token)


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    given = {name: argument(value) for name, value in asked["arguments"].items()}
    try:
        if asked.get("aio"):
            print(asyncio.run(ask_async(asked["name"], given, asked["scope"])))
        else:
            print(ask(asked["name"], given, asked["scope"]))
    except Exception as error:
        print(type(error).__name__, error)
