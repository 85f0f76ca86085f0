"""Signing a person in by the token with which they have called this application (on-behalf-of)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from azid.clock import Clock
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.msal_client.confidential import ConfidentialClient
    from azid.tokens.response import TokenResponse

__all__ = ["OnBehalfOfSignIn"]


@dataclass(frozen=True)
class OnBehalfOfSignIn:
    """The on-behalf-of flow (RFC 7523 section 2.1; Entra documentation topic "OAuth 2.0 On-Behalf-Of flow").

    :param user_assertion: the access token that the person's program has sent.
    """

    user_assertion: str = field(repr=False)

    grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    @contextmanager
    def signing_in(
        self,
        client: ConfidentialClient,
        request: TokenRequest,
        *,
        login_hint: str | None,  # noqa: ARG002 - the assertion says who it is
        clock: Clock,  # noqa: ARG002 - nobody is waited for
        cancelled: threading.Event,  # noqa: ARG002
    ) -> Iterator[TokenResponse]:
        """Trade the assertion for tokens; the parameters are those of `SignInFlow`."""
        yield client.redeem_user_assertion(request, self.user_assertion)
