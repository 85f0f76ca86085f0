"""Home folders of made-up people, whose sign-ins both libraries find there."""

from __future__ import annotations

import functools
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from benchmarks.sign_ins import LOGIN_HOST, cache_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Home", "cache_text"]


class Home:
    """A context in which the folder is there.

    :param environment: variables that its programs are to have.
    :raises OSError: this is no Linux: elsewhere the person's own key chain would be written to, whatever the home is.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        if sys.platform != "linux":
            raise OSError("A personal store apart from the person's own can be had on Linux only.")
        self._folder = tempfile.TemporaryDirectory(prefix="azid-benchmarks-")
        self.folder = Path(self._folder.name).resolve()
        self.cache = self.folder / ".IdentityService" / "msal.cache.nocae"
        """The personal store of a machine without a keyring."""
        self.lock_file = self.cache.with_name(f"{self.cache.name}.lockfile")
        """What MSAL's libraries lock the store with."""
        self.environment = {**environment, "HOME": self._folder.name}
        """What a program needs to be at home here."""
        self.cache.parent.mkdir(0o700)

    def fill(self, accounts: int, *, expired: bool = False) -> None:
        """Let exactly so many people be signed in.

        :param accounts: how many.
        :param expired: whether their access tokens have expired.
        """
        self.empty()
        self.cache.write_text(cache_text(accounts, expired=expired), encoding="utf-8")
        self.cache.chmod(0o600)

    def empty(self) -> None:
        """Let nobody be signed in."""
        for path in (self.cache, self.lock_file):
            path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._folder.cleanup()


@functools.cache
def cache_text(accounts: int, *, expired: bool = False) -> str:
    """Return MSAL's cache after so many sign-ins at the public cloud, as MSAL writes it."""
    return str(cache_of(accounts, 1, host=LOGIN_HOST, expired=expired).serialize())
