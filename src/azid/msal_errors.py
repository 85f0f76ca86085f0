"""What MSAL reports instead of tokens: the authority's error response, or the operating system's broker's."""

from __future__ import annotations

import re
from typing import Any, Final

from azid.error_reply import ErrorReply
from azid.errors import AuthenticationFailedError, BrokerUnavailableError
from azid.redaction import guarded_secrets
from azid.remedies import remedy

__all__ = ["raise_for_error"]

_LONGEST_DESCRIPTION: Final = 2000
"""Characters. More would be no sentence for a person."""
_BROKER_ERROR: Final = "broker_error"
"""What MSAL calls every failure of the broker; what it was stands in the description only."""
_BROKER_STATUS: Final = re.compile(r"\. Status: [\w.]*?Status_(\w+), Error code: [^,]*, Tag: \S*\Z")
_AADSTS: Final = re.compile(r"\bAADSTS(\d{4,8})\b")
# The broker's statuses by the error that the authority would answer with (OpenID Connect Core section 3.1.2.6, RFC 6749
# section 4.1.2.1).
_OAUTH_ERRORS: Final = {
    "AccountNotFound": "login_required",
    "AccountUnusable": "login_required",
    "ApplicationCanceled": "access_denied",
    "InteractionRequired": "interaction_required",
    "UserCanceled": "access_denied",
}
_NO_BROKER: Final = frozenset({"FallbackToNativeMsal", "RequiredBrokerMissing"})
"""Statuses of a runtime that finds no broker on the machine."""


def raise_for_error(result: Any, replies: list[ErrorReply]) -> None:
    """Raise if `result` is an error response (RFC 6749 section 5.2).

    :param result: what MSAL returned.
    :param replies: the authority's replies with an error's status.
    :raises BrokerUnavailableError: the broker's runtime finds no broker.
    :raises AuthenticationFailedError: the authority or the broker refused.
    """
    if not isinstance(result, dict):
        raise AuthenticationFailedError("Authentication failed: the authority's reply is no JSON object.")
    if "error" not in result:
        return
    with guarded_secrets() as known:
        error = known.redact(str(result["error"]))[:200]
        description = known.redact(str(result.get("error_description") or error))
    codes = result.get("error_codes")
    codes = tuple(code for code in codes if isinstance(code, int)) if isinstance(codes, list) else ()
    if error == _BROKER_ERROR:
        error = _of_the_broker(description)
        codes = tuple(map(int, _AADSTS.findall(description)))
    suberror, claims, advice = result.get("suberror"), result.get("claims"), remedy(codes)
    raise AuthenticationFailedError(
        f"Authentication failed: {description[:_LONGEST_DESCRIPTION]}" + (f"\n{advice}" if advice else ""),
        oauth_error=error,
        suberror=suberror if isinstance(suberror, str) else None,
        error_codes=codes,
        response=replies[-1] if replies else None,
        claims=claims if isinstance(claims, str) and claims else None,
    )


def _of_the_broker(description: str) -> str:
    """Return the OAuth error that comes closest to what the broker reports."""
    found = _BROKER_STATUS.search(description)
    status = found[1] if found else ""
    if status in _NO_BROKER:
        raise BrokerUnavailableError(
            f"This machine has no broker that signs people in: {description[:_LONGEST_DESCRIPTION]}"
        )
    return _OAUTH_ERRORS.get(status, _BROKER_ERROR)
