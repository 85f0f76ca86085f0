from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from tests.wire.comparison import Difference, differences
from tests.wire.recording_authority import Recorded

VERIFIER = "a" * 43


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def request(endpoint: str, **changes: Any) -> Recorded:
    recorded: Recorded = {
        "call": "get_token",
        "endpoint": endpoint,
        "method": "POST",
        "url": f"https://login.example/{endpoint}",
        "query": {},
        "form": {},
        "headers": {},
        "waited": 0.0,
    }
    recorded.update(changes)  # type: ignore[typeddict-item]
    return recorded


def compare(theirs: list[Recorded], ours: list[Recorded]) -> list[Difference]:
    return list(differences({"sign-in": theirs}, {"sign-in": ours}))


def sign_in(verifier: str = VERIFIER, port: int = 40000, redeemed_at: int | None = None) -> list[Recorded]:
    asked = {"code_challenge": challenge(verifier), "redirect_uri": f"http://localhost:{port}"}
    redeemed = {"code_verifier": verifier, "redirect_uri": f"http://localhost:{redeemed_at or port}"}
    return [request("authorize", query=asked), request("token", form=redeemed)]


@pytest.mark.parametrize(
    ("changes", "field", "pair"),
    [
        ({"form": {"scope": "b"}}, "form.scope", ("a", "b")),
        ({"form": {}}, "form.scope", ("a", None)),
        ({"form": {"scope": "a", "claims": "{}"}}, "form.claims", (None, "{}")),
        ({"form": {"scope": "a"}, "headers": {"accept": "*/*"}}, "header.accept", (None, "*/*")),
        ({"form": {"scope": "a"}, "method": "GET"}, "method", ("POST", "GET")),
        ({"form": {"scope": "a"}, "waited": 5.0}, "waited", ("0 s", "5 s")),
    ],
)
def test_a_field_that_differs(changes: dict[str, Any], field: str, pair: tuple[str | None, str | None]) -> None:
    theirs, ours = request("token", form={"scope": "a"}), request("token", **changes)
    assert compare([theirs], [ours]) == [Difference("sign-in: get_token: token", field, *pair)]


def test_a_request_that_only_one_sends() -> None:
    sent = [request("token"), request("token")]
    assert compare(sent, sent[:1]) == [Difference("sign-in: get_token: token 2", "request", "sent", None)]


def test_requests_in_another_order() -> None:
    [found] = compare([request("keys"), request("token")], [request("token"), request("keys")])
    assert (found.place, found.field) == ("sign-in", "order")


def test_random_values_of_the_same_shape_are_the_same() -> None:
    assert compare(sign_in(), sign_in("b" * 43, 50000)) == []


def test_a_random_value_of_another_shape_differs() -> None:
    theirs, ours = (request("authorize", query={"state": state}) for state in ("s" * 22, "1"))
    [found] = compare([theirs], [ours])
    assert (found.azure_identity, found.azid) == ("<state 1>", "1")


def test_a_verifier_of_another_challenge_differs() -> None:
    tampered = sign_in()
    tampered[1]["form"]["code_verifier"] = "c" * 43
    [found] = compare(sign_in(), tampered)
    assert (found.field, found.azid) == ("form.code_verifier", "verifier of <challenge 2>")


def test_another_redirect_uri_at_the_redemption_differs() -> None:
    [found] = compare(sign_in(), sign_in(redeemed_at=40001))
    assert (found.field, found.azid) == ("form.redirect_uri", "http://localhost:<port 2>")
