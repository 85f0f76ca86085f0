"""The authorization endpoint (RFC 6749 section 4.1.1, RFC 7636 section 4.3, OpenID Connect Core 3.1.2)."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field

from azid.emulator.applications import Client
from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import Directory, Tenant
from azid.emulator.grants.authorization_code import AuthorizationCodeGrant
from azid.emulator.refusals import Refusal
from azid.emulator.scopes import Scopes
from azid.emulator.signin import Page
from azid.emulator.tokens import SignIn

__all__ = ["AuthorizeGoal", "authorization_request"]

_PROMPTS = ("", "consent", "create", "login", "none", "select_account")
_RESPONSE_MODES = ("form_post", "query")
_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7636 section 4.2: base64url of a SHA-256


@dataclass
class _Response:
    """Where the answer goes, and how."""

    redirect_uri: str
    mode: str
    state: str | None = field(repr=False)

    def page(self, parameters: Mapping[str, str]) -> Page:
        fields = dict(parameters)
        if self.state is not None:
            fields["state"] = self.state
        if self.mode == "query":
            parts = urllib.parse.urlsplit(self.redirect_uri)
            query = "&".join(filter(None, (parts.query, urllib.parse.urlencode(fields))))
            return Page("", location=urllib.parse.urlunsplit(parts._replace(query=query)))
        # OAuth 2.0 Form Post Response Mode
        values = {"redirect_uri": self.redirect_uri, "fields": fields}
        return Page("form_post.html", values, form_targets=(self.redirect_uri,))

    def error(self, refusal: Refusal) -> Page:
        """RFC 6749 section 4.1.2.1."""
        parameters = {"error": refusal.error, "error_description": str(refusal)}
        if refusal.suberror:
            parameters["error_subcode"] = refusal.suberror
        return self.page(parameters)


@dataclass
class AuthorizeGoal:
    """A sign-in that ends with an authorization code at the application's redirect URI."""

    client: Client
    tenant: Tenant
    scopes: Scopes
    claims: ClaimsRequest
    prompt: str
    login_hint: str
    response: _Response
    code_challenge: str = field(repr=False)
    nonce: str | None = field(repr=False)
    codes: AuthorizationCodeGrant = field(repr=False)
    needs_confirmation: bool = False

    @property
    def form_targets(self) -> tuple[str, ...]:
        return (self.response.redirect_uri,)

    def complete(self, sign_in: SignIn) -> Page:
        code = self.codes.issue(
            sign_in,
            scopes=self.scopes,
            claims=self.claims,
            redirect_uri=self.response.redirect_uri,
            code_challenge=self.code_challenge,
            nonce=self.nonce,
        )
        return self.response.page({"code": code, "session_state": sign_in.session_id})

    def refuse(self, refusal: Refusal) -> Page:
        return self.response.error(refusal)

    def refused(self, refusal: Refusal) -> Page:
        return Page("refused.html", {"refusal": refusal, "returns": True})


def authorization_request(
    query: Mapping[str, str], *, tenant: Tenant, directory: Directory, codes: AuthorizationCodeGrant
) -> AuthorizeGoal | Page:
    """Check the request's parameters; return what the sign-in is for, or the error page for the application.

    :raises Refusal: for the person to see: the application or its redirect URI is not known, so nothing may be sent
        there (RFC 6749 section 4.1.2.1).
    """
    client = directory.client(query.get("client_id"))
    redirect_uri = query.get("redirect_uri")
    if not redirect_uri:
        raise Refusal(90014, "It is 'redirect_uri'.")
    if not client.allows(redirect_uri):
        raise Refusal(50011)
    mode = query.get("response_mode", "query")
    response = _Response(redirect_uri, mode if mode in _RESPONSE_MODES else "query", query.get("state"))
    try:
        if query.get("response_type") != "code":
            raise Refusal(90009) if query.get("response_type") else Refusal(90014, "It is 'response_type'.")
        if mode not in _RESPONSE_MODES:
            raise Refusal(9002313, "Only response_mode=form_post and response_mode=query are supported.")
        challenge = query.get("code_challenge", "")
        # RFC 7636 is optional for those who have a credential besides; what is sent must be right.
        method = query.get("code_challenge_method", "")
        is_good = method == "S256" and _CODE_CHALLENGE.fullmatch(challenge)
        if not is_good and (client.public or challenge or method):
            raise Refusal(9002325)
        if not query.get("scope"):
            raise Refusal(90014, "It is 'scope'.")
        prompt = query.get("prompt", "")
        if prompt not in _PROMPTS:
            raise Refusal(9002313, "The prompt parameter is not one of those that exist.")
        return AuthorizeGoal(
            client=client,
            tenant=tenant,
            scopes=Scopes.parse(query["scope"]),
            claims=ClaimsRequest.parse(query.get("claims")),
            prompt=prompt,
            login_hint=query.get("login_hint", "").strip(),
            response=response,
            code_challenge=challenge,
            nonce=query.get("nonce"),
            codes=codes,
        )
    except Refusal as refusal:
        return response.error(refusal)
