"""Fixtures for the operating system's broker: MSAL's real code for it on a stand-in for the runtime beneath."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.broker_runtime.pymsalruntime import Broker

__all__ = ["Fail", "broker", "fail", "runtime"]

Fail = Callable[..., None]
RUNTIME = Path(__file__).with_name("broker_runtime")


@pytest.fixture
def runtime() -> Iterator[ModuleType]:
    """The stand-in, installed for the time of a test: nothing that was imported because of it stays."""
    names = ("pymsalruntime", "msal.broker")
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(RUNTIME))
    try:
        yield importlib.import_module("pymsalruntime")
    finally:
        sys.path.remove(str(RUNTIME))
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)


@pytest.fixture
def broker(runtime: ModuleType) -> Broker:
    broker: Broker = runtime.BROKER
    return broker


@pytest.fixture
def fail(runtime: ModuleType, broker: Broker) -> Fail:
    """Let the next call to the broker end with a status."""

    def fail_next(status: str, context: str = "(pii)") -> None:
        broker.failures.append(runtime.Failure(runtime.Response_Status[status], context))

    return fail_next
