"""``azid logout``: forgets sign-ins on this machine."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from azid.cli import active_account
from azid.cli.accounts import account_as_json, is_active
from azid.cli.applications import application_name
from azid.cli.choosing import is_named, names_of
from azid.cli.failures import CommandFailed
from azid.cli.output import answer_json, output_option, printable, say
from azid.cli.storage import persistence_options, storage_option
from azid.cli.usernames import complete_username, note_usernames

if TYPE_CHECKING:
    from azid.cli.active_account import ActiveAccount
    from azid.record import AuthenticationRecord

__all__ = ["logout"]


@click.command(
    short_help="Sign out: forget an account's tokens.",
    epilog="Other applications' sign-ins are left alone, even with --all: Microsoft's developer tools keep theirs in "
    "the same cache. The browser stays signed in, and tokens that programs hold stay valid until they expire.",
)
@click.argument("account", required=False, shell_complete=complete_username)
@click.option("--all", "everyone", is_flag=True, help="Sign out every account of the application.")
@click.option(
    "--client-id",
    metavar="ID",
    help="The application. Defaults to that of the active account and Microsoft's, which azid uses by itself.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask whether it is meant.")
@storage_option
@output_option()
def logout(*, account: str | None, everyone: bool, client_id: str | None, yes: bool, storage: str, output: str) -> None:
    """Sign out: forget an account's tokens, here and for programs that use the same application.

    \b
    Examples:
      azid logout                        the only account
      azid logout ada@contoso.example
      azid logout --all --yes
    """
    from azid.persistent_cache import PersistentCache

    if account is not None and everyone:
        raise click.UsageError("Name an account or pass --all, not both.")
    cache = PersistentCache(persistence_options(storage))
    found, active = cache.accounts(), active_account.load()
    own = [record for record in found if _is_of(record, client_id, active)]
    leaving = own if everyone else _meant(account, own, found)
    asks = everyone and leaving and not yes and sys.stdin.isatty() and sys.stderr.isatty()
    if asks and not click.confirm(f"Sign out {names_of(leaving)}?", err=True):
        raise CommandFailed("Nobody was signed out.")
    for record in leaving:
        cache.sign_out(record)
    left = [record for record in found if record not in leaving]
    note_usernames(record.username for record in left)
    if active is not None and _has_left(active, account, found, left, storage):
        try:
            active_account.forget()
        except OSError as error:  # without its tokens it is of no use to anybody
            say(f"Warning: the active account's record stays: {error}")
    if output == "json":
        signed_out = [account_as_json(record, active) for record in leaving]
        answer_json({"signed_out": signed_out, "left": [account_as_json(record, active) for record in left]})
    else:
        _tell(leaving, left if everyone else [])


def _is_of(record: AuthenticationRecord, client_id: str | None, active: ActiveAccount | None) -> bool:
    """Whether an account signed in to the application that is meant, or else to one that azid uses by itself."""
    from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID

    if client_id is not None:
        return record.client_id == client_id
    used = {DEVELOPER_SIGN_ON_CLIENT_ID} if active is None else {DEVELOPER_SIGN_ON_CLIENT_ID, active.record.client_id}
    return record.client_id in used


def _meant(
    name: str | None, own: list[AuthenticationRecord], found: list[AuthenticationRecord]
) -> list[AuthenticationRecord]:
    """Return one person's sign-ins: the named one's, or the only one's."""
    meant = [record for record in own if name is None or is_named(record, name)]
    if len({record.home_account_id for record in meant}) > 1:
        raise click.UsageError(f"Several accounts are signed in: {names_of(meant)}. Name one, or pass --all.")
    if meant or name is None:
        return meant
    elsewhere = [record for record in found if is_named(record, name)]
    if elsewhere:
        applications = ", ".join(application_name(record.client_id) for record in elsewhere)
        raise CommandFailed(
            f"{name} is signed in to other applications than azid's: {applications}.",
            remedy=f"azid logout {shlex.quote(name)} --client-id {elsewhere[0].client_id}",
        )
    others = f" Signed in are: {names_of(own)}." if own else ""
    raise CommandFailed(f"{name} is not signed in here.{others}")


def _has_left(
    active: ActiveAccount,
    name: str | None,
    found: list[AuthenticationRecord],
    left: list[AuthenticationRecord],
    storage: str,
) -> bool:
    """Whether the active account is signed out now: just now, or long ago, and it is what the person meant."""
    if any(is_active(record, active) for record in left):
        return False
    if any(is_active(record, active) for record in found):
        return True
    return storage == active.storage and (name is None or is_named(active.record, name))


def _tell(leaving: list[AuthenticationRecord], left: list[AuthenticationRecord]) -> None:
    if not leaving:
        say("Nobody is signed in here.")
    for record in leaving:
        say(f"Signed out {printable(record.username)} of {printable(application_name(record.client_id))}.")
    if left:
        say(f"Left alone, as other applications' sign-ins: {printable(names_of(left))}.")
    if leaving:
        say(f"The browser stays signed in{_sign_out_page(leaving[0].authority)}.")


def _sign_out_page(host: str) -> str:
    from azid.authority import is_well_known

    # Entra documentation, "OpenID Connect on the Microsoft identity platform: send a sign-out request".
    return f"; to sign out there, open https://{host}/common/oauth2/v2.0/logout" if is_well_known(host) else ""
