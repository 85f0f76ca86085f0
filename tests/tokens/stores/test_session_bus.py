from __future__ import annotations

import socket
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("D-Bus is how Linux does it", allow_module_level=True)

from jeepney import MatchRule, message_bus

from azid.tokens.stores.session_bus import SessionBus
from tests.support.gnome_keyring import Bus

pytest_plugins = ["tests.support.keyrings"]

AT_ONCE = 0.05  # seconds
PATIENCE = 20.0  # seconds


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose name leaves room for a socket's: pytest's own are too deep."""
    with tempfile.TemporaryDirectory(prefix="azid-") as name:
        yield Path(name)


def test_calls_are_answered(bus: Bus) -> None:
    with SessionBus(bus.address, PATIENCE) as connection:
        assert connection.send_and_get_reply(message_bus.NameHasOwner(message_bus.bus_name)).body == (1,)


def test_waiting_for_what_does_not_come_ends(bus: Bus) -> None:
    with SessionBus(bus.address, PATIENCE) as connection:
        connection.extend(AT_ONCE)
        with connection.filter(MatchRule(member="NeverComes")) as signals, pytest.raises(TimeoutError):
            connection.recv_until_filtered(signals)


def test_a_shorter_wait_is_kept(bus: Bus) -> None:
    with SessionBus(bus.address, PATIENCE) as connection:
        connection.receive(timeout=PATIENCE)  # the bus tells the connection its own name first
        with pytest.raises(TimeoutError):
            connection.receive(timeout=AT_ONCE)


def test_a_bus_that_does_not_accept_is_given_up(short_folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_folder / "bus"))
        with pytest.raises(OSError, match="refused"):
            SessionBus(f"unix:path={short_folder}/bus", PATIENCE)


def test_a_bus_that_does_not_answer_is_given_up(short_folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_folder / "bus"))
        listener.listen()
        with pytest.raises(TimeoutError):
            SessionBus(f"unix:path={short_folder}/bus", AT_ONCE)


def test_a_bus_that_hangs_after_the_handshake_is_given_up(short_folder: Path) -> None:
    """Such as one that is being debugged, or swapped out: the first call is never answered."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_folder / "bus"))
        listener.listen()

        def accept() -> None:
            peer, _ = listener.accept()
            with peer:
                while b"BEGIN" not in (received := peer.recv(1000)) and received:
                    if b"AUTH" in received:
                        peer.sendall(b"OK 1234deadbeef\r\n")
                while peer.recv(1000):
                    pass

        with ThreadPoolExecutor() as executor:
            accepted = executor.submit(accept)
            with pytest.raises(TimeoutError):
                SessionBus(f"unix:path={short_folder}/bus", 5 * AT_ONCE)
            accepted.result(PATIENCE)
