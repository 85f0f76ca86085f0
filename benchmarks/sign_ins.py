"""Made-up sign-ins: what an authority answers to them and to programs, and how they lie in MSAL's token cache.

Both libraries read the same cache, which MSAL's own `TokenCache.add` fills.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import msal

__all__ = [
    "CLAIMS",
    "CLIENT_ID",
    "DAY",
    "LOGIN_HOST",
    "TENANT_ID",
    "application_token_reply",
    "cache_of",
    "home_account_id",
    "machine_token_reply",
    "record",
    "scope",
    "sign_in_event",
    "token_reply",
    "username",
]

LOGIN_HOST: Final = "login.microsoftonline.com"
"""The public cloud's authority."""
_LOOPBACK: Final = "127.0.0.1"
TENANT_ID: Final = "11111111-2222-3333-4444-555555555555"
CLIENT_ID: Final = "66666666-7777-8888-9999-000000000000"
CLAIMS: Final = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
"""A claims challenge (OpenID Connect Core section 5.5). No token that a library has meets one: it asks for another."""
DAY: Final = 86_400
"""Seconds."""


def scope(number: int) -> str:
    return f"https://resource-{number}.example/.default"


def username(account: int) -> str:
    return f"person-{account}@contoso.example"


def home_account_id(account: int) -> str:
    return f"{_object_id(account)}.{TENANT_ID}"


def record(account: int, host: str) -> dict[str, str]:
    """Return an account's authentication record, as the arguments of either library's class."""
    return {
        "tenant_id": TENANT_ID,
        "client_id": CLIENT_ID,
        "authority": host,
        "home_account_id": home_account_id(account),
        "username": username(account),
    }


def token_reply(account: int, number: int, *, scope: str, expires_in: int) -> dict[str, Any]:
    """Return a token response (RFC 6749 section 5.1), as long as a real one is.

    :param account: whose.
    :param number: tells its tokens from the account's others.
    :param scope: the scopes that it grants.
    :param expires_in: seconds.
    """
    id_token = {
        "iss": f"https://login.example/{TENANT_ID}/v2.0",
        "aud": CLIENT_ID,
        "sub": f"subject-{account}",
        "oid": _object_id(account),
        "tid": TENANT_ID,
        "preferred_username": username(account),
        "iat": 0,
        "exp": 1 << 33,
    }
    return {
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": expires_in,
        "access_token": f"access-token-{account}-{number}-".ljust(1_500, "a"),
        "refresh_token": f"refresh-token-{account}-{number}-".ljust(1_000, "r"),
        "id_token": f"{_encoded({'alg': 'none'})}.{_encoded(id_token)}.{'s' * 342}",
        "client_info": _encoded({"uid": _object_id(account), "utid": TENANT_ID}),
    }


def application_token_reply(expires_in: int) -> dict[str, Any]:
    """Return a token response to an application's own credential (RFC 6749 section 4.4.3), as long as a real one is."""
    return {
        "token_type": "Bearer",
        "expires_in": expires_in,
        "ext_expires_in": expires_in,
        "access_token": "access-token-".ljust(1_300, "a"),
    }


def machine_token_reply(expires_in: int) -> dict[str, str]:
    """Return what App Service's managed identity endpoint answers (Azure documentation, "How to use managed identities
    for App Service and Azure Functions").
    """
    return {
        "token_type": "Bearer",
        "expires_on": str(int(time.time()) + expires_in),
        "resource": scope(0).removesuffix("/.default"),
        "access_token": "access-token-".ljust(1_300, "a"),
    }


def sign_in_event(account: int, number: int = 0, *, host: str = _LOOPBACK, expires_in: int = DAY) -> dict[str, Any]:
    """Return what MSAL's `TokenCache.add` is given after a sign-in.

    :param account: who signed in.
    :param number: the scope's.
    :param host: the authority's, without its port, as MSAL has it.
    :param expires_in: seconds.
    """
    return {
        "client_id": CLIENT_ID,
        "environment": host,
        "token_endpoint": f"https://{host}/{TENANT_ID}/oauth2/v2.0/token",
        "grant_type": "authorization_code",
        "scope": [scope(number)],
        "response": token_reply(account, number, scope=scope(number), expires_in=expires_in),
    }


def cache_of(
    accounts: int, scopes: int, *, host: str = _LOOPBACK, expired: bool = False
) -> msal.SerializableTokenCache:
    """Return MSAL's cache after `accounts` people each signed in for `scopes` scopes.

    :param host: the authority's, without its port.
    :param expired: whether their access tokens have expired, so that only the refresh tokens are left.
    """
    import msal

    cache = msal.SerializableTokenCache()
    signed_in_at = time.time() - (DAY if expired else 0)
    for account in range(accounts):
        for number in range(scopes):
            event = sign_in_event(account, number, host=host, expires_in=3_600 if expired else DAY)
            cache.add(event, now=signed_in_at)
    return cache


def _object_id(account: int) -> str:
    return f"00000000-0000-0000-0000-{account:012}"


def _encoded(values: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
