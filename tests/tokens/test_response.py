from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from hypothesis import given
from hypothesis import strategies as st

from azid.errors import AuthenticationFailedError
from azid.tokens.response import TokenResponse

CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
TENANT = "3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10"
OTHER_TENANT = "7b8a3c1e-0000-4000-8000-000000000000"
NOW = 1_767_225_600.75
CLAIMS = {
    "aud": CLIENT,
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "tid": TENANT,
    "oid": "the-object",
    "sub": "the-subject",
    "preferred_username": "ada@contoso.example",
}


def encoded(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


def id_token(**claims: object) -> str:
    values = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return f"{encoded({'alg': 'none'})}.{encoded(values)}.signature"


def reply(**values: object) -> dict[str, Any]:
    """Return a sign-in's reply with `values` in it; None takes one out."""
    complete = {
        "token_type": "Bearer",
        "scope": "https://graph.microsoft.com/User.Read https://graph.microsoft.com/.default",
        "expires_in": 3600,
        "ext_expires_in": 7200,
        "access_token": "the-access-token",
        "refresh_token": "the-refresh-token",
        "id_token": id_token(),
        "client_info": encoded({"uid": "the-object", "utid": TENANT}),
        **values,
    }
    return {name: value for name, value in complete.items() if value is not None}


def parse(values: dict[str, Any], tenant_id: str = TENANT) -> TokenResponse:
    return TokenResponse.parse(values, client_id=CLIENT, tenant_id=tenant_id, requested_at=NOW)


def test_a_complete_reply_is_read() -> None:
    response = parse(reply(refresh_in=1800, foci="1"))
    assert (response.access_token, response.token_type) == ("the-access-token", "Bearer")
    assert (response.refresh_token, response.family_id) == ("the-refresh-token", "1")
    assert response.scope == (
        "https://graph.microsoft.com/User.Read",
        "https://graph.microsoft.com/.default",
    )
    assert (response.expires_in, response.refresh_in, response.ext_expires_in) == (3600, 1800, 7200)
    assert response.requested_at == int(NOW)
    assert response.expires_on == int(NOW) + 3600
    assert response.refresh_on == int(NOW) + 1800
    assert response.home_account_id == f"the-object.{TENANT}"
    assert response.tenant_id == TENANT
    assert response.username == "ada@contoso.example"
    assert response.claim("oid") == "the-object"


def test_a_reply_to_a_refresh_may_hold_little() -> None:
    response = parse({"access_token": "the-access-token", "expires_in": 60})
    assert response.token_type == "Bearer"
    assert response.scope is None
    assert response.refresh_token is None
    assert response.id_token is None
    assert response.refresh_on is None
    assert response.home_account_id is None
    assert response.tenant_id is None
    assert response.username == ""


def test_nothing_secret_is_shown() -> None:
    shown = repr(parse(reply()))
    for secret in ("the-access-token", "the-refresh-token", "signature", "the-object", "ada@"):
        assert secret not in shown


# Lifetimes


@pytest.mark.parametrize(("written", "seconds"), [(3600, 3600), ("3600", 3600), (3600.9, 3600), (" 60 ", 60)])
def test_lifetimes_may_be_text(written: object, seconds: int) -> None:
    assert parse(reply(expires_in=written, refresh_in=written, ext_expires_in=written)).expires_in == seconds


NO_LIFETIMES = [
    "",
    "soon",
    "1h",
    0,
    -1,
    "-3600",
    10**12,
    1e300,
    float("nan"),
    float("inf"),
    True,
    [3600],
    {},
    "9" * 5000,
]


@pytest.mark.parametrize("wrong", [None, *NO_LIFETIMES])
def test_a_token_without_a_usable_lifetime_is_refused(wrong: object) -> None:
    with pytest.raises(AuthenticationFailedError, match="how many seconds"):
        parse(reply(expires_in=wrong))


@pytest.mark.parametrize("wrong", NO_LIFETIMES)
def test_lifetimes_that_are_optional_are_passed_over(wrong: object) -> None:
    response = parse(reply(refresh_in=wrong, ext_expires_in=wrong))
    assert response.refresh_in is response.ext_expires_in is response.refresh_on is None


# Types


@pytest.mark.parametrize("wrong", [None, ""])
def test_a_reply_without_an_access_token_is_refused(wrong: object) -> None:
    with pytest.raises(AuthenticationFailedError, match="no access token"):
        parse(reply(access_token=wrong))


TEXTS = ["access_token", "token_type", "scope", "refresh_token", "foci", "id_token", "client_info"]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("wrong", [1, 0, True, [], ["x"], {}, {"x": "y"}])
def test_what_should_be_text_is_named(name: str, wrong: object) -> None:
    with pytest.raises(AuthenticationFailedError, match=f"'{name}' that is not text"):
        parse(reply(**{name: wrong}))


MALFORMED = [
    "x",
    "a.b",
    "a..c",
    "ä.ä.ä",
    f"a.{encoded([])}.c",
    f"a.{encoded(None)}.c",
    f"a.{encoded('x')}.c",
    "a." + base64.urlsafe_b64encode(b"\xff\xfe").decode() + ".c",
    "a." + base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".c",
    "\ud800.\ud800.\ud800",
]


@pytest.mark.parametrize("token", MALFORMED)
def test_a_malformed_id_token_is_refused_and_not_quoted(token: str) -> None:
    with pytest.raises(AuthenticationFailedError, match="malformed id token") as caught:
        parse(reply(id_token=token))
    assert token not in str(caught.value).split()


@pytest.mark.parametrize("info", ["x", "ä", encoded([]), encoded(None), encoded("x")])
def test_malformed_client_info_is_refused(info: str) -> None:
    with pytest.raises(AuthenticationFailedError, match="malformed client_info"):
        parse(reply(client_info=info))


@pytest.mark.parametrize("name", ["tid", "sub", "preferred_username", "oid"])
@pytest.mark.parametrize("wrong", [1, [], {}, True])
def test_claims_of_the_wrong_type_do_not_count(name: str, wrong: object) -> None:
    response = parse(reply(id_token=id_token(**{name: wrong})), "organizations")
    assert response.claim(name) is None


# Whom it is meant for


@pytest.mark.parametrize("audience", ["another", None, [], ["another"], {CLIENT: 1}, 1, CLIENT.upper(), f"{CLIENT}x"])
def test_another_clients_id_token_is_refused(audience: object) -> None:
    with pytest.raises(AuthenticationFailedError, match="another application"):
        parse(reply(id_token=id_token(aud=audience)))


@pytest.mark.parametrize("audience", [CLIENT, [CLIENT], ["another", CLIENT]])
def test_this_clients_id_token_is_taken(audience: object) -> None:
    assert parse(reply(id_token=id_token(aud=audience))).id_token_claims["aud"] == audience


def test_another_tenants_tokens_are_refused_and_both_are_named() -> None:
    with pytest.raises(AuthenticationFailedError, match=f"{OTHER_TENANT}.*{TENANT}"):
        parse(reply(id_token=id_token(tid=OTHER_TENANT)))


def test_another_tenant_that_only_the_issuer_names_is_refused_too() -> None:
    token = id_token(tid=None, iss=f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0")
    with pytest.raises(AuthenticationFailedError, match="instead of"):
        parse(reply(id_token=token))


@pytest.mark.parametrize("asked", [TENANT, TENANT.upper(), "organizations", "common", "contoso.example"])
def test_the_tenant_that_was_asked_may_go_by_other_names(asked: str) -> None:
    assert parse(reply(), asked).tenant_id == TENANT


def test_a_long_tenant_is_cut_in_the_error() -> None:
    with pytest.raises(AuthenticationFailedError) as caught:
        parse(reply(id_token=id_token(tid="x" * 10_000)))
    assert len(str(caught.value)) < 300


# Who signed in


def record(values: dict[str, Any], tenant_id: str = "organizations") -> Any:
    return parse(values, tenant_id).record(client_id=CLIENT, authority_host="the.host", tenant_id=tenant_id)


def test_a_sign_in_has_a_record() -> None:
    signed_in = record(reply())
    assert signed_in.tenant_id == TENANT
    assert signed_in.client_id == CLIENT
    assert signed_in.authority == "login.microsoftonline.com"
    assert signed_in.home_account_id == f"the-object.{TENANT}"
    assert signed_in.username == "ada@contoso.example"


@pytest.mark.parametrize(
    "info", [None, {}, {"uid": "u"}, {"utid": "t"}, {"uid": 1, "utid": 2}, {"uid": None, "utid": None}]
)
def test_without_usable_client_info_the_subject_is_the_account(info: object) -> None:
    assert record(reply(client_info=None if info is None else encoded(info))).home_account_id == "the-subject"


@pytest.mark.parametrize("missing", [None, ""])
def test_a_reply_without_an_id_token_has_no_record(missing: str | None) -> None:
    with pytest.raises(AuthenticationFailedError, match="who signed in"):
        record(reply(id_token=missing))


@pytest.mark.parametrize("subject", [None, "", 5, []])
def test_a_reply_that_names_nobody_has_no_record(subject: object) -> None:
    with pytest.raises(AuthenticationFailedError, match="who signed in"):
        record(reply(client_info=None, id_token=id_token(sub=subject)))


def test_adfs_names_people_and_tenants_its_own_way() -> None:
    token = id_token(tid=None, preferred_username=None, upn="ada@corp.example", iss="https://adfs.corp.example/adfs")
    signed_in = record(reply(client_info=None, id_token=token), "adfs")
    assert (signed_in.username, signed_in.tenant_id) == ("ada@corp.example", "adfs")
    assert signed_in.authority == "adfs.corp.example"


@pytest.mark.parametrize("issuer", [None, "", 3, "text"])
def test_without_an_issuer_the_caller_knows_authority_and_tenant(issuer: object) -> None:
    signed_in = record(reply(id_token=id_token(iss=issuer, tid=None)))
    assert signed_in.authority == "the.host"


@pytest.mark.parametrize("issuer", ["https://[", "https://[x]y/", "//\u2100"])
def test_an_issuer_that_is_no_url_fails_as_every_other_reply_does(issuer: str) -> None:
    with contextlib.suppress(ClientAuthenticationError):
        record(reply(id_token=id_token(iss=issuer, tid=None)))


# Whatever comes

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
JWT_CLAIMS = st.fixed_dictionaries(
    {},
    optional={name: VALUES | st.text().map("https://".__add__) | st.just(value) for name, value in CLAIMS.items()},
)
ID_TOKENS = JWT_CLAIMS.map(lambda claims: f"a.{encoded(claims)}.c")
CLIENT_INFOS = st.dictionaries(st.sampled_from(["uid", "utid"]), VALUES).map(encoded)
REPLIES = st.fixed_dictionaries(
    {},
    optional={
        **{name: VALUES | st.text() for name in TEXTS},
        **{name: VALUES | st.integers(1, 9999) for name in ("expires_in", "refresh_in", "ext_expires_in")},
        "access_token": st.just("a") | VALUES,
        "id_token": ID_TOKENS | VALUES,
        "client_info": CLIENT_INFOS | VALUES,
    },
)


@given(REPLIES, st.sampled_from([TENANT, "organizations", "contoso.example"]))
def test_any_reply_is_a_response_or_an_authentication_failure(values: dict[str, Any], tenant_id: str) -> None:
    try:
        response = parse(values, tenant_id)
        response.record(client_id=CLIENT, authority_host="the.host", tenant_id=tenant_id)
    except AuthenticationFailedError:
        return
    assert response.access_token
    assert response.expires_on > NOW
    assert response.home_account_id
