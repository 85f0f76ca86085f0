"""The command's parts by name. Each is loaded when it is called, so that a token is printed at once."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Final

import click

from azid.cli import exit_codes
from azid.cli.failures import CommandFailed, failure_of
from azid.cli.log import verbose_option
from azid.cli.output import asks_for_json, is_json
from azid.version import __version__

__all__ = ["azid"]

_COMMANDS: Final = ("login", "token", "whoami", "accounts", "logout", "doctor", "emulator", "demo", "completion")
"""In the order in which `--help` lists them. Each is a command in the module of its name."""


class _CommandGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"azid.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        if not any(parameter.name == "verbose" for parameter in command.params):
            command.params.append(verbose_option())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], _COMMANDS, n=1)
            ctx.fail(f"There is no command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            extra.setdefault("color", False)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        arguments = [*ctx.args]
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except KeyboardInterrupt:
            click.echo(err=True)
            if is_json(ctx):
                raise CommandFailed("Interrupted.", exit_codes.INTERRUPTED, as_json=True) from None
            ctx.exit(exit_codes.INTERRUPTED)
        except Exception as error:
            failure = failure_of(error, as_json=is_json(ctx) or asks_for_json(arguments))
            if failure is None or failure is error:
                raise
            raise failure from error


@click.group(
    cls=_CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 called wrongly, 3 sign-in needed, 4 something is missing here, 130 Ctrl-C.",
)
@click.version_option(__version__, message="azid %(version)s")
def azid() -> None:
    """Sign in to Microsoft Entra ID, and get tokens for Azure.

    \b
    Examples:
      azid login                        sign in, in the way that fits this machine
      azid token                        print a token for Azure Resource Manager
      azid token --output header | curl --header @- \\
          https://management.azure.com/subscriptions?api-version=2022-12-01
    """
