"""What the library logs, on standard error: warnings always, and all of it with ``--verbose``."""

from __future__ import annotations

from typing import Final

import click

__all__ = ["verbose_option"]

_SAID_AT_SIGN_IN: Final = "azid.tokens.stores.personal"
"""It warns of tokens that nothing encrypts. Who was told when signing in is not told again by every command."""
_SIGNS_IN: Final = "login"


def _set_up(context: click.Context, _: click.Parameter, value: bool) -> None:
    if context.resilient_parsing:
        return
    import logging

    class ToStandardError(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            level = "Warning" if record.levelno == logging.WARNING else record.levelname.capitalize()
            origin = f"{record.name}: " if value else ""
            click.echo(f"{level}: {origin}{self.format(record)}", err=True)

    wanted = logging.getLogger() if value else logging.getLogger("azid")
    handler, level = ToStandardError(logging.DEBUG if value else logging.WARNING), wanted.level
    if value:
        wanted.setLevel(logging.DEBUG)
    elif context.info_name != _SIGNS_IN:
        handler.addFilter(lambda record: record.name != _SAID_AT_SIGN_IN)
    wanted.addHandler(handler)

    def leave_as_it_was() -> None:
        wanted.removeHandler(handler)
        wanted.setLevel(level)

    context.find_root().call_on_close(leave_as_it_was)


def verbose_option() -> click.Option:
    """Return the option that every command has."""
    return click.Option(
        ["--verbose", "-v"],
        is_flag=True,
        expose_value=False,
        callback=_set_up,
        help="Show on standard error what is sent and decided, without secrets.",
    )
