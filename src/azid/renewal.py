"""Renewing tokens in time: in the background while they are good, first when they are about to expire."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from typing import Final

from azure.core.exceptions import ClientAuthenticationError

from azid.clock import Clock
from azid.errors import AuthenticationFailedError
from azid.single_flight import FlightAbandoned, SingleFlight
from azid.tokens.access import IssuedToken

__all__ = ["Renewals"]

_LOGGER = logging.getLogger(__name__)

_RETRY_DELAY: Final = 30
"""Seconds without another try after a renewal that has failed, is under way, or brought a token that is due itself."""


class Renewals:
    """Renews tokens by key, whoever asks for the same at once.

    :param clock: what lifetimes are counted by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._flights: SingleFlight[IssuedToken] = SingleFlight()

    def get(
        self,
        key: Hashable,
        *,
        held: IssuedToken | None,
        renew: Callable[[], IssuedToken],
        remember: Callable[[IssuedToken], object],
    ) -> IssuedToken:
        """Return the token that is held, or a new one.

        A token that is due to be renewed but will not expire soon is returned at once and renewed meanwhile. One that
        expires soon is renewed first, and returned only if that fails.

        :param key: what makes two tokens the same.
        :param held: the token that there is, if there is one that is valid.
        :param renew: gets a new one.
        :param remember: told of the token to hand out from now on, which a renewal in the background may change.
        :raises Exception: what `renew` raises, unless `held` is still good.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the caller has left while somebody else renewed it.
        """
        now = self._clock.time()
        if held is not None and now < held.fresh_until:
            remember(held)
            return held
        if held is not None and now < held.may_wait:
            held.fresh_until = min(now + _RETRY_DELAY, held.may_wait)
            remember(held)  # first: the renewal may be faster than this thread
            self._renew_in_background(key, renew, remember)
            return held
        try:
            issued = self._renew(key, renew)
        except ClientAuthenticationError as error:
            if held is None or held.expires_on <= self._clock.time():
                raise
            _LOGGER.warning("A token that soon expires is handed out, as it could not be refreshed: %s", error)
            issued = held
        remember(self._spaced(issued))
        return issued

    def _spaced(self, issued: IssuedToken) -> IssuedToken:
        """Return a token that was renewed, or could not be. If it is due all the same, it rests for a moment.

        Machines' endpoints and tools have caches of their own, and may give the same token until it expires.
        """
        if issued.fresh_until <= (now := self._clock.time()):
            issued.fresh_until = min(now + _RETRY_DELAY, issued.expires_on)
        return issued

    def _renew(self, key: Hashable, renew: Callable[[], IssuedToken]) -> IssuedToken:
        try:
            return self._flights.do(key, renew)
        except FlightAbandoned:
            raise AuthenticationFailedError("The call was cancelled while another one renewed its token.") from None

    def _renew_in_background(
        self, key: Hashable, renew: Callable[[], IssuedToken], remember: Callable[[IssuedToken], object]
    ) -> None:
        def work() -> None:
            try:
                remember(self._spaced(self._flights.do(key, renew)))
            except Exception as error:  # nobody waits: the next call after the delay tries again
                _LOGGER.info("A token could not be refreshed ahead of time: %s", error)

        if self._flights.is_under_way(key):
            return
        try:
            threading.Thread(target=work, name="azid-refresh", daemon=True).start()
        except RuntimeError:  # the interpreter is ending
            _LOGGER.debug("A token was not refreshed ahead of time: no thread can be started.")
