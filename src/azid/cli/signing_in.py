"""A sign-in at the command line: what the person sees while the library's credentials wait for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from azid.browser import open_browser
from azid.cli.claims import duration
from azid.cli.clipboard import copy
from azid.cli.countdown import Countdown, StatusLine, TickingClock
from azid.cli.device_code_screen import DeviceCodeScreen
from azid.cli.failures import CommandFailed
from azid.cli.output import say
from azid.cli.surroundings import Surroundings
from azid.cli.terminal import Terminal, terminal_of

if TYPE_CHECKING:
    from azid.clock import Clock
    from azid.credentials.interactive import InteractiveCredential
    from azid.record import AuthenticationRecord
    from azid.redirect import ListenerUnavailable

__all__ = ["PATIENCE", "BrowserUnavailable", "SignInRequest", "SignedIn", "with_browser", "with_device_code"]

PATIENCE: Final = 300
"""Seconds that the browser may take, and a device code where nobody may be there to read it."""
_HINT_AFTER: Final = 20.0
"""Seconds after which a browser that was to come up has probably not."""
_POLICY: Final = frozenset({53000, 53001, 53002, 53003, 530032})
"""AADSTS numbers of conditional access, which many tenants use to refuse device codes and nothing else."""
_BROWSER_INSTEAD: Final = (
    "If the tenant refuses device codes only, use a browser: one on this machine with --browser, or your own through "
    "'ssh -L 8400:localhost:8400 HOST' with --no-browser --port 8400."
)


class SignInRequest(NamedTuple):
    """Who is to sign in, and where.

    :param scopes: what the first token is to be for.
    :param claims: claims that it must satisfy.
    :param login_hint: who is to sign in, if that is known.
    :param timeout: seconds that the person has, if the person chose.
    :param settings: the credential's other arguments.
    """

    scopes: tuple[str, ...]
    claims: str | None
    login_hint: str | None
    timeout: int | None
    settings: dict[str, Any]

    def made_with(self, credential: InteractiveCredential) -> SignedIn:
        """Have the person sign in with a credential."""
        from azid.credentials.credential import find_fresh_token

        record = credential.authenticate(*self.scopes, claims=self.claims)
        token = find_fresh_token(credential, self.scopes, enable_cae=False)
        return SignedIn(record, None if token is None else token.token_info.expires_on)


class SignedIn(NamedTuple):
    """A sign-in that succeeded.

    :param record: the account.
    :param expires_on: when the first token expires, in seconds since the epoch; None if it already has.
    """

    record: AuthenticationRecord
    expires_on: int | None


class BrowserUnavailable(Exception):  # noqa: N818 - the library's own word
    """The browser cannot be used on this machine. The text says why."""


def with_browser(
    request: SignInRequest,
    clock: Clock,
    *,
    opens: bool = True,
    port: int | None = None,
    open_browser: Callable[[str], bool] = open_browser,
) -> SignedIn:
    """Sign a person in with a browser on this machine.

    :param request: who is to sign in, and where.
    :param clock: what time is told by.
    :param opens: whether to open the browser, rather than to show the address only.
    :param port: where the browser's answer is to arrive; None for any free port.
    :param open_browser: opens a URL and returns whether it could.
    :raises BrowserUnavailable: no browser could be opened, or its answer cannot be received.
    :raises ~azure.core.exceptions.ClientAuthenticationError: the sign-in failed, was declined or timed out.
    """
    from azid.credentials.browser import InteractiveBrowserCredential
    from azid.errors import CredentialUnavailableError
    from azid.redirect import ListenerUnavailable

    patience, failed = request.timeout or PATIENCE, False
    countdown = Countdown(clock, _status_line(terminal_of()), "Waiting for the browser")
    hint_at: float | None = clock.monotonic() + _HINT_AFTER if opens else None

    def open_page(url: str) -> bool:
        nonlocal failed
        failed = not open_browser(url)
        return not failed

    def tick() -> None:
        nonlocal hint_at
        countdown.start(patience)
        if hint_at is not None and clock.monotonic() >= hint_at:
            hint_at = None
            countdown.clear()
            say("If no page came up, press Ctrl-C and add --device-code to the command.")
        countdown.tick()

    try:
        with InteractiveBrowserCredential(
            redirect_uri=None if port is None else f"http://localhost:{port}",
            open_browser=open_page if opens else lambda _: True,
            timeout=patience,
            login_hint=request.login_hint,
            clock=TickingClock(clock, tick),
            **request.settings,
        ) as credential:
            return request.made_with(credential)
    except CredentialUnavailableError as error:
        if failed:
            raise BrowserUnavailable("No browser could be opened on this machine.") from error
        if isinstance(error.__cause__, ListenerUnavailable):
            raise BrowserUnavailable(_why_not_received(error.__cause__, port)) from error
        raise
    finally:
        countdown.clear()


def _why_not_received(unavailable: ListenerUnavailable, port: int | None) -> str:
    if port is None:
        return f"The browser's answer cannot be received here: {unavailable}"
    # What it says itself is of the library's parameter.
    reason = getattr(unavailable.__cause__, "strerror", None) or "it cannot be opened"
    return f"The browser's answer cannot be received at port {port}: {reason}. Choose another --port, or none."


def with_device_code(
    request: SignInRequest,
    clock: Clock,
    around: Surroundings,
    *,
    attended: bool = True,
    qr: bool | None = None,
    copies: bool = True,
) -> SignedIn:
    """Sign a person in with a code that they enter in a browser on any device.

    :param request: who is to sign in, and where.
    :param clock: what time is told by.
    :param around: what is known of the machine.
    :param attended: whether somebody is there to read the code, so that it may be waited for as long as it lasts.
    :param qr: whether to show a QR code of the page's address; None to do so where there is room enough.
    :param copies: whether to copy the code to the clipboard.
    :raises CommandFailed: a policy of the tenant's refused.
    :raises ~azure.core.exceptions.ClientAuthenticationError: the sign-in failed, was declined or timed out.
    """
    from azid.credentials.device_code import DeviceCodeCredential
    from azid.errors import AuthenticationFailedError

    patience = request.timeout or (None if attended else PATIENCE)
    terminal = terminal_of()
    line = _status_line(terminal)
    countdown = Countdown(clock, line, "Waiting for the sign-in")

    def show(uri: str, code: str, expires_on: datetime) -> None:
        left = expires_on.timestamp() - clock.time()
        if patience is not None:
            left = min(left, patience)
        copied = copy(code, around, _write) if copies and terminal.is_terminal else ""
        hint = f"Sign in as {request.login_hint}." if request.login_hint else ""
        until = f"You have {duration(round(left))}." if line is None else ""
        screen = DeviceCodeScreen(uri, code, tuple(filter(None, (hint, copied, until))))
        say(f"\n{screen.draw(terminal_of(), qr=qr)}\n")
        countdown.start(left)

    try:
        with DeviceCodeCredential(
            timeout=patience,
            prompt_callback=show,
            clock=TickingClock(clock, countdown.tick),
            **request.settings,
        ) as credential:
            return request.made_with(credential)
    except AuthenticationFailedError as error:
        if _POLICY.isdisjoint(error.error_codes):
            raise
        raise CommandFailed(f"{error}\n{_BROWSER_INSTEAD}") from error
    finally:
        countdown.clear()


def _status_line(terminal: Terminal) -> StatusLine | None:
    return StatusLine(_write, lambda: terminal_of().columns) if terminal.redraws else None


def _write(text: str) -> None:
    click.echo(text, nl=False, err=True)
