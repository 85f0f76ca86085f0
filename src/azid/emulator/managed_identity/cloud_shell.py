"""Azure Cloud Shell, which answers like a managed identity, but with tokens of the person who has opened it."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.wrappers import Request

from azid.clock import Clock
from azid.emulator.applications import Client
from azid.emulator.client_authentication import Proof
from azid.emulator.directory import Directory
from azid.emulator.exchange import JSONReply
from azid.emulator.identities import Identities, IssuedToken
from azid.emulator.listening import Listening
from azid.emulator.managed_identity import Endpoint, Reason, Refused, require_metadata
from azid.emulator.scopes import Scopes
from azid.emulator.tokens import Granted, SignIn, TokenIssuer

__all__ = ["CloudShell"]

_PORTAL = Client("b677c290-cf4b-4a8e-a60e-91ba650a4abe", "Azure Portal console")
_TOKEN_LIFETIME = 3600  # seconds


class CloudShell(Endpoint):
    """Takes a form, and `Metadata: true`. The person is the first of the directory."""

    kind = "cloud-shell"
    path = "/oauth2/token"
    method = "POST"
    api_versions = ()
    # The real one passes them over, too: it has one account to offer.
    other_parameters = frozenset({"client_id", "object_id", "resource_id", "msi_res_id", "token_type"})

    def __init__(self, identities: Identities, clock: Clock, directory: Directory, tokens: TokenIssuer) -> None:
        super().__init__(identities)
        self._clock = clock
        self._directory = directory
        self._tokens = tokens

    def environ(self, where: Listening) -> dict[str, str]:
        return {"MSI_ENDPOINT": f"{where.plain_origin}{self.path}"}

    def _admit(self, request: Request) -> None:
        require_metadata(request)

    def _issue(self, values: Mapping[str, str]) -> IssuedToken:
        person = next(iter(self._directory.users), None)
        if person is None:
            raise Refused(Reason.IDENTITY, "Nobody has opened this shell: the directory has no users.")
        now, resource = int(self._clock.time()), values["resource"]
        sign_in = SignIn(person, person.tenant_id, _PORTAL, now)
        granted = Granted(sign_in, Scopes(resource, (".default",), ("openid",)))
        token = self._tokens.person_token(granted, _PORTAL, proof=Proof.ASSERTION, lifetime=_TOKEN_LIFETIME)
        return IssuedToken(token, resource, _PORTAL.client_id, now, now + _TOKEN_LIFETIME)

    def _reply(self, issued: IssuedToken) -> dict[str, object]:
        return {
            "access_token": issued.access_token,
            "refresh_token": "",
            "expires_in": str(issued.expires_in),
            "expires_on": str(issued.expires_on),
            "not_before": str(issued.issued_at),
            "resource": issued.resource,
            "token_type": "Bearer",
        }

    def _refuse(self, refused: Refused) -> JSONReply:
        code = "AudienceNotSupported" if refused.reason is Reason.RESOURCE else "BadRequest"
        return 400, {"error": {"code": code, "message": refused.text}}, {}
