"""The resource owner password credentials grant (RFC 6749 section 4.3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from azid.clock import Clock
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.msal_client.public import PublicClient
    from azid.tokens.response import TokenResponse

__all__ = ["PasswordSignIn"]


@dataclass(frozen=True)
class PasswordSignIn:
    """Trades a user name and a password for tokens. Nobody has to be there, and no second factor can be given.

    :param username: the user principal name.
    :param password: the password.
    """

    username: str
    password: str = field(repr=False)
    grant_type: ClassVar[str] = "password"

    @contextmanager
    def signing_in(
        self,
        client: PublicClient,
        request: TokenRequest,
        *,
        login_hint: str | None,  # noqa: ARG002 - the user name is given
        clock: Clock,  # noqa: ARG002 - there is nothing to wait for
        cancelled: threading.Event,  # noqa: ARG002
    ) -> Iterator[TokenResponse]:
        yield client.redeem_password(request, self.username, self.password)
