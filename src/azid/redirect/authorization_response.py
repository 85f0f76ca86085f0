"""The authorization response: what the authority sends through the browser (RFC 6749 sections 4.1.2 and 4.1.2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import parse_qsl

from azid.redirect.page import Outcome
from azid.redirect.redirect_uri import RedirectUri
from azid.redirect.request import Request, RequestRefused

__all__ = ["AuthorizationResponse", "read_authorization_response"]

_FORM = "application/x-www-form-urlencoded"
_MAX_PARAMETERS = 100


class AuthorizationResponse:
    """The accepted response, whose browser is still waiting for a page.

    :param parameters: `code` or `error`, `state`, and whatever else the authority sent.
    :param finish: called once the outcome is known.
    """

    def __init__(self, parameters: Mapping[str, str], finish: Callable[[Outcome], None]) -> None:
        self.parameters = MappingProxyType(dict(parameters))
        self._finish = finish

    def finish(self, outcome: Outcome) -> None:
        """Show the outcome in the browser that brought the response, and in any that brings it again.

        Returns when the page is handed to the operating system, which delivers it even if the program ends right after;
        in any case within two seconds. The first outcome stands. A closed listener or a browser that is gone is no
        error.

        :param outcome: what became of the sign-in.
        """
        self._finish(outcome)

    def __repr__(self) -> str:
        return f"AuthorizationResponse({', '.join(sorted(self.parameters.keys() & {'code', 'error'}))})"


def read_authorization_response(request: Request, redirect_uri: RedirectUri) -> dict[str, str]:
    """Return the parameters of a request that has the form of an authorization response. Its `state` is not checked.

    :param request: any request that reached the listener.
    :param redirect_uri: where the response is expected.
    :raises RequestRefused: if it is anything else.
    """
    # A page of another site that has its name point to this machine is told apart by the name (DNS rebinding).
    if not redirect_uri.is_host(request.headers.get("host", "")):
        raise RequestRefused(HTTPStatus.MISDIRECTED_REQUEST)
    if request.path != redirect_uri.path:
        raise RequestRefused(HTTPStatus.NOT_FOUND)
    if request.method == "GET":
        encoded = request.query
    elif request.method == "POST":
        # OAuth 2.0 Form Post Response Mode, section 2.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise RequestRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if request.query:
            raise RequestRefused(HTTPStatus.BAD_REQUEST)
        encoded = request.body.decode("latin-1")
    else:
        raise RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED)
    return _read_parameters(encoded)


def _read_parameters(encoded: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise RequestRefused(HTTPStatus.BAD_REQUEST) from None
    parameters = dict(pairs)
    # RFC 6749 section 3.1: nothing twice; a parameter without a value counts as absent.
    given = {name: value for name, value in parameters.items() if value}
    if len(parameters) != len(pairs) or "state" not in given or ("code" in given) == ("error" in given):
        raise RequestRefused(HTTPStatus.BAD_REQUEST)
    return given
