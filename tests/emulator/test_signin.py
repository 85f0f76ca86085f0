"""The pages: the order they come in, what they say, and that they are safe and usable."""

from __future__ import annotations

import re

import pytest

from azid.emulator import Emulator, User
from tests.conftest import ADA, BOB
from tests.emulator.driver import LOGIN, Driver, Form, payload, refusal

CAREFUL = User("mia@contoso.example", "pass phrase", mfa=True, consented=False)


def test_picker_password_answer(driver: Driver) -> None:
    picker = driver.authorize()
    assert Form(picker.text).page == "pick"
    assert ADA.username in picker.text
    assert BOB.username in picker.text
    password = driver.act(picker, "pick", username=ADA.username)
    assert Form(password.text).page == "password"
    done = Form(driver.act(password, "password", password=ADA.password).text)
    assert (done.page, done.action) == ("form_post", "http://localhost:8400")
    assert set(done.fields) == {"code", "state", "session_state"}


def test_second_factor_and_consent_come_in_between() -> None:
    driver = Driver(Emulator([CAREFUL]))
    page = driver.act(driver.authorize(), "pick", username=CAREFUL.username)
    page = driver.act(page, "password", password=CAREFUL.password)
    assert Form(page.text).page == "mfa"
    page = driver.act(page, "approve")
    assert Form(page.text).page == "consent"
    assert "User.Read" in page.text
    answer = Form(driver.act(page, "accept").text).fields
    assert payload(driver.redeem(answer["code"]).json()["access_token"])["amr"] == ["pwd", "mfa"]
    # The consent is remembered, and so is the account in this browser.
    again = driver.act(driver.authorize(), "pick", username=CAREFUL.username)
    assert Form(again.text).page == "form_post"


def test_a_claims_request_for_an_authentication_context_asks_for_a_second_factor(driver: Driver) -> None:
    claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    page = driver.act(driver.authorize(claims=claims), "pick", username=ADA.username)
    page = driver.act(page, "password", password=ADA.password)
    answer = Form(driver.act(page, "approve").text).fields
    body = driver.redeem(answer["code"]).json()
    assert payload(body["access_token"])["acrs"] == ["c1"]


def test_cancel_tells_the_application(driver: Driver) -> None:
    answer = Form(driver.act(driver.authorize(), "cancel").text).fields
    assert (answer["error"], answer["error_subcode"], answer["state"]) == ("access_denied", "cancel", "the-state")


def test_a_wrong_password_may_be_tried_again(driver: Driver) -> None:
    page = driver.act(driver.authorize(), "pick", username=ADA.username)
    page = driver.act(page, "password", password="wrong")
    assert Form(page.text).page == "password"
    assert "AADSTS50126" in page.text
    assert Form(driver.act(page, "password", password=ADA.password).text).page == "form_post"


def test_another_account_by_name(driver: Driver) -> None:
    page = driver.act(driver.authorize(), "other")
    assert Form(page.text).page == "username"
    page = driver.act(page, "name", username="nobody@contoso.example")
    assert Form(page.text).page == "username"
    assert 'role="alert"' in page.text
    page = driver.act(page, "name", username=ADA.username.upper())
    assert Form(page.text).page == "password"


def test_a_login_hint_skips_the_picker(driver: Driver) -> None:
    page = driver.authorize(login_hint=ADA.username)
    assert Form(page.text).page == "password"
    assert ADA.name in page.text


def test_one_signed_in_account_needs_no_page_without_a_prompt(driver: Driver) -> None:
    driver.answer(ADA.username, ADA.password)
    assert "Signed in" in driver.authorize().text
    assert Form(driver.authorize(prompt="").text).page == "form_post"
    assert Form(driver.authorize(prompt="none").text).fields["code"]
    login = driver.act(driver.authorize(prompt="login"), "pick", username=ADA.username)
    assert Form(login.text).page == "password"
    assert Form(driver.authorize(prompt="consent").text).page == "consent"


def test_a_scripted_refusal_has_its_page_and_then_goes_to_the_application(driver: Driver) -> None:
    driver.entra.refuse(ADA.username, 53003, endpoint="authorize")
    page = driver.act(driver.authorize(), "pick", username=ADA.username)
    page = driver.act(page, "password", password=ADA.password)
    assert Form(page.text).page == "refused"
    assert "AADSTS53003" in page.text
    answer = Form(driver.act(page, "cancel").text).fields
    assert answer["error_description"].startswith("AADSTS53003: ")


def test_the_device_page_confirms_the_application(driver: Driver) -> None:
    code = driver.device_code()
    page = driver.browser.get(code["verification_uri"])
    page = driver.act(page, "", otc="WRONGCODE")
    assert 'role="alert"' in page.text
    typed = f" {code['user_code'][:4].lower()}-{code['user_code'][4:].lower()} "
    page = driver.act(page, "", otc=typed)
    page = driver.act(page, "pick", username=ADA.username)
    page = driver.act(page, "password", password=ADA.password)
    assert Form(page.text).page == "confirm"
    assert "Azure CLI" in page.text
    assert Form(driver.act(page, "confirm").text).page == "device_done"
    assert driver.poll(code["device_code"]).status_code == 200


def test_a_policy_refusal_on_the_device_page_reaches_the_device(driver: Driver) -> None:
    driver.entra.refuse(ADA.username, 53003, endpoint="authorize")
    code = driver.device_code()
    page = driver.act(driver.browser.get(code["verification_uri"]), "", otc=code["user_code"])
    page = driver.act(page, "pick", username=ADA.username)
    page = driver.act(page, "password", password=ADA.password)
    assert Form(page.text).page == "refused"
    assert refusal(driver.poll(code["device_code"]))[1] == 53003


def test_a_form_of_another_browser_is_refused(driver: Driver) -> None:
    page = driver.authorize()
    stranger = Driver(driver.entra)
    stranger.authorize()
    assert stranger.act(page, "pick", username=ADA.username).status_code == 400
    forged = driver.browser.post(f"{LOGIN}/common/login", data={**Form(page.text).fields, "csrf": "guess"})
    assert forged.status_code == 400
    unknown = driver.browser.post(f"{LOGIN}/common/oauth2/deviceauth", data={"otc": "X", "csrf": "guess"})
    assert unknown.status_code == 400


def test_everything_shown_is_escaped() -> None:
    nasty = User("eve@contoso.example", "p", name="<script>alert(1)</script>")
    driver = Driver(Emulator([nasty]))
    page = driver.authorize(state='"><script>alert(2)</script>', login_hint="<b>@x.example")
    assert "<b>@" not in page.text
    page = driver.authorize(state='"><script>alert(2)</script>')
    assert "<script>alert" not in page.text
    page = driver.act(page, "pick", username=nasty.username)
    done = driver.act(page, "password", password="p")
    assert "<script>alert" not in done.text
    assert Form(done.text).fields["state"] == '"><script>alert(2)</script>'


@pytest.mark.parametrize("path", ["/", "/common/oauth2/deviceauth"])
def test_pages_are_self_contained_and_usable(driver: Driver, path: str) -> None:
    page = driver.browser.get(LOGIN + path)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', page.text))
    assert f"style-src 'nonce-{nonce}'" in policy
    assert not re.search(r'(src|href)="https?:', page.text)
    assert '<html lang="en">' in page.text
    assert "width=device-width" in page.text
    assert "prefers-color-scheme" in page.text
    assert "not Microsoft" in page.text


def test_every_field_has_a_label(driver: Driver) -> None:
    name = driver.act(driver.authorize(), "other")
    password = driver.act(name, "name", username=ADA.username)
    device = driver.browser.get(f"{LOGIN}/devicelogin")
    for page in (name, password, device):
        form = Form(page.text)
        assert form.ids
        assert set(form.ids.values()) <= form.labelled


def test_the_form_post_page_may_lead_to_the_application_only(driver: Driver) -> None:
    page = driver.authorize(login_hint=ADA.username)
    assert "form-action 'self' http://localhost:8400;" in page.headers["Content-Security-Policy"]
    done = driver.act(page, "password", password=ADA.password)
    assert "form-action 'self' http://localhost:8400;" in done.headers["Content-Security-Policy"]
    assert "Continue" in done.text
    assert done.headers["Cache-Control"] == "no-store"
