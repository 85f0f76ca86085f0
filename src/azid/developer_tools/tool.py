"""A developer's tool: found out of reach of files that lie around, and quoted without what it should not have told."""

from __future__ import annotations

import os
import re
import signal
import string
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from azid.errors import AuthenticationFailedError, AuthenticationRequiredError, CredentialUnavailableError
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["Tool", "ToolOutput", "positive_process_timeout"]

_SAFE_IN_SCOPES: Final = frozenset(string.ascii_letters + string.digits + "-_.:/")
"""What a shell, and Windows's batch files, pass on unchanged."""
_LONGEST_MESSAGE: Final = 1000
"""Characters of a tool's own words. More would be no sentence for a person."""
_LONGEST_COMPLAINT: Final = 20_000
"""Characters of standard error that are read for them."""
_LOOKS_SECRET: Final = re.compile(r"ey[\w-]{8,}\.[\w-]{8,}\.[\w-]*|[\w+/=-]{64,}")
"""A JWT (RFC 7515 section 7.1), or anything else that is too long for a word."""
_NAMED_SECRET: Final = re.compile(
    r"""(?ix) (  ["']? \w{0,30} (?:assertion|password|secret|token) ["']? \s{0,9} [:=] \s{0,9} (?=["'])
              |  (?:assertion|password|secret|token) =  )
              (?: "[^"]*"? | '[^']*'? | [^\s&"']+ )"""
)
"""What a tool calls a secret that quotes its own output, or a request of its own."""
_ESCAPE_SEQUENCE: Final = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
"""How tools colour their words (ECMA-48 section 5.4)."""
_COMMAND_NOT_FOUND: Final = 127
"""The exit status of a shell, which many tools are begun by, that does not find what it is to run."""
_SUFFIXES: Final = (".exe", ".cmd", ".bat") if sys.platform == "win32" else ("",)
_PREFIX: Final = "ERROR: "
_LONGEST_LIFETIME: Final = 10 * 365 * 86_400
"""Seconds. No token lives longer: such a time is a mistake, and would overflow dates further on."""


class ToolOutput(NamedTuple):
    """What a tool has printed. Standard output may hold a token: it is never told."""

    status: int
    """The exit status; the negative number of the signal that has ended it."""
    text: str
    """Standard output."""
    complaint: str
    """Standard error."""

    def __repr__(self) -> str:
        return f"ToolOutput(status={self.status})"

    @property
    def told(self) -> str:
        """What the tool has complained about, in one line that can be shown.

        What comes below a line that ends with a colon is left out: commands, or a traceback.
        """
        text = _ESCAPE_SEQUENCE.sub("", self.complaint[:_LONGEST_COMPLAINT])
        text = _NAMED_SECRET.sub(r"\1***", _LOOKS_SECRET.sub("***", text))
        lines: list[str] = []
        for line in filter(None, map(_in_printable_words, text.splitlines())):
            if lines and line.endswith(":"):
                break
            lines.append(line.removeprefix(_PREFIX))
        return " ".join(lines)[:_LONGEST_MESSAGE]

    @property
    def ended(self) -> str:
        """How the tool has ended."""
        try:
            return f"it was ended by {signal.Signals(-self.status).name}"
        except ValueError:
            return f"it ended with exit status {self.status}"


class Tool:
    """A tool on the search path.

    :param name: what people call it.
    :param executables: its file's name, and others that will do; on Windows without suffixes.
    :param remedy: how to get it.
    :param timeout: seconds that it may take.
    :param environ: the environment variables, the search path among them.
    """

    def __init__(
        self, name: str, executables: Sequence[str], *, remedy: str, timeout: float, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self._executables = executables
        self._remedy = remedy
        self._timeout = timeout
        self._environ = environ

    def run(self, *arguments: str, **environ: str) -> ToolOutput:
        """Run the tool and return what it prints.

        :param arguments: its arguments.
        :param environ: environment variables besides those that there are.
        :raises CredentialUnavailableError: it is not installed, or not properly, cannot be run, or takes too long.
        """
        command = [self._find(), *arguments]
        from azid.developer_tools.process import run  # needed only where there is a tool: it loads much

        try:
            printed = run(
                command,
                folder=self._safe_folder(),
                environ={**self._environ, **environ},
                timeout=self._timeout,
            )
        except TimeoutError:
            raise CredentialUnavailableError(
                f"{self.name} did not answer within {self._timeout:g} seconds. Run it once by hand to see why, or give "
                "it more time with 'process_timeout'."
            ) from None
        except OSError as error:
            raise CredentialUnavailableError(
                f"{self.name} cannot be run ({error.strerror}): install it anew, or sign in another way."
            ) from None
        if printed.status == _COMMAND_NOT_FOUND:
            raise CredentialUnavailableError(
                f"{self.name} is not installed properly, as it cannot find a part of itself: install it anew."
            )
        return ToolOutput(
            printed.status, printed.output.decode("utf-8", "replace"), printed.errors.decode("utf-8", "replace")
        )

    def _find(self) -> str:
        """Return the tool's path. A file in the current folder is not it, though Windows would run that."""
        import shutil

        folders = self._environ.get("PATH", os.defpath).split(os.pathsep)
        for executable in (name + suffix for name in self._executables for suffix in _SUFFIXES):
            for folder in folders:
                path = os.path.join(folder, executable)  # noqa: PTH118 - as the search path has it
                if os.path.isabs(path) and shutil.which(path) is not None:  # noqa: PTH117
                    return path
        raise CredentialUnavailableError(f"{self.name} is not installed: {self._remedy}")

    def _safe_folder(self) -> str:
        """Return a folder where only an administrator puts files: tools read, and Windows runs, what is there."""
        return self._environ.get("SYSTEMROOT", os.sep) if sys.platform == "win32" else "/bin"

    def require_safe(self, scopes: Iterable[str]) -> None:
        """Refuse scopes that could mean something to a shell on the tool's way, or to the tool itself.

        :raises ValueError: one of them could.
        """
        for scope in scopes:
            if not _SAFE_IN_SCOPES.issuperset(scope) or scope.startswith("-"):
                raise ValueError(
                    f"{scope!r} cannot be asked for here: {self.name} takes scopes of letters, digits and -_.:/ only, "
                    "which begin with no '-'."
                )

    def response(
        self, request: TokenRequest, token: object, expires_on: float | None, requested_at: float
    ) -> TokenResponse:
        """Return what the tool has printed as a token response.

        :param request: what was asked for.
        :param token: the access token.
        :param expires_on: when it expires, in seconds since the epoch; None if that is not known.
        :param requested_at: when it was asked for, in seconds since the epoch.
        :raises ~azure.core.exceptions.ClientAuthenticationError: it is none, or has expired.
        """
        if not isinstance(token, str) or not token or expires_on is None:
            raise self.unreadable()
        expires_in = int(expires_on) - int(requested_at)
        if expires_in <= 0:
            raise AuthenticationFailedError(
                f"{self.name} gave a token that has expired: check this machine's clock, or sign in with it again."
            )
        if expires_in > _LONGEST_LIFETIME or not (token.isascii() and token.isprintable()):
            raise self.unreadable()
        return TokenResponse.parse(
            {"access_token": token, "expires_in": expires_in},
            client_id="",
            tenant_id=request.tenant_id,
            requested_at=requested_at,
        )

    def unreadable(self) -> AuthenticationFailedError:
        """Return the error for output that holds no token."""
        return AuthenticationFailedError(
            f"{self.name} printed something else than a token: update it, and run it by hand to see what it prints."
        )

    def failure(self, output: ToolOutput, remedy: str = "") -> AuthenticationFailedError:
        """Return the error for a tool that has failed.

        :param output: what it has printed.
        :param remedy: what to do; empty if only the tool knows.
        """
        told = output.told or output.ended
        if remedy:
            told = f"{told}{'' if told.endswith('.') else '.'} {remedy}"
        return AuthenticationFailedError(f"{self.name} could not get a token: {told}")

    def claims_needed(self, request: TokenRequest, command: str) -> AuthenticationRequiredError:
        """Return the error for claims that only a new sign-in with the tool can satisfy.

        :param command: the command that does it, up to the claims.
        """
        return AuthenticationRequiredError(
            request.scopes,
            f"The resource wants more than {self.name} can give by itself. Sign in once more: '{command} <claims>', "
            "with this error's 'claims', encoded in base64.",
            claims=request.claims,
        )


def positive_process_timeout(timeout: float) -> float:
    """Return `timeout`.

    :raises ValueError: it is no positive number.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise ValueError(f"'process_timeout' must be a positive number of seconds, not {timeout!r}.")
    return timeout


def _in_printable_words(line: str) -> str:
    """Return a line with one space between words, and nothing in it that a terminal would obey."""
    return " ".join("".join(char if char.isprintable() else " " for char in line).split())
