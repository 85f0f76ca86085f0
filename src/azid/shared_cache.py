"""The spine of whoever uses a sign-in that a developer's tool has left in the cache that Microsoft's tools share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from azid.authority import host_of
from azid.clock import Clock
from azid.errors import CredentialUnavailableError
from azid.msal_client.deferred import DeferredClient
from azid.record import AuthenticationRecord
from azid.scopes import parse_scopes
from azid.silent import SilentTokens
from azid.tokens.access import FreshKey, IssuedToken
from azid.tokens.cache import Storage, TokenCache
from azid.tokens.request import TokenRequest

__all__ = ["SharedCacheSession"]


class SharedCacheSession:
    """Gets tokens of an account that somebody else has signed in, and asks nobody.

    :param client_id: the client to get tokens for; the refresh tokens of its family will do.
    :param authority: the authority, as ``https://host[:port]``.
    :param record: the account to use, if it is known.
    :param is_meant: whether an account is the one to use.
    :param whose: what messages say about that account, with a space before it; empty if nothing is known.
    :param resolve_tenant: returns the tenant to ask when a call names this one, or None.
    :param msal: who speaks to the authority.
    :param storage: where the tokens are.
    :param clock: what lifetimes are counted by.
    """

    sign_ins = 0
    """Nobody signs in here."""

    def __init__(
        self,
        *,
        client_id: str,
        authority: str,
        record: AuthenticationRecord | None,
        is_meant: Callable[[AuthenticationRecord], bool],
        whose: str,
        resolve_tenant: Callable[[str | None], str],
        msal: DeferredClient[Any],
        storage: Storage,
        clock: Clock,
    ) -> None:
        self.fresh: dict[FreshKey, IssuedToken] = {}
        """Access tokens by what was asked for. Good until their `fresh_until`, without a lock."""
        self._record = record
        self._is_meant = is_meant
        self._whose = whose
        self._resolve = resolve_tenant
        self._msal = msal
        self._clock = clock
        self._closed = False
        self._cache = TokenCache(client_id=client_id, host=host_of(authority), storage=storage)
        self._silent = SilentTokens(
            self._cache,
            msal=msal,
            clock=clock,
            needed="The person has to sign in again, with the tool that left the sign-in there, such as Visual Studio.",
        )

    def token(
        self, scopes: tuple[str, ...], *, claims: str | None, tenant_id: str | None, enable_cae: bool
    ) -> IssuedToken:
        """Return an access token; the parameters are those of `SignInSession.token`.

        :raises CredentialUnavailableError: there is no cache, or not one account in it that fits and can be used.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority refused or could not be reached.
        """
        parsed, tenant = parse_scopes(scopes), self._resolve(tenant_id)
        key: FreshKey = (scopes, tenant if tenant_id else None, enable_cae)
        if not claims and (held := self.fresh.get(key)) is not None and self._clock.time() < held.fresh_until:
            return held
        if self._closed:
            raise CredentialUnavailableError("This credential was closed. Make a new one to ask for more tokens.")
        request = TokenRequest(parsed, tenant, claims or None, enable_cae)

        def remember(issued: IssuedToken) -> None:
            if request.claims:
                self.fresh.clear()  # the token that a resource has refused may be there under other keys
            self.fresh[key] = issued

        return self._silent.get(request, self._account(), remember)

    def open(self) -> None:
        """Enter the transport."""
        self._msal.__enter__()

    def close(self, *details: object) -> None:
        """Leave the transport, and send no more requests.

        :param details: what the end of a `with` block was told.
        """
        self._closed = True
        self._msal.__exit__(*details)

    def _account(self) -> AuthenticationRecord:
        accounts = self._cache.accounts(self._record, family=True)
        meant = [account for account in accounts if self._is_meant(account)]
        if len(meant) == 1:
            return meant[0]
        if not accounts:
            raise CredentialUnavailableError(
                "The shared token cache has no account: sign in with a tool that shares it, or another way."
            )
        names = ", ".join(sorted({account.username for account in meant or accounts}))
        raise CredentialUnavailableError(
            f"The shared token cache has several accounts{self._whose}: {names}. Give 'username' and 'tenant_id'."
            if meant
            else f"The shared token cache has no account{self._whose}, but has {names}."
        )
