"""The credential that environment variables describe."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from azid.clock import Clock, SystemClock
from azid.credentials.certificate import CertificateCredential
from azid.credentials.client_secret import ClientSecretCredential
from azid.credentials.credential import Credential, session_of
from azid.credentials.pickled import PickledAsMade
from azid.credentials.username_password import UsernamePasswordCredential
from azid.keywords import keywords_of, refuse_misspellings
from azid.persistence import TokenCachePersistenceOptions, open_storage
from azid.tokens.cache import Storage
from azid.unattended import UnavailableSession
from azid.warning import warn, warned_already

__all__ = ["EnvironmentCredential"]

_LOGGER = logging.getLogger(__name__)

_SECRET: Final = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
_CERTIFICATE: Final = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH")
_PASSWORD: Final = ("AZURE_CLIENT_ID", "AZURE_USERNAME", "AZURE_PASSWORD")
_COMBINATIONS: Final = (_SECRET, _CERTIFICATE, _PASSWORD)
_VARIABLES: Final = tuple(dict.fromkeys(name for names in _COMBINATIONS for name in names))


class EnvironmentCredential(PickledAsMade, Credential):
    """Signs in with what environment variables hold: an application's secret or certificate, or a person's password.

    ========================================================================== ==================================
    Variables                                                                  Credential
    ========================================================================== ==================================
    AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET                      :class:`ClientSecretCredential`
    AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_CERTIFICATE_PATH, maybe     :class:`CertificateCredential`
    AZURE_CLIENT_CERTIFICATE_PASSWORD and AZURE_CLIENT_SEND_CERTIFICATE_CHAIN
    AZURE_CLIENT_ID, AZURE_USERNAME, AZURE_PASSWORD, maybe AZURE_TENANT_ID     :class:`UsernamePasswordCredential`
    ========================================================================== ==================================

    The first whose variables are set is used. Where none is, calls raise :class:`CredentialUnavailableError`.

    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param cache_persistence_options: where to keep tokens. Defaults to this credential's own memory.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted: a private cloud's,
        or a test's. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides AZURE_TENANT_ID that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Secrets are never logged.
        Defaults to False.
    :param environ: the environment variables. Defaults to the process's.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param open_storage: opens the storage that `cache_persistence_options` ask for. Defaults to opening it at
        once; in `azid.aio`, at its first use.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a variable or a parameter is malformed.
    :raises TypeError: a keyword looks like a misspelling of one of these parameters.
    :raises CredentialUnavailableError: the storage that was asked for cannot be had.
    :raises OSError: the certificate's file cannot be read.
    """

    def __init__(
        self,
        *,
        authority: str | None = None,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        open_storage: Callable[[TokenCachePersistenceOptions | None], Storage] = open_storage,
        **kwargs: Any,
    ) -> None:
        refuse_misspellings(kwargs, keywords_of(type(self)))
        environ = os.environ if environ is None else environ
        clock = clock or SystemClock()
        options: dict[str, Any] = {
            "authority": authority or environ.get("AZURE_AUTHORITY_HOST") or None,
            "cache_persistence_options": cache_persistence_options,
            "disable_instance_discovery": disable_instance_discovery,
            "additionally_allowed_tenants": additionally_allowed_tenants,
            "enable_support_logging": enable_support_logging,
            "clock": clock,
            "open_storage": open_storage,
            **kwargs,
        }
        self._credential = _described(environ, options)
        if self._credential is None:
            super().__init__(UnavailableSession(_explain(environ)), clock)
        else:
            _LOGGER.info("The environment variables describe a %s.", type(self._credential).__name__)
            super().__init__(session_of(self._credential), clock)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self._credential is None else repr(self._credential)})"


def _described(environ: Mapping[str, str], options: Mapping[str, Any]) -> Credential | None:
    """Return the credential that the variables describe, if they describe one."""

    def has(names: tuple[str, ...]) -> bool:
        return all(environ.get(name) for name in names)

    if has(_SECRET):
        return ClientSecretCredential(*(environ[name] for name in _SECRET), **options)
    if has(_CERTIFICATE):
        return CertificateCredential(
            *(environ[name] for name in _CERTIFICATE),
            password=environ.get("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
            send_certificate_chain=bool(environ.get("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")),
            **options,
        )
    if has(_PASSWORD):
        warn(
            "The environment variables hold a password, which cannot do multifactor authentication. Entra ID demands "
            "that more and more: set up an application's certificate or secret instead.",
            DeprecationWarning,
        )
        with warned_already():
            return UsernamePasswordCredential(
                *(environ[name] for name in _PASSWORD), tenant_id=environ.get("AZURE_TENANT_ID") or None, **options
            )
    return None


def _explain(environ: Mapping[str, str]) -> str:
    """Return what is missing."""
    present = [name for name in _VARIABLES if environ.get(name)]
    if not present:
        return (
            "No environment variables describe a credential. Set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
            "AZURE_CLIENT_SECRET, or AZURE_CLIENT_CERTIFICATE_PATH in the last one's place."
        )
    missing = min(([name for name in names if name not in present] for names in _COMBINATIONS), key=len)
    message = (
        f"Of the environment variables that describe a credential only {', '.join(present)} "
        f"{'is' if len(present) == 1 else 'are'} set. Set {' and '.join(missing)}, too."
    )
    _LOGGER.info("%s", message)
    return message
