"""What every credential for a person offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from azid.authority import (
    DEFAULT_TENANT,
    allowed_tenants,
    default_authority,
    management_scope,
    normalize_authority,
    validate_tenant_id,
)
from azid.clock import Clock, SystemClock
from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID
from azid.credentials.credential import Credential, validate_client_id
from azid.errors import CredentialUnavailableError
from azid.flows.flow import SignInFlow
from azid.interactive import SessionSettings, SignInSession
from azid.keywords import refuse_misspellings
from azid.msal_client.deferred import public_client
from azid.persistence import TokenCachePersistenceOptions, open_storage
from azid.pipeline import TokenPipeline
from azid.record import AuthenticationRecord, require_record
from azid.tokens.cache import Storage

__all__ = ["InteractiveCredential"]

_PARAMETERS = (
    *("client_id", "username", "password", "timeout", "prompt_callback", "authority", "tenant_id", "redirect_uri"),
    *("authentication_record", "disable_automatic_authentication", "cache_persistence_options"),
    *("disable_instance_discovery", "enable_support_logging", "parent_window_handle", "login_hint"),
    *("enable_msa_passthrough", "additionally_allowed_tenants", "open_browser", "clock"),
)


class InteractiveCredential(Credential):
    """Base of the credentials that sign a person in.

    It hands Azure SDK clients access tokens: one that is still fresh, or one that the account's refresh token is
    traded for, and only if there is neither does it ask the person. Threads may share it. It can be pickled; the
    pickle holds no token.

    :param flow: how the person signs in.
    :param client_id: the application that people sign in to. Defaults to Microsoft's development application.
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param tenant_id: the tenant's GUID or domain name. Defaults to that of `authentication_record`, else to
        ``organizations``: whichever tenant the account is at home in.
    :param authentication_record: the account whose tokens are to be used, as an earlier `authenticate` returned it. It
        decides the client ID and the authority, too.
    :param disable_automatic_authentication: whether `get_token` raises :class:`AuthenticationRequiredError` instead of
        asking the person. Defaults to False.
    :param cache_persistence_options: where to keep tokens. Defaults to this credential's own memory.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted: a private cloud's,
        or a test's. Defaults to False.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Secrets are never logged.
        Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param login_hint: whom the sign-in page should suggest.
    :param use_broker: whether the operating system's broker is asked for new tokens of an account that it signed in.
        Defaults to False.
    :param adopts_account: whether, without a record, the only account that fits in this person's own persistent cache
        is used without asking. Defaults to True.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param open_storage: opens the storage that `cache_persistence_options` ask for. Defaults to opening it at
        once; in `azid.aio`, at its first use.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters, or a parameter is
        of another type.
    :raises CredentialUnavailableError: the storage that was asked for cannot be had.
    """

    def __init__(
        self,
        *,
        flow: SignInFlow[Any],
        client_id: str = DEVELOPER_SIGN_ON_CLIENT_ID,
        authority: str | None = None,
        tenant_id: str | None = None,
        authentication_record: AuthenticationRecord | None = None,
        disable_automatic_authentication: bool = False,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        enable_support_logging: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        login_hint: str | None = None,
        use_broker: bool = False,
        adopts_account: bool = True,
        clock: Clock | None = None,
        open_storage: Callable[[TokenCachePersistenceOptions | None], Storage] = open_storage,
        **kwargs: Any,
    ) -> None:
        refuse_misspellings(kwargs, _PARAMETERS)
        record = authentication_record
        if record is not None:
            require_record(record, "authentication_record")
            client_id, authority, tenant_id = record.client_id, record.authority, tenant_id or record.tenant_id
        self._settings = SessionSettings(
            client_id=validate_client_id(client_id),
            authority=normalize_authority(authority) if authority else default_authority(),
            tenant_id=validate_tenant_id(tenant_id or DEFAULT_TENANT),
            additionally_allowed_tenants=allowed_tenants(additionally_allowed_tenants),
            record=record,
            login_hint=login_hint,
            prompts=not disable_automatic_authentication,
            use_broker=use_broker,
            adopts_account=adopts_account,
        )
        clock_or_default = clock or SystemClock()
        self._sign_ins = SignInSession(
            self._settings,
            flow=flow,
            msal=public_client(
                client_id=client_id,
                authority=self._settings.authority,
                validate_authority=not disable_instance_discovery,
                support_logging=enable_support_logging,
                pipeline=TokenPipeline(**kwargs),
                clock=clock_or_default,
            ),
            storage=open_storage(cache_persistence_options),
            clock=clock_or_default,
        )
        super().__init__(self._sign_ins, clock_or_default)
        self._arguments = {
            "flow": flow,
            "client_id": client_id,
            "authority": self._settings.authority,
            "tenant_id": self._settings.tenant_id,
            "disable_automatic_authentication": disable_automatic_authentication,
            "cache_persistence_options": cache_persistence_options,
            "disable_instance_discovery": disable_instance_discovery,
            "enable_support_logging": enable_support_logging,
            "additionally_allowed_tenants": self._settings.additionally_allowed_tenants,
            "login_hint": login_hint,
            "use_broker": use_broker,
            "adopts_account": adopts_account,
            "clock": clock,
            "open_storage": open_storage,
            **kwargs,
        }

    def authenticate(
        self,
        *scopes: str | Iterable[str],
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AuthenticationRecord:
        """Ask the person to sign in, even if somebody is signed in already.

        The account that signs in is the credential's from then on.

        :param scopes: the scopes to get a token for: one by one, as one list, or as the keyword ``scopes=[…]``.
            Defaults to the cloud's Azure Resource Manager.
        :param claims: claims that the token must satisfy, as `AuthenticationRequiredError.claims` has them.
        :param tenant_id: the tenant to ask instead of the credential's own.
        :param enable_cae: whether to ask for continuous access evaluation. Defaults to False.
        :returns: the account, without secrets; store it to find the account's tokens again.
        :raises ValueError: a scope is malformed.
        :raises TypeError: a keyword is unknown.
        :raises CredentialUnavailableError: the person cannot be asked on this machine, or no scope was given in a
            cloud whose Resource Manager is not known.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the sign-in failed, was declined or timed out.
        """
        given = _given_scopes(scopes, kwargs.pop("scopes", None))
        refuse_misspellings(kwargs, ("scopes", "claims", "tenant_id", "enable_cae"))
        if kwargs:
            raise TypeError(f"authenticate() got an unexpected keyword argument {next(iter(kwargs))!r}")
        if not given:
            given = self._default_scopes()
        return self._sign_ins.authenticate(given, claims=claims, tenant_id=tenant_id, enable_cae=bool(enable_cae))

    def accounts(self) -> list[AuthenticationRecord]:
        """Return the accounts whose tokens this credential could use without asking anybody.

        They are those in its store that signed in to its application at its authority. In a store of many people that
        is the credential's own account only.

        :returns: a record of each, which another credential can be made with.
        :raises CredentialUnavailableError: the store cannot be read.
        """
        return self._sign_ins.accounts()

    def sign_out(self, account: AuthenticationRecord | None = None) -> None:
        """Forget an account: its tokens of this application, in the store and in memory, with and without CAE.

        Other credentials and processes notice when they next look into the store. Access tokens that were handed out
        stay valid until they expire, and the browser stays signed in: only the person can sign out there. Tokens of
        other applications are left alone.

        :param account: the account. Defaults to the credential's own.
        :raises ValueError: no account was given, and there are several to choose from.
        :raises TypeError: what was given is no record.
        :raises CredentialUnavailableError: the store cannot be read or written to; the account may still be in it.
        """
        if account is not None:
            require_record(account, "account")
        self._sign_ins.sign_out(account)

    def __getstate__(self) -> dict[str, Any]:
        account = self._sign_ins.record
        # Who signed in here is no `authentication_record`: that would decide the authority, and refuse other accounts.
        record = account if self._settings.record is not None else None
        return {"arguments": {**self._arguments, "authentication_record": record}, "account": account}

    def __setstate__(self, state: dict[str, Any]) -> None:
        InteractiveCredential.__init__(self, **state["arguments"])
        self._sign_ins.record = state["account"]

    def __repr__(self) -> str:
        settings = self._settings
        return (
            f"{type(self).__name__}(client_id={settings.client_id!r}, authority={settings.authority!r}, "
            f"tenant_id={settings.tenant_id!r})"
        )

    def _default_scopes(self) -> tuple[str, ...]:
        scope = management_scope(self._settings.authority)
        if scope is None:
            raise CredentialUnavailableError(
                f"'authenticate' needs scopes here: the Resource Manager of the cloud at {self._settings.authority} is "
                "not known."
            )
        return (scope,)


def _given_scopes(positional: tuple[str | Iterable[str], ...], keyword: Iterable[str] | None) -> tuple[str, ...]:
    """Return the scopes of a call in any of the ways that `authenticate` takes them."""
    if positional and keyword:
        raise TypeError("authenticate() takes scopes either one by one or as 'scopes', not both")
    given: list[str] = []
    for item in positional if keyword is None else (keyword,):
        # What is neither is told apart with the scopes themselves.
        given.extend((item,) if isinstance(item, str) or not isinstance(item, Iterable) else item)
    return tuple(given)
