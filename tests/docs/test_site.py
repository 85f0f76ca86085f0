"""The site as it is built: nothing broken in it, nothing from elsewhere, a reference of exactly the public names."""

from __future__ import annotations

from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

import azid
import azid.aio
import azid.clock
import azid.emulator
import azid.tokens.store
from tools.docs import build, problems

PUBLIC_MODULES = (azid, azid.aio, azid.clock, azid.emulator, azid.tokens.store)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("docs") / "site"
    build(site)
    return site


def test_nothing_is_broken_or_from_elsewhere(site: Path) -> None:
    assert list(problems(site)) == []


def test_reference_has_the_public_names_and_no_others(site: Path) -> None:
    public = {
        f"{module.__name__}.{name}": getattr(module, name) for module in PUBLIC_MODULES for name in module.__all__
    }
    where_defined = {f"{thing.__module__}.{thing.__qualname__}" for thing in public.values() if isinstance(thing, type)}
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="").data
    kinds = ("py:class", "py:data", "py:exception", "py:function")
    found = {name for kind in kinds for name in inventory.get(kind, {})}
    assert found - (where_defined - public.keys()) == public.keys()
