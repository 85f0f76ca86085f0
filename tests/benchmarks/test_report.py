"""The page that `make bench` writes."""

from __future__ import annotations

from benchmarks.report import Section, Target, page


def test_a_miss_is_as_plain_as_a_hit() -> None:
    section = Section(
        "Imports",
        "How it was measured.",
        ("what", "ms"),
        [("one", "1"), ("two", "2")],
        [Target("speed", "≤ 1", "0.5", True, "3"), Target("size", "≤ 1", "2", False, "4")],
    )
    text = page([section], about=[("date", "2026-01-01")])
    assert "1 of 2 are met." in text
    assert "| speed | ≤ 1 | 0.5 | yes | 3 |" in text
    assert "| size | ≤ 1 | 2 | **no** | 4 |" in text
    assert "| date | 2026-01-01 |" in text
    assert "## Imports\n\nHow it was measured.\n\n| what | ms |\n| --- | --- |\n| one | 1 |\n| two | 2 |\n" in text
