"""Signing in through the operating system's broker, in its own dialog and with the accounts that it knows.

Entra documentation topic: "Using MSAL Python with an authentication broker".
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from azid.clock import Clock
from azid.errors import AuthenticationFailedError, BrokerUnavailableError
from azid.flows.flow import SignInFlow
from azid.tokens.request import TokenRequest
from azid.warning import warn

if TYPE_CHECKING:
    from azid.msal_client.public import PublicClient
    from azid.tokens.response import TokenResponse

__all__ = ["BrokerSignIn", "load_runtime", "require_runtime", "wait_for_broker", "warn_without_broker"]

_LOGGER = logging.getLogger(__name__)
_CANCEL_SLICE: Final = 0.1
"""Seconds between looks at whether the wait for the dialog was cancelled."""
_DENIED: Final = "access_denied"  # RFC 6749 section 4.1.2.1


def load_runtime() -> None:
    """Load the broker's runtime.

    :raises ImportError: it is not installed.
    :raises OSError: a library of the system that it needs is missing.
    :raises RuntimeError: this system is too old for it.
    """
    import pymsalruntime  # noqa: F401 - loaded only


@functools.cache
def warn_without_broker() -> None:
    """Warn, once in a process, that a browser is used because the broker cannot be."""
    warn(
        "The operating system's broker cannot be used here, so people sign in with their browser, and "
        "'parent_window_handle' and 'enable_msa_passthrough' have no effect. To get it: pip install 'azid[broker]'. It "
        "works on Windows 10 and newer, on Linux under Windows (WSL), on macOS with Apple silicon and Company Portal, "
        "and on Linux with Intune.",
        UserWarning,
    )


@dataclass(frozen=True)
class BrokerSignIn:
    """Lets the broker sign the person in; where it cannot be used, another flow does.

    :param otherwise: that other flow.
    :param timeout: seconds that the person has. On macOS the dialog needs the thread that opens it, so that there is no
        end to the wait but the dialog's.
    :param parent_window_handle: the window that the dialog belongs to; None for the console's.
    :param msa_passthrough: whether personal accounts may sign in where the tenant is one of organizations.
    :param load_runtime: loads the broker's runtime, or raises as the default does.
    :param warn: told that the broker cannot be used.
    """

    otherwise: SignInFlow[PublicClient]
    timeout: float
    parent_window_handle: int | None = None
    msa_passthrough: bool = False
    load_runtime: Callable[[], object] = load_runtime
    warn: Callable[[], object] = warn_without_broker

    @property
    def grant_type(self) -> str:
        """The other flow's: a response of the broker's tells by itself where it is from."""
        return self.otherwise.grant_type

    @contextmanager
    def signing_in(
        self,
        client: PublicClient,
        request: TokenRequest,
        *,
        login_hint: str | None,
        clock: Clock,
        cancelled: threading.Event,
    ) -> Iterator[TokenResponse]:
        try:
            response = self._ask(client, request, login_hint, clock, cancelled)
        except BrokerUnavailableError as error:
            _LOGGER.info("A browser is used instead of the operating system's broker: %s", error)
            self.warn()
        except AuthenticationFailedError as error:
            if error.oauth_error == _DENIED:
                raise error.explained("The sign-in was cancelled in the operating system's dialog.") from None
            raise
        else:
            yield response
            return
        with self.otherwise.signing_in(
            client, request, login_hint=login_hint, clock=clock, cancelled=cancelled
        ) as response:
            yield response

    def _ask(
        self,
        client: PublicClient,
        request: TokenRequest,
        login_hint: str | None,
        clock: Clock,
        cancelled: threading.Event,
    ) -> TokenResponse:
        def sign_in() -> TokenResponse:
            return client.sign_in_with_broker(
                request,
                parent_window_handle=self.parent_window_handle,
                login_hint=login_hint,
                msa_passthrough=self.msa_passthrough,
            )

        require_runtime(self.load_runtime)
        if sys.platform == "darwin":  # its dialogs need the main thread
            if threading.current_thread() is not threading.main_thread():
                raise BrokerUnavailableError("The broker's dialog on macOS needs the program's main thread.")
            return sign_in()
        late = f"The sign-in timed out: nobody finished the dialog within {self.timeout:g} seconds."
        return wait_for_broker(sign_in, timeout=self.timeout, clock=clock, cancelled=cancelled.is_set, late=late)


def require_runtime(load_runtime: Callable[[], object] = load_runtime) -> None:
    """Load the broker's runtime.

    :param load_runtime: loads it, or raises as the default does.
    :raises BrokerUnavailableError: it cannot be loaded.
    """
    try:
        load_runtime()
    except (ImportError, OSError, RuntimeError) as error:
        raise BrokerUnavailableError(f"The broker's runtime cannot be loaded: {error}") from None


def wait_for_broker(
    ask: Callable[[], TokenResponse], *, timeout: float, clock: Clock, cancelled: Callable[[], bool], late: str
) -> TokenResponse:
    """Return what `ask` returns. MSAL's own wait for the broker has no end, and on Windows no Ctrl-C ends it.

    :param ask: asks the broker, in another thread, which goes on until it is answered.
    :param timeout: seconds that it may take.
    :param clock: what that is counted by.
    :param cancelled: whether the wait is to end early.
    :param late: what to tell when it takes longer.
    :raises AuthenticationFailedError: it took too long, or the wait was cancelled; or what `ask` raises.
    """
    outcome: list[TokenResponse | BaseException] = []
    settled = threading.Event()

    def run() -> None:
        try:
            outcome.append(ask())
        except BaseException as error:
            outcome.append(error)
        finally:
            settled.set()

    threading.Thread(target=run, name="azid-broker", daemon=True).start()
    deadline = clock.monotonic() + timeout
    while not clock.wait(settled, min(_CANCEL_SLICE, max(deadline - clock.monotonic(), 0))):
        if cancelled():
            raise AuthenticationFailedError("The sign-in was cancelled while it waited for the dialog.")
        if clock.monotonic() >= deadline:
            raise AuthenticationFailedError(late)
    [result] = outcome
    if isinstance(result, BaseException):
        raise result
    return result
