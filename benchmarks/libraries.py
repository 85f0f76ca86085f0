"""The two libraries, each called through its public names. A worker imports only the one of its environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from benchmarks.sign_ins import CLIENT_ID, TENANT_ID, home_account_id, username

if TYPE_CHECKING:
    import msal

__all__ = ["LIBRARIES", "Library"]


class Library(Protocol):
    """A library under measurement."""

    def new_credential(self, host: str, ca_file: str, **options: Any) -> Any:
        """Return a `DeviceCodeCredential` that nobody has signed in to.

        :param host: the authority.
        :param ca_file: the certificate that it is trusted by.
        :param options: the credential's other options.
        """

    def signed_in_credential(self, host: str, ca_file: str, cache: msal.SerializableTokenCache) -> Any:
        """Return a `DeviceCodeCredential` of the first account in `cache` that may not prompt.

        :param host: the authority.
        :param ca_file: the certificate that it is trusted by.
        :param cache: the tokens that the credential has.
        """


class Azid:
    """azid. A token store shares tokens between credentials."""

    def new_credential(self, host: str, ca_file: str, **options: Any) -> Any:
        from azid import DeviceCodeCredential

        return DeviceCodeCredential(CLIENT_ID, authority=host, tenant_id=TENANT_ID, **_trust(ca_file), **options)

    def signed_in_credential(self, host: str, ca_file: str, cache: msal.SerializableTokenCache) -> Any:
        from azid import AuthenticationRecord, DeviceCodeCredential, TokenCachePersistenceOptions
        from azid.tokens.stores.memory import MemoryTokenStore

        store = MemoryTokenStore()
        with store.transaction(cae=False) as document:
            document.update(json.loads(cache.serialize()))
        return DeviceCodeCredential(
            authentication_record=AuthenticationRecord(**_record(host)),
            disable_automatic_authentication=True,
            cache_persistence_options=TokenCachePersistenceOptions(store=store),
            **_trust(ca_file),
        )


class AzureIdentity:
    """Microsoft's azure-identity. What gives a credential an in-memory cache is a keyword that it does not document."""

    def new_credential(self, host: str, ca_file: str, **options: Any) -> Any:
        from azure.identity import DeviceCodeCredential

        return DeviceCodeCredential(CLIENT_ID, authority=host, tenant_id=TENANT_ID, **_trust(ca_file), **options)

    def signed_in_credential(self, host: str, ca_file: str, cache: msal.SerializableTokenCache) -> Any:
        from azure.identity import AuthenticationRecord, DeviceCodeCredential

        return DeviceCodeCredential(
            authentication_record=AuthenticationRecord(**_record(host)),
            disable_automatic_authentication=True,
            _cache=cache,
            **_trust(ca_file),
        )


LIBRARIES: Final[dict[str, type[Library]]] = {"azid": Azid, "azure-identity": AzureIdentity}


def _trust(ca_file: str) -> dict[str, Any]:
    return {"disable_instance_discovery": True, "connection_verify": ca_file}


def _record(host: str) -> dict[str, str]:
    return {
        "tenant_id": TENANT_ID,
        "client_id": CLIENT_ID,
        "authority": host,
        "home_account_id": home_account_id(0),
        "username": username(0),
    }
