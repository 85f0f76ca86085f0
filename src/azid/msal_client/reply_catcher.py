"""What stands in the place of MSAL's token cache: it passes each token reply on, and keeps none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msal

__all__ = ["ReplyCatcher", "caught_reply"]

_caught: ContextVar[dict[str, Any]] = ContextVar("azid_token_reply")


@contextmanager
def caught_reply() -> Iterator[dict[str, Any]]:
    """Collect, within the block, the token reply that MSAL gets."""
    caught: dict[str, Any] = {}
    token = _caught.set(caught)
    try:
        yield caught
    finally:
        _caught.reset(token)


class ReplyCatcher(msal.TokenCache):
    """A token cache that keeps nothing but what it is offered."""

    def add(self, event: Mapping[str, Any], now: float | None = None) -> None:  # noqa: ARG002 - MSAL's signature
        _caught.get().update(event["response"])

    def offer(self, home_account_id: str, environment: str, client_id: str, secret: str, family_id: str | None) -> None:
        """Let MSAL find one refresh token, for one account."""
        entry = {
            "credential_type": self.CredentialType.REFRESH_TOKEN,
            "home_account_id": home_account_id,
            "environment": environment,
            "client_id": "" if family_id else client_id,  # MSAL would try a family's again as the client's own
            "secret": secret,
        }
        metadata = {"client_id": client_id, "environment": environment}
        if family_id:
            entry["family_id"] = metadata["family_id"] = family_id
        self.modify(self.CredentialType.REFRESH_TOKEN, entry, entry)
        self.modify(self.CredentialType.APP_METADATA, metadata, metadata)
