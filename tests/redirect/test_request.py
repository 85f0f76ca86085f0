from __future__ import annotations

import itertools
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azid.redirect.request import MAX_BODY, MAX_HEAD, Request, RequestReader, RequestRefused

POST = b"POST /path?a=b HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 5\r\nX-Empty:\r\n\r\nhello"


def read(*portions: bytes) -> Request | None:
    reader = RequestReader()
    request = None
    for portion in portions:
        assert request is None
        request = reader.feed(portion)
    return request


def test_a_request_is_taken_apart() -> None:
    request = read(POST)
    assert request is not None
    assert (request.method, request.path, request.query, request.body) == ("POST", "/path", "a=b", b"hello")
    assert request.headers == {"host": "localhost:1", "content-length": "5", "x-empty": ""}


def test_any_portions_make_the_same_request() -> None:
    assert read(*(POST[at : at + 1] for at in range(len(POST)))) == read(POST)


@given(st.lists(st.integers(0, len(POST)), max_size=8))
def test_any_cuts_make_the_same_request(cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(POST)), len(POST)]
    assert read(*(POST[start:end] for start, end in itertools.pairwise(edges))) == read(POST)


def test_bytes_after_the_end_are_passed_over() -> None:
    assert read(POST + b"GET / HTTP/1.1\r\n\r\n") == read(POST)


@pytest.mark.parametrize("cut", [1, 10, len(POST) - 6, len(POST) - 1])
def test_an_incomplete_request_waits_for_more(cut: int) -> None:
    assert read(POST[:cut]) is None


def test_the_repr_holds_no_parameters() -> None:
    request = read(b"POST /?code=secret HTTP/1.1\r\nCookie: secret\r\nContent-Length: 6\r\n\r\nsecret")
    assert request is not None
    assert "secret" not in repr(request)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",  # a TLS ClientHello begins like this; it is told at its first byte
        b"\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET http://localhost/ HTTP/1.1\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"GET /a\x00b HTTP/1.1\r\n\r\n",
        b"GET /a\xffb HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
    ],
)
def test_malformed_requests_are_refused(data: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        read(data)
    assert refused.value.status == HTTPStatus.BAD_REQUEST


def test_a_head_up_to_the_limit_is_read_and_a_longer_one_refused() -> None:
    start = b"GET / HTTP/1.1\r\nCookie: "
    longest = start + b"c" * (MAX_HEAD - len(start))
    assert read(longest + b"\r\n\r\n") is not None
    for too_long in (longest + b"c\r\n\r\n", longest + b"cccc"):
        with pytest.raises(RequestRefused) as refused:
            read(too_long)
        assert refused.value.status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


@pytest.mark.parametrize("length", [str(MAX_BODY + 1), "9" * 10_000])
def test_a_body_over_the_limit_is_refused_before_it_comes(length: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        read(b"POST / HTTP/1.1\r\nContent-Length: " + length.encode() + b"\r\n\r\n")
    assert refused.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_a_body_up_to_the_limit_is_read() -> None:
    request = read(f"POST / HTTP/1.1\r\nContent-Length: 000{MAX_BODY}\r\n\r\n".encode(), b"b" * MAX_BODY)
    assert request is not None
    assert len(request.body) == MAX_BODY


def test_chunked_bodies_are_refused() -> None:
    with pytest.raises(RequestRefused) as refused:
        read(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n")
    assert refused.value.status == HTTPStatus.LENGTH_REQUIRED


PIECES = st.sampled_from([POST[:30], b"\r\n", b"\r\n\r\n", b"GET / HTTP/1.1\r\n", b":"])


@given(st.lists(st.one_of(st.binary(), PIECES)).map(b"".join))
def test_arbitrary_bytes_are_a_request_or_refused_or_incomplete(data: bytes) -> None:
    refused, request = None, None
    try:
        request = read(data)
    except RequestRefused as error:
        refused = error
    assert refused is None or 400 <= refused.status < 500
    assert request is None or request.path.startswith("/")
