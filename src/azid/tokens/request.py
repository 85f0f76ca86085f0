"""What a caller asks an authority for."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["TokenRequest"]


class TokenRequest(NamedTuple):
    """A request for an access token.

    :param scopes: the scopes, each once.
    :param tenant_id: the tenant to ask: a GUID, a domain name, or a shared name such as ``organizations``.
    :param claims: the claims that a resource asked for, as JSON (OpenID Connect Core section 5.5), or None.
    :param enable_cae: whether to ask for continuous access evaluation.
    """

    scopes: tuple[str, ...]
    tenant_id: str
    claims: str | None = None
    enable_cae: bool = False

    def __repr__(self) -> str:
        claims = "None" if self.claims is None else "'***'"
        return (
            f"TokenRequest(scopes={self.scopes!r}, tenant_id={self.tenant_id!r}, claims={claims}, "
            f"enable_cae={self.enable_cae!r})"
        )
