"""A certificate authority for the services that tests start."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

__all__ = ["ca", "ca_file"]


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """Issues the certificates of services on this machine."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with its certificate, for `connection_verify`."""
    path = tmp_path_factory.mktemp("trust") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path
