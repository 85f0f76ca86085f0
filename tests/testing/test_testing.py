"""The fixtures for other people's tests, in test suites of their own: those of docs/testing.md, as they are shown."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.docs.blocks import blocks_of
from tools.parts import ROOT

pytest_plugins = ["pytester"]

PAGE = "docs/testing.md"
PATIENCE = 120
FILES = {
    block.code.partition("\n")[0].removeprefix("# "): block.code
    for block in blocks_of(PAGE)
    if block.language == "python"
}
TESTS = [name for name in FILES if name.startswith("test_")]


def run_pytest(pytester: pytest.Pytester, *arguments: str, python: Path | str = sys.executable) -> str:
    """Run pytest with the plug-in and no other that is installed; return what it printed."""
    paths = [ROOT / "src", ROOT / "drop-in" / "src"] if python == sys.executable else [ROOT / "src"]
    if python != sys.executable:
        paths.append(Path(sysconfig.get_path("purelib")))
    done = subprocess.run(
        [python, "-m", "pytest", "-p", "azid.testing", "-p", "no:cacheprovider", "-q", *arguments],
        cwd=pytester.path,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "PYTEST"))},
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """The files of the page."""
    for name, code in FILES.items():
        (pytester.path / name).write_text(code, encoding="utf-8")
    return pytester


def test_every_test_of_the_page_passes(suite: pytest.Pytester) -> None:
    said = run_pytest(suite, "--tb=short")
    count = sum(code.count("\ndef test_") for code in FILES.values())
    assert f"{count} passed" in said, said


def test_microsofts_library_meets_it_too(suite: pytest.Pytester, azure_identity: Path) -> None:
    said = run_pytest(suite, "test_azure_identity.py", "test_msal.py", python=azure_identity)
    assert "2 passed" in said, said


def test_the_world_is_as_it_was_afterwards(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        import webbrowser

        BEFORE = dict(os.environ)


        def test_first(entra, entra_person):
            assert os.environ["HTTPS_PROXY"].startswith("http://127.0.0.1:")
            assert os.environ["HOME"] != BEFORE["HOME"]
            assert webbrowser.open("http://localhost:1/")


        def test_second():
            now = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
            assert now == {name: value for name, value in BEFORE.items() if name != "PYTEST_CURRENT_TEST"}
            assert not webbrowser.get("azid-entra-person").open("http://localhost:1/")
        """
    )
    said = run_pytest(pytester)
    assert "2 passed" in said, said


def test_no_other_host_is_reached(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        import requests


        def test_it(entra):
            with pytest.raises(requests.exceptions.ProxyError):
                requests.get("https://example.com/", timeout=10)
        """
    )
    said = run_pytest(pytester)
    assert "1 passed" in said, said


def test_each_test_has_a_directory_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest


        @pytest.mark.parametrize("turn", [1, 2])
        def test_it(entra, turn):
            assert entra.requests == []
            entra.refuse("ada@contoso.example", 50057)
        """
    )
    said = run_pytest(pytester)
    assert "2 passed" in said, said


def test_it_loads_nothing_until_it_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys


        def test_it():
            assert not {"azid.emulator", "azure.core", "cryptography", "flask", "msal", "requests"} & set(sys.modules)
        """
    )
    said = run_pytest(pytester)
    assert "1 passed" in said, said


def test_without_the_extra_only_its_users_are_told(pytester: pytest.Pytester) -> None:
    (pytester.path / "flask.py").write_text("raise ImportError('No module named flask', name='flask')")
    pytester.makepyfile(
        """
        def test_other():
            pass


        def test_it(entra):
            pass
        """
    )
    said = run_pytest(pytester)
    assert "1 passed, 1 error" in said, said
    assert "pip install 'azid[emulator]'" in said


def test_people_are_listed_by_help(pytester: pytest.Pytester) -> None:
    said = run_pytest(pytester, "--fixtures")
    for name in ("entra", "entra_person", "entra_users", "entra_clock"):
        assert f"\n{name} -- " in said or f"\n{name} " in said, said
