"""`azid whoami`, and the claims that it decodes."""

from __future__ import annotations

import base64
import json
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azid import AuthenticationRecord
from azid.cli import exit_codes
from azid.cli.claims import decode, duration, explain, moment
from azid.cli.whoami import as_json, describe
from azid.emulator import Emulator
from azid.tokens.access import TokenInfo
from tests.cli.conftest import Invoke, SignIn
from tests.conftest import ADA, GRAPH

NOW = 1_700_000_000
CENTRAL_EUROPE = timezone(timedelta(hours=1))
RECORD = AuthenticationRecord("t", "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "login.microsoftonline.com", "o.t", "ada")


def token_of(claims: object) -> str:
    parts = ({"alg": "RS256"}, claims)
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{body}.c2lnbmF0dXJl"


def described(token: str, **options: Any) -> str:
    info = TokenInfo(token, NOW + 2820)
    return describe(RECORD, (GRAPH,), info, now=NOW, zone=CENTRAL_EUROPE, **options)


def test_the_account_and_its_claims_are_explained(sign_in: SignIn, azid: Invoke) -> None:
    sign_in()
    token = azid("token", "--scope", GRAPH).stdout.strip()
    done = azid("whoami", "--scope", GRAPH)
    assert (done.exit_code, done.stderr) == (exit_codes.OK, "")
    lines = done.stdout.splitlines()
    assert lines[0] == ADA.username
    assert "  application  04b07795-8ddb-461a-bbee-02f9e1bf7b46 (Microsoft Azure CLI)" in lines
    assert "  aud          https://graph.microsoft.com" in lines
    assert f"  oid          {ADA.object_id}" in lines
    assert "Its claims, decoded, not verified:" in lines
    assert token not in done.stdout
    assert token.rpartition(".")[2] not in done.stdout


def test_the_token_is_shown_if_that_is_asked_for(sign_in: SignIn, azid: Invoke) -> None:
    sign_in()
    token = azid("token", "--scope", GRAPH).stdout.strip()
    assert azid("whoami", "--scope", GRAPH, "--show-token").stdout.splitlines()[-1] == token
    assert json.loads(azid("whoami", "--scope", GRAPH, "--show-token", "-o", "json").stdout)["token"]["token"] == token


def test_json_has_the_claims_as_they_are(sign_in: SignIn, azid: Invoke) -> None:
    record = sign_in()
    told = json.loads(azid("whoami", "--scope", GRAPH, "-o", "json").stdout)
    assert list(told) == ["tenant_id", "client_id", "authority", "home_account_id", "username", "token"]
    assert (told["username"], told["home_account_id"]) == (record.username, record.home_account_id)
    assert list(told["token"]) == ["scopes", "format", "verified", "expires_on", "expires", "claims"]
    assert (told["token"]["format"], told["token"]["verified"], told["token"]["scopes"]) == ("jwt", False, [GRAPH])
    assert abs(told["token"]["claims"]["exp"] - told["token"]["expires_on"]) < 60


def test_nobody(azid: Invoke) -> None:
    done = azid("whoami", "-o", "json")
    assert (done.exit_code, done.stdout) == (exit_codes.SIGN_IN_NEEDED, "")
    assert json.loads(done.stderr)["error"]["remedy"] == "azid login"


def test_who_has_to_sign_in_again(sign_in: SignIn, azid: Invoke, entra: Emulator) -> None:
    sign_in()
    entra.revoke(ADA.username)
    done = azid("whoami", "--scope", "https://vault.azure.net/.default")
    assert done.exit_code == exit_codes.SIGN_IN_NEEDED
    assert ADA.username in done.stderr


def test_times_are_local_and_relative() -> None:
    text = described(token_of({"exp": NOW + 2820, "iat": NOW - 90}))
    assert "  expires      2023-11-15 00:00:20+01:00, in 47 min" in text
    assert "  exp          2023-11-15 00:00:20+01:00, in 47 min" in text
    assert "  iat          2023-11-14 23:11:50+01:00, 1 min ago" in text


def test_how_the_person_signed_in_is_told_in_words() -> None:
    text = described(token_of({"amr": ["pwd", "mfa", "future"], "acr": "1"}))
    assert "amr          pwd, mfa, future (password, several factors)" in text


def test_unknown_claims_are_shown_last_and_as_they_are() -> None:
    rows = explain({"xyz": {"a": [1]}, "b": None, "tid": "t", "aud": "x"}, now=NOW)
    assert [(name, value) for name, value, _ in rows] == [
        ("aud", "x"),
        ("tid", "t"),
        ("b", "null"),
        ("xyz", '{"a": [1]}'),
    ]


def test_a_claim_cannot_speak_to_the_terminal() -> None:
    text = described(token_of({"name": "\x1b[2Jada", "\x07": 1, "list": ["\x1b"]}))
    assert "\x1b[2J" not in text
    assert "\x07" not in text


@pytest.mark.parametrize("token", ["opaque", "a.b", "a.b.c", "..", "W10.W10.x", token_of([]), "é.é.é", "a.b.c.d.e"])
def test_an_opaque_token_has_no_claims(token: str) -> None:
    assert decode(token) is None
    assert "It is opaque" in described(token)
    told = as_json(RECORD, (GRAPH,), TokenInfo(token, NOW))["token"]
    assert (told["format"], told["claims"]) == ("opaque", None)


@given(st.text() | st.tuples(st.text(), st.text(), st.text()).map(".".join))
def test_any_text_is_decoded_or_opaque(token: str) -> None:
    assert decode(token) is None or isinstance(decode(token), dict)


@given(
    st.dictionaries(
        st.text(), st.recursive(st.none() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=4)
    )
)
def test_any_claims_can_be_told(claims: dict[str, Any]) -> None:
    described(token_of({**claims, "exp": claims.get("exp", 10**20)}))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (2820, "47 min"),
        (3900, "1 h 5 min"),
        (86_400, "1 d"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_a_moment_that_no_calendar_has() -> None:
    assert moment(10**20, now=NOW) == str(10**20)
    assert moment(float("nan"), now=NOW) == "nan"
    assert moment(NOW, now=NOW, zone=timezone.utc).endswith(", now")
