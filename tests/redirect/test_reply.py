from __future__ import annotations

import base64
import hashlib
import http.client
import re
import socket
from http import HTTPStatus

import pytest

from azid.redirect import Outcome
from azid.redirect.reply import page_reply, refusal_reply


def parse(reply: bytes) -> tuple[http.client.HTTPResponse, bytes]:
    """Receive a reply with the standard library's client."""
    sender, receiver = socket.socketpair()
    with sender, receiver:
        sender.sendall(reply)
        sender.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(receiver)
        response.begin()
        body = response.read()
    assert reply.endswith(body)
    assert int(response.headers["Content-Length"]) == len(body)
    return response, body


REPLIES = [
    page_reply(Outcome.success("ada@example.com")),
    page_reply(Outcome.failed("Grüße \ud800 \r\nX: y")),
    page_reply(Outcome.too_late()),
    refusal_reply(HTTPStatus.BAD_REQUEST),
    refusal_reply(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
]


@pytest.mark.parametrize("reply", REPLIES)
def test_replies_are_neither_kept_nor_framed_nor_guessed_at(reply: bytes) -> None:
    response, _ = parse(reply)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Connection"] == "close"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_the_policy_admits_the_pages_own_style_only() -> None:
    response, body = parse(page_reply(Outcome.success()))
    style = re.search(rb"<style>(.*)</style>", body, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response.headers["Content-Security-Policy"]


def test_outcomes_that_the_program_gave_are_ok_and_the_others_gone() -> None:
    outcomes = [Outcome.success(), Outcome.denied(), Outcome.failed("x"), Outcome.too_late(), Outcome.ended()]
    assert [parse(page_reply(outcome))[0].status for outcome in outcomes] == [200, 200, 200, 410, 410]


def test_whoever_comes_to_an_old_window_gets_a_page() -> None:
    response, body = parse(refusal_reply(HTTPStatus.BAD_REQUEST))
    assert response.status == 400
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"go on in the newest window" in " ".join(body.decode().split()).encode()


def test_a_refused_method_is_told_the_allowed_ones() -> None:
    assert parse(refusal_reply(HTTPStatus.METHOD_NOT_ALLOWED))[0].headers["Allow"] == "GET, POST"


def test_refusals_are_short_text() -> None:
    response, body = parse(refusal_reply(HTTPStatus.NOT_FOUND))
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert len(body) < 200
