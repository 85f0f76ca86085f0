"""The credential of an application that has a certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from azid.client_certificate import load_client_certificate
from azid.clock import Clock
from azid.credentials.client import ApplicationCredential
from azid.persistence import TokenCachePersistenceOptions, open_storage
from azid.tokens.cache import Storage

__all__ = ["CertificateCredential"]


class CertificateCredential(ApplicationCredential):
    """Signs an application in with one of its certificates (RFC 7523 section 2.2, RFC 6749 section 4.4).

    :param tenant_id: the application's tenant: its GUID or domain name.
    :param client_id: the application's ID, as its registration in Entra ID shows it.
    :param certificate_path: path of a PEM or PKCS #12 file with the certificate and its private RSA key.
    :param certificate_data: the file's bytes, instead of its path.
    :param password: what the key is encrypted with; text is encoded as UTF-8. Defaults to None: it is not encrypted.
    :param send_certificate_chain: whether each request carries the certificates, which lets the registration trust
        them by subject name and issuer. Defaults to False.
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param cache_persistence_options: where to keep tokens. Defaults to this credential's own memory.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted: a private cloud's,
        or a test's. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Secrets are never logged.
        Defaults to False.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param open_storage: opens the storage that `cache_persistence_options` ask for. Defaults to opening it at
        once; in `azid.aio`, at its first use.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is missing or malformed.
    :raises TypeError: the certificate was given as text, or a keyword looks like a misspelling of one of these.
    :raises CredentialUnavailableError: the storage that was asked for cannot be had.
    :raises OSError: the file cannot be read.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        certificate_path: str | None = None,
        *,
        certificate_data: bytes | None = None,
        password: str | bytes | None = None,
        send_certificate_chain: bool = False,
        authority: str | None = None,
        cache_persistence_options: TokenCachePersistenceOptions | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        clock: Clock | None = None,
        open_storage: Callable[[TokenCachePersistenceOptions | None], Storage] = open_storage,
        **kwargs: Any,
    ) -> None:
        certificate = load_client_certificate(
            certificate_path, certificate_data, password=password, send_chain=send_certificate_chain
        )
        super().__init__(
            tenant_id,
            client_id,
            certificate,
            authority=authority,
            cache_persistence_options=cache_persistence_options,
            disable_instance_discovery=disable_instance_discovery,
            enable_support_logging=enable_support_logging,
            additionally_allowed_tenants=additionally_allowed_tenants,
            clock=clock,
            open_storage=open_storage,
            **kwargs,
        )
