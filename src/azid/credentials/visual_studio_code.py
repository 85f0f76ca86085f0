"""The credential of whoever has signed in to Azure in Visual Studio Code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from azid.authority import AzureAuthorityHosts, allowed_tenants, normalize_authority, validate_tenant_id
from azid.clock import Clock, SystemClock
from azid.credentials.credential import Credential
from azid.credentials.pickled import PickledAsMade
from azid.developer_tools.visual_studio_code import VisualStudioCode
from azid.flows.broker import load_runtime
from azid.keywords import keywords_of, refuse_misspellings
from azid.persistence import open_storage
from azid.pipeline import TokenPipeline
from azid.unattended import UnattendedSession

__all__ = ["VisualStudioCodeCredential"]


class VisualStudioCodeCredential(PickledAsMade, Credential):
    """Gets tokens of the account that is signed in with Visual Studio Code's extension "Azure Resources".

    The operating system's broker keeps that sign-in, so it takes ``azid[broker]``. Nobody is asked.

    :param tenant_id: the tenant to ask for tokens of. Defaults to that of the extension's record.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Defaults to False.
    :param home: the folder that has the extension's record. Defaults to the person's home.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param load_runtime: loads the broker's runtime, or raises an `ImportError`, `OSError` or `RuntimeError`.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: `tenant_id` is malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters.
    """

    def __init__(
        self,
        *,
        tenant_id: str | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        home: Path | None = None,
        clock: Clock | None = None,
        load_runtime: Callable[[], object] = load_runtime,
        **kwargs: Any,
    ) -> None:
        refuse_misspellings(kwargs, keywords_of(type(self)))
        self._tenant_id = validate_tenant_id(tenant_id) if tenant_id else None
        clock = clock or SystemClock()
        pipeline = TokenPipeline(**kwargs)
        source = VisualStudioCode(
            tenant_id=self._tenant_id,
            additionally_allowed_tenants=allowed_tenants(additionally_allowed_tenants),
            home=Path.home if home is None else lambda: home,
            validate_authority=not disable_instance_discovery,
            support_logging=enable_support_logging,
            pipeline=pipeline,
            clock=clock,
            load_runtime=load_runtime,
        )
        session = UnattendedSession(
            source,
            client_id=type(self).__name__,
            authority=normalize_authority(AzureAuthorityHosts.AZURE_PUBLIC_CLOUD),  # the extension's record names it
            resolve_tenant=lambda tenant_id: validate_tenant_id(tenant_id) if tenant_id else "",
            storage=open_storage(None),
            clock=clock,
            transport=pipeline,
        )
        super().__init__(session, clock)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tenant_id={self._tenant_id!r})"
