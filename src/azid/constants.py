"""Values that programs written for `azure.identity` import by name."""

from __future__ import annotations

from typing import Final

__all__ = ["DEVELOPER_SIGN_ON_CLIENT_ID"]

DEVELOPER_SIGN_ON_CLIENT_ID: Final = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The client ID of Microsoft's development application: what people sign in to when a program names none of its own."""
