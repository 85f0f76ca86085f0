"""Microsoft's own azure-identity, through libsecret, and azid on the same keyring."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("The Secret Service is Linux's", allow_module_level=True)

from azid import AuthenticationRecord, DeviceCodeCredential, TokenCachePersistenceOptions
from azid.clock import ManualClock
from azid.emulator import Emulator
from azid.tokens.stores.personal import open_personal_store
from azid.tokens.stores.shared import SharedTokenStore
from tests.conftest import ADA, GRAPH
from tests.support.gnome_keyring import Keyring

pytest_plugins = ["tests.support.keyrings"]

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def clock() -> ManualClock:
    """It shows today: azure-identity looks at the machine's clock."""
    return ManualClock(start=time.time())


@pytest.fixture
def open_store(keyring: Keyring) -> Callable[[], SharedTokenStore]:
    """Opens the store as a new process would."""
    return lambda: open_personal_store(platform="linux", environ=keyring.bus.environment)


@pytest.fixture
def azure_identity(keyring: Keyring, libsecret: Path) -> Callable[..., dict[str, str]]:
    """Runs azure-identity in a process of its own."""

    def run(*arguments: str) -> dict[str, str]:
        command = [str(libsecret), "-m", "tests.tokens.stores.azure_identity_program", *arguments]
        done = subprocess.run(
            command, cwd=PROJECT, env=keyring.bus.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, str] = json.loads(done.stdout)
        return answer

    return run


def test_azure_identity_is_silent_after_azid_signed_in(
    make_credential: Callable[..., DeviceCodeCredential],
    open_store: Callable[[], SharedTokenStore],
    azure_identity: Callable[..., dict[str, str]],
) -> None:
    options = TokenCachePersistenceOptions(store=open_store())
    credential = make_credential(cache_persistence_options=options)
    record = credential.authenticate(GRAPH)
    answer = azure_identity("silent", GRAPH, record.serialize())
    assert answer["token"] == credential.get_token(GRAPH).token


@pytest.mark.parametrize("with_record", [False, True], ids=["without record", "with record"])
def test_azid_is_silent_after_azure_identity_signed_in(
    make_credential: Callable[..., DeviceCodeCredential],
    open_store: Callable[[], SharedTokenStore],
    azure_identity: Callable[..., dict[str, str]],
    entra: Emulator,
    with_record: bool,
) -> None:
    answer = azure_identity("sign-in", GRAPH)
    credential = make_credential(
        cache_persistence_options=TokenCachePersistenceOptions(store=open_store()),
        authentication_record=AuthenticationRecord.deserialize(answer["record"]) if with_record else None,
        disable_automatic_authentication=True,
    )
    assert credential.get_token(GRAPH).token == answer["token"]
    assert entra.requests == []


def test_azid_is_silent_in_another_process(
    make_credential: Callable[..., DeviceCodeCredential], open_store: Callable[[], SharedTokenStore], entra: Emulator
) -> None:
    options = TokenCachePersistenceOptions(store=open_store())
    token = make_credential(cache_persistence_options=options).get_token(GRAPH)
    entra.clear_log()
    again = make_credential(
        cache_persistence_options=TokenCachePersistenceOptions(store=open_store()),
        disable_automatic_authentication=True,
    )
    assert again.get_token(GRAPH) == token
    assert [account.username for account in again.accounts()] == [ADA.username]
    assert entra.requests == []


def test_both_signed_in_and_nothing_is_lost(
    make_credential: Callable[..., DeviceCodeCredential],
    open_store: Callable[[], SharedTokenStore],
    azure_identity: Callable[..., dict[str, str]],
) -> None:
    options = TokenCachePersistenceOptions(store=open_store())
    credential = make_credential(cache_persistence_options=options)
    record = credential.authenticate(GRAPH)
    theirs = azure_identity("sign-in", GRAPH)
    assert azure_identity("silent", GRAPH, record.serialize())["token"] == credential.get_token(GRAPH).token
    assert azure_identity("silent", GRAPH, theirs["record"])["token"] == theirs["token"]
    assert len(credential.accounts()) == 2
