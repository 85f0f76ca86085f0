"""Running a developer's tool: within a time, out of reach of files that lie around, ended with whoever wanted it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import string
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, NamedTuple

from azid.cancellation import Cancellation
from azid.errors import AuthenticationFailedError, AuthenticationRequiredError, CredentialUnavailableError
from azid.single_flight import FlightAbandoned
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["Tool", "ToolOutput", "positive_process_timeout"]

_SAFE_IN_SCOPES: Final = frozenset(string.ascii_letters + string.digits + "-_.:/")
"""What a shell, and Windows's batch files, pass on unchanged."""
_FAREWELL: Final = 1.0
"""Seconds for which a tool that was ended is waited for."""
_LONGEST_MESSAGE: Final = 1000
"""Characters of a tool's own words. More would be no sentence for a person."""
_LOOKS_SECRET: Final = re.compile(r"[\w-]{8,}\.[\w-]{8,}\.[\w-]*|[\w+/=-]{64,}")
"""A JWT (RFC 7515 section 7.1), or anything else that is too long for a word."""


class ToolOutput(NamedTuple):
    """What a tool has printed. Standard output may hold a token: it is never told."""

    status: int
    """The exit status."""
    text: str
    """Standard output."""
    complaint: str
    """Standard error."""

    def __repr__(self) -> str:
        return f"ToolOutput(status={self.status})"

    @property
    def told(self) -> str:
        """What the tool has complained about, in one line that can be shown."""
        words = _LOOKS_SECRET.sub("***", self.complaint).split()
        return " ".join(words)[:_LONGEST_MESSAGE]


class Tool:
    """A tool on the search path.

    :param name: what people call it.
    :param executables: its file's name, and others that will do.
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
        :raises CredentialUnavailableError: it is not installed, cannot be run, or takes too long.
        """
        command = [self._find(), *arguments]
        try:
            process = subprocess.Popen(  # noqa: S603 - found on the search path, with arguments that were checked
                command,
                cwd=self._safe_folder(),
                env={**self._environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that what it starts can be ended, too
            )
        except OSError as error:
            raise CredentialUnavailableError(f"{self.name} cannot be run: {error.strerror}.") from None
        with process:
            return self._wait_for(process)

    def _wait_for(self, process: subprocess.Popen[str]) -> ToolOutput:
        caller = Cancellation.current()

        def end() -> bool:
            _kill(process)
            return True

        leaving: AbstractContextManager[Any] = nullcontext() if caller is None else caller.noticed_by(end)
        try:
            with leaving:
                text, complaint = process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            raise CredentialUnavailableError(
                f"{self.name} did not answer within {self._timeout:g} seconds. Run it once by hand to see why, or give "
                "it more time with 'process_timeout'."
            ) from None
        finally:
            if process.returncode is None:
                _kill(process)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=_FAREWELL)
        if caller is not None and caller.is_cancelled:
            raise FlightAbandoned
        return ToolOutput(process.returncode, text, complaint)

    def _find(self) -> str:
        """Return the tool's path. A file in the current folder is not it, though Windows would run that."""
        for executable in self._executables:
            path = shutil.which(executable, path=self._environ.get("PATH", os.defpath))
            if path is not None and os.path.isabs(path):  # noqa: PTH117 - as it was found
                return path
        raise CredentialUnavailableError(f"{self.name} is not installed: {self._remedy}")

    def _safe_folder(self) -> str:
        """Return a folder where only an administrator puts files: tools read, and Windows runs, what is there."""
        return self._environ.get("SYSTEMROOT", os.sep) if sys.platform == "win32" else "/bin"

    def require_safe(self, scopes: Iterable[str]) -> None:
        """Refuse scopes that could mean something to a shell on the tool's way.

        :raises ValueError: one of them has such a character.
        """
        for scope in scopes:
            if not _SAFE_IN_SCOPES.issuperset(scope):
                raise ValueError(
                    f"{scope!r} cannot be asked for here: {self.name} takes scopes of letters, digits and -_.:/ only."
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
        if expires_on <= requested_at:
            raise AuthenticationFailedError(f"{self.name} gave an expired token: check this machine's clock.")
        return TokenResponse.parse(
            {"access_token": token, "expires_in": int(expires_on - int(requested_at))},
            client_id="",
            tenant_id=request.tenant_id,
            requested_at=requested_at,
        )

    def unreadable(self) -> AuthenticationFailedError:
        """Return the error for output that holds no token."""
        return AuthenticationFailedError(
            f"{self.name} printed something else than a token: update it, and run it by hand to see what it prints."
        )

    def failure(self, output: ToolOutput) -> AuthenticationFailedError:
        """Return the error for a tool that has failed."""
        told = output.told or f"it ended with exit status {output.status}"
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


def _kill(process: subprocess.Popen[str]) -> None:
    """End a tool and, where the system can tell them, what it has started. Takes no lock."""
    if process.returncode is not None:
        return
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
