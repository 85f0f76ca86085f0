"""Signing in with a password, as some tests do."""

import os

from azure.identity import UsernamePasswordCredential
from azure.keyvault.secrets import SecretClient

UsernamePasswordCredential(client_id="an-application", username="someone@contoso.example", password="a password")

credential = UsernamePasswordCredential(
    client_id=os.environ["TEST_CLIENT_ID"],
    username=os.environ["TEST_USERNAME"],
    password=os.environ["TEST_PASSWORD"],
    tenant_id=os.environ["TEST_TENANT_ID"],
)
print("account:", credential.authenticate("https://graph.microsoft.com/.default").username)
print("silently:", bool(credential.get_token("https://graph.microsoft.com/.default").token))

secrets = SecretClient(vault_url="https://vault.vault.azure.net/", credential=credential)
print("client for:", secrets.vault_url)
