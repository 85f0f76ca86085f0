"""azure-storage-blob's async client, which sends its requests with aiohttp, and Azurite, which reads the tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob.aio import BlobServiceClient

from azid.aio import DeviceCodeCredential
from azid.emulator import Emulator
from tests.conftest import GRAPH

if TYPE_CHECKING:
    from tests.support.azurite import BlobService

pytest_plugins = ["tests.support.azurite", "tests.support.trust"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Azure SDK clients send their requests with aiohttp unless told otherwise: it knows no other loop."""
    return "asyncio"


@pytest.fixture
async def credential(device_code_options: dict[str, Any]) -> AsyncIterator[DeviceCodeCredential]:
    async with DeviceCodeCredential(**device_code_options) as credential:
        yield credential


def client(service: BlobService, credential: AsyncTokenCredential, **options: Any) -> BlobServiceClient:
    return BlobServiceClient(service.account_url, credential, connection_verify=str(service.ca_file), **options)


async def test_a_blob_goes_up_and_comes_down(
    blob_service: BlobService, credential: DeviceCodeCredential, entra_today: Emulator
) -> None:
    content = b"What was measured on Wednesday" * 10_000
    async with client(blob_service, credential) as blobs:
        container = await blobs.create_container("async-measurements")
        await container.upload_blob("wednesday", content)
        assert [blob.name async for blob in container.list_blobs()] == ["wednesday"]
        assert await (await container.download_blob("wednesday")).readall() == content
    [device_code] = [request for request in entra_today.requests if request.endpoint == "devicecode"]
    assert "https://storage.azure.com/.default" in device_code.form["scope"].split()
    assert len(entra_today.token_requests()) == 1


async def test_clients_that_begin_at_once_share_one_sign_in(
    blob_service: BlobService, credential: DeviceCodeCredential, entra_today: Emulator
) -> None:
    names = [f"async-report-{number}" for number in range(10)]

    async def create(name: str) -> None:
        async with client(blob_service, credential) as blobs:
            await blobs.create_container(name)

    await asyncio.gather(*map(create, names))
    async with client(blob_service, credential) as blobs:
        assert [container.name async for container in blobs.list_containers("async-report-")] == names
    assert len([request for request in entra_today.requests if request.endpoint == "devicecode"]) == 1
    assert len(entra_today.token_requests()) == 1


async def test_azurite_refuses_a_token_for_another_resource(
    blob_service: BlobService, credential: DeviceCodeCredential
) -> None:
    async with client(blob_service, credential, audience=GRAPH.removesuffix("/.default")) as blobs:
        with pytest.raises(ClientAuthenticationError):
            await blobs.create_container("async-refused")
