"""Signing in with a device code that the program shows in its own way, and listing resource groups."""

from datetime import datetime

from azure.identity import DeviceCodeCredential
from azure.mgmt.resource import ResourceManagementClient


def show(verification_uri: str, user_code: str, expires_on: datetime) -> None:
    print(f"page: {verification_uri} until: {expires_on:%Z}", f"code: {user_code}", sep="\n", flush=True)


credential = DeviceCodeCredential(prompt_callback=show, timeout=300)
record = credential.authenticate(scopes=["https://graph.microsoft.com/.default"])
print("account:", record.username)

client = ResourceManagementClient(credential=credential, subscription_id="a-subscription")
for group in client.resource_groups.list():
    print("group:", group.name)
