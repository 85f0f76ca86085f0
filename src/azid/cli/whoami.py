"""``azid whoami``: who is signed in, and what the account's token says."""

from __future__ import annotations

import time
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import click

from azid.cli.applications import application_name
from azid.cli.claims import decode, explain, moment
from azid.cli.output import answer, answer_json, output_option, printable, rfc3339
from azid.cli.who import Who, scope_option, who_options

if TYPE_CHECKING:
    from azid.record import AuthenticationRecord
    from azid.tokens.access import TokenInfo

__all__ = ["as_json", "describe", "whoami"]


@click.command(
    short_help="Show who is signed in and the token's claims.",
    epilog="The token is decoded, not verified: only whom it is for can tell whether it is genuine.",
)
@scope_option
@click.option("--show-token", is_flag=True, help="Show the token, too. Whoever has it can act as the account.")
@who_options
@output_option()
def whoami(scopes: tuple[str, ...], show_token: bool, who: Who, output: str) -> None:
    """Show who is signed in, and what the account's token claims.

    \b
    Examples:
      azid whoami
      azid whoami --scope https://graph.microsoft.com/.default
      azid whoami --output json | jq -r .token.claims.oid
    """
    account = who.find(scopes)
    info = account.token()
    if output == "json":
        answer_json(as_json(account.record, account.wanted_scopes(), info, show_token=show_token))
    else:
        answer(describe(account.record, account.wanted_scopes(), info, show_token=show_token, now=time.time()))


def as_json(
    record: AuthenticationRecord, scopes: tuple[str, ...], info: TokenInfo, *, show_token: bool = False
) -> dict[str, Any]:
    """Return the account and its token as JSON has them.

    :param record: the account.
    :param scopes: what the token was asked for.
    :param info: the token.
    :param show_token: whether the token itself is among it.
    """
    claims = decode(info.token)
    return {
        **record._asdict(),
        "token": {
            "scopes": list(scopes),
            "format": "opaque" if claims is None else "jwt",
            "verified": False,
            "expires_on": info.expires_on,
            "expires": rfc3339(info.expires_on),
            "claims": claims,
            **({"token": info.token} if show_token else {}),
        },
    }


def describe(
    record: AuthenticationRecord,
    scopes: tuple[str, ...],
    info: TokenInfo,
    *,
    now: float,
    show_token: bool = False,
    zone: tzinfo | None = None,
) -> str:
    """Return the account and its token in words. Parameters are those of `as_json`.

    :param now: the time, in seconds since the epoch.
    :param zone: the time zone to tell times in. Defaults to the person's.
    """
    lines = [
        printable(record.username),
        f"  application  {application_name(record.client_id)}",
        f"  tenant       {record.tenant_id}",
        f"  authority    {record.authority}",
        "",
        f"Token for {' '.join(scopes)}",
        f"  expires      {moment(info.expires_on, now=now, zone=zone)}",
    ]
    claims = decode(info.token)
    if claims is None:
        lines += ["  It is opaque: no JWT, so that only whom it is for can read it."]
    else:
        lines += ["", "Its claims, decoded, not verified:"]
        for name, value, meaning in explain(claims, now=now, zone=zone):
            lines += [f"  {printable(name):<12} {printable(value)}"]
            lines += [f"  {'':<12} {click.style(meaning, dim=True)}"] if meaning else []
    return "\n".join(lines + (["", info.token] if show_token else []))
