"""azure-core's async bearer token policy, under asyncio with aiohttp and under trio with requests in threads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import anyio
import pytest
from azure.core import AsyncPipelineClient
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport, TrioRequestsTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from azid import AuthenticationRequiredError
from azid.aio import InteractiveBrowserCredential
from azid.emulator import Emulator, Person
from tests.conftest import ADA

pytestmark = pytest.mark.anyio

Client: TypeAlias = AsyncPipelineClient[HttpRequest, AsyncHttpResponse]
Policy: TypeAlias = AsyncBearerTokenCredentialPolicy[HttpRequest, AsyncHttpResponse]

TRANSPORTS: dict[str, Callable[..., AsyncHttpTransport[Any, Any]]] = {
    "asyncio": AioHttpTransport,
    "trio": TrioRequestsTransport,
}


@pytest.fixture
def entra() -> Iterator[Emulator]:
    """It listens, since aiohttp needs a socket, and goes by the machine's clock, as azure-core's policies do."""
    with Emulator(users=[ADA]) as entra:
        yield entra


@pytest.fixture
def options(entra: Emulator) -> dict[str, Any]:
    return {
        "authority": entra.authority,
        "disable_instance_discovery": True,
        "connection_verify": entra.ca_file,
        "open_browser": Person(ADA.username, ADA.password).open,
        "timeout": 30,
    }


@pytest.fixture
async def credential(options: dict[str, Any]) -> AsyncIterator[InteractiveBrowserCredential]:
    async with InteractiveBrowserCredential(**options) as credential:
        yield credential


@pytest.fixture
def client_of_me(anyio_backend_name: str, entra: Emulator) -> Callable[..., Client]:
    """Makes clients that send their requests with what suits the event loop: `client_of_me(credential, policy=…)`."""

    def client_of_me(
        credential: AsyncTokenCredential,
        *,
        policy: type[Policy] = AsyncBearerTokenCredentialPolicy,
        enable_cae: bool = False,
    ) -> Client:
        authentication = policy(credential, entra.resource_scope, enable_cae=enable_cae)
        transport = TRANSPORTS[anyio_backend_name](connection_verify=entra.ca_file)
        return AsyncPipelineClient(entra.resource_url, policies=[authentication], transport=transport)

    return client_of_me


def prompts(entra: Emulator) -> list[dict[str, str]]:
    """The parameters of the sign-ins that a browser was opened for."""
    return [request.query for request in entra.requests if request.endpoint == "authorize"]


async def test_clients_that_begin_at_once_share_one_sign_in(
    credential: InteractiveBrowserCredential, client_of_me: Callable[..., Client], entra: Emulator
) -> None:
    names: list[str] = []

    async def ask() -> None:
        async with client_of_me(credential) as client:
            response = await client.send_request(HttpRequest("GET", entra.resource_url))
            response.raise_for_status()
            names.append(response.json()["userPrincipalName"])

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
    assert names == [ADA.username] * 5
    assert len(prompts(entra)) == 1
    assert len(entra.token_requests()) == 1


@pytest.mark.parametrize("policy", [AsyncBearerTokenCredentialPolicy, AsyncARMChallengeAuthenticationPolicy])
@pytest.mark.parametrize("enable_cae", [False, True])
async def test_a_claims_challenge_ends_in_one_prompt(
    credential: InteractiveBrowserCredential,
    client_of_me: Callable[..., Client],
    entra: Emulator,
    enable_cae: bool,
    policy: type[Policy],
) -> None:
    request = HttpRequest("GET", entra.resource_url)
    async with client_of_me(credential, policy=policy, enable_cae=enable_cae) as client:
        assert (await client.send_request(request)).status_code == 200
        claims = entra.challenge(ADA.username)
        entra.clear_log()
        assert (await client.send_request(request)).status_code == 200
        [prompt] = prompts(entra)
        asked = json.loads(prompt["claims"])["access_token"]
        assert asked["acrs"] == json.loads(claims)["access_token"]["acrs"]
        assert ("xms_cc" in asked) is enable_cae
        assert prompt["login_hint"] == ADA.username
        entra.clear_log()
        assert (await client.send_request(request)).status_code == 200
        assert [entry.endpoint for entry in entra.requests] == ["me"]


async def test_a_challenge_that_the_credential_may_not_answer_comes_with_the_resources_reply(
    options: dict[str, Any], client_of_me: Callable[..., Client], entra: Emulator
) -> None:
    request = HttpRequest("GET", entra.resource_url)
    async with InteractiveBrowserCredential(disable_automatic_authentication=True, **options) as credential:
        await credential.authenticate(entra.resource_scope)
        claims = entra.challenge(ADA.username)
        async with client_of_me(credential) as client:
            with pytest.raises(AuthenticationRequiredError) as caught:
                await client.send_request(request)
            assert caught.value.claims == claims
            assert isinstance(caught.value.__cause__, HttpResponseError)
            await credential.authenticate(scopes=caught.value.scopes, claims=caught.value.claims)
            assert (await client.send_request(request)).status_code == 200
