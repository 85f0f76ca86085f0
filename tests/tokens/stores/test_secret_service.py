from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("The Secret Service is Linux's", allow_module_level=True)

import secretstorage

from azid import CredentialUnavailableError
from azid.clock import ManualClock
from azid.tokens.stores.secret_service import SecretServiceItem, find_session_bus, probe
from azid.tokens.stores.secret_service_errors import (
    KeyringChangedError,
    KeyringLockedError,
    SecretServiceError,
    SecretServiceMissingError,
    SecretServiceTimeoutError,
    SessionBusUnreachableError,
)
from azid.tokens.stores.shared import SUFFIXES, SharedTokenStore
from tests.support.gnome_keyring import Bus, Keyring, start_keyring
from tests.support.prompting_keyring import PromptingKeyring
from tests.tokens.store_contract import TokenStoreContract

pytest_plugins = ["tests.support.keyrings"]

SCHEMA = "msal.cache.nocae"
ATTRIBUTES = {"xdg:schema": SCHEMA, "MsalClientID": "Microsoft.Developer.IdentityService"}
DATA = '{"Account": {"zoë": {}}}'.encode()
LONG = 3600.0  # seconds
AT_ONCE = 0.3  # seconds
PATIENCE = 20  # seconds

# MSAL's own class, as azure-identity makes it (`azure.identity._persistent_cache`).
MSAL = """
import sys
from msal_extensions import LibsecretPersistence
attributes = {"MsalClientID": "Microsoft.Developer.IdentityService"}
persistence = LibsecretPersistence(sys.argv[1], "msal.cache.nocae", attributes, label="MSALCache")
"""
MSAL_LOADS = MSAL + "sys.stdout.buffer.write(persistence.load().encode())"
MSAL_SAVES = MSAL + "persistence.save(sys.stdin.buffer.read().decode())"


def nobody() -> bool:
    return False


def somebody() -> bool:
    return True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=time.time())


@pytest.fixture
def signal_file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / SCHEMA


@pytest.fixture
def item(keyring: Keyring, signal_file: Path, clock: ManualClock) -> SecretServiceItem:
    return SecretServiceItem(SCHEMA, signal_file, bus_address=keyring.bus.address, ask=nobody, clock=clock)


@pytest.fixture
def run_msal(keyring: Keyring, libsecret: Path, signal_file: Path) -> Callable[..., bytes]:
    """Runs a program with MSAL's persistence on the same keyring."""

    def run(program: str, data: bytes = b"") -> bytes:
        command: list[str | Path] = [libsecret, "-c", program, signal_file]
        done = subprocess.run(command, env=keyring.bus.environment, input=data, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


def all_items(keyring: Keyring) -> list[tuple[str, dict[str, str], str, bytes]]:
    """Return what is in the keyring: label, attributes, content type, secret."""
    with keyring.bus.connect() as connection:
        return [
            (item.get_label(), item.get_attributes(), item.get_secret_content_type(), item.get_secret())
            for item in secretstorage.Collection(connection).get_all_items()
        ]


class TestItem:
    def test_there_is_nothing_at_first(self, item: SecretServiceItem) -> None:
        assert item.load() is None

    @pytest.mark.parametrize("data", [DATA, b"", b"\0\xff" * 500_000], ids=["short", "empty", "long"])
    def test_what_is_saved_is_loaded(self, item: SecretServiceItem, data: bytes) -> None:
        item.save(data)
        assert item.load() == data

    def test_it_is_kept_as_msal_keeps_it(self, item: SecretServiceItem, keyring: Keyring) -> None:
        for data in (b"old", DATA):
            item.save(data)
        assert all_items(keyring) == [("MSALCache", ATTRIBUTES, "text/plain", DATA)]

    def test_msal_loads_what_azid_saved(self, item: SecretServiceItem, run_msal: Callable[..., bytes]) -> None:
        item.save(DATA)
        assert run_msal(MSAL_LOADS) == DATA

    def test_azid_loads_what_msal_saved(
        self, item: SecretServiceItem, run_msal: Callable[..., bytes], keyring: Keyring
    ) -> None:
        run_msal(MSAL_SAVES, DATA)
        assert item.load() == DATA
        assert all_items(keyring) == [("MSALCache", ATTRIBUTES, "text/plain", DATA)]

    def test_both_replace_each_others(
        self, item: SecretServiceItem, run_msal: Callable[..., bytes], keyring: Keyring
    ) -> None:
        item.save(b"azid 1")
        run_msal(MSAL_SAVES, b"msal")
        assert item.load() == b"msal"
        item.save(b"azid 2")
        assert run_msal(MSAL_LOADS) == b"azid 2"
        assert len(all_items(keyring)) == 1

    def test_schemas_are_apart(self, item: SecretServiceItem, keyring: Keyring, tmp_path: Path) -> None:
        other = SecretServiceItem("msal.cache.cae", tmp_path / "cae", bus_address=keyring.bus.address, ask=nobody)
        item.save(b"one")
        other.save(b"two")
        assert (item.load(), other.load()) == (b"one", b"two")

    def test_it_is_set_aside_under_another_name(self, item: SecretServiceItem, keyring: Keyring) -> None:
        item.save(DATA)
        assert item.set_aside(".unreadable") == "the secret 'msal.cache.nocae.unreadable' in the keyring"
        assert item.load() is None
        item.save(b"new")
        unreadable = ("MSALCache", {**ATTRIBUTES, "xdg:schema": SCHEMA + ".unreadable"}, "text/plain", DATA)
        assert unreadable in all_items(keyring)
        assert item.load() == b"new"

    def test_nothing_is_set_aside_where_nothing_is(self, item: SecretServiceItem) -> None:
        assert item.set_aside(".unreadable") is None

    def test_it_is_described_by_its_name(self, item: SecretServiceItem) -> None:
        assert item.description == "the secret 'msal.cache.nocae' in the keyring"

    def test_threads_share_one(self, item: SecretServiceItem) -> None:
        item.save(DATA)
        with ThreadPoolExecutor(8) as executor:
            loaded = [executor.submit(item.load) for _ in range(16)]
            assert {future.result(PATIENCE) for future in loaded} == {DATA}

    def test_it_survives_the_daemon(self, gnome_keyring: Path, bus: Bus, signal_file: Path) -> None:
        item = SecretServiceItem(SCHEMA, signal_file, bus_address=bus.address, ask=nobody)
        with start_keyring(gnome_keyring, bus):
            item.save(DATA)
        with pytest.raises(SecretServiceMissingError):
            item.load()
        with start_keyring(gnome_keyring, bus):
            assert item.load() == DATA


class TestStore(TokenStoreContract):
    """A token store in the keyring does what every store has to do."""

    @pytest.fixture
    def store(self, keyring: Keyring, tmp_path: Path) -> SharedTokenStore:
        def item(suffix: str) -> SecretServiceItem:
            name = f"msal.cache{suffix}"
            return SecretServiceItem(name, tmp_path / name, bus_address=keyring.bus.address, ask=nobody)

        return SharedTokenStore({cae: item(suffix) for cae, suffix in SUFFIXES.items()}, tmp_path, "msal.cache")


class TestSignalFile:
    def test_it_is_made_for_its_owner_only(self, item: SecretServiceItem, signal_file: Path) -> None:
        before = os.umask(0)
        try:
            item.save(DATA)
        finally:
            os.umask(before)
        assert signal_file.stat().st_mode & 0o777 == 0o600
        assert signal_file.parent.stat().st_mode & 0o777 == 0o700

    def test_its_content_stays(self, item: SecretServiceItem, signal_file: Path) -> None:
        signal_file.parent.mkdir()
        signal_file.write_bytes(b"a plain file of tokens")
        item.save(DATA)
        assert signal_file.read_bytes() == b"a plain file of tokens"

    def test_a_change_is_noticed(self, item: SecretServiceItem, clock: ManualClock) -> None:
        assert item.version() is None
        item.save(DATA)
        clock.advance(LONG)
        before = item.version()
        assert before is not None
        assert item.version() == before
        item.save(DATA)
        assert item.version() != before

    def test_a_change_within_a_tick_of_another_is_not_missed(self, item: SecretServiceItem, clock: ManualClock) -> None:
        item.save(DATA)
        assert item.version() is None
        clock.advance(LONG)
        assert item.version() is not None

    def test_msals_change_is_noticed(
        self, item: SecretServiceItem, clock: ManualClock, run_msal: Callable[..., bytes]
    ) -> None:
        item.save(DATA)
        clock.advance(LONG)
        before = item.version()
        run_msal(MSAL_SAVES, b"other")
        assert item.version() != before

    def test_msal_notices_a_change(self, item: SecretServiceItem, signal_file: Path) -> None:
        """It compares the file's time with that of its last reading, which may still have been under way."""
        item.save(DATA)
        assert signal_file.stat().st_mtime > time.time()

    def test_a_link_is_not_followed(
        self, item: SecretServiceItem, signal_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        target = tmp_path / "target"
        signal_file.parent.mkdir()
        signal_file.symlink_to(target)
        item.save(DATA)
        assert item.load() == DATA
        assert not target.exists()
        assert "may be late to notice" in caplog.text


class TestTrouble:
    """What can be wrong is told apart, and never waited for."""

    def check(self, expected: type[SecretServiceError], remedy: str, address: str | None, timeout: float = 3) -> None:
        """Check that the probe and the item say what is wrong, how to mend it, and how to do without."""
        item = SecretServiceItem(SCHEMA, Path("unused"), timeout=timeout, bus_address=address, ask=nobody)
        calls: list[Callable[[], object]] = [
            lambda: probe(timeout, bus_address=address, ask=nobody),
            lambda: item.save(DATA),
        ]
        for call in calls:
            with pytest.raises(SecretServiceError, match=remedy) as caught:
                call()
            assert type(caught.value) is expected
            assert isinstance(caught.value, CredentialUnavailableError)
            assert "allow_unencrypted_storage=True" in str(caught.value)
            assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)

    def test_nothing_is_wrong(self, keyring: Keyring) -> None:
        probe(bus_address=keyring.bus.address, ask=nobody)

    @pytest.mark.parametrize("package", ["secretstorage", "jeepney", "cryptography"])
    def test_a_package_is_not_installed(self, keyring: Keyring, package: str) -> None:
        program = (
            f"import sys; sys.modules[{package!r}] = None\n"
            "from azid.tokens.stores.secret_service import probe\n"
            "from azid.tokens.stores.secret_service_errors import SecretStorageMissingError\n"
            "try: probe()\n"
            "except SecretStorageMissingError as error: assert 'pip install SecretStorage' in str(error)\n"
            "else: raise AssertionError"
        )
        subprocess.run([sys.executable, "-c", program], check=True, env=keyring.bus.environment)

    def test_there_is_no_bus(self) -> None:
        program = (
            "from azid.tokens.stores.secret_service import probe\n"
            "from azid.tokens.stores.secret_service_errors import SessionBusUnreachableError\n"
            "try: probe()\n"
            "except SessionBusUnreachableError as error: assert 'dbus-run-session' in str(error)\n"
            "else: raise AssertionError"
        )
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "XDG_"))}
        subprocess.run([sys.executable, "-c", program], check=True, env=environ)

    def test_little_is_loaded_to_see_that_there_is_none(self, bus: Bus) -> None:
        """A plain file of tokens is read in a few milliseconds; what encrypts must not be loaded for that."""
        program = (
            "import sys\n"
            "from azid.tokens.stores.secret_service import probe\n"
            "from azid.tokens.stores.secret_service_errors import SecretServiceError\n"
            "try: probe()\n"
            "except SecretServiceError: pass\n"
            "assert not {'asyncio', 'cryptography', 'secretstorage'} & set(sys.modules)\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True, env=bus.environment)

    @pytest.mark.parametrize(
        "address", ["unix:path=/nowhere", "unix:abstract=azid-nobody", "tcp:host=localhost,port=1", "nonsense", "unix:"]
    )
    def test_the_bus_cannot_be_reached(self, address: str) -> None:
        self.check(SessionBusUnreachableError, "dbus-run-session", address)

    def test_the_bus_is_gone(self, bus: Bus) -> None:
        bus.process.kill()
        bus.process.wait()
        self.check(SessionBusUnreachableError, "dbus-run-session", bus.address)

    def test_nobody_keeps_secrets(self, bus: Bus) -> None:
        self.check(SecretServiceMissingError, "apt install gnome-keyring", bus.address)

    def test_the_keyring_is_locked(self, gnome_keyring: Path, bus: Bus) -> None:
        with start_keyring(gnome_keyring, bus) as keyring:
            keyring.lock()
            self.check(KeyringLockedError, "gnome-keyring-daemon --unlock", bus.address)

    def test_the_keyring_was_locked_after_the_sign_in(self, gnome_keyring: Path, bus: Bus, signal_file: Path) -> None:
        item = SecretServiceItem(SCHEMA, signal_file, bus_address=bus.address, ask=nobody)
        with start_keyring(gnome_keyring, bus) as keyring:
            item.save(DATA)
            keyring.lock()
            for use in (item.load, lambda: item.save(b""), lambda: item.set_aside("")):
                with pytest.raises(KeyringLockedError):
                    use()

    def test_the_keyring_does_not_answer(self, gnome_keyring: Path, bus: Bus) -> None:
        with start_keyring(gnome_keyring, bus) as keyring, keyring.hanging():
            self.check(SecretServiceTimeoutError, "does not answer", bus.address, AT_ONCE)

    def test_the_bus_does_not_answer(self, bus: Bus) -> None:
        with bus.hanging():
            self.check(SecretServiceTimeoutError, "does not answer", bus.address, AT_ONCE)

    @pytest.mark.parametrize("times", [2, 3])
    def test_a_keyring_that_loses_track_is_asked_again(self, bus: Bus, signal_file: Path, times: int) -> None:
        item = SecretServiceItem(SCHEMA, signal_file, bus_address=bus.address, ask=nobody)
        with PromptingKeyring(bus, answer=None, content=DATA) as keyring:
            keyring.locked, keyring.confused = False, times
            if times < 3:
                assert item.load() == DATA
            else:
                with pytest.raises(KeyringChangedError, match="try again"):
                    item.load()

    def test_no_keyring_was_made_yet(self, bus: Bus) -> None:
        with PromptingKeyring(bus, answer=None, content=None) as keyring:
            self.check(KeyringLockedError, "gnome-keyring-daemon --unlock", bus.address)
        assert keyring.prompts == 0


class TestAddress:
    @pytest.fixture
    def runtime(self) -> Iterator[Path]:
        """A folder as `XDG_RUNTIME_DIR`, with a bus's socket. Its name leaves room for a socket's."""
        with tempfile.TemporaryDirectory(prefix="azid-") as name, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{name}/bus")
            yield Path(name)

    def test_the_address_is_found_in_the_environment(self) -> None:
        assert find_session_bus({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}) == "unix:path=/x"

    def test_the_address_is_where_systemd_puts_the_bus(self, runtime: Path) -> None:
        assert find_session_bus({"XDG_RUNTIME_DIR": str(runtime)}) == f"unix:path={runtime}/bus"

    def test_the_named_address_comes_first(self, runtime: Path) -> None:
        environ = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "XDG_RUNTIME_DIR": str(runtime)}
        assert find_session_bus(environ) == "unix:path=/x"

    @pytest.mark.parametrize("environ", [{}, {"XDG_RUNTIME_DIR": "/nowhere"}, {"DBUS_SESSION_BUS_ADDRESS": ""}])
    def test_there_may_be_none(self, environ: dict[str, str]) -> None:
        assert find_session_bus(environ) is None
