"""``azid accounts``: who is signed in, and which of them the other commands mean."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from azid.cli import active_account, exit_codes
from azid.cli.applications import application_name
from azid.cli.choosing import choose, names_of
from azid.cli.failures import CommandFailed
from azid.cli.output import answer, answer_json, output_option, printable, say
from azid.cli.storage import persistence_options, settled_storage, storage_option
from azid.cli.usernames import complete_username, note_usernames

if TYPE_CHECKING:
    from azid.cli.active_account import ActiveAccount
    from azid.record import AuthenticationRecord

__all__ = ["account_as_json", "accounts", "is_active"]


@click.command(
    short_help="List who is signed in.",
    epilog="Microsoft's developer tools keep their sign-ins in the same cache, so the list has those of theirs, too.",
)
@click.option(
    "--use",
    metavar="USERNAME",
    shell_complete=complete_username,
    help="Make this account the active one, which the other commands mean.",
)
@click.option("--client-id", metavar="ID", help="Only accounts that signed in to this application.")
@storage_option
@output_option()
def accounts(use: str | None, client_id: str | None, storage: str, output: str) -> None:
    """List who is signed in; the active account has a star.

    \b
    Examples:
      azid accounts
      azid accounts --use ada@contoso.example
      azid accounts --output json | jq -r '.[].username'
    """
    from azid.persistent_cache import PersistentCache

    everyone = PersistentCache(persistence_options(storage)).accounts()
    note_usernames(record.username for record in everyone)
    found = sorted(
        (record for record in everyone if client_id in (None, record.client_id)),
        key=lambda record: (record.username.casefold(), record.client_id),
    )
    active = active_account.load()
    if use is not None:
        active = _use(use, found, active, storage)
        say(f"{printable(active.record.username)} is the active account now.")
    if output == "json":
        answer_json([account_as_json(record, active) for record in found])
    elif found:
        answer("\n".join(_listed(record, active) for record in found))
    else:
        say("Nobody is signed in here. Run: azid login")
    if active is not None and not any(is_active(record, active) for record in everyone):
        say(f"The active account, {printable(active.record.username)}, is not signed in here any more.")


def is_active(record: AuthenticationRecord, active: ActiveAccount | None) -> bool:
    """Whether an account of the cache is the active one."""
    return active is not None and (record.home_account_id, record.client_id) == (
        active.record.home_account_id,
        active.record.client_id,
    )


def account_as_json(record: AuthenticationRecord, active: ActiveAccount | None) -> dict[str, Any]:
    """Return an account of the cache as JSON has it."""
    return {**record._asdict(), "active": is_active(record, active)}


def _use(name: str, found: list[AuthenticationRecord], active: ActiveAccount | None, storage: str) -> ActiveAccount:
    from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID

    usual = (None if active is None else active.record.client_id, DEVELOPER_SIGN_ON_CLIENT_ID)
    meant = choose(found, name=name, usual=usual)
    if not meant:
        others = f" Signed in are: {names_of(found)}." if found else ""
        remedy = shlex.join(["azid", "login", "--login-hint", name])
        raise CommandFailed(f"{name} is not signed in here.{others}", exit_codes.SIGN_IN_NEEDED, remedy=remedy)
    if len(meant) > 1:
        raise click.UsageError(f"Several accounts may be meant: {names_of(meant)}. Pass --client-id or the ID.")
    record, trusted = meant[0], False
    if active is not None and active.record.authority.partition(":")[0] == record.authority:
        # Records of the cache have no port, and what was said of the authority holds for its other accounts, too.
        record, trusted = record._replace(authority=active.record.authority), active.disable_instance_discovery
    settled = settled_storage(storage)
    try:
        active_account.save(record, storage=settled, disable_instance_discovery=trusted)
    except OSError as error:
        raise CommandFailed(
            f"{record.username} cannot be made the active account: {error}. Set AZID_CONFIG_DIR to a folder that can "
            "be written to."
        ) from error
    return active_account.ActiveAccount(record, settled, trusted)


def _listed(record: AuthenticationRecord, active: ActiveAccount | None) -> str:
    return "\n".join(
        [
            f"{'*' if is_active(record, active) else ' '} {printable(record.username)}",
            f"    application  {printable(application_name(record.client_id))}",
            f"    tenant       {printable(record.tenant_id)}",
            f"    authority    {printable(record.authority)}",
        ]
    )
