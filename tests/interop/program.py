"""A program on azid or on azure-identity, whose names are the same: it signs people or an application in, or is silent.

program.py LIBRARY sign-in CAE USERNAME PASSWORD…    signs people in one after another; prints a record each
program.py LIBRARY silent CAE [RECORD]               prints the token, or the name of the error
program.py LIBRARY application CAE TENANT ID SECRET  prints an application's token
program.py LIBRARY shared CASES                      prints what SharedTokenCacheCredential makes of each, as JSON
"""

from __future__ import annotations

import importlib
import itertools
import json
import sys
import warnings
from collections.abc import Iterable
from typing import Any

SCOPE = "https://graph.microsoft.com/.default"


def pairs(items: Iterable[str]) -> Iterable[tuple[str, str]]:
    iterator = iter(items)
    return zip(iterator, iterator, strict=True)


def main(library: str, command: str, cae: str, *arguments: str) -> None:
    identity: Any = importlib.import_module(library)
    constants: Any = importlib.import_module("azid" if library == "azid" else "azure.identity._constants")
    options = {"cache_persistence_options": identity.TokenCachePersistenceOptions(allow_unencrypted_storage=True)}
    if command == "shared":
        print(json.dumps([shared(identity, **case) for case in json.loads(cae)]))
    elif command == "sign-in":
        warnings.simplefilter("ignore")  # a password cannot do MFA
        for username, password in pairs(arguments):
            client_id = constants.DEVELOPER_SIGN_ON_CLIENT_ID
            credential = identity.UsernamePasswordCredential(client_id, username, password, **options)
            print(credential.authenticate(scopes=[SCOPE], enable_cae=cae == "cae").serialize(), flush=True)
    elif command == "application":
        print(identity.ClientSecretCredential(*arguments, **options).get_token(SCOPE, enable_cae=cae == "cae").token)
    else:
        record = identity.AuthenticationRecord.deserialize(arguments[0]) if arguments else None
        credential = identity.DeviceCodeCredential(
            disable_automatic_authentication=True, authentication_record=record, **options
        )
        try:
            print(credential.get_token(SCOPE, enable_cae=cae == "cae").token)
        except identity.AuthenticationRequiredError as error:
            print(type(error).__name__)
        print(*itertools.islice(sys.modules, 10_000))


def shared(identity: Any, record: str = "", options: Any = None, **parameters: Any) -> dict[str, str]:
    """Ask the cache that Microsoft's tools share; return the kind of outcome, and the token or the message."""
    if record:
        parameters["authentication_record"] = identity.AuthenticationRecord.deserialize(record)
    try:
        token = identity.SharedTokenCacheCredential(**parameters).get_token(SCOPE, **(options or {})).token
    except Exception as error:
        names = [cls.__name__ for cls in type(error).__mro__]
        kinds = {"CredentialUnavailableError": "unavailable", "ClientAuthenticationError": "failed"}
        return {"kind": next((kind for name, kind in kinds.items() if name in names), names[0]), "told": str(error)}
    return {"kind": "token", "token": token}


if __name__ == "__main__":
    main(*sys.argv[1:])
