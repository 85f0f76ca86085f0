"""azure-core's bearer token policy, which every Azure SDK client is built on, at the emulator's protected resource."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from azid import AuthenticationRequiredError, InteractiveBrowserCredential
from azid.emulator import Emulator, Person
from tests.conftest import ADA
from tests.support.me import client_of_me, who_is_signed_in


@pytest.fixture
def entra() -> Emulator:
    """In this process, by the machine's clock: azure-core's policies know no other."""
    return Emulator(users=[ADA])


@pytest.fixture
def credential(entra: Emulator) -> Iterator[InteractiveBrowserCredential]:
    person = Person(ADA.username, ADA.password, entra=entra)
    with InteractiveBrowserCredential(transport=entra.transport(), open_browser=person.open, timeout=30) as credential:
        yield credential


def prompts(entra: Emulator) -> list[dict[str, str]]:
    """The parameters of the sign-ins that a browser was opened for."""
    return [request.query for request in entra.requests if request.endpoint == "authorize"]


def test_the_resource_knows_the_person(credential: InteractiveBrowserCredential, entra: Emulator) -> None:
    assert who_is_signed_in(entra, credential) == ADA.username


@pytest.mark.parametrize("policy", [BearerTokenCredentialPolicy, ARMChallengeAuthenticationPolicy])
@pytest.mark.parametrize("enable_cae", [False, True])
def test_a_claims_challenge_ends_in_one_prompt(
    credential: InteractiveBrowserCredential,
    entra: Emulator,
    enable_cae: bool,
    policy: type[BearerTokenCredentialPolicy[HttpRequest, HttpResponse]],
) -> None:
    request = HttpRequest("GET", entra.resource_url)
    with client_of_me(entra, credential, policy=policy, enable_cae=enable_cae) as client:
        assert client.send_request(request).status_code == 200
        claims = entra.challenge(ADA.username)
        entra.clear_log()
        response = client.send_request(request)
        assert response.status_code == 200
        [prompt] = prompts(entra)
        asked = json.loads(prompt["claims"])["access_token"]
        assert asked["acrs"] == json.loads(claims)["access_token"]["acrs"]
        assert ("xms_cc" in asked) is enable_cae
        assert prompt["login_hint"] == ADA.username
        entra.clear_log()
        assert client.send_request(request).status_code == 200
        assert [entry.endpoint for entry in entra.requests] == ["me"]


def test_a_challenge_that_the_credential_may_not_answer_comes_with_the_resources_reply(
    entra: Emulator,
) -> None:
    request = HttpRequest("GET", entra.resource_url)
    person = Person(ADA.username, ADA.password, entra=entra)
    with InteractiveBrowserCredential(
        disable_automatic_authentication=True, transport=entra.transport(), open_browser=person.open, timeout=30
    ) as credential:
        credential.authenticate(entra.resource_scope)
        claims = entra.challenge(ADA.username)
        with client_of_me(entra, credential) as client:
            with pytest.raises(AuthenticationRequiredError) as caught:
                client.send_request(request)
            assert caught.value.claims == claims
            assert isinstance(caught.value.__cause__, HttpResponseError)
            credential.authenticate(scopes=caught.value.scopes, claims=caught.value.claims)
            assert client.send_request(request).status_code == 200
