"""The fixtures for other people's tests, in test suites of their own: those of docs/testing.md, as they are shown."""

from __future__ import annotations

import os
import re
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


def run_pytest(pytester: pytest.Pytester, *arguments: str, python: Path | str = sys.executable, **environ: str) -> str:
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
            **environ,
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
    said = run_pytest(suite, "--tb=short", "-rA")
    for file, code in FILES.items():
        for name in re.findall(r"^def (test_\w+)", code, re.MULTILINE):
            assert f"PASSED {file}::{name}" in said, said
    assert "failed" not in said, said


def test_microsofts_library_meets_it_too(suite: pytest.Pytester, azure_identity: Path) -> None:
    said = run_pytest(suite, "test_azure_identity.py", "test_msal.py", python=azure_identity)
    assert "3 passed" in said, said


@pytest.mark.parametrize("library", ["azid", "azure.identity"])
@pytest.mark.parametrize("name", ["DeviceCodeCredential", "InteractiveBrowserCredential"])
def test_a_person_answers_programs_that_know_nothing(
    pytester: pytest.Pytester, azure_identity: Path, library: str, name: str
) -> None:
    if os.name != "posix" and name == "InteractiveBrowserCredential":
        pytest.skip("on Windows only this process's pages come to the person")
    pytester.makepyfile(
        program=f"""
        from {library} import {name}

        print("signed in:", {name}().authenticate(scopes=["https://graph.microsoft.com/.default"]).username)
        """,
        test_program="""
        import subprocess
        import sys


        def run():
            return subprocess.run([sys.executable, "program.py"], capture_output=True, text=True, timeout=60)


        def test_signed_in(entra, entra_person):
            assert "signed in: ada@contoso.example" in run().stdout
            assert entra_person.error is None


        def test_declined(entra, entra_person):
            entra_person.then = "deny"
            done = run()
            assert done.returncode == 1
            assert "ada@contoso.example" not in done.stdout
        """,
    )
    said = run_pytest(pytester, python=sys.executable if library == "azid" else azure_identity)
    assert "2 passed" in said, said


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such command")
def test_without_a_person_no_browser_opens(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import subprocess
        import sys
        import webbrowser

        PROGRAM = "import webbrowser; raise SystemExit(not webbrowser.open('http://localhost:1/'))"


        def test_it(entra):
            assert webbrowser.open("http://localhost:1/")
            subprocess.run([sys.executable, "-c", PROGRAM], check=True)
        """
    )
    said = run_pytest(pytester, DISPLAY=":0")
    assert "1 passed" in said, said


def test_a_code_that_the_test_enters_too_is_entered_once(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from azid import DeviceCodeCredential


        def test_it(entra, entra_person):
            DeviceCodeCredential(prompt_callback=entra_person.enter_code).authenticate()
            assert entra_person.error is None


        def test_nobody_answers_until_the_test_does(entra, entra_person):
            def prompt(verification_uri, user_code, expires_on):
                assert "confirm" not in entra_person.last_page
                entra_person.then = "approve"
                entra_person.enter_code(verification_uri, user_code)

            entra_person.then = "leave"
            assert DeviceCodeCredential(prompt_callback=prompt).authenticate().username == entra_person.username
        """
    )
    said = run_pytest(pytester)
    assert "2 passed" in said, said


def test_the_real_home_is_not_touched(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(
        """
        from azid import DeviceCodeCredential, TokenCachePersistenceOptions


        def test_it(entra, entra_person):
            options = TokenCachePersistenceOptions(allow_unencrypted_storage=True)
            credential = DeviceCodeCredential(cache_persistence_options=options)
            credential.authenticate()
            assert DeviceCodeCredential(cache_persistence_options=options).get_token(entra.resource_scope)
        """
    )
    said = run_pytest(pytester, HOME=str(tmp_path), USERPROFILE=str(tmp_path), LOCALAPPDATA=str(tmp_path))
    assert "1 passed" in said, said
    assert list(tmp_path.iterdir()) == []


def test_the_world_is_as_it_was_afterwards(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        import threading
        import webbrowser

        import pytest


        class Own(webbrowser.BaseBrowser):
            opened = []

            def open(self, url, new=0, autoraise=True):
                self.opened.append(url)
                return True


        webbrowser.register("own", None, Own("own"), preferred=True)
        BEFORE = dict(os.environ)


        @pytest.mark.xfail(raises=ZeroDivisionError, strict=True)
        @pytest.mark.parametrize("turn", [1, 2])
        def test_first(entra, entra_person, turn):
            assert os.environ["HTTPS_PROXY"].startswith("http://127.0.0.1:")
            assert os.environ["HOME"] != BEFORE["HOME"]
            assert webbrowser.open("http://localhost:1/")
            assert Own.opened == []
            raise ZeroDivisionError


        def test_second():
            now = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
            assert now == {name: value for name, value in BEFORE.items() if name != "PYTEST_CURRENT_TEST"}
            assert webbrowser.get().open("http://localhost:1/")
            assert webbrowser.open("http://localhost:2/")
            assert Own.opened == ["http://localhost:1/", "http://localhost:2/"]


        def test_no_thread_and_no_folder_is_left(tmp_path_factory):
            assert [thread.name for thread in threading.enumerate() if thread.name != "azid-person"] == ["MainThread"]
            assert not (tmp_path_factory.getbasetemp() / "azid-entra-person").exists()
        """
    )
    said = run_pytest(pytester)
    assert "2 passed, 2 xfailed" in said, said


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
    for name in ("entra", "entra_person", "entra_users", "entra_clients", "entra_clock"):
        assert f"\n{name} -- " in said or f"\n{name} " in said, said
