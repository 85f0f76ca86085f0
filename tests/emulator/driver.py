"""A client of the emulator that is neither azid nor MSAL: raw requests, so that tests see what goes over the wire."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import urllib.parse
from typing import Any

import requests

from azid.emulator import Emulator

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"
GRAPH_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
LOGIN = "https://login.microsoftonline.com"
SCOPE = "https://graph.microsoft.com/.default offline_access openid profile"
REDIRECT_URI = "http://localhost:8400"
VERIFIER = "a-code-verifier-that-is-long-enough-for-rfc-7636"


def payload(token: str) -> dict[str, Any]:
    """Return the claims of a JWT."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


class Form(html.parser.HTMLParser):
    """The page's name, its first form, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.page = ""
        self.action = ""
        self.fields: dict[str, str] = {}
        self.labelled: set[str] = set()
        self.ids: dict[str, str] = {}
        self._forms = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "body":
            self.page = values["data-page"]
        elif tag == "form":
            self._forms += 1
            self.action = self.action or values["action"]
        elif tag == "label":
            self.labelled.add(values["for"])
        elif tag == "input" and self._forms == 1:
            self.fields[values["name"]] = values.get("value", "")
            if values.get("type") != "hidden":
                self.ids[values["name"]] = values.get("id", "")


class Driver:
    """Asks the emulator's endpoints in process, and walks its pages in one browser."""

    def __init__(self, entra: Emulator, origin: str = LOGIN) -> None:
        self.entra = entra
        self.browser = entra.session()
        self.origin = origin

    def token(self, tenant: str = "organizations", **form: str) -> requests.Response:
        body = {"client_id": AZURE_CLI, "scope": SCOPE, "client_info": "1", **form}
        body = {name: value for name, value in body.items() if value}
        return self.browser.post(f"{self.origin}/{tenant}/oauth2/v2.0/token", data=body)

    def password(self, username: str, password: str, **form: str) -> requests.Response:
        return self.token(grant_type="password", username=username, password=password, **form)

    def refresh(self, refresh_token: str, **form: str) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **form)

    def authorize(self, tenant: str = "organizations", **query: str) -> requests.Response:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": AZURE_CLI,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": "the-state",
            "nonce": "the-nonce",
            "response_mode": "form_post",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt": "select_account",
            **query,
        }
        asked = {name: value for name, value in asked.items() if value}
        return self.browser.get(f"{self.origin}/{tenant}/oauth2/v2.0/authorize", params=asked, allow_redirects=False)

    def act(self, page: requests.Response, action: str, **fields: str) -> requests.Response:
        """Send the page's form with a button."""
        form = Form(page.text)
        target = urllib.parse.urljoin(page.url, form.action)
        return self.browser.post(target, data={**form.fields, **fields, "action": action}, allow_redirects=False)

    def answer(self, username: str, password: str, **query: str) -> dict[str, str]:
        """Walk to the end and return what the application gets."""
        page = self.act(self.authorize(**query), "pick", username=username)
        form = Form(page.text)
        if form.page == "password":
            form = Form(self.act(page, "password", password=password).text)
        assert form.page == "form_post", form.source
        return form.fields

    def redeem(self, code: str, **form: str) -> requests.Response:
        fields = {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER, **form}
        return self.token(grant_type="authorization_code", **fields)

    def device_code(self, **form: str) -> dict[str, Any]:
        body = {"client_id": AZURE_CLI, "scope": SCOPE, **form}
        reply = self.browser.post(f"{self.origin}/organizations/oauth2/v2.0/devicecode", data=body)
        assert reply.status_code == 200, reply.text
        code: dict[str, Any] = reply.json()
        return code

    def poll(self, device_code: str) -> requests.Response:
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        return self.token(grant_type=grant, device_code=device_code, scope="")


def refusal(reply: requests.Response) -> tuple[str, int]:
    """Return the OAuth error and the AADSTS code of a refusal."""
    body = reply.json()
    (code,) = body["error_codes"]
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    return body["error"], code
