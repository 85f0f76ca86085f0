from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from click import unstyle as unstyled

from azid.cli import exit_codes
from azid.cli.doctor import rendered
from azid.doctor import Finding, Verdict
from azid.emulator import Emulator
from tests.cli.conftest import Home, Invoke, RunAzid, SignIn

SECTIONS = ["packages", "storage", "cache", "sign-in", "ports", "environment", "network"]


def test_all_is_well_at_an_authority_that_answers(azid: Invoke, sign_in: SignIn, entra: Emulator) -> None:
    sign_in()
    done = azid("doctor", "--authority", entra.authority, "-o", "json", REQUESTS_CA_BUNDLE=entra.ca_file)
    examination = json.loads(done.stdout)
    assert list(examination) == SECTIONS
    assert {name for finding in examination["network"] for name in finding} == {
        *("subject", "verdict", "found", "remedy")
    }
    [cache] = [finding for finding in examination["cache"] if finding["subject"] == "cache"]
    assert cache["found"].startswith("It can be read: 1 account")
    problems = [finding for findings in examination.values() for finding in findings if finding["verdict"] == "problem"]
    assert problems == []
    assert done.exit_code == exit_codes.OK


def test_a_problem_is_told_with_its_remedy(azid: Invoke, entra: Emulator) -> None:
    done = azid("doctor", "--authority", entra.authority)
    assert done.exit_code == exit_codes.FAILED
    assert "is not trusted" in done.stdout
    assert done.stdout.endswith("problem.\n") or done.stdout.endswith("warning.\n")
    assert done.stderr == ""


def test_offline_sends_no_request(azid: Invoke, entra: Emulator) -> None:
    done = azid("doctor", "--offline", "--authority", entra.authority, "-o", "json")
    assert list(json.loads(done.stdout)) == SECTIONS[:-1]
    assert list(entra.requests) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system has a browser")
@pytest.mark.parametrize(("browser", "verdict"), [(None, "warning"), ("no-such-browser %s", "warning"), ("sh", "ok")])
def test_a_browser_is_looked_for(run_azid: RunAzid, tmp_path: Path, browser: str | None, verdict: str) -> None:
    sh = shutil.which("sh")
    assert sh is not None
    (tmp_path / "sh").symlink_to(sh)
    done = run_azid(
        *("doctor", "--offline", "--output", "json"),
        DISPLAY=":0",
        TOOLBOX_PATH="/run",
        PATH=str(tmp_path),
        BROWSER=browser or "",
    )
    [finding] = json.loads(done.stdout)["sign-in"]
    assert finding["verdict"] == verdict
    assert bool(finding["remedy"]) is (verdict == "warning")


def test_it_changes_nothing(run_azid: RunAzid, home: Home) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.folder.rglob("*")}
    run_azid("doctor", "--offline")
    assert {path: path.stat().st_mtime_ns for path in home.folder.rglob("*")} == before


def test_no_secret_of_the_cache_is_told(azid: Invoke, sign_in: SignIn, home: Home, entra: Emulator) -> None:
    sign_in()
    secrets = json.loads((home.folder / ".IdentityService" / "msal.cache.nocae").read_text())
    done = azid("doctor", "--offline", "-v")
    for section in ("AccessToken", "RefreshToken", "IdToken"):
        for entry in secrets[section].values():
            assert entry["secret"] not in done.stdout + done.stderr


def test_a_malformed_authority_is_called_wrongly(azid: Invoke) -> None:
    assert azid("doctor", "--authority", "http://login.example").exit_code == exit_codes.USAGE


@pytest.mark.parametrize("width", [40, 46, 47, 60, 100])
def test_findings_fit_the_terminal(width: int) -> None:
    finding = Finding("azure.identity", Verdict.OK, "It is azid's drop-in. " * 9)
    lines = unstyled(rendered({"Packages": [finding, finding._replace(found="")]}, width=width)).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()).count("It is azid's drop-in.") == 9


def test_lines_fit_a_narrow_terminal_and_control_characters_are_escaped() -> None:
    finding = Finding("lock\x1b[2J", Verdict.WARNING, "word " * 40, "rm it")
    text = rendered({"Cache": [finding]}, width=60)
    assert "\x1b[2J" not in text
    assert text.endswith("Found 1 warning.")
    assert "-> rm it" in unstyled(text)
