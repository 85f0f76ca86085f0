from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from azid.doctor import Finding, Verdict
from azid.doctor.network import check_network
from azid.emulator import Emulator, Fault


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    with Emulator() as entra:
        yield entra


def about(found: list[Finding], subject: str) -> Finding:
    [finding] = [finding for finding in found if finding.subject == subject]
    return finding


def test_an_authority_that_answers_is_fine(entra: Emulator) -> None:
    found = [*check_network(entra.authority, environ={}, connection_verify=entra.ca_file)]
    assert about(found, "authority").verdict is Verdict.OK
    assert about(found, "clock").verdict is Verdict.OK


@pytest.mark.parametrize(
    ("skew", "verdict", "told"),
    [(-3600, Verdict.PROBLEM, "s behind"), (3600, Verdict.PROBLEM, "s ahead"), (150, Verdict.WARNING, "s ahead")],
)
def test_a_clock_that_is_wrong_is_told(entra: Emulator, skew: int, verdict: Verdict, told: str) -> None:
    found = [
        *check_network(entra.authority, environ={}, now=lambda: time.time() + skew, connection_verify=entra.ca_file)
    ]
    finding = about(found, "clock")
    assert finding.verdict is verdict
    assert told in finding.found


def test_a_certificate_that_is_not_trusted_is_explained(entra: Emulator) -> None:
    finding = about([*check_network(entra.authority, environ={})], "authority")
    assert finding.verdict is Verdict.PROBLEM
    assert "is not trusted" in finding.found
    assert "REQUESTS_CA_BUNDLE" in finding.found
    assert "REQUESTS_CA_BUNDLE" in finding.remedy


def test_an_authority_that_answers_with_an_error_is_told(entra: Emulator) -> None:
    entra.inject(Fault(endpoint="openid_configuration", status=503))
    finding = about([*check_network(entra.authority, environ={}, connection_verify=entra.ca_file)], "authority")
    assert finding.verdict is Verdict.WARNING
    assert "answered with 503" in finding.found
    assert finding.remedy


def test_an_authority_that_is_not_there_is_a_problem() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    finding = about([*check_network(f"https://127.0.0.1:{port}", environ={})], "authority")
    assert finding.verdict is Verdict.PROBLEM
    assert "cannot be reached" in finding.found


def test_a_file_of_certificates_that_is_missing_is_told(entra: Emulator, tmp_path: Path) -> None:
    missing = str(tmp_path / "ca.pem")
    environ = {"REQUESTS_CA_BUNDLE": missing}
    found = [*check_network(entra.authority, environ=environ, connection_verify=entra.ca_file)]
    assert about(found, "certificates").verdict is Verdict.PROBLEM
    assert missing in about(found, "certificates").found


def test_the_proxy_is_told_without_its_password(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:secret@127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    found = [*check_network("https://login.microsoftonline.com", environ={})]
    assert about(found, "proxy").found == "Requests go through http://127.0.0.1:1."
    assert about(found, "authority").verdict is Verdict.PROBLEM
    assert "secret" not in str(found)
