"""What the credentials of an application have in common: it proves who it is, and gets tokens for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from azid.authority import allowed_tenants, default_authority, normalize_authority, resolve_tenant, validate_tenant_id
from azid.clock import Clock, SystemClock
from azid.credentials.credential import Credential, validate_client_id
from azid.credentials.pickled import PickledAsMade
from azid.keywords import keywords_of, refuse_misspellings
from azid.msal_client.deferred import ClientCredential, confidential_client
from azid.persistence import TokenCachePersistenceOptions, open_storage
from azid.pipeline import TokenPipeline
from azid.tokens.cache import Storage
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse
from azid.unattended import UnattendedSession

__all__ = ["ApplicationCredential"]


class ApplicationCredential(PickledAsMade, Credential):
    """Base of the credentials with which an application signs itself in (RFC 6749 section 4.4).

    :param tenant_id: the application's tenant: its GUID or domain name.
    :param client_id: the application's ID, as its registration in Entra ID shows it.
    :param client_credential: what the application proves itself with.
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param cache_persistence_options: where to keep tokens. Defaults to this credential's own memory.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted: a private cloud's,
        or a test's. Defaults to False.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Secrets are never logged.
        Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param open_storage: opens the storage that `cache_persistence_options` ask for. Defaults to opening it at
        once; in `azid.aio`, at its first use.
    :param pipeline: what requests go through, where it serves more than this credential.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters.
    :raises CredentialUnavailableError: the storage that was asked for cannot be had.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        client_credential: ClientCredential,
        *,
        authority: str | None = None,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        enable_support_logging: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        clock: Clock | None = None,
        open_storage: Callable[[TokenCachePersistenceOptions | None], Storage] = open_storage,
        pipeline: TokenPipeline | None = None,
        **kwargs: Any,
    ) -> None:
        refuse_misspellings(kwargs, keywords_of(type(self)))
        self._tenant_id = validate_tenant_id(tenant_id)
        self._client_id = validate_client_id(client_id)
        self._authority = normalize_authority(authority) if authority else default_authority()
        clock, allowed = clock or SystemClock(), allowed_tenants(additionally_allowed_tenants)
        msal = confidential_client(
            client_credential,
            client_id=client_id,
            authority=self._authority,
            validate_authority=not disable_instance_discovery,
            support_logging=enable_support_logging,
            pipeline=pipeline or TokenPipeline(**kwargs),
            clock=clock,
        )

        def ask(request: TokenRequest) -> TokenResponse:
            return msal().redeem_client_credential(request)

        session = UnattendedSession(
            ask,
            client_id=client_id,
            authority=self._authority,
            resolve_tenant=partial(resolve_tenant, tenant_id, additionally_allowed=allowed),
            storage=open_storage(cache_persistence_options),
            clock=clock,
            transport=msal,
        )
        super().__init__(session, clock)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(tenant_id={self._tenant_id!r}, client_id={self._client_id!r}, "
            f"authority={self._authority!r})"
        )
