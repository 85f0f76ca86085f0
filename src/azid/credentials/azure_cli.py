"""The credential of whoever has signed in with the Azure CLI."""

from __future__ import annotations

import os
import string
from collections.abc import Iterable, Mapping
from typing import Final

from azid.clock import Clock, SystemClock
from azid.credentials.developer_tool import DeveloperToolCredential
from azid.developer_tools.azure_cli import AzureCli
from azid.developer_tools.tool import positive_process_timeout

__all__ = ["AzureCliCredential"]

_SUBSCRIPTION_CHARACTERS: Final = frozenset(string.ascii_letters + string.digits + "_-. ")


class AzureCliCredential(DeveloperToolCredential):
    """Gets tokens of the account that is signed in with ``az login``.

    :param tenant_id: the tenant's GUID or domain name. Defaults to the one that the Azure CLI has chosen.
    :param subscription: the ID or name of the subscription whose account is meant. Defaults to the current one.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param process_timeout: seconds that the Azure CLI may take. Defaults to 10.
    :param environ: the environment variables, among them the path that ``az`` is looked for on. Defaults to the
        process's.
    :param clock: what time is told by. Defaults to the machine's clock.
    :raises ValueError: a parameter is malformed.
    """

    def __init__(
        self,
        *,
        tenant_id: str = "",
        subscription: str | None = None,
        additionally_allowed_tenants: Iterable[str] | None = None,
        process_timeout: int = 10,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        if subscription and (not _SUBSCRIPTION_CHARACTERS.issuperset(subscription) or subscription.startswith("-")):
            raise ValueError(
                "'subscription' may have letters, digits, spaces and -_. only, and begins with no '-': if its name is "
                "another, give its ID."
            )
        source = AzureCli(
            subscription=subscription or None,
            timeout=positive_process_timeout(process_timeout),
            environ=os.environ if environ is None else environ,
            clock=clock,
        )
        super().__init__(
            source, tenant_id=tenant_id, additionally_allowed_tenants=additionally_allowed_tenants, clock=clock
        )
