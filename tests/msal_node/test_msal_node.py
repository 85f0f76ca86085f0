"""MSAL for Node.js, as npm has it, meets the emulator: unchanged behind the proxy, and pointed at it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from azid.emulator import Person
from tests.docs.blocks import blocks_of
from tests.support.emulator_command import PASSWORD, PATIENCE, attended, running

POINTED = Path(__file__).with_name("pointed.mjs")
ADA = "ada@contoso.example"


@pytest.fixture
def folder(msal_node: Path, tmp_path: Path) -> Path:
    """A folder whose programs can import MSAL."""
    (tmp_path / "node_modules").symlink_to(msal_node.parent.parent, target_is_directory=True)
    return tmp_path


def test_the_documented_program_signs_in_and_refreshes_unchanged(node: Path, folder: Path) -> None:
    [program] = [block.code for block in blocks_of("docs/emulator.md") if block.language == "javascript"]
    (folder / "app.mjs").write_text(program, encoding="utf-8")
    exit_code, said = attended([node, folder / "app.mjs"], ADA)
    assert exit_code == 0, said
    assert f"signed in: {ADA}" in said
    assert "refreshed: true" in said
    assert "POST login.microsoftonline.com/common/oauth2/v2.0/token  refresh_token" in said


def test_no_other_host_is_reached_by_https_or_by_fetch(node: Path, folder: Path) -> None:
    (folder / "app.mjs").write_text(
        """
        import https from "node:https";
        const asked = [
          fetch("https://example.com/").catch((error) => error.cause.message),
          new Promise((resolve) => https.get("https://example.org/").on("error", ({ message }) => resolve(message))),
          fetch("https://graph.microsoft.com/v1.0/me").then((reply) => reply.status),
          new Promise((resolve) => https.get("https://graph.microsoft.com/", ({ statusCode }) => resolve(statusCode))),
        ];
        console.log(JSON.stringify(await Promise.all(asked)));
        process.exit(3);
        """,
        encoding="utf-8",
    )
    exit_code, said = attended([node, folder / "app.mjs"], ADA)
    assert exit_code == 3, said
    [answers] = [json.loads(line) for line in said.splitlines() if line.startswith("[")]
    assert answers[2:] == [401, 200]
    assert all(isinstance(answer, str) for answer in answers[:2])
    assert "403 CONNECT example.com:443" in said
    assert "403 CONNECT example.org:443" in said


def test_it_can_be_pointed_at_the_emulator(node: Path, folder: Path) -> None:
    with running() as emulator:
        (folder / "app.mjs").write_text(POINTED.read_text(encoding="utf-8"), encoding="utf-8")
        with subprocess.Popen(
            [node, folder / "app.mjs", emulator.ready["authority"]],
            env={**os.environ, **emulator.ready["environment"]},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            uri, code = process.stdout.readline().split()
            Person(ADA, PASSWORD).enter_code(uri, code)
            said, _ = process.communicate(timeout=PATIENCE)
    assert json.loads(said) == {"username": ADA, "refreshed": True}
