"""The azure-core pipeline through which every request to an authority goes.

`transport`, `policies`, `proxies`, `connection_verify`, `retry_total`, `logging_enable`, `user_agent` and azure-core's
other options mean what they mean for an Azure SDK client.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable
from typing import Any, Final

from azure.core.pipeline import Pipeline, PipelineRequest, PipelineResponse, policies
from azure.core.rest import HttpRequest

from azid.cancellation import Cancellation
from azid.errors import AuthenticationFailedError, CredentialUnavailableError
from azid.fork import renew_after_fork
from azid.redaction import filter_loggers, guarded_secrets
from azid.version import __version__

__all__ = ["TokenPipeline"]

# A person waits for these requests; azure-core's own defaults are five minutes each.
_TIMEOUTS: Final = {"connection_timeout": 10, "read_timeout": 30}
_LONGEST_RETRY_AFTER: Final = 30.0
"""Seconds. An authority that asks for more is not waited for: the caller is told instead."""


_NAP: Final = 0.1
"""Seconds between two looks at whether anybody still waits."""


class _LightSleeper:
    """Sleeps as a transport does, but no longer than somebody waits."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def sleep(self, seconds: float) -> None:
        if Cancellation.current() is None:
            self._transport.sleep(seconds)
            return
        while seconds > 0 and not Cancellation.caller_has_left():
            self._transport.sleep(min(seconds, _NAP))
            seconds -= _NAP


class BoundedRetryPolicy(policies.RetryPolicy[Any, Any]):
    """Retries as azure-core does, but never sleeps longer than a person would wait."""

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        options.setdefault("retry_on_methods", frozenset({"GET", "POST"}))
        return super().configure_retries(options)

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        return (self.get_retry_after(response) or 0) <= _LONGEST_RETRY_AFTER and super().is_retry(settings, response)

    def sleep(
        self, settings: dict[str, Any], transport: Any, response: PipelineResponse[Any, Any] | None = None
    ) -> None:
        sleeper: Any = _LightSleeper(transport)
        super().sleep(settings, sleeper, response)

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        try:
            return super().get_retry_after(response)
        except ValueError:  # neither seconds nor a date
            return None


class _GuardingPolicy(policies.SansIOHTTPPolicy[Any, Any]):
    """Nearest to the transport, so that a reply's secrets are known before any other policy logs it.

    Nothing is sent, nor sent again, that nobody waits for any more.
    """

    def on_request(self, request: PipelineRequest[Any]) -> None:  # noqa: ARG002
        if Cancellation.caller_has_left():
            raise AuthenticationFailedError("The call was cancelled before its request was sent.")

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:  # noqa: ARG002
        with guarded_secrets() as secrets:
            secrets.add_body(response.http_response.text())


class TokenPipeline:
    """A pipeline that is built when the first request is made, and built anew in a forked process.

    :param make_transport: makes the transport, of azure-core's options, unless one is among them. Defaults to
        azure-core's own.
    :param options: azure-core's options. A `transport` that is among them is entered and left with the pipeline.
    """

    def __init__(self, *, make_transport: Callable[..., Any] | None = None, **options: Any) -> None:
        self._make_transport = make_transport or _requests_transport
        self._options = {name: value for name, value in options.items() if value is not None}
        self._closed = False
        renew_after_fork(self, TokenPipeline._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._pipeline: Pipeline[Any, Any] | None = None  # its connections are the parent process's

    def send(self, request: HttpRequest, **options: Any) -> Any:
        """Send `request` and return azure-core's HTTP response, whatever its status.

        :param request: the request.
        :param options: azure-core's options for this request alone.
        :raises CredentialUnavailableError: the pipeline was closed.
        :raises Exception: whatever a policy or the transport raises.
        """
        if self._closed:
            raise CredentialUnavailableError("This credential was closed. Make a new one to ask for more tokens.")
        with guarded_secrets() as secrets:
            if isinstance(form := request.content, dict):
                secrets.add_parameters(form)
            return self._built().run(request, stream=False, **options).http_response

    def __enter__(self) -> TokenPipeline:
        if "transport" in self._options:
            self._options["transport"].__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        with self._lock:
            was_closed, self._closed = self._closed, True
        if was_closed:
            return
        if "transport" in self._options:
            self._options["transport"].__exit__(*details)
        elif self._pipeline is not None:
            self._pipeline.__exit__(*details)

    def _built(self) -> Pipeline[Any, Any]:
        with self._lock:
            if self._pipeline is None:
                self._pipeline = _build(self._make_transport, **self._options)
            return self._pipeline


def _requests_transport(**options: Any) -> Any:
    from azure.core.pipeline.transport import RequestsTransport  # loads requests

    return RequestsTransport(**options)


def _build(
    make_transport: Callable[..., Any],
    *,
    transport: Any = None,
    policies: list[Any] | None = None,
    retry_policy_class: type[Any] = BoundedRetryPolicy,
    **options: Any,
) -> Pipeline[Any, Any]:
    if transport is None:
        transport = make_transport(**{**_TIMEOUTS, **options})
    filter_loggers("azure.core.pipeline")
    return Pipeline(
        transport, policies=[*(policies or _default_policies(retry_policy_class, options)), _GuardingPolicy()]
    )


def _default_policies(retry_policy_class: type[Any], options: dict[str, Any]) -> list[Any]:
    agent = f"azsdk-python-identity/{__version__} Python/{platform.python_version()} ({platform.platform()})"
    return [
        policies.RequestIdPolicy(**options),
        policies.HeadersPolicy(**options),
        policies.UserAgentPolicy(**{"base_user_agent": agent, **options}),
        policies.ProxyPolicy(**options),
        retry_policy_class(**options),
        policies.CustomHookPolicy(**options),
        policies.NetworkTraceLoggingPolicy(**options),
        policies.DistributedTracingPolicy(**options),
        policies.HttpLoggingPolicy(**options),
    ]
