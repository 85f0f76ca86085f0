"""What a person does on the emulator's pages in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from azid.emulator import User

__all__ = ["enter_password", "is_shown", "pick", "press"]


def pick(page: Page, user: User) -> None:
    page.get_by_role("button", name=user.username).click()


def enter_password(page: Page, password: str) -> None:
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def is_shown(page: Page, heading: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
