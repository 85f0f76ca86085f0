"""A Redis server of the tests' own, on a socket in a folder of its own."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

__all__ = ["RedisServer", "redis_service"]

_PATIENCE = 30  # seconds until it has to be ready, or to have ended


class RedisServer:
    """A server that can be killed and started again. It stores every write before it answers.

    :param executable: the program.
    :param folder: where it keeps its data and its socket. Its path has to be short.
    """

    def __init__(self, executable: Path, folder: Path) -> None:
        self.socket = folder / "socket"
        self._command: list[str | Path] = [executable, "--port", "0", "--unixsocket", self.socket, "--dir", folder]
        self._command += ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._process = process
        overdue = threading.Timer(_PATIENCE, process.kill)
        overdue.start()
        assert process.stdout is not None
        told = ""
        try:
            for line in process.stdout:
                told += line
                if "ready to accept connections" in line:
                    return
        finally:
            overdue.cancel()
        pytest.fail(f"Redis ended before it was ready: {told}", pytrace=False)

    def kill(self) -> None:
        """Kill it (SIGKILL), if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    @contextmanager
    def client(self, **options: object) -> Iterator[Redis]:
        """Return a context with a client, which is closed when the block ends."""
        client = Redis(unix_socket_path=str(self.socket), **options)  # type: ignore[arg-type]
        try:
            yield client
        finally:
            client.close()


@contextmanager
def serve(executable: Path) -> Iterator[RedisServer]:
    """Run a server for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="azid-redis-") as folder:
        server = RedisServer(executable, Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def redis_service(redis_server: Path) -> Iterator[RedisServer]:
    """A server that several tests share: each uses a prefix of its own."""
    with serve(redis_server) as server:
        yield server


@pytest.fixture
def own_redis(redis_server: Path) -> Iterator[RedisServer]:
    """A server of this test's own, which it may kill."""
    with serve(redis_server) as server:
        yield server
