"""Signing in with a browser on any machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from azid.clock import Clock
from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID
from azid.credentials.interactive import InteractiveCredential
from azid.flows.device_code import DeviceCodeSignIn
from azid.flows.flow import optional_function, positive_timeout
from azid.persistence import TokenCachePersistenceOptions
from azid.record import AuthenticationRecord

__all__ = ["DeviceCodeCredential"]


class DeviceCodeCredential(InteractiveCredential):
    """Signs a person in with a code that they enter in a browser on any machine (RFC 8628).

    For machines without a browser: an SSH host, a container, a device.

    :param client_id: the application that people sign in to. Defaults to Microsoft's development application, which
        may vanish: register your own, and allow public client flows in it.
    :param timeout: seconds that the person has to sign in. Defaults to the code's lifetime, which also holds if it is
        shorter.
    :param prompt_callback: shows the code; called with `verification_uri`, `user_code` and `expires_on`, an aware
        `datetime` in UTC. Defaults to printing the authority's instructions on standard output. In `azid.aio` it may be
        an async function, which is awaited in the event loop; a plain one is called in another thread. What it starts
        must not wait for a token of this credential.
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param tenant_id: the tenant's GUID or domain name. Defaults to that of `authentication_record`, else to
        ``organizations``: whichever tenant the account is at home in.
    :param authentication_record: the account whose tokens are to be used, as an earlier `authenticate` returned it.
    :param disable_automatic_authentication: whether `get_token` raises :class:`AuthenticationRequiredError` instead of
        showing a code. Defaults to False.
    :param cache_persistence_options: where to keep tokens. Defaults to this credential's own memory.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted. Defaults to False.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is malformed.
    :raises TypeError: `prompt_callback` is no function, or a keyword looks like a misspelling of one of these.
    :raises CredentialUnavailableError: the storage that was asked for cannot be had.
    """

    def __init__(
        self,
        client_id: str = DEVELOPER_SIGN_ON_CLIENT_ID,
        *,
        timeout: int | None = None,
        prompt_callback: Callable[[str, str, datetime], object] | None = None,
        authority: str | None = None,
        tenant_id: str | None = None,
        authentication_record: AuthenticationRecord | None = None,
        disable_automatic_authentication: bool = False,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        enable_support_logging: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            flow=DeviceCodeSignIn(
                timeout=None if timeout is None else positive_timeout(timeout),
                prompt_callback=optional_function("prompt_callback", prompt_callback),
            ),
            client_id=client_id,
            authority=authority,
            tenant_id=tenant_id,
            authentication_record=authentication_record,
            disable_automatic_authentication=disable_automatic_authentication,
            cache_persistence_options=cache_persistence_options,
            disable_instance_discovery=disable_instance_discovery,
            enable_support_logging=enable_support_logging,
            additionally_allowed_tenants=additionally_allowed_tenants,
            clock=clock,
            **kwargs,
        )
