"""The credential of whoever has signed in with Azure PowerShell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from azid.clock import Clock, SystemClock
from azid.credentials.developer_tool import DeveloperToolCredential
from azid.developer_tools.azure_powershell import AzurePowerShell
from azid.developer_tools.tool import positive_process_timeout

__all__ = ["AzurePowerShellCredential"]


class AzurePowerShellCredential(DeveloperToolCredential):
    """Gets tokens of the account that is signed in with ``Connect-AzAccount``.

    :param tenant_id: the tenant's GUID or domain name. Defaults to the one that Azure PowerShell has chosen.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param process_timeout: seconds that PowerShell may take. Defaults to 10.
    :param environ: the environment variables, among them the path that ``pwsh`` is looked for on. Defaults to the
        process's.
    :param clock: what time is told by. Defaults to the machine's clock.
    :raises ValueError: a parameter is malformed.
    """

    def __init__(
        self,
        *,
        tenant_id: str = "",
        additionally_allowed_tenants: Iterable[str] | None = None,
        process_timeout: int = 10,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        source = AzurePowerShell(
            timeout=positive_process_timeout(process_timeout),
            environ=os.environ if environ is None else environ,
            clock=clock,
        )
        super().__init__(
            source, tenant_id=tenant_id, additionally_allowed_tenants=additionally_allowed_tenants, clock=clock
        )
