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

from azid.emulator.applications import Client, Federation, SubjectNameIssuer
from azid.emulator.authority import Emulator
from azid.emulator.directory import DEFAULT_TENANT_ID, User
from azid.emulator.faults import Fault
from azid.emulator.federation import DEFAULT_ISSUER, TOKEN_EXCHANGE_AUDIENCE
from azid.emulator.identities import SYSTEM_ASSIGNED, ManagedIdentity
from azid.emulator.person import Person
from azid.emulator.pipelines import PIPELINES_ISSUER
from azid.emulator.refusals import CATALOGUE
from azid.emulator.requests_log import RecordedRequest
from azid.emulator.transport import EmulatorTransport

__all__ = [
    "CATALOGUE",
    "DEFAULT_ISSUER",
    "DEFAULT_TENANT_ID",
    "PIPELINES_ISSUER",
    "SYSTEM_ASSIGNED",
    "TOKEN_EXCHANGE_AUDIENCE",
    "Client",
    "Emulator",
    "EmulatorTransport",
    "Fault",
    "Federation",
    "ManagedIdentity",
    "Person",
    "RecordedRequest",
    "SubjectNameIssuer",
    "User",
]
