"""Where azid's requests differ from azure-identity's on purpose. Everything else has to be the same."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from azid import __version__
from tests.wire.comparison import Difference

__all__ = ["INTENDED", "Intended"]


@dataclass(frozen=True)
class Intended:
    """A difference that is meant to be.

    :param reason: why.
    :param fields: the field with azure-identity's value and azid's; None is a field that is not there.
    :param places: patterns of the places where it occurs, and of no others.
    """

    reason: str
    fields: dict[str, tuple[str | None, str | None]]
    places: tuple[str, ...]

    def expected(self) -> list[tuple[str, str]]:
        """Return each place with each field: every one of them has to occur."""
        return [(place, field) for place in self.places for field in self.fields]

    def covers(self, difference: Difference, place: str, field: str) -> bool:
        """Whether `difference` is the one that is meant for `field` at `place`."""
        found = difference.azure_identity, difference.azid
        return field == difference.field and fnmatchcase(difference.place, place) and self.fields[field] == found


_SENT: Final = ("sent", None)
_NOT_SENT: Final = (None, "sent")
_CLAIMS: Final = '"acrs": {"essential": true, "value": "c1"}'
_CAPABILITY: Final = '"xms_cc": {"values": ["CP1"]}'
_USERNAME: Final = "ada@contoso.example"
_MAILBOX: Final = "66666666-7777-8888-9999-000000000000@11111111-2222-3333-4444-555555555555"

INTENDED: Final = (
    Intended(
        "The user agent tells the version of azid.",
        {
            "header.user-agent": (
                "azsdk-python-identity/1.27.0 <platform>",
                f"azsdk-python-identity/{__version__} <platform>",
            )
        },
        ("*",),
    ),
    Intended(
        "The endpoints of the well-known clouds are fixed facts where the tenant is a GUID or a shared name.",
        {"request": _SENT},
        (
            "browser: authenticate: openid configuration",
            "browser: other tenant: openid configuration",
            "browser without authenticate: get_token: openid configuration",
            "browser with login hint: authenticate: openid configuration",
            "browser with redirect uri: authenticate: openid configuration",
            "browser with redirect uri and path: authenticate: openid configuration",
            "browser with claims: authenticate: openid configuration",
            "browser with cae: authenticate: openid configuration",
            "browser with cae and claims: authenticate: openid configuration",
            "browser with cae after without: authenticate: openid configuration",
            "browser with cae after without: with CAE: openid configuration",
            "browser with record: authenticate: openid configuration",
            "browser with record: get_token: openid configuration",
            "browser after refused refresh: authenticate: openid configuration",
            "device code: authenticate: openid configuration",
            "device code with claims: authenticate: openid configuration",
            "device code with cae: authenticate: openid configuration",
            "device code with cae and claims: authenticate: openid configuration",
            "username password: get_token: openid configuration",
            "username password with cae and claims: get_token: openid configuration",
            "government cloud: authenticate: openid configuration",
        ),
    ),
    Intended(
        "Which hosts are one cloud is known, so nobody is asked for the aliases under which an account may be stored.",
        {"request": _SENT},
        (
            "browser with cae after without: with CAE: instance discovery",
            "browser with record: get_token: instance discovery",
            "browser after refused refresh: refused: instance discovery",
        ),
    ),
    Intended(
        "The system chooses the port: a range of 600 can be taken, and others on the machine can guess it.",
        {
            "query.redirect_uri": ("http://localhost:<port of 8400 to 8999 1>", "http://localhost:<port 1>"),
        },
        (
            "browser: authenticate: authorize",
            "browser without authenticate: get_token: authorize",
            "browser with two scopes: get_token: authorize",
            "browser with login hint: authenticate: authorize",
            "browser with claims: authenticate: authorize",
            "browser with cae: authenticate: authorize",
            "browser with cae and claims: authenticate: authorize",
            "browser with cae after without: authenticate: authorize",
            "browser with record: authenticate: authorize",
            "browser with record: get_token: authorize",
            "browser after refused refresh: authenticate: authorize",
            "browser after refused refresh: refused: authorize",
            "government cloud: authenticate: authorize",
            "private cloud: authenticate: authorize",
            "adfs: authenticate: authorize",
        ),
    ),
    Intended(
        "The same port when the code is redeemed (RFC 6749 section 4.1.3).",
        {
            "form.redirect_uri": ("http://localhost:<port of 8400 to 8999 1>", "http://localhost:<port 1>"),
        },
        (
            "browser: authenticate: token",
            "browser without authenticate: get_token: token",
            "browser with two scopes: get_token: token",
            "browser with login hint: authenticate: token",
            "browser with claims: authenticate: token",
            "browser with cae: authenticate: token",
            "browser with cae and claims: authenticate: token",
            "browser with cae after without: authenticate: token",
            "browser with record: authenticate: token",
            "browser with record: get_token: token",
            "browser after refused refresh: authenticate: token",
            "browser after refused refresh: refused: token 2",
            "government cloud: authenticate: token",
            "private cloud: authenticate: token",
            "adfs: authenticate: token",
        ),
    ),
    Intended(
        "A redirect URI that is given with a path is used with it: it has to equal the registered one.",
        {"query.redirect_uri": ("http://localhost:<port 1>", "http://localhost:<port 1>/signed-in")},
        ("browser with redirect uri and path: authenticate: authorize",),
    ),
    Intended(
        "The same path when the code is redeemed.",
        {"form.redirect_uri": ("http://localhost:<port 1>", "http://localhost:<port 1>/signed-in")},
        ("browser with redirect uri and path: authenticate: token",),
    ),
    Intended(
        "Where an account is known, the page that a get_token opens suggests it.",
        {"query.login_hint": (None, _USERNAME), "query.X-AnchorMailbox": (None, f"UPN:{_USERNAME}")},
        ("browser with record: get_token: authorize", "browser after refused refresh: refused: authorize"),
    ),
    Intended(
        "authenticate() always asks the person, as its documentation has it; azure-identity's goes silent if it can.",
        {"request": _NOT_SENT},
        ("browser: authenticate again: authorize", "browser: authenticate again: token"),
    ),
    Intended(
        "Likewise authenticate() of a password: it proves the password instead of refreshing.",
        {
            "form.grant_type": ("refresh_token", "password"),
            "form.refresh_token": ("refresh-token-4", None),
            "form.username": (None, _USERNAME),
            "form.password": (None, "correct horse battery staple"),
            "header.x-anchormailbox": (f"Oid:{_MAILBOX}", f"upn:{_USERNAME}"),
            "header.x-client-current-telemetry": ("4|84,2|", "4|301,0|"),
        },
        ("username password: authenticate: token",),
    ),
    Intended(
        "One sign-in serves calls with and without continuous access evaluation: no second prompt,",
        {"request": _SENT},
        ("browser with cae after without: with CAE: authorize",),
    ),
    Intended(
        "but a refresh.",
        {
            "form.grant_type": ("authorization_code", "refresh_token"),
            "form.code": ("code-4", None),
            "form.code_verifier": ("verifier of <challenge 1>", None),
            "form.redirect_uri": ("http://localhost:<port of 8400 to 8999 1>", None),
            "form.refresh_token": (None, "refresh-token-3"),
            "header.x-anchormailbox": (None, f"Oid:{_MAILBOX}"),
            "header.x-client-current-telemetry": ("4|832,0|", "4|84,2|"),
        },
        ("browser with cae after without: with CAE: token",),
    ),
    Intended(
        "The first request for a device code carries the claims, too: it is there that Entra decides what to ask for.",
        {"form.claims": (None, f'{{"access_token": {{{_CLAIMS}}}}}')},
        ("device code with claims: authenticate: devicecode",),
    ),
    Intended(
        "The same, with the capability that azure-identity sends there alone.",
        {
            "form.claims": (
                f'{{"access_token": {{{_CAPABILITY}}}}}',
                f'{{"access_token": {{{_CLAIMS}, {_CAPABILITY}}}}}',
            )
        },
        ("device code with cae and claims: authenticate: devicecode",),
    ),
    Intended(
        "Nobody can have entered a device code at once: the first poll comes after the interval.",
        {"waited": ("0 s", "5 s")},
        (
            "device code: authenticate: token",
            "device code with claims: authenticate: token",
            "device code with cae: authenticate: token",
            "device code with cae and claims: authenticate: token",
            "private cloud with instance discovery: authenticate: token",
        ),
    ),
    Intended(
        "Each poll for a device code is a call of MSAL's of its own, so it tells of the one before.",
        {
            "header.x-client-last-telemetry": (
                "4|0|||",
                "4|0|622,<request id 1>|authorization_pending|",
            )
        },
        ("device code: authenticate: token 2",),
    ),
    Intended(
        "Likewise the third; MSAL keeps the header below 350 characters.",
        {
            "header.x-client-last-telemetry": (
                "4|0|||",
                "4|0|622,<request id 1>,622,<request id 1>|authorization_pending,authorization_pending|",
            )
        },
        ("device code: authenticate: token 3",),
    ),
    Intended(
        "MSAL gets a refresh token and no expired access token, so it reports that there is none.",
        {"header.x-client-current-telemetry": ("4|84,3|", "4|84,2|")},
        (
            "browser: expired: token",
            "browser with cae: expired: token",
            "browser after refused refresh: refused: token",
            "device code: expired: token",
            "username password: expired: token",
            "private cloud: expired: token",
            "private cloud with instance discovery: expired: token",
        ),
    ),
    Intended(
        "A token from memory is served without MSAL, which therefore does not count it.",
        {"header.x-client-last-telemetry": ("4|1|||", "4|0|||")},
        ("browser: other scope: token", "browser with cae: claims: token", "username password: expired: token"),
    ),
)
