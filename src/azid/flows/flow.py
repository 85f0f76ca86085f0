"""What a flow is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

from azid.clock import Clock
from azid.errors import AuthenticationFailedError
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.tokens.response import TokenResponse

__all__ = ["SignInFlow", "SignInSpentError", "optional_function", "positive_timeout"]


Client = TypeVar("Client", contravariant=True)  # noqa: PLC0105 - one of azid.msal_client


class SignInSpentError(AuthenticationFailedError):
    """What was to be traded for tokens has been traded before, and is good for once only."""


class SignInFlow(Protocol[Client]):
    """Gets tokens for a person who proves to be there. Holds settings only, so that it can be pickled."""

    @property
    def grant_type(self) -> str:
        """The grant that it ends with (RFC 6749 section 1.3)."""

    def signing_in(
        self,
        client: Client,
        request: TokenRequest,
        *,
        login_hint: str | None,
        clock: Clock,
        cancelled: threading.Event,
    ) -> AbstractContextManager[TokenResponse]:
        """Let the person sign in; yield the authority's checked response.

        The person is told that the sign-in succeeded when the block ends, and why it failed if the block raises.

        :param client: who speaks to the authority.
        :param request: what is asked for.
        :param login_hint: whom to suggest.
        :param clock: what waits and deadlines are counted by.
        :param cancelled: ends the wait for the person when it is set.
        :raises CredentialUnavailableError: this machine cannot ask the person.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the sign-in failed, was declined or timed out.
        """


def positive_timeout(timeout: float) -> float:
    """Return `timeout`.

    :raises ValueError: it is no positive number.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise ValueError(f"'timeout' must be a positive number of seconds, not {timeout!r}.")
    return timeout


Function = TypeVar("Function", bound="Callable[..., object] | None")


def optional_function(name: str, value: Function) -> Function:
    """Return `value`, before a person waits for what it should do.

    :raises TypeError: it is neither a function nor None.
    """
    if value is not None and not callable(value):
        raise TypeError(f"'{name}' must be a function, not {type(value).__name__}.")
    return value
