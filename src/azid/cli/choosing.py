"""Which of the cache's accounts is meant. One person may have signed in to several applications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from azid.cli.applications import application_name

if TYPE_CHECKING:
    from azid.record import AuthenticationRecord

__all__ = ["choose", "is_named", "names_of"]


def choose(
    found: Iterable[AuthenticationRecord], *, name: str | None, usual: Sequence[str | None]
) -> list[AuthenticationRecord]:
    """Return the accounts that may be meant: none, the one, or several between which a person has to decide.

    :param found: the accounts that there are.
    :param name: the user name or the home account ID; None for any.
    :param usual: the client IDs of the applications to look at first: the first in which there is such an account
        decides. If it is in none of these, it may be in any.
    """
    named = [record for record in found if name is None or is_named(record, name)]
    for client_id in usual:
        if of_client := [record for record in named if record.client_id == client_id]:
            return of_client
    return named


def is_named(record: AuthenticationRecord, name: str) -> bool:
    """Whether a person who says `name` may mean the account."""
    return name.casefold() in (record.username.casefold(), record.home_account_id.casefold())


def names_of(records: Iterable[AuthenticationRecord]) -> str:
    """Return what to call the accounts so that they can be told apart, for an error's text."""
    known = list(records)
    if len({record.client_id for record in known}) > 1:
        names = {f"{record.username} in {application_name(record.client_id)}" for record in known}
    elif len({record.username.casefold() for record in known}) < len(known):
        names = {f"{record.username} with the ID {record.home_account_id}" for record in known}
    else:
        names = {record.username for record in known}
    return ", ".join(sorted(names))
