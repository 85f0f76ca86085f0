"""What a caller gets: azure-core's two types for an access token, neither of which shows it by accident."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from azure.core.credentials import AccessToken, AccessTokenInfo

__all__ = ["FreshKey", "IssuedToken", "TokenInfo"]

FreshKey: TypeAlias = "tuple[tuple[str, ...], str | None, bool]"
"""What a token was asked for with: scopes as the caller wrote them, the tenant if one was named, whether with CAE."""


class _QuietAccessToken(AccessToken):
    __slots__ = ()

    def __repr__(self) -> str:
        return f"AccessToken(token='***', expires_on={self.expires_on})"


class TokenInfo(AccessTokenInfo):
    """azure-core's `AccessTokenInfo`, whose entries can also be read like a dict's: ``info["token"]``, ``dict(info)``.

    The entries are `token`, `expires_on` (seconds since the epoch), `token_type`, and `refresh_on` (seconds since the
    epoch, or None).
    """

    def keys(self) -> list[str]:
        """Return the entries' names."""
        return ["token", "expires_on", "token_type", "refresh_on"]

    def __getitem__(self, name: str) -> Any:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def get(self, name: str, default: Any = None) -> Any:
        """Return the entry `name`, or `default` if there is none of that name."""
        return self[name] if name in self.keys() else default

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TokenInfo | dict):
            return dict(self) == dict(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"AccessTokenInfo(token='***', expires_on={self.expires_on}, token_type={self.token_type!r}, "
            f"refresh_on={self.refresh_on})"
        )


class IssuedToken:
    """An access token with its lifetime, ready to be handed out in either type.

    :param secret: the token.
    :param expires_on: when it expires, in seconds since the epoch.
    :param token_type: how it is to be presented (RFC 6749 section 7.1).
    :param refresh_on: when the authority wants it refreshed, in seconds since the epoch, or None.
    """

    __slots__ = ("access_token", "expires_on", "fresh_until", "refresh_on", "token_info")

    EXPIRY_MARGIN = 300
    """Seconds before its expiry from which on a token is refreshed first: a request that carries it takes time, too."""

    def __init__(
        self, secret: str, expires_on: int, *, token_type: str = "Bearer", refresh_on: int | None = None
    ) -> None:
        self.access_token = _QuietAccessToken(secret, expires_on)
        self.token_info = TokenInfo(secret, expires_on, token_type=token_type, refresh_on=refresh_on)
        self.expires_on = expires_on
        self.refresh_on = refresh_on
        self.fresh_until: float = expires_on - self.EXPIRY_MARGIN
        """Until when it is handed out without another thought, in seconds since the epoch."""
        if refresh_on is not None:
            self.fresh_until = min(self.fresh_until, refresh_on)

    @property
    def may_wait(self) -> float:
        """Until when it may be handed out while another one is on its way, in seconds since the epoch."""
        return self.expires_on - self.EXPIRY_MARGIN
