"""What the authority says of itself: OpenID Connect discovery, instance discovery, user realms."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable

from azid.emulator.directory import Directory, Tenant
from azid.emulator.grants import Grant
from azid.emulator.refusals import Refusal
from azid.emulator.tls import LOGIN_HOSTS

__all__ = ["instance_document", "openid_configuration", "user_realm"]

_INSTANCES = (
    ("login.microsoftonline.com", "login.windows.net", ("login.microsoft.com", "sts.windows.net")),
    ("login.partner.microsoftonline.cn", "login.partner.microsoftonline.cn", ("login.chinacloudapi.cn",)),
    ("login.microsoftonline.us", "login.microsoftonline.us", ("login.usgovcloudapi.net",)),
)


def openid_configuration(tenant: Tenant, authority: str, pages: str, grants: Iterable[Grant]) -> dict[str, object]:
    """Return OpenID Connect Discovery 1.0's document.

    :param authority: origin of the endpoints that programs call.
    :param pages: origin of those that a person opens.
    :param grants: those of the token endpoint.
    """
    name = tenant.canonical
    return {
        "issuer": f"{authority}/{tenant.tenant_id or '{tenantid}'}/v2.0",
        "authorization_endpoint": f"{pages}/{name}/oauth2/v2.0/authorize",
        "token_endpoint": f"{authority}/{name}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{authority}/{name}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{authority}/{name}/discovery/v2.0/keys",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "grant_types_supported": [grant.grant_type for grant in grants],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "name", "oid", "tid", "preferred_username"],
        "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com",
    }


def instance_document(authorization_endpoint: str, own_hosts: tuple[str, ...]) -> dict[str, object]:
    """Return which host names mean the same cloud.

    :param own_hosts: the emulator's, with their ports: they are known as well.
    :raises Refusal: `invalid_instance` for a host nobody knows.
    """
    asked = urllib.parse.urlsplit(authorization_endpoint)
    host = (asked.hostname or "").lower()
    if host not in {*LOGIN_HOSTS, *(own.rpartition(":")[0] or own for own in own_hosts)}:
        raise Refusal(50049)
    tenant = asked.path.strip("/").partition("/")[0] or "common"
    metadata: list[dict[str, object]] = [
        {
            "preferred_network": network,
            "preferred_cache": cache,
            "aliases": list(dict.fromkeys([network, cache, *more])),
        }
        for network, cache, more in _INSTANCES
    ]
    metadata += [{"preferred_network": own, "preferred_cache": own, "aliases": [own]} for own in own_hosts]
    return {
        "tenant_discovery_endpoint": f"https://{asked.netloc}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": metadata,
    }


def user_realm(directory: Directory, username: str, authority: str) -> dict[str, object]:
    """Return how an account's password is checked: here, or by its federation server (WS-Trust)."""
    realm: dict[str, object] = {
        "ver": "1.0",
        "account_type": "Managed",
        "domain_name": username.partition("@")[2],
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
    try:
        federated = directory.user(username).federated
    except Refusal:
        federated = False  # Entra does not say here whether an account exists
    if federated:
        realm.update({
            "account_type": "Federated",
            "federation_protocol": "WSTrust",
            "federation_metadata_url": f"{authority}/adfs/services/trust/mex",
            "federation_active_auth_url": f"{authority}/adfs/services/trust/2005/usernamemixed",
        })  # fmt: skip
    return realm
