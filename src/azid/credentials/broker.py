"""The credential of whoever has signed in to Windows with an account of Entra ID."""

from __future__ import annotations

import os
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
from azid.brokers_account import BrokersAccount
from azid.browser import is_under_windows
from azid.clock import Clock, SystemClock
from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID
from azid.credentials.credential import Credential, TokenSession
from azid.credentials.pickled import PickledAsMade
from azid.flows.broker import load_runtime
from azid.keywords import keywords_of, refuse_misspellings
from azid.msal_client.deferred import public_client
from azid.persistence import open_storage
from azid.pipeline import TokenPipeline
from azid.unattended import UnattendedSession, UnavailableSession

__all__ = ["BrokerCredential"]


class BrokerCredential(PickledAsMade, Credential):
    """Gets tokens of the account that the person uses with Windows: a link of `DefaultAzureCredential`.

    The operating system's broker has that sign-in, so it takes ``azid[broker]``. Nobody is asked.

    :param tenant_id: the tenant. Defaults to ``organizations``: whichever tenant the account is at home in.
    :param client_id: the application that tokens are for. Defaults to Microsoft's development application.
    :param authority: the authority's host. Defaults to AZURE_AUTHORITY_HOST, else the public cloud's.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Defaults to False.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param platform: what kind of machine it is, as `sys.platform` has it.
    :param load_runtime: loads the broker's runtime, or raises an `ImportError`, `OSError` or `RuntimeError`.
    :param kwargs: azure-core's options for requests.
    :raises ValueError: a parameter is malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters.
    """

    def __init__(
        self,
        *,
        tenant_id: str | None = None,
        client_id: str | None = None,
        authority: str | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        clock: Clock | None = None,
        platform: str = sys.platform,
        load_runtime: Callable[[], object] = load_runtime,
        **kwargs: Any,
    ) -> None:
        refuse_misspellings(kwargs, keywords_of(type(self)))
        self._tenant_id = validate_tenant_id(tenant_id or DEFAULT_TENANT)
        client_id = client_id or DEVELOPER_SIGN_ON_CLIENT_ID
        authority = normalize_authority(authority) if authority else default_authority()
        clock = clock or SystemClock()
        msal = public_client(
            client_id=client_id,
            authority=authority,
            validate_authority=not disable_instance_discovery,
            support_logging=enable_support_logging,
            pipeline=TokenPipeline(**kwargs),
            clock=clock,
        )
        session: TokenSession = UnattendedSession(
            BrokersAccount(msal, None, clock, load_runtime),
            client_id=client_id,
            authority=authority,
            resolve_tenant=partial(
                resolve_tenant, self._tenant_id, additionally_allowed=allowed_tenants(additionally_allowed_tenants)
            ),
            storage=open_storage(None),
            clock=clock,
            transport=msal,
        )
        if not _knows_an_account(platform):
            session = UnavailableSession(
                "Only Windows, and Linux under it (WSL), have a broker that knows an account: elsewhere sign in "
                "another way."
            )
        super().__init__(session, clock)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tenant_id={self._tenant_id!r})"


def _knows_an_account(platform: str) -> bool:
    return platform == "win32" or (platform == "linux" and is_under_windows(os.environ, os.uname().release))
