"""What both libraries are made to do. Each scenario is one program: a credential or two, and calls of it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

from tests.wire.recording_authority import HOME_TENANT, PASSWORD, USERNAME, Recorded, RecordingAuthority

__all__ = ["AN_HOUR", "CLAIMS", "CLIENT_ID", "GRAPH", "OTHER_TENANT", "SCENARIOS", "Library", "Program", "record"]

ARM: Final = "https://management.azure.com/.default"
GRAPH: Final = "https://graph.microsoft.com/.default"
CLIENT_ID: Final = "22222222-3333-4444-5555-666666666666"
OTHER_TENANT: Final = "99999999-8888-7777-6666-555555555555"
CLAIMS: Final = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
PRIVATE_CLOUD: Final = "login.contoso.example"
AN_HOUR: Final = 3600


class Clock(Protocol):
    """The time that a library tells by."""

    def time(self) -> float: ...
    def advance(self, seconds: float, /) -> None: ...


class Library(Protocol):
    """One of the libraries; the transport, the browser and the clock are plugged in where it has a place for them."""

    @property
    def clock(self) -> Clock: ...
    def browser(self, authority: RecordingAuthority, /, **options: Any) -> Any: ...
    def device_code(self, authority: RecordingAuthority, /, **options: Any) -> Any: ...
    def username_password(self, authority: RecordingAuthority, /, **options: Any) -> Any: ...
    def unattended(self, name: str, authority: RecordingAuthority, /, *args: Any, **options: Any) -> Any: ...
    def chain(self, *credentials: Any) -> Any: ...


class Program:
    """A program that uses `library` and notes what it calls.

    :param library: the library.
    :param authority: who answers it.
    """

    def __init__(self, library: Library, authority: RecordingAuthority) -> None:
        self._library = library
        self._authority = authority
        self.advance = library.clock.advance

    def browser(self, **options: Any) -> Any:
        return self._library.browser(self._authority, **options)

    def device_code(self, **options: Any) -> Any:
        return self._library.device_code(self._authority, prompt_callback=lambda *_: None, **options)

    def username_password(self, **options: Any) -> Any:
        return self._library.username_password(
            self._authority, client_id=CLIENT_ID, username=USERNAME, password=PASSWORD, **options
        )

    def unattended(self, credential: str, *args: Any, **options: Any) -> Any:
        return self._library.unattended(credential, self._authority, *args, **options)

    def chain(self, *credentials: Any) -> Any:
        return self._library.chain(*credentials)

    def call(
        self,
        name: str,
        function: Callable[..., Any],
        *scopes: str,
        pending: int = 0,
        refused: str = "",
        **options: Any,
    ) -> Any:
        """Call `function`; `pending` and `refused` are what the authority does meanwhile."""
        self._authority.begin(name, pending=pending, refused=refused)
        return function(*scopes, **options)


def record(library: Library) -> dict[str, list[Recorded]]:
    """Return what `library` asked in each scenario."""
    recorded = {}
    from tests.wire.unattended_scenarios import UNATTENDED_SCENARIOS

    for name, scenario in (SCENARIOS | UNATTENDED_SCENARIOS).items():
        authority = RecordingAuthority(library.clock.time)
        scenario(Program(library, authority))
        authority.close()
        recorded[name] = authority.recorded
    return recorded


def browser(program: Program) -> None:
    credential = program.browser()
    program.call("authenticate", credential.authenticate)
    program.call("same scope", credential.get_token, "https://management.core.windows.net//.default")
    program.call("other scope", credential.get_token, GRAPH)
    program.call("other tenant", credential.get_token, GRAPH, tenant_id=OTHER_TENANT)
    program.call("claims", credential.get_token, GRAPH, claims=CLAIMS)
    program.advance(AN_HOUR)
    program.call("expired", credential.get_token_info, GRAPH)
    program.call("authenticate again", credential.authenticate, scopes=[GRAPH])


def browser_without_authenticate(program: Program) -> None:
    credential = program.browser(client_id=CLIENT_ID, tenant_id=HOME_TENANT)
    program.call("get_token", credential.get_token, GRAPH)


def browser_with_two_scopes(program: Program) -> None:
    credential = program.browser(tenant_id="contoso.example")
    scopes = ("https://graph.microsoft.com/User.Read", "https://graph.microsoft.com/Mail.Read")
    program.call("get_token", credential.get_token, *scopes)
    program.call("cached", credential.get_token, *scopes)


def browser_with_login_hint(program: Program) -> None:
    credential = program.browser(login_hint=USERNAME)
    program.call("authenticate", credential.authenticate, scopes=[GRAPH])


def browser_with_redirect_uri(program: Program) -> None:
    credential = program.browser(redirect_uri=f"http://localhost:{_free_port()}")
    program.call("authenticate", credential.authenticate, scopes=[GRAPH])


def browser_with_redirect_uri_and_path(program: Program) -> None:
    credential = program.browser(redirect_uri=f"http://localhost:{_free_port()}/signed-in")
    program.call("authenticate", credential.authenticate, scopes=[GRAPH])


def browser_with_claims(program: Program) -> None:
    credential = program.browser()
    program.call("authenticate", credential.authenticate, scopes=[GRAPH], claims=CLAIMS)
    program.call("cached", credential.get_token, GRAPH)


def browser_with_cae(program: Program) -> None:
    credential = program.browser()
    program.call("authenticate", credential.authenticate, scopes=[GRAPH], enable_cae=True)
    program.call("cached", credential.get_token, GRAPH, enable_cae=True)
    program.call("claims", credential.get_token, GRAPH, claims=CLAIMS, enable_cae=True)
    program.advance(AN_HOUR)
    program.call("expired", credential.get_token, GRAPH, enable_cae=True)


def browser_with_cae_and_claims(program: Program) -> None:
    credential = program.browser()
    program.call("authenticate", credential.authenticate, scopes=[GRAPH], claims=CLAIMS, enable_cae=True)


def browser_with_cae_after_without(program: Program) -> None:
    credential = program.browser()
    program.call("authenticate", credential.authenticate, scopes=[GRAPH])
    program.call("with CAE", credential.get_token, GRAPH, enable_cae=True)


def browser_with_record(program: Program) -> None:
    record = program.call("authenticate", program.browser(client_id=CLIENT_ID).authenticate, scopes=[GRAPH])
    credential = program.browser(authentication_record=record)
    program.call("get_token", credential.get_token, GRAPH)
    program.call("cached", credential.get_token, GRAPH)


def browser_after_refused_refresh(program: Program) -> None:
    credential = program.browser(client_id=CLIENT_ID)
    program.call("authenticate", credential.authenticate, scopes=[GRAPH])
    program.advance(AN_HOUR)
    program.call("refused", credential.get_token, GRAPH, refused="interaction_required")


def device_code(program: Program) -> None:
    credential = program.device_code()
    program.call("authenticate", credential.authenticate, pending=2)
    program.advance(AN_HOUR)
    program.call("expired", credential.get_token, "https://management.core.windows.net//.default")


def device_code_with_claims(program: Program) -> None:
    credential = program.device_code(client_id=CLIENT_ID, tenant_id=HOME_TENANT)
    program.call("authenticate", credential.authenticate, scopes=[GRAPH], claims=CLAIMS)


def device_code_with_cae(program: Program) -> None:
    credential = program.device_code()
    program.call("authenticate", credential.authenticate, scopes=[GRAPH], enable_cae=True)


def device_code_with_cae_and_claims(program: Program) -> None:
    credential = program.device_code()
    program.call("authenticate", credential.authenticate, scopes=[GRAPH], claims=CLAIMS, enable_cae=True)


def username_password(program: Program) -> None:
    credential = program.username_password()
    program.call("get_token", credential.get_token, ARM)
    program.call("cached", credential.get_token, ARM)
    program.advance(AN_HOUR)
    program.call("expired", credential.get_token, ARM)
    program.call("authenticate", credential.authenticate, scopes=[GRAPH])


def username_password_with_cae_and_claims(program: Program) -> None:
    credential = program.username_password(tenant_id=HOME_TENANT)
    program.call("get_token", credential.get_token, GRAPH, claims=CLAIMS, enable_cae=True)


def government_cloud(program: Program) -> None:
    credential = program.browser(authority="login.microsoftonline.us")
    program.call("authenticate", credential.authenticate)


def private_cloud(program: Program) -> None:
    credential = program.browser(authority=f"https://{PRIVATE_CLOUD}:8443", disable_instance_discovery=True)
    program.call("authenticate", credential.authenticate, scopes=[GRAPH])
    program.advance(AN_HOUR)
    program.call("expired", credential.get_token, GRAPH)


def private_cloud_with_instance_discovery(program: Program) -> None:
    credential = program.device_code(authority=PRIVATE_CLOUD)
    program.call("authenticate", credential.authenticate, scopes=[GRAPH])
    program.advance(AN_HOUR)
    program.call("expired", credential.get_token, GRAPH)


def adfs(program: Program) -> None:
    credential = program.browser(
        authority="adfs.contoso.example", tenant_id="adfs", client_id=CLIENT_ID, disable_instance_discovery=True
    )
    program.call("authenticate", credential.authenticate, scopes=[GRAPH])


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


SCENARIOS: Final[dict[str, Callable[[Program], None]]] = {
    scenario.__name__.replace("_", " "): scenario
    for scenario in (
        browser,
        browser_without_authenticate,
        browser_with_two_scopes,
        browser_with_login_hint,
        browser_with_redirect_uri,
        browser_with_redirect_uri_and_path,
        browser_with_claims,
        browser_with_cae,
        browser_with_cae_and_claims,
        browser_with_cae_after_without,
        browser_with_record,
        browser_after_refused_refresh,
        device_code,
        device_code_with_claims,
        device_code_with_cae,
        device_code_with_cae_and_claims,
        username_password,
        username_password_with_cae_and_claims,
        government_cloud,
        private_cloud,
        private_cloud_with_instance_discovery,
        adfs,
    )
}
