"""The emulator itself: what a test or a demo holds in its hands."""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from azid.clock import Clock, SystemClock
from azid.emulator.app import create_app
from azid.emulator.challenges import Challenges
from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import DEFAULT_TENANT_ID, Client, Directory, User, names
from azid.emulator.exchange import Reply, Request
from azid.emulator.faults import Fault, Faults
from azid.emulator.grants.authorization_code import AuthorizationCodeGrant
from azid.emulator.grants.device_code import DeviceCodeGrant
from azid.emulator.grants.password import PasswordGrant
from azid.emulator.grants.refresh_token import RefreshTokenGrant
from azid.emulator.grants.saml_bearer import SamlBearerGrant
from azid.emulator.requests_log import RecordedRequest, RequestLog, error_of
from azid.emulator.scopes import GRAPH
from azid.emulator.server import Server, listen_on_loopback
from azid.emulator.services import Services
from azid.emulator.signin import SignInPages
from azid.emulator.tls import CertificateAuthority
from azid.emulator.tokens import Signer, TokenIssuer
from azid.emulator.transport import EmulatorAdapter, EmulatorTransport

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Emulator"]

_PUBLIC_AUTHORITY = "https://login.microsoftonline.com"


class Emulator:
    """An Entra ID of its own: tenants, people, applications, pages, tokens.

    Without being started it is usable in process, under any host name: `transport()` for Azure SDK clients,
    `session()` for anything that takes a `requests.Session`. Started (`with` or `start()`) it listens on loopback as
    well: https for the endpoints that programs call, plain http for the pages that a person opens.

    :param users: the people who can sign in.
    :param clock: the time by which everything issued expires. Defaults to the machine's.
    :param clients: applications besides the well-known public ones: `Client`, or a client id alone.
    :param tenants: names of tenants besides the users' domains, with their GUIDs.
    :param access_token_lifetime: seconds; defaults to an hour. Clients that can handle continuous access evaluation
        get 24 hours.
    :param device_code_interval: seconds between a device's polls; defaults to 5.
    :param device_code_lifetime: seconds a device code is good for; defaults to 15 minutes.
    :param default_scope_in_reply: whether the reply to a request for `.default` lists `.default` too.
    :param port: of the https endpoints once started; the pages are then at the next one. Defaults to 0: the system
        chooses both.
    :param on_request: called with every request once its reply is known, in the thread that answers.
    :param on_device_code: called with the address and the user code of each device code, in the thread that answers,
        before the program gets it: whoever is to enter it need not be told by the program.
    """

    def __init__(
        self,
        users: Iterable[User] = (),
        *,
        clock: Clock | None = None,
        clients: Iterable[Client | str] | None = None,
        tenants: Mapping[str, str] | None = None,
        access_token_lifetime: int = 3600,
        device_code_interval: int = 5,
        device_code_lifetime: int = 900,
        default_scope_in_reply: bool = True,
        port: int = 0,
        on_request: Callable[[RecordedRequest], object] | None = None,
        on_device_code: Callable[[str, str], object] | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self._port = port
        self._on_request = on_request
        self._on_device_code = on_device_code
        self._log = RequestLog()
        self._servers: list[Server] = []
        self._directory_on_disk: tempfile.TemporaryDirectory[str] | None = None
        self._certificate_pin = ""
        self._lock = threading.Lock()
        directory = Directory(users, clients, tenants)
        challenges = Challenges()
        signer = Signer()
        refresh_tokens = RefreshTokenGrant(self.clock, directory, challenges)
        self._faults = Faults(self.clock, signer)
        self._services = Services(
            clock=self.clock,
            directory=directory,
            challenges=challenges,
            signer=signer,
            tokens=TokenIssuer(
                self.clock, signer, access_token_lifetime, default_scope_in_reply=default_scope_in_reply
            ),
            authorization_codes=AuthorizationCodeGrant(self.clock, directory, refresh_tokens),
            device_codes=DeviceCodeGrant(self.clock, directory, device_code_interval, device_code_lifetime),
            refresh_tokens=refresh_tokens,
            password=PasswordGrant(self.clock, directory),
            saml=SamlBearerGrant(self.clock, directory),
            pages=SignInPages(self.clock, directory),
            authority=lambda: self.authority,
            page_origin=lambda: self.page_origin,
            started=lambda: self.started,
        )
        self._app = create_app(self._services)

    def __repr__(self) -> str:
        return f"Emulator({self.authority!r}, users={[user.username for user in self._services.directory.users]})"

    # --- Where it is

    tenant_id = DEFAULT_TENANT_ID
    """GUID of the tenant that users belong to unless they say otherwise."""

    resource_scope = f"{GRAPH}/.default"
    """The scope of `resource_url`."""

    @property
    def started(self) -> bool:
        """Whether it listens."""
        return bool(self._servers)

    @property
    def authority(self) -> str:
        """Origin of the endpoints that programs call: https on loopback, or Entra's own when not started."""
        return f"https://127.0.0.1:{self._servers[0].port}" if self._servers else _PUBLIC_AUTHORITY

    @property
    def page_origin(self) -> str:
        """Origin of the pages that a person opens: plain http on loopback, or Entra's own when not started."""
        return f"http://localhost:{self._servers[1].port}" if self._servers else _PUBLIC_AUTHORITY

    @property
    def resource_url(self) -> str:
        """The protected resource, which takes tokens for `resource_scope`."""
        return f"{self.authority if self.started else GRAPH}/v1.0/me"

    @property
    def ca_file(self) -> str:
        """Path of a PEM file with the CA's certificate, for `connection_verify`; it goes away with `stop`.

        :raises RuntimeError: the emulator is not started: in process there is no TLS.
        """
        if self._directory_on_disk is None:
            raise RuntimeError("the emulator has a CA only while it is started: use it in a with statement")
        return str(Path(self._directory_on_disk.name, "ca.pem"))

    @property
    def certificate_pin(self) -> str:
        """SHA-256 of its certificate's public key, in base64 (RFC 7469 section 2.4), to trust it by that alone.

        :raises RuntimeError: the emulator is not started.
        """
        if not self._certificate_pin:
            raise RuntimeError("the emulator has a certificate only while it is started: use it in a with statement")
        return self._certificate_pin

    # --- Starting and stopping

    def start(self) -> Self:
        """Listen on loopback.

        :raises RuntimeError: it listens already.
        :raises OSError: the port that was asked for is taken.
        """
        with self._lock:
            if self._servers:
                raise RuntimeError("the emulator is started already")
            self._faults.stopping.clear()
            ca = CertificateAuthority.create()
            self._directory_on_disk = tempfile.TemporaryDirectory(prefix="azid-emulator-")
            Path(self._directory_on_disk.name, "ca.pem").write_bytes(ca.certificate)
            with contextlib.ExitStack() as undo:
                undo.callback(self._directory_on_disk.cleanup)
                endpoints = Server(("127.0.0.1", self._port), self.answer, ca.server_context())
                undo.callback(endpoints.stop)
                pages = listen_on_loopback(self.answer, self._port and self._port + 1)
                undo.pop_all()
            self._servers = [endpoints, *pages]
            self._certificate_pin = ca.pin
        return self

    def stop(self) -> None:
        """Close every connection and end every thread; without effect when not started."""
        with self._lock:
            self._faults.stopping.set()
            for server in self._servers:
                server.stop()
            self._servers = []
            self._certificate_pin = ""
            if self._directory_on_disk is not None:
                self._directory_on_disk.cleanup()
                self._directory_on_disk = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # --- Reaching it in process

    def session(self) -> requests.Session:
        """Return a `requests.Session` whose requests, to whatever host, the emulator answers without a socket."""
        session = requests.Session()
        session.trust_env = False
        for scheme in ("https://", "http://"):
            session.mount(scheme, EmulatorAdapter(self.answer))
        return session

    def transport(self) -> EmulatorTransport:
        """Return an azure-core transport that does the same. Its `sleep` takes no time."""
        return EmulatorTransport(self.session(), self.clock)

    def answer(self, request: Request) -> Reply:
        """Answer one request, with the fault that is due, and record it.

        :raises ConnectionCut: a fault cuts the connection.
        :raises ReplyTooLate: a fault's delay is longer than the caller waits.
        """
        endpoint = self._endpoint(request)
        reply: Reply | None = None
        try:
            reply = self._faults.meet(request, endpoint, self._serve)
        finally:
            entry = RecordedRequest(
                method=request.method,
                url=request.url,
                host=request.parts.netloc,
                path=request.parts.path,
                query=request.query,
                form=request.form,
                headers=dict(request.headers.items()),
                status=0 if reply is None else reply.status,
                endpoint=endpoint,
                error="" if reply is None else error_of(reply),
            )
            self._log.add(entry)
            if self._on_request is not None:
                self._on_request(entry)
        if endpoint == "devicecode" and self._on_device_code is not None and not reply.cut:
            with contextlib.suppress(ValueError, LookupError, TypeError):  # a refusal, or a fault's own body
                code = json.loads(reply.body)
                self._on_device_code(code["verification_uri"], code["user_code"])
        return reply

    def _endpoint(self, request: Request) -> str:
        urls = self._app.url_map.bind(request.parts.netloc or "localhost")
        try:
            rule, _ = urls.match(request.parts.path or "/", request.method, return_rule=True)
        except (HTTPException, RequestRedirect):
            return ""
        return str(rule.endpoint)

    def _serve(self, request: Request) -> Reply:
        builder = EnvironBuilder(
            path=request.parts.path or "/",
            base_url=f"{request.parts.scheme}://{request.parts.netloc}",
            query_string=request.parts.query,
            method=request.method,
            headers=request.headers,
            data=request.body,
        )
        try:
            response = Response.from_app(self._app, builder.get_environ(), buffered=True)
        finally:
            builder.close()
        return Reply(response.status_code, list(response.headers.items()), response.get_data())

    # --- What it saw

    @property
    def requests(self) -> list[RecordedRequest]:
        """Everything that was asked since the start or `clear`, oldest first."""
        return self._log.entries()

    def token_requests(self, grant: str | None = None) -> list[RecordedRequest]:
        """Return the requests to the token endpoint.

        :param grant: only those with this `grant_type`.
        """
        return [
            entry for entry in self.requests if entry.endpoint == "token" and names(grant, entry.form.get("grant_type"))
        ]

    # --- Scripting it

    def add_user(self, user: User) -> User:
        """Add an account, or replace the one with this username."""
        self._services.directory.add_user(user)
        return user

    def refuse(
        self,
        username: str,
        code: int,
        *,
        endpoint: str | None = None,
        grant: str | None = None,
        times: int | None = None,
        error: str | None = None,
        suberror: str | None = None,
        claims: str = "",
    ) -> None:
        """Refuse a user from now on with an AADSTS code.

        :param endpoint: only at `"token"`, or at `"authorize"`: on the pages, device code's included, after the
            password. Defaults to both.
        :param grant: only this `grant_type` at the token endpoint; device code's may be called `"device_code"`.
        :param times: how often; defaults to always, until `clear`.
        :param error: OAuth error code instead of the catalogue's; needed for a code that the catalogue lacks.
        :param suberror: instead of the catalogue's.
        :param claims: a claims request (JSON) for the error reply.
        :raises ValueError: the catalogue lacks the code and `error` was not given.
        """
        self._services.directory.refuse(
            username,
            code,
            endpoint=endpoint,
            grant=grant,
            times=times,
            error=error,
            suberror=suberror,
            claims=claims,
        )

    def revoke(self, username: str) -> None:
        """Take back a user's refresh tokens: using one gives AADSTS50173 from now on."""
        self._services.refresh_tokens.revoke(self._services.directory.user(username))

    def challenge(self, username: str, claims: Mapping[str, object] | None = None, *, needs_person: bool = True) -> str:
        """Let the protected resource answer a user with a claims challenge until a token satisfies it.

        :param claims: the claims request: `acrs` or `nbf` of the access token. Defaults to the authentication context
            `c1`.
        :param needs_person: whether a refresh with these claims is refused (AADSTS50076) until someone signed in with
            them.
        :returns: the claims request as JSON.
        """
        text = json.dumps(claims or {"access_token": {"acrs": {"essential": True, "value": "c1"}}})
        user = self._services.directory.user(username)
        self._services.challenges.set(user, ClaimsRequest.parse(text), needs_person=needs_person)
        return text

    def inject(self, fault: Fault) -> None:
        """Let something go wrong with the next requests that match the fault."""
        self._faults.add(fault)

    def clear_log(self) -> None:
        """Forget the requests that were made so far, and nothing else."""
        self._log.clear()

    def clear(self) -> None:
        """Forget all but users and applications: log, faults, refusals, challenges, consents, sign-ins, tokens."""
        self._log.clear()
        self._faults.clear()
        self._services.directory.clear()
        self._services.challenges.clear()
        self._services.pages.clear()
        for grant in self._services.grants:
            grant.clear()
