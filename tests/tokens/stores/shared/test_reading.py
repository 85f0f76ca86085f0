from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Hashable
from pathlib import Path

from azid.clock import ManualClock
from azid.tokens.stores.file import FileItem
from azid.tokens.stores.shared import SUFFIXES, SharedTokenStore
from tests.test_import import ONLY_FOR_A_SIGN_IN
from tests.tokens.stores.shared.conftest import LATER, put


class CountingItem(FileItem):
    """Counts how often it is loaded."""

    loads = 0

    def load(self) -> bytes | None:
        self.loads += 1
        return super().load()


def test_it_is_parsed_again_only_after_a_change(path: Path) -> None:
    clock = ManualClock(start=time.time() + LATER)
    items = {cae: CountingItem(path.with_suffix(suffix), clock) for cae, suffix in SUFFIXES.items()}
    store = SharedTokenStore(items, path.parent, "cache")
    put(store, "one")
    loads = items[False].loads
    assert store.read(cae=False) is store.read(cae=False)
    assert items[False].loads == loads + 1
    put(store, "two")
    assert store.read(cae=False) == {"Account": {"one": {}, "two": {}}}


def test_an_item_that_cannot_tell_its_version_is_loaded_each_time(path: Path) -> None:
    class NeverSure(FileItem):
        def version(self) -> Hashable | None:
            return None

    store = SharedTokenStore({cae: NeverSure(path) for cae in (False, True)}, path.parent, "cache")
    put(store, "one")
    assert store.read(cae=False) == {"Account": {"one": {}}}
    path.write_text('{"Account": {}}')
    assert store.read(cae=False) == {"Account": {}}


def test_others_writes_are_seen_at_once(store: SharedTokenStore, path: Path) -> None:
    put(store, "azid")
    for number in range(100):  # of the same size, in place, many within one tick of the file system's clock
        path.write_text(json.dumps({"Account": {f"{number:03}": {}}}))
        assert store.read(cae=False) == {"Account": {f"{number:03}": {}}}


def test_it_loads_nothing_that_only_a_sign_in_needs(store: SharedTokenStore) -> None:
    put(store, "one")
    program = "import pickle, sys\nprint(pickle.load(sys.stdin.buffer).read(cae=False))\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(store), capture_output=True, check=True, timeout=60
    )
    read, *loaded = done.stdout.decode().splitlines()
    assert read == "{'Account': {'one': {}}}"
    assert {*ONLY_FOR_A_SIGN_IN, "msal_extensions", "jeepney", "secretstorage"}.isdisjoint(loaded)


def test_reading_writes_nothing(store: SharedTokenStore, folder: Path) -> None:
    assert store.read(cae=False) == store.read(cae=True) == {}
    assert not folder.exists()
