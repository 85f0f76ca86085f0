"""The credential of a program in Kubernetes that its service account vouches for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from azid.clock import Clock
from azid.credentials.client_assertion import ClientAssertionCredential
from azid.errors import AuthenticationFailedError
from azid.persistence import TokenCachePersistenceOptions, open_storage
from azid.tokens.cache import Storage

__all__ = ["WorkloadIdentityCredential"]


class WorkloadIdentityCredential(ClientAssertionCredential):
    """Signs an application in with the service account token that Kubernetes keeps in a file (RFC 7523 section 2.2).

    Entra documentation topic: "Use Microsoft Entra Workload ID with Azure Kubernetes Service".

    :param tenant_id: the application's tenant. Defaults to AZURE_TENANT_ID.
    :param client_id: the application's ID. Defaults to AZURE_CLIENT_ID.
    :param token_file_path: the file, which is read anew for each request. Defaults to AZURE_FEDERATED_TOKEN_FILE.
    :param enable_azure_proxy: whether requests go through the identity binding proxy that AZURE_KUBERNETES_TOKEN_PROXY
        names, where it is set. Defaults to False.
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
        tenant_id: str | None = None,
        client_id: str | None = None,
        token_file_path: str | None = None,
        enable_azure_proxy: bool = False,
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
        environ = os.environ if environ is None else environ
        given = {
            "tenant_id": tenant_id or environ.get("AZURE_TENANT_ID"),
            "client_id": client_id or environ.get("AZURE_CLIENT_ID"),
            "token_file_path": token_file_path or environ.get("AZURE_FEDERATED_TOKEN_FILE"),
        }
        if missing := [name for name, value in given.items() if not value]:
            raise ValueError(
                f"Workload identity is not set up here: {', '.join(map(repr, missing))} neither given nor in the "
                "environment (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE). In Kubernetes, label the "
                "pod and annotate its service account, so that the webhook sets them."
            )
        if enable_azure_proxy:
            from azid.identity_binding import IdentityBindingTransport, find_identity_binding  # loads requests

            if (binding := find_identity_binding(environ)) is not None:
                kwargs.setdefault("make_transport", partial(IdentityBindingTransport, binding))
        super().__init__(
            str(given["tenant_id"]),
            str(given["client_id"]),
            _TokenFile(str(given["token_file_path"])),
            authority=authority or environ.get("AZURE_AUTHORITY_HOST"),
            cache_persistence_options=cache_persistence_options,
            disable_instance_discovery=disable_instance_discovery,
            enable_support_logging=enable_support_logging,
            additionally_allowed_tenants=additionally_allowed_tenants,
            clock=clock,
            open_storage=open_storage,
            **kwargs,
        )


class _TokenFile:
    """Reads the file for each request: Kubernetes renews it about every hour."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self) -> str:
        try:
            return Path(self._path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise AuthenticationFailedError(
                f"The service account token in {self._path} cannot be read: {why}. Check that the file is mounted, and "
                "AZURE_FEDERATED_TOKEN_FILE."
            ) from None
