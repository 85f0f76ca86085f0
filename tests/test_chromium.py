"""A person with a real Chromium: the whole browser sign-in, and the device code's page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError
from playwright.sync_api import Page, expect

from azid import DeviceCodeCredential, InteractiveBrowserCredential
from azid.emulator import Emulator, User
from azid.redirect import Outcome
from azid.redirect.page import render_page
from tests.support.me import who_is_signed_in
from tests.support.sign_in_pages import enter_password, is_shown, pick, press
from tools.chromium import Chromium, Look, Visit

pytest_plugins = ["tests.support.chromium"]

ADA = User("ada.lovelace@contoso.example", password="Ada's pass phrase", consented=False)
GRACE = User("grace.hopper@contoso.example", password="Grace's pass phrase", mfa=True)

SigningIn: TypeAlias = Callable[..., AbstractContextManager[InteractiveBrowserCredential]]


@pytest.fixture
def entra() -> Iterator[Emulator]:
    """It listens, since a browser has to reach its pages."""
    with Emulator(users=[ADA, GRACE], device_code_interval=1) as entra:
        yield entra


@pytest.fixture
def options(entra: Emulator) -> dict[str, Any]:
    return {
        "authority": entra.authority,
        "disable_instance_discovery": True,
        "connection_verify": entra.ca_file,
        "timeout": 30,
    }


@pytest.fixture
def signing_in(browser: Chromium, options: dict[str, Any]) -> SigningIn:
    """Gives a credential whose browser is Chromium: `signing_in(visit, login_hint=…, width=…, scripts=…)`."""

    @contextmanager
    def signing_in(
        visit: Visit, *, login_hint: str | None = None, **window: Any
    ) -> Iterator[InteractiveBrowserCredential]:
        with (
            browser.visitor(visit, **window) as open_browser,
            InteractiveBrowserCredential(open_browser=open_browser, login_hint=login_hint, **options) as credential,
        ):
            yield credential

    return signing_in


@pytest.mark.parametrize(("name", "width", "dark"), [("desktop", 1200, False), ("phone", 360, True)])
def test_sign_in_from_the_account_picker_to_the_listeners_page(
    signing_in: SigningIn, look: Look, entra: Emulator, name: str, width: int, dark: bool
) -> None:
    def visit(page: Page) -> None:
        is_shown(page, "Pick an account")
        look(page, f"{name}-1-pick")
        pick(page, ADA)
        is_shown(page, "Enter password")
        look(page, f"{name}-2-password")
        enter_password(page, ADA.password)
        is_shown(page, "Permissions requested")
        look(page, f"{name}-3-consent")
        press(page, "Accept")
        is_shown(page, "You are signed in")
        expect(page.get_by_text(ADA.username)).to_be_visible()
        look(page, f"{name}-4-signed-in")
        assert "code=" not in page.url

    with signing_in(visit, width=width, dark=dark) as credential:
        record = credential.authenticate(entra.resource_scope)
        assert record.username == ADA.username
        assert who_is_signed_in(entra, credential) == ADA.username
    [authorize] = [request for request in entra.requests if request.endpoint == "authorize"]
    assert authorize.query["response_mode"] == "form_post"


def test_without_scripts_a_button_takes_the_answer_back(signing_in: SigningIn, keep: Look, entra: Emulator) -> None:
    def visit(page: Page) -> None:
        pick(page, ADA)
        enter_password(page, ADA.password)
        press(page, "Accept")
        is_shown(page, "Back to the application")
        keep(page, "without-scripts-form-post")
        press(page, "Continue")
        is_shown(page, "You are signed in")

    with signing_in(visit, scripts=False) as credential:
        assert who_is_signed_in(entra, credential) == ADA.username


def test_a_second_factor(signing_in: SigningIn, look: Look, entra: Emulator) -> None:
    def visit(page: Page) -> None:
        is_shown(page, "Enter password")  # the hint has picked the account
        enter_password(page, GRACE.password)
        is_shown(page, "Approve the sign-in")
        look(page, "second-factor")
        press(page, "Approve")
        is_shown(page, "You are signed in")

    with signing_in(visit, login_hint=GRACE.username) as credential:
        assert who_is_signed_in(entra, credential) == GRACE.username


def test_a_wrong_password_and_then_the_right_one(signing_in: SigningIn, look: Look, entra: Emulator) -> None:
    def visit(page: Page) -> None:
        press(page, "Use another account")
        look(page, "username")
        page.get_by_label("Username").fill(ADA.username)
        press(page, "Next")
        enter_password(page, "a guess")
        expect(page.get_by_role("alert")).to_contain_text("AADSTS50126")
        look(page, "wrong-password")
        enter_password(page, ADA.password)
        press(page, "Accept")
        is_shown(page, "You are signed in")

    with signing_in(visit) as credential:
        assert who_is_signed_in(entra, credential) == ADA.username


def test_a_person_without_a_mouse_gets_through(signing_in: SigningIn, entra: Emulator) -> None:
    def reach(page: Page, name: str) -> None:
        """Press Tab until the control is reached, whose focus has to be seen."""
        control = page.get_by_role("button", name=name)
        for _ in range(10):
            if control.evaluate("control => control === document.activeElement"):
                break
            page.keyboard.press("Tab")
        expect(control).to_be_focused()
        assert control.evaluate("control => getComputedStyle(control).outlineStyle") != "none"
        page.keyboard.press("Enter")

    def visit(page: Page) -> None:
        reach(page, ADA.username)
        expect(page.get_by_label("Password")).to_be_focused()
        page.keyboard.type(ADA.password)
        page.keyboard.press("Enter")
        is_shown(page, "Permissions requested")
        reach(page, "Accept")
        is_shown(page, "You are signed in")

    with signing_in(visit) as credential:
        assert who_is_signed_in(entra, credential) == ADA.username


def test_the_person_declines(signing_in: SigningIn, look: Look, entra: Emulator) -> None:
    def visit(page: Page) -> None:
        pick(page, ADA)
        enter_password(page, ADA.password)
        press(page, "Cancel")
        is_shown(page, "Sign-in was declined")
        look(page, "declined")

    with signing_in(visit) as credential, pytest.raises(ClientAuthenticationError, match="declined"):
        credential.authenticate(entra.resource_scope)
    assert entra.token_requests() == []


def test_the_listeners_page_tells_why_a_code_was_not_redeemed(
    signing_in: SigningIn, look: Look, entra: Emulator
) -> None:
    entra.refuse(ADA.username, 53003, endpoint="token")

    def visit(page: Page) -> None:
        pick(page, ADA)
        enter_password(page, ADA.password)
        press(page, "Accept")
        is_shown(page, "Sign-in failed")
        expect(page.get_by_text("AADSTS53003")).to_be_visible()
        look(page, "failed")

    with signing_in(visit, width=360) as credential, pytest.raises(ClientAuthenticationError, match="AADSTS53003"):
        credential.authenticate(entra.resource_scope)


def test_the_authority_refuses_on_its_own_page(signing_in: SigningIn, look: Look, entra: Emulator) -> None:
    entra.refuse(ADA.username, 53003, endpoint="authorize")

    def visit(page: Page) -> None:
        pick(page, ADA)
        enter_password(page, ADA.password)
        is_shown(page, "You cannot sign in here")
        look(page, "refused")
        press(page, "Back to Azure CLI")
        is_shown(page, "Sign-in failed")

    with (
        signing_in(visit, width=360, dark=True) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS53003"),
    ):
        credential.authenticate(entra.resource_scope)


@pytest.mark.parametrize(("outcome", "name"), [(Outcome.too_late(), "too-late"), (Outcome.ended(), "ended")])
@pytest.mark.parametrize("dark", [False, True])
def test_whoever_comes_too_late_can_read_it(
    browser: Chromium, look: Look, outcome: Outcome, name: str, dark: bool
) -> None:
    def visit(page: Page) -> None:
        page.set_content(render_page(outcome))
        is_shown(page, outcome.title)
        look(page, f"{name}-{'dark' if dark else 'light'}")

    with browser.visitor(visit, width=360, dark=dark) as open_browser:
        open_browser("about:blank")


def test_the_emulators_first_page_tells_who_can_sign_in(browser: Chromium, look: Look, entra: Emulator) -> None:
    def visit(page: Page) -> None:
        for user in (ADA, GRACE):
            expect(page.get_by_text(user.username)).to_be_visible()
        look(page, "home")
        page.get_by_role("link", name="Enter it here.").click()
        is_shown(page, "Enter code")

    with browser.visitor(visit) as open_browser:
        open_browser(entra.page_origin)


def test_other_windows_do_not_disturb_the_listener(signing_in: SigningIn, look: Look, entra: Emulator) -> None:
    def visit(page: Page) -> None:
        [redirect_uri] = parse_qs(urlsplit(page.url).query)["redirect_uri"]
        stray = page.context.new_page()
        # The last is a window that was restored, or an address typed again: the right path, but no answer.
        for path, status in (("/favicon.ico", 404), ("/robots.txt", 404), ("/?code=stray&state=stray", 400), ("", 400)):
            refused = stray.goto(f"{redirect_uri}{path}")
            assert refused is not None
            assert (path, refused.status) == (path, status)
        # Another page's idea of the answer.
        stray.goto("about:blank")
        stray.set_content(
            f'<form method="post" action="{redirect_uri}"><input name="code" value="stray">'
            '<input name="state" value="stray"><button>Send</button></form>'
        )
        with stray.expect_navigation() as navigation:
            press(stray, "Send")
        assert navigation.value is not None
        assert navigation.value.status == 400
        look(stray, "not-the-answer")
        pick(page, ADA)
        enter_password(page, ADA.password)
        press(page, "Accept")
        is_shown(page, "You are signed in")

    with signing_in(visit) as credential:
        assert who_is_signed_in(entra, credential) == ADA.username


@pytest.mark.parametrize(("name", "width", "dark"), [("desktop", 1200, False), ("phone", 360, True)])
def test_the_device_codes_page(
    browser: Chromium, look: Look, entra: Emulator, options: dict[str, Any], name: str, width: int, dark: bool
) -> None:
    user_codes: list[str] = []

    def visit(page: Page) -> None:
        [user_code] = user_codes
        page.get_by_label("Code").fill("XXXXXXXXX")
        press(page, "Next")
        expect(page.get_by_role("alert")).to_be_visible()
        look(page, f"device-{name}-1-wrong-code")
        page.get_by_label("Code").fill(user_code.lower())
        press(page, "Next")
        pick(page, ADA)
        enter_password(page, ADA.password)
        is_shown(page, re.compile("Are you trying to sign in"))
        look(page, f"device-{name}-2-confirm")
        press(page, "Continue")
        press(page, "Accept")
        is_shown(page, re.compile("You have signed in"))
        look(page, f"device-{name}-3-done")

    with browser.visitor(visit, width=width, dark=dark) as open_browser:

        def prompt(verification_uri: str, user_code: str, expires_on: datetime) -> None:
            user_codes.append(user_code)
            open_browser(verification_uri)

        with DeviceCodeCredential(prompt_callback=prompt, **options) as credential:
            assert who_is_signed_in(entra, credential) == ADA.username


def test_a_device_code_is_declined(browser: Chromium, look: Look, entra: Emulator, options: dict[str, Any]) -> None:
    def prompt(verification_uri: str, user_code: str, expires_on: datetime) -> None:
        def visit(page: Page) -> None:
            page.get_by_label("Code").fill(user_code)
            press(page, "Next")
            pick(page, ADA)
            enter_password(page, ADA.password)
            press(page, "Cancel")
            is_shown(page, "You declined the sign-in")
            look(page, "device-declined")

        with browser.visitor(visit, width=360) as open_browser:
            open_browser(verification_uri)

    with (
        DeviceCodeCredential(prompt_callback=prompt, **options) as credential,
        pytest.raises(ClientAuthenticationError, match="declined"),
    ):
        credential.authenticate(entra.resource_scope)
