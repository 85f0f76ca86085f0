"""The in-process transport, under azure-core's own pipeline."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest

from azid.clock import ManualClock
from azid.emulator import Emulator, Fault

KEYS = "https://login.microsoftonline.com/common/discovery/v2.0/keys"


def test_every_host_is_served(entra: Emulator) -> None:
    with PipelineClient[Any, Any]("", transport=entra.transport()) as client:
        for host in ("login.microsoftonline.com", "login.microsoftonline.us", "anything.example:8443"):
            assert (
                client.send_request(HttpRequest("GET", f"https://{host}/common/discovery/v2.0/keys")).status_code == 200
            )
    assert [entry.host for entry in entra.requests][-1] == "anything.example:8443"


def test_a_retry_waits_on_the_clock(entra: Emulator, clock: ManualClock) -> None:
    entra.inject(Fault(endpoint="keys", status=429, retry_after=30))
    with PipelineClient[Any, Any]("", transport=entra.transport(), policies=[RetryPolicy()]) as client:
        assert client.send_request(HttpRequest("GET", KEYS)).status_code == 200
    assert clock.waits == [30]


def test_a_retry_takes_no_time_on_the_systems_clock() -> None:
    entra = Emulator()
    entra.inject(Fault(endpoint="keys", status=503, retry_after=3600))
    with PipelineClient[Any, Any]("", transport=entra.transport(), policies=[RetryPolicy()]) as client:
        assert client.send_request(HttpRequest("GET", KEYS)).status_code == 200


def test_a_cut_connection_is_azure_cores_own_error(entra: Emulator) -> None:
    entra.inject(Fault(endpoint="keys", cut="before"))
    with (
        PipelineClient[Any, Any]("", transport=entra.transport(), policies=[]) as client,
        pytest.raises(ServiceResponseError),
    ):
        client.send_request(HttpRequest("GET", KEYS))
