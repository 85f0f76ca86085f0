"""Tokens of an account that the operating system's broker knows, without asking anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from azid.cancellation import Cancellation
from azid.clock import Clock
from azid.errors import AuthenticationFailedError
from azid.flows.broker import load_runtime, require_runtime, wait_for_broker
from azid.record import AuthenticationRecord
from azid.single_flight import FlightAbandoned
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.msal_client.deferred import DeferredClient
    from azid.tokens.response import TokenResponse

__all__ = ["BrokersAccount"]

_PATIENCE: Final = 30.0
"""Seconds. The broker asks nobody, but may have to ask the authority."""


class BrokersAccount:
    """Asks the broker: a `TokenSource`.

    :param msal: who speaks to the broker.
    :param record: whose token; None for the account that the person uses with the operating system.
    :param clock: what the wait is counted by.
    :param load_runtime: loads the broker's runtime, or raises as the default does.
    """

    def __init__(
        self,
        msal: DeferredClient[Any],
        record: AuthenticationRecord | None,
        clock: Clock,
        load_runtime: Callable[[], object] = load_runtime,
    ) -> None:
        self._msal = msal
        self._record = record
        self._clock = clock
        self._load_runtime = load_runtime

    def __call__(self, request: TokenRequest) -> TokenResponse:
        """Return a token for `request`.

        :raises CredentialUnavailableError: there is no broker here.
        :raises ~azure.core.exceptions.ClientAuthenticationError: it knows no such account, or would have to ask.
        :raises FlightAbandoned: whoever wanted the token has left.
        """
        require_runtime(self._load_runtime)
        caller, record = Cancellation.current(), self._record

        def has_left() -> bool:
            return caller is not None and caller.is_cancelled

        try:
            response = wait_for_broker(
                lambda: self._msal().sign_in_with_brokers_account(
                    request, login_hint=record.username if record is not None else None
                ),
                timeout=_PATIENCE,
                clock=self._clock,
                cancelled=has_left,
                late=f"The operating system's broker did not answer within {_PATIENCE:g} seconds.",
            )
        except AuthenticationFailedError:
            if has_left():
                raise FlightAbandoned from None
            raise
        if record is not None and response.home_account_id != record.home_account_id:
            raise AuthenticationFailedError(
                f"The operating system's broker gave a token of another account than {record.username}."
            )
        return response
