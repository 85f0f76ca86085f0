"""The account that signed in, as other Azure SDKs store it too."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

__all__ = ["AuthenticationRecord", "require_record"]

_VERSION: Final = "1.0"
_JSON_NAMES: Final = {
    "authority": "authority",
    "client_id": "clientId",
    "home_account_id": "homeAccountId",
    "tenant_id": "tenantId",
    "username": "username",
}


def require_record(record: AuthenticationRecord, name: str) -> None:
    """Refuse what is no record, such as a record's text. One of azure-identity's is as good as azid's own.

    :param record: what was given.
    :param name: the parameter that it was given for, for the error.
    :raises TypeError: it is none.
    """
    if not hasattr(record, "home_account_id"):
        raise TypeError(
            f"'{name}' takes an AuthenticationRecord, which {type(record).__name__} is not: 'authenticate' and "
            "'accounts' return some, and AuthenticationRecord.deserialize reads one from text."
        )


class AuthenticationRecord(NamedTuple):
    """Which account signed in, where and for which application. Holds no secret.

    `authenticate` returns one. A credential made with it finds the account's tokens in a persistent cache without
    asking anybody.

    :param tenant_id: the tenant that issued the account's tokens.
    :param client_id: the application that the account signed in to.
    :param authority: the authority's host, e.g. ``login.microsoftonline.com``.
    :param home_account_id: MSAL's name for the account, the same in every tenant: ``<object id>.<home tenant id>``.
    :param username: the account's user principal name, mostly an e-mail address.
    """

    tenant_id: str
    client_id: str
    authority: str
    home_account_id: str
    username: str

    def serialize(self) -> str:
        """Return the record as JSON, readable by the Azure SDKs of other languages."""
        values = {json_name: getattr(self, name) for name, json_name in _JSON_NAMES.items()}
        return json.dumps({**values, "version": _VERSION})

    @classmethod
    def deserialize(cls, data: str) -> AuthenticationRecord:
        """Read a record that `serialize`, of this or another Azure SDK, has written.

        :param data: the JSON text.
        :raises ValueError: the text is not a record, lacks a field, or is of a version that this one cannot read.
        """
        try:
            values = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"This is no authentication record: it is not JSON ({error}).") from None
        if not isinstance(values, dict):
            raise ValueError("This is no authentication record: it is not a JSON object.")
        if values.get("version") != _VERSION:
            raise ValueError(
                f"This authentication record is of version {values.get('version')!r}; only version "
                f"{_VERSION!r} can be read. Call 'authenticate' again to get a new one."
            )
        wrong = [name for name in _JSON_NAMES.values() if not isinstance(values.get(name), str)]
        if wrong:
            raise ValueError(f"This authentication record lacks the text field {', '.join(map(repr, wrong))}.")
        return cls(**{name: values[json_name] for name, json_name in _JSON_NAMES.items()})
