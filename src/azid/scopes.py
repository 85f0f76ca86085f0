"""Scopes: what a caller wrote, as RFC 6749 section 3.3 wants it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["parse_scopes", "resource_of"]

_SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3
# OpenID Connect Core sections 5.4 and 11. MSAL asks for them with every token, and refuses them from a caller.
_ALWAYS_REQUESTED: Final = frozenset({"openid", "profile", "offline_access"})


def parse_scopes(scopes: Iterable[str], *, method: str = "get_token") -> tuple[str, ...]:
    """Return `scopes` one by one, each once, in their order.

    :param scopes: scopes; one text may hold several, separated by spaces.
    :param method: the public method that was called, for the error's text.
    :raises ValueError: there is no scope, or one that no authority could grant.
    :raises TypeError: something that is not text is among them.
    """
    parsed: dict[str, None] = {}
    for text in scopes:
        if not isinstance(text, str):
            raise TypeError(f"'{method}' takes scopes as text, one argument each; {type(text).__name__} is not text.")
        parsed.update(dict.fromkeys(text.split()))
    for scope in parsed:
        if not _SCOPE_TOKEN.fullmatch(scope):
            raise ValueError(f"{scope!r} is no scope: only printable ASCII without quote and backslash can be in one.")
    wanted = tuple(scope for scope in parsed if scope not in _ALWAYS_REQUESTED)
    if not wanted:
        raise ValueError(
            f"'{method}' requires at least one scope, such as 'https://graph.microsoft.com/.default'"
            + (f": {', '.join(parsed)} come with every token." if parsed else ".")
        )
    return wanted


def resource_of(scopes: tuple[str, ...]) -> str:
    """Return the resource that `scopes` are about, as endpoints that know no scopes want it.

    :param scopes: scopes, parsed.
    :raises ValueError: there are several.
    """
    if len(scopes) != 1:
        raise ValueError(
            f"This credential takes one scope at a time, such as 'https://vault.azure.net/.default', not {len(scopes)}."
        )
    return scopes[0].removesuffix("/.default")
