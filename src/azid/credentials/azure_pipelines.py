"""The credential of a task in Azure Pipelines that its service connection vouches for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from azure.core.rest import HttpRequest

from azid.clock import Clock
from azid.credentials.client import ApplicationCredential
from azid.errors import AuthenticationFailedError, CredentialUnavailableError
from azid.keywords import keywords_of, refuse_misspellings
from azid.persistence import TokenCachePersistenceOptions, open_storage
from azid.pipeline import TokenPipeline
from azid.redaction import guarded_secrets
from azid.tokens.cache import Storage

__all__ = ["AzurePipelinesCredential"]

_REQUEST_URI: Final = "SYSTEM_OIDCREQUESTURI"
"""The environment variable in which Azure Pipelines tells where a task asks for its assertions."""
_API_VERSION: Final = "7.1"


class AzurePipelinesCredential(ApplicationCredential):
    """Signs the application of a service connection in, from a task of Azure Pipelines (RFC 7523 section 2.2).

    Entra documentation topic: "Workload identity federation".

    :param tenant_id: the service connection's tenant.
    :param client_id: the service connection's application.
    :param service_connection_id: the service connection's ID: `resourceId` in the URL of its page in Azure DevOps.
    :param system_access_token: the pipeline's ``System.AccessToken``, handed in through a secret variable.
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param cache_persistence_options: where to keep tokens. Defaults to this credential's own memory.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted: a private cloud's,
        or a test's. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Secrets are never logged.
        Defaults to False.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param environ: the environment variables. Defaults to the process's.
    :param open_storage: opens the storage that `cache_persistence_options` ask for. Defaults to opening it at
        once; in `azid.aio`, at its first use.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is missing or malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters.
    :raises CredentialUnavailableError: the storage that was asked for cannot be had.
    """

    def __init__(
        self,
        *,
        tenant_id: str,
        client_id: str,
        service_connection_id: str,
        system_access_token: str,
        authority: str | None = None,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
        open_storage: Callable[[TokenCachePersistenceOptions | None], Storage] = open_storage,
        **kwargs: Any,
    ) -> None:
        if not all((tenant_id, client_id, service_connection_id, system_access_token)):
            raise ValueError(
                "'tenant_id', 'client_id', 'service_connection_id' and 'system_access_token' are all needed. Inside a "
                "task, take them from the service connection and from System.AccessToken."
            )
        refuse_misspellings(kwargs, keywords_of(type(self)))
        pipeline = TokenPipeline(**kwargs)
        super().__init__(
            tenant_id,
            client_id,
            _OidcToken(
                service_connection_id, system_access_token, pipeline, os.environ if environ is None else environ
            ),
            pipeline=pipeline,
            authority=authority,
            cache_persistence_options=cache_persistence_options,
            disable_instance_discovery=disable_instance_discovery,
            enable_support_logging=enable_support_logging,
            additionally_allowed_tenants=additionally_allowed_tenants,
            clock=clock,
            open_storage=open_storage,
        )


class _OidcToken:
    """Asks Azure Pipelines for an assertion."""

    def __init__(
        self,
        service_connection_id: str,
        system_access_token: str,
        pipeline: TokenPipeline,
        environ: Mapping[str, str],
    ) -> None:
        self._service_connection_id = service_connection_id
        self._system_access_token = system_access_token
        self._pipeline = pipeline
        self._environ = environ

    def __call__(self) -> str:
        address = self._environ.get(_REQUEST_URI)
        if not address:
            raise CredentialUnavailableError(
                f"This is no task of Azure Pipelines: {_REQUEST_URI} is not set. Use another credential here."
            )
        with guarded_secrets(self._system_access_token) as secrets:
            try:
                response = self._pipeline.send(
                    HttpRequest(
                        "POST",
                        f"{address.rstrip('/')}?api-version={_API_VERSION}"
                        f"&serviceConnectionId={quote(self._service_connection_id, safe='')}",
                        headers={
                            "Content-Type": "application/json",
                            "Authorization": f"Bearer {self._system_access_token}",
                            "X-TFS-FedAuthRedirect": "Suppress",  # a refusal is then no redirect to a sign-in page
                        },
                    )
                )
            except CredentialUnavailableError:
                raise
            except Exception as error:
                raise AuthenticationFailedError(
                    f"Azure Pipelines could not be asked for an assertion: {secrets.redact(str(error))}"
                ) from None
        token = _token_in(response) if response.status_code == 200 else None
        if not token:
            raise AuthenticationFailedError(
                f"Azure Pipelines gave no assertion (HTTP status {response.status_code}). Check "
                "'service_connection_id', that the pipeline may use that connection, and that 'system_access_token' is "
                "this run's System.AccessToken."
            )
        return token


def _token_in(response: Any) -> str | None:
    try:
        reply = json.loads(response.text())  # applications' own transports may give no more than the text
    except (ValueError, RecursionError):
        return None
    token = reply.get("oidcToken") if isinstance(reply, dict) else None
    return token if isinstance(token, str) else None
