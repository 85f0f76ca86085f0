from __future__ import annotations

from http import HTTPStatus

import pytest

from azid.redirect import AuthorizationResponse, RedirectUri
from azid.redirect.authorization_response import read_authorization_response
from azid.redirect.request import Request, RequestRefused

REDIRECT_URI = RedirectUri("localhost", 8400, "/done")
HOST = {"host": "localhost:8400"}
FORM = {**HOST, "content-type": "application/x-www-form-urlencoded"}


def status_of(request: Request) -> HTTPStatus:
    with pytest.raises(RequestRefused) as refused:
        read_authorization_response(request, REDIRECT_URI)
    return refused.value.status


def get(query: str) -> Request:
    return Request("GET", "/done", query, HOST)


def test_a_response_in_the_query_is_read() -> None:
    parameters = read_authorization_response(get("code=a%2Bb&state=s+t&session_state=x"), REDIRECT_URI)
    assert parameters == {"code": "a+b", "state": "s t", "session_state": "x"}


@pytest.mark.parametrize("charset", ["", ";charset=utf-8", " ; charset=UTF-8"])
def test_a_response_in_a_form_is_read(charset: str) -> None:
    headers = {**HOST, "content-type": f"Application/X-WWW-Form-Urlencoded{charset}"}
    request = Request("POST", "/done", "", headers, b"code=c&state=%C3%A4")
    assert read_authorization_response(request, REDIRECT_URI) == {"code": "c", "state": "ä"}


def test_an_error_is_a_response_and_empty_parameters_count_as_absent() -> None:
    parameters = read_authorization_response(get("code=&error=access_denied&state=s&error_uri="), REDIRECT_URI)
    assert parameters == {"error": "access_denied", "state": "s"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (Request("GET", "/done", "code=c&state=s", {}), HTTPStatus.MISDIRECTED_REQUEST),
        (Request("GET", "/done", "code=c&state=s", {"host": "evil.example:8400"}), HTTPStatus.MISDIRECTED_REQUEST),
        (Request("GET", "/done", "code=c&state=s", {"host": "127.0.0.1:8400"}), HTTPStatus.MISDIRECTED_REQUEST),
        (Request("GET", "/", "code=c&state=s", HOST), HTTPStatus.NOT_FOUND),
        (Request("GET", "/done/", "code=c&state=s", HOST), HTTPStatus.NOT_FOUND),
        (Request("GET", "/DONE", "code=c&state=s", HOST), HTTPStatus.NOT_FOUND),
        (Request("GET", "/favicon.ico", "", HOST), HTTPStatus.NOT_FOUND),
        (Request("HEAD", "/done", "code=c&state=s", HOST), HTTPStatus.METHOD_NOT_ALLOWED),
        (Request("get", "/done", "code=c&state=s", HOST), HTTPStatus.METHOD_NOT_ALLOWED),
        (Request("PUT", "/done", "", FORM, b"code=c&state=s"), HTTPStatus.METHOD_NOT_ALLOWED),
        (Request("OPTIONS", "/done", "", HOST), HTTPStatus.METHOD_NOT_ALLOWED),
        (Request("POST", "/done", "", HOST, b"code=c&state=s"), HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
        (
            Request("POST", "/done", "", {**HOST, "content-type": "text/plain"}, b"code=c&state=s"),
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ),
        (Request("POST", "/done", "code=c&state=s", FORM), HTTPStatus.BAD_REQUEST),
        (Request("POST", "/done", "state=s", FORM, b"code=c&state=s"), HTTPStatus.BAD_REQUEST),
    ],
)
def test_requests_that_are_no_response_are_refused(request_: Request, status: HTTPStatus) -> None:
    assert status_of(request_) == status


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=c",
        "state=s",
        "code=c&state=",
        "code=&state=s",
        "code=c&state=s&state=s",
        "code=c&state=s&state=",
        "code=c&code=d&state=s",
        "error=e&error=f&state=s",
        "code=c&error=e&state=s",
        "code=c&state=s&x=1&x=2",
        "code=c&state=%ff",
        "code=c&state=s&" + "&".join(f"p{number}=1" for number in range(200)),
        "code=c;state=s",
    ],
)
def test_parameters_that_are_no_response_are_refused(query: str) -> None:
    assert status_of(get(query)) == HTTPStatus.BAD_REQUEST


def test_the_repr_holds_no_secret_and_the_parameters_do_not_change() -> None:
    response = AuthorizationResponse({"code": "secret", "state": "hidden"}, lambda _: None)
    assert repr(response) == "AuthorizationResponse(code)"
    with pytest.raises(TypeError):
        response.parameters["code"] = "other"  # type: ignore[index]
