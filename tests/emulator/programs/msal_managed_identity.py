"""A program on MSAL for Python: prints the token of a managed identity, or the error.

msal_managed_identity.py [client_id | object_id | resource_id] [VALUE]
"""

from __future__ import annotations

import sys

import msal
import requests

which = dict([sys.argv[1:3]]) if sys.argv[1:] else {}
identity = msal.UserAssignedManagedIdentity(**which) if which else msal.SystemAssignedManagedIdentity()
client = msal.ManagedIdentityClient(identity, http_client=requests.Session())
result = client.acquire_token_for_client(resource="https://vault.azure.net")
print(result.get("access_token") or f"{result['error']} {result['error_description']}")
