"""An authority that writes down what it is asked.

It answers below `requests`, where every header and form is as it goes out, whatever host the request is for, and opens
no socket. It checks nothing: what is right is for the comparison to say. It runs in two processes, with azid and with
Microsoft's azure-identity, so it knows neither of them, nor the emulator.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypedDict
from urllib.parse import parse_qsl, urlsplit

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

__all__ = ["HOME_TENANT", "PASSWORD", "USERNAME", "Recorded", "RecordingAuthority"]

USERNAME = "ada@contoso.example"
PASSWORD = "correct horse battery staple"
HOME_TENANT = "11111111-2222-3333-4444-555555555555"
_OBJECT_ID = "66666666-7777-8888-9999-000000000000"
_FAMILY_CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The libraries' default client, which shares refresh tokens with others of Microsoft's."""
_DEADLINE = 30.0
"""Seconds that a redirect URI may take to answer the browser."""


class Recorded(TypedDict):
    """One request."""

    call: str
    """What the program had called."""
    endpoint: str
    method: str
    url: str
    """Without its query."""
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    waited: float
    """Seconds since the call began or the request before, by the program's clock."""


class RecordingAuthority(BaseAdapter):
    """Answers one program.

    :param time: the program's clock, in seconds since the epoch.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        super().__init__()
        self.recorded: list[Recorded] = []
        self._time = time
        self._builder = HTTPAdapter()
        self._call = ""
        self._last = time()
        self._nonce = ""
        self._pending = 0
        self._refused = ""
        self._scope = ""
        self._issued = 0
        self._browsers: list[threading.Thread] = []

    def transport(self) -> RequestsTransport:
        """Return azure-core's own transport, at whose end this authority is."""
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", self)
        session.mount("http://", self)
        return RequestsTransport(session=session, session_owner=False, use_env_settings=False)

    def begin(self, call: str, *, pending: int = 0, refused: str = "") -> None:
        """Note that the program begins a call.

        :param call: its name.
        :param pending: how many polls for the device code are too early.
        :param refused: the error that a refresh token is refused with (RFC 6749 section 5.2).
        """
        self._call, self._pending, self._refused, self._last = call, pending, refused, self._time()

    def browse(self, url: str) -> bool:
        """Be the browser: ask for the page at `url`, sign in, and post the answer to the redirect URI."""
        query = self._record("GET", url, "", {})["query"]
        self._nonce, self._scope = query.get("nonce", ""), query["scope"]
        answer = {"code": self._number("code"), "state": query["state"]}
        thread = threading.Thread(target=self._redirect, args=(query["redirect_uri"], answer), daemon=True)
        self._browsers.append(thread)
        thread.start()
        return True

    def close(self) -> None:
        """Wait for the browsers to end."""
        for thread in self._browsers:
            thread.join(_DEADLINE)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        body = request.body or ""
        assert isinstance(body, str | bytes)
        text = body if isinstance(body, str) else body.decode()
        recorded = self._record(request.method or "", request.url or "", text, request.headers)
        status, reply = self._answer(recorded)
        content = json.dumps(reply).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        raw = HTTPResponse(io.BytesIO(content), headers, status, preload_content=False)
        return self._builder.build_response(request, raw)

    def _record(self, method: str, url: str, body: str, headers: Mapping[str, str]) -> Recorded:
        parts = urlsplit(url)
        now = self._time()
        recorded: Recorded = {
            "call": self._call,
            "endpoint": _endpoint(parts.path),
            "method": method,
            "url": f"{parts.scheme}://{parts.netloc}{parts.path}",
            "query": _parameters(parts.query),
            "form": _parameters(body),
            "headers": {name.lower(): value for name, value in headers.items()},
            "waited": now - self._last,
        }
        self._last = now
        self.recorded.append(recorded)
        return recorded

    def _answer(self, asked: Recorded) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(asked["url"])
        if "resource" in asked["query"] or "resource" in asked["form"]:
            return 200, self._token_of_the_machine(asked)
        tenant = parts.path.split("/")[1]
        base = f"https://{parts.netloc}/{tenant}/oauth2" + ("" if tenant == "adfs" else "/v2.0")
        match asked["endpoint"]:
            case "instance discovery":
                asking = urlsplit(asked["query"]["authorization_endpoint"])
                discovery = f"https://{asking.netloc}/{asking.path.split('/')[1]}/v2.0/.well-known/openid-configuration"
                return 200, {"tenant_discovery_endpoint": discovery, "metadata": []}
            case "openid configuration":
                return 200, {
                    "issuer": f"https://{parts.netloc}/{tenant}/v2.0",
                    "authorization_endpoint": f"{base}/authorize",
                    "token_endpoint": f"{base}/token",
                    "device_authorization_endpoint": f"{base}/devicecode",
                }
            case "user realm":
                return 200, {"account_type": "Managed"}
            case "devicecode":
                self._scope = asked["form"]["scope"]
                return 200, {
                    "device_code": self._number("device-code"),
                    "user_code": "ABCD-EFGH",
                    "verification_uri": "https://microsoft.example/devicelogin",
                    "message": "Enter ABCD-EFGH.",
                    "expires_in": 900,
                    "interval": 5,
                }
            case "token" if "device_code" in asked["form"] and self._pending:
                self._pending -= 1
                return 400, {"error": "authorization_pending", "error_description": "AADSTS70016: not yet"}
            case "token" if "refresh_token" in asked["form"] and self._refused:
                return 400, {"error": self._refused, "error_description": "AADSTS50076: a person is needed"}
            case "token" if asked["form"].get("grant_type") == "client_credentials":
                return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": self._number("access-token")}
            case "token":
                return 200, self._tokens(parts.netloc, tenant, asked["form"])
            case "oidctoken":
                return 200, {"oidcToken": "pipeline-token"}
            case "compute":
                return 200, {"location": "westus2"}
        return 404, {}

    def _token_of_the_machine(self, asked: Recorded) -> dict[str, Any]:
        return {
            "access_token": self._number("access-token"),
            "expires_on": str(int(self._time()) + 3600),
            "expires_in": "3600",
            "resource": asked["query"].get("resource") or asked["form"]["resource"],
            "token_type": "Bearer",
        }

    def _tokens(self, host: str, tenant: str, form: Mapping[str, str]) -> dict[str, Any]:
        issuing = tenant if tenant.count("-") == 4 else HOME_TENANT
        id_token = {
            "iss": f"https://{host}/{issuing}/v2.0",
            "aud": form["client_id"],
            "sub": "subject",
            "oid": _OBJECT_ID,
            "tid": issuing,
            "preferred_username": USERNAME,
            "iat": 0,
            "exp": 1 << 33,  # neither library's clock reaches it
            "nonce": self._nonce,
        }
        return {
            "token_type": "Bearer",
            "scope": form.get("scope", self._scope),  # polls for a device code name none
            "expires_in": 3600,
            "access_token": self._number("access-token"),
            "refresh_token": self._number("refresh-token"),
            "id_token": f"{_encoded({'alg': 'none'})}.{_encoded(id_token)}.",
            "client_info": _encoded({"uid": _OBJECT_ID, "utid": HOME_TENANT}),
            **({"foci": "1"} if form["client_id"] == _FAMILY_CLIENT else {}),
        }

    def _number(self, name: str) -> str:
        self._issued += 1
        return f"{name}-{self._issued}"

    def _redirect(self, redirect_uri: str, answer: Mapping[str, str]) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.post(redirect_uri, data=answer, timeout=_DEADLINE)


def _endpoint(path: str) -> str:
    if path.endswith("/openid-configuration"):
        return "openid configuration"
    if path == "/common/discovery/instance":
        return "instance discovery"
    if path.startswith("/common/userrealm/"):
        return "user realm"
    return path.rpartition("/")[2]


def _parameters(text: str) -> dict[str, str]:
    """Return a query's or a form's parameters, of which none may come twice (RFC 6749 sections 3.1 and 3.2)."""
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    assert len(dict(pairs)) == len(pairs), "a parameter comes twice"
    return dict(pairs)


def _encoded(values: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
