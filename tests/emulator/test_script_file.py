"""The file of scripted behaviour: refusals and faults, in order, and errors that name the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from azid.clock import ManualClock
from azid.emulator import Emulator
from azid.emulator.json_file import FileError
from azid.emulator.script_file import apply_script, read_script
from tests.conftest import ADA, BOB
from tests.emulator.driver import Driver, refusal

PEOPLE = [ADA.username, BOB.username]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trouble.json"


def follow(file: Path, entra: Emulator, **document: Any) -> None:
    file.write_text(json.dumps(document), encoding="utf-8")
    apply_script(read_script(file, PEOPLE), entra, PEOPLE)


def test_a_refusal_is_one_persons_or_everybodys(file: Path, entra: Emulator, driver: Driver) -> None:
    follow(file, entra, refusals=[{"user": "ada@contoso.example", "code": 50057, "times": 1}, {"code": 53003}])
    assert refusal(driver.password(ADA.username, ADA.password)) == ("invalid_grant", 50057)
    assert refusal(driver.password(ADA.username, ADA.password)) == ("invalid_grant", 53003)
    assert refusal(driver.password(BOB.username, BOB.password)) == ("invalid_grant", 53003)


def test_a_refusal_asks_for_claims(file: Path, entra: Emulator, driver: Driver) -> None:
    claims = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    follow(file, entra, refusals=[{"code": 50076, "claims": claims, "endpoint": "token", "grant": "password"}])
    assert json.loads(driver.password(ADA.username, ADA.password).json()["claims"]) == claims


def test_faults_come_in_order(file: Path, entra: Emulator, driver: Driver, clock: ManualClock) -> None:
    follow(
        file,
        entra,
        faults=[
            {"status": 429, "retry_after": 3},
            {"status": 503, "times": 2},
            {"endpoint": "devicecode", "cut": "before"},
            {"cut": "before"},
            {"delay": 2.5, "body": "<html>", "content_type": "text/html"},
            {"remove": ["refresh_token"], "merge": {"expires_in": 60}, "headers": {"x-tried": "yes"}},
        ],
    )
    limited = driver.password(ADA.username, ADA.password)
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "3")
    assert [driver.password(ADA.username, ADA.password).status_code for _ in range(2)] == [503, 503]
    with pytest.raises(requests.ConnectionError):
        driver.password(ADA.username, ADA.password)
    assert driver.password(ADA.username, ADA.password).text == "<html>"
    assert 2.5 in clock.waits
    changed = driver.password(ADA.username, ADA.password)
    assert changed.headers["x-tried"] == "yes"
    assert changed.json()["expires_in"] == 60
    assert "refresh_token" not in changed.json()
    assert "refresh_token" in driver.password(ADA.username, ADA.password).json()
    with pytest.raises(requests.ConnectionError):
        driver.device_code()


@pytest.mark.parametrize("endpoint", ["imds", "app-service", "pipelines", "federated-token"])
def test_a_fault_meets_endpoints_of_machines_too(file: Path, entra: Emulator, endpoint: str) -> None:
    follow(file, entra, faults=[{"endpoint": endpoint, "status": 410}])
    environ = {**entra.managed_identity_environ("app-service"), **entra.pipelines_environ("1", "a")}
    method, url = {
        "imds": ("GET", "http://169.254.169.254/metadata/identity/oauth2/token"),
        "app-service": ("GET", environ["IDENTITY_ENDPOINT"]),
        "pipelines": ("POST", environ["SYSTEM_OIDCREQUESTURI"]),
        "federated-token": ("POST", "http://localhost/federated-token"),
    }[endpoint]
    assert entra.session().request(method, url).status_code == 410


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"fault": []}, "fault is not a field that is known here"),
        ({"faults": [{}]}, "faults[0]: says which requests it meets, but not what goes wrong"),
        ({"faults": [{"endpoint": "tokens", "status": 500}]}, "faults[0].endpoint: must be 'authorize', 'token', "),
        ({"faults": [{"status": 99}]}, "faults[0].status: must be greater than or equal to 200"),
        ({"faults": [{"status": 500, "times": 0}]}, "faults[0].times: must be greater than 0"),
        ({"faults": [{"cut": "off"}]}, "faults[0].cut: must be 'before' or 'within'"),
        ({"faults": [{"delay": float("inf")}]}, "faults[0].delay: must be a finite number"),
        ({"faults": [{"delay": 1e9}]}, "faults[0].delay: must be less than or equal to 3600"),
        ({"faults": [{"headers": {"a b": "x"}}]}, "faults[0].headers.a b.[key]: is no name of a header"),
        ({"faults": [{"headers": {"x-a": "1\r\nx-b: 2"}}]}, "faults[0].headers.x-a: cannot be in a header"),
        ({"faults": [{"content_type": "\u20ac"}]}, "faults[0].content_type: cannot be in a header"),
        (
            {"refusals": [{"code": 12}]},
            "refusals[0]: AADSTS12 is not in the catalogue: give its OAuth error with error=",
        ),
        ({"refusals": [{"code": 50076, "user": "eve@contoso.example"}]}, "refusals[0].user: there is no such person"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    file: Path, entra: Emulator, document: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(FileError) as caught:
        follow(file, entra, **document)
    assert f"{file}: {complaint}" in str(caught.value)
