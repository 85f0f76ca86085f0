from __future__ import annotations

import socket
from typing import Any

from azid.doctor import Verdict
from azid.doctor.ports import check_ports


def resolving_to(*addresses: str) -> Any:
    def resolve(*_: object) -> list[tuple[Any, ...]]:
        if not addresses:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 0)) for address in addresses]

    return resolve


def test_a_port_is_opened_and_closed_again() -> None:
    found = [*check_ports()]
    assert [finding.verdict for finding in found] == [Verdict.OK, Verdict.OK]


def test_a_port_that_is_taken_is_a_problem() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        *_, finding = check_ports(port)
    assert finding.verdict is Verdict.PROBLEM
    assert str(port) in finding.found
    assert "azid choose" in finding.remedy


def test_localhost_that_leads_elsewhere_is_a_problem() -> None:
    finding, *_ = check_ports(resolve=resolving_to("127.0.0.1", "192.0.2.7"))
    assert finding.verdict is Verdict.PROBLEM
    assert "192.0.2.7" in finding.found


def test_localhost_that_leads_nowhere_is_a_problem() -> None:
    finding, *_ = check_ports(resolve=resolving_to())
    assert finding.verdict is Verdict.PROBLEM
    assert "hosts file" in finding.remedy
