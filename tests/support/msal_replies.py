"""An authority's answers to MSAL as a test writes them, and a client that gets them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.core.rest import HttpRequest

from azid.clock import ManualClock
from azid.msal_client.public import AuthorizationCodeFlow, PublicClient
from azid.pipeline import TokenPipeline
from azid.tokens.document import Account
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse
from tests.support.stub_transport import Reply, StubTransport, json_reply

CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
TENANT = "3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10"
HOST = "login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com/.default"
REDIRECT_URI = "http://localhost:5001"
CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "the-claims-value"}}}'
PASSWORD = 'Ada\'s "pass" phrase/é'
REFRESH_TOKEN = "the-first-refresh-token"
REQUEST = TokenRequest((GRAPH,), TENANT)
ADA = Account(f"ada.{TENANT}", [HOST], CLIENT)
BOB = Account(f"bob.{TENANT}", [HOST], CLIENT)
GIVE_UP = 20  # seconds after which a test that would hang fails

Answer = Callable[[HttpRequest], Reply]


def encoded(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


def tokens(uid: str = "ada", tenant_id: str = TENANT, *, nonce: str | None = None, **values: object) -> dict[str, Any]:
    """Return a token reply with `values` in it; None takes one out."""
    claims = {
        "aud": CLIENT,
        "iss": f"https://{HOST}/{tenant_id}/v2.0",
        "tid": tenant_id,
        "sub": f"subject of {uid}",
        "preferred_username": f"{uid}@contoso.example",
        "nonce": nonce,
    }
    complete = {
        "token_type": "Bearer",
        "scope": GRAPH,
        "expires_in": 3600,
        "ext_expires_in": 3600,
        "access_token": f"the-access-token-of-{uid}",
        "refresh_token": f"the-next-refresh-token-of-{uid}",
        "id_token": f"{encoded({'alg': 'none'})}.{encoded(claims)}.signature",
        "client_info": encoded({"uid": uid, "utid": tenant_id}),
        **values,
    }
    return {name: value for name, value in complete.items() if value is not None}


def refused(error: str, code: int | None = None, **values: object) -> Reply:
    description = f"AADSTS{code}: not this time." if code else "not this time."
    codes = [code] if code else []
    return json_reply({"error": error, "error_description": description, "error_codes": codes, **values}, 400)


def client_of(
    transport: StubTransport, *, authority: str = f"https://{HOST}", validate_authority: bool = True
) -> PublicClient:
    return PublicClient(
        client_id=CLIENT,
        authority=authority,
        validate_authority=validate_authority,
        support_logging=True,
        pipeline=TokenPipeline(transport=transport, retry_total=0, logging_enable=True),
        clock=ManualClock(),
    )


def form_of(request: HttpRequest) -> dict[str, Any]:
    assert isinstance(request.content, dict)
    return request.content


def query_of(uri: str) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(uri).query, strict_parsing=True).items()}


DEVICE = {
    "device_code": "the-device-code",
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://microsoft.com/devicelogin",
    "expires_in": 900,
    "interval": 5,
    "message": "To sign in, open the page and enter ABCD-EFGH.",
}


def begun(
    client: PublicClient, request: TokenRequest = REQUEST, login_hint: str | None = None
) -> AuthorizationCodeFlow:
    return client.begin_authorization_code(request, redirect_uri=REDIRECT_URI, login_hint=login_hint)


def answered(flow: AuthorizationCodeFlow, **values: str) -> dict[str, str]:
    return {"code": "the-code", "state": flow.state, **values}


def with_realm(*replies: Reply, realm: Reply | None = None) -> StubTransport:
    """Return a transport that answers user-realm discovery by itself."""
    left = list(replies)

    def answer(request: HttpRequest) -> Reply:
        if "/userrealm/" in request.url:
            return realm or json_reply({"account_type": "Managed"})
        return left.pop(0) if len(left) > 1 else left[0]

    return StubTransport(answer)


def password_tokens(client: PublicClient, request: TokenRequest = REQUEST) -> TokenResponse:
    return client.redeem_password(request, "ada@contoso.example", PASSWORD)


def refresh(
    client: PublicClient,
    account: Account = ADA,
    *,
    request: TokenRequest = REQUEST,
    secret: str = REFRESH_TOKEN,
    family_id: str | None = None,
) -> TokenResponse:
    return client.redeem_refresh_token(request, account.home_account_id, secret, family_id)
