"""Programs that know nothing of the emulator: the environment that leads them to it, and away from real sign-ins."""

from __future__ import annotations

import os
import re
import shutil
import signal
import site
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

__all__ = [
    "ENDING_SIGNALS",
    "NODE_PRELOAD",
    "Terminated",
    "private_environment",
    "proxy_environment",
    "run",
    "signals_answered",
]

ENDING_SIGNALS: Final = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Those with which a program is told to end, besides Ctrl-C's."""

NODE_PRELOAD: Final = Path(__file__).with_name("node_proxy.cjs")
"""What brings a Node.js that knows no proxy to ours."""

_LOOPBACK: Final = "localhost,127.0.0.1,::1"

# Where real sign-ins, secrets and identities are found, and what would lead around the proxy.
_REAL: Final = re.compile(
    r"""AZURE_(AUTHORITY_HOST|CONFIG_DIR|USERNAME|PASSWORD|CLIENT_SECRET|CLIENT_CERTIFICATE_\w+|FEDERATED_TOKEN_FILE
        |POD_IDENTITY_AUTHORITY_HOST)
    | SYSTEM_(ACCESSTOKEN|OIDCREQUESTURI)
    | AZID_(CONFIG_DIR|STORAGE) | (IDENTITY|MSI|IMDS)_\w+ | XDG_(CONFIG|CACHE|DATA|STATE)_HOME | \w*_PROXY
    | (REQUESTS|CURL)_CA_BUNDLE | SSL_CERT_(FILE|DIR) | NODE_EXTRA_CA_CERTS | BROWSER""",
    re.IGNORECASE | re.VERBOSE,
)


def proxy_environment(proxy: str, ca_file: str) -> dict[str, str]:
    """Return the variables that lead programs of most languages through the proxy, and let them trust the emulator.

    :param proxy: the proxy's URL.
    :param ca_file: path of the CA's certificate.
    """
    preload = str(NODE_PRELOAD).replace("\\", "/")
    return {
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "NO_PROXY": _LOOPBACK,
        "REQUESTS_CA_BUNDLE": ca_file,
        "CURL_CA_BUNDLE": ca_file,
        "SSL_CERT_FILE": ca_file,
        "NODE_EXTRA_CA_CERTS": ca_file,
        "NODE_USE_ENV_PROXY": "1",
        "NODE_OPTIONS": f'--require="{preload}"' if " " in preload else f"--require={preload}",
    }


def private_environment(environ: Mapping[str, str], variables: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the environment of a program that is to meet the emulator and no real sign-in.

    Its home is private, so that it finds neither a token cache nor a keyring of the person's; secrets and identities
    that Azure's libraries read from variables are left out.

    :param environ: the environment to start from.
    :param variables: what leads to the emulator.
    :param home: an empty folder.
    """
    kept = {name: value for name, value in environ.items() if not _REAL.fullmatch(name)}
    private = {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home / "AppData" / "Roaming"),
        "LOCALAPPDATA": str(home / "AppData" / "Local"),
        # Not unset: programs would find the bus, and by it the keyring, in XDG_RUNTIME_DIR.
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={home / 'no-session-bus'}",
        # Packages that were installed with `pip install --user` stay.
        "PYTHONUSERBASE": environ.get("PYTHONUSERBASE") or site.getuserbase(),
    }
    leads = dict(variables)
    if own := environ.get("NODE_OPTIONS"):
        leads["NODE_OPTIONS"] = f"{own} {leads['NODE_OPTIONS']}"
    if os.name == "posix":  # many programs read these names in lower case first; Windows knows no difference
        leads |= {name.lower(): value for name, value in leads.items() if name.endswith("_PROXY")}
    return {**kept, **private, **leads}


class Terminated(KeyboardInterrupt):
    """This process was told to end, and this process alone; upon Ctrl-C the programs that it runs are, too."""


@contextmanager
def signals_answered(names: Iterable[str], answer: Callable[[], object]) -> Iterator[None]:
    """Answer signals otherwise while the block runs. In other threads than the main one none arrive.

    :param names: what the `signal` module calls them; those that the system has not are passed over.
    :param answer: what to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        answer()

    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program on this process's terminal until it ends; return its exit code.

    That is 128 and the signal's number where a signal ended it, as shells have it. Ctrl-C is the program's to answer:
    it may go on. The signals that end a program end it.

    :param command: the program and its arguments.
    :param environment: its environment variables.
    :raises OSError: it cannot be started.
    """
    executable = shutil.which(command[0], path=environment.get("PATH")) or command[0]
    # No exception comes out of a handler: one that came as the program ends would take its exit code away.
    with (
        signals_answered(["SIGINT"], lambda: None),
        subprocess.Popen([executable, *command[1:]], env=dict(environment)) as process,  # noqa: S603 - asked for
        signals_answered(ENDING_SIGNALS, process.terminate),
    ):
        code = process.wait()
    return code if code >= 0 else 128 - code
