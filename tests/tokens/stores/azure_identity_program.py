"""Microsoft's azure-identity with its persistent cache: run by its own environment's Python, it prints JSON.

sign-in <scope>          signs a person in, without a network; prints the record and the token
silent <scope> <record>  prints the token that it has without a person
"""

from __future__ import annotations

import base64
import json
import sys
import time
from typing import Any

from azure.core.rest import HttpRequest
from azure.identity import (
    AuthenticationRecord,
    InteractiveBrowserCredential,
    TokenCachePersistenceOptions,
    UsernamePasswordCredential,
)

from tests.support.stub_transport import Reply, StubTransport, json_reply

CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
TENANT_ID = "11111111-2222-3333-4444-555555555555"
USER_ID = "66666666-7777-8888-9999-000000000000"
USERNAME = "ada@contoso.example"


def answer(request: HttpRequest) -> Reply:
    """Answer as Entra ID would."""
    base, _, document = request.url.partition("/v2.0/.well-known/")
    if document:
        return json_reply(
            {
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
            }
        )
    if "userrealm" in request.url:
        return json_reply({"account_type": "Managed"})
    claims = {
        "iss": f"https://login.microsoftonline.com/{TENANT_ID}/v2.0",
        "aud": CLIENT_ID,
        "sub": "subject",
        "oid": USER_ID,
        "tid": TENANT_ID,
        "preferred_username": USERNAME,
        "exp": int(time.time()) + 3600,
        "iat": int(time.time()),
    }
    return json_reply(
        {
            "token_type": "Bearer",
            "scope": "https://graph.microsoft.com/.default",
            "expires_in": 3600,
            "access_token": "the token that azure-identity got",
            "refresh_token": "the refresh token that azure-identity got",
            "id_token": f"{encode({'alg': 'none'})}.{encode(claims)}.",
            "client_info": encode({"uid": USER_ID, "utid": TENANT_ID}),
        }
    )


def encode(values: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


def main(action: str, scope: str, record: str = "") -> None:
    options: dict[str, Any] = {
        "transport": StubTransport(answer),
        "cache_persistence_options": TokenCachePersistenceOptions(),
        "disable_instance_discovery": True,
    }
    if action == "sign-in":
        credential = UsernamePasswordCredential(CLIENT_ID, USERNAME, "password", **options)
        signed_in = credential.authenticate(scopes=[scope])
        print(json.dumps({"record": signed_in.serialize(), "token": credential.get_token(scope).token}))
    else:
        silent = InteractiveBrowserCredential(
            authentication_record=AuthenticationRecord.deserialize(record),
            disable_automatic_authentication=True,
            **options,
        )
        print(json.dumps({"token": silent.get_token(scope).token}))


if __name__ == "__main__":
    main(*sys.argv[1:])
