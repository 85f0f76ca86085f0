from __future__ import annotations

import errno
import os
import pickle
import platform
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azid import CredentialUnavailableError, DeviceCodeCredential, TokenCachePersistenceOptions
from azid.emulator import Emulator
from azid.tokens.stores.encrypted_item import EncryptedItem
from azid.tokens.stores.file import FileItem
from azid.tokens.stores.kernel_key import KEY_SIZE, SYSTEM_CALLS, KernelKey, KernelKeyUnavailableError
from azid.tokens.stores.personal import KERNEL_KEYRING, open_personal_store
from azid.tokens.stores.shared import SUFFIXES, SharedTokenStore
from tests.conftest import GRAPH
from tests.tokens.store_contract import TokenStoreContract

if sys.platform != "linux" or platform.machine() not in SYSTEM_CALLS:
    pytest.skip("The keys of the Linux kernel, on a machine that azid knows", allow_module_level=True)

try:
    KernelKey("azid tests").probe()
except KernelKeyUnavailableError as error:
    pytest.skip(f"This kernel keeps no keys for the tests: {error}", allow_module_level=True)

PATIENCE = 20  # seconds
PROJECT = Path(__file__).resolve().parents[3]
GET_PERSISTENT = 22  # keyctl_get_persistent(3)
REFUSE = "from tests.support.seccomp import refuse; refuse({number}, {error}, first_argument={operation})\n"
USE = """
import sys
from azid.tokens.stores.kernel_key import KernelKey, KernelKeyUnavailableError
try:
    print((KernelKey({description!r}).{what}() or b"").hex())
except KernelKeyUnavailableError as error:
    sys.exit(str(error))
"""


def in_another_process(
    program: str, *, number: int = 0, error: int = 0, operation: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program, to which the kernel refuses a system call unless its number is 0."""
    if number:
        program = REFUSE.format(number=number, error=error, operation=operation) + program
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.fixture
def description() -> str:
    return f"azid test {secrets.token_hex(8)}"


@pytest.fixture
def key(description: str) -> Iterator[KernelKey]:
    key = KernelKey(description)
    yield key
    key.delete()


def test_there_is_none_at_first(key: KernelKey) -> None:
    assert key.read() is None


def test_it_is_made_and_read(key: KernelKey) -> None:
    made = key.create()
    assert len(made) == KEY_SIZE
    assert key.read() == made


def test_a_new_one_takes_its_place(key: KernelKey) -> None:
    first = key.create()
    second = key.create()
    assert first != second
    assert key.read() == second


def test_it_can_be_deleted(key: KernelKey) -> None:
    key.create()
    key.delete()
    assert key.read() is None
    key.delete()


def test_other_threads_and_processes_read_it(key: KernelKey, description: str) -> None:
    made = key.create()
    seen: list[bytes | None] = []
    thread = threading.Thread(target=lambda: seen.append(key.read()))
    thread.start()
    thread.join(PATIENCE)
    assert seen == [made]
    assert in_another_process(USE.format(description=description, what="read")).stdout.strip() == made.hex()


def test_a_process_reads_what_one_that_ended_made(key: KernelKey, description: str) -> None:
    made = in_another_process(USE.format(description=description, what="create")).stdout.strip()
    read = key.read()
    assert read is not None
    assert read.hex() == made


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_does_not_read_it(key: KernelKey, description: str) -> None:
    key.create()
    program = (
        "import os\nfrom azid.tokens.stores.kernel_key import KernelKey\nos.setuid(65534)\n"
        f"assert KernelKey({description!r}).read() is None"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_pickle_holds_its_description_only(key: KernelKey) -> None:
    made = key.create()
    pickled = pickle.dumps(key)
    assert made not in pickled
    assert pickle.loads(pickled).read() == made


def test_keys_are_told_by_their_descriptions(key: KernelKey, description: str) -> None:
    key.create()
    assert KernelKey(description + " 2").read() is None


def test_a_kernel_without_persistent_keyrings_will_do(key: KernelKey, description: str) -> None:
    _, keyctl = SYSTEM_CALLS[platform.machine()]

    def run(what: str) -> str:
        program = USE.format(description=description, what=what)
        done = in_another_process(program, number=keyctl, error=errno.EOPNOTSUPP, operation=GET_PERSISTENT)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    key.create()
    run("probe")
    made = run("create")
    assert run("read") == made
    run("delete")
    assert run("read") == ""
    assert key.read() is not None  # it is in the other keyring


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (errno.EPERM, "seccomp"),
        (errno.EACCES, "seccomp"),
        (errno.ENOSYS, "forbidden here"),
        (errno.EDQUOT, "maxkeys"),
        (errno.ENOMEM, "Cannot allocate memory"),
    ],
)
@pytest.mark.parametrize("call", [0, 1], ids=["add_key", "keyctl"])
def test_a_refusal_says_what_to_do(description: str, error: int, remedy: str, call: int) -> None:
    number = SYSTEM_CALLS[platform.machine()][call]
    done = in_another_process(USE.format(description=description, what="probe"), number=number, error=error)
    assert done.returncode == 1, done
    assert remedy in done.stderr
    assert "allow_unencrypted_storage=True" in done.stderr


def test_a_refusal_is_of_the_kind_that_a_chain_goes_on_after() -> None:
    error = KernelKeyUnavailableError("It is closed.")
    assert isinstance(error, CredentialUnavailableError)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.explanation) == (str(error), error.explanation)


def test_what_a_command_tells_of_it_names_no_parameter() -> None:
    error = KernelKeyUnavailableError("It is closed.")
    assert error.explanation == "Tokens cannot be encrypted under a key of the kernel's. It is closed."
    assert "allow_unencrypted_storage" in str(error)


class TestStore(TokenStoreContract):
    """A token store in files that are encrypted under the kernel's keys does what every store has to do."""

    @pytest.fixture
    def store(self, description: str, tmp_path: Path) -> Iterator[SharedTokenStore]:
        keys = {cae: KernelKey(description + suffix) for cae, suffix in SUFFIXES.items()}
        files = {cae: FileItem(tmp_path / f"tokens{suffix}") for cae, suffix in SUFFIXES.items()}
        items = {cae: EncryptedItem(files[cae], files[cae].path.name, keys[cae]) for cae in SUFFIXES}
        yield SharedTokenStore(items, tmp_path, "tokens")
        for key in keys.values():
            key.delete()

    def test_a_lost_key_means_to_sign_in_again(
        self, store: SharedTokenStore, description: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with store.transaction(cae=False) as document:
            document["RefreshToken"] = {"key": {"secret": "the refresh token"}}
        KernelKey(description + SUFFIXES[False]).delete()
        after_restart = pickle.loads(pickle.dumps(store))
        assert after_restart.read(cae=False) == {}
        with after_restart.transaction(cae=False) as document:
            assert document == {}
            document["RefreshToken"] = {"key": {"secret": "a new one"}}
        assert after_restart.read(cae=False) == store.read(cae=False) == document
        assert not caplog.records
        assert not list(tmp_path.glob("*unreadable*"))

    def test_what_was_moved_there_is_set_aside(
        self, store: SharedTokenStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with store.transaction(cae=False) as document:
            document["RefreshToken"] = {"key": {"secret": "the refresh token"}}
        file = tmp_path / "tokens.nocae"
        file.write_bytes(file.read_bytes()[:-1])
        assert store.read(cae=False) == {}
        assert len(list(tmp_path.glob("tokens.nocae.unreadable-*"))) == 1
        [record] = caplog.records
        assert "it cannot be decrypted: it was damaged" in record.getMessage()


class TestPersonalStore:
    """The store that `TokenCachePersistenceOptions(encryption="kernel-keyring")` asks for."""

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Iterator[Callable[[], SharedTokenStore]]:
        """Opens the store as a new process would."""
        environ = {"HOME": str(tmp_path)}
        yield lambda: open_personal_store(encryption=KERNEL_KEYRING, platform="linux", environ=environ)
        for file in (tmp_path / ".IdentityService").glob("*.encrypted"):
            KernelKey(f"azid:{file}").delete()

    def test_a_sign_in_lasts(
        self,
        open_store: Callable[[], SharedTokenStore],
        make_credential: Callable[..., DeviceCodeCredential],
        entra: Emulator,
        tmp_path: Path,
    ) -> None:
        options = TokenCachePersistenceOptions(store=open_store())
        token = make_credential(cache_persistence_options=options).get_token(GRAPH)
        entra.clear_log()
        again = make_credential(
            cache_persistence_options=TokenCachePersistenceOptions(store=open_store()),
            disable_automatic_authentication=True,
        )
        assert again.get_token(GRAPH) == token
        assert entra.requests == []
        folder = tmp_path / ".IdentityService"
        [encrypted] = folder.glob("msal.cache*")
        assert re.fullmatch(r"msal\.cache\.nocae\.[0-9a-f]{12}\.encrypted", encrypted.name)
        assert encrypted.stat().st_mode & 0o777 == 0o600
        assert b"AccessToken" not in encrypted.read_bytes()

    @pytest.mark.parametrize("allowed", [False, True])
    def test_a_kernel_that_keeps_no_keys_is_told_at_once(self, tmp_path: Path, allowed: bool) -> None:
        program = (
            "import logging; logging.basicConfig()\n"
            "from azid.tokens.stores.personal import KERNEL_KEYRING, open_personal_store\n"
            f"environ = {{'HOME': {str(tmp_path)!r}}}\n"
            "store = open_personal_store(encryption=KERNEL_KEYRING, platform='linux', environ=environ,\n"
            f"    allow_unencrypted_storage={allowed})\n"
            "with store.transaction(cae=False) as document: document['Account'] = {'key': {}}\n"
        )
        _, keyctl = SYSTEM_CALLS[platform.machine()]
        done = in_another_process(program, number=keyctl, error=errno.EPERM)
        assert ("without being encrypted" in done.stderr) is allowed
        assert ("KernelKeyUnavailableError" in done.stderr) is not allowed
        assert (tmp_path / ".IdentityService/msal.cache.nocae").exists() is allowed
