"""Endpoints of managed identities: what each kind takes, what it gives, and how it refuses."""

from __future__ import annotations

import hashlib
import ssl
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
import requests

from azid.clock import ManualClock
from azid.emulator import DEFAULT_TENANT_ID, SYSTEM_ASSIGNED, Emulator, Fault, ManagedIdentity
from azid.emulator.managed_identity.kinds import Kind
from tests.conftest import ADA
from tests.emulator.driver import payload

DEPLOY = ManagedIdentity("0f8fad5b-d9cb-469f-a165-70867728950e", name="deploy")
BACKUP = ManagedIdentity(
    "6e74172b-be56-4843-9ff4-e66a39bb12e3",
    object_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
    resource_id="/subscriptions/1/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/backup",
)
VAULT = "https://vault.azure.net"
VERSIONS = {
    "app-service": "2019-08-01",
    "azure-arc": "2020-06-01",
    "azure-ml": "2017-09-01",
    "imds": "2018-02-01",
    "service-fabric": "2019-07-01-preview",
}
KINDS = sorted(get_args(Kind))
WITH_VERSION = sorted(VERSIONS)


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    return Emulator([ADA], identities=[DEPLOY, BACKUP], clock=clock)


class Program:
    """A program on a machine of some kind, which knows its environment variables only."""

    def __init__(self, entra: Emulator, kind: Any, keys: Path) -> None:
        self.kind = kind
        self.session = entra.session()
        arc = {"key_folder": keys} if kind == "azure-arc" else {}
        self.environ = entra.managed_identity_environ(kind, **arc)

    @property
    def url(self) -> str:
        names = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
        endpoint = next((self.environ[name] for name in names if name in self.environ), None)
        return endpoint or f"{self.environ['AZURE_POD_IDENTITY_AUTHORITY_HOST']}/metadata/identity/oauth2/token"

    @property
    def headers(self) -> dict[str, str]:
        if self.kind == "app-service":
            return {"X-IDENTITY-HEADER": self.environ["IDENTITY_HEADER"]}
        if self.kind == "azure-ml":
            return {"secret": self.environ["MSI_SECRET"]}
        if self.kind == "service-fabric":
            return {"Secret": self.environ["IDENTITY_HEADER"]}
        return {"Metadata": "true"}

    def send(self, headers: dict[str, str], values: Any) -> requests.Response:
        if self.kind == "cloud-shell":
            return self.session.post(self.url, data=values, headers=headers)
        return self.session.get(self.url, params=values, headers=headers)

    def ask(self, **changes: Any) -> requests.Response:
        """Ask as the kind wants it; a None leaves a parameter out."""
        values = {"resource": VAULT, "api-version": VERSIONS.get(self.kind), **changes}
        values = {name: value for name, value in values.items() if value is not None}
        headers = self.headers
        if self.kind == "azure-arc":
            challenge = self.send(headers, values)
            if challenge.status_code != 401:
                return challenge
            headers["Authorization"] = f"Basic {key_file(challenge).read_text()}"
        return self.send(headers, values)


def key_file(challenge: requests.Response) -> Path:
    """Return the file that Azure Arc's challenge names."""
    scheme, _, path = challenge.headers["WWW-Authenticate"].partition(" realm=")
    assert scheme == "Basic"
    return Path(path)


@pytest.fixture
def program(entra: Emulator, request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    return Program(entra, request.param, tmp_path / "keys")


def kinds(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("program", names, indirect=True)


# --- what is given


@kinds(*(kind for kind in KINDS if kind != "cloud-shell"))
def test_a_token_of_the_machines_own_identity(program: Program, clock: ManualClock) -> None:
    body = program.ask().json()
    claims = payload(body["access_token"])
    assert (claims["aud"], claims["idtyp"], claims["tid"]) == (VAULT, "app", DEFAULT_TENANT_ID)
    assert (claims["appid"], claims["oid"]) == (SYSTEM_ASSIGNED.client_id, SYSTEM_ASSIGNED.object_id)
    assert claims["sub"] == claims["oid"]
    assert claims["xms_mirid"] == SYSTEM_ASSIGNED.resource_id
    assert (body["resource"], body["token_type"]) == (VAULT, "Bearer")
    assert int(body["expires_on"]) == claims["exp"] == int(clock.time()) + 86400


@pytest.mark.parametrize(
    ("program", "members", "numbers"),
    [
        ("app-service", {"client_id", "expires_on"}, set()),
        (
            "azure-arc",
            {"client_id", "expires_in", "expires_on", "not_before"},
            set(),
        ),
        ("azure-ml", {"expires_on"}, {"expires_on"}),
        ("cloud-shell", {"expires_in", "expires_on", "not_before", "refresh_token"}, set()),
        ("imds", {"client_id", "expires_in", "expires_on", "ext_expires_in", "not_before"}, set()),
        ("service-fabric", {"expires_on"}, set()),
    ],
    indirect=["program"],
)
def test_replies_have_the_members_of_their_kind(program: Program, members: set[str], numbers: set[str]) -> None:
    body = program.ask().json()
    assert body.keys() == {"access_token", "resource", "token_type", *members}
    assert {name for name, value in body.items() if not isinstance(value, str)} == numbers


@kinds("cloud-shell")
def test_cloud_shell_gives_tokens_of_the_person_who_opened_it(program: Program, clock: ManualClock) -> None:
    body = program.ask(client_id=DEPLOY.client_id).json()  # which it passes over
    claims = payload(body["access_token"])
    assert (claims["upn"], claims["aud"], claims["idtyp"]) == (ADA.username, VAULT, "user")
    assert claims["exp"] == int(clock.time()) + 3600


@pytest.mark.parametrize("resource", [VAULT, VAULT + "/", "api://0f8fad5b-d9cb-469f-a165-70867728950e"])
@pytest.mark.parametrize("program", KINDS, indirect=True)
def test_resources_are_taken_as_they_are(program: Program, resource: str) -> None:
    body = program.ask(resource=resource).json()
    assert payload(body["access_token"])["aud"] == body["resource"] == resource


@pytest.mark.parametrize(
    ("program", "parameter", "member"),
    [
        ("app-service", "client_id", "client_id"),
        ("app-service", "principal_id", "object_id"),
        ("app-service", "object_id", "object_id"),
        ("app-service", "mi_res_id", "resource_id"),
        ("azure-arc", "client_id", "client_id"),
        ("azure-arc", "object_id", "object_id"),
        ("azure-arc", "msi_res_id", "resource_id"),
        ("azure-ml", "clientid", "client_id"),
        ("azure-ml", "object_id", "object_id"),
        ("azure-ml", "msi_res_id", "resource_id"),
        ("imds", "client_id", "client_id"),
        ("imds", "object_id", "object_id"),
        ("imds", "msi_res_id", "resource_id"),
        ("imds", "mi_res_id", "resource_id"),
    ],
    indirect=["program"],
)
def test_a_user_assigned_identity_is_named(program: Program, parameter: str, member: str) -> None:
    value = getattr(BACKUP, member)
    body = program.ask(**{parameter: value.upper()}).json()
    claims = payload(body["access_token"])
    assert (claims["appid"], claims["oid"], claims["xms_mirid"]) == (
        BACKUP.client_id,
        BACKUP.object_id,
        BACKUP.resource_id,
    )
    if program.kind == "azure-arc":  # or a client takes it for an agent that did not understand
        assert body[parameter] == value.upper()


# --- what is refused


def refusal_of(program: Program, reply: requests.Response) -> tuple[int, str]:
    """Return the status of a refusal, and its code where its kind has one; check its shape."""
    body = reply.json()
    if program.kind in ("app-service", "azure-ml"):
        assert body["statusCode"] == reply.status_code
        assert body["message"]
        return reply.status_code, ""
    if program.kind in ("cloud-shell", "service-fabric"):
        assert body["error"]["message"]
        return reply.status_code, body["error"]["code"]
    assert body["error_description"]
    return reply.status_code, body["error"]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("app-service", (400, "")),
        ("azure-arc", (400, "invalid_request")),
        ("azure-ml", (400, "")),
        ("imds", (400, "invalid_request")),
    ],
    indirect=["program"],
)
def test_an_identity_that_is_not_there(program: Program, expected: tuple[int, str]) -> None:
    parameter = "clientid" if program.kind == "azure-ml" else "client_id"
    reply = program.ask(**{parameter: ADA.object_id})
    assert refusal_of(program, reply) == expected
    assert "Identity not found" in reply.text


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("app-service", (400, "")),
        ("azure-arc", (400, "invalid_request")),
        ("azure-ml", (400, "")),
        ("cloud-shell", (400, "AudienceNotSupported")),
        ("imds", (400, "invalid_resource")),
        ("service-fabric", (400, "ArgumentNullOrEmpty")),
    ],
    indirect=["program"],
)
@pytest.mark.parametrize("resource", [None, "", f"{VAULT}/.default"])
def test_a_resource_is_needed_and_no_scope(program: Program, expected: tuple[int, str], resource: str | None) -> None:
    assert refusal_of(program, program.ask(resource=resource)) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("app-service", (400, "")),
        ("azure-arc", (400, "invalid_request")),
        ("azure-ml", (400, "")),
        ("imds", (400, "invalid_request")),
        ("service-fabric", (400, "InvalidApiVersion")),
    ],
    indirect=["program"],
)
@pytest.mark.parametrize("version", [None, "2016-01-01"])
def test_the_version_must_be_known(program: Program, expected: tuple[int, str], version: str | None) -> None:
    assert refusal_of(program, program.ask(**{"api-version": version})) == expected


@pytest.mark.parametrize(
    ("program", "misspelt"),
    [
        ("app-service", "msi_res_id"),
        ("azure-arc", "mi_res_id"),
        ("azure-ml", "client_id"),
        ("cloud-shell", "scope"),
        ("imds", "principal_id"),
        ("service-fabric", "client_id"),
    ],
    indirect=["program"],
)
def test_what_another_kind_would_take_is_refused(program: Program, misspelt: str) -> None:
    reply = program.ask(**{misspelt: DEPLOY.client_id})
    assert reply.status_code == 400
    assert misspelt in reply.text


@kinds(*KINDS)
def test_nothing_is_said_twice(program: Program) -> None:
    assert program.ask(resource=[VAULT, VAULT]).status_code == 400


@kinds("app-service", "azure-arc", "imds")
def test_an_identity_is_named_once(program: Program) -> None:
    reply = program.ask(client_id=DEPLOY.client_id, object_id=DEPLOY.object_id)
    assert refusal_of(program, reply)[0] == 400


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("app-service", (401, "")),
        ("azure-arc", (400, "invalid_request")),
        ("azure-ml", (401, "")),
        ("cloud-shell", (400, "BadRequest")),
        ("imds", (400, "bad_request_102")),
        ("service-fabric", (400, "SecretHeaderNotFound")),
    ],
    indirect=["program"],
)
def test_a_page_in_a_browser_gets_nothing(program: Program, expected: tuple[int, str]) -> None:
    values = {"resource": VAULT, "api-version": VERSIONS.get(program.kind)}
    assert refusal_of(program, program.send({}, values)) == expected
    assert refusal_of(program, program.send({"Metadata": "True"}, values)) == expected


@pytest.mark.parametrize(
    ("program", "header", "expected"),
    [
        ("app-service", "X-IDENTITY-HEADER", (401, "")),
        ("azure-ml", "secret", (401, "")),
        ("service-fabric", "Secret", (404, "ManagedIdentityNotFound")),
    ],
    indirect=["program"],
)
def test_a_wrong_secret(program: Program, header: str, expected: tuple[int, str]) -> None:
    values = {"resource": VAULT, "api-version": VERSIONS[program.kind]}
    assert refusal_of(program, program.send({header: "wrong"}, values)) == expected


@kinds(*KINDS)
def test_the_other_method_is_not_allowed(program: Program) -> None:
    other = program.session.get if program.kind == "cloud-shell" else program.session.post
    assert other(program.url, headers=program.headers).status_code == 405


# --- Azure Arc's keys


@kinds("azure-arc")
def test_a_key_is_for_one_request(program: Program) -> None:
    values = {"resource": VAULT, "api-version": VERSIONS["azure-arc"]}
    challenge = program.send(program.headers, values)
    assert challenge.status_code == 401
    path = key_file(challenge)
    assert (path.parent.name, path.suffix) == ("keys", ".key")
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    headers = {**program.headers, "Authorization": f"Basic {path.read_text()}"}
    assert program.send(headers, values).status_code == 200
    assert not path.exists()
    assert program.send(headers, values).status_code == 401


@kinds("azure-arc")
def test_keys_go_away_with_the_rest(program: Program, entra: Emulator) -> None:
    path = key_file(program.send(program.headers, {}))
    assert path.exists()
    entra.clear()
    assert not path.exists()


def test_a_folder_that_cannot_be_written_to_is_named(entra: Emulator, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    program = Program(entra, "azure-arc", tmp_path / "file")
    reply = program.send(program.headers, {})
    assert reply.status_code == 500
    assert "Name another folder as key_folder" in reply.text


# --- which identities there are


@pytest.mark.parametrize(
    ("identities", "system_assigned", "expected"),
    [
        ([], True, SYSTEM_ASSIGNED),
        ([DEPLOY], True, SYSTEM_ASSIGNED),
        ([DEPLOY], BACKUP, BACKUP),
        ([DEPLOY], False, DEPLOY),
        ([DEPLOY, BACKUP], False, None),
        ([], False, None),
    ],
)
def test_who_serves_those_who_name_nobody(
    identities: list[ManagedIdentity],
    system_assigned: ManagedIdentity | bool,
    expected: ManagedIdentity | None,
    tmp_path: Path,
) -> None:
    entra = Emulator(identities=identities, system_assigned=system_assigned)
    reply = Program(entra, "imds", tmp_path).ask()
    if expected is None:
        assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
    else:
        assert payload(reply.json()["access_token"])["appid"] == expected.client_id


def test_nobody_opened_the_shell_where_there_is_nobody(tmp_path: Path) -> None:
    reply = Program(Emulator(), "cloud-shell", tmp_path).ask()
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest")


def test_an_identity_has_what_it_was_not_given() -> None:
    assert DEPLOY.object_id == ManagedIdentity(DEPLOY.client_id.upper()).object_id
    assert DEPLOY.resource_id.endswith("/userAssignedIdentities/deploy")
    assert ManagedIdentity(DEPLOY.client_id).name == DEPLOY.client_id
    with pytest.raises(ValueError, match="client_id must be a GUID"):
        ManagedIdentity("deploy")


def test_a_kind_is_one_that_exists(entra: Emulator, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="kind must be one of app-service, azure-arc, "):
        entra.managed_identity_environ("vm")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="key_folder is for azure-arc only"):
        entra.managed_identity_environ("imds", key_folder=tmp_path)


# --- the log, faults, sockets


@kinds(*KINDS)
def test_the_log_and_faults_know_the_endpoints(program: Program, entra: Emulator) -> None:
    entra.inject(Fault(endpoint=program.kind, status=503, retry_after=1))
    assert program.ask().status_code == 503
    assert program.ask().status_code == 200
    assert {entry.endpoint for entry in entra.requests} == {program.kind}


@kinds("imds", "service-fabric")
def test_the_log_names_the_error(program: Program, entra: Emulator) -> None:
    program.ask(resource="")
    expected = "invalid_resource" if program.kind == "imds" else "ArgumentNullOrEmpty"
    assert [entry.error for entry in entra.requests] == [expected]


@pytest.fixture(scope="module")
def started() -> Iterator[Emulator]:
    with Emulator([ADA], identities=[DEPLOY]) as entra:
        yield entra


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_reached_over_sockets(started: Emulator, kind: str, tmp_path: Path) -> None:
    program = Program(started, kind, tmp_path)
    program.session = requests.Session()
    program.session.trust_env = False
    program.session.verify = started.ca_file
    assert program.url.startswith("https:" if kind == "service-fabric" else "http:")
    assert program.ask().status_code == 200


def test_the_thumbprint_is_the_certificates(started: Emulator) -> None:
    where = urlsplit(started.authority)
    assert where.hostname is not None
    assert where.port is not None
    der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((where.hostname, where.port)))
    environ = started.managed_identity_environ("service-fabric")
    assert environ["IDENTITY_SERVER_THUMBPRINT"] == hashlib.sha1(der).hexdigest().upper()
