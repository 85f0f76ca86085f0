"""An https authority, and a machine's endpoint, with prepared answers, fast and the same for both libraries. They check
nothing.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from azid.emulator.exchange import Reply, Request
from azid.emulator.proxy import ConnectProxy
from azid.emulator.server import Server
from azid.emulator.tls import CertificateAuthority
from benchmarks.sign_ins import LOGIN_HOST, TENANT_ID, application_token_reply, machine_token_reply, token_reply

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CannedAuthority"]

# AADSTS50173 is what Entra answers after a person's sign-ins were revoked.
_REVOKED = {
    "error": "invalid_grant",
    "error_description": "AADSTS50173: The provided grant has expired due to it being revoked.",
    "error_codes": [50173],
}


class CannedAuthority:
    """A context in which the authority listens on loopback. It runs in threads of the process that asks for numbers and
    does nothing else meanwhile.
    """

    def __init__(self) -> None:
        self.expires_in = 3_600
        """How long the access tokens live that it hands out, in seconds."""
        self.latency = 0.0
        """Seconds that it lets each request wait, as a network would."""
        self.revoked = False
        """Whether it refuses refresh tokens."""
        self._requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="azid-benchmarks-")
        certificates = CertificateAuthority.create()
        self.ca_file = str(Path(self._folder.name, "ca.pem"))
        """The certificate to trust."""
        Path(self.ca_file).write_bytes(certificates.certificate)
        self._server = Server(("127.0.0.1", 0), self._answer, certificates.server_context())
        self.host = self._server.netloc
        """The host and port, as credentials take them for `authority`."""
        self._machine = Server(("127.0.0.1", 0), self._answer)
        self.machine_environment = {
            "IDENTITY_ENDPOINT": f"http://{self._machine.netloc}/managed-identity",
            "IDENTITY_HEADER": "identity-header",
        }
        """Variables with which a program takes itself for one that App Service gives an identity."""
        self._proxy = ConnectProxy({f"{LOGIN_HOST}:443": self._server.port})
        self.environment = {"HTTPS_PROXY": self._proxy.url, "REQUESTS_CA_BUNDLE": self.ca_file}
        """Variables with which a program meets it where it expects the public cloud's authority."""

    def take_requests(self) -> Counter[str]:
        """Return how many requests came for each endpoint since the last time, by the path's last segment."""
        with self._lock:
            requests, self._requests = self._requests, Counter()
        return requests

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._proxy.stop()
        self._machine.stop()
        self._server.stop()
        self._folder.cleanup()

    def _answer(self, request: Request) -> Reply:
        endpoint = request.parts.path.rpartition("/")[2]
        with self._lock:
            self._requests[endpoint] += 1
        if self.latency:
            time.sleep(self.latency)
        status, values = self._values(endpoint, request)
        return Reply(status, [("Content-Type", "application/json")], json.dumps(values).encode())

    def _values(self, endpoint: str, request: Request) -> tuple[int, dict[str, Any]]:
        base = f"https://{request.parts.netloc}/{TENANT_ID}"
        match endpoint:
            case "instance":
                names = {"preferred_network": LOGIN_HOST, "preferred_cache": LOGIN_HOST, "aliases": [LOGIN_HOST]}
                return 200, {
                    "tenant_discovery_endpoint": f"{base}/v2.0/.well-known/openid-configuration",
                    "metadata": [names],
                }
            case "openid-configuration":
                return 200, {
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                }
            case "devicecode":
                return 200, {
                    "device_code": "device-code",
                    "user_code": "ABCD-EFGH",
                    "verification_uri": "https://microsoft.example/devicelogin",
                    "message": "Enter ABCD-EFGH.",
                    "expires_in": 900,
                    "interval": 1,
                }
            case "token":
                return self._tokens(request.form)
            case "managed-identity":
                return 200, machine_token_reply(self.expires_in)
        return 404, {}

    def _tokens(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        if self.revoked and "refresh_token" in form:
            return 400, _REVOKED
        if form["grant_type"] == "client_credentials":
            return 200, application_token_reply(self.expires_in)
        return 200, token_reply(0, 0, scope=form.get("scope", ""), expires_in=self.expires_in)
