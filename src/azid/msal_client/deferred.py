"""Making a client when it is first needed: MSAL takes longer to load than everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypedDict, TypeVar

from azid.clock import Clock
from azid.fork import renew_after_fork
from azid.pipeline import TokenPipeline

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from azid.msal_client.client import MsalClient
    from azid.msal_client.confidential import ConfidentialClient
    from azid.msal_client.public import PublicClient

__all__ = ["ClientCredential", "ClientSettings", "DeferredClient", "confidential_client", "public_client"]

ClientCredential: TypeAlias = str | Mapping[str, str] | Callable[[], str]
"""What an application proves itself with: a secret, MSAL's form of a certificate, or what makes an assertion."""

Client = TypeVar("Client", bound="MsalClient[Any]", covariant=True)  # noqa: PLC0105


class ClientSettings(TypedDict):
    """What every client of an authority is made with: the parameters of `MsalClient`."""

    client_id: str
    authority: str
    validate_authority: bool
    support_logging: bool
    pipeline: TokenPipeline
    clock: Clock


class DeferredClient(Generic[Client]):
    """A client that is made when it is first called for.

    :param make: makes it.
    :param pipeline: what its requests go through.
    """

    def __init__(self, make: Callable[[], Client], pipeline: TokenPipeline) -> None:
        self._make = make
        self._pipeline = pipeline
        self._client: Client | None = None
        renew_after_fork(self, DeferredClient._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def __call__(self) -> Client:
        """Return the client."""
        with self._lock:
            if self._client is None:
                self._client = self._make()
            return self._client

    def __enter__(self) -> object:
        """Enter the transport."""
        return self._pipeline.__enter__()

    def __exit__(self, *details: object) -> None:
        """Leave the transport."""
        self._pipeline.__exit__(*details)


def public_client(**settings: Unpack[ClientSettings]) -> DeferredClient[PublicClient]:
    """Return a client without a secret (RFC 6749 section 2.1)."""

    def make() -> PublicClient:
        from azid.msal_client.public import PublicClient

        return PublicClient(**settings)

    return DeferredClient(make, settings["pipeline"])


def confidential_client(
    client_credential: ClientCredential, **settings: Unpack[ClientSettings]
) -> DeferredClient[ConfidentialClient]:
    """Return a client that proves who it is.

    :param client_credential: what it proves that with.
    """

    def make() -> ConfidentialClient:
        from azid.msal_client.confidential import ConfidentialClient

        return ConfidentialClient(client_credential=client_credential, **settings)

    return DeferredClient(make, settings["pipeline"])
