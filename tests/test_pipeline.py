from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import RetryPolicy, SansIOHTTPPolicy
from azure.core.rest import HttpRequest

from azid import CredentialUnavailableError
from azid.cancellation import Cancellation
from azid.pipeline import TokenPipeline
from tests.support.stub_transport import Reply, StubTransport, json_reply

URL = "https://login.microsoftonline.com/organizations/oauth2/v2.0/token"
OK = json_reply({"ok": True})
GIVE_UP = 20  # seconds after which a test that would hang fails


def post(**form: str) -> HttpRequest:
    return HttpRequest("POST", URL, data=form or {"grant_type": "refresh_token"})


def get() -> HttpRequest:
    return HttpRequest("GET", URL)


# Options


def test_a_reply_is_returned_whatever_its_status() -> None:
    transport = StubTransport(json_reply({"error": "invalid_grant"}, 400))
    response = TokenPipeline(transport=transport).send(post())
    assert response.status_code == 400
    assert "invalid_grant" in response.text()
    assert len(transport.requests) == 1


def test_a_form_reaches_the_transport_as_a_dict() -> None:
    transport = StubTransport(OK)
    TokenPipeline(transport=transport).send(post(grant_type="password", scope="a b"))
    assert transport.requests[0].content == {"grant_type": "password", "scope": "a b"}
    assert transport.requests[0].body["grant_type"] == "password"


def test_the_user_agent_names_azure_identity() -> None:
    transport = StubTransport(OK)
    TokenPipeline(transport=transport).send(post())
    assert "azsdk-python-identity/" in transport.requests[0].headers["User-Agent"]


def test_an_applications_user_agent_is_added() -> None:
    transport = StubTransport(OK)
    TokenPipeline(transport=transport, user_agent="my-program/1").send(post())
    agent = transport.requests[0].headers["User-Agent"]
    assert "my-program/1" in agent
    assert "azsdk-python-identity/" in agent


def test_an_application_may_replace_the_user_agents_base() -> None:
    transport = StubTransport(OK)
    TokenPipeline(transport=transport, base_user_agent="my-sdk/1").send(post())
    assert "my-sdk/1" in transport.requests[0].headers["User-Agent"]


def test_proxies_and_headers_reach_the_transport() -> None:
    transport = StubTransport(OK)
    proxies = {"https": "http://proxy.contoso.example:8080"}
    TokenPipeline(transport=transport, proxies=proxies, headers={"x-mine": "1"}).send(post())
    assert transport.options[0]["proxies"] == proxies
    assert transport.requests[0].headers["x-mine"] == "1"


def test_every_request_has_an_id() -> None:
    transport = StubTransport(OK)
    pipeline = TokenPipeline(transport=transport)
    pipeline.send(post())
    pipeline.send(post())
    first, second = (request.headers["x-ms-client-request-id"] for request in transport.requests)
    assert first != second


def test_none_stands_for_an_option_that_was_not_given() -> None:
    transport = StubTransport(OK)
    TokenPipeline(transport=transport, proxies=None, policies=None, user_agent=None, connection_verify=None).send(
        post()
    )
    assert "proxies" not in transport.options[0]


def test_hooks_see_requests_and_replies() -> None:
    seen: list[Any] = []
    pipeline = TokenPipeline(transport=StubTransport(OK), raw_request_hook=seen.append, raw_response_hook=seen.append)
    pipeline.send(post())
    assert len(seen) == 2


class Marking(SansIOHTTPPolicy[HttpRequest, Any]):
    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        request.http_request.headers["x-marked"] = "yes"


def test_policies_take_the_place_of_azids_own() -> None:
    transport = StubTransport(Reply(503), OK)
    response = TokenPipeline(transport=transport, policies=[Marking()]).send(post())
    assert response.status_code == 503  # nobody retried
    assert transport.requests[0].headers["x-marked"] == "yes"
    assert "User-Agent" not in transport.requests[0].headers


def test_a_retry_policy_of_the_applications_own_is_used() -> None:
    class NoRetries(RetryPolicy[HttpRequest, Any]):
        def is_retry(self, *arguments: Any, **options: Any) -> bool:
            return False

    transport = StubTransport(Reply(503), OK)
    response = TokenPipeline(transport=transport, retry_policy_class=NoRetries).send(post())
    assert response.status_code == 503


class PlainServer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # the standard library's naming
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), PlainServer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join(GIVE_UP)
    server.server_close()


@pytest.mark.parametrize("options", [{}, {"policies": [Marking()]}, {"read_timeout": 5, "retry_total": 1}])
def test_azure_cores_own_transport_understands_every_request(server: str, options: dict[str, Any]) -> None:
    with TokenPipeline(use_env_settings=False, **options) as pipeline:
        assert pipeline.send(HttpRequest("POST", server, data={"a": "b"})).status_code == 200


# Retries


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("request_of", [get, post])
def test_a_passing_failure_is_tried_again(status: int, request_of: Callable[[], HttpRequest]) -> None:
    transport = StubTransport(Reply(status), OK)
    assert TokenPipeline(transport=transport).send(request_of()).status_code == 200
    assert len(transport.requests) == 2


@pytest.mark.parametrize("error", [ServiceRequestError("no connection"), ServiceResponseError("cut")])
@pytest.mark.parametrize("request_of", [get, post])
def test_a_lost_connection_is_tried_again(error: AzureError, request_of: Callable[[], HttpRequest]) -> None:
    transport = StubTransport(error, OK)
    assert TokenPipeline(transport=transport).send(request_of()).status_code == 200
    assert len(transport.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 501])
def test_a_refusal_is_not_tried_again(status: int) -> None:
    transport = StubTransport(Reply(status))
    assert TokenPipeline(transport=transport).send(post()).status_code == status
    assert len(transport.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_the_authority_says_how_long_to_wait(status: int) -> None:
    transport = StubTransport(Reply(status, headers={"Retry-After": "7"}), OK)
    assert TokenPipeline(transport=transport).send(post()).status_code == 200
    assert transport.sleeps == [7]


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "3600"},
        {"retry-after": "31"},
        {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"retry-after-ms": "60000"},
    ],
)
def test_nobody_waits_for_long(headers: dict[str, str]) -> None:
    transport = StubTransport(Reply(429, headers=headers), OK)
    response = TokenPipeline(transport=transport).send(post())
    assert response.status_code == 429
    assert transport.sleeps == []
    assert len(transport.requests) == 1


@pytest.mark.parametrize("value", ["soon", "", "-5", "1e", "nan"])
def test_a_wait_that_makes_no_sense_does_no_harm(value: str) -> None:
    transport = StubTransport(Reply(503, headers={"Retry-After": value}), OK)
    assert TokenPipeline(transport=transport).send(post()).status_code == 200


def test_tries_end() -> None:
    transport = StubTransport(Reply(503))
    assert TokenPipeline(transport=transport).send(post()).status_code == 503
    assert len(transport.requests) == 4
    assert max(transport.sleeps, default=0) < 30


def test_retry_total_is_honoured() -> None:
    transport = StubTransport(Reply(503))
    assert TokenPipeline(transport=transport, retry_total=0).send(post()).status_code == 503
    assert len(transport.requests) == 1


# Callers who leave


def test_nothing_is_sent_for_a_caller_who_has_left() -> None:
    transport, caller = StubTransport(OK), Cancellation()
    caller.cancel()
    with caller.as_current(), pytest.raises(ClientAuthenticationError, match="cancelled before its request"):
        TokenPipeline(transport=transport).send(post())
    assert transport.requests == []


@pytest.mark.parametrize("failure", [Reply(503), Reply(429, headers={"Retry-After": "7"}), ServiceResponseError("cut")])
def test_nothing_is_tried_again_for_a_caller_who_leaves_meanwhile(failure: Reply | Exception) -> None:
    caller = Cancellation()

    def fail(_: HttpRequest) -> Reply:
        caller.cancel()
        if isinstance(failure, Exception):
            raise failure
        return failure

    transport = StubTransport(fail)
    with caller.as_current(), pytest.raises(ClientAuthenticationError, match="cancelled"):
        TokenPipeline(transport=transport).send(post())
    assert len(transport.requests) == 1
    assert transport.sleeps == []


@pytest.mark.parametrize("leaves", [False, True])
def test_a_wait_ends_when_the_caller_leaves(leaves: bool) -> None:
    caller = Cancellation()

    class Sleeping(StubTransport):
        def sleep(self, duration: float) -> None:
            super().sleep(duration)
            if leaves and len(self.sleeps) == 3:
                caller.cancel()

    transport = Sleeping(Reply(429, headers={"Retry-After": "7"}), OK)
    with caller.as_current():
        if leaves:
            with pytest.raises(ClientAuthenticationError, match="cancelled"):
                TokenPipeline(transport=transport).send(post())
        else:
            assert TokenPipeline(transport=transport).send(post()).status_code == 200
    assert len(transport.requests) == (1 if leaves else 2)
    assert sum(transport.sleeps) == pytest.approx(0.3 if leaves else 7)


def test_an_error_of_the_transports_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        TokenPipeline(transport=StubTransport(ZeroDivisionError())).send(post())


# The transport's life


def test_a_request_does_not_enter_the_transport() -> None:
    transport = StubTransport(OK)
    TokenPipeline(transport=transport).send(post())
    assert (transport.entered, transport.exits) == (0, [])


def test_the_transport_is_entered_and_left_once_and_told_why() -> None:
    transport = StubTransport(OK)
    error = RuntimeError("the block's")

    def use() -> None:
        with TokenPipeline(transport=transport) as pipeline:
            pipeline.send(post())
            pipeline.send(post())
            assert (transport.entered, transport.exits) == (1, [])
            raise error

    with pytest.raises(RuntimeError, match="the block's"):
        use()
    [(kind, value, traceback)] = transport.exits
    assert (kind, value) == (RuntimeError, error)
    assert traceback is not None


def test_a_transport_that_was_never_entered_is_left_at_the_end() -> None:
    transport = StubTransport(OK)
    TokenPipeline(transport=transport).__exit__()
    assert transport.exits == [()]


def test_it_is_left_once_however_often_it_is_closed() -> None:
    transport = StubTransport(OK)
    pipeline = TokenPipeline(transport=transport)
    with pipeline:
        pass
    pipeline.__exit__(None, None, None)
    assert transport.exits == [(None, None, None)]


def test_a_closed_pipeline_refuses() -> None:
    transport = StubTransport(OK)
    with TokenPipeline(transport=transport) as pipeline:
        pass
    with pytest.raises(CredentialUnavailableError, match=r"was closed\. Make a new one"):
        pipeline.send(post())
    assert transport.requests == []


def test_a_pipeline_that_was_never_used_can_be_closed() -> None:
    with TokenPipeline() as pipeline:
        pass
    with pytest.raises(CredentialUnavailableError):
        pipeline.send(post())


def test_threads_share_a_pipeline() -> None:
    transport = StubTransport(OK)
    pipeline = TokenPipeline(transport=transport)
    start = threading.Barrier(8)

    def send() -> None:
        start.wait(GIVE_UP)
        pipeline.send(post())

    threads = [threading.Thread(target=send, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GIVE_UP)
    assert len(transport.requests) == 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_can_send() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def answer(request: HttpRequest) -> Reply:
        if request.headers.get("x-hold"):
            inside.set()
            go_on.wait(GIVE_UP)
        return OK

    pipeline = TokenPipeline(transport=StubTransport(answer))
    thread = threading.Thread(
        target=pipeline.send, args=(HttpRequest("POST", URL, data={}, headers={"x-hold": "1"}),), daemon=True
    )
    thread.start()
    assert inside.wait(GIVE_UP)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if pipeline.send(post()).status_code == 200 else 2
        finally:
            os._exit(status)
    go_on.set()
    thread.join(GIVE_UP)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
