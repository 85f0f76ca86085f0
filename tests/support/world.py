"""What programs meet that know only real host names: an authority, clouds, a keyring, and a person who reads along.

`HTTPS_PROXY` leads from the real names to the emulator and to stand-ins on this machine, and `REQUESTS_CA_BUNDLE` makes
them trusted. Nothing else tells the programs where they are.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from azid.emulator import Emulator, Person
from azid.emulator.exchange import Reply, Request
from azid.emulator.proxy import ConnectProxy
from tests.conftest import ADA
from tests.support.stand_ins import serve

__all__ = ["LOGIN", "PATIENCE", "Onlooker", "World", "make_world"]

LOGIN = "login.microsoftonline.com"
PATIENCE = 60  # seconds for one program

_SIGN_IN_PAGE = re.compile(r"^https?://(?:login\.|localhost:)\S+/oauth2/v2\.0/authorize\?\S+$", re.MULTILINE)
_DEVICE_CODE = re.compile(
    r"(http://localhost:\d+/\S*deviceauth)\b.*?\bcode:?\s+([A-Z0-9-]{8,})", re.DOTALL | re.IGNORECASE
)
_UNSET = re.compile(
    r"(?i)(AZID_|AZURE_|MSAL_|.*_PROXY$|CURL_CA_BUNDLE$|PYTHON(?!PATH$)|SSH_|DBUS_|XDG_|DISPLAY$|WAYLAND_)"
)


class Onlooker:
    """A person who reads a program's output as it comes, and signs in where it asks for that."""

    def __init__(self, entra: Emulator) -> None:
        self.said = ""
        """All that was read."""
        self.sign_ins = 0
        """How often the program asked."""
        self._person = Person(ADA.username, ADA.password, entra=entra)
        self._read = 0
        self._opened: set[str] = set()

    def read(self, line: str) -> None:
        """Read on."""
        self.said += line
        if page := _SIGN_IN_PAGE.search(self.said, self._read):
            self._read = page.end()
            if page[0] not in self._opened:
                self._opened.add(page[0])
                self.sign_ins += 1
                self._person.open(page[0])
        elif code := _DEVICE_CODE.search(self.said, self._read):
            self._read = code.end()
            self.sign_ins += 1
            self._person.enter_code(code[1], code[2])

    def finish(self) -> None:
        """Wait until the person has seen the last page.

        :raises AssertionError: a sign-in's pages were not as expected.
        """
        self._person.join()
        assert self._person.error is None


@dataclass(frozen=True)
class World:
    """An authority, the environment of programs that meet it, and the proxy that leads there."""

    entra: Emulator
    proxy: ConnectProxy
    environment: dict[str, str]

    def run(self, command: Sequence[str | Path], folder: Path, **environment: str) -> tuple[int, Onlooker]:
        """Run a program with a person who watches its output; return its exit code, and the person.

        :param folder: where it runs.
        :param environment: what it finds in its environment besides.
        """
        onlooker = Onlooker(self.entra)
        with subprocess.Popen(
            [*command],
            cwd=folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        ) as process:
            overdue = threading.Timer(PATIENCE, process.kill)
            overdue.start()
            assert process.stdout is not None
            for line in process.stdout:
                onlooker.read(line)
        overdue.cancel()
        onlooker.finish()
        return process.returncode, onlooker


@contextmanager
def make_world(
    entra: Emulator, ca: trustme.CA, home: Path, services: Mapping[str, Callable[[Request], Reply]]
) -> Iterator[World]:
    """Yield a world around an emulator that is started.

    :param ca: issues the certificates of services.
    :param home: the programs' home.
    :param services: what answers at each host name besides the authority's own.
    """
    with ExitStack() as stack:
        login = int(entra.authority.rpartition(":")[2])
        hosts = (LOGIN, "login.microsoftonline.us", "login.chinacloudapi.cn", "graph.microsoft.com")
        ports = {f"{host}:443": login for host in hosts}
        for name, answer in services.items():
            ports[f"{name}:443"] = stack.enter_context(serve(answer, ca, name))
        proxy = stack.enter_context(ConnectProxy(ports))
        bundle = home / "ca.pem"
        bundle.write_bytes(Path(entra.ca_file).read_bytes() + ca.cert_pem.bytes())
        yield World(
            entra,
            proxy,
            {
                **{name: value for name, value in os.environ.items() if not _UNSET.match(name)},
                "HTTPS_PROXY": proxy.url,
                "REQUESTS_CA_BUNDLE": str(bundle),
                "SSL_CERT_FILE": str(bundle),  # aiohttp's
                "HOME": str(home),
                "PYTHONUNBUFFERED": "1",  # the person reads along
                "BROWSER": f"{sys.executable} -c pass %s",  # opens nothing: the person goes where the output says
            },
        )
