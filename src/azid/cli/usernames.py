"""The names of accounts that the shell offers to complete: those that a command has seen in the cache.

They lie in a file beside the active account's. To look into the cache itself would keep the shell waiting.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from azid.cli import active_account

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

__all__ = ["complete_username", "note_usernames", "usernames"]

_FILE: Final = "usernames"


def usernames(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names.

    :param environ: environment variables. Defaults to the process's.
    """
    try:
        return _path(environ).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []


def note_usernames(names: Iterable[str], *, environ: Mapping[str, str] = os.environ) -> None:
    """Have these names offered and no others. It is of no consequence if that fails.

    :param environ: environment variables. Defaults to the process's.
    """
    wanted = sorted({name for name in names if name and name.isprintable()})
    if wanted == usernames(environ):
        return
    with contextlib.suppress(OSError):
        _path(environ).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _path(environ).write_text("".join(f"{name}\n" for name in wanted), encoding="utf-8")


def complete_username(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names that begin with `incomplete`: click's `shell_complete` of a parameter."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in usernames() if name.casefold().startswith(incomplete.casefold())]


def _path(environ: Mapping[str, str]) -> Path:
    return active_account.folder(environ) / _FILE
