"""The card that shows a device code in a notebook, in a real browser."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from azid.notebook import card_html, ended_html, is_notebook, show_card, why_remote
from tools.chromium import Chromium, Look

pytest_plugins = ["tests.support.chromium"]

URI = "https://microsoft.com/devicelogin"
CODE = "A1B2C3D4E"
LATER = timedelta(minutes=15)


def card(lifetime: timedelta = LATER) -> str:
    return card_html(URI, CODE, datetime.now(timezone.utc) + lifetime)


@pytest.mark.parametrize(("name", "width", "dark"), [("light", 800, False), ("dark", 800, True), ("phone", 340, False)])
def test_a_person_finds_page_code_and_button(
    browser: Chromium, output_page: Any, look: Look, name: str, width: int, dark: bool
) -> None:
    output_page.html = card()

    def visit(page: Page) -> None:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        link = page.get_by_role("link", name=URI)
        expect(link).to_have_attribute("href", URI)
        expect(link).to_have_attribute("rel", "noopener noreferrer")
        expect(page.get_by_text(CODE, exact=True)).to_be_visible()
        expect(page.get_by_text("The code expires in 1")).to_be_visible()
        look(page, f"notebook-{name}")
        page.get_by_role("button", name="Copy code").click()
        expect(page.get_by_role("status")).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()") == CODE

    with browser.visitor(visit, width=width, height=320, dark=dark) as open_browser:
        open_browser(output_page.url)


def test_the_countdown_goes_on_and_ends(browser: Chromium, output_page: Any) -> None:
    def visit(page: Page) -> None:
        page.clock.install()
        output_page.html = card_html(
            URI, CODE, datetime.fromtimestamp(page.evaluate("Date.now()") / 1000 + 90, timezone.utc)
        )
        page.goto(output_page.url)
        expect(page.get_by_text("The code expires in 1:")).to_be_visible()
        page.clock.run_for(60_000)
        expect(page.get_by_text("The code expires in 0:")).to_be_visible()
        page.clock.run_for(60_000)
        expect(page.get_by_text("The code has expired")).to_be_visible()
        expect(page.get_by_role("button", name="Copy code")).to_be_disabled()

    with browser.visitor(visit) as open_browser:
        open_browser(output_page.url)


def test_without_scripts_nothing_but_comfort_is_missing(browser: Chromium, output_page: Any) -> None:
    output_page.html = card()

    def visit(page: Page) -> None:
        expect(page.get_by_role("link", name=URI)).to_be_visible()
        expect(page.get_by_text(CODE, exact=True)).to_be_visible()
        expect(page.get_by_text("The code expires at")).to_be_visible()
        assert page.get_by_role("button").count() == 0

    with browser.visitor(visit, scripts=False) as open_browser:
        open_browser(output_page.url)


def test_what_the_authority_says_is_text() -> None:
    html = card_html('https://evil.example/"><script>alert(1)</script>', "<b>CODE</b>", datetime.now(timezone.utc))
    assert "<script>alert" not in html
    assert "<b>CODE" not in html
    assert "<i>" not in ended_html("Signed in as <i>ada</i>.")


def test_nothing_comes_from_elsewhere() -> None:
    without_link = card().replace(URI, "")
    assert "http" not in without_link
    assert "src=" not in without_link


def test_a_front_end_that_has_gone_fails_no_sign_in() -> None:
    output_page: list[dict[str, str]] = []

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("the kernel's front end has gone")

    def display(card: dict[str, str], **_: object) -> Any:
        output_page.append(card)
        return SimpleNamespace(update=fail)

    end = show_card("Enter the code.", URI, CODE, datetime.now(timezone.utc), display=display)
    end("Signed in as ada@contoso.example.")
    assert [card["text/plain"] for card in output_page] == ["Enter the code."]


class _Shell:
    kernel = object()


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ({}, False),
        ({"IPython": SimpleNamespace(get_ipython=lambda: None)}, False),
        ({"IPython": SimpleNamespace(get_ipython=object)}, False),
        ({"IPython": SimpleNamespace(get_ipython=_Shell)}, True),
    ],
)
def test_a_kernel_is_told_from_a_terminal(modules: dict[str, Any], expected: bool) -> None:
    assert is_notebook(modules) is expected


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, None),
        ({"DISPLAY": ":0"}, None),
        ({"JUPYTERHUB_USER": "ada"}, "JupyterHub"),
        ({"COLAB_RELEASE_TAG": "release"}, "Colab"),
        ({"DATABRICKS_RUNTIME_VERSION": "15"}, "Databricks"),
        ({"CODESPACES": "true"}, "codespace"),
        ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "SSH"),
        ({"CODESPACES": "true", "BROWSER": "/vscode/bin/helpers/browser.sh"}, None),
    ],
)
def test_a_kernel_elsewhere_is_noticed(environ: dict[str, str], told: str | None) -> None:
    why = why_remote(environ)
    assert (why is None) if told is None else (told in str(why))
