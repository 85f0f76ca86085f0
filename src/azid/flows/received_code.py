"""Redeeming an authorization code that a web application has received."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from azid.clock import Clock
from azid.flows.flow import SignInSpentError
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.msal_client.client import MsalClient
    from azid.tokens.response import TokenResponse

__all__ = ["ReceivedCode"]


class ReceivedCode:
    """The end of an authorization code flow that somebody else has begun (RFC 6749 section 4.1.3).

    :param code: the authorization code. It is good for one sign-in.
    :param redirect_uri: where it was sent.
    """

    grant_type = "authorization_code"

    def __init__(self, code: str, redirect_uri: str) -> None:
        self._code: str | None = code
        self._redirect_uri = redirect_uri

    @contextmanager
    def signing_in(
        self,
        client: MsalClient[Any],
        request: TokenRequest,
        *,
        login_hint: str | None,  # noqa: ARG002 - the code says who it is
        clock: Clock,  # noqa: ARG002 - nobody is waited for
        cancelled: threading.Event,  # noqa: ARG002
    ) -> Iterator[TokenResponse]:
        """Redeem the code; the parameters are those of `SignInFlow`.

        :raises ~azure.core.exceptions.ClientAuthenticationError: it was redeemed before, or is refused.
        """
        if self._code is None:
            raise SignInSpentError(
                "The authorization code was redeemed before, and the sign-in that it brought is good for this no more. "
                "Have the person sign in again, and make a credential with the new code."
            )
        response = client.redeem_code(request, self._code, self._redirect_uri)
        self._code = None
        yield response
