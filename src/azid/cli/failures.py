"""How the command ends when something goes wrong: a message on standard error, and the exit code for it."""

from __future__ import annotations

import errno
import json
from typing import IO, Any

import click

from azid.cli import exit_codes
from azid.cli.output import printable

__all__ = ["CommandFailed", "failure_of"]

_NAMES = {
    exit_codes.FAILED: "failed",
    exit_codes.USAGE: "usage",
    exit_codes.SIGN_IN_NEEDED: "sign_in_needed",
    exit_codes.UNAVAILABLE: "unavailable",
    exit_codes.INTERRUPTED: "interrupted",
}
_OPTIONS = {
    "'authority'": "--authority",
    "'client_id'": "--client-id",
    "'tenant_id'": "--tenant",
    "disable_instance_discovery=True": "--disable-instance-discovery",
}
"""What the library's messages call its parameters, and what the command calls them."""


class CommandFailed(click.ClickException):
    """A failure that was explained.

    :param message: what happened.
    :param exit_code: one of `azid.cli.exit_codes`.
    :param remedy: the command to run next, if there is one.
    :param as_json: whether the message is for a program.
    """

    def __init__(
        self, message: str, exit_code: int = exit_codes.FAILED, *, remedy: str | None = None, as_json: bool = False
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance
        self.remedy = remedy
        self.as_json = as_json

    def show(self, file: IO[Any] | None = None) -> None:
        if self.as_json:
            error = {"code": _NAMES.get(self.exit_code, "failed"), "message": self.message, "remedy": self.remedy}
            click.echo(json.dumps({"error": error}), file=file, err=True)
            return
        click.echo(f"Error: {printable(self.message, lines=True)}", file=file, err=True)
        if self.remedy is not None:
            click.echo(f"Run:   {printable(self.remedy)}", file=file, err=True)


def failure_of(error: Exception, *, as_json: bool) -> click.ClickException | None:
    """Return how the command ends upon `error`; None if nobody foresaw it."""
    if isinstance(error, CommandFailed):
        error.as_json = as_json
        return error
    if isinstance(error, click.UsageError) and as_json:
        return CommandFailed(error.format_message(), exit_codes.USAGE, as_json=True)
    if isinstance(error, click.ClickException):
        return error
    if isinstance(error, click.Abort):
        return CommandFailed("Interrupted.", exit_codes.INTERRUPTED, as_json=as_json)
    if isinstance(error, OSError):
        # Whoever read the answer has left, as `head` does: click ends the process without a word.
        return None if error.errno == errno.EPIPE else CommandFailed(str(error), as_json=as_json)
    return _authentication_failure_of(error, as_json=as_json)


def _authentication_failure_of(error: Exception, *, as_json: bool) -> CommandFailed | None:
    from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

    from azid.errors import AuthenticationRequiredError, CredentialUnavailableError

    message = str(error)
    for parameter, option in _OPTIONS.items():
        message = message.replace(parameter, option)
    if isinstance(error, AuthenticationRequiredError):
        return CommandFailed(message, exit_codes.SIGN_IN_NEEDED, remedy="azid login", as_json=as_json)
    if isinstance(error, CredentialUnavailableError):
        return CommandFailed(message, exit_codes.UNAVAILABLE, as_json=as_json)
    if isinstance(error, ClientAuthenticationError):
        # An OSError is, for example, a file of certificates that is not there.
        unreached = isinstance(error.__cause__, ServiceRequestError | ServiceResponseError | OSError)
        return CommandFailed(message, remedy="azid doctor" if unreached else None, as_json=as_json)
    return None
