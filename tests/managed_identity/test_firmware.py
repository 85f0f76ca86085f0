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


def test_a_machine_without_such_a_file_is_none_of_azures(tmp_path: Path) -> None:
    assert may_be_azure("linux", tmp_path / "absent") is False


def test_one_that_may_not_be_asked_may_be(tmp_path: Path) -> None:
    assert may_be_azure("linux", tmp_path) is True  # a folder cannot be read


def test_no_mac_is_azures() -> None:
    assert may_be_azure("darwin") is False


def test_this_machine_can_be_asked() -> None:
    assert may_be_azure() in (True, False)
