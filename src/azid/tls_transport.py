"""azure-core's transport for servers that are known by something else than their name and the system's CAs."""

from __future__ import annotations

import ssl
from typing import Any

from azure.core.pipeline.transport import RequestsTransport
from requests import Session
from requests.adapters import HTTPAdapter

__all__ = ["FingerprintTransport", "OwnCaAdapter", "TlsAdapter", "session_for"]


class TlsAdapter(HTTPAdapter):
    """Makes https connections with options of urllib3's that requests has no names for.

    :param options: those of `urllib3.connection.HTTPSConnection`, such as ``assert_fingerprint``.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options  # the base class makes its pool at once
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **{**options, **self._options})

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        # Through a proxy, too, it is the server that has to be known.
        return super().proxy_manager_for(proxy, **{**options, **self._options})


class OwnCaAdapter(TlsAdapter):
    """Trusts the CAs of its context and no others: requests would add its own, or those of the environment.

    :param context: the context.
    :param options: those of `TlsAdapter`.
    """

    def __init__(self, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(ssl_context=context, **options)

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        return super().send(request, *args, **{**options, "verify": True})

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        conn.ca_certs = conn.ca_cert_dir = None


def session_for(adapter: TlsAdapter, *, trust_env: bool) -> Session:
    """Return a session whose https connections `adapter` makes.

    :param adapter: the adapter.
    :param trust_env: whether environment variables name proxies and CAs.
    """
    session = Session()
    session.trust_env = trust_env
    session.mount("https://", adapter)
    return session


class FingerprintTransport(RequestsTransport):
    """Trusts the server whose certificate has one fingerprint, and no other, whoever has signed it.

    :param fingerprint: SHA-1 or SHA-256 of the certificate, in hexadecimal.
    :param options: those of azure-core's transport.
    """

    def __init__(self, fingerprint: str, **options: Any) -> None:
        session = session_for(TlsAdapter(assert_fingerprint=fingerprint), trust_env=False)
        super().__init__(session=session, session_owner=True, **{**options, "connection_verify": False})
