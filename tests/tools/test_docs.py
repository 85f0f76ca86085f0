from __future__ import annotations

from pathlib import Path

import pytest

from tools.docs import problems


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<a href="other.html#there">x</a>', []),
        ('<a href="other.html#nowhere">x</a>', ["index.html: other.html#nowhere: no such anchor"]),
        ('<a href="missing.html">x</a>', ["index.html: missing.html: no such file"]),
        ('<a href="https://example.com/">x</a>', []),
        ('<img src="data:image/png;base64,AA==">', []),
        ('<script src="https://cdn.example.com/x.js"></script>', ["index.html loads https://cdn.example.com/x.js"]),
        ('<link href="//cdn.example.com/x.css">', ["index.html loads //cdn.example.com/x.css"]),
    ],
)
def test_page(tmp_path: Path, html: str, found: list[str]) -> None:
    (tmp_path / "index.html").write_text(html, encoding="utf-8")
    (tmp_path / "other.html").write_text('<p id="there">', encoding="utf-8")
    assert list(problems(tmp_path)) == found


def test_styles_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text(
        '@import "https://fonts.example.com/x"; a { background: url(y.png) }', encoding="utf-8"
    )
    assert list(problems(tmp_path)) == ["x.css loads https://fonts.example.com/x"]
