from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azid import CredentialUnavailableError, DeviceCodeCredential, TokenCachePersistenceOptions
from azid.persistence import open_existing_storage, open_storage, open_storage_when_needed
from azid.tokens.stores.memory import MemoryTokenStore
from azid.tokens.stores.personal import open_personal_store
from tests.conftest import GRAPH, Prompt

Make = Callable[..., DeviceCodeCredential]


def test_without_options_tokens_stay_in_memory_of_ones_own() -> None:
    storage = open_storage(None)
    assert isinstance(storage.of("anybody"), MemoryTokenStore)
    assert storage.of("anybody") is storage.of("anybody else")
    assert storage.private
    assert open_storage(None).of("anybody") is not storage.of("anybody")


@pytest.mark.parametrize("personal", [False, True])
def test_a_store_of_the_applications_own_is_used_as_it_is(personal: bool) -> None:
    store = MemoryTokenStore(personal=personal)
    storage = open_storage(TokenCachePersistenceOptions(store=store))
    assert storage.of("anybody") is store
    assert storage.own is (store if personal else None)
    assert not storage.private


@pytest.mark.parametrize("options", [None, TokenCachePersistenceOptions(store=MemoryTokenStore())])
def test_what_is_open_already_is_not_deferred(options: TokenCachePersistenceOptions | None) -> None:
    storage = open_storage_when_needed(options)
    assert isinstance(storage.of("anybody"), MemoryTokenStore)
    assert storage.private == (options is None)
    assert options is None or storage.of("anybody") is options.store


def test_a_persons_own_store_is_one_for_all_accounts_although_it_is_opened_later() -> None:
    storage = open_storage_when_needed(TokenCachePersistenceOptions(name="not/a file's name"))
    assert storage.own is not None
    assert storage.own is storage.of("anybody") is storage.of("anybody else")
    assert not storage.private
    for _ in range(2):
        with pytest.raises((ValueError, CredentialUnavailableError)):
            storage.own.read(cae=False)


def test_a_store_of_the_applications_own_is_there() -> None:
    store = MemoryTokenStore(personal=True)
    assert open_existing_storage(TokenCachePersistenceOptions(store=store)).own is store


def test_a_persons_own_store_that_nobody_has_made_is_not_made_for_a_look() -> None:
    storage = open_existing_storage(TokenCachePersistenceOptions(name="azid's tests have none of this name"))
    assert storage.own is not None
    for _ in range(2):
        with pytest.raises(CredentialUnavailableError, match="There is no shared token cache"):
            storage.own.read(cae=False)


class Partitions:
    """A store of many people."""

    def __init__(self) -> None:
        self.stores: dict[str, MemoryTokenStore] = {}

    def partition(self, key: str) -> MemoryTokenStore:
        return self.stores.setdefault(key, MemoryTokenStore())

    def keys(self) -> Iterator[str]:
        return iter(self.stores)

    def remove(self, key: str) -> None:
        self.stores.pop(key, None)


def test_in_a_store_of_many_people_an_account_has_its_own_partition() -> None:
    partitions = Partitions()
    storage = open_storage(TokenCachePersistenceOptions(store=partitions))
    assert storage.own is None
    assert storage.of("ada") is partitions.stores["ada"]
    assert storage.of("bob") is partitions.stores["bob"]


def test_a_partition_that_the_service_names_is_its_persons_own() -> None:
    partitions = Partitions()
    storage = open_storage(TokenCachePersistenceOptions(store=partitions, partition="user 7"))
    assert storage.own is storage.of("whoever signs in") is partitions.stores["user 7"]


def opening(home: Path, arguments: str, *, when_needed: bool = False) -> str:
    """Return what a program prints that opens the storage of a machine without a keyring."""
    opens = "open_storage_when_needed" if when_needed else "open_storage"
    program = (
        "import azid, azid.persistence\n"
        "try:\n"
        f"    storage = azid.persistence.{opens}(azid.TokenCachePersistenceOptions({arguments}))\n"
        "    print(storage.own, storage.own is storage.of('anybody'), storage.private)\n"
        "except azid.CredentialUnavailableError as error:\n"
        "    print(error)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere tokens can always be encrypted")
class TestOnDisk:
    def test_what_cannot_be_encrypted_is_refused_with_a_way_out(self, tmp_path: Path) -> None:
        said = opening(tmp_path, "")
        assert "allow_unencrypted_storage=True" in said
        assert "dbus-run-session" in said
        assert list(tmp_path.iterdir()) == []

    def test_a_plain_file_is_used_where_that_is_allowed(self, tmp_path: Path) -> None:
        said = opening(tmp_path, "allow_unencrypted_storage=True, name='mine'")
        assert said.startswith("SharedTokenStore(")
        assert f"{tmp_path}/.IdentityService/mine.nocae" in said
        assert said.endswith(" True False\n")

    def test_nothing_is_opened_or_refused_before_it_is_needed(self, tmp_path: Path) -> None:
        said = opening(tmp_path, "", when_needed=True)
        assert "DeferredTokenStore" in said
        assert said.endswith(" True False\n")
        assert list(tmp_path.iterdir()) == []


@pytest.fixture
def persistence(tmp_path: Path) -> TokenCachePersistenceOptions:
    """A person's plain files."""
    environ = {"HOME": str(tmp_path)}
    store = open_personal_store(allow_unencrypted_storage=True, platform="linux", environ=environ)
    return TokenCachePersistenceOptions(store=store)


@pytest.mark.skipif(sys.platform == "win32", reason="its paths are not absolute there")
class TestSigningIn:
    def test_once_serves_the_credentials_that_come_later(
        self, persistence: TokenCachePersistenceOptions, make_credential: Make, prompt: Prompt
    ) -> None:
        token = make_credential(cache_persistence_options=persistence).get_token(GRAPH)
        assert make_credential(cache_persistence_options=persistence).get_token(GRAPH) == token
        assert make_credential(cache_persistence_options=persistence).get_token(GRAPH, enable_cae=True) != token
        assert len(prompt.shown) == 1

    def test_works_although_nothing_can_be_written(
        self,
        persistence: TokenCachePersistenceOptions,
        make_credential: Make,
        prompt: Prompt,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        (tmp_path / ".IdentityService").touch()  # not a folder
        credential = make_credential(cache_persistence_options=persistence)
        caplog.clear()
        token = credential.get_token(GRAPH)
        assert credential.get_token(GRAPH) == token
        assert len(prompt.shown) == 1
        assert ["could not be stored" in message for message in caplog.messages] == [True]

    def test_is_asked_for_again_where_the_file_makes_no_sense(
        self, persistence: TokenCachePersistenceOptions, make_credential: Make, prompt: Prompt, tmp_path: Path
    ) -> None:
        make_credential(cache_persistence_options=persistence).get_token(GRAPH)
        path = tmp_path / ".IdentityService" / "msal.cache.nocae"
        path.write_bytes(path.read_bytes()[:100])
        token = make_credential(cache_persistence_options=persistence).get_token(GRAPH)
        assert make_credential(cache_persistence_options=persistence).get_token(GRAPH) == token
        assert len(prompt.shown) == 2
        assert len(list(path.parent.glob("*.unreadable-*"))) == 1

    def test_out_is_noticed_by_others(
        self, persistence: TokenCachePersistenceOptions, make_credential: Make, prompt: Prompt
    ) -> None:
        one, other = (make_credential(cache_persistence_options=persistence) for _ in range(2))
        one.get_token(GRAPH)
        one.get_token(GRAPH, enable_cae=True)
        assert len(other.accounts()) == 1
        one.sign_out()
        assert other.accounts() == []
        other.get_token(GRAPH)
        assert len(prompt.shown) == 2


def test_options_have_azure_identitys_defaults_and_are_keywords() -> None:
    options = TokenCachePersistenceOptions()
    assert options.name == "msal.cache"
    assert not options.allow_unencrypted_storage
    assert TokenCachePersistenceOptions(name="mine", allow_unencrypted_storage=True) != options
    with pytest.raises(TypeError):
        TokenCachePersistenceOptions(True)  # type: ignore[call-arg]


def test_the_store_is_not_shown() -> None:
    assert "store" not in repr(TokenCachePersistenceOptions(store=MemoryTokenStore()))


def test_a_partition_is_never_passed_over() -> None:
    with pytest.raises(ValueError, match="'partition' is part of a store of many people: pass one as 'store'"):
        TokenCachePersistenceOptions(partition="user 7")
    for personal in (False, True):
        options = TokenCachePersistenceOptions(store=MemoryTokenStore(personal=personal), partition="user 7")
        with pytest.raises(ValueError, match="This store has no partitions"):
            DeviceCodeCredential(cache_persistence_options=options)


def test_an_encryption_that_does_not_exist_is_refused() -> None:
    assert TokenCachePersistenceOptions().encryption is None
    assert TokenCachePersistenceOptions(encryption="kernel-keyring").encryption == "kernel-keyring"
    with pytest.raises(ValueError, match="kernel-keyring"):
        TokenCachePersistenceOptions(encryption="rot13")  # type: ignore[arg-type]
