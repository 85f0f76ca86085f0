"""Authorities and tenants: their names, which of them are one, and what is known of them without asking.

Entra documentation topics: "National clouds", "OAuth 2.0 and OpenID Connect protocols: endpoints".
"""

from __future__ import annotations

import os
import re
import string
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from azid.errors import AuthenticationFailedError

__all__ = [
    "AzureAuthorityHosts",
    "KnownAuthorities",
    "aliases",
    "allowed_tenants",
    "default_authority",
    "host_of",
    "is_guid",
    "is_well_known",
    "management_scope",
    "normalize_authority",
    "resolve_tenant",
    "validate_tenant_id",
    "well_known_configuration",
]

DEFAULT_TENANT: Final = "organizations"
_SHARED_TENANTS: Final = frozenset({"common", "consumers", "organizations"})
"""Tenant names that stand for whichever tenant the account is at home in."""


class _DeprecatedHosts(type):
    def __getattr__(cls, name: str) -> str:
        if name == "AZURE_GERMANY":
            warnings.warn("AZURE_GERMANY is no more: that cloud was closed in 2021.", DeprecationWarning, stacklevel=2)
            return "login.microsoftonline.de"
        raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")


class AzureAuthorityHosts(metaclass=_DeprecatedHosts):
    """The authority hosts of Azure's clouds, for the `authority` parameter."""

    AZURE_CHINA: Final = "login.chinacloudapi.cn"
    AZURE_GOVERNMENT: Final = "login.microsoftonline.us"
    AZURE_PUBLIC_CLOUD: Final = "login.microsoftonline.com"


class KnownAuthorities(AzureAuthorityHosts):
    """The older name of :class:`AzureAuthorityHosts`."""


# Hosts of one cloud share accounts and tokens: the alias groups of Entra's instance discovery.
_ALIAS_GROUPS: Final = tuple(
    frozenset(group.split())
    for group in (
        "login.microsoftonline.com login.windows.net login.microsoft.com sts.windows.net",
        "login.chinacloudapi.cn login.partner.microsoftonline.cn",
        "login.microsoftonline.us login.usgovcloudapi.net",
    )
)
_MANAGEMENT_SCOPES: Final = {  # the doubled slash belongs there: these resources' names end with one
    AzureAuthorityHosts.AZURE_PUBLIC_CLOUD: "https://management.core.windows.net//.default",
    AzureAuthorityHosts.AZURE_CHINA: "https://management.core.chinacloudapi.cn//.default",
    AzureAuthorityHosts.AZURE_GOVERNMENT: "https://management.core.usgovcloudapi.net//.default",
}
_TENANT_CHARACTERS: Final = frozenset(string.ascii_letters + string.digits + "-.")
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*")  # a name in ASCII (RFC 1123), or an IPv6 address
_CONFIGURATION_URL: Final = r"https://([^/]+)/([^/]+)/v2\.0/\.well-known/openid-configuration"


def normalize_authority(authority: str) -> str:
    """Return `authority`, a host or an https URL, as ``https://host[:port]``.

    :raises ValueError: it is not https, or says more than a host and a port.
    """
    text = authority.strip() if isinstance(authority, str) else ""
    _, at, rest = str(authority).rpartition("@")
    shown = repr(f"…@{rest}" if at else authority)  # before the @ there may be a password
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = parts.hostname or "" if text.isprintable() else ""  # urlsplit passes over tabs and line ends
    except ValueError:
        parts, host = urlsplit("https:"), ""
    if parts.scheme != "https":
        raise ValueError(f"The authority {shown} must be an https URL: sign-ins go over TLS only.")
    more = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if more or not _HOST.fullmatch(host):
        raise ValueError(
            f"The authority {shown} must be a host such as {AzureAuthorityHosts.AZURE_PUBLIC_CLOUD!r}, with "
            "nothing behind it. Give the tenant as 'tenant_id'."
        )
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"The authority {shown} names an impossible port.") from None
    host = f"[{host}]" if ":" in host else host
    return f"https://{host}" if port in (None, 443) else f"https://{host}:{port}"


def default_authority(environ: Mapping[str, str] | None = None) -> str:
    """Return the authority that AZURE_AUTHORITY_HOST names, else the public cloud's.

    :param environ: the environment variables. Defaults to the process's.
    """
    environ = os.environ if environ is None else environ
    return normalize_authority(environ.get("AZURE_AUTHORITY_HOST") or AzureAuthorityHosts.AZURE_PUBLIC_CLOUD)


def host_of(authority: str) -> str:
    """Return the host of a normalized authority without its port: MSAL's `environment`."""
    return urlsplit(authority).hostname or ""


def aliases(host: str) -> frozenset[str]:
    """Return every host whose accounts and tokens are also `host`'s, itself included."""
    return next((group for group in _ALIAS_GROUPS if host in group), frozenset({host}))


def is_well_known(host: str) -> bool:
    """Whether `host` is one of Microsoft's, so that nobody has to be asked about it."""
    return any(host in group for group in _ALIAS_GROUPS)


def management_scope(authority: str) -> str | None:
    """Return the scope of Azure Resource Manager in the cloud of `authority`, or None for an unknown cloud."""
    group = aliases(host_of(authority))
    return next((scope for host, scope in _MANAGEMENT_SCOPES.items() if host in group), None)


def is_guid(tenant: str) -> bool:
    """Whether `tenant` is a tenant's ID rather than a name that stands for one."""
    return _GUID.fullmatch(tenant) is not None


def is_shared_tenant(tenant: str) -> bool:
    """Whether `tenant` stands for the home tenant of whoever signs in."""
    return tenant in _SHARED_TENANTS


def validate_tenant_id(tenant_id: str) -> str:
    """Return `tenant_id` if it can be a tenant's ID or domain name.

    :raises ValueError: it cannot.
    """
    if not isinstance(tenant_id, str) or not tenant_id or not _TENANT_CHARACTERS.issuperset(tenant_id):
        raise ValueError(
            f"{tenant_id!r} is no tenant ID. Give the tenant's GUID or one of its domain names, such as "
            "'contoso.onmicrosoft.com'."
        )
    return tenant_id


def allowed_tenants(given: Iterable[str] | None) -> tuple[str, ...]:
    """Return the tenants that `additionally_allowed_tenants` names.

    :param given: tenants, or one of them as text, which azure-identity takes, too.
    """
    return (given,) if isinstance(given, str) else tuple(given or ())


def resolve_tenant(own: str, requested: str | None, additionally_allowed: Iterable[str]) -> str:
    """Return the tenant to ask for a token.

    AZURE_IDENTITY_DISABLE_MULTITENANTAUTH, if set, makes it the credential's own always.

    :param own: the credential's tenant; empty if somebody else decides it.
    :param requested: the tenant that the caller asks for.
    :param additionally_allowed: the tenants besides its own that the credential may ask; ``*`` is any.
    :raises ValueError: `requested` is malformed.
    :raises ~azure.core.exceptions.ClientAuthenticationError: `requested` is not allowed.
    """
    if not requested or requested == own:
        return own
    validate_tenant_id(requested)
    if own == "adfs" or os.environ.get("AZURE_IDENTITY_DISABLE_MULTITENANTAUTH"):
        return own
    if not own:
        return requested
    allowed = tuple(additionally_allowed)
    if "*" in allowed or requested in allowed or (own == DEFAULT_TENANT and not allowed):
        return requested
    raise AuthenticationFailedError(
        f"This credential may not ask for tokens of the tenant {requested}. List that tenant, or '*' for any, in "
        "'additionally_allowed_tenants' when you make the credential."
    )


def well_known_configuration(url: str) -> dict[str, Any] | None:
    """Return the OpenID configuration at `url` where it is a fixed fact, else None.

    It is one for the well-known clouds when the tenant is a GUID or a shared name: a domain name may not exist, and
    only the authority can tell.
    """
    match = re.fullmatch(_CONFIGURATION_URL, url)
    if not match or not is_well_known(match[1]) or not (is_guid(match[2]) or is_shared_tenant(match[2])):
        return None
    base = f"https://{match[1]}/{match[2]}"
    return {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
    }
