"""Fixtures: a reader who tries the examples out, in a world with a person, a keyring and a Redis server in it."""

from __future__ import annotations

import base64
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import secretstorage
import trustme

from azid.emulator import DEFAULT_ISSUER, PIPELINES_ISSUER, Client, Emulator, Federation
from azid.tokens.stores.kernel_key import KernelKey
from tests.conftest import ADA
from tests.docs.blocks import Block
from tests.docs.runner import END
from tests.support.certificates import Issued, issue
from tests.support.gnome_keyring import Keyring
from tests.support.stand_ins import Blobs, ResourceManager
from tests.support.world import LOGIN, PATIENCE, Onlooker, World, make_world
from tools.parts import ROOT

OWN_APPLICATION = "11111111-2222-3333-4444-555555555555"
_SECRET = "an application's secret"
_CONNECTION = "c0ffee00-1234-4321-8765-0123456789ab"
_SERVICE_ACCOUNT, _PIPELINE = "system:serviceaccount:default:app", "sc://contoso/project/connection"


def own_application() -> Client:
    """An application of the reader's, which people sign in to, and which signs in as itself."""
    federations = (Federation(DEFAULT_ISSUER, _SERVICE_ACCOUNT), Federation(PIPELINES_ISSUER, _PIPELINE))
    return Client(OWN_APPLICATION, secrets=(_SECRET,), certificates=(certificate().pem,), federations=federations)


@functools.cache
def certificate() -> Issued:
    return issue("CN=app")


def make_workplace(entra: Emulator, folder: Path) -> dict[str, str]:
    """Make what the application finds where it runs: a certificate, a token file; return the variables."""
    (folder / "app.pem").write_text(certificate().key_pem + certificate().pem)
    (folder / "token").write_text(entra.federated_token(_SERVICE_ACCOUNT))
    pipeline = entra.pipelines_environ(_CONNECTION, _PIPELINE)
    pipeline["SYSTEM_OIDCREQUESTURI"] = pipeline["SYSTEM_OIDCREQUESTURI"].replace(entra.authority, f"https://{LOGIN}")
    return {
        "APP_SECRET": _SECRET,
        "AZURE_TENANT_ID": entra.tenant_id,
        "AZURE_CLIENT_ID": OWN_APPLICATION,
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / "token"),
        "SERVICE_CONNECTION": _CONNECTION,
        **pipeline,
        **entra.managed_identity_environ("app-service"),
    }


WORKPLACES = {"docs/applications.md", "docs/default.md"}
"""Pages about programs that sign in as themselves."""

__all__ = ["Reader", "home", "reader", "world"]

pytest_plugins = ["tests.support.keyrings", "tests.support.trust"]


class Reader:
    """Tries out what the pages show, as a reader would, in one process for all of them.

    :param world: what the programs meet.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._process = self._start()

    def run(self, block: Block, folder: Path) -> Onlooker:
        """Run a Python block as a program of its own; return the person who watched.

        :param folder: where it runs, and its home.
        :raises AssertionError: it raised, or did not end.
        """
        if self._process.poll() is not None:
            self._process = self._start()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        onlooker = Onlooker(self.world.entra)
        request = {
            "code": block.code,
            "file": block.page,
            "first_line": block.line,
            "folder": str(folder),
            "environment": {
                "HOME": str(folder),
                **(make_workplace(self.world.entra, folder) if block.page in WORKPLACES else {}),
            },
        }
        print(json.dumps(request), file=self._process.stdin, flush=True)
        overdue = threading.Timer(PATIENCE, self._process.kill)
        overdue.start()
        try:
            for line in self._process.stdout:
                if line.startswith(END):
                    outcome = json.loads(line.removeprefix(END))
                    assert not outcome, f"{block.place}\n{onlooker.said}\n{outcome}"
                    onlooker.finish()
                    return onlooker
                onlooker.read(line)
        finally:
            overdue.cancel()
        self.close()
        pytest.fail(f"{block.place}: the program ended its process, or did not end.\n{onlooker.said}", pytrace=False)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.docs.runner"],
            cwd=ROOT,
            env={**self.world.environment, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )


def free_port() -> int:
    """Return a port that was free just now, for programs that have to be told one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def world(
    ca: trustme.CA, shared_keyring: Keyring, redis_server: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with (
        Emulator(users=[ADA], clients=[own_application()], device_code_interval=1) as entra,
        tempfile.TemporaryDirectory(prefix="azid-") as short,  # a socket's path is short
    ):
        from tests.support.redis_server import RedisServer  # a plug-in: not to be imported before it is one

        redis = RedisServer(redis_server, Path(short))
        redis.start()
        services = {
            "management.azure.com": ResourceManager(entra).answer,
            "account.blob.core.windows.net": Blobs(entra).answer,
        }
        try:
            with make_world(entra, ca, tmp_path_factory.mktemp("home"), services) as world:
                world.environment.update(
                    BROWSER="echo %s",  # tells the person where to go, whatever a program does with its output
                    DBUS_SESSION_BUS_ADDRESS=shared_keyring.bus.address,
                    REDIS_URL=f"unix://{redis.socket}",
                    SIGN_IN_PORT=str(free_port()),
                    TEXTUAL_DRIVER="textual.drivers.headless_driver:HeadlessDriver",  # draws nothing
                    TOKEN_KEY=base64.b64encode(bytes(range(32))).decode(),
                )
                yield world
        finally:
            redis.kill()


@pytest.fixture(scope="session")
def reader(world: World) -> Iterator[Reader]:
    reader = Reader(world)
    yield reader
    reader.close()


@pytest.fixture
def home(shared_keyring: Keyring, tmp_path: Path) -> Iterator[Path]:
    """A home in which nobody has signed in: its keyring is empty."""
    with shared_keyring.bus.connect() as connection:
        for item in secretstorage.Collection(connection).get_all_items():
            item.delete()
    yield tmp_path
    for file in tmp_path.rglob("*.encrypted"):
        KernelKey(f"azid:{file}").delete()
