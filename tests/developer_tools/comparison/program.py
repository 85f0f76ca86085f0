"""A program on azid or on azure-identity, whose names are the same: it asks developers' tools for tokens.

program.py LIBRARY reads cases as JSON from its standard input and prints what came of each. It uses nothing but the
standard library and the library that it is for.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from typing import Any

FOLLOWING = {
    "AzureCliCredential": "AzurePowerShellCredential",
    "AzurePowerShellCredential": "AzureDeveloperCliCredential",
}
EXCLUSIONS = {
    "AzureCliCredential": "exclude_cli_credential",
    "AzurePowerShellCredential": "exclude_powershell_credential",
    "AzureDeveloperCliCredential": "exclude_developer_cli_credential",
}
OTHERS = (
    *("environment", "workload_identity", "managed_identity", "shared_token_cache", "visual_studio_code", "broker"),
    "interactive_browser",
)


def outcome(call: Any) -> dict[str, Any]:
    """Return what came of a call: its kind, and the token or the message."""
    try:
        token = call()
    except Exception as error:
        names = [cls.__name__ for cls in type(error).__mro__]
        kinds = {"CredentialUnavailableError": "unavailable", "ClientAuthenticationError": "failed"}
        kind = next((kind for name, kind in kinds.items() if name in names), names[0])
        return {"kind": kind, "message": str(error)}
    return {"kind": "token", "token": token.token, "expires_on": token.expires_on}


def ask(identity: Any, case: dict[str, Any]) -> dict[str, Any]:
    """Return what came of a case: alone, again, and without a token in a chain, where the tool that follows has one."""
    os.environ["PATH"] = case["path"]
    name, options = case["credential"], case["options"]
    try:
        credential = getattr(identity, name)(**case["parameters"])
    except ValueError:
        return {"alone": {"kind": "ValueError at once"}}
    came = {"alone": outcome(lambda: credential.get_token(*case["scopes"], **options))}
    if case["twice"]:
        came["again"] = outcome(lambda: credential.get_token(*case["scopes"], **options))
    if name in FOLLOWING and came["alone"]["kind"] != "token" and "tenant_id" not in case["parameters"]:
        excluded = {f"exclude_{other}_credential": True for other in OTHERS}
        asked = (name, FOLLOWING[name])
        excluded.update({exclusion: cls not in asked for cls, exclusion in EXCLUSIONS.items()})
        timeout = case["parameters"].get("process_timeout", 10)
        chain = identity.DefaultAzureCredential(process_timeout=timeout, **excluded)
        came["in chain"] = outcome(lambda: chain.get_token(*case["scopes"], **options))
    return came


if __name__ == "__main__":
    warnings.simplefilter("error")
    library = importlib.import_module(sys.argv[1])
    json.dump([ask(library, case) for case in json.load(sys.stdin)], sys.stdout)
