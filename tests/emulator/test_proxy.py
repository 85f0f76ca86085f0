"""The proxy: to the emulator at its real names, and nowhere else; nobody waits for anybody."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from azid.emulator import Emulator
from azid.emulator.proxy import PROXIED_HOSTS, ConnectProxy
from tests.conftest import ADA
from tests.support.ports import free_ports

PATIENCE = 10


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    with Emulator([ADA]) as entra:
        yield entra


@pytest.fixture
def proxy(entra: Emulator) -> Iterator[ConnectProxy]:
    port = urlsplit(entra.authority).port
    assert port is not None
    with ConnectProxy({f"{host}:443": port for host in PROXIED_HOSTS}) as proxy:
        yield proxy


@pytest.fixture
def session(entra: Emulator, proxy: ConnectProxy) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = entra.ca_file
        session.proxies = {"https": proxy.url, "http": proxy.url}
        yield session


def connect(proxy: ConnectProxy) -> socket.socket:
    parts = urlsplit(proxy.url)
    return socket.create_connection((str(parts.hostname), parts.port), PATIENCE)


@pytest.mark.parametrize("host", PROXIED_HOSTS)
def test_the_emulator_is_at_every_well_known_host(session: requests.Session, host: str) -> None:
    keys = session.get(f"https://{host}/common/discovery/v2.0/keys", timeout=PATIENCE).json()
    assert keys["keys"]


def test_no_other_host_is_reached(session: requests.Session, proxy: ConnectProxy) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        session.get("https://example.com/", timeout=PATIENCE)
    assert proxy.refused == ["CONNECT example.com:443"]


def test_nor_another_port_of_a_known_one(session: requests.Session, proxy: ConnectProxy) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        session.get("https://login.microsoftonline.com:8443/", timeout=PATIENCE)


def test_a_plain_request_is_told_why_it_is_refused_and_its_query_is_not_kept(
    session: requests.Session, proxy: ConnectProxy
) -> None:
    reply = session.get("http://example.com/path?code=secret", timeout=PATIENCE)
    assert reply.status_code == 403
    assert "login.microsoftonline.com:443" in reply.text
    assert "forwards nothing else" in reply.text
    assert proxy.refused == ["GET http://example.com"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"GET http://ada:s3cret@example.com/ HTTP/1.1", "GET http://example.com"),
        (b"GET http://example.com?code=s3cret HTTP/1.1", "GET http://example.com"),
        (b"GET /callback?code=s3cret HTTP/1.1", "GET"),
        (b"CONNECT ada:s3cret@example.com:443 HTTP/1.1", "CONNECT example.com:443"),
        (b"CONNECT [s3cret HTTP/1.1", "CONNECT"),
        (b"code=s3cret", "something that is no request to a proxy"),
    ],
)
def test_what_is_told_of_a_request_holds_no_secret(proxy: ConnectProxy, line: bytes, told: str) -> None:
    with connect(proxy) as connection:
        connection.sendall(line + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 403 ")
    assert proxy.refused == [told]


def test_a_head_that_ended_early_opens_nothing(proxy: ConnectProxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\nHost:")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_nor_does_one_that_is_too_long(proxy: ConnectProxy) -> None:
    head = b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\n"
    with connect(proxy) as connection:
        connection.sendall(head + b"X" * (65536 - len(head)))
        assert connection.recv(100).startswith(b"HTTP/1.1 431 ")


def test_what_comes_with_the_head_is_passed_on(entra: Emulator, proxy: ConnectProxy) -> None:
    """Some clients send the TLS ClientHello without waiting for the proxy's answer."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context(cafile=entra.ca_file).wrap_bio(
        incoming, outgoing, server_hostname="login.microsoftonline.com"
    )
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    answer = b"HTTP/1.1 200 Connection established\r\n\r\n"
    with connect(proxy) as connection:
        connection.sendall(b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\n\r\n" + outgoing.read())
        with connection.makefile("rb") as replies:
            assert replies.read(len(answer)) == answer
            assert replies.read(1) == b"\x16", "a TLS handshake record"


def test_who_refused_is_told_at_once(entra: Emulator) -> None:
    told: list[str] = []
    with ConnectProxy({}, on_refused=told.append) as proxy, connect(proxy) as connection:
        connection.sendall(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 403 ")
    assert told == ["CONNECT example.com:443"]


@pytest.mark.parametrize("sent", [b"", b"CONN", b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\n\r\n"])
def test_silent_connections_keep_nobody_waiting(session: requests.Session, proxy: ConnectProxy, sent: bytes) -> None:
    idle = [connect(proxy) for _ in range(20)]
    try:
        for connection in idle:
            connection.sendall(sent)
        assert session.get("https://login.microsoftonline.com/", timeout=PATIENCE).status_code == 200
    finally:
        for connection in idle:
            connection.close()


def test_stopping_ends_every_tunnel_and_thread(entra: Emulator) -> None:
    before = set(threading.enumerate())
    port = urlsplit(entra.authority).port
    assert port is not None
    proxy = ConnectProxy({"login.microsoftonline.com:443": port})
    silent, tunnel = connect(proxy), connect(proxy)
    tunnel.sendall(b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\n\r\n")
    assert tunnel.recv(100).startswith(b"HTTP/1.1 200 ")
    proxy.stop()
    assert {
        thread for thread in set(threading.enumerate()) - before if thread.name != "azid-emulator-connection"
    } == set()
    for connection in (silent, tunnel):
        assert connection.recv(1) == b""
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)


def test_a_port_that_was_asked_for_is_used_again_at_once() -> None:
    port = free_ports(1)
    for _ in range(2):
        with ConnectProxy({}, port=port) as proxy, connect(proxy):
            assert proxy.url == f"http://127.0.0.1:{port}"
            with pytest.raises(OSError, match="in use"):
                ConnectProxy({}, port=port)
