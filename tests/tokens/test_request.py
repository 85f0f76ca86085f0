from __future__ import annotations

from azid.tokens.request import TokenRequest


def test_requests_for_the_same_are_equal() -> None:
    request = TokenRequest(("a",), "tenant")
    assert request == TokenRequest(("a",), "tenant", None, enable_cae=False)
    assert len({request, TokenRequest(("a",), "tenant")}) == 1


def test_what_a_token_depends_on_tells_requests_apart() -> None:
    requests = {
        TokenRequest(("a",), "tenant"),
        TokenRequest(("b",), "tenant"),
        TokenRequest(("a",), "other"),
        TokenRequest(("a",), "tenant", "{}"),
        TokenRequest(("a",), "tenant", enable_cae=True),
    }
    assert len(requests) == 5


def test_claims_are_not_shown() -> None:
    assert "secret" not in repr(TokenRequest(("a",), "tenant", '{"secret": 1}'))
