"""An authority's answer to a token request, checked (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.7)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from azid.authority import is_guid
from azid.errors import AuthenticationFailedError
from azid.record import AuthenticationRecord

__all__ = ["TokenResponse"]

_LONGEST_LIFETIME: Final = 10 * 365 * 86_400
"""Seconds. More is an authority's mistake, and would overflow dates further on."""


@dataclass(frozen=True)
class TokenResponse:
    """A token response whose fields have the right types and which is meant for this client and this tenant.

    MSAL reads the id token without validating it. It came straight from the token endpoint, so its signature need not
    be checked (OpenID Connect Core section 3.1.3.7, number 6); its audience and its tenant must be.
    """

    access_token: str = field(repr=False)
    token_type: str
    expires_in: int
    """Seconds."""
    refresh_in: int | None
    """Seconds."""
    ext_expires_in: int | None
    """Seconds."""
    scope: tuple[str, ...] | None
    """The scopes that were granted, or None for those that were asked for."""
    refresh_token: str | None = field(repr=False)
    family_id: str | None
    """The family of clients that may use the refresh token, too."""
    id_token: str | None = field(repr=False)
    id_token_claims: Mapping[str, Any] = field(repr=False)
    client_info: Mapping[str, Any] = field(repr=False)
    requested_at: int
    """When it was asked for, in seconds since the epoch: its lifetimes count from there."""
    broker_account_id: str | None = None
    """The operating system's broker's name for the account; None where the tokens came from the authority itself."""

    @classmethod
    def parse(cls, reply: Mapping[str, Any], *, client_id: str, tenant_id: str, requested_at: float) -> TokenResponse:
        """Check an authority's reply.

        :param reply: the reply's JSON object.
        :param client_id: the client that asked.
        :param tenant_id: the tenant that was asked.
        :param requested_at: when it was asked, in seconds since the epoch.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the reply lacks something, has something of the wrong
            type, or is meant for another client or another tenant.
        """
        access_token = _text(reply, "access_token")
        if access_token is None:
            raise AuthenticationFailedError("The authority's reply holds no access token.")
        expires_in = _seconds(reply, "expires_in")
        if expires_in is None:
            raise AuthenticationFailedError(
                "The authority's reply does not say for how many seconds its token is valid."
            )
        id_token = _text(reply, "id_token")
        claims = _decode_part(id_token.split(".")[1] if id_token.count(".") else "", "id token") if id_token else {}
        client_info = _text(reply, "client_info")
        scope = _text(reply, "scope")
        response = cls(
            access_token=access_token,
            token_type=_text(reply, "token_type") or "Bearer",
            expires_in=expires_in,
            refresh_in=_seconds(reply, "refresh_in"),
            ext_expires_in=_seconds(reply, "ext_expires_in"),
            scope=None if scope is None else tuple(scope.split()),
            refresh_token=_text(reply, "refresh_token"),
            family_id=_text(reply, "foci"),
            id_token=id_token,
            id_token_claims=claims,
            client_info=_decode_part(client_info, "client_info") if client_info else {},
            requested_at=int(requested_at),
        )
        response._check_audience(client_id)
        response._check_tenant(tenant_id)
        return response

    @property
    def expires_on(self) -> int:
        """When the access token expires, in seconds since the epoch."""
        return self.requested_at + self.expires_in

    @property
    def refresh_on(self) -> int | None:
        """When the authority wants the access token refreshed, in seconds since the epoch."""
        return None if self.refresh_in is None else self.requested_at + self.refresh_in

    @property
    def home_account_id(self) -> str | None:
        """MSAL's name for the account: from `client_info`, else the id token's subject, as ADFS sends none."""
        uid, utid = self.client_info.get("uid"), self.client_info.get("utid")
        if isinstance(uid, str) and isinstance(utid, str):
            return f"{uid}.{utid}"
        return self.claim("sub")

    @property
    def local_account_id(self) -> str:
        """MSAL's name for the account in the tenant: the broker's own, else the object ID. Empty if nobody tells."""
        return self.broker_account_id or self.claim("oid") or self.claim("sub") or ""

    @property
    def tenant_id(self) -> str | None:
        """The tenant that issued the tokens: the id token's `tid`, else what its issuer's path says."""
        if tid := self.claim("tid"):
            return tid
        return self._issuer.path.strip("/").partition("/")[0] or None

    @property
    def _issuer(self) -> SplitResult:
        try:
            return urlsplit(self.claim("iss") or "")
        except ValueError:
            raise AuthenticationFailedError("The authority sent an id token whose issuer is no URL.") from None

    @property
    def username(self) -> str:
        """The account's user principal name; ADFS calls it `upn`. Empty if the authority does not tell."""
        return self.claim("preferred_username") or self.claim("upn") or self.claim("email") or ""

    def claim(self, name: str) -> str | None:
        """Return the id token's claim `name` if it is text."""
        value = self.id_token_claims.get(name)
        return value if isinstance(value, str) else None

    def record(
        self, *, client_id: str, authority_host: str, tenant_id: str, needs_name: bool = True
    ) -> AuthenticationRecord:
        """Return the record of the account that signed in.

        :param client_id: the client it signed in to.
        :param authority_host: the authority it signed in at, used if the id token names no issuer.
        :param tenant_id: the tenant it signed in to, used if the id token names none.
        :param needs_name: whether the reply has to say who signed in. If it need not, the record may name nobody.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the reply does not say who signed in.
        """
        home_account_id = self.home_account_id
        if needs_name and not (self.id_token and home_account_id):
            raise AuthenticationFailedError(
                "The authority's reply does not say who signed in: it has no usable id token. Nothing was stored."
            )
        return AuthenticationRecord(
            tenant_id=self.tenant_id or tenant_id,
            client_id=client_id,
            authority=self._issuer.netloc or authority_host,
            home_account_id=home_account_id or "",
            username=self.username,
        )

    def _check_audience(self, client_id: str) -> None:
        if not self.id_token:
            return
        audience = self.id_token_claims.get("aud")
        if client_id not in (audience if isinstance(audience, list) else [audience]):
            raise AuthenticationFailedError(
                "The authority sent an id token for another application. Nothing was stored."
            )

    def _check_tenant(self, tenant_id: str) -> None:
        issuing = self.tenant_id or ""
        is_told = self.claim("tid") is not None or is_guid(issuing)  # an issuer's path may be anything else
        if is_told and is_guid(tenant_id) and issuing.lower() != tenant_id.lower():
            raise AuthenticationFailedError(
                f"The authority sent tokens of the tenant {issuing!r:.80} instead of {tenant_id!r}. Nothing was stored."
            )


def _text(reply: Mapping[str, Any], name: str) -> str | None:
    value = reply.get(name)
    if value is not None and not isinstance(value, str):
        raise AuthenticationFailedError(f"The authority's reply holds a {name!r} that is not text.")
    return value or None


def _seconds(reply: Mapping[str, Any], name: str) -> int | None:
    """Return the lifetime `name`, or None where there is none that makes sense. Some authorities send it as text."""
    value = reply.get(name)
    try:
        seconds = int(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds <= _LONGEST_LIFETIME else None


def _decode_part(part: str, name: str) -> Mapping[str, Any]:
    """Decode one base64url part of a JWT (RFC 7515 section 2), or Entra's `client_info`, which looks alike."""
    try:
        values = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise AuthenticationFailedError(f"The authority sent a malformed {name}. Nothing was stored.")
    return values
