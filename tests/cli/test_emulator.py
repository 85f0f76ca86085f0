"""`azid emulator`: what it prints, whom it serves, how it ends, and unchanged programs behind its proxy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner, Result

from azid import DeviceCodeCredential
from azid.cli import exit_codes
from azid.cli.group import azid
from azid.cli.pointing import Pointers
from azid.emulator import Client, Emulator, Federation, ManagedIdentity, Person
from azid.emulator.script_file import apply_script, read_script
from azid.emulator.users_file import read_people
from tests.conftest import ADA, GRAPH
from tests.docs.blocks import blocks_of
from tests.emulator.driver import payload
from tests.support.emulator_command import PASSWORD, PATIENCE, attended, running

PROGRAMS = Path(__file__).parent / "programs"
CLIENT_ID = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
IDENTITY = "0f8fad5b-d9cb-469f-a165-70867728950e"


def refused(*arguments: str | Path) -> Result:
    return CliRunner().invoke(azid, ["emulator", *map(str, arguments)])


def environment(**more: str) -> dict[str, str]:
    """Return an environment for programs that a person starts."""
    unset = re.compile(r"(?i)(AZURE_|.*_PROXY$|PYTHON)")
    return {**{name: value for name, value in os.environ.items() if not unset.match(name)}, **more}


# --- Started by itself


def test_it_prints_where_it_is_and_ends_cleanly_when_told() -> None:
    with running() as emulator:
        ready = emulator.ready
        assert [user["username"] for user in ready["users"]] == [
            "ada@contoso.example",
            "grace@contoso.example",
            "alan@contoso.example",
        ]
        assert ready["environment"]["AZURE_AUTHORITY_HOST"] == ready["authority"]
        assert ready["proxy"] is None
        ca_file = Path(ready["ca_file"])
        assert ca_file.exists()
        assert "PRIVATE" not in "".join(path.read_text(encoding="utf-8") for path in ca_file.parent.iterdir())
    if os.name == "posix":
        assert emulator.exit_code == exit_codes.OK
        assert not ca_file.parent.exists()


def test_azid_signs_in_and_the_log_names_no_secret() -> None:
    with running() as emulator:
        ready = emulator.ready
        with DeviceCodeCredential(
            authority=ready["authority"],
            connection_verify=ready["ca_file"],
            disable_instance_discovery=True,
            prompt_callback=(codes := Codes()).enter,
        ) as credential:
            token = credential.get_token(GRAPH).token
        wrong = {"grant_type": "password", "username": "ada@contoso.example", "password": "wr0ng", "scope": "openid"}
        requests.post(
            f"{ready['authority']}/organizations/oauth2/v2.0/token?code=s3cret",
            data={"client_id": CLIENT_ID, **wrong},
            verify=ready["ca_file"],
            timeout=PATIENCE,
        )
    lines = emulator.log.splitlines()
    assert any(
        re.match(r"200 POST 127\.0\.0\.1:\d+/organizations/oauth2/v2\.0/devicecode  client ", line) for line in lines
    )
    assert any(re.match(r"200 POST \S+/oauth2/v2\.0/token  device_code client ", line) for line in lines)
    assert any(line.endswith("unauthorized_client AADSTS700016 (add it with --client-id)") for line in lines)
    for secret in (token, codes.last, PASSWORD, "wr0ng", "s3cret"):
        assert secret not in emulator.log


class Codes:
    """A prompt that Ada answers, and that remembers the code."""

    last = ""

    def enter(self, verification_uri: str, user_code: str, expires_on: object) -> None:
        self.last = user_code
        Person("ada@contoso.example", PASSWORD).enter_code(verification_uri, user_code)


def test_people_applications_trouble_and_ports_are_chosen(tmp_path: Path) -> None:
    people, trouble = tmp_path / "people.json", tmp_path / "trouble.json"
    people.write_text(json.dumps({"users": [{"username": "eve@fabrikam.example", "password": "x"}]}), encoding="utf-8")
    trouble.write_text(json.dumps({"faults": [{"endpoint": "keys", "status": 503}]}), encoding="utf-8")
    options = ("--users", people, "--script", trouble, "--client-id", CLIENT_ID, "--tenant", CLIENT_ID)
    with running(*options) as emulator:
        assert emulator.ready["users"][0]["tenant_id"] == CLIENT_ID
        assert "password" not in emulator.ready["users"][0]
        keys = f"{emulator.ready['authority']}/common/discovery/v2.0/keys"
        replies = [requests.get(keys, verify=emulator.ready["ca_file"], timeout=PATIENCE) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [503, 200]
        code = requests.post(
            f"{emulator.ready['authority']}/fabrikam.example/oauth2/v2.0/devicecode",
            data={"client_id": CLIENT_ID, "scope": f"{GRAPH} openid"},
            verify=emulator.ready["ca_file"],
            timeout=PATIENCE,
        )
        assert code.status_code == 200, code.text


def test_applications_and_machines_get_tokens(tmp_path: Path) -> None:
    people = tmp_path / "people.json"
    client = {"client_id": CLIENT_ID, "name": "Ours", "public": False, "secrets": ["s3cret"]}
    identity = {"client_id": IDENTITY, "name": "deploy"}
    document = {
        "users": [{"username": "eve@fabrikam.example", "password": "x"}],
        "clients": [client],
        "identities": [identity],
        "system_assigned": False,
    }
    people.write_text(json.dumps(document), encoding="utf-8")
    with running("--users", people, "--tenant", CLIENT_ID) as emulator:
        ready = emulator.ready
        (known,) = ready["clients"]
        assert (known["client_id"], known["name"], known["credentials"]) == (CLIENT_ID, "Ours", ["secret"])
        assert [each["name"] for each in ready["identities"]] == ["deploy"]
        assert "s3cret" not in json.dumps(ready)
        form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": "s3cret", "scope": GRAPH}
        own = requests.post(
            f"{ready['authority']}/{CLIENT_ID}/oauth2/v2.0/token",
            data=form,
            verify=ready["ca_file"],
            timeout=PATIENCE,
        )
        assert own.status_code == 200, own.text
        environ = ready["managed_identity_environments"]["app-service"]
        machines = requests.get(
            environ["IDENTITY_ENDPOINT"],
            params={"api-version": "2019-08-01", "resource": "https://vault.azure.net"},
            headers={"X-IDENTITY-HEADER": environ["IDENTITY_HEADER"]},
            timeout=PATIENCE,
        )
        claims = payload(machines.json()["access_token"])
        assert (claims["appid"], claims["tid"]) == (IDENTITY, CLIENT_ID)
    lines = emulator.log.splitlines()
    assert any(re.match(r"200 POST \S+/oauth2/v2\.0/token  client_credentials client ", line) for line in lines)
    assert any(re.match(r"200 GET 127\.0\.0\.1:\d+/msi/token$", line) for line in lines)
    assert "s3cret" not in emulator.log


def test_a_port_that_is_taken_is_named() -> None:
    with Emulator() as entra:
        port = urlsplit(entra.authority).port
        result = refused("--port", str(port))
    assert result.exit_code == exit_codes.FAILED
    assert f"Port {port}" in result.stderr
    assert result.stdout == ""


def test_the_text_says_how_to_point_programs_at_it() -> None:
    with Emulator([ADA]) as entra:
        pointers = Pointers(entra, [ADA], None, None)
        text = pointers.as_text()
        proxied = pointers._replace(proxy="http://127.0.0.1:1").as_text()
        assert entra.authority in text
    for program in ("azid", "azure-identity", "MSAL for Python", "MSAL for Node", "Azurite"):
        assert program in text
        assert program in proxied
    for name in ("HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        assert name in proxied
    assert ADA.password not in text + proxied


def test_the_text_names_applications_and_identities_but_no_secret() -> None:
    federations = (Federation("https://issuer.example", "a"),)
    client = Client(CLIENT_ID, "Orders API", public=False, secrets=("s3cret",), federations=federations)
    identity = ManagedIdentity(IDENTITY, name="deploy")
    with Emulator([ADA]) as entra:
        pointers = Pointers(entra, [ADA], None, None, [client, Client(IDENTITY)], [identity])
        for text in (pointers.as_text(), pointers._replace(proxy="http://127.0.0.1:1").as_text()):
            assert f"{CLIENT_ID}  Orders API  (confidential, secret, federation)" in text
            assert f"{IDENTITY}  (public)" in text
            assert f"{IDENTITY}  deploy" in text
            assert "AZURE_POD_IDENTITY_AUTHORITY_HOST=http://127.0.0.1:" in text
            assert "s3cret" not in text


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell here")
def test_the_lines_to_copy_work_in_a_shell() -> None:
    with Emulator([ADA]) as entra:
        pointers = Pointers(entra, [ADA], None, None)
        lines = "\n".join(line for line in pointers.as_text().splitlines() if line.startswith("  export "))
        done = subprocess.run(["sh", "-c", f"{lines}\nenv"], capture_output=True, text=True, check=True)
        assert {f"{name}={value}" for name, value in pointers.environment().items()} <= set(done.stdout.splitlines())


@pytest.mark.parametrize("library", ["azid", "azure.identity"])
def test_programs_can_be_pointed_at_it(library: str, azure_identity: Path) -> None:
    python = sys.executable if library == "azid" else azure_identity
    with (
        running() as emulator,
        subprocess.Popen(
            [python, PROGRAMS / "pointed.py", library],
            env=environment(PYTHONUNBUFFERED="1", **emulator.ready["environment"]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        said = ""
        while not (code := re.search(r"(http://localhost:\d+/\S*deviceauth)\b.*?\b([A-Z]{9})\b", said, re.DOTALL)):
            line = process.stdout.readline()
            assert line, said
            said += line
        Person("ada@contoso.example", PASSWORD).enter_code(code[1], code[2])
        rest, _ = process.communicate(timeout=PATIENCE)
    assert "signed in: ada@contoso.example" in rest


# --- Called wrongly


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["python", "app.py"], "add --proxy"),
        (["--proxy", "--output", "json", "--", "python"], "--output json cannot be used"),
        (["--tenant", "not a tenant"], "--tenant"),
        (["--client-id", ""], "--client-id"),
        (["--port", "65534"], "--port"),
        (["--users", "no-such-file.json"], "no-such-file.json cannot be read"),
    ],
)
def test_wrong_calls_are_told_what_is_wrong(arguments: list[str], complaint: str) -> None:
    result = refused(*arguments)
    assert result.exit_code == exit_codes.USAGE
    assert complaint in result.stderr
    assert result.stdout == ""


def test_a_mistake_in_a_file_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(
        '{"users": [{"username": "ada@contoso.example", "password": "s3cret", "mfa": 1}]}', encoding="utf-8"
    )
    result = refused("--users", file)
    assert result.exit_code == exit_codes.USAGE
    assert "users[0].mfa: must be a valid boolean" in result.stderr
    assert "s3cret" not in result.stderr


def test_the_documented_files_are_right(tmp_path: Path) -> None:
    people, trouble = (
        block.code
        for block in blocks_of("docs/emulator.md")
        if block.language == "json" and ("refusals" in block.code or "faults" in block.code)
    )
    (tmp_path / "people.json").write_text(people, encoding="utf-8")
    (tmp_path / "trouble.json").write_text(trouble, encoding="utf-8")
    entra = Emulator(read_people(tmp_path / "people.json").accounts())
    usernames = ["ada@contoso.example", "alan@contoso.example"]
    apply_script(read_script(tmp_path / "trouble.json", usernames), entra, usernames)


# --- With a program


@pytest.mark.parametrize("flow", ["device-code", "browser"])
def test_microsofts_azure_identity_unchanged(flow: str, azure_identity: Path) -> None:
    if flow == "browser" and os.name != "posix":
        pytest.skip("there is no private browser on Windows")
    program: list[str | Path] = [azure_identity, "-u", "-E"]  # without what PYTHONPATH names
    program += [PROGRAMS / "with_azure_identity.py", flow]
    exit_code, said = attended(program, "ada@contoso.example")
    assert exit_code == 0, said
    assert "library: 1.27.0\n" in said
    assert "signed in: ada@contoso.example at login.microsoftonline.com" in said
    assert "me: Ada Lovelace" in said


def test_msal_for_python_unchanged() -> None:
    exit_code, said = attended([sys.executable, PROGRAMS / "with_msal.py"], "grace@contoso.example")
    assert exit_code == 0, said
    assert "signed in: grace@contoso.example" in said
    assert "refreshed: True" in said


def test_the_program_has_its_own_exit_code_output_and_home() -> None:
    program = "import os, pathlib; print('home', os.listdir(pathlib.Path.home())); raise SystemExit(7)"
    result = subprocess.run(
        [sys.executable, "-m", "azid", "emulator", "--proxy", "--", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 7
    assert result.stdout == "home []\n"
    assert "ada@contoso.example" in result.stderr


def test_it_reaches_no_other_host() -> None:
    program = "import requests; requests.get('https://example.com/?code=s3cret')"
    exit_code, said = attended([sys.executable, "-c", program], "ada@contoso.example")
    assert exit_code == 1
    assert "403 CONNECT example.com:443  not forwarded" in said


def test_a_program_that_is_not_there_is_named() -> None:
    result = refused("--proxy", "--", "no-such-program")
    assert result.exit_code == exit_codes.UNAVAILABLE
    assert "no-such-program cannot be started" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_when_it_is_told_to_end_its_program_does() -> None:
    program = "import time; print('started', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-m", "azid", "emulator", "--proxy", "--", sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.terminate()
        assert process.wait(PATIENCE) == 128 + 15
        assert process.stdout.read() == ""
