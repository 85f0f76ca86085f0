"""MSAL's idea of an HTTP client, on top of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import urlsplit

from azure.core.exceptions import ClientAuthenticationError
from azure.core.rest import HttpRequest

from azid.authority import well_known_configuration
from azid.error_reply import ErrorReply
from azid.errors import AuthenticationFailedError
from azid.pipeline import TokenPipeline
from azid.redaction import guarded_secrets
from azid.tls import explain_untrusted

__all__ = ["HttpClient", "HttpReply", "failed_reply"]

_LARGEST_REPLY: Final = 1 << 20
"""Characters. A token reply has some thousands; more is no token reply."""
_TOLD_OF_AN_ERROR: Final = (
    *("error", "error_description", "error_codes", "error_uri", "suberror"),
    *("timestamp", "trace_id", "correlation_id"),
)
"""What an error reply may tell a program: RFC 6749 section 5.2, and Entra's additions without `claims`."""
_WHERE_AM_I: Final = "http://169.254.169.254/metadata/instance/compute?"
"""Where MSAL finds out which region of Azure it is in, if it is to ask that region's authority. It sends no secret."""
_AT_ONCE: Final = {"connection_timeout": 1, "read_timeout": 1, "retry_total": 0}
"""Outside Azure nobody answers there, and every request for a token would wait."""


class HttpReply:
    """A reply as MSAL reads it.

    :param status_code: the HTTP status.
    :param text: the body.
    :param headers: the headers.
    """

    def __init__(self, status_code: int, text: str, headers: Mapping[str, str]) -> None:
        self.status_code = status_code
        self.text = text
        self.headers = headers

    def raise_for_status(self) -> None:
        """Raise if the status is an error's."""
        if self.status_code >= 400:
            raise AuthenticationFailedError(
                f"Authentication failed: the authority answered with HTTP status {self.status_code}. Try again later."
            )


class HttpClient:
    """Sends MSAL's requests through a pipeline, over https only but for the question which region of Azure this is.

    The OpenID configuration of the well-known clouds is a fixed fact, for which nobody is asked.

    :param pipeline: where the requests go.
    :param authority: the authority, as ``https://host[:port]``.
    """

    def __init__(self, pipeline: TokenPipeline, authority: str) -> None:
        self._pipeline = pipeline
        self._authority = authority

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> HttpReply:
        """Send a GET request; MSAL's signature."""
        if (configuration := well_known_configuration(url)) is not None:
            return HttpReply(200, json.dumps(configuration), {})
        if url.startswith(_WHERE_AM_I):
            return self._send(HttpRequest("GET", url, headers=_present(headers)), **_AT_ONCE)
        # MSAL forgets the authority's port when it asks how a password is to be proven (user-realm discovery).
        without_port = f"https://{urlsplit(self._authority).hostname}/"
        if url.startswith(without_port):
            url = f"{self._authority}/{url.removeprefix(without_port)}"
        return self._send(HttpRequest("GET", url, params=params, headers=_present(headers)))

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> HttpReply:
        """Send a POST request: a form, or a text such as WS-Trust's envelope; MSAL's signature."""
        if isinstance(data, str):
            request = HttpRequest("POST", url, params=params, content=data.encode(), headers=_present(headers))
        else:
            form = {name: value for name, value in (data or {}).items() if value is not None}
            request = HttpRequest("POST", url, params=params, data=form, headers=_present(headers))
        return self._send(request)

    def close(self) -> None:
        """Do nothing: the pipeline is its owner's to close."""

    def _send(self, request: HttpRequest, **options: Any) -> HttpReply:
        try:
            if urlsplit(request.url).scheme != "https" and not request.url.startswith(_WHERE_AM_I):
                raise AuthenticationFailedError(
                    "The authority names an endpoint that is not https. Nothing was sent to it."
                )
            response = self._pipeline.send(request, **options)
            text = response.text()
        except ClientAuthenticationError:
            raise
        except Exception as error:
            raise AuthenticationFailedError(f"Authentication failed: {_reason(error, request.url)}") from error
        if len(text) > _LARGEST_REPLY:
            raise AuthenticationFailedError(f"The authority's reply is too large to be one: {len(text)} characters.")
        if response.status_code >= 400:
            _failed.get([]).append(_error_reply(response, text))
        return HttpReply(response.status_code, text, response.headers)


_failed: ContextVar[list[ErrorReply]] = ContextVar("azid_failed_replies")


@contextmanager
def failed_reply() -> Iterator[list[ErrorReply]]:
    """Collect the replies with an error's status that come within the block."""
    replies: list[ErrorReply] = []
    token = _failed.set(replies)
    try:
        yield replies
    finally:
        _failed.reset(token)


def _error_reply(response: Any, text: str) -> ErrorReply:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    told = {name: values[name] for name in _TOLD_OF_AN_ERROR if name in values} if isinstance(values, dict) else {}
    with guarded_secrets() as secrets:
        return ErrorReply(
            status_code=response.status_code,
            reason=getattr(response, "reason", None),
            headers={name: secrets.redact(str(value)) for name, value in response.headers.items()},
            content_type=getattr(response, "content_type", None),
            body=secrets.redact(json.dumps(told)),
        )


def _reason(error: Exception, url: str) -> str:
    """Return what to tell about a request that got no reply."""
    if untrusted := explain_untrusted(error, url):
        return untrusted
    with guarded_secrets() as secrets:
        return secrets.redact(str(error)) or type(error).__name__


def _present(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name: value for name, value in (headers or {}).items() if value is not None}
