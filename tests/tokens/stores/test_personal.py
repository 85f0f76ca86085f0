from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from azid import CredentialUnavailableError
from azid.tokens.store import TokenStore
from azid.tokens.stores.personal import has_personal_cache, open_personal_store
from azid.tokens.stores.secret_service_errors import SessionBusUnreachableError
from tests.tokens.store_contract import TokenStoreContract

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its paths are not absolute there")


def open_plain(home: Path, name: str = "msal.cache") -> TokenStore:
    return open_personal_store(name, allow_unencrypted_storage=True, platform="linux", environ={"HOME": str(home)})


class TestPersonalStore(TokenStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> TokenStore:
        return open_plain(tmp_path)


def test_it_is_one_persons(tmp_path: Path) -> None:
    assert open_plain(tmp_path).personal


def test_a_plain_file_is_where_azure_identity_has_it(tmp_path: Path) -> None:
    for name in ("msal.cache", "mine"):
        for cae in (False, True):
            with open_plain(tmp_path, name).transaction(cae=cae) as document:
                document["Account"] = {name: {}}
            path = tmp_path / ".IdentityService" / (name + (".cae" if cae else ".nocae"))
            assert json.loads(path.read_text()) == {"Account": {name: {}}}


def test_a_plain_file_is_warned_of_once_in_a_process(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom azid.tokens.stores.personal import open_personal_store\n"
        "for _ in range(3): open_personal_store("
        "allow_unencrypted_storage=True, platform='linux', environ={'HOME': sys.argv[1]})\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True, timeout=60
    )
    assert len(done.stderr.splitlines()) == 1
    assert "without being encrypted" in done.stderr
    assert str(tmp_path / ".IdentityService") in done.stderr
    assert {"cryptography", "jeepney", "msal", "requests", "secretstorage"}.isdisjoint(done.stdout.split())


def test_whoever_only_looks_is_not_warned_of_a_plain_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    options = {"allow_unencrypted_storage": True, "platform": "linux", "environ": {"HOME": str(tmp_path)}}
    with caplog.at_level(logging.INFO):
        open_personal_store(warns=False, **options)  # type: ignore[arg-type]
    assert {record.levelno for record in caplog.records} == {logging.INFO}


def test_a_cache_is_there_once_somebody_has_kept_tokens_in_it(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    assert not has_personal_cache(platform="linux", environ=environ)
    assert [*tmp_path.iterdir()] == []
    with open_plain(tmp_path, "mine").transaction(cae=True) as document:
        document["Account"] = {"account": {}}
    assert has_personal_cache("mine", platform="linux", environ=environ)
    assert not has_personal_cache(platform="linux", environ=environ)
    assert not has_personal_cache("min", platform="linux", environ=environ)


def test_a_cache_whose_tokens_are_in_a_keyring_is_there_once_it_has_changed(tmp_path: Path) -> None:
    (tmp_path / ".IdentityService").mkdir()
    (tmp_path / ".IdentityService" / "msal.cache.nocae").touch()  # MSAL's signal
    assert has_personal_cache(platform="darwin", environ={"HOME": str(tmp_path)})


@pytest.mark.parametrize("environ", [{"HOME": "relative"}, {"HOME": "/none"}])
def test_where_no_cache_can_be_there_is_none(environ: Mapping[str, str]) -> None:
    assert not has_personal_cache(platform="linux", environ=environ)


def test_without_a_keyring_plain_files_have_to_be_allowed(tmp_path: Path) -> None:
    with pytest.raises(SessionBusUnreachableError, match="allow_unencrypted_storage=True"):
        open_personal_store(platform="linux", environ={"HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("platform", "environ", "variable"),
    [
        ("linux", {"HOME": "relative"}, "HOME"),
        ("darwin", {"HOME": "relative"}, "HOME"),
        ("win32", {}, "LOCALAPPDATA"),
        ("win32", {"LOCALAPPDATA": ""}, "LOCALAPPDATA"),
    ],
)
def test_without_a_home_the_error_names_the_variable(platform: str, environ: Mapping[str, str], variable: str) -> None:
    with pytest.raises(CredentialUnavailableError, match=f"set the environment variable {variable}"):
        open_personal_store(allow_unencrypted_storage=True, platform=platform, environ=environ)


def test_without_the_variable_the_system_knows_the_home() -> None:
    store = open_personal_store(allow_unencrypted_storage=True, platform="linux", environ={})
    assert str(Path("~").expanduser() / ".IdentityService") in repr(store)


@pytest.mark.parametrize("name", ["", "../mine", "a/b", "a\\b", "C:mine", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="'name'"):
        open_plain(tmp_path, name)


@pytest.mark.parametrize(("name", "account"), [("msal.cache", "MSALCache"), ("mine", "mine.nocae")])
def test_on_macos_the_keychains_accounts_are_azure_identitys(tmp_path: Path, name: str, account: str) -> None:
    store = open_personal_store(name, platform="darwin", environ={"HOME": str(tmp_path)})
    assert f"{account!r} for 'Microsoft.Developer.IdentityService'" in repr(store)
    assert f"'{name}.cae' for" in repr(store)


@pytest.mark.skipif(sys.platform == "darwin", reason="everything is there")
@pytest.mark.parametrize(("platform", "module"), [("win32", "msal_extensions.windows"), ("darwin", "msal_extensions")])
def test_without_msal_extensions_the_error_says_how_to_install_it(tmp_path: Path, platform: str, module: str) -> None:
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from azid import CredentialUnavailableError\n"
        "from azid.tokens.stores.personal import open_personal_store\n"
        f"variables = dict.fromkeys(('HOME', 'LOCALAPPDATA'), sys.argv[1])\n"
        f"try: open_personal_store(platform={platform!r}, environ=variables)\n"
        "except CredentialUnavailableError as error: assert 'pip install msal-extensions' in str(error)\n"
        "else: raise AssertionError"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True, timeout=60)
