"""azure-storage-blob's own client and Azurite, Microsoft's emulator of Azure Storage, which reads the tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import BlobServiceClient

from azid import DeviceCodeCredential
from azid.emulator import Emulator
from tests.conftest import ADA, GRAPH
from tests.support.me import who_is_signed_in

if TYPE_CHECKING:
    from tests.support.azurite import BlobService

pytest_plugins = ["tests.support.azurite", "tests.support.trust"]


@pytest.fixture
def entra(entra_today: Emulator) -> Emulator:
    return entra_today


@pytest.fixture
def credential(device_code_options: dict[str, Any]) -> Iterator[DeviceCodeCredential]:
    with DeviceCodeCredential(**device_code_options) as credential:
        yield credential


def client(service: BlobService, credential: TokenCredential, **options: Any) -> BlobServiceClient:
    return BlobServiceClient(service.account_url, credential, connection_verify=str(service.ca_file), **options)


def test_a_blob_goes_up_and_comes_down(
    blob_service: BlobService, credential: DeviceCodeCredential, entra: Emulator
) -> None:
    content = b"What was measured on Tuesday" * 10_000
    with client(blob_service, credential) as blobs:
        container = blobs.create_container("measurements")
        container.upload_blob("tuesday", content)
        assert [blob.name for blob in container.list_blobs()] == ["tuesday"]
        assert container.download_blob("tuesday").readall() == content
    [device_code] = [request for request in entra.requests if request.endpoint == "devicecode"]
    assert "https://storage.azure.com/.default" in device_code.form["scope"].split()
    assert len(entra.token_requests()) == 1


def test_one_sign_in_serves_storage_and_another_resource(
    blob_service: BlobService, credential: DeviceCodeCredential, entra: Emulator
) -> None:
    assert who_is_signed_in(entra, credential) == ADA.username
    with client(blob_service, credential) as blobs:
        blobs.create_container("reports").upload_blob("first", b"1")
    assert len([request for request in entra.requests if request.endpoint == "devicecode"]) == 1


def test_azurite_refuses_a_token_for_another_resource(
    blob_service: BlobService, credential: DeviceCodeCredential
) -> None:
    blobs = client(blob_service, credential, audience=GRAPH.removesuffix("/.default"))
    with blobs, pytest.raises(ClientAuthenticationError):
        blobs.create_container("refused")
