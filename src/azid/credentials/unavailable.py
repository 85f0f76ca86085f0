"""A credential that could not be made, in its place in a chain."""

from __future__ import annotations

from azid.clock import SystemClock
from azid.credentials.credential import Credential
from azid.unattended import UnavailableSession

__all__ = ["UnavailableCredential"]


class UnavailableCredential(Credential):
    """Tells, whenever it is asked for a token, why there is none.

    :param stands_for: the name of the credential that could not be made.
    :param why: why, and what to do.
    """

    def __init__(self, stands_for: str, why: str) -> None:
        super().__init__(UnavailableSession(why), SystemClock())
        self.stands_for = stands_for

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.stands_for!r})"
