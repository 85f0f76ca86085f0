"""Every kind of machine that the emulator plays, over sockets: azid, its async twin, and a protected resource."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import anyio
import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import CredentialUnavailableError, ManagedIdentityCredential
from azid.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from azid.clock import ManualClock
from azid.emulator import Emulator, ManagedIdentity
from azid.managed_identity.azure_arc import AzureArcEndpoint
from azid.tokens.request import TokenRequest
from tests.conftest import ADA, VAULT
from tests.emulator.driver import payload
from tests.managed_identity.conftest import CLIENT_ID, OBJECT_ID, RESOURCE_ID

if TYPE_CHECKING:
    from tests.support.tunnel import Tunnel

pytest_plugins = ["tests.support.tunnel"]

KINDS: tuple[Literal["app-service", "azure-ml", "cloud-shell", "imds", "service-fabric"], ...] = (
    *("app-service", "azure-ml", "cloud-shell", "imds"),
    "service-fabric",
)
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1"}}}'


@pytest.fixture
def entra(clock: ManualClock) -> Iterator[Emulator]:
    identity = ManagedIdentity(CLIENT_ID, object_id=OBJECT_ID, resource_id=RESOURCE_ID)
    with Emulator([ADA], identities=[identity], clock=clock) as entra:
        yield entra


@pytest.fixture
def make(entra: Emulator, clock: ManualClock) -> Iterator[Callable[..., ManagedIdentityCredential]]:
    made: list[ManagedIdentityCredential] = []

    def make(kind: Any, **options: Any) -> ManagedIdentityCredential:
        environ = entra.managed_identity_environ(kind)
        made.append(ManagedIdentityCredential(environ=environ, clock=clock, retry_total=0, **options))
        return made[-1]

    yield make
    for credential in made:
        credential.close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_machine(kind: str, make: Callable[..., ManagedIdentityCredential]) -> None:
    claims = payload(make(kind).get_token(VAULT).token)
    assert claims["aud"] == "https://vault.azure.net"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_async_one_gets_the_same(kind: Any, backend: str, entra: Emulator, clock: ManualClock) -> None:
    environ = entra.managed_identity_environ(kind)

    async def ask() -> str:
        async with AsyncManagedIdentityCredential(environ=environ, clock=clock) as credential:
            return (await credential.get_token(VAULT)).token

    assert payload(anyio.run(ask, backend=backend))["aud"] == "https://vault.azure.net"


@pytest.mark.parametrize("kind", ["app-service", "azure-ml", "imds"])
@pytest.mark.parametrize(
    "name",
    [{"client_id": CLIENT_ID}, {"object_id": OBJECT_ID}, {"resource_id": RESOURCE_ID}],
    ids=lambda name: next(iter(name)),
)
def test_an_identity_of_several(
    kind: str, name: dict[str, str], make: Callable[..., ManagedIdentityCredential]
) -> None:
    claims = payload(make(kind, identity_config=name).get_token(VAULT).token)
    assert claims["appid"] == CLIENT_ID


@pytest.mark.parametrize("kind", ["app-service", "azure-ml", "imds"])
def test_an_identity_that_is_not_assigned(kind: str, make: Callable[..., ManagedIdentityCredential]) -> None:
    with pytest.raises(CredentialUnavailableError, match=f"the identity whose client_id is {OBJECT_ID}"):
        make(kind, client_id=OBJECT_ID).get_token(VAULT)


def test_a_cluster_is_known_by_its_certificate(entra: Emulator, clock: ManualClock) -> None:
    environ = entra.managed_identity_environ("service-fabric")
    colons = ":".join(environ["IDENTITY_SERVER_THUMBPRINT"][i : i + 2] for i in range(0, 40, 2))
    with ManagedIdentityCredential(environ=environ | {"IDENTITY_SERVER_THUMBPRINT": colons}, clock=clock) as credential:
        assert credential.get_token(VAULT)


def test_another_certificate_gets_to_hear_no_secret(entra: Emulator, clock: ManualClock) -> None:
    environ = entra.managed_identity_environ("service-fabric") | {"IDENTITY_SERVER_THUMBPRINT": "0" * 40}
    credential = ManagedIdentityCredential(environ=environ, clock=clock, retry_total=0)
    with credential, pytest.raises(ClientAuthenticationError, match="cannot be reached"):
        credential.get_token(VAULT)
    assert entra.requests == []


@pytest.mark.parametrize("is_right", [True, False])
def test_a_cluster_behind_a_proxy_is_known_likewise(
    is_right: bool, entra: Emulator, clock: ManualClock, tunnel: Tunnel
) -> None:
    environ = entra.managed_identity_environ("service-fabric")
    changes = {} if is_right else {"IDENTITY_SERVER_THUMBPRINT": "0" * 40}
    credential = ManagedIdentityCredential(
        environ=environ | changes, clock=clock, retry_total=0, proxies={"https": tunnel.url}
    )
    with credential, nullcontext() if is_right else pytest.raises(ClientAuthenticationError, match="cannot be reached"):
        credential.get_token(VAULT)
    assert tunnel.asked == [urlsplit(environ["IDENTITY_ENDPOINT"]).netloc]
    assert len(entra.requests) == is_right


def test_a_cluster_gives_another_token_than_the_one_that_was_refused(
    entra: Emulator, make: Callable[..., ManagedIdentityCredential]
) -> None:
    credential = make("service-fabric")
    old = credential.get_token(VAULT)
    assert credential.get_token(VAULT, claims=CLAIMS).token != old.token
    assert entra.requests[-1].query["token_sha256_to_refresh"] == hashlib.sha256(old.token.encode()).hexdigest()


def test_a_cluster_decides_which_identity_it_is(make: Callable[..., ManagedIdentityCredential]) -> None:
    with pytest.raises(ClientAuthenticationError, match="the cluster's configuration gives it"):
        make("service-fabric", client_id=CLIENT_ID).get_token(VAULT)


@pytest.mark.parametrize(
    "changes", [{"IDENTITY_SERVER_THUMBPRINT": "abc"}, {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/"}]
)
def test_a_cluster_that_cannot_be_known_is_refused_at_once(changes: dict[str, str], entra: Emulator) -> None:
    with pytest.raises(ValueError, match="needs an https URL in IDENTITY_ENDPOINT"):
        ManagedIdentityCredential(environ=entra.managed_identity_environ("service-fabric") | changes)


@pytest.mark.skipif(os.name == "nt", reason="the agent's keys are elsewhere there")
def test_azure_arcs_agent(entra: Emulator, clock: ManualClock, tmp_path: Path) -> None:
    environ = entra.managed_identity_environ("azure-arc", key_folder=tmp_path)
    endpoint = AzureArcEndpoint(environ["IDENTITY_ENDPOINT"], "", None, clock, {}, folder=tmp_path)
    response = endpoint(TokenRequest((VAULT,), ""))
    assert payload(response.access_token)["aud"] == "https://vault.azure.net"
    assert [request.status for request in entra.requests] == [401, 200]
    endpoint.pipeline.__exit__()


def test_proxies_of_the_environment_are_not_used(
    make: Callable[..., ManagedIdentityCredential], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    for kind in KINDS:
        assert make(kind).get_token(VAULT)
