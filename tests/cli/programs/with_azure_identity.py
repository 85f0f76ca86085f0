"""A program on azure-identity that knows nothing of the emulator: with_azure_identity.py device-code|browser"""

import sys

import azure.identity
import requests

SCOPE = "https://graph.microsoft.com/.default"

flows = {
    "device-code": azure.identity.DeviceCodeCredential,
    "browser": azure.identity.InteractiveBrowserCredential,
}
credential = flows[sys.argv[1]]()
record = credential.authenticate(scopes=[SCOPE])
print("library:", azure.identity.__version__)
print("signed in:", record.username, "at", record.authority)
authorization = {"Authorization": f"Bearer {credential.get_token(SCOPE).token}"}
print(
    "me:", requests.get("https://graph.microsoft.com/v1.0/me", headers=authorization, timeout=30).json()["displayName"]
)
