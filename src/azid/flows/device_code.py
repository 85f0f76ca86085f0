"""The device code flow: the person signs in with a browser on any machine (RFC 8628)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final, NamedTuple

from azure.core.exceptions import ServiceRequestError, ServiceResponseError

from azid.clock import Clock
from azid.errors import AuthenticationFailedError, CredentialUnavailableError
from azid.single_flight import FlightAbandoned
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.msal_client.public import DeviceCodeFlow, PublicClient
    from azid.tokens.response import TokenResponse

__all__ = ["DeviceCodeSignIn"]

# RFC 8628 section 3.5, and Entra's own names for the last two.
_PENDING: Final = "authorization_pending"
_SLOW_DOWN: Final = "slow_down"
_SLOW_DOWN_BY: Final = 5
"""Seconds by which ``slow_down`` lengthens the interval."""
_DECLINED: Final = frozenset({"access_denied", "authorization_declined"})
_EXPIRED: Final = frozenset({"expired_token", "code_expired"})


class DeviceCodeSignIn(NamedTuple):
    """Shows a code, and asks the authority again and again whether the person has entered it.

    :param timeout: seconds that the person has; the code's own lifetime if that is shorter, or if None.
    :param prompt_callback: shows the code; None to print it.
    """

    timeout: float | None = None
    prompt_callback: Callable[[str, str, datetime], object] | None = None

    @property
    def grant_type(self) -> str:
        return "urn:ietf:params:oauth:grant-type:device_code"

    @contextmanager
    def signing_in(
        self,
        client: PublicClient,
        request: TokenRequest,
        *,
        login_hint: str | None,  # noqa: ARG002 - the person says who they are on another machine
        clock: Clock,
        cancelled: threading.Event,
    ) -> Iterator[TokenResponse]:
        flow = client.begin_device_code(request)
        lifetime = flow.expires_in if self.timeout is None else min(flow.expires_in, self.timeout)
        deadline = clock.monotonic() + lifetime
        if cancelled.is_set():
            raise AuthenticationFailedError("The sign-in was cancelled before the device code was shown.")
        expires_on = datetime.fromtimestamp(int(clock.time()) + flow.expires_in, timezone.utc)
        end_prompt = self._show(flow, expires_on)
        try:
            response = _poll(
                lambda: client.redeem_device_code(request, flow),
                flow.interval,
                lifetime,
                deadline=deadline,
                clock=clock,
                cancelled=cancelled,
            )
            yield response
        except BaseException:
            end_prompt("The sign-in has ended, and the code cannot be used any more.")
            raise
        end_prompt(f"Signed in as {response.username}.")

    def _show(self, flow: DeviceCodeFlow, expires_on: datetime) -> Callable[[str], None]:
        """Show the code; return what to call with one sentence when the sign-in has ended."""
        if self.prompt_callback is None:
            from azid.notebook import is_notebook, show_card

            if is_notebook():
                return show_card(flow.message, flow.verification_uri, flow.user_code, expires_on)
            _print(flow.message)
            return _say_nothing
        try:
            shown = self.prompt_callback(flow.verification_uri, flow.user_code, expires_on)
        except FlightAbandoned:
            raise
        except Exception as error:
            raise AuthenticationFailedError(
                f"The prompt_callback failed, so nobody could be shown the device code: {type(error).__name__}: {error}"
            ) from error
        if isinstance(shown, Coroutine):
            shown.close()
            raise CredentialUnavailableError(
                "The prompt_callback is an async function, which only the credentials of 'azid.aio' can call."
            )
        return _say_nothing


def _poll(
    redeem: Callable[[], TokenResponse],
    interval: float,
    lifetime: float,
    *,
    deadline: float,
    clock: Clock,
    cancelled: threading.Event,
) -> TokenResponse:
    """Ask again and again until the person has signed in (RFC 8628 section 3.4)."""
    while True:
        if clock.wait(cancelled, min(interval, max(deadline - clock.monotonic(), 0))):
            raise AuthenticationFailedError("The sign-in was cancelled while it waited for the device code's use.")
        if clock.monotonic() >= deadline:
            raise AuthenticationFailedError(
                f"The sign-in timed out: nobody entered the device code within {lifetime:g} seconds."
            )
        try:
            return redeem()
        except AuthenticationFailedError as error:
            interval = _next_interval(interval, error)


def _say_nothing(_: str) -> None:
    """Who printed a code, or has a callback of their own, notices the end by themselves."""


def _print(message: str) -> None:
    try:
        if sys.stdout is None:
            raise OSError("there is no standard output")
        print(message, flush=True)  # noqa: T201 - the prompt, as azure-identity gives it
    except (OSError, ValueError) as error:
        raise CredentialUnavailableError(
            f"The device code cannot be shown: {error}. Pass a prompt_callback that shows it elsewhere."
        ) from error


def _next_interval(interval: float, error: AuthenticationFailedError) -> float:
    """Return the seconds to wait before the next poll, or raise `error` if there is to be none."""
    if error.oauth_error == _PENDING:
        return interval
    if error.oauth_error == _SLOW_DOWN:
        return interval + _SLOW_DOWN_BY
    if isinstance(error.__cause__, ServiceRequestError | ServiceResponseError):
        return interval * 2  # RFC 8628 section 3.5 on connection timeouts
    if error.oauth_error in _DECLINED:
        raise error.explained("The sign-in was declined on the page where the code was entered.") from None
    if error.oauth_error in _EXPIRED:
        raise error.explained("The sign-in timed out: the device code has expired.") from None
    raise error
