"""Every parameter that the credentials share, at its default."""

from azure.identity import AuthenticationRecord, InteractiveBrowserCredential, TokenCachePersistenceOptions
from azure.identity._constants import DEVELOPER_SIGN_ON_CLIENT_ID

record: AuthenticationRecord | None = None
options: TokenCachePersistenceOptions | None = None
credential = InteractiveBrowserCredential(
    authentication_record=record,
    disable_automatic_authentication=False,
    tenant_id=None,
    cache_persistence_options=options,
    authority=None,
    disable_instance_discovery=False,
    enable_support_logging=False,
    client_id=DEVELOPER_SIGN_ON_CLIENT_ID,
)
info = credential.get_token_info("https://graph.microsoft.com/.default", options={})
print("token:", bool(info["token"]), "expires:", isinstance(info["expires_on"], int))
