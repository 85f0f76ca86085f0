"""`azid token`: silent and in every form, or exit code 3 and the command that helps."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from azid.cli import exit_codes
from azid.cli.failures import CommandFailed
from azid.cli.token import exec_credential
from azid.emulator import Emulator
from azid.emulator.exchange import Reply, Request
from azid.tokens.access import TokenInfo
from tests.cli.conftest import PATIENCE, Home, Invoke, RunAzid, SignIn
from tests.conftest import ADA, BOB, GRAPH, VAULT
from tests.support.stand_ins import serve

pytest_plugins = ["tests.support.trust"]

CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"
INFO = TokenInfo("a.b.c", 1_700_000_000, token_type="Bearer")


def remedy(stderr: str) -> list[str]:
    """Return the words of the command that an error's last line names."""
    last = stderr.rstrip("\n").splitlines()[-1]
    assert last.startswith("Run:   ")
    return shlex.split(last.removeprefix("Run:   "))


def secrets_in(home: Home) -> set[str]:
    """Return every secret that a person's cache holds."""
    found: set[str] = set()
    for file in (home.folder / ".IdentityService").glob("msal.cache*cae"):
        sections = json.loads(file.read_text(encoding="utf-8")).values()
        found |= {entry["secret"] for section in sections for entry in section.values() if "secret" in entry}
    return found


def test_a_cached_token_alone_is_printed(sign_in: SignIn, run_azid: RunAzid, entra: Emulator, home: Home) -> None:
    sign_in()
    entra.clear_log()
    done = run_azid("token", "--scope", GRAPH)
    assert (done.exit_code, done.stderr) == (exit_codes.OK, "")
    assert done.stdout.removesuffix("\n") in secrets_in(home)
    assert entra.requests == []


def test_another_resource_costs_one_request(sign_in: SignIn, azid: Invoke, entra: Emulator) -> None:
    sign_in()
    entra.clear_log()
    assert azid("token", "--scope", VAULT).exit_code == exit_codes.OK
    assert [request.form["grant_type"] for request in entra.token_requests()] == ["refresh_token"]
    assert len(entra.requests) == len(entra.token_requests()) + len(discovery(entra))
    assert azid("token", "--scope", VAULT).exit_code == exit_codes.OK
    assert len(entra.token_requests()) == 1


def discovery(entra: Emulator) -> list[object]:
    return [request for request in entra.requests if "openid-configuration" in request.path]


def test_scopes_are_asked_for_together(sign_in: SignIn, azid: Invoke, entra: Emulator) -> None:
    sign_in()
    arguments = [f"--scope=https://graph.microsoft.com/{name}" for name in ("Mail.Read", "Files.Read")]
    assert azid("token", *arguments).exit_code == exit_codes.OK
    [request] = entra.token_requests("refresh_token")
    assert {"https://graph.microsoft.com/Mail.Read", "https://graph.microsoft.com/Files.Read"} <= {
        *request.form["scope"].split()
    }


def test_json_has_the_token_and_when_it_expires(sign_in: SignIn, azid: Invoke) -> None:
    sign_in()
    told = json.loads(azid("token", "--scope", GRAPH, "--output", "json").stdout)
    assert told["token"] == azid("token", "--scope", GRAPH).stdout.strip()
    assert list(told) == ["token", "token_type", "expires_on", "expires"]
    assert told["token_type"] == "Bearer"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["expires"])
    assert isinstance(told["expires_on"], int)


def test_the_header_is_one_that_curl_takes(sign_in: SignIn, azid: Invoke) -> None:
    sign_in()
    token = azid("token", "--scope", GRAPH).stdout
    assert azid("token", "--scope", GRAPH, "-o", "header").stdout == f"Authorization: Bearer {token}"


@pytest.mark.parametrize("interactive", [True, False])
@pytest.mark.parametrize("version", ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"])
def test_kubectl_gets_the_version_that_it_asks_for(version: str, interactive: bool) -> None:
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": interactive}}
    assert exec_credential(INFO, {"KUBERNETES_EXEC_INFO": json.dumps(asked)}) == {
        "apiVersion": version,
        "kind": "ExecCredential",
        "status": {"token": "a.b.c", "expirationTimestamp": "2023-11-14T22:13:20Z"},
    }


def test_whoever_does_not_say_which_version_gets_the_stable_one() -> None:
    assert exec_credential(INFO, {})["apiVersion"] == "client.authentication.k8s.io/v1"


@pytest.mark.parametrize("asked", ["?", "[]", "{}", '{"apiVersion": "client.authentication.k8s.io/v7"}'])
def test_what_kubectl_asks_for_must_be_understood(asked: str) -> None:
    with pytest.raises(CommandFailed, match="ExecCredential"):
        exec_credential(INFO, {"KUBERNETES_EXEC_INFO": asked})


def test_kubectl_itself_signs_in_with_it(
    sign_in: SignIn, home: Home, ca: trustme.CA, ca_file: Path, tmp_path: Path, azid: Invoke, kubectl: Path
) -> None:
    sign_in()
    presented: list[str | None] = []

    def answer(request: Request) -> Reply:
        presented.append(request.headers.get("Authorization"))
        return Reply(200, [("Content-Type", "application/json")], b'{"gitVersion": "v1.30.0"}')

    with serve(answer, ca) as port:
        exec_settings = {
            "apiVersion": "client.authentication.k8s.io/v1beta1",  # Debian's kubectl knows no newer one
            "command": sys.executable,
            "args": ["-m", "azid", "token", "--output=kubectl", f"--scope={GRAPH}"],
        }
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(ca_file)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"exec": exec_settings}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        (tmp_path / "config").write_text(json.dumps(config))
        command = [str(kubectl), "--kubeconfig", str(tmp_path / "config"), "get", "--raw", "/version"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE, env=home.environ)
    assert done.returncode == 0, done.stderr
    assert set(presented) == {f"Bearer {azid('token', '--scope', GRAPH).stdout.strip()}"}


def test_nobody_is_signed_in(azid: Invoke) -> None:
    done = azid("token", "--scope", GRAPH, "--tenant", "contoso.example")
    assert (done.exit_code, done.stdout) == (exit_codes.SIGN_IN_NEEDED, "")
    assert "nobody is signed in" in done.stderr
    assert remedy(done.stderr) == ["azid", "login", "--scope", GRAPH, "--tenant", "contoso.example"]


def test_the_remedy_names_what_was_asked_for(azid: Invoke) -> None:
    asked = ["--client-id", POWERSHELL, "--authority", "login.chinacloudapi.cn", "--account", ADA.username]
    done = azid("token", *asked, "--disable-instance-discovery", AZID_STORAGE=None, DBUS_SESSION_BUS_ADDRESS=None)
    if done.exit_code == exit_codes.UNAVAILABLE:  # there is nothing here that encrypts
        done = azid("token", *asked, "--disable-instance-discovery", "--storage", "plaintext", AZID_STORAGE=None)
    assert remedy(done.stderr)[:2] == ["azid", "login"]
    words = remedy(done.stderr)
    assert words[words.index("--login-hint") + 1] == ADA.username
    assert words[words.index("--client-id") + 1] == POWERSHELL
    assert words[words.index("--authority") + 1] == "https://login.chinacloudapi.cn"
    assert words[-1] == "--disable-instance-discovery"


def test_a_revoked_sign_in_needs_a_person(sign_in: SignIn, azid: Invoke, entra: Emulator) -> None:
    sign_in()
    entra.revoke(ADA.username)
    done = azid("token", "--scope", VAULT, "--output", "json")
    assert (done.exit_code, done.stdout) == (exit_codes.SIGN_IN_NEEDED, "")
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "sign_in_needed"
    assert f"no token for {ADA.username}" in error["message"]
    assert "AADSTS" in error["message"]
    assert "authenticate" not in error["message"]
    assert shlex.split(error["remedy"]) == [
        *("azid", "login", "--scope", VAULT, "--login-hint", ADA.username),
        *("--authority", entra.authority, "--disable-instance-discovery"),
    ]


def test_a_guest_signs_in_again_where_it_was_a_guest(sign_in: SignIn, azid: Invoke, entra: Emulator) -> None:
    other = "00000000-1111-2222-3333-444444444444"
    sign_in(tenant_id=other)
    entra.revoke(ADA.username)
    words = remedy(azid("token", "--scope", VAULT).stderr)
    assert words[words.index("--tenant") + 1] == other


def test_claims_are_sent(sign_in: SignIn, azid: Invoke, entra: Emulator) -> None:
    sign_in()
    assert azid("token", "--scope", GRAPH, "--claims", CLAIMS).exit_code == exit_codes.OK
    [request] = entra.token_requests("refresh_token")
    assert json.loads(request.form["claims"])["access_token"]["acrs"]["value"] == "c1"


def test_claims_that_only_a_person_can_meet(sign_in: SignIn, azid: Invoke, entra: Emulator) -> None:
    sign_in()
    claims = entra.challenge(ADA.username)
    done = azid("token", "--scope", GRAPH, "--claims", claims)
    assert done.exit_code == exit_codes.SIGN_IN_NEEDED
    assert "asks more of" in done.stderr
    assert claims not in done.stderr


@pytest.mark.parametrize("claims", ["eyJh", "[]", "secret words"])
def test_malformed_claims_are_not_repeated(azid: Invoke, claims: str) -> None:
    done = azid("token", "--claims", claims)
    assert done.exit_code == exit_codes.USAGE
    assert "--claims takes a JSON object" in done.stderr
    assert claims not in done.stderr


def test_another_account_by_its_name(sign_in: SignIn, azid: Invoke) -> None:
    sign_in(BOB)
    sign_in(ADA)
    one, other = (azid("token", "--scope", GRAPH, *more).stdout for more in ([], ["--account", BOB.username.upper()]))
    assert "" not in (one, other)
    assert one != other


def test_the_only_account_is_meant_where_none_is_active(sign_in: SignIn, azid: Invoke, at_entra: Any) -> None:
    sign_in(BOB, active=False, client_id=POWERSHELL)
    sign_in(active=False)
    assert azid("token", "--scope", GRAPH, *at_entra).exit_code == exit_codes.OK
    sign_in(BOB, active=False)
    done = azid("token", "--scope", GRAPH, *at_entra)
    assert done.exit_code == exit_codes.USAGE
    assert f"{ADA.username}, {BOB.username}" in done.stderr


def test_another_application_of_the_same_person(sign_in: SignIn, azid: Invoke, entra: Emulator) -> None:
    sign_in(active=False, client_id=POWERSHELL)
    sign_in()
    entra.clear_log()
    assert azid("token", "--scope", GRAPH, "--client-id", POWERSHELL).exit_code == exit_codes.OK
    assert entra.requests == []


def test_the_account_of_another_cloud_is_not_meant(sign_in: SignIn, azid: Invoke) -> None:
    sign_in()
    done = azid("token", AZURE_AUTHORITY_HOST="login.microsoftonline.us")
    assert done.exit_code == exit_codes.SIGN_IN_NEEDED
    assert remedy(done.stderr) == ["azid", "login"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scope", "openid"],
        ["--scope", GRAPH, "--tenant", "a/b"],
        ["--scope", GRAPH, "--authority", "http://127.0.0.1"],
        [],  # the Resource Manager of the emulator's cloud is not known
    ],
)
def test_malformed_options(sign_in: SignIn, azid: Invoke, arguments: list[str]) -> None:
    sign_in()
    done = azid("token", *arguments)
    assert (done.exit_code, done.stdout) == (exit_codes.USAGE, "")
    assert done.stderr.startswith("Usage: azid token")
    told = azid("token", *arguments, "-o", "json")
    assert json.loads(told.stderr)["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--scope", "openid"], "'--scope' requires at least one scope"),
        (["--scope", 'a"b'], "is no scope"),
        (["--scope", GRAPH, "--tenant", "a b"], "is no tenant ID"),
    ],
)
def test_nobody_is_told_to_sign_in_with_malformed_options(azid: Invoke, arguments: list[str], told: str) -> None:
    done = azid("token", *arguments)
    assert (done.exit_code, done.stdout) == (exit_codes.USAGE, "")
    assert told in done.stderr
    assert "azid login" not in done.stderr


def test_whoever_has_to_say_more_is_not_told_to_sign_in_first(azid: Invoke, at_entra: tuple[str, ...]) -> None:
    done = azid("token", *at_entra)
    assert done.exit_code == exit_codes.USAGE
    assert "pass --scope, such as https://graph.microsoft.com/.default" in done.stderr


def test_an_authority_that_is_not_there(sign_in: SignIn, azid: Invoke, entra: Emulator) -> None:
    sign_in()
    entra.stop()
    done = azid("token", "--scope", VAULT)
    assert (done.exit_code, done.stdout) == (exit_codes.FAILED, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.endswith("Run:   azid doctor\n")


def test_a_remedy_names_the_options_of_the_command(sign_in: SignIn, azid: Invoke) -> None:
    sign_in()
    done = azid("token", "--scope", VAULT, "--client-id", "00000000-0000-4000-8000-000000000000")
    assert done.exit_code == exit_codes.FAILED
    assert done.stderr.endswith("check --client-id and --tenant.\n")


def test_verbose_tells_what_happens_without_a_secret(
    sign_in: SignIn, run_azid: RunAzid, entra: Emulator, home: Home
) -> None:
    sign_in()
    before = secrets_in(home)
    done = run_azid("token", "--scope", VAULT, "--claims", CLAIMS, "--output", "header", "--verbose")
    assert done.exit_code == exit_codes.OK
    assert "oauth2/v2.0/token" in done.stderr
    [request] = entra.token_requests("refresh_token")
    told = done.stderr
    assert not [secret for secret in before | secrets_in(home) if secret in told]
    assert request.form["refresh_token"] not in told
    assert "c1" not in re.findall(r'"value": "([^"]*)"', told)


def test_a_store_that_had_to_be_set_aside_is_told(sign_in: SignIn, run_azid: RunAzid, home: Home) -> None:
    sign_in()
    (home.folder / ".IdentityService" / "msal.cache.nocae").write_text("{ broken", encoding="utf-8")
    done = run_azid("token", "--scope", GRAPH)
    assert done.exit_code == exit_codes.SIGN_IN_NEEDED
    assert done.stderr.startswith("Warning: ")
    assert "without being encrypted" not in done.stderr
