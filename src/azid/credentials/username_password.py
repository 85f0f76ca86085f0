"""Signing in with a user name and a password."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from azid.clock import Clock
from azid.credentials.interactive import InteractiveCredential
from azid.flows.password import PasswordSignIn
from azid.persistence import TokenCachePersistenceOptions
from azid.warning import warn

__all__ = ["UsernamePasswordCredential"]


class UsernamePasswordCredential(InteractiveCredential):
    """Signs an account in with its user name and password (RFC 6749 section 4.3).

    Nobody can give a second factor or consent this way, so tenants that ask for multifactor authentication refuse it:
    for tests and for old programs only. The first token always proves the password; only then is the credential silent.

    :param client_id: the application that the account signs in to. It must allow public client flows.
    :param username: the user principal name, mostly an e-mail address.
    :param password: the password.
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param tenant_id: the tenant's GUID or domain name. Defaults to ``organizations``: the account's home tenant.
    :param cache_persistence_options: where to keep tokens. Defaults to this credential's own memory.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Defaults to False.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is missing or malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters.
    :raises CredentialUnavailableError: the storage that was asked for cannot be had.
    """

    def __init__(
        self,
        client_id: str,
        username: str,
        password: str,
        *,
        authority: str | None = None,
        tenant_id: str | None = None,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        for name, value in (("username", username), ("password", password)):
            if not isinstance(value, str) or not value:
                raise ValueError(f"'{name}' must be the {name} that the person signs in with.")
        warn(
            "UsernamePasswordCredential cannot do multifactor authentication, which Entra ID demands more and more. "
            "Use InteractiveBrowserCredential or DeviceCodeCredential for people.",
            DeprecationWarning,
        )
        kwargs.pop("authentication_record", None)  # azure-identity passes it over, too: the password is to be proven
        super().__init__(
            flow=PasswordSignIn(username, password),
            client_id=client_id,
            authority=authority,
            tenant_id=tenant_id,
            cache_persistence_options=cache_persistence_options,
            disable_instance_discovery=disable_instance_discovery,
            additionally_allowed_tenants=additionally_allowed_tenants,
            enable_support_logging=enable_support_logging,
            adopts_account=False,  # the password is to be proven first
            clock=clock,
            **kwargs,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "account": None}  # the password is to be proven there, too
