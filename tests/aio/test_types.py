"""What a type checker knows of azid.aio, whose classes take over the parameters of the sync ones."""

from __future__ import annotations

import re
import sys

import pytest
from mypy import api

REFUSED = {
    'DeviceCodeCredential(timeout="soon")': "arg-type",
    "DeviceCodeCredential(prompt_callback=print, timeout=1.5)": "arg-type",
    "DeviceCodeCredential(prompt_callback=lambda: None)": "arg-type",
    'InteractiveBrowserCredential("client")': "call-arg",
    "InteractiveBrowserCredential(redirect_uri=8400)": "arg-type",
    'UsernamePasswordCredential("client", "ada@contoso.example")': "call-arg",
    "InteractiveCredential()": "call-arg",
    "get_bearer_token_provider()": "call-arg",
    'get_bearer_token_provider(azid.DeviceCodeCredential(), "scope")': "arg-type",
    'azid.get_bearer_token_provider(DeviceCodeCredential(), "scope")': "arg-type",
    "as_sync(DeviceCodeCredential())": "arg-type",
    'as_token(DeviceCodeCredential().get_token("scope"))': "arg-type",
}
"""Statements, and the code of mypy's error."""

ACCEPTED = {
    "DeviceCodeCredential(prompt_callback=show)": "DeviceCodeCredential",
    "DeviceCodeCredential(prompt_callback=show_async)": "DeviceCodeCredential",
    "DeviceCodeCredential(retry_total=3)": "DeviceCodeCredential",
    "InteractiveBrowserCredential(timeout=60)": "InteractiveBrowserCredential",
    'UsernamePasswordCredential("client", "ada@contoso.example", "password")': "UsernamePasswordCredential",
    "Derived(60)": "Derived",
    "await credential.__aenter__()": "DeviceCodeCredential",
    'await credential.get_token("scope")': "AccessToken",
    'await credential.get_token_info("scope")': "TokenInfo",
    "await credential.authenticate()": "AuthenticationRecord",
    "await credential.accounts()": "list[AuthenticationRecord]",
    'await get_bearer_token_provider(credential, "scope")()': "str",
    "as_token_credential(credential)": "None",
    "as_token_info_credential(credential)": "None",
    "[DeviceCodeCredential(), InteractiveBrowserCredential()]": "list[InteractiveCredential]",
}
"""Expressions and their types."""

PREAMBLE = """
from datetime import datetime

import azid
from azid import AuthenticationRecord
from azid.aio import *
from azid.tokens.access import TokenInfo
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
from typing_extensions import assert_type

class Derived(DeviceCodeCredential):
    def __init__(self, patience: int) -> None:
        super().__init__("client", timeout=patience)

def show(verification_uri: str, user_code: str, expires_on: datetime) -> None: ...
async def show_async(verification_uri: str, user_code: str, expires_on: datetime) -> None: ...
def as_token(token: AccessToken) -> None: ...
def as_sync(credential: TokenCredential) -> None: ...
def as_token_credential(credential: AsyncTokenCredential) -> None: ...
def as_token_info_credential(credential: AsyncSupportsTokenInfo) -> None: ...
"""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What mypy says about each of the statements, by statement."""
    folder = tmp_path_factory.mktemp("types")
    program = folder / "program.py"
    asserted = {f"assert_type({expression}, {kind})": expression for expression, kind in ACCEPTED.items()}
    lines = [*PREAMBLE.splitlines(), "async def main(credential: DeviceCodeCredential) -> None:"]
    statements = {len(lines) + number: line for number, line in enumerate([*REFUSED, *asserted], 1)}
    program.write_text("\n".join([*lines, *(f"    {line}" for line in statements.values())]) + "\n", encoding="utf-8")
    options = ["--strict", "--config-file=", f"--cache-dir={folder / 'cache'}", f"--python-executable={sys.executable}"]
    output, errors, _ = api.run([*options, str(program)])
    assert not errors
    found: dict[str, str] = {}
    for line, message in re.findall(rf"^{re.escape(str(program))}:(\d+): error: (.*)$", output, re.MULTILINE):
        statement = statements.get(int(line), f"line {line}")
        found[asserted.get(statement, statement)] = message
    return found


def test_nothing_else_is_wrong(complaints: dict[str, str]) -> None:
    assert complaints.keys() <= {*REFUSED, *ACCEPTED}


@pytest.mark.parametrize("statement", REFUSED)
def test_a_mistake_is_found(complaints: dict[str, str], statement: str) -> None:
    assert complaints.get(statement, "nothing").endswith(f"[{REFUSED[statement]}]")


@pytest.mark.parametrize("expression", ACCEPTED)
def test_the_type_is_known(complaints: dict[str, str], expression: str) -> None:
    assert expression not in complaints, complaints[expression]
