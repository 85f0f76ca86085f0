"""The report: sections, each with its targets, as one Markdown page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Section", "Target", "page", "section"]


@dataclass(frozen=True)
class Target:
    """Something that azid promises.

    :param what: what is promised.
    :param promise: how much.
    :param measured: what was found.
    :param met: whether that keeps the promise.
    :param elsewhere: what was found of azure-identity.
    """

    what: str
    promise: str
    measured: str
    met: bool
    elsewhere: str


@dataclass(frozen=True)
class Section:
    """One measurement.

    :param title: its heading.
    :param method: how it was measured, and what is not comparable.
    :param header: the table's columns.
    :param rows: the table's rows.
    :param targets: what the measurement decides.
    """

    title: str
    method: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target]


def page(sections: Iterable[Section], *, about: Sequence[tuple[str, str]]) -> str:
    """Return the whole page.

    :param sections: what was measured.
    :param about: where and with what it was measured.
    """
    sections = list(sections)
    targets = [target for part in sections for target in part.targets]
    missed = sum(not target.met for target in targets)
    parts = [
        "# Benchmarks",
        "<!-- `make bench` writes this page; changes made by hand are lost. -->",
        "azid beside Microsoft's azure-identity, each in its own environment, in turn (A B A B …) in one run. A time "
        "is a median with the first and the third quartile in parentheses; a count is a median with the least and the "
        "most. A ratio is taken pair by pair within the run, and shown as a time is. No test asserts a time.",
        "## Targets",
        f"{len(targets) - missed} of {len(targets)} are met.",
        _table(
            ("what", "target", "azid", "met", "azure-identity"),
            [
                (target.what, target.promise, target.measured, "yes" if target.met else "**no**", target.elsewhere)
                for target in targets
            ],
        ),
        "## Where",
        _table(("", ""), about),
        *(section(part) for part in sections),
    ]
    return "\n\n".join(parts) + "\n"


def section(part: Section) -> str:
    """Return one section."""
    return "\n\n".join((f"## {part.title}", part.method, _table(part.header, part.rows)))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
