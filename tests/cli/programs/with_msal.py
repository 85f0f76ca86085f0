"""A program on MSAL for Python that knows nothing of the emulator: a device code, then a refresh."""

import msal

SCOPES = ["https://graph.microsoft.com/.default"]

application = msal.PublicClientApplication("04b07795-8ddb-461a-bbee-02f9e1bf7b46")
flow = application.initiate_device_flow(SCOPES)
print(flow["message"], flush=True)
result = application.acquire_token_by_device_flow(flow)
[account] = application.get_accounts()
print("signed in:", account["username"])
again = application.acquire_token_silent(SCOPES, account, force_refresh=True)
print("refreshed:", again["access_token"] != result["access_token"])
