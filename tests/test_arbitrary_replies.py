"""Whatever an authority answers, the outcome is a token or one kind of error."""

from __future__ import annotations

import base64
import json
import warnings
from contextlib import suppress
from typing import Any

from azure.core.exceptions import ClientAuthenticationError
from hypothesis import given, settings
from hypothesis import strategies as st

from azid import DEVELOPER_SIGN_ON_CLIENT_ID, UsernamePasswordCredential
from tests.conftest import GRAPH

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=5,
)


def encoded(values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


ID_TOKEN_CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "aud": st.just(DEVELOPER_SIGN_ON_CLIENT_ID) | JSON,
        "iss": st.just("https://login.microsoftonline.com/t/v2.0") | JSON,
        "sub": st.just("subject") | JSON,
        "tid": st.just("3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10") | JSON,
        "preferred_username": st.just("ada@contoso.example") | JSON,
        "oid": JSON,
    },
)
ID_TOKENS = ID_TOKEN_CLAIMS.map(lambda claims: f"e30.{encoded(claims)}.") | st.text(max_size=30)
CLIENT_INFOS = (
    st.fixed_dictionaries({}, optional={"uid": st.just("uid") | JSON, "utid": st.just("utid") | JSON}).map(encoded)
    | JSON.map(encoded)
    | st.text(max_size=10)
)
REPLIES = st.fixed_dictionaries(
    {},
    optional={
        "access_token": st.just("token") | JSON,
        "token_type": st.just("Bearer") | JSON,
        "expires_in": st.integers(-5, 90_000) | st.just("3600") | JSON,
        "refresh_in": st.integers(-5, 90_000) | JSON,
        "ext_expires_in": st.integers(-5, 90_000) | JSON,
        "refresh_token": st.just("refresh") | JSON,
        "id_token": ID_TOKENS | JSON,
        "client_info": CLIENT_INFOS | JSON,
        "scope": st.just(GRAPH) | JSON,
        "foci": st.just("1") | JSON,
        "error": st.just("invalid_grant") | JSON,
        "error_description": JSON,
        "error_codes": st.lists(JSON, max_size=3) | JSON,
        "suberror": JSON,
        "claims": JSON,
    },
)
BODIES = REPLIES.map(json.dumps) | JSON.map(json.dumps) | st.text(max_size=60)


class Reply:
    """As little of a response as a transport may return."""

    content_type = "application/json"

    def __init__(self, status_code: int, text: str) -> None:
        self.status_code = status_code
        self.headers: dict[str, str] = {}
        self._text = text

    def text(self) -> str:
        return self._text


class Authority:
    """An azure-core transport that answers each token request with one reply."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def send(self, request: Any, **_: Any) -> Reply:
        # No 404: MSAL would not ask that host again how passwords are proven, in this whole process.
        return self._reply if request.method == "POST" else Reply(200, '{"account_type": "Managed"}')

    def sleep(self, duration: float) -> None:
        pass

    def __enter__(self) -> Authority:
        return self

    def __exit__(self, *details: object) -> None:
        pass


@settings(max_examples=300, deadline=None)
@given(body=BODIES, status_code=st.sampled_from([200, 200, 200, 400, 401, 403, 404, 500, 503]))
def test_a_token_reply_is_used_or_refused(body: str, status_code: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        credential = UsernamePasswordCredential(
            DEVELOPER_SIGN_ON_CLIENT_ID,
            "ada@contoso.example",
            "pass phrase",
            transport=Authority(Reply(status_code, body)),
        )
    for scope in (GRAPH, "https://vault.azure.net/.default"):  # what came of the first is there for the second
        with suppress(ClientAuthenticationError):
            token = credential.get_token(scope)
            assert token.token
            assert isinstance(token.expires_on, int)
