from __future__ import annotations

from typing import Any

import pytest

from azid.errors import AuthenticationFailedError
from azid.msal_client.public import DeviceCodeFlow
from tests.support.msal_replies import (
    PASSWORD,
    REFRESH_TOKEN,
    REQUEST,
    client_of,
    encoded,
    password_tokens,
    refresh,
    tokens,
    with_realm,
)
from tests.support.stub_transport import Reply, StubTransport, json_reply

NO_TEXT: list[Any] = [5, [], {}]
ODD_ID_TOKENS: list[Any] = ["x", "a.b.c", f"a.{encoded([])}.c", f"a.{encoded({})}.c", *NO_TEXT]
ODD_CLIENT_INFOS: list[Any] = ["x", encoded([]), *NO_TEXT]
ODD_LIFETIMES: list[Any] = ["soon", -1, [], 10**30, ""]
BAD_TOKENS: list[dict[str, Any]] = [
    *({"id_token": odd} for odd in ODD_ID_TOKENS),
    *({"client_info": odd} for odd in ODD_CLIENT_INFOS),
    *({"expires_in": odd} for odd in ODD_LIFETIMES),
    *({name: odd} for name in ("access_token", "refresh_token", "scope", "foci", "token_type") for odd in NO_TEXT),
    {"access_token": ""},
]
BAD_ERRORS: list[Any] = [
    *([], {}),
    *({"error": wrong} for wrong in (None, *NO_TEXT, "x" * 100_000)),
    *({"error": "x", "error_description": wrong} for wrong in (None, *NO_TEXT, "x" * 100_000)),
    *({"error": "x", "error_codes": wrong, "suberror": wrong} for wrong in (None, "x", [None, "x"], *NO_TEXT)),
]
BAD_REPLIES = [
    *(Reply(200, ""), Reply(200, "<html>the-first-refresh-token</html>"), Reply(200, '{"access_token": "cut')),
    *(json_reply(None), json_reply([]), json_reply("text"), json_reply(5), json_reply({})),
    *(Reply(200, "[" * 100_000), Reply(200, "x" * 2_000_000), json_reply({"access_token": "x" * 2_000_000})),
    Reply(200, UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")),
    *(Reply(400, ""), Reply(400, "<html>"), Reply(401, "no"), Reply(404, "{}")),
    *(Reply(500), Reply(503, "<html>"), Reply(429, headers={"Retry-After": "3600"})),
    Reply(302, headers={"Location": "https://evil.example"}),
    *(json_reply(values, 400) for values in BAD_ERRORS),
    *(json_reply(tokens(**values)) for values in BAD_TOKENS),
]


@pytest.mark.parametrize("reply", BAD_REPLIES)
def test_no_bad_reply_is_anything_but_an_authentication_failure(reply: Reply, device_flow: DeviceCodeFlow) -> None:
    with pytest.raises(AuthenticationFailedError) as from_refresh:
        refresh(client_of(StubTransport(reply)))
    with pytest.raises(AuthenticationFailedError) as from_device:
        client_of(StubTransport(reply)).redeem_device_code(REQUEST, device_flow)
    with pytest.raises(AuthenticationFailedError) as from_password:
        password_tokens(client_of(with_realm(reply)))
    for caught in (from_refresh, from_device, from_password):
        told = str(caught.value) + repr(caught.value.response)
        assert len(told) < 5000
        for secret in (REFRESH_TOKEN, "the-next-refresh-token", "the-access-token", "the-device-code", PASSWORD):
            assert secret not in told


def test_a_text_for_a_lifetime_is_understood() -> None:
    assert refresh(client_of(StubTransport(json_reply(tokens(expires_in="60", ext_expires_in="x"))))).expires_in == 60


@pytest.mark.parametrize("name", ["error", "error_description"])
def test_no_cut_text_ends_in_a_part_of_a_secret(name: str) -> None:
    for length in (*range(170, 200), *range(1970, 2000)):
        reply = json_reply({"error": "x", name: "-" * length + REFRESH_TOKEN}, 400)
        with pytest.raises(AuthenticationFailedError) as caught:
            refresh(client_of(StubTransport(reply)))
        assert "the-f" not in str(caught.value)
        assert "the-f" not in str(caught.value.oauth_error)
