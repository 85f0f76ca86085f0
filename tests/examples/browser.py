"""Signing in with the browser, using the account again, and handing the credential to a client."""

from azure.identity import AuthenticationRequiredError, InteractiveBrowserCredential
from azure.storage.blob import BlobServiceClient

credential = InteractiveBrowserCredential()
record = credential.authenticate(scopes=["https://graph.microsoft.com/.default"])
print("account:", record.username)

again = InteractiveBrowserCredential(authentication_record=record, disable_automatic_authentication=True)
try:
    again.get_token("https://graph.microsoft.com/.default")
except AuthenticationRequiredError as error:
    print("needs a person for:", *error.scopes)

InteractiveBrowserCredential(tenant_id="a-tenant", client_id="an-application")

blobs = BlobServiceClient(account_url="https://account.blob.core.windows.net", credential=credential)
print("client for:", blobs.account_name)
