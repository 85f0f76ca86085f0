"""The authorization code flow with PKCE in the person's own browser (RFC 6749 section 4.1, RFC 7636, RFC 8252)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from azid.clock import Clock
from azid.errors import AuthenticationFailedError, CredentialUnavailableError
from azid.tokens.request import TokenRequest

if TYPE_CHECKING:
    from azid.msal_client.public import PublicClient
    from azid.redirect import RedirectListener
    from azid.tokens.response import TokenResponse

__all__ = ["AuthorizationCodeSignIn"]

_DENIED: Final = "access_denied"  # RFC 6749 section 4.1.2.1


class AuthorizationCodeSignIn(NamedTuple):
    """Opens the sign-in page in a browser and waits for its answer on a loopback port.

    :param timeout: seconds that the person has.
    :param redirect_uri: where the answer is to arrive; None for ``http://localhost`` and any free port.
    :param open_browser: opens a URL and returns whether it could; None for the person's default browser.
    """

    timeout: float
    redirect_uri: str | None = None
    open_browser: Callable[[str], bool] | None = None

    @property
    def grant_type(self) -> str:
        return "authorization_code"

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
        from azid.notebook import is_notebook, why_remote
        from azid.redirect import ListenerUnavailable, Outcome, RedirectTimeout, WaitCancelled  # loads sockets

        if self.open_browser is None and self.redirect_uri is None and is_notebook() and (why := why_remote()):
            raise CredentialUnavailableError(
                f"{why}: your browser would take its answer to your own machine, where nobody waits for it. Sign in "
                "with a code instead: DeviceCodeCredential()."
            )
        with self._listener(clock) as listener:
            flow = client.begin_authorization_code(request, redirect_uri=listener.redirect_uri, login_hint=login_hint)
            if cancelled.is_set():
                raise AuthenticationFailedError("The sign-in was cancelled before the browser was opened.")
            _show(flow.uri)
            threading.Thread(target=self._open, args=(flow.uri, listener), name="azid-browser", daemon=True).start()
            try:
                answer = listener.wait(flow.state, self.timeout, cancelled)
            except (RedirectTimeout, WaitCancelled) as error:
                raise AuthenticationFailedError(str(error)) from None
            except ListenerUnavailable as error:
                raise _cannot_listen(error) from error
            try:
                response = client.redeem_authorization_code(request, flow, answer.parameters)
                yield response
            except AuthenticationFailedError as error:
                if answer.parameters.get("error") == _DENIED:
                    answer.finish(Outcome.denied())
                    raise error.explained("The sign-in was declined in the browser.") from None
                answer.finish(Outcome.failed(error.message))
                raise
            answer.finish(Outcome.success(response.username))

    def _listener(self, clock: Clock) -> RedirectListener:
        from azid.redirect import ListenerUnavailable, RedirectListener

        try:
            return RedirectListener(self.redirect_uri, clock=clock)
        except ListenerUnavailable as error:
            raise _cannot_listen(error) from error

    def _open(self, uri: str, listener: RedirectListener) -> None:
        from azid.browser import open_browser as open_default_browser

        try:
            opened = (self.open_browser or open_default_browser)(uri)
        except Exception as error:  # the caller's own hook may raise anything
            opened, reason = False, f" ({type(error).__name__})"
        else:
            reason = ""
        if not opened:
            listener.fail(
                CredentialUnavailableError(
                    f"No browser could be opened on this machine{reason}. Set BROWSER to one, or sign in with "
                    "DeviceCodeCredential, which lets the person use a browser anywhere."
                )
            )


def _cannot_listen(error: OSError) -> CredentialUnavailableError:
    return CredentialUnavailableError(
        f"The browser's answer cannot be received here: {error} DeviceCodeCredential needs no port."
    )


def _show(uri: str) -> None:
    """Tell where to sign in, for a person whose browser did not come up. Programs without a console have no stderr."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # closed, or nobody reads it any more: the browser may open all the same
            print(f"Sign in with your browser. If it did not open, go to:\n{uri}", file=sys.stderr, flush=True)  # noqa: T201
