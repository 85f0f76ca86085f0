"""What a caller asks an authority for."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["TokenRequest"]


@dataclass(frozen=True)
class TokenRequest:
    """A request for an access token.

    :param scopes: the scopes, each once.
    :param tenant_id: the tenant to ask: a GUID, a domain name, or a shared name such as ``organizations``.
    :param claims: the claims that a resource asked for, as JSON (OpenID Connect Core section 5.5), or None.
    :param enable_cae: whether to ask for continuous access evaluation.
    """

    scopes: tuple[str, ...]
    tenant_id: str
    claims: str | None = field(default=None, repr=False)
    enable_cae: bool = False
