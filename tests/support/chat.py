"""Clients that take a function instead of a credential and call it for each request, as OpenAI's do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from azid.emulator import Emulator

__all__ = ["AsyncChat", "Chat"]


class Chat:
    """A client of the emulator's protected resource, which knows people by their tokens."""

    def __init__(self, entra: Emulator, token_provider: Callable[[], str]) -> None:
        self._entra = entra
        self._token_provider = token_provider

    def whom_it_talks_to(self) -> str:
        """Return the user name of the person whose token the request carried."""
        return _user_name(self._entra, self._token_provider())


class AsyncChat:
    """The same, async."""

    def __init__(self, entra: Emulator, token_provider: Callable[[], Awaitable[str]]) -> None:
        self._entra = entra
        self._token_provider = token_provider

    async def whom_it_talks_to(self) -> str:
        """Return the user name of the person whose token the request carried."""
        return _user_name(self._entra, await self._token_provider())


def _user_name(entra: Emulator, token: str) -> str:
    response = entra.session().get(entra.resource_url, headers={"Authorization": f"Bearer {token}"})
    response.raise_for_status()
    return str(response.json()["userPrincipalName"])
