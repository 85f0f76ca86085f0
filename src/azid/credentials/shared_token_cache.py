"""The credential of whoever has signed in with a tool of Microsoft's that shares its token cache."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from azid.authority import (
    DEFAULT_TENANT,
    allowed_tenants,
    default_authority,
    normalize_authority,
    resolve_tenant,
    validate_tenant_id,
)
from azid.clock import Clock, SystemClock
from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID
from azid.credentials.credential import Credential
from azid.credentials.pickled import PickledAsMade
from azid.keywords import keywords_of, refuse_misspellings
from azid.msal_client.deferred import public_client
from azid.persistence import TokenCachePersistenceOptions, open_existing_storage
from azid.pipeline import TokenPipeline
from azid.record import AuthenticationRecord
from azid.shared_cache import SharedCacheSession
from azid.tokens.cache import Storage

__all__ = ["SharedTokenCacheCredential"]


class SharedTokenCacheCredential(PickledAsMade, Credential):
    """Gets tokens of an account that a developer's tool, such as Visual Studio, has signed in on this machine.

    Nobody is asked. An :class:`InteractiveBrowserCredential` with `cache_persistence_options` does the same, and asks
    the person if need be.

    :param username: the account's user name. Needed if several are signed in.
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param tenant_id: the tenant that the account is at home in: its GUID. Needed if the user name is not enough. With
        an `authentication_record`, the tenant to ask for tokens of.
    :param authentication_record: the account, as `authenticate` of another credential returned it. It decides the
        client ID and the authority, too.
    :param cache_persistence_options: which cache. Defaults to the one that Microsoft's tools share, encrypted or not.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides its own that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Secrets are never logged.
        Defaults to False.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param open_storage: opens the storage that `cache_persistence_options` ask for. Defaults to opening it at its first
        use, and only if it is there.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters.
    """

    def __init__(
        self,
        username: str | None = None,
        *,
        authority: str | None = None,
        tenant_id: str | None = None,
        authentication_record: AuthenticationRecord | None = None,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        clock: Clock | None = None,
        open_storage: Callable[[TokenCachePersistenceOptions | None], Storage] = open_existing_storage,
        **kwargs: Any,
    ) -> None:
        refuse_misspellings(kwargs, keywords_of(type(self)))
        if tenant_id:
            validate_tenant_id(tenant_id)
        record = authentication_record
        self._username, self._tenant_id, self._record = username, tenant_id or None, record
        client_id = record.client_id if record is not None else DEVELOPER_SIGN_ON_CLIENT_ID
        chosen = record.authority if record is not None else authority
        asked = (tenant_id or record.tenant_id) if record is not None else DEFAULT_TENANT
        self._authority = normalize_authority(chosen) if chosen else default_authority()
        clock = clock or SystemClock()
        session = SharedCacheSession(
            client_id=client_id,
            authority=self._authority,
            record=record,
            is_meant=self._is_meant,
            whose=self._whose(),
            resolve_tenant=partial(
                resolve_tenant, asked, additionally_allowed=allowed_tenants(additionally_allowed_tenants)
            ),
            msal=public_client(
                client_id=client_id,
                authority=self._authority,
                validate_authority=not disable_instance_discovery,
                support_logging=enable_support_logging,
                pipeline=TokenPipeline(**kwargs),
                clock=clock,
            ),
            storage=open_storage(cache_persistence_options),
            clock=clock,
        )
        super().__init__(session, clock)

    @staticmethod
    def supported() -> bool:
        """Return whether this kind of machine has such a cache: Windows, macOS and Linux do."""
        return sys.platform in ("win32", "darwin", "linux")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(username={self._username!r}, authority={self._authority!r})"

    def _is_meant(self, account: AuthenticationRecord) -> bool:
        if self._record is not None:
            return account.home_account_id == self._record.home_account_id
        home_tenant_id = account.home_account_id.rpartition(".")[2]
        return (not self._username or account.username.casefold() == self._username.casefold()) and (
            not self._tenant_id or home_tenant_id.casefold() == self._tenant_id.casefold()
        )

    def _whose(self) -> str:
        """Return what is known about the account, for messages."""
        username = self._record.username if self._record is not None else self._username
        known = [("of", username), ("at home in the tenant", None if self._record is not None else self._tenant_id)]
        return "".join(f" {word} {value}" for word, value in known if value)
