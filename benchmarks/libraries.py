"""The two libraries, each called through its public names. A worker imports only the one of its environment."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from benchmarks.sign_ins import CLIENT_ID, LOGIN_HOST, TENANT_ID, record, scope, sign_in_event

if TYPE_CHECKING:
    import msal

__all__ = ["LIBRARIES", "Library"]


class Library(Protocol):
    """A library under measurement."""

    package: str
    """Where its credentials are imported from."""

    def new_credential(self, host: str, ca_file: str, **options: Any) -> Any:
        """Return a `DeviceCodeCredential` that nobody has signed in to.

        :param host: the authority.
        :param ca_file: the certificate that it is trusted by.
        :param options: the credential's other options.
        """

    def signed_in_credential(
        self, host: str, ca_file: str, cache: msal.SerializableTokenCache, *, package: str | None = None
    ) -> Any:
        """Return a `DeviceCodeCredential` of the first account in `cache` that may not prompt.

        :param host: the authority.
        :param ca_file: the certificate that it is trusted by.
        :param cache: the tokens that the credential has.
        :param package: where its class is imported from. Defaults to the library's own package.
        """

    def writer(self) -> Callable[[int], object]:
        """Return what stores a made-up account's tokens in the personal store, in a plain file, as a sign-in does."""


class Azid:
    """azid. A token store shares tokens between credentials."""

    package = "azid"

    def new_credential(self, host: str, ca_file: str, **options: Any) -> Any:
        from azid import DeviceCodeCredential

        return DeviceCodeCredential(CLIENT_ID, authority=host, tenant_id=TENANT_ID, **_trust(ca_file), **options)

    def signed_in_credential(
        self, host: str, ca_file: str, cache: msal.SerializableTokenCache, *, package: str | None = None
    ) -> Any:
        from azid import AuthenticationRecord, TokenCachePersistenceOptions
        from azid.tokens.stores.memory import MemoryTokenStore

        store = MemoryTokenStore()
        with store.transaction(cae=False) as document:
            document.update(json.loads(cache.serialize()))
        return import_module(package or self.package).DeviceCodeCredential(
            authentication_record=AuthenticationRecord(**record(0, host)),
            disable_automatic_authentication=True,
            cache_persistence_options=TokenCachePersistenceOptions(store=store),
            **_trust(ca_file),
        )

    def writer(self) -> Callable[[int], object]:
        from azid import AuthenticationRecord, TokenCachePersistenceOptions
        from azid.persistence import open_storage
        from azid.tokens.cache import TokenCache
        from azid.tokens.request import TokenRequest
        from azid.tokens.response import TokenResponse

        storage = open_storage(TokenCachePersistenceOptions(allow_unencrypted_storage=True))
        cache = TokenCache(client_id=CLIENT_ID, host=LOGIN_HOST, storage=storage)
        request = TokenRequest((scope(0),), TENANT_ID)

        def write(account: int) -> None:
            event = sign_in_event(account, host=LOGIN_HOST)
            response = TokenResponse.parse(
                event["response"], client_id=CLIENT_ID, tenant_id=TENANT_ID, requested_at=time.time()
            )
            whose = AuthenticationRecord(**record(account, LOGIN_HOST))
            cache.keep(response, request, whose, grant_type=event["grant_type"])

        return write


class AzureIdentity:
    """Microsoft's azure-identity. What gives a credential an in-memory cache is a keyword that it does not document.
    Its persistent cache is msal-extensions'.
    """

    package = "azure.identity"

    def new_credential(self, host: str, ca_file: str, **options: Any) -> Any:
        from azure.identity import DeviceCodeCredential

        return DeviceCodeCredential(CLIENT_ID, authority=host, tenant_id=TENANT_ID, **_trust(ca_file), **options)

    def signed_in_credential(
        self, host: str, ca_file: str, cache: msal.SerializableTokenCache, *, package: str | None = None
    ) -> Any:
        from azure.identity import AuthenticationRecord

        return import_module(package or self.package).DeviceCodeCredential(
            authentication_record=AuthenticationRecord(**record(0, host)),
            disable_automatic_authentication=True,
            _cache=cache,
            **_trust(ca_file),
        )

    def writer(self) -> Callable[[int], object]:
        import msal_extensions

        file = msal_extensions.FilePersistence(str(Path.home() / ".IdentityService" / "msal.cache.nocae"))
        cache = msal_extensions.PersistedTokenCache(file)
        return lambda account: cache.add(sign_in_event(account, host=LOGIN_HOST))


LIBRARIES: Final[dict[str, type[Library]]] = {"azid": Azid, "azure-identity": AzureIdentity}


def _trust(ca_file: str) -> dict[str, Any]:
    return {"disable_instance_discovery": True, "connection_verify": ca_file}
