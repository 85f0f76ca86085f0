"""An Entra ID to test against: tenants, people, pages, tokens, refusals and faults, on this machine alone.

Needs `pip install azid[emulator]`. It is no Microsoft product and issues no token that Azure accepts.
"""

from __future__ import annotations

try:
    import cryptography  # noqa: F401
    import flask  # noqa: F401
    import joserfc  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"the emulator needs {error.name}, which is not installed: pip install 'azid[emulator]'", name=error.name
    ) from error

from azid.emulator.authority import Emulator
from azid.emulator.directory import DEFAULT_TENANT_ID, Client, User
from azid.emulator.faults import Fault
from azid.emulator.person import Person
from azid.emulator.refusals import CATALOGUE
from azid.emulator.requests_log import RecordedRequest
from azid.emulator.transport import EmulatorTransport

__all__ = [
    "CATALOGUE",
    "DEFAULT_TENANT_ID",
    "Client",
    "Emulator",
    "EmulatorTransport",
    "Fault",
    "Person",
    "RecordedRequest",
    "User",
]
