"""The protected resource, and claims challenges from the first answer to the satisfying token."""

from __future__ import annotations

import base64
import re

import requests

from azid.clock import ManualClock
from azid.emulator import Fault
from tests.conftest import ADA
from tests.emulator.driver import Driver, Form, refusal


def me(driver: Driver, token: str) -> requests.Response:
    return driver.browser.get(driver.entra.resource_url, headers={"Authorization": f"Bearer {token}"})


def test_me(driver: Driver) -> None:
    token = driver.password(ADA.username, ADA.password).json()["access_token"]
    reply = me(driver, token)
    assert reply.json()["userPrincipalName"] == ADA.username
    assert reply.json()["id"] == ADA.object_id


def test_a_bad_token_is_refused(driver: Driver, clock: ManualClock) -> None:
    assert "WWW-Authenticate" in driver.browser.get(driver.entra.resource_url).headers
    token = driver.password(ADA.username, ADA.password).json()["access_token"]
    head, body, signature = token.split(".")
    other = driver.password(ADA.username, ADA.password, scope="https://vault.azure.net/.default openid").json()
    for bad in ("nonsense", f"{head}.{body}.{signature[:-4]}AAAA", other["access_token"]):
        reply = me(driver, bad)
        assert reply.status_code == 401
        assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]
    clock.advance(3600)
    assert me(driver, token).status_code == 401


def challenge_of(reply: requests.Response) -> str:
    assert reply.status_code == 401
    assert 'error="insufficient_claims"' in reply.headers["WWW-Authenticate"]
    (encoded,) = re.findall(r'claims="([^"]+)"', reply.headers["WWW-Authenticate"])
    return base64.b64decode(encoded).decode()


def test_a_challenge_that_needs_a_person(driver: Driver) -> None:
    tokens = driver.password(ADA.username, ADA.password).json()
    claims = driver.entra.challenge(ADA.username)
    assert challenge_of(me(driver, tokens["access_token"])) == claims
    refused = driver.refresh(tokens["refresh_token"], claims=claims)
    assert refusal(refused) == ("interaction_required", 50076)
    assert refused.json()["claims"] == claims
    assert driver.refresh(tokens["refresh_token"]).status_code == 200

    page = driver.authorize(claims=claims, login_hint=ADA.username)
    page = driver.act(page, "password", password=ADA.password)
    answer = Form(driver.act(page, "approve").text).fields
    better = driver.redeem(answer["code"], claims=claims).json()
    assert me(driver, better["access_token"]).status_code == 200
    # The sign-in behind the new refresh token satisfied the claims already.
    assert driver.refresh(better["refresh_token"], claims=claims).status_code == 200


def test_a_challenge_that_a_refresh_satisfies(driver: Driver, clock: ManualClock) -> None:
    tokens = driver.password(ADA.username, ADA.password).json()
    clock.advance(60)
    newer = {"access_token": {"nbf": {"essential": True, "value": str(int(clock.time()))}}}
    claims = driver.entra.challenge(ADA.username, newer, needs_person=False)
    assert challenge_of(me(driver, tokens["access_token"])) == claims
    fresh = driver.refresh(tokens["refresh_token"], claims=claims).json()
    assert me(driver, fresh["access_token"]).status_code == 200


def test_the_resource_can_fail_like_any_endpoint(driver: Driver) -> None:
    driver.entra.inject(Fault(endpoint="me", status=503))
    assert me(driver, "any").status_code == 503
