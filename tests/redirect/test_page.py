from __future__ import annotations

from html.parser import HTMLParser

import pytest

from azid.redirect import Outcome
from azid.redirect.page import render_page

OUTCOMES = [
    Outcome.success("ada@example.com"),
    Outcome.success(),
    Outcome.denied(),
    Outcome.denied("The person said no."),
    Outcome.failed("AADSTS50076: use multi-factor authentication."),
    Outcome.too_late(),
    Outcome.ended(),
    Outcome.stray(),
]
HOSTILE = "<script>alert(1)</script>\"'&{title}\ud800"


class Elements(HTMLParser):
    """Collects what a browser would make of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.kind)
def test_the_page_says_what_became_of_the_sign_in_and_what_to_do(outcome: Outcome) -> None:
    text = Elements(render_page(outcome)).text
    assert outcome.title in text
    assert outcome.advice in text
    assert (outcome.account or "") in text
    assert (outcome.reason or "") in text


def test_only_a_success_says_so() -> None:
    said = [outcome.kind for outcome in OUTCOMES if "You are signed in" in render_page(outcome)]
    assert said == ["success", "success"]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.kind)
def test_the_page_is_self_contained_and_runs_nothing(outcome: Outcome) -> None:
    page = Elements(render_page(outcome))
    assert not {"script", "img", "iframe", "form", "a"} & set(page.tags)
    assert [value for name, value in page.attributes if name in {"src", "href"}] == ["data:,"]
    assert not [name for name, _ in page.attributes if name == "style" or name.startswith("on")]


@pytest.mark.parametrize(
    "outcome", [Outcome.success(HOSTILE), Outcome.denied(HOSTILE), Outcome.failed(HOSTILE)], ids=lambda o: o.kind
)
def test_what_others_wrote_is_text(outcome: Outcome) -> None:
    page = Elements(render_page(outcome))
    assert "script" not in page.tags
    assert HOSTILE in page.text


def test_a_long_reason_is_cut() -> None:
    assert len(render_page(Outcome.failed("x" * 1_000_000))) < 20_000
