"""The emulator itself: what a test or a demo holds in its hands."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from azid.clock import Clock, SystemClock
from azid.emulator.app import create_app
from azid.emulator.applications import Client
from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import DEFAULT_TENANT_ID, Directory, User, names
from azid.emulator.dispatch import Dispatcher
from azid.emulator.exchange import Reply, Request
from azid.emulator.faults import Fault, Faults
from azid.emulator.federation import DEFAULT_ISSUER, FEDERATED_TOKEN_LIFETIME, TOKEN_EXCHANGE_AUDIENCE
from azid.emulator.identities import SYSTEM_ASSIGNED, Identities, ManagedIdentity
from azid.emulator.listening import Listening
from azid.emulator.managed_identity.kinds import Kind
from azid.emulator.pipelines import PIPELINES_ISSUER
from azid.emulator.requests_log import RecordedRequest, RequestLog
from azid.emulator.scopes import GRAPH
from azid.emulator.services import Services
from azid.emulator.signer import Signer
from azid.emulator.tokens import TokenIssuer
from azid.emulator.transport import EmulatorAdapter, EmulatorTransport

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Emulator"]


class Emulator:
    """An Entra ID of its own: tenants, people, applications, machines' identities, pages, tokens.

    Without being started it is usable in process, under any host name: `transport()` for Azure SDK clients,
    `session()` for anything that takes a `requests.Session`. Started (`with` or `start()`) it listens on loopback as
    well: https for the endpoints that programs call, plain http for the pages that a person opens.

    :param users: the people who can sign in.
    :param clock: the time by which everything issued expires. Defaults to the machine's.
    :param clients: applications besides the well-known public ones: `Client`, or a client id alone.
    :param tenants: names of tenants besides the users' domains, with their GUIDs.
    :param identities: user-assigned managed identities.
    :param system_assigned: the machine's own managed identity: `SYSTEM_ASSIGNED` for True, none for False.
    :param access_token_lifetime: seconds; defaults to an hour. Clients that can handle continuous access evaluation
        get 24 hours, and managed identities do.
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
        identities: Iterable[ManagedIdentity] = (),
        system_assigned: ManagedIdentity | bool = True,
        access_token_lifetime: int = 3600,
        device_code_interval: int = 5,
        device_code_lifetime: int = 900,
        default_scope_in_reply: bool = True,
        port: int = 0,
        on_request: Callable[[RecordedRequest], object] | None = None,
        on_device_code: Callable[[str, str], object] | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self._log = RequestLog()
        self._listening = Listening(port)
        signer = Signer()
        self._faults = Faults(self.clock, signer)
        tokens = TokenIssuer(self.clock, signer, access_token_lifetime, default_scope_in_reply=default_scope_in_reply)
        own = SYSTEM_ASSIGNED if system_assigned is True else system_assigned or None
        self._services = Services.make(
            self.clock,
            self._listening,
            Directory(users, clients, tenants),
            tokens,
            Identities(self.clock, tokens, identities, own),
            device_code_interval=device_code_interval,
            device_code_lifetime=device_code_lifetime,
        )
        app = create_app(self._services)
        self._dispatcher = Dispatcher(app, self._faults, self._log, on_request, on_device_code)

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
        return self._listening.started

    @property
    def authority(self) -> str:
        """Origin of the endpoints that programs call: https on loopback, or Entra's own when not started."""
        return self._listening.authority

    @property
    def page_origin(self) -> str:
        """Origin of the pages that a person opens: plain http on loopback, or Entra's own when not started."""
        return self._listening.page_origin

    @property
    def resource_url(self) -> str:
        """The protected resource, which takes tokens for `resource_scope`."""
        return f"{self.authority if self.started else GRAPH}/v1.0/me"

    @property
    def ca_file(self) -> str:
        """Path of a PEM file with the CA's certificate, for `connection_verify`; it goes away with `stop`.

        :raises RuntimeError: the emulator is not started: in process there is no TLS.
        """
        return self._listening.ca_file

    @property
    def certificate_pin(self) -> str:
        """SHA-256 of its certificate's public key, in base64 (RFC 7469 section 2.4), to trust it by that alone.

        :raises RuntimeError: the emulator is not started.
        """
        return self._listening.certificate_pin

    # --- Starting and stopping

    def start(self) -> Self:
        """Listen on loopback.

        :raises RuntimeError: it listens already.
        :raises OSError: the port that was asked for is taken.
        """
        self._faults.stopping.clear()
        self._listening.start(self.answer)
        return self

    def stop(self) -> None:
        """Close every connection and end every thread; without effect when not started."""
        self._faults.stopping.set()
        self._listening.stop()
        self._services.managed_identities.clear()

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
        return self._dispatcher.answer(request)

    # --- Programs that sign in as nobody

    def federated_token(
        self,
        subject: str,
        *,
        issuer: str = DEFAULT_ISSUER,
        audience: str = TOKEN_EXCHANGE_AUDIENCE,
        lifetime: int = FEDERATED_TOKEN_LIFETIME,
    ) -> str:
        """Return a workload's token, such as a Kubernetes cluster or GitHub would give it.

        It proves the applications with a `Federation` of the same issuer, subject and audience. Write it to the file
        that `AZURE_FEDERATED_TOKEN_FILE` names, or send it as a client assertion.

        :param subject: `system:serviceaccount:NAMESPACE:NAME`, say.
        :param issuer: whose token it is to be.
        :param audience: whom it is for.
        :param lifetime: seconds; defaults to an hour.
        """
        return self._services.issuers.token(subject, issuer=issuer, audience=audience, lifetime=lifetime)

    def pipelines_environ(
        self, service_connection_id: str, subject: str, *, issuer: str = PIPELINES_ISSUER
    ) -> dict[str, str]:
        """Return the variables of an Azure Pipelines job that may use a service connection.

        `SYSTEM_OIDCREQUESTURI` is where the job gets its token, and `SYSTEM_ACCESSTOKEN` what it proves itself with
        there. The token proves applications with a `Federation` of this issuer and subject.

        :param service_connection_id: its GUID. Several may be given, one in each call.
        :param subject: `sc://ORGANIZATION/PROJECT/NAME`, say.
        :param issuer: of the token.
        """
        return self._services.pipelines.environ(service_connection_id, subject, issuer)

    def managed_identity_environ(
        self, kind: Kind, *, key_folder: str | os.PathLike[str] | None = None
    ) -> dict[str, str]:
        """Return the variables that lead a program to the identities of a kind of machine.

        Take away those of other kinds: libraries look at what is there, each in its own order.

        :param kind: `"app-service"` (Azure Functions too), `"azure-arc"`, `"azure-ml"`, `"cloud-shell"`, whose tokens
            are those of the first user, `"imds"` (virtual machines), or `"service-fabric"`. The last one is at a
            certificate that only its thumbprint vouches for, so that there is none in process.
        :param key_folder: of Azure Arc: where the files are written that prove a program to be an administrator's.
            Defaults to the agent's own, which is the only one that Microsoft's libraries read.
        :raises ValueError: there is no such kind, or `key_folder` is given for another one.
        """
        folder = None if key_folder is None else Path(key_folder)
        return self._services.managed_identities.environ(kind, folder)

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

        :param username: whom; or the client id of an application, for what it asks in its own name.
        :param code: the number after AADSTS.
        :param endpoint: only at `"token"`, or at `"authorize"`: on the pages, device code's included, after the
            password. Defaults to both.
        :param grant: only this `grant_type` at the token endpoint; of a URN its last part will do:
            `"device_code"`, or `"jwt-bearer"` for on-behalf-of.
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

        :param username: the user.
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
        """Let something go wrong with the next requests that match a fault.

        :param fault: which requests, what goes wrong with them, and how often.
        """
        self._faults.add(fault)

    def clear_log(self) -> None:
        """Forget the requests that were made so far, and nothing else."""
        self._log.clear()

    def clear(self) -> None:
        """Forget all but users, applications and identities: log, faults, refusals, challenges, consents, tokens."""
        self._log.clear()
        self._faults.clear()
        self._services.clear()
