"""Stand-ins for Azure services that have no emulator: they take an emulator's tokens, and ask for them as Azure does.

Sources: RFC 6750; Azure Key Vault documentation, "Authentication, requests and responses"; Entra documentation,
"Claims challenges, claims requests, and client capabilities".
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import trustme
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from azid.emulator import Emulator
from azid.emulator.exchange import Reply, Request
from azid.emulator.server import Server

__all__ = ["Blobs", "Gate", "ResourceManager", "Vault", "serve"]


def _reply(status: int, body: Mapping[str, object], **headers: str) -> Reply:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Reply(status, [("Content-Type", "application/json"), *named], json.dumps(body).encode())


@dataclass
class Gate:
    """Lets requests in that carry an emulator's token.

    :param entra: whose tokens.
    :param audiences: the `aud` that tokens must have one of.
    :param challenge: what `WWW-Authenticate` says of where tokens are to be had.
    """

    entra: Emulator
    audiences: tuple[str, ...]
    challenge: str
    claims: str = ""
    """A claims request with `acrs` that tokens must meet; empty for none."""
    refused: list[str] = field(default_factory=list)
    """Why requests were not let in, oldest first."""

    def check(self, request: Request) -> Reply | None:
        """Return the refusal of a request, or None to let it in."""
        token = request.headers.get("Authorization", "").partition("Bearer ")[2]
        if not token:
            return self._refuse("no token", self.challenge)
        claims = self._verified(token)
        if claims is None:
            return self._refuse("invalid token", f'{self.challenge}, error="invalid_token"')
        if self.claims and json.loads(self.claims)["access_token"]["acrs"]["value"] not in claims.get("acrs", ()):
            encoded = base64.b64encode(self.claims.encode()).decode()
            challenge = f'{self.challenge}, error="insufficient_claims", claims="{encoded}"'
            return self._refuse("insufficient claims", challenge)
        return None

    @cached_property
    def _keys(self) -> KeySet:
        authority = f"{self.entra.authority}/{self.entra.tenant_id}"
        return KeySet.import_key_set(self.entra.session().get(f"{authority}/discovery/v2.0/keys").json())

    def _verified(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token if its signature, audience and lifetime are right."""
        rules = jwt.JWTClaimsRegistry(
            now=int(self.entra.clock.time()),
            aud={"essential": True, "values": list(self.audiences)},
            exp={"essential": True},
            nbf={"essential": True},
        )
        try:
            decoded = jwt.decode(token, self._keys, algorithms=["RS256"])
            rules.validate(decoded.claims)
        except (JoseError, ValueError):
            return None
        return dict(decoded.claims)

    def _refuse(self, why: str, challenge: str) -> Reply:
        self.refused.append(why)
        error = {"code": "Unauthorized", "message": why}
        return _reply(401, {"error": error}, WWW_Authenticate=f"Bearer {challenge}")


class Vault:
    """A key vault: secrets are set with PUT and read with GET."""

    def __init__(self, entra: Emulator) -> None:
        authority = f"https://login.microsoftonline.com/{entra.tenant_id}"
        resource = "https://vault.azure.net"
        self.gate = Gate(entra, (resource,), f'authorization="{authority}", resource="{resource}"')
        self.bodies: list[tuple[str, bytes]] = []
        """Of every request, whether it carried a token or not, oldest first: method and body."""
        self._secrets: dict[str, str] = {}

    def answer(self, request: Request) -> Reply:
        self.bodies.append((request.method, request.body))
        if refusal := self.gate.check(request):
            return refusal
        name = request.parts.path.split("/")[2]
        if request.method == "PUT":
            self._secrets[name] = json.loads(request.body)["value"]
        if name not in self._secrets:
            return _reply(404, {"error": {"code": "SecretNotFound", "message": name}})
        place = f"https://{request.parts.netloc}/secrets/{name}/0123456789abcdef0123456789abcdef"
        attributes = {"enabled": True, "created": 1767225600, "updated": 1767225600}
        return _reply(200, {"value": self._secrets[name], "id": place, "attributes": attributes})


class ResourceManager:
    """Azure Resource Manager with two resource groups in every subscription."""

    groups = ("accounts", "shipping")

    def __init__(self, entra: Emulator) -> None:
        audiences = ("https://management.azure.com", "https://management.core.windows.net/")
        authority = f"https://login.microsoftonline.com/{entra.tenant_id}"
        self.gate = Gate(entra, audiences, f'authorization_uri="{authority}"')

    def answer(self, request: Request) -> Reply:
        if refusal := self.gate.check(request):
            return refusal
        path = request.parts.path
        if request.method != "GET" or not path.lower().endswith("/resourcegroups"):
            return _reply(404, {"error": {"code": "NotFound", "message": path}})
        kind = "Microsoft.Resources/resourceGroups"
        values = [{"id": f"{path}/{name}", "name": name, "type": kind, "location": "west"} for name in self.groups]
        return _reply(200, {"value": values})


class Blobs:
    """A storage account whose containers can be listed."""

    containers = ("invoices", "pictures")

    def __init__(self, entra: Emulator) -> None:
        authority = f"https://login.microsoftonline.com/{entra.tenant_id}/oauth2/authorize"
        resource = "https://storage.azure.com"
        self.gate = Gate(entra, (resource,), f"authorization_uri={authority} resource_id={resource}")

    def answer(self, request: Request) -> Reply:
        if refusal := self.gate.check(request):
            return refusal
        properties = "<Last-Modified>Thu, 01 Jan 2026 00:00:00 GMT</Last-Modified><Etag>1</Etag>"
        listed = "".join(
            f"<Container><Name>{name}</Name><Properties>{properties}</Properties></Container>"
            for name in self.containers
        )
        body = f"<EnumerationResults><Containers>{listed}</Containers><NextMarker/></EnumerationResults>"
        return Reply(200, [("Content-Type", "application/xml")], body.encode())


@contextmanager
def serve(answer: Callable[[Request], Reply], ca: trustme.CA, *names: str) -> Iterator[int]:
    """Serve requests over https on a port of 127.0.0.1 that the system chooses, and yield the port.

    :param ca: issues the certificate.
    :param names: the host names it is for, besides 127.0.0.1.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", *names).configure_cert(context)
    server = Server(("127.0.0.1", 0), answer, context)
    try:
        yield server.port
    finally:
        server.stop()
