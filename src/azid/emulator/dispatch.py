"""From a request to its reply: the fault that is due, the application, the log, and who wants to know."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from azid.emulator.exchange import Reply, Request
from azid.emulator.faults import Faults
from azid.emulator.requests_log import RecordedRequest, RequestLog, error_of

__all__ = ["Dispatcher"]


class Dispatcher:
    """Answers every request, however it came.

    :param app: the routes.
    :param faults: what goes wrong with them.
    :param log: where each request is recorded.
    :param on_request: called with every request once its reply is known.
    :param on_device_code: called with the address and the user code of each device code.
    """

    def __init__(
        self,
        app: Flask,
        faults: Faults,
        log: RequestLog,
        on_request: Callable[[RecordedRequest], object] | None,
        on_device_code: Callable[[str, str], object] | None,
    ) -> None:
        self._app = app
        self._faults = faults
        self._log = log
        self._on_request = on_request
        self._on_device_code = on_device_code

    def answer(self, request: Request) -> Reply:
        """Return the reply; see `Emulator.answer`."""
        endpoint = self._endpoint(request)
        reply: Reply | None = None
        try:
            reply = self._faults.meet(request, endpoint, self._serve)
        finally:
            entry = RecordedRequest(
                method=request.method,
                url=request.url,
                host=request.parts.netloc,
                path=request.parts.path,
                query=request.query,
                form=request.form,
                headers=dict(request.headers.items()),
                status=0 if reply is None else reply.status,
                endpoint=endpoint,
                error="" if reply is None else error_of(reply),
            )
            self._log.add(entry)
            if self._on_request is not None:
                self._on_request(entry)
        if endpoint == "devicecode" and self._on_device_code is not None and not reply.cut:
            with contextlib.suppress(ValueError, LookupError, TypeError):  # a refusal, or a fault's own body
                code = json.loads(reply.body)
                self._on_device_code(code["verification_uri"], code["user_code"])
        return reply

    def _endpoint(self, request: Request) -> str:
        urls = self._app.url_map.bind(request.parts.netloc or "localhost")
        try:
            rule, _ = urls.match(request.parts.path or "/", request.method, return_rule=True)
        except (HTTPException, RequestRedirect):
            return ""
        return str(rule.endpoint)

    def _serve(self, request: Request) -> Reply:
        builder = EnvironBuilder(
            path=request.parts.path or "/",
            base_url=f"{request.parts.scheme}://{request.parts.netloc}",
            query_string=request.parts.query,
            method=request.method,
            headers=request.headers,
            data=request.body,
        )
        try:
            response = Response.from_app(self._app, builder.get_environ(), buffered=True)
        finally:
            builder.close()
        return Reply(response.status_code, list(response.headers.items()), response.get_data())
