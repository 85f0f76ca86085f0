"""Azurite, Microsoft's emulator of Azure Storage: fixtures that run its blob service and sign in to it."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from azid.clock import ManualClock
from azid.emulator import Emulator, Person
from tests.conftest import ADA

__all__ = ["BlobService", "blob_service", "device_code_options", "entra_today"]

_LISTENING = re.compile(r"successfully listen\w* on (https://127\.0\.0\.1:\d+)")
_PATIENCE = 60  # seconds until it has to listen, or to have ended


@dataclass(frozen=True)
class BlobService:
    """Where the service is.

    :param account_url: of Azurite's one account.
    :param ca_file: a PEM file, for `connection_verify`.
    """

    account_url: str
    ca_file: Path


@pytest.fixture(scope="session")
def blob_service(
    node: Path, azurite: Path, ca: trustme.CA, ca_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BlobService]:
    """A blob service that takes access tokens only, keeps everything in memory, and ends with the tests."""
    folder = tmp_path_factory.mktemp("azurite")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    issued = ca.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(key))
    certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    command: list[str | Path] = [node, azurite, "--oauth", "basic", "--cert", certificate, "--key", key]
    command += ["--blobHost", "127.0.0.1", "--blobPort", "0"]
    command += ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--silent"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    overdue = threading.Timer(_PATIENCE, process.kill)
    overdue.start()
    assert process.stdout is not None
    try:
        with process.stdout as output:
            told = ""
            for line in output:
                told += line
                if listening := _LISTENING.search(line):
                    break
            else:
                pytest.fail(f"Azurite ended before it listened: {told}", pytrace=False)
            overdue.cancel()
            # Nobody needs what else it tells, but a full pipe would stop it.
            reader = threading.Thread(target=output.read, name="azurite-output", daemon=True)
            reader.start()
            yield BlobService(f"{listening[1]}/devstoreaccount1", ca_file)
            process.terminate()
            reader.join(_PATIENCE)
    finally:
        overdue.cancel()
        process.kill()
        process.wait()


@pytest.fixture
def entra_today() -> Iterator[Emulator]:
    """An authority where it is today, as Azurite goes by the machine's clock. Nobody waits for the next poll there."""
    with Emulator(users=[ADA], clock=ManualClock(start=time.time() - 60)) as entra:
        yield entra


@pytest.fixture
def device_code_options(entra_today: Emulator) -> dict[str, Any]:
    """Parameters of a device code credential, sync or async, that Ada signs in to there."""
    return {
        "authority": entra_today.authority,
        "disable_instance_discovery": True,
        "connection_verify": entra_today.ca_file,
        "prompt_callback": Person(ADA.username, ADA.password).enter_code,
        "clock": entra_today.clock,
    }
