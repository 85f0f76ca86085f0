"""An application with every kind of proof, and its credentials."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from azid import (
    AzurePipelinesCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    WorkloadIdentityCredential,
)
from azid.clock import ManualClock
from azid.credentials.credential import Credential
from azid.emulator import Client, Emulator, Federation
from azid.emulator.federation import DEFAULT_ISSUER
from azid.emulator.pipelines import PIPELINES_ISSUER
from tests.conftest import ADA, BOB
from tests.support.certificates import Issued, issue

TENANT = ADA.tenant_id
APP = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
OTHER_APP = "0b9c3b1e-3c9a-4d3e-8a57-66b1a1a4a301"
SECRET = "canary~client~secret"
SUBJECT = "system:serviceaccount:default:app"
CONNECTION = "c0ffee00-1234-4321-8765-0123456789ab"
PIPELINE = "sc://contoso/project/connection"
LIFETIME = 550
"""Seconds of an access token's, less than those of an assertion that MSAL has signed, whatever a test's clock says."""
REDIRECT_URI = "http://localhost:5000/signed-in"

MakeApplication = Callable[..., Credential]


@functools.cache
def certificate() -> Issued:
    return issue("CN=app")


@functools.cache
def application() -> Client:
    return Client(
        APP,
        public=False,
        redirect_uris=(REDIRECT_URI,),
        secrets=(SECRET,),
        certificates=(certificate().pem,),
        federations=(Federation(DEFAULT_ISSUER, SUBJECT), Federation(PIPELINES_ISSUER, PIPELINE)),
    )


@pytest.fixture
def clock() -> ManualClock:
    """A clock that begins now: MSAL dates the assertions that it signs by the machine's."""
    return ManualClock(start=int(time.time()))


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    """An authority that knows the application."""
    return Emulator(
        users=[ADA, BOB], clients=[application(), Client(OTHER_APP)], clock=clock, access_token_lifetime=LIFETIME
    )


@pytest.fixture
def token_file(entra: Emulator, tmp_path: Path) -> Path:
    """What Kubernetes has put there."""
    path = tmp_path / "token"
    path.write_text(entra.federated_token(SUBJECT, lifetime=30 * 86_400))
    return path


@pytest.fixture
def environ(entra: Emulator, token_file: Path) -> dict[str, str]:
    """The variables of a pod in Kubernetes, and of a task in Azure Pipelines."""
    return {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": APP,
        "AZURE_FEDERATED_TOKEN_FILE": str(token_file),
        **entra.pipelines_environ(CONNECTION, PIPELINE),
    }


@pytest.fixture(params=["secret", "certificate", "assertion", "workload", "pipelines"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(kind: str, entra: Emulator, clock: ManualClock, environ: dict[str, str]) -> Iterator[MakeApplication]:
    """Makes credentials of the application, by one of its proofs; closes them at the end."""
    made: list[Credential] = []

    def make(**more: Any) -> Credential:
        options: dict[str, Any] = {"transport": entra.transport(), "clock": clock, **more}
        tenant_id = options.pop("tenant_id", TENANT)
        if kind == "secret":
            credential: Credential = ClientSecretCredential(tenant_id, APP, SECRET, **options)
        elif kind == "certificate":
            pem = (certificate().key_pem + certificate().pem).encode()
            credential = CertificateCredential(tenant_id, APP, certificate_data=pem, **options)
        elif kind == "assertion":
            credential = ClientAssertionCredential(tenant_id, APP, lambda: entra.federated_token(SUBJECT), **options)
        elif kind == "workload":
            credential = WorkloadIdentityCredential(tenant_id=tenant_id, environ=environ, **options)
        else:
            credential = AzurePipelinesCredential(
                tenant_id=tenant_id,
                client_id=APP,
                service_connection_id=CONNECTION,
                system_access_token=environ["SYSTEM_ACCESSTOKEN"],
                environ=environ,
                **options,
            )
        made.append(credential)
        return credential

    yield make
    for credential in made:
        credential.close()
