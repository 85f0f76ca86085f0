"""What each platform's endpoint is asked, and what its replies mean."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from azid import CredentialUnavailableError
from azid.clock import ManualClock
from tests.managed_identity.conftest import (
    APP_SERVICE,
    AZURE_ML,
    CLIENT_ID,
    CLOUD_SHELL,
    IMDS,
    OBJECT_ID,
    RESOURCE_ID,
    SCOPE,
    VAULT,
    Make,
    token_reply,
)
from tests.support.stub_transport import Reply, StubTransport, json_reply

PLATFORMS = {"App Service": APP_SERVICE, "Azure ML": AZURE_ML, "Cloud Shell": CLOUD_SHELL, "IMDS": IMDS}
REQUESTS: dict[str, dict[str, Any]] = {
    "App Service": {
        "method": "GET",
        "url": "http://127.0.0.1:41/msi/token?api-version=2019-08-01&resource=https://vault.azure.net",
        "headers": {"X-IDENTITY-HEADER": "the-header", "Metadata": "true"},
        "form": None,
    },
    "Azure ML": {
        "method": "GET",
        "url": "http://127.0.0.1:41/ml/token?api-version=2017-09-01&resource=https://vault.azure.net",
        "headers": {"secret": "the-secret"},
        "form": None,
    },
    "Cloud Shell": {
        "method": "POST",
        "url": "http://127.0.0.1:41/oauth2/token",
        "headers": {"Metadata": "true", "Content-Type": "application/x-www-form-urlencoded"},
        "form": {"resource": VAULT},
    },
    "IMDS": {
        "method": "GET",
        "url": "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
        "&resource=https://vault.azure.net",
        "headers": {"Metadata": "true"},
        "form": None,
    },
}
NAMES = {
    "App Service": {"client_id": "client_id", "object_id": "object_id", "resource_id": "mi_res_id"},
    "Azure ML": {"client_id": "clientid", "object_id": "object_id", "resource_id": "msi_res_id"},
    "IMDS": {"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"},
}
VALUES = {"client_id": CLIENT_ID, "object_id": OBJECT_ID, "resource_id": RESOURCE_ID}
SECRETS = {"the-header", "the-secret"}
ALL = pytest.mark.parametrize("platform", PLATFORMS)


@ALL
def test_what_is_asked(platform: str, make: Make, clock: ManualClock) -> None:
    transport = StubTransport(json_reply(token_reply(clock)))
    token = make(PLATFORMS[platform], transport).get_token(SCOPE)
    [request] = transport.requests
    asked = REQUESTS[platform]
    assert (request.method, request.url) == (asked["method"], asked["url"])
    assert request.content == asked["form"]
    own = {"x-ms-client-request-id", "User-Agent"}
    assert {name: value for name, value in request.headers.items() if name not in own} == asked["headers"]
    assert (token.token, token.expires_on) == ("token", int(clock.time()) + 86_400)


@pytest.mark.parametrize(("platform", "key"), [(platform, key) for platform in NAMES for key in VALUES])
def test_an_identity_is_named_as_the_platform_calls_it(platform: str, key: str, make: Make, clock: ManualClock) -> None:
    transport = StubTransport(json_reply(token_reply(clock)))
    make(PLATFORMS[platform], transport, identity_config={key: VALUES[key]}).get_token(SCOPE)
    query = parse_qs(urlsplit(transport.requests[0].url).query)
    assert query.pop(NAMES[platform][key]) == [VALUES[key]]
    assert query.keys() == {"api-version", "resource"}


@ALL
def test_a_token_is_kept_and_renewed_at_half_of_a_long_life(platform: str, make: Make, clock: ManualClock) -> None:
    transport = StubTransport(json_reply(token_reply(clock)))
    credential = make(PLATFORMS[platform], transport)
    info = credential.get_token_info(SCOPE)
    assert info.refresh_on == int(clock.time()) + 43_200
    credential.get_token(SCOPE)
    assert len(transport.requests) == 1


@ALL
def test_claims_are_answered_with_a_new_token(platform: str, make: Make, clock: ManualClock) -> None:
    transport = StubTransport(json_reply(token_reply(clock, "old")), json_reply(token_reply(clock, "new")))
    credential = make(PLATFORMS[platform], transport)
    assert credential.get_token(SCOPE).token == "old"
    assert credential.get_token(SCOPE, claims='{"access_token": {"nbf": {"value": "1"}}}').token == "new"


@ALL
def test_a_tenant_that_a_client_names_changes_nothing(platform: str, make: Make, clock: ManualClock) -> None:
    transport = StubTransport(json_reply(token_reply(clock)))
    credential = make(PLATFORMS[platform], transport)
    credential.get_token(SCOPE, tenant_id="3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10")
    assert transport.requests[0].url == REQUESTS[platform]["url"]


@ALL
def test_several_scopes_at_once_are_a_mistake(platform: str, make: Make) -> None:
    with pytest.raises(ValueError, match="one scope at a time"):
        make(PLATFORMS[platform], StubTransport(Reply(200))).get_token(SCOPE, "https://graph.microsoft.com/.default")


@pytest.mark.parametrize(
    ("platform", "reply", "told"),
    [
        (
            "App Service",
            json_reply({"statusCode": 500, "message": "An unexpected error occured."}, 500),
            "HTTP status 500, An unexpected error occured.",
        ),
        (
            "Azure ML",
            json_reply({"error": {"code": "UserError", "message": "No identity."}}, 400),
            "HTTP status 400, No identity.",
        ),
        (
            "Cloud Shell",
            json_reply({"error": {"code": "AudienceNotSupported", "message": "Not this one."}}, 400),
            "HTTP status 400, Not this one.",
        ),
        (
            "IMDS",
            json_reply({"error": "invalid_request", "error_description": "Identity not found"}, 400),
            "HTTP status 400, invalid_request: Identity not found",
        ),
        ("IMDS", json_reply({"access_token": ""}), "HTTP status 200"),
    ],
)
def test_a_refusal_says_what_to_check_and_lets_a_chain_go_on(
    platform: str, reply: Reply, told: str, make: Make
) -> None:
    with pytest.raises(CredentialUnavailableError) as caught:
        make(PLATFORMS[platform], StubTransport(reply), retry_total=0).get_token(SCOPE)
    assert told in caught.value.message
    assert "Check that an identity is assigned there" in caught.value.message


def test_a_refusal_names_the_identity_that_was_asked_for(make: Make) -> None:
    transport = StubTransport(json_reply({"statusCode": 400, "message": "No such identity."}, 400))
    with pytest.raises(CredentialUnavailableError, match=f"the identity whose client_id is {CLIENT_ID}"):
        make(APP_SERVICE, transport, client_id=CLIENT_ID).get_token(SCOPE)


@pytest.mark.parametrize("platform", ["App Service", "Azure ML", "Cloud Shell"])
def test_an_endpoint_that_is_named_but_not_there_ends_a_chain(platform: str, make: Make) -> None:
    transport = StubTransport(ServiceRequestError("Connection refused"))
    with pytest.raises(ClientAuthenticationError, match="cannot be reached: Connection refused") as caught:
        make(PLATFORMS[platform], transport, retry_total=0).get_token(SCOPE)
    assert not isinstance(caught.value, CredentialUnavailableError)


@ALL
@pytest.mark.parametrize("expires_on", ["never", None, [], 10**30, -5])
def test_a_lifetime_that_makes_no_sense_is_refused(platform: str, expires_on: Any, make: Make) -> None:
    reply = {"access_token": "canary-token", "expires_on": expires_on, "expires_in": "?"}
    with pytest.raises(ClientAuthenticationError) as caught:
        make(PLATFORMS[platform], StubTransport(json_reply(reply))).get_token(SCOPE)
    assert "canary-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1/2/2026 03:04:05 AM +00:00", 1_767_323_045),
        ("01/02/2026 15:04:05 +00:00", 1_767_366_245),
        ("1767366245", 1_767_366_245),
        (1_767_366_245, 1_767_366_245),
    ],
)
def test_azure_ml_writes_dates(written: object, seconds: int, make: Make, clock: ManualClock) -> None:
    transport = StubTransport(json_reply({"access_token": "token", "expires_on": written, "resource": VAULT}))
    assert make(AZURE_ML, transport).get_token(SCOPE).expires_on == seconds


@ALL
def test_no_secret_is_logged_or_told(
    platform: str, make: Make, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = [*(SECRETS & {*PLATFORMS[platform].values()}), "canary-token"]
    replies = [json_reply({"message": " ".join(secrets[:-1]), "error": "refused"}, 400)]
    replies.append(json_reply(token_reply(clock, "canary-token")))
    credential = make(PLATFORMS[platform], StubTransport(*replies), logging_enable=True, retry_total=0)
    with pytest.raises(CredentialUnavailableError) as caught:
        credential.get_token(SCOPE)
    credential.get_token(SCOPE)
    readable = f"{caplog.text} {caught.value} {caught.value!r} {credential!r}"
    assert "REDACTED" in readable, "it was listened to"
    assert not [secret for secret in secrets if secret in readable]
