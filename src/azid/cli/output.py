"""What the command prints: its answer on standard output, all else on standard error."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any, Final, TypeVar

import click

__all__ = ["answer", "answer_json", "asks_for_json", "is_json", "output_option", "printable", "rfc3339", "say"]

Command = TypeVar("Command", bound=Callable[..., Any])

_JSON: Final = "azid.json"
_FORMAT_OPTIONS: Final = ("-o", "--output")


def output_option(*formats: str, default: str = "text") -> Callable[[Command], Command]:
    """Return the decorator that gives a command ``--output``.

    :param formats: what the command can print besides ``text`` and ``json``.
    :param default: what it prints unless told otherwise.
    """

    def note(context: click.Context, _: click.Parameter, value: str) -> str:
        context.meta[_JSON] = value == "json"
        return value

    return click.option(
        *_FORMAT_OPTIONS,
        type=click.Choice(["text", "json", *formats]),
        default=default,
        show_default=True,
        callback=note,
        is_eager=True,
        help="The form of the answer.",
    )


def is_json(context: click.Context) -> bool:
    """Whether the command under way was asked for JSON."""
    return bool(context.meta.get(_JSON, False))


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether arguments that could not be understood ask for JSON, so that the error can be told in it."""
    follows = any(pair[0] in _FORMAT_OPTIONS and pair[1] == "json" for pair in pairwise(arguments))
    return follows or "--output=json" in arguments or "-ojson" in arguments


def answer(text: str) -> None:
    """Print the answer.

    :raises OSError: it cannot be written.
    """
    if sys.stdout is None:  # click would say nothing, and the caller believe that all went well
        raise OSError(errno.EBADF, "standard output is closed")
    click.echo(text)


def answer_json(value: object) -> None:
    """Print the answer as JSON, in whichever encoding standard output has. Raises what `answer` does."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    is_unicode = encoding.lower().replace("_", "-").startswith("utf")
    answer(json.dumps(value, indent=2, ensure_ascii=not is_unicode))


def say(text: str = "") -> None:
    """Tell the person something that is not the answer."""
    click.echo(text, err=True)


def printable(text: str, *, lines: bool = False) -> str:
    """Return `text`, which may be anybody's, without what a terminal would obey: such characters are escaped.

    :param lines: whether it may have several lines.
    """
    kept = "\n" if lines else ""
    return "".join(
        character if character.isprintable() or character in kept else character.encode("unicode_escape").decode()
        for character in text
    )


def rfc3339(seconds: int) -> str:
    """Return a time, in seconds since the epoch, as programs of every kind read it: RFC 3339, in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
