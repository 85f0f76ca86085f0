"""A warning points at the program, whatever lies between it and azid."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest

import azid
import azid.aio
from azid.warning import warn, warned_already


class Derived(azid.UsernamePasswordCredential):
    """It has no constructor of its own: whoever makes one is told."""


class AsyncDerived(azid.aio.UsernamePasswordCredential):
    """Likewise."""


def make(kind: Callable[[str, str, str], object]) -> None:
    kind("client", "ada@contoso.example", "password")


@pytest.mark.parametrize(
    "kind", [azid.UsernamePasswordCredential, azid.aio.UsernamePasswordCredential, Derived, AsyncDerived]
)
def test_a_password_credential_warns_where_it_is_made(kind: Callable[[str, str, str], object]) -> None:
    with pytest.warns(DeprecationWarning, match="multifactor") as caught:
        make(kind)
    [warning] = caught
    assert (warning.filename, warning.lineno) == (__file__, make.__code__.co_firstlineno + 1)


@pytest.mark.parametrize("module", ["azid", "azid.aio"])
def test_the_default_filter_shows_it(module: str) -> None:
    program = f"import {module}\n{module}.UsernamePasswordCredential('client', 'ada@contoso.example', 'password')"
    outcome = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert outcome.stderr.startswith("<string>:2: DeprecationWarning: UsernamePasswordCredential")


def in_module(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` as if the module `name` had defined it."""
    assert isinstance(function, FunctionType)
    return FunctionType(function.__code__, {**function.__globals__, "__name__": name})


def call(function: Callable[[], object]) -> None:
    function()


def issue() -> None:
    warn("mind the gap", UserWarning)


@pytest.mark.parametrize("module", ["azid", "azid.credentials.made_up"])
def test_functions_of_azid_are_passed_over(module: str) -> None:
    def program() -> None:
        in_module(module, call)(in_module(module, issue))

    with pytest.warns(UserWarning, match="mind the gap") as caught:
        program()
    assert caught[0].lineno == program.__code__.co_firstlineno + 1


@pytest.mark.parametrize("module", ["azidic", "program.azid", "__main__"])
def test_other_modules_are_not_azid(module: str) -> None:
    with pytest.warns(UserWarning, match="mind the gap") as caught:
        in_module(module, issue)()
    assert caught[0].lineno == issue.__code__.co_firstlineno + 1


def test_a_warning_from_azid_alone_is_issued_all_the_same() -> None:
    program = "from azid.warning import warn\n__name__ = 'azid.program'\nwarn('mind the gap', UserWarning)"
    outcome = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert "UserWarning: mind the gap" in outcome.stderr


def test_what_was_said_already_is_not_said_again_in_this_thread() -> None:
    def issue_here_and_there() -> None:
        with warned_already():
            issue()
            thread = threading.Thread(target=issue)
            thread.start()
            thread.join()

    with pytest.warns(UserWarning, match="mind the gap") as caught:
        issue_here_and_there()
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="mind the gap"):
        issue()
