"""The identity binding proxy of Azure Kubernetes Service: an endpoint in the cluster that stands in for the authority.

Azure documentation topic: "Identity bindings on Azure Kubernetes Service".
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit, urlunsplit

from azure.core.pipeline.transport import RequestsTransport

from azid.tls_transport import OwnCaAdapter, TlsAdapter, session_for

__all__ = ["IdentityBinding", "IdentityBindingTransport", "find_identity_binding"]

_PROXY: Final = "AZURE_KUBERNETES_TOKEN_PROXY"
_SERVER_NAME: Final = "AZURE_KUBERNETES_SNI_NAME"
_CA_FILE: Final = "AZURE_KUBERNETES_CA_FILE"
_CA_DATA: Final = "AZURE_KUBERNETES_CA_DATA"


class IdentityBinding(NamedTuple):
    """What a cluster says of its proxy."""

    proxy: SplitResult
    """The proxy's URL; requests' paths are put behind its own."""
    server_name: str | None
    """The name that TLS asks for and checks (RFC 6066 section 3); None for the proxy's host."""
    ca_file: str | None
    """The file with the CA's certificates, which clusters rotate."""
    ca_data: str | None
    """The certificates themselves, as PEM. Without either, the system's CAs are trusted; else no others than these."""

    def ca(self) -> str | None:
        """Return the CA's certificates as they are now.

        :raises ValueError: the file cannot be read, or is empty.
        """
        if self.ca_file is None:
            return self.ca_data
        try:
            certificates = Path(self.ca_file).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{_CA_FILE} names a file that cannot be read: {error}") from None
        if not certificates.strip():
            raise ValueError(f"{_CA_FILE} names an empty file: {self.ca_file}")
        return certificates


def find_identity_binding(environ: Mapping[str, str]) -> IdentityBinding | None:
    """Return the proxy that environment variables describe; None where they describe none.

    :param environ: the environment variables, as the cluster sets them.
    :raises ValueError: they contradict each other, or name an unusable proxy or CA.
    """
    proxy, ca_file, ca_data = environ.get(_PROXY), environ.get(_CA_FILE) or None, environ.get(_CA_DATA) or None
    if not proxy:
        if given := [name for name in (_SERVER_NAME, _CA_FILE, _CA_DATA) if environ.get(name)]:
            raise ValueError(f"{', '.join(given)} set, but not {_PROXY}: set that as well, or none of them.")
        return None
    if ca_file and ca_data:
        raise ValueError(f"{_CA_FILE} and {_CA_DATA} are both set: set one of them.")
    parts = urlsplit(proxy)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(f"{_PROXY} must be an https URL with a host, maybe a port and a path, and nothing else.")
    binding = IdentityBinding(parts, environ.get(_SERVER_NAME) or None, ca_file, ca_data)
    binding.ca()
    return binding


class IdentityBindingTransport(RequestsTransport):
    """Sends every request to the proxy, whatever host it is meant for.

    :param binding: the proxy.
    :param options: those of azure-core's transport.
    """

    def __init__(self, binding: IdentityBinding, **options: Any) -> None:
        self._binding = binding
        self._ca = binding.ca()
        session = session_for(self._adapter(), trust_env=bool(options.get("use_env_settings", True)))
        super().__init__(session=session, session_owner=True, **options)

    def send(self, request: Any, **kwargs: Any) -> Any:
        """Send `request` to the proxy; azure-core's signature."""
        asked, proxy = urlsplit(request.url), self._binding.proxy
        path = proxy.path.rstrip("/")
        is_retry = asked[:2] == proxy[:2] and f"{asked.path}/".startswith(f"{path}/")
        if not is_retry:
            request.url = urlunsplit((*proxy[:2], f"{path}/{asked.path.lstrip('/')}", asked.query, ""))
        with contextlib.suppress(ValueError):  # while it is being replaced, what was there before is good
            ca = self._binding.ca()
            if ca != self._ca and self.session is not None:
                self._ca = ca
                self.session.mount("https://", self._adapter())
        return super().send(request, **kwargs)

    def _adapter(self) -> TlsAdapter:
        named = {"server_hostname": self._binding.server_name} if self._binding.server_name else {}
        context = ssl.create_default_context(cadata=self._ca)
        return TlsAdapter(ssl_context=context, **named) if self._ca is None else OwnCaAdapter(context, **named)
