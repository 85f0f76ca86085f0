"""``azid login``: signs a person in, in the way that fits the machine."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from azid.cli import active_account, exit_codes
from azid.cli.applications import application_name
from azid.cli.claims import moment
from azid.cli.failures import CommandFailed
from azid.cli.output import answer, answer_json, output_option, printable, rfc3339, say
from azid.cli.signing_in import PATIENCE, BrowserUnavailable, SignedIn, SignInRequest, with_browser, with_device_code
from azid.cli.storage import persistence_options, settled_storage, storage_option
from azid.cli.surroundings import Choice, Surroundings, choose_flow, look_around, why_elsewhere
from azid.cli.usernames import complete_username, note_usernames, usernames
from azid.cli.who import claims_option, default_scopes, scope_option

if TYPE_CHECKING:
    from azid.persistence import TokenCachePersistenceOptions

__all__ = ["as_json", "describe", "login", "where_kept"]

_WHERE: Final = {
    "kernel-keyring": "a file that a key of the kernel encrypts",
    "keyring": "the keyring",
    "plaintext": "a file that nothing encrypts",
}
_WHERE_ELSEWHERE: Final = {"darwin": "the Keychain", "win32": "a file that Windows encrypts"}


@click.command(
    short_help="Sign in with a browser or a code.",
    epilog="Without a terminal and in continuous integration it asks nobody and exits with 4, unless --device-code "
    "says that somebody reads standard error.",
)
@click.option("--device-code", is_flag=True, help="Sign in with a code, in a browser on any device.")
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Use the browser of this machine, whatever speaks against it; or open none, but show the page's address.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Receive the browser's answer at this port, which an SSH connection can forward. Defaults to any free one.",
)
@click.option("--tenant", metavar="ID|DOMAIN", help="The tenant. Defaults to the one the account is at home in.")
@click.option("--client-id", metavar="ID", help="The application. Defaults to Microsoft's, for development.")
@scope_option
@click.option(
    "--authority", metavar="HOST", help="The authority. Defaults to AZURE_AUTHORITY_HOST, else the public cloud's."
)
@click.option(
    "--login-hint",
    metavar="USERNAME",
    shell_complete=complete_username,
    help="Whom the sign-in page should suggest.",
)
@claims_option
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help=f"How long to wait for the person. Defaults to {PATIENCE}, or at a terminal to the device code's lifetime.",
)
@click.option(
    "--qr/--no-qr",
    default=None,
    help="Show a QR code of the device page's address. Defaults to doing so in a large terminal.",
)
@click.option("--copy/--no-copy", "copies", default=True, help="Copy the device code to the clipboard.")
@storage_option
@click.option(
    "--disable-instance-discovery",
    is_flag=True,
    help="Trust an authority that Microsoft does not know: a private cloud's, or the emulator's.",
)
@output_option()
def login(
    *,
    device_code: bool,
    browser: bool | None,
    port: int | None,
    tenant: str | None,
    client_id: str | None,
    scopes: tuple[str, ...],
    authority: str | None,
    login_hint: str | None,
    claims: str | None,
    timeout: int | None,
    qr: bool | None,
    copies: bool,
    storage: str,
    disable_instance_discovery: bool,
    output: str,
) -> None:
    """Sign in, and make the account the active one.

    It opens the browser where there is one. Over SSH, in a container and wherever else there is none, it shows a code
    to enter in a browser on any device.

    \b
    Examples:
      azid login
      azid login --device-code --qr
      azid login --tenant contoso.example --scope https://graph.microsoft.com/.default
      azid login --no-browser --port 8400      after: ssh -L 8400:localhost:8400 HOST
    """
    if device_code and (browser or port is not None):
        raise click.UsageError("A device code needs no browser and no port here: pass --device-code alone.")
    around = look_around()
    choice = choose_flow(around, device_code=device_code, browser=browser, port=port)
    if choice.flow is None:
        raise CommandFailed(
            f"{choice.reason}. If somebody reads this, they can sign in with a code.",
            exit_codes.UNAVAILABLE,
            remedy="azid login --device-code",
        )
    authority = _authority(authority)
    scopes = scopes or default_scopes(authority)
    settled, kept = settled_storage(storage), persistence_options(storage)
    _try_out(kept)
    settings = {
        "authority": authority,
        "tenant_id": tenant,
        "cache_persistence_options": kept,
        "disable_instance_discovery": disable_instance_discovery,
        **({"client_id": client_id} if client_id is not None else {}),
    }
    request = SignInRequest(scopes, claims, login_hint, timeout, settings)
    try:
        signed_in = _sign_in(request, choice, around, port=port, falls_back=browser is None, qr=qr, copies=copies)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    record = signed_in.record._replace(authority=authority.removeprefix("https://"))
    try:
        active_account.save(record, storage=settled, disable_instance_discovery=disable_instance_discovery)
    except OSError as error:
        raise CommandFailed(
            f"{record.username} is signed in, but cannot be made the active account: {error}. Set AZID_CONFIG_DIR to a "
            "folder that can be written to."
        ) from error
    note_usernames({*usernames(), record.username})
    if login_hint and login_hint.casefold() != record.username.casefold():
        say(f"It is {printable(record.username)} who signed in, not {printable(login_hint)}.")
    signed_in = signed_in._replace(record=record)
    if output == "json":
        answer_json(as_json(signed_in, settled))
    else:
        answer(describe(signed_in, where_kept(storage), now=time.time()))


def _authority(named: str | None) -> str:
    from azid.authority import default_authority, normalize_authority

    try:
        return normalize_authority(named) if named else default_authority()
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _try_out(kept: TokenCachePersistenceOptions) -> None:
    """Find out whether the sign-in can be kept, before anybody is asked for it.

    :raises CommandFailed: it cannot, since the file cannot be written.
    :raises CredentialUnavailableError: it cannot, for example since the keyring stays locked.
    """
    from azid.persistence import open_storage

    store = open_storage(kept).own
    assert store is not None
    try:
        with store.transaction(cae=False) as document:
            document.setdefault("Account", {})  # so that something is written where nothing has been yet
    except OSError as error:
        raise CommandFailed(
            f"Sign-ins cannot be kept here: {error}", exit_codes.UNAVAILABLE, remedy="azid doctor"
        ) from error


def _sign_in(
    request: SignInRequest,
    choice: Choice,
    around: Surroundings,
    *,
    port: int | None,
    falls_back: bool,
    qr: bool | None,
    copies: bool,
) -> SignedIn:
    from azid.clock import SystemClock

    clock, attended = SystemClock(), choose_flow(around).flow is not None
    if choice.flow != "device code":
        if port is not None and choice.flow == "address" and why_elsewhere(around):
            say(f"Your browser's machine has to forward port {port}, as: ssh -L {port}:localhost:{port} HOST")
        try:
            return with_browser(request, clock, opens=choice.flow == "browser", port=port)
        except BrowserUnavailable as error:
            if not falls_back or port is not None:
                raise CommandFailed(str(error), exit_codes.UNAVAILABLE, remedy="azid login --device-code") from error
            say(f"{error} You sign in with a code instead.")
    elif choice.reason:
        say(f"{choice.reason}, so you sign in with a code.")
    return with_device_code(request, clock, around, attended=attended, qr=qr, copies=copies)


def where_kept(storage: str, *, platform: str = sys.platform) -> str:
    """Return where the sign-in is kept, in words.

    :param storage: one of `azid.cli.storage.STORAGES`.
    :param platform: what kind of machine it is, as `sys.platform` has it.
    """
    if platform in _WHERE_ELSEWHERE:
        return _WHERE_ELSEWHERE[platform]
    settled = settled_storage("auto" if storage == "plaintext" else storage, platform=platform)
    # A plain file is allowed, not preferred: where there is a keyring it is used.
    return _WHERE["plaintext" if storage == "plaintext" and settled != "keyring" else settled]


def as_json(signed_in: SignedIn, storage: str) -> dict[str, Any]:
    """Return the account as JSON has it.

    :param signed_in: who signed in.
    :param storage: where the sign-in is kept.
    """
    expires_on = signed_in.expires_on
    return {
        **signed_in.record._asdict(),
        "storage": storage,
        "expires_on": expires_on,
        "expires": None if expires_on is None else rfc3339(expires_on),
    }


def describe(signed_in: SignedIn, kept: str, *, now: float) -> str:
    """Return who signed in, in words.

    :param signed_in: who signed in.
    :param kept: where the sign-in is kept.
    :param now: the time, in seconds since the epoch.
    """
    record = signed_in.record
    lines = [
        f"{printable(record.username)} is signed in.",
        f"  application  {application_name(record.client_id)}",
        f"  tenant       {record.tenant_id}",
        f"  authority    {record.authority}",
        f"  kept in      {kept}",
    ]
    if signed_in.expires_on is not None:
        lines += [f"  token until  {moment(signed_in.expires_on, now=now)}"]
    return "\n".join(lines)
