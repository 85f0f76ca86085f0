"""``azid demo``: azid's main job from end to end, without an account or a network."""

from __future__ import annotations

import sys

import click

from azid.cli import exit_codes
from azid.cli.failures import CommandFailed
from azid.cli.output import answer_json, is_json, output_option

__all__ = ["demo"]


@click.command(short_help="Sign somebody in through each credential.", epilog="Needs azid[emulator].")
@click.option("--unattended", is_flag=True, help="Play the person, even where a browser could be opened.")
@output_option()
@click.pass_context
def demo(context: click.Context, unattended: bool, output: str) -> None:  # noqa: ARG001 - `output` is in the context
    """Sign a person in through each credential, against an authority started for it.

    Needs no account and no network. Without a terminal, and with --unattended, it plays the person itself.

    \b
    Examples:
      azid demo                 in your own browser
      azid demo --unattended    from beginning to end by itself
    """
    try:
        from azid.demo import run_demo
    except ImportError as error:
        raise CommandFailed(str(error), exit_codes.UNAVAILABLE) from None
    signed_in = run_demo(unattended=unattended, file=sys.stderr if is_json(context) else None)
    if is_json(context):
        answer_json({"signed_in": [result._asdict() for result in signed_in]})
