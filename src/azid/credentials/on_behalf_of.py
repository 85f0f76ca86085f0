"""The credential of a service that calls another one for the person who has called it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from azid.client_certificate import load_client_certificate
from azid.clock import Clock
from azid.credentials.delegated import DelegatedCredential
from azid.flows.on_behalf_of import OnBehalfOfSignIn
from azid.msal_client.deferred import ClientCredential

__all__ = ["OnBehalfOfCredential"]


class OnBehalfOfCredential(DelegatedCredential):
    """Gets tokens for the person whose access token a service was called with (RFC 7523 section 2.1).

    The service proves who it is by a secret, a certificate or an assertion: one of them has to be given. Make a
    credential for each access token. Entra documentation topic: "OAuth 2.0 On-Behalf-Of flow".

    :param tenant_id: the service's tenant: its GUID or domain name.
    :param client_id: the service's application ID.
    :param client_certificate: the bytes of a PEM or PKCS #12 file with a certificate and its private RSA key.
    :param client_secret: the value of a client secret.
    :param client_assertion_func: returns an assertion that is valid now (RFC 7523 section 2.2).
    :param user_assertion: the access token that the service was called with.
    :param password: what the certificate's key is encrypted with; text is encoded as UTF-8.
    :param send_certificate_chain: whether each request carries the certificates, which lets the registration trust
        them by subject name and issuer. Defaults to False.
    :param authority: the authority's host, such as one of :class:`AzureAuthorityHosts`. Defaults to
        AZURE_AUTHORITY_HOST, else the public cloud's.
    :param disable_instance_discovery: whether an authority that Microsoft does not know is trusted: a private cloud's,
        or a test's. Defaults to False.
    :param additionally_allowed_tenants: the tenants besides `tenant_id` that calls may name; ``*`` for any.
    :param enable_support_logging: whether MSAL may log personal data, to trace a problem. Secrets are never logged.
        Defaults to False.
    :param clock: what time is told by. Defaults to the machine's clock.
    :param kwargs: azure-core's options for requests: `transport`, `proxies`, `connection_verify`, `retry_total` …
    :raises ValueError: a parameter is malformed, or there is more than one proof of who the service is.
    :raises TypeError: there is none, a parameter is of another type, or a keyword looks like a misspelling.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        client_certificate: bytes | None = None,
        client_secret: str | None = None,
        client_assertion_func: Callable[[], str] | None = None,
        user_assertion: str,
        password: bytes | str | None = None,
        send_certificate_chain: bool = False,
        authority: str | None = None,
        disable_instance_discovery: bool = False,
        additionally_allowed_tenants: Iterable[str] | None = None,
        enable_support_logging: bool = False,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(user_assertion, str) or not user_assertion:
            raise TypeError("'user_assertion' must be the access token that the service was called with.")
        if client_assertion_func and not callable(client_assertion_func):
            raise TypeError("'client_assertion_func' must be a function that returns an assertion.")
        proofs = [
            name
            for name, value in (
                ("client_certificate", client_certificate),
                ("client_secret", client_secret),
                ("client_assertion_func", client_assertion_func),
            )
            if value
        ]
        if len(proofs) > 1:
            raise ValueError(f"Give one of {', '.join(map(repr, proofs))}: the service needs one proof of who it is.")
        proof: ClientCredential | None = client_secret or client_assertion_func
        if client_certificate:
            proof = load_client_certificate(
                None, client_certificate, password=password, send_chain=send_certificate_chain
            )
        if not proof:
            raise TypeError("Give 'client_certificate', 'client_secret' or 'client_assertion_func'.")
        super().__init__(
            OnBehalfOfSignIn(user_assertion),
            tenant_id,
            client_id,
            proof,
            authority=authority,
            disable_instance_discovery=disable_instance_discovery,
            additionally_allowed_tenants=additionally_allowed_tenants,
            enable_support_logging=enable_support_logging,
            clock=clock,
            **kwargs,
        )
