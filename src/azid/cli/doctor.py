"""``azid doctor``: what a sign-in needs on this machine, and what to do about what is missing."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from azid.cli import exit_codes
from azid.cli.output import answer, answer_json, output_option, printable
from azid.cli.storage import settled_storage, storage_option

if TYPE_CHECKING:
    from azid.doctor import Check, Examination, Finding

__all__ = ["doctor", "rendered"]

_SIGNS: Final = {"ok": ("ok", "green"), "warning": ("!", "yellow"), "problem": ("X", "red"), "note": ("-", None)}
_WIDTH: Final = 100
_NARROWEST: Final = 40
"""Characters that a finding has beside its subject at least; in a narrower terminal it is below."""


@click.command(epilog="It changes nothing and asks nobody anything. Exits with 1 if there is a problem, else with 0.")
@click.option("--offline", is_flag=True, help="Leave out the network: send no request.")
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="N", help="Look whether this redirect URI's port is free, too."
)
@click.option(
    "--authority", metavar="HOST", help="The authority. Defaults to AZURE_AUTHORITY_HOST, else the public cloud's."
)
@storage_option
@output_option()
def doctor(*, offline: bool, port: int | None, authority: str | None, storage: str, output: str) -> None:
    """Look at what a sign-in needs on this machine.

    \b
    Examples:
      azid doctor
      azid doctor --offline --output json
      azid doctor --authority login.microsoftonline.us
    """
    from azid.authority import default_authority, normalize_authority
    from azid.doctor import Verdict, examine
    from azid.doctor.distributions import check_packages
    from azid.doctor.network import check_network
    from azid.doctor.ports import check_ports
    from azid.doctor.storage import check_cache, check_storage
    from azid.doctor.variables import check_variables

    try:
        place = normalize_authority(authority) if authority else default_authority()
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    checks: dict[str, Check] = {
        "Packages": check_packages,
        "Storage": check_storage,
        "Cache": lambda: check_cache(settled_storage(storage)),
        "Sign-in": _check_sign_in,
        "Ports": partial(check_ports, port),
        "Environment": check_variables,
    }
    if not offline:
        checks["Network"] = partial(check_network, place)
    examination = examine(checks)
    if output == "json":
        answer_json(
            {
                section.lower(): [finding._asdict() | {"verdict": finding.verdict.value} for finding in findings]
                for section, findings in examination.items()
            }
        )
    else:
        answer(rendered(examination))
    if any(finding.verdict is Verdict.PROBLEM for findings in examination.values() for finding in findings):
        click.get_current_context().exit(exit_codes.FAILED)


def _check_sign_in() -> Iterator[Finding]:
    from azid.browser import finds_browser
    from azid.cli.surroundings import choose_flow, look_around
    from azid.doctor import Finding, Verdict

    around = look_around()
    choice = choose_flow(around._replace(attended=True))
    reason = f" {choice.reason}." if choice.reason else ""
    if choice.flow is None:
        yield Finding("way", Verdict.NOTE, f"'azid login' asks nobody here.{reason}", "azid login --device-code")
    elif choice.flow == "device code":
        yield Finding("way", Verdict.NOTE, f"'azid login' shows a code to enter in a browser on any device.{reason}")
    elif not finds_browser():
        yield Finding(
            "way",
            Verdict.WARNING,
            "'azid login' finds no browser to open on this machine, so it shows a code to enter in one on any device.",
            "Install a browser, or set BROWSER to the command of one",
        )
    else:
        yield Finding("way", Verdict.OK, "'azid login' opens the browser of this machine.")


def rendered(examination: Examination, *, width: int = _WIDTH) -> str:
    """Return what was found as text.

    :param examination: what was found.
    :param width: characters that a line may have. Defaults to 100, or the terminal's if that has fewer.
    """
    width = min(width, shutil.get_terminal_size((width, 24)).columns)
    subjects = [finding.subject for findings in examination.values() for finding in findings]
    column = min(max(map(len, subjects), default=0), 24)
    lines: list[str] = []
    for section, findings in examination.items():
        lines += [click.style(section, bold=True)]
        for finding in findings:
            lines += _lines_of(finding, column, width)
        lines += [""]
    return "\n".join([*lines, _summary(examination)])


def _lines_of(finding: Finding, column: int, width: int) -> list[str]:
    sign, colour = _SIGNS[finding.verdict.value]
    beside = width - column - 7 >= _NARROWEST
    indent = " " * (column + 7 if beside else 5)
    folded = textwrap.wrap(
        printable(finding.found), max(width - len(indent), 20), break_long_words=False, break_on_hyphens=False
    )
    first = f"  {folded.pop(0)}" if beside and folded else ""
    subject = printable(finding.subject).ljust(column if first else 0)
    lines = [f"  {click.style(sign.ljust(2), fg=colour)} {subject}{first}"]
    lines += [f"{indent}{line}" for line in folded]
    if finding.remedy:
        lines.append(f"{indent}{click.style('->', bold=True)} {printable(finding.remedy)}")
    return lines


def _summary(examination: Examination) -> str:
    verdicts = [finding.verdict.value for findings in examination.values() for finding in findings]
    problems, warnings = verdicts.count("problem"), verdicts.count("warning")
    if not problems and not warnings:
        return "Nothing stands in the way of a sign-in."
    counted = [
        f"{number} {word}{'s' if number != 1 else ''}"
        for number, word in ((problems, "problem"), (warnings, "warning"))
        if number
    ]
    return f"Found {' and '.join(counted)}."
