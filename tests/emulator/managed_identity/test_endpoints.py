"""The endpoints in the log, under faults and over sockets."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from azid.emulator import Emulator, Fault
from tests.conftest import ADA
from tests.emulator.managed_identity.program import (
    DEPLOY,
    KINDS,
    Program,
    kinds,
)


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
