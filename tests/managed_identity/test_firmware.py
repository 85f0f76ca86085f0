from __future__ import annotations

from pathlib import Path

import pytest

from azid.managed_identity.firmware import may_be_azure


@pytest.mark.parametrize(
    ("maker", "expected"),
    [("Microsoft Corporation\n", True), ("Amazon EC2\n", False), ("LENOVO\n", False), ("\n", False)],
)
def test_linux_tells_the_maker(maker: str, expected: bool, tmp_path: Path) -> None:
    file = tmp_path / "sys_vendor"
    file.write_text(maker)
    assert may_be_azure("linux", file) is expected


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [("6.8.0-1014-azure", True), ("5.15.153.1-microsoft-standard-WSL2", False), ("6.1.0-18-amd64", True)],
)
def test_without_a_maker_it_cannot_be_ruled_out_but_for_windows_own(
    kernel: str, expected: bool, tmp_path: Path
) -> None:
    assert may_be_azure("linux", tmp_path / "absent", kernel) is expected


def test_no_mac_is_azures() -> None:
    assert may_be_azure("darwin") is False


def test_this_machine_can_be_asked() -> None:
    assert may_be_azure() in (True, False)
