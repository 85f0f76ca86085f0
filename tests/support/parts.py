"""Fixtures that give the real programs that tests run azid against.

A test that names one is skipped where it is missing, and the skip says how to get it. With `AZID_REQUIRE_ALL=1`, which
continuous integration sets, a missing part is a failure, so that no gap hides behind a skip.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools.parts import (
    AXE,
    AZURE_IDENTITY,
    AZURITE,
    CHROMIUM,
    FISH,
    GNOME_KEYRING,
    KUBECTL,
    LIBSECRET,
    MSAL_NODE,
    NODE,
    OIDC_PROVIDER,
    REDIS_SERVER,
    ZSH,
    Part,
)

__all__ = [
    "axe",
    "azure_identity",
    "azurite",
    "chromium",
    "fish",
    "gnome_keyring",
    "kubectl",
    "libsecret",
    "msal_node",
    "node",
    "oidc_provider",
    "redis_server",
    "require",
    "zsh",
]


def require(part: Part) -> Path:
    """Return where `part` is; else skip the test, or fail it if everything must be present."""
    place = part.locate()
    if place is not None:
        return place
    message = f"{part.name} is missing: {part.remedy} (or set {part.variable})"
    if os.environ.get("AZID_REQUIRE_ALL") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The executable of Chromium, Chrome or Edge."""
    return require(CHROMIUM)


@pytest.fixture(scope="session")
def node() -> Path:
    """The executable of Node.js."""
    return require(NODE)


@pytest.fixture(scope="session")
def azurite(node: Path) -> Path:
    """The script of Azurite's blob service: run it with `node`, whose process is then the service itself."""
    return require(AZURITE)


@pytest.fixture(scope="session")
def oidc_provider(node: Path) -> Path:
    """The folder of the npm package oidc-provider. An ES module beside `node_modules` or a file URL can import it."""
    return require(OIDC_PROVIDER)


@pytest.fixture(scope="session")
def msal_node(node: Path) -> Path:
    """The folder of the npm package @azure/msal-node. Programs below the folder of its `node_modules` import it."""
    return require(MSAL_NODE)


@pytest.fixture(scope="session")
def azure_identity() -> Path:
    """The Python of an environment that holds Microsoft's azure-identity. Leave it as it is: copy it to change it."""
    return require(AZURE_IDENTITY)


@pytest.fixture(scope="session")
def gnome_keyring() -> Path:
    """The executable of GNOME Keyring's daemon. `dbus-daemon` is there, too."""
    return require(GNOME_KEYRING)


@pytest.fixture(scope="session")
def libsecret() -> Path:
    """The Python of an environment that holds Microsoft's azure-identity and can load libsecret. Leave it as it is."""
    return require(LIBSECRET)


@pytest.fixture(scope="session")
def redis_server() -> Path:
    """The executable of Redis' server."""
    if sys.platform == "win32":
        pytest.skip("Redis does not run on Windows")
    return require(REDIS_SERVER)


@pytest.fixture(scope="session")
def axe() -> Path:
    """The script of axe-core, which finds what keeps people from using a page."""
    return require(AXE)


@pytest.fixture(scope="session")
def zsh() -> Path:
    """The executable of zsh."""
    return require(ZSH)


@pytest.fixture(scope="session")
def fish() -> Path:
    """The executable of fish."""
    return require(FISH)


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """The executable of kubectl."""
    return require(KUBECTL)
