from __future__ import annotations

import pytest

from azid.msal_client.public import AuthorizationCodeFlow, DeviceCodeFlow
from tests.support.msal_replies import (
    DEVICE,
    REQUEST,
    begun,
    client_of,
)
from tests.support.stub_transport import StubTransport, json_reply


@pytest.fixture
def flow() -> AuthorizationCodeFlow:
    return begun(client_of(StubTransport(json_reply({}))))


@pytest.fixture
def device_flow() -> DeviceCodeFlow:
    return client_of(StubTransport(json_reply(DEVICE))).begin_device_code(REQUEST)
