"""A protected resource: `/v1.0/me`, which checks bearer tokens (RFC 6750) and passes claims challenges on."""

from __future__ import annotations

import base64

from azid.emulator.challenges import Challenges
from azid.emulator.directory import Directory
from azid.emulator.exchange import JSONReply
from azid.emulator.refusals import Refusal
from azid.emulator.scopes import GRAPH, GRAPH_APP_ID
from azid.emulator.tokens import TokenIssuer

__all__ = ["me"]


def _unauthorized(code: str, message: str, challenge: str) -> JSONReply:
    return 401, {"error": {"code": code, "message": message}}, {"WWW-Authenticate": f"Bearer {challenge}"}


def me(
    authorization: str | None, *, tokens: TokenIssuer, directory: Directory, challenges: Challenges, authority: str
) -> JSONReply:
    """Return the account behind a token: status, JSON body, headers.

    :param authorization: the request's header.
    :param authority: origin of the authority, for the challenge.
    """
    realm = f'realm="", authorization_uri="{authority}/common/oauth2/v2.0/authorize", client_id="{GRAPH_APP_ID}"'
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return _unauthorized("InvalidAuthenticationToken", "A bearer token is required.", realm)
    claims = tokens.check(token.strip(), (GRAPH, GRAPH_APP_ID))
    if claims is None:
        return _unauthorized(
            "InvalidAuthenticationToken",
            "The token is not for this resource, has expired, or was not signed by this emulator.",
            f'{realm}, error="invalid_token"',
        )
    if claims.get("idtyp") == "app":
        return 400, {"error": {"code": "BadRequest", "message": "/me is for tokens of people: this is an app's."}}, {}
    try:
        user = directory.user(str(claims.get("upn")))
    except Refusal:
        return _unauthorized("InvalidAuthenticationToken", "The account is gone.", f'{realm}, error="invalid_token"')
    unmet = challenges.unmet(user, claims)
    if unmet is not None:
        encoded = base64.b64encode(unmet.encode()).decode()
        return _unauthorized(
            "InvalidAuthenticationToken",
            "Continuous access evaluation wants another token.",
            f'{realm}, error="insufficient_claims", claims="{encoded}"',
        )
    return (
        200,
        {
            "@odata.context": f"{GRAPH}/v1.0/$metadata#users/$entity",
            "id": claims["oid"],
            "displayName": user.name,
            "userPrincipalName": user.username,
            "mail": user.username,
        },
        {},
    )
