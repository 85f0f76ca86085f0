"""Microsoft's azure-identity and MSAL in processes of their own, which find the emulator by their environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from azid.emulator import (
    DEFAULT_ISSUER,
    DEFAULT_TENANT_ID,
    PIPELINES_ISSUER,
    SYSTEM_ASSIGNED,
    Client,
    Emulator,
    Federation,
    ManagedIdentity,
    SubjectNameIssuer,
)
from tests.conftest import ADA, GRAPH
from tests.emulator.driver import LOGIN, Driver, payload
from tests.support.certificates import issue

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 60  # seconds
UNSET = re.compile(r"(?i)(AZURE_|IDENTITY_|MSI_|IMDS_|SYSTEM_|.*_PROXY$|PYTHON)")

APPLICATION = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
SERVICE_CONNECTION = "9b2f3c1d-5a4e-4f60-8b7c-1d2e3f405162"
CALLBACK = "http://localhost:5000/callback"
SECRET = "a s3cret"
WORKLOAD = "system:serviceaccount:shop:checkout"
PIPELINE = "sc://contoso/shop/deploy"
OWN = issue("CN=app.contoso.example")
ROOT = issue("CN=Root of Contoso", ca=True, key=1)
LEAF = issue("CN=shop.contoso.example", by=ROOT, key=2)
DEPLOY = ManagedIdentity("0f8fad5b-d9cb-469f-a165-70867728950e", name="deploy")
KINDS = ["app-service", "azure-ml", "cloud-shell", "imds", "service-fabric"]
"""All but Azure Arc: for that one the libraries read a folder that is the machine's."""


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    client = Client(
        APPLICATION,
        redirect_uris=(CALLBACK,),
        public=False,
        secrets=(SECRET,),
        certificates=(OWN.pem,),
        trusted_subjects=(SubjectNameIssuer("CN=shop.contoso.example", ROOT.pem),),
        federations=(Federation(DEFAULT_ISSUER, WORKLOAD), Federation(PIPELINES_ISSUER, PIPELINE)),
    )
    with Emulator([ADA], clients=[client], identities=[DEPLOY]) as emulator:
        yield emulator


def run(entra: Emulator, program: Sequence[str | Path], asked: object, environ: Mapping[str, str]) -> str:
    """Run a program in an environment that leads to the emulator; return what it prints."""
    kept = {name: value for name, value in os.environ.items() if not UNSET.match(name)}
    leads = {"AZURE_AUTHORITY_HOST": entra.authority, "REQUESTS_CA_BUNDLE": entra.ca_file, **environ}
    done = subprocess.run(
        program,
        input=json.dumps(asked),
        env={**kept, **leads},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Library:
    """Microsoft's azure-identity."""

    def __init__(self, entra: Emulator, python: Path) -> None:
        self._entra = entra
        self._program = (python, PROGRAMS / "azure_identity.py")

    def ask(
        self, name: str, arguments: Mapping[str, Any], environ: Mapping[str, str] | None = None, *, aio: bool = False
    ) -> str:
        """Return the token that a credential gives, or its error."""
        asked = {"name": name, "arguments": arguments, "scope": GRAPH, "aio": aio}
        return run(self._entra, self._program, asked, environ or {})


@pytest.fixture
def library(entra: Emulator, azure_identity: Path) -> Library:
    return Library(entra, azure_identity)


both_worlds = pytest.mark.parametrize("aio", [False, True], ids=["sync", "async"])

OF_THE_APPLICATION = {
    "tenant_id": DEFAULT_TENANT_ID,
    "client_id": APPLICATION,
    "disable_instance_discovery": True,
}


@pytest.fixture
def token_file(entra: Emulator, tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(entra.federated_token(WORKLOAD))
    return path


# --- azure-identity, applications


@both_worlds
def test_a_secret(library: Library, aio: bool) -> None:
    token = library.ask("ClientSecretCredential", {**OF_THE_APPLICATION, "client_secret": SECRET}, aio=aio)
    assert payload(token)["appid"] == APPLICATION
    assert payload(token)["appidacr"] == "1"


@both_worlds
def test_a_wrong_secret(library: Library, aio: bool) -> None:
    said = library.ask("ClientSecretCredential", {**OF_THE_APPLICATION, "client_secret": "wrong"}, aio=aio)
    assert said.startswith("ClientAuthenticationError")
    assert "AADSTS7000215" in said


@both_worlds
def test_a_certificate(library: Library, tmp_path: Path, aio: bool) -> None:
    path = tmp_path / "certificate.pem"
    path.write_text(OWN.key_pem + OWN.pem)
    token = library.ask("CertificateCredential", {**OF_THE_APPLICATION, "certificate_path": str(path)}, aio=aio)
    assert payload(token)["appidacr"] == "2"


def test_a_certificate_by_subject_name_and_issuer(library: Library) -> None:
    arguments = {"certificate_data": LEAF.key_pem + LEAF.pem, "send_certificate_chain": True}
    token = library.ask("CertificateCredential", {**OF_THE_APPLICATION, **arguments})
    assert payload(token)["appid"] == APPLICATION


@both_worlds
def test_an_assertion(library: Library, token_file: Path, aio: bool) -> None:
    arguments = {**OF_THE_APPLICATION, "func": f"file:{token_file}"}
    token = library.ask("ClientAssertionCredential", arguments, aio=aio)
    assert payload(token)["appid"] == APPLICATION


@both_worlds
def test_a_workload(library: Library, token_file: Path, aio: bool) -> None:
    environ = {
        "AZURE_TENANT_ID": DEFAULT_TENANT_ID,
        "AZURE_CLIENT_ID": APPLICATION,
        "AZURE_FEDERATED_TOKEN_FILE": str(token_file),
    }
    token = library.ask("WorkloadIdentityCredential", {"disable_instance_discovery": True}, environ, aio=aio)
    assert payload(token)["appid"] == APPLICATION


def test_a_pipeline(library: Library, entra: Emulator) -> None:
    """The async one would ask for its assertion through a sync pipeline, and so not by the async transport."""
    environ = entra.pipelines_environ(SERVICE_CONNECTION, PIPELINE)
    arguments = {
        **OF_THE_APPLICATION,
        "service_connection_id": SERVICE_CONNECTION,
        "system_access_token": environ["SYSTEM_ACCESSTOKEN"],
    }
    token = library.ask("AzurePipelinesCredential", arguments, environ)
    assert payload(token)["appid"] == APPLICATION


@both_worlds
@pytest.mark.parametrize(
    "proof", [{"client_secret": SECRET}, {"client_certificate": OWN.key_pem + OWN.pem}], ids=["secret", "certificate"]
)
def test_on_behalf_of(library: Library, entra: Emulator, aio: bool, proof: dict[str, str]) -> None:
    scope = f"api://{APPLICATION}/.default openid"
    assertion = Driver(entra).password(ADA.username, ADA.password, scope=scope).json()["access_token"]
    arguments = {**OF_THE_APPLICATION, **proof, "user_assertion": assertion}
    token = library.ask("OnBehalfOfCredential", arguments, aio=aio)
    assert (payload(token)["upn"], payload(token)["appid"]) == (ADA.username, APPLICATION)


@both_worlds
def test_an_authorization_code(library: Library, entra: Emulator, aio: bool) -> None:
    query = {"client_id": APPLICATION, "redirect_uri": CALLBACK, "code_challenge": "", "code_challenge_method": ""}
    code = Driver(entra, LOGIN).answer(ADA.username, ADA.password, **query)["code"]
    arguments = {
        "tenant_id": DEFAULT_TENANT_ID,
        "client_id": APPLICATION,
        "client_secret": SECRET,
        "redirect_uri": CALLBACK,
        "authorization_code": code,
    }
    token = library.ask("AuthorizationCodeCredential", arguments, aio=aio)
    assert payload(token)["upn"] == ADA.username


# --- azure-identity, managed identities


@both_worlds
@pytest.mark.parametrize("kind", KINDS)
def test_the_machines_own_identity(library: Library, entra: Emulator, kind: Any, aio: bool) -> None:
    environ = entra.managed_identity_environ(kind)
    claims = payload(library.ask("ManagedIdentityCredential", {}, environ, aio=aio))
    if kind == "cloud-shell":
        assert claims["upn"] == ADA.username
    else:
        assert claims["appid"] == SYSTEM_ASSIGNED.client_id
        assert claims["xms_mirid"] == SYSTEM_ASSIGNED.resource_id


@pytest.mark.parametrize(
    ("kind", "by"),
    [
        ("app-service", "client_id"),
        ("app-service", "object_id"),
        ("app-service", "resource_id"),
        ("azure-ml", "client_id"),
        ("imds", "client_id"),
        ("imds", "object_id"),
        ("imds", "resource_id"),
    ],
)
def test_a_user_assigned_identity(library: Library, entra: Emulator, kind: Any, by: str) -> None:
    environ = entra.managed_identity_environ(kind)
    arguments = {"identity_config": {by: getattr(DEPLOY, by)}}
    assert payload(library.ask("ManagedIdentityCredential", arguments, environ))["appid"] == DEPLOY.client_id


@pytest.mark.parametrize("kind", ["app-service", "azure-ml", "imds"])
def test_an_identity_that_is_not_there(library: Library, entra: Emulator, kind: Any) -> None:
    environ = entra.managed_identity_environ(kind)
    said = library.ask("ManagedIdentityCredential", {"client_id": ADA.object_id}, environ)
    assert said.startswith("CredentialUnavailableError")
    assert "Identity not found" in said


# --- MSAL, managed identities


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "cloud-shell"])
def test_msal_gets_the_machines_token(entra: Emulator, kind: Any) -> None:
    program: list[str | Path] = [sys.executable, PROGRAMS / "msal_managed_identity.py"]
    token = run(entra, program, None, entra.managed_identity_environ(kind))
    assert payload(token)["oid"] == SYSTEM_ASSIGNED.object_id


@pytest.mark.parametrize("kind", ["app-service", "azure-ml", "imds"])
def test_msal_gets_a_user_assigned_identitys_token(entra: Emulator, kind: Any) -> None:
    program: list[str | Path] = [
        sys.executable,
        PROGRAMS / "msal_managed_identity.py",
        "resource_id",
        DEPLOY.resource_id,
    ]
    token = run(entra, program, None, entra.managed_identity_environ(kind))
    assert payload(token)["appid"] == DEPLOY.client_id
