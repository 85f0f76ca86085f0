from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from azid.redirect import ListenerUnavailable
from azid.redirect.loopback import listen_on_loopback

Listen = Callable[..., list[socket.socket]]


@pytest.fixture
def listen() -> Iterator[Listen]:
    with contextlib.ExitStack() as opened:

        def listen(host: str, port: int | None = None) -> list[socket.socket]:
            return [opened.enter_context(listener) for listener in listen_on_loopback(host, port)]

        yield listen


@pytest.fixture
def free_port() -> int:
    listeners = listen_on_loopback("localhost")
    port = port_of(listeners)
    for listener in listeners:
        listener.close()
    return port


def port_of(listeners: list[socket.socket]) -> int:
    ports = {listener.getsockname()[1] for listener in listeners}
    assert len(ports) == 1
    return int(ports.pop())


def test_localhost_is_listened_on_in_both_families_on_one_port(listen: Listen, ipv6_loopback: str) -> None:
    listeners = listen("localhost")
    port = port_of(listeners)
    assert [listener.getsockname()[0] for listener in listeners] == ["127.0.0.1", ipv6_loopback]
    for address in ("127.0.0.1", ipv6_loopback):
        socket.create_connection((address, port), timeout=10).close()


def test_an_address_is_listened_on_alone(listen: Listen) -> None:
    assert [listener.getsockname()[0] for listener in listen("127.0.0.1")] == ["127.0.0.1"]


def test_the_ipv6_address_is_listened_on_alone(listen: Listen, ipv6_loopback: str) -> None:
    assert [listener.getsockname()[0] for listener in listen("::1")] == [ipv6_loopback]


def test_the_named_port_is_used(listen: Listen, free_port: int) -> None:
    assert port_of(listen("localhost", free_port)) == free_port


def test_a_named_port_that_is_taken_is_refused_with_the_way_out(listen: Listen, free_port: int) -> None:
    listen("127.0.0.1", free_port)
    with pytest.raises(ListenerUnavailable, match=rf"Port {free_port} .* is taken .* another redirect_uri"):
        listen("localhost", free_port)


def test_a_named_port_that_is_taken_in_the_other_family_only_is_refused_and_let_go(
    listen: Listen, free_port: int, ipv6_loopback: str
) -> None:
    listen(ipv6_loopback, free_port)
    with pytest.raises(ListenerUnavailable, match="is taken"):
        listen("localhost", free_port)
    assert port_of(listen("127.0.0.1", free_port)) == free_port


@pytest.mark.skipif(sys.platform == "win32", reason="Windows prefers the loopback address's own listener")
def test_a_listener_on_all_addresses_counts_as_taken(listen: Listen) -> None:
    with socket.create_server(("0.0.0.0", 0)) as other, pytest.raises(ListenerUnavailable, match="is taken"):
        listen("localhost", other.getsockname()[1])


def test_connections_of_an_earlier_sign_in_do_not_keep_the_port(listen: Listen, free_port: int) -> None:
    (listener,) = listen_on_loopback("127.0.0.1", free_port)
    with listener, socket.create_connection(("127.0.0.1", free_port), timeout=10) as client:
        listener.setblocking(True)
        accepted, _ = listener.accept()
        accepted.close()  # first, so that this end is left in TIME_WAIT
        assert client.recv(1) == b""
    assert port_of(listen("127.0.0.1", free_port)) == free_port


def test_sockets_are_not_inherited_by_other_programs(listen: Listen) -> None:
    assert not any(listener.get_inheritable() for listener in listen("localhost"))


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody in particular for a while, even where the tests are root's."""
    if sys.platform == "win32" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no privileged ports")
def test_a_port_that_this_user_may_not_open_is_refused_with_the_way_out(listen: Listen) -> None:
    with without_privileges():
        try:
            socket.create_server(("127.0.0.1", 1)).close()
        except PermissionError:
            with pytest.raises(ListenerUnavailable, match="may not be opened by this program"):
                listen("localhost", 1)
        else:
            pytest.skip("every user may open every port here")
