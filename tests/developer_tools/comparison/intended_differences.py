"""Where azid makes something else of developers' tools than azure-identity on purpose. All else has to be the same."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

__all__ = ["INTENDED", "Difference", "Intended"]


class Difference(NamedTuple):
    """A field that differs in a case."""

    case: str
    field: str
    azure_identity: str
    azid: str


@dataclass(frozen=True)
class Intended:
    """A difference that is meant to be.

    :param reason: why.
    :param cases: patterns of the cases; each has to occur.
    :param field: the field that differs.
    :param azure_identity: a pattern of azure-identity's value.
    :param azid: a pattern of azid's value.
    :param thereby: patterns of other fields that may differ in these cases, because that one does.
    """

    reason: str
    cases: tuple[str, ...]
    field: str
    azure_identity: str
    azid: str
    thereby: tuple[str, ...] = ()

    def covers(self, found: Difference) -> bool:
        """Whether `found` is this one, or there because of it."""
        return any(
            self.is_at(found, case)
            or (fnmatchcase(found.case, case) and any(fnmatchcase(found.field, field) for field in self.thereby))
            for case in self.cases
        )

    def is_at(self, found: Difference, case: str) -> bool:
        """Whether `found` is this one, in the case that a pattern names."""
        pairs = zip(found, (case, self.field, self.azure_identity, self.azid), strict=True)
        return all(fnmatchcase(value, pattern) for value, pattern in pairs)


_OUTCOME: Final = ("alone: token", "expires", "in chain", "in chain: token", "runs")

INTENDED: Final = (
    Intended(
        "A token from a tool is kept in memory until it is due: a tool takes half a second or more.",
        ("az: token", "azd: token", "pwsh: token"),
        *("runs", "2", "1"),
    ),
    Intended(
        "The Azure Developer CLI tells coordinated universal time; azure-identity takes it for the machine's own.",
        (
            *("azd: token", "azd: scope of another form", "azd: double slash", "azd: two scopes", "azd: its tenant"),
            *("azd: the call's tenant", "azd: another tenant that is allowed", "azd: claims", "azd: prints megabytes"),
        ),
        *("expires", "1*", "1*"),
    ),
    Intended(
        "What a tool has printed is never shown: it may be a token. Nor are claims: a command to sign in is.",
        ("*: prints nonsense", "pwsh: prints a list", "*: prints NUL", "*: no time", "az: claims", "pwsh: claims"),
        *("shows output or claims", "true", "false"),
    ),
    Intended(
        "Where none could be asked, the default chain raises CredentialUnavailableError: programs then ask a person.",
        ("az: claims",),
        *("in chain", "failed", "unavailable"),
    ),
    Intended(
        "Whoever calls a chain without scopes has made a mistake that is no credential's.",
        ("az: no scope", "pwsh: no scope"),
        *("in chain", "failed", "ValueError"),
    ),
    Intended(
        "A scope that a tool could take for an option is refused.",
        ("*: scope that looks like an option",),
        *("alone", "token", "ValueError"),
        (*_OUTCOME, "arguments", "environment", "folder"),
    ),
    Intended(
        "Output of another kind is a failure like any other: azure-identity raises TypeError, and the chain ends.",
        ("az: prints a list", "azd: prints a list", "az: no seconds"),
        *("alone", "TypeError", "failed"),
        _OUTCOME,
    ),
    Intended(
        "A token that is no text is none.",
        ("az: token is a number",),
        *("alone", "token", "failed"),
        _OUTCOME,
    ),
    Intended(
        "A token that has expired is none.",
        ("*: token has expired",),
        *("alone", "token", "failed"),
        _OUTCOME,
    ),
    Intended(
        "A warning in the machine's own encoding does no harm.",
        ("*: prints no UTF-8",),
        *("alone", "unavailable", "token"),
        _OUTCOME,
    ),
    Intended(
        "What a tool has printed counts when it has ended, although a child of it keeps its output open.",
        ("*: leaves a child that keeps its output open",),
        *("alone", "unavailable", "token"),
        _OUTCOME,
    ),
)
