"""Token documents as tests make them: one client's replies, filed for two people."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import msal

from azid.tokens.document import (
    Account,
    Document,
    find_access_token,
    find_refresh_tokens,
    write,
)
from azid.tokens.response import TokenResponse

CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OTHER_CLIENT = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
TENANT = "3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10"
GUEST_TENANT = "7b8a3c1e-1111-4000-8000-000000000000"
HOST = "login.microsoftonline.com"
HOSTS = frozenset({HOST, "login.windows.net"})
HOME = f"the-object.{TENANT}"
NOW = 1_767_225_600
GRAPH = "https://graph.microsoft.com/.default"
READ = "https://graph.microsoft.com/User.Read"
VAULT = "https://vault.azure.net/.default"

ADA = Account(HOME, HOSTS, CLIENT)
BOB = Account(f"bob.{TENANT}", HOSTS, CLIENT)
ADA_ELSEWHERE = Account(HOME, HOSTS, OTHER_CLIENT)


def encoded(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


def reply(account: Account = ADA, tenant_id: str = TENANT, **values: object) -> dict[str, Any]:
    uid, _, utid = account.home_account_id.partition(".")
    claims = {
        "aud": account.client_id,
        "iss": f"https://{HOST}/{tenant_id}/v2.0",
        "tid": tenant_id,
        "oid": uid,
        "sub": "the-subject",
        "preferred_username": "Ada@contoso.example",
    }
    complete = {
        "token_type": "Bearer",
        "scope": GRAPH,
        "expires_in": 3600,
        "ext_expires_in": 7200,
        "access_token": "the-access-token",
        "refresh_token": "the-refresh-token",
        "id_token": f"{encoded({'alg': 'none'})}.{encoded(claims)}.signature",
        "client_info": encoded({"uid": uid, "utid": utid}),
        **values,
    }
    return {name: value for name, value in complete.items() if value is not None}


def parsed(values: dict[str, Any], account: Account = ADA, at: int = NOW) -> TokenResponse:
    return TokenResponse.parse(values, client_id=account.client_id, tenant_id="organizations", requested_at=at)


def sign_in(
    document: Document,
    account: Account = ADA,
    *,
    scopes: Iterable[str] = (GRAPH,),
    at: int = NOW,
    host: str = HOST,
    tenant_id: str = TENANT,
    **values: object,
) -> None:
    response = parsed(reply(account, tenant_id, **values), account, at)
    write(document, response, account, host=host, tenant_id=tenant_id, scopes=scopes, grant_type="authorization_code")


def secret_of(
    document: Document,
    account: Account = ADA,
    *,
    scopes: Iterable[str] = (GRAPH,),
    now: float = NOW,
    tenant_id: str = TENANT,
) -> str | None:
    found = find_access_token(document, account, tenant_id=tenant_id, scopes=scopes, now=now)
    return None if found is None else found.access_token.token


def refresh_secrets(document: Document, account: Account = ADA) -> list[str]:
    return [token.secret for token in find_refresh_tokens(document, account)]


SECTIONS = ("AccessToken", "Account", "AppMetadata", "IdToken", "RefreshToken")


def msals_document(
    values: dict[str, Any], *, realm: str = TENANT, scopes: Iterable[str] = (GRAPH,), grant_type: str | None
) -> Document:
    """Return what MSAL makes of the same reply to the same request."""
    cache = msal.TokenCache()
    event = {
        "client_id": CLIENT,
        "scope": list(scopes),
        "token_endpoint": f"https://{HOST}/{realm}/oauth2/v2.0/token",
        "environment": HOST,
        "grant_type": grant_type,
        "data": {},
        "response": values,
    }
    if grant_type is None:  # as MSAL does upon a refresh
        event["grant_type"] = "refresh_token"
    cache.add(event, now=NOW)
    document: Document = {section: {} for section in vars(cache.CredentialType).values() if section in SECTIONS}
    for section in SECTIONS:
        for entry in cache.search(section, now=NOW):
            document[section][cache.key_makers[section](**entry)] = entry
    return document
