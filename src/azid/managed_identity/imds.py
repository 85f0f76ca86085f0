"""Virtual machines, and what runs on them: the Instance Metadata Service (IMDS). Other clouds use its address, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from azure.core.pipeline import PipelineResponse
from azure.core.rest import HttpRequest

from azid.chain import others_follow
from azid.clock import Clock
from azid.errors import AuthenticationFailedError, CredentialUnavailableError
from azid.managed_identity.endpoint import Endpoint, Reply
from azid.managed_identity.firmware import may_be_azure
from azid.managed_identity.identity import UserAssignedIdentity
from azid.pipeline import BoundedRetryPolicy
from azid.tokens.request import TokenRequest

__all__ = ["IMDS_ORIGIN", "ImdsEndpoint", "is_listening"]

_HOST: Final = "169.254.169.254"
IMDS_ORIGIN: Final = f"http://{_HOST}"
_ADDRESS: Final = (_HOST, 80)
_PATH: Final = "/metadata/identity/oauth2/token"
_API_VERSION: Final = "2018-02-01"
_PATIENCE_IN_AZURE: Final = 1.0
"""Seconds that a probe may take where the firmware says Microsoft."""
_PATIENCE_ELSEWHERE: Final = 0.2
"""Seconds that a probe may take elsewhere, as in sandboxes and virtual machines within Azure's, which show another
firmware or none. The service is on the machine's own host, and answers in a few thousandths."""
_NOT_AZURE: Final = frozenset({401, 403, 404, 405})
"""What the metadata services of other clouds, and Docker's network, answer a request that they do not know."""
_SERVER: Final = "IMDS/"
"""How the service's `Server` header begins. It may answer like another cloud's while it is updated."""
_OTHER_WAYS: Final = frozenset({"transport", "proxies"})
"""azure-core's options that say how an address is reached."""
_PROBE_HOLDS: Final = 30.0
"""Seconds for which a probe that found nobody is believed."""


class ImdsRetryPolicy(BoundedRetryPolicy):
    """Retries as the service's documentation asks for (topic "Error handling"): for longer while it is updated."""

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        is_updated = response.http_response.status_code == 410
        settings["backoff"] = _BACKOFF_WHILE_UPDATED if is_updated else self.backoff_factor
        return super().is_retry(settings, response)


_BACKOFF_WHILE_UPDATED: Final = 2.5  # the fifth retry then comes 70 seconds after the first request, as documented


def is_listening(seconds: float, address: tuple[str, int] = _ADDRESS) -> bool:
    """Return whether anything takes connections at `address` within so many seconds."""
    import socket

    try:
        socket.create_connection(address, seconds).close()
    except OSError:
        return False
    return True


class ImdsEndpoint(Endpoint):
    """Azure documentation topic: "How to use managed identities on an Azure VM to acquire an access token".

    Where other credentials follow in a chain, it is asked first whether it is there at all.

    :param url: the service's origin, if a pod's proxy stands in for it; it is then known to be there.
    :param identity: whose token; None for the machine's own identity.
    :param clock: what lifetimes are counted by.
    :param options: azure-core's options for requests.
    :param may_be_azure: tells whether the service is worth waiting for.
    :param is_listening: tells whether anything takes connections at its address within so many seconds. Not asked
        where `options` have another way there, `transport` or `proxies`.
    """

    platform = "this machine"
    pipeline_options = {  # noqa: RUF012 - read only
        "connection_timeout": 2,
        "retry_policy_class": ImdsRetryPolicy,
        "retry_total": 5,
        "retry_status": 5,
        "retry_backoff_factor": 0.8,
        "retry_backoff_max": 60,
        "retry_on_status_codes": [404, 410, 429, *range(500, 600)],
    }

    def __init__(
        self,
        url: str | None,
        identity: UserAssignedIdentity | None,
        clock: Clock,
        options: Mapping[str, Any],
        *,
        may_be_azure: Callable[[], bool] = may_be_azure,
        is_listening: Callable[[float], bool] = is_listening,
    ) -> None:
        super().__init__((url or IMDS_ORIGIN).strip("/") + _PATH, "", identity, clock, options)
        self._may_be_azure = may_be_azure
        self._is_listening = is_listening if options.keys().isdisjoint(_OTHER_WAYS) else lambda _: True
        self._is_there = url is not None
        self._absent_until = 0.0

    def _ask(self, resource: str, request: TokenRequest) -> Reply:
        if others_follow():
            self._require_service(resource)
        try:
            reply = super()._ask(resource, request)
        except AuthenticationFailedError as error:
            raise _unavailable(error.message) from None
        if not reply.is_json or (reply.status == 403 and "unreachable" in reply.text):  # the latter is Docker's network
            raise _unavailable("Something else answers at its address.")
        return reply

    def _require_service(self, resource: str) -> None:
        """Find out quickly whether the service is there, so that others are not kept waiting.

        :raises CredentialUnavailableError: it is not.
        """
        if self._is_there:
            return
        if self._clock.monotonic() < self._absent_until:
            raise _unavailable("It did not answer a moment ago.")
        if problem := self._absence(resource):
            self._absent_until = self._clock.monotonic() + _PROBE_HOLDS
            raise _unavailable(problem)
        self._is_there = True

    def _absence(self, resource: str) -> str:
        """Return what tells that the service is not there; empty if it is."""
        patience = _PATIENCE_IN_AZURE if self._may_be_azure() else _PATIENCE_ELSEWHERE
        if not self._is_listening(patience):  # found out by itself: requests load more than a laptop needs
            return "It does not answer."
        probe = self._request(resource)
        del probe.headers["Metadata"]  # the service refuses it at once, without looking for a token
        try:
            reply = self._send(probe, connection_timeout=patience, read_timeout=patience, retry_total=0)
        except AuthenticationFailedError:
            return "It does not answer."
        if reply.status in _NOT_AZURE and not reply.headers.get("Server", "").startswith(_SERVER):
            return "Something else answers at its address."
        return ""

    def _request(self, resource: str) -> HttpRequest:
        return HttpRequest(
            "GET",
            self._url,
            params=self._parameters(_API_VERSION, resource, {"resource_id": "msi_res_id"}),
            headers={"Metadata": "true"},
        )


def _unavailable(reason: str) -> CredentialUnavailableError:
    return CredentialUnavailableError(
        f"This machine has no managed identity: it has no Instance Metadata Service. {reason} Outside Azure, sign in "
        "another way."
    )
