"""What Microsoft calls its own applications that people meet in the shared cache."""

from __future__ import annotations

from typing import Final

__all__ = ["application_name"]

# Source: Entra documentation, "Verify first-party Microsoft applications in sign-in reports".
_NAMES: Final = {
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46": "Microsoft Azure CLI",
    "04f0c124-f2bc-4f59-8241-bf6df9866bbd": "Visual Studio",
    "1950a258-227b-4e31-a9cf-717495945fc2": "Microsoft Azure PowerShell",
    "872cd9fa-d31f-45e0-9eab-6e460a02d1f1": "Visual Studio",
    "aebc6443-996d-45c2-90f0-388ff96faa56": "Visual Studio Code",
}


def application_name(client_id: str) -> str:
    """Return the application's ID, with its name where it is one of Microsoft's that many people use."""
    name = _NAMES.get(client_id.lower())
    return f"{client_id} ({name})" if name else client_id
