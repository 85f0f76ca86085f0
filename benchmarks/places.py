"""Places where a program may run, as `DefaultAzureCredential` meets them. Nothing outside this machine is reached."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.authority import CannedAuthority
from benchmarks.sign_ins import CLIENT_ID, DAY, TENANT_ID

__all__ = ["TOOL_SECONDS", "Place", "places"]

TOOL_SECONDS = 0.5
"""How long the stand-in for `az` takes: about as long as the real one."""
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--fork", "--pid", "--kill-child")
# No address outside answers, and none is refused: packets to the far end of the wire are lost, as they are on a laptop
# for the metadata service's. A dummy device would do, but many kernels have none.
_NOBODY_ANSWERS = (
    "ip link set lo up && ip link add near type veth peer name far && ip link set near arp off && "
    "ip address add 192.0.2.2/24 dev near && ip link set near up && ip link set far up && "
    "ip route add default dev near"
)
# Another cloud has a metadata service at the same address, which knows nothing of the path.
_ANOTHER_CLOUD = "ip link set lo up && ip address add 169.254.169.254/32 dev lo"
_METADATA_SERVICE = """
import subprocess, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)
    def log_message(self, *args):
        pass

server = ThreadingHTTPServer(("169.254.169.254", 80), Handler)
Thread(target=server.serve_forever, daemon=True).start()
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


@dataclass(frozen=True)
class Place:
    """A place.

    :param name: what it is called.
    :param winner: the credential that has a token there.
    :param rounds: how often to measure there.
    :param environment: variables that programs have there.
    :param before: a program that runs another one there, with its arguments.
    """

    name: str
    winner: str
    rounds: int
    environment: Mapping[str, str]
    before: Sequence[str] = field(default=())


@contextmanager
def places(authority: CannedAuthority) -> Iterator[list[Place]]:
    """Return a context in which those places are there that can be had on this machine.

    :param authority: gives tokens to applications and machines.
    """
    with tempfile.TemporaryDirectory(prefix="azid-benchmarks-") as folder:
        home, tools, token_file = (Path(folder, name) for name in ("home", "tools", "federated-token"))
        home.mkdir()
        tools.mkdir()
        token_file.write_text("made-up-assertion", encoding="utf-8")
        _write_azure_cli(tools / "az")
        basics = {"HOME": str(home)}
        signed_in = {**basics, "PATH": f"{tools}:/usr/bin:/bin"}
        application = {**basics, **authority.environment, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_TENANT_ID": TENANT_ID}
        found = [
            Place(
                "environment variables with a secret",
                "EnvironmentCredential",
                10,
                {**application, "AZURE_CLIENT_SECRET": "made-up-secret"},
            ),
            Place(
                "a pod with a workload identity",
                "WorkloadIdentityCredential",
                10,
                {**application, "AZURE_FEDERATED_TOKEN_FILE": str(token_file)},
            ),
            Place("App Service", "ManagedIdentityCredential", 10, {**basics, **authority.machine_environment}),
        ]
        if _can_be_apart():
            found += [
                Place("a laptop, signed in with az", "AzureCliCredential", 10, signed_in, _apart(_NOBODY_ANSWERS)),
                Place(
                    "another cloud's machine, signed in with az",
                    "AzureCliCredential",
                    3,
                    signed_in,
                    (*_apart(_ANOTHER_CLOUD), sys.executable, "-c", _METADATA_SERVICE),
                ),
            ]
        yield found


def _write_azure_cli(path: Path) -> None:
    """Write a stand-in that prints what `az account get-access-token` prints (Azure documentation of the command)."""
    expires_on = int(time.time()) + DAY
    printed = json.dumps(
        {
            "accessToken": "access-token-".ljust(1_500, "a"),
            "expiresOn": time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(expires_on)),
            "expires_on": expires_on,
            "subscription": CLIENT_ID,
            "tenant": TENANT_ID,
            "tokenType": "Bearer",
        }
    )
    path.write_text(f"#!/bin/sh\nsleep {TOOL_SECONDS}\ncat <<'end'\n{printed}\nend\n", encoding="utf-8")
    path.chmod(0o755)


def _apart(setup: str) -> tuple[str, ...]:
    """Return a program that runs another one in a network of its own."""
    return (*_NAMESPACE, "sh", "-c", f'{setup} && exec "$@"', "sh")


def _can_be_apart() -> bool:
    try:
        return all(
            subprocess.run((*_apart(setup), "true"), check=False, capture_output=True).returncode == 0
            for setup in (_NOBODY_ANSWERS, _ANOTHER_CLOUD)
        )
    except OSError:
        return False
