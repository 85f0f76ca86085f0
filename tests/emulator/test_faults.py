"""Faults, in process: each as its client would meet it on a real network."""

from __future__ import annotations

import json
import threading

import pytest
import requests

from azid.clock import ManualClock
from azid.emulator import Fault
from tests.conftest import ADA, in_threads
from tests.emulator.driver import LOGIN, Driver, payload


def test_a_fault_meets_as_many_requests_as_it_says(driver: Driver) -> None:
    driver.entra.inject(Fault(status=429, retry_after=7, times=2))
    replies = [driver.password(ADA.username, ADA.password) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 200]
    assert replies[0].headers["Retry-After"] == "7"
    assert [entry.status for entry in driver.entra.token_requests()] == [429, 429, 200]


def test_a_fault_meets_its_endpoint_and_grant_only(driver: Driver) -> None:
    driver.entra.inject(Fault(grant="refresh_token", status=503))
    driver.entra.inject(Fault(endpoint="openid_configuration", status=500))
    token = driver.password(ADA.username, ADA.password).json()["refresh_token"]
    assert driver.refresh(token).status_code == 503
    assert driver.browser.get(f"{LOGIN}/common/v2.0/.well-known/openid-configuration").status_code == 500


def test_a_cut_connection(driver: Driver) -> None:
    driver.entra.inject(Fault(cut="before"))
    with pytest.raises(requests.ConnectionError):
        driver.password(ADA.username, ADA.password)
    driver.entra.inject(Fault(cut="within"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        driver.password(ADA.username, ADA.password)
    assert [entry.status for entry in driver.entra.token_requests()] == [0, 200]


def test_a_delay_moves_the_clock_and_can_outlast_the_client(driver: Driver, clock: ManualClock) -> None:
    driver.entra.inject(Fault(endpoint="keys", delay=3, times=2))
    keys = f"{LOGIN}/common/discovery/v2.0/keys"
    assert driver.browser.get(keys, timeout=5).status_code == 200
    with pytest.raises(requests.ReadTimeout):
        driver.browser.get(keys, timeout=(5, 2))
    assert clock.waits == [3, 2]


def test_a_reply_is_changed(driver: Driver) -> None:
    fault = Fault(
        merge={"expires_in": "3600"},
        remove=("client_info",),
        mutate=lambda reply: {**reply, "token_type": 7},
        id_token={"aud": "another", "name": None},
    )
    driver.entra.inject(fault)
    body = driver.password(ADA.username, ADA.password).json()
    assert (body["expires_in"], body["token_type"]) == ("3600", 7)
    assert "client_info" not in body
    identity = payload(body["id_token"])
    assert identity["aud"] == "another"
    assert "name" not in identity
    assert json.dumps(fault.merge) not in repr(fault)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"access_token": ', b"[1]", b"x" * 10_000_000])
def test_a_reply_is_replaced(driver: Driver, body: bytes) -> None:
    driver.entra.inject(Fault(body=body, content_type="text/plain"))
    reply = driver.password(ADA.username, ADA.password)
    assert reply.content == body
    assert reply.headers["Content-Type"] == "text/plain"


def test_requests_can_be_held_until_they_overlap(driver: Driver) -> None:
    together = threading.Event()
    arrived = threading.Barrier(3, action=together.set)
    driver.entra.inject(Fault(hold=together, times=None))

    def ask() -> int:
        arrived.wait(10)
        return driver.password(ADA.username, ADA.password).status_code

    assert in_threads(3, ask) == [200, 200, 200]


def test_the_log_shows_no_secret(driver: Driver) -> None:
    answer = driver.answer(ADA.username, ADA.password)
    token = driver.redeem(answer["code"]).json()["refresh_token"]
    driver.refresh(token)
    shown = repr(driver.entra.requests) + repr(driver.entra) + repr(ADA)
    for secret in (ADA.password, answer["code"], token, "the-state", "the-nonce"):
        assert secret not in shown
    (redeemed,) = driver.entra.token_requests("authorization_code")
    assert redeemed.form["code"] == answer["code"]  # there for tests, as an attribute
