"""The credential of a web application to which a person has come with an authorization code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from azid.clock import Clock
from azid.credentials.delegated import DelegatedCredential
from azid.flows.received_code import ReceivedCode

__all__ = ["AuthorizationCodeCredential"]


class AuthorizationCodeCredential(DelegatedCredential):
    """Redeems an authorization code that a web application has received (RFC 6749 section 4.1.3).

    The first call for a token redeems the code; later ones use the refresh token that it brought. To have a person sign
    in from a program of their own, use :class:`InteractiveBrowserCredential`.

    :param tenant_id: the application's tenant: its GUID or domain name.
    :param client_id: the application's ID, as its registration in Entra ID shows it.
    :param authorization_code: the code.
    :param redirect_uri: where the code was sent, as the request for it named it.
    :param client_secret: the value of a client secret. Web applications need one. Defaults to None.
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted: a private cloud's,
        or a test's. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Secrets are never logged.
        Defaults to False.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is missing or malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        authorization_code: str,
        redirect_uri: str,
        *,
        client_secret: str | None = None,
        authority: str | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        if not authorization_code:
            raise ValueError("'authorization_code' must be the code that the redirect URI received.")
        super().__init__(
            ReceivedCode(authorization_code, redirect_uri),
            tenant_id,
            client_id,
            client_secret or None,
            authority=authority,
            disable_instance_discovery=disable_instance_discovery,
            additionally_allowed_tenants=additionally_allowed_tenants,
            enable_support_logging=enable_support_logging,
            clock=clock,
            **kwargs,
        )
