"""What the credentials have in common with which an application acts for a person who is not there to be asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from azid.authority import allowed_tenants, default_authority, normalize_authority, validate_tenant_id
from azid.clock import Clock, SystemClock
from azid.credentials.credential import Credential, validate_client_id
from azid.credentials.pickled import PickledAsMade
from azid.flows.flow import SignInFlow
from azid.interactive import SessionSettings, SignInSession
from azid.keywords import keywords_of, refuse_misspellings
from azid.msal_client.deferred import (
    ClientCredential,
    ClientSettings,
    DeferredClient,
    confidential_client,
    public_client,
)
from azid.persistence import open_storage
from azid.pipeline import TokenPipeline

__all__ = ["DelegatedCredential"]


class DelegatedCredential(PickledAsMade, Credential):
    """Base of the credentials that act for one person, by something that this person has sent.

    :param flow: what the person has sent, and how it becomes a sign-in.
    :param tenant_id: the application's tenant: its GUID or domain name.
    :param client_id: the application's ID, as its registration in Entra ID shows it.
    :param client_credential: what the application proves itself with; None if it need not.
    :param authority: the authority's host. Defaults to AZURE_AUTHORITY_HOST, else the public cloud's.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data. Defaults to False.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param kwargs: azure-core's options for requests.
    :raises ValueError: a parameter is malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters.
    """

    def __init__(
        self,
        flow: SignInFlow[Any],
        tenant_id: str,
        client_id: str,
        client_credential: ClientCredential | None,
        *,
        authority: str | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        refuse_misspellings(kwargs, keywords_of(type(self)))
        self._settings = SessionSettings(
            client_id=validate_client_id(client_id),
            authority=normalize_authority(authority) if authority else default_authority(),
            tenant_id=validate_tenant_id(tenant_id),
            additionally_allowed_tenants=allowed_tenants(additionally_allowed_tenants),
            record=None,
            login_hint=None,
            prompts=True,
            adopts_account=False,
            needs_name=False,  # what was sent says it; an authority that knows no OpenID Connect sends no id token
        )
        clock = clock or SystemClock()
        settings: ClientSettings = {
            "client_id": client_id,
            "authority": self._settings.authority,
            "validate_authority": not disable_instance_discovery,
            "support_logging": enable_support_logging,
            "pipeline": TokenPipeline(**kwargs),
            "clock": clock,
        }
        msal: DeferredClient[Any]
        if client_credential is None:
            msal = public_client(**settings)
        else:
            msal = confidential_client(client_credential, **settings)
        session = SignInSession(self._settings, flow=flow, msal=msal, storage=open_storage(None), clock=clock)
        super().__init__(session, clock)

    def __repr__(self) -> str:
        settings = self._settings
        return (
            f"{type(self).__name__}(tenant_id={settings.tenant_id!r}, client_id={settings.client_id!r}, "
            f"authority={settings.authority!r})"
        )
