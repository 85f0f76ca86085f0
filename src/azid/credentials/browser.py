"""Signing in with the person's own browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from azid.clock import Clock
from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID
from azid.credentials.interactive import InteractiveCredential
from azid.flows.authorization_code import AuthorizationCodeSignIn
from azid.flows.flow import SignInFlow, optional_function, positive_timeout
from azid.persistence import TokenCachePersistenceOptions
from azid.record import AuthenticationRecord

if TYPE_CHECKING:
    from azid.msal_client.public import PublicClient

__all__ = ["InteractiveBrowserCredential"]

_DEFAULT_TIMEOUT: Final = 300
"""Seconds."""


class InteractiveBrowserCredential(InteractiveCredential):
    """Signs a person in with their own browser: authorization code flow with PKCE (RFC 8252).

    It opens the sign-in page and waits for the answer on a port of this machine that nobody else can reach. The URL is
    shown on standard error, too.

    :param client_id: the application that people sign in to. Defaults to Microsoft's development application, which
        may vanish: register your own. It needs the redirect URI ``http://localhost`` for the platform "mobile and
        desktop applications".
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param tenant_id: the tenant's GUID or domain name. Defaults to that of `authentication_record`, else to
        ``organizations``: whichever tenant the account is at home in.
    :param redirect_uri: where the answer is to arrive: ``http://localhost:<port>``, with a path if the registration has
        one. Defaults to ``http://localhost`` and any free port.
    :param authentication_record: the account whose tokens are to be used, as an earlier `authenticate` returned it.
    :param disable_automatic_authentication: whether `get_token` raises :class:`AuthenticationRequiredError` instead of
        opening the browser. Defaults to False.
    :param cache_persistence_options: where to keep tokens. Defaults to this credential's own memory.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted. Defaults to False.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Defaults to False.
    :param timeout: seconds that the person has to sign in. Defaults to 300.
    :param parent_window_handle: the window that the operating system's sign-in dialog belongs to. It asks for the
        operating system's broker to be used instead of the browser, which takes ``azid[broker]``; where that cannot be
        used, a warning says so and the browser is. Defaults to None.
    :param login_hint: whom the sign-in page should suggest: a user name.
    :param enable_msa_passthrough: whether the broker offers personal Microsoft accounts, too. It asks for the broker as
        `parent_window_handle` does, with a dialog that belongs to the console. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param open_browser: opens a URL and returns whether it could. Defaults to the person's default browser.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is malformed.
    :raises TypeError: `open_browser` is no function, or a keyword looks like a misspelling of one of these.
    :raises CredentialUnavailableError: the storage that was asked for cannot be had.
    """

    def __init__(
        self,
        *,
        client_id: str = DEVELOPER_SIGN_ON_CLIENT_ID,
        authority: str | None = None,
        tenant_id: str | None = None,
        redirect_uri: str | None = None,
        authentication_record: AuthenticationRecord | None = None,
        disable_automatic_authentication: bool = False,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        enable_support_logging: bool = False,
        timeout: int | None = None,
        parent_window_handle: int | None = None,
        login_hint: str | None = None,
        enable_msa_passthrough: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        open_browser: Callable[[str], bool] | None = None,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        redirect_uri = redirect_uri or None
        if redirect_uri is not None:
            from azid.redirect import parse_redirect_uri  # loads sockets

            parse_redirect_uri(redirect_uri)
        patience = positive_timeout(_DEFAULT_TIMEOUT if timeout is None else timeout)
        flow: SignInFlow[PublicClient] = AuthorizationCodeSignIn(
            patience, redirect_uri, optional_function("open_browser", open_browser)
        )
        if use_broker := parent_window_handle is not None or enable_msa_passthrough:
            from azid.flows.broker import BrokerSignIn

            flow = BrokerSignIn(flow, patience, parent_window_handle, enable_msa_passthrough)
        super().__init__(
            flow=flow,
            use_broker=use_broker,
            client_id=client_id,
            authority=authority,
            tenant_id=tenant_id,
            authentication_record=authentication_record,
            disable_automatic_authentication=disable_automatic_authentication,
            cache_persistence_options=cache_persistence_options,
            disable_instance_discovery=disable_instance_discovery,
            enable_support_logging=enable_support_logging,
            additionally_allowed_tenants=additionally_allowed_tenants,
            login_hint=login_hint,
            clock=clock,
            **kwargs,
        )
