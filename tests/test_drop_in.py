"""The two distributions as pip sees them: built, installed into environments of their own, and beside Microsoft's."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

PROJECT = Path(__file__).resolve().parent.parent
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")

NAMES = """
import azid, azure.identity, azure.identity._constants as constants
for name in azure.identity.__all__:
    assert getattr(azure.identity, name) is getattr(azid, name), name
    assert name in dir(azure.identity), name
assert constants.DEVELOPER_SIGN_ON_CLIENT_ID == azid.DEVELOPER_SIGN_ON_CLIENT_ID
assert constants.AzureAuthorityHosts is azid.AzureAuthorityHosts
assert issubclass(constants.KnownAuthorities, azid.AzureAuthorityHosts)
"""
ASYNC_NAMES = """
import azid.aio, azure.identity.aio
assert azure.identity.aio.__all__ == azid.aio.__all__
for name in azure.identity.aio.__all__:
    assert getattr(azure.identity.aio, name) is getattr(azid.aio, name), name
"""
OTHER_NAMES = """
try:
    from {module} import TelepathyCredential
except ImportError:
    pass
else:
    raise AssertionError("a name that azid does not have can be imported")
"""
LIGHT = """
import sys
from azure.identity import InteractiveBrowserCredential
assert not {"anyio", "asyncio", "azid.aio", "cryptography", "msal", "requests"} & set(sys.modules)
from azure.identity.aio import InteractiveBrowserCredential
assert not {"cryptography", "msal", "requests", "trio"} & set(sys.modules)
"""
SIDE_BY_SIDE = """
import azid, azure.identity
assert azure.identity.__version__ == "1.27.0"
assert azid.InteractiveBrowserCredential is not azure.identity.InteractiveBrowserCredential
"""
WITHOUT_ANYIO = """
import azid
azid.DeviceCodeCredential()
try:
    import azid.aio
except ImportError as error:
    assert "python -m pip install 'azid[aio]'" in str(error), error
else:
    raise AssertionError("anyio is not needed any more")
"""


@dataclass(frozen=True)
class Wheels:
    azid: Path
    drop_in: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the packages of a program that depends on azure-identity."""

    python: Path
    site_packages: Path

    def run(self, program: str) -> None:
        outcome = subprocess.run([self.python, "-I", "-c", program], capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr

    def pip(self, *arguments: str | Path) -> None:
        command = [*PIP, "--python", str(self.python), *map(str, arguments)]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    def distribution(self, name: str) -> Distribution:
        [found] = distributions(name=name, path=[str(self.site_packages)])
        return found


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    folder = tmp_path_factory.mktemp("wheels")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    subprocess.run([*PIP, "wheel", *options, PROJECT, PROJECT / "drop-in"], check=True)
    [azid] = folder.glob("azid-*.whl")
    [drop_in] = folder.glob("azure_identity-*.whl")
    return Wheels(azid, drop_in)


@pytest.fixture(scope="session")
def new_environment(azure_identity: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Environment]:
    """Make environments that are copies of the one with Microsoft's azure-identity: no network is needed."""

    def site_packages(python: Path) -> Path:
        program = "import sysconfig; print(sysconfig.get_path('purelib'))"
        return Path(subprocess.run([python, "-c", program], check=True, capture_output=True, text=True).stdout.strip())

    def make() -> Environment:
        folder = tmp_path_factory.mktemp("environment")
        subprocess.run([azure_identity, "-m", "venv", "--without-pip", folder], check=True)
        python = folder / azure_identity.parent.name / azure_identity.name
        environment = Environment(python, site_packages(python))
        shutil.copytree(site_packages(azure_identity), environment.site_packages, dirs_exist_ok=True)
        return environment

    return make


@pytest.fixture(scope="session")
def replaced(new_environment: Callable[[], Environment], wheels: Wheels) -> Environment:
    """An environment in which azid and the drop-in were installed over Microsoft's azure-identity."""
    environment = new_environment()
    environment.pip("install", "--no-index", wheels.azid, wheels.drop_in)
    return environment


@pytest.fixture(scope="session")
def side_by_side(new_environment: Callable[[], Environment], wheels: Wheels) -> Environment:
    """An environment with azid and Microsoft's azure-identity."""
    environment = new_environment()
    environment.pip("install", "--no-index", wheels.azid)
    return environment


def test_azid_brings_only_its_own_folder(wheels: Wheels) -> None:
    folders = {name.split("/")[0] for name in ZipFile(wheels.azid).namelist()}
    assert folders == {"azid", f"azid-{distribution('azid').version}.dist-info"}


def test_both_wheels_are_typed(wheels: Wheels) -> None:
    assert "azid/py.typed" in ZipFile(wheels.azid).namelist()
    assert "azure/identity/py.typed" in ZipFile(wheels.drop_in).namelist()


def test_drop_in_leaves_the_azure_namespace_open(wheels: Wheels) -> None:
    assert "azure/__init__.py" not in ZipFile(wheels.drop_in).namelist()


def test_drop_in_gives_azids_names(replaced: Environment) -> None:
    replaced.run(NAMES)


def test_drop_in_gives_azids_async_names(replaced: Environment) -> None:
    replaced.run(ASYNC_NAMES)


@pytest.mark.parametrize("module", ["azure.identity", "azure.identity.aio"])
def test_drop_in_has_no_other_names(replaced: Environment, module: str) -> None:
    replaced.run(OTHER_NAMES.format(module=module))


def test_drop_in_is_light_to_import(replaced: Environment) -> None:
    replaced.run(LIGHT)


def test_drop_in_replaces_the_distribution(replaced: Environment, wheels: Wheels) -> None:
    files = replaced.site_packages.glob("azure/identity/**/*.py")
    installed = {file.relative_to(replaced.site_packages) for file in files}
    shipped = {Path(name) for name in ZipFile(wheels.drop_in).namelist() if name.endswith(".py")}
    assert installed == shipped


def test_drop_in_meets_the_requirements_of_dependants(replaced: Environment) -> None:
    dependant = replaced.distribution("azure-kusto-data")
    assert any(Requirement(line).name == "azure-identity" for line in dependant.requires or ())
    replaced.pip("check")


@pytest.mark.parametrize("specifier", ["==1.27.0", "~=1.25", ">=1.21,<2", ">=1.27.0", "!=1.18.0"])
def test_drop_in_version_meets(specifier: str) -> None:
    assert distribution("azure-identity").version in SpecifierSet(specifier)


def test_drop_in_names_the_azid_behind_it() -> None:
    drop_in, azid = distribution("azure-identity"), distribution("azid")
    assert Version(drop_in.version).local == f"azid.{azid.version}"
    assert drop_in.requires == [f"azid[aio]=={azid.version}"]


def test_azid_without_anyio_says_what_to_install(new_environment: Callable[[], Environment], wheels: Wheels) -> None:
    environment = new_environment()
    environment.pip("uninstall", "--yes", "anyio")
    environment.pip("install", "--no-index", wheels.azid)
    environment.run(WITHOUT_ANYIO)


def test_azid_imports_beside_microsofts(side_by_side: Environment) -> None:
    side_by_side.run(SIDE_BY_SIDE)
    side_by_side.pip("check")


def test_azid_shares_no_file_with_microsofts(side_by_side: Environment) -> None:
    ours, theirs = (set(side_by_side.distribution(name).files or ()) for name in ("azid", "azure-identity"))
    assert theirs
    assert ours.isdisjoint(theirs)


def test_azid_leaves_microsofts_files_as_they_were(side_by_side: Environment) -> None:
    hashed = [file for file in side_by_side.distribution("azure-identity").files or () if file.hash]
    assert hashed
    for file in hashed:
        assert file.hash is not None
        digest = hashlib.new(file.hash.mode, (side_by_side.site_packages / file).read_bytes()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value, file
