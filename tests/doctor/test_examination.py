from __future__ import annotations

import threading
from collections.abc import Iterator

from azid.clock import ManualClock
from azid.doctor import Finding, Verdict, examine


def fine() -> Iterator[Finding]:
    yield Finding("this", Verdict.OK, "It is there.")


def failing() -> Iterator[Finding]:
    yield from fine()
    raise LookupError("nothing like that")


def test_findings_come_in_the_order_of_the_checks() -> None:
    examination = examine({"Second": fine, "First": fine})
    assert list(examination) == ["Second", "First"]
    assert [found.subject for found in examination["First"]] == ["this"]


def test_a_check_that_fails_hides_nothing() -> None:
    examination = examine({"Broken": failing, "Whole": fine})
    first, second = examination["Broken"]
    assert first.verdict is Verdict.OK
    assert second.verdict is Verdict.PROBLEM
    assert "LookupError: nothing like that" in second.found
    assert examination["Whole"] == [*fine()]


def test_a_check_that_hangs_is_left_alone() -> None:
    go_on = threading.Event()

    def hanging() -> Iterator[Finding]:
        yield from fine()
        go_on.wait(20)

    try:
        examination = examine({"Hanging": hanging, "Whole": fine}, patience=7, clock=ManualClock())
    finally:
        go_on.set()
    assert examination["Hanging"][-1] == Finding("hanging", Verdict.PROBLEM, "No answer came within 7 seconds.")
