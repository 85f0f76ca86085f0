from __future__ import annotations

import pytest

from azid.redirect import RedirectUri, parse_redirect_uri


@pytest.mark.parametrize(
    ("redirect_uri", "parts"),
    [
        ("http://localhost:8400", RedirectUri("localhost", 8400, "/")),
        ("http://localhost:8400/", RedirectUri("localhost", 8400, "/")),
        ("http://127.0.0.1:65535/sign-in/done", RedirectUri("127.0.0.1", 65535, "/sign-in/done")),
        ("http://[::1]:1/a%20b", RedirectUri("::1", 1, "/a%20b")),
        ("HTTP://LocalHost:80", RedirectUri("localhost", 80, "/")),
    ],
)
def test_loopback_uris_are_taken_apart(redirect_uri: str, parts: RedirectUri) -> None:
    assert parse_redirect_uri(redirect_uri) == parts


@pytest.mark.parametrize(
    ("redirect_uri", "problem"),
    [
        ("", "http://"),
        ("localhost:8400", "http://"),
        ("https://localhost:8400", "http://"),
        ("ms-app://localhost:8400", "http://"),
        ("http://localhost", "port"),
        ("http://localhost:", "port"),
        ("http://localhost:0", "port"),
        ("http://localhost:65536", "malformed"),
        ("http://localhost:port", "malformed"),
        ("http://[::1", "malformed"),
        ("http://:8400", "must name this machine"),
        ("http://0.0.0.0:8400", "must name this machine"),
        ("http://example.com:8400", "must name this machine"),
        ("http://localhost.example.com:8400", "must name this machine"),
        ("http://127.0.0.2:8400", "must name this machine"),
        ("http://user@localhost:8400", "user name"),
        ("http://localhost:8400?a=b", "query"),
        ("http://localhost:8400/?", "query"),
        ("http://localhost:8400/#", "fragment"),
        ("http://localhost:8400/a b", "space"),
        ("http://localhost:8400/\n", "control"),
        (" http://localhost:8400", "space"),
        ("http://localhost:8400/ä", "ASCII"),
    ],
)
def test_what_cannot_be_listened_on_is_refused_with_the_reason(redirect_uri: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_redirect_uri(redirect_uri)


@pytest.mark.parametrize(
    ("uri", "header", "expected"),
    [
        (RedirectUri("localhost", 8400), "localhost:8400", True),
        (RedirectUri("localhost", 8400), "LOCALHOST:8400", True),
        (RedirectUri("localhost", 8400), "localhost", False),
        (RedirectUri("localhost", 8400), "localhost:8401", False),
        (RedirectUri("localhost", 8400), "127.0.0.1:8400", False),
        (RedirectUri("localhost", 8400), "evil.example:8400", False),
        (RedirectUri("localhost", 8400), "", False),
        (RedirectUri("::1", 8400), "[::1]:8400", True),
        (RedirectUri("::1", 8400), "::1:8400", False),
        (RedirectUri("localhost", 80), "localhost", True),
    ],
)
def test_host_header_has_to_name_the_uris_host_and_port(uri: RedirectUri, header: str, expected: bool) -> None:
    assert uri.is_host(header) is expected
