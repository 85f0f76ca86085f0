"""The metadata service: whether it is there at all, and how long it is waited for."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError, ServiceRequestTimeoutError

from azid import ChainedTokenCredential, CredentialUnavailableError, ManagedIdentityCredential
from azid.clock import ManualClock
from azid.managed_identity.imds import ImdsEndpoint, is_listening
from azid.pipeline import TokenPipeline
from azid.tokens.request import TokenRequest
from tests.managed_identity.conftest import IMDS, SCOPE, Make, token_reply
from tests.support.stub_transport import Reply, StubTransport, json_reply

PROBED = json_reply({"error": "invalid_request", "error_description": "Required metadata header not specified"}, 400)
NOWHERE = ServiceRequestTimeoutError("no route")


class Another:
    """A credential that has a token."""

    def get_token(self, *scopes: str, **_: Any) -> Any:
        return AccessToken("another's", 1 << 33)

    def close(self) -> None: ...


def chain(credential: ManagedIdentityCredential) -> ChainedTokenCredential:
    return ChainedTokenCredential(credential, Another())


def test_alone_it_is_asked_at_once(make: Make, clock: ManualClock) -> None:
    transport = StubTransport(json_reply(token_reply(clock)))
    make(IMDS, transport).get_token(SCOPE)
    assert len(transport.requests) == 1


def test_in_a_chain_it_is_first_asked_whether_it_is_there(make: Make, clock: ManualClock) -> None:
    transport = StubTransport(PROBED, json_reply(token_reply(clock)))
    credential = chain(make(IMDS, transport))
    assert credential.get_token(SCOPE).token == "token"
    probe, request = transport.requests
    assert "Metadata" not in probe.headers
    assert request.headers["Metadata"] == "true"
    credential.get_token("https://graph.microsoft.com/.default")
    assert len(transport.requests) == 3, "it is not probed twice"


def test_a_probe_is_not_retried_and_believed_for_a_while(make: Make, clock: ManualClock) -> None:
    transport = StubTransport(NOWHERE)
    credential = chain(make(IMDS, transport))
    for _ in range(3):
        assert credential.get_token(SCOPE).token == "another's"
    assert len(transport.requests) == 1
    assert transport.waits == []
    clock.advance(60)
    credential.get_token(SCOPE)
    assert len(transport.requests) == 2


def in_a_chain(endpoint: ImdsEndpoint) -> CredentialUnavailableError:
    """Ask an endpoint that is not there as the first of two."""

    class Credential:
        def get_token(self, *_: str, **__: Any) -> Any:
            return endpoint(TokenRequest((SCOPE,), ""))

    with pytest.raises(CredentialUnavailableError) as caught:
        ChainedTokenCredential(Credential(), Credential()).get_token(SCOPE)
    return caught.value


@pytest.mark.parametrize(("azure", "patience"), [(True, 1.0), (False, 0.2)])
def test_it_is_waited_for_longer_where_azure_is_likely(azure: bool, patience: float, clock: ManualClock) -> None:
    transport = StubTransport(NOWHERE)
    in_a_chain(ImdsEndpoint(None, None, clock, {"transport": transport}, may_be_azure=lambda: azure))
    assert transport.options[0]["connection_timeout"] == patience
    assert transport.options[0]["read_timeout"] == patience


def test_it_finds_out_whether_anything_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert is_listening(10, address)
    assert not is_listening(10, address)


def test_where_nothing_listens_no_request_is_prepared(clock: ManualClock) -> None:
    waited: list[float] = []

    def is_nothing_listening(seconds: float) -> bool:
        waited.append(seconds)
        return False

    def make_transport(**_: object) -> StubTransport:
        raise AssertionError("it would load much for nothing")

    endpoint = ImdsEndpoint(
        *(None, None, clock, {"make_transport": make_transport}),
        may_be_azure=lambda: False,
        is_listening=is_nothing_listening,
    )
    assert "It does not answer." in str(in_a_chain(endpoint))
    assert waited == [0.2]


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_other_clouds_services_at_its_address_are_told_apart(status: int, make: Make) -> None:
    transport = StubTransport(Reply(status, "<html>who are you?</html>", content_type="text/html"))
    assert chain(make(IMDS, transport)).get_token(SCOPE).token == "another's"
    assert len(transport.requests) == 1


def test_the_service_itself_is_waited_for_while_it_is_updated(make: Make, clock: ManualClock) -> None:
    updated = json_reply({"error": "not_found"}, 404, Server="IMDS/150.870.65.1103")
    transport = StubTransport(updated, updated, json_reply(token_reply(clock)))
    assert chain(make(IMDS, transport)).get_token(SCOPE).token == "token"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "<html>welcome to the hotel</html>", content_type="text/html"),
        json_reply({"message": "a socket operation was attempted to an unreachable network"}, 403),
        NOWHERE,
        ServiceRequestError("refused"),
    ],
)
def test_whatever_else_answers_there_makes_it_unavailable(reply: Any, make: Make) -> None:
    with pytest.raises(CredentialUnavailableError, match="no Instance Metadata Service"):
        make(IMDS, StubTransport(reply), retry_total=0).get_token(SCOPE)


def test_a_pods_proxy_is_not_probed(make: Make, clock: ManualClock) -> None:
    transport = StubTransport(json_reply(token_reply(clock)))
    environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:41/"}
    assert chain(make(environ, transport)).get_token(SCOPE).token == "token"
    assert transport.requests[0].url.startswith("http://127.0.0.1:41/metadata/identity/oauth2/token?")


@pytest.mark.parametrize(
    ("status", "sleeps"),
    [
        # The documentation's: from 404, 429 and 5xx it recovers within seconds, from 410 within 70.
        (404, [0, 1.6, 3.2, 6.4, 12.8]),
        (429, [0, 1.6, 3.2, 6.4, 12.8]),
        (503, [0, 1.6, 3.2, 6.4, 12.8]),
        (410, [0, 5.0, 10.0, 20.0, 40.0]),
    ],
)
def test_it_is_asked_again_while_it_is_busy(status: int, sleeps: list[float], make: Make) -> None:
    transport = StubTransport(json_reply({"error": "busy"}, status))
    with pytest.raises(CredentialUnavailableError):
        make(IMDS, transport).get_token(SCOPE)
    assert len(transport.requests) == 6
    assert transport.waits == [seconds for seconds in sleeps if seconds]


def test_no_proxy_gets_to_see_it(make: Make) -> None:
    """A proxy is elsewhere, where there is another metadata service or none."""
    made: list[dict[str, Any]] = []

    def make_transport(**options: Any) -> StubTransport:
        made.append(options)
        return StubTransport(PROBED)

    endpoint = ImdsEndpoint(None, None, ManualClock(), {"make_transport": make_transport})
    with pytest.raises(CredentialUnavailableError):
        endpoint(TokenRequest((SCOPE,), ""))
    assert made[0]["use_env_settings"] is False
    assert isinstance(endpoint.pipeline, TokenPipeline)
