"""`azid demo`: every credential signs in, told on standard output, or in JSON with the story on standard error."""

from __future__ import annotations

import json
import subprocess
import sys

from click.testing import CliRunner

from azid.cli.group import azid

CREDENTIALS = ["InteractiveBrowserCredential", "DeviceCodeCredential", "UsernamePasswordCredential"]


def test_it_signs_in_through_every_credential() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "azid", "demo", "--unattended"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    for credential in CREDENTIALS:
        assert credential in done.stdout
    assert "All three signed in" in done.stdout


def test_its_json_is_alone_on_standard_output() -> None:
    result = CliRunner().invoke(azid, ["demo", "--unattended", "--output", "json"])
    assert result.exit_code == 0
    assert [each["credential"] for each in json.loads(result.stdout)["signed_in"]] == CREDENTIALS
    assert {each["display_name"] for each in json.loads(result.stdout)["signed_in"]} == {"Ada Lovelace"}
    assert "All three signed in" in result.stderr
