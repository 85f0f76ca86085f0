"""What developers' tools may do, for azid and azure-identity to make something of."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.support.developer_tools import StandIn

__all__ = ["CASES", "CLAIMS", "CREDENTIALS", "EXPIRES_ON", "ZONE", "Case"]

CREDENTIALS: Final = {
    "az": "AzureCliCredential",
    "azd": "AzureDeveloperCliCredential",
    "pwsh": "AzurePowerShellCredential",
}
ZONE: Final = "Asia/Kathmandu"
"""Where the programs are: a quarter of an hour off all others, so that no mistake goes unnoticed."""
EXPIRES_ON: Final = int(time.time()) + 12 * 3600
"""When tokens expire, in seconds since the epoch: late enough for whoever takes one time zone for another."""
VAULT: Final = "https://vault.azure.net/.default"
TENANT: Final = "22222222-2222-2222-2222-222222222222"
OTHER_TENANT: Final = "33333333-3333-3333-3333-333333333333"
CLAIMS: Final = '{"access_token": {"acrs": {"essential": true, "value": "canary"}}}'
NOT_SIGNED_IN: Final = {
    "az": "ERROR: Please run 'az login' to setup account.",
    "azd": "ERROR: not logged in, run `azd auth login` to login",
    "pwsh": "Run Connect-AzAccount to login.",
}


@dataclass(frozen=True)
class Case:
    """One thing that a tool may do.

    :param name: the case's name; the tool's comes before it.
    :param script: has the stand-in do it.
    :param tools: which tools may.
    :param scopes: what is asked for.
    :param options: what else `get_token` is given.
    :param parameters: what the credential is made with.
    :param twice: whether the token is asked for once more.
    """

    name: str
    script: Callable[[StandIn], object] = lambda tool: tool.gives("a-token", EXPIRES_ON)
    tools: tuple[str, ...] = tuple(CREDENTIALS)
    scopes: tuple[str, ...] = (VAULT,)
    options: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    twice: bool = False


def _prints(output: Any = "", errors: str | bytes = "", status: int = 0, **more: Any) -> Callable[[StandIn], object]:
    text = output if isinstance(output, str | bytes) else json.dumps(output)
    return lambda tool: tool.prints(text, errors, status, **more)


def _not_signed_in(more: str = "") -> Callable[[StandIn], object]:
    return lambda tool: tool.prints(errors=NOT_SIGNED_IN[tool.path.name] + more, status=1)


def _console(message: str) -> str:
    return json.dumps({"type": "consoleMessage", "data": {"message": message}}) + "\n"


def _local_time() -> str:
    return datetime.fromtimestamp(EXPIRES_ON, ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M:%S.%f")


_TOKEN_OF_AZD: Final = {"token": "a-token", "expiresOn": "2100-01-01T00:00:00Z"}
_REFUSED: Final = "ERROR: fetching token: AADSTS50076: You must use multi-factor authentication."

CASES: Final = (
    Case("token", twice=True),
    Case("scope of another form", scopes=("https://vault.azure.net",)),
    Case("double slash", scopes=("https://management.core.windows.net//.default",)),
    Case("two scopes", scopes=(VAULT, "https://graph.microsoft.com/.default")),
    Case("no scope", scopes=()),
    Case("unsafe scope", scopes=("https://vault.azure.net/a&b",)),
    Case("scope that looks like an option", scopes=("--debug",)),
    Case("its tenant", parameters={"tenant_id": TENANT}),
    Case("the call's tenant", options={"tenant_id": TENANT}),
    Case(
        "another tenant that is allowed",
        parameters={"tenant_id": TENANT, "additionally_allowed_tenants": [OTHER_TENANT]},
        options={"tenant_id": OTHER_TENANT},
    ),
    Case(
        "another tenant that is not allowed",
        parameters={"tenant_id": TENANT},
        options={"tenant_id": OTHER_TENANT},
    ),
    Case("impossible tenant", options={"tenant_id": "a&b"}),
    Case("impossible own tenant", parameters={"tenant_id": "a&b"}),
    Case("subscription", tools=("az",), parameters={"subscription": "Pay as you go"}),
    Case("impossible subscription", tools=("az",), parameters={"subscription": "a&b"}),
    Case("claims", options={"claims": CLAIMS}),
    Case(
        "claims that it does not know",
        _prints(errors="ERROR: unknown flag: --claims", status=1),
        tools=("azd",),
        options={"claims": CLAIMS},
    ),
    Case("not installed", lambda tool: tool.remove()),
    Case("not executable", lambda tool: tool.path.chmod(0o600)),
    Case("no program", lambda tool: tool.path.write_bytes(b"\x7fELF nonsense")),
    Case("its interpreter is missing", _prints(errors="sh: python: not found", status=127)),
    Case("not signed in", _not_signed_in()),
    Case("not signed in, as output", lambda tool: tool.prints(_console(NOT_SIGNED_IN["azd"]), "", 1), tools=("azd",)),
    Case("refused by Entra", _not_signed_in(" AADSTS50076: You must use multi-factor authentication.")),
    Case("refused by Entra, as messages", _prints(_console(_REFUSED), _console("Suggestion"), 1), tools=("azd",)),
    Case("refused by Entra, as an error", _prints("", json.dumps({"error": _REFUSED}), 1), tools=("azd",)),
    Case("sign-in has expired", _prints("", "ERROR: login expired, run `azd auth login`.", 1), tools=("azd",)),
    Case("no subscription is chosen", _prints("", "ERROR: Please run 'az account set'.", 1), tools=("az",)),
    Case("module is missing", lambda tool: tool.prints(token=False), tools=("pwsh",)),
    Case("scripts are forbidden", _prints("", "AuthorizationManager check failed.", 1), tools=("pwsh",)),
    Case("fails", _prints("canary", "ERROR: Something else.", 1)),
    Case("fails without a word", _prints("canary", "", 3)),
    Case("dies by a signal", _prints("canary", dies_by=signal.SIGTERM)),
    Case("prints nothing", _prints()),
    Case("prints nonsense", _prints("canary")),
    Case("prints a list", _prints(["canary"])),
    Case("prints NUL", _prints(b"canary\0", b"\0")),
    Case("prints no UTF-8", lambda tool: tool.gives("a-token", EXPIRES_ON, errors=b"WARNING: Gr\xfc\xdfe")),
    Case("prints megabytes", lambda tool: tool.gives("a-token", EXPIRES_ON, errors="WARNING: long. " * 200_000)),
    Case(
        "hangs",
        lambda tool: tool.gives("canary", EXPIRES_ON, hangs=True),
        parameters={"process_timeout": 0.5, "tenant_id": TENANT},
    ),
    Case(
        "leaves a child that keeps its output open",
        lambda tool: tool.gives("a-token", EXPIRES_ON, leaves_child="in its session"),
        tools=("az",),
        parameters={"process_timeout": 4, "tenant_id": TENANT},
    ),
    Case("token has expired", lambda tool: tool.gives("a-token", 1_000_000_000)),
    Case("seconds as text", _prints({"accessToken": "a-token", "expires_on": str(EXPIRES_ON)}), tools=("az",)),
    Case("local time", _prints({"accessToken": "a-token", "expiresOn": _local_time()}), tools=("az",)),
    Case("no time", _prints({"accessToken": "canary", "token": "canary"})),
    Case("impossible time", _prints({"accessToken": "canary", "expires_on": "soon"}), tools=("az",)),
    Case("no seconds", _prints({"accessToken": "canary", "expires_on": None}), tools=("az",)),
    Case("no token", _prints({"expires_on": EXPIRES_ON, "expiresOn": "2100-01-01T00:00:00Z"})),
    Case("token is a number", _prints({"accessToken": 1, "expires_on": EXPIRES_ON}), tools=("az",)),
    Case("messages before the token", _prints(_console("Hello.") + json.dumps(_TOKEN_OF_AZD)), tools=("azd",)),
    Case("messages without a token", _prints(_console("Hello.")), tools=("azd",)),
    Case(
        "lines before the token",
        lambda tool: tool.gives("a-token", EXPIRES_ON, output="WARNING: Hello.\n"),
        tools=("pwsh",),
    ),
)
