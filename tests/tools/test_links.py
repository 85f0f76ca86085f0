from __future__ import annotations

from pathlib import Path

import pytest

from tools.links import broken_links

GUIDE = """
# Sign in, *please*!

## Twice
## Twice
<a id="raw"></a>
"""


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("guide.md", None),
        ("guide.md#sign-in-please", None),
        ("guide.md#twice-1", None),
        ("guide.md#raw", None),
        ("guide.md#nothing", "no such heading"),
        ("missing.md", "no such file"),
        ("../elsewhere.md", "outside the project"),
        ("#index", None),
        ("#nothing", "no such heading"),
        ("https://example.com/page", None),
        ("http://example.com/page", "not an https link"),
        ("mailto:ada@contoso.example", None),
    ],
)
def test_link(tmp_path: Path, link: str, complaint: str | None) -> None:
    (tmp_path / "guide.md").write_text(GUIDE, encoding="utf-8")
    (tmp_path / "README.md").write_text(f"# Index\n\n[text]({link})\n", encoding="utf-8")
    assert [found for _, _, found in broken_links(tmp_path)] == ([complaint] if complaint else [])


def test_references_images_and_raw_html_are_links(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        '[text][page]\n![picture](b.png)\n<img src="c.png">\n\n[page]: a.md\n', encoding="utf-8"
    )
    assert [link for _, link, _ in broken_links(tmp_path)] == ["a.md", "b.png", "c.png"]


def test_code_holds_no_links(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("`[text](a.md)`\n\n```\n[text](b.md)\n```\n", encoding="utf-8")
    assert list(broken_links(tmp_path)) == []


def test_hidden_folders_are_passed_over(tmp_path: Path) -> None:
    for folder in (".venv", ".github"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "README.md").write_text("[text](missing.md)\n", encoding="utf-8")
    assert [file for file, _, _ in broken_links(tmp_path)] == [Path(".github/README.md")]
