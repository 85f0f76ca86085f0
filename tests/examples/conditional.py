"""Asking a person only if nothing that is set up on the machine will do."""

from azure.identity import CredentialUnavailableError, DefaultAzureCredential, InteractiveBrowserCredential

scope = "https://graph.microsoft.com/.default"
try:
    token = DefaultAzureCredential(exclude_interactive_browser_credential=True).get_token(scope)
except CredentialUnavailableError as error:
    print("nothing is set up:", str(error).splitlines()[0])
    token = InteractiveBrowserCredential().get_token(scope)
print("token:", bool(token.token))
