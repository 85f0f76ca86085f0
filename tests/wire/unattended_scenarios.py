"""What both libraries are made to do without a person."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.wire.recording_authority import HOME_TENANT
from tests.wire.scenarios import AN_HOUR, CLAIMS, CLIENT_ID, GRAPH, OTHER_TENANT, Program

__all__ = ["UNATTENDED_SCENARIOS"]

VAULT: Final = "https://vault.azure.net/.default"
SECRET: Final = "client secret"
OBJECT_ID: Final = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
RESOURCE_ID: Final = "/subscriptions/1/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me"

APP_SERVICE: Final = {"IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi/token", "IDENTITY_HEADER": "header"}
AZURE_ML: Final = {"MSI_ENDPOINT": "http://127.0.0.1:41/ml/token", "MSI_SECRET": "secret"}
CLOUD_SHELL: Final = {"MSI_ENDPOINT": "http://127.0.0.1:41/oauth2/token"}


@functools.cache
def pem() -> bytes:
    """An application's certificate with its key: each library's process has another."""
    key, name = rsa.generate_private_key(65537, 2048), x509.Name.from_rfc4514_string("CN=app")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=timezone.utc))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=timezone.utc))
        .sign(key, SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)


class Another:
    """A credential that follows in a chain."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken("another", 1 << 33)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set variables of the process's for a while: one of the libraries looks nowhere else."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def application(program: Program, credential: Any) -> None:
    """What an application does, whatever it proves itself with."""
    program.call("get_token", credential.get_token, VAULT)
    program.call("cached", credential.get_token, VAULT)
    program.call("other scope", credential.get_token, GRAPH)
    program.call("other tenant", credential.get_token, GRAPH, tenant_id=OTHER_TENANT)
    program.call("claims", credential.get_token, GRAPH, claims=CLAIMS)
    program.call("cae", credential.get_token, GRAPH, enable_cae=True)
    program.call("cae and claims", credential.get_token, GRAPH, enable_cae=True, claims=CLAIMS)
    program.advance(AN_HOUR)
    program.call("expired", credential.get_token_info, VAULT)


def client_secret(program: Program) -> None:
    application(
        program,
        program.unattended(
            "ClientSecretCredential", HOME_TENANT, CLIENT_ID, SECRET, additionally_allowed_tenants=["*"]
        ),
    )


def client_secret_in_a_named_tenant(program: Program) -> None:
    credential = program.unattended("ClientSecretCredential", "contoso.example", CLIENT_ID, SECRET)
    program.call("get_token", credential.get_token, VAULT)


def client_secret_in_a_region(program: Program) -> None:
    with environment(AZURE_REGIONAL_AUTHORITY_NAME="westus2"):
        credential = program.unattended("ClientSecretCredential", HOME_TENANT, CLIENT_ID, SECRET)
        program.call("get_token", credential.get_token, VAULT)


def client_secret_in_a_region_to_be_found_out(program: Program) -> None:
    with environment(AZURE_REGIONAL_AUTHORITY_NAME="tryautodetect"):
        credential = program.unattended("ClientSecretCredential", HOME_TENANT, CLIENT_ID, SECRET)
        program.call("get_token", credential.get_token, VAULT)


def client_secret_at_adfs(program: Program) -> None:
    credential = program.unattended(
        "ClientSecretCredential",
        "adfs",
        CLIENT_ID,
        SECRET,
        authority="adfs.contoso.example",
        disable_instance_discovery=True,
    )
    program.call("get_token", credential.get_token, VAULT)


def certificate(program: Program) -> None:
    credential = program.unattended("CertificateCredential", HOME_TENANT, CLIENT_ID, certificate_data=pem())
    program.call("get_token", credential.get_token, VAULT)
    program.call("cae", credential.get_token, VAULT, enable_cae=True)


def certificate_with_its_chain(program: Program) -> None:
    credential = program.unattended(
        "CertificateCredential",
        HOME_TENANT,
        CLIENT_ID,
        certificate_data=pem(),
        send_certificate_chain=True,
    )
    program.call("get_token", credential.get_token, VAULT)


def client_assertion(program: Program) -> None:
    application(
        program,
        program.unattended(
            "ClientAssertionCredential",
            HOME_TENANT,
            CLIENT_ID,
            lambda: "assertion",
            additionally_allowed_tenants=["*"],
        ),
    )


def workload_identity(program: Program) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "token")
        file.write_text("service-account-token")
        variables = {
            "AZURE_TENANT_ID": HOME_TENANT,
            "AZURE_CLIENT_ID": CLIENT_ID,
            "AZURE_FEDERATED_TOKEN_FILE": str(file),
            "AZURE_AUTHORITY_HOST": "login.microsoftonline.us",
        }
        with environment(**variables):
            credential = program.unattended("WorkloadIdentityCredential")
            program.call("get_token", credential.get_token, VAULT)
            managed = program.unattended("ManagedIdentityCredential")
            program.call("as a managed identity", managed.get_token, VAULT)


def azure_pipelines(program: Program) -> None:
    with environment(SYSTEM_OIDCREQUESTURI="https://dev.azure.example/oidctoken"):
        credential = program.unattended(
            "AzurePipelinesCredential",
            tenant_id=HOME_TENANT,
            client_id=CLIENT_ID,
            service_connection_id=OBJECT_ID,
            system_access_token="system-access-token",
        )
        program.call("get_token", credential.get_token, VAULT)


def on_behalf_of(program: Program) -> None:
    credential = program.unattended(
        "OnBehalfOfCredential", HOME_TENANT, CLIENT_ID, client_secret=SECRET, user_assertion="user-assertion"
    )
    program.call("get_token", credential.get_token, GRAPH)
    program.call("cached", credential.get_token, GRAPH)
    program.call("other scope", credential.get_token, VAULT)
    program.call("claims", credential.get_token, GRAPH, claims=CLAIMS)
    program.advance(AN_HOUR)
    program.call("expired", credential.get_token, GRAPH)


def authorization_code(program: Program) -> None:
    credential = program.unattended(
        "AuthorizationCodeCredential",
        HOME_TENANT,
        CLIENT_ID,
        "authorization-code",
        "https://contoso.example/signed-in",
        client_secret=SECRET,
    )
    program.call("get_token", credential.get_token, GRAPH)
    program.call("cached", credential.get_token, GRAPH)
    program.advance(AN_HOUR)
    program.call("expired", credential.get_token, GRAPH)


def machine(program: Program, variables: dict[str, str], *identities: dict[str, Any]) -> None:
    """What a program does on a kind of machine, as each of its identities."""
    with environment(**variables):
        for number, identity in enumerate(({}, *identities)):
            credential = program.unattended("ManagedIdentityCredential", **identity)
            program.call(f"get_token {number}", credential.get_token, VAULT)
            program.call(f"cached {number}", credential.get_token, VAULT)
            program.advance(AN_HOUR)
            program.call(f"expired {number}", credential.get_token_info, VAULT)


IDENTITIES: Final[tuple[dict[str, Any], ...]] = (
    {"client_id": CLIENT_ID},
    {"identity_config": {"object_id": OBJECT_ID}},
    {"identity_config": {"resource_id": RESOURCE_ID}},
)


def app_service(program: Program) -> None:
    machine(program, APP_SERVICE, *IDENTITIES)


def azure_ml(program: Program) -> None:
    machine(program, AZURE_ML, *IDENTITIES)


def cloud_shell(program: Program) -> None:
    machine(program, CLOUD_SHELL)


def virtual_machine(program: Program) -> None:
    machine(program, {}, *IDENTITIES)


def virtual_machine_in_a_chain(program: Program) -> None:
    chain = program.chain(program.unattended("ManagedIdentityCredential"), Another())
    program.call("get_token", chain.get_token, VAULT)
    program.call("other scope", chain.get_token, GRAPH)


def pod_identity(program: Program) -> None:
    machine(program, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:41"}, IDENTITIES[0])


UNATTENDED_SCENARIOS: Final[dict[str, Callable[[Program], None]]] = {
    scenario.__name__.replace("_", " "): scenario
    for scenario in (
        client_secret,
        client_secret_in_a_named_tenant,
        client_secret_in_a_region,
        client_secret_in_a_region_to_be_found_out,
        client_secret_at_adfs,
        certificate,
        certificate_with_its_chain,
        client_assertion,
        workload_identity,
        azure_pipelines,
        on_behalf_of,
        authorization_code,
        app_service,
        azure_ml,
        cloud_shell,
        virtual_machine,
        virtual_machine_in_a_chain,
        pod_identity,
    )
}
