"""Azure Arc's keys: files that only a privileged program can read, each for one request."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from azid.emulator import Emulator
from tests.emulator.managed_identity.program import (
    VAULT,
    VERSIONS,
    Program,
    key_file,
    kinds,
)


@kinds("azure-arc")
def test_a_key_is_for_one_request(program: Program) -> None:
    values = {"resource": VAULT, "api-version": VERSIONS["azure-arc"]}
    challenge = program.send(program.headers, values)
    assert challenge.status_code == 401
    path = key_file(challenge)
    assert (path.parent.name, path.suffix) == ("keys", ".key")
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    headers = {**program.headers, "Authorization": f"Basic {path.read_text()}"}
    assert program.send(headers, values).status_code == 200
    assert not path.exists()
    assert program.send(headers, values).status_code == 401


@kinds("azure-arc")
def test_keys_go_away_with_the_rest(program: Program, entra: Emulator) -> None:
    path = key_file(program.send(program.headers, {}))
    assert path.exists()
    entra.clear()
    assert not path.exists()


def test_a_folder_that_cannot_be_written_to_is_named(entra: Emulator, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    program = Program(entra, "azure-arc", tmp_path / "file")
    reply = program.send(program.headers, {})
    assert reply.status_code == 500
    assert "Name another folder as key_folder" in reply.text
