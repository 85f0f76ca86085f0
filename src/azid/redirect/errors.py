"""Why the redirect could not be listened for, or did not come."""

from __future__ import annotations

__all__ = ["ListenerUnavailable", "RedirectTimeout", "WaitCancelled"]


class ListenerUnavailable(OSError):  # noqa: N818 - says what is the case, as ConnectionRefused and the like do
    """No port could be opened for the redirect. The message names the port and says what to do."""

    def __str__(self) -> str:
        return self.strerror or super().__str__()


class RedirectTimeout(Exception):  # noqa: N818
    """No authorization response came in the time given."""


class WaitCancelled(Exception):  # noqa: N818
    """The wait was cancelled, or its listener closed."""
