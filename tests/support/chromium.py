"""Fixtures for tests in which a person uses a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tools.chromium import Chromium, Look

__all__ = ["browser", "keep", "look"]

pytest_plugins = ["tests.support.screenshots"]


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Chromium]:
    """One Chromium for all tests: each visit has its own profile, so nothing passes from one to the next."""
    with Chromium(chromium) as browser:
        yield browser


@pytest.fixture(scope="session")
def keep(screenshots: Path) -> Look:
    """Keep a screenshot as `.artifacts/screenshots/<name>.png`, and check that the page fits the window's width."""

    def keep(page: Page, name: str) -> None:
        page.screenshot(path=screenshots / f"{name}.png")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (
            f"{name} is wider than the window"
        )

    return keep


_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def look(keep: Look, axe: Path) -> Look:
    """Do what `keep` does, and check that everybody can use the page: axe-core finds nothing against WCAG 2.2 AA."""
    script = axe.read_text(encoding="utf-8")

    def look(page: Page, name: str) -> None:
        keep(page, name)
        page.evaluate(script)
        found = page.evaluate("rules => axe.run({runOnly: rules})", _RULES)["violations"]
        assert found == [], f"{name}: {[(rule['help'], [node['html'] for node in rule['nodes']]) for rule in found]}"

    return look
