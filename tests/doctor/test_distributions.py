from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from azid.doctor import Finding, Verdict
from azid.doctor.distributions import check_packages

DROP_IN = "1.27.0+azid.0.1.0"


def about(found: list[Finding], subject: str) -> Finding:
    [finding] = [finding for finding in found if finding.subject == subject]
    return finding


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., None]:
    """Puts a distribution with one module into a folder, as an installer would."""

    def install(name: str, version: str, *, code: str = "", noted: str = "") -> None:
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        module = tmp_path / f"{name}.py"
        module.write_text(code)
        (folder / "RECORD").write_text(f"{module.name},sha256={noted},\n")

    return install


def distributions_in(folder: Path) -> Callable[[str], metadata.Distribution]:
    def find(name: str) -> metadata.Distribution:
        for distribution in metadata.distributions(name=name, path=[str(folder)]):
            return distribution
        return metadata.distribution(name) if name in ("msal", "azure-core", "cryptography") else missing(name)

    return find


def missing(name: str) -> metadata.Distribution:
    raise metadata.PackageNotFoundError(name)


EMPTY = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
"""The SHA-256 of an empty file, as RECORD has it."""


def test_what_is_installed_is_told() -> None:
    found = [*check_packages()]
    assert about(found, "azid").verdict is Verdict.OK
    assert f"msal {metadata.version('msal')}" in about(found, "azid").found
    assert "emulator" in about(found, "extras").found


def test_what_azid_needs_is_missed() -> None:
    found = [*check_packages(missing)]
    assert about(found, "msal").verdict is Verdict.PROBLEM
    assert about(found, "azure.identity").verdict is Verdict.NOTE


def test_the_drop_in_is_known(install: Callable[..., None], tmp_path: Path) -> None:
    install("azure-identity", DROP_IN, noted=EMPTY)
    assert about([*check_packages(distributions_in(tmp_path))], "azure.identity").verdict is Verdict.OK


def test_microsofts_package_is_known(install: Callable[..., None], tmp_path: Path) -> None:
    install("azure-identity", "1.27.0", noted=EMPTY)
    finding = about([*check_packages(distributions_in(tmp_path))], "azure.identity")
    assert finding.verdict is Verdict.NOTE
    assert "Microsoft's azure-identity 1.27.0" in finding.found


def test_a_drop_in_that_was_written_over_is_a_problem(install: Callable[..., None], tmp_path: Path) -> None:
    install("azure-identity", DROP_IN, code="raise ImportError", noted=EMPTY)
    finding = about([*check_packages(distributions_in(tmp_path))], "azure.identity")
    assert finding.verdict is Verdict.PROBLEM
    assert "azure-identity.py is not its file" in finding.found


def test_the_broker_package_does_not_fit_the_drop_in(install: Callable[..., None], tmp_path: Path) -> None:
    install("azure-identity", DROP_IN, noted=EMPTY)
    install("azure-identity-broker", "1.3.0", noted=EMPTY)
    finding = about([*check_packages(distributions_in(tmp_path))], "azure-identity-broker")
    assert finding.verdict is Verdict.WARNING
    assert "azid[broker]" in finding.remedy


def test_a_second_azure_identity_on_the_path_is_told(tmp_path: Path) -> None:
    entries = [tmp_path / name for name in ("first", "without", "second")]
    for entry in entries:
        (entry / "azure" / "identity").mkdir(parents=True)
    for entry in (entries[0], entries[2]):
        (entry / "azure" / "identity" / "__init__.py").touch()
    path = [str(entry) for entry in (*entries, entries[0])]
    finding = about([*check_packages(path=path)], "azure.identity twice")
    assert finding.verdict is Verdict.WARNING
    assert f"{entries[0] / 'azure' / 'identity'} is imported" in finding.found
    assert f"{entries[2] / 'azure' / 'identity'} is not" in finding.found
    assert "azure.identity twice" not in {finding.subject for finding in check_packages(path=path[:2])}


def test_microsofts_own_environment_is_told_apart(azure_identity: Path) -> None:
    program = "from azid.doctor.distributions import check_packages\nfor finding in check_packages(): print(*finding)"
    done = subprocess.run(
        [azure_identity, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "PATH": str(Path(sys.executable).parent)},
    )
    assert "It is Microsoft's azure-identity 1.27.0" in done.stdout
