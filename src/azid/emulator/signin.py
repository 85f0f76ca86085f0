"""The conversation with a person: account picker, password, second factor, confirmation, consent.

It knows nothing of what the sign-in is for; that is the `Goal`'s part (`authorize.py`, `deviceauth.py`).
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from azid.clock import Clock
from azid.emulator.applications import Client
from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import Directory, Tenant, User
from azid.emulator.refusals import Refusal
from azid.emulator.scopes import Scopes
from azid.emulator.tokens import SignIn

__all__ = ["Goal", "Page", "SignInPages"]

_RETRY_CODES = (50034, 50053, 50126)  # said on the page itself: the person may try again


@dataclass(frozen=True)
class Page:
    """What the browser gets: a template and its values, or a redirect."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    status: int = 200
    form_targets: tuple[str, ...] = ()
    """URLs outside the emulator that the page's form may lead to."""
    location: str | None = field(default=None, repr=False)
    """Redirect there instead of showing a page."""


class Goal(Protocol):
    """What a sign-in is for."""

    @property
    def client(self) -> Client: ...

    @property
    def tenant(self) -> Tenant: ...

    @property
    def scopes(self) -> Scopes: ...

    @property
    def claims(self) -> ClaimsRequest: ...

    @property
    def prompt(self) -> str: ...

    @property
    def login_hint(self) -> str: ...

    @property
    def needs_confirmation(self) -> bool: ...

    @property
    def form_targets(self) -> tuple[str, ...]: ...

    def complete(self, sign_in: SignIn) -> Page:
        """The person is signed in and agreed."""

    def refuse(self, refusal: Refusal) -> Page:
        """The person declined, or the authority refused: tell the application."""

    def refused(self, refusal: Refusal) -> Page:
        """Show the person why the authority refused, before the application is told."""


@dataclass
class _Account:
    """Someone who is signed in in this browser."""

    user: User
    methods: tuple[str, ...]
    at: int
    acrs: frozenset[str]


@dataclass
class _Browser:
    """One browser's cookie."""

    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    accounts: dict[str, _Account] = field(default_factory=dict)


@dataclass
class _Flow:
    """One sign-in under way in one browser."""

    goal: Goal
    browser: str = field(repr=False)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    username: str = ""
    asks_for_name: bool = False
    account: _Account | None = None
    error: str = ""
    number: int = field(default_factory=lambda: 10 + secrets.randbelow(90))
    confirmed: bool = False
    agreed: bool = False
    refusal: Refusal | None = None


class SignInPages:
    """All browsers, and the sign-ins under way in them."""

    def __init__(self, clock: Clock, directory: Directory) -> None:
        self._clock = clock
        self._directory = directory
        self._lock = threading.RLock()
        self._browsers: dict[str, _Browser] = {}
        self._flows: dict[str, _Flow] = {}

    def browser(self, cookie: str | None) -> str:
        """Return the id of the browser with this cookie, or of a new one."""
        with self._lock:
            if cookie is None or cookie not in self._browsers:
                cookie = secrets.token_urlsafe(24)
                self._browsers[cookie] = _Browser()
            return cookie

    def device_csrf(self, browser: str) -> str:
        """Return the token that the form for a device's code carries in this browser."""
        with self._lock:
            return self._browsers[browser].csrf

    def check_device_csrf(self, browser: str, csrf: str) -> None:
        """Check that token.

        :raises Refusal: 9002313, it is another browser's or none.
        """
        if not hmac.compare_digest(self.device_csrf(browser), csrf):
            raise Refusal(9002313, "This page belongs to no sign-in under way in this browser.")

    def begin(self, browser: str, goal: Goal) -> Page:
        """Start a sign-in and return its first page, or at once its end: single sign-on, `prompt=none`."""
        with self._lock:
            flow = _Flow(goal, browser)
            self._flows[flow.id] = flow
            accounts = self._browsers[browser].accounts
            hinted = goal.login_hint.lower()
            if goal.prompt != "select_account":
                known = accounts.get(hinted) if hinted else next(iter(accounts.values()), None)
                if known is not None and goal.prompt != "login" and (hinted or len(accounts) == 1):
                    flow.account = known
            if flow.account is None and hinted and hinted not in accounts:
                flow.username = goal.login_hint
            if goal.prompt == "none" and flow.account is None:
                return goal.refuse(Refusal(50058))
            return self._next(flow)

    def answer(self, browser: str | None, form: Mapping[str, str]) -> Page:
        """Take a form that a page of this browser sent, and return the next page.

        :raises Refusal: 9002313 for a form of another browser, of no sign-in under way, or without its token.
        """
        with self._lock:
            flow = self._flows.get(form.get("flow", ""))
            if flow is None or flow.browser != browser or not hmac.compare_digest(flow.csrf, form.get("csrf", "")):
                raise Refusal(9002313, "This page belongs to no sign-in under way in this browser.")
            flow.error = ""
            return self._act(flow, form.get("action", ""), form)

    def _act(self, flow: _Flow, action: str, form: Mapping[str, str]) -> Page:
        if action == "cancel":
            return self._end(flow, flow.goal.refuse(flow.refusal or Refusal(65004)))
        if action == "pick":
            flow.account = None
            flow.username = form.get("username", "")
            known = self._browsers[flow.browser].accounts.get(flow.username.lower())
            if known is not None and flow.goal.prompt != "login":
                flow.account = known
        elif action == "other":
            flow.account, flow.username, flow.asks_for_name = None, "", True
        elif action == "name":
            self._name(flow, form.get("username", ""))
        elif action == "password":
            refused = self._password(flow, form.get("password", ""))
            if refused is not None:
                return refused
        elif action == "approve" and flow.account is not None:
            flow.account.methods = tuple(dict.fromkeys((*flow.account.methods, "mfa")))
            flow.account.at = int(self._clock.time())
        elif action == "confirm":
            flow.confirmed = True
        elif action == "accept" and flow.account is not None:
            flow.agreed = True
            self._directory.consent(flow.account.user, flow.goal.client, flow.goal.scopes.resource)
        return self._next(flow)

    def _name(self, flow: _Flow, username: str) -> None:
        try:
            flow.username, flow.asks_for_name = self._directory.user(username).username, False
        except Refusal as refusal:
            flow.username, flow.asks_for_name, flow.error = username, True, refusal.text

    def _password(self, flow: _Flow, password: str) -> Page | None:
        try:
            user = self._directory.user(flow.username)
            self._directory.check_refusals(user, "authorize")
            user = self._directory.authenticate(flow.username, password)
        except Refusal as refusal:
            if refusal.code in _RETRY_CODES:
                flow.error = f"{refusal.text} (AADSTS{refusal.code})"
                return None
            return self._refused(flow, refusal)
        flow.account = _Account(user, ("pwd",), int(self._clock.time()), frozenset())
        return None

    def _refused(self, flow: _Flow, refusal: Refusal) -> Page:
        flow.refusal = refusal
        page = flow.goal.refused(refusal)
        return self._shown(flow, page.template, **page.values)

    def _end(self, flow: _Flow, page: Page) -> Page:
        self._flows.pop(flow.id, None)
        return page

    def _shown(self, flow: _Flow, template: str, **values: object) -> Page:
        shown = {
            "flow": flow.id,
            "csrf": flow.csrf,
            "client": flow.goal.client,
            "username": flow.username,
            "error": flow.error,
            **values,
        }
        return Page(template, shown, form_targets=flow.goal.form_targets)

    def _next(self, flow: _Flow) -> Page:
        """Return the page of the first question that is still open, or the end."""
        goal = flow.goal
        account = flow.account
        if account is None:
            return self._ask_who(flow)
        flow.username = account.user.username
        needs_factor = account.user.mfa or goal.claims.multifactor
        if needs_factor and "mfa" not in account.methods:
            return self._shown(flow, "mfa.html", user=account.user, number=flow.number)
        if goal.needs_confirmation and not flow.confirmed:
            return self._shown(flow, "confirm.html", user=account.user)
        asks = goal.prompt == "consent" or not self._directory.consented(
            account.user, goal.client, goal.scopes.resource
        )
        if asks and not flow.agreed:
            return self._shown(flow, "consent.html", user=account.user, scopes=goal.scopes)
        account.acrs |= goal.claims.acrs
        self._browsers[flow.browser].accounts[account.user.username.lower()] = account
        sign_in = SignIn(
            user=account.user,
            tenant_id=goal.tenant.id_for(account.user),
            client=goal.client,
            at=int(self._clock.time()) if goal.claims.not_before is not None else account.at,
            methods=account.methods,
            acrs=account.acrs,
        )
        return self._end(flow, goal.complete(sign_in))

    def _ask_who(self, flow: _Flow) -> Page:
        signed_in = self._browsers[flow.browser].accounts
        others = [user for user in self._directory.users if user.username.lower() not in signed_in]
        if flow.username and not (flow.asks_for_name and flow.error):
            try:
                user: User | None = self._directory.user(flow.username)
            except Refusal as refusal:
                flow.error = refusal.text
                return self._shown(flow, "username.html")
            return self._shown(flow, "password.html", user=user)
        if flow.asks_for_name or not (signed_in or others):
            return self._shown(flow, "username.html")
        hinted = flow.goal.login_hint.lower()
        return self._shown(
            flow,
            "pick.html",
            signed_in=sorted((entry.user for entry in signed_in.values()), key=lambda u: u.username.lower() != hinted),
            others=others,
        )

    def clear(self) -> None:
        """Sign everybody out everywhere."""
        with self._lock:
            self._browsers.clear()
            self._flows.clear()
