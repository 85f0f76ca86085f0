from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.rest import HttpRequest

from azid.tokens.request import TokenRequest
from tests.support.msal_replies import (
    GIVE_UP,
    GRAPH,
    HOST,
    client_of,
    refresh,
    tokens,
)
from tests.support.stub_transport import Reply, StubTransport, json_reply


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_while_others_ask_can_ask() -> None:
    inside, go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def answer(request: HttpRequest) -> Reply:
        if os.getpid() == parent:  # the discovery, under the client's lock
            inside.set()
            go_on.wait(GIVE_UP)
        if request.method == "GET":
            base = f"https://{HOST}/contoso.example/oauth2/v2.0"
            return json_reply(
                {"issuer": "x", "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}
            )
        return json_reply(tokens())

    client = client_of(StubTransport(answer))
    request = TokenRequest((GRAPH,), "contoso.example")
    with ThreadPoolExecutor() as executor:
        waiting = executor.submit(refresh, client, request=request)
        assert inside.wait(GIVE_UP)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if refresh(client, request=request).access_token else 2
            finally:
                os._exit(status)
        go_on.set()
        assert waiting.result(GIVE_UP).access_token
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
