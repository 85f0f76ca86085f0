"""Getting an account's tokens without asking anybody: from the store, the system's broker, or for a refresh token."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from azid.clock import Clock
from azid.errors import AuthenticationFailedError, AuthenticationRequiredError, BrokerUnavailableError
from azid.record import AuthenticationRecord
from azid.renewal import Renewals
from azid.tokens.access import IssuedToken
from azid.tokens.cache import TokenCache
from azid.tokens.document import StoredRefreshToken
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.msal_client.client import MsalClient
    from azid.tokens.response import TokenResponse

__all__ = ["SilentTokens"]

_LOGGER = logging.getLogger(__name__)

_PERSON_CAN_HELP: Final = frozenset({"consent_required", "interaction_required", "invalid_grant", "login_required"})
"""Refusals of a refresh that a sign-in can get over (OpenID Connect Core section 3.1.2.6, RFC 6749 section 5.2)."""


class SilentTokens:
    """One client's tokens at one authority, of whichever account.

    :param cache: where the tokens are.
    :param msal: returns who speaks to the authority.
    :param clock: what lifetimes are counted by.
    :param use_broker: whether the operating system's broker is asked about the accounts that it signed in.
    :param needed: what to tell when a person has to sign in.
    """

    def __init__(
        self,
        cache: TokenCache,
        *,
        msal: Callable[[], MsalClient[Any]],
        clock: Clock,
        use_broker: bool = False,
        needed: str = "A person has to sign in again: call 'authenticate'.",
    ) -> None:
        self._cache = cache
        self._msal = msal
        self._clock = clock
        self._use_broker = use_broker
        self._needed = needed
        self._ended_refresh_tokens: set[str] = set()
        self._renewals = Renewals(clock)

    def get(
        self, request: TokenRequest, record: AuthenticationRecord, remember: Callable[[IssuedToken], object]
    ) -> IssuedToken:
        """Return a token of the account: a valid one from the store, or a new one.

        :param request: what is asked for. If it has claims, only a new token will do.
        :param record: whose token.
        :param remember: told of the token to hand out from now on, which a refresh in the background may change.
        :raises AuthenticationRequiredError: a person has to sign in.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority refused otherwise, or was not reached.
        """
        return self._renewals.get(
            (record.home_account_id, request),
            held=self._cache.find(request, record, self._clock.time()),
            renew=lambda: self._get_anew(request, record),
            remember=remember,
        )

    def signed_in(self) -> None:
        """Forget which refresh tokens have ended: a person has signed in anew."""
        self._ended_refresh_tokens.clear()

    def _get_anew(self, request: TokenRequest, record: AuthenticationRecord) -> IssuedToken:
        with self._cache.refreshing(record):
            now = self._clock.time()
            held = self._cache.find(request, record, now)
            if held is not None and now < held.fresh_until:
                return held  # another thread or process has refreshed it meanwhile
            response, redeemed = self._ask_broker(request, record), None
            if response is None:
                response, redeemed = self._redeem_refresh_tokens(request, record)
            _require_same_account(response, record)
            return self._cache.keep(response, request, record, redeemed=redeemed)

    def _ask_broker(self, request: TokenRequest, record: AuthenticationRecord) -> TokenResponse | None:
        """Return what the broker gives for an account that it signed in. It keeps such an account's refresh token."""
        broker_account_id = self._cache.broker_account_id(record) if self._use_broker else None
        if broker_account_id is None:
            return None
        try:
            return self._msal().refresh_with_broker(request, record.home_account_id, broker_account_id)
        except BrokerUnavailableError as error:
            _LOGGER.info("The operating system's broker gave no token: %s", error)
            return None
        except AuthenticationFailedError as error:
            if error.oauth_error not in _PERSON_CAN_HELP:
                raise
            raise self._sign_in_required(request, error) from None

    def _redeem_refresh_tokens(
        self, request: TokenRequest, record: AuthenticationRecord
    ) -> tuple[TokenResponse, StoredRefreshToken]:
        refusal: AuthenticationFailedError | None = None
        reason = self._none_kept(record)
        for candidate in self._cache.refresh_tokens(request, record):
            reason = ""
            if candidate.secret in self._ended_refresh_tokens:
                break  # and so have the older ones
            try:
                response = self._msal().redeem_refresh_token(
                    request, record.home_account_id, candidate.secret, candidate.family_id
                )
                return response, candidate
            except AuthenticationFailedError as error:
                if error.oauth_error not in _PERSON_CAN_HELP:
                    raise
                refusal = error
                if error.ends_the_sign_in:
                    self._ended_refresh_tokens.add(candidate.secret)
                    break
        raise self._sign_in_required(request, refusal, reason) from refusal

    def _none_kept(self, record: AuthenticationRecord) -> str:
        # A record alone is easily taken for a sign-in: it only finds one, where that is kept.
        why = ": without 'cache_persistence_options' it ends with its credential" if self._cache.private else ""
        return f"No sign-in of {record.username or record.home_account_id} is kept here{why}."

    def _sign_in_required(
        self, request: TokenRequest, refusal: AuthenticationFailedError | None, reason: str = ""
    ) -> AuthenticationRequiredError:
        reason = refusal.message if refusal is not None else reason
        return AuthenticationRequiredError(
            request.scopes,
            f"{self._needed} {reason}".rstrip(),
            claims=request.claims,
            response=refusal.response if refusal is not None else None,
        )


def _require_same_account(response: TokenResponse, record: AuthenticationRecord) -> None:
    """Refuse a refresh that comes back with somebody else's tokens."""
    if not record.home_account_id:
        return  # the sign-in named nobody, so this is the only account of a credential's own memory
    uid, _, utid = record.home_account_id.rpartition(".")
    if response.client_info or not uid:
        # Its name, or the one that it got when it signed in without client_info.
        same = record.home_account_id in (response.home_account_id, response.claim("sub"))
    else:  # nothing tells of the account but its object ID, which is another one in every tenant
        at_home = response.tenant_id == utid and response.claim("oid") is not None
        same = not at_home or response.claim("oid") == uid
    if not same:
        raise AuthenticationFailedError(
            "The authority answered a refresh with another account's tokens. Nothing was stored."
        )
