"""On a desktop a person may be asked to unlock the keyring: when its content is needed, and within a limit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("The Secret Service is Linux's", allow_module_level=True)

from azid.tokens.stores.secret_service import SecretServiceItem, can_ask_a_person, probe
from azid.tokens.stores.secret_service_errors import KeyringLockedError
from tests.support.gnome_keyring import Bus
from tests.support.prompting_keyring import PromptingKeyring

pytest_plugins = ["tests.support.keyrings"]

SCHEMA = "msal.cache.nocae"
DATA = b"{}"
AT_ONCE = 0.3  # seconds
PATIENCE = 20  # seconds


def nobody() -> bool:
    return False


def somebody() -> bool:
    return True


@pytest.fixture
def signal_file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / SCHEMA


def make(bus: Bus, signal_file: Path, *, prompt_timeout: float = PATIENCE) -> SecretServiceItem:
    return SecretServiceItem(SCHEMA, signal_file, prompt_timeout=prompt_timeout, bus_address=bus.address, ask=somebody)


@pytest.mark.parametrize("content", [DATA, None], ids=["locked", "none yet"])
def test_probing_asks_nobody(bus: Bus, content: bytes | None) -> None:
    with PromptingKeyring(bus, answer=True, content=content) as keyring:
        probe(bus_address=bus.address, ask=somebody)
    assert keyring.prompts == 0


def test_they_unlock_it(bus: Bus, signal_file: Path) -> None:
    item = make(bus, signal_file)
    with PromptingKeyring(bus, answer=True, content=DATA) as keyring:
        assert item.load() == item.load() == DATA
    assert keyring.prompts == 1


def test_they_agree_to_a_new_one(bus: Bus, signal_file: Path) -> None:
    item = make(bus, signal_file)
    with PromptingKeyring(bus, answer=True, content=None) as keyring:
        assert item.load() is None
        item.save(DATA)
        assert keyring.content == DATA
    assert keyring.prompts == 1


@pytest.mark.parametrize("answer", [False, None], ids=["declines", "ignores"])
@pytest.mark.parametrize("content", [DATA, None], ids=["locked", "none yet"])
def test_who_does_not_unlock_it_is_asked_once(
    bus: Bus, signal_file: Path, answer: bool | None, content: bytes | None
) -> None:
    item = make(bus, signal_file, prompt_timeout=PATIENCE if answer is False else AT_ONCE)
    with PromptingKeyring(bus, answer=answer, content=content) as keyring:
        for _ in range(3):
            with pytest.raises(KeyringLockedError, match="locked"):
                item.save(b"new")
        assert keyring.prompts == 1
        keyring.locked, keyring.content = False, DATA
        assert item.load() == DATA


def test_there_is_nobody(bus: Bus, signal_file: Path) -> None:
    item = SecretServiceItem(SCHEMA, signal_file, bus_address=bus.address, ask=nobody)
    with PromptingKeyring(bus, answer=True, content=DATA) as keyring, pytest.raises(KeyringLockedError):
        item.load()
    assert keyring.prompts == 0


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"DISPLAY": ""}, False),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}, False),
    ],
)
def test_who_has_a_screen_can_be_asked(environ: dict[str, str], expected: bool) -> None:
    assert can_ask_a_person(environ) is expected
