"""The credential for programs that run on a developer's machine one day and in Azure the next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import EllipsisType
from typing import Any, Final

from azid.authority import allowed_tenants
from azid.chain import Chain
from azid.clock import Clock
from azid.credentials.chained import ChainedTokenCredential
from azid.credentials.unavailable import UnavailableCredential
from azid.default_chain import Link, chosen_links, is_developers
from azid.keywords import keywords_of, refuse_misspellings
from azid.managed_identity.identity import is_cloud_shell
from azid.persistence import TokenCachePersistenceOptions, open_storage
from azid.tokens.cache import Storage

__all__ = ["DefaultAzureCredential"]

_TENANT: Final = "AZURE_TENANT_ID"
_EACH_HAS_ITS_OWN: Final = {
    "client_id": "'managed_identity_client_id', 'workload_identity_client_id' …",
    "tenant_id": "'workload_identity_tenant_id', 'interactive_browser_tenant_id' … or name the tenant in 'get_token'",
    "username": "'shared_cache_username'",
}
"""Keywords of the credentials, and what to give instead. Handed on, they would mean something else to each."""


class DefaultAzureCredential(ChainedTokenCredential):
    """Asks, in this order, for what is set up for the program and for what a developer has signed in with:

    1. :class:`EnvironmentCredential`: an application that environment variables describe
    2. :class:`WorkloadIdentityCredential`: the identity of a pod in Kubernetes
    3. :class:`ManagedIdentityCredential`: the identity of the machine or service in Azure
    4. :class:`SharedTokenCacheCredential`: the cache that Microsoft's developer tools share
    5. :class:`VisualStudioCodeCredential`
    6. :class:`AzureCliCredential`: ``az login``
    7. :class:`AzurePowerShellCredential`: ``Connect-AzAccount``
    8. :class:`AzureDeveloperCliCredential`: ``azd auth login``
    9. :class:`InteractiveBrowserCredential`, if asked for
    10. the account with which somebody has signed in to Windows, if ``azid[broker]`` is installed

    It goes on to the next one if one cannot be used here, or if a developer's tool fails. The first that has a token is
    the only one that is asked from then on. AZURE_TOKEN_CREDENTIALS may choose: ``prod`` for the first three, ``dev``
    for a developer's, or a credential's name; parameters that leave one out, or do not, come first.

    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's. Managed identities and tools know theirs.
    :param exclude_environment_credential: whether to leave this one out. Defaults to AZURE_TOKEN_CREDENTIALS's choice,
        else to False, as for the others.
    :param exclude_workload_identity_credential: likewise.
    :param exclude_managed_identity_credential: likewise.
    :param exclude_shared_token_cache_credential: likewise.
    :param exclude_visual_studio_code_credential: likewise.
    :param exclude_cli_credential: likewise.
    :param exclude_powershell_credential: likewise.
    :param exclude_developer_cli_credential: likewise.
    :param exclude_interactive_browser_credential: likewise, but defaults to True: then nobody is ever asked.
    :param exclude_broker_credential: likewise.
    :param interactive_browser_tenant_id: the tenant that people sign in to. Defaults to AZURE_TENANT_ID, as it does for
        the others; None is whichever tenant the account is at home in.
    :param interactive_browser_client_id: the application that they sign in to. Defaults to Microsoft's.
    :param broker_tenant_id: the tenant for the account of Windows.
    :param broker_client_id: its application.
    :param managed_identity_client_id: the client ID of a user-assigned identity. Defaults to AZURE_CLIENT_ID; None is
        the machine's own identity. Cloud Shell has one identity only, and none is chosen there.
    :param workload_identity_client_id: the client ID of the pod's identity. Defaults to `managed_identity_client_id`.
    :param workload_identity_tenant_id: its tenant.
    :param shared_cache_username: whose sign-in in the shared cache is meant. Defaults to AZURE_USERNAME.
    :param shared_cache_tenant_id: the tenant that the account is at home in.
    :param visual_studio_code_tenant_id: the tenant of Visual Studio Code's account. Defaults to that of its record.
    :param process_timeout: seconds that each of the developers' tools may take. Defaults to 10.
    :param require_envvar: whether AZURE_TOKEN_CREDENTIALS has to be set. Defaults to False.
    :param cache_persistence_options: where to keep tokens. Defaults to the credentials' own memory.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides the credentials' own that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Defaults to False.
    :param environ: the environment variables. Defaults to the process's.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param open_storage: opens the storage that `cache_persistence_options` ask for. Defaults to opening it at
        once; in `azid.aio`, at its first use.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter or AZURE_TOKEN_CREDENTIALS is malformed, or nothing is left to ask.
    :raises TypeError: `tenant_id`, `client_id` or `username` was given, or a keyword looks like a misspelling of one of
        these parameters.
    """

    def __init__(
        self,
        *,
        authority: str | None = None,
        exclude_environment_credential: bool | None = None,
        exclude_workload_identity_credential: bool | None = None,
        exclude_managed_identity_credential: bool | None = None,
        exclude_shared_token_cache_credential: bool | None = None,
        exclude_visual_studio_code_credential: bool | None = None,
        exclude_cli_credential: bool | None = None,
        exclude_powershell_credential: bool | None = None,
        exclude_developer_cli_credential: bool | None = None,
        exclude_interactive_browser_credential: bool | None = None,
        exclude_broker_credential: bool | None = None,
        interactive_browser_tenant_id: str | EllipsisType | None = ...,
        interactive_browser_client_id: str | None = None,
        broker_tenant_id: str | EllipsisType | None = ...,
        broker_client_id: str | None = None,
        managed_identity_client_id: str | EllipsisType | None = ...,
        workload_identity_client_id: str | EllipsisType | None = ...,
        workload_identity_tenant_id: str | EllipsisType | None = ...,
        shared_cache_username: str | EllipsisType | None = ...,
        shared_cache_tenant_id: str | EllipsisType | None = ...,
        visual_studio_code_tenant_id: str | None = None,
        process_timeout: int = 10,
        require_envvar: bool = False,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        open_storage: Callable[[TokenCachePersistenceOptions | None], Storage] = open_storage,
        **kwargs: Any,
    ) -> None:
        for keyword in kwargs.keys() & _EACH_HAS_ITS_OWN.keys():
            raise TypeError(
                f"DefaultAzureCredential takes no {keyword!r}, as its credentials have their own: give "
                f"{_EACH_HAS_ITS_OWN[keyword]}."
            )
        refuse_misspellings(kwargs, keywords_of(type(self)))
        additionally_allowed_tenants = allowed_tenants(additionally_allowed_tenants)  # for several
        environ = os.environ if environ is None else environ
        excluded = {
            "environment": exclude_environment_credential,
            "workload_identity": exclude_workload_identity_credential,
            "managed_identity": exclude_managed_identity_credential,
            "shared_token_cache": exclude_shared_token_cache_credential,
            "visual_studio_code": exclude_visual_studio_code_credential,
            "cli": exclude_cli_credential,
            "powershell": exclude_powershell_credential,
            "developer_cli": exclude_developer_cli_credential,
            "interactive_browser": exclude_interactive_browser_credential,
            "broker": exclude_broker_credential,
        }
        links = chosen_links(environ, excluded, require_envvar=require_envvar)
        requests: dict[str, Any] = {"clock": clock, **kwargs}
        entra: dict[str, Any] = {
            "authority": authority or environ.get("AZURE_AUTHORITY_HOST"),
            "disable_instance_discovery": disable_instance_discovery,
            "additionally_allowed_tenants": additionally_allowed_tenants,
            "enable_support_logging": enable_support_logging,
            **requests,
        }
        stored: dict[str, Any] = {
            "cache_persistence_options": cache_persistence_options,
            "open_storage": open_storage,
            **entra,
        }
        tool: dict[str, Any] = {"process_timeout": process_timeout, "environ": environ, "clock": clock}
        tenant, identity = environ.get(_TENANT), _given(managed_identity_client_id, environ.get("AZURE_CLIENT_ID"))
        parameters: dict[str, dict[str, Any]] = {
            "environment": {"environ": environ, **stored},
            "workload_identity": {
                "client_id": _given(workload_identity_client_id, identity),
                "tenant_id": _given(workload_identity_tenant_id, tenant),
                "environ": environ,
                **stored,
            },
            "managed_identity": {
                # There AZURE_CLIENT_ID is other credentials'.
                "client_id": None if is_cloud_shell(environ) else identity,
                "use_workload_identity": any(link.key == "workload_identity" for link in links),
                "environ": environ,
                **requests,
            },
            "shared_token_cache": {
                "username": _given(shared_cache_username, environ.get("AZURE_USERNAME")),
                "tenant_id": _given(shared_cache_tenant_id, tenant),
                "cache_persistence_options": cache_persistence_options,
                **entra,
            },
            "visual_studio_code": {
                "tenant_id": visual_studio_code_tenant_id,
                "additionally_allowed_tenants": additionally_allowed_tenants,
                **requests,
            },
            "cli": tool,
            "powershell": tool,
            "developer_cli": tool,
            "interactive_browser": {
                "tenant_id": _given(interactive_browser_tenant_id, tenant),
                **({"client_id": interactive_browser_client_id} if interactive_browser_client_id else {}),
                **stored,
            },
            "broker": {
                "tenant_id": _given(broker_tenant_id, tenant),
                "client_id": broker_client_id,
                **entra,
            },
        }
        super().__init__(*(_make(link, parameters[link.key]) for link in links))
        self._chain = Chain(type(self).__name__, self.credentials, keeps=True, goes_on_after=is_developers)


def _given(value: str | EllipsisType | None, default: str | None) -> str | None:
    return default if isinstance(value, EllipsisType) else value


def _make(link: Link, parameters: Mapping[str, Any]) -> Any:
    """Return a link's credential. In place of one that the platform would have to describe, one that tells why not."""
    cls = getattr(import_module(link.module), link.name)
    try:
        return cls(**parameters)
    except ValueError as error:
        if not link.is_the_platforms:
            raise
        return UnavailableCredential(link.name, str(error))
