"""The constants that programs, and Microsoft's own documentation, import from this private module."""

from __future__ import annotations

from azid import DEVELOPER_SIGN_ON_CLIENT_ID, AzureAuthorityHosts, KnownAuthorities

__all__ = ["DEVELOPER_SIGN_ON_CLIENT_ID", "AzureAuthorityHosts", "KnownAuthorities"]
