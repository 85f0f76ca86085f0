"""azid's default credential asks the same credentials in the same order as the real azure-identity's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from azid.default_chain import LINKS

PROGRAM = Path(__file__).with_name("program.py")
TENANT = "22222222-2222-2222-2222-222222222222"
CLIENT = "44444444-4444-4444-4444-444444444444"
VARIABLE = "AZURE_TOKEN_CREDENTIALS"
WORKLOAD = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_FEDERATED_TOKEN_FILE": "/token"}
SECRET = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": "canary"}
PASSWORD = {"AZURE_CLIENT_ID": CLIENT, "AZURE_USERNAME": "ada@contoso.example", "AZURE_PASSWORD": "canary"}

Made = dict[str, dict[str, Any]]
Case = tuple[dict[str, str], dict[str, Any]]
CASES: Final[dict[str, Case]] = {
    "nothing": ({}, {}),
    **{f"without {link.key}": ({}, {f"exclude_{link.key}_credential": True}) for link in LINKS},
    **{f"with {link.key}": ({}, {f"exclude_{link.key}_credential": False}) for link in LINKS},
    **{f"choice {link.name}": ({VARIABLE: link.name}, {}) for link in LINKS},
    **{
        f"choice {choice!r}": ({VARIABLE: choice}, {})
        for choice in ("dev", "prod", " DEV ", "Prod", "", " ", "other", "azureclicredential", "dev,prod")
    },
    "choice and exclusion": ({VARIABLE: "prod"}, {"exclude_managed_identity_credential": True}),
    "choice and inclusion": ({VARIABLE: "prod"}, {"exclude_cli_credential": False}),
    "choice and None": ({VARIABLE: "dev"}, {"exclude_cli_credential": None}),
    "nothing left": ({VARIABLE: "AzureCliCredential"}, {"exclude_cli_credential": True}),
    "required and set": ({VARIABLE: "dev"}, {"require_envvar": True}),
    "required": ({}, {"require_envvar": True}),
    "required and empty": ({VARIABLE: " "}, {"require_envvar": True}),
    "tenant": ({}, {"tenant_id": TENANT}),
    "client": ({}, {"client_id": CLIENT}),
    "user": ({}, {"username": "ada@contoso.example"}),
    "workload": (WORKLOAD, {}),
    "workload with parameters": (
        {"AZURE_FEDERATED_TOKEN_FILE": "/token"},
        {"workload_identity_tenant_id": TENANT, "workload_identity_client_id": CLIENT},
    ),
    "workload for the managed identity's client": (
        {"AZURE_FEDERATED_TOKEN_FILE": "/token", "AZURE_TENANT_ID": TENANT},
        {"managed_identity_client_id": CLIENT},
    ),
    "workload without a tenant": (WORKLOAD, {"workload_identity_tenant_id": None}),
    "workload without a client": (WORKLOAD, {"workload_identity_client_id": None}),
    "secret": (SECRET, {}),
    "password": (PASSWORD, {}),
    "incomplete": ({"AZURE_CLIENT_ID": CLIENT}, {}),
    "certificate that is not there": ({**WORKLOAD, "AZURE_CLIENT_CERTIFICATE_PATH": "/none.pem"}, {}),
    "impossible tenant": ({**SECRET, "AZURE_TENANT_ID": "a&b"}, {}),
    "impossible authority": ({"AZURE_AUTHORITY_HOST": "http://login.example"}, {}),
    "system's own identity": ({"AZURE_CLIENT_ID": CLIENT}, {"managed_identity_client_id": None}),
}
ONLY_SYNC: Final = {"InteractiveBrowserCredential", "BrokerCredential"}
"""azure-identity's async chain has no credential of a person's own; azid's is the same as its sync one."""


def made_by(library: str, python: Path | str, home: Path) -> Made:
    kept = {name: value for name, value in os.environ.items() if name.startswith(("LANG", "LC_", "SYSTEM"))}
    done = subprocess.run(
        [python, PROGRAM, library],
        input=json.dumps([*CASES.values()]),
        env={**kept, "HOME": str(home), "PATH": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


@pytest.fixture(scope="module")
def made(azure_identity: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Made]:
    home = tmp_path_factory.mktemp("home")
    return made_by("azure.identity", azure_identity, home), made_by("azid", sys.executable, home)


@pytest.mark.parametrize("case", CASES)
def test_the_credentials_are_the_same(made: tuple[Made, Made], case: str) -> None:
    theirs, ours = (library[case] for library in made)
    assert ours["sync"] == theirs["sync"]
    assert ours["async"] == ours["sync"]
    if case == "choice InteractiveBrowserCredential":
        assert theirs["async"] == "ValueError"
    elif isinstance(ours["async"], str):
        assert ours["async"] == theirs["async"]
    else:
        assert [name for name in ours["async"] if name not in ONLY_SYNC] == theirs["async"]
