"""Session buses of the tests' own, and GNOME Keyring on them."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import secretstorage
from jeepney import MatchRule, message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

__all__ = ["Bus", "Keyring", "start_bus", "start_keyring"]

SERVICE = "org.freedesktop.secrets"
PATIENCE = 20  # seconds

# Anybody may do anything, and no service is started by the bus.
BUS_CONFIGURATION = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@dataclass(frozen=True)
class Bus:
    """A session bus that nobody else is on.

    :param address: for `DBUS_SESSION_BUS_ADDRESS`.
    :param folder: a private one with a short name, for whoever needs a home.
    :param process: the bus's.
    """

    address: str
    folder: Path
    process: subprocess.Popen[str]

    def connect(self) -> DBusConnection:
        return open_dbus_connection(self.address)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it not answer while the block runs."""
        with _stopped(self.process):
            yield

    @property
    def environment(self) -> dict[str, str]:
        """For a process that is to meet this bus and no other."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "XDG_", "GNOME_"))}
        home = str(self.folder)
        return {**kept, "DBUS_SESSION_BUS_ADDRESS": self.address, "HOME": home, "XDG_RUNTIME_DIR": home}


@dataclass(frozen=True)
class Keyring:
    """GNOME Keyring on a bus, with an unlocked default keyring.

    :param bus: the bus.
    :param process: the daemon's.
    """

    bus: Bus
    process: subprocess.Popen[bytes]

    def lock(self) -> None:
        with self.bus.connect() as connection:
            secretstorage.Collection(connection).lock()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it not answer while the block runs."""
        with _stopped(self.process):
            yield


@contextmanager
def _stopped(process: subprocess.Popen[Any]) -> Iterator[None]:
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def start_bus() -> Iterator[Bus]:
    """Run a session bus while the block runs."""
    # A socket's path is short: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="azid-") as name:
        folder = Path(name)
        configuration = folder / "bus.conf"
        configuration.write_text(BUS_CONFIGURATION.format(folder=folder))
        command = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile", "--print-address"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            with process.stdout:
                address = process.stdout.readline().strip()
            assert address, "dbus-daemon ended before it listened"
            yield Bus(address, folder, process)
        finally:
            _end(process)


@contextmanager
def start_keyring(daemon: Path, bus: Bus) -> Iterator[Keyring]:
    """Run GNOME Keyring while the block runs."""
    command: list[str | Path] = [daemon, "--foreground", "--unlock", "--components=secrets"]
    with bus.connect() as connection:
        process = subprocess.Popen(
            command,
            env=bus.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert process.stdin is not None
            process.stdin.write(b"the keyring's password")
            process.stdin.close()
            _wait_for_service(connection)
            yield Keyring(bus, process)
        finally:
            _end(process)


def _wait_for_service(connection: DBusConnection) -> None:
    changed = MatchRule(
        type="signal", sender=message_bus.bus_name, interface=message_bus.interface, member="NameOwnerChanged"
    )
    changed.add_arg_condition(0, SERVICE)
    with connection.filter(changed) as signals:
        connection.send_and_get_reply(message_bus.AddMatch(changed), timeout=PATIENCE)
        if not connection.send_and_get_reply(message_bus.NameHasOwner(SERVICE), timeout=PATIENCE).body[0]:
            connection.recv_until_filtered(signals, timeout=PATIENCE)


def _end(process: subprocess.Popen[Any]) -> None:
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
