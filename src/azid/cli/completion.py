"""``azid completion``: what a shell needs to complete the command's words."""

from __future__ import annotations

import click

from azid.cli.failures import CommandFailed
from azid.cli.output import answer

__all__ = ["completion"]


@click.command(short_help="Print a shell's completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script with which a shell completes azid's commands, options and account names.

    \b
    Bash 4.4 or newer: in ~/.bashrc
      eval "$(azid completion bash)"
    \b
    Zsh: in ~/.zshrc, after compinit
      eval "$(azid completion zsh)"
    \b
    Fish: once
      azid completion fish > ~/.config/fish/completions/azid.fish
    """
    from click.shell_completion import ShellComplete, get_completion_class

    writer = get_completion_class(shell)
    if writer is None:
        raise CommandFailed(f"The installed version of click completes nothing for {shell}.")
    # Not the class's own `source`, which starts a bash only to ask for its version.
    answer(ShellComplete.source(writer(context.find_root().command, {}, "azid", "_AZID_COMPLETE")))
