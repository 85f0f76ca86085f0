"""What the endpoint of each kind of machine refuses, and how."""

from __future__ import annotations

import pytest
import requests

from tests.conftest import ADA
from tests.emulator.managed_identity.program import (
    DEPLOY,
    KINDS,
    VAULT,
    VERSIONS,
    Program,
    kinds,
)


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
