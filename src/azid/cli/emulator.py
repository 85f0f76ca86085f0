"""``azid emulator``: an Entra ID on this machine, for programs to be tested against."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from azid.cli import exit_codes
from azid.cli.failures import CommandFailed
from azid.cli.output import answer, is_json, output_option, say

if TYPE_CHECKING:
    from azid.emulator import Client, Emulator, ManagedIdentity, RecordedRequest, User
    from azid.emulator.proxy import ConnectProxy
    from azid.emulator.users_file import People

__all__ = ["emulator"]

_DOMAIN: Final = "contoso.example"
_PASSWORD: Final = "correct horse battery staple"
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN_NAME: Final = re.compile(r"([a-z0-9-]+\.)+[a-z0-9-]+", re.IGNORECASE)
_HIGHEST_PORT: Final = 65533  # the pages and the proxy take the two after it
_DAY: Final = 86400.0


@click.command(
    short_help="Run an Entra ID here to test against.",
    # Options after the command's first word are the command's own.
    context_settings={"allow_interspersed_args": False},
    epilog="Ends with Ctrl-C, or with COMMAND and its exit code. Azure accepts none of its tokens.",
)
@click.option(
    "--port",
    type=click.IntRange(0, _HIGHEST_PORT),
    default=0,
    metavar="N",
    help="Port of the endpoints; the pages get N+1, the proxy N+2. Defaults to free ones.",
)
@click.option("--tenant", metavar="DOMAIN|GUID", help="The people's tenant. Defaults to one with a fixed GUID.")
@click.option(
    "--users",
    "users_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="People, applications, managed identities and tenants, as JSON. Defaults to three people of its own.",
)
@click.option(
    "--script",
    "script_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What is refused and what goes wrong, as JSON.",
)
@click.option("--client-id", "client_ids", multiple=True, metavar="ID", help="An application besides Microsoft's own.")
@click.option(
    "--proxy",
    is_flag=True,
    help="Be login.microsoftonline.com for programs that go through a proxy: no program has to be changed.",
)
@output_option()
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.pass_context
def emulator(
    context: click.Context,
    *,
    port: int,
    tenant: str | None,
    users_file: Path | None,
    script_file: Path | None,
    client_ids: tuple[str, ...],
    proxy: bool,
    output: str,  # noqa: ARG001 - read from the context, as errors do
    command: tuple[str, ...],
) -> None:
    """Run an Entra ID on this machine, to test programs against.

    Prints how to point azid, azure-identity, MSAL and Azurite at it, then a line for each request. With --proxy and
    COMMAND it runs a program that needs no change at all: in a home of its own, where no real sign-in is met.

    \b
    Examples:
      azid emulator                                  three people, free ports
      azid emulator --users people.json --script trouble.json
      azid emulator --proxy -- python app.py         app.py meets it at login.microsoftonline.com
      azid emulator --proxy -- node app.mjs          and so does app.mjs
    """
    if command and not proxy:
        raise click.UsageError("A command is run behind the proxy only: add --proxy before it.")
    if command and is_json(context):
        raise click.UsageError("With a command, standard output is the command's: --output json cannot be used.")
    setting = _read(tenant, users_file, client_ids)
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        entra = _start(setting, port, script_file, stack)
        tunnel = _start_proxy(entra, port, stack) if proxy else None
        from azid.cli.pointing import Pointers

        pointers = Pointers(
            entra,
            setting.users,
            setting.shown_password,
            None if tunnel is None else tunnel.url,
            setting.clients,
            setting.identities,
        )
        if command:
            assert tunnel is not None
            who = f"{pointers.people()}\n{pointers.applications()}"
            say(f"The emulator is login.microsoftonline.com for this program.\n{who}")
            context.exit(_run(command, entra, tunnel, stack))
        try:
            answer(pointers.as_json() if is_json(context) else pointers.as_text())
            sys.stdout.flush()
            _wait_for_ever()
        except KeyboardInterrupt:
            say("The emulator has ended.")


class _Setting(NamedTuple):
    """Who can sign in, and to what."""

    users: list[User]
    people: People | None
    clients: list[Client]
    tenants: dict[str, str]
    identities: list[ManagedIdentity]
    system_assigned: ManagedIdentity | None
    shown_password: str | None


def _read(tenant: str | None, users_file: Path | None, client_ids: Sequence[str]) -> _Setting:
    try:
        from azid.emulator import DEFAULT_TENANT_ID, SYSTEM_ASSIGNED, Client, User
    except ImportError as error:
        raise CommandFailed(str(error), exit_codes.UNAVAILABLE) from None
    domain, tenant_id = _DOMAIN, DEFAULT_TENANT_ID
    if tenant and _GUID.fullmatch(tenant):
        tenant_id = tenant.lower()
    elif tenant and _DOMAIN_NAME.fullmatch(tenant):
        domain = tenant.lower()
    elif tenant is not None:
        raise click.BadParameter("it must be a GUID, or a domain such as contoso.example.", param_hint="--tenant")
    if not all(client_ids):
        raise click.BadParameter("it must be an application's ID, not empty.", param_hint="--client-id")
    try:
        if users_file is None:
            people = None
            users = [
                User(f"ada@{domain}", _PASSWORD, "Ada Lovelace", tenant_id),
                User(f"grace@{domain}", _PASSWORD, "Grace Hopper", tenant_id, mfa=True),
                User(f"alan@{domain}", _PASSWORD, "Alan Turing", tenant_id, consented=False),
            ]
        else:
            from azid.emulator.users_file import read_people

            people = read_people(users_file)
            users = people.accounts(tenant_id)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return _Setting(
        users,
        people,
        [*(people.applications() if people else ()), *map(Client, client_ids)],
        {domain: tenant_id, **(people.tenants if people else {})},
        people.machine_identities(tenant_id) if people else [],
        replace(SYSTEM_ASSIGNED, tenant_id=tenant_id) if people is None or people.system_assigned else None,
        _PASSWORD if people is None else None,
    )


def _start(setting: _Setting, port: int, script_file: Path | None, stack: ExitStack) -> Emulator:
    from azid.emulator import Emulator

    def log(request: RecordedRequest) -> None:
        _show_request(request)
        entra.clear_log()  # nobody reads it, and it would grow for as long as the emulator runs

    entra = Emulator(
        setting.users,
        clients=setting.clients,
        tenants=setting.tenants,
        identities=setting.identities,
        system_assigned=setting.system_assigned or False,
        device_code_interval=1,
        port=port,
        on_request=log,
    )
    if setting.people is not None:
        setting.people.apply_refusals(entra)
    if script_file is not None:
        from azid.emulator.script_file import apply_script, read_script

        usernames = [user.username for user in setting.users]
        try:
            apply_script(read_script(script_file, usernames), entra, usernames)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    try:
        return stack.enter_context(entra)
    except OSError as error:
        raise CommandFailed(
            f"Port {port} or {port + 1} cannot be used: {error.strerror}. Choose another --port, or none."
        ) from None


def _start_proxy(entra: Emulator, port: int, stack: ExitStack) -> ConnectProxy:
    from azid.emulator.proxy import PROXIED_HOSTS, ConnectProxy

    endpoints = int(entra.authority.rpartition(":")[2])
    routes = {f"{host}:443": endpoints for host in PROXIED_HOSTS}
    try:
        proxy = ConnectProxy(routes, port=port and port + 2, on_refused=_show_refused)
    except OSError as error:
        raise CommandFailed(
            f"Port {port + 2} cannot be used: {error.strerror}. Choose another --port, or none."
        ) from None
    return stack.enter_context(proxy)


def _run(command: Sequence[str], entra: Emulator, proxy: ConnectProxy, stack: ExitStack) -> int:
    """Run a program behind the proxy, and return its exit code, as shells have it."""
    from azid.emulator.programs import private_environment, proxy_environment, run

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="azid-home-", ignore_cleanup_errors=True)))
    home = folder / "home"
    home.mkdir()
    environment = private_environment(os.environ, proxy_environment(proxy.url, entra.ca_file), home)
    if os.name == "posix":
        environment["BROWSER"] = str(_start_browser(folder, entra, proxy, environment, stack))
    else:
        say("On Windows the program opens your own browser, which meets the real sign-in page: use the device code.")
    try:
        return run(command, environment)
    except OSError as error:
        raise CommandFailed(f"{command[0]} cannot be started: {error.strerror}.", exit_codes.UNAVAILABLE) from None


def _start_browser(
    folder: Path, entra: Emulator, proxy: ConnectProxy, environment: Mapping[str, str], stack: ExitStack
) -> Path:
    """Return the command for `$BROWSER`: it opens a private Chromium, or shows where the page is."""
    from azid.emulator.private_browser import (
        BrowserCommand,
        PrivateChromium,
        find_chromium,
        has_screen,
        page_on_loopback,
    )

    origin = entra.page_origin

    def show_page(url: str) -> None:
        say(f"The program opens a page. Open it in a browser on this machine:\n{page_on_loopback(url, origin)}")

    open_page = show_page
    executable = find_chromium() if has_screen(os.environ) else None
    if executable is not None:
        chromium = PrivateChromium(
            executable,
            folder / "profile",
            proxy=proxy.url,
            certificate_pin=entra.certificate_pin,
            environment=environment,
        )
        stack.enter_context(chromium)

        def open_page(url: str) -> None:
            try:
                chromium.open(url)
            except OSError:  # what was found is no browser
                show_page(url)

    return stack.enter_context(BrowserCommand(folder, open_page)).path


def _show_request(request: RecordedRequest) -> None:
    """Show one request: no query, of its form the grant type, the application and the person."""
    details = [request.form.get("grant_type", "").rpartition(":")[2], request.form.get("username", "")]
    client_id = request.form.get("client_id") or request.query.get("client_id")
    if client_id:
        details.append(f"client {client_id}")
    if request.error:
        details.append(request.error)
    if "AADSTS700016" in request.error:
        details.append("(add it with --client-id)")
    line = f"{request.status or 'cut'} {request.method} {request.host}{request.path}  {' '.join(filter(None, details))}"
    say(_printable(line.rstrip()))


def _show_refused(asked: str) -> None:
    say(_printable(f"403 {asked}  not forwarded: the proxy leads to the emulator only"))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _ended_by_signals() -> AbstractContextManager[None]:
    """Let the signals that end a program end the block as Ctrl-C does, so that nothing stays behind."""
    from azid.emulator.programs import ENDING_SIGNALS, Terminated, signals_answered

    def end() -> None:
        raise Terminated

    return signals_answered(ENDING_SIGNALS, end)


def _wait_for_ever() -> None:
    """Wait until Ctrl-C, or a signal, raises `KeyboardInterrupt`."""
    from azid.clock import SystemClock

    clock, never = SystemClock(), threading.Event()
    while True:
        clock.wait(never, _DAY)
